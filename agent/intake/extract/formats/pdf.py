"""Reads a PDF as blocks, page by page, with pypdf. Imported by the parsing child.

Text that a reader does not see is removed and reported. The exception is a page with a picture and only invisible text:
such a page is a scan with recognised text behind its picture, so the text is kept.

Visibility follows a small part of PDF's imaging model: matrices, fill colour and opacity, text rendering mode,
rectangles and pictures in painting order, layers that are switched off. A run of text is judged at its start and its
approximate end; glyph shapes and patterns are ignored.
"""

import io
import re
from collections.abc import Container, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agent.intake.hidden import instructions
from agent.intake.hidden.colours import BLACK, WHITE, Colour, over, same
from agent.intake.page import MAX_EXCERPT, Block, Page, Removed

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

_Pdf = Any
"""A PDF dictionary, array, name or number, which pypdf returns untyped."""
Operation = tuple[Any, bytes]
"""Operands and operator, as pypdf returns them."""
Matrix = tuple[float, float, float, float, float, float]
_Point = tuple[float, float]

_FILLS: Final = frozenset({b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*"})
_ENDS_PATH: Final = frozenset({b"S", b"s", b"n"}) | _FILLS
_SHOWS: Final = frozenset({b"Tj", b"TJ", b"'", b'"'})
_UNPAINTED: Final = frozenset({3, 7})
_STROKED: Final = frozenset({1, 5})
_FAINT: Final = 0.1
_GLYPH: Final = 0.5
"""Average width of a letter as a fraction of the font size."""
_UNIT: Final[Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_SLACK: Final = 2.0
_MAX_BOXES: Final = 5000
_MAX_SAVED: Final = 200
_MAX_CALLS: Final = 50
_MAX_GROUND: Final = 200
_GRAY, _RGB, _CMYK = 1, 3, 4
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
_NOTES: Final = ("/Contents", "/T", "/TU", "/V", "/RC")
_MAX_FORMS: Final = 3
_TAGS: Final = re.compile(r"<[^<>]*>")
_BARRED: Final = "text that is not painted"


class _Box(NamedTuple):
    """A rectangle in page coordinates."""

    left: float
    bottom: float
    right: float
    top: float

    def holds(self, x: float, y: float) -> bool:
        """Return whether a point lies in the rectangle."""
        return self.left <= x <= self.right and self.bottom <= y <= self.top

    def meets(self, start: _Point, end: _Point) -> bool:
        """Return whether a line of text comes near the rectangle."""
        left, right = sorted((start[0], end[0]))
        bottom, top = sorted((start[1], end[1]))
        across = left <= self.right + _SLACK and right >= self.left - _SLACK
        return across and bottom <= self.top + _SLACK and top >= self.bottom - _SLACK


class _State(NamedTuple):
    """The graphics state."""

    ctm: Matrix = _UNIT
    fill: Colour | None = BLACK
    stroke: Colour | None = BLACK
    alpha: float = 1.0
    mode: int = 0
    size: float = 1.0
    leading: float = 0.0
    scale: float = 1.0
    clip: _Box | None = None


class _Painted(NamedTuple):
    box: _Box
    paint: Colour | None
    """Fill colour; None for a picture or a pattern."""
    order: int


class _Run(NamedTuple):
    """A run of text: the index of its operation, its start and middle, its colour, and why it is hidden."""

    at: int
    start: _Point
    middle: _Point
    ink: Colour | None
    reason: str


class _Painting:
    """A page or form that is being read; `unseen` maps an operation's index to the reason why its text is hidden."""

    def __init__(self, page: "PageObject", off: frozenset[int], owner: _Pdf) -> None:
        """Store the page's box, the layers switched `off`, and the resources of `owner` that affect visibility."""
        box = page.cropbox
        self._page = _Box(float(box.left), float(box.bottom), float(box.right), float(box.top))
        resources = _dictionary(owner, "/Resources")
        self._alphas: dict[str, float] = {}
        for name, state in _dictionary(resources, "/ExtGState").items():
            value = _object(state).get("/ca") or 0.0 if "/ca" in _object(state) else 1.0
            self._alphas[str(name)] = float(str(value))
        objects = _dictionary(resources, "/XObject")
        self.forms = {str(name): form for name, form in objects.items() if _object(form).get("/Subtype") != "/Image"}
        self._off = {
            str(name)
            for name, item in _dictionary(resources, "/Properties").items()
            if _number(resources["/Properties"].raw_get(name)) in off or _switched_off(_object(item), off)
        }
        self.pictures = 0
        self.unseen: dict[int, str] = {}
        self.calls: list[tuple[str, tuple[_State, tuple[_Painted, ...]]]] = []
        """Forms drawn by the operations, by name, each with the graphics state and with what had been painted
        before."""

    def read(self, operations: Sequence[Operation], state: _State, ground: Sequence[_Painted] = ()) -> None:
        """Judge every operation that shows text.

        For a form, `state` and `ground` are the graphics state at its call and what had been painted by then.
        """
        self._state = state
        self._saved: list[_State] = []
        self._text = self._line = _UNIT
        self._path: list[_Box] = []
        self._boxes = [painted._replace(order=-1) for painted in ground]
        self._runs: list[_Run] = []
        self._layers: list[bool] = []
        self._clips = False
        for index, (operands, operator) in enumerate(operations):
            # An operation with invalid operands paints nothing.
            with suppress(TypeError, ValueError, IndexError, AttributeError):
                given = list(operands) if isinstance(operands, list | tuple) else []
                if operator in _SHOWS:
                    self._show(index, given, operator)
                else:
                    self._set(given, operator)
                    self._draw(index, given, operator)
        for run in self._runs:
            reason = run.reason or self._hidden(run)
            if reason:
                self.unseen[run.at] = reason

    def _set(self, operands: list[_Pdf], operator: bytes) -> None:
        """Apply an operator that changes the graphics state or the text position."""
        state, change = self._state, self._state._replace
        match operator:
            case b"q" if len(self._saved) < _MAX_SAVED:
                self._saved.append(state)
            case b"Q" if self._saved:
                self._state = self._saved.pop()
            case b"cm":
                self._state = change(ctm=_times(_matrix(operands), state.ctm))
            case b"gs":
                self._state = change(alpha=self._alphas.get(str(operands[0]), state.alpha))
            case b"BDC" | b"BMC":
                name = str(operands[1]) if len(operands) > 1 else ""
                self._layers.append(bool(operands) and str(operands[0]) == "/OC" and name in self._off)
            case b"EMC" if self._layers:
                self._layers.pop()
            case b"g" | b"rg" | b"k" | b"sc" | b"scn" | b"cs":
                self._state = change(fill=_colour(operands, operator == b"cs"))
            case b"G" | b"RG" | b"K" | b"SC" | b"SCN" | b"CS":
                self._state = change(stroke=_colour(operands, operator == b"CS"))
            case b"BT":
                self._text = self._line = _UNIT
            case b"Tf":
                self._state = change(size=float(operands[1]))
            case b"Tr":
                self._state = change(mode=int(float(operands[0])))
            case b"TL":
                self._state = change(leading=float(operands[0]))
            case b"Tz":
                self._state = change(scale=float(operands[0]) / 100)
            case b"Tm":
                self._text = self._line = _matrix(operands)
            case b"Td":
                self._advance(float(operands[0]), float(operands[1]))
            case b"TD":
                self._state = change(leading=-float(operands[1]))
                self._advance(float(operands[0]), float(operands[1]))
            case b"T*":
                self._advance(0.0, -state.leading)

    def _draw(self, index: int, operands: list[_Pdf], operator: bytes) -> None:
        """Apply an operator that draws or clips."""
        state = self._state
        if operator == b"re":
            x, y, width, height = (float(number) for number in operands[:4])
            self._path.append(_box(state.ctm, x, y, x + width, y + height))
        elif operator in (b"m", b"l"):
            self._path.append(_box(state.ctm, *[float(number) for number in operands[:2]] * 2))
        elif operator in (b"W", b"W*"):
            self._clips = True
        elif operator in _ENDS_PATH:
            if operator in _FILLS:
                self._paint(_areas(self._path), state.fill, index)
            if self._clips and self._path:
                self._state = state._replace(clip=_areas(self._path)[0])
            self._path, self._clips = [], False
        elif operator == b"sh":
            self._paint([self._page], None, index)
        elif operator == b"Do" and str(operands[0]) in self.forms:
            if len(self.calls) < _MAX_CALLS:
                self.calls.append((str(operands[0]), (state, tuple(self._boxes[-_MAX_GROUND:]))))
        elif operator in (b"INLINE IMAGE", b"Do"):
            self.pictures += 1
            self._paint([_box(state.ctm, 0.0, 0.0, 1.0, 1.0)], None, index)

    def _paint(self, boxes: Sequence[_Box], paint: Colour | None, index: int) -> None:
        if self._state.alpha >= 1.0 - _FAINT and not any(self._layers):
            room = max(0, _MAX_BOXES - len(self._boxes))
            self._boxes.extend(_Painted(box, paint, index) for box in boxes[:room])

    def _advance(self, x: float, y: float) -> None:
        self._text = self._line = _times((1.0, 0.0, 0.0, 1.0, x, y), self._line)

    def _show(self, index: int, operands: list[_Pdf], operator: bytes) -> None:
        state = self._state
        if operator in (b"'", b'"'):
            self._advance(0.0, -state.leading)
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
        reasons = {
            "a layer that is switched off": any(self._layers),
            _BARRED: state.mode in _UNPAINTED,
            "text that is see-through": state.alpha <= _FAINT,
            "text too small to read": height < _MIN_SIZE or abs(state.scale) < _FAINT / 2,
            "text beyond the page": not self._page.meets(start, end),
            "text that is clipped away": state.clip is not None and not state.clip.meets(start, end),
        }
        ink = state.stroke if state.mode in _STROKED else state.fill
        shade = ink if ink is None or state.alpha >= 1.0 else ink._replace(alpha=state.alpha)
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        self._runs.append(_Run(index, start, middle, shade, next((why for why in reasons if reasons[why]), "")))

    def _hidden(self, run: _Run) -> str:
        """Return why a painted run is hidden: covered later, or in its background's colour; empty if it is visible."""
        ground: Colour | None = WHITE
        for painted in self._boxes:
            if painted.box.holds(*run.start) and painted.box.holds(*run.middle):
                if painted.order >= run.at:
                    return "text under an opaque shape"
                ground = painted.paint
        if run.ink is None or ground is None:
            return ""
        return "text in the colour of its background" if same(over(run.ink, ground), ground) else ""


def _areas(path: Sequence[_Box]) -> list[_Box]:
    """Return the rectangles of a path and, if it consists of lines, the bounding box of its points."""
    boxes = [box for box in path if box.right > box.left or box.top > box.bottom]
    points = [box for box in path if box.right == box.left and box.top == box.bottom]
    if len(points) > 2:  # noqa: PLR2004  (two points enclose no area)
        xs, ys = [point.left for point in points], [point.bottom for point in points]
        boxes.append(_Box(min(xs), min(ys), max(xs), max(ys)))
    return boxes or [_Box(0.0, 0.0, 0.0, 0.0)]


def _colour(operands: Sequence[_Pdf], begins: bool) -> Colour | None:
    """Return the colour given by the operands' number and values: black for a new colour space, None for a pattern."""
    if begins:
        return None if str(operands[0]) == "/Pattern" else BLACK
    parts = [min(1.0, max(0.0, float(operand))) for operand in operands if not str(operand).startswith("/")]
    if len(parts) == _GRAY and len(operands) == _GRAY:
        parts *= 3
    elif len(parts) == _CMYK:
        parts = [(1 - part) * (1 - parts[3]) for part in parts[:3]]
    return Colour(*(part * WHITE.red for part in parts)) if len(parts) == _RGB else None


def _matrix(operands: Sequence[_Pdf]) -> Matrix:
    a, b, c, d, e, f = (float(operand) for operand in operands[:6])
    return a, b, c, d, e, f


def _times(first: Matrix, second: Matrix) -> Matrix:
    a, b, c, d, e, f = first
    g, h, i, j, k, m = second
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m


def _point(matrix: Matrix, x: float, y: float) -> _Point:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def _box(matrix: Matrix, left: float, bottom: float, right: float, top: float) -> _Box:
    corners = [_point(matrix, x, y) for x in (left, right) for y in (bottom, top)]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return _Box(min(xs), min(ys), max(xs), max(ys))


class _Collector:
    """Joins text runs from pypdf into lines with their type size; text too small to read goes to `hidden`."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, float]] = [("", 0.0)]
        self.hidden: list[str] = []

    def text(self, text: str, _cm: object, tm: list[float], _font: object, size: float | None) -> None:
        """Collect one run of text."""
        seen = (size or 0.0) * (abs(tm[3]) or abs(tm[1]) or 1.0)
        if text.strip() and 0 < seen < _MIN_SIZE:
            self.hidden.append(text)
            return
        for number, part in enumerate(text.split("\n")):
            said, largest = self.lines.pop() if number == 0 else ("", 0.0)
            self.lines.append((said + part, max(largest, seen) if part.strip() else largest))


def _read_page(page: "PageObject", off: frozenset[int]) -> tuple[_Collector, str]:
    """Return the visible lines of a page, and the reason why the text in `hidden` was excluded."""
    from pypdf.generic import NameObject

    content = page.get_contents()
    collector = _Collector()
    if content is None:
        return collector, ""
    painting = _Painting(page, off, page)
    painting.read(content.operations, _State())
    collector.hidden.extend(_clean_forms(page, page, painting, off, 0))
    if not painting.unseen:
        page.extract_text(visitor_text=collector.text)
        return collector, "text too small to read"
    whole = content.operations
    page[NameObject("/Contents")] = content
    content.operations = _without(whole, painting.unseen)
    page.extract_text(visitor_text=collector.text)
    scan = painting.pictures and not any(text.strip() for text, _ in collector.lines)
    if scan and set(painting.unseen.values()) == {_BARRED}:
        # In a scan, the recognised text is the only text.
        content.operations = whole
        page.extract_text(visitor_text=collector.text)
        return collector, ""
    rest = _Collector()
    kept = {i for i, (_, operator) in enumerate(whole) if operator in _SHOWS and i not in painting.unseen}
    content.operations = _without(whole, kept)
    page.extract_text(visitor_text=rest.text)
    collector.hidden.extend((*rest.hidden, *(text for text, _ in rest.lines)))
    return collector, next(iter(painting.unseen.values()))


def _clean_forms(
    page: "PageObject", owner: _Pdf, painting: _Painting, off: frozenset[int], depth: int
) -> Iterator[str]:
    """Remove hidden text from the forms that a page draws, and yield that text, decoded as far as possible."""
    from pypdf.generic import ContentStream

    for name, (state, ground) in dict(painting.calls).items():
        form: _Pdf = painting.forms[name].get_object()
        content = ContentStream(form, page.pdf)
        inner_owner = form if "/Resources" in form else owner
        inner = _Painting(page, off, inner_owner)
        matrix = list(form.get("/Matrix", ()))
        own = _matrix(matrix) if len(matrix) == len(_UNIT) else _UNIT
        inner.read(content.operations, state._replace(ctm=_times(own, state.ctm)), ground)
        for index in inner.unseen:
            shown = content.operations[index][0][-1]
            parts = shown if isinstance(shown, list) else [shown]
            yield " ".join(str(part) for part in parts if isinstance(part, str))
        if depth < _MAX_FORMS:
            yield from _clean_forms(page, inner_owner, inner, off, depth + 1)
        if inner.unseen:
            content.operations = _without(content.operations, inner.unseen)
            form.set_data(content.get_data())


def _without(operations: list[Operation], taken: Container[int]) -> list[Operation]:
    return [operation for index, operation in enumerate(operations) if index not in taken]


def _object(value: _Pdf) -> _Pdf:
    found = value.get_object() if hasattr(value, "get_object") else value
    return found if isinstance(found, dict) else {}


def _dictionary(owner: _Pdf, key: str) -> _Pdf:
    return _object(owner.get(key))


def _number(reference: _Pdf) -> int:
    return int(getattr(reference, "idnum", -1))


def _switched_off(group: _Pdf, off: frozenset[int]) -> bool:
    """Return whether all layers in a membership dictionary are switched off."""
    members = group.get("/OCGs")
    listed = members if isinstance(members, list) else [members]
    return bool(listed) and all(member is not None and _number(member) in off for member in listed)


def _layers_off(reader: "PdfReader") -> frozenset[int]:
    """Return the object numbers of the layers that are off when the document is opened."""
    properties = _dictionary(reader.root_object, "/OCProperties")
    settings = _dictionary(properties, "/D")
    off = {_number(reference) for reference in settings.get("/OFF", ())}
    if settings.get("/BaseState") == "/OFF":
        on = {_number(reference) for reference in settings.get("/ON", ())}
        off |= {_number(reference) for reference in properties.get("/OCGs", ())} - on
    return frozenset(off)


def _outside_pages(reader: "PdfReader") -> Iterator[tuple[str, str]]:
    """Yield the location and words of text outside the pages: metadata, XMP packet, annotations, attachment names."""
    for value in (reader.metadata or {}).values():
        yield "metadata of the PDF", str(value)
    stream = reader.root_object.get("/Metadata")
    packet: _Pdf = stream.get_object() if stream is not None else None
    if hasattr(packet, "get_data"):
        words = _TAGS.sub(" ", packet.get_data().decode("utf-8", "replace")[:_MAX_PACKET])
        yield "metadata packet of the PDF", " ".join(words.split())
    yield from (("the name of an attachment", name) for name in list(reader.attachments)[:_MAX_NOTES])
    for number, page in enumerate(reader.pages[:_MAX_PAGES], 1):
        for note in list(page.get("/Annots") or ())[:_MAX_NOTES]:
            fields = _object(note)
            yield from ((f"a remark on page {number}", str(fields[key])) for key in _NOTES if key in fields)


def read_pdf(body: bytes) -> Page:
    """Read the first 300 pages of a PDF as blocks.

    Raises ValueError if the file needs a password or is damaged.
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
        for where, words in _outside_pages(reader):
            if instructions.find(words):
                removed.append(Removed("hidden-text", where, words[:MAX_EXCERPT]))
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


def _blocks(lines: list[tuple[str, float]]) -> list[Block]:
    """Join lines into paragraphs; a short line in larger type becomes a heading, a bullet an item."""
    sizes = sorted(size for line, size in lines for _ in line.split())
    body = sizes[len(sizes) // 2] if sizes else 0.0
    found: list[Block] = []
    joins = False
    for line, size in lines:
        text = " ".join(line.split())
        bullet = _BULLET.fullmatch(text)
        heading = size > body * _HEADING_FACTOR and len(text.split()) <= _HEADING_WORDS
        if bullet:
            found.append(Block("item", bullet[1]))
        elif text and heading:
            found.append(Block("heading", text, 2 if found else 1))
        elif text and joins and (_CONTINUES.match(text) or not _ENDS.search(found[-1].text)):
            found[-1] = found[-1]._replace(text=f"{found[-1].text} {text}")
        elif text:
            found.append(Block("paragraph", text))
        joins = bool(bullet) or (text != "" and not heading)
    return found
