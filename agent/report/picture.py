"""The system picture: what reaches the product on the left, what it reaches on the right, boundaries as frames.

Solid lines and frames are supported by a quote, dashed ones are assumed. All style comes from the page's stylesheet;
source text appears only escaped. The same system gives the same picture.

If the page says more about a part or flow, the picture links to that section and describes it in words.

In the Mermaid flowchart, trust boundaries are subgraphs. Labels are quoted and every character that Mermaid, Markdown
or a browser could read as markup is written as an entity; there are no links, no click directives and no HTML.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final, NamedTuple

from agent.records import Boundary, Flow, System, SystemItem
from agent.report.view import RankedThreat

MAX_NODES: Final = 25
MAX_LABEL: Final = 48
_SHAPES: Final = {
    "actor": ('(["', '"])'),
    "component": ('["', '"]'),
    "store": ('[("', '")]'),
    "service": ('[["', '"]]'),
}
_UNSAFE: Final = re.compile(r"[^\w .,:+*=@%'’–—-]")
_BLANKS: Final = re.compile(r"\s+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
_BOX: Final = 200
"""Width of an item's box, in units of the picture (a pixel at full size)."""
_LINE: Final = 15
_LETTERS: Final = 27
"""Maximum number of characters in a line of a box."""
_PORT: Final = 14
"""Minimum distance between two flow ends on one side of a box."""
_GAP: Final = 12
_PAD: Final = 12
_TITLE: Final = 24
_WIDE: Final = _BOX + 2 * _PAD
_ABOVE: Final = 6
_BELOW: Final = 15
"""Distance from the end of a flow down to the baseline of its label."""
_BETWEEN: Final = 190
"""Space for flow labels between two columns."""
_THREATS: Final = 3
"""Maximum number of threat ids at the beginning of a flow's label."""
_SAID: Final = 200
"""Maximum number of characters in the description of a link."""


class Drawn(NamedTuple):
    """An item of a picture, with its group: actor, component, store or service."""

    group: str
    item: SystemItem


class Link(NamedTuple):
    """The link target of a part or flow."""

    anchor: str
    """The id of an element of the page."""
    words: str
    """A description of the target for readers who cannot see the picture."""


class Links(NamedTuple):
    """The links by the id of an item, and by the index of a flow in the system."""

    items: Mapping[str, Link]
    flows: Mapping[int, Link]


_NOWHERE: Final = Links({}, {})


def with_threats(system: System, threats: Sequence[RankedThreat]) -> System:
    """Prefix each flow's label with the ids of up to three threats that share a quote with the flow."""
    flows = []
    for flow in system.flows:
        using = [one.name for one in threats if set(one.threat.evidence) & set(flow.evidence)][:_THREATS]
        words = f"{' '.join(using)}: {flow.what}" if using else flow.what
        flows.append(flow.model_copy(update={"what": words}))
    return system.model_copy(update={"flows": tuple(flows)})


def items_of(system: System) -> list[Drawn]:
    """Return all items of a system with their groups: actors, components, stores, services."""
    return [Drawn(group, item) for group in _SHAPES for item in getattr(system, f"{group}s")]


def drawn(system: System) -> list[Drawn]:
    """Select at most 25 items for a picture: the product first, then items with flows, then with quotes."""
    items = items_of(system)
    joined = {end for flow in system.flows for end in (flow.source, flow.target)}
    order = sorted(
        items, key=lambda one: (one.item.kind != "product", one.item.id not in joined, not one.item.evidence)
    )
    kept = {id(one) for one in order[:MAX_NODES]}
    return [one for one in items if id(one) in kept]


class _Block(NamedTuple):
    """Items drawn together: the members of a boundary, or a single item outside all boundaries."""

    boundary: Boundary | None
    items: list[Drawn]


def _blocks(system: System, items: Sequence[Drawn]) -> list[_Block]:
    """Put each item in its first boundary; items outside all boundaries follow, one by one."""
    blocks: list[_Block] = []
    left = list(items)
    for boundary in system.boundaries:
        inside = [each for each in left if each.item.id in boundary.members]
        left = [each for each in left if each.item.id not in boundary.members]
        blocks += [_Block(boundary, inside)] if inside else []
    return [*blocks, *(_Block(None, [each]) for each in left)]


def mermaid(system: System) -> str:
    """Draw the items that `drawn` selects as a Mermaid flowchart, ending with a line feed."""
    items = drawn(system)
    shown = {item.id for _, item in items}
    lines = ["flowchart LR"]
    for boundary, members in _blocks(system, items):
        nodes = [f"{_id(item.id)}{label(item.name).join(_SHAPES[group])}" for group, item in members]
        if boundary is None:
            lines += [f"  {node}" for node in nodes]
        else:
            lines.append(f'  subgraph b_{_id(boundary.id)}["{label(boundary.name)}"]')
            lines += [*(f"    {node}" for node in nodes), "  end"]
    for flow in system.flows:
        if flow.source in shown and flow.target in shown:
            arrow = "-->" if flow.evidence else "-.->"
            lines.append(f'  {_id(flow.source)} {arrow}|"{label(flow.what)}"| {_id(flow.target)}')
    assumed = [_id(item.id) for _, item in items if not item.evidence]
    assumed += [f"b_{_id(b.id)}" for b in system.boundaries if not b.evidence and shown & set(b.members)]
    if assumed:
        lines += ["  classDef assumed stroke-dasharray: 5 5", f"  class {','.join(assumed)} assumed"]
    return "\n".join(lines) + "\n"


def _id(key: str) -> str:
    """Return a node id that cannot be a Mermaid keyword ("end", "click"): letters and digits after a prefix."""
    return "n_" + re.sub(r"[^A-Za-z0-9]", "_", key)


def label(text: str) -> str:
    """Format `text` for a quoted Mermaid label: one line, at most 48 characters before escaping."""
    return _UNSAFE.sub(lambda m: m.group() if m.group() == "…" else f"#{ord(m.group())};", short(text))


def short(text: str, most: int = MAX_LABEL) -> str:
    """Truncate `text` to one line of at most `most` characters, without direction controls; "-" if empty."""
    plain = _BLANKS.sub(" ", _CONTROL.sub(" ", text)).strip()
    return (plain if len(plain) <= most else plain[: most - 1].rstrip() + "…") or "-"


# ------------------------------------------------------------ the drawing


class _Box(NamedTuple):
    x: float
    y: float
    height: float


class _End(NamedTuple):
    x: float
    y: float
    outward: int
    """1 where the flow leaves or enters on the right side of a box, -1 on the left."""


_Sides = Mapping[tuple[str, int], Sequence[int]]
"""The flow ends by item and side (1 right, -1 left): 2n for the source of flow n, 2n + 1 for its target."""


def picture(system: System, links: Links = _NOWHERE) -> str:
    """Draw an `svg` element, ending with a line feed; empty for a system without items.

    It shows the same items as the Mermaid text.
    """
    items = drawn(system)
    if not items:
        return ""
    shown = {each.item.id for each in items}
    numbers = [n for n, flow in enumerate(system.flows) if flow.source in shown and flow.target in shown]
    flows, leads = [system.flows[n] for n in numbers], [links.flows.get(n) for n in numbers]
    columns = _columns(_blocks(system, items), flows)
    column = {each.item.id: n for n, blocks in enumerate(columns) for block in blocks for each in block.items}
    sides = _sides(flows, column)
    # An empty outer column takes no space. Flows within the middle column bend outwards on its left side.
    loops = any(column[flow.source] == column[flow.target] == 1 for flow in flows)
    middle = _WIDE + _BETWEEN if columns[0] else _BETWEEN if loops else 0
    right = middle + _WIDE + _BETWEEN
    width = right + _WIDE if columns[2] else middle + _WIDE
    heights = {each.item.id: _height(each, sides) for each in items}
    boxes, frames, height = _place(columns, (0, middle, right), heights)
    ends = _ends(flows, sides, boxes)
    lines = [
        # Screen readers do not find links in an element with the role "img".
        f'<svg class="picture" viewBox="0 0 {_n(width)} {_n(height)}" role="{"group" if links.items else "img"}"'
        ' aria-label="System picture">',
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="head" d="M0 0 8 4 0 8z"/></marker></defs>',
        *frames,
        *(_linked(_line(flow, *ends[n], reach=bool(leads[n])), leads[n], beside=True) for n, flow in enumerate(flows)),
        *(_linked(_box(each, boxes[each.item.id]), links.items.get(each.item.id)) for each in items),
        *(_linked(_words(flow, *ends[n], sides), leads[n]) for n, flow in enumerate(flows)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _columns(blocks: Sequence[_Block], flows: Sequence[Flow]) -> list[list[_Block]]:
    """Put the product's block in the middle, blocks that only call it on the left, and all others on the right."""
    middle = next((b for b in blocks if any(each.item.kind == "product" for each in b.items)), blocks[0])
    core = {each.item.id for each in middle.items}
    columns: list[list[_Block]] = [[], [middle], []]
    for block in (block for block in blocks if block is not middle):
        ids = {each.item.id for each in block.items}
        reached = any(flow.target in ids and flow.source in core for flow in flows)
        reaches = any(flow.source in ids and flow.target in core for flow in flows)
        people = all(each.group == "actor" for each in block.items)
        columns[0 if people or (reaches and not reached) else 2].append(block)
    return columns


def _sides(flows: Sequence[Flow], column: Mapping[str, int]) -> _Sides:
    """Choose the sides on which flows leave and enter boxes.

    A flow within a column uses the right side in the left column, and the left side in the other columns.
    """
    sides: dict[tuple[str, int], list[int]] = defaultdict(list)
    for number, flow in enumerate(flows):
        source, target = column[flow.source], column[flow.target]
        outward = 1 if source < target or source == target == 0 else -1
        sides[flow.source, outward].append(2 * number)
        sides[flow.target, outward if source == target else -outward].append(2 * number + 1)
    return sides


def _height(each: Drawn, sides: _Sides) -> float:
    ends = max(len(sides.get((each.item.id, side), ())) for side in (-1, 1))
    return max(_LINE * len(_wrapped(each.item.name)) + 18, _PORT * ends + 10)


def _place(
    columns: Sequence[Sequence[_Block]], lefts: Sequence[float], heights: Mapping[str, float]
) -> tuple[dict[str, _Box], list[str], float]:
    """Compute the boxes by item, the frames of the boundaries, and the total height."""

    def tall(block: _Block) -> float:
        inside = sum(heights[each.item.id] + _GAP for each in block.items) - _GAP
        return inside + _TITLE + _PAD if block.boundary else inside

    sizes = [sum(map(tall, blocks)) + _GAP * max(len(blocks) - 1, 0) for blocks in columns]
    whole = max(sizes) + 2 * _PAD
    boxes: dict[str, _Box] = {}
    frames: list[str] = []
    for x, size, blocks in zip(lefts, sizes, columns, strict=True):
        y = (whole - size) / 2
        for block in blocks:
            at = y
            if block.boundary:
                at += _TITLE
                kind = "frame" if block.boundary.evidence else "frame assumed"
                frames.append(
                    f'<rect class="{kind}" x="{_n(x + 1)}" y="{_n(y)}" width="{_WIDE - 2}"'
                    f' height="{_n(tall(block))}" rx="8"/><text class="title" x="{_n(x + _PAD)}" y="{_n(y + 17)}">'
                    f"{escape(short(block.boundary.name, _LETTERS + 6))}</text>"
                )
            for each in block.items:
                boxes[each.item.id] = _Box(x + _PAD, at, heights[each.item.id])
                at += heights[each.item.id] + _GAP
            y += tall(block) + _GAP
    return boxes, frames, whole


def _ends(flows: Sequence[Flow], sides: _Sides, boxes: Mapping[str, _Box]) -> list[tuple[_End, _End]]:
    """Compute both ends of each flow, spread over the sides of their boxes in the order of the connected boxes."""
    other = {2 * n: boxes[flow.target].y for n, flow in enumerate(flows)}
    other |= {2 * n + 1: boxes[flow.source].y for n, flow in enumerate(flows)}
    at: dict[int, _End] = {}
    for (key, side), numbers in sides.items():
        box = boxes[key]
        for place, number in enumerate(sorted(numbers, key=lambda number: (other[number], number)), 1):
            y = box.y + box.height * place / (len(numbers) + 1)
            at[number] = _End(box.x + (_BOX if side > 0 else 0), y, side)
    return [(at[2 * number], at[2 * number + 1]) for number in range(len(flows))]


def _linked(drawn: str, link: Link | None, *, beside: bool = False) -> str:
    """Wrap a drawing in its link; `beside` marks a link that duplicates another and exists only for the pointer."""
    if link is None:
        return drawn
    hidden = ' tabindex="-1" aria-hidden="true"' if beside else ""
    return f'<a href="#{escape(link.anchor)}"{hidden}><title>{escape(short(link.words, _SAID))}</title>{drawn}</a>'


def _box(each: Drawn, box: _Box) -> str:
    kind = each.group if each.item.evidence else f"{each.group} assumed"
    round_ = box.height / 2 if each.group == "actor" else 3
    lines = _wrapped(each.item.name)
    first = box.y + box.height / 2 - _LINE * (len(lines) - 1) / 2 + 4
    middle = _n(box.x + _BOX / 2)
    words = "".join(
        f'<tspan x="{middle}" y="{_n(first + n * _LINE)}">{escape(line)}</tspan>' for n, line in enumerate(lines)
    )
    return (
        f'<rect class="{kind}" x="{_n(box.x)}" y="{_n(box.y)}" width="{_BOX}" height="{_n(box.height)}"'
        f' rx="{_n(min(round_, 20))}"/><text class="name">{words}</text>'
    )


def _line(flow: Flow, source: _End, target: _End, *, reach: bool = False) -> str:
    """Draw a curve with an arrow; `reach` adds a wider invisible curve as a pointer target."""
    bend = _BETWEEN / 2 if source.outward != target.outward else _BETWEEN / 5
    path = (
        f"M{_n(source.x)} {_n(source.y)}C{_n(source.x + source.outward * bend)} {_n(source.y)}"
        f" {_n(target.x + target.outward * bend)} {_n(target.y)} {_n(target.x)} {_n(target.y)}"
    )
    kind = "flow" if flow.evidence else "flow assumed"
    wider = f'<path class="hit" d="{path}"/>' if reach else ""
    return f'{wider}<path class="{kind}" d="{path}" marker-end="url(#arrow)"/>'


def _words(flow: Flow, source: _End, target: _End, sides: _Sides) -> str:
    """Draw a flow's label at the end where fewer flows meet, since the lines are furthest apart there."""
    at_source = len(sides[flow.source, source.outward]) < len(sides[flow.target, target.outward])
    end, other = (source, target) if at_source else (target, source)
    anchor = "start" if end.outward > 0 else "end"
    words = escape(short(flow.what, _LETTERS))
    # Place the label off the frame's edge, on the side that the line bends away from.
    alone = len(sides[flow.source if at_source else flow.target, end.outward]) == 1
    y = end.y + _BELOW if alone and other.y < end.y and other.outward != end.outward else end.y - _ABOVE
    return f'<text class="what {anchor}" x="{_n(end.x + end.outward * (_PAD + 6))}" y="{_n(y)}">{words}</text>'


def _wrapped(name: str) -> list[str]:
    """Wrap a name to at most two lines, between words if possible."""
    text = short(name)
    if len(text) <= _LETTERS:
        return [text]
    cut = text.rfind(" ", 0, _LETTERS + 1)
    cut = cut if cut > 0 else _LETTERS
    return [text[:cut], short(text[cut:], _LETTERS)]


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
