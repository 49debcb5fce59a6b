"""Replays the events of a review into a decision on each item, before any of them is applied to the draft.

An undone batch counts as if it had never been made, except that its items still count as touched for a reviewer who did
not see it. Undoing a redraft restores the previous draft, and its answers are pending again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from agent.errors import IntegrityError
from agent.records import Draft
from agent.report.view import View, number_added
from agent.review.domain.items import fields_of, items_of
from agent.review.domain.lapses import content_of
from agent.review.domain.quotes import Plain
from agent.review.domain.records import Comment, Contest, Event, Stage, Stamp, Turn, Verb, Verdict

NOT_UNDOABLE: Final[tuple[Verb, ...]] = ("import", "sign", "reopen", "undo", "redo")
SHEET: Final = "sheet"
"""Key in a fact's event for the draft that then follows (`sha256`) and the items that no longer follow (`fell`)."""
LAST: Final = "last"
"""The `place` in the event of an added threat that is numbered after all others. Older events lack it."""
SEEN: Final = "seen"
"""Key in a decision's event for the content that the decision was based on."""
CALLED: Final = "called"
"""Key in an item's event for the item's title at the time; for several items, titles by id. Older events lack it."""
NUMBER: Final = "number"
"""Key in the event of an added threat for its number in the review. Older events lack it."""
NUMBERS: Final = "numbers"
"""Key in `SHEET` for the numbers of the threats added by that draft."""
REASONS: Final = {
    "wrong-quote": "the quote does not say it",
    "not-this-product": "about another product",
    "outdated": "no longer so",
    "not-supported": "not supported by its evidence",
    "wrong-value": "wrong value",
    "wrong-severity": "wrong severity",
    "wrong-layer": "wrong layer",
    "wording": "wording",
    "duplicate": "said twice",
    "not-applicable": "does not apply",
    "known-otherwise": "known otherwise",
    "accepted-risk": "accepted risk",
    "out-of-scope": "out of scope",
}
"""Display texts of the reason codes."""
_CLOSED_BY: Final[dict[Verb, Verdict]] = {
    "strike": "struck",
    "waive": "waived",
    "send": "sent",
    "answer": "answered",
}


@dataclass
class Standing:
    """The decision on one item, and all other changes to it by events."""

    verdict: Verdict = "open"
    by: str = ""
    reason: str = ""
    note: str = ""
    edits: Plain = field(default_factory=dict)
    """Corrected fields with their last values; for an added threat, all its fields; for a question, its answer."""
    attached: list[str] = field(default_factory=list)
    """Ids of attached evidence, as in `marks`."""
    marks: list[tuple[int, Mapping[str, object]]] = field(default_factory=list)
    """The number and the citations of each event with citations."""
    added: bool = False
    """Whether the item is a threat or question added by a reviewer."""
    seen: Mapping[str, object] = field(default_factory=dict)
    """The content that the decision was based on, field by field; empty for events older than this field."""
    decided: int = 0
    """Number of the event with the last decision."""
    fell: bool = False
    """Whether the item rested on a struck or corrected fact."""
    bulk: bool = False
    """Whether the item was confirmed together with others in one act."""
    lapsed: str = ""
    """Why the decision lapsed: what a redraft or another answer has changed since."""
    comments: list[Comment] = field(default_factory=list)
    managed: dict[str, Plain] = field(default_factory=dict)
    """The work on the item's mitigations (owner, due date, status …), by mitigation text."""
    answered: str = ""
    """When the question was answered."""
    worded: str = ""
    """A question's wording when it was sent or answered; empty for events older than this field."""
    asked_of: dict[str, int] = field(default_factory=dict)
    """The people whom a comment asked to look at the item and who have not acted since, with the comment's number."""
    earlier: bool = False
    """Whether the item was waived for a signature that was later withdrawn."""

    @property
    def given(self) -> Mapping[str, object] | None:
        """The answer to a question; None if it has none or is struck."""
        answer = self.edits.get("answer")
        return answer if isinstance(answer, Mapping) and self.verdict != "struck" else None

    @property
    def why(self) -> str:
        """Reason and note of the decision, in words."""
        return why(self.reason, self.note)


def why(reason: str, note: str) -> str:
    """Format a reason code and a note in words."""
    return ": ".join(part for part in (REASONS.get(reason, reason), note) if part)


@dataclass
class Replayed:
    """The result of replaying all events of a review."""

    drafted: Draft
    based: Draft | None = None
    """The draft that follows from the facts after reviewers' changes; None if no fact was changed."""
    fell: tuple[str, ...] = ()
    """Ids of the items that no longer follow from the facts."""
    standing: dict[str, Standing] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    contests: dict[int, Contest] = field(default_factory=dict)
    contested: dict[int, Standing] = field(default_factory=dict)
    """The decision on a contested item at the time of the contest, by the contest's number."""
    assigned: str = ""
    stage: Stage = "open"
    stamp: Stamp | None = None
    version: int = 0
    undoable: int = 0
    redoable: int = 0
    undos: tuple[Turn, ...] = ()
    added: int = 0
    """The highest number in the id of any threat ever added."""
    numbers: dict[str, int] = field(default_factory=dict)
    """The number of each threat in the review, by threat id. Numbers from undone events stay reserved, so that none
    is reused."""
    frozen: "Frozen | None" = None
    """For a signed review, the signed version of the parts that may still change after the signature."""


class Frozen(NamedTuple):
    """Work on mitigations and contests at the time of the signature."""

    work: Mapping[str, Mapping[str, Plain]]
    """The work by item and mitigation text."""
    contests: tuple[Contest, ...]


class Living(NamedTuple):
    """The events that were not undone."""

    events: tuple[Event, ...]
    undoable: int
    redoable: int
    undos: tuple[Turn, ...]
    """Every act that can be undone, oldest first."""


def living(events: Sequence[Event]) -> Living:
    """Drop undone batches, undos and redos from the events, and find what the next undo and redo refer to.

    After an undo, any act except an assignment clears the redo stack.
    """
    undone: set[int] = set()
    stack: list[int] = []
    again: list[int] = []
    for event in events:
        if event.verb == "undo":
            batch = undone_batch(event)
            undone.add(batch)
            stack = [other for other in stack if other != batch]
            again.append(batch)
            continue
        if event.verb == "redo":
            batch = undone_batch(event)
            undone.discard(batch)
            stack.append(batch)
            again = [other for other in again if other != batch]
            continue
        if event.verb != "assign":
            again.clear()
        if event.verb not in NOT_UNDOABLE and event.batch not in stack:
            stack.append(event.batch)
    left = tuple(event for event in events if event.verb not in ("undo", "redo") and event.batch not in undone)
    undos = _turns(stack, left)
    return Living(left, stack[-1] if stack else 0, again[-1] if again else 0, undos)


def _turns(stack: Sequence[int], events: Sequence[Event]) -> tuple[Turn, ...]:
    inside: dict[int, list[Event]] = {batch: [] for batch in stack}
    for event in events:
        inside.get(event.batch, []).append(event)
    return tuple(_turn(batch, members) for batch, members in inside.items() if members)


def _turn(batch: int, events: Sequence[Event]) -> Turn:
    return Turn(
        batch=batch,
        by=events[0].reviewer,
        items=tuple(dict.fromkeys(item for event in events for item in _items_of(event))),
        # An answer counts too, since a later redraft incorporates it.
        on_facts=any(event.verb in ("redraft", "answer") or SHEET in (event.after or {}) for event in events),
        talk=all(event.verb == "comment" for event in events),
    )


def _items_of(event: Event) -> Sequence[str]:
    if event.verb == "bulk":
        return [str(item) for item in _listed((event.after or {}).get("items"))]
    return [event.item] if event.item else []


def undone_batch(event: Event) -> int:
    """Return the batch that an undo or redo refers to; 0 if it names none."""
    batch = (event.after or {}).get("batch")
    return batch if isinstance(batch, int) else 0


def replay(key: str, draft: Draft, events: Sequence[Event], revisions: Mapping[str, Draft]) -> Replayed:
    """Replay the events in order. Raises IntegrityError when a draft named by an event is missing."""
    found = Replayed(drafted=draft, changed=_touched(events), version=events[-1].number if events else 0)
    found.added = max((number_added(e.item.partition("/")[2]) for e in events if e.verb == "add"), default=0)
    found.numbers = _numbers(draft, events)
    alive = living(events)
    found.undoable, found.redoable, found.undos = alive.undoable, alive.redoable, alive.undos
    for event in alive.events:
        if event.verb == "redraft":
            _redraft(found, event, revisions)
        elif event.verb == "assign":
            found.assigned = str((event.after or {}).get("to", ""))
        elif event.verb in ("sign", "reopen"):
            _stage(found, event, key)
        elif event.verb in ("contest", "decide"):
            _contest(found, event)
        elif event.verb == "bulk":
            for item in _listed((event.after or {}).get("items")):
                _confirmed_in_bulk(found.standing.setdefault(str(item), Standing()), event, str(item))
        elif event.verb != "import":
            if event.verb == "answer":
                _answered_anew(found.standing, event)
            _act(found.standing.setdefault(event.item, Standing()), event)
    _base(found, alive.events, revisions)
    return found


def _numbers(draft: Draft, events: Sequence[Event]) -> dict[str, int]:
    """Return the threat numbers assigned so far: those of the imported draft, then those that events name."""
    made = {placed.threat.id: placed.number for placed in View(draft).threats}
    for event in events:
        after = event.after or {}
        sheet = after.get(SHEET)
        named = sheet.get(NUMBERS) if isinstance(sheet, Mapping) else None
        for name, number in named.items() if isinstance(named, Mapping) else ():
            made.setdefault(str(name), int(number))
        own = after.get(NUMBER)
        if event.verb == "add" and isinstance(own, int):
            made.setdefault(event.item.partition("/")[2], own)
    return made


def called(event: Event, item: str = "") -> str:
    """Return the title of an item at the time of the event; empty for older events."""
    told = (event.after or {}).get(CALLED)
    if isinstance(told, Mapping):
        told = told.get(item or event.item)
    return told if isinstance(told, str) else ""


def _base(found: Replayed, events: Sequence[Event], revisions: Mapping[str, Draft]) -> None:
    """Set the draft that follows from the facts after the last event that changed them."""
    event = last_on_facts(events)
    sheet = (event.after or {}).get(SHEET) if event is not None else None
    if event is not None and isinstance(sheet, Mapping) and sheet.get("sha256"):
        found.based = _revision(revisions, str(sheet["sha256"]), event)
        found.fell = tuple(str(item) for item in _listed(sheet.get("fell")))


def last_on_facts(events: Sequence[Event]) -> Event | None:
    """Return the last of these living events that changed the facts or was a redraft."""
    return next((e for e in reversed(events) if e.verb == "redraft" or SHEET in (e.after or {})), None)


def _revision(revisions: Mapping[str, Draft], sha256: str, event: Event) -> Draft:
    again = revisions.get(sha256)
    if again is None:
        raise IntegrityError(
            "the draft that was made again is missing", where=f"event {event.number}: {sha256[:16]}", hint="see backups"
        )
    return again


def _confirmed_in_bulk(one: Standing, event: Event, item: str) -> None:
    seen = (event.after or {}).get(SEEN)
    own = seen.get(item) if isinstance(seen, Mapping) else None
    one.by, one.reason, one.note, one.decided = event.reviewer, event.reason, event.note, event.number
    one.seen = own if isinstance(own, Mapping) else {}
    one.verdict, one.bulk, one.lapsed = "corrected" if one.edits and not one.added else "confirmed", True, ""
    one.earlier = False
    one.asked_of.pop(event.reviewer, None)


def _touched(events: Sequence[Event]) -> dict[str, int]:
    """Map each item to the number of the last event that touched it, including undone events and their undos."""
    members: dict[int, list[str]] = {}
    changed: dict[str, int] = {}
    for event in events:
        own = _items_of(event)
        touched = members.get(undone_batch(event), []) if event.verb in ("undo", "redo") else own
        members.setdefault(event.batch, []).extend(own)
        changed.update(dict.fromkeys((item for item in touched if item), event.number))
    return changed


def _answered_anew(standing: dict[str, Standing], event: Event) -> None:
    """Reopen the decisions on the facts of the previous answer, since the answer has changed. An analyst's answer
    confirms the facts that it states."""
    own = f"fact/{event.item.partition('/')[2]}-"
    for name, one in standing.items():
        if name.startswith(own) and one.verdict != "open":
            one.verdict, one.edits = "open", {}
            one.lapsed = f"the answer of event {event.number} is another"
    after = event.after or {}
    if after.get("kind") != "analyst-note":
        return
    for state in _listed(after.get("states")):
        if isinstance(state, Mapping):
            fact = standing.setdefault(f"{own}{state['key']}", Standing())
            fact.verdict, fact.by, fact.decided, fact.lapsed = "confirmed", event.reviewer, event.number, ""


def _act(one: Standing, event: Event) -> None:
    after = dict(event.after or {})
    marks = after.pop("marks", None)
    if isinstance(marks, Mapping):
        one.marks.append((event.number, marks))
    told = after.pop(CALLED, None)
    one.asked_of.pop(event.reviewer, None)
    if event.verb == "comment":
        text, to = str(after.get("text", "")), str(after.get("to", ""))
        one.comments.append(Comment(number=event.number, by=event.reviewer, at=event.at, text=text, to=to))
        if to and to != event.reviewer:
            one.asked_of[to] = event.number
        return
    if event.verb == "manage":
        one.managed[str(after.pop("mitigation", ""))] = after
        return
    after.pop(SHEET, None)
    seen = after.pop(SEEN, None)
    one.by = event.reviewer
    if event.verb == "attach":
        one.attached += [str(mark) for mark in _listed(after.get("evidence"))]
        return
    one.reason, one.note, one.decided, one.bulk, one.lapsed = event.reason, event.note, event.number, False, ""
    one.seen, one.earlier = seen if isinstance(seen, Mapping) else {}, False
    if event.verb in ("send", "answer") and isinstance(told, str):
        one.worded = told
    if event.verb in ("add", "ask"):
        one.added, one.verdict = True, "confirmed" if event.verb == "add" else "sent"
        after.pop(NUMBER, None)
        one.edits = after
    elif event.verb == "confirm":
        one.verdict = "corrected" if one.edits and not one.added else "confirmed"
    elif event.verb == "correct":
        one.verdict = "corrected"
        _carry_work(one, event)
        one.edits |= after
        one.worded = "" if "text" in after else one.worded
        if "evidence" in after:
            one.attached = []
    else:
        one.verdict = _CLOSED_BY[event.verb]
        if event.verb == "answer":
            one.edits, one.answered = {**one.edits, "answer": after}, event.at


def _carry_work(one: Standing, event: Event) -> None:
    """Transfer the recorded work to the new text when a correction rewords a mitigation."""
    sides = [_listed((side or {}).get("mitigations")) for side in (event.before, event.after)]
    before, after = ([str(row.get("text", "")) for row in side if isinstance(row, Mapping)] for side in sides)
    for was, now in zip(before, after, strict=False):
        if was in one.managed and was not in after and now not in before:
            one.managed[now] = one.managed.pop(was)


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _stage(found: Replayed, event: Event, key: str) -> None:
    if event.verb == "reopen":
        found.stage, found.stamp, found.frozen = "open", None, None
        for one in found.standing.values():
            one.earlier = one.verdict == "waived"
        return
    after = event.after or {}
    found.stage = "signed"
    work = {name: {text: dict(known) for text, known in one.managed.items()} for name, one in found.standing.items()}
    found.frozen = Frozen({name: known for name, known in work.items() if known}, tuple(found.contests.values()))
    found.stamp = Stamp.model_validate(
        {
            "reviewer": event.reviewer, "role": event.role, "at": event.at, "head": event.hash,
            "number": event.number, "review": key,
            **{name: after.get(name) for name in ("open", "waived", "sha256")},
            **{name: after[name] for name in ("waivers", "bulk", "unanswered", "decision") if name in after},
        }
    )  # fmt: skip


def _contest(found: Replayed, event: Event) -> None:
    after = event.after or {}
    found.standing.setdefault(event.item, Standing()).asked_of.pop(event.reviewer, None)
    if event.verb == "contest":
        found.contests[event.number] = Contest.model_validate(
            {
                "number": event.number, "item": event.item, "decision": "open", "rule": "", "effect": "",
                **{name: after.get(name, "") for name in ("kind", "text", "url", "sender")},
            }
        )  # fmt: skip
        one = found.standing.get(event.item, Standing())
        found.contested[event.number] = replace(
            one, edits=dict(one.edits), attached=list(one.attached), marks=list(one.marks)
        )
        return
    number = after.get("number")
    contest = found.contests.get(number) if isinstance(number, int) else None
    if contest is None:
        return
    decided = {"decision": after.get("decision"), "rule": str(after.get("rule", ""))}
    found.contests[contest.number] = contest.model_copy(update=decided)
    one = found.standing.setdefault(event.item, Standing())
    # The contest concerns the item with its earlier corrections, so only a later correction can resolve it.
    answered = one.verdict == "struck" or (
        one.verdict == "corrected" and bool(edited_since(one, found.contested[contest.number]))
    )
    if decided["decision"] == "accepted" and not answered and not event.item.startswith("question/"):
        one.verdict = "open"


def edited_since(one: Standing, was: Standing) -> tuple[str, ...]:
    """Return the names of the fields corrected since the item's state `was`."""
    return tuple(name for name, value in one.edits.items() if name not in was.edits or was.edits[name] != value)


# ---------------------------------------------------------------- a draft made again


def _redraft(found: Replayed, event: Event, revisions: Mapping[str, Draft]) -> None:
    """Switch to the redraft made with the answers, and reopen items whose content changed."""
    sha256 = str((event.after or {}).get("sha256", ""))
    again = _revision(revisions, sha256, event)
    moved = set(moved_items(found.drafted, again))
    found.drafted = again
    for item in moved:
        one = found.standing.get(item)
        if one is not None and not one.added and one.verdict not in ("open", "struck"):
            one.verdict = "open"
            one.lapsed, one.worded = f"the new draft of event {event.number} says something else of it", ""
            found.changed[item] = max(found.changed.get(item, 0), event.number)


def moved_items(before: Draft, after: Draft) -> Iterator[str]:
    """Yield items in both drafts whose content differs; evidence is compared by quote, not by id."""
    was = {item.id: _content(before, item.id) for item in items_of(before, (), {})}
    for item in items_of(after, (), {}):
        if item.id in was and was[item.id] != _content(after, item.id):
            yield item.id


def _content(draft: Draft, item: str) -> object:
    return fields_of(draft, item)["headline"] if item == "score" else content_of(draft, item)
