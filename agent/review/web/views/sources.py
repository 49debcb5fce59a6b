"""The sources in the right column: pieces of text with marks, findings in place, and quotes in context."""

import itertools
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from agent.records import Document, Evidence, Finding
from agent.report.view import rank_words
from agent.review.web.views.wording import SOURCE_KINDS, finding_words

_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_BULLET: Final = re.compile(r"(?:[-*•]|\d{1,3}[.)])\s")
_NEAR: Final = 400
"""The number of characters on either side of a quote that are searched for the adjacent sentence."""
LONG_PIECE: Final = 6_000
"""The longest text without a citation or finding, in characters, that a page shows whole."""
KEPT: Final = 1_500
"""The number of characters shown at either end of a longer text."""


CLAIM: Final = "vendor-claim"
"""The only kind of finding that is not an attack."""


class Piece(NamedTuple):
    """A run of text under the same citations and findings."""

    start: int
    """Offset in the document, in characters."""
    text: str
    marks: tuple[str, ...]
    """Ids of the evidence that cites this text."""
    begins: tuple[str, ...]
    """Those of `marks` whose quote begins here; citations link to this place."""
    findings: tuple[str, ...]
    """Kinds of the findings that cover the piece."""


def pieces(document: Document, evidence: Sequence[Evidence]) -> tuple[Piece, ...]:
    """Split the whole text of `document` into pieces, which joined give the text again."""
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


def neighbours(document: Document, item: Evidence) -> tuple[str, str]:
    """Return the sentences before and after the quote of `item`; empty if there is none."""
    text = document.text
    before = [part for part in _SENTENCE.split(text[max(0, item.start - _NEAR) : item.start]) if part.strip()]
    after = [part for part in _SENTENCE.split(text[item.end : item.end + _NEAR]) if part.strip(" .;,")]
    near = (before[-1].strip() if before else "", after[0].strip() if after else "")
    # A list bullet is not a sentence, and a text that begins with a bullet belongs to the next list item.
    return ("" if _BULLET.match(f"{near[0]} ") else near[0], "" if _BULLET.match(near[1]) else near[1])


class Removed(NamedTuple):
    """Text that was removed from a source at this place, because it is invisible to readers."""

    words: str
    where: str
    excerpt: str


class Run(NamedTuple):
    """A piece of a source's text, prepared for the page."""

    start: int
    text: str
    marks: tuple[str, ...]
    begins: tuple[str, ...]
    findings: tuple[str, ...]
    """Descriptions of the findings that begin here."""
    hostile: bool
    """Whether the run is inside a finding that is more than a vendor's claim."""
    removed: tuple[Removed, ...]
    """The text removed immediately before the run."""
    left_out: int
    """The number of characters that the page omits between the previous run and this one."""


class FindingLine(NamedTuple):
    """An entry in a source's list of findings."""

    words: str
    where: str
    excerpt: str
    anchor: str
    """The element of the finding's place in the text; empty if it has none."""
    hostile: bool
    """Whether the finding is more than a vendor's claim."""


class SourceView(NamedTuple):
    """One source, prepared for the page."""

    id: str
    title: str
    url: str
    kind: str
    fetched: str
    chars: int
    findings: tuple[FindingLine, ...]
    runs: tuple[Run, ...]
    cited: int


class Quote(NamedTuple):
    """A quote of an item with its adjacent sentences."""

    mark: str
    before: str
    quote: str
    after: str
    document: str
    title: str
    standing: str
    """Rank and subject in words."""
    linked: bool
    """Whether the right column shows the quote's place."""


class Quotes:
    """The evidence of a review, looked up in its sources once for each mark."""

    def __init__(self, documents: Sequence[Document], evidence: Sequence[Evidence]) -> None:
        self._documents = {document.id: document for document in documents}
        self._evidence = {item.id: item for item in evidence}
        self._made: dict[str, Quote] = {}

    def __contains__(self, mark: object) -> bool:
        """Return whether a mark is in the evidence."""
        return mark in self._evidence

    def of(self, marks: Sequence[str]) -> tuple[Quote, ...]:
        """Return the quotes of these marks, skipping marks that are not in the evidence."""
        return tuple(self._quote(mark) for mark in dict.fromkeys(marks) if mark in self._evidence)

    def _quote(self, mark: str) -> Quote:
        if mark not in self._made:
            self._made[mark] = self._make(self._evidence[mark])
        return self._made[mark]

    def _make(self, item: Evidence) -> Quote:
        document = self._documents.get(item.document)
        about = (
            "" if item.about == "product" else f", about {'the platform' if item.about == 'platform' else 'another'}"
        )
        standing = f"rank {item.rank}, {rank_words(item.rank)}{about}"
        if document is None or document.text[item.start : item.end] != item.quote:
            return Quote(item.id, "", item.quote, "", item.document, "", f"{standing}; not found in the source", False)
        before, after = neighbours(document, item)
        title = document.title or document.url
        return Quote(item.id, before, item.quote, after, document.id, title, standing, True)


def source(document: Document, evidence: Sequence[Evidence], *, whole: bool = False) -> SourceView:
    """Prepare a source for the page; with `whole`, its text is not shortened."""
    return SourceView(
        id=document.id,
        title=document.title or document.url,
        url=document.url,
        kind=SOURCE_KINDS[document.kind],
        fetched=document.fetched_at[:10],
        chars=len(document.text),
        findings=tuple(_line(document, number, each) for number, each in enumerate(document.findings)),
        runs=tuple(_runs(document, evidence, whole=whole)),
        cited=sum(item.document == document.id for item in evidence),
    )


def _line(document: Document, number: int, finding: Finding) -> FindingLine:
    placed = 0 <= finding.start <= finding.end <= len(document.text) and finding.end > 0
    anchor = f"finding-{document.id}-{number}" if placed and finding.start < finding.end else ""
    words = finding_words(finding.kind) + (f", {finding.count} sentences" if finding.count > 1 else "")
    return FindingLine(words, finding.where, finding.excerpt, anchor, finding.kind != CLAIM)


def _runs(document: Document, evidence: Sequence[Evidence], *, whole: bool) -> list[Run]:
    taken = _taken_out(document)
    made: list[Run] = []
    before: tuple[str, ...] = ()
    for piece in pieces(document, evidence):
        for part in _cut(piece, sorted(taken)):
            removed = taken.pop(part.start, ())
            short = whole or part.marks or part.findings or len(part.text) <= LONG_PIECE
            made += [_run(part, removed, before)] if short else _shortened(part, removed)
            before = part.findings
    if taken:
        left = tuple(each for at in taken.values() for each in at)
        made.append(Run(len(document.text), "", (), (), (), False, left, 0))
    return made


def _run(piece: Piece, removed: Sequence[Removed], before: Sequence[str]) -> Run:
    begun = tuple(finding_words(kind) for kind in piece.findings if kind not in before)
    hostile = any(kind != CLAIM for kind in piece.findings)
    return Run(piece.start, piece.text, piece.marks, piece.begins, begun, hostile, tuple(removed), 0)


def _shortened(piece: Piece, removed: Sequence[Removed]) -> list[Run]:
    end = len(piece.text) - KEPT
    head = Run(piece.start, piece.text[:KEPT], (), (), (), False, tuple(removed), 0)
    return [head, Run(piece.start + end, piece.text[end:], (), (), (), False, (), end - KEPT)]


def _cut(piece: Piece, places: Sequence[int]) -> list[Piece]:
    """Split a piece where text was removed."""
    inside = [at for at in places if piece.start < at < piece.start + len(piece.text)]
    ends = [piece.start, *inside, piece.start + len(piece.text)]
    return [
        piece._replace(
            start=one,
            text=piece.text[one - piece.start : two - piece.start],
            begins=piece.begins if one == piece.start else (),
        )
        for one, two in itertools.pairwise(ends)
    ]


def _taken_out(document: Document) -> dict[int, tuple[Removed, ...]]:
    taken: dict[int, tuple[Removed, ...]] = {}
    for finding in document.findings:
        if finding.start == finding.end:
            at = min(max(finding.start, 0), len(document.text))
            told = Removed(finding_words(finding.kind), finding.where, finding.excerpt)
            taken[at] = (*taken.get(at, ()), told)
    return taken
