"""The Unicode pass: remove and report invisible characters, normalise the rest to NFC.

Zero-width joiners stay where a script or an emoji needs them. The result contains no control character except the line
feed, and its offsets never change afterwards.

Active content in prose is only marked, since the report escapes everything anyway. The marks tell the analyst what a
page attempts, and keep such text from naming a product or a section. Code is not checked: documentation shows markup
there.
"""

import re
import unicodedata
from typing import Final, NamedTuple

from agent.intake.page import MAX_EXCERPT, Removed

_PLAIN: Final = re.compile(r"[\n\x20-\x7e]*")
# A run of plain visible characters, or one other character.
_RUNS: Final = re.compile(r"[\n\x20-\x7e]+|.", re.DOTALL)
_BREAKS: Final = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_TAGS: Final = range(0xE0000, 0xE0080)
_VARIATIONS: Final = range(0xE0100, 0xE01F0)
_SELECTORS: Final = range(0xFE00, 0xFE10)
_PRIVATE: Final = (range(0xE000, 0xF900), range(0xF0000, 0x110000))
_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_MARKS: Final = frozenset("\u200e\u200f\u061c")
_JOINERS: Final = frozenset("\u200c\u200d")
_ZERO_WIDTH: Final = frozenset("\u200b\u2060\u2061\u2062\u2063\u2064\ufeff\u180e\u034f\u115f\u1160\u3164\uffa0")
_SOFT_HYPHEN: Final = "\u00ad"
_TAG_BASE: Final = 0xE0000
_PRINTABLE: Final = range(0x20, 0x7F)
_LATIN_END: Final = 0x0590
"""First code point of Hebrew; earlier scripts need no joiner."""
_MAX_MARKS: Final = 2
"""Maximum number of consecutive combining marks that a script uses."""
_LATIN: Final = str.maketrans("аеорсухіјѕһԁԛԝВЕКМНОРСТУХІЈЅАοορν", "aeopcyxijshdqwBEKMHOPCTYXIJSAoopv")
_LOOKS: Final = re.compile("[аеорсухіјѕһԁԛԝВЕКМНОРСТУХІЈЅАορν]")
# A word that mixes Latin letters with look-alikes from other scripts, and has no other letters.
_MIXED: Final = re.compile(
    r"(?<![^\W\d_])(?=[A-Za-z]*[аеорсухіјѕһԁԛԝВЕКМНОРСТУХІЈЅАορν])(?=[^\W\d_]*[A-Za-z])"
    r"[A-Za-zаеорсухіјѕһԁԛԝВЕКМНОРСТУХІЈЅАορν]{3,}(?![^\W\d_])"
)
_WORTH_MIXED: Final = 2
_WORTH_SOFT: Final = 4
_WORTH_ZERO: Final = 3
_WORTH_PRIVATE: Final = 8
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
    taken: dict[str, list[str]] = {}
    marks = 0
    for match in _RUNS.finditer(text):
        index, character = match.start(), match[0]
        if character[0] == "\n" or "\x20" <= character[0] <= "\x7e":
            kept.append(character)
            marks = 0
            continue
        marks = marks + 1 if unicodedata.category(character) == "Mn" and not _selector(character) else 0
        if marks > _MAX_MARKS:
            taken.setdefault("combining", []).append(character)
            continue
        kind = _kind(text, index)
        if kind is None:
            kept.append(" " if unicodedata.category(character) == "Zs" else character)
        else:
            taken.setdefault(kind, []).append(character)
    result = unicodedata.normalize("NFC", "".join(kept))
    plain, mixed = _one_script(result)
    found = _findings(taken, plain, where)
    if mixed >= _WORTH_MIXED:
        at = f"{where}: letters of another script in the guise of Latin ones"
        found = (*found, Removed("invisible-characters", at, plain.strip()[:MAX_EXCERPT]))
    return Cleaned(plain, found)


def _one_script(text: str) -> tuple[str, int]:
    """Return `text` with look-alikes inside Latin words replaced by Latin letters, and the number of such words.

    A word of only Cyrillic or Greek letters is left unchanged.
    """
    if not _LOOKS.search(text):
        return text, 0
    return _MIXED.subn(lambda match: match[0].translate(_LATIN), text)


def _kind(text: str, index: int) -> str | None:
    """Return the class under which the character at `index` is removed, or None when it stays."""
    character = text[index]
    code = ord(character)
    if character == "\n":
        return None
    if code in _TAGS:
        return "tag"
    if code in _VARIATIONS:
        return "variation"
    if code in _SELECTORS:
        return None if index and not _selector(text[index - 1]) else "variation"
    for name, members in (("bidi", _BIDI), ("mark", _MARKS), ("zero", _ZERO_WIDTH), ("soft", {_SOFT_HYPHEN})):
        if character in members:
            return name
    if character in _JOINERS:
        return None if _joins(text, index) else "zero"
    if any(code in span for span in _PRIVATE):
        return "private"
    return {"Cc": "control", "Cf": "zero", "Cs": "invalid", "Cn": "invalid"}.get(unicodedata.category(character))


def _selector(character: str) -> bool:
    return ord(character) in _SELECTORS or ord(character) in _VARIATIONS


def _joins(text: str, index: int) -> bool:
    if not 0 < index < len(text) - 1:
        return False
    before, after = text[index - 1], text[index + 1]
    return ord(before) >= _LATIN_END and ord(after) >= _LATIN_END and before not in _JOINERS and after not in _JOINERS


def _findings(taken: dict[str, list[str]], result: str, where: str) -> tuple[Removed, ...]:
    shown = result.strip()[:MAX_EXCERPT]
    found: list[Removed] = []
    hidden = "".join(chr(ord(c) - _TAG_BASE) for c in taken.get("tag", ()) if ord(c) - _TAG_BASE in _PRINTABLE)
    count = {kind: len(characters) for kind, characters in taken.items()}
    if hidden or count.get("variation", 0) > 1:
        found.append(Removed("invisible-characters", where, (hidden or shown)[:MAX_EXCERPT]))
    elif (
        count.get("zero", 0) >= _WORTH_ZERO
        or count.get("soft", 0) >= _WORTH_SOFT
        or count.get("private", 0) >= _WORTH_PRIVATE
    ):
        found.append(Removed("invisible-characters", where, shown))
    for kind, finding in (
        ("bidi", "bidi-control"),
        ("combining", "combining-flood"),
        ("control", "control-characters"),
        ("invalid", "invalid-unicode"),
    ):
        if count.get(kind):
            found.append(Removed(finding, where, shown))
    return tuple(found)


class Mark(NamedTuple):
    """A finding kind and its place in the text."""

    kind: str
    start: int
    end: int


def find_active(text: str) -> tuple[Mark, ...]:
    """Return the first mark of each kind in `text`, a single block of prose."""
    found: list[Mark] = []
    for kind, pattern in _ACTING:
        match = pattern.search(text)
        if match:
            found.append(Mark(kind, match.start(), match.end()))
    return tuple(found)
