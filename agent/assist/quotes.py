"""Additional quotes from an LLM's answers, located in the sources and numbered after the quotes of the sheet."""

import re
from collections.abc import Iterable
from typing import Final

from agent.assist.passages import may_not_be_shown
from agent.facts.readers.llm import read_quote
from agent.facts.verify import MAX_CHARS, MAX_WORDS, SHORT, Material, Place, stands_alone
from agent.records import Document, Evidence, FactSheet

MOST: Final = 4
"""The most quotes of one item."""
_FAR: Final = 10**9
"""The distance of a line to quotes of other documents."""
_TRIED: Final = 5
"""How many lines that have a name are tried, since some may not be quoted."""
_REACH: Final = 60
"""How many characters before and after a name of code are quoted with it."""
_SAMPLE: Final = 1
"""Rank of text outside all statements, that is, of sample code."""


class Quotes:
    """The evidence of a draft: the quotes of the sheet and those added by an LLM."""

    def __init__(self, sheet: FactSheet, material: Material) -> None:
        self._material = material
        self._ids = {(item.document, item.start, item.end): item.id for item in sheet.evidence}
        self._next = 1 + max((int(item.id[1:]) for item in sheet.evidence), default=0)
        self.all: Final = {item.id: item for item in sheet.evidence}
        """All quotes by id, those of the sheet and the added ones."""
        self.added: Final[list[Evidence]] = []
        """The quotes missing from the sheet, in the order of their ids."""
        self.dropped: Final[list[tuple[str, str]]] = []

    def take(self, texts: Iterable[str], *, prose: bool = False) -> tuple[str, ...]:
        """Return the ids of the quotes that are found, and add the others to `dropped`. A sentence may rest on a
        heading, or on what is said of another product; a verdict may not (`prose`)."""
        found = []
        for text in list(texts)[:MOST]:
            place = self._place(text, prose=prose)
            if isinstance(place, str):
                self.dropped.append((text, place))
                continue
            found.append(self._id(place))
        return tuple(dict.fromkeys(found))

    def found(self, words: str) -> tuple[str, ...]:
        """Return the id of a quote if it is found, without complaint if it is not."""
        place = self._place(words, prose=True)
        return () if isinstance(place, str) else (self._id(place),)

    def holding(self, name: str, beside: Iterable[str]) -> tuple[str, ...]:
        """Return the id of a quote with a name of code, such as a flag: the words around it on its line.

        Of several lines it is the one nearest to the quotes `beside`. Empty if no line that may be quoted has the name.
        """
        pattern = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
        known = [self.all[mark] for mark in beside]

        def far(place: tuple[Document, re.Match[str]]) -> int:
            near = (abs(item.start - place[1].start()) for item in known if item.document == place[0].id)
            return min(near, default=_FAR)

        places = [(one, found) for one in self._material.documents for found in pattern.finditer(one.text)]
        for document, found in sorted(places, key=far)[:_TRIED]:
            start, end = _around(document.text, found.start(), found.end())
            place = Place(document, start, end, self._material.touched(document.id, start, end))
            if not self._refused(place, prose=True):
                return (self._id(place),)
        return ()

    def _id(self, place: Place) -> str:
        mark = self._ids.get(place.spot)
        if mark is None:
            mark = f"E{self._next}"
            self._next += 1
            self._ids[place.spot] = mark
            item = Evidence(
                id=mark,
                document=place.document.id,
                start=place.start,
                end=place.end,
                quote=place.text,
                rank=max((row.rank for row in place.statements), default=_SAMPLE),
                about=place.about if place.statements else "product",
            )
            self.all[mark] = item
            self.added.append(item)
        return mark

    def _place(self, text: str, *, prose: bool) -> Place | str:
        quote = read_quote(text)
        words = len(quote.text.split())
        if not words:
            return "no quote"
        if words > MAX_WORDS or len(quote.text) > MAX_CHARS:
            return "quote too long"
        why = "quote not found"
        for document, span in self._material.spans(quote):
            rows = self._material.touched(document.id, span.start, span.end)
            place = Place(document, span.start, span.end, rows)
            refused = self._refused(place, prose=prose)
            if refused:
                why = refused
            elif rows and words <= SHORT and not stands_alone(place):
                why = "quote too short"
            else:
                return place
        return why

    def _refused(self, place: Place, *, prose: bool) -> str:
        """Return why the text at a place may not be quoted, or an empty string if it may.

        The role of a sentence does not matter: an LLM judges better than a classifier whether news or a comparison says
        something of the product.
        """
        document, rows = place.document, place.statements
        kind = document.kind_at(place.start)
        if any(row.flagged for row in rows) or may_not_be_shown(
            place.start, place.end, document, self._material.statements
        ):
            return "flagged passage"
        if not rows and kind != "code" and not (prose and kind == "heading"):
            return "it is a heading or stands between statements"
        return "another product" if not prose and any(row.about == "other" for row in rows) else ""


def _around(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span to its line, or on a long line to the whole words near it."""
    first, last = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    last = len(text) if last < 0 else last
    if start - first > _REACH:
        first = text.find(" ", start - _REACH, start) + 1 or start
    if last - end > _REACH:
        last = max(text.rfind(" ", end, end + _REACH), end)
    shown = text[first:last]
    return first + len(shown) - len(shown.lstrip()), last - (len(shown) - len(shown.rstrip()))
