"""Reads sources and records every web response as it arrives, so that a killed run can be resumed.

A run with the same sources and settings as an interrupted one resumes it: requests that were already answered are not
sent again.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path

from agent.errors import SeptetError, SourceError, UnavailableError
from agent.intake.crawl.answer_log import Cache, Log, Logged, Unfinished
from agent.intake.crawl.browser import Rendering
from agent.intake.crawl.guard import Guard, Resolver
from agent.intake.crawl.network import open_network
from agent.intake.reader import IntakeResult, read_inputs
from agent.intake.recording import OF_THE_LLM, OF_THIS_MACHINE, Recorded, record
from agent.intake.snapshots import digest
from agent.intake.sources import Input, open_sources
from agent.settings import Settings

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Remembered:
    """The result of reading the sources, and a recording from which it can be reproduced."""

    result: IntakeResult
    recorded: Recorded
    unfinished: Unfinished | None = None
    """Log of the crawl, if one is kept; the caller must call its `finish` after storing the result."""


def read_remembered(
    sources: Sequence[str],
    settings: Settings,
    *,
    allow_private: Sequence[str] = (),
    notes: Sequence[str] = (),
    product: str | None = None,
    progress: Progress | None = None,
    now: str,
    resolve: Resolver | None = None,
) -> Remembered:
    """Read the sources of one product and record the run.

    `allow_private` names hosts (`HOST[:PORT]`) that may have private addresses, `notes` are the analyst's notes, `now`
    is the time to put in the records (UTC, ISO 8601 with `Z`). `resolve` replaces the system's host name lookup.

    If `settings.cache_dir` is set, each response is logged there until the caller has stored the result. A run that is
    killed or ends with UnavailableError leaves its log for the next run; after any other SeptetError the log is
    deleted. Raises the same errors as `read_inputs` and `open_sources`.
    """
    inputs = open_sources(sources, settings)
    crawls = settings.cache_dir and any(isinstance(found, str) for found in inputs)
    cache = Cache(Path(settings.cache_dir), settings.cache_max_bytes) if crawls else None
    unfinished = cache.crawl(_key(inputs, settings, allow_private, product), now) if cache else None
    with ExitStack() as left:
        if unfinished:
            left.callback(unfinished.close)
        try:
            with open_network(settings, allow_private, resolve=resolve, kept=cache) as (guard, network):
                web = Logged(
                    Rendering(network, settings, progress) if settings.browser == "on" else network,
                    unfinished.known if unfinished else None,
                    sink=unfinished.add if unfinished else None,
                    max_bytes=settings.max_total_bytes,
                )
                result = read_inputs(
                    inputs, web, settings, guard=guard, notes=notes, product=product, progress=progress, now=now
                )
        except UnavailableError:
            raise
        except SeptetError:
            if unfinished:
                unfinished.finish()
            raise
        left.pop_all()
    if cache:
        cache.prune()
    recorded = record(
        inputs, web.heard, settings, now=now, notes=notes, product=product, allow_private=allow_private
    )  # fmt: skip
    return Remembered(result, recorded, unfinished)


def read_recorded(recorded: Recorded, settings: Settings, *, progress: Progress | None = None) -> Remembered:
    """Repeat a recorded run offline; `settings` must be those of the recording.

    With the same version of the package, the result is the same. Raises the same errors as `read_inputs`, and
    SourceError when the recording has no response for the address of a source.
    """
    own = recorded.recording
    result = read_inputs(
        recorded.inputs(),
        Logged(None, Log(list(own.entries), dict(recorded.bodies))),
        settings,
        guard=Guard(own.allow_private, _no_look_up),
        notes=own.notes,
        product=own.product,
        progress=progress,
        now=own.now,
    )
    return Remembered(result, recorded)


def _no_look_up(host: str, _: int) -> Sequence[str]:
    raise SourceError("a repeated run does not resolve host names", where=host)


def _key(inputs: Sequence[Input], settings: Settings, allow_private: Sequence[str], product: str | None) -> str:
    """Return the cache key of a crawl: a hash of its start addresses and of everything else that affects it."""
    addresses = [found for found in inputs if isinstance(found, str)]
    idle = OF_THIS_MACHINE | OF_THE_LLM
    steering = {f.name: getattr(settings, f.name) for f in fields(Settings) if f.name not in idle}
    return digest(json.dumps([addresses, steering, sorted(allow_private), product], sort_keys=True).encode())
