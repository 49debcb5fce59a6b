"""Features of the role classifier: a statement's words, shape, place and neighbours.

Everything is computed from Statements and Documents, so that labelled pages in training and new pages later are treated
identically. No role has a list of headings or words here: features are n-grams tagged with where they occur, and
training determines which of them matter.
"""

import re
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.records import Document, Statement

BUCKETS: Final = 2**15
"""The number of buckets into which features are hashed."""
_WORD: Final = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
    r"|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+(?:['’][^\W\d_]{1,2}(?!\w))?"
)
"""A word, or a run of characters of a script that is written without spaces."""
_UNSPACED: Final = "\u3040"
_MAX_WORDS: Final = 60
_MAX_HEADING_WORDS: Final = 12
_LEAD_WORDS: Final = 14
_MAX_TEXT: Final = 1200
SHAPES: Final = {
    "flag": ("a flag", re.compile(r"(?<!\S)--?[a-z][\w-]*")),
    "variable": ("the name of a variable", re.compile(r"\b[A-Z][A-Z0-9]*+_[A-Z0-9_]+\b")),
    "snake": ("a name written as in code", re.compile(r"\b[a-z]++_[a-z_]+\b")),
    "camel": ("a name written as in code", re.compile(r"\b[a-z]++[A-Z]\w")),
    "path": ("a path", re.compile(r"(?<![\w.-])[\w.-]*+/[\w.-]+")),
    "url": ("an address", re.compile(r"https?://")),
    "file": ("the name of a file", re.compile(r"\.(?:md|json|ya?ml|toml|py|ts|js|env|txt|sh|go|rs)\b")),
    "call": ("a call", re.compile(r"\w\(")),
    "version": ("a version", re.compile(r"\bv?\d++\.\d")),
    "number": ("a number", re.compile(r"\d")),
    "money": ("a price", re.compile(r"[$€£]\s?\d")),
    "percent": ("a percentage", re.compile(r"\d ?%")),
    "quote": ("quotation marks", re.compile(r"[\"“”«»「」]")),
    "question": ("a question mark", re.compile(r"[?？]")),
    "exclamation": ("an exclamation mark", re.compile(r"[!！]")),
    "ends in a colon": ("a colon at its end", re.compile(r"[:：]\s*\Z")),
    "ends in a stop": ("", re.compile(r"[.。]\s*\Z")),
    "label": ("a label", re.compile(r"\A[^:：\n]{2,40}[:：]\s")),
    "dash": ("", re.compile(r"\s[—–-]\s")),
    "arrow": ("", re.compile(r"→|->|=>")),
    "emoji": ("an emoji", re.compile(r"[\U0001f300-\U0001faff☀-➿]")),
    "bracket": ("", re.compile(r"\(")),
    "slash command": ("a slash command", re.compile(r"(?<!\S)/[a-z]")),
    "at": ("", re.compile(r"@\w")),
    "year": ("a year", re.compile(r"\b20\d\d\b")),
    "assignment": ("an assignment", re.compile(r"\w=\S")),
    "brace": ("braces", re.compile(r"[{}\[\]]")),
    "tick": ("", re.compile(r"[✅✓✔❌✗☑]")),
    "warning": ("a warning sign", re.compile(r"⚠|❗")),
    "star": ("a star", re.compile(r"⭐|★")),
    "copyright": ("a copyright sign", re.compile(r"©")),
    "bar": ("", re.compile(r"\|")),
    "dollar": ("", re.compile(r"\$\w|^\$ ")),
    "code": ("words set as code", re.compile(r"`")),
    "begins with code": ("words set as code", re.compile(r"\A\W{0,3}`")),
    "comment": ("a comment", re.compile(r"(?m:^\s*+(?://|#))")),
}
"""The shapes of text by name: how a reason describes each (empty if it does not), and its pattern."""
_MAX_COUNT: Final = 4


@dataclass(frozen=True)
class Place:
    """A statement and its surroundings in its document."""

    statement: Statement
    words: tuple[str, ...]
    level: int
    """For a list item the depth of its list, otherwise 0."""
    linked: float
    """The share of the statement's characters that are in links."""
    lead: int
    """Index of the statement that precedes this statement's list, table or code under the same heading; -1 for none."""


@dataclass(frozen=True)
class Paper:
    """The statements of one document in order, and the document's title words and kind."""

    places: tuple[Place, ...]
    name: frozenset[str]
    """Words of the document's title."""
    kind: str
    """`skill` if its front matter describes an agent or skill, `front` with other front matter, `page` otherwise."""


def paper(document: Document, statements: Sequence[Statement]) -> Paper:
    """Return the document's statements with their surroundings; `statements` must be sorted by their offsets."""
    starts = [block.start for block in document.blocks]
    places: list[Place] = []
    for statement in statements:
        at = bisect_right(starts, statement.start) - 1
        block = document.blocks[at] if at >= 0 else None
        level = block.level if block is not None and block.kind == "item" else 0
        links = block.links if block is not None else ()
        shared = (min(end, statement.end) - max(start, statement.start) for start, end in links)
        linked = sum(part for part in shared if part > 0) / max(1, statement.end - statement.start)
        # A list, a table or a block of code belongs to the statement before it under the same heading.
        lead = -1
        if places:
            last = places[-1]
            if last.statement.path == statement.path:
                same_run = (last.statement.block, last.level) == (statement.block, level)
                lead = last.lead if same_run else len(places) - 1
        found = words(statement.text[:_MAX_TEXT])[: _MAX_WORDS + 20]
        places.append(Place(statement, found, level, linked, lead))
    title = document.title or next((place.statement.path[0] for place in places if place.statement.path), "")
    fronts = (document.text[block.start : block.end] for block in document.blocks if block.kind == "front-matter")
    fields = {front.split(":", 1)[0].strip().lower() for front in fronts}
    kind = "skill" if {"name", "description"} <= fields else "front" if fields else "page"
    return Paper(tuple(places), frozenset(word for word in words(title)[:4] if len(word) > 2), kind)  # noqa: PLR2004


def words(text: str) -> tuple[str, ...]:
    """Return the words of `text` in lower case, numbers as `0`; in scripts without spaces, each pair of characters."""
    found: list[str] = []
    for word in _WORD.findall(text):
        if word[0] >= _UNSPACED:
            found.extend(word[n : n + 2] for n in range(max(1, len(word) - 1)))
        elif word.isdigit():
            found.append("0")
        else:
            found.append(word.lower().replace("’", "'"))
    return tuple(found)


def named_features(page: Paper) -> list[list[str]]:
    """Return the names of each statement's features; the part before the first colon is a feature's group."""
    return [[*_of_text(place, page), *_of_surroundings(place, page)] for place in page.places]


def _of_text(place: Place, page: Paper) -> Iterator[str]:
    kind = place.statement.block
    said = ["NAME" if word in page.name else word for word in place.words[:_MAX_WORDS]]
    size = min(8, int(1.5 * np.log2(len(place.words) + 1)))
    yield from (f"shape:length {size}", f"shape:length {kind}{size}")
    if said:
        yield from (f"word:{word}" for word in said)
        yield from (f"word:{a} {b}" for a, b in pairwise(said))
        once = dict.fromkeys(said[:30])
        yield from (f"word:{kind}/{word}" for word in once)
        yield from (f"word:…{word[-3:]}" for word in once if len(word) > 4)  # noqa: PLR2004
        yield from (f"first:{said[0]}", f"first:{kind}/{said[0]}", f"first:{' '.join(said[:2])}")
        yield from (f"first:{' '.join(said[:3])}", f"first:…{said[0][-3:]}", f"first:…{said[0][-2:]}")
        yield f"word:{said[-1]}."
    share = int(np.ceil(4 * min(1.0, place.linked + 0.05))) if place.linked else 0
    yield from (f"link:{share}", f"link:{kind}{share}")
    text = place.statement.text[:_MAX_TEXT]
    for name, (_, pattern) in SHAPES.items():
        count = min(_MAX_COUNT, len(pattern.findall(text)))
        if count:
            yield from (f"shape:{name}", f"shape:{name}{count}", f"shape:{kind}/{name}")


def _of_surroundings(place: Place, page: Paper) -> Iterator[str]:
    """Yield features of headings, columns, and the statement that introduces a list, a table or a block of code.

    Using other neighbours and the position on the page would improve the result slightly (for 0.9 % of the statements),
    but planted text could then change the roles of surrounding statements.
    """
    kind, path, heads = place.statement.block, place.statement.path, place.statement.heads
    yield f"heading:depth {len(path)}"
    for depth, heading in enumerate(reversed(path)):
        said = words(heading)[:_MAX_HEADING_WORDS]
        where = "own" if depth == 0 else "title" if depth == len(path) - 1 else "outer"
        yield from (f"heading:{where} {word}" for word in said)
        yield from (f"heading:{word}" for word in said)
        if depth == 0:
            yield from (f"heading:{kind}/{word}" for word in said)
            yield from (f"heading:{a} {b}" for a, b in pairwise(said))
            lowered = heading.lower()[:33]
            yield from (f"heading:~{lowered[at : at + 4]}" for at in range(len(lowered) - 3))
    yield from (f"kind:{kind}", f"kind:{kind}{place.level}", f"kind:{page.kind}", f"kind:{page.kind}{kind}")
    if kind == "code":
        yield f"kind:in {place.statement.language}"
    yield from (f"column:{word}" for head in heads for word in words(head))
    if heads:
        yield f"column:{len(heads)}"
    if place.lead >= 0 and kind in ("item", "code", "row"):
        lead = page.places[place.lead]
        yield from (f"lead:{word}" for word in lead.words[-_LEAD_WORDS:])
        if lead.words:
            yield f"lead:first {lead.words[0]}"
        yield f"lead:{kind} after {lead.statement.block}"
        if lead.statement.text.rstrip().endswith((":", "：")):
            yield f"lead:colon {kind}"


def bucket(name: str) -> int:
    """Return the hash bucket of a feature name."""
    return zlib.crc32(name.encode()) % BUCKETS


def hashed(named: Sequence[Sequence[str]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all statements' distinct buckets in one array, and the offsets at which each statement's buckets begin."""
    rows = [sorted({bucket(name) for name in names}) for names in named]
    starts = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
    return np.array([index for row in rows for index in row], dtype=np.int64), starts
