"""Prepare a draft for the formats of other threat-modelling tools: each item of the system picture appears once and,
in most formats, in one boundary; all threats are attached to one item; and everything that has no field of its own
becomes plain JSON. Nothing is rounded or filled in: an unknown or withheld value is null.

A draft does not assign threats to items. They are therefore attached to the product itself: the item of kind `product`,
else the first component, else a component created for this purpose.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from agent.records import Boundary, Flow, Record, SystemItem
from agent.report.picture import Drawn, items_of
from agent.report.view import View
from agent.taxonomy.layers import LAYER_CODES

NOWHERE: Final = "Outside all trust boundaries"
_PRODUCT: Final = "product"


@dataclass(frozen=True)
class Parts:
    """The items, flows and boundaries in the system picture of a draft."""

    view: View

    @cached_property
    def items(self) -> tuple[Drawn, ...]:
        """All items: actors, components, stores, services, and the product itself if the picture has no component."""
        system = self.view.draft.system
        found = items_of(system)
        if not system.components:
            name = self.view.draft.product.name
            made = SystemItem(id=f"{_PRODUCT}-itself", name=name, kind=_PRODUCT, state="inferred", evidence=())
            found.append(Drawn("component", made))
        return tuple(found)

    @cached_property
    def product(self) -> Drawn:
        """The item to which threats are attached."""
        components = self.of("component")
        return next((each for each in components if each.item.kind == _PRODUCT), components[0])

    @cached_property
    def flows(self) -> tuple[tuple[str, Flow], ...]:
        """Flows between items, each with its own id."""
        known = {each.item.id for each in self.items}
        flows = enumerate(self.view.draft.system.flows, 1)
        return tuple((f"flow-{n}", flow) for n, flow in flows if {flow.source, flow.target} <= known)

    @property
    def boundaries(self) -> tuple[Boundary, ...]:
        """All trust boundaries, including those without members."""
        return self.view.draft.system.boundaries

    def of(self, *groups: str) -> list[Drawn]:
        """Return the items of these groups."""
        return [each for each in self.items if each.group in groups]

    def inside(self, item_id: str) -> tuple[Boundary, ...]:
        """Return the boundaries around an item, in the draft's order; most formats support only the first."""
        return tuple(each for each in self.boundaries if item_id in each.members)

    def whole(self, each: Drawn) -> dict[str, object]:
        """Return everything that the draft says about an item."""
        boundaries = [boundary.id for boundary in self.inside(each.item.id)]
        return {"group": each.group, **each.item.model_dump(mode="json"), "boundaries": boundaries}


def origin(part: SystemItem | Flow | Boundary) -> str:
    """Describe the state of a part and its quotes."""
    quotes = ", ".join(part.evidence)
    return f"{part.state}, quotes {quotes}" if quotes else f"{part.state}, no quote"


def drawn_words(each: Drawn) -> str:
    """Describe an item: its group and kind, its state and its quotes."""
    return f"{each.group}, {each.item.kind}: {origin(each.item)}"


def as_text(value: object) -> str:
    """Return a property's value as text: a string unchanged, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def draft_properties(view: View) -> dict[str, object]:
    """Return the main properties of a draft as plain JSON: score with range, factors, layers, questions and others."""
    draft = view.draft
    of_layer = {"applies", "certain", "certainty", "missing"}
    return {
        "draft": draft.id,
        "standing": view.standing,
        "product": _plain(draft.product),
        "drafter": {"kind": draft.drafter.kind, "llm": draft.drafter.llm},
        "score": _plain(draft.score),
        "factors": {
            key: each.model_dump(mode="json", include={"value", "low", "high", "state"})
            for key, each in draft.factors.items()
        },
        "layers": {
            key: {"code": LAYER_CODES[key], **layer.model_dump(mode="json", include=of_layer)}
            for key, layer in view.layers
        },
        "questions": _all(view.questions),
        "controls": _all(draft.controls),
        "notFound": [each.key for each in draft.facts.absent] if draft.facts else [],
        "assumptions": list(draft.assumptions),
        "dropped": _all(draft.dropped),
        "review": _plain(draft.review),
    }


def modelled_properties(view: View) -> dict[str, object]:
    """Return the draft's properties with facts, quotes and sources, for formats that hold a whole threat model."""
    draft = view.draft
    of_source = {"document", "url", "sha256", "kind"}
    return {
        **draft_properties(view),
        "facts": _all(view.facts),
        "evidence": _all(draft.evidence),
        "sources": [source.model_dump(mode="json", include=of_source) for source in draft.sources],
        "capabilities": _all(draft.system.capabilities),
        "chains": _all(draft.chains),
        "advice": _plain(draft.advice),
    }


def _plain(record: Record | None) -> object:
    return None if record is None else record.model_dump(mode="json", by_alias=True)


def _all(records: Iterable[Record]) -> list[object]:
    return [_plain(each) for each in records]
