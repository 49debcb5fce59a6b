"""Hand-built PDFs, small enough to read."""

from typing import Final

_SIZE: Final = (612, 792)
CATALOG: Final = "<< /Type /Catalog /Pages 2 0 R >>"
TREE: Final = "<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
PAGE: Final = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << >> >>"
FORM: Final = "/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources"


def made(*objects: str | bytes, trailer: str = "") -> bytes:
    """Return a PDF of the given objects, numbered from 1; the first is the catalogue."""
    body, offsets = b"%PDF-1.7\n", []
    for number, inner in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, _bytes(inner))
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{len(body)}\n%%EOF\n".encode()
    return body + b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table) + end


def stream(data: str | bytes, entries: str = "") -> bytes:
    """Return an object that contains a stream."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(_bytes(data)), entries.encode(), _bytes(data))


def document(content: str, *, info: str = "", xmp: str = "", extra: str = "", form: str = "") -> bytes:
    """Return a PDF of one page with `content` as its content stream, `info` as its title and `xmp` as its metadata
    packet.

    `extra` goes into the page's dictionary; `form` is the content of the form /Fm0. The layer /Off is switched off.
    """
    metadata = "/Metadata 7 0 R" if xmp else ""
    return made(
        f"<< /Type /Catalog /Pages 2 0 R {metadata} /OCProperties << /OCGs [9 0 R] /D << /OFF [9 0 R] >> >> >>",
        TREE,
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {_SIZE[0]} {_SIZE[1]}] /Contents 4 0 R {extra} "
        "/Resources << /Font << /F1 5 0 R >> /XObject << /Fm0 8 0 R >> "
        "/Properties << /Off 9 0 R >> /ExtGState << /G0 << /ca 0 /CA 0 >> >> >> >>",
        stream(content),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        f"<< /Title ({_escaped(info)}) >>",
        stream(xmp, "/Type /Metadata /Subtype /XML"),
        stream(form, f"{FORM} << /Font << /F1 5 0 R >> >>"),
        "<< /Type /OCG /Name (hidden) >>",
        trailer="/Info 6 0 R",
    )


def words(text: str, y: float = 700, *, x: float = 50, size: float = 11, before: str = "") -> str:
    """Return operators that write `text` as one line; `before` comes before the text-showing operator."""
    return f"BT /F1 {size} Tf {before} {x} {y} Td ({_escaped(text)}) Tj ET\n"


def pdf(said: str, hidden: str, case: str) -> bytes:
    """Return a paper that shows `said` to a reader and contains `hidden` in the way of one of the PDF cases."""
    shown = words("Quay Desk Agent: white paper", 740, size=18) + words(said, 700)
    ways = {
        "I100": words(hidden, 600, before="3 Tr"),
        "I101": words(hidden, 600) + "1 1 1 rg 40 590 560 30 re f\n0 g\n",
        "I102": "0.9 0.9 0.9 rg 40 590 560 30 re f\n" + words(hidden, 600) + "0 g\n",
    }
    if hidden and case in ways:
        return document(shown + ways[case])
    return document(shown, info=hidden)


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
