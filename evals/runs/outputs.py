"""Write and load the folder of a run, for later comparison.

run.json      the evaluation, as `septet eval --json` prints it
drafts.json   the parts of each draft that the reports show
report.md, report.html, junit.xml
"""

import json
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from pydantic import TypeAdapter, ValidationError

from agent.errors import InputError, SourceError
from evals.gate.verdict import Verdict
from evals.metrics.results import DraftView, Evaluation
from evals.report import junit, markdown, page
from evals.runs.runner import Done

RUN: Final = "run.json"
DRAFTS: Final = "drafts.json"
_VIEWS: Final[TypeAdapter[tuple[DraftView, ...]]] = TypeAdapter(tuple[DraftView, ...])


def run_text(evaluation: Evaluation) -> str:
    """Return the JSON of an evaluation; the same evaluation gives the same bytes."""
    return evaluation.model_dump_json(by_alias=True, indent=1)


def write(folder: Path, done: Done, verdict: Verdict | None) -> None:
    """Write all files of a run into `folder`. Raises SourceError when writing fails."""
    texts = {
        RUN: run_text(done.evaluation) + "\n",
        DRAFTS: json.dumps(_VIEWS.dump_python(done.views, mode="json"), ensure_ascii=False, indent=1) + "\n",
        "report.md": markdown.text(done.evaluation, verdict),
        "report.html": page.html(done.evaluation, done.views, verdict, categories=done.categories),
        "junit.xml": junit.xml(done.evaluation, verdict),
    }
    prepare(folder)
    for name, text in texts.items():
        try:
            (folder / name).write_text(text, "utf-8")
        except OSError as error:
            raise _unwritable(folder / name, error) from None


def prepare(folder: Path) -> None:
    """Create the folder of a run. Raises SourceError when no file can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Create a file to be sure, because permissions do not reveal a read-only mount.
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(folder, error) from None


def _unwritable(place: Path, error: OSError) -> SourceError:
    return SourceError(f"cannot be written: {error.strerror}", where=str(place), hint="choose another --out")


def load(folder: Path) -> Done:
    """Load a run from its folder. Raises SourceError when it cannot be read, InputError when it is not a run."""
    try:
        evaluation = Evaluation.model_validate_json(_bytes(folder / RUN))
        views = _VIEWS.validate_json(_bytes(folder / DRAFTS))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        file = RUN if error.title == Evaluation.__name__ else DRAFTS
        raise InputError(
            f"not a run: {first['msg']}", where=str(folder / file), hint="was it written by this version?"
        ) from None
    return Done(evaluation, views)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        hint = "specify a folder that `septet eval --out` wrote, with run.json and drafts.json"
        raise SourceError(f"cannot be read: {error.strerror}", where=str(path), hint=hint) from None
