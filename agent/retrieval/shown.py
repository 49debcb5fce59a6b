"""Select what an LLM is shown when the sources do not fit: the listing, then the most valuable statements.

Sources that fit are shown whole. Otherwise the listing comes first, whole if it is short, else only its first
statements; the remaining room goes to statements from all pages. They are ranked by their worth (`agent.facts.needed`)
relative to the space they take. Without a worth function, the groups of topics take turns, and statements without facts
(installation, examples, news) are left out. Adjacent statements are joined, so that the selection reads as text and
stays verbatim. Repeated statements and text covered by a finding are left out.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.records import CARRYING, Chunk, Document, Record, Statement, flagged_spans
from agent.retrieval.library import Library
from agent.retrieval.passages import Count, cut, estimate
from agent.retrieval.search import terms, word_count

TOKENS: Final = 16_000
LISTING_SHARE: Final = 0.25
LISTING_MOST: Final = 600
"""A listing beyond this share of the space or this many tokens is not shown whole; its statements compete as well."""
LEAD_SHARE: Final = 0.03
"""Share of the space for the first statements of such a listing, which say what the product is."""
LEXICAL_PART: Final = 0.4
"""Weight of the best BM25 score for a topic, in units of cosine."""
TOKEN_PRICE: Final = 0.001
"""Cost of each token of a statement in units of cosine, because it takes space from other statements. `LEXICAL_PART`
and this price were chosen on the eight marked folders of `evals.training.needed_marks`."""
_LEVELS: Final = 2
"""Maximum number of headings written above a passage, the deepest ones."""
_MIN_WORDS: Final = 3
GAP_TOKENS: Final = 3
"""Tokens of a gap mark, and of the markup around a heading."""
_FURTHER: Final = 20
"""Number of statements still tried after the first one that does not fit."""
_JOINED: Final = 200
"""Longest gap in characters across which two statements may be joined."""


class Topic(Record):
    """A topic to search for."""

    id: str
    """A key of the facts' vocabulary, a layer or a factor."""
    group: str
    """Topics of one group share its quota."""
    text: str
    """The search text, worded like documentation rather than like a question where possible."""


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
        """A line saying how much was left out; empty when nothing was."""
        if not self.left_out_tokens:
            return ""
        gone = f", {self.left_out_documents} documents entirely" if self.left_out_documents else ""
        return (
            f"Left out: about {self.left_out_tokens} tokens of the documentation{gone}; what is not shown here may "
            "still be stated there."
        )


def passages_for(
    documents: Sequence[Document],
    statements: Sequence[Statement],
    topics: Sequence[Topic],
    tokens: int = TOKENS,
    *,
    store: str = "chroma",
    count: Count = estimate,
    worth: Worth | None = None,
) -> Shown:
    """Select the passages of `documents` to show an LLM within `tokens`, counted by `count`.

    `statements` are those of the documents, with their roles. `store` is a name in `stores.STORES`, used only when the
    sources do not fit. `worth` rates each statement; by default, its closeness to a topic counts. The same input gives
    the same passages.
    """
    if not documents:
        return Shown((), 0, 0, 0)
    whole = [passage for document in documents for passage in _whole(document)]
    all_of_it = _cost(whole, count)
    if all_of_it <= tokens:
        return Shown(tuple(whole), all_of_it, 0, 0)
    listing = [passage for passage in whole if passage.document == documents[0].id]
    fits = _cost(listing, count) <= min(LISTING_SHARE * tokens, LISTING_MOST)
    shown = listing if fits else []
    room = tokens - _cost(shown, count)
    apart = documents[0].id if fits else ""
    with Library(documents, statements, store) as library:
        usable = [s.document != apart and _may_be_shown(s, worth is not None) for s in library.statements]
        if worth is not None and any(usable):
            order = _by_worth(library, worth, documents[0].id, LEAD_SHARE * tokens)
        elif topics and any(usable):
            order = _order(library, topics)
        else:
            order = iter(range(len(usable)))
        taken = (number for number in order if usable[number])
        shown += _within(documents, library.statements, taken, room, count)
    shown = sorted(shown, key=lambda passage: (_place(documents)[passage.document], passage.start))
    took = _cost(shown, count)
    gone = {document.id for document in documents} - {passage.document for passage in shown}
    return Shown(tuple(shown), took, max(1, all_of_it - took), len(gone))


def heading(passage: Passage, before: Passage | None) -> str:
    """Return the line above a passage: at most two deepest headings, without those shared with the previous passage.

    Empty when both have the same headings.
    """
    known = before.path if before is not None and before.document == passage.document else ()
    if passage.path == known:
        return ""
    common = 0
    while common < min(len(known), len(passage.path) - 1) and known[common] == passage.path[common]:
        common += 1
    return " > ".join(passage.path[max(common, len(passage.path) - _LEVELS) :])


def _place(documents: Sequence[Document]) -> dict[str, int]:
    return {document.id: number for number, document in enumerate(documents)}


def _may_be_shown(statement: Statement, any_role: bool) -> bool:
    """Return whether a statement may be shown. `any_role` is for a worth function, which weighs the roles itself."""
    return (any_role or statement.role in CARRYING) and word_count(statement.text) >= _MIN_WORDS


def _whole(document: Document) -> Iterator[Passage]:
    """Yield the passages of a document, without its flagged spans."""
    spans = flagged_spans(document)
    for chunk in cut((document,)):
        start = chunk.start
        for first, last in spans:
            if first < chunk.end and last > start:
                yield from _stretch(chunk, start, min(first, chunk.end))
                start = max(start, last)
        yield from _stretch(chunk, start, chunk.end)


def _stretch(chunk: Chunk, start: int, end: int) -> Iterator[Passage]:
    text = chunk.text[start - chunk.start : end - chunk.start]
    if start < end and text.strip():
        start += len(text) - len(text.lstrip())
        text = text.strip()
        yield Passage(chunk.document, start, start + len(text), chunk.path, text)


def _by_worth(library: Library, worth: Worth, listing: str, lead: float) -> Iterator[int]:
    """Yield the listing's first statements up to `lead` tokens, then the others by probability of need per token."""
    odds = worth(library)
    costs = np.array([estimate(statement.text) + GAP_TOKENS for statement in library.statements], dtype=np.float64)
    own = [n for n, s in enumerate(library.statements) if s.document == listing and s.role in CARRYING]
    first = [n for n, total in zip(own, np.cumsum(costs[own]), strict=True) if total <= lead]
    chosen = set(first)
    yield from first
    yield from (n for n in _ranked(-np.logaddexp(0, -odds) - np.log(costs)) if n not in chosen)


def _order(library: Library, topics: Sequence[Topic]) -> Iterator[int]:
    """Return statements in selection order: the groups take turns, each with its next best statement.

    A statement's score for a group is that of its best topic in the group. Shorter statements are preferred, because
    more of them fit.
    """
    texts = [topic.text for topic in topics]
    price = np.array([TOKEN_PRICE * estimate(statement.text) for statement in library.statements])
    scores = library.scores(texts, part=LEXICAL_PART) - price
    groups = dict.fromkeys(topic.group for topic in topics)
    best = [scores[[n for n, topic in enumerate(topics) if topic.group == group]].max(axis=0) for group in groups]
    return _in_turn([_ranked(row) for row in best])


def _ranked(row: NDArray[np.float64]) -> Iterator[int]:
    order = np.argsort(-np.round(row, 6), kind="stable")
    return (int(number) for number in order if np.isfinite(row[number]))


def _in_turn(queues: Sequence[Iterator[int]]) -> Iterator[int]:
    """Yield one number from each queue in turn, each number only once."""
    seen: set[int] = set()
    waiting = list(queues)
    while waiting:
        left = []
        for queue in waiting:
            number = next((number for number in queue if number not in seen), None)
            if number is not None:
                seen.add(number)
                yield number
                left.append(queue)
        waiting = left


def _within(
    documents: Sequence[Document], statements: Sequence[Statement], order: Iterable[int], room: int, count: Count
) -> list[Passage]:
    """Return as many statements in `order` as fit into `room`, joined with their neighbours; duplicates are dropped."""
    taken: list[Statement] = []
    said: set[tuple[str, ...]] = set()
    least = 0
    for number in order:
        statement = statements[number]
        bag = terms(statement.text)
        if bag not in said:
            said.add(bag)
            taken.append(statement)
            least += count(statement.text)
            if least > 2 * room:
                break
    # Find the longest prefix that fits by bisection, because joining changes the cost of a prefix.
    fits, too_many = 0, len(taken) + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if _cost(_joined(documents, taken[:middle], count), count) <= room:
            fits = middle
        else:
            too_many = middle
    kept = taken[:fits]
    for statement in taken[fits + 1 : fits + 1 + _FURTHER]:
        # Try further statements, because the first statement that did not fit may just have been long.
        if _cost(_joined(documents, [*kept, statement], count), count) <= room:
            kept.append(statement)
    return _joined(documents, kept, count)


def _cost(passages: Sequence[Passage], count: Count) -> int:
    """Return the tokens of the passages in this order, with marks and headings."""
    befores = (None, *passages)
    return sum(count(each.text) + _mark(each, before, count) for before, each in zip(befores, passages, strict=False))


def _mark(passage: Passage, before: Passage | None, count: Count) -> int:
    head = heading(passage, before)
    return GAP_TOKENS + (count(head) + GAP_TOKENS if head else 0)


def _joined(documents: Sequence[Document], taken: Iterable[Statement], count: Count) -> list[Passage]:
    """Turn statements into passages; a gap that costs no more tokens than its mark is shown, headings included."""
    texts = {document.id: document for document in documents}
    place = _place(documents)
    made: list[Passage] = []
    for one in sorted(taken, key=lambda statement: (place[statement.document], statement.start)):
        document = texts[one.document]
        last = made[-1] if made and made[-1].document == one.document else None
        if last is not None and one.start <= last.end + _JOINED:
            joined = last._replace(end=max(last.end, one.end), text=document.text[last.start : max(last.end, one.end)])
            gap = document.text[last.end : one.start]
            alone = Passage(one.document, one.start, one.end, one.path, "")
            if count(gap) <= _mark(alone, last, count) and not _covered(document, last.end, one.start):
                made[-1] = joined
                continue
        made.append(Passage(one.document, one.start, one.end, one.path, document.text[one.start : one.end]))
    return made


def _covered(document: Document, start: int, end: int) -> bool:
    """Return whether a finding covers any of text[start:end]."""
    return any(first < end and start < last for first, last in flagged_spans(document))
