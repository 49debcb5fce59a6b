"""Facts, each one security-relevant statement about a product, and the sheet that holds them.

A fact names a key of the closed vocabulary (`corpus/knowledge/facts`), says whether the sources assert or deny it or
leave it to a setting, and cites the quotes it rests on. What was looked for and not found is an `Absence`; what a
reader proposed and code refused is a `DroppedFact`. Everything else is computed from the sheet alone.
"""

from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, model_validator

from agent.records.base import About, Rank, Record, State
from agent.records.evidence import Evidence
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.kinds import ProductKind
from agent.taxonomy.layers import LayerKey

SlotName = Literal[
    "actor", "action", "object", "data", "credential", "approval", "counterpart", "default", "scope", "part"
]
"""actor: who does it; for a control, who can change the setting. action: what is done, where the key leaves it open.
object: what it is done to. data: which data. credential: with which key, account or token. approval: who or what
confirms. counterpart: the other side, a person, service, client or provider. default: the setting as shipped. scope:
what it covers, how far, how long. part: the part of the product that it belongs to (plug-in, skill, server, hosted
service, client, installer)."""
SLOTS: Final[tuple[SlotName, ...]] = get_args(SlotName)
Polarity = Literal["asserted", "denied", "configurable"]
"""asserted: the sources say that it is so. denied: they say that it is not. configurable: a setting decides."""
FactAbout = Literal["product", "platform", "other", "client"]
"""product: the product itself. platform: the platform or host behind it. other: another product. client: whoever calls
it. Only the first counts for the product's factors and threats."""
ReaderName = Literal["embedded", "llm", "manifest", "vendor-answer", "analyst", "scanner"]
Confidence = Annotated[float, Field(ge=0, le=1)]
"""How sure a reader is that the quotes say it, 0 to 1."""
DropReason = Literal[
    "unknown key",
    "cannot be denied",
    "no quote",
    "quote not found",
    "quote too long",
    "quote too short",
    "no statement there",
    "flagged passage",
    "carries no facts",
    "another product",
    "denial without a negation",
    "unknown slot",
    "slot not in the sources",
    "too many",
]
"""Why a proposal, or one slot of it, was refused. "carries no facts": the sentence is addressed to the reader, an
example, news, praise or navigation. "another product": its section or sentence speaks of something else."""


class Slot(Record):
    """One detail of a fact."""

    name: SlotName
    value: str = Field(min_length=1, max_length=300)
    """In the words of the sources."""
    evidence: str = ""
    """Id of the quote that has the value; empty when the fact's own quotes or their sentences have it."""


class FactSource(Record):
    """One reader that read a fact."""

    reader: ReaderName
    confidence: Confidence
    state: Literal["claimed", "inferred", "confirmed"] = "claimed"
    """claimed: the quotes say so. inferred: they make it likely. confirmed: a reviewer decided so."""


class Fact(Record):
    """One security-relevant statement about the product, with its quotes."""

    id: str = Field(pattern=r"^F[0-9a-f]{8,16}$")
    """Hash of key, polarity, about and slots: the same fact has the same id in every draft."""
    key: str = Field(pattern=r"^[a-z][a-z_]{2,39}$")
    """A key of the vocabulary."""
    polarity: Polarity
    slots: tuple[Slot, ...] = ()
    """In the order of `SLOTS`, each name at most once."""
    about: FactAbout
    evidence: tuple[str, ...] = Field(min_length=1)
    """Evidence ids, each once, in their order."""
    sources: tuple[FactSource, ...] = Field(min_length=1)
    """Each reader once, in the order of `ReaderName`."""
    rank: Rank
    """The highest of its quotes (see `agent.intake.extract.statements.split`), 4 for what a manifest grants."""
    confidence: Confidence
    """The confidence of all its readers together."""
    state: State
    """claimed, inferred, denied, confirmed; contradicted when another fact of the sheet says otherwise."""
    conflicts_with: tuple[str, ...] = ()
    """Ids of the facts that say otherwise."""
    counts: bool = True
    """False for the comforting side of a contradiction: it is shown, but nothing is computed from it."""
    claim: bool = False
    """Whether nothing but claims of rank 2 or less say so (`Statement.claim`): it is then shown but settles nothing."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        names = [SLOTS.index(slot.name) for slot in self.slots]
        if names != sorted(set(names)):
            raise ValueError("slots must be in their order, each at most once")
        if len(set(self.evidence)) != len(self.evidence):
            raise ValueError("an evidence id is cited twice")
        readers = [get_args(ReaderName).index(source.reader) for source in self.sources]
        if readers != sorted(set(readers)):
            raise ValueError("readers must be in their order, each once")
        return self

    def slot(self, name: SlotName) -> str:
        """The value of a slot, empty when it has none."""
        return next((slot.value for slot in self.slots if slot.name == name), "")


class Search(Record):
    """Where one reader looked, and for what."""

    reader: ReaderName
    documents: tuple[str, ...]
    """Ids of the documents that it read."""
    statements: int = Field(ge=0)
    """How many of their statements it read."""
    keys: tuple[str, ...] = ()
    """The keys that it looked for; empty means the whole vocabulary."""


class Absence(Record):
    """A key for which no fact about the product was found, and where it was looked for. Never a denial."""

    key: str
    searched: tuple[Search, ...] = Field(min_length=1)


class Telling(Record):
    """A statement that says how a layer is built or run, whether or not a fact of the vocabulary says the same."""

    document: str
    start: int = Field(ge=0)
    end: int
    quote: str = Field(min_length=1)
    """Equal to the document's text[start:end]."""
    rank: Rank
    about: About


class Outlook(Record):
    """What the readers consider likely beyond the facts: estimates use it, but it is never shown as a claim.

    It is cited in one case only: a certain layer about which there is no fact rests on its statement in `tellings`.
    """

    kinds: dict[ProductKind, Confidence] = Field(default_factory=dict)
    """How likely the product is of each kind; together 1, or empty when no reader says."""
    chances: dict[str, Confidence] = Field(default_factory=dict)
    """By key of the vocabulary: the calibrated chance, 0 to 1, that the sources state it about the product; also for
    keys whose fact is asserted, and for those that are only questions."""
    factors: dict[FactorKey, Confidence] = Field(default_factory=dict)
    """The likely value of each factor by the sources as a whole, 0 to 1."""
    layers: dict[LayerKey, Confidence] = Field(default_factory=dict)
    """How likely the sources are to settle each layer, 0 to 1."""
    tellings: dict[LayerKey, Telling] = Field(default_factory=dict)
    """The statement that says most about each layer; a layer about which none says enough is missing."""
    stating: int | None = None
    """How many statements of prose state anything at all, by their scores; None if they were not scored."""


class DroppedFact(Record):
    """A proposal, or one slot of it, that was refused, word for word, and why."""

    key: str
    reader: ReaderName
    quote: str
    """What was given as its quote, or the slot's value; at most 300 characters."""
    reason: DropReason
    detail: str = ""
    """In one plain clause; may be empty."""


class FactSheet(Record):
    """All facts of one reading, what was looked for and not found, and what was refused."""

    facts: tuple[Fact, ...] = ()
    """In the order of the vocabulary, then of their ids."""
    absent: tuple[Absence, ...] = ()
    """In the order of the vocabulary."""
    dropped: tuple[DroppedFact, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    """The quotes that the facts and their slots cite, and no others."""
    searched: tuple[Search, ...] = ()
    """What each reader looked at."""
    outlook: Outlook = Outlook()

    @model_validator(mode="after")
    def _closed(self) -> Self:
        ids = [fact.id for fact in self.facts]
        if len(set(ids)) != len(ids):
            raise ValueError("two facts have the same id")
        known = {item.id for item in self.evidence}
        if len(known) != len(self.evidence):
            raise ValueError("two pieces of evidence have the same id")
        if cited(self.facts) != known:
            raise ValueError("facts and evidence do not match")
        if any(other not in ids for fact in self.facts for other in fact.conflicts_with):
            raise ValueError("a conflict with a fact that is not in the sheet")
        return self


def cited(facts: tuple[Fact, ...]) -> set[str]:
    """The evidence ids that facts and their slots cite."""
    return {mark for fact in facts for mark in (*fact.evidence, *(s.evidence for s in fact.slots if s.evidence))}


class DraftFacts(Record):
    """The fact sheet as a draft holds it: its quotes stand among the draft's evidence, under the same ids."""

    facts: tuple[Fact, ...] = ()
    absent: tuple[Absence, ...] = ()
    dropped: tuple[DroppedFact, ...] = ()
    searched: tuple[Search, ...] = ()
    outlook: Outlook = Outlook()

    def sheet(self, evidence: tuple[Evidence, ...]) -> FactSheet:
        """The sheet with its quotes, which are found among `evidence`."""
        marks = cited(self.facts)
        return FactSheet(
            facts=self.facts,
            absent=self.absent,
            dropped=self.dropped,
            searched=self.searched,
            outlook=self.outlook,
            evidence=tuple(item for item in evidence if item.id in marks),
        )


def draft_facts(sheet: FactSheet) -> DraftFacts:
    """The sheet without its quotes."""
    return DraftFacts(
        facts=sheet.facts, absent=sheet.absent, dropped=sheet.dropped, searched=sheet.searched, outlook=sheet.outlook
    )
