"""What of the sources an LLM is shown: whole documents while they fit, else what search finds for each topic.

    <<<482913377
    [D1] listing
    Paperhawk reads invoices and …
    482913377>>>

The delimiter is random and new for each run, so that no page can close its frame. Sentences with an order to assessors
or other hidden text are cut out. Marks that some chat format reads as the begin of a turn are shown with a character in
their place that looks like it, so that a quote keeps its offsets.
"""

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from agent.errors import InputError
from agent.facts.vocabulary import load_vocabulary
from agent.records import Document, Evidence, Statement
from agent.records.base import FindingKind
from agent.retrieval.search import Lexical, terms

MIN_DELIMITER: Final = 8
_DIGITS: Final = 9
_HITS: Final = 12
"""Hits of a topic that are looked at."""
_LEAD: Final = 4
"""Statements at the begin of the listing that are always shown: they say what the product is."""
_GAP: Final = "[…]"
"""Stands where something between two pieces of a document is not shown."""
_LONGEST_GAP: Final = 200
_PIECE_TOKENS: Final = 4
"""For the line ends and marks of a piece."""
_CONTEXT_CHARS: Final = 420
"""Characters of a passage that are shown round a quote in the second wave."""
_MILD: Final[frozenset[FindingKind]] = frozenset(
    {
        "needs-javascript",
        "near-empty",
        "content-changed",
        "cloaking-suspected",
        "remote-resource",
        "path",
        "vendor-claim",
    }
)
"""Findings about the page as a whole, or about the form of words that may still state a risk: these are shown."""
_TURN_MARKS: Final = re.compile(
    "|".join((
        r"<(?=\|[\w ]{1,40}\|>)",
        r"<(?=/?(?:s|bos|eos|unk|pad|think|start_of_turn|end_of_turn|begin_of_\w+|tool_call\w*|system|user|assistant)>)",
        r"<(?=</?[\w ]{1,30}>)",
        r"\[(?=/?(?:INST|SYS\w*|AVAILABLE_TOOLS|TOOL_\w+)\])",
        r"(?<=\n)#(?=#{1,5} ?(?:instruction|system|user|assistant|human|response)s?\b)",
        r"(?<=\nsystem):|(?<=\nhuman):|(?<=\nuser):|(?<=\nassistant):",
    )),
    re.IGNORECASE,
)  # fmt: skip
_STAND_INS: Final = {"<": "‹", "[": "⁅", "#": "＃", ":": "꞉"}


class Span(NamedTuple):
    """A stretch of a document."""

    document: str
    start: int
    end: int


class Topic(NamedTuple):
    """Something that passages are looked for."""

    id: str
    """A key of the vocabulary of facts."""
    text: str
    """In words in which a product's text would say it."""


Hits = Callable[[Topic], Sequence[Span]]
"""Search: where the sources speak of a topic, best first."""


class Shown(NamedTuple):
    """The sources as a prompt holds them."""

    text: str
    documents: tuple[str, ...]
    """Ids of the documents of which something is shown."""
    statements: int
    """How many statements are shown."""
    left_out: str
    """One line on what is not shown; empty when all is."""


def new_delimiter() -> str:
    """A random delimiter for one run: digits, which tables of tokens cut into threes."""
    return f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"


def neutral(text: str) -> str:
    """`text` with the begin of each turn mark replaced by a character that looks like it; as long as before."""
    # A line's first word is only a turn mark at the begin of a line, so that the text gets one to begin with.
    return _TURN_MARKS.sub(lambda match: _STAND_INS[match[0][0]] + match[0][1:], f"\n{text}")[1:]


def framed(delimiter: str, label: str, text: str) -> str:
    """Untrusted text between the lines that say so."""
    return f"<<<{delimiter}\n{neutral(label)}\n{neutral(text)}\n{delimiter}>>>\n"


def check_delimiter(delimiter: str, documents: Sequence[Document]) -> None:
    """Raises InputError for a delimiter that is too short or stands in the sources."""
    if len(delimiter) < MIN_DELIMITER or not delimiter.isalnum():
        raise InputError("a delimiter is of eight or more letters and digits", where="sources of an LLM")
    if any(delimiter in document.text for document in documents):
        raise InputError("the delimiter stands in the sources", where="sources of an LLM", hint="make another one")


def show(
    documents: Sequence[Document],
    statements: Sequence[Statement],
    delimiter: str,
    count: Callable[[str], int],
    *,
    max_tokens: int,
    hits: Hits | None = None,
) -> Shown:
    """The sources within `max_tokens`, which `count` counts. `hits` is search; by default BM25 over the statements.

    Raises InputError for a delimiter of no use.
    """
    check_delimiter(delimiter, documents)
    usable = [row for row in statements if not row.flagged]
    whole = [(document, list(_pieces(document, statements))) for document in documents]
    text = _text(whole, delimiter)
    if count(text) <= max_tokens:
        return Shown(text, tuple(document.id for document, pieces in whole if pieces), len(usable), "")
    chosen = _chosen(documents, statements, count, max_tokens, hits or by_words(usable))
    parts = [(document, list(_joined(document, statements, chosen))) for document in documents]
    parts = [(document, pieces) for document, pieces in parts if pieces]
    total = sum(len(row.text) for row in usable) or 1
    share = 100 - round(100 * sum(len(statements[at].text) for at in chosen) / total)
    line = (
        f"Shown is what search found for the questions; about {share} % of the text of {len(documents)} documents is"
        f" left out ({_GAP} marks a gap). What you do not see may still be said there."
    )
    return Shown(_text(parts, delimiter), tuple(document.id for document, _ in parts), len(chosen), line)


def topics() -> tuple[Topic, ...]:
    """What passages are looked for: each key of the vocabulary, the gravest first."""
    keys = sorted(load_vocabulary(), key=lambda key: not key.grave)
    return tuple(Topic(key.id, " ".join((key.title, key.definition, *key.examples))) for key in keys)


def by_words(statements: Sequence[Statement]) -> Hits:
    """Search by BM25 over statements with their headings."""
    index = Lexical([terms(" ".join((*row.path[-1:], row.text))) for row in statements])

    def hits(topic: Topic) -> Sequence[Span]:
        scores = index.scores(topic.text)
        order = np.argsort(-scores, kind="stable")[:_HITS]
        return [Span(statements[n].document, statements[n].start, statements[n].end) for n in order if scores[n] > 0]

    return hits


def around(
    evidence: Iterable[Evidence],
    documents: Sequence[Document],
    statements: Sequence[Statement],
    delimiter: str,
    count: Callable[[str], int],
    *,
    max_tokens: int,
) -> str:
    """Accepted quotes, each in the sentence that it is from and with its neighbours while there is room."""
    marks: dict[int, list[str]] = {}
    odd: list[Evidence] = []
    for item in evidence:
        at = next(
            (
                n
                for n, row in enumerate(statements)
                if row.document == item.document and row.start <= item.start < row.end and not row.flagged
            ),
            None,
        )
        if at is None:
            odd.append(item)
        else:
            marks.setdefault(at, []).append(item.id)
    quotes = {item.id: item for item in evidence}
    rows = {at: _marked(statements[at], [quotes[mark] for mark in named]) for at, named in marks.items()}
    room = max_tokens - sum(map(count, rows.values()))
    for at in sorted(marks):
        for near in (at + 1, at - 1):
            if near in rows or not 0 <= near < len(statements):
                continue
            row = statements[near]
            cost = count(row.text)
            if row.flagged or row.document != statements[at].document or row.path != statements[at].path or cost > room:
                continue
            rows[near] = f"  {row.text[:_CONTEXT_CHARS]}"
            room -= cost
    found = []
    for document in documents:
        own = [rows[at] for at in sorted(rows) if statements[at].document == document.id]
        own += [f"[{item.id}] {item.quote}" for item in odd if item.document == document.id]
        if own:
            found.append(framed(delimiter, f"[{document.id}] {document.kind}", "\n".join(own)))
    return "".join(found)


def _marked(row: Statement, quotes: Sequence[Evidence]) -> str:
    """A sentence with the ids of the quotes that stand in it; of a long one what stands round them."""
    text = row.text
    if len(text) > _CONTEXT_CHARS:
        first = min(item.start for item in quotes) - row.start
        last = max(item.end for item in quotes) - row.start
        spare = max(0, _CONTEXT_CHARS - (last - first)) // 2
        text = text[max(0, first - spare) : last + spare]
    return f"[{', '.join(item.id for item in quotes)}] {' '.join(text.split())}"


def _text(parts: Iterable[tuple[Document, Sequence[str]]], delimiter: str) -> str:
    return "".join(
        framed(delimiter, f"[{document.id}] {document.kind}", f"\n{_GAP}\n".join(pieces))
        for document, pieces in parts
        if pieces
    )


def _pieces(document: Document, statements: Sequence[Statement]) -> Iterator[str]:
    """The text of a document without what may not be shown."""
    cuts = sorted(_cuts(document, statements))
    at = 0
    for start, end in cuts:
        if start > at and document.text[at:start].strip():
            yield document.text[at:start].strip("\n")
        at = max(at, end)
    if document.text[at:].strip():
        yield document.text[at:].strip("\n")


def _cuts(document: Document, statements: Sequence[Statement]) -> Iterator[tuple[int, int]]:
    for row in statements:
        if row.flagged and row.document == document.id:
            yield row.start, row.end
    for finding in document.findings:
        if finding.kind not in _MILD and finding.start < finding.end:
            # All of its line: what stands beside an order belongs to it.
            start = document.text.rfind("\n", 0, finding.start) + 1
            end = document.text.find("\n", finding.end)
            yield start, len(document.text) if end < 0 else end


def _chosen(
    documents: Sequence[Document],
    statements: Sequence[Statement],
    count: Callable[[str], int],
    max_tokens: int,
    hits: Hits,
) -> list[int]:
    """Indices of the statements that are shown, in their order: the first hit of each topic, then the second, …"""
    first = documents[0].id if documents else ""
    order = [n for n, row in enumerate(statements) if row.document == first][:_LEAD]
    found = [list(hits(topic))[:_HITS] for topic in topics()]
    rows: dict[str, list[int]] = {}
    for n, statement in enumerate(statements):
        rows.setdefault(statement.document, []).append(n)
    for place in range(max(map(len, found), default=0)):
        for row in found:
            if place < len(row):
                order += _at(statements, rows.get(row[place].document, ()), row[place])
    order += [n for n, row in enumerate(statements) if row.document == first]
    taken: set[int] = set()
    room = max_tokens - sum(count(framed("0" * _DIGITS, f"[{document.id}] listing", "")) for document in documents)
    for at in dict.fromkeys(order):
        cost = count(statements[at].text) + _PIECE_TOKENS
        if cost <= room and not statements[at].flagged:
            taken.add(at)
            room -= cost
    return sorted(taken)


def _at(statements: Sequence[Statement], own: Sequence[int], span: Span) -> list[int]:
    """The statements that a hit touches, and the one behind it, which often says what the first is about.

    `own` are the indices of those of its document.
    """
    touched = [n for n in own if statements[n].start < span.end and span.start < statements[n].end]
    if touched and touched[-1] < own[-1] and statements[touched[-1] + 1].path == statements[touched[-1]].path:
        touched.append(touched[-1] + 1)
    return touched


def _joined(document: Document, statements: Sequence[Statement], chosen: Sequence[int]) -> Iterator[str]:
    """The chosen statements of a document, neighbours in one piece with what stands between them."""
    own = [n for n in chosen if statements[n].document == document.id]
    if not own:
        return
    cuts = list(_cuts(document, statements))
    start = own[0]
    for one, other in (*pairwise(own), (own[-1], -1)):
        gap = (statements[one].end, statements[other].start) if other > 0 else (0, 0)
        apart = (
            other != one + 1
            or gap[1] - gap[0] > _LONGEST_GAP
            or any(begin < gap[1] and gap[0] < end for begin, end in cuts)
        )
        if apart:
            yield document.text[statements[start].start : statements[one].end]
            start = other
