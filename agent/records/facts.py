"""Facts, each a security-relevant statement about a product, and the sheet that contains them.

A fact has a key of the closed vocabulary (`corpus/knowledge/facts`), states whether the sources assert it, deny it or
leave it to a setting, and cites the quotes on which it is based. What was searched for and not found is an `Absence`;
what a reader proposed and the code rejected is a `DroppedFact`. Everything else is computed from the sheet.
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
"""actor: who does it; for a control, who can change the setting. action: what is done, if the key leaves it open.
object: what it is done to. data: which data. credential: with which key, account or token. approval: who or what
confirms it. counterpart: the other side, such as a person, service, client or provider. default: the setting as
shipped. scope: what it covers, how far and for how long. part: the part of the product that it belongs to (plug-in,
skill, server, hosted service, client, installer)."""
SLOTS: Final[tuple[SlotName, ...]] = get_args(SlotName)
Polarity = Literal["asserted", "denied", "configurable"]
"""asserted: the sources state the fact. denied: they deny it. configurable: a setting decides."""
FactAbout = Literal["product", "platform", "other", "client"]
"""product: the product itself. platform: the platform or host behind it. other: another product. client: the caller
of the product. Only the first counts for the product's factors and threats."""
ReaderName = Literal["embedded", "llm", "manifest", "vendor-answer", "analyst", "scanner"]
Confidence = Annotated[float, Field(ge=0, le=1)]
"""A reader's confidence that the quotes state the fact, 0 to 1."""
DropReason = Literal[
    "unknown key", "cannot be denied", "no quote", "quote not found", "quote too long", "quote too short",
    "no statement there", "flagged passage", "carries no facts", "another product", "denial without a negation",
    "unknown slot", "slot not in the sources", "too many",
]  # fmt: skip
"""Why a proposal, or one slot of it, was rejected. "carries no facts": the sentence addresses the reader, or is an
example, news, praise or navigation. "another product": its section or sentence is about something else."""


class Slot(Record):
    """One detail of a fact."""

    name: SlotName
    value: str = Field(min_length=1, max_length=300)
    """The value, in the words of the sources."""
    evidence: str = ""
    """Id of the quote that contains the value; empty when the fact's own quotes or their sentences contain it."""


class FactSource(Record):
    """One reader that found a fact."""

    reader: ReaderName
    confidence: Confidence
    state: Literal["claimed", "inferred", "confirmed"] = "claimed"
    """claimed: the quotes say so. inferred: they make it likely. confirmed: a reviewer confirmed it."""


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
    """Evidence ids in order, without duplicates."""
    sources: tuple[FactSource, ...] = Field(min_length=1)
    """The readers that found the fact, without duplicates, in the order of `ReaderName`."""
    rank: Rank
    """Highest rank of its quotes (see `agent.intake.extract.statements.split`), or 4 if a manifest grants it."""
    confidence: Confidence
    """Combined confidence of all its readers."""
    state: State
    """claimed, inferred, denied or confirmed; contradicted if another fact of the sheet says otherwise."""
    conflicts_with: tuple[str, ...] = ()
    """Ids of the contradicting facts."""
    counts: bool = True
    """False for the reassuring side of a contradiction, which is shown but not used in any computation."""
    claim: bool = False
    """Whether only claims of rank 2 or less state the fact (`Statement.claim`): it is shown but settles nothing."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        names = [SLOTS.index(slot.name) for slot in self.slots]
        if names != sorted(set(names)):
            raise ValueError("slots must appear in the defined order, each at most once")
        if len(set(self.evidence)) != len(self.evidence):
            raise ValueError("an evidence id is cited twice")
        readers = [get_args(ReaderName).index(source.reader) for source in self.sources]
        if readers != sorted(set(readers)):
            raise ValueError("readers must be in their order, each once")
        return self

    @property
    def only_inferred(self) -> bool:
        """Whether every reader only inferred the fact."""
        return all(source.state == "inferred" for source in self.sources)

    def read_by(self, reader: ReaderName) -> bool:
        """Return whether this reader found the fact."""
        return any(source.reader == reader for source in self.sources)

    def slot(self, name: SlotName) -> str:
        """Return the value of a slot, or an empty string if the fact has no such slot."""
        return next((slot.value for slot in self.slots if slot.name == name), "")


class Search(Record):
    """The documents and keys searched by one reader."""

    reader: ReaderName
    documents: tuple[str, ...]
    """Ids of the documents read."""
    statements: int = Field(ge=0)
    """Number of statements read from these documents."""
    keys: tuple[str, ...] = ()
    """Keys searched for; empty means the whole vocabulary."""


class Absence(Record):
    """A key for which no fact about the product was found, and where it was searched for. It is never a denial."""

    key: str
    searched: tuple[Search, ...] = Field(min_length=1)


class Telling(Record):
    """A statement about how a layer is built or run; a fact may say the same."""

    document: str
    start: int = Field(ge=0)
    end: int
    quote: str = Field(min_length=1)
    """Equal to the document's text[start:end]."""
    rank: Rank
    about: About


class Outlook(Record):
    """The readers' estimates beyond the facts, used in computations but never shown as claims.

    They are cited in only one case: a layer that is certain without any fact is supported by its statement in
    `tellings`.
    """

    kinds: dict[ProductKind, Confidence] = Field(default_factory=dict)
    """Probability of each product kind; they add up to 1. Empty when no reader estimates the kind."""
    chances: dict[str, Confidence] = Field(default_factory=dict)
    """Calibrated probability, 0 to 1, by vocabulary key, that the sources state the fact about the product. Covers all
    keys that the reader knows, whether or not a fact has them."""
    mentioned: tuple[str, ...] = ()
    """Keys that the sources may state, if only as a claim, in the order of the vocabulary. A reader without an LLM
    cannot say that they are absent."""
    factors: dict[FactorKey, Confidence] = Field(default_factory=dict)
    """Value of each factor, 0 to 1, estimated from the sources as a whole."""
    layers: dict[LayerKey, Confidence] = Field(default_factory=dict)
    """Probability that the sources settle each layer, 0 to 1."""
    tellings: dict[LayerKey, Telling] = Field(default_factory=dict)
    """The most informative statement about each layer; layers without an informative enough statement are missing."""
    stating: float | None = None
    """Number of prose statements that state a fact, judging by their scores; a borderline statement counts in part.
    None if they were not scored."""


class DroppedFact(Record):
    """A rejected proposal, or a rejected slot of one, verbatim and with the reason."""

    key: str
    reader: ReaderName
    quote: str
    """The proposed quote, or the slot's value; at most 300 characters."""
    reason: DropReason
    detail: str = ""
    """Details in one plain clause; may be empty."""


class FactSheet(Record):
    """All facts of one reading, the keys that were not found, and the rejected proposals."""

    facts: tuple[Fact, ...] = ()
    """Facts in the order of the vocabulary, then of their ids."""
    absent: tuple[Absence, ...] = ()
    """Absences in the order of the vocabulary."""
    dropped: tuple[DroppedFact, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    """The quotes cited by the facts and their slots, and no others."""
    searched: tuple[Search, ...] = ()
    """What each reader searched."""
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
    """Return the evidence ids cited by facts and their slots."""
    return {mark for fact in facts for mark in (*fact.evidence, *(s.evidence for s in fact.slots if s.evidence))}


class DraftFacts(Record):
    """The fact sheet as stored in a draft; its quotes are among the draft's evidence, under the same ids."""

    facts: tuple[Fact, ...] = ()
    absent: tuple[Absence, ...] = ()
    dropped: tuple[DroppedFact, ...] = ()
    searched: tuple[Search, ...] = ()
    outlook: Outlook = Outlook()

    def sheet(self, evidence: tuple[Evidence, ...]) -> FactSheet:
        """Return the sheet with its quotes, looked up in `evidence`."""
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
    """Return the sheet without its quotes."""
    return DraftFacts(
        facts=sheet.facts, absent=sheet.absent, dropped=sheet.dropped, searched=sheet.searched, outlook=sheet.outlook
    )
