"""Markdown from untrusted text: page content is shown as text and never takes effect as markup.

Quotes, names, addresses and excerpts come from pages that anyone may have written. `plain` keeps them on one line and
escapes every character that Markdown, HTML or a link finder would act on. Only this module builds tables, lists and
fences, so that no quote can end a cell, open a heading or become a link.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

_BLANKS: Final = re.compile(r"\s+")
_PLAIN: Final = r"[^\s<>|`\\*\[\]~“”\"()]*"
_PIECE: Final = re.compile(rf"[<>|`\\*\[\]~]|{_PLAIN}[_@#&:./]{_PLAIN}")
"""A character to escape, or a run of characters that may be an address, a name or an entity."""
_ACTIVE: Final = re.compile(
    r"://|^www\.|@|_|^#\w|^(?:mailto|javascript|data|tel|file|vbscript):|[^\W_]\.[^\W\d_]{2}", re.IGNORECASE
)
_ENDING: Final = re.compile(r"[.,;:!?…'’]+$")
_ENTITY: Final = re.compile(r"&(?=#?\w+;)")
_BLOCK_START: Final = re.compile(r"^(?:[+#=>]|-(?=-*(?:\s|$)))")
_NUMBERED: Final = re.compile(r"^(\d+)([.)])(?=\s|$)")
_ESCAPED: Final = {"<": "&lt;", ">": "&gt;", "|": "&#124;"} | {sign: f"\\{sign}" for sign in "`\\*[]~"}
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_KEPT_HIDDEN: Final = frozenset("\u200c\u200d\u00ad")
"""Joiners that scripts and emoji need, and the soft hyphen: invisible but harmless."""
_LONG_WORD: Final = re.compile(r"\w{4,}")


class Column(NamedTuple):
    """A table column: its heading, and whether its cells are numbers."""

    head: str
    numeric: bool = False


def one_line(text: str) -> str:
    """Put `text` on one line: collapse whitespace, and show control, format and private characters as codes like
    ⟨U+202E⟩."""
    flat = _BLANKS.sub(" ", text).strip()
    if flat.isascii() and flat.isprintable():
        return flat
    return "".join(
        f"⟨U+{ord(char):04X}⟩" if unicodedata.category(char) in _HIDDEN and char not in _KEPT_HIDDEN else char
        for char in flat
    )


def kept_blanks(raw: str, shown: str) -> str:
    """Add a space before or after `shown`, the formatted `raw`, where `raw` begins or ends with whitespace."""
    before = " " if raw[:1].isspace() else ""
    after = " " if raw[-1:].isspace() and raw.strip() else ""
    return f"{before}{shown}{after}"


@lru_cache(maxsize=2048)
def plain(text: str) -> str:
    """Format `text` as literal Markdown on one line.

    URLs, email addresses, file names and identifiers are formatted as code, so that no renderer links them. Angle
    brackets and pipes become entities; characters that mark emphasis or links get a backslash.
    """
    joined = inner(text)
    return "\\" + joined if _BLOCK_START.match(joined) else _NUMBERED.sub(r"\1\\\2", joined)


def inner(text: str) -> str:
    """Format `text` as `plain` does, for use within a line, where no character opens a block."""
    return _PIECE.sub(lambda match: _piece(match[0]), one_line(text))


def _piece(piece: str) -> str:
    if piece in _ESCAPED:
        return _ESCAPED[piece]
    if _ACTIVE.search(piece):
        ending = _ENDING.search(piece)
        body = piece[: ending.start()] if ending else piece
        return f"`{body}`{piece[len(body) :]}" if body else piece
    return _ENTITY.sub("&amp;", piece)


def code(text: str) -> str:
    """Format `text` as a one-line code span, for hashes, file names and addresses. Replaces pipes and backticks."""
    flat = one_line(text).replace("`", "ʼ").replace("|", "¦").replace("<", "‹").replace(">", "›")
    return f"`{flat}`" if flat else ""


def verbatim(text: str) -> str:
    """Format `text` as a one-line code span without changing any letter, for use outside tables."""
    flat = one_line(text)
    mark = "`" * (1 + max((len(run) for run in re.findall(r"`+", flat)), default=0))
    edge = " " if "`" in (flat[:1], flat[-1:]) else ""
    return f"{mark}{edge}{flat}{edge}{mark}" if flat else ""


def shorten(text: str, limit: int) -> str:
    """Truncate `text` to its first words on one line of at most `limit` characters, with an ellipsis if it is cut."""
    flat = _BLANKS.sub(" ", text).strip()
    if len(flat) <= limit:
        return flat
    cut = flat[: limit - 2]
    space = cut.rfind(" ")
    return (cut[:space] if space > limit // 2 else cut).rstrip(" ,;:–—-") + " …"


def shared_words(text: str, about: str) -> int:
    """Count the distinct words of four or more letters that `text` and `about` share."""
    return len(_long_words(text) & _long_words(about))


def _long_words(text: str) -> set[str]:
    return {word.casefold() for word in _LONG_WORD.findall(text)}


def excerpt(text: str, limit: int, about: str) -> str:
    """Return the stretch of `text` that shares most words with `about`, on one line of at most `limit` characters.

    An ellipsis marks omitted text before or after it. If several stretches are equally good, the first is returned.
    """
    flat = _BLANKS.sub(" ", text).strip()
    wanted = _long_words(about)
    if len(flat) <= limit or not wanted:
        return shorten(flat, limit)
    room = limit - 4
    starts = [0, *(match.end() for match in re.finditer(" ", flat))]
    # Once the rest of the text fits from some start, later starts only give shorter stretches.
    last = next((n for n, start in enumerate(starts) if start + room >= len(flat)), len(starts))
    best = max(starts[: last + 1], key=lambda start: len(_long_words(flat[start : start + room]) & wanted))
    tail = flat[best:]
    return ("… " if best else "") + (tail if len(tail) <= room else shorten(tail, room))


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> list[str]:
    """Build the lines of a table from cells of safe Markdown. A line break in a cell becomes a space."""
    lines = [_row([column.head for column in columns])]
    lines.append("|" + "|".join("--:" if column.numeric else "---" for column in columns) + "|")
    return lines + [_row(row) for row in rows]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("\n", " ").replace("|", "&#124;") for cell in cells) + " |"


def fence(lines: Iterable[str], language: str) -> list[str]:
    """Wrap lines in a fence that is longer than any run of backticks in them."""
    body = [line for block in lines for line in block.split("\n")]
    longest = max((len(run) for line in body for run in re.findall(r"`+", line)), default=0)
    mark = "`" * max(3, longest + 1)
    return [mark + language, *body, mark]
