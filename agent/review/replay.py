"""What the events of a review leave standing, item by item, before any of it is applied to the draft.

A batch that was undone counts as if it had not been; that it touched an item still counts against a reviewer who did
not see it. After a redraft nothing before it can be undone, since its answers are sources by then.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from agent.errors import IntegrityError
from agent.records import Draft
from agent.review.items import fields_of, items_of
from agent.review.quotes import Plain, marks_in, rewritten
from agent.review.records import Contest, Event, Stage, Stamp, Verb, Verdict

NOT_UNDOABLE: Final[tuple[Verb, ...]] = ("import", "sign", "reopen", "redraft", "undo")
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
"""The reason codes in words."""
_CLOSED_BY: Final[dict[Verb, Verdict]] = {
    "strike": "struck",
    "waive": "waived",
    "send": "sent",
    "answer": "answered",
}


@dataclass
class Standing:
    """What stands of one item."""

    verdict: Verdict = "open"
    by: str = ""
    reason: str = ""
    note: str = ""
    edits: Plain = field(default_factory=dict)
    """Corrected fields, the last value of each; for an added threat all of them; for a question its answer."""
    attached: list[str] = field(default_factory=list)
    """Evidence ids, as in `marks`."""
    marks: list[tuple[int, Mapping[str, object]]] = field(default_factory=list)
    """Number of the event, and the citations that it brought."""
    added: bool = False
    """A threat by hand."""

    @property
    def why(self) -> str:
        """Reason and note of the decision, in words."""
        return why(self.reason, self.note)


def why(reason: str, note: str) -> str:
    """A reason code and a note, in words."""
    return ": ".join(part for part in (REASONS.get(reason, reason), note) if part)


@dataclass
class Replayed:
    """What all events of a review come to."""

    drafted: Draft
    standing: dict[str, Standing] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    contests: dict[int, Contest] = field(default_factory=dict)
    contested: dict[int, Standing] = field(default_factory=dict)
    """What stood of an item when a contest of it came in, by the contest's number."""
    assigned: str = ""
    stage: Stage = "open"
    stamp: Stamp | None = None
    version: int = 0
    undoable: int = 0


class Living(NamedTuple):
    """The events that were not undone."""

    events: tuple[Event, ...]
    undoable: int


def living(events: Sequence[Event]) -> Living:
    """The events without undone batches and without the undoing, and the batch that the next undo takes back."""
    undone: set[int] = set()
    stack: list[int] = []
    for event in events:
        if event.verb == "undo":
            batch = undone_batch(event)
            undone.add(batch)
            stack = [other for other in stack if other != batch]
        elif event.verb == "redraft":
            stack.clear()
        elif event.verb not in NOT_UNDOABLE and event.batch not in stack:
            stack.append(event.batch)
    left = tuple(event for event in events if event.verb != "undo" and event.batch not in undone)
    return Living(left, stack[-1] if stack else 0)


def undone_batch(event: Event) -> int:
    """The batch that an undo takes back."""
    batch = (event.after or {}).get("batch")
    return batch if isinstance(batch, int) else 0


def replay(key: str, draft: Draft, events: Sequence[Event], revisions: Mapping[str, Draft]) -> Replayed:
    """Go through the events in their order. Raises IntegrityError when the draft that a redraft names is not there."""
    found = Replayed(drafted=draft, changed=_touched(events), version=events[-1].number if events else 0)
    alive = living(events)
    found.undoable = alive.undoable
    for event in alive.events:
        if event.verb == "redraft":
            _redraft(found, event, revisions)
        elif event.verb == "assign":
            found.assigned = str((event.after or {}).get("to", ""))
        elif event.verb in ("sign", "reopen"):
            _stage(found, event, key)
        elif event.verb in ("contest", "decide"):
            _contest(found, event)
        elif event.verb != "import":
            _act(found.standing.setdefault(event.item, Standing()), event)
    return found


def _touched(events: Sequence[Event]) -> dict[str, int]:
    """The last event that touched each item, undone ones and their undoing included."""
    members: dict[int, list[str]] = {}
    changed: dict[str, int] = {}
    for event in events:
        touched = members.get(undone_batch(event), []) if event.verb == "undo" else [event.item]
        members.setdefault(event.batch, []).append(event.item)
        changed.update(dict.fromkeys((item for item in touched if item), event.number))
    return changed


def _act(one: Standing, event: Event) -> None:
    after = dict(event.after or {})
    marks = after.pop("marks", None)
    if isinstance(marks, Mapping):
        one.marks.append((event.number, marks))
    one.by = event.reviewer
    if event.verb == "attach":
        one.attached += [str(mark) for mark in _listed(after.get("evidence"))]
        return
    one.reason, one.note = event.reason, event.note
    if event.verb == "add":
        one.added, one.verdict = True, "confirmed"
        one.edits = after
    elif event.verb == "confirm":
        one.verdict = "corrected" if one.edits and not one.added else "confirmed"
    elif event.verb == "correct":
        one.verdict = "corrected"
        one.edits |= after
        if "evidence" in after:
            one.attached = []
    else:
        one.verdict = _CLOSED_BY[event.verb]
        if event.verb == "answer":
            one.edits = {**one.edits, "answer": after}


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _stage(found: Replayed, event: Event, key: str) -> None:
    if event.verb == "reopen":
        found.stage, found.stamp = "open", None
        return
    after = event.after or {}
    found.stage = "signed"
    found.stamp = Stamp.model_validate(
        {
            "reviewer": event.reviewer, "role": event.role, "at": event.at, "head": event.hash,
            "number": event.number, "review": key,
            **{name: after.get(name) for name in ("open", "waived", "sha256")},
            "waivers": after.get("waivers", ()),
        }
    )  # fmt: skip


def _contest(found: Replayed, event: Event) -> None:
    after = event.after or {}
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
    # What was corrected before the contest is what it speaks of; only a correction since then can answer it.
    answered = one.verdict == "struck" or (
        one.verdict == "corrected" and bool(edited_since(one, found.contested[contest.number]))
    )
    if decided["decision"] == "accepted" and not answered and not event.item.startswith("question/"):
        one.verdict = "open"


def edited_since(one: Standing, was: Standing) -> tuple[str, ...]:
    """The names of the fields that were corrected since an item stood like `was`."""
    return tuple(name for name, value in one.edits.items() if name not in was.edits or was.edits[name] != value)


# ---------------------------------------------------------------- a draft made again


def _redraft(found: Replayed, event: Event, revisions: Mapping[str, Draft]) -> None:
    """Go on with the draft that the answers gave; what it says otherwise than before has to be looked at again."""
    sha256 = str((event.after or {}).get("sha256", ""))
    again = revisions.get(sha256)
    if again is None:
        raise IntegrityError(
            "the draft that was made again is missing", where=f"event {event.number}: {sha256[:16]}", hint="see backups"
        )
    moved = set(moved_items(found.drafted, again))
    found.drafted = again
    for item in moved:
        one = found.standing.get(item)
        if one is not None and not one.added and one.verdict not in ("open", "struck"):
            one.verdict = "open"
            found.changed[item] = max(found.changed.get(item, 0), event.number)


def moved_items(before: Draft, after: Draft) -> Iterator[str]:
    """Items of both drafts of which they say something else; numbers of evidence do not count, its quotes do."""
    was = {item.id: _content(before, item.id) for item in items_of(before, (), {})}
    for item in items_of(after, (), {}):
        if item.id in was and was[item.id] != _content(after, item.id):
            yield item.id


def _content(draft: Draft, item: str) -> object:
    quotes = {one.id: f"“{one.quote}”" for one in draft.evidence}
    fields = fields_of(draft, item)
    if item == "score":
        return fields["headline"]
    return _said(fields, quotes)


def _said(value: object, quotes: Mapping[str, str]) -> object:
    """The value with quotes in place of the ids of evidence."""
    if isinstance(value, dict):
        return {name: _said(part, quotes) for name, part in value.items()}
    if isinstance(value, list):
        return [_said(part, quotes) for part in value]
    return rewritten(value, quotes) if isinstance(value, str) and marks_in(value) else value
