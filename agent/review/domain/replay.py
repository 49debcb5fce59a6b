"""Replays the events of a review into a decision on each item, before any of them is applied to the draft.

An undone batch counts as if it had never been made, except that its items still count as touched for a reviewer who has
not seen it. Undoing a redraft restores the previous draft, and its answers are pending again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from agent.errors import IntegrityError
from agent.records import Draft
from agent.report.view import View
from agent.review.domain.items import SCORE, fields_of, items_of
from agent.review.domain.lapses import content_of
from agent.review.domain.records import Comment, Contest, Event, Plain, Stage, Stamp, Turn, Verb, Verdict, replaced

NOT_UNDOABLE: Final[tuple[Verb, ...]] = ("import", "sign", "reopen", "undo", "redo")
SHEET: Final = "sheet"
"""Key in an event that changes the facts, for the draft then derived from them (`sha256`) and the items that they no
longer yield (`fell`)."""
LAST: Final = "last"
"""Value of `place` in the event of an added threat that is placed after all others. Older events lack it."""
SEEN: Final = "seen"
"""Key in a decision's event for the content that the decision was based on."""
CALLED: Final = "called"
"""Key in an item's event for the item's title at the time; for several items, titles by id. Older events lack it."""
NUMBER: Final = "number"
"""Key in the event of an added threat for its number in the review. Older events lack it."""
NUMBERS: Final = "numbers"
"""Key in `SHEET` for the numbers of the threats added by that draft."""
REASONS: Final = {
    "wrong-quote": "the quote does not say it", "not-this-product": "about another product",
    "outdated": "no longer true", "not-supported": "not supported by its evidence", "wrong-value": "wrong value",
    "wrong-severity": "wrong severity", "wrong-layer": "wrong layer", "wording": "wording", "duplicate": "a duplicate",
    "not-applicable": "does not apply", "known-otherwise": "known from elsewhere", "accepted-risk": "accepted risk",
    "out-of-scope": "out of scope",
}  # fmt: skip
"""Display texts of the reason codes."""
_ASIDE: Final = ("marks", CALLED, SHEET, SEEN, NUMBER)
"""What an event stores besides the fields of its item."""
_CLOSED_BY: Final[dict[Verb, Verdict]] = {
    "strike": "struck", "waive": "waived", "send": "sent", "answer": "answered", "add": "confirmed", "ask": "sent",
    "correct": "corrected",
}  # fmt: skip


@dataclass
class Standing:
    """The decision on one item, and everything else that events say about it."""

    verdict: Verdict = "open"
    by: str = ""
    reason: str = ""
    note: str = ""
    edits: Plain = field(default_factory=dict)
    """Corrected fields with their last values; for an added threat, all its fields; for a question, its answer."""
    attached: list[str] = field(default_factory=list)
    """Ids of attached evidence; `marks` has the quotes."""
    marks: list[tuple[int, Plain]] = field(default_factory=list)
    """For each event with citations: its number and its citations, by evidence id."""
    added: bool = False
    """Whether the item is a threat or question added by a reviewer."""
    seen: Plain = field(default_factory=dict)
    """The content that the decision was based on, field by field; empty for events older than this field."""
    decided: int = 0
    """Number of the event with the last decision."""
    fell: bool = False
    """Whether the item rested on a struck or corrected fact."""
    bulk: bool = False
    """Whether the item was confirmed together with others in one act."""
    lapsed: str = ""
    """Why the decision lapsed: what a redraft or a new answer has changed since."""
    comments: list[Comment] = field(default_factory=list)
    managed: dict[str, Plain] = field(default_factory=dict)
    """The work on the item's mitigations (owner, due date, status …), by mitigation text."""
    answered: str = ""
    """When the question was answered (UTC, ISO 8601); empty if it was not."""
    worded: str = ""
    """A question's wording when it was sent or answered; empty for events older than this field."""
    asked_of: set[str] = field(default_factory=set)
    """The people whom a comment asked to look at the item and who have not acted since."""
    earlier: bool = False
    """Whether the item was waived for a signature that was later withdrawn."""

    @property
    def given(self) -> Plain | None:
        """The answer to a question; None if it has none or is struck."""
        return self.edits.get("answer") if self.verdict != "struck" else None

    @property
    def why(self) -> str:
        """The reason and the note of the decision, in words."""
        return why(self.reason, self.note)

    @property
    def confirmed(self) -> Verdict:
        """The verdict that a confirmation gives the item."""
        return "corrected" if self.edits and not self.added else "confirmed"

    def decide(self, event: Event, verdict: Verdict, seen: Plain | None) -> None:
        """Record the decision made by an event; `seen` is the content that it was based on."""
        self.by, self.reason, self.note, self.decided = event.reviewer, event.reason, event.note, event.number
        self.verdict, self.seen, self.bulk = verdict, seen or {}, event.verb == "bulk"
        self.lapsed, self.earlier = "", False


def why(reason: str, note: str) -> str:
    """Format a reason code and a note in words."""
    return ": ".join(part for part in (REASONS.get(reason, reason), note) if part)


class Living(NamedTuple):
    """The events that were not undone."""

    events: tuple[Event, ...]
    undoable: int
    redoable: int
    undos: tuple[Turn, ...]
    """Every act that can be undone, oldest first."""


@dataclass
class Replayed:
    """The result of replaying all events of a review."""

    drafted: Draft
    alive: Living
    changed: dict[str, int]
    """The number of the last event that touched each item, including undone events and their undos."""
    numbers: dict[str, int]
    """The number of each threat in the review, by threat id. Numbers from undone events stay reserved, so that none
    is reused."""
    based: Draft | None = None
    """The draft derived from the facts after reviewers' changes; None if no fact was changed."""
    fell: tuple[str, ...] = ()
    """Ids of the items that can no longer be derived from the facts."""
    standing: dict[str, Standing] = field(default_factory=dict)
    contests: dict[int, Contest] = field(default_factory=dict)
    contested: dict[int, Standing] = field(default_factory=dict)
    """The decision on a contested item at the time of the contest, by the contest's number."""
    assigned: str = ""
    stage: Stage = "open"
    stamp: Stamp | None = None
    frozen: tuple[dict[str, dict[str, Plain]], tuple[Contest, ...]] | None = None
    """For a signed review, what may still change, as it was at the time of signing: the work on mitigations by item and
    text, and the contests."""

    @property
    def work(self) -> dict[str, dict[str, Plain]]:
        """The work on mitigations, by item and text."""
        return {name: dict(one.managed) for name, one in self.standing.items() if one.managed}

    def of(self, item: str) -> Standing:
        """Return the decision on an item, creating it if there is none."""
        return self.standing.setdefault(item, Standing())


def living(events: Sequence[Event]) -> Living:
    """Drop undone batches, undos and redos from the events, and find what the next undo and redo refer to.

    After an undo, any act except an assignment clears the redo stack.
    """
    undone: set[int] = set()
    stack: list[int] = []
    again: list[int] = []
    for event in events:
        batch = event.said.get("batch", 0)
        if event.verb == "undo":
            undone.add(batch)
            stack = [other for other in stack if other != batch]
            again.append(batch)
        elif event.verb == "redo":
            undone.discard(batch)
            stack.append(batch)
            again = [other for other in again if other != batch]
        else:
            if event.verb != "assign":
                again.clear()
            if event.verb not in NOT_UNDOABLE and event.batch not in stack:
                stack.append(event.batch)
    left = tuple(event for event in events if event.verb not in ("undo", "redo") and event.batch not in undone)
    inside: dict[int, list[Event]] = {batch: [] for batch in stack}
    for event in left:
        inside.get(event.batch, []).append(event)
    undos = tuple(
        Turn(
            batch=batch,
            by=members[0].reviewer,
            items=tuple(dict.fromkeys(item for event in members for item in _items_of(event))),
            # An answer counts too, since a later redraft incorporates it.
            on_facts=any(event.verb in ("redraft", "answer") or SHEET in event.said for event in members),
            talk=all(event.verb == "comment" for event in members),
        )
        for batch, members in inside.items()
        if members
    )
    return Living(left, stack[-1] if stack else 0, again[-1] if again else 0, undos)


def _items_of(event: Event) -> Sequence[str]:
    return event.said["items"] if event.verb == "bulk" else [event.item] if event.item else []


def replay(key: str, draft: Draft, events: Sequence[Event], revisions: Mapping[str, Draft]) -> Replayed:
    """Replay the events in order. Raises IntegrityError when a draft that an event refers to is missing."""
    alive = living(events)
    found = Replayed(draft, alive, _touched(events), _numbers(draft, events))
    for event in alive.events:
        match event.verb:
            case "redraft":
                _redraft(found, event, revisions)
            case "assign":
                found.assigned = event.said["to"]
            case "sign":
                _sign(found, event, key)
            case "reopen":
                found.stage, found.stamp, found.frozen = "open", None, None
                for one in found.standing.values():
                    one.earlier = one.verdict == "waived"
            case "contest" | "decide":
                _contest(found, event)
            case "import":
                pass
            case "bulk":
                for item in _items_of(event):
                    one = found.of(item)
                    one.decide(event, one.confirmed, event.said.get(SEEN, {}).get(item))
                    one.asked_of.discard(event.reviewer)
            case _:
                if event.verb == "answer":
                    _answered_anew(found, event)
                _act(found.of(event.item), event)
    last = last_on_facts(alive.events)
    sheet = last.said.get(SHEET) if last is not None else None
    if last is not None and sheet and sheet["sha256"]:
        found.based, found.fell = _revision(revisions, sheet["sha256"], last), tuple(sheet["fell"])
    return found


def _numbers(draft: Draft, events: Sequence[Event]) -> dict[str, int]:
    """Return the threat numbers assigned so far: those of the imported draft, then those in events."""
    made = {placed.threat.id: placed.number for placed in View(draft).threats}
    for event in events:
        named = dict((event.said.get(SHEET) or {}).get(NUMBERS, {}))
        if event.verb == "add" and NUMBER in event.said:
            named[event.item.partition("/")[2]] = event.said[NUMBER]
        for name, number in named.items():
            made.setdefault(name, number)
    return made


def called(event: Event, item: str = "") -> str:
    """Return the title of an item at the time of the event; empty for older events."""
    told = event.said.get(CALLED, "")
    return str(told.get(item or event.item, "") if isinstance(told, Mapping) else told)


def last_on_facts(events: Sequence[Event]) -> Event | None:
    """Return the last of these events, none of them undone, that changed the facts or was a redraft."""
    return next((event for event in reversed(events) if event.verb == "redraft" or SHEET in event.said), None)


def _revision(revisions: Mapping[str, Draft], sha256: str, event: Event) -> Draft:
    again = revisions.get(sha256)
    if again is None:
        where = f"event {event.number}: {sha256[:16]}"
        raise IntegrityError("the redraft is missing", where=where, hint="look for it in a backup")
    return again


def _touched(events: Sequence[Event]) -> dict[str, int]:
    """Map each item to the number of the last event that touched it, including undone events and their undos."""
    members: dict[int, list[str]] = {}
    changed: dict[str, int] = {}
    for event in events:
        own = _items_of(event)
        touched = members.get(event.said.get("batch", 0), []) if event.verb in ("undo", "redo") else own
        members.setdefault(event.batch, []).extend(own)
        changed |= dict.fromkeys(touched, event.number)
    return changed


def _answered_anew(found: Replayed, event: Event) -> None:
    """Reopen decisions on the facts of the previous answer; an analyst's answer confirms the facts that it states."""
    own = f"fact/{event.item.partition('/')[2]}-"
    for name, one in found.standing.items():
        if name.startswith(own) and one.verdict != "open":
            one.verdict, one.edits = "open", {}
            one.lapsed = f"the answer in event {event.number} has changed"
    if event.said.get("kind") == "analyst-note":
        for state in event.said.get("states", ()):
            fact = found.of(f"{own}{state['key']}")
            fact.verdict, fact.by, fact.decided, fact.lapsed = "confirmed", event.reviewer, event.number, ""


def _act(one: Standing, event: Event) -> None:
    after = {name: value for name, value in event.said.items() if name not in _ASIDE}
    if "marks" in event.said:
        one.marks.append((event.number, event.said["marks"]))
    one.asked_of.discard(event.reviewer)
    match event.verb:
        case "comment":
            text, to = after["text"], after.get("to", "")
            one.comments.append(Comment(number=event.number, by=event.reviewer, at=event.at, text=text, to=to))
            if to and to != event.reviewer:
                one.asked_of.add(to)
        case "manage":
            one.managed[after.pop("mitigation")] = after
        case "attach":
            one.by = event.reviewer
            one.attached += after["evidence"]
        case _:
            one.decide(event, _CLOSED_BY.get(event.verb, one.confirmed), event.said.get(SEEN))
    match event.verb:
        case "add" | "ask":
            one.added, one.edits = True, after
        case "correct":
            _carry_work(one, event)
            one.edits = {**one.edits, **after}
            one.worded = "" if "text" in after else one.worded
            one.attached = [] if "evidence" in after else one.attached
        case "send" | "answer":
            one.worded = event.said.get(CALLED, one.worded)
            if event.verb == "answer":
                one.edits, one.answered = {**one.edits, "answer": after}, event.at


def _carry_work(one: Standing, event: Event) -> None:
    """Transfer the recorded work to the new text when a correction rewords a mitigation."""
    rows = ((side or {}).get("mitigations", ()) for side in (event.before, event.after))
    before, after = ([row["text"] for row in side] for side in rows)
    for was, now in zip(before, after, strict=False):
        if was in one.managed and was not in after and now not in before:
            one.managed[now] = one.managed.pop(was)


def _sign(found: Replayed, event: Event, key: str) -> None:
    found.frozen = found.work, tuple(found.contests.values())
    signed = ("open", "waived", "sha256", "waivers", "bulk", "unanswered", "decision")
    stamp: dict[str, Any] = {
        "reviewer": event.reviewer, "role": event.role, "at": event.at, "head": event.hash, "number": event.number,
        "review": key, **{name: event.said[name] for name in signed if name in event.said},
    }  # fmt: skip
    found.stage, found.stamp = "signed", Stamp.model_validate(stamp)


def _contest(found: Replayed, event: Event) -> None:
    one, told = found.of(event.item), event.said
    one.asked_of.discard(event.reviewer)
    if event.verb == "contest":
        given = {name: told[name] for name in ("kind", "text", "url", "sender")}
        found.contests[event.number] = Contest(
            number=event.number, item=event.item, decision="open", rule="", effect="", **given
        )
        found.contested[event.number] = replace(
            one, edits=dict(one.edits), attached=list(one.attached), marks=list(one.marks)
        )
        return
    contest = found.contests[told["number"]]
    found.contests[contest.number] = replaced(contest, decision=told["decision"], rule=told["rule"])
    # The contest concerns the item with its earlier corrections, so only a later correction can resolve it.
    again = one.verdict == "corrected" and edited_since(one, found.contested[contest.number])
    resolved = one.verdict == "struck" or again or event.item.startswith("question/")
    if told["decision"] == "accepted" and not resolved:
        one.verdict = "open"


def edited_since(one: Standing, was: Standing) -> tuple[str, ...]:
    """Return the names of the fields corrected since the item's state `was`."""
    return tuple(name for name, value in one.edits.items() if name not in was.edits or was.edits[name] != value)


def _redraft(found: Replayed, event: Event, revisions: Mapping[str, Draft]) -> None:
    """Switch to the redraft and reopen items whose content changed; evidence is compared by quote, not by id."""

    def contents(draft: Draft) -> Plain:
        found = {item.id: content_of(draft, item.id) for item in items_of(draft, (), {})}
        return {**found, SCORE: fields_of(draft, SCORE)["headline"]}

    again = _revision(revisions, event.said["sha256"], event)
    was, now = contents(found.drafted), contents(again)
    found.drafted = again
    for item, one in found.standing.items():
        moved = item in was and item in now and was[item] != now[item]
        if moved and not one.added and one.verdict not in ("open", "struck"):
            one.verdict = "open"
            one.lapsed, one.worded = f"the redraft in event {event.number} changed it", ""
            found.changed[item] = max(found.changed.get(item, 0), event.number)
