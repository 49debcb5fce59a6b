"""What an LLM is shown of sources that do not fit: the listing, then the statements that are worth most.

Sources that fit are shown whole. Beyond that the listing comes first, whole when it is short, else by its first
statements; the rest goes to statements of all pages. Which come first is decided by what each is worth
(`agent.facts.needed`) for the room that it takes; without that, one group of topics after the other has its turn, and
what carries no facts (how to install, examples, news) is left out. Neighbours are joined, so that what is shown reads
as text and is verbatim. What is said twice and what a finding covers is left out.
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
"""Of the room, and tokens, that the listing may take before it competes by statements too."""
LEAD_SHARE: Final = 0.03
"""Of the room for the first statements of a listing that competes: what the product is."""
LEXICAL_PART: Final = 0.4
"""What the best BM25 of a topic is worth in cosine."""
TOKEN_PRICE: Final = 0.001
"""What a token of a statement costs in cosine: it takes the room of others. Both were
chosen on the eight marked folders of `evals.training.needed_marks`."""
_LEVELS: Final = 2
"""Headings that are written above a passage, the deepest ones."""
_MIN_WORDS: Final = 3
GAP_TOKENS: Final = 3
"""What the mark of a gap takes, and what stands round a heading."""
_FURTHER: Final = 20
"""Statements that are tried after the first that did not fit."""
_JOINED: Final = 200
"""Characters of the longest gap between two statements that is looked at."""


class Topic(Record):
    """One thing to look for."""

    id: str
    """A key of the facts' vocabulary, a layer or a factor."""
    group: str
    """Topics of one group share its quota."""
    text: str
    """In the words of a documentation, not of a question, where there are such words."""


class Passage(NamedTuple):
    """One stretch of one document as it is shown: text is the document's text[start:end]."""

    document: str
    start: int
    end: int
    path: tuple[str, ...]
    text: str


Worth = Callable[[Library], NDArray[np.float64]]
"""The log odds that each statement of a library is needed, shape (n,)."""


@dataclass(frozen=True)
class Shown:
    """What is shown, in the order of the sources, and how much is not."""

    passages: tuple[Passage, ...]
    tokens: int
    """Of the passages with their marks."""
    left_out_tokens: int
    """Of the sources that are not shown, flagged text not counted."""
    left_out_documents: int
    """Documents of which nothing is shown."""

    @property
    def note(self) -> str:
        """A line that says how much was left out; empty when nothing was."""
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
    """The passages of `documents` that an LLM is shown within `tokens`, counted by `count`.

    `statements` are those of the documents, with their roles; `store` as in `stores.STORES`, needed only when the
    sources do not fit. `worth` says what each statement is worth; by default that is how near it is to a topic.
    The same input gives the same passages.
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
    """What is written above a passage: its last headings, at most two, without those above the passage before.

    Empty where they are the same ones.
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
    """What something is worth knows of roles already, and by their chances."""
    return (any_role or statement.role in CARRYING) and word_count(statement.text) >= _MIN_WORDS


def _whole(document: Document) -> Iterator[Passage]:
    """A document without its flagged spans, in passages."""
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
    """The first statements of the listing that take no more than `lead` tokens, then by the chance for each token."""
    odds = worth(library)
    costs = np.array([estimate(statement.text) + GAP_TOKENS for statement in library.statements], dtype=np.float64)
    own = [n for n, s in enumerate(library.statements) if s.document == listing and s.role in CARRYING]
    first = [n for n, total in zip(own, np.cumsum(costs[own]), strict=True) if total <= lead]
    chosen = set(first)
    yield from first
    yield from (n for n in _ranked(-np.logaddexp(0, -odds) - np.log(costs)) if n not in chosen)


def _order(library: Library, topics: Sequence[Topic]) -> Iterator[int]:
    """Statements in the order in which they are taken: each group's next best in turn.

    A statement counts for a group by its best topic of it, shorter ones first among equals: more of them fit.
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
    """Takes one of each queue in turn, each number once."""
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
    """As many statements in `order` as there is room for, neighbours joined; what is said twice is taken once."""
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
    # Joining changes what a prefix takes, so the longest that fits is looked for by halving.
    fits, too_many = 0, len(taken) + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if _cost(_joined(documents, taken[:middle], count), count) <= room:
            fits = middle
        else:
            too_many = middle
    kept = taken[:fits]
    for statement in taken[fits + 1 : fits + 1 + _FURTHER]:
        # The first that did not fit may only have been long.
        if _cost(_joined(documents, [*kept, statement], count), count) <= room:
            kept.append(statement)
    return _joined(documents, kept, count)


def _cost(passages: Sequence[Passage], count: Count) -> int:
    """Tokens of passages in their order, with marks and headings."""
    befores = (None, *passages)
    return sum(count(each.text) + _mark(each, before, count) for before, each in zip(befores, passages, strict=False))


def _mark(passage: Passage, before: Passage | None, count: Count) -> int:
    head = heading(passage, before)
    return GAP_TOKENS + (count(head) + GAP_TOKENS if head else 0)


def _joined(documents: Sequence[Document], taken: Iterable[Statement], count: Count) -> list[Passage]:
    """Statements as passages; a gap that takes no more than a mark would is shown, headings in it too."""
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
    """Whether a finding covers any of text[start:end]."""
    return any(first < end and start < last for first, last in flagged_spans(document))
