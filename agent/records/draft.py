"""The whole threat model, and who and what it was made from."""

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
"""How far a mitigation is."""
REDRAFTED_FROM: Final = "redrafted_from"
"""In a draft's manifest: the drafts that were drafted again for it, with spaces between."""
STRUCK: Final = "struck in review"
"""How the reason begins for which a reviewer's draft lacks something: `Dropped.reason`."""


def head_line(review: str, number: int, head: str) -> str:
    """How an export for readers prints a place in the audit log: `r1#41 sha256:…`."""
    return f"{review}#{number} sha256:{head}"


def _as_json(value: object) -> object:
    """The value with numbers as JSON has them, however they were read."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {name: _as_json(part) for name, part in value.items()}
    return [_as_json(part) for part in value] if isinstance(value, list | tuple) else value


class Waiver(Record):
    """An item that nobody decided over, and why that may be."""

    item: str
    why: str
    """Reason and note, in words."""
    title: str = ""
    """What the item was called; empty in signatures from before it was kept."""


class Stamp(Record):
    """A signature under a review."""

    reviewer: str
    role: Role
    at: str
    head: str
    """Hash of the signing event: the chain up to here."""
    number: int
    open: int
    waived: int
    sha256: str
    """Of the signed draft's JSON without its stamp."""
    review: str = ""
    """The review's key in the store whose chain this is."""
    waivers: tuple[Waiver, ...] = ()
    """The items that were waived, in the order of the report; empty in signatures from before they were listed."""
    bulk: int = 0
    """How many items were confirmed together with others of their section, in one act."""
    unanswered: tuple[str, ...] = ()
    """The questions to the vendor that nobody had answered, waived ones among them."""
    decision: UseProposal | None = None
    """What the signer decided over the use of the product; None in signatures from before they were asked."""


class WorkNote(Record):
    """Who sees to a mitigation, until when, and how far it is."""

    threat: str
    mitigation: str
    """Its text."""
    owner: str = ""
    due: str = ""
    """As in 2027-01-31, or empty."""
    status: WorkStatus = "open"
    residual: str = ""
    """CVSS vector of the threat with it in place, or empty."""
    note: str = ""


class AnswerNote(Record):
    """A question that was answered, and by whom."""

    question: str
    text: str
    """The question, as it was worded when it was answered."""
    answer: str
    page: str
    by: Literal["vendor", "analyst"]


class ContestNote(Record):
    """A point of an appeal that was decided."""

    item: str
    title: str
    sender: str
    text: str
    decision: Literal["accepted", "refused"]
    rule: str
    """Why, in the reviewer's words."""


class ReviewNotes(Record):
    """What a review says beside the parts of the draft."""

    numbers: dict[str, int] = Field(default_factory=dict)
    """By id of a threat the number that the review calls it by, where these are not the places of the threats."""
    work: tuple[WorkNote, ...] = ()
    answers: tuple[AnswerNote, ...] = ()
    """These questions are not among the draft's any more."""
    contests: tuple[ContestNote, ...] = ()


class Product(Record):
    """Who is modelled."""

    name: str
    vendor: str | None
    summary: str
    posture: str
    aliases: tuple[str, ...] = ()
    """What the product is also called."""
    kind: ProductKind | None = None
    """None in drafts from before it was kept."""


class SourceRef(Record):
    """A document as the draft names it."""

    document: str
    url: str
    sha256: str
    kind: SourceKind
    fetched_at: str
    chars: int
    findings: tuple[Finding, ...]
    user_agent: str = ""
    """Under which name the page was asked for; empty for a file."""
    language: str = ""
    """The language of the text as an ISO 639-1 code; empty when it cannot be determined."""

    @classmethod
    def of(cls, document: Document) -> "SourceRef":
        """How a draft names this document."""
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
    """Which drafter made one part of the draft."""

    part: str
    """`factors/KEY`, `layers/KEY`, `threats`, `system`, `posture`, `questions` or `chains`."""
    by: Literal["embedded", "llm", "both"]
    """both: made of an LLM's proposal and of the embedded drafter's part."""
    missing: Missing | None = None
    """Why an LLM's proposal for this part is missing; None when there is one."""


class DrafterRef(Record):
    """Which drafter made the draft."""

    kind: Literal["embedded", "llm"]
    llm: str | None
    prompts: tuple[PromptRef, ...]
    parts: tuple[MadeBy, ...] = ()
    """For a draft with an LLM: who made each part."""


class Dropped(Record):
    """Something that was left out, and why."""

    what: str
    reason: str


class Lowering(Record):
    """A control or denial that lowered something, shown for each."""

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
    """None in drafts from before facts were kept."""
    lines: tuple[FactLine, ...] = ()
    """What it can do, in at most eight rows."""
    controls: tuple[ClaimedControl, ...] = ()
    advice: Advice | None = None
    sites: tuple[Site, ...] = ()
    """Where the reading was led beyond the listing's own host, and by which words."""
    judgement: dict[str, JsonValue] | None = None
    """What an LLM judged beyond the facts, checked (`agent.drafting.judgement`), with ids in place of its quotes: with
    it and the facts everything can be computed again. None, and not written, without an LLM and in older drafts."""
    review: Stamp | None = None
    """The signature under a reviewed draft; None, and not written, while nobody signed it."""
    notes: ReviewNotes | None = None
    """What a review says beside these parts; None, and not written, where it says nothing."""

    model_config = ConfigDict(populate_by_name=True)

    @field_validator("judgement", mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        return _as_json(value)

    @property
    def earlier(self) -> tuple[str, ...]:
        """The ids of the drafts that were drafted again, with answers, for this one: newest first."""
        return tuple(self.manifest.get(REDRAFTED_FROM, "").split())
