"""Reading sources so that nothing is lost: what the web answers is kept while it arrives, and recorded as a whole.

An interrupted run of the same sources and settings is gone on with: what it was answered is not asked for again.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from agent.errors import SeptetError, SourceError, UnavailableError
from agent.intake.net.answer import Fetched, Web
from agent.intake.net.cache import Cache, Unfinished
from agent.intake.net.log import Logged
from agent.intake.net.netguard import Guard, Resolver
from agent.intake.net.network import open_network
from agent.intake.pages.extract import read_page, sniff
from agent.intake.reader import IntakeResult, read_inputs
from agent.intake.replay import OF_THIS_MACHINE, Recorded, record
from agent.intake.snapshot import digest
from agent.intake.sources import Input, open_sources
from agent.settings import Settings

Progress = Callable[[str], None]
NEAR_EMPTY_WORDS: Final = 30
"""Words up to which a page with scripts is taken to get its text from them."""


@dataclass(frozen=True)
class Remembered:
    """What was read, and the recording from which it can be read again."""

    result: IntakeResult
    recorded: Recorded
    unfinished: Unfinished | None = None
    """The log of the crawl: whoever keeps the result elsewhere calls its `finish` afterwards."""


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
    """Read the sources as `agent.intake.read` does, and record it.

    With `settings.cache_dir`, each answer is kept there until the caller has what came of it; a run that ends in
    UnavailableError or is killed leaves its answers to the next one, any other error is final. Raises what `read`
    raises.
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
                    _rendering(network, settings),
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
    """Read again what was recorded, offline; `settings` are those of the recording.

    The same version of the package gives the same result. Raises what `read` raises, SourceError when an address is
    asked for that was never answered.
    """
    own = recorded.recording
    result = read_inputs(
        recorded.inputs(),
        Logged(None, recorded.log()),
        settings,
        guard=Guard(own.allow_private, _no_look_up),
        notes=own.notes,
        product=own.product,
        progress=progress,
        now=own.now,
    )
    return Remembered(result, recorded)


def _rendering(network: Web, settings: Settings) -> Web:
    """The network, with a browser before it when the settings ask for one; what it renders is what is recorded."""
    if settings.browser != "on":
        return network
    from agent.intake.net.browser import Rendering

    return Rendering(network, settings, lambda answer: _needs_javascript(answer, settings))


def _needs_javascript(answer: Fetched, settings: Settings) -> bool:
    """Whether a page has next to no text and says that scripts would make it."""
    try:
        kind = sniff(answer.body, answer.media_type, answer.url)
        page = read_page(answer.body, kind, answer.charset, answer.url, settings) if kind == "html" else None
    except SourceError:
        return False
    if page is None or not (page.scripts or page.wall == "script"):
        return False
    return sum(len(block.text.split()) for block in page.blocks) < NEAR_EMPTY_WORDS


def _no_look_up(host: str, _: int) -> Sequence[str]:
    raise SourceError("a repeated run looks nothing up", where=host)


def _key(inputs: Sequence[Input], settings: Settings, allow_private: Sequence[str], product: str | None) -> str:
    """Under which an interrupted crawl is found again: what was asked for, and everything that steers the crawl."""
    addresses = [found for found in inputs if isinstance(found, str)]
    steering = {f.name: getattr(settings, f.name) for f in fields(Settings) if f.name not in OF_THIS_MACHINE}
    return digest(json.dumps([addresses, steering, sorted(allow_private), product], sort_keys=True).encode())
