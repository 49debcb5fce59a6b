"""Items of a draft: every part that a reviewer decides on has one permanent id, and supported parts are quoted."""

import pytest

from agent.facts.anchor import holds
from agent.records import Draft
from agent.report.view import View
from agent.review.domain.items import SECTIONS, fields_of, items_of, part_of, weights
from agent.review.domain.records import replaced
from agent.taxonomy.factors import FACTOR_SETS
from tests.fakes.drafts import thin
from tests.fakes.review.fact_desks import DESKS
from tests.fakes.review.reviewing import SLUGS, case_documents, case_draft, case_with

DRAFTS = [desk.draft for desk in DESKS.values()]


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: draft.product.name)
def test_every_part_is_one_item_with_its_own_id_and_fields_in_the_order_of_the_sections(draft: Draft) -> None:
    items = items_of(draft)
    ids = [item.id for item in items]
    assert len(ids) == len(set(ids))
    threats = (f"threat/{threat.id}" for layer in draft.layers.values() for threat in layer.threats)
    assert set(ids) == {
        "posture", "score", *(f"factor/{key}" for key in draft.factors), *(f"layer/{key}" for key in draft.layers),
        *threats, *(f"chain/{number}" for number in range(1, len(draft.chains) + 1)),
        *(f"question/{one.id}" for one in draft.questions),
        *(f"capability/{one.id}" for one in draft.system.capabilities),
        *(f"fact/{fact.id}" for fact in (draft.facts.facts if draft.facts else ())),
    }  # fmt: skip
    places = [SECTIONS.index(item.section) for item in items]
    assert places == sorted(places)
    assert all(fields_of(draft, name) for name in ids)
    # Whatever is unknown, contradicted or uncertain has to be looked at.
    for item in (item for item in items if item.supported):
        assert item.kind != "question"
        assert item.kind != "layer" or part_of(draft, item.id).certain
        assert item.kind != "factor" or part_of(draft, item.id).state not in ("unknown", "contradicted")
    assert fields_of(draft, "threat/none-such") == fields_of(draft, "chain/99") == fields_of(draft, "factor/x") == {}


@pytest.mark.parametrize("slug", SLUGS)
def test_what_is_supported_is_quoted_in_its_sources(slug: str) -> None:
    draft, documents = case_draft(slug), {document.id: document for document in case_documents(slug)}
    quotes = {item.id: item for item in draft.evidence}
    supported = [item for item in items_of(draft, case_documents(slug)) if item.supported]
    assert supported
    for item in supported:
        assert item.evidence
        assert all(holds(quotes[mark], documents[quotes[mark].document]) for mark in item.evidence)
    changed = tuple(replaced(d, text="x" * len(d.text)) for d in documents.values())
    assert not any(item.supported for item in items_of(draft, changed))


def leads_alone(draft: Draft) -> bool:
    """Return whether the score would be lower without the first threat."""
    first, second = View(draft).threats[:2]
    return draft.score.aivss == first.threat.score.aivss > second.threat.score.aivss


def test_weights_are_score_points_of_what_counts() -> None:
    draft = case_draft(case_with(leads_alone))
    found = weights(draft)
    assert all(weight > 0 for weight in found.values())
    counted = {f"factor/{key}" for key in FACTOR_SETS["0.5"]}
    assert {name for name in found if name.startswith("factor/")} <= counted
    assert sum(name.startswith("threat/") for name in found) == 1
    heaviest = max((name for name in found if name.startswith("fact/")), key=lambda name: found[name])
    first = next(threat for layer in draft.layers.values() for threat in layer.threats if threat.place == 1)
    assert heaviest.removeprefix("fact/") in first.facts


def test_too_few_certain_layers_weigh_as_much_as_the_score_is_wide() -> None:
    score, found = thin().score, weights(thin())
    width = float(score.likely_high - score.likely_low)
    assert [found[f"layer/{key}"] for key in thin().layers] == pytest.approx([width] * len(thin().layers))
