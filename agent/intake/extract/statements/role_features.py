"""Features of the role classifier: a statement's words, shape, place and neighbours.

Everything is computed from Statements and Documents, so that labelled pages in training and new pages later are treated
identically. The headings or words of a role are not listed here: features are n-grams with the place where they
occur, and training learns which of them matter.
"""

import re
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.records import Document, DocumentBlock, Statement

BUCKETS: Final = 2**15
"""The number of buckets into which features are hashed."""
_WORD: Final = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
    r"|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+(?:['’][^\W\d_]{1,2}(?!\w))?"
)
"""A word, or a run of a script that is written without blanks."""
_UNSPACED: Final = "\u3040"
_MAX_WORDS: Final = 60
_MAX_HEADING_WORDS: Final = 12
_LEAD_WORDS: Final = 14
_MAX_TEXT: Final = 1200
_SHAPES: Final = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("flag", r"(?<!\S)--?[a-z][\w-]*"),
        ("variable", r"\b[A-Z][A-Z0-9]*+_[A-Z0-9_]+\b"),
        ("snake", r"\b[a-z]++_[a-z_]+\b"),
        ("camel", r"\b[a-z]++[A-Z]\w"),
        ("path", r"(?<![\w.-])[\w.-]*+/[\w.-]+"),
        ("url", r"https?://"),
        ("file", r"\.(?:md|json|ya?ml|toml|py|ts|js|env|txt|sh|go|rs)\b"),
        ("call", r"\w\("),
        ("version", r"\bv?\d++\.\d"),
        ("number", r"\d"),
        ("money", r"[$€£]\s?\d"),
        ("percent", r"\d ?%"),
        ("quote", r"[\"“”«»「」]"),
        ("question", r"[?？]"),
        ("exclamation", r"[!！]"),
        ("ends in a colon", r"[:：]\s*\Z"),
        ("ends in a stop", r"[.。]\s*\Z"),
        ("label", r"\A[^:：\n]{2,40}[:：]\s"),
        ("dash", r"\s[—–-]\s"),
        ("arrow", r"→|->|=>"),
        ("emoji", r"[\U0001f300-\U0001faff☀-➿]"),
        ("bracket", r"\("),
        ("slash command", r"(?<!\S)/[a-z]"),
        ("at", r"@\w"),
        ("year", r"\b20\d\d\b"),
        ("assignment", r"\w=\S"),
        ("brace", r"[{}\[\]]"),
        ("tick", r"[✅✓✔❌✗☑]"),
        ("warning", r"⚠|❗"),
        ("star", r"⭐|★"),
        ("copyright", r"©"),
        ("bar", r"\|"),
        ("dollar", r"\$\w|^\$ "),
        ("code", r"`"),
        ("begins with code", r"\A\W{0,3}`"),
        ("comment", r"(?m:^\s*+(?://|#))"),
    )
)
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
    section: int
    """Number of the run of statements under the same heading path."""
    run: int
    """Number of the list, table or run of paragraphs within its section."""
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
    """Return the Paper of one document and its `statements`, which must be sorted by their offsets."""
    starts = [block.start for block in document.blocks]
    places: list[Place] = []
    for statement in statements:
        at = bisect_right(starts, statement.start) - 1
        block = document.blocks[at] if at >= 0 else None
        places.append(_place(places, statement, block))
    title = document.title or next((place.statement.path[0] for place in places if place.statement.path), "")
    return Paper(tuple(places), frozenset(word for word in words(title)[:4] if len(word) > 2), _kind(document))  # noqa: PLR2004


def _place(before: Sequence[Place], statement: Statement, block: DocumentBlock | None) -> Place:
    level = block.level if block is not None and block.kind == "item" else 0
    linked = _linked(statement, block)
    found = words(statement.text[:_MAX_TEXT])[: _MAX_WORDS + 20]
    if not before:
        return Place(statement, found, level, linked, 0, 0, -1)
    last = before[-1]
    same_section = last.statement.path == statement.path
    same_run = same_section and (last.statement.block, last.level) == (statement.block, level)
    section = last.section + (not same_section)
    run = last.run + (not same_run)
    # A list, a table or a block of code belongs to the statement before it under the same heading.
    beginning = len(before) - 1 if same_section else -1
    lead = last.lead if same_run else beginning
    return Place(statement, found, level, linked, section, run, lead)


def _linked(statement: Statement, block: DocumentBlock | None) -> float:
    if block is None:
        return 0.0
    shared = (min(end, statement.end) - max(start, statement.start) for start, end in block.links)
    return sum(part for part in shared if part > 0) / max(1, statement.end - statement.start)


def _kind(document: Document) -> str:
    fields = {
        document.text[block.start : block.end].split(":", 1)[0].strip().lower()
        for block in document.blocks
        if block.kind == "front-matter"
    }
    if {"name", "description"} <= fields:
        return "skill"
    return "front" if fields else "page"


def words(text: str) -> tuple[str, ...]:
    """Return a text's words in lower case, numbers as `0`; in scripts without blanks, each pair of characters."""
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
    return [_named(page, n) for n in range(len(page.places))]


def _named(page: Paper, n: int) -> list[str]:
    place = page.places[n]
    kind = place.statement.block
    found = _of_words(place, page.name)
    found += _of_shape(place)
    found += _of_headings(place)
    found += [f"kind:{kind}", f"kind:{kind}{place.level}", f"kind:{page.kind}", f"kind:{page.kind}{kind}"]
    if kind == "code":
        found.append(f"kind:in {place.statement.language}")
    for head in place.statement.heads:
        found += [f"column:{word}" for word in words(head)]
    if place.statement.heads:
        found.append(f"column:{len(place.statement.heads)}")
    found += _of_lead(page, n)
    return found


def _of_words(place: Place, name: frozenset[str]) -> list[str]:
    kind = place.statement.block
    said = ["NAME" if word in name else word for word in place.words[:_MAX_WORDS]]
    size = min(8, int(1.5 * np.log2(len(place.words) + 1)))
    found = [f"shape:length {size}", f"shape:length {kind}{size}"]
    if not said:
        return found
    found += [f"word:{word}" for word in said]
    found += [f"word:{a} {b}" for a, b in pairwise(said)]
    once = dict.fromkeys(said[:30])
    found += [f"word:{kind}/{word}" for word in once]
    found += [f"word:…{word[-3:]}" for word in once if len(word) > 4]  # noqa: PLR2004
    found += [f"first:{said[0]}", f"first:{kind}/{said[0]}", f"first:{' '.join(said[:2])}"]
    found += [f"first:{' '.join(said[:3])}", f"first:…{said[0][-3:]}", f"first:…{said[0][-2:]}", f"word:{said[-1]}."]
    return found


def _of_shape(place: Place) -> list[str]:
    text = place.statement.text[:_MAX_TEXT]
    kind = place.statement.block
    share = int(np.ceil(4 * min(1.0, place.linked + 0.05))) if place.linked else 0
    found = [f"link:{share}", f"link:{kind}{share}"]
    for name, pattern in _SHAPES:
        count = min(_MAX_COUNT, len(pattern.findall(text)))
        if count:
            found += [f"shape:{name}", f"shape:{name}{count}", f"shape:{kind}/{name}"]
    return found


def _of_headings(place: Place) -> list[str]:
    kind = place.statement.block
    path = place.statement.path
    found = [f"heading:depth {len(path)}"]
    for depth, heading in enumerate(reversed(path)):
        said = words(heading)[:_MAX_HEADING_WORDS]
        where = "own" if depth == 0 else "title" if depth == len(path) - 1 else "outer"
        found += [f"heading:{where} {word}" for word in said]
        found += [f"heading:{word}" for word in said]
        if depth == 0:
            found += [f"heading:{kind}/{word}" for word in said]
            found += [f"heading:{a} {b}" for a, b in pairwise(said)]
            lowered = heading.lower()[:33]
            found += [f"heading:~{lowered[at : at + 4]}" for at in range(len(lowered) - 3)]
    return found


def _of_lead(page: Paper, n: int) -> list[str]:
    """Return features of the statement that introduces a list, a table or a block of code.

    Other neighbours, and the position on the page, would improve the result slightly (0.9 % of the places), but then
    planted text could change the roles of surrounding statements.
    """
    place, kind = page.places[n], page.places[n].statement.block
    if place.lead < 0 or kind not in ("item", "code", "row"):
        return []
    lead = page.places[place.lead]
    found = [f"lead:{word}" for word in lead.words[-_LEAD_WORDS:]]
    found += [f"lead:first {lead.words[0]}"] if lead.words else []
    found.append(f"lead:{kind} after {lead.statement.block}")
    if lead.statement.text.rstrip().endswith((":", "：")):
        found.append(f"lead:colon {kind}")
    return found


def bucket(name: str) -> int:
    """Return the hash bucket of a feature name."""
    return zlib.crc32(name.encode()) % BUCKETS


def hashed(named: Sequence[Sequence[str]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all statements' distinct buckets in one array, and the offsets at which each statement's buckets begin."""
    rows = [sorted({bucket(name) for name in names}) for names in named]
    starts = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
    return np.array([index for row in rows for index in row], dtype=np.int64), starts
