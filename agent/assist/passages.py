"""The parts of the sources that an LLM is shown: whole documents if they fit, else the passages found for each topic.

    <<<482913377
    [D1] listing
    Paperhawk reads invoices and …
    482913377>>>

The delimiter is random and new for each run, so that no page can close its frame. Sentences with orders to assessors or
other hidden text are cut out. In marks that a chat format reads as the start of a turn, one character is replaced by a
look-alike, so that quotes keep their offsets.
"""

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from agent.errors import InputError
from agent.facts.needed import needed_passages
from agent.facts.vocabulary import load_vocabulary
from agent.records import CARRYING, Document, Evidence, Statement, StatementRole
from agent.records.base import FindingKind
from agent.retrieval.passages import estimate
from agent.retrieval.shown import Passage, Topic, heading

MIN_DELIMITER: Final = 8
_DIGITS: Final = 9
_GAP: Final = "[…]"
"""Marks a gap between two pieces of a document where text was omitted."""
_CONTEXT_CHARS: Final = 700
"""The most characters of a line shown in the second wave. Longer quoted lines are cut around their quotes."""
_HEADING_CHARS: Final = 120
"""The most characters of a heading shown above its lines; a longer heading is a sentence of the page."""
_HEADS_SHARE: Final = 8
"""Headings may take one part in this many of the second wave's room."""
_CODE_LINE: Final = re.compile(r"(?=[^\n]*\w{2})\S[^\n]{2,398}\S")
"""A line of code to show. Lines without two word characters in a row say nothing and are skipped."""
_TOLD: Final[frozenset[StatementRole]] = CARRYING | {"instruction"}
"""Roles of sentences shown in the second wave without an accepted quote; installation instructions are a risk too."""
_FURTHER: Final[frozenset[StatementRole]] = frozenset({"example", "news", "marketing"})
"""Roles shown if room remains: sample code does not state what the product does, but shows how it is used."""
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


class Found(Protocol):
    """The passages chosen by search."""

    @property
    def passages(self) -> Sequence[Passage]:
        """The chosen passages, in the order of the sources."""
        ...

    @property
    def note(self) -> str:
        """A note on how much was omitted."""
        ...


Hits = Callable[[Sequence[Document], Sequence[Statement], Sequence[Topic], int], Found]
"""A search function for passages on some topics within a token limit, like `needed_passages`."""


class Shown(NamedTuple):
    """The sources as included in a prompt."""

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


def check_delimiter(delimiter: str, documents: Sequence[Document]) -> None:
    """Raise InputError if the delimiter is too short or occurs in the sources."""
    if len(delimiter) < MIN_DELIMITER or not delimiter.isalnum():
        raise InputError("a delimiter is of eight or more letters and digits", where="sources of an LLM")
    if any(delimiter in document.text for document in documents):
        raise InputError("the delimiter stands in the sources", where="sources of an LLM", hint="make another one")


def show(
    documents: Sequence[Document],
    statements: Sequence[Statement],
    delimiter: str,
    *,
    max_tokens: int,
    hits: Hits = needed_passages,
) -> Shown:
    """Return the sources within `max_tokens`: whole if they fit, else the passages found for the vocabulary's keys.

    Raises InputError for an unusable delimiter.
    """
    check_delimiter(delimiter, documents)
    whole = [(document, [("", piece) for piece in _pieces(document, statements)]) for document in documents]
    text = _text(whole, delimiter)
    if estimate(text) <= max_tokens:
        usable = sum(not row.flagged for row in statements)
        return Shown(text, tuple(document.id for document, pieces in whole if pieces), usable, "")
    room = max_tokens - sum(estimate(framed(delimiter, _label(document), "")) for document in documents)
    # Keep the limit below the size of the whole text; otherwise search would take all of it, as if it fitted.
    found = hits(documents, statements, topics(), min(room, estimate(text) - 1))
    parts: dict[str, list[tuple[str, str]]] = {}
    for before, passage in zip((None, *found.passages), found.passages, strict=False):
        parts.setdefault(passage.document, []).append((heading(passage, before), passage.text))
    shown = [(document, parts[document.id]) for document in documents if document.id in parts]
    spans = [(passage.document, passage.start, passage.end) for passage in found.passages]
    read = sum(
        any(row.document == name and start <= row.start < end for name, start, end in spans) for row in statements
    )
    note = f"{found.note} {_GAP} marks a gap; a line in brackets is the heading of what follows."
    return Shown(_text(shown, delimiter), tuple(document.id for document, _ in shown), read, note)


def topics() -> tuple[Topic, ...]:
    """Return the search topics: one for each key of the fact vocabulary, the gravest first."""
    keys = sorted(load_vocabulary(), key=lambda key: not key.grave)
    return tuple(Topic(id=key.id, group=key.group, text=" ".join((key.definition, *key.examples))) for key in keys)


def around(
    evidence: Iterable[Evidence],
    documents: Sequence[Document],
    statements: Sequence[Statement],
    delimiter: str,
    *,
    max_tokens: int,
) -> str:
    """Show accepted quotes in their sentences with neighbouring sentences, then other lines as long as there is room.

    A threat may rest on text that no key of the vocabulary covers, above all sample code. A sentence is
    marked `S` with its statement number, a line of code `C` with its line number. Headings are shown above their lines,
    since lines of different sections may be about different parts.
    """
    quotes = list(evidence)
    lines = _Lines(documents, statements, max_tokens)
    odd = lines.take_quoted(quotes)
    for at in sorted(lines.taken):
        for near in (at + 1, at - 1):
            if 0 <= near < len(statements) and _are_neighbours(statements[near], statements[at]):
                lines.take(near)
    lines.take_all(_TOLD)
    lines.take_code()
    lines.take_all(_FURTHER)
    found = []
    for document in documents:
        own = lines.under_headings(document)
        own += [f"[{item.id}] {item.quote}" for item in odd if item.document == document.id]
        if own:
            found.append(framed(delimiter, _label(document), "\n".join(own)))
    return "".join(found)


def line_of(
    mark: str, documents: Sequence[Document], statements: Sequence[Statement]
) -> tuple[Document, int, int] | None:
    """Locate the line with a mark such as S12 or C3. Returns None if no line has that number."""
    number = mark[1:]
    at = int(number) - 1 if number.isdecimal() else -1
    if mark[:1] == "S" and 0 <= at < len(statements):
        row = statements[at]
        held = next((document for document in documents if document.id == row.document), None)
        return (held, row.start, row.end) if held else None
    code = list(code_lines(documents)) if mark[:1] == "C" else []
    return code[at] if 0 <= at < len(code) else None


def code_lines(documents: Sequence[Document]) -> Iterator[tuple[Document, int, int]]:
    """Yield document, start and end of each code line in order. Their numbers serve as marks."""
    for document in documents:
        for block in document.blocks:
            if block.kind == "code":
                for line in _CODE_LINE.finditer(document.text, block.start, block.end):
                    yield document, *line.span()


def _are_neighbours(one: Statement, other: Statement) -> bool:
    return one.document == other.document and one.path == other.path


class _Lines:
    """The source lines shown in the second wave, as far as there is room."""

    def __init__(self, documents: Sequence[Document], statements: Sequence[Statement], room: int) -> None:
        self._documents, self._statements = documents, statements
        self._cuts = {document.id: tuple(_cuts(document, statements)) for document in documents}
        self._heads = {document.id: self._headings(document) for document in documents}
        total = sum(estimate(text) for heads in self._heads.values() for _, text, _ in heads)
        self._room_of_heads = min(total, room // _HEADS_SHARE)
        self._room = room - self._room_of_heads
        self._code = tuple(code_lines(documents))
        self._in_code: dict[int, list[Evidence]] = {}
        """Quotes that begin in a code line, by line number."""
        self.taken: set[int] = set()
        """Numbers, from 0, of the statements shown."""
        self.shown: dict[str, list[tuple[int, str]]] = {document.id: [] for document in documents}
        """Pairs of place and text, by document id."""

    def take_quoted(self, quotes: Sequence[Evidence]) -> list[Evidence]:
        """Take the statements that contain quotes, regardless of room, and return the quotes outside any statement."""
        held: dict[int, list[Evidence]] = {}
        odd: list[Evidence] = []
        for item in quotes:
            at = next((n for n, row in enumerate(self._statements) if _holds(row, item)), None)
            if at is None:
                odd.append(item)
            else:
                held.setdefault(at, []).append(item)
        for at, items in held.items():
            row = self._statements[at]
            numbers = [self._code_line(item) for item in items] if row.block == "code" else [0]
            if all(numbers):
                for number, item in zip(numbers, items, strict=True):
                    self._in_code.setdefault(number, []).append(item)
            else:
                # The number of the sentence too: a quote may hold less of it than what is said later.
                mark = "" if row.block == "code" else f"[S{at + 1}] "
                text = f"{mark}{_marked(row, items)}"
                self._room -= estimate(text)
                self._add(at, text)
        return odd

    def take(self, at: int) -> None:
        """Take a statement unless it is already shown, may not be shown or exceeds the remaining room.

        Code is shown line by line (`take_code`).
        """
        row = self._statements[at]
        text = f"[S{at + 1}] {' '.join(row.text[:_CONTEXT_CHARS].split())}"
        cost = estimate(text)
        cut = row.flagged or row.block == "code" or self._cut(row.document, row.start, row.end)
        if at not in self.taken and not cut and cost <= self._room:
            self._room -= cost
            self._add(at, text)

    def take_all(self, roles: frozenset[StatementRole]) -> None:
        """Take the statements with these roles, in order."""
        for at, row in enumerate(self._statements):
            if row.role in roles:
                self.take(at)

    def take_code(self) -> None:
        """Take the code lines outside the shown statements. Lines with quotes are taken regardless of room."""
        held = [self._statements[at] for at in self.taken]
        for number, (document, start, end) in enumerate(self._code, start=1):
            quotes = self._in_code.get(number, ())
            if self._cut(document.id, start, end):
                continue
            if any(row.document == document.id and row.start < end and start < row.end for row in held):
                continue
            text = f"[C{number}] {_with_marks(document.text, start, end, quotes)}"
            if quotes or estimate(text) <= self._room:
                self._room -= estimate(text)
                self.shown[document.id].append((start, text))

    def under_headings(self, document: Document) -> list[str]:
        """Return the shown lines of a document in order, each run of lines below its headings."""
        own = self.shown[document.id]
        places = {start for start, _ in own}
        heads = [head for head in self._heads[document.id] if head[0] not in places]
        found: list[str] = []
        waiting: list[tuple[str, int]] = []
        for _, text, level in sorted((*heads, *((start, text, 0) for start, text in own))):
            if level:
                # Drop a heading without shown lines when the next heading of the same or a higher rank begins.
                waiting = [*(head for head in waiting if head[1] < level), (text, level)]
                continue
            for head, _ in waiting:
                cost = estimate(head)
                if cost <= self._room_of_heads:
                    self._room_of_heads -= cost
                    found.append(head)
            waiting = []
            found.append(text)
        return found

    def _headings(self, document: Document) -> list[tuple[int, str, int]]:
        """Return place, text and rank (from 1) of the document's headings that may be shown."""
        return [
            (
                block.start,
                f"{'#' * block.level} {' '.join(document.text[block.start : block.end].split())}",
                block.level,
            )
            for block in document.blocks
            if block.kind == "heading"
            and block.level
            and block.end - block.start <= _HEADING_CHARS
            and not self._cut(document.id, block.start, block.end)
        ]

    def _code_line(self, item: Evidence) -> int:
        """Return the number of the code line in which a quote begins, or 0."""
        lines = enumerate(self._code, start=1)
        return next((n for n, (held, start, end) in lines if held.id == item.document and start <= item.start < end), 0)

    def _add(self, at: int, text: str) -> None:
        row = self._statements[at]
        self.taken.add(at)
        if row.document in self.shown:
            self.shown[row.document].append((row.start, text))

    def _cut(self, document: str, start: int, end: int) -> bool:
        return _touches(self._cuts.get(document, ()), start, end)


def _holds(row: Statement, item: Evidence) -> bool:
    return row.document == item.document and row.start <= item.start < row.end and not row.flagged


def _marked(row: Statement, quotes: Sequence[Evidence]) -> str:
    """Return a sentence with quote ids inserted before the quotes, cut around the quotes if it is long."""
    start, end = 0, len(row.text)
    if end > _CONTEXT_CHARS:
        first = min(item.start for item in quotes) - row.start
        last = max(item.end for item in quotes) - row.start
        spare = max(0, _CONTEXT_CHARS - (last - first)) // 2
        start, end = max(0, first - spare), last + spare
    before = row.start
    moved = [item.model_copy(update={"start": item.start - before, "end": item.end - before}) for item in quotes]
    return _with_marks(row.text, start, end, moved)


def _with_marks(text: str, start: int, end: int, quotes: Sequence[Evidence]) -> str:
    """Insert quote ids into a piece of text before the quotes that begin in it, and collapse white space."""
    pieces: list[str] = []
    at = start
    for item in sorted(quotes, key=lambda item: (item.start, -item.end)):
        place = min(max(item.start, at), end)
        pieces += [text[at:place], f" [{item.id}] "]
        at = place
    return " ".join("".join((*pieces, text[at:end])).split())


def _text(parts: Iterable[tuple[Document, Sequence[tuple[str, str]]]], delimiter: str) -> str:
    """Frame the documents, each given as pairs of heading and text."""
    return "".join(
        framed(
            delimiter,
            _label(document),
            f"\n{_GAP}\n".join(f"({head})\n{piece}" if head else piece for head, piece in pieces),
        )
        for document, pieces in parts
        if pieces
    )


def _label(document: Document) -> str:
    return f"[{document.id}] {document.kind}"


def _pieces(document: Document, statements: Sequence[Statement]) -> Iterator[str]:
    """Yield the pieces of a document's text that may be shown."""
    cuts = sorted(_cuts(document, statements))
    at = 0
    for start, end in cuts:
        if start > at and document.text[at:start].strip():
            yield document.text[at:start].strip("\n")
        at = max(at, end)
    if document.text[at:].strip():
        yield document.text[at:].strip("\n")


def may_not_be_shown(start: int, end: int, document: Document, statements: Sequence[Statement]) -> bool:
    """Return whether a span of a document touches text that must not be shown to an LLM."""
    return _touches(_cuts(document, statements), start, end)


def _touches(spans: Iterable[tuple[int, int]], start: int, end: int) -> bool:
    return any(first < end and start < last for first, last in spans)


def _cuts(document: Document, statements: Sequence[Statement]) -> Iterator[tuple[int, int]]:
    for row in statements:
        if row.flagged and row.document == document.id:
            yield row.start, row.end
    for finding in document.findings:
        if finding.kind == "remote-resource" and finding.start < finding.end:
            # Cut the address alone: the words around it are the vendor's.
            yield finding.start, finding.end
        elif finding.kind not in _MILD and finding.start < finding.end:
            # Cut the whole line: text next to an order belongs to the order.
            start = document.text.rfind("\n", 0, finding.start) + 1
            end = document.text.find("\n", finding.end)
            yield start, len(document.text) if end < 0 else end
