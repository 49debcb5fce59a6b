"""Records of a review: items, events, actions, and the state obtained by folding the events."""

from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import Field

from agent.records import Document, Draft, Evidence, Fact, Question, Record, Role as Role, Stamp as Stamp
from agent.records.base import Number
from agent.taxonomy.kinds import Band

GENESIS: Final = "0" * 64
"""Hashed with the store's id to compute the `previous` of a store's first event."""
MAX_NOTE: Final = 2_000
MAX_TEXT: Final = 4_000

Plain = dict[str, Any]
"""Fields as plain JSON values."""
Rec = TypeVar("Rec", bound=Record)

Verb = Literal[
    "import", "confirm", "correct", "strike", "attach", "add", "waive", "send", "answer", "contest", "decide", "undo",
    "assign", "redraft", "sign", "reopen", "bulk", "redo", "comment", "manage", "ask",
]  # fmt: skip
"""import: a draft was imported. send: a question or an unknown was sent to the vendor. decide: a contest was
accepted or refused. redraft: answers became sources of a new draft, which `after` identifies by sha256. bulk: several
items of a section, all of them seen on screen, were confirmed in one act. redo: an undone act was restored. comment:
a remark on an item, which decides nothing. manage: owner, due date and status of a mitigation. ask: a question to
the vendor about a key for which no fact is stated."""
ItemKind = Literal["fact", "posture", "factor", "layer", "threat", "chain", "capability", "question", "score"]
Verdict = Literal["open", "confirmed", "corrected", "struck", "sent", "answered", "waived"]
"""The decision on an item. `confirmed`, `corrected`, `struck`, `sent`, `answered` and `waived` close it."""
Reason = Literal[
    "wrong-quote", "not-this-product", "outdated", "not-supported", "wrong-value", "wrong-severity", "wrong-layer",
    "wording", "duplicate", "not-applicable", "known-otherwise", "accepted-risk", "out-of-scope",
]  # fmt: skip
"""The reason for correcting, striking or waiving an item."""
ContestKind = Literal["wrong", "outdated", "missing"]
Stage = Literal["open", "signed"]
ItemId = Annotated[
    str, Field(pattern=r"^(posture|score|(fact|factor|layer|threat|chain|capability|question)/[A-Za-z0-9_.-]{1,80})$")
]
"""Permanent id: `posture`, `score`, `fact/ID`, `factor/KEY`, `layer/KEY`, `threat/ID`, `chain/N`, `capability/C1`,
`question/Q1`; `fact/Q1-KEY` is the fact for KEY stated by the answer to Q1."""
Note = Annotated[str, Field(max_length=MAX_NOTE)]


def replaced(record: Rec, **fields: object) -> Rec:
    """Return the record with these fields replaced, without checking them again."""
    return record.model_copy(update=fields)


class Reviewer(Record):
    """The person who acts; on loopback, the one named at startup."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    role: Role = "analyst"


class Item(Record):
    """One part of a draft that a reviewer decides on."""

    id: ItemId
    kind: ItemKind
    section: str
    """The section that lists the item: `product`, `facts`, a layer key, `factors`, `chains` or `questions`."""
    title: str
    supported: bool
    """Whether each claim of the item has a verbatim quote, so that the item may be confirmed with its section."""
    evidence: tuple[str, ...]
    weight: float
    """How far the item could move the score, in score points, 0 or more."""


class Event(Record):
    """An act in the append-only log. `seq` orders all events of a store, `number` the events of one review, from 1."""

    seq: int
    review: str
    number: int
    batch: int
    """Number of the first event in the batch. The events of a batch were saved together and are undone together."""
    at: str
    """UTC, ISO 8601; only displayed, never used for ordering."""
    reviewer: str
    role: Role
    verb: Verb
    item: str
    before: Plain | None
    """The previous values of the changed fields."""
    after: Plain | None
    reason: str
    note: str
    previous: str
    """Hash of the previous event in the store; for the first event, of `GENESIS` and the store's id."""
    hash: str

    @property
    def said(self) -> Plain:
        """The new values of the changed fields, and what the event stores with them."""
        return self.after or {}


class Planned(Record):
    """A planned event: an `Event` without position, time or author. The events of one action form one batch."""

    verb: Verb
    item: str
    before: Plain | None = None
    after: Plain | None = None
    reason: str = ""
    note: str = ""

    @property
    def said(self) -> Plain:
        """The new values of the changed fields, and what the event stores with them."""
        return self.after or {}


class Action(Record):
    """A reviewer's request. `version` is the version of the review that they saw (the number of its last event)."""

    verb: Verb
    item: str = ""
    version: int
    fields: dict[str, object] = Field(default_factory=dict)
    """Input of `correct`, `attach`, `add`, `answer`, `contest`, `decide`, `assign` (see `agent.review.domain.acts`)."""
    reason: Reason | Literal[""] = ""
    note: Note = ""
    section: str = ""
    """For `bulk` or `send` without an item: the section whose items are confirmed or sent."""


class ItemState(Record):
    """An item and the decision on it."""

    item: Item
    verdict: Verdict
    contested: bool
    """Whether the item has an open contest, which has to be decided before sign-off."""
    changed: int
    """Number of the last event that touched the item; 0 if none did."""
    by: str
    reason: str
    note: str
    before: Plain | None
    """The drafted fields that a correction replaced."""
    after: Plain | None
    lapsed: str = ""
    """Why a decision on the item lapsed, that is, what has changed since; empty if none lapsed."""
    fell: bool = False
    """Whether the item rested on a struck or corrected fact and can no longer be derived from the facts."""
    bulk: bool = False
    """Whether the item was confirmed together with others in one act."""
    comments: tuple["Comment", ...] = ()
    asked_of: tuple[str, ...] = ()
    """The people whom a comment asked to look at the item and who have not acted on it since."""
    via: tuple[str, ...] = ()
    """For a capability: the item ids of its facts, on which reviewers decide instead. Empty once somebody has decided
    on the capability itself, and in drafts that do not derive it from facts."""
    earlier: bool = False
    """Whether the item was waived for a signature that was later withdrawn; the next one must confirm the waiver."""


class Comment(Record):
    """A reviewer's remark on an item."""

    number: int
    """Number of the comment's event."""
    by: str
    at: str
    text: str
    to: str = ""
    """The person asked to look at the item; empty for nobody."""


class Turn(Record):
    """An act that can be undone."""

    batch: int
    by: str
    items: tuple[str, ...]
    """Ids of the items affected by the act."""
    on_facts: bool
    """Whether the act changed the facts, so that everything derived from them was recomputed."""
    talk: bool
    """Whether the act is a comment, on which no other act depends."""


class Contest(Record):
    """One contested point: the alleged error and its outcome."""

    number: int
    """Number of the event that opened the contest."""
    item: str
    kind: ContestKind
    text: str
    url: str
    sender: str
    decision: Literal["open", "accepted", "refused"]
    rule: str
    """The reason for the decision, in the reviewer's words."""
    effect: str
    """The effect of the contest on the item and the score, in words; empty until decided."""


class ScoreShown(Record):
    """A score in the form shown on pages."""

    aivss: Number | None
    severity: Band | None
    low: Number | None
    """Lower end of the likely range."""
    high: Number | None
    withheld: str | None


class ReviewState(Record):
    """A review as of one event."""

    key: str
    version: int
    stage: Stage
    assigned: str
    items: tuple[ItemState, ...]
    """The items in report order."""
    drafted: Draft
    """The draft as the drafter produced it (in the last redraft, if any)."""
    reviewed: Draft
    """The same draft with every decision applied and rescored."""
    based: Draft
    """The draft derived from the facts after reviewers' changes, before any other decision is applied; includes
    fallen items."""
    fell: tuple[str, ...] = ()
    """Ids of the fallen items, which rested on a struck or corrected fact."""
    contests: tuple[Contest, ...]
    stamp: Stamp | None
    undoable: int
    """Number of the batch that the next undo reverts, regardless of who made it; 0 if none."""
    undos: tuple[Turn, ...] = ()
    """Every act that can be undone, oldest first."""
    managed: dict[str, dict[str, Plain]] = Field(default_factory=dict)
    """The work on mitigations (owner, due date, status …), by threat and then by mitigation text."""
    redoable: int = 0
    """Number of the batch that the next redo restores; 0 if none."""
    added: int = 0
    """The highest number in the id of any threat ever added, including undone additions; 0 if none."""
    answered: dict[str, tuple[Fact, tuple[Evidence, ...]]] = Field(default_factory=dict)
    """The facts that answers state, before reviewers' changes, with their quotes; by item id without `fact/`."""
    sources: tuple[Document, ...] = Field(default=(), exclude=True)
    """The answers that state facts, as source documents."""
    questions: tuple[Question, ...] = ()
    """All questions in their current wording, including answered and fallen questions."""
    numbers: dict[str, int] = Field(default_factory=dict)
    """The number of each threat in the review, by threat id. A number never changes and is never reused."""

    @property
    def own(self) -> tuple[ItemState, ...]:
        """The items that reviewers decide on: all except capabilities that take the verdict of their facts."""
        return tuple(one for one in self.items if not one.via)

    @property
    def open(self) -> tuple[ItemState, ...]:
        """The items that still need a decision, including contested items."""
        return tuple(one for one in self.items if one.contested or (one.verdict == "open" and not one.via))

    @property
    def waived(self) -> tuple[ItemState, ...]:
        """The items to be signed without a decision."""
        return tuple(one for one in self.own if one.verdict == "waived" and not one.contested)

    @property
    def decided(self) -> int:
        """The number of items that are neither open nor waived."""
        left = {one.item.id for one in (*self.open, *self.waived)}
        return sum(one.item.id not in left for one in self.own)

    def tag(self, threat: str) -> str:
        """Return the name of a threat in the review, such as T3; empty for a threat without a number."""
        return f"T{self.numbers[threat]}" if threat in self.numbers else ""


class QueueRow(Record):
    """A review in the queue."""

    key: str
    product: str
    vendor: str
    score: ScoreShown
    open: int
    items: int
    uncertain: int
    """Number of layers that are not certain, 0 to 7."""
    stage: Stage
    assigned: str
    contested: int
    changed_at: str
    changed: str
    """Changes since the draft was imported or last redrafted, in words."""
    seconds: float
    """Focus time spent so far."""
