"""The ledger of citations: the only way in which a draft gets evidence.

A quote is one stretch of one document's text, of at least three words and at most 400 characters: the whole
statement when it is short enough, otherwise the clauses around the words that matter. Every quote is checked
against its document before it is kept.
"""

import re
from collections.abc import Sequence
from itertools import islice
from typing import Final, NamedTuple

from agent.errors import InputError
from agent.evidence.anchor import verify
from agent.records import Document, Evidence, Statement

MIN_WORDS: Final = 3
MAX_CHARS: Final = 400

_WORD: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\s\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_CLAUSE_ENDS: Final = re.compile(r"[.;:,!?)\u2013\u2014](?=\s)|\s(?=[(\u2013\u2014])|\n")
_BLANKS: Final = re.compile(r"\s+")


class _Place(NamedTuple):
    start: int
    end: int


class Ledger:
    """Citations of one draft, numbered E1, E2, … in the order of their first citation."""

    def __init__(self, documents: Sequence[Document], statements: Sequence[Statement]) -> None:
        self._documents = {document.id: document for document in documents}
        self._statements = tuple(statements)
        self._ids: dict[tuple[str, int, int], str] = {}
        self._kept: list[Evidence] = []

    def cite(self, statement: int, start: int | None = None, end: int | None = None) -> str:
        """Cite the statement with this index and return the evidence id; the same quote gets the same id.

        `start` and `end` (offsets into the document, inside the statement) are the words that matter: a long
        statement is cut to the clauses around them, without them to its beginning. A statement of fewer than three
        words grows to its neighbours; only a document of fewer than three words gives a shorter quote.

        Raises InputError for an index or offsets outside, IntegrityError when the statement is not in its document.
        """
        if not 0 <= statement < len(self._statements):
            raise InputError(f"no statement {statement}", where="ledger", hint="cite a statement of the same reading")
        source = self._statements[statement]
        focus = _Place(source.start if start is None else start, source.end if end is None else end)
        if not source.start <= focus.start < focus.end <= source.end:
            raise InputError(
                f"characters {focus.start} to {focus.end} are outside the statement",
                where=f"{source.document} characters {source.start} to {source.end}",
                hint="cite offsets into the document",
            )
        text = self._documents[source.document].text
        if source.end - source.start > MAX_CHARS:
            if start is None and end is None:
                focus = _Place(source.start, source.start + 1)
            place = _cut(text, _Place(source.start, source.end), focus)
        else:
            place = self._grown(statement, text)
        return self._keep(source, place, text)

    def note(self, source: Statement) -> str:
        """Cite a statement that nothing reads, so that it is shown; a long one to its beginning.

        Raises IntegrityError when the statement is not in its document.
        """
        text = self._documents[source.document].text
        place = _Place(source.start, source.end)
        if _length(place) > MAX_CHARS:
            place = _cut(text, place, _Place(source.start, source.start + 1))
        return self._keep(source, place, text)

    def evidence(self) -> tuple[Evidence, ...]:
        """All quotes cited so far, in the order of their ids."""
        return tuple(self._kept)

    def quote(self, key: str) -> str:
        """The words of the evidence with the id `key`. Raises InputError for an unknown id."""
        number = int(key[1:]) if re.fullmatch(r"E[1-9]\d*", key) else 0
        if not 0 < number <= len(self._kept):
            raise InputError(f"no evidence {key!r}", where="ledger", hint="cite it first")
        return self._kept[number - 1].quote

    def _keep(self, source: Statement, place: _Place, text: str) -> str:
        key = (source.document, place.start, place.end)
        if key not in self._ids:
            entry = Evidence(
                id=f"E{len(self._kept) + 1}",
                document=source.document,
                start=place.start,
                end=place.end,
                quote=text[place.start : place.end],
                rank=source.rank,
                about=source.about,
            )
            verify(entry, self._documents[source.document])
            self._ids[key] = entry.id
            self._kept.append(entry)
        return self._ids[key]

    def _grown(self, index: int, text: str) -> _Place:
        """The statement, with neighbours of its document and heading until it has three words, then any words."""
        source = self._statements[index]
        place = _Place(source.start, source.end)
        for run in (self._statements[index + 1 : index + 3], self._statements[max(index - 2, 0) : index][::-1]):
            for other in run:
                wider = _Place(min(place.start, other.start), max(place.end, other.end))
                same = (other.document, other.path) == (source.document, source.path)
                if _words(text, place) >= MIN_WORDS or not same or other.flagged or _length(wider) > MAX_CHARS:
                    break
                place = wider
        words = list(_WORD.finditer(text)) if _words(text, place) < MIN_WORDS else []
        before = [word for word in words if word.end() <= place.start]
        after = [word for word in words if word.start() >= place.end]
        while _words(text, place) < MIN_WORDS and (before or after):
            wider = _Place(before.pop().start(), place.end) if before else _Place(place.start, after.pop(0).end())
            if _length(wider) > MAX_CHARS:
                break
            place = wider
        return place


def _length(place: _Place) -> int:
    return place.end - place.start


def _words(text: str, place: _Place) -> int:
    """Words of a place, counted to the least that a quote needs."""
    words = (word for word in _WORD.finditer(text, place.start, place.end) if any(map(str.isalnum, word[0])))
    return sum(1 for _ in islice(words, MIN_WORDS))


def _cut(text: str, whole: _Place, focus: _Place) -> _Place:
    """At most 400 characters of `whole` that hold `focus` (or its beginning), cut between clauses, else words."""
    if focus.end - focus.start >= MAX_CHARS:
        return _stripped(text, _at_words(text, whole, _Place(focus.start, focus.start + MAX_CHARS)))
    spare = MAX_CHARS - (focus.end - focus.start)
    ends = [m.end() for m in _CLAUSE_ENDS.finditer(text, whole.start, whole.end)]
    starts = [whole.start, *ends]
    # The nearest clause begins first; then as many clauses as fit behind; then as many as fit in front.
    first = max(at for at in starts if at <= focus.start)
    if focus.start - first > spare:
        first = focus.start - spare // 2
    room = first + MAX_CHARS
    last = max((at for at in [*ends, whole.end] if focus.end <= at <= room), default=min(room, whole.end))
    first = min(at for at in [*starts, first] if last - MAX_CHARS <= at <= first)
    place = _stripped(text, _at_words(text, whole, _Place(first, last)))
    if _words(text, place) >= MIN_WORDS:
        return place
    return _stripped(text, _at_words(text, whole, _Place(first, min(first + MAX_CHARS, whole.end))))


def _at_words(text: str, whole: _Place, place: _Place) -> _Place:
    """`place` made smaller until it cuts no word, unless one word fills it."""
    start, end = place
    if start > whole.start and not text[start - 1].isspace():
        blank = _BLANKS.search(text, start, end)
        start = blank.end() if blank and blank.end() < end else start
    if end < whole.end and not text[end].isspace():
        blanks = list(_BLANKS.finditer(text, start, end))
        end = blanks[-1].start() if blanks and blanks[-1].start() > start else end
    return _Place(start, end)


def _stripped(text: str, place: _Place) -> _Place:
    piece = text[place.start : place.end]
    return _Place(place.start + len(piece) - len(piece.lstrip()), place.end - len(piece) + len(piece.rstrip()))
