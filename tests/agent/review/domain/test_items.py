"""Items of a draft: every part a reviewer decides over has one permanent id, and what is supported is quoted."""

import pytest

from agent.facts.anchor import holds
from agent.records import Draft
from agent.review.domain.items import SECTIONS, fields_of, items_of, weights
from agent.taxonomy.factors import FACTOR_SETS
from tests.fakes.drafts import thin, workos
from tests.fakes.review.reviewing import SLUGS, case_documents, case_draft, golden_draft

DRAFTS = [case_draft(slug) for slug in SLUGS] + [golden_draft("assisted-0.1.0")[0], workos(), thin()]


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: draft.product.name)
def test_every_part_is_one_item_with_its_own_id(draft: Draft) -> None:
    items = items_of(draft)
    ids = [item.id for item in items]
    assert len(ids) == len(set(ids))
    assert {"posture", "score"} <= set(ids)
    assert {name for name in ids if name.startswith("factor/")} == {f"factor/{key}" for key in draft.factors}
    assert {name for name in ids if name.startswith("layer/")} == {f"layer/{key}" for key in draft.layers}
    threats = {f"threat/{t.id}" for layer in draft.layers.values() for t in layer.threats}
    assert {name for name in ids if name.startswith("threat/")} == threats
    assert sum(item.kind == "chain" for item in items) == len(draft.chains)
    assert sum(item.kind == "question" for item in items) == len(draft.questions)
    assert sum(item.kind == "capability" for item in items) == len(draft.system.capabilities)


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: draft.product.name)
def test_items_stand_in_the_order_of_the_sections(draft: Draft) -> None:
    places = [SECTIONS.index(item.section) for item in items_of(draft)]
    assert places == sorted(places)


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: draft.product.name)
def test_every_item_has_fields_to_correct(draft: Draft) -> None:
    assert all(fields_of(draft, item.id) for item in items_of(draft))
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


def test_a_quote_that_is_not_in_its_source_supports_nothing() -> None:
    draft, documents = case_draft("abridge"), case_documents("abridge")
    changed = tuple(d.model_copy(update={"text": "x" * len(d.text)}) for d in documents)
    assert any(item.supported for item in items_of(draft, documents))
    assert not any(item.supported for item in items_of(draft, changed))


def test_unknown_contradicted_and_uncertain_things_have_to_be_looked_at() -> None:
    for draft in DRAFTS:
        for item in items_of(draft):
            name = item.id.partition("/")[2]
            if item.kind == "layer":
                assert not item.supported or next(la for key, la in draft.layers.items() if key == name).certain
            if item.kind == "factor":
                state = next(factor.state for key, factor in draft.factors.items() if key == name)
                assert not item.supported or state in ("claimed", "inferred", "denied", "confirmed")
            if item.kind == "question":
                assert not item.supported


def test_weights_are_score_points_of_what_counts() -> None:
    draft = case_draft("airtable-mcp-server")
    found = weights(draft)
    assert all(weight > 0 for weight in found.values())
    counted = {f"factor/{key}" for key in FACTOR_SETS["0.5"]}
    assert {name for name in found if name.startswith("factor/")} <= counted
    assert sum(name.startswith("threat/") for name in found) == 1


def test_too_few_certain_layers_weigh_as_much_as_the_score_is_wide() -> None:
    draft = thin()
    assert draft.score.likely_high is not None
    assert draft.score.likely_low is not None
    width = float(draft.score.likely_high - draft.score.likely_low)
    found = weights(draft)
    assert [found[f"layer/{key}"] for key in draft.layers] == pytest.approx([width] * len(draft.layers))
