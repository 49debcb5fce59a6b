"""Records of the review room: items, events, actions, and the state that a fold of them gives."""

from typing import Annotated, Final, Literal

from pydantic import Field

from agent.records import Document, Draft, Evidence, Fact, Question, Record, Role as Role, Stamp as Stamp
from agent.records.base import Number
from agent.taxonomy.kinds import Band

GENESIS: Final = "0" * 64
"""What stands before the first event of a store, together with the store's id."""
MAX_NOTE: Final = 2_000
MAX_TEXT: Final = 4_000

Verb = Literal[
    "import",
    "confirm",
    "correct",
    "strike",
    "attach",
    "add",
    "waive",
    "send",
    "answer",
    "contest",
    "decide",
    "undo",
    "assign",
    "redraft",
    "sign",
    "reopen",
    "bulk",
    "redo",
    "comment",
    "manage",
    "ask",
]
"""import: a draft came in. send: a question or an unknown went to the vendor. decide: over a contest. redraft: answers
became sources of a new draft, which `after` names by its sha256. bulk: items of a section, all of which had been on
screen, confirmed in one act. redo: an undone act stands again. comment: about an item, decides nothing. manage: who
sees to a mitigation, until when, how far it is. ask: a question for the vendor about a key that no fact answers."""
ItemKind = Literal["fact", "posture", "factor", "layer", "threat", "chain", "capability", "question", "score"]
Verdict = Literal["open", "confirmed", "corrected", "struck", "sent", "answered", "waived"]
"""What stands of an item. `confirmed`, `corrected`, `struck`, `sent`, `answered` and `waived` close it."""
Reason = Literal[
    "wrong-quote",
    "not-this-product",
    "outdated",
    "not-supported",
    "wrong-value",
    "wrong-severity",
    "wrong-layer",
    "wording",
    "duplicate",
    "not-applicable",
    "known-otherwise",
    "accepted-risk",
    "out-of-scope",
]
"""Why something was corrected, struck or waived."""
ContestKind = Literal["wrong", "outdated", "missing"]
Stage = Literal["open", "signed"]
ItemId = Annotated[
    str,
    Field(pattern=r"^(posture|score|(fact|factor|layer|threat|chain|capability|question)/[A-Za-z0-9_.-]{1,80})$"),
]
"""Permanent: `posture`, `score`, `fact/ID`, `factor/KEY`, `layer/KEY`, `threat/ID`, `chain/N`, `capability/C1`,
`question/Q1`; `fact/Q1-KEY` is what the answer to Q1 states of a key."""
Note = Annotated[str, Field(max_length=MAX_NOTE)]


class Reviewer(Record):
    """Who acts. On loopback the name is the one given at start."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    role: Role = "analyst"


class Item(Record):
    """One thing of a draft that a reviewer decides over."""

    id: ItemId
    kind: ItemKind
    section: str
    """Under which it stands: `product`, `facts`, a layer key, `factors`, `chains` or `questions`."""
    title: str
    supported: bool
    """Every claim of it has a verbatim quote, so it may be confirmed with its section."""
    evidence: tuple[str, ...]
    weight: float
    """By how much the score could move with it, score points, 0 or more."""


class Event(Record):
    """One act, append-only. `seq` orders all events of a store, `number` those of one review, from 1."""

    seq: int
    review: str
    number: int
    batch: int
    """Number of the first event that was saved with it; undone together."""
    at: str
    """UTC, ISO 8601; shown, never used to order."""
    reviewer: str
    role: Role
    verb: Verb
    item: str
    before: dict[str, object] | None
    """The item's fields that changed, as they were."""
    after: dict[str, object] | None
    reason: str
    note: str
    previous: str
    """Hash of the event before it in the store, of `GENESIS` and the store's id for the first."""
    hash: str


class Planned(Record):
    """An event-to-be: what `Event` holds, without place, time and author. Those of one action are one batch."""

    verb: Verb
    item: str
    before: dict[str, object] | None = None
    after: dict[str, object] | None = None
    reason: str = ""
    note: str = ""


class Action(Record):
    """What a reviewer asks for. `version` is the review's version that they saw (its last event's number)."""

    verb: Verb
    item: str = ""
    version: int
    fields: dict[str, object] = Field(default_factory=dict)
    """What `correct`, `attach`, `add`, `answer`, `contest`, `decide`, `assign` carry (`agent.review.domain.acts`)."""
    reason: Reason | Literal[""] = ""
    note: Note = ""
    section: str = ""
    """With `bulk` and no item: the section whose items are confirmed."""


class ItemState(Record):
    """An item with what stands of it."""

    item: Item
    verdict: Verdict
    contested: bool
    """A contest of it is open; sign-off needs a decision."""
    changed: int
    """Number of the last event that touched it; 0 when none did."""
    by: str
    reason: str
    note: str
    before: dict[str, object] | None
    """The drafted fields that a correction replaced."""
    after: dict[str, object] | None
    lapsed: str = ""
    """Why a decision over it lapsed: what of it changed since; empty when none did."""
    fell: bool = False
    """It rested on a fact that was struck or corrected, and no longer follows from the facts."""
    bulk: bool = False
    """It was confirmed with others in one act."""
    comments: tuple["Comment", ...] = ()
    asked_of: tuple[str, ...] = ()
    """Who was asked by a comment to look at it, and did nothing on it since."""
    via: tuple[str, ...] = ()
    """Of an ability: the items of the facts that it is made from, which are decided over in its place. Empty once
    somebody decided over it by itself, and in drafts whose facts do not give it."""
    earlier: bool = False
    """It was waived for a signature that was taken back: the next one has to say that this still holds."""


class Comment(Record):
    """What somebody said about an item."""

    number: int
    """Of its event."""
    by: str
    at: str
    text: str
    to: str = ""
    """Who is asked to look; empty for nobody."""


class Turn(Record):
    """An act that can be taken back."""

    batch: int
    by: str
    items: tuple[str, ...]
    """Ids of the items that it decided over."""
    on_facts: bool
    """Other facts stood after it, so what follows from them was computed."""
    talk: bool
    """A comment, on which no other act rests."""


class Contest(Record):
    """One point of an appeal: what is said to be wrong, and what became of it."""

    number: int
    """Of the event that brought it in."""
    item: str
    kind: ContestKind
    text: str
    url: str
    sender: str
    decision: Literal["open", "accepted", "refused"]
    rule: str
    """Why, in the reviewer's words."""
    effect: str
    """What it did to item and score, in words; empty while open."""


class ScoreShown(Record):
    """A score as lists and bars show it."""

    aivss: Number | None
    severity: Band | None
    low: Number | None
    """Likely range."""
    high: Number | None
    withheld: str | None


class ReviewState(Record):
    """A review as of one event."""

    key: str
    version: int
    stage: Stage
    assigned: str
    items: tuple[ItemState, ...]
    """In the order of the report."""
    drafted: Draft
    """What the drafter made (after the last redraft)."""
    reviewed: Draft
    """The same with every decision applied and scored anew."""
    based: Draft
    """What follows from the facts as reviewers left them, before any other decision; what fell is still in it."""
    fell: tuple[str, ...] = ()
    """Ids of the items that rested on a fact which was struck or corrected."""
    contests: tuple[Contest, ...]
    stamp: Stamp | None
    undoable: int
    """Number of the event that the next undo takes back, by anyone; 0 for none."""
    undos: tuple[Turn, ...] = ()
    """Every act that can be taken back, the oldest first."""
    managed: dict[str, dict[str, dict[str, object]]] = Field(default_factory=dict)
    """What is known of the doing of mitigations: by threat and by the mitigation's text."""
    redoable: int = 0
    """Number of the batch that the next redo brings back; 0 for none."""
    added: int = 0
    """The highest number that the id of an added threat ever had, of undone ones too; 0 for none."""
    answered: dict[str, tuple[Fact, tuple[Evidence, ...]]] = Field(default_factory=dict)
    """The facts that answers state, as they came in, with their quotes, by the name of their items."""
    sources: tuple[Document, ...] = Field(default=(), exclude=True)
    """The answers that state something, as sources."""
    questions: tuple[Question, ...] = ()
    """All questions as they are worded, answered and fallen ones among them."""
    numbers: dict[str, int] = Field(default_factory=dict)
    """By id of a threat the number that the review calls it by: it never changes, and none is used twice."""

    @property
    def own(self) -> tuple[ItemState, ...]:
        """What is decided over: all items but abilities over which their facts decide."""
        return tuple(one for one in self.items if not one.via)

    @property
    def open(self) -> tuple[ItemState, ...]:
        """What nobody decided yet."""
        return tuple(one for one in self.items if one.contested or (one.verdict == "open" and not one.via))

    @property
    def waived(self) -> tuple[ItemState, ...]:
        """What is signed without a decision."""
        return tuple(one for one in self.own if one.verdict == "waived" and not one.contested)

    @property
    def decided(self) -> int:
        """How many items somebody decided over: neither open nor waived."""
        left = {one.item.id for one in (*self.open, *self.waived)}
        return sum(one.item.id not in left for one in self.own)

    @property
    def next_number(self) -> int:
        """The number of the next threat that comes."""
        return max(self.numbers.values(), default=0) + 1

    def tag(self, threat: str) -> str:
        """What the review calls a threat, as in T3; empty for one without a number."""
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
    """Layers that are not certain, 0 to 7."""
    stage: Stage
    assigned: str
    contested: int
    changed_at: str
    changed: str
    """What changed since the draft came in, or since its last redraft, in words."""
    seconds: float
    """Focus time spent so far."""
