"""Records that a drafter produces: the system picture, factors, threats, layers, chains, questions."""

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
    """A value from the closed list of its group (see drafting.product.system)."""
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
    """An ability of the product, and the authority under which it acts."""

    id: str
    """C1, C2, …"""
    signal: str
    """Vocabulary key of the capability."""
    action: str
    """Verb phrase, as in "sends", "runs"."""
    object: str
    """Object of the action: a noun phrase extracted from the sources."""
    mode: Literal["read", "write", "delete", "execute"]
    credential: str | None
    """Owner of the credential used; None when the sources do not say."""
    approver: str | None
    """Who approves; None when the sources do not say."""
    data: tuple[str, ...]
    """The classes of data that the capability touches."""
    state: State
    evidence: tuple[str, ...]
    condition: str | None = None
    """Condition for the capability, such as "off by default", "optional" or "planned"; None if there is none."""
    credential_state: State | None = None
    """claimed: the quote of the capability mentions the credential; inferred: another sentence does; denied: a quote
    says that none is used (`credential` is then None)."""
    credential_evidence: tuple[str, ...] = ()
    approver_state: State | None = None
    """claimed or inferred as above; denied: a quote says that no one is asked (`approver` is then None)."""
    approver_evidence: tuple[str, ...] = ()


class System(Record):
    """The system picture: components, data flows and trust boundaries."""

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
    """Product kind, title of the signal, nature of the remainder, an LLM's proposal, or a note that a reviewer set the
    value."""
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
    """An id of a published list, with its title in that list."""

    scheme: str
    id: str
    title: str


class ThreatStatement(Record):
    """A threat in one sentence: [source] with [prerequisite] can [action], which leads to [impact] on [asset]."""

    source: str
    prerequisite: str
    action: str
    impact: str
    asset: str


Basis = Literal["quoted", "entry inferred", "needs a setting", "assumed"]
"""Basis of a threat. quoted: every step has a quote. entry inferred: the ability is quoted, but how the
attacker's content gets in is not. needs a setting: it applies only with a setting or deployment that is not the
default. assumed: it is based on a general assumption, such as a stolen key."""


class ThreatScore(Record):
    """Severity of one threat under the draft's factors."""

    cvss_vector: str
    cvss_base: Number
    aivss: Number
    severity: Band
    reasons: dict[str, str] = Field(default_factory=dict)
    """Reason for the value of each metric, specific to this product."""


class Mitigation(Record):
    """A measure that reduces a threat, and who takes it."""

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
    """For a threat proposed by an LLM: id of the matching known threat, which may not be among the threats shown. None
    for the catalogue's own threats and in older drafts, which did not store it."""
    facts: tuple[str, ...] = ()
    """Ids of the facts behind the threat; empty in older drafts, which did not store facts."""
    basis: Basis | None = None
    """Basis of the threat; None in older drafts, which did not store it."""
    setting: str = ""
    """What has to be set up or switched on beyond the first steps for the threat to apply, as a clause after "if".
    A threat in default use has one if the product's purpose implies it but the first steps do not include it."""
    default_use: bool = True
    """Whether the threat applies when the product is installed and run as its own documentation first describes."""
    how: str = ""
    """Actor, action, target and consequence in at most 45 words with citation marks; empty in older drafts."""
    lost: str = ""
    """What is lost, in one phrase; empty in older drafts."""
    by: Literal["embedded", "llm", "both"] | None = None
    """Author of the threat: the catalogue, an LLM, or an LLM that adapted a threat from the catalogue."""
    place: int | None = None
    """Position among the threats of the draft, 1 for the drafter's headline; threats added by a reviewer come last.
    None in older drafts, which order threats by score, and for an LLM's threat in some older drafts."""


class LayerThreats(Record):
    """One MAESTRO layer of the draft."""

    applies: Literal["yes", "no", "unknown"]
    certain: bool
    certainty: Unit
    features: dict[str, float]
    """Features from which the certainty was computed."""
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
    """A chain of threats across layers, each of which leads to the next."""

    title: str
    threats: tuple[str, ...]
    hops: tuple[Hop, ...]


class Ease(Record):
    """What remains of a threat after a good answer from the vendor."""

    threat: str
    after: Number
    """The CVSS base that the threat would have, 0.0 to 10.0; unchanged if the answer only makes the threat less
    likely."""
    changes: str = ""
    """The metrics that the answer changes, as in `UI:A/VC:L`; empty if it changes none."""


class Question(Record):
    """A question for the vendor."""

    id: str
    text: str
    proposed: str
    """The answer that would settle the question, worded so that it can be pasted."""
    settles: tuple[str, ...]
    """Keys of the factors and layers that the answer settles."""
    effect: float
    """How much the likely range of the score would shrink, in score points, 0 or more."""
    why: str = ""
    """Why the answer matters, in one sentence; empty in older drafts."""
    changes: str = ""
    """Effect of each answer: which threat disappears, shrinks or becomes detectable; empty in older drafts."""
    about: tuple[str, ...] = ()
    """Keys of facts and ids of threats that the question is about."""
    eases: tuple[Ease, ...] = ()
    """The threats that a good answer eases; empty in older drafts."""


class FactLine(Record):
    """One row in the summary of what the product can do."""

    label: Literal["Acts", "Reads", "Credentials", "Approval", "Memory", "Runs", "Meets", "Shows"]
    text: str
    """One or two plain sentences with citation marks."""
    facts: tuple[str, ...]
    evidence: tuple[str, ...]


class ClaimedControl(Record):
    """A control that the sources claim."""

    text: str
    part: str
    """The part of the product that the control belongs to."""
    rank: Rank
    counted: bool
    why: str
    """Why the control counts or does not count, in one sentence."""
    facts: tuple[str, ...]
    evidence: tuple[str, ...]


class Condition(Record):
    """A condition to be met before the product is relied on."""

    text: str
    who: str
    """Who is responsible for the condition, such as "operator" or "vendor"."""
    price: str
    """Cost of the condition, in one phrase; may be empty."""
    threats: tuple[str, ...]
    """The threats that the condition stops or reduces."""
    after: dict[str, Number] = Field(default_factory=dict)
    """CVSS base that remains once the condition is met, by threat; 0 if the threat no longer exists."""


class Residual(Record):
    """The highest CVSS base among the threats in default use once all conditions are met."""

    before: Number
    after: Number
    threat: str
    """The threat with the highest remaining base."""
    remains: dict[str, Number] = Field(default_factory=dict)
    """Remaining base by threat, including threats outside default use; 0 if the threat no longer exists."""
    changes: dict[str, str] = Field(default_factory=dict)
    """Metrics that all conditions together change, by threat, written as in a vector: `UI:A/VC:L`."""


UseProposal = Literal["use", "use with conditions", "wait for answers"]
"""What a draft can propose, and a signer can decide, about the use of the product."""


class Advice(Record):
    """The proposal at the end of a draft's first page; the decision is the analyst's."""

    proposal: UseProposal
    conditions: tuple[Condition, ...]
    residual: Residual | None
    caveat: str = ""
    """What the proposal still depends on, as a second sentence (a clause in older drafts); may be empty."""
    also: tuple[str, ...] = ()
    """Further dangers, inferred without evidence. From an LLM: each a name, a colon and a sentence (a phrase in older
    drafts). Without an LLM: titles of threats that recur for the product's kind and are not shown."""
    conflicts: tuple[str, ...] = ()
    """Where the sources contradict themselves or refer to something missing; each is a sentence with citation marks."""
    law: str = ""
    """A line on law and contracts, if the facts concern them; otherwise empty."""
