"""A source as the page shows it: its text cut where a citation or a finding begins or ends."""

import itertools
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from agent.records import Document, Evidence

_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_NEAR: Final = 400
"""Characters looked at on either side of a quote for the sentence next to it."""


class Piece(NamedTuple):
    """A run of text under the same citations and findings."""

    start: int
    """Offset in the document, characters."""
    text: str
    marks: tuple[str, ...]
    """Evidence that cites it."""
    begins: tuple[str, ...]
    """Of these, what begins here: the places that a citation leads to."""
    findings: tuple[str, ...]
    """Kinds of the findings that cover it."""


class Context(NamedTuple):
    """A quote with the sentence before it and the one after it; empty where there is none."""

    before: str
    quote: str
    after: str


def pieces(document: Document, evidence: Sequence[Evidence]) -> tuple[Piece, ...]:
    """The whole text of `document` in pieces; joined, they are the text."""
    text = document.text
    cited = [item for item in evidence if item.document == document.id and 0 <= item.start < item.end <= len(text)]
    found = [item for item in document.findings if 0 <= item.start < item.end <= len(text)]
    spans = [*((item.start, item.end) for item in cited), *((item.start, item.end) for item in found)]
    cuts = sorted({0, len(text), *(at for span in spans for at in span)})
    made: list[Piece] = []
    for start, end in itertools.pairwise(cuts):
        made.append(
            Piece(
                start,
                text[start:end],
                tuple(item.id for item in cited if item.start <= start and end <= item.end),
                tuple(item.id for item in cited if item.start == start),
                tuple(dict.fromkeys(item.kind for item in found if item.start <= start and end <= item.end)),
            )
        )
    return tuple(made)


def context(document: Document, item: Evidence) -> Context:
    """The quote of `item` as the document has it, between its neighbours."""
    text = document.text
    before = [part for part in _SENTENCE.split(text[max(0, item.start - _NEAR) : item.start]) if part.strip()]
    after = [part for part in _SENTENCE.split(text[item.end : item.end + _NEAR]) if part.strip(" .;,")]
    return Context(before[-1].strip() if before else "", text[item.start : item.end], after[0].strip() if after else "")
