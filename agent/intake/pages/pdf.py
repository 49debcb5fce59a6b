"""A PDF as blocks, page by page, with pypdf. Imported by the parsing child.

Text in render mode 3 or smaller than a reader can see is taken out and reported; a page that has only such text is a
scan with recognised text behind its picture, and keeps it.
"""

import io
import re
from typing import TYPE_CHECKING, Any, Final

from agent.intake.pages import instructions
from agent.intake.pages.page import MAX_EXCERPT, Block, Page, Removed

if TYPE_CHECKING:
    from pypdf import PageObject

_Operation = tuple[Any, bytes]
"""Operands and operator, as pypdf gives them."""

_SHOWS: Final = frozenset({b"Tj", b"TJ", b"'", b'"'})
_MAX_PAGES: Final = 300
_MIN_SIZE: Final = 1.5
_INVISIBLE: Final = 3
_WORTH_WORDS: Final = 4
_BULLET: Final = re.compile(r"\s*(?:[•●▪◦‣·∙]|[-–*]\s)\s*(.+)")
_CONTINUES: Final = re.compile(r"[a-z(\d]")
_ENDS: Final = re.compile(r"[.!?:;]['\"”)]?$")
_HEADING_WORDS: Final = 10
_HEADING_FACTOR: Final = 1.15


class _Line:
    def __init__(self) -> None:
        self.text = ""
        self.size = 0.0


class _Collector:
    """Takes text runs from pypdf as lines; keeps apart what is too small to read."""

    def __init__(self) -> None:
        self.lines: list[_Line] = [_Line()]
        self.hidden: list[str] = []

    def text(self, text: str, _cm: object, tm: list[float], _font: object, size: float | None) -> None:
        """Take one run of text."""
        if not text:
            return
        seen = (size or 0.0) * (abs(tm[3]) or abs(tm[1]) or 1.0)
        if text.strip() and 0 < seen < _MIN_SIZE:
            self.hidden.append(text)
            return
        first, *more = text.split("\n")
        self._extend(first, seen)
        for part in more:
            self.lines.append(_Line())
            self._extend(part, seen)

    def _extend(self, text: str, size: float) -> None:
        line = self.lines[-1]
        line.text += text
        if text.strip():
            line.size = max(line.size, size)


def _read_page(page: "PageObject") -> _Collector:
    """The lines of a page without the text of render mode 3, which goes to `hidden`."""
    from pypdf.generic import NameObject

    content = page.get_contents()
    shown, unseen = _by_mode(content.operations) if content is not None else ([], [])
    collector = _Collector()
    if content is None or not unseen:
        page.extract_text(visitor_text=collector.text)
        return collector
    whole = content.operations
    content.operations = shown
    page[NameObject("/Contents")] = content
    page.extract_text(visitor_text=collector.text)
    if not any(line.text.strip() for line in collector.lines):
        # A scan: its recognised text is all that there is.
        content.operations = whole
        page.extract_text(visitor_text=collector.text)
        return collector
    rest = _Collector()
    content.operations = unseen
    page.extract_text(visitor_text=rest.text)
    collector.hidden.extend(line.text for line in rest.lines)
    return collector


def _by_mode(operations: list[_Operation]) -> tuple[list[_Operation], list[_Operation]]:
    """The operations without those that show text in render mode 3, and without those that show it in another."""
    shown: list[_Operation] = []
    unseen: list[_Operation] = []
    mode = 0
    saved: list[int] = []
    found = False
    for operands, operator in operations:
        if operator == b"q":
            saved.append(mode)
        elif operator == b"Q" and saved:
            mode = saved.pop()
        elif operator == b"Tr" and operands:
            mode = int(float(str(operands[0])))
        if operator not in _SHOWS or mode != _INVISIBLE:
            shown.append((operands, operator))
        if operator not in _SHOWS or mode == _INVISIBLE:
            unseen.append((operands, operator))
            found = found or operator in _SHOWS
    return shown, unseen if found else []


def read_pdf(body: bytes) -> Page:
    """The blocks of a PDF's first 300 pages.

    Raises what pypdf raises for a broken file, as ValueError; a locked file too.
    """
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    blocks: list[Block] = []
    removed: list[Removed] = []
    try:
        reader = PdfReader(io.BytesIO(body), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise ValueError("locked")
        metadata = {str(key): str(value) for key, value in (reader.metadata or {}).items()}
        title = metadata.get("/Title", "")
        for value in metadata.values():
            if instructions.find(value):
                removed.append(Removed("hidden-text", "metadata of the PDF", value[:MAX_EXCERPT]))
        for number, page in enumerate(reader.pages[:_MAX_PAGES], 1):
            collector = _read_page(page)
            hidden = " ".join(" ".join(collector.hidden).split())
            if len(hidden.split()) >= _WORTH_WORDS or instructions.find(hidden):
                removed.append(Removed("hidden-text", f"page {number}", hidden[:MAX_EXCERPT]))
            blocks.extend(_blocks(collector.lines))
    except PyPdfError as error:
        raise ValueError(type(error).__name__) from None
    return Page(title or (blocks[0].text if blocks else ""), tuple(blocks), (), tuple(removed))


def _blocks(lines: list[_Line]) -> list[Block]:
    """Lines joined to paragraphs; a short line in larger type is a heading, a bullet an item."""
    sizes = sorted(line.size for line in lines for _ in line.text.split())
    body = sizes[len(sizes) // 2] if sizes else 0.0
    found: list[Block] = []
    joins = False
    for line in lines:
        for text in (" ".join(part.split()) for part in line.text.split("\n")):
            if not text:
                joins = False
                continue
            bullet = _BULLET.fullmatch(text)
            if bullet:
                found.append(Block("item", bullet[1]))
            elif line.size > body * _HEADING_FACTOR and len(text.split()) <= _HEADING_WORDS:
                found.append(Block("heading", text, 2 if found else 1))
                joins = False
                continue
            elif joins and found and (_CONTINUES.match(text) or not _ENDS.search(found[-1].text)):
                found[-1] = found[-1]._replace(text=f"{found[-1].text} {text}")
            else:
                found.append(Block("paragraph", text))
            joins = True
    return found
