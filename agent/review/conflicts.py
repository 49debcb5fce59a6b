"""Which events of others stand in the way of what is about to be stored. Pure."""

from collections.abc import Sequence
from typing import Final

from agent.review.records import Event, Verb
from agent.review.stored import PlannedEvent

_WHOLE: Final[frozenset[Verb]] = frozenset({"sign", "reopen", "redraft", "undo"})
"""Verbs that rest on the whole review as it was seen."""
_TURNS: Final[frozenset[Verb]] = frozenset({"sign", "reopen", "redraft"})
"""Events after which nothing stands as it was seen."""


def clashing(planned: Sequence[PlannedEvent], events: Sequence[Event], seen: int) -> tuple[Event, ...]:
    """The events of a review after version `seen` that touched what `planned` touches, oldest first.

    `events` are all of the review. Signing, reopening, redrafting and undoing rest on everything but the assignment;
    an assignment rests on itself alone; a contest takes nothing away, so only a redraft stands in its way.
    """
    later = [event for event in events if event.number > seen]
    if not later:
        return ()
    return tuple(event for event in later if any(_clash(plan, event, events) for plan in planned))


def _clash(plan: PlannedEvent, event: Event, events: Sequence[Event]) -> bool:
    if "assign" in (plan.verb, event.verb):
        return plan.verb == event.verb
    if plan.verb == "contest":
        return event.verb == "redraft"
    if plan.verb in _WHOLE or event.verb in _TURNS:
        return True
    touched = touches(event, events)
    return not touched or plan.item in touched


def touches(event: Event, events: Sequence[Event]) -> frozenset[str]:
    """The items that an event touched; those of the batch that it took back for an undo. Empty: any."""
    if event.verb != "undo":
        return frozenset(filter(None, (event.item,)))
    numbers = {part.get("batch") for part in (event.before, event.after) if part is not None}
    items = {other.item for other in events if other.batch in numbers and other.number < event.number}
    return frozenset(filter(None, items | {event.item}))
