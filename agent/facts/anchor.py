"""Locate a quote in a document's text, with offsets into the original text.

A quote is first searched for verbatim, then after normalising both texts: soft hyphens and zero-width characters are
dropped, NFKC is applied, curly quotes and primes are straightened, every dash becomes a hyphen, white space is
collapsed to single spaces, and case is folded. No other difference is tolerated: a paraphrase, a quote with a gap, or
two passages joined together are not found. A match neither begins nor ends inside a word, so that "able to delete" is
not found in "unable to delete".
"""

import re
import unicodedata
from array import array
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from agent.errors import IntegrityError
from agent.records import Document, Evidence

_DROPPED: Final = frozenset("\u00ad\u034f\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff")
_FOLDED: Final = str.maketrans(
    dict.fromkeys("‘’‚‛′‵´`ʼ＇", "'") | dict.fromkeys("“”„‟″‶«»＂", '"') | dict.fromkeys("‐‑‒–—―−﹘﹣－⁃", "-")
)
_JAMO: Final = range(0x1160, 0x1200)
"""Hangul vowels and final consonants. They are not combining marks, but NFKC joins them to the preceding letter."""
_TOKENS: Final = re.compile(r"(?P<plain>[\x21-\x7e]+(?=[\x00-\x7f]|\Z))|(?P<blank>\s+)|(?P<other>.)", re.DOTALL)


class Span(NamedTuple):
    """A located quote: text[start:end] of the original text."""

    start: int
    end: int


class Anchored:
    """A text prepared for many quote lookups; its normalised form is built once, on first use."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _map(self) -> "tuple[str, array[int], array[int]]":
        return _normalised(self.text)

    def locate(self, quote: str, hint: int | None = None) -> Span | None:
        """Return the span of `quote`, or None.

        `hint` is the expected character offset of the quote: the occurrence that begins nearest to it is returned, or
        the earlier one in a tie. Without a hint, the first occurrence is returned. An exact match anywhere takes
        precedence over a normalised one.
        """
        wanted = quote.strip()
        exact = [Span(at, at + len(wanted)) for at in _occurrences(wanted, self.text)]
        found = [span for span in exact if _is_whole(self.text, span)]
        if not found:
            needle, (text, starts, ends) = normalise(wanted), self._map
            spans = [Span(starts[at], ends[at + len(needle) - 1]) for at in _occurrences(needle, text)]
            whole = [span for span in spans if _is_whole(self.text, span)]
            # A match may split an expanded character (the "i" of a ligature); its slice is then longer than the quote.
            found = [span for span in whole if normalise(self.text[span.start : span.end]) == needle]
        return min(found, key=lambda span: (abs(span.start - (hint or 0)), span.start), default=None)


def locate(quote: str, text: str, hint: int | None = None) -> Span | None:
    """Return the span of `quote` in `text`, or None; see `Anchored.locate`. The last few texts are cached."""
    return _anchored(text).locate(quote, hint)


_anchored: Final = lru_cache(maxsize=8)(Anchored)
"""Caches the last eight texts: enough for one or two products."""


def normalise(text: str) -> str:
    """Normalise `text` for comparing quotes (see the module docstring), stripping white space at the ends."""
    return _normalised(text)[0].strip()


def holds(evidence: Evidence, document: Document) -> bool:
    """Return whether the document contains the quote at this place, after both are normalised."""
    if evidence.document != document.id or not 0 <= evidence.start < evidence.end <= len(document.text):
        return False
    found = document.text[evidence.start : evidence.end]
    return found == evidence.quote or (normalise(found) == normalise(evidence.quote) != "")


def verify(evidence: Evidence, document: Document) -> None:
    """Check one quote against its document.

    Raises IntegrityError, with the evidence and its position, if the document does not contain the quote there.
    """
    if not holds(evidence, document):
        raise IntegrityError(
            f"the quote of {evidence.id} is not in its document",
            where=f"{evidence.document} characters {evidence.start} to {evidence.end}",
            hint="the snapshot or the draft was changed; draft again from the snapshot",
        )


def _normalised(text: str) -> "tuple[str, array[int], array[int]]":
    """Return the normalised text, and where each of its characters starts and ends in the original."""
    out: list[str] = []
    starts, ends = array("q"), array("q")
    blank = False
    for start, end, piece in _pieces(text):
        if piece == " " and blank:
            continue
        blank = piece.endswith(" ")
        out.append(piece)
        even = len(piece) == end - start
        starts.extend(range(start, end) if even else [start] * len(piece))
        ends.extend(range(start + 1, end + 1) if even else [end] * len(piece))
    return "".join(out), starts, ends


def _pieces(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the start, end and normalised form of each piece: a run of plain ASCII, a run of white space, or any other
    character with its combining marks."""
    at = 0
    while match := _TOKENS.match(text, at):
        at = match.end()
        if match.lastgroup == "blank":
            yield match.start(), at, " "
        elif match.lastgroup == "plain":
            yield match.start(), at, match[0].lower().translate(_FOLDED)
        elif match[0] not in _DROPPED:
            kept, end = match[0], at
            while at < len(text) and (
                text[at] in _DROPPED or unicodedata.category(text[at]).startswith("M") or ord(text[at]) in _JAMO
            ):
                if text[at] not in _DROPPED:
                    kept, end = kept + text[at], at + 1
                at += 1
            once = unicodedata.normalize("NFKC", kept.translate(_FOLDED)).casefold()
            yield match.start(), end, re.sub(r"\s+", " ", unicodedata.normalize("NFKC", once).translate(_FOLDED))


def _occurrences(needle: str, text: str) -> Iterator[int]:
    at = text.find(needle) if needle else -1
    while at >= 0:
        yield at
        at = text.find(needle, at + 1)


def _is_whole(text: str, span: Span) -> bool:
    # Scripts without upper and lower case are not checked, because they do not separate words with spaces.
    return not any(
        all(char.isdigit() or char.lower() != char.upper() or char in _DROPPED for char in text[at - 1 : at + 1])
        for at in (span.start, span.end)
        if 0 < at < len(text)
    )
