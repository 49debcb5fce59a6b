"""The system picture as SVG: it shows the whole system and nothing else, and no parts overlap."""

from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given, strategies as st

from agent.records import Boundary, Flow, System, SystemItem
from agent.report import html
from agent.report.picture import MAX_NODES, picture
from tests.fakes.review.reviewing import case_documents, case_draft

SVG = "{http://www.w3.org/2000/svg}"
CASES = ("abridge", "dify", "firecrawl-mcp")
KINDS = {"actor", "component", "store", "service"}
NAMES = st.text(max_size=60)


def item(key: str, name: str, kind: str = "service", *evidence: str) -> SystemItem:
    return SystemItem(id=key, name=name, kind=kind, state="claimed" if evidence else "inferred", evidence=evidence)


def system(names: list[str], joins: list[tuple[int, int]], framed: list[int]) -> System:
    """A product and further items of all groups, with flows between any two and some inside a boundary."""
    groups: dict[str, list[SystemItem]] = {"A": [], "P": [item("P0", "Product", "product", "E1")], "S": [], "X": []}
    for number, name in enumerate(names, 1):
        letter = "APSX"[number % 4]
        groups[letter].append(item(f"{letter}{number}", name, "thing", *(("E2",) if number % 3 else ())))
    keys = [each.id for members in groups.values() for each in members]
    flows = [
        Flow(source=keys[a % len(keys)], target=keys[b % len(keys)], what="calls", state="inferred", evidence=())
        for a, b in joins
        if a % len(keys) != b % len(keys)
    ]
    members = tuple(dict.fromkeys(keys[n % len(keys)] for n in framed))
    return System(
        actors=tuple(groups["A"]), components=tuple(groups["P"]), stores=tuple(groups["S"]),
        services=tuple(groups["X"]), flows=tuple(flows), capabilities=(),
        boundaries=(Boundary(id="B1", name="cloud", members=members, state="inferred", evidence=()),),
    )  # fmt: skip


def root_of(drawn: str) -> ElementTree.Element:
    return ElementTree.fromstring(drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def boxes_of(root: ElementTree.Element) -> list[tuple[float, float, float, float]]:
    rects = [each for each in root.iter(f"{SVG}rect") if KINDS & set(each.attrib["class"].split())]
    return [
        tuple(float(each.attrib[name]) for name in ("x", "y", "width", "height"))  # type: ignore[misc]
        for each in rects
    ]


@pytest.mark.parametrize("slug", CASES)
def test_every_item_flow_and_boundary_is_drawn_dashed_where_no_quote_stands_behind_it(slug: str) -> None:
    drawn = case_draft(slug).system
    root = root_of(picture(drawn))
    items = (*drawn.actors, *drawn.components, *drawn.stores, *drawn.services)
    assert len(items) <= MAX_NODES
    assert len(boxes_of(root)) == len(items)
    classes = [each.attrib.get("class", "").split() for each in root.iter()]
    for kind, evidenced in (("flow", drawn.flows), ("frame", drawn.boundaries)):
        assert sum(kind in names for names in classes) == len(evidenced)
        assert sum(kind in names and "assumed" in names for names in classes) == sum(not e.evidence for e in evidenced)
    dashed = sum("assumed" in names and bool(KINDS & set(names)) for names in classes)
    assert dashed == sum(not each.evidence for each in items)
    said = " ".join("".join(text.itertext()) for text in root.iter(f"{SVG}text"))
    assert all(each.name.split()[0] in said for each in items)


@given(
    st.lists(NAMES, max_size=40),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=40),
    st.lists(st.integers(0, 60), max_size=10),
)
def test_whatever_the_system_holds_boxes_stand_apart_and_inside_and_text_is_text(
    names: list[str], joins: list[tuple[int, int]], framed: list[int]
) -> None:
    made = system(names, joins, framed)
    drawn = picture(made)
    root = root_of(drawn)
    assert {each.tag.removeprefix(SVG) for each in root.iter()} <= {
        "svg", "defs", "marker", "path", "rect", "text", "tspan",
    }  # fmt: skip
    assert not any(name == "style" or name.startswith("on") for each in root.iter() for name in each.attrib)
    _, _, wide, tall = (float(each) for each in root.attrib["viewBox"].split())
    boxes = boxes_of(root)
    assert len(boxes) == min(len(names) + 1, MAX_NODES)
    assert all(x >= 0 and y >= 0 and x + w <= wide and y + h <= tall for x, y, w, h in boxes)
    for (ax, ay, aw, ah), (bx, by, bw, bh) in combinations(boxes, 2):
        assert ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay
    assert drawn == picture(made)


def test_a_system_without_items_has_no_picture() -> None:
    nothing = System(actors=(), components=(), stores=(), services=(), flows=(), boundaries=(), capabilities=())
    assert picture(nothing) == ""


def test_the_page_shows_it_before_its_text() -> None:
    page = html.render(case_draft("dify"), case_documents("dify"))
    assert page.count('<svg class="picture"') == 1
    assert page.index('<svg class="picture"') < page.index("The picture as Mermaid text")
