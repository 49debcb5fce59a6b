"""PDFs built by hand, small enough to read: one page, one font, and a content stream that a test writes."""

from typing import Final

_SIZE: Final = (612, 792)


def document(content: str, *, info: str = "", xmp: str = "", extra: str = "", form: str = "") -> bytes:
    """A PDF of one page with `content` as its content stream, `info` as its title and `xmp` as its metadata packet.

    `extra` goes into the page's dictionary; `form` is the content of the form /Fm0. The layer /Off is switched off.
    """
    catalog = (
        "<< /Type /Catalog /Pages 2 0 R"
        + (" /Metadata 7 0 R" if xmp else "")
        + " /OCProperties << /OCGs [9 0 R] /D << /OFF [9 0 R] >> >> >>"
    )
    objects = [
        catalog,
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {_SIZE[0]} {_SIZE[1]}] /Contents 4 0 R {extra} "
        "/Resources << /Font << /F1 5 0 R >> /XObject << /Fm0 8 0 R >> "
        "/Properties << /Off 9 0 R >> /ExtGState << /G0 << /ca 0 /CA 0 >> >> >> >>",
        _stream(content),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        f"<< /Title ({_escaped(info)}) >>",
        _stream(xmp, "/Type /Metadata /Subtype /XML"),
        _stream(
            form,
            f"/Type /XObject /Subtype /Form /BBox [0 0 {_SIZE[0]} {_SIZE[1]}] /Resources << /Font << /F1 5 0 R >> >>",
        ),
        "<< /Type /OCG /Name (hidden) >>",
    ]
    body, offsets = b"%PDF-1.7\n", []
    for number, text in enumerate(objects, 1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{text}\nendobj\n".encode("latin-1")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    start = len(body)
    body += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}".encode()
    body += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 6 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return body


def words(text: str, y: float = 700, *, x: float = 50, size: float = 11, before: str = "", after: str = "") -> str:
    """Operators that write `text` as one line; `before` and `after` stand around its showing."""
    return f"BT /F1 {size} Tf {before} {x} {y} Td ({_escaped(text)}) Tj {after} ET\n"


def pdf(said: str, hidden: str, case: str) -> bytes:
    """A paper that says `said` to a reader and holds `hidden` in the way of one of the PDF cases."""
    shown = words("Quay Desk Agent: white paper", 740, size=18) + words(said, 700)
    if not hidden:
        return document(shown)
    if case == "I100":
        return document(shown + words(hidden, 600, before="3 Tr"))
    if case == "I101":
        return document(shown + words(hidden, 600) + "1 1 1 rg 40 590 560 30 re f\n0 g\n")
    if case == "I102":
        return document(shown + "0.9 0.9 0.9 rg 40 590 560 30 re f\n" + words(hidden, 600) + "0 g\n")
    return document(shown, info=hidden)


def _stream(content: str, entries: str = "") -> str:
    return f"<< /Length {len(content.encode('latin-1'))} {entries} >>\nstream\n{content}\nendstream"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
