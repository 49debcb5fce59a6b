"""A draft's system picture in the form that other tools need: each item once, in one boundary, and the item with
threats.

A draft does not assign threats to items. They are therefore attached to the product itself: the item of kind `product`,
else the first component, else a component created for this purpose.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from agent.records import Boundary, Flow, SystemItem
from agent.report.picture import Drawn, items_of
from agent.report.view import View

NOWHERE: Final = "In no boundary of the draft"
_PRODUCT: Final = "product"


@dataclass(frozen=True)
class Parts:
    """The system of a draft."""

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
    def product(self) -> SystemItem:
        """The item to which threats are attached."""
        components = [each.item for each in self.items if each.group == "component"]
        return next((item for item in components if item.kind == _PRODUCT), components[0])

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

    def inside(self, item: SystemItem) -> tuple[Boundary, ...]:
        """Return the boundaries around an item, in the draft's order; most formats support only the first."""
        return tuple(each for each in self.boundaries if item.id in each.members)

    @cached_property
    def outside(self) -> tuple[SystemItem, ...]:
        """Items outside all boundaries."""
        return tuple(each.item for each in self.items if not self.inside(each.item))


def origin(part: SystemItem | Flow | Boundary) -> str:
    """Describe the state of a part and its quotes."""
    quotes = ", ".join(part.evidence)
    return f"{part.state}, quotes {quotes}" if quotes else f"{part.state}, no quote"
