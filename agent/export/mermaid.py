"""The system picture as a Mermaid flowchart.

Trust boundaries are subgraphs. A solid line or frame has a quote behind it, a dashed one is assumed. Labels are
quoted and every character that Mermaid, Markdown or a browser could read as markup is written as an entity; there are
no links, no click directives and no HTML. The same system gives the same text, with the ids of its items.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from agent.records import Boundary, Flow, System, SystemItem

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


class Drawn(NamedTuple):
    """An item of a picture, with its group: actor, component, store or service."""

    group: str
    item: SystemItem


def mermaid(system: System) -> str:
    """The flowchart, ending with a line feed; at most 25 nodes, those without a quote go first when there are more."""
    items = drawn(system)
    shown = {item.id for _, item in items}
    lines = ["flowchart LR"]
    placed: set[str] = set()
    for boundary in system.boundaries:
        members = [one for one in items if one.item.id in boundary.members and one.item.id not in placed]
        if members:
            lines += _subgraph(boundary, members)
            placed |= {item.id for _, item in members}
    lines += [_node(group, item, "  ") for group, item in items if item.id not in placed]
    lines += [_edge(flow) for flow in system.flows if flow.source in shown and flow.target in shown]
    assumed = [_id(item.id) for _, item in items if not item.evidence]
    assumed += [f"b_{_id(b.id)}" for b in system.boundaries if not b.evidence and shown & set(b.members)]
    if assumed:
        lines += ["  classDef assumed stroke-dasharray: 5 5", f"  class {','.join(assumed)} assumed"]
    return "\n".join(lines) + "\n"


def drawn(system: System) -> list[Drawn]:
    """The items that a picture has room for, 25 at most: the product first, then those that flows join, then quotes."""
    groups = (
        ("actor", system.actors),
        ("component", system.components),
        ("store", system.stores),
        ("service", system.services),
    )
    items = [Drawn(group, item) for group, members in groups for item in members]
    joined = {end for flow in system.flows for end in (flow.source, flow.target)}
    order = sorted(
        range(len(items)),
        key=lambda n: (items[n][1].kind != "product", items[n][1].id not in joined, not items[n][1].evidence, n),
    )
    kept = sorted(order[:MAX_NODES])
    return [items[n] for n in kept]


def _subgraph(boundary: Boundary, members: list[Drawn]) -> Iterator[str]:
    yield f'  subgraph b_{_id(boundary.id)}["{label(boundary.name)}"]'
    for group, item in members:
        yield _node(group, item, "    ")
    yield "  end"


def _node(group: str, item: SystemItem, indent: str) -> str:
    before, after = _SHAPES[group]
    return f"{indent}{_id(item.id)}{before}{label(item.name)}{after}"


def _edge(flow: Flow) -> str:
    arrow = "-->" if flow.evidence else "-.->"
    words = label(flow.what)
    return f'  {_id(flow.source)} {arrow}|"{words}"| {_id(flow.target)}'


def _id(key: str) -> str:
    """A node id that no Mermaid keyword can be ("end", "click"): letters and digits behind a prefix."""
    return "n_" + re.sub(r"[^A-Za-z0-9]", "_", key)


def label(text: str) -> str:
    """`text` as the inside of a quoted Mermaid label: one line, at most 48 characters before escaping."""
    return _UNSAFE.sub(lambda m: m.group() if m.group() == "…" else f"#{ord(m.group())};", short(text))


def short(text: str, most: int = MAX_LABEL) -> str:
    """`text` in one line of at most `most` characters, without those that turn its direction; "-" for nothing."""
    plain = _BLANKS.sub(" ", _CONTROL.sub(" ", text)).strip()
    return (plain if len(plain) <= most else plain[: most - 1].rstrip() + "…") or "-"
