"""The shapes of an LLM's four answers.

The order of the fields is the order in which an LLM writes: evidence and reason come before a value. Closed lists are
enforced here; everything else is checked item by item, so that an invalid item does not affect the others.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.facts.readers.llm import FactItem
from agent.llm.parse import Tenths
from agent.records import Basis
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.kinds import ProductKind
from agent.taxonomy.layers import LayerKey

WrongReason = Literal["addressed to the reader", "another product", "not stated", "misread", ""]
Quotes = Annotated[list[str], Field(description="each as `D1: words copied letter by letter`")]


class Shape(BaseModel):
    """Base of all shapes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WrongItem(Shape):
    """A fact of the program that the LLM calls wrong."""

    fact: Annotated[str, Field(description="its id, such as P3")]
    reason: WrongReason
    why: str


class PartItem(Shape):
    """A part of the system picture."""

    name: str
    group: Literal["actor", "component", "store", "service"]
    inside: Literal["user", "product", "vendor", "outside"]
    quotes: Quotes


class FlowItem(Shape):
    """A flow of the system picture."""

    source: str
    target: str
    what: str
    quotes: Quotes


class FactsDoes(Shape):
    """The answer to `facts-does`."""

    kind: ProductKind
    facts: list[FactItem]
    parts: list[PartItem]
    flows: list[FlowItem]
    wrong: list[WrongItem]


class LayerVerdict(Shape):
    """What the sources give for a layer."""

    layer: LayerKey
    quotes: Quotes
    verdict: Literal["sufficient", "mostly", "hardly", "insufficient"]


class FactsBuilt(Shape):
    """The answer to `facts-built`."""

    layers: list[LayerVerdict]
    facts: list[FactItem]
    wrong: list[WrongItem]


class FactorItem(Shape):
    """One factor."""

    factor: FactorKey
    reason: str
    quotes: Quotes
    value: Tenths
    low: Tenths
    high: Tenths
    insufficient: bool


class Factors(Shape):
    """The answer to `factors`."""

    factors: list[FactorItem]


class ReasonItem(Shape):
    """A better reason for a factor's value."""

    factor: FactorKey
    reason: str


class VerdictItem(Shape):
    """What the LLM says of a candidate."""

    candidate: str
    says: Literal["keep", "merge", "wrong"]
    into: str
    reason: Literal["addressed to the reader", "another product", "fact absent", ""]
    why: str


class Metrics(Shape):
    """CVSS v4.0 base metrics, each as `value: reason`."""

    AV: str
    AC: str
    AT: str
    PR: str
    UI: str
    VC: str
    VI: str
    VA: str
    SC: str
    SI: str
    SA: str


class ThreatItem(Shape):
    """One threat."""

    candidate: Annotated[str, Field(description="id of the candidate that it keeps or rewords, else empty")]
    title: str
    actor: str
    how: str
    lost: str
    layer: LayerKey
    basis: Basis
    setting: str
    default_use: bool
    quotes: Quotes
    cvss: Metrics
    ids: list[str]
    you: Annotated[str, Field(description="what the operator does about it")]
    vendor: Annotated[str, Field(description="what the vendor should do")]


class ConditionItem(Shape):
    """What has to be true before use."""

    text: str
    who: str
    price: str
    metrics: Annotated[list[str], Field(description="what it changes, each as `T1 UI:A` or `T1`")]


class StepItem(Shape):
    """One step of a chain."""

    threat: str
    quotes: Quotes


class ChainItem(Shape):
    """Threats that follow from one another."""

    title: str
    steps: list[StepItem]


class Paragraph(Shape):
    """What is written about a layer."""

    layer: LayerKey
    paragraph: str


class LineItem(Shape):
    """A row of what the product can do."""

    label: Literal["Acts", "Reads", "Credentials", "Approval", "Memory", "Runs", "Meets", "Shows"]
    text: str


class ControlItem(Shape):
    """A control that the sources claim."""

    text: str
    part: str


class QuestionItem(Shape):
    """A question for the vendor."""

    text: str
    changes: str
    metrics: Annotated[list[str], Field(description="what the good answer changes, each as `T1 UI:A` or `T1`")]
    about: list[str]
    proposed: str


class Page(Shape):
    """The answer to `page`."""

    dangers: list[str] = Field(default_factory=list)
    """Dangers that the LLM writes down before it chooses threats; not used otherwise."""
    posture: str
    threats: list[ThreatItem]
    also: list[str] = Field(default_factory=list)
    conflicts: list[str] = Field(default_factory=list)
    conditions: list[ConditionItem]
    proposal: Literal["use", "use with conditions", "wait for answers"]
    caveat: str
    law: str
    layers: list[Paragraph]
    questions: list[QuestionItem]
    what: str
    lines: list[LineItem]
    controls: list[ControlItem]
    reasons: list[ReasonItem] = Field(default_factory=list)
    verdicts: list[VerdictItem]
    chains: list[ChainItem]
