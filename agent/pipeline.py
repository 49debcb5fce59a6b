"""The whole flow from sources to report. Only this module knows the order of the steps.

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
"""The folder for recorded LLM answers, inside a draft's snapshots."""
_ID_CHARS: Final = 16
_NAME_CHARS: Final = 80

Progress = Callable[[str], None]


@dataclass(frozen=True)
class DraftResult:
    """A draft with everything that is stored next to it."""

    draft: Draft
    json: str
    markdown: str
    documents: tuple[Document, ...]
    intake: Intake
    blobs: dict[str, bytes]
    """Snapshot bytes by sha256."""
    settings: Settings
    recorded: Recorded
    """The recording needed to repeat the draft offline."""
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
    """Draft a threat model of the product that `sources` describe.

    The embedded drafter always takes part, and so does an LLM if there is an `assistant`.

    `now` is the time to record (UTC, ISO 8601). Only the cache is written. If `out` is given, it is checked first, so
    that an unusable folder is reported before a long run, and web responses stay in the cache until `save` has written
    the draft there. Raises the errors of `agent.errors`, among them LlmError when the assistant's LLM is unavailable
    and it has no fallback.
    """
    before = _earlier(out) if out is not None else ()
    found = read_remembered(
        sources, settings, allow_private=allow_private, notes=notes, product=product, progress=progress, now=now
    )
    changes = compare(before, found.result.intake.documents)
    recording = found.recorded.recording.model_copy(update={"changes": changes})
    found = replace(found, recorded=replace(found.recorded, recording=recording))
    with ExitStack() as left:
        if found.unfinished is not None:
            left.callback(found.unfinished.close)
        made = _drafted(found, settings, assistant, progress)
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
    """Repeat an earlier draft offline from its recorded sources; the same version of Septet gives the same bytes.

    `snapshot` is the folder of that draft, or the snapshots folder in it. Only the cache is taken from `settings`. If
    there is an `assistant`, its LLM takes part, live or replayed from recorded answers (`answers_in`). `out` is checked
    as in `draft`. Raises SourceError if there is no recording, IntegrityError if the recording was changed, and
    LlmError as `draft` does.
    """
    if out is not None:
        draft_folder.check(out)
    recorded = load_recording(snapshot)
    used = recorded.settings(settings)
    return _drafted(read_recorded(recorded, used, progress=progress), used, assistant, progress)


def answers_in(snapshot: Path) -> Path | None:
    """Return the folder of recorded LLM answers of a draft folder or its snapshots folder; None if there is none."""
    for place in (snapshot / SNAPSHOTS / ANSWERS, snapshot / ANSWERS):
        if place.is_dir():
            return place
    return None


def _drafted(
    found: Remembered, settings: Settings, assistant: "Assistant | None", progress: Progress | None
) -> DraftResult:
    recording, intake = found.recorded.recording, found.result.intake
    if progress is not None:
        read = f"{len(intake.documents)} {'document' if len(intake.documents) == 1 else 'documents'}"
        budget = intake.budget
        progress(f"read {budget.pages_used} of at most {budget.pages} pages, {read}; drafting")
    intake = intake.model_copy(update={"documents": mark(intake.documents, recording.changes)})
    documents = intake.documents
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
    """Draft from documents already read and the facts found in them (see `read_documents`).

    The same reading, calibration and LLM replies give the same draft. `dropped` lists what could not be read, and
    `sites` the sites found through the listing; both are for display only. Evaluations pass another `composer` to
    change one of its steps. Raises LlmError if the assistant's LLM is unavailable and there is no fallback.
    """
    called = name or _name_of(reading.documents)
    helped: Assisted | None = None
    if assistant is not None:
        try:
            helped = _assisted(reading, called, vendor, calibration, assistant)
        except LlmError as error:
            if not assistant.fallback:
                raise
            dropped = (*dropped, Dropped(what=f"drafting with {assistant.llm.name}", reason=str(error)))
            assistant.told(f"llm: {error}; continuing with the embedded drafter only")
    sheet, judgement = (helped.sheet, helped.judgement) if helped else (reading.sheet, None)
    made = composer(sheet, name=called, vendor=vendor, aliases=aliases, calibration=calibration, judgement=judgement)
    drafted = _assemble(made, sheet, reading, calibration, created_at, draft_id)
    gaps = language.unread(reading.documents, by_llm=helped is not None)
    dropped = (*dropped, *(Dropped(what=SOURCE_TEXT + gap.detail, reason=gap.reason) for gap in gaps))
    if assistant is not None and helped is not None:
        from agent.assist.provenance import with_llm

        drafted = with_llm(drafted, assistant, helped).model_copy(update={"judgement": kept(helped.judgement)})
    return drafted.model_copy(update={"dropped": (*drafted.dropped, *dropped), "sites": sites})


def recomposed(draft: Draft, sheet: FactSheet) -> Draft | None:
    """Recompose `draft` from the facts of `sheet` instead of its own; given its own facts, the result is the same
    draft.

    Returns None if the draft cannot be derived from its own facts: an older draft without stored facts or LLM
    judgement, a draft of another calibration, or a draft that includes answers.
    """
    own = own_left_out(draft)
    return None if own is None else with_facts(draft, sheet, own)


def own_left_out(draft: Draft) -> int | None:
    """Count the leading `dropped` entries that are derived from the draft's own facts.

    Returns None if recomposing the draft from its own facts does not reproduce it.
    """
    if draft.facts is None:
        return None
    own = _composed(draft, draft.facts.sheet(draft.evidence), judgement_of(draft))
    told = len(own["dropped"]) if isinstance(own["dropped"], tuple) else 0
    if draft.dropped[:told] != own.pop("dropped") or any(getattr(draft, name) != part for name, part in own.items()):
        return None
    return told


def with_facts(draft: Draft, sheet: FactSheet, own: int, calibration: Calibration | None = None) -> Draft:
    """Recompose `draft` with the facts of `sheet`; `own` is the result of `own_left_out(draft)`. `calibration` defaults
    to the bundled one."""
    parts = _composed(draft, sheet, _still_held(judgement_of(draft), sheet), calibration)
    dropped = (*parts.pop("dropped"), *draft.dropped[own:])  # type: ignore[misc]
    return draft.model_copy(update={**parts, "dropped": dropped, "facts": draft_facts(sheet)})


def _still_held(judgement: Judgement | None, sheet: FactSheet) -> Judgement | None:
    """Drop the factors and layers of a judgement that cite facts or quotes missing from the sheet.

    Its other entries are checked where they are used.
    """
    if judgement is None:
        return None
    known = partial(stands, sheet, judgement)
    factors = {key: one for key, one in judgement.factors.items() if known(one.reason, one.facts, one.evidence)}
    layers = {key: one for key, one in judgement.layers.items() if known(one.paragraph, one.facts, one.evidence)}
    return judgement.model_copy(update={"factors": factors, "layers": layers})


def _composed(
    draft: Draft, sheet: FactSheet, judgement: Judgement | None, calibration: Calibration | None = None
) -> dict[str, object]:
    """Compute the parts of a draft that are derived from its facts, by name."""
    product = draft.product
    made = compose(
        sheet, name=product.name, vendor=product.vendor, aliases=product.aliases,
        calibration=calibration or load_calibration(), judgement=judgement,
    )  # fmt: skip
    return dict(made._asdict())


def kept(judgement: Judgement) -> dict[str, JsonValue]:
    """Convert a judgement to plain values for storage in a draft.

    Quotes are replaced by their ids, since the draft's evidence holds them, and the LLM's reasons for rejected verdicts
    are dropped.
    """
    verdicts = tuple(one if one.holds else one.model_copy(update={"why": ""}) for one in judgement.verdicts)
    used = judgement.model_copy(update={"verdicts": verdicts})
    plain: dict[str, JsonValue] = json.loads(used.model_dump_json(exclude={"evidence", "dropped"}))
    return {**plain, "evidence": [item.id for item in judgement.evidence]}


def judgement_of(draft: Draft) -> Judgement | None:
    """Return the judgement stored in a draft, or None if it has none."""
    if draft.judgement is None:
        return None
    quotes = {item.id: item for item in draft.evidence}
    marks = draft.judgement.get("evidence")
    evidence = [quotes[str(mark)] for mark in marks] if isinstance(marks, list | tuple) else []
    return Judgement.model_validate({**draft.judgement, "evidence": evidence})


def _assisted(
    reading: Reading, name: str, vendor: str | None, calibration: Calibration, assistant: "Assistant"
) -> "Assisted":
    """Have the LLM read and judge the product, and return its checked facts and judgement."""
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
        factors_of=lambda sheet, early: estimate(sheet, kind_of(sheet, early), early, calibration=calibration.factors),
    )


def read_documents(
    documents: tuple[Document, ...], heads: OutlookHeads | None = None, reader: EmbeddedReader | None = None
) -> Reading:
    """Split the documents into statements and read facts from them without an LLM.

    `heads`, by default the bundled ones, estimate factors and layers from the sources as a whole. Evaluations pass a
    `reader` that was trained without the product.
    """
    found = placed_statements(documents)
    # Facts are read from English text only; the outlook also uses other languages that the embeddings support.
    own, carried = for_readers(documents, found), said_once(carrying(found))
    reader = (reader or embedded_reader()).beforehand(documents, carried)
    outlook = with_estimates(reader.outlook(documents, carried), reader, documents, carried, heads)
    return Reading(documents, found, read_sheet(documents, own, readers(reader), outlook=outlook))


def placed_statements(documents: tuple[Document, ...]) -> tuple[Statement, ...]:
    """Return all statements of the documents with their roles.

    None are filtered out, because an LLM decides for itself whom a sentence addresses.
    """
    found = statements(documents)
    return with_roles(found, documents, embed([statement.text for statement in found]))


def for_readers(documents: Sequence[Document], placed: Sequence[Statement]) -> tuple[Statement, ...]:
    """Select the statements for readers without an LLM: fact-carrying, in a supported language, without duplicates."""
    return language.readable(documents, said_once(carrying(placed)))


def read_statements(documents: tuple[Document, ...]) -> tuple[Statement, ...]:
    """Return the statements that readers get, in document order: fact-carrying roles, without duplicates."""
    return said_once(carrying(placed_statements(documents)))


def readers(embedded: EmbeddedReader | None = None) -> tuple[Reader, ...]:
    """Return the fact readers that need no LLM; `embedded` replaces the default reader, which is loaded once."""
    return (embedded or embedded_reader(), ManifestReader())


@cache
def embedded_reader() -> EmbeddedReader:
    """Return the learned reader; its heads are loaded only once."""
    return EmbeddedReader()


def save(result: DraftResult, out: Path, answers: Path | None = None) -> None:
    """Write draft.json, draft.md, snapshots/ and index/ to the folder `out`, replacing any earlier draft.

    `answers` is the folder with the recorded LLM answers, which are stored with the snapshots.

    The new folder is completed before it replaces the old one, so an interrupted run leaves the old state intact.
    Raises InputError if `out` contains anything but a draft or another run is writing to it, and OSError or SourceError
    if the disk is full.
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
    """Write the index of `documents`, which `septet search` opens, to index/ in the draft folder `out`.

    Raises InputError when it cannot be written.
    """
    with Library(documents, statements(documents), settings.vector_store) as library:
        library.open(out / draft_folder.INDEX)


def _earlier(out: Path) -> tuple[Document, ...]:
    """Return the source texts of the draft in `out`; empty if there is no draft, or it is too damaged to compare."""
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
    # The id is a content address: a hash of the name, the calibration and the documents.
    parts = [made.product.name, calibration.fingerprint, *(document.sha256 for document in documents)]
    address = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_ID_CHARS]
    read_chars = sum(len(document.text) for document in documents)
    return Draft(
        **made._asdict(),
        id=draft_id or f"draft-{address}",
        created_at=created_at,
        sources=tuple(SourceRef.of(document) for document in documents),
        drafter=DrafterRef(kind="embedded", llm=None, prompts=()),
        usage={"chars_read": float(read_chars), "statements": float(len(reading.statements))},
        manifest={
            "septet": version("septet"),
            "calibration": calibration.fingerprint,
            "knowledge": knowledge_fingerprint(),
        },
        facts=draft_facts(sheet),
    )


@cache
def knowledge_fingerprint() -> str:
    """Return a hash of the paths and contents of the knowledge files, except the calibration."""
    folder = data_folder("corpus") / "knowledge"
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.parent.name != "calibration"):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:_ID_CHARS]


def _name_of(documents: tuple[Document, ...]) -> str:
    """Derive a product name, if intake found none, from the listing's title, or else from its first heading or line."""
    first = documents[0]
    heading = next((section.path[0] for section in first.sections if section.path), "")
    line = heading or next((line.strip() for line in first.text.splitlines() if line.strip()), "The product")
    return (title_name(first.title) or line)[:_NAME_CHARS].rstrip()
