"""Drafts of real listings: made now, without or with an LLM (asked or recorded), or read from a folder."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from agent.errors import DriftError, SeptetError, UsageError
from agent.pipeline import DraftResult, draft
from agent.records import Draft
from agent.settings import Settings
from agent.verbs.drafter import Choice
from agent.verbs.opening import open_assistant
from evals.real.readings import listing_of
from evals.run import FAULTS, named_error

NOW: Final = "2026-11-28T00:00:00Z"
JSON: Final = "draft.json"
MARKDOWN: Final = "draft.md"
Maker = Callable[[str], Draft]
"""From a product's slug to its draft."""


class Made(NamedTuple):
    """A draft, or why there is none."""

    draft: Draft | None
    error: str | None


def embedded(texts: Path, out: Path | None = None, settings: Settings | None = None) -> Maker:
    """Drafts without an LLM, from the listing alone; kept in `out` as <slug>/draft.json and draft.md."""

    def make(slug: str) -> Draft:
        source = str(listing_of(texts, slug))
        return _kept(draft([source], settings=settings or Settings(), now=NOW), out, slug)

    return make


def replayed(texts: Path, answers: Path, out: Path | None = None, settings: Settings | None = None) -> Maker:
    """Drafts with an LLM whose answers are in answers/<slug>. Raises DriftError when they do not fit."""

    def make(slug: str) -> Draft:
        place = answers / slug
        if not place.is_dir():
            raise DriftError("there are no recorded answers", where=str(place), hint="record them with --live")
        return _with_llm(texts, slug, Choice(replay=place), {}, out, settings)

    return make


def asked(
    texts: Path,
    llm: str,
    answers: Path,
    environ: Mapping[str, str],
    out: Path | None = None,
    settings: Settings | None = None,
) -> Maker:
    """Drafts with the LLM `llm` (PROFILE/NAME), its answers recorded in answers/<slug>."""
    if not llm:
        raise UsageError("a live run needs an LLM", hint="name it with --llm PROFILE/NAME")

    def make(slug: str) -> Draft:
        return _with_llm(texts, slug, Choice(llm=llm, record=answers / slug), environ, out, settings)

    return make


def stored(folder: Path) -> Maker:
    """Drafts that are there already, as folder/<slug>/draft.json."""
    from agent.export.draft_json import load

    return lambda slug: load(folder / slug / JSON)


def tried(make: Maker, slug: str) -> Made:
    """A draft, or in one line why there is none. Raises DriftError, which is no fault of one product."""
    try:
        return Made(make(slug), None)
    except DriftError:
        raise
    except (SeptetError, *FAULTS) as error:
        return Made(None, named_error(error))


def _with_llm(
    texts: Path, slug: str, choice: Choice, environ: Mapping[str, str], out: Path | None, settings: Settings | None
) -> Draft:
    used = settings or Settings()
    source = str(listing_of(texts, slug))
    with open_assistant(choice, used, environ, now=NOW) as opened:
        return _kept(draft([source], settings=used, now=NOW, assistant=opened.assistant), out, slug)


def _kept(made: DraftResult, out: Path | None, slug: str) -> Draft:
    if out is not None:
        (out / slug).mkdir(parents=True, exist_ok=True)
        (out / slug / JSON).write_text(made.json, "utf-8")
        (out / slug / MARKDOWN).write_text(made.markdown, "utf-8")
    return made.draft
