"""Documents made to hang, swell or mislead their parser; each must end in a specific error or a bounded result.

Nothing here is read from a file: every document is built on request. The largest has 20 MB.
"""

import gzip
import zlib
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

from tests.fakes.intake.pdf import CATALOG, FORM, PAGE, TREE, made, stream

_LAUGHS: Final = 10
_PAGES: Final = 50_000
_NUMBERS: Final = range(100_000)


class Hostile(NamedTuple):
    """One document: how it is built, its file name, and the expected outcome."""

    build: Callable[[], bytes]
    name: str
    error: str = ""
    """Words of the error; empty if the document must be read."""
    text: str = ""
    """Words that the reading must contain."""
    heavy: bool = False
    """True if reading it to the end takes more than half a second."""
    charset: str = ""
    """The media type that the server declares."""


def _laughs() -> bytes:
    names = [b"l%d" % number for number in range(_LAUGHS)]
    entities = b'<!ENTITY l0 "lol">' + b"".join(
        b'<!ENTITY %s "%s">' % (name, b"&%s;" % below * _LAUGHS) for below, name in pairwise(names)
    )
    return b'<?xml version="1.0"?><!DOCTYPE urlset [' + entities + b"]><urlset><url><loc>&l9;</loc></url></urlset>"


def _aliases() -> bytes:
    lines = [b"a0: &a0 [" + b"x," * 9 + b"]"]
    lines += [b"a%d: &a%d [%s]" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, _LAUGHS)]
    return b"\n".join(lines)


def _flate(times: int) -> bytes:
    """Return a page whose content unpacks to 100 MB; packed piece by piece, so that building it needs little memory."""
    packer = zlib.compressobj(9)
    data = packer.compress(b"BT (x) Tj ET ")
    data += b"".join(packer.compress(b" " * 1_000_000) for _ in range(100)) + packer.flush()
    for _ in range(times - 1):
        data = zlib.compress(data, 9)
    return made(CATALOG, TREE, PAGE, stream(data, f"/Filter [{'/FlateDecode ' * times}]"))


def _own_stream() -> bytes:
    """Return a PDF with an object stream that contains itself, behind a cross-reference stream."""
    held = stream("5 0 << /Type /ObjStm >>", "/Type /ObjStm /N 1 /First 4")
    objects = b"%%PDF-1.7\n5 0 obj\n%s\nendobj\n" % held
    table = stream(b"\2\0\5\0" * 7, "/Type /XRef /Size 7 /W [1 2 1] /Root 1 0 R")
    return objects + b"6 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF" % (table, len(objects))


_OF_ITSELF: Final = "/Resources << /XObject << /F 5 0 R >> >>"
_PDFS: Final[Mapping[str, Hostile]] = {
    "a PDF that swells": Hostile(lambda: _flate(1), "a.pdf", "too|cannot be parsed", heavy=True),
    "a PDF packed three times": Hostile(lambda: _flate(3), "a.pdf", "too|cannot be parsed", heavy=True),
    "a PDF whose pages are their own child": Hostile(
        lambda: made(CATALOG, TREE.replace("3", "2")), "a.pdf", "cannot be parsed|too"
    ),
    "a PDF of 50,000 pages": Hostile(
        lambda: made(CATALOG, f"<< /Type /Pages /Kids [{'3 0 R ' * _PAGES}] /Count {_PAGES} >>", PAGE, stream("")),
        "a.pdf",
        heavy=True,
    ),
    "a PDF with pages 3,000 levels down": Hostile(
        lambda: made(CATALOG, *(TREE.replace("3", str(n)) for n in range(3, 3001)), PAGE),
        "a.pdf",
        "too deeply|cannot be parsed",
    ),
    "a PDF whose object stream holds itself": Hostile(_own_stream, "a.pdf", "cannot be parsed|too"),
    "a PDF whose form shows itself": Hostile(
        lambda: made(
            *(CATALOG, TREE, PAGE.replace("/Resources << >>", _OF_ITSELF), stream("/F Do")),
            stream("/F Do /F Do", FORM.replace("/Resources", _OF_ITSELF)),
        ),
        "a.pdf",
    ),
    "a PDF cut short": Hostile(lambda: b"%PDF-1.7\n1 0 obj\n<< /Type", "a.pdf", "cannot be parsed"),
}


def _page(inner: Callable[[], bytes], error: str = "", *, heavy: bool = False, last: str = "") -> Hostile:
    """Return a page that begins with a sentence, and must be read up to the `last` words unless there is an `error`."""
    text = "" if error else last or "It reads mail."
    return Hostile(lambda: b"<html><body><p>It reads mail.</p>" + inner(), "a.html", error, text, heavy)


_HTML: Final[Mapping[str, Hostile]] = {
    "200,000 attributes on one tag": _page(
        lambda: b"<div " + b" ".join(b"a%d=1" % n for n in range(200_000)) + b">x</div>", "too many attributes"
    ),
    # A scan by quotation marks takes them for a value; the parser does not.
    "attributes behind an odd quotation mark": _page(
        lambda: b'<div x" ' + b" ".join(b"a%d=1" % n for n in _NUMBERS) + b' ">x</div>', "too (long|many)", heavy=True
    ),
    "200,000 nested tags": _page(lambda: b"<div>" * 200_000 + b"deep", "nested too deeply"),
    "600 nested tags": _page(lambda: b"<div>" * 600 + b"deep words", last="deep words"),
    "300,000 cells": _page(
        lambda: b"<table>" + (b"<tr>" + b"<td>x</td>" * 300 + b"</tr>") * 1000 + b"</table>", heavy=True
    ),
    "a row of 300,000 cells": _page(lambda: b"<table><tr>" + b"<td>x</td>" * 300_000, heavy=True),
    "a text of 20 MB": _page(lambda: b"<p>" + b"word and " * 2_200_000, last="word and word", heavy=True),
    "a word of 11 MB": _page(lambda: b"<p>" + b"x" * 11_000_000, last="xxxxx", heavy=True),
    "3,000,000 entities": _page(lambda: b"<p>one " + b"&amp;" * 3_000_000 + b" two", last="one &", heavy=True),
    "100,000 links": _page(
        lambda: b"".join(b"<p><a href=/p%d>link %d</a></p>" % (number, number) for number in _NUMBERS), heavy=True
    ),
    "an attribute of 3 MB": _page(lambda: b"<p title='" + b"x y " * 750_000 + b"'>last words", last="last words"),
    "a style of 3 MB": _page(
        lambda: b"<p style='" + b"color:red;" * 300_000 + b"'>last words", last="last words", heavy=True
    ),
    "20,000 rules for 40,000 elements": _page(
        lambda: (
            b"<style>%s</style>" % b"".join(b".c%d div:not(.x) p{color:red}" % n for n in range(20_000))
            + b"<div><p class=c1>x</p></div>" * 20_000
        ),
        "took too long",
        heavy=True,
    ),
    "unclosed tags": _page(lambda: b"<p>x<b>" * 100_000, heavy=True),
    "a start tag without end": _page(lambda: b"<a" * 1_000_000),
    "NUL bytes within": _page(lambda: b"<p>last" + b" " * 5000 + b"\0words"),
    "billion laughs in HTML": Hostile(lambda: _laughs() + b"<html><p>It reads mail.</p>", "a.html", text="reads mail."),
    "a zip as HTML": Hostile(lambda: b"PK\x03\x04" + bytes(99), "a.html", "not a text document"),
    "NUL bytes in front": Hostile(lambda: b"<html>\0\0<p>words</p>", "a.html", "not a text document"),
    "UTF-16 without its mark": Hostile(
        lambda: "<html><body><p>It reads the mail of the team.</p></body></html>".encode("utf-16-le"),
        "a.html",
        text="It reads the mail",
    ),
    "UTF-7": Hostile(
        lambda: b"<html><body><p>Words.</p>+ADw-p+AD4-hidden+ADw-/p+AD4-", "a.html", text="+ADw-p", charset="utf-7"
    ),
    "Shift-JIS declared as UTF-8": Hostile(
        lambda: "<html><body><p>これはメールを読むエージェントです。管理者は権限を設定できます。".encode("shift-jis"),
        "a.html",
        text="メール",
        charset="utf-8",
    ),
    "a meta element against the header": Hostile(
        lambda: "<html><head><meta charset=koi8-r></head><body><p>Größe für Prüfer</p>".encode("latin-1"),
        "a.html",
        text="Größe für Prüfer",
        charset="iso-8859-1",
    ),
}
_DATA: Final[Mapping[str, Hostile]] = {
    "billion laughs": Hostile(_laughs, "a.xml", "declares entities"),
    "a feed": Hostile(lambda: b"<rss><x/></rss>", "a.xml", "not a sitemap"),
    "a sitemap of 50,001 addresses": Hostile(
        lambda: b"<urlset>%s</urlset>" % (b"<url><loc>https://a.example/</loc></url>" * 50_001), "a.xml", heavy=True
    ),
    "a sitemap that swells": Hostile(lambda: gzip.compress(bytes(60_000_000)), "a.xml.gz", "expands to more"),
    "deep JSON": Hostile(lambda: b"[" * 100_000, "a.json", "not valid JSON"),
    "deep JSON that closes": Hostile(lambda: b'{"a":' * 2000 + b"1" + b"}" * 2000, "a.json", "not valid JSON"),
    "JSON of a million values": Hostile(lambda: b"[" + b"1," * 999_999 + b"1]", "a.json", "expands to more"),
    "a number of a million digits": Hostile(lambda: b'{"a":' + b"9" * 1_000_000 + b"}", "a.json", "not valid JSON"),
    "no number at all": Hostile(lambda: b'{"a": NaN}', "a.json", "not valid JSON"),
    "aliases that multiply": Hostile(_aliases, "a.yaml", "expands to more"),
    "deep YAML": Hostile(lambda: b"[" * 5000, "a.yaml", "not valid YAML"),
    "YAML that makes an object": Hostile(
        lambda: b"a: !!python/object/apply:os.getcwd []\n", "a.yaml", "not valid YAML"
    ),
}
_MARKDOWN: Final[Mapping[str, Hostile]] = {
    "10,000 nested quotes": Hostile(lambda: b"> " * 10_000 + b"deep words\n", "a.md", text="deep words"),
    "10,000 nested lists": Hostile(lambda: b"- " * 10_000 + b"deep words\n", "a.md", text="deep words"),
    "100,000 links in Markdown": Hostile(lambda: b"[a](b) " * 100_000 + b"last", "a.md", text="last", heavy=True),
    "1,000,000 pictures that never end": Hostile(lambda: b"![" * 1_000_000, "a.md", "took too long", heavy=True),
    "Markdown of 2 MB": Hostile(
        lambda: (
            b"# One\n\nIt reads *mail* of%s.\n\n- `sends`\n\n" % (b" the team, and of others," * 8) * 7500 + b"last"
        ),
        "a.md",
        text="last",
        heavy=True,
    ),
    "tables in tables": Hostile(lambda: b"<table><tr><td>" * 5000 + b"\n\ndeep words\n", "a.md", text="deep words"),
    "a comment that never ends": Hostile(lambda: b"It reads.\n\n<!-- " + b"word " * 200_000, "a.md", text="It reads"),
}
DOCUMENTS: Final = {**_HTML, **_DATA, **_PDFS, **_MARKDOWN}
