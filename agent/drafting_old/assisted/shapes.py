"""The shapes of an LLM's answers, one for each kind of call.

The order of the fields is the order in which the LLM writes: quotes first, then whether they suffice, then claims with
the numbers of their quotes (1 is the first), then the paragraph, then a value. Ids and kinds are closed lists; what a
value may be is checked here, everything else by `checking` and the parts, item by item: one odd item costs that item,
not the whole answer.
"""

from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from agent.llm.schema import Tenths
from agent.taxonomy.keys import FactorKey, LayerKey

Sufficiency = Literal["sufficient", "partial", "insufficient"]
ItemGroup = Literal["actor", "component", "store", "service"]
AbilityMode = Literal["read", "write", "delete", "execute"]
JudgeVerdict = Literal["supported", "weak", "contradicted", "unsupported"]


class Shape(BaseModel):
    """Base of all shapes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Quote(Shape):
    """Words of one passage, copied letter by letter."""

    passage: Annotated[str, Field(description="id of the passage, as in its first line")]
    text: str


class Claim(Shape):
    """One sentence with one fact."""

    text: str
    quotes: Annotated[list[int], Field(description="numbers of its quotes; the first is 1")]


class Reasoned(Protocol):
    """What `checking` reads of an item: claims that rest on quotes."""

    @property
    def quotes(self) -> list[Quote]:
        """What was copied."""

    @property
    def claims(self) -> list[Claim]:
        """What is said by them."""


class FactorItem(Shape):
    """One factor."""

    factor: FactorKey
    quotes: list[Quote]
    sufficiency: Sufficiency
    claims: list[Claim]
    paragraph: str
    value: Tenths
    low: Tenths
    high: Tenths


class FactorsAnswer(Shape):
    """The answer to `factors`."""

    factors: list[FactorItem]


class LayerItem(Shape):
    """One layer."""

    layer: LayerKey
    quotes: list[Quote]
    sufficiency: Sufficiency
    claims: list[Claim]
    paragraph: str


class LayersAnswer(Shape):
    """The answer to `layers`."""

    layers: list[LayerItem]


class TaxonomyId(Shape):
    """An id of the list that was given, with its title."""

    id: str
    title: str


class Remedy(Shape):
    """What would lower a threat, and who does it."""

    text: str
    who: Literal["you", "vendor"]


class ThreatItem(Shape):
    """One threat beyond the catalogue: [source] with [prerequisite] can [action], leading to [impact] on [asset]."""

    quotes: list[Quote]
    sufficiency: Sufficiency
    claims: list[Claim]
    layer: LayerKey
    title: str
    source: str
    prerequisite: str
    action: str
    impact: str
    asset: str
    like: Annotated[str, Field(description="id of the known threat whose harm comes nearest")]
    ids: list[TaxonomyId]
    remedies: list[Remedy]


class ThreatsAnswer(Shape):
    """The answer to `threats`."""

    threats: list[ThreatItem]


class PictureItem(Shape):
    """Somebody or something in the system picture."""

    quotes: list[Quote]
    group: ItemGroup
    kind: str
    name: Annotated[str, Field(description="as the quote has it")]


class PictureAbility(Shape):
    """Something that the product can do."""

    quotes: list[Quote]
    action: Annotated[str, Field(description="verb in the third person, as in: sends")]
    object: Annotated[str, Field(description="what it acts on, in words of the quote")]
    mode: AbilityMode
    credential: Annotated[str, Field(description="whose, in words of a quote; empty when not said")]
    approver: Annotated[str, Field(description="who confirms first; empty when not said")]


class PictureFlow(Shape):
    """Something that moves from one to another."""

    quotes: list[Quote]
    source: str
    target: str
    what: str


class PictureAnswer(Shape):
    """The answer to `picture`."""

    items: list[PictureItem]
    abilities: list[PictureAbility]
    flows: list[PictureFlow]


class PostureAnswer(Shape):
    """The answer to `posture`."""

    quotes: list[Quote]
    sufficiency: Sufficiency
    claims: list[Claim]
    paragraph: str


class Worded(Shape):
    """One open point as a question."""

    point: Annotated[str, Field(description="id of the open point")]
    text: str


class QuestionsAnswer(Shape):
    """The answer to `questions`."""

    questions: list[Worded]


class ChainStep(Shape):
    """One step of a chain; the quotes show what carries it from the step before."""

    quotes: list[Quote]
    threat: str


class ChainItem(Shape):
    """Threats that lead to one another."""

    steps: list[ChainStep]
    title: str


class ChainsAnswer(Shape):
    """The answer to `chains`."""

    chains: list[ChainItem]


class Judged(Shape):
    """A second reader's verdict on one claim."""

    claim: int
    wanting: str
    verdict: JudgeVerdict


class CritiqueAnswer(Shape):
    """The answer to `critique`."""

    verdicts: list[Judged]
