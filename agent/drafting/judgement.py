"""An LLM's judgement of a product, already checked: every id is known, every quote was found, every metric is legal.

`agent.assist` makes it; `agent.drafting.compose` weighs it against the facts. An empty field or a missing entry means
that the LLM said nothing usable, and the embedded drafter's part is used. Facts may be struck afterwards: an entry that
cites a fact or a quote that is gone is left out (`stands`).
"""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from agent.records import Basis, FactSheet, MadeBy, Record, Unit
from agent.records.evidence import MARK, Evidence
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.kinds import ProductKind
from agent.taxonomy.layers import LayerKey

Metric = Literal["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"]
"""The base metrics of CVSS v4.0."""


class JudgedFactor(Record):
    """A factor as the LLM values it."""

    value: Unit
    low: Unit
    high: Unit
    reason: str
    """One plain sentence, with marks."""
    evidence: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    insufficient: bool = False
    """Whether nothing in the sources bears on it; the embedded estimate is then used."""


class JudgedLayer(Record):
    """A layer as the LLM sees it."""

    verdict: Literal["sufficient", "partial", "insufficient"]
    facts: tuple[str, ...] = ()
    """Ids of verified facts that pin the layer."""
    evidence: tuple[str, ...] = ()
    paragraph: str = ""
    """At most 35 words, with marks; for an uncertain layer it may be general commentary without marks."""


class JudgedMetric(Record):
    """One CVSS metric and why it has its value."""

    value: str
    reason: str


class JudgedMitigation(Record):
    """What lowers a threat, and who does it."""

    text: str
    who: Literal["you", "vendor"]


class JudgedThreat(Record):
    """A threat that the LLM considers important."""

    candidate: str | None = None
    """Id of the catalogue threat that the LLM keeps or rewords; None for a threat of its own."""
    title: str
    actor: str
    how: str
    """At most 45 words, with marks."""
    lost: str
    layer: LayerKey
    basis: Basis
    setting: str = ""
    """What has to be set up or switched on for it to hold, as a clause that follows "if"."""
    default_use: bool = True
    facts: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    """Quotes; those that the LLM chose to be shown with the threat come first."""
    metrics: dict[Metric, JudgedMetric]
    """All eleven base metrics."""
    taxonomy: tuple[tuple[str, str], ...] = ()
    """Pairs of scheme and id of published lists, as in `TaxonomyRef`."""
    mitigations: tuple[JudgedMitigation, ...] = ()


class Verdict(Record):
    """What the LLM said about a threat that the catalogue proposed."""

    candidate: str
    says: Literal["keep", "merge", "wrong"]
    into: str = ""
    why: str = ""
    holds: bool = True
    """False when code could not confirm the reason for a "wrong" verdict; the candidate then stays."""


class JudgedLine(Record):
    """A row of what the product can do."""

    label: str
    text: str
    facts: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class JudgedControl(Record):
    """A control that the sources claim."""

    text: str
    part: str
    facts: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class JudgedQuestion(Record):
    """A question to the vendor."""

    text: str
    why: str
    changes: str
    about: tuple[str, ...] = ()
    """Keys of facts, ids of threats, factor and layer keys."""
    proposed: str = ""


class JudgedStep(Record):
    """One step of a chain: the threat, and the fact that carries the step to it."""

    threat: str
    facts: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class JudgedChain(Record):
    """Threats that follow from one another."""

    title: str
    steps: tuple[JudgedStep, ...]


class JudgedCondition(Record):
    """What has to be true before somebody relies on the product."""

    text: str
    who: str
    price: str = ""
    threats: tuple[str, ...] = ()
    metrics: dict[str, dict[Metric, str]] = Field(default_factory=dict)
    """By threat: the metrics that change with the condition in place."""
    ends: tuple[str, ...] = ()
    """Threats that no longer exist with the condition in place."""


class JudgedFlow(Record):
    """A flow of the system picture, between parts named in `JudgedPicture.parts`."""

    source: str
    target: str
    what: str
    facts: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class JudgedPart(Record):
    """A part of the system picture."""

    name: str
    group: Literal["actor", "component", "store", "service"]
    inside: Literal["user", "product", "vendor", "outside"]
    facts: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class JudgedPicture(Record):
    """The system picture."""

    parts: tuple[JudgedPart, ...] = ()
    flows: tuple[JudgedFlow, ...] = ()


class Judgement(Record):
    """Everything that an LLM judged beyond the facts themselves, which are in the sheet."""

    kind: ProductKind | None = None
    summary: str = ""
    """What the product is, in one sentence with marks."""
    factors: dict[FactorKey, JudgedFactor] = Field(default_factory=dict)
    layers: dict[LayerKey, JudgedLayer] = Field(default_factory=dict)
    threats: tuple[JudgedThreat, ...] = ()
    """At most seven, the most important first. Chains, conditions and questions call them T1, T2, …"""
    verdicts: tuple[Verdict, ...] = ()
    posture: str = ""
    """Three sentences with marks."""
    lines: tuple[JudgedLine, ...] = ()
    controls: tuple[JudgedControl, ...] = ()
    questions: tuple[JudgedQuestion, ...] = ()
    chains: tuple[JudgedChain, ...] = ()
    conditions: tuple[JudgedCondition, ...] = ()
    proposal: Literal["use", "use with conditions", "wait for answers"] | None = None
    law: str = ""
    picture: JudgedPicture = JudgedPicture()
    evidence: tuple[Evidence, ...] = ()
    """Quotes that are not in the sheet; their numbers continue those of the sheet."""
    doubted: tuple[str, ...] = ()
    """Facts that only the classifier read, unsurely, in sentences that do not name the act: no floor for the LLM's
    severities rests on them."""
    parts: tuple[MadeBy, ...] = ()
    """Which parts came from the LLM, and why a part is missing."""
    dropped: tuple[tuple[str, str], ...] = ()
    """The parts of its answers that were refused, word for word, and why."""


def stands(
    sheet: FactSheet, judgement: Judgement, text: str, facts: Iterable[str] = (), evidence: Iterable[str] = ()
) -> bool:
    """Whether all facts and quotes that an entry cites, in its lists or its text, are still there."""
    known = {item.id for item in (*sheet.evidence, *judgement.evidence)}
    counting = {fact.id for fact in sheet.facts if fact.counts}
    return set(facts) <= counting and set(evidence) <= known and set(MARK.findall(text)) <= known


def quotes_of(sheet: FactSheet, facts: Iterable[str], evidence: Iterable[str] = ()) -> tuple[str, ...]:
    """The evidence ids that an entry cites, or those of its facts if it cites none itself; each once."""
    own = tuple(dict.fromkeys(evidence))
    if own:
        return own
    wanted = set(facts)
    return tuple(dict.fromkeys(mark for fact in sheet.facts if fact.id in wanted for mark in fact.evidence))
