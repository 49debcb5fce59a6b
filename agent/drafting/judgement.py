"""An LLM's validated judgement of a product: all ids are known, all quotes were found, all metrics are valid.

`agent.assist` creates it; `agent.drafting.compose` weighs it against the facts. An empty field or missing entry means
that the LLM gave nothing usable, and the embedded drafter's part is used instead. Facts may be struck later; entries
that cite a removed fact or quote are then left out (`stands`).
"""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from pydantic import Field

from agent.records import Basis, FactSheet, MadeBy, Record, Unit
from agent.records.evidence import MARK, Evidence
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.kinds import ProductKind
from agent.taxonomy.layers import LayerKey

Metric = Literal["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"]
"""The base metrics of CVSS v4.0."""


class _Cited(Record):
    """A part of the judgement that cites facts and quotes, by id."""

    facts: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class JudgedFactor(_Cited):
    """The LLM's value for a factor."""

    value: Unit
    low: Unit
    high: Unit
    reason: str
    """One plain sentence, with marks."""
    insufficient: bool = False
    """Whether the sources contain no evidence for the factor; the embedded estimate is then used."""


class JudgedLayer(Record):
    """The LLM's verdict on a layer."""

    verdict: Literal["sufficient", "mostly", "hardly", "insufficient", "partial"]
    """"partial" means that the LLM's verdict could not be kept. In older drafts it stands for both "mostly" and
    "hardly"."""
    facts: tuple[str, ...] = ()
    """Ids of verified facts that settle the layer."""
    evidence: tuple[str, ...] = ()
    paragraph: str = ""
    """At most 35 words, with marks; for an uncertain layer it may be general commentary without marks."""


class JudgedMetric(Record):
    """The value of one CVSS metric and the reason."""

    value: str
    reason: str


class JudgedMitigation(Record):
    """A mitigation of a threat and who is responsible for it."""

    text: str
    who: Literal["you", "vendor"]


class JudgedThreat(Record):
    """A threat that the LLM considers important."""

    candidate: str | None = None
    """Id of the catalogue threat that the LLM keeps or rewords; None for a new threat."""
    title: str
    actor: str
    how: str
    """At most 45 words, with marks."""
    lost: str
    layer: LayerKey
    basis: Basis
    setting: str = ""
    """The required setup or setting, as a clause that follows "if"."""
    default_use: bool = True
    facts: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    """Ids of quotes; quotes that the LLM selected for display come first."""
    metrics: dict[Metric, JudgedMetric]
    """All eleven base metrics."""
    taxonomy: tuple[tuple[str, str], ...] = ()
    """Pairs of the scheme of a published list and an id in that list, as in `TaxonomyRef`."""
    mitigations: tuple[JudgedMitigation, ...] = ()


class Verdict(Record):
    """The LLM's verdict on a catalogue threat."""

    candidate: str
    says: Literal["keep", "merge", "wrong"]
    into: str = ""
    why: str = ""
    holds: bool = True
    """False if code could not confirm the reason for a "wrong" verdict; the candidate is then kept."""


class JudgedLine(_Cited):
    """A capability row."""

    label: str
    text: str


class JudgedControl(_Cited):
    """A control that the sources claim."""

    text: str
    part: str


class JudgedQuestion(Record):
    """A question for the vendor."""

    text: str
    why: str = ""
    changes: str
    metrics: dict[str, dict[Metric, str]] = Field(default_factory=dict)
    """Metrics that a good answer changes, by threat; none for a threat that it only makes less likely."""
    about: tuple[str, ...] = ()
    """Keys of facts, ids of threats, factor and layer keys."""
    proposed: str = ""


class JudgedStep(_Cited):
    """One step of a chain: the threat, and the fact that leads to it."""

    threat: str


class JudgedChain(Record):
    """A chain of threats, each of which leads to the next."""

    title: str
    steps: tuple[JudgedStep, ...]


class JudgedCondition(Record):
    """A condition to meet before using the product."""

    text: str
    who: str
    price: str = ""
    threats: tuple[str, ...] = ()
    metrics: dict[str, dict[Metric, str]] = Field(default_factory=dict)
    """Metrics that change when the condition is met, by threat."""
    ends: tuple[str, ...] = ()
    """Threats that no longer exist when the condition is met; set only in drafts of earlier versions."""


class JudgedFlow(_Cited):
    """A flow of the system picture, between parts named in `JudgedPicture.parts`."""

    source: str
    target: str
    what: str


class JudgedPart(_Cited):
    """A part of the system picture."""

    name: str
    group: Literal["actor", "component", "store", "service"]
    inside: Literal["user", "product", "vendor", "outside"]


class JudgedPicture(Record):
    """The system picture."""

    parts: tuple[JudgedPart, ...] = ()
    flows: tuple[JudgedFlow, ...] = ()


class Judgement(Record):
    """All of an LLM's judgements except facts, which are in the sheet."""

    kind: ProductKind | None = None
    summary: str = ""
    """What the product is, in one sentence with marks."""
    factors: dict[FactorKey, JudgedFactor] = Field(default_factory=dict)
    reasons: dict[FactorKey, str] = Field(default_factory=dict)
    """Improved reasons for the factors' values, written once the values were known."""
    layers: dict[LayerKey, JudgedLayer] = Field(default_factory=dict)
    threats: tuple[JudgedThreat, ...] = ()
    """Most important first. Chains, conditions and questions refer to them as T1, T2, …"""
    verdicts: tuple[Verdict, ...] = ()
    posture: str = ""
    """One paragraph with marks."""
    lines: tuple[JudgedLine, ...] = ()
    controls: tuple[JudgedControl, ...] = ()
    questions: tuple[JudgedQuestion, ...] = ()
    chains: tuple[JudgedChain, ...] = ()
    conditions: tuple[JudgedCondition, ...] = ()
    proposal: Literal["use", "use with conditions", "wait for answers"] | None = None
    caveat: str = ""
    """What the proposal still depends on; it becomes the second sentence of the proposal."""
    also: tuple[str, ...] = ()
    """Further dangers, each a phrase, or a name, a colon and a sentence."""
    conflicts: tuple[str, ...] = ()
    """Places where the sources contradict themselves or refer to something missing; each is a sentence with marks."""
    law: str = ""
    picture: JudgedPicture = JudgedPicture()
    evidence: tuple[Evidence, ...] = ()
    """Quotes that are not in the sheet; numbering continues from the sheet."""
    disputed: tuple[str, ...] = ()
    """Ids of facts that the LLM calls wrong for a reason that code cannot check; they are kept."""
    doubted: tuple[str, ...] = ()
    """Ids of low-confidence facts that only the classifier found, in sentences that do not mention the action. They set
    no floor for the LLM's severities."""
    parts: tuple[MadeBy, ...] = ()
    """The parts made by the LLM, and the reasons for missing parts."""
    dropped: tuple[tuple[str, str], ...] = ()
    """Rejected parts of the LLM's answers, verbatim, with the reasons."""

    def usable_factor(self, key: FactorKey) -> JudgedFactor | None:
        """Return the LLM's value for a factor, or None if it gave none or found no evidence."""
        judged = self.factors.get(key)
        return None if judged is None or judged.insufficient else judged


def lacks_attacker(actor: str) -> bool:
    """Return whether a threat has no attacker, that is, whether it is a mistake made by the product's LLM."""
    return actor.casefold().startswith(("nobody", "no attacker", "no one"))


NOTHING: Final = Judgement()
"""The judgement of a draft without an LLM."""


class Given(NamedTuple):
    """The input from which a draft is composed."""

    sheet: FactSheet
    name: str
    """The product's name."""
    kind: ProductKind
    judgement: Judgement = NOTHING

    def stands(self, text: str, facts: Iterable[str] = (), evidence: Iterable[str] = ()) -> bool:
        """Return whether all facts and quotes that an entry of the judgement cites still exist."""
        return stands(self.sheet, self.judgement, text, facts, evidence)

    def quotes(self, facts: Iterable[str], evidence: Iterable[str] = ()) -> tuple[str, ...]:
        """Return the evidence ids that an entry cites, or else those of its facts, without duplicates."""
        own = tuple(dict.fromkeys(evidence))
        wanted = set(facts)
        return own or tuple(
            dict.fromkeys(mark for one in self.sheet.facts if one.id in wanted for mark in one.evidence)
        )


def stands(
    sheet: FactSheet, judgement: Judgement, text: str, facts: Iterable[str] = (), evidence: Iterable[str] = ()
) -> bool:
    """Return whether all facts and quotes that an entry cites, in its lists or text, still exist."""
    known = {item.id for item in (*sheet.evidence, *judgement.evidence)}
    counting = {fact.id for fact in sheet.facts if fact.counts}
    return set(facts) <= counting and set(evidence) <= known and set(MARK.findall(text)) <= known
