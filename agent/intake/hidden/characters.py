"""The Unicode pass: remove and report invisible characters, normalise the rest to NFC.

Zero-width joiners are kept where a script or an emoji needs them. The result contains no control character except the
line feed, and its offsets never change afterwards.

Active content in prose is only marked, since the report escapes everything anyway. The marks tell the analyst what a
page attempts, and keep such text from naming a product or a section. Code is not checked: documentation shows markup
there.
"""

import re
import unicodedata
from collections import defaultdict
from typing import Final, NamedTuple

from agent.intake.page import MAX_EXCERPT, Removed

_PLAIN: Final = re.compile(r"[\n\x20-\x7e]*")
# A run of plain visible characters, or one other character.
_RUNS: Final = re.compile(r"[\n\x20-\x7e]+|.", re.DOTALL)
_BREAKS: Final = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_TAG_BASE: Final = 0xE0000
_SELECTOR: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# Kinds of characters that are removed wherever they occur.
_KINDS: Final = (
    ("tag", re.compile("[\U000e0000-\U000e007f]")),
    ("variation", re.compile("[\U000e0100-\U000e01ef]")),
    ("bidi", re.compile("[\u202a-\u202e\u2066-\u2069]")),
    ("mark", re.compile("[\u200e\u200f\u061c]")),
    ("zero", re.compile("[\u200b\u2060-\u2064\ufeff\u180e\u034f\u115f\u1160\u3164\uffa0]")),
    ("soft", re.compile("\u00ad")),
    ("private", re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")),
)
_BY_CATEGORY: Final = {"Cc": "control", "Cf": "zero", "Cs": "invalid", "Cn": "invalid"}
_JOINERS: Final = "\u200c\u200d"
_JOINS: Final = re.compile(f"[^\u0000-\u058f{_JOINERS}][{_JOINERS}][^\u0000-\u058f{_JOINERS}]", re.DOTALL)
"""A joiner between letters of a script that needs it; scripts before Hebrew in Unicode do not."""
_MAX_MARKS: Final = 2  # consecutive combining marks that a script uses
_LATIN: Final = str.maketrans("аеорсухіјѕһԁԛԝВЕКМНОРСТУХІЈЅАοορν", "aeopcyxijshdqwBEKMHOPCTYXIJSAoopv")
_LOOKS: Final = re.compile("[аеорсухіјѕһԁԛԝВЕКМНОРСТУХІЈЅАορν]")
# A word that mixes Latin letters with look-alikes from other scripts, and has no other letters.
_MIXED: Final = re.compile(
    r"(?<![^\W\d_])(?=[A-Za-z]*[аеорсухіјѕһԁԛԝВЕКМНОРСТУХІЈЅАορν])(?=[^\W\d_]*[A-Za-z])"
    r"[A-Za-zаеорсухіјѕһԁԛԝВЕКМНОРСТУХІЈЅАορν]{3,}(?![^\W\d_])"
)
_WORTH: Final = {"zero": 3, "soft": 4, "private": 8}  # minimum number of characters for a report
_WORTH_MIXED: Final = 2
_FINDINGS: Final = {"bidi": "bidi-control", "combining": "combining-flood"} | {
    "control": "control-characters",
    "invalid": "invalid-unicode",
}
_HANDLER: Final = r"<[a-z][\w:-]*\s[^<>]{0,300}?\bon[a-z]{3,20}\s*="
_CARRIES: Final = r"(?:action|formaction|href|src|srcdoc|data|content|xlink:href|http-equiv)\s*="
_FILES: Final = r"(?:mdx?|rst|txt|html?|pdf|pyi?|ipynb|[jt]sx?|json|ya?ml|toml|sh|go|rs)"
_NO_FILE: Final = rf"(?![\w@.-]{{1,80}}(?:/[\w@.-]{{1,80}}){{0,8}}\.{_FILES}\b)"
_ACTING: Final = tuple(
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
            # Markup for a heading, a table row or a code fence at the start of a line that a reader sees as prose.
            r"\A\s*#{1,6}\s+[^\s|]|\A\s*\|.*\|\s*\Z|\A\s*(?:```|~~~)|\n[ \t]{0,40}#{1,6}[ \t]+\S|"
            r"\n[ \t]{0,40}\|[^\n|]{0,400}\|[^\n|]{0,400}\|",
        ),
        (
            "control-characters",
            # A forged log line, which would look genuine in a log that quotes this page, or a terminal escape sequence.
            r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\s+\S.{0,60}?\b\w+=\S|"
            r"\\x1b\[|\\u001b\[|\\033\[|\x1b|\^\[\[\d|\[\d{1,3}(?:;\d{1,3}){0,4}[JHKm](?!\])",
        ),
        # A repository's relative link to one of its own files is not a path traversal.
        ("path", rf"(?:\.\.[/\\]){{2,}}{_NO_FILE}|(?:%2e%2e(?:%2f|%5c)){{2,}}|\A\.\.[/\\]{_NO_FILE}"),
        (
            "invalid-unicode",
            r"\\u\{?d[89ab][0-9a-f]{2}(?!\\u\{?d[c-f])|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}|&#(?:x?d[89ab][0-9a-f]{2}|5(?:5[3-9]|6[0-3])\d\d);",
        ),
    )
)


class Cleaned(NamedTuple):
    """The visible text, and the findings about what was removed from it."""

    text: str
    removed: tuple[Removed, ...]


def clean(text: str, where: str) -> Cleaned:
    """Return `text` without invisible characters; `where` names its place in the findings."""
    if _PLAIN.fullmatch(text):
        return Cleaned(text, ())
    text = _BREAKS.sub("\n", text).replace("\t", "    ")
    kept: list[str] = []
    taken: defaultdict[str, list[str]] = defaultdict(list)
    marks = 0
    for match in _RUNS.finditer(text):
        character = match[0]
        if character[0] == "\n" or "\x20" <= character[0] <= "\x7e":
            kept.append(character)
            marks = 0
            continue
        category = unicodedata.category(character)
        marks = marks + 1 if category == "Mn" and not _SELECTOR.match(character) else 0
        kind = "combining" if marks > _MAX_MARKS else _kind(text, match.start(), category)
        if kind is None:
            kept.append(" " if category == "Zs" else character)
        else:
            taken[kind].append(character)
    result = unicodedata.normalize("NFC", "".join(kept))
    # A word of only Cyrillic or Greek letters is left unchanged.
    plain, mixed = _MIXED.subn(lambda m: m[0].translate(_LATIN), result) if _LOOKS.search(result) else (result, 0)
    shown = plain.strip()[:MAX_EXCERPT]
    tags = "".join(chr(ord(c) - _TAG_BASE) for c in taken["tag"] if "\x20" <= chr(ord(c) - _TAG_BASE) <= "\x7e")
    found: list[Removed] = []
    if tags or len(taken["variation"]) > 1 or any(len(taken[kind]) >= least for kind, least in _WORTH.items()):
        found.append(Removed("invisible-characters", where, (tags or shown)[:MAX_EXCERPT]))
    found += [Removed(finding, where, shown) for kind, finding in _FINDINGS.items() if taken[kind]]
    if mixed >= _WORTH_MIXED:
        at = f"{where}: letters of another script that look like Latin ones"
        found.append(Removed("invisible-characters", at, shown))
    return Cleaned(plain, tuple(found))


def _kind(text: str, index: int, category: str) -> str | None:
    """Return the class under which the character at `index` is removed, or None when it is kept."""
    character = text[index]
    if "\ufe00" <= character <= "\ufe0f":
        return None if index and not _SELECTOR.match(text[index - 1]) else "variation"
    if character in _JOINERS:
        return None if index and _JOINS.match(text, index - 1) else "zero"
    for kind, members in _KINDS:
        if members.match(character):
            return kind
    return _BY_CATEGORY.get(category)


class Mark(NamedTuple):
    """A finding kind and its place in the text."""

    kind: str
    start: int
    end: int


def find_active(text: str) -> tuple[Mark, ...]:
    """Return the first mark of each kind in `text`, a single block of prose."""
    matches = ((kind, pattern.search(text)) for kind, pattern in _ACTING)
    return tuple(Mark(kind, *match.span()) for kind, match in matches if match)
