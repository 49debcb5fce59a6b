"""The parts of the sources that an LLM is shown: whole documents if they fit, otherwise the most needed passages.

    <<<482913377
    [D1] listing
    Paperhawk reads invoices and …
    482913377>>>

The delimiter is random and new for each run, so that no page can close its frame. Sentences that contain hidden text or
orders to assessors are cut out. In strings that a chat format reads as the start of a turn, one character is replaced
by a look-alike, so that quotes keep their offsets.
"""

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from agent.errors import InputError
from agent.facts.needed import needed_passages
from agent.records import Document, Statement
from agent.records.base import FindingKind
from agent.retrieval import shown as search
from agent.retrieval.passages import estimate

MIN_DELIMITER: Final = 8
_DIGITS: Final = 9
_GAP: Final = "[…]"
"""Marks a gap between two pieces of a document where text was omitted."""
_MILD: Final[frozenset[FindingKind]] = frozenset((
    "needs-javascript", "near-empty", "content-changed", "cloaking-suspected", "remote-resource", "path",
    "vendor-claim",
))  # fmt: skip
"""Findings about the whole page, or about wording that may still state a risk; the text is shown regardless."""
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


Hits = Callable[[Sequence[Document], Sequence[Statement], int], search.Shown]
"""A search function for passages within a token limit, like `needed_passages`."""


class Shown(NamedTuple):
    """The sources, in the form in which a prompt includes them."""

    text: str
    documents: tuple[str, ...]
    """Ids of the documents shown at least in part."""
    statements: int
    """The number of statements shown."""
    left_out: str
    """One line on what is omitted; empty if everything is shown."""


def new_delimiter() -> str:
    """Return a random delimiter for one run, made of digits, which tokenizers split into groups of three."""
    return f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"


def neutral(text: str) -> str:
    """Replace one character of each turn mark by a look-alike, keeping the length of `text`."""
    # Some words are turn marks only at the start of a line, so add a line break before the text and remove it again.
    return _TURN_MARKS.sub(lambda match: _STAND_INS[match[0][0]] + match[0][1:], f"\n{text}")[1:]


def framed(delimiter: str, label: str, text: str) -> str:
    """Enclose untrusted text in the delimiter lines that mark it as such."""
    return f"<<<{delimiter}\n{neutral(label)}\n{neutral(text)}\n{delimiter}>>>\n"


def show(
    documents: Sequence[Document],
    statements: Sequence[Statement],
    delimiter: str,
    *,
    max_tokens: int,
    hits: Hits = needed_passages,
) -> Shown:
    """Return the sources within `max_tokens`: whole if they fit, else the passages that are most needed.

    Raises InputError for a delimiter that is too short or occurs in the sources.
    """
    if len(delimiter) < MIN_DELIMITER or not delimiter.isalnum():
        raise InputError("the delimiter needs eight or more letters and digits", where="sources of an LLM")
    if any(delimiter in document.text for document in documents):
        raise InputError("the delimiter occurs in the sources", where="sources of an LLM", hint="generate another one")
    labels = {document.id: f"[{document.id}] {document.kind}" for document in documents}

    def text_of(parts: dict[str, list[str]]) -> str:
        return "".join(framed(delimiter, labels[name], f"\n{_GAP}\n".join(pieces)) for name, pieces in parts.items())

    pieces = {document.id: list(_pieces(document, statements)) for document in documents}
    whole = {name: texts for name, texts in pieces.items() if texts}
    text = text_of(whole)
    if estimate(text) <= max_tokens:
        return Shown(text, tuple(whole), sum(not row.flagged for row in statements), "")
    room = max_tokens - sum(estimate(framed(delimiter, label, "")) for label in labels.values())
    # Keep the limit below the size of the whole text; otherwise the search would return all of it, as if it fitted.
    found = hits(documents, statements, min(room, estimate(text) - 1))
    parts: dict[str, list[str]] = {}
    for before, passage in zip((None, *found.passages), found.passages, strict=False):
        above = search.heading(passage, before)
        parts.setdefault(passage.document, []).append(f"({above})\n{passage.text}" if above else passage.text)
    parts = {document.id: parts[document.id] for document in documents if document.id in parts}
    spans = [(passage.document, passage.start, passage.end) for passage in found.passages]
    read = sum(
        any(row.document == name and start <= row.start < end for name, start, end in spans) for row in statements
    )
    note = f"{found.note} {_GAP} marks a gap; a line in brackets is the heading of what follows."
    return Shown(text_of(parts), tuple(parts), read, note)


def _pieces(document: Document, statements: Sequence[Statement]) -> Iterator[str]:
    """Yield the pieces of a document's text that may be shown."""
    at, end_of_text = 0, len(document.text)
    for start, end in (*sorted(_cuts(document, statements)), (end_of_text, end_of_text)):
        if start > at and document.text[at:start].strip():
            yield document.text[at:start].strip("\n")
        at = max(at, end)


def may_not_be_shown(start: int, end: int, document: Document, statements: Sequence[Statement]) -> bool:
    """Return whether a span of a document touches text that must not be shown to an LLM."""
    return any(first < end and start < last for first, last in _cuts(document, statements))


def _cuts(document: Document, statements: Sequence[Statement]) -> Iterator[tuple[int, int]]:
    for row in statements:
        if row.flagged and row.document == document.id:
            yield row.start, row.end
    for finding in document.findings:
        if finding.kind == "remote-resource" and finding.start < finding.end:
            # Cut only the address: the words around it are the vendor's.
            yield finding.start, finding.end
        elif finding.kind not in _MILD and finding.start < finding.end:
            # Cut the whole line, because the text next to an order is part of it.
            start = document.text.rfind("\n", 0, finding.start) + 1
            end = document.text.find("\n", finding.end)
            yield start, len(document.text) if end < 0 else end
