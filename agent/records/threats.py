"""What a drafter makes: the system picture, factors, threats, layers, chains, questions."""

from typing import Literal

from pydantic import ConfigDict, Field

from agent.records.base import Number, Rank, Record, State, Unit
from agent.records.sources import Missing
from agent.taxonomy.kinds import Band


class SystemItem(Record):
    """An actor, component, data store or external service."""

    id: str
    name: str
    kind: str
    """From the closed list of its group (see drafting.product.system)."""
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
    """Key of the vocabulary that it stands for."""
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
    """The condition under which it exists, such as "off by default", "optional" or "planned"; None if there is none."""
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

    kind: Literal["typical", "evidence", "remainder", "proposal", "review"]
    label: str
    """The product kind, the signal's title, what the remainder is, what an LLM proposed, or that a reviewer set it."""
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


Basis = Literal["quoted", "entry inferred", "needs a setting", "assumed"]
"""What a threat rests on. quoted: every step has a quote. entry inferred: the ability is quoted, how the attacker's
content gets in is not. needs a setting: it holds only under a setting or deployment that is not the default. assumed:
it rests on a general assumption, such as a stolen key."""


class ThreatScore(Record):
    """Severity of one threat under the draft's factors."""

    cvss_vector: str
    cvss_base: Number
    aivss: Number
    severity: Band
    reasons: dict[str, str] = Field(default_factory=dict)
    """By metric of the vector: why it has its value, in words about this product."""


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
    like: str | None = None
    """For a threat that an LLM proposed: id of the known threat that it matches, which may not be among those that are
    shown; None for the catalogue's own and in drafts from before this was kept."""
    facts: tuple[str, ...] = ()
    """Ids of the facts that it rests on; empty in drafts from before facts were kept."""
    basis: Basis | None = None
    """What it rests on; None in drafts from before this was kept."""
    setting: str = ""
    """What has to be set up or switched on beyond the first steps for the threat to hold, as a clause that follows
    "if". A threat in default use has one when the product's purpose brings it but the first steps do not."""
    default_use: bool = True
    """Whether it holds when the product is installed and run as its own documentation first describes."""
    how: str = ""
    """Who does what to what, and what follows, in at most 45 words with marks; empty in older drafts."""
    lost: str = ""
    """What is lost, in one phrase; empty in older drafts."""
    by: Literal["embedded", "llm", "both"] | None = None
    """Who wrote it: the catalogue, an LLM, or an LLM over a threat of the catalogue."""
    place: int | None = None
    """Its place among the threats of the draft, 1 for the drafter's headline; a threat that a reviewer added comes
    after all others. None in drafts from before this was kept, whose threats are ordered by score, and for an LLM's
    threat in some older drafts."""


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
    question: str | None = None
    """Id of the question that would settle the layer; None for a certain layer and in older drafts."""


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
    """How much the likely range of the score would shrink, in score points, 0 or more."""
    why: str = ""
    """Why the answer matters, in one sentence; empty in older drafts."""
    changes: str = ""
    """What each answer changes: which threat falls away, shrinks or becomes detectable; empty in older drafts."""
    about: tuple[str, ...] = ()
    """Keys of facts and ids of threats that the question is about."""


class FactLine(Record):
    """One row of what the product can do."""

    label: Literal["Acts", "Reads", "Credentials", "Approval", "Memory", "Runs", "Meets", "Shows"]
    text: str
    """One or two plain sentences with marks."""
    facts: tuple[str, ...]
    evidence: tuple[str, ...]


class ClaimedControl(Record):
    """A control that the sources claim."""

    text: str
    part: str
    """The part of the product that it belongs to."""
    rank: Rank
    counted: bool
    why: str
    """Why it counts, or why it does not: in one sentence."""
    facts: tuple[str, ...]
    evidence: tuple[str, ...]


class Condition(Record):
    """What has to be true before somebody relies on the product."""

    text: str
    who: str
    """Who is responsible for it, such as "operator" or "vendor"."""
    price: str
    """What it costs, in one phrase; may be empty."""
    threats: tuple[str, ...]
    """The threats that it stops or lessens."""
    after: dict[str, Number] = Field(default_factory=dict)
    """By threat: the CVSS base that remains with the condition in place; 0 if the threat no longer exists."""


class Residual(Record):
    """The highest CVSS base that remains among all threats in default use with every condition in place."""

    before: Number
    after: Number
    threat: str
    """The threat that remains highest."""
    remains: dict[str, Number] = Field(default_factory=dict)
    """By threat, also those outside default use: the base that remains; 0 if the threat no longer exists."""
    changes: dict[str, str] = Field(default_factory=dict)
    """By threat: the metrics that all conditions together change, as in a vector: `UI:A/VC:L`."""


UseProposal = Literal["use", "use with conditions", "wait for answers"]
"""What a draft proposes, and a signer decides, about the use of the product."""


class Advice(Record):
    """The proposal at the end of a draft's first page; the decision is the analyst's."""

    proposal: UseProposal
    conditions: tuple[Condition, ...]
    residual: Residual | None
    law: str = ""
    """A line on law and contracts where the facts touch them; else empty."""
