"""Documents made to hang, swell or mislead whoever parses them; each must end in a named error or a bounded result.

Nothing here is read from anywhere: every document is built when it is asked for, the largest has 20 MB.
"""

import gzip
import zlib
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

_LAUGHS: Final = 10
_PAGES: Final = 50_000
_UTF16: Final = "<html><body><p>It reads the mail of the team.</p></body></html>".encode("utf-16-le")


class Hostile(NamedTuple):
    """One document: how it is built, under which name it comes, and what it must end in."""

    build: Callable[[], bytes]
    name: str
    error: str = ""
    """Words of the error; empty when it must be read."""
    text: str = ""
    """Words that the reading must hold."""
    heavy: bool = False
    """True when reading it to its end takes more than half a second."""
    charset: str = ""
    """As the server declares it."""


def _in_body(inner: bytes) -> bytes:
    return b"<html><body><p>It reads mail.</p>" + inner


def _attributes() -> bytes:
    return _in_body(b"<div " + b" ".join(b"a%d=1" % number for number in range(200_000)) + b">x</div>")


def _odd_quotes() -> bytes:
    """Attributes that a scan by quotation marks takes for a value and the parser does not."""
    return _in_body(b'<div x" ' + b" ".join(b"a%d=1" % number for number in range(100_000)) + b' ">x</div>')


def _links() -> bytes:
    return _in_body(b"".join(b"<p><a href=/p%d>link %d</a></p>" % (number, number) for number in range(100_000)))


def _rules() -> bytes:
    sheet = b"".join(b".c%d div:not(.x) p{color:red}" % number for number in range(20_000))
    return b"<html><head><style>" + sheet + b"</style></head><body>" + b"<div><p class=c1>x</p></div>" * 20_000


def _laughs() -> bytes:
    names = [b"l%d" % number for number in range(_LAUGHS)]
    entities = b'<!ENTITY l0 "lol">' + b"".join(
        b'<!ENTITY %s "%s">' % (name, b"&%s;" % below * _LAUGHS) for below, name in pairwise(names)
    )
    return b'<?xml version="1.0"?><!DOCTYPE urlset [' + entities + b"]><urlset><url><loc>&l9;</loc></url></urlset>"


def _many_addresses() -> bytes:
    entry = b"<url><loc>https://a.example/%d</loc></url>"
    return b"<urlset>" + b"".join(entry % number for number in range(50_001)) + b"</urlset>"


def _aliases() -> bytes:
    lines = [b"a0: &a0 [" + b"x," * 9 + b"]"]
    lines += [b"a%d: &a%d [%s]" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, _LAUGHS)]
    return b"\n".join(lines)


def pdf(*objects: bytes) -> bytes:
    """A PDF of the given objects, numbered from 1; the first is the catalogue."""
    body, offsets = b"%PDF-1.7\n", []
    for number, inner in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, inner)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table) + end


def _stream(data: bytes, extra: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), extra, data)


_CATALOG: Final = b"<< /Type /Catalog /Pages 2 0 R >>"
_TREE: Final = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
_PAGE: Final = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << >> >>"


def _flate(times: int) -> bytes:
    """A page whose content unpacks to 100 MB; packed piece by piece, so that building it takes no memory."""
    packer = zlib.compressobj(9)
    data = packer.compress(b"BT (x) Tj ET ")
    data += b"".join(packer.compress(b" " * 1_000_000) for _ in range(100)) + packer.flush()
    for _ in range(times - 1):
        data = zlib.compress(data, 9)
    return pdf(_CATALOG, _TREE, _PAGE, _stream(data, b"/Filter [" + b"/FlateDecode " * times + b"]"))


def _own_child() -> bytes:
    return pdf(_CATALOG, b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>")


def _wide_tree() -> bytes:
    """Fifty thousand times the same page."""
    return pdf(_CATALOG, b"<< /Type /Pages /Kids [" + b"3 0 R " * _PAGES + b"] /Count 50000 >>", _PAGE, _stream(b""))


def _deep_tree() -> bytes:
    levels = 3000
    inner = [b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (number + 1) for number in range(2, levels)]
    return pdf(_CATALOG, *inner, b"<< /Type /Page /MediaBox [0 0 612 792] >>")


def _own_stream() -> bytes:
    """An object stream that holds itself, behind a cross-reference stream."""
    held = b"5 0 << /Type /ObjStm >>"
    table = b"".join(b"\2\0\5\0" for _ in range(7))
    objects = b"%%PDF-1.7\n5 0 obj\n%s\nendobj\n" % _stream(held, b"/Type /ObjStm /N 1 /First 4")
    entries = b"/Type /XRef /Size 7 /W [1 2 1] /Root 1 0 R"
    return objects + b"6 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF" % (_stream(table, entries), len(objects))


def _nested_forms() -> bytes:
    """A form that shows itself."""
    page = _PAGE.replace(b"/Resources << >>", b"/Resources << /XObject << /F 5 0 R >> >>")
    form = _stream(
        b"/F Do /F Do", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F 5 0 R >> >>"
    )
    return pdf(_CATALOG, _TREE, page, _stream(b"/F Do"), form)


_TABLE_ROW: Final = b"<tr>" + b"<td>x</td>" * 300 + b"</tr>"
DOCUMENTS: Final[Mapping[str, Hostile]] = {
    "200,000 attributes on one tag": Hostile(_attributes, "a.html", "too many attributes"),
    "attributes behind an odd quotation mark": Hostile(_odd_quotes, "a.html", "too (long|many)", heavy=True),
    "200,000 nested tags": Hostile(lambda: _in_body(b"<div>" * 200_000 + b"deep"), "a.html", "nested too deeply"),
    "600 nested tags": Hostile(lambda: _in_body(b"<div>" * 600 + b"deep words"), "a.html", text="deep words"),
    "300,000 cells": Hostile(
        lambda: _in_body(b"<table>" + _TABLE_ROW * 1000 + b"</table>"), "a.html", text="It reads mail.", heavy=True
    ),
    "a row of 300,000 cells": Hostile(
        lambda: _in_body(b"<table><tr>" + b"<td>x</td>" * 300_000), "a.html", text="It reads mail.", heavy=True
    ),
    "a text of 20 MB": Hostile(
        lambda: _in_body(b"<p>" + b"word and " * 2_200_000), "a.html", text="word and word", heavy=True
    ),
    "a word of 11 MB": Hostile(lambda: _in_body(b"<p>" + b"x" * 11_000_000), "a.html", text="xxxxx", heavy=True),
    "3,000,000 entities": Hostile(
        lambda: _in_body(b"<p>one " + b"&amp;" * 3_000_000 + b" two"), "a.html", text="one &", heavy=True
    ),
    "100,000 links": Hostile(_links, "a.html", text="It reads mail.", heavy=True),
    "an attribute of 3 MB": Hostile(
        lambda: _in_body(b"<p title='" + b"x y " * 750_000 + b"'>last words"), "a.html", text="last words"
    ),
    "a style of 3 MB": Hostile(
        lambda: _in_body(b"<p style='" + b"color:red;" * 300_000 + b"'>last words"),
        "a.html",
        text="last words",
        heavy=True,
    ),
    "20,000 rules for 40,000 elements": Hostile(_rules, "a.html", "took too long", heavy=True),
    "unclosed tags": Hostile(lambda: _in_body(b"<p>x<b>" * 100_000), "a.html", text="It reads mail.", heavy=True),
    "a start tag without end": Hostile(lambda: _in_body(b"<a" * 1_000_000), "a.html", text="It reads mail."),
    "billion laughs": Hostile(_laughs, "a.xml", "declares entities"),
    "billion laughs in HTML": Hostile(lambda: _laughs() + _in_body(b""), "a.html", text="It reads mail."),
    "a sitemap of 50,001 addresses": Hostile(_many_addresses, "a.xml", heavy=True),
    "a sitemap that swells": Hostile(lambda: gzip.compress(bytes(60_000_000)), "a.xml.gz", "expands to more"),
    "deep JSON": Hostile(lambda: b"[" * 100_000, "a.json", "not valid JSON"),
    "deep JSON that closes": Hostile(lambda: b'{"a":' * 2000 + b"1" + b"}" * 2000, "a.json", "not valid JSON"),
    "JSON of a million values": Hostile(lambda: b"[" + b"1," * 999_999 + b"1]", "a.json", "expands to more"),
    "a number of a million digits": Hostile(lambda: b'{"a":' + b"9" * 1_000_000 + b"}", "a.json", "not valid JSON"),
    "aliases that multiply": Hostile(_aliases, "a.yaml", "expands to more"),
    "deep YAML": Hostile(lambda: b"[" * 5000, "a.yaml", "not valid YAML"),
    "YAML that makes an object": Hostile(
        lambda: b"a: !!python/object/apply:os.getcwd []\n", "a.yaml", "not valid YAML"
    ),
    "a PDF that swells": Hostile(lambda: _flate(1), "a.pdf", "too|cannot be parsed", heavy=True),
    "a PDF packed three times": Hostile(lambda: _flate(3), "a.pdf", "too|cannot be parsed", heavy=True),
    "a PDF whose pages are their own child": Hostile(_own_child, "a.pdf", "cannot be parsed|too"),
    "a PDF of 50,000 pages": Hostile(_wide_tree, "a.pdf", heavy=True),
    "a PDF with pages 3,000 levels down": Hostile(_deep_tree, "a.pdf", "too deeply|cannot be parsed"),
    "a PDF whose object stream holds itself": Hostile(_own_stream, "a.pdf", "cannot be parsed|too"),
    "a PDF whose form shows itself": Hostile(_nested_forms, "a.pdf"),
    "a PDF cut short": Hostile(lambda: b"%PDF-1.7\n1 0 obj\n<< /Type", "a.pdf", "cannot be parsed"),
    "10,000 nested quotes": Hostile(lambda: b"> " * 10_000 + b"deep words\n", "a.md", text="deep words"),
    "10,000 nested lists": Hostile(lambda: b"- " * 10_000 + b"deep words\n", "a.md", text="deep words"),
    "100,000 links in Markdown": Hostile(
        lambda: b"[a](b) " * 100_000 + b"last words", "a.md", text="last words", heavy=True
    ),
    "1,000,000 pictures that never end": Hostile(lambda: b"![" * 1_000_000, "a.md", "took too long", heavy=True),
    "Markdown of 2 MB": Hostile(
        lambda: (
            (b"# One\n\nIt reads *mail* " + b"of the team, and of others, " * 8 + b".\n\n- `sends`\n\n") * 7500
            + b"last words"
        ),
        "a.md",
        text="last words",
        heavy=True,
    ),
    "tables in tables": Hostile(lambda: b"<table><tr><td>" * 5000 + b"\n\ndeep words\n", "a.md", text="deep words"),
    "a comment that never ends": Hostile(
        lambda: b"It reads mail.\n\n<!-- " + b"word " * 200_000, "a.md", text="It reads"
    ),
    "a zip as HTML": Hostile(lambda: b"PK\x03\x04" + bytes(99), "a.html", "not a text document"),
    "NUL bytes in front": Hostile(lambda: b"<html>\0\0<p>words</p>", "a.html", "not a text document"),
    "NUL bytes within": Hostile(
        lambda: _in_body(b"<p>last" + b" " * 5000 + b"\0words"), "a.html", text="It reads mail."
    ),
    "UTF-16 without its mark": Hostile(lambda: _UTF16, "a.html", text="It reads the mail"),
    "UTF-7": Hostile(
        lambda: b"<html><body><p>Words.</p>+ADw-p+AD4-hidden+ADw-/p+AD4-", "a.html", text="+ADw-p", charset="utf-7"
    ),
    "Shift-JIS declared as UTF-8": Hostile(
        lambda: "<html><body><p>これはメールを読むエージェントです。管理者は権限を設定できます。</p>".encode(
            "shift-jis"
        ),
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
