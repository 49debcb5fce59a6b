"""Records of a review: items, events, actions, and the state that folding the events gives."""

from typing import Annotated, Final, Literal

from pydantic import Field

from agent.records import Document, Draft, Evidence, Fact, Question, Record, Role as Role, Stamp as Stamp
from agent.records.base import Number
from agent.taxonomy.kinds import Band

GENESIS: Final = "0" * 64
"""Hashed with the store's id to give the `previous` of a store's first event."""
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
"""import: a draft came in. send: a question or an unknown went to the vendor. decide: a contest was accepted or
refused. redraft: answers
became sources of a new draft, which `after` names by its sha256. bulk: several items of a section, all of them seen on
screen, were confirmed in one act. redo: an undone act was restored. comment: a remark on an item, which decides
nothing. manage: who sees to a mitigation, until when, and its status. ask: a question for the vendor about a key that
no fact answers."""
ItemKind = Literal["fact", "posture", "factor", "layer", "threat", "chain", "capability", "question", "score"]
Verdict = Literal["open", "confirmed", "corrected", "struck", "sent", "answered", "waived"]
"""The decision on an item. `confirmed`, `corrected`, `struck`, `sent`, `answered` and `waived` close it."""
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
`question/Q1`; `fact/Q1-KEY` is the fact that the answer to Q1 states for KEY."""
Note = Annotated[str, Field(max_length=MAX_NOTE)]


class Reviewer(Record):
    """The person who acts. On loopback, the name is the one given at start."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    role: Role = "analyst"


class Item(Record):
    """One part of a draft that a reviewer decides on."""

    id: ItemId
    kind: ItemKind
    section: str
    """The section that lists it: `product`, `facts`, a layer key, `factors`, `chains` or `questions`."""
    title: str
    supported: bool
    """Whether a verbatim quote supports each of its claims, so that it may be confirmed with its section."""
    evidence: tuple[str, ...]
    weight: float
    """How far it could move the score, in score points, 0 or more."""


class Event(Record):
    """One act, append-only. `seq` orders all events of a store, `number` those of one review, from 1."""

    seq: int
    review: str
    number: int
    batch: int
    """Number of the first event of its batch, the events that were saved and are undone together."""
    at: str
    """UTC, ISO 8601; only displayed, never used for ordering."""
    reviewer: str
    role: Role
    verb: Verb
    item: str
    before: dict[str, object] | None
    """The earlier values of the fields that changed."""
    after: dict[str, object] | None
    reason: str
    note: str
    previous: str
    """Hash of the preceding event in the store; for the first event, of `GENESIS` and the store's id."""
    hash: str


class Planned(Record):
    """A planned event: an `Event` without place, time and author. The events of one action form one batch."""

    verb: Verb
    item: str
    before: dict[str, object] | None = None
    after: dict[str, object] | None = None
    reason: str = ""
    note: str = ""


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
    """With `bulk` or `send` and no item: the section whose items are confirmed or sent."""


class ItemState(Record):
    """An item and the decision on it."""

    item: Item
    verdict: Verdict
    contested: bool
    """Whether a contest of it is open, which has to be decided before sign-off."""
    changed: int
    """Number of the last event that touched it; 0 when none did."""
    by: str
    reason: str
    note: str
    before: dict[str, object] | None
    """The drafted fields that a correction replaced."""
    after: dict[str, object] | None
    lapsed: str = ""
    """Why a decision on it lapsed, that is, what changed in it since; empty when none lapsed."""
    fell: bool = False
    """Whether it rested on a fact that was struck or corrected, and no longer follows from the facts."""
    bulk: bool = False
    """Whether it was confirmed together with others in one act."""
    comments: tuple["Comment", ...] = ()
    asked_of: tuple[str, ...] = ()
    """The people whom a comment asked to look at it and who have not acted on it since."""
    via: tuple[str, ...] = ()
    """For an ability: the items of the facts that it is made from, on which reviewers decide instead. Empty once
    somebody decided on the ability itself, and in drafts whose facts do not produce it."""
    earlier: bool = False
    """Whether it was waived for a signature that was later withdrawn; the next one has to say that this still holds."""


class Comment(Record):
    """What somebody said about an item."""

    number: int
    """Number of its event."""
    by: str
    at: str
    text: str
    to: str = ""
    """The person who is asked to look; empty for nobody."""


class Turn(Record):
    """An act that can be undone."""

    batch: int
    by: str
    items: tuple[str, ...]
    """Ids of the items that it acted on."""
    on_facts: bool
    """Whether it changed the facts, so that what follows from them was computed again."""
    talk: bool
    """Whether it is a comment, on which no other act depends."""


class Contest(Record):
    """One contested point: what is said to be wrong, and what became of it."""

    number: int
    """Number of the event that opened it."""
    item: str
    kind: ContestKind
    text: str
    url: str
    sender: str
    decision: Literal["open", "accepted", "refused"]
    rule: str
    """The reason for the decision, in the reviewer's words."""
    effect: str
    """Its effect on the item and the score, in words; empty while it is open."""


class ScoreShown(Record):
    """A score in the form in which pages show it."""

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
    """In the order of the report."""
    drafted: Draft
    """The draft as the drafter made it (in the last redraft, if any)."""
    reviewed: Draft
    """The same draft with every decision applied, scored again."""
    based: Draft
    """The draft that follows from the facts as reviewers left them, before any other decision; fallen items stay in
    it."""
    fell: tuple[str, ...] = ()
    """Ids of the fallen items, which rested on a fact that was struck or corrected."""
    contests: tuple[Contest, ...]
    stamp: Stamp | None
    undoable: int
    """Number of the batch that the next undo takes back, whoever made it; 0 for none."""
    undos: tuple[Turn, ...] = ()
    """Every act that can be taken back, the oldest first."""
    managed: dict[str, dict[str, dict[str, object]]] = Field(default_factory=dict)
    """The work on mitigations (owner, due date, status …), by threat and by the mitigation's text."""
    redoable: int = 0
    """Number of the batch that the next redo brings back; 0 for none."""
    added: int = 0
    """The highest number in the id of any threat ever added, undone ones included; 0 for none."""
    answered: dict[str, tuple[Fact, tuple[Evidence, ...]]] = Field(default_factory=dict)
    """The facts that answers state, as they came in, with their quotes, by the names of their items."""
    sources: tuple[Document, ...] = Field(default=(), exclude=True)
    """The answers that state facts, as source documents."""
    questions: tuple[Question, ...] = ()
    """All questions in their present wording, answered and fallen ones included."""
    numbers: dict[str, int] = Field(default_factory=dict)
    """The number of each threat in the review, by threat id. A number never changes and is never used twice."""

    @property
    def own(self) -> tuple[ItemState, ...]:
        """The items that reviewers decide on: all but the abilities that take the verdict of their facts."""
        return tuple(one for one in self.items if not one.via)

    @property
    def open(self) -> tuple[ItemState, ...]:
        """The items that still need a decision, contested ones included."""
        return tuple(one for one in self.items if one.contested or (one.verdict == "open" and not one.via))

    @property
    def waived(self) -> tuple[ItemState, ...]:
        """The items that are signed without a decision."""
        return tuple(one for one in self.own if one.verdict == "waived" and not one.contested)

    @property
    def decided(self) -> int:
        """How many items are decided, that is, neither open nor waived."""
        left = {one.item.id for one in (*self.open, *self.waived)}
        return sum(one.item.id not in left for one in self.own)

    @property
    def next_number(self) -> int:
        """The number that the next new threat gets."""
        return max(self.numbers.values(), default=0) + 1

    def tag(self, threat: str) -> str:
        """The name of a threat in the review, such as T3; empty for a threat without a number."""
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
