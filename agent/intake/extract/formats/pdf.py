"""Reads a PDF as blocks, page by page, with pypdf. Imported by the parsing child.

Text that a reader does not see is removed and reported. The exception is a page with a picture and only invisible text:
such a page is a scan with recognised text behind its picture, so the text is kept.

Visibility follows a small part of the painting model: matrices, fill colour and opacity, text rendering mode,
rectangles and pictures in painting order, layers that are switched off. A run of text is judged at its start and its
approximate end; glyph shapes and patterns are ignored.
"""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agent.intake.hidden import instructions
from agent.intake.hidden.colours import BLACK, WHITE, Colour, over, same
from agent.intake.page import MAX_EXCERPT, Block, Page, Removed

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

_Operand = Any
"""A number, name, string or array, as pypdf returns it."""
Operation = tuple[Any, bytes]
"""Operands and operator, as pypdf returns them."""
Matrix = tuple[float, float, float, float, float, float]

_FILLS: Final = frozenset({b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*"})
_ENDS_PATH: Final = frozenset({b"S", b"s", b"n"}) | _FILLS
_UNPAINTED: Final = frozenset({3, 7})
_STROKED: Final = frozenset({1, 5})
_FAINT: Final = 0.1
_GLYPH: Final = 0.5
"""Average width of a letter as a fraction of its size."""
_UNIT: Final[Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_SLACK: Final = 2.0
_MAX_BOXES: Final = 5000
_MAX_SAVED: Final = 200
_MAX_CALLS: Final = 50
_MAX_GROUND: Final = 200
_GRAY, _RGB, _CMYK = 1, 3, 4
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
"""A PDF dictionary, whose values pypdf returns untyped."""


class Box(NamedTuple):
    """A rectangle in page coordinates."""

    left: float
    bottom: float
    right: float
    top: float

    def holds(self, x: float, y: float) -> bool:
        """Return whether a point lies in the rectangle."""
        return self.left <= x <= self.right and self.bottom <= y <= self.top


@dataclass(frozen=True)
class _State:
    ctm: Matrix = _UNIT
    fill: Colour | None = BLACK
    stroke: Colour | None = BLACK
    alpha: float = 1.0
    mode: int = 0
    size: float = 1.0
    leading: float = 0.0
    scale: float = 1.0
    clip: Box | None = None


class _Painted(NamedTuple):
    box: Box
    paint: Colour | None
    """Fill colour; None for a picture or a pattern."""
    order: int


class Call(NamedTuple):
    """The graphics state in which a form is drawn, and what was painted before it."""

    state: _State
    ground: tuple[_Painted, ...]


class _Run(NamedTuple):
    at: int
    start: tuple[float, float]
    end: tuple[float, float]
    ink: Colour | None
    reason: str


@dataclass
class Painting:
    """One page or form while being read; `unseen` maps the index of an operation to why its text is hidden."""

    page: Box
    alphas: Mapping[str, float] = field(default_factory=dict)
    """Opacity by name of the graphics state."""
    forms: frozenset[str] = frozenset()
    """Names of external objects that are not pictures."""
    off: frozenset[str] = frozenset()
    """Names of marked content whose layer is switched off."""
    pictures: int = 0
    unseen: dict[int, str] = field(default_factory=dict)
    calls: list[tuple[str, "Call"]] = field(default_factory=list)
    """Forms drawn by the operations, by name."""

    def read(self, operations: Sequence[Operation], call: "Call | None" = None) -> None:
        """Judge all operations that show text; a form starts from the state of its `call`."""
        self._state = call.state if call else _State()
        self._saved: list[_State] = []
        self._text: Matrix = _UNIT
        self._line: Matrix = _UNIT
        self._path: list[Box] = []
        self._boxes: list[_Painted] = [painted._replace(order=-1) for painted in call.ground] if call else []
        self._runs: list[_Run] = []
        self._layers: list[bool] = []
        self._clips = False
        for index, (operands, operator) in enumerate(operations):
            try:
                self._step(index, list(operands) if isinstance(operands, list | tuple) else [], operator)
            except (TypeError, ValueError, IndexError, AttributeError):
                # An operation with invalid operands paints nothing.
                continue
        for run in self._runs:
            reason = run.reason or self._hidden(run)
            if reason:
                self.unseen[run.at] = reason

    def _step(self, index: int, operands: list[_Operand], operator: bytes) -> None:
        state = self._state
        if operator == b"q":
            if len(self._saved) < _MAX_SAVED:
                self._saved.append(state)
        elif operator == b"Q":
            self._state = self._saved.pop() if self._saved else state
        elif operator == b"cm":
            self._state = replace(state, ctm=_times(_matrix(operands), state.ctm))
        elif operator == b"gs":
            self._state = replace(state, alpha=self.alphas.get(str(operands[0]), state.alpha))
        elif operator in (b"BDC", b"BMC"):
            name = str(operands[1]) if len(operands) > 1 else ""
            self._layers.append(bool(operands) and str(operands[0]) == "/OC" and name in self.off)
        elif operator == b"EMC":
            if self._layers:
                self._layers.pop()
        elif operator in _SHOWS:
            self._show(index, operands, operator)
        else:
            self._colours(operands, operator)
            self._texts(operands, operator)
            self._paths(index, operands, operator)

    def _colours(self, operands: list[_Operand], operator: bytes) -> None:
        if operator in (b"g", b"rg", b"k", b"sc", b"scn", b"cs"):
            self._state = replace(self._state, fill=_colour(operands, operator == b"cs"))
        elif operator in (b"G", b"RG", b"K", b"SC", b"SCN", b"CS"):
            self._state = replace(self._state, stroke=_colour(operands, operator == b"CS"))

    def _texts(self, operands: list[_Operand], operator: bytes) -> None:
        if operator == b"BT":
            self._text = self._line = _UNIT
        elif operator == b"Tf":
            self._state = replace(self._state, size=float(operands[1]))
        elif operator == b"Tr":
            self._state = replace(self._state, mode=int(float(operands[0])))
        elif operator == b"TL":
            self._state = replace(self._state, leading=float(operands[0]))
        elif operator == b"Tz":
            self._state = replace(self._state, scale=float(operands[0]) / 100)
        elif operator == b"Tm":
            self._text = self._line = _matrix(operands)
        elif operator in (b"Td", b"TD"):
            if operator == b"TD":
                self._state = replace(self._state, leading=-float(operands[1]))
            self._advance(float(operands[0]), float(operands[1]))
        elif operator == b"T*":
            self._advance(0.0, -self._state.leading)

    def _paths(self, index: int, operands: list[_Operand], operator: bytes) -> None:
        if operator == b"re":
            x, y, width, height = (float(number) for number in operands[:4])
            self._path.append(_box(self._state.ctm, x, y, x + width, y + height))
        elif operator in (b"m", b"l"):
            self._path.append(_box(self._state.ctm, *[float(number) for number in operands[:2]] * 2))
        elif operator in (b"W", b"W*"):
            self._clips = True
        elif operator in _ENDS_PATH:
            if operator in _FILLS:
                self._paint(_areas(self._path), self._state.fill, index)
            if self._clips and self._path:
                self._state = replace(self._state, clip=_areas(self._path)[0])
            self._path, self._clips = [], False
        elif operator == b"sh":
            self._paint([self.page], None, index)
        elif operator == b"Do" and str(operands[0]) in self.forms:
            if len(self.calls) < _MAX_CALLS:
                self.calls.append((str(operands[0]), Call(self._state, tuple(self._boxes[-_MAX_GROUND:]))))
        elif operator in (b"INLINE IMAGE", b"Do"):
            self.pictures += 1
            self._paint([_box(self._state.ctm, 0.0, 0.0, 1.0, 1.0)], None, index)

    def _paint(self, boxes: Sequence[Box], paint: Colour | None, index: int) -> None:
        if self._state.alpha < 1.0 - _FAINT or any(self._layers):
            return
        for box in boxes:
            if len(self._boxes) < _MAX_BOXES:
                self._boxes.append(_Painted(box, paint, index))

    def _advance(self, x: float, y: float) -> None:
        self._line = _times((1.0, 0.0, 0.0, 1.0, x, y), self._line)
        self._text = self._line

    def _show(self, index: int, operands: list[_Operand], operator: bytes) -> None:
        if operator in (b"'", b'"'):
            self._advance(0.0, -self._state.leading)
        state = self._state
        text = operands[-1]
        parts = text if isinstance(text, list) else [text]
        count = sum(len(part) for part in parts if isinstance(part, str | bytes))
        space = _times(self._text, state.ctm)
        width = count * _GLYPH * state.size * state.scale
        start, end = _point(space, 0.0, state.size * _GLYPH / 2), _point(space, width, state.size * _GLYPH / 2)
        height = abs(state.size) * max(abs(space[2]), abs(space[3]), 0.0)
        self._text = _times((1.0, 0.0, 0.0, 1.0, width, 0.0), self._text)
        if not count:
            return
        ink = state.stroke if state.mode in _STROKED else state.fill
        reason = ""
        if any(self._layers):
            reason = "a layer that is switched off"
        elif state.mode in _UNPAINTED:
            reason = "text that is not painted"
        elif state.alpha <= _FAINT:
            reason = "text that is see-through"
        elif height < _MIN_SIZE or abs(state.scale) < _FAINT / 2:
            reason = "text too small to read"
        elif not _meets(self.page, start, end):
            reason = "text beyond the page"
        elif state.clip is not None and not _meets(state.clip, start, end):
            reason = "text that is clipped away"
        shade = ink if ink is None or state.alpha >= 1.0 else ink._replace(alpha=state.alpha)
        self._runs.append(_Run(index, start, end, shade, reason))

    def _hidden(self, run: _Run) -> str:
        """Return why a painted run is hidden: covered later, or in its background's colour; empty if it is visible."""
        middle = ((run.start[0] + run.end[0]) / 2, (run.start[1] + run.end[1]) / 2)
        ground: Colour | None = WHITE
        for painted in self._boxes:
            inside = [painted.box.holds(*point) for point in (run.start, middle)]
            if painted.order < run.at:
                if all(inside):
                    ground = painted.paint
            elif all(inside):
                return "text under an opaque shape"
        if run.ink is None or ground is None:
            return ""
        return "text in the colour of its background" if same(over(run.ink, ground), ground) else ""


def _meets(box: Box, start: tuple[float, float], end: tuple[float, float]) -> bool:
    wide = Box(box.left - _SLACK, box.bottom - _SLACK, box.right + _SLACK, box.top + _SLACK)
    left, right = sorted((start[0], end[0]))
    bottom, top = sorted((start[1], end[1]))
    return left <= wide.right and right >= wide.left and bottom <= wide.top and top >= wide.bottom


def _areas(path: Sequence[Box]) -> list[Box]:
    """Return the rectangles of a path and, if it consists of lines, the bounding box of its points."""
    boxes = [box for box in path if box.right > box.left or box.top > box.bottom]
    points = [box for box in path if box.right == box.left and box.top == box.bottom]
    if len(points) > 2:  # noqa: PLR2004  (two points enclose nothing)
        boxes.append(
            Box(
                min(p.left for p in points),
                min(p.bottom for p in points),
                max(p.right for p in points),
                max(p.top for p in points),
            )
        )
    return boxes or [Box(0.0, 0.0, 0.0, 0.0)]


def _colour(operands: Sequence[_Operand], begins: bool) -> Colour | None:
    """Return the colour given by the operands' number and values: black for a new colour space, None for a pattern."""
    if begins:
        return None if str(operands[0]) == "/Pattern" else BLACK
    numbers = [min(1.0, max(0.0, float(operand))) for operand in operands if not str(operand).startswith("/")]
    if len(numbers) == _GRAY and len(operands) == _GRAY:
        return _scaled(numbers * 3)
    if len(numbers) == _RGB:
        return _scaled(numbers)
    if len(numbers) == _CMYK:
        cyan, magenta, yellow, key = numbers
        return _scaled([(1 - part) * (1 - key) for part in (cyan, magenta, yellow)])
    return None


def _scaled(parts: Sequence[float]) -> Colour:
    red, green, blue = (part * WHITE.red for part in parts)
    return Colour(red, green, blue)


def inside(call: Call, matrix: Sequence[_Operand]) -> Call:
    """Return the call as seen inside the form, applying the form's own `matrix` first."""
    own = _matrix(matrix) if len(matrix) == len(_UNIT) else _UNIT
    return call._replace(state=replace(call.state, ctm=_times(own, call.state.ctm)))


def _matrix(operands: Sequence[_Operand]) -> Matrix:
    a, b, c, d, e, f = (float(operand) for operand in operands[:6])
    return a, b, c, d, e, f


def _times(first: Matrix, second: Matrix) -> Matrix:
    a, b, c, d, e, f = first
    g, h, i, j, k, m = second
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m


def _point(matrix: Matrix, x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def _box(matrix: Matrix, left: float, bottom: float, right: float, top: float) -> Box:
    corners = [_point(matrix, x, y) for x in (left, right) for y in (bottom, top)]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return Box(min(xs), min(ys), max(xs), max(ys))


class _Line:
    def __init__(self) -> None:
        self.text = ""
        self.size = 0.0


class _Collector:
    """Collector that joins text runs from pypdf into lines; text too small to read goes to `hidden`."""

    def __init__(self) -> None:
        self.lines: list[_Line] = [_Line()]
        self.hidden: list[str] = []

    def text(self, text: str, _cm: object, tm: list[float], _font: object, size: float | None) -> None:
        """Collect one run of text."""
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
    """Return the visible lines of a page, and the reason why the text in `hidden` was excluded."""
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
        # In a scan, the recognised text is the only text.
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
    """Remove hidden text from the forms that a page draws, and return that text, decoded as far as possible."""
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
    """Return a Painting with the page's box and the resources that affect visibility."""
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
    """Return whether all layers in a membership dictionary are switched off."""
    members = group.get("/OCGs")
    if members is None:
        return False
    listed = members if isinstance(members, list) else [members]
    numbers = [_number(member) for member in listed]
    return bool(numbers) and all(number in off for number in numbers)


def _layers_off(reader: "PdfReader") -> frozenset[int]:
    """Return the object numbers of the layers that are off when the document is opened."""
    properties = _dictionary(reader.root_object, "/OCProperties")
    settings = _dictionary(properties, "/D")
    off = {_number(reference) for reference in settings.get("/OFF", ())}
    if settings.get("/BaseState") == "/OFF":
        on = {_number(reference) for reference in settings.get("/ON", ())}
        off |= {_number(reference) for reference in properties.get("/OCGs", ())} - on
    return frozenset(off)


def _outside_pages(reader: "PdfReader") -> list[tuple[str, str]]:
    """Return the place and words of text outside the pages: metadata, XMP packet, annotations, attachment names."""
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
    """Read the first 300 pages of a PDF as blocks.

    Raises ValueError for an encrypted file, and in place of pypdf's own errors for a damaged file.
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
            for where, words in _outside_pages(reader)
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
    """Join lines into paragraphs; a short line in larger type becomes a heading, a bullet an item."""
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
