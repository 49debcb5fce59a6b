"""The picture: drawn once for each kind, solid from quotes, and closed under striking."""

import pytest

from agent.drafting.judgement import JudgedFlow, JudgedPart, JudgedPicture, Judgement
from agent.drafting.product.assumptions import assumptions
from agent.drafting.product.system import PRODUCT, load_picture, picture
from agent.facts.sheet import without
from agent.records import System
from agent.report.picture import mermaid, picture as drawing
from agent.taxonomy.kinds import KINDS, ProductKind
from tests.fakes.drafting.threats import CODER, EXAMPLES, TICKETS, Example, row, sheet_of

KINDS_OF_ITEMS = {
    "person", "operator", "subject", "counterparty", "product", "agent", "runtime", "sandbox", "tools", "llm",
    "memory", "vector", "history", "secrets", "logs", "config", "files", "database", "client", "cloud", "service",
}  # fmt: skip


def cited(system: System) -> set[str]:
    items = (*system.actors, *system.components, *system.stores, *system.services)
    rows = (*items, *system.flows, *system.boundaries, *system.capabilities)
    return {mark for one in rows for mark in one.evidence}


def check(system: System, known: set[str]) -> None:
    items = [*system.actors, *system.components, *system.stores, *system.services]
    ids = [item.id for item in items]
    assert len(set(ids)) == len(ids)
    assert PRODUCT in ids
    assert {item.kind for item in items} <= KINDS_OF_ITEMS
    assert all({flow.source, flow.target} <= set(ids) for flow in system.flows)
    assert sorted(member for one in system.boundaries for member in one.members) == sorted(ids)
    assert cited(system) <= known
    assert all(bool(item.evidence) or item.state != "claimed" for item in items)
    assert mermaid(system).startswith("flowchart LR")
    assert drawing(system).startswith("<svg")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_a_picture_is_closed_and_drawn(example: Example) -> None:
    system = picture(example.sheet, example.name, example.kind)
    check(system, {item.id for item in example.sheet.evidence})
    for text in assumptions(system, example.sheet, example.kind):
        assert text.endswith(".")
        assert "_" not in text


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_dashed_before_any_fact(kind: ProductKind) -> None:
    system = picture(sheet_of(), "Nimbus", kind)
    check(system, set())
    assert all(not flow.evidence for flow in system.flows)
    assert set(load_picture().kinds) == set(KINDS)


def test_facts_draw_solid_and_place_the_product() -> None:
    system = picture(CODER.sheet, CODER.name, CODER.kind)
    shell = next(item for item in system.components if item.id == "shell")
    assert shell.evidence == ("E1",)
    assert any(flow.target == "shell" and flow.evidence for flow in system.flows)
    place = next(one for one in system.boundaries if PRODUCT in one.members)
    assert place.name == "User's machine"
    assert place.evidence == ("E12",)
    assert next(item.name for item in system.services if item.id == "llm") == "Grannus 4"


def test_of_a_framework_an_agent_acts() -> None:
    system = picture(sheet_of(row("runs_code"), row("traces_metrics")), "Frameloom", "agent-framework")
    assert ("agent", "interpreter") in {(flow.source, flow.target) for flow in system.flows}


def test_capabilities_carry_rights_and_approval() -> None:
    system = picture(TICKETS.sheet, TICKETS.name, TICKETS.kind)
    first = system.capabilities[0]
    assert (first.action, first.object, first.mode) == ("deletes", "projects", "delete")
    assert (first.credential, first.credential_state) == ("a personal access token", "inferred")
    assert first.approver is None
    coder = picture(CODER.sheet, CODER.name, CODER.kind)
    assert coder.capabilities[0].approver == "a person"


def test_a_struck_fact_leaves_no_line() -> None:
    for fact in CODER.sheet.facts:
        struck = without(CODER.sheet, fact.id)
        assert not cited(picture(struck, CODER.name, CODER.kind)) & set(fact.evidence)


def test_an_llms_picture_leads_where_its_facts_stand() -> None:
    fact = next(fact for fact in CODER.sheet.facts if fact.key == "runs_commands")
    parts = (
        JudgedPart(name="Build shell", group="component", inside="product", facts=(fact.id,)),
        JudgedPart(name="Somewhere", group="service", inside="outside"),
    )
    flows = (
        JudgedFlow(source="Patchwright", target="Build shell", what="commands", facts=(fact.id,)),
        JudgedFlow(source="Patchwright", target="Nowhere", what="things"),
    )
    judgement = Judgement(picture=JudgedPicture(parts=parts, flows=flows))
    system = picture(CODER.sheet, CODER.name, CODER.kind, judgement)
    assert [flow.what for flow in system.flows] == ["commands"]
    assert system.flows[0].evidence == ("E1",)
    assert next(item.evidence for item in system.services if item.name == "Somewhere") == ()
    struck = picture(without(CODER.sheet, fact.id), CODER.name, CODER.kind, judgement)
    assert not any(flow.what == "commands" for flow in struck.flows)
