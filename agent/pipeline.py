"""The whole flow as one readable function, and the only module that knows its order.

sources ─ read ─► documents ─ statements ─ readers ─► facts ─ compose ─► Draft ─ render ─► report
                                                      └─ assist (an LLM): facts, judgement ─┘
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import JsonValue, TypeAdapter, ValidationError

from agent.drafting.calibration import Calibration, load_calibration
from agent.drafting.compose import Composition, compose
from agent.drafting.factors import estimate
from agent.drafting.judgement import Judgement, stands
from agent.drafting.kind import kind_of
from agent.drafting.layers.certainty import assess
from agent.drafting.threats.candidates import Candidate, candidates
from agent.errors import LlmError, SeptetError
from agent.facts.proposal import Reader
from agent.facts.readers.embedded import EmbeddedReader
from agent.facts.readers.manifests import ManifestReader
from agent.facts.readers.outlook import OutlookHeads, with_estimates
from agent.facts.reading import Reading, read_sheet
from agent.intake.capture import Remembered, read_recorded, read_remembered
from agent.intake.crawl.answer_log import Unfinished
from agent.intake.extract.identity.product import title_name
from agent.intake.extract.statements import language
from agent.intake.extract.statements.roles import carrying, with_roles
from agent.intake.extract.statements.split import said_once, statements
from agent.intake.reader import SOURCE_TEXT, unread
from agent.intake.recording import Recorded, load as load_recording, store as store_recording
from agent.intake.snapshots import compare, mark, write_snapshots
from agent.records import (
    Document,
    Draft,
    DrafterRef,
    Dropped,
    FactSheet,
    Intake,
    Site,
    SourceRef,
    Statement,
    draft_facts,
)
from agent.report import draft_folder
from agent.report.draft_json import FILE_NAME, SNAPSHOTS, TEXTS, dump, dump_documents, load as load_draft
from agent.report.markdown import render
from agent.resources import data_folder
from agent.retrieval.embed import embed
from agent.retrieval.library import Library
from agent.settings import Settings
from agent.taxonomy.layers import LayerKey

if TYPE_CHECKING:
    from agent.assist.run import Assistant, Assisted

ANSWERS: Final = "llm"
"""Folder inside a draft's snapshots that holds the recording of the LLM's answers."""
_ID_CHARS: Final = 16
_NAME_CHARS: Final = 80

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
    recorded: Recorded
    """All that is needed to draft again offline."""
    unfinished: Unfinished | None = None
    """The log of the crawl, kept until the draft is saved."""


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
    assistant: "Assistant | None" = None,
) -> DraftResult:
    """Draft a threat model of the product that `sources` describe, with the embedded drafter and an LLM if given.

    `now` is the time to record, UTC, ISO 8601. Only the cache is written here. A given `out` is checked first, so that
    a run of a minute does not end at an unusable folder; what the web answered then stays in the cache until `save` has
    written the draft there. Raises the errors of `agent.errors`, among them LlmError when the assistant's LLM is
    unavailable and it may not fall back.
    """
    before = _earlier(out) if out is not None else ()
    say = progress or (lambda _: None)
    found = read_remembered(
        sources, settings, allow_private=allow_private, notes=notes, product=product, progress=progress, now=now
    )
    changes = compare(before, found.result.intake.documents)
    recording = found.recorded.recording.model_copy(update={"changes": changes})
    say(_stage(found))
    with ExitStack() as left:
        if found.unfinished is not None:
            left.callback(found.unfinished.close)
        made = _drafted(replace(found, recorded=replace(found.recorded, recording=recording)), settings, assistant)
        if out is not None:
            left.pop_all()
        elif found.unfinished is not None:
            found.unfinished.finish()
    return made


def redraft(
    snapshot: Path,
    *,
    settings: Settings,
    out: Path | None = None,
    progress: Progress | None = None,
    assistant: "Assistant | None" = None,
) -> DraftResult:
    """Draft again from the recorded sources of an earlier draft, offline: the same version gives the same bytes.

    `snapshot` is the folder of that draft or the snapshots in it; only the cache is taken from `settings`. With an
    `assistant`, an LLM or its recording (`answers_in`) drafts too. `out` is checked as in `draft`. Raises SourceError
    when there is no recording, IntegrityError when it was changed, LlmError as `draft` does.
    """
    if out is not None:
        draft_folder.check(out)
    recorded = load_recording(snapshot)
    used = recorded.settings(settings)
    found = read_recorded(recorded, used, progress=progress)
    if progress is not None:
        progress(_stage(found))
    return _drafted(found, used, assistant)


def _stage(found: Remembered) -> str:
    """The progress message that says how many pages and documents were read, and that drafting is next."""
    budget, documents = found.result.intake.budget, len(found.result.intake.documents)
    return (
        f"read {budget.pages_used} of at most {budget.pages} pages, {documents} "
        f"{'document' if documents == 1 else 'documents'}; drafting"
    )


def answers_in(snapshot: Path) -> Path | None:
    """The folder with the recorded LLM answers in a draft's folder (or the snapshots in it); None if there is none."""
    for place in (snapshot / SNAPSHOTS / ANSWERS, snapshot / ANSWERS):
        if place.is_dir():
            return place
    return None


def _drafted(found: Remembered, settings: Settings, assistant: "Assistant | None") -> DraftResult:
    recording = found.recorded.recording
    documents = mark(found.result.intake.documents, recording.changes)
    intake = found.result.intake.model_copy(update={"documents": documents})
    drafted = draft_reading(
        read_documents(documents),
        name=recording.product or intake.product or None,
        vendor=intake.vendor or None,
        aliases=intake.aliases,
        calibration=load_calibration(),
        created_at=recording.now,
        dropped=unread(intake),
        sites=intake.sites,
        assistant=assistant,
    )
    return DraftResult(
        draft=drafted,
        json=dump(drafted),
        markdown=render(drafted, documents),
        documents=documents,
        intake=intake,
        blobs=found.result.blobs,
        settings=settings,
        recorded=found.recorded,
        unfinished=found.unfinished,
    )


def draft_reading(
    reading: Reading,
    *,
    name: str | None,
    vendor: str | None = None,
    aliases: tuple[str, ...] = (),
    calibration: Calibration,
    created_at: str,
    draft_id: str | None = None,
    dropped: tuple[Dropped, ...] = (),
    sites: tuple[Site, ...] = (),
    assistant: "Assistant | None" = None,
    composer: Callable[..., Composition] = compose,
) -> Draft:
    """Draft from documents that are already read, and the facts in them (`read_documents`).

    The same reading, calibration and replies of an LLM give the same draft. `dropped` lists what could not be read, and
    `sites` the sites that the listing led to: both are only shown. Evaluations pass another `composer` to change one of
    its steps. Raises LlmError when the assistant's LLM is unavailable and it may not fall back.
    """
    called = name or _name_of(reading.documents)
    made = partial(composer, name=called, vendor=vendor, aliases=aliases, calibration=calibration)
    helped: Assisted | None = None
    sheet = reading.sheet
    if assistant is not None:
        try:
            helped = _assisted(reading, called, vendor, calibration, assistant)
        except LlmError as error:
            if not assistant.fallback:
                raise
            dropped = (*dropped, Dropped(what=f"drafting with {assistant.llm.name}", reason=str(error)))
            assistant.told(f"llm: {error}; the embedded drafter goes on alone")
        else:
            sheet = helped.sheet
    composed = made(sheet, judgement=helped.judgement if helped else None)
    drafted = _assemble(composed, sheet, reading, calibration, created_at, draft_id)
    gaps = language.unread(reading.documents, by_llm=helped is not None)
    dropped = (*dropped, *(Dropped(what=SOURCE_TEXT + gap.detail, reason=gap.reason) for gap in gaps))
    if assistant is not None and helped is not None:
        from agent.assist.provenance import with_llm

        drafted = with_llm(drafted, assistant, helped).model_copy(update={"judgement": kept(helped.judgement)})
    return drafted.model_copy(update={"dropped": (*drafted.dropped, *dropped), "sites": sites})


def recomposed(draft: Draft, sheet: FactSheet) -> Draft | None:
    """Compose `draft` anew with the facts of `sheet` in place of its own; with its own facts it stays the same.

    None for a draft that cannot be composed again from its own facts: an older one, which stores no facts or no
    judgement of the LLM, one of another calibration, or one that answers were taken into.
    """
    own = own_left_out(draft)
    return None if own is None else with_facts(draft, sheet, own)


def own_left_out(draft: Draft) -> int | None:
    """How many entries of `draft.dropped` its own facts give; None if they do not give the rest of the draft again."""
    if draft.facts is None:
        return None
    own = _composed(draft, draft.facts.sheet(draft.evidence), judgement_of(draft))
    told = len(own["dropped"]) if isinstance(own["dropped"], tuple) else 0
    if draft.dropped[:told] != own.pop("dropped") or any(getattr(draft, name) != part for name, part in own.items()):
        return None
    return told


def with_facts(draft: Draft, sheet: FactSheet, own: int) -> Draft:
    """`draft` composed anew with the facts of `sheet`; `own` is the result of `own_left_out(draft)`."""
    parts = _composed(draft, sheet, _still_held(judgement_of(draft), sheet))
    dropped = (*parts.pop("dropped"), *draft.dropped[own:])  # type: ignore[misc]
    return draft.model_copy(update={**parts, "dropped": dropped, "facts": draft_facts(sheet)})


def _still_held(judgement: Judgement | None, sheet: FactSheet) -> Judgement | None:
    """The judgement without factors and layers that cite facts or quotes missing from the sheet; its other entries are
    checked where they are used."""
    if judgement is None:
        return None
    factors = {
        key: one for key, one in judgement.factors.items()
        if stands(sheet, judgement, one.reason, one.facts, one.evidence)
    }  # fmt: skip
    layers = {
        key: one for key, one in judgement.layers.items()
        if stands(sheet, judgement, one.paragraph, one.facts, one.evidence)
    }  # fmt: skip
    return judgement.model_copy(update={"factors": factors, "layers": layers})


def _composed(draft: Draft, sheet: FactSheet, judgement: Judgement | None) -> dict[str, object]:
    """The parts of a draft that follow from its facts, by name."""
    made = compose(
        sheet,
        name=draft.product.name,
        vendor=draft.product.vendor,
        aliases=draft.product.aliases,
        calibration=load_calibration(),
        judgement=judgement,
    )
    return dict(made._asdict())


def kept(judgement: Judgement) -> dict[str, JsonValue]:
    """A judgement as a draft stores it: plain values, with ids in place of quotes, which are in the draft's evidence,
    and without the LLM's reasons for verdicts that did not hold."""
    verdicts = tuple(one if one.holds else one.model_copy(update={"why": ""}) for one in judgement.verdicts)
    used = judgement.model_copy(update={"verdicts": verdicts})
    plain: dict[str, JsonValue] = json.loads(used.model_dump_json(exclude={"evidence", "dropped"}))
    return {**plain, "evidence": [item.id for item in judgement.evidence]}


def judgement_of(draft: Draft) -> Judgement | None:
    """The judgement stored in a draft; None if it has none."""
    if draft.judgement is None:
        return None
    quotes = {item.id: item for item in draft.evidence}
    marks = draft.judgement.get("evidence")
    evidence = [quotes[str(mark)] for mark in marks] if isinstance(marks, list | tuple) else []
    return Judgement.model_validate({**draft.judgement, "evidence": evidence})


def _assisted(
    reading: Reading,
    name: str,
    vendor: str | None,
    calibration: Calibration,
    assistant: "Assistant",
) -> "Assisted":
    """The checked facts and judgement that an LLM gives of the product."""
    from agent.assist.run import assist

    def candidates_of(sheet: FactSheet) -> tuple[Candidate, ...]:
        kind = kind_of(sheet)
        return candidates(sheet, kind, estimate(sheet, kind, calibration=calibration.factors))

    def certain_of(sheet: FactSheet, early: Judgement) -> dict[LayerKey, bool]:
        verdicts = assess(sheet, early, calibration=calibration.certainty)
        return {key: verdict.certain for key, verdict in verdicts.items()}

    return assist(
        reading.documents,
        reading.statements,
        reading.sheet,
        assistant,
        name=name,
        vendor=vendor,
        candidates_of=candidates_of,
        certain_of=certain_of,
    )


def read_documents(documents: tuple[Document, ...], heads: OutlookHeads | None = None) -> Reading:
    """The statements of the documents and the facts that are read in them without an LLM.

    `heads` estimate factors and layers from the sources as a whole; by default the bundled ones.
    """
    found = placed_statements(documents)
    # Facts are read in English only; the outlook also weighs other languages, as far as the vectors know them.
    own, carried = for_readers(documents, found), said_once(carrying(found))
    reader = embedded_reader()
    outlook = with_estimates(reader.outlook(documents, carried), reader, documents, carried, heads)
    return Reading(documents, found, read_sheet(documents, own, readers(), outlook=outlook))


def placed_statements(documents: tuple[Document, ...]) -> tuple[Statement, ...]:
    """All statements of the documents with their roles, unfiltered: an LLM decides whom a sentence addresses."""
    found = statements(documents)
    return with_roles(found, documents, embed([statement.text for statement in found]))


def for_readers(documents: Sequence[Document], placed: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements that readers without an LLM get: those whose role carries facts, in a language they know."""
    return language.readable(documents, said_once(carrying(placed)))


def read_statements(documents: tuple[Document, ...]) -> tuple[Statement, ...]:
    """The statements that readers get, in their order: those whose role carries facts, without repeats."""
    return said_once(carrying(placed_statements(documents)))


def readers() -> tuple[Reader, ...]:
    """The readers of facts that need no LLM."""
    return (embedded_reader(), ManifestReader())


@cache
def embedded_reader() -> EmbeddedReader:
    """The learned reader, with its heads loaded once."""
    return EmbeddedReader()


def save(result: DraftResult, out: Path, answers: Path | None = None) -> None:
    """Write draft.json, draft.md, snapshots/ and index/ to the folder `out`; an earlier draft there is replaced.

    `answers` is the folder of a recording of the LLM's answers, which is kept among the snapshots.

    The new folder is complete before it takes the old one's place, so an interrupted run leaves the old state.
    Raises InputError when `out` holds anything that is not a draft or another run is writing it, OSError or SourceError
    when the disk is full.
    """
    log = closing(result.unfinished) if result.unfinished is not None else nullcontext()
    with log, draft_folder.replacing(out) as staged:
        write_snapshots(staged / SNAPSHOTS, result.intake.snapshots, result.blobs)
        store_recording(staged / SNAPSHOTS, result.recorded)
        if answers is not None:
            shutil.copytree(answers, staged / SNAPSHOTS / ANSWERS)
        write_index(result.documents, result.settings, staged)
        draft_folder.write(staged / SNAPSHOTS / TEXTS, dump_documents(result.documents))
        draft_folder.write(staged / draft_folder.REPORT, result.markdown)
        draft_folder.write(staged / FILE_NAME, result.json)
    if result.unfinished is not None:
        result.unfinished.finish()


def write_index(documents: tuple[Document, ...], settings: Settings, out: Path) -> None:
    """Write index/ to the folder of a draft of `documents`, as `septet search` opens it.

    Raises InputError when it cannot be written.
    """
    with Library(documents, statements(documents), settings.vector_store) as library:
        library.open(out / draft_folder.INDEX)


def _earlier(out: Path) -> tuple[Document, ...]:
    """The source texts of the draft in `out`; empty when there is no draft, or it is too damaged to compare with."""
    draft_folder.check(out)
    try:
        load_draft(out)
        raw = (out / SNAPSHOTS / TEXTS).read_bytes()
        return TypeAdapter(tuple[Document, ...]).validate_json(raw)
    except (SeptetError, OSError, ValidationError):
        return ()


def _assemble(
    made: Composition,
    sheet: FactSheet,
    reading: Reading,
    calibration: Calibration,
    created_at: str,
    draft_id: str | None,
) -> Draft:
    documents = reading.documents
    read_chars = sum(len(document.text) for document in documents)
    return Draft(
        id=draft_id or _draft_id(documents, calibration, made.product.name),
        created_at=created_at,
        product=made.product,
        sources=tuple(SourceRef.of(document) for document in documents),
        evidence=made.evidence,
        system=made.system,
        assumptions=made.assumptions,
        factors=made.factors,
        layers=made.layers,
        chains=made.chains,
        questions=made.questions,
        score=made.score,
        drafter=DrafterRef(kind="embedded", llm=None, prompts=()),
        usage={"chars_read": float(read_chars), "statements": float(len(reading.statements))},
        dropped=made.dropped,
        lowerings=made.lowerings,
        manifest={
            "septet": version("septet"),
            "calibration": calibration.fingerprint,
            "knowledge": knowledge_fingerprint(),
        },
        facts=draft_facts(sheet),
        lines=made.lines,
        controls=made.controls,
        advice=made.advice,
    )


@cache
def knowledge_fingerprint() -> str:
    """Hash of the knowledge files (calibration apart), by path and content."""
    folder = data_folder("corpus") / "knowledge"
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.parent.name != "calibration"):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:_ID_CHARS]


def _name_of(documents: tuple[Document, ...]) -> str:
    """A name for a product that intake did not name: from the listing's title, else its first heading or line."""
    first = documents[0]
    heading = next((section.path[0] for section in first.sections if section.path), "")
    line = heading or next((line.strip() for line in first.text.splitlines() if line.strip()), "The product")
    return (title_name(first.title) or line)[:_NAME_CHARS].rstrip()


def _draft_id(documents: tuple[Document, ...], calibration: Calibration, name: str) -> str:
    """The content address of a draft: a hash of its name, its calibration and the documents that were read."""
    parts = [name, calibration.fingerprint, *(document.sha256 for document in documents)]
    return "draft-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_ID_CHARS]
