"""What a text must hold for a regular expression to match it at all, told from the expression itself.

A pattern of forty words costs a hundred nanoseconds a character; asking whether one of its words occurs costs less
than one. Every pattern of `orders` is searched only where its words stand, so nothing has to be listed twice.
"""

import importlib
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

_MAX_STRINGS: Final = 64
"""Alternatives of one needle beyond which it is not worth asking for."""
_MIN_LENGTH: Final = 2
_MAX_CLASS: Final = 4
_Item = Any
"""The parse tree of the standard library has no types."""

# What matches one of these letters without regard to case, but is not it in lower case.
_FOLDED: Final = str.maketrans({"ſ": "s", "ı": "i", "İ": "i"})


class _Part(NamedTuple):
    exact: frozenset[str] | None
    """All that the part can match, in lower case, or None when that is too much to list."""
    groups: tuple[frozenset[str], ...]
    """Of each group one string at least occurs in what the part matches."""


_NOTHING: Final = frozenset({""})


def lowered(text: str) -> str:
    """`text` in the case of the needles, letter for letter."""
    return text.lower() if text.isascii() else text.translate(_FOLDED).lower()


def needles(pattern: re.Pattern[str]) -> tuple[tuple[str, ...], ...]:
    """Groups of strings in lower case, the rarest first: a match of `pattern` holds one of each group.

    Empty when nothing can be told.
    """
    parser = importlib.import_module("re._parser")
    groups = _sequence(parser.parse(pattern.pattern, pattern.flags)).groups
    ranked = sorted(set(groups), key=lambda group: (len(group) / min(map(len, group)) ** 2, sorted(group)))
    return tuple(tuple(sorted(group)) for group in ranked)


def _sequence(items: _Item) -> _Part:
    run: frozenset[str] = _NOTHING
    whole, groups = True, list[frozenset[str]]()
    for operation, value in items:
        part = _part(str(operation), value)
        groups.extend(part.groups)
        longer = None if part.exact is None else frozenset(a + b for a in run for b in part.exact)
        if longer is not None and len(longer) <= _MAX_STRINGS:
            run = longer
            continue
        groups.extend(_worth(run))
        whole, run = False, part.exact or _NOTHING
    groups.extend(_worth(run))
    return _Part(run if whole else None, tuple(groups))


def _part(operation: str, value: _Item) -> _Part:
    if operation == "LITERAL":
        return _Part(frozenset({chr(value).lower()}), ())
    if operation in ("AT", "ASSERT", "ASSERT_NOT"):
        return _Part(_NOTHING, ())
    if operation == "IN":
        letters = {chr(inner) for kind, inner in value if str(kind) == "LITERAL"}
        listed = len(letters) == len(value) <= _MAX_CLASS
        return _Part(frozenset(map(str.lower, letters)) if listed else None, ())
    if operation == "SUBPATTERN":
        return _sequence(value[-1])
    if operation == "BRANCH":
        return _branch([_sequence(inner) for inner in value[1]])
    if operation in ("MAX_REPEAT", "MIN_REPEAT"):
        least, most, inner = value
        part = _sequence(inner)
        if least == 0:
            optional = most == 1 and part.exact is not None
            return _Part(part.exact | _NOTHING if optional and part.exact is not None else None, ())
        return _Part(None, part.groups)
    return _Part(None, ())


def _branch(parts: list[_Part]) -> _Part:
    exact: frozenset[str] | None = frozenset()
    for part in parts:
        exact = None if exact is None or part.exact is None else exact | part.exact
    if exact is not None and len(exact) <= _MAX_STRINGS:
        return _Part(exact, ())
    best = [min(part.groups, key=lambda g: len(g) / min(map(len, g)) ** 2, default=None) for part in parts]
    told = [group for group in best if group is not None]
    union: frozenset[str] = frozenset().union(*told) if len(told) == len(parts) else frozenset()
    return _Part(None, tuple(_worth(union)) if union else ())


def _worth(run: frozenset[str]) -> Iterator[frozenset[str]]:
    """The group of a run of strings; what holds another string of the group adds nothing."""
    if run and len(run) <= _MAX_STRINGS and min(map(len, run)) >= _MIN_LENGTH:
        yield frozenset(s for s in run if not any(o != s and o in s for o in run))
