"""Text that would do something if a reader took it for more than text: markup, links, forged structure, escapes.

The report escapes everything anyway. The marks tell the analyst that a page tries, and keep such words from naming a
product or a section. Runs of code are not judged: documentation shows markup there.
"""

import re
from typing import Final, NamedTuple

_HANDLER: Final = r"<[a-z][\w:-]*\s[^<>]{0,300}?\bon[a-z]{3,20}\s*="
_CARRIES: Final = r"(?:action|formaction|href|src|srcdoc|data|content|xlink:href|http-equiv)\s*="
_FILES: Final = r"(?:mdx?|rst|txt|html?|pdf|pyi?|ipynb|[jt]sx?|json|ya?ml|toml|sh|go|rs)"
_NO_FILE: Final = rf"(?![\w@.-]{{1,80}}(?:/[\w@.-]{{1,80}}){{0,8}}\.{_FILES}\b)"
_MARKS: Final = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (
            "active-content",
            r"<script\b[^>]{0,300}>[^<]{0,2000}</script|<script\b[^>]{0,200}\bsrc\s*=|" + _HANDLER + "|"
            rf"<(?:iframe|object|embed|base|form|meta|link|frame|applet|portal|use|image|animate)\s[^<>]{{0,300}}?{_CARRIES}|"
            r"<a\s[^<>]{0,200}\b(?:id|name)\s*=|"
            r"<(?:math|svg)\b[^>]{0,200}>\s*<|<(?:style|noscript|title|textarea|xmp)\b[^>]{0,100}>[^>]{0,200}</?[a-z!]|"
            r"\]\(\s*<?\s*(?:javascript|vbscript|data|file|blob)\s*:|"
            r"\b(?:javascript|vbscript)\s*:\s*[\w.$]{1,80}\s*(?:\(|=|\[)|\bdata:text/html\b|"
            r"\{\{[^{}\n]{0,80}(?:constructor|__|process\.|config\b)",
        ),
        (
            "remote-resource",
            r"!\[[^\]\n]{0,200}\]\(\s*<?(?:https?:)?//|<img\s[^<>]{0,200}\bsrc\s*=\s*[\"']?(?:https?:)?//",
        ),
        (
            "structure",
            # A heading, a table row, a fence or a rule at the beginning of what a reader sees as a run of prose.
            r"\A\s*#{1,6}\s+[^\s|]|\A\s*\|.*\|\s*\Z|\A\s*(?:```|~~~)|\n[ \t]{0,40}#{1,6}[ \t]+\S|"
            r"\n[ \t]{0,40}\|[^\n|]{0,400}\|[^\n|]{0,400}\|",
        ),
        (
            "control-characters",
            # A line of a log that a log of this page would hold as if it were its own.
            r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\s+\S.{0,60}?\b\w+=\S|"
            r"\\x1b\[|\\u001b\[|\\033\[|\x1b|\^\[\[\d|\[\d{1,3}(?:;\d{1,3}){0,4}[JHKm](?!\])",
        ),
        # A link of a repository to one of its own files is no way out of a folder.
        ("path", rf"(?:\.\.[/\\]){{2,}}{_NO_FILE}|(?:%2e%2e(?:%2f|%5c)){{2,}}|\A\.\.[/\\]{_NO_FILE}"),
        (
            "invalid-unicode",
            r"\\u\{?d[89ab][0-9a-f]{2}(?!\\u\{?d[c-f])|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}|&#(?:x?d[89ab][0-9a-f]{2}|5(?:5[3-9]|6[0-3])\d\d);",
        ),
    )
)


class Mark(NamedTuple):
    """A finding kind and its place in the text."""

    kind: str
    start: int
    end: int


def find(text: str) -> tuple[Mark, ...]:
    """The first place of each kind in `text`, one block of prose."""
    found: list[Mark] = []
    for kind, pattern in _MARKS:
        match = pattern.search(text)
        if match:
            found.append(Mark(kind, match.start(), match.end()))
    return tuple(found)
