"""Every record that crosses a room, in the order of the flow.

Records are frozen and refuse unknown keys; each field's docstring says what it holds and in which unit. Lists are
tuples. Numbers that belong to a score are exact decimals in memory and JSON numbers on disk. `draft.json` is
`Draft.model_dump(mode="json", by_alias=True)`; reading one back is `Draft.model_validate`.
"""

from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from agent.taxonomy.keys import Band, FactorKey, FactorSet, LayerKey

DRAFT_SCHEMA: Final = "septet/draft/1"

Number = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
"""An exact decimal that is written as a JSON number."""

SourceKind = Literal["listing", "docs", "repo", "vendor-answer", "analyst-note"]
About = Literal["product", "platform", "other"]
State = Literal["claimed", "inferred", "denied", "contradicted", "unknown", "confirmed"]
FindingKind = Literal[
    "hidden-text",
    "instruction-like-text",
    "active-content",
    "vendor-claim",
    "invisible-characters",
    "metadata-instruction",
    "bidi-control",
    "structure",
    "control-characters",
    "combining-flood",
    "retrieval-dominance",
    "cloaking-suspected",
    "content-changed",
    "remote-resource",
    "path",
    "invalid-unicode",
    "needs-javascript",
    "near-empty",
]
MissingReason = Literal[
    "not-found",
    "too-little-evidence",
    "not-about-product",
    "contradicted",
    "control-claim-only",
    "needs-javascript",
    "near-empty",
    "unreadable",
    "budget",
    "no-evidenced-threat",
    "range-too-wide",
    "does-not-apply",
]
FormulaId = Literal["aivss-0.5", "aivss-0.8", "aivss-1-amended", "cvss-bte"]
Mode = Literal["strict", "directory"]
Rank = Annotated[int, Field(ge=0, le=5)]
Unit = Annotated[Decimal, Field(ge=0, le=1), PlainSerializer(float, return_type=float, when_used="json")]
"""A factor value or certainty, 0 to 1."""


class Record(BaseModel):
    """Base of all records: frozen, unknown keys refused, field docstrings become descriptions."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


# ---------------------------------------------------------------- intake


class Snapshot(Record):
    """Bytes as they were received, addressed by their hash."""

    sha256: str
    """Hash of the bytes, lower-case hex."""
    requested_url: str
    """What was asked for: a URL, or the file's name (never an absolute local path)."""
    final_url: str
    """Where the bytes came from after redirects."""
    fetched_at: str
    """UTC, ISO 8601 with seconds and `Z`."""
    media_type: str
    kind: SourceKind
    size: int
    """Bytes."""


class Finding(Record):
    """Something in a source that the analyst must see."""

    kind: FindingKind
    document: str
    start: int
    """Offset into the document's text, characters; equal to `end` when the text was removed from it."""
    end: int
    where: str
    """The place in words: a tag path, a page, a heading."""
    excerpt: str
    """At most 200 characters of the text in question."""


class Section(Record):
    """A run of a document's text under one heading path."""

    start: int
    end: int
    path: tuple[str, ...]
    """Headings from the outermost inwards; empty before the first heading."""
    about: About


class Document(Record):
    """Plain text of a snapshot with stable character offsets."""

    id: str
    """D1, D2, … in reading order, the listing first."""
    sha256: str
    """Of the snapshot."""
    url: str
    title: str
    kind: SourceKind
    media_type: str
    fetched_at: str
    text: str
    sections: tuple[Section, ...]
    """Cover the whole text without gap or overlap."""
    findings: tuple[Finding, ...] = ()


class Link(Record):
    """A link that intake saw and what became of it."""

    url: str
    state: Literal["read", "skipped", "refused"]
    reason: str


class Missing(Record):
    """What could not be told, and why. Never a default and never content."""

    reason: MissingReason
    detail: str
    """One plain sentence without a full stop."""


class Budget(Record):
    """What intake was allowed and what it used."""

    pages: int
    pages_used: int
    bytes: int
    bytes_used: int
    seconds: float
    depth: int


class Intake(Record):
    """All that was read for one subject."""

    source: str
    final_url: str
    snapshots: tuple[Snapshot, ...]
    documents: tuple[Document, ...]
    links: tuple[Link, ...] = ()
    missing: tuple[Missing, ...] = ()
    budget: Budget


# ---------------------------------------------------------------- retrieval


class Chunk(Record):
    """A passage of a document; text[start:end] is verbatim."""

    id: str
    document: str
    start: int
    end: int
    path: tuple[str, ...]
    text: str


class SearchQuestion(Record):
    """One question put to the index, for a factor or a layer."""

    id: str
    """`factor key/n` or `layer key/n`."""
    about: str
    """The factor or layer key."""
    text: str


class Hit(Record):
    """A sentence-sized passage that answers a question."""

    question: str
    """Id of the question that ranked it best."""
    document: str
    start: int
    end: int
    rank: int
    """1 is best, after fusion."""
    fused: float
    """Reciprocal-rank-fusion score."""
    dense: float
    """Cosine, -1 to 1."""
    lexical: float
    """BM25 score, unitless, 0 or more."""


# ---------------------------------------------------------------- evidence


class Statement(Record):
    """One sentence or list item of a document, with what sort of sentence it is."""

    document: str
    start: int
    end: int
    text: str
    path: tuple[str, ...]
    role: Literal["description", "control", "assessment", "boilerplate"]
    """description: what the product does, has or cannot do. control: approval, sandbox, encryption and the like.
    assessment: praise, certification, self-rating. boilerplate: navigation, legal, company news, contact."""
    rank: Rank
    about: About
    flagged: bool
    """True when a finding covers it: kept as data, read by no estimator."""


class Evidence(Record):
    """A verbatim quote with its place."""

    id: str
    """E1, E2, …"""
    document: str
    start: int
    end: int
    quote: str
    """Equal to the document's text[start:end]."""
    rank: Rank
    about: About


# ---------------------------------------------------------------- drafting


class SystemItem(Record):
    """An actor, component, data store or external service."""

    id: str
    name: str
    kind: str
    """From the closed list of its group (see drafting.system)."""
    state: State
    evidence: tuple[str, ...]


class Flow(Record):
    """Data or commands from one item to another."""

    source: str
    target: str
    what: str
    state: State
    evidence: tuple[str, ...]


class Boundary(Record):
    """A trust boundary and the items inside it."""

    id: str
    name: str
    members: tuple[str, ...]
    state: State
    evidence: tuple[str, ...]


class Capability(Record):
    """Something that the product can do, and under whose authority."""

    id: str
    """C1, C2, …"""
    signal: str
    """Id of the signal that it stands for."""
    action: str
    """Verb phrase, as in "sends", "runs"."""
    object: str
    """What it acts on, an extracted noun phrase."""
    mode: Literal["read", "write", "delete", "execute"]
    credential: str | None
    """Whose credential; None when the sources do not say."""
    approver: str | None
    """Who approves; None when the sources do not say."""
    data: tuple[str, ...]
    """Data classes touched."""
    state: State
    evidence: tuple[str, ...]
    condition: str | None = None
    """When it is there only under a condition: "off by default", "optional", "planned"."""
    credential_state: State | None = None
    """claimed: the quote of the capability names the credential; inferred: another sentence does; denied: a quote
    says that none is used (then `credential` is None)."""
    credential_evidence: tuple[str, ...] = ()
    approver_state: State | None = None
    """claimed or inferred as above; denied: a quote says that nobody is asked (then `approver` is None)."""
    approver_evidence: tuple[str, ...] = ()


class System(Record):
    """The system picture: what acts, on what, across which boundaries."""

    actors: tuple[SystemItem, ...]
    components: tuple[SystemItem, ...]
    stores: tuple[SystemItem, ...]
    services: tuple[SystemItem, ...]
    flows: tuple[Flow, ...]
    boundaries: tuple[Boundary, ...]
    capabilities: tuple[Capability, ...]


class Part(Record):
    """One addend of a factor value."""

    kind: Literal["typical", "evidence", "remainder"]
    label: str
    """The product kind, the signal's title, or what the remainder is."""
    effect: float
    """Signed, in factor units; the parts add up to the value before clipping and rounding."""
    signal: str | None = None
    evidence: str | None = None


class FactorEstimate(Record):
    """A factor's value with its range and its parts."""

    value: Unit
    low: Unit
    high: Unit
    state: State
    parts: tuple[Part, ...]
    rationale: str
    evidence: tuple[str, ...]


class TaxonomyRef(Record):
    """An id of a published list with the title that the list gives it."""

    scheme: str
    id: str
    title: str


class ThreatStatement(Record):
    """[source] with [prerequisite] can [action], which leads to [impact] on [asset]."""

    source: str
    prerequisite: str
    action: str
    impact: str
    asset: str


class ThreatScore(Record):
    """Severity of one threat under the draft's factors."""

    cvss_vector: str
    cvss_base: Number
    aivss: Number
    severity: Band
    reasons: dict[str, str] = {}
    """Why a metric of the vector has its value, by metric, in this product's words."""


class Mitigation(Record):
    """What lowers a threat, and who does it."""

    text: str
    who: Literal["you", "vendor"]
    status: Literal["proposed", "claimed", "confirmed"]
    evidence: tuple[str, ...]


class Threat(Record):
    """A threat that the evidence supports."""

    id: str
    title: str
    statement: ThreatStatement
    taxonomy: tuple[TaxonomyRef, ...]
    state: State
    score: ThreatScore
    mitigations: tuple[Mitigation, ...]
    evidence: tuple[str, ...]


class LayerThreats(Record):
    """One MAESTRO layer of the draft."""

    applies: Literal["yes", "no", "unknown"]
    certain: bool
    certainty: Unit
    features: dict[str, float]
    """What the certainty was computed from."""
    paragraph: str
    threats: tuple[Threat, ...]
    missing: Missing | None


class Hop(Record):
    """One step of a chain between two threats."""

    source: str = Field(alias="from")
    target: str = Field(alias="to")
    evidence: tuple[str, ...]

    model_config = ConfigDict(populate_by_name=True)


class Chain(Record):
    """Threats that follow from one another across layers."""

    title: str
    threats: tuple[str, ...]
    hops: tuple[Hop, ...]


class Question(Record):
    """What to ask the vendor."""

    id: str
    text: str
    proposed: str
    """The answer that would settle it, worded so that it can be pasted."""
    settles: tuple[str, ...]
    """Factor and layer keys."""
    effect: float
    """By how much the likely range of the score would shrink, in score points, 0 or more."""


class Range(Record):
    """A value with its corners."""

    value: Number
    low: Number
    high: Number


class ScoreInputs(Record):
    """What a score was computed from; enough to compute it again."""

    cvss_base: Range | None
    factors: dict[FactorKey, Range] | None = None
    factor_sum: Range | None
    threat_multiplier: Range
    mitigation_factor: Range


class LikelyConstants(Record):
    """Constants of the joint 80 % range: the raw score shifted by these, then rounded outward to tenths."""

    below: Number
    above: Number
    calibration: str
    """Name of the calibration that they come from."""


class Controls(Record):
    """The score with the controls that the documents name, beside the score before controls."""

    mitigation_factor: Number
    aivss: Number
    severity: Band
    evidence: tuple[str, ...]


class Score(Record):
    """One score with its arithmetic. Loading one recomputes it (scoring.verify)."""

    formula: FormulaId
    mode: Mode
    factor_set: FactorSet | None
    cvss_vector: str | None
    cvss_base: Number | None
    factor_sum: Number | None
    aars: Number | None
    threat_multiplier: Number
    mitigation_factor: Number
    aivss: Number | None
    severity: Band | None
    low: Number | None
    high: Number | None
    likely_low: Number | None
    likely_high: Number | None
    withheld: str | None
    """Why no number is shown, or None."""
    provisional: Number | None
    with_controls: Controls | None
    revision: int
    arithmetic: str
    alternatives: dict[FormulaId, Number | None]
    warnings: tuple[str, ...] = ()
    inputs: ScoreInputs | None = None
    likely: LikelyConstants | None = None


class Product(Record):
    """Who is modelled."""

    name: str
    vendor: str | None
    summary: str
    posture: str


class SourceRef(Record):
    """A document as the draft names it."""

    document: str
    url: str
    sha256: str
    kind: SourceKind
    fetched_at: str
    chars: int
    findings: tuple[Finding, ...]


class PromptRef(Record):
    """A prompt or rubric card that was used."""

    name: str
    version: int
    sha: str


class DrafterRef(Record):
    """Which drafter made the draft."""

    kind: Literal["embedded", "llm"]
    llm: str | None
    prompts: tuple[PromptRef, ...]


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

    model_config = ConfigDict(populate_by_name=True)
