"""Normalises Markdown extensions of documentation tools: admonitions, tabs, components.

Docusaurus and VitePress write `:::tip Title`; MkDocs `!!! note "Title"` and `=== "Tab"` with the content indented; MDX
imports, and comments and attributes in braces; GitBook, Hugo and Jekyll tags in braces. Their pages show the titles and
the contents; CommonMark would show the marks, and treat indented content as code.

Front matter is read line by line rather than as YAML. It is only shown, never acted on, and without a YAML parser no
alias, tag or deep nesting can do any harm.
"""

import re
from typing import Final

from agent.intake.page import Block

_FENCE: Final = re.compile(r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(`{3,}|~{3,})(.*)")
_COLONS: Final = re.compile(
    r"[ \t]*:{3,}[ \t]*(?:([a-z][\w-]{0,30})[ \t]*(?:\[(.{0,200})\])?([^{}\n:]{0,200})(?:\{.*)?)?"
)
_INDENTED: Final = re.compile(
    r"([ ]*)(?:(?:!!!|\?\?\?\+?)[ ]+([A-Za-z][\w-]{0,30})[ \w-]{0,40}?|===[!+]?)(?:[ ]{1,9}\"([^\"]*)\")?[ ]*"
)
_ESM: Final = re.compile(
    r"import\s+(?:[\w*{][^'\"]{0,300}\sfrom\s+)?['\"][^'\"]+['\"];?[ ]*|import[ ]\{[ ]*"
    r"|export\s+(?:const|let|function|default|class)\b.*"
)
_TEMPLATE_LINE: Final = re.compile(r"[ \t]*(?:\{%[^{}]{0,400}%\}|\{\{[<%][^{}]{0,400}[>%]\}\})[ \t]*")
# An attribute in braces, which may contain one nested level of braces.
_BRACED: Final = re.compile(
    r"(<[A-Za-z][\w.]{0,60}+(?:\s[^<>{}]{0,400}?)?)\s[\w-]{1,60}=\{[^{}]{0,3000}(?:\{[^{}]{0,3000}\}[^{}]{0,3000}){0,9}\}"
)
_MARKS: Final = re.compile(
    r":::|^[ ]*(?:!!!|\?\?\?|===[ !+])|\{%|\{\{[<%]|\{/\*|=\{|^(?:import|export)\s", re.MULTILINE
)
_STEP: Final = 4
_MAX_BRACED: Final = 12
"""Maximum number of attributes in braces that are removed from one tag."""
_FRONT: Final = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_KEY: Final = re.compile(r"([ ]*)(?:- +)?([\w.$/-][\w.$/ -]{0,60}?)[ ]*:(?:[ ]+(.*))?", re.ASCII)
_BLOCK_SCALAR: Final = re.compile(r"[|>][+-]?\d?[+-]?")
_COMMENT: Final = re.compile(r"\s*#")
_PAIR: Final = 2


def plain(text: str) -> tuple[str, list[str]]:
    """Return the text as CommonMark, and the comments and script lines that were removed. Code is left unchanged."""
    if not _MARKS.search(text):
        return text, []
    silent: list[str] = []
    lines = _Lines(silent)
    for line in text.split("\n"):
        lines.take(line)
    return "\n".join(lines.finish()), silent


class _Lines:
    """Converter that takes lines in order and keeps track of which are code."""

    def __init__(self, silent: list[str]) -> None:
        self._silent = silent
        self._made: list[str] = []
        self._prose: list[str] = []
        self._fence = ""
        self._levels: list[int] = []
        self._script = False

    def take(self, raw: str) -> None:
        """Convert the next line."""
        line = self._dedented(raw)
        match = _FENCE.fullmatch(line)
        if self._fence:
            if match and match[1].startswith(self._fence) and not match[2].strip():
                self._fence = ""
            self._made.append(line)
        elif match and not (match[1][0] == "`" and "`" in match[2]):
            self._flush()
            self._fence = match[1]
            self._made.append(line)
        else:
            self._prose.extend(self._read(line))

    def finish(self) -> list[str]:
        """Return all converted lines."""
        self._flush()
        return self._made

    def _dedented(self, raw: str) -> str:
        """Return a line without the indentation of its enclosing boxes."""
        words = raw.strip()
        indent = len(raw) - len(raw.lstrip(" "))
        while self._levels and words and indent < self._levels[-1] and not self._fence:
            self._levels.pop()
        return raw[min(indent, self._levels[-1]) :] if self._levels else raw

    def _read(self, line: str) -> tuple[str, ...]:
        if self._script or _ESM.fullmatch(line):
            self._script = bool(line.strip())
            self._silent.append(" ".join(line.split()))
            return ("",)
        box = _COLONS.fullmatch(line) if line.lstrip().startswith(":::") else None
        if box:
            title = (box[2] or box[3] or "").strip() or (box[1] or "").capitalize()
            return "", title, ""
        tab = _INDENTED.fullmatch(line)
        if tab and (tab[2] or tab[3]):
            outer = self._levels[-1] if self._levels else 0
            self._levels.append(outer + len(tab[1]) + _STEP)
            return "", tab[1] + (tab[3] or tab[2].capitalize()), ""
        return ("",) if _TEMPLATE_LINE.fullmatch(line) else (line,)

    def _flush(self) -> None:
        text = "\n".join(self._prose)
        text = self._uncommented(text)
        if "={" in text:
            for _ in range(_MAX_BRACED):
                text, count = _BRACED.subn(r"\1", text)
                if not count:
                    break
        if self._prose:
            self._made.append(text)
        self._prose = []

    def _uncommented(self, text: str) -> str:
        """Return the text without MDX comments; an unterminated comment stays in the text."""
        parts: list[str] = []
        at = 0
        while (start := text.find("{/*", at)) >= 0 and (end := text.find("*/}", start)) >= 0:
            parts.append(text[at:start])
            self._silent.append(" ".join(text[start + 3 : end].split()))
            at = end + 3
        parts.append(text[at:])
        return "".join(parts)


def parted(text: str) -> tuple[str, str]:
    """Split a text into its front matter, without the rules, and the rest; empty if there is no front matter."""
    match = _FRONT.match(text)
    return (match[1], text[match.end() :]) if match and ":" in match[1] else ("", text)


def fields_of(front: str) -> list[tuple[str, str]]:
    """Return the front matter's fields in order: the path of keys joined by full stops, and the value on one line.

    The items of a list are separated by commas.
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
    """Return the front matter's fields as blocks."""
    return [Block("front-matter", f"{key}: {value}") for key, value in fields_of(front)]


def _go_on(found: list[tuple[str, list[str], bool]], words: str) -> None:
    """Add a continuation line to the last field's value."""
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
    """Return a value without its quotation marks, or without the brackets of a one-line list."""
    if len(value) >= _PAIR and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    if len(value) >= _PAIR and value[0] == "[" and value[-1] == "]":
        return ", ".join(part.strip().strip("\"'") for part in value[1:-1].split(","))
    return value
