"""The system picture: drawn once per kind, with solid lines only from quotes, and consistent after facts are struck."""

import pytest

from agent.drafting.judgement import Given
from agent.drafting.product.system import PRODUCT, load_picture, picture
from agent.records import System
from agent.report.picture import mermaid, picture as drawing
from agent.taxonomy.kinds import KINDS
from tests.fakes.drafting.sheets import row, sheet_of
from tests.fakes.drafting.threats import CODER, EXAMPLES, TICKETS, fact_of, led, struck

KINDS_OF_ITEMS = {
    "person", "operator", "subject", "counterparty", "product", "agent", "runtime", "sandbox", "tools", "llm",
    "memory", "vector", "history", "secrets", "logs", "config", "files", "database", "client", "cloud", "service",
}  # fmt: skip
EMPTY = [Given(sheet_of(), "Nimbus", kind) for kind in KINDS]


def flows(system: System) -> set[tuple[str, str]]:
    return {(flow.source, flow.target) for flow in system.flows}


@pytest.mark.parametrize("product", [*EXAMPLES, *EMPTY], ids=lambda product: f"{product.name} {product.kind}")
def test_a_picture_is_closed_and_drawn_and_dashed_before_any_fact(product: Given) -> None:
    system = picture(product)
    items = [*system.actors, *system.components, *system.stores, *system.services]
    ids = [item.id for item in items]
    assert len(set(ids)) == len(ids)
    assert PRODUCT in ids
    assert {item.kind for item in items} <= KINDS_OF_ITEMS
    assert {end for ends in flows(system) for end in ends} <= set(ids)
    assert sorted(member for one in system.boundaries for member in one.members) == sorted(ids)
    assert all(bool(item.evidence) or item.state != "claimed" for item in items)
    assert product.sheet.facts or not any(one.evidence for one in (*items, *system.flows, *system.boundaries))
    assert mermaid(system).startswith("flowchart LR")
    assert drawing(system).startswith("<svg")
    assert set(load_picture().kinds) == set(KINDS)


def test_facts_draw_solid_and_place_the_product() -> None:
    system = picture(CODER)
    assert next(item for item in system.components if item.id == "shell").evidence == ("E1",)
    assert any(flow.target == "shell" and flow.evidence for flow in system.flows)
    place = next(one for one in system.boundaries if PRODUCT in one.members)
    assert (place.name, place.evidence) == ("User's machine", ("E12",))
    assert next(item.name for item in system.services if item.id == "llm") == "Grannus 4"


def test_of_a_framework_an_agent_acts() -> None:
    made = picture(Given(sheet_of(row("runs_code"), row("traces_metrics")), "Frameloom", "agent-framework"))
    assert ("agent", "interpreter") in flows(made)


def test_capabilities_carry_rights_and_approval() -> None:
    first = picture(TICKETS).capabilities[0]
    assert (first.action, first.object, first.mode) == ("deletes", "projects", "delete")
    assert (first.credential, first.credential_state) == ("a personal access token", "inferred")
    assert first.approver is None
    assert picture(CODER).capabilities[0].approver == "a person"


def test_an_llms_picture_leads_where_its_facts_stand() -> None:
    fact = fact_of(CODER, "runs_commands")
    parts = [
        {"name": "Build shell", "group": "component", "inside": "product", "facts": [fact.id]},
        {"name": "Somewhere", "group": "service", "inside": "outside"},
    ]
    told = [
        {"source": "Patchwright", "target": "Build shell", "what": "commands", "facts": [fact.id]},
        {"source": "Patchwright", "target": "Nowhere", "what": "things"},
    ]
    product = led(CODER, picture={"parts": parts, "flows": told})
    system = picture(product)
    assert [(flow.what, flow.evidence) for flow in system.flows] == [("commands", ("E1",))]
    assert next(item.evidence for item in system.services if item.name == "Somewhere") == ()
    assert not any(flow.what == "commands" for flow in picture(struck(product, fact)).flows)
