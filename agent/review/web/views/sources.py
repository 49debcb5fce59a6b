"""The sources in the right column: runs of text with marks, findings in place, and quotes in context."""

import itertools
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from agent.records import Document, Evidence
from agent.report.view import rank_words
from agent.review.web.views.wording import finding_words

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


class Run(NamedTuple):
    """A run of a source's text that is covered by the same citations and findings."""

    start: int
    """Offset in the document, in characters."""
    text: str
    marks: tuple[str, ...] = ()
    """Ids of the evidence that cites this text."""
    begins: tuple[str, ...] = ()
    """Those of `marks` whose quote begins here; citations link to this place."""
    findings: tuple[str, ...] = ()
    """Descriptions of the findings that begin here."""
    hostile: bool = False
    """Whether the run is inside a finding that is more than a vendor's claim."""
    removed: tuple[tuple[str, str], ...] = ()
    """The description and an excerpt of text that was removed before the run, because it is invisible to readers."""
    left_out: int = 0
    """The number of characters that the page omits between the previous run and this one."""


class SourceView(NamedTuple):
    """One source, prepared for the page."""

    document: Document
    title: str
    runs: tuple[Run, ...]
    cited: int
    """The number of citations."""


def source(document: Document, evidence: Sequence[Evidence], *, whole: bool = False) -> SourceView:
    """Prepare a source for the page; with `whole`, its text is not shortened."""
    cited = [item for item in evidence if item.document == document.id]
    return SourceView(document, document.title or document.url, tuple(_runs(document, cited, whole=whole)), len(cited))


def _runs(document: Document, evidence: Sequence[Evidence], *, whole: bool) -> list[Run]:
    """Split the text where citations and findings begin and end, and where text was removed."""
    text, removed = document.text, dict[int, tuple[tuple[str, str], ...]]()
    for one in document.findings:
        if one.start == one.end:
            place = min(max(one.start, 0), len(text))
            removed[place] = (*removed.get(place, ()), (finding_words(one.kind), one.excerpt))
    cited = [item for item in evidence if 0 <= item.start < item.end <= len(text)]
    found = [item for item in document.findings if 0 <= item.start < item.end <= len(text)]
    spans = [(item.start, item.end) for item in cited] + [(item.start, item.end) for item in found]
    cuts = {0, len(text), *removed, *(at for span in spans for at in span)}
    made: list[Run] = []
    before: set[str] = set()
    for start, end in itertools.pairwise(sorted(cuts)):
        kinds = dict.fromkeys(item.kind for item in found if item.start <= start and end <= item.end)
        run = Run(
            start,
            text[start:end],
            marks=tuple(item.id for item in cited if item.start <= start and end <= item.end),
            begins=tuple(item.id for item in cited if item.start == start),
            findings=tuple(finding_words(kind) for kind in kinds if kind not in before),
            hostile=any(kind != CLAIM for kind in kinds),
            removed=removed.get(start, ()),
        )
        if whole or run.marks or kinds or end - start <= LONG_PIECE:
            made.append(run)
        else:
            last = Run(end - KEPT, text[end - KEPT : end], left_out=end - start - 2 * KEPT)
            made += [run._replace(text=run.text[:KEPT]), last]
        before = set(kinds)
    if len(text) in removed:
        made.append(Run(len(text), "", removed=removed[len(text)]))
    return made


class Quote(NamedTuple):
    """A quote of an item with its adjacent sentences."""

    mark: str
    quote: str
    document: str
    standing: str
    """The rank and the subject in words."""
    before: str = ""
    after: str = ""
    title: str = ""
    linked: bool = False
    """Whether the right column shows the quote's place."""


class Quotes:
    """The evidence of a review, looked up in its sources once per mark."""

    def __init__(self, documents: Sequence[Document], evidence: Sequence[Evidence]) -> None:
        self._documents = {document.id: document for document in documents}
        self._evidence = {item.id: item for item in evidence}
        self._made: dict[str, Quote] = {}

    def __contains__(self, mark: object) -> bool:
        """Return whether a mark is in the evidence."""
        return mark in self._evidence

    def of(self, marks: Sequence[str]) -> tuple[Quote, ...]:
        """Return the quotes of these marks, skipping marks that are not in the evidence."""
        known = [mark for mark in dict.fromkeys(marks) if mark in self._evidence]
        for mark in known:
            if mark not in self._made:
                self._made[mark] = self._make(self._evidence[mark])
        return tuple(self._made[mark] for mark in known)

    def _make(self, item: Evidence) -> Quote:
        document = self._documents.get(item.document)
        about = {"product": "", "platform": ", about the platform"}.get(item.about, ", about another product")
        made = Quote(item.id, item.quote, item.document, f"rank {item.rank}, {rank_words(item.rank)}{about}")
        if document is None or document.text[item.start : item.end] != item.quote:
            return made._replace(standing=f"{made.standing}; not found in the source")
        before, after = neighbours(document, item)
        return made._replace(before=before, after=after, title=document.title or document.url, linked=True)


def neighbours(document: Document, item: Evidence) -> tuple[str, str]:
    """Return the sentences before and after the quote of `item`; empty if there is none."""
    text = document.text
    before = [part for part in _SENTENCE.split(text[max(0, item.start - _NEAR) : item.start]) if part.strip()]
    after = [part for part in _SENTENCE.split(text[item.end : item.end + _NEAR]) if part.strip(" .;,")]
    near = (before[-1].strip() if before else "", after[0].strip() if after else "")
    # A list bullet is not a sentence, and text that begins with a bullet belongs to the next list item.
    return ("" if _BULLET.match(f"{near[0]} ") else near[0], "" if _BULLET.match(near[1]) else near[1])
