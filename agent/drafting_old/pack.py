"""The evidence pack: those passages of the sources that an LLM is shown, and how its quotes are found again.

What goes in: the listing's first sentence, statements that search found for the factors and layers, then others while
there is room. What never goes in: a statement that a finding covers (hidden text, text addressed to whoever assesses
the product, words repeated to be found, addresses to be loaded), a bare claim or praise of the vendor, text about other
products, titles and headings. Neighbouring statements make one passage, verbatim.

    <<<delimiter
    [D1/120] listing
    Paperhawk reads invoices and …
    delimiter>>>

The delimiter is random and made anew for each run, so no page can close its passage. Marks that some chat format reads
as the begin of a turn are shown with another character of the same length in their place: a quote then still has the
offsets of the document.
"""

import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from agent.drafting_old.combine import FREEING_RANK
from agent.drafting_old.kind import lead
from agent.errors import InputError
from agent.evidence.anchor import Anchored
from agent.evidence.reading import Reading
from agent.records import About, Rank, SourceKind, Statement
from agent.taxonomy.keys import FACTORS, LAYERS

CHARS_SHARE: Final = 0.35
"""At most this share of the sources' characters is shown."""
WHOLE_CHARS: Final = 4000
"""Given as `free_chars`, short sources are shown whole. On bundled cases (about 3,000 characters each) the share alone
lets in two of five quotes that an expert reader chose; with this, 98 of 100, at about 1,000 tokens."""
MAX_TOKENS: Final = 12_000
DOCUMENT_SHARE: Final = 0.5
"""At most this share of the characters shown is of one document other than the listing."""
PASSAGE_CHARS: Final = 1200
MIN_DELIMITER: Final = 8
_DELIMITER_DIGITS: Final = 9
_REMEMBERED: Final = 256
"""Passages whose form for comparing is kept, of the drafts that are made at the time."""
_ODD_FINDINGS: Final = frozenset(("retrieval-dominance", "remote-resource", "path"))
"""Findings that withdraw no sentence from the estimators, since words are words to them. An LLM would repeat them."""
_MARK_CHARS: Final = 6
"""Room for the blanks and list mark between two joined statements."""
_LONG_ID: Final = "D9999/9999999"
_GAP: Final = re.compile(r"[\s*+•‣◦▪–·|>_`-]*(?:\d{1,3}[.)])?[\s*_`-]*")
"""What may lie between two statements of one passage: blanks and list marks, nothing that says anything."""
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


class Passage(NamedTuple):
    """One stretch of one document as it is shown."""

    document: str
    start: int
    end: int
    shown: str
    """As long as the document's text[start:end], and the same but for neutralised marks."""


class Place(NamedTuple):
    """Where a quote of an LLM stands, and what sort of sentence it is from."""

    document: str
    start: int
    end: int
    statement: int
    """Index of the statement in the reading that holds most of the quote; what the ledger cites."""
    rank: Rank
    """The lowest rank of the statements that the quote touches."""
    about: About


@dataclass(frozen=True)
class PackedEvidence:
    """The passages and the text that goes into the prompt."""

    text: str
    passages: Mapping[str, Passage]
    """By id, which is `document id/start`, in the order of the text."""
    tokens: int
    chars: int
    """Characters of the sources that are shown."""
    left_out: int
    """Statements that the budget had no room for."""


def new_delimiter() -> str:
    """A random delimiter for one run.

    Of digits, which tables of tokens cut into threes, so that it takes three tokens whatever it is; it stands twice
    round each passage, and letters would take up to twice as many. A page that holds it is refused by `pack`.
    """
    return f"{secrets.randbelow(10**_DELIMITER_DIGITS):0{_DELIMITER_DIGITS}}"


def pack(
    reading: Reading,
    delimiter: str,
    count: Callable[[str], int],
    *,
    max_tokens: int = MAX_TOKENS,
    free_chars: int = 0,
) -> PackedEvidence:
    """The pack of one reading: the same reading, delimiter and budget give the same text.

    `count` tells the tokens of a text; as many as `free_chars` characters may be shown whatever their share. Statements
    are taken in the order of their place among the hits of all factors and layers, so that each factor and layer gets
    its best ones first. Raises InputError for a delimiter of fewer than eight letters and digits, or one that stands
    in the sources.
    """
    _check(delimiter, reading)
    frame = count(_framed(delimiter, _LONG_ID, "analyst-note", ""))
    budget = _Budget(reading, count, max_tokens, free_chars, frame)
    taken: list[int] = []
    left_out = 0
    for index in _wanted(reading):
        if budget.takes(reading.statements[index]):
            taken.append(index)
        else:
            left_out += 1
    passages = {f"{p.document}/{p.start}": p for p in _joined(reading, sorted(taken))}
    kinds = {document.id: document.kind for document in reading.documents}
    text = "".join(_framed(delimiter, key, kinds[p.document], p.shown) for key, p in passages.items())
    shown = sum(p.end - p.start for p in passages.values())
    return PackedEvidence(text, MappingProxyType(passages), count(text), shown, left_out)


def find(quote: str, passage: str, packed: PackedEvidence, reading: Reading) -> Place | None:
    """Where a quote stands that an LLM gives with the id of a passage; None when it stands nowhere that was shown.

    Looked for in that passage, then in the other passages of its document, the nearest first; an id that is not of
    this pack finds nothing.
    """
    named = packed.passages.get(passage)
    if named is None:
        return None
    near = [p for p in packed.passages.values() if p.document == named.document]
    for candidate in sorted(near, key=lambda p: (abs(p.start - named.start), p.start)):
        span = _anchored(candidate.shown).locate(quote)
        if span is not None:
            return _place(reading, candidate.document, candidate.start + span.start, candidate.start + span.end)
    return None


def neutral(text: str) -> str:
    """`text` with the begin of each turn mark replaced by a character that looks like it; as long as before."""
    # A line's first word is only a turn mark at the begin of a line, so that the text gets one to begin with.
    return _TURN_MARKS.sub(lambda match: _STAND_INS[match[0][0]] + match[0][1:], f"\n{text}")[1:]


@lru_cache(maxsize=_REMEMBERED)
def _anchored(shown: str) -> Anchored:
    """A passage in which quotes are looked up. An answer of an LLM may hold thousands of them."""
    return Anchored(shown)


def _framed(delimiter: str, key: str, kind: SourceKind, shown: str) -> str:
    return f"<<<{delimiter}\n[{key}] {kind}\n{shown}\n{delimiter}>>>\n"


def _check(delimiter: str, reading: Reading) -> None:
    if len(delimiter) < MIN_DELIMITER or not delimiter.isalnum():
        raise InputError(
            "a delimiter is of eight or more letters and digits", where="evidence pack", hint="make a random one"
        )
    if any(delimiter in document.text for document in reading.documents):
        raise InputError("the delimiter stands in the sources", where="evidence pack", hint="make another one")


def _wanted(reading: Reading) -> Iterator[int]:
    """Statements in the order in which they are taken: what the product is, first hits, second hits, …, the rest.

    Of the opening only the first sentence comes before the hits: as a whole it is a tenth of a usual listing, and takes
    the room of one in twenty of an expert reader's quotes.
    """
    order = list(lead(reading)[:1])
    found = [reading.found(key) for key in (*FACTORS, *LAYERS)]
    for place in range(max(map(len, found), default=0)):
        order += [hits[place] for hits in found if place < len(hits)]
    order += range(len(reading.statements))
    odd = {d.id: [f for f in d.findings if f.kind in _ODD_FINDINGS] for d in reading.documents}
    for index in dict.fromkeys(order):
        statement = reading.statements[index]
        if _tells(statement) and not any(
            f.start < statement.end and statement.start < f.end for f in odd[statement.document]
        ):
            yield index


def _tells(statement: Statement) -> bool:
    """Whether a statement may be shown for what it says."""
    praise = statement.sort == "assessment" and statement.rank < FREEING_RANK
    return not statement.flagged and not statement.claim and not praise and statement.about != "other"


class _Budget:
    """What may still be shown."""

    def __init__(
        self, reading: Reading, count: Callable[[str], int], max_tokens: int, free_chars: int, frame: int
    ) -> None:
        self._count = count
        self._frame = frame
        total = sum(len(document.text) for document in reading.documents)
        self._chars = max(CHARS_SHARE * total, float(free_chars))
        self._listing = reading.documents[0].id if reading.documents else ""
        self._cap = DOCUMENT_SHARE * self._chars
        self._tokens = max_tokens
        self._used: Counter[str] = Counter()

    def takes(self, statement: Statement) -> bool:
        size = statement.end - statement.start + _MARK_CHARS
        # The frame of a passage (delimiters, id, kind) is counted for each statement: never too little.
        tokens = self._count(statement.text) + self._frame
        own = self._used[statement.document] + size
        fits = self._used.total() + size <= self._chars and tokens <= self._tokens
        if not fits or (statement.document != self._listing and own > self._cap):
            return False
        self._used[statement.document] = own
        self._tokens -= tokens
        return True


def _joined(reading: Reading, taken: Sequence[int]) -> Iterator[Passage]:
    """Statements in reading order, neighbours joined."""
    start = end = -1
    document = ""
    for index in taken:
        statement = reading.statements[index]
        if (
            statement.document == document
            and statement.end - start <= PASSAGE_CHARS
            and _GAP.fullmatch(reading.document(document).text, end, statement.start)
        ):
            end = statement.end
            continue
        if document:
            yield _passage(reading, document, start, end)
        document, start, end = statement.document, statement.start, statement.end
    if document:
        yield _passage(reading, document, start, end)


def _passage(reading: Reading, document: str, start: int, end: int) -> Passage:
    return Passage(document, start, end, neutral(reading.document(document).text[start:end]))


def _place(reading: Reading, document: str, start: int, end: int) -> Place | None:
    """The statement of a found quote; None when the quote touches none or one with a finding."""
    touched = [
        (min(s.end, end) - max(s.start, start), -index, index)
        for index, s in enumerate(reading.statements)
        if s.document == document and s.start < end and start < s.end
    ]
    if not touched:
        return None
    parts = [reading.statements[index] for _, _, index in touched]
    if any(part.flagged for part in parts):
        return None
    about: About = next((part.about for part in parts if part.about != "product"), "product")
    return Place(document, start, end, max(touched)[2], min(part.rank for part in parts), about)
