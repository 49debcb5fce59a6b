"""The whole threat model, what it was made from, and by whom."""

from decimal import Decimal
from typing import Final, Literal

from pydantic import ConfigDict, Field, JsonValue, field_validator

from agent.records.base import DRAFT_SCHEMA, Rank, Record, SourceKind
from agent.records.evidence import Evidence
from agent.records.facts import DraftFacts
from agent.records.scores import Score
from agent.records.sources import Document, Finding, Missing, Site
from agent.records.threats import (
    Advice,
    Chain,
    ClaimedControl,
    FactLine,
    FactorEstimate,
    LayerThreats,
    Question,
    System,
    UseProposal,
)
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.kinds import ProductKind
from agent.taxonomy.layers import LayerKey

Role = Literal["viewer", "analyst", "approver"]
WorkStatus = Literal["open", "planned", "doing", "done", "rejected"]
"""The progress of a mitigation."""
REDRAFTED_FROM: Final = "redrafted_from"
"""Key in a draft's manifest: ids of the earlier drafts that it replaces, separated by spaces."""
STRUCK: Final = "struck in review"
"""Prefix of `Dropped.reason` for everything that a reviewer struck from the draft."""


def head_line(review: str, number: int, head: str) -> str:
    """Format a position in the audit log for human-readable exports: `r1#41 sha256:…`."""
    return f"{review}#{number} sha256:{head}"


def _as_json(value: object) -> object:
    """Return the value with decimals converted to floats, since JSON has no decimals."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {name: _as_json(part) for name, part in value.items()}
    return [_as_json(part) for part in value] if isinstance(value, list | tuple) else value


class Waiver(Record):
    """An undecided item, and the reason why it may stay undecided."""

    item: str
    why: str
    """Reason and note, in words."""
    title: str = ""
    """Title of the item; empty in older signatures, which did not store it."""


class Stamp(Record):
    """A signature on a review."""

    reviewer: str
    role: Role
    at: str
    head: str
    """Hash of the signing event, which covers the audit log up to that event."""
    number: int
    open: int
    waived: int
    sha256: str
    """Hash of the signed draft's JSON without its stamp."""
    review: str = ""
    """Key of the review in the store that contains this audit log."""
    waivers: tuple[Waiver, ...] = ()
    """Waived items, in the order of the report; empty in older signatures, which did not list them."""
    bulk: int = 0
    """Number of items that were confirmed in bulk, together with the others in their section."""
    unanswered: tuple[str, ...] = ()
    """Texts of the questions for the vendor that have no answer, including waived questions."""
    decision: UseProposal | None = None
    """The signer's decision on the use of the product; None in older signatures, which did not record it."""


class WorkNote(Record):
    """Owner, due date and progress of a mitigation."""

    threat: str
    mitigation: str
    """Text of the mitigation."""
    owner: str = ""
    due: str = ""
    """Due date, as in 2027-01-31, or empty."""
    status: WorkStatus = "open"
    residual: str = ""
    """CVSS vector of the threat with the mitigation in place, or empty."""
    note: str = ""


class AnswerNote(Record):
    """An answered question, and who answered it."""

    question: str
    text: str
    """The question as worded when it was answered."""
    answer: str
    page: str
    by: Literal["vendor", "analyst"]


class ContestNote(Record):
    """One point of an appeal, with the reviewer's decision on it."""

    item: str
    title: str
    sender: str
    text: str
    decision: Literal["accepted", "refused"]
    rule: str
    """The reason for the decision, in the reviewer's words."""


class ReviewNotes(Record):
    """What a review adds to the draft."""

    numbers: dict[str, int] = Field(default_factory=dict)
    """Threat numbers used in the review, by threat id, if they differ from the threats' positions."""
    work: tuple[WorkNote, ...] = ()
    answers: tuple[AnswerNote, ...] = ()
    """Answered questions, which are no longer among the draft's questions."""
    contests: tuple[ContestNote, ...] = ()


class Product(Record):
    """The product that the draft is about."""

    name: str
    vendor: str | None
    summary: str
    posture: str
    aliases: tuple[str, ...] = ()
    """Other names of the product."""
    kind: ProductKind | None = None
    """Kind of product; None in older drafts, which did not store it."""


class SourceRef(Record):
    """A draft's reference to a document."""

    document: str
    url: str
    sha256: str
    kind: SourceKind
    fetched_at: str
    chars: int
    findings: tuple[Finding, ...]
    user_agent: str = ""
    """User agent of the request; empty for a file."""
    language: str = ""
    """The language of the text as an ISO 639-1 code; empty when it cannot be determined."""

    @classmethod
    def of(cls, document: Document) -> "SourceRef":
        """Return the reference by which a draft identifies this document."""
        return cls(
            document=document.id,
            url=document.url,
            sha256=document.sha256,
            kind=document.kind,
            fetched_at=document.fetched_at,
            chars=len(document.text),
            findings=document.findings,
            user_agent=document.user_agent,
            language=document.language,
        )


class PromptRef(Record):
    """A prompt or rubric card that was used."""

    name: str
    version: int
    sha: str


class MadeBy(Record):
    """Who drafted one part of the draft."""

    part: str
    """`factors/KEY`, `layers/KEY`, `threats`, `system`, `posture`, `questions` or `chains`."""
    by: Literal["embedded", "llm", "both"]
    """both: combines an LLM's proposal with the embedded drafter's part."""
    missing: Missing | None = None
    """Why an LLM's proposal for this part is missing; None when there is one."""


class DrafterRef(Record):
    """Who drafted the whole draft."""

    kind: Literal["embedded", "llm"]
    llm: str | None
    prompts: tuple[PromptRef, ...]
    parts: tuple[MadeBy, ...] = ()
    """For a draft with an LLM: who made each part."""


class Dropped(Record):
    """An item that was left out, and why."""

    what: str
    reason: str


class Lowering(Record):
    """One step in which a limit, a denial or a control lowered a value."""

    evidence: str
    rank: Rank
    rule: str
    target: str
    before: float
    after: float


class Draft(Record):
    """The whole threat model; `draft.json` is its JSON form."""

    schema_: Literal["septet/draft/1"] = Field(default=DRAFT_SCHEMA, alias="schema")
    id: str
    created_at: str
    product: Product
    sources: tuple[SourceRef, ...]
    evidence: tuple[Evidence, ...]
    system: System
    assumptions: tuple[str, ...]
    factors: dict[FactorKey, FactorEstimate]
    layers: dict[LayerKey, LayerThreats]
    chains: tuple[Chain, ...]
    questions: tuple[Question, ...]
    score: Score
    drafter: DrafterRef
    usage: dict[str, float]
    dropped: tuple[Dropped, ...]
    lowerings: tuple[Lowering, ...]
    manifest: dict[str, str]
    facts: DraftFacts | None = None
    """The fact sheet; None in older drafts, which did not store facts."""
    lines: tuple[FactLine, ...] = ()
    """What the product can do, in at most eight rows."""
    controls: tuple[ClaimedControl, ...] = ()
    advice: Advice | None = None
    sites: tuple[Site, ...] = ()
    """Sites beyond the listing's own host that could be read, with the texts of the links that led there."""
    judgement: dict[str, JsonValue] | None = None
    """An LLM's checked judgements beyond the facts (`agent.drafting.judgement`), with ids instead of quotes. Together
    with the facts, they suffice to recompute the draft. None (and not written) in drafts without an LLM and in older
    drafts."""
    review: Stamp | None = None
    """The signature on a reviewed draft; None (and not written) while the draft is unsigned."""
    notes: ReviewNotes | None = None
    """What a review adds to the draft; None (and not written) if it adds nothing."""

    model_config = ConfigDict(populate_by_name=True)

    @field_validator("judgement", mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        return _as_json(value)

    @property
    def earlier(self) -> tuple[str, ...]:
        """Ids of the earlier drafts that were redrafted, with answers, into this one; newest first."""
        return tuple(self.manifest.get(REDRAFTED_FROM, "").split())
