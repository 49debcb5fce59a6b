"""Which recorded request is nearest to one that was not found, and a readable difference of the two."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Final

MAX_LINES: Final = 60
_LINE_CHARS: Final = 160
_CONTEXT: Final = 1
_SENTENCE_END: Final = re.compile(r"(?<=[.!?]) ")
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True)
class Asked:
    """A request, for comparison only."""

    stage: str
    head: Mapping[str, object]
    """What else decides the answer, by name."""
    messages: tuple[tuple[str, str], ...]
    """Role and text."""

    def lines(self) -> Iterator[str]:
        """The request as short lines: a sentence each, so that one changed letter changes one line."""
        yield from (f"{name}: {self.head[name]}" for name in sorted(self.head))
        for role, text in self.messages:
            yield f"[{role}]"
            for line in text.splitlines():
                for sentence in _SENTENCE_END.split(line):
                    yield from (sentence[at : at + _LINE_CHARS] for at in range(0, max(len(sentence), 1), _LINE_CHARS))


def nearest(asked: Asked, recorded: Mapping[str, Asked]) -> str | None:
    """The name of the recorded request that shares most words, of its stage if possible; the first of equals."""
    alike = {name: other for name, other in recorded.items() if other.stage == asked.stage} or recorded
    words = _words(asked)
    return max(sorted(alike), key=lambda name: _overlap(words, _words(alike[name])), default=None)


def difference(recorded: Asked, asked: Asked) -> str:
    """A unified difference from the recorded to the asked request, at most `MAX_LINES` lines."""
    lines = list(
        unified_diff(list(recorded.lines()), list(asked.lines()), "recorded", "asked", n=_CONTEXT, lineterm="")
    )
    more = [f"… and {len(lines) - MAX_LINES} more lines"] if len(lines) > MAX_LINES else []
    return "\n".join([*lines[:MAX_LINES], *more])


def _words(asked: Asked) -> Counter[str]:
    return Counter(word for line in asked.lines() for word in _WORD.findall(line))


def _overlap(one: Counter[str], other: Counter[str]) -> float:
    return (one & other).total() / max((one | other).total(), 1)
