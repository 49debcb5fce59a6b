"""A PDF as blocks, page by page, with pypdf. Imported by the parsing child.

Text that a reader does not see (`pdf_paint`) is taken out and reported; a page that has a picture and only such text is
a scan with recognised text behind its picture, and keeps it.
"""

import io
import re
from typing import TYPE_CHECKING, Any, Final

from agent.intake.pages import instructions
from agent.intake.pages.page import MAX_EXCERPT, Block, Page, Removed
from agent.intake.pages.pdf_paint import Box, Operation, Painting, inside

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

_SHOWS: Final = frozenset({b"Tj", b"TJ", b"'", b'"'})
_MAX_PAGES: Final = 300
_MIN_SIZE: Final = 1.5
_WORTH_WORDS: Final = 4
_BULLET: Final = re.compile(r"\s*(?:[•●▪◦‣·∙]|[-–*]\s)\s*(.+)")
_CONTINUES: Final = re.compile(r"[a-z(\d]")
_ENDS: Final = re.compile(r"[.!?:;]['\"”)]?$")
_HEADING_WORDS: Final = 10
_HEADING_FACTOR: Final = 1.15
_MAX_PACKET: Final = 200_000
_MAX_NOTES: Final = 200
_MAX_FORMS: Final = 3
_TAGS: Final = re.compile(r"<[^<>]*>")
_BARRED: Final = "text that is not painted"


_Dictionary = Any
"""A dictionary of a PDF, whose values pypdf gives without types."""


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


def _read_page(page: "PageObject", off: frozenset[int]) -> tuple[_Collector, str]:
    """The lines of a page that a reader sees, and why the text in its `hidden` is not among them."""
    from pypdf.generic import NameObject

    content = page.get_contents()
    collector = _Collector()
    if content is None:
        return collector, ""
    painting = _painting(page, off)
    painting.read(content.operations)
    collector.hidden.extend(_clean_forms(page, page, painting, off, 0))
    if not painting.unseen:
        page.extract_text(visitor_text=collector.text)
        return collector, "text too small to read"
    whole = content.operations
    page[NameObject("/Contents")] = content
    content.operations = _without(whole, frozenset(painting.unseen))
    page.extract_text(visitor_text=collector.text)
    scan = painting.pictures and not any(line.text.strip() for line in collector.lines)
    if scan and set(painting.unseen.values()) == {_BARRED}:
        # Its recognised text is all that there is.
        content.operations = whole
        page.extract_text(visitor_text=collector.text)
        return collector, ""
    rest = _Collector()
    kept = frozenset(i for i, (_, operator) in enumerate(whole) if operator in _SHOWS and i not in painting.unseen)
    content.operations = _without(whole, kept)
    page.extract_text(visitor_text=rest.text)
    collector.hidden.extend((*rest.hidden, *(line.text for line in rest.lines)))
    return collector, next(iter(painting.unseen.values()))


def _clean_forms(
    page: "PageObject", owner: _Dictionary, painting: Painting, off: frozenset[int], depth: int
) -> list[str]:
    """Take unseen text out of the forms that a page shows; that text, decoded as well as it goes."""
    from pypdf.generic import ContentStream

    objects = _dictionary(_dictionary(owner, "/Resources"), "/XObject")
    taken: list[str] = []
    for name, call in dict(painting.calls).items():
        form: Any = objects[name].get_object()
        content = ContentStream(form, page.pdf)
        inner = _painting(page, off, form if "/Resources" in form else owner)
        inner.read(content.operations, inside(call, list(form.get("/Matrix", ()))))
        for index in inner.unseen:
            shown = content.operations[index][0][-1]
            parts = shown if isinstance(shown, list) else [shown]
            taken.append(" ".join(str(part) for part in parts if isinstance(part, str)))
        if depth < _MAX_FORMS:
            taken.extend(_clean_forms(page, form if "/Resources" in form else owner, inner, off, depth + 1))
        if inner.unseen:
            content.operations = _without(content.operations, frozenset(inner.unseen))
            form.set_data(content.get_data())
    return taken


def _without(operations: list[Operation], taken: frozenset[int]) -> list[Operation]:
    return [operation for index, operation in enumerate(operations) if index not in taken]


def _painting(page: "PageObject", off: frozenset[int], owner: _Dictionary = None) -> Painting:
    """A page's box and those of its resources that decide what is seen."""
    box = page.cropbox
    edges = Box(float(box.left), float(box.bottom), float(box.right), float(box.top))
    resources = _dictionary(page if owner is None else owner, "/Resources")
    alphas = {}
    for name, state in _dictionary(resources, "/ExtGState").items():
        value = _object(state).get("/ca") or 0.0 if "/ca" in _object(state) else 1.0
        alphas[str(name)] = float(str(value))
    forms = {
        str(name)
        for name, item in _dictionary(resources, "/XObject").items()
        if _object(item).get("/Subtype") != "/Image"
    }
    layers = {
        str(name)
        for name, item in _dictionary(resources, "/Properties").items()
        if _number(resources["/Properties"].raw_get(name)) in off or _switched_off(_object(item), off)
    }
    return Painting(edges, alphas, frozenset(forms), frozenset(layers))


def _object(value: _Dictionary) -> _Dictionary:
    found = value.get_object() if hasattr(value, "get_object") else value
    return found if isinstance(found, dict) else {}


def _dictionary(owner: _Dictionary, key: str) -> _Dictionary:
    return _object(owner.get(key)) if owner.get(key) is not None else {}


def _number(reference: _Dictionary) -> int:
    return int(getattr(reference, "idnum", -1))


def _switched_off(group: _Dictionary, off: frozenset[int]) -> bool:
    """Whether the members of a membership dictionary are all off."""
    members = group.get("/OCGs")
    if members is None:
        return False
    listed = members if isinstance(members, list) else [members]
    numbers = [_number(member) for member in listed]
    return bool(numbers) and all(number in off for number in numbers)


def _layers_off(reader: "PdfReader") -> frozenset[int]:
    """Object numbers of the layers that are switched off when the document is opened."""
    properties = _dictionary(reader.root_object, "/OCProperties")
    settings = _dictionary(properties, "/D")
    off = {_number(reference) for reference in settings.get("/OFF", ())}
    if settings.get("/BaseState") == "/OFF":
        on = {_number(reference) for reference in settings.get("/ON", ())}
        off |= {_number(reference) for reference in properties.get("/OCGs", ())} - on
    return frozenset(off)


def _beside(reader: "PdfReader") -> list[tuple[str, str]]:
    """Place and words of what a PDF says outside its pages: metadata, its packet of XMP, remarks, attachments."""
    said = [("metadata of the PDF", str(value)) for value in (reader.metadata or {}).values()]
    packet = _dictionary_stream(reader.root_object, "/Metadata")
    said.append(("metadata packet of the PDF", " ".join(_TAGS.sub(" ", packet[:_MAX_PACKET]).split())))
    said.extend(("the name of an attachment", name) for name in list(reader.attachments)[:_MAX_NOTES])
    for number, page in enumerate(reader.pages[:_MAX_PAGES], 1):
        for note in list(page.get("/Annots") or ())[:_MAX_NOTES]:
            fields = _object(note)
            said.extend((f"a remark on page {number}", str(fields[key])) for key in _NOTES if key in fields)
    return said


_NOTES: Final = ("/Contents", "/T", "/TU", "/V", "/RC")


def _dictionary_stream(owner: _Dictionary, key: str) -> str:
    stream = owner.get(key)
    found = stream.get_object() if stream is not None else None
    return found.get_data().decode("utf-8", "replace") if found is not None and hasattr(found, "get_data") else ""


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
        title = str(reader.metadata.title or "") if reader.metadata else ""
        removed.extend(
            Removed("hidden-text", where, words[:MAX_EXCERPT])
            for where, words in _beside(reader)
            if instructions.find(words)
        )
        off = _layers_off(reader)
        for number, page in enumerate(reader.pages[:_MAX_PAGES], 1):
            collector, reason = _read_page(page, off)
            hidden = " ".join(" ".join(collector.hidden).split())
            if len(hidden.split()) >= _WORTH_WORDS or instructions.find(hidden):
                removed.append(Removed("hidden-text", f"page {number}: {reason}", hidden[:MAX_EXCERPT]))
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
