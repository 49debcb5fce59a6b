"""A PDF as blocks, page by page, with pypdf. Imported by the parsing child.

Text in render mode 3 or smaller than a reader can see is taken out and reported; a page that has only such text is a
scan with recognised text behind its picture, and keeps it.
"""

import io
import re
from typing import Final

from agent.intake import instructions
from agent.intake.page import MAX_EXCERPT, Block, Page, Removed

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
    """Takes text pieces from pypdf's visitors; keeps apart what cannot be seen."""

    def __init__(self) -> None:
        self.lines: list[_Line] = [_Line()]
        self.hidden: list[str] = []
        self._mode = 0

    def operand(self, operator: bytes, operands: list[object], *_: object) -> None:
        """Follow the text render mode."""
        if operator == b"Tr" and operands:
            self._mode = int(float(str(operands[0])))

    def text(self, text: str, _cm: object, tm: list[float], _font: object, size: float | None) -> None:
        """Take one run of text."""
        if not text:
            return
        seen = (size or 0.0) * (abs(tm[3]) or abs(tm[1]) or 1.0) if len(tm) > _INVISIBLE else size or 0.0
        if text.strip() and (self._mode == _INVISIBLE or 0 < seen < _MIN_SIZE):
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
            collector = _Collector()
            page.extract_text(visitor_operand_before=collector.operand, visitor_text=collector.text)
            hidden = " ".join(" ".join(collector.hidden).split())
            if hidden and not any(line.text.strip() for line in collector.lines):
                line = _Line()
                line.text = "\n".join(collector.hidden)
                collector.lines = [line]
            elif len(hidden.split()) >= _WORTH_WORDS:
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
