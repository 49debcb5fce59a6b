"""Get drafts of real listings: drafted now, with or without an LLM (live or recorded), or loaded from a folder."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from agent.cli.llm_session import Choice, open_assistant
from agent.errors import DriftError, LlmError, SeptetError, UsageError
from agent.pipeline import DraftResult, draft
from agent.records import Document, Draft
from agent.settings import Settings
from evals.real.readings import listing_of
from evals.runs.runner import FAULTS, named_error

NOW: Final = "2026-11-28T00:00:00Z"
JSON: Final = "draft.json"
MARKDOWN: Final = "draft.md"
Maker = Callable[[str], Draft]
"""Function from a product's slug to the draft of its listing alone."""
Drafter = Callable[[str, Sequence[Path]], DraftResult]
"""Function from a product's slug and files to a draft of these files with its documents and blobs."""


class Made(NamedTuple):
    """A draft, or the reason why drafting failed."""

    draft: Draft | None
    error: str | None


def embedded(settings: Settings | None = None) -> Drafter:
    """Return a drafter without an LLM."""
    return lambda slug, files: draft([str(file) for file in files], settings=settings or Settings(), now=NOW)


def replayed(answers: Path, settings: Settings | None = None) -> Drafter:
    """Return a drafter that replays an LLM's answers from answers/<slug>. Raises DriftError when they do not match."""

    def make(slug: str, files: Sequence[Path]) -> DraftResult:
        place = answers / slug
        if not place.is_dir():
            raise DriftError("there are no recorded answers", where=str(place), hint="record them with --record")
        return _with_llm(files, Choice(replay=place), {}, settings)

    return make


def asked(llm: str, answers: Path, environ: Mapping[str, str], settings: Settings | None = None) -> Drafter:
    """Return a drafter that calls the LLM `llm` (PROFILE/NAME) and records its answers in answers/<slug>."""
    if not llm:
        raise UsageError("a live run needs an LLM", hint="name it with --llm PROFILE/NAME")
    return lambda slug, files: _with_llm(files, Choice(llm=llm, record=answers / slug), environ, settings)


def of_listings(texts: Path, drafter: Drafter, out: Path | None = None) -> Maker:
    """Return a maker that drafts from the listing alone; with `out`, it writes out/<slug>/draft.json and draft.md."""

    def make(slug: str) -> Draft:
        made = drafter(slug, [listing_of(texts, slug)])
        if out is not None:
            (out / slug).mkdir(parents=True, exist_ok=True)
            (out / slug / JSON).write_text(made.json, "utf-8")
            (out / slug / MARKDOWN).write_text(made.markdown, "utf-8")
        return made.draft

    return make


def stored(folder: Path) -> Maker:
    """Return a maker that loads existing drafts from folder/<slug>/draft.json."""
    from agent.report.draft_json import load

    return lambda slug: load(folder / slug / JSON)


class DraftWithTexts(NamedTuple):
    """A draft with the documents that it quotes, and the files' bytes by SHA-256."""

    draft: Draft
    documents: Sequence[Document]
    blobs: Mapping[str, bytes]


Teller = Callable[[str, Sequence[Path]], DraftWithTexts]
"""Function from a product's slug and files to a draft of these files with their texts."""


def drafted_by(drafter: Drafter) -> Teller:
    """Return a teller that drafts with `drafter`."""

    def make(slug: str, files: Sequence[Path]) -> DraftWithTexts:
        made = drafter(slug, files)
        return DraftWithTexts(made.draft, made.documents, made.blobs)

    return make


def stored_whole(folder: Path) -> Teller:
    """Return a teller that loads existing drafts from folder/<slug>/draft.json, with their texts."""
    from agent.report.draft_json import load_whole

    def make(slug: str, files: Sequence[Path]) -> DraftWithTexts:
        draft, documents = load_whole(folder / slug)
        blobs = [file.read_bytes() for file in files]
        return DraftWithTexts(draft, documents, {hashlib.sha256(blob).hexdigest(): blob for blob in blobs})

    return make


def tried(make: Maker, slug: str) -> Made:
    """Make a draft, or return the reason for failure. Raises DriftError and LlmError, which affect all products."""
    try:
        return Made(make(slug), None)
    except (DriftError, LlmError):
        raise
    except (SeptetError, *FAULTS) as error:
        return Made(None, named_error(error))


def _with_llm(
    files: Sequence[Path], choice: Choice, environ: Mapping[str, str], settings: Settings | None
) -> DraftResult:
    used = settings or Settings()
    with open_assistant(choice, used, environ, now=NOW) as opened:
        return draft([str(file) for file in files], settings=used, now=NOW, assistant=opened.assistant)
