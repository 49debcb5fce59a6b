"""The whole flow as one readable function, and the only module that knows its order.

sources ─ read ─► documents ─ statements ─ index ─ search ─► Reading ─ compose ─► Draft ─ render ─► report
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from agent.drafting.calibrate import Calibration, load_calibration
from agent.drafting.embedded import Composition, compose
from agent.errors import InputError
from agent.evidence.reading import Reading
from agent.evidence.signals import detect
from agent.evidence.statements import statements
from agent.export.draft_json import dump, dump_documents
from agent.export.markdown import render
from agent.intake import read
from agent.intake.snapshot import write_snapshots
from agent.llm.prompts import cards
from agent.records import Document, Draft, DrafterRef, Dropped, Intake, Missing, PromptRef, SearchQuestion, SourceRef
from agent.retrieval.index import build
from agent.settings import Settings

DRAFT_JSON: Final = "draft.json"
DRAFT_MD: Final = "draft.md"
_OWN_FILES: Final = frozenset({DRAFT_JSON, DRAFT_MD, "snapshots", "index"})
_ID_CHARS: Final = 16

Progress = Callable[[str], None]


@dataclass(frozen=True)
class DraftResult:
    """A draft with everything that is written beside it."""

    draft: Draft
    json: str
    markdown: str
    documents: tuple[Document, ...]
    intake: Intake
    blobs: dict[str, bytes]
    """Snapshot bytes by sha256."""
    settings: Settings


def draft(
    sources: Sequence[str],
    *,
    settings: Settings,
    now: str,
    out: Path | None = None,
    product: str | None = None,
    notes: Sequence[str] = (),
    allow_private: Sequence[str] = (),
    progress: Progress | None = None,
) -> DraftResult:
    """Draft a threat model of the product that `sources` describe, with the embedded drafter.

    `now` is the time to record, UTC, ISO 8601. Nothing is written here; `out`, when given, is checked first, so that
    a run of a minute does not end at a folder that cannot be used. Raises the errors of `agent.errors`.
    """
    if out is not None:
        _check_out(out)
    say = progress or (lambda _: None)
    say("reading the sources")
    found = read(sources, settings, allow_private=allow_private, notes=notes, progress=progress, now=now)
    say("drafting")
    documents = found.intake.documents
    drafted = draft_documents(
        documents,
        name=product,
        calibration=load_calibration(),
        settings=settings,
        created_at=now,
        missing=found.intake.missing,
    )
    return DraftResult(
        draft=drafted,
        json=dump(drafted),
        markdown=render(drafted, documents),
        documents=documents,
        intake=found.intake,
        blobs=found.blobs,
        settings=settings,
    )


def draft_documents(
    documents: tuple[Document, ...],
    *,
    name: str | None,
    calibration: Calibration,
    settings: Settings,
    created_at: str,
    draft_id: str | None = None,
    missing: tuple[Missing, ...] = (),
) -> Draft:
    """Draft from documents that are already read. The same documents and calibration give the same draft."""
    reading = read_documents(documents, settings)
    made = compose(reading, name=name, calibration=calibration)
    return _assemble(made, documents, calibration, missing, created_at, draft_id)


def read_documents(documents: tuple[Document, ...], settings: Settings) -> Reading:
    """Statements, vectors, signals and search hits of the documents."""
    found = statements(documents)
    index = build(documents, found, settings, None)
    try:
        hits = index.search(questions(), k=settings.hits_per_question, per_document=settings.hits_per_document)
        vectors = index.vectors
    finally:
        index.close()
    owner = {question.id: question.about for question in questions()}
    pooled = {key: tuple(hit for hit in hits if owner[hit.question] == key) for key in dict.fromkeys(owner.values())}
    return Reading(documents=documents, statements=found, vectors=vectors, signals=detect(found), hits=pooled)


def questions() -> tuple[SearchQuestion, ...]:
    """The search questions of all rubric cards."""
    return tuple(
        SearchQuestion(id=f"{key}/{n}", about=key, text=text)
        for key, card in cards().items()
        for n, text in enumerate(card.questions, start=1)
    )


def save(result: DraftResult, out: Path) -> None:
    """Write draft.json, draft.md, snapshots/ and index/ to the folder `out`; an earlier draft there is replaced.

    The new folder is complete before it takes the old one's place, so an interrupted run leaves the old state.
    Raises InputError when `out` holds anything that is not a draft.
    """
    out = out.absolute()
    _check_out(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh, old = _beside(out, "new"), _beside(out, "old")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir()
        write_snapshots(fresh / "snapshots", result.intake.snapshots, result.blobs)
        build(result.documents, statements(result.documents), result.settings, fresh / "index").close()
        _write(fresh / "snapshots" / "documents.json", dump_documents(result.documents))
        _write(fresh / DRAFT_MD, result.markdown)
        _write(fresh / DRAFT_JSON, result.json)
        if out.exists():
            out.rename(old)
        fresh.rename(out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        if out.exists():
            shutil.rmtree(old, ignore_errors=True)


def _beside(out: Path, role: str) -> Path:
    return out.with_name(f".{out.name}.{role}")


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _check_out(out: Path) -> None:
    old = _beside(out, "old")
    if old.is_dir() and not out.exists():
        # A run was killed between its two renames: the earlier draft is still whole under its other name.
        old.rename(out)
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError("the output is not a folder", where=str(out), hint="name a new or empty folder")
    foreign = sorted(entry.name for entry in out.iterdir() if entry.name not in _OWN_FILES)
    if foreign:
        raise InputError(
            f"the folder holds other files, {foreign[0]!r} among them",
            where=str(out),
            hint="name a new or empty folder; a draft replaces only a draft",
        )


def _assemble(
    made: Composition,
    documents: tuple[Document, ...],
    calibration: Calibration,
    missing: tuple[Missing, ...],
    created_at: str,
    draft_id: str | None,
) -> Draft:
    read_chars = sum(len(document.text) for document in documents)
    prompts = tuple(card.ref for card in cards().values())
    return Draft(
        id=draft_id or _draft_id(documents, calibration, made.product.name),
        created_at=created_at,
        product=made.product,
        sources=tuple(_source(document) for document in documents),
        evidence=made.evidence,
        system=made.system,
        assumptions=made.assumptions,
        factors=made.factors,
        layers=made.layers,
        chains=made.chains,
        questions=made.questions,
        score=made.score,
        drafter=DrafterRef(kind="embedded", llm=None, prompts=prompts),
        usage={"chars_read": float(read_chars), "statements": float(made.statements)},
        dropped=(*made.dropped, *_unread(missing)),
        lowerings=made.lowerings,
        manifest={
            "septet": version("septet"),
            "calibration": calibration.fingerprint,
            "knowledge": made.knowledge,
            "cards": _cards_sha(prompts),
        },
    )


def _unread(missing: tuple[Missing, ...]) -> list[Dropped]:
    return [Dropped(what=f"source text: {gap.detail}", reason=gap.reason) for gap in missing]


def _source(document: Document) -> SourceRef:
    return SourceRef(
        document=document.id,
        url=document.url,
        sha256=document.sha256,
        kind=document.kind,
        fetched_at=document.fetched_at,
        chars=len(document.text),
        findings=document.findings,
        user_agent=document.user_agent,
    )


def _cards_sha(prompts: tuple[PromptRef, ...]) -> str:
    return hashlib.sha256("".join(ref.sha for ref in prompts).encode()).hexdigest()[:_ID_CHARS]


def _draft_id(documents: tuple[Document, ...], calibration: Calibration, name: str) -> str:
    """Content address of a draft: what was read, and what it was read with."""
    parts = [name, calibration.fingerprint, *(document.sha256 for document in documents)]
    return "draft-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_ID_CHARS]
