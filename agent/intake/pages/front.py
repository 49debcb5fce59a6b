"""The front matter of a Markdown file as `key: value` lines.

Read line by line rather than as YAML: it is shown, not obeyed, and no alias, tag or depth of YAML can cost anything.
"""

import re
from typing import Final

from agent.intake.pages.page import Block

_FRONT: Final = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_KEY: Final = re.compile(r"([ ]*)(?:- +)?([\w.$/-][\w.$/ -]{0,60}?)[ ]*:(?:[ ]+(.*))?", re.ASCII)
_BLOCK_SCALAR: Final = re.compile(r"[|>][+-]?\d?[+-]?")
_COMMENT: Final = re.compile(r"\s*#")
_PAIR: Final = 2


def parted(text: str) -> tuple[str, str]:
    """The front matter of a text, without its rules, and the text behind it; empty when it has none."""
    match = _FRONT.match(text)
    return (match[1], text[match.end() :]) if match and ":" in match[1] else ("", text)


def fields_of(front: str) -> list[tuple[str, str]]:
    """The fields in their order: the path of keys with full stops between, and the value in one line.

    The items of a list are parted by commas.
    """
    found: list[tuple[str, list[str], bool]] = []
    above: list[tuple[int, str]] = []
    for line in front.split("\n"):
        words = line.strip()
        if not words or _COMMENT.match(line):
            continue
        indent = len(line) - len(line.lstrip())
        prose = bool(found) and found[-1][2] and bool(above) and indent > above[-1][0]
        match = None if prose else _KEY.fullmatch(line)
        if match is None:
            _go_on(found, words)
            continue
        while above and above[-1][0] >= indent:
            above.pop()
        above.append((indent, match[2].strip()))
        value = (match[3] or "").strip()
        scalar = _BLOCK_SCALAR.fullmatch(value) is not None
        found.append((".".join(key for _, key in above), [] if scalar or not value else [_bare(value)], scalar))
    return [(key, _joined(parts, prose)) for key, parts, prose in found if any(parts)]


def blocks_of(front: str) -> list[Block]:
    """The fields as blocks."""
    return [Block("front-matter", f"{key}: {value}") for key, value in fields_of(front)]


def _go_on(found: list[tuple[str, list[str], bool]], words: str) -> None:
    """Take a line that goes on with the last field's value."""
    if found:
        item = words.startswith("- ") and not found[-1][2]
        found[-1][1].append("- " + _bare(words[2:].strip()) if item else _bare(words))


def _joined(parts: list[str], prose: bool) -> str:
    words: list[str] = []
    for part in parts:
        item = part.startswith("- ") and not prose
        words.append((", " if item and words else " " if words else "") + (part[2:] if item else part))
    return "".join(words)


def _bare(value: str) -> str:
    """A value without its quotation marks or the brackets of a list in one line."""
    if len(value) >= _PAIR and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    if len(value) >= _PAIR and value[0] == "[" and value[-1] == "]":
        return ", ".join(part.strip().strip("\"'") for part in value[1:-1].split(","))
    return value
