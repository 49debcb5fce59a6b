"""Align the words of one text with those of another text that is derived from it.

Labels are offsets into a file as published; statements are offsets into the text that intake extracts from the file.
Both have the same words in the same order, except for marks, addresses and markup that intake removes and entities that
it decodes. Runs of words that occur once in each text are matched first, since they are unambiguous; then the words
between these runs.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
"""A word, or one character of a script without spaces between words."""
_RUNS: Final = (6, 3, 1)
"""Lengths of the runs to match, in words, longest first."""
_SMALL: Final = 250_000
"""Words between two runs are not compared if there are more pairs than this, since that would be slow and of little
use."""


class Token(NamedTuple):
    """A word and its position."""

    start: int
    end: int
    word: str


class Pair(NamedTuple):
    """The same word in both texts."""

    first: Token
    second: Token


def tokens(text: str) -> list[Token]:
    """Split `text` into case-folded words; in scripts without spaces, each character is a word."""
    return [Token(match.start(), match.end(), match[0].casefold()) for match in _TOKEN.finditer(text)]


def align(first: str, second: str) -> list[Pair]:
    """Return pairs of matching words in the order of both texts; each word is in at most one pair."""
    one, other = tokens(first), tokens(second)
    words, others = [token.word for token in one], [token.word for token in other]
    pairs = _matched(words, others, (0, len(words)), (0, len(others)), _RUNS)
    return [Pair(one[a], other[b]) for a, b in pairs]


def _matched(
    words: Sequence[str], others: Sequence[str], one: tuple[int, int], other: tuple[int, int], runs: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Yield index pairs of equal words within words[slice(*one)] and others[slice(*other)]."""
    (a, a_end), (b, b_end) = one, other
    while a < a_end and b < b_end and words[a] == others[b]:
        yield a, b
        a, b = a + 1, b + 1
    tail = 0
    while a < a_end - tail and b < b_end - tail and words[a_end - 1 - tail] == others[b_end - 1 - tail]:
        tail += 1
    inner_a, inner_b = a_end - tail, b_end - tail
    if a < inner_a and b < inner_b:
        if runs:
            yield from _by_anchors(words, others, (a, inner_a), (b, inner_b), runs)
        elif (inner_a - a) * (inner_b - b) <= _SMALL:
            yield from _compared(words, others, (a, inner_a), (b, inner_b))
    for n in range(tail):
        yield inner_a + n, inner_b + n


def _by_anchors(
    words: Sequence[str], others: Sequence[str], one: tuple[int, int], other: tuple[int, int], runs: Sequence[int]
) -> Iterator[tuple[int, int]]:
    anchors = _rising(_unique(words, others, one, other, runs[0]))
    a, b = one[0], other[0]
    for anchor_a, anchor_b in anchors:
        if anchor_a < a or anchor_b < b:
            continue
        yield from _matched(words, others, (a, anchor_a), (b, anchor_b), runs[1:])
        yield anchor_a, anchor_b
        a, b = anchor_a + 1, anchor_b + 1
    yield from _matched(words, others, (a, one[1]), (b, other[1]), runs[1:])


def _unique(
    words: Sequence[str], others: Sequence[str], one: tuple[int, int], other: tuple[int, int], size: int
) -> list[tuple[int, int]]:
    """Find the runs of `size` words that occur exactly once on each side; return their starts on both sides."""
    here = _places(words, one, size)
    there = _places(others, other, size)
    return sorted((place, there[run]) for run, place in here.items() if run in there)


def _places(words: Sequence[str], part: tuple[int, int], size: int) -> dict[tuple[str, ...], int]:
    grams = [tuple(words[n : n + size]) for n in range(part[0], part[1] - size + 1)]
    count = Counter(grams)
    return {gram: part[0] + n for n, gram in enumerate(grams) if count[gram] == 1}


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest subsequence with rising second numbers; `pairs` are sorted by their first number."""
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for index, (_, second) in enumerate(pairs):
        at = bisect_left(ends, second)
        before.append(last[at - 1] if at else -1)
        if at == len(ends):
            ends.append(second)
            last.append(index)
        else:
            ends[at], last[at] = second, index
    found: list[tuple[int, int]] = []
    at = last[-1] if last else -1
    while at >= 0:
        found.append(pairs[at])
        at = before[at]
    return found[::-1]


def _compared(
    words: Sequence[str], others: Sequence[str], one: tuple[int, int], other: tuple[int, int]
) -> Iterator[tuple[int, int]]:
    matcher = SequenceMatcher(None, words[slice(*one)], others[slice(*other)], autojunk=False)
    for a, b, size in matcher.get_matching_blocks():
        for n in range(size):
            yield one[0] + a + n, other[0] + b + n
