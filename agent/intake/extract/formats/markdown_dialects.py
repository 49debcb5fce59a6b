"""Normalises Markdown extensions of documentation tools: admonitions, tabs, components.

Docusaurus and VitePress write `:::tip Title`; MkDocs writes `!!! note "Title"` and `=== "Tab"` with the content
indented; MDX has imports, and comments and attributes in braces; GitBook, Hugo and Jekyll have tags in braces. Rendered
pages show the titles and the contents; CommonMark would show the marks and treat indented content as code.

Front matter is read line by line rather than as YAML. It is only shown, never acted on, and without a YAML parser no
alias, tag or deep nesting can do any harm.
"""

import re
from typing import Final

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
FRONT: Final = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_KEY: Final = re.compile(r"([ ]*)(?:- +)?([\w.$/-][\w.$/ -]{0,60}?)[ ]*:(?:[ ]+(.*))?", re.ASCII)
_BLOCK_SCALAR: Final = re.compile(r"[|>][+-]?\d?[+-]?")
_PAIR: Final = 2


def plain(text: str) -> tuple[str, list[str]]:
    """Return the text as CommonMark, and the comments and script lines that were removed. Code is left unchanged."""
    if not _MARKS.search(text):
        return text, []
    silent: list[str] = []
    made: list[str] = []
    prose: list[str] = []
    fence = ""
    levels: list[int] = []
    """Indentation of the contents of each box around the line, the outermost first."""
    script = False
    for raw in text.split("\n"):
        indent = len(raw) - len(raw.lstrip(" "))
        while levels and raw.strip() and indent < levels[-1] and not fence:
            levels.pop()
        line = raw[min(indent, levels[-1]) :] if levels else raw
        match = _FENCE.fullmatch(line)
        if fence:
            if match and match[1].startswith(fence) and not match[2].strip():
                fence = ""
            made.append(line)
        elif match and not (match[1][0] == "`" and "`" in match[2]):
            made += _converted(prose, silent)
            prose, fence = [], match[1]
            made.append(line)
        elif script or _ESM.fullmatch(line):
            script = bool(line.strip())
            silent.append(" ".join(line.split()))
            prose.append("")
        elif line.lstrip().startswith(":::") and (box := _COLONS.fullmatch(line)):
            prose += ["", (box[2] or box[3] or "").strip() or (box[1] or "").capitalize(), ""]
        elif (tab := _INDENTED.fullmatch(line)) and (tab[2] or tab[3]):
            levels.append((levels[-1] if levels else 0) + len(tab[1]) + _STEP)
            prose += ["", tab[1] + (tab[3] or tab[2].capitalize()), ""]
        else:
            prose.append("" if _TEMPLATE_LINE.fullmatch(line) else line)
    return "\n".join([*made, *_converted(prose, silent)]), silent


def _converted(prose: list[str], silent: list[str]) -> list[str]:
    """Return lines outside code as one text, without attributes in braces or MDX comments; comments go to `silent`.

    An unterminated comment stays in the text.
    """
    text = "\n".join(prose)
    parts: list[str] = []
    at = 0
    while (start := text.find("{/*", at)) >= 0 and (end := text.find("*/}", start)) >= 0:
        parts.append(text[at:start])
        silent.append(" ".join(text[start + 3 : end].split()))
        at = end + 3
    text = "".join([*parts, text[at:]])
    for _ in range(_MAX_BRACED if "={" in text else 0):
        text, count = _BRACED.subn(r"\1", text)
        if not count:
            break
    return [text] if prose else []


def parted(text: str) -> tuple[str, str]:
    """Split Markdown into its front matter (without the lines around it; empty if there is none) and the rest."""
    match = FRONT.match(text)
    return (match[1], text[match.end() :]) if match and ":" in match[1] else ("", text)


def fields_of(front: str) -> list[tuple[str, str]]:
    """Return the front matter's fields in order: the path of keys joined by dots, and the value on one line.

    The items of a list are separated by commas.
    """
    found: list[tuple[str, list[str], bool]] = []
    above: list[tuple[int, str]] = []
    for line in front.split("\n"):
        words = line.strip()
        if not words or words.startswith("#"):
            continue
        indent = len(line) - len(line.lstrip())
        scalar = bool(found) and found[-1][2]
        match = None if scalar and above and indent > above[-1][0] else _KEY.fullmatch(line)
        if match is not None:
            while above and above[-1][0] >= indent:
                above.pop()
            above.append((indent, match[2].strip()))
            value = (match[3] or "").strip()
            scalar = _BLOCK_SCALAR.fullmatch(value) is not None
            found.append((".".join(key for _, key in above), [] if scalar or not value else [_bare(value)], scalar))
        elif found:  # the last field's value continues
            item = words.startswith("- ") and not scalar
            found[-1][1].append("- " + _bare(words[2:].strip()) if item else _bare(words))
    fields: list[tuple[str, str]] = []
    for key, parts, scalar in found:
        said = ""
        for number, part in enumerate(parts):
            item = part.startswith("- ") and not scalar
            said += (", " if item and number else " " if number else "") + (part[2:] if item else part)
        if any(parts):
            fields.append((key, said))
    return fields


def _bare(value: str) -> str:
    """Return a value without its quotation marks, or without the brackets of a one-line list."""
    if len(value) >= _PAIR and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    if len(value) >= _PAIR and value[0] == "[" and value[-1] == "]":
        return ", ".join(part.strip().strip("\"'") for part in value[1:-1].split(","))
    return value
