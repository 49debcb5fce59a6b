"""The Unicode pass: remove and report invisible characters, normalise the rest to NFC.

Zero-width joiners stay where a script or an emoji needs them. The result contains no control character except the line
feed, and its offsets never change afterwards.

Active content in prose is only marked, since the report escapes everything anyway. The marks tell the analyst what a
page attempts, and keep such text from naming a product or a section. Code is not checked: documentation shows markup
there.
"""

import re
import unicodedata
from collections import defaultdict
from typing import Final, NamedTuple

from agent.intake.page import MAX_EXCERPT, Removed
from agent.intake.vocabulary import patterns

_PLAIN: Final = re.compile(r"[\n\x20-\x7e]*")
# A run of plain visible characters, or one other character.
_RUNS: Final = re.compile(r"[\n\x20-\x7e]+|.", re.DOTALL)
_BREAKS: Final = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_TAG_BASE: Final = 0xE0000
_SELECTOR: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# Kinds of characters that are removed wherever they stand.
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
"""A joiner between letters of a script that needs it; scripts before Hebrew do not."""
_MAX_MARKS: Final = 2  # consecutive combining marks that a script uses
_LATIN: Final = str.maketrans("аеорсухіјѕһԁԛԝВЕКМНОРСТУХІЈЅАοορν", "aeopcyxijshdqwBEKMHOPCTYXIJSAoopv")
_LOOKS: Final = re.compile("[аеорсухіјѕһԁԛԝВЕКМНОРСТУХІЈЅАορν]")
# A word that mixes Latin letters with look-alikes from other scripts, and has no other letters.
_MIXED: Final = re.compile(
    r"(?<![^\W\d_])(?=[A-Za-z]*[аеорсухіјѕһԁԛԝВЕКМНОРСТУХІЈЅАορν])(?=[^\W\d_]*[A-Za-z])"
    r"[A-Za-zаеорсухіјѕһԁԛԝВЕКМНОРСТУХІЈЅАορν]{3,}(?![^\W\d_])"
)
_WORTH: Final = {"zero": 3, "soft": 4, "private": 8}  # numbers of characters from which they are reported
_WORTH_MIXED: Final = 2
_ACTIVE: Final = ("active-content", "remote-resource", "structure", "control-characters", "path", "invalid-unicode")
_ACTING: Final = tuple((kind, pattern) for kind, pattern in patterns(__file__).items() if kind in _ACTIVE)


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
    for kind, finding in (
        ("bidi", "bidi-control"),
        ("combining", "combining-flood"),
        ("control", "control-characters"),
        ("invalid", "invalid-unicode"),
    ):
        if taken[kind]:
            found.append(Removed(finding, where, shown))
    if mixed >= _WORTH_MIXED:
        at = f"{where}: letters of another script in the guise of Latin ones"
        found.append(Removed("invisible-characters", at, shown))
    return Cleaned(plain, tuple(found))


def _kind(text: str, index: int, category: str) -> str | None:
    """Return the class under which the character at `index` is removed, or None when it stays."""
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
