"""The changes made by a correction or between two versions: word by word, in reading order."""

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Final, Literal, NamedTuple

from agent.review.domain.effects.compare import Comparison, Difference as Differs, words
from agent.review.domain.items import fields_of
from agent.review.domain.records import ReviewState
from agent.review.web.views.wording import field_name, in_order, in_titles

_WORDS: Final = re.compile(r"\s+|/|[^\s/]+")
"""Also splits at slashes, so that a vector is compared metric by metric."""
_FIRST_FIELDS: Final = 3
_LONGEST: Final = 4_000
"""Maximum total number of words of two texts for a word-by-word comparison; longer texts are shown whole."""
_ALIKE: Final = 0.3
"""Two texts with less than this share of common words are shown whole instead of word by word."""


class Run(NamedTuple):
    """A run of words that are unchanged, removed or added."""

    op: Literal["same", "gone", "new"]
    text: str


class Difference(NamedTuple):
    """A changed field."""

    name: str
    runs: tuple[Run, ...]


class Changed(NamedTuple):
    """An item that differs between two versions, or that only one of them has."""

    item: Differs
    differences: tuple[Difference, ...]
    """The fields that differ."""
    more: tuple[Difference, ...]
    """The fields beyond the first few, for an item that only one version has."""


def changed(one: ReviewState, two: ReviewState, found: Comparison) -> Iterator[Changed]:
    """Describe the differences in `found` between two versions as removed and added words."""
    titles = {item.item.id: item.item.title for state in (one, two) for item in state.items}
    for each in found.differences:
        was, now = fields_of(one.reviewed, each.item), fields_of(two.reviewed, each.item)
        # A field that one side lacks is empty there.
        empty = dict.fromkeys({**was, **now}, "")
        told = differences({**empty, **was}, {**empty, **now}, titles)
        shown = len(told) if was and now else _FIRST_FIELDS
        yield Changed(each, told[:shown], told[shown:])


def differences(
    before: Mapping[str, object], after: Mapping[str, object], titles: Mapping[str, str]
) -> tuple[Difference, ...]:
    """Return the fields that differ, each as runs of words; a statement is compared part by part. Ids of threats and
    facts are replaced with their `titles`, given by item id."""
    return tuple(
        Difference(name, tuple(Run(run.op, in_titles(run.text, titles)) for run in runs(was, now)))
        for name, was, now in _fields(before, after)
    )


def _fields(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    for name in in_order(after):
        if name not in before or before[name] == after[name]:
            continue
        # A statement that one side lacks is also compared part by part.
        was, now = (
            side[name] or {} if isinstance(other[name], Mapping) else side[name]
            for side, other in ((before, after), (after, before))
        )
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            for part in dict.fromkeys((*was, *now)):
                if was.get(part) != now.get(part):
                    called = field_name(f"statement.{part}" if name == "statement" else str(part))
                    yield called, _told(was.get(part)), _told(now.get(part))
        else:
            yield field_name(name), _told(was), _told(now)


def _told(value: object) -> str:
    """Format the value of a field as a person would write it; empty for None."""
    match value:
        case None | "":
            return ""
        case {"text": text, "who": who, "status": status}:
            return f"{text} ({who}, {status})"
        case {"scheme": _, "id": key, "title": title}:
            return f"{key} {title}"
        case Mapping():
            return ". ".join(told for part in value.values() if (told := _told(part).rstrip(".")))
        case list() | tuple():
            return ("; " if any(isinstance(part, Mapping) for part in value) else ", ").join(map(_told, value))
        case _:
            return words(value)


def runs(before: str, after: str) -> tuple[Run, ...]:
    """Compare two texts as runs of words in reading order, with removed words before added ones."""
    one, two = _WORDS.findall(before), _WORDS.findall(after)
    matcher = SequenceMatcher(None, one, two, autojunk=False)
    if len(one) + len(two) > _LONGEST or matcher.ratio() < _ALIKE:
        made = [Run("gone", before), Run("new", after)]
    else:
        made = []
        gone, new = "", ""
        for tag, i1, i2, j1, j2 in matcher.get_opcodes():
            same = "".join(one[i1:i2])
            if tag == "equal" and (not (gone or new) or same.strip() or j2 == len(two)):
                made += [Run("gone", gone), Run("new", new), Run("same", same)]
                gone, new = "", ""
            else:
                # White space between two changes belongs to both, so that consecutive changed words read as one change.
                gone, new = gone + same, new + "".join(two[j1:j2])
        made += [Run("gone", gone), Run("new", new)]
    return tuple(run for run in made if run.text)
