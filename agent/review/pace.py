"""How long decisions take: fixed seconds by kind of item, moved towards what was measured in this store. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Final, NamedTuple

from agent.review.records import ItemKind, ReviewState, Verb

DECIDING: Final[tuple[Verb, ...]] = ("confirm", "correct", "strike", "waive", "send", "answer")
"""Verbs that close an item."""
SECONDS: Final[Mapping[ItemKind, float]] = {
    "posture": 40.0,
    "score": 40.0,
    "factor": 25.0,
    "layer": 35.0,
    "threat": 45.0,
    "chain": 25.0,
    "capability": 12.0,
    "question": 15.0,
}
"""Seconds that one decision is taken to need until a store has measured its own."""
SUPPORTED_SHARE: Final = 0.4
"""Of these seconds for an item whose quotes were found again: it is read, not looked for."""
PRIOR_ITEMS: Final = 5
"""As many measured items weigh as much as the fixed seconds."""
_MINUTE: Final = 60.0


class Measured(NamedTuple):
    """What was measured of one kind of item."""

    seconds: float
    """Median of the focus time of an item that was decided."""
    items: int


Pace = Mapping[str, Measured]
"""By kind of item; a kind that nobody decided yet is not in it."""
UNMEASURED: Final[Pace] = {}


def pace_of(timed: Iterable[tuple[str, float]]) -> Pace:
    """The pace from decided items, each with the seconds that whoever decided it looked at it."""
    by_kind: defaultdict[str, list[float]] = defaultdict(list)
    for item, seconds in timed:
        by_kind[item.partition("/")[0]].append(seconds)
    return {kind: Measured(median(found), len(found)) for kind, found in sorted(by_kind.items())}


def minutes_left(state: ReviewState, pace: Pace = UNMEASURED) -> float:
    """Minutes for what is open.

    An item takes the mean of its fixed seconds, counted as `PRIOR_ITEMS` items, and the measured median of its kind,
    counted as the items behind it; so a few odd ones move little, and the fixed seconds fade away.
    """
    total = sum(_seconds(one.item.kind, supported=one.item.supported, pace=pace) for one in state.open)
    return round(total / _MINUTE, 1)


def pace_words(pace: Pace) -> str:
    """What the minutes rest on, in one line."""
    timed = sum(each.items for each in pace.values())
    if not timed:
        return "from fixed seconds for each kind of item; none was timed yet"
    return f"from {timed} {'item' if timed == 1 else 'items'} timed, and fixed seconds where few were"


def _seconds(kind: ItemKind, *, supported: bool, pace: Pace) -> float:
    fixed = SECONDS[kind] * (SUPPORTED_SHARE if supported else 1.0)
    measured = pace.get(kind, Measured(0.0, 0))
    return (PRIOR_ITEMS * fixed + measured.items * measured.seconds) / (PRIOR_ITEMS + measured.items)
