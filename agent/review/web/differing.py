"""What a correction changed, word by word, in the reading order of what it changed."""

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Final, Literal, NamedTuple

from agent.review.compare import words
from agent.review.web.wording import field_name, in_order

Op = Literal["same", "gone", "new"]
_WORDS: Final = re.compile(r"\s+|[^\s]+")
_LONGEST: Final = 4_000
"""Words of one text that are compared; longer ones are shown whole."""
_ALIKE: Final = 0.3
"""Below this share of common words a text is another one, and shown as such."""


class Run(NamedTuple):
    """Words that stayed, went or came."""

    op: Op
    text: str


class Difference(NamedTuple):
    """A changed field."""

    name: str
    runs: tuple[Run, ...]


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[Difference, ...]:
    """The fields that differ, with the words of each; the parts of a statement one by one, in their order."""
    return tuple(_each(before, after))


def _each(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[Difference]:
    for name in in_order(after):
        if name not in before or before[name] == after[name]:
            continue
        was, now = before[name], after[name]
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            for part in dict.fromkeys((*was, *now)):
                if was.get(part) != now.get(part):
                    called = field_name(f"statement.{part}" if name == "statement" else str(part))
                    yield Difference(called, runs(words(was.get(part, "")), words(now.get(part, ""))))
        else:
            yield Difference(field_name(name), runs(words(was), words(now)))


def runs(before: str, after: str) -> tuple[Run, ...]:
    """The words of both texts in reading order: what went stands before what came."""
    one, two = _WORDS.findall(before), _WORDS.findall(after)
    matcher = SequenceMatcher(None, one, two, autojunk=False)
    if len(one) + len(two) > _LONGEST or matcher.ratio() < _ALIKE:
        made = [Run("gone", before), Run("new", after)]
    else:
        made = []
        for tag, i1, i2, j1, j2 in matcher.get_opcodes():
            if tag == "equal":
                made.append(Run("same", "".join(one[i1:i2])))
            else:
                made += [Run("gone", "".join(one[i1:i2])), Run("new", "".join(two[j1:j2]))]
    return tuple(run for run in made if run.text)
