"""Draft real listings now: without an LLM, with a live LLM whose answers are recorded, or from recorded answers."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from agent.cli.llm_session import Choice, open_assistant
from agent.errors import DriftError, UsageError
from agent.pipeline import DraftResult, draft
from agent.settings import Settings

NOW: Final = "2026-11-28T00:00:00Z"
JSON: Final = "draft.json"
MARKDOWN: Final = "draft.md"
Drafter = Callable[[str, Sequence[Path]], DraftResult]
"""A function that takes a product's slug and files, and returns a draft of these files with its documents and blobs."""


def embedded(_: str, files: Sequence[Path]) -> DraftResult:
    """Draft without an LLM."""
    return draft([str(file) for file in files], settings=Settings(), now=NOW)


def replayed(answers: Path) -> Drafter:
    """Return a drafter that replays an LLM's answers from answers/<slug>. Raises DriftError when they do not match."""

    def make(slug: str, files: Sequence[Path]) -> DraftResult:
        place = answers / slug
        if not place.is_dir():
            raise DriftError("there are no recorded answers", where=str(place), hint="record them with --record")
        return _with_llm(files, Choice(replay=place), {})

    return make


def asked(llm: str, answers: Path, environ: Mapping[str, str]) -> Drafter:
    """Return a drafter that calls the LLM `llm` (PROFILE/NAME) and records its answers in answers/<slug>."""
    if not llm:
        raise UsageError("a live run needs an LLM", hint="select it with --llm PROFILE/NAME")
    return lambda slug, files: _with_llm(files, Choice(llm=llm, record=answers / slug), environ)


def _with_llm(files: Sequence[Path], choice: Choice, environ: Mapping[str, str]) -> DraftResult:
    with open_assistant(choice, Settings(), environ, now=NOW) as opened:
        return draft([str(file) for file in files], settings=Settings(), now=NOW, assistant=opened.assistant)
