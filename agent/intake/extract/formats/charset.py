"""Decodes bytes by byte-order mark, declared character set, then detection; invalid bytes are replaced.

Imported by the parsing child, so it uses only the standard library, plus a detector as the last resort.
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
_META_REACH: Final = 4096
_SNIFFED: Final = 4096
# UTF-7 and Python's transform codecs can disguise markup as something else.
_UNSAFE: Final = frozenset({"utf-7", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs"})
_MAGIC: Final = (
    *(b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x7fELF", b"\x1f\x8b", b"MZ", b"BZh", b"7z\xbc\xaf"),
    *(b"\xfd7zXZ", b"RIFF", b"OggS", b"ID3", b"\xca\xfe\xba\xbe", b"\xd0\xcf\x11\xe0", b"wOFF", b"wOF2", b"SQLite"),
)
# A non-ASCII letter encoded in UTF-8.
_UTF8_LETTER: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
# A run of non-ASCII letters, as in words of another alphabet. In Western languages they occur singly or in pairs.
_FOREIGN_RUN: Final = re.compile(rb"[\x80-\xff]{3}")
_BAD_SHARE: Final = 0.05
_ZERO_SHARE: Final = 0.3
_MIN_WIDE: Final = 8
_REPLACEMENT: Final = "\ufffd"


class NotText(Exception):  # noqa: N818  (the parsing child knows no exception tree; the parent turns it into one)
    """The bytes are not text in any supported character set."""


def decode(body: bytes, declared: str = "") -> str:
    """Decode `body`; `declared` is the character set from the HTTP header, or empty.

    Bytes that are invalid in the character set become U+FFFD. Raises NotText for pictures, archives, programs and
    other binary content.
    """
    for mark, name in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    if body.startswith(_MAGIC):
        raise NotText("binary content")
    wide = _wide(body[:_SNIFFED])
    if wide:
        return body.decode(wide, "replace")
    if b"\x00" in body[:_SNIFFED]:
        raise NotText("binary content")
    meta = _META.search(body[:_META_REACH])
    try:
        # Valid UTF-8 with non-ASCII letters is never a coincidence, regardless of the declared character set.
        return _checked(body.decode("utf-8"))
    except UnicodeDecodeError:
        pass
    for name in (declared, meta[1].decode("ascii") if meta else ""):
        codec = _codec(name)
        # UTF-8 declared for bytes without any UTF-8 letter is a server default; decoding would lose quotation marks.
        if codec and not (codec == "utf-8" and not _UTF8_LETTER.search(body)):
            # A declaration that yields too many invalid bytes is wrong, so fall back to detection.
            with suppress(NotText):
                return _checked(body.decode(codec, "replace"))
    return _checked(_detect(body))


def _codec(name: str) -> str | None:
    try:
        info = codecs.lookup(name) if name else None
    except LookupError:
        return None
    if info is None or info.name in _UNSAFE or not getattr(info, "_is_text_encoding", False):
        return None
    # Browsers read Latin-1 as Windows-1252. UTF-16 without a byte-order mark has already been tried.
    return "cp1252" if info.name in ("iso8859-1", "ascii") else info.name


def _wide(head: bytes) -> str | None:
    """Detect UTF-16 without a byte-order mark: in Western text, every other byte is zero. Return the codec or None."""
    half = len(head) // 2
    if half < _MIN_WIDE:
        return None
    even = head[0::2].count(0) / half
    odd = head[1::2].count(0) / half
    if odd > _ZERO_SHARE and even == 0:
        return "utf-16-le"
    return "utf-16-be" if even > _ZERO_SHARE and odd == 0 else None


def _detect(body: bytes) -> str:
    if not _FOREIGN_RUN.search(body):
        return body.decode("cp1252", "replace")
    from charset_normalizer import from_bytes

    best = from_bytes(body[: 64 * _SNIFFED]).best()
    return body.decode(_codec(best.encoding) or "cp1252" if best else "cp1252", "replace")


def _checked(text: str) -> str:
    bad = text.count(_REPLACEMENT) + sum(text.count(chr(code)) for code in range(1, 9))
    if bad > _BAD_SHARE * max(1, len(text)):
        raise NotText("more bad bytes than text")
    return text
