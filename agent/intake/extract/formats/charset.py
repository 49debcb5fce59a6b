"""Decodes bytes by byte-order mark, declared character set, then detection; invalid bytes are replaced.

Imported by the parsing child, so it loads a detector only as a last resort.
"""

import codecs
import re
from contextlib import suppress
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_META: Final = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)
_SNIFFED: Final = 4096
# UTF-7 and Python's transform codecs can disguise markup as something else.
_UNSAFE: Final = frozenset({"utf-7", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs"})
_MAGIC: Final = (
    *(b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x7fELF", b"\x1f\x8b", b"MZ", b"BZh", b"7z\xbc\xaf"),
    *(b"\xfd7zXZ", b"RIFF", b"OggS", b"ID3", b"\xca\xfe\xba\xbe", b"\xd0\xcf\x11\xe0", b"wOFF", b"wOF2", b"SQLite"),
)
# A non-ASCII letter encoded in UTF-8.
_UTF8_LETTER: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
# A run of non-ASCII letters, as in words of another alphabet; Western languages have such letters singly or in pairs.
_FOREIGN_RUN: Final = re.compile(rb"[\x80-\xff]{3}")
_BAD_SHARE: Final = 0.05
_ZERO_SHARE: Final = 0.3
_MIN_WIDE: Final = 8


class Unreadable(Exception):  # noqa: N818  (the parsing child does not load the exception tree; the parent converts it)
    """A source that cannot be read; `sort` is a key of the error texts in `parse`."""

    def __init__(self, sort: str, detail: str = "") -> None:
        super().__init__(detail)
        self.sort = sort


def decode(body: bytes, declared: str = "") -> str:
    """Decode `body`; `declared` is the character set from the HTTP header, or empty.

    Bytes that are invalid in the character set become U+FFFD. Raises Unreadable (`not-text`) for pictures, archives,
    programs and other binary content.
    """
    for mark, name in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    head = body[:_SNIFFED]
    if body.startswith(_MAGIC):
        raise Unreadable("not-text", "binary content")
    # In Western UTF-16 without a byte-order mark, every other byte is zero.
    half, even, odd = len(head) // 2, head[0::2].count(0), head[1::2].count(0)
    if half >= _MIN_WIDE and not (even and odd) and max(even, odd) > _ZERO_SHARE * half:
        return body.decode("utf-16-be" if even else "utf-16-le", "replace")
    if b"\x00" in head:
        raise Unreadable("not-text", "binary content")
    # Valid UTF-8 with non-ASCII letters is never a coincidence, regardless of the declared character set.
    with suppress(UnicodeDecodeError):
        return _checked(body.decode("utf-8"))
    meta = _META.search(head)
    for name in (declared, meta[1].decode("ascii") if meta else ""):
        codec = _codec(name)
        # UTF-8 declared for bytes without any UTF-8 letter is a server default; decoding the bytes as UTF-8 would lose
        # quotation marks.
        if codec and (codec != "utf-8" or _UTF8_LETTER.search(body)):
            # A declaration that yields too many invalid bytes is wrong, so fall back to detection.
            with suppress(Unreadable):
                return _checked(body.decode(codec, "replace"))
    best = None
    if _FOREIGN_RUN.search(body):
        from charset_normalizer import from_bytes

        best = from_bytes(body[: 64 * _SNIFFED]).best()
    return _checked(body.decode((best and _codec(best.encoding)) or "cp1252", "replace"))


def decode_lines(body: bytes, declared: str) -> str:
    """Decode `body` as `decode` does, and convert every line end to a line feed."""
    return decode(body, declared).replace("\r\n", "\n").replace("\r", "\n")


def _codec(name: str) -> str | None:
    try:
        info = codecs.lookup(name)
    except LookupError:
        return None
    if info.name in _UNSAFE or not getattr(info, "_is_text_encoding", False):
        return None
    # Browsers read Latin-1 as Windows-1252. UTF-16 without a byte-order mark has already been tried.
    return "cp1252" if info.name in ("iso8859-1", "ascii") else info.name


def _checked(text: str) -> str:
    bad = text.count("\ufffd") + sum(text.count(chr(code)) for code in range(1, 9))
    if bad > _BAD_SHARE * max(1, len(text)):
        raise Unreadable("not-text", "more invalid bytes than text")
    return text
