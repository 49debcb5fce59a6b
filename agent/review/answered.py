"""A draft's folder after answers were taken in: the old one or the new one, whole, at every moment."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from agent.export import draft_folder
from agent.export.draft_json import FILE_NAME, SNAPSHOTS, TEXTS, dump, dump_documents
from agent.export.markdown import render
from agent.intake.snapshot import store as store_snapshot
from agent.pipeline import write_index
from agent.records import Document, Snapshot
from agent.review.answers import Answer
from agent.review.redraft import Redrafted
from agent.settings import Settings


def write_answered(folder: Path, made: Redrafted, answers: Sequence[Answer], settings: Settings) -> None:
    """Puts `made`, drafted again with `answers`, in the place of the draft in `folder`, whose snapshots it keeps.

    Raises InputError when the folder holds other files or another run writes it, OSError or SourceError when it cannot
    be written; the earlier draft is then what it was.
    """
    with draft_folder.replacing(folder) as fresh:
        shutil.copytree(folder / SNAPSHOTS, fresh / SNAPSHOTS)
        for answer, document in zip(answers, made.documents[-len(answers) :], strict=True):
            body = answer.text.encode()
            store_snapshot(fresh / SNAPSHOTS, _snapshot(document, len(body)), body)
        write_index(made.documents, settings, fresh)
        draft_folder.write(fresh / SNAPSHOTS / TEXTS, dump_documents(made.documents))
        draft_folder.write(fresh / draft_folder.REPORT, render(made.draft, made.documents))
        draft_folder.write(fresh / FILE_NAME, dump(made.draft))


def _snapshot(document: Document, size: int) -> Snapshot:
    return Snapshot(
        sha256=document.sha256,
        requested_url=document.url,
        final_url=document.url,
        fetched_at=document.fetched_at,
        media_type="text/plain",
        kind=document.kind,
        size=size,
    )
