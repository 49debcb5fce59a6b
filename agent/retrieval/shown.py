"""Select what to show an LLM when the sources do not fit: the listing, then the most valuable statements.

Sources that fit are shown whole. Otherwise the listing comes first, whole if it is short, else only its first
statements; the remaining room goes to statements from all pages, ranked by their worth (`agent.facts.needed`) relative
to the space they take. Adjacent statements are joined, so that the selection reads as continuous text and remains
verbatim. Repeated statements and text covered by a finding are left out.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.records import CARRYING, Document, Statement, flagged_spans
from agent.retrieval.library import Library
from agent.retrieval.passages import cut, estimate
from agent.retrieval.search import terms, word_count

LISTING_SHARE: Final = 0.25
LISTING_MOST: Final = 600
"""A listing beyond this share of the space or this many tokens is not shown whole: its statements have to compete with
all others."""
LEAD_SHARE: Final = 0.03
"""Share of the space for the first statements of such a listing, which say what the product is."""
_LEVELS: Final = 2
"""Maximum number of headings shown above a passage; the deepest ones are shown."""
_MIN_WORDS: Final = 3
GAP_TOKENS: Final = 3
"""Tokens of a gap mark, and of the markup around a heading."""
_FURTHER: Final = 20
"""Number of statements still tried after the first one that does not fit."""
_JOINED: Final = 200
"""Longest gap in characters across which two statements may be joined."""


class Passage(NamedTuple):
    """One stretch of a document as it is shown; `text` is the document's text[start:end]."""

    document: str
    start: int
    end: int
    path: tuple[str, ...]
    text: str


Worth = Callable[[Library], NDArray[np.float64]]
"""Function that returns the log-odds, shape (n,), that each statement of a library is needed."""


@dataclass(frozen=True)
class Shown:
    """The passages shown, in the order of the sources, and the amount left out."""

    passages: tuple[Passage, ...]
    tokens: int
    """Tokens of the passages, marks included."""
    left_out_tokens: int
    """Tokens of source text not shown, without flagged text."""
    left_out_documents: int
    """Number of documents not shown at all."""

    @property
    def note(self) -> str:
        """A line saying how much was left out; empty when nothing was left out."""
        if not self.left_out_tokens:
            return ""
        gone = f", {self.left_out_documents} documents entirely" if self.left_out_documents else ""
        return (
            f"Left out: about {self.left_out_tokens} tokens of the documentation{gone}; what is not shown here may "
            "still be stated there."
        )


def passages_for(
    documents: Sequence[Document], statements: Sequence[Statement], tokens: int, worth: Worth, *, store: str = "chroma"
) -> Shown:
    """Select the passages of `documents` to show an LLM within `tokens`.

    `statements` are those of the documents, and `worth` rates each of them. `store` is a name in `stores.STORES`, used
    only when the sources do not fit. The same input gives the same passages.
    """
    if not documents:
        return Shown((), 0, 0, 0)
    whole = [passage for document in documents for passage in _whole(document)]
    all_of_it = _cost(whole)
    if all_of_it <= tokens:
        return Shown(tuple(whole), all_of_it, 0, 0)
    first = documents[0].id
    listing = [passage for passage in whole if passage.document == first]
    fits = _cost(listing) <= min(LISTING_SHARE * tokens, LISTING_MOST)
    shown = listing if fits else []
    with Library(documents, statements, store) as library:
        usable = [
            word_count(row.text) >= _MIN_WORDS and not (fits and row.document == first) for row in library.statements
        ]
        order = _by_worth(library, worth, first, LEAD_SHARE * tokens) if any(usable) else iter(())
        taken = (library.statements[number] for number in order if usable[number])
        shown += _within(documents, taken, tokens - _cost(shown))
    place = {document.id: number for number, document in enumerate(documents)}
    shown = sorted(shown, key=lambda passage: (place[passage.document], passage.start))
    took = _cost(shown)
    gone = place.keys() - {passage.document for passage in shown}
    return Shown(tuple(shown), took, max(1, all_of_it - took), len(gone))


def heading(passage: Passage, before: Passage | None) -> str:
    """Return the line above a passage: its two deepest headings, without those shared with the previous passage.

    The line is empty if both passages have the same headings.
    """
    known = before.path if before is not None and before.document == passage.document else ()
    if passage.path == known:
        return ""
    common = 0
    while common < min(len(known), len(passage.path) - 1) and known[common] == passage.path[common]:
        common += 1
    return " > ".join(passage.path[max(common, len(passage.path) - _LEVELS) :])


def _whole(document: Document) -> Iterator[Passage]:
    """Yield the passages of a document, without its flagged spans."""
    spans = flagged_spans(document)
    for chunk in cut((document,)):
        start = chunk.start
        for first, last in (*spans, (chunk.end, chunk.end)):
            if first <= chunk.end and last > start:
                text = document.text[start : min(first, chunk.end)] if start < first else ""
                if text.strip():
                    at = start + len(text) - len(text.lstrip())
                    text = text.strip()
                    yield Passage(document.id, at, at + len(text), chunk.path, text)
                start = max(start, last)


def _by_worth(library: Library, worth: Worth, listing: str, lead: float) -> Iterator[int]:
    """Yield the numbers of the listing's first statements, up to `lead` tokens, then of the others by their probability
    of being needed per token."""
    odds = worth(library)
    costs = np.array([estimate(statement.text) + GAP_TOKENS for statement in library.statements], dtype=np.float64)
    own = [n for n, s in enumerate(library.statements) if s.document == listing and s.role in CARRYING]
    first = [n for n, total in zip(own, np.cumsum(costs[own]), strict=True) if total <= lead]
    value = np.round(-np.logaddexp(0, -odds) - np.log(costs), 6)
    yield from dict.fromkeys((*first, *(int(n) for n in np.argsort(-value, kind="stable") if np.isfinite(value[n]))))


def _within(documents: Sequence[Document], order: Iterable[Statement], room: int) -> list[Passage]:
    """Return as many statements in `order` as fit into `room`, joined with their neighbours; duplicates are dropped."""
    taken: list[Statement] = []
    said: set[tuple[str, ...]] = set()
    least = 0
    for statement in order:
        bag = terms(statement.text)
        if bag not in said:
            said.add(bag)
            taken.append(statement)
            least += estimate(statement.text)
            if least > 2 * room:
                break
    # Find the longest prefix that fits by bisection, because joining changes the cost of a prefix.
    fits, too_many = 0, len(taken) + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if _cost(_joined(documents, taken[:middle])) <= room:
            fits = middle
        else:
            too_many = middle
    kept = taken[:fits]
    for statement in taken[fits + 1 : fits + 1 + _FURTHER]:
        # Try further statements, because the first statement that did not fit may just have been long.
        if _cost(_joined(documents, [*kept, statement])) <= room:
            kept.append(statement)
    return _joined(documents, kept)


def _cost(passages: Sequence[Passage]) -> int:
    befores = (None, *passages)
    return sum(estimate(each.text) + _mark(each, before) for before, each in zip(befores, passages, strict=False))


def _mark(passage: Passage, before: Passage | None) -> int:
    head = heading(passage, before)
    return GAP_TOKENS + (estimate(head) + GAP_TOKENS if head else 0)


def _joined(documents: Sequence[Document], taken: Iterable[Statement]) -> list[Passage]:
    """Turn statements into passages; skipped text is shown if it costs no more tokens than the mark for a gap would."""
    place = {document.id: number for number, document in enumerate(documents)}
    made: list[Passage] = []
    for one in sorted(taken, key=lambda statement: (place[statement.document], statement.start)):
        document = documents[place[one.document]]
        last = made[-1] if made and made[-1].document == one.document else None
        alone = Passage(one.document, one.start, one.end, one.path, document.text[one.start : one.end])
        if last is not None and one.start <= last.end + _JOINED:
            gap = document.text[last.end : one.start]
            flagged = any(first < one.start and last.end < end for first, end in flagged_spans(document))
            if not flagged and estimate(gap) <= _mark(alone, last):
                end = max(last.end, one.end)
                made[-1] = last._replace(end=end, text=document.text[last.start : end])
                continue
        made.append(alone)
    return made
