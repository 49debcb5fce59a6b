"""Additional quotes from an LLM's answers, located in the sources and numbered after the quotes of the sheet."""

from collections.abc import Iterable
from typing import Final

from agent.assist.passages import may_not_be_shown
from agent.facts.readers.llm import read_quote
from agent.facts.verify import MAX_CHARS, MAX_WORDS, SHORT, Material, Place, stands_alone, word_count
from agent.records import Evidence, FactSheet

MOST: Final = 4
"""Maximum number of quotes per item."""
_SAMPLE: Final = 1
"""Rank of text outside all statements, such as sample code."""


class Quotes:
    """The evidence of a draft: the quotes of the sheet and those added by an LLM."""

    def __init__(self, sheet: FactSheet, material: Material) -> None:
        self._material = material
        self._ids = {(item.document, item.start, item.end): item.id for item in sheet.evidence}
        self._next = 1 + max((int(item.id[1:]) for item in sheet.evidence), default=0)
        self.all: Final = {item.id: item for item in sheet.evidence}
        """All quotes by id, those of the sheet and the added ones."""
        self.added: Final[list[Evidence]] = []
        """The quotes that are not in the sheet, in the order of their ids."""
        self.dropped: Final[list[tuple[str, str]]] = []

    def take(self, texts: Iterable[str], *, prose: bool = False) -> tuple[str, ...]:
        """Return the ids of the quotes that are found, and add the others to `dropped`. With `prose`, a quote may also
        come from a heading or from text about another product; for a verdict it may not.
        """
        found = []
        for text in list(texts)[:MOST]:
            place = self._place(text, prose=prose)
            if isinstance(place, str):
                self.dropped.append((text, place))
            else:
                found.append(self._id(place))
        return tuple(dict.fromkeys(found))

    def found(self, words: str) -> tuple[str, ...]:
        """Return a quote's id in a tuple, or an empty tuple if it is not found; a miss is not recorded as dropped."""
        place = self._place(words, prose=True)
        return () if isinstance(place, str) else (self._id(place),)

    def _id(self, place: Place) -> str:
        mark = self._ids.get(place.spot)
        if mark is None:
            mark = f"E{self._next}"
            self._next += 1
            self._ids[place.spot] = mark
            self.all[mark] = Evidence(
                id=mark,
                document=place.document.id,
                start=place.start,
                end=place.end,
                quote=place.text,
                rank=max((row.rank for row in place.statements), default=_SAMPLE),
                about=place.about if place.statements else "product",
            )
            self.added.append(self.all[mark])
        return mark

    def _place(self, text: str, *, prose: bool) -> Place | str:
        """Return the place of a usable quote, or the reason why the quote must not be used."""
        quote = read_quote(text)
        words = word_count(quote.text)
        if not words:
            return "no quote"
        if words > MAX_WORDS or len(quote.text) > MAX_CHARS:
            return "quote too long"
        why = "quote not found"
        for place in self._material.places(quote):
            why = self._refused(place, prose=prose)
            if not why and place.statements and words <= SHORT and not stands_alone(place):
                why = "quote too short"
            if not why:
                return place
        return why

    def _refused(self, place: Place, *, prose: bool) -> str:
        """Return why the text at a place may not be quoted, or an empty string if it may.

        The role of a sentence does not matter: an LLM judges better than a classifier whether news or a comparison says
        something about the product.
        """
        document, rows = place.document, place.statements
        kind = document.kind_at(place.start)
        statements = self._material.statements
        if any(row.flagged for row in rows) or may_not_be_shown(place.start, place.end, document, statements):
            return "flagged passage"
        if not rows and kind != "code" and not (prose and kind == "heading"):
            return "it is a heading or is between statements"
        return "another product" if not prose and any(row.about == "other" for row in rows) else ""
