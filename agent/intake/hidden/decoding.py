"""Undo disguises of text: homoglyphs, digits for letters, spaced letters, reversals, encodings.

`folded` yields alternative readings of the whole text, of the same length; `hidden` yields disguised stretches of it
with their decoded readings. Both are bounded in time and size and yield nothing for most text: each disguise is only
tried where its typical characters occur.
"""

import base64
import codecs
import html
import re
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import unquote

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Look-alikes of other scripts, full-width forms, and mathematical letters (52 per style) and digits (ten per style).
_PLAIN: Final = (
    str.maketrans(
        "аеорсухіјѕһԁԛԝьАВЕКМНОРСТУХІЈЅαονρτυικεΑΒΕΖΗΙΚΜΝΟΡΤΥΧɡıℓοօ",
        "aeopcyxijshdqwbABEKMHOPCTYXIJSaovptuikeABEZHIKMNOPTYXgilOo",
    )
    | {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    | {0x1D400 + n: _LETTERS[n % 52] for n in range(13 * 52)}
    | {0x1D7CE + n: str(n % 10) for n in range(5 * 10)}
)
_FOREIGN: Final = re.compile(
    r"[\u0370-\u03ff\u0400-\u052f\u0580-\u058f\u0261\u0131\u2113\uff01-\uff5e\U0001d400-\U0001d7ff]"
)
_LEET: Final = re.compile(
    r"(?<![\w.@$!|])(?=[\w@$!|]{0,20}[A-Za-z])(?=[\w@$!|]{0,20}[0134578@$!|])[\w@$!|]{3,20}(?![\w])"
)
_LEET_TABLES: Final = (str.maketrans("0134578@$!|", "oieastbasil"), str.maketrans("0134578@$!|", "oleastbasll"))
_MIN_LEET: Final = 2
_GAP: Final = r"[ .\-_*·|/]"
_SPACED: Final = re.compile(rf"(?<!\w)(?:\w{_GAP}{{1,3}}){{11,}}\w(?!\w)")
_WORDS: Final = re.compile(
    r"ignore|disregard|instruction|threat|risk|score|rating|assess|severity|grader|reviewer|zero|rubric|prompt|override",
    re.IGNORECASE,
)
_HINTS: Final = tuple(_WORDS.pattern.split("|"))
_BACKWARD: Final = tuple(word[::-1] for word in _HINTS)
_ROTATED: Final = tuple(codecs.encode(word, "rot13") for word in _HINTS)
_MIN_HITS: Final = 2
_BASE64: Final = re.compile(
    r"[A-Za-z0-9+/_-]{20,}={0,2}(?:[ \n][A-Za-z0-9+/_-]{16,}={0,2}){0,60}(?:[ \n][A-Za-z0-9+/_-]{1,80}={1,2})?"
)
_BASE64_WORD: Final = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
_MAX: Final = 4000
_MAX_PLACES: Final = 200
_SHARE: Final = 0.85  # minimum share of printable characters for decoded bytes to count as text


def _hex(token: str) -> str:
    digits = re.sub(r"0x|[^0-9a-fA-F]", "", token)
    return bytes.fromhex(digits[: len(digits) // 2 * 2]).decode("utf-8", "ignore")


def _unescaped(token: str) -> str:
    def character(match: re.Match[str]) -> str:
        return chr(int(match[1] or match[2], 16) if match[1] or match[2] else int(match[3], 8))

    plain = re.sub(r"\\u\{([0-9a-fA-F]+)\}", lambda match: chr(int(match[1], 16) % 0x110000), token)
    return re.sub(r"\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\([0-7]{2,3})", character, plain)


# Patterns of encoded text, each with a character that every match contains (or "") and the function that decodes it.
_CODES: Final[tuple[tuple[re.Pattern[str], str, Callable[[str], str]], ...]] = (
    (re.compile(r"\b(?:0x)?(?:[0-9a-fA-F]{2}[ :,-]?){16,}"), "", _hex),
    (
        re.compile(r"\b[A-Z2-7]{32,}={0,6}"),
        "",
        lambda token: base64.b32decode(token[: len(token) // 8 * 8]).decode("utf-8", "ignore"),
    ),
    (
        re.compile(r"(?:\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]{1,6}\}|[0-3]?[0-7]{2})\s?){8,}"),
        "\\",
        _unescaped,
    ),
    (
        re.compile(r"(?:&(?:amp;)*#x?[0-9a-fA-F]{1,6};\s?){8,}"),
        "&",
        lambda token: html.unescape(html.unescape(html.unescape(token))),
    ),
    (
        re.compile(r"(?:[\w.+-]{0,12}%[0-9a-fA-F]{2}){3,}[\w.+%-]*"),
        "%",
        lambda token: unquote(unquote(token)).replace("+", " "),
    ),
    (
        re.compile(r"(?:\b\d{2,3}\b[ ,;]{1,2}){15,}\d{2,3}\b"),
        "",
        lambda token: "".join(chr(int(number)) for number in re.findall(r"\d+", token)),
    ),
    (re.compile(r"(?:\b[01]{8}\b ?){10,}"), "0", lambda token: "".join(chr(int(bits, 2)) for bits in token.split())),
)


def folded(text: str) -> Iterator[str]:
    """Yield readings of `text` that differ from it but have the same length, letter for letter."""
    plain = text
    if _FOREIGN.search(text):
        plain = text.translate(_PLAIN)
        if plain != text:
            yield plain
    if len(_LEET.findall(plain)) >= _MIN_LEET:
        for table in _LEET_TABLES:
            yield _LEET.sub(lambda match, table=table: match[0].translate(table), plain)  # type: ignore[misc]
    if " | " in plain:
        yield plain.replace(" | ", "   ")


def hidden(text: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Yield disguised stretches of `text` as (start, end, possible readings)."""
    places = 0
    for start, end, readings in _places(text):
        found = tuple(reading for reading in readings if _is_text(reading))
        if found:
            yield start, start + len(text[start:end].rstrip()), found
            places += 1
            if places >= _MAX_PLACES:
                return


def _places(text: str) -> Iterator[tuple[int, int, list[str]]]:
    for match in _SPACED.finditer(text):
        letters = re.sub(_GAP, "", match[0])
        if len(_WORDS.findall(letters)) >= _MIN_HITS:
            # Wider gaps separate the words.
            words = (re.sub(_GAP, "", word) for word in re.split(_GAP + "{2,}", match[0]))
            yield *match.span(), [" ".join(words), "note to automated assessors: " + letters]
    yield from _lines(text)
    for match in _BASE64_WORD.finditer(text):
        whole = _BASE64.match(text, match.start()) or match
        yield match.start(), max(match.end(), whole.end()), [_base64(match[0]), _base64(re.sub(r"\s", "", whole[0]))]
    for pattern, mark, decoded in _CODES:
        for match in pattern.finditer(text) if mark in text else ():
            try:
                yield *match.span(), [decoded(match[0][:_MAX])]
            except ValueError:
                continue


def _lines(text: str) -> Iterator[tuple[int, int, list[str]]]:
    """Yield lines that are written backwards or in ROT13, with their readings."""
    low = text.lower()
    backward = [word for word in _BACKWARD if word in low]
    rotated = [word for word in _ROTATED if word in low]
    at = 0
    for line in text.split("\n") if backward or rotated else ():
        low, shown = line.lower(), line[:_MAX]
        if sum(map(low.count, backward)) >= _MIN_HITS:
            yield at, at + len(line), [shown[::-1], " ".join(word[::-1] for word in shown.split())]
        if sum(map(low.count, rotated)) >= _MIN_HITS:
            yield at, at + len(line), [codecs.encode(shown, "rot13")]
        at += len(line) + 1


def _base64(token: str) -> str:
    token = token[:_MAX].rstrip("=").replace("-", "+").replace("_", "/")
    token = token[: len(token) // 4 * 4] if len(token) % 4 == 1 else token + "=" * (-len(token) % 4)
    try:
        raw = base64.b64decode(token)
    except ValueError:
        return ""
    wide = raw.decode("utf-16-le", "ignore") if raw[1:2] == b"\0" else ""
    return wide or raw.decode("utf-8", "ignore")


def _is_text(reading: str) -> bool:
    shown = sum(character.isprintable() or character.isspace() for character in reading)
    return bool(reading) and shown >= _SHARE * len(reading)
