"""What an LLM is shown of sources that do not fit: the listing, then what the documentation says on each topic.

Sources that fit are shown whole. Beyond that the listing comes first, whole when it takes no more than a quarter of
the room; the rest goes to statements of the documentation, one group of topics after the other in turn, so that none
crowds out the others. Neighbours are joined, so that what is shown reads as text and is verbatim. What carries no
facts (how to install, examples, news), what is said twice and what a finding covers is left out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.evidence.statements import flagged_spans
from agent.records import CARRYING, Chunk, Document, Record, Statement
from agent.retrieval.library import Library
from agent.retrieval.passages import Count, cut, estimate
from agent.retrieval.search import terms, word_count

TOKENS: Final = 16_000
LISTING_SHARE: Final = 0.25
"""Of the room that the listing may take before it competes by passages too."""
LEXICAL_PART: Final = 0.4
"""What the best BM25 of a topic is worth in cosine."""
TOKEN_PRICE: Final = 0.001
"""What a token of a statement costs in cosine: it takes the room of others. Both were
chosen on the eight marked folders of `evals.needed`."""
_MIN_WORDS: Final = 3
MARK_TOKENS: Final = 12
"""What a passage's own line takes: document, offset and headings."""
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
    worth: Mapping[tuple[str, int], float] | None = None,
) -> Shown:
    """The passages of `documents` that an LLM is shown within `tokens`, counted by `count`.

    `statements` are those of the documents, with their roles; `store` as in `stores.STORES`, needed only when the
    sources do not fit. `worth` is by document and start of a statement what it is worth whatever the topic, in cosine.
    The same input gives the same passages.
    """
    if not documents:
        return Shown((), 0, 0, 0)
    whole = [passage for document in documents for passage in _whole(document)]
    costs = [count(passage.text) + MARK_TOKENS for passage in whole]
    if sum(costs) <= tokens:
        return Shown(tuple(whole), sum(costs), 0, 0)
    listing = [n for n, passage in enumerate(whole) if passage.document == documents[0].id]
    fits = sum(costs[n] for n in listing) <= LISTING_SHARE * tokens
    shown = [whole[n] for n in listing] if fits else []
    room = tokens - sum(costs[n] for n in listing) * fits
    rest = [s for s in statements if _may_be_shown(s) and not (fits and s.document == documents[0].id)]
    if rest and topics:
        with Library(documents, rest, store) as library:
            order = _order(library, topics, worth or {})
        shown += _within(documents, library.statements, order, room, count)
    elif rest:
        shown += _within(documents, rest, range(len(rest)), room, count)
    shown = sorted(shown, key=lambda passage: (_place(documents)[passage.document], passage.start))
    took = _cost(shown, count)
    gone = {document.id for document in documents} - {passage.document for passage in shown}
    return Shown(tuple(shown), took, max(1, sum(costs) - took), len(gone))


def _place(documents: Sequence[Document]) -> dict[str, int]:
    return {document.id: number for number, document in enumerate(documents)}


def _may_be_shown(statement: Statement) -> bool:
    return not statement.flagged and statement.role in CARRYING and word_count(statement.text) >= _MIN_WORDS


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


def _order(library: Library, topics: Sequence[Topic], worth: Mapping[tuple[str, int], float]) -> Iterator[int]:
    """Statements in the order in which they are taken: each group's next best in turn.

    A statement counts for a group by its best topic of it, shorter ones first among equals: more of them fit.
    """
    texts = [topic.text for topic in topics]
    own = [worth.get((s.document, s.start), 0.0) - TOKEN_PRICE * estimate(s.text) for s in library.statements]
    scores = library.scores(texts, part=LEXICAL_PART) + np.array(own)
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


def _cost(passages: Iterable[Passage], count: Count) -> int:
    return sum(count(passage.text) + MARK_TOKENS for passage in passages)


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
            if count(gap) <= MARK_TOKENS and not _covered(document, last.end, one.start):
                made[-1] = joined
                continue
        made.append(Passage(one.document, one.start, one.end, one.path, document.text[one.start : one.end]))
    return made


def _covered(document: Document, start: int, end: int) -> bool:
    """Whether a finding covers any of text[start:end]."""
    return any(first < end and start < last for first, last in flagged_spans(document))
