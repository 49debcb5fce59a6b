"""Order and choice of the threats that are shown, and why a score is withheld, asked of drafts of bundled listings."""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from decimal import Decimal
from functools import cache

import pytest

from agent.drafting_old.calibrate import load_calibration
from agent.drafting_old.catalogue import match
from agent.drafting_old.factors import estimate
from agent.drafting_old.headline import FACTORS, Outlook, choose, order, outlook
from agent.drafting_old.kind import load_kinds
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.ranking import MAX_PER_LAYER, MAX_SHOWN, Ranked, base_of, rank, shown
from agent.drafting_old.system import extract, product_name
from agent.drafting_old.typicality import alike
from agent.pipeline import draft_documents, read_documents
from agent.records import Draft, Range
from agent.resources import data_folder
from agent.scoring import Request, score
from agent.settings import Settings
from agent.taxonomy.keys import FACTOR_SETS, LAYERS
from evals.corpus import card, load_case
from evals.documents import READ_AT, documents_of

SLUGS = ("firecrawl-mcp", "workos", "abridge", "smolagents")


@cache
def ranked(slug: str) -> tuple[Ranked, ...]:
    documents = documents_of(load_case(data_folder("corpus") / "cases" / slug))
    reading = read_documents(documents, Settings())
    ledger = Ledger(documents, reading.statements)
    name = product_name(documents)
    found = match(reading, extract(reading, ledger, name), ledger, name=name)
    factors = estimate(reading, ledger, load_calibration().factors).factors
    return rank(found.candidates, factors)


def product_of(found: Sequence[Ranked]) -> Outlook:
    kinds = (1 / len(load_kinds()),) * len(load_kinds())
    fired = {item.scenario.pattern for item in found}
    return outlook(dict.fromkeys(FACTORS, 0.4), kinds, fired, load_calibration().headline)


@cache
def drafted(slug: str, *, short: bool = False) -> Draft:
    case = load_case(data_folder("corpus") / "cases" / slug)
    documents = documents_of(card(case) if short else case)
    return draft_documents(
        documents, name=None, calibration=load_calibration(), settings=Settings(), created_at=READ_AT
    )


@pytest.mark.parametrize("slug", SLUGS)
def test_the_gravest_come_first_and_the_order_is_total(slug: str) -> None:
    found = ranked(slug)
    assert len(found) >= 3
    scores = [item.threat.score.aivss for item in found]
    assert scores == sorted(scores, reverse=True)
    assert len({item.threat.id for item in found}) == len(found)


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("first", [None, 0, -1])
def test_what_is_shown_keeps_its_caps_and_nothing_is_lost(slug: str, first: int | None) -> None:
    found = ranked(slug)
    headline = None if first is None else found[first]
    visible, folded = shown(found, headline, product_of(found), load_calibration().headline)
    layers = [item.candidate.layer for item in visible]
    assert max(layers.count(layer) for layer in LAYERS) <= MAX_PER_LAYER
    assert len(visible) <= MAX_SHOWN
    assert {item.threat.id for item in visible} | {item.threat.id for item, _ in folded} == {
        item.threat.id for item in found
    }
    assert len(visible) + len(folded) == len(found)
    assert all(why for _, why in folded)
    assert [item.threat.place for item in visible] == [n + 1 for n in range(len(visible))]
    if headline is not None:
        assert visible[0].threat.id == headline.threat.id


def test_one_like_a_threat_above_it_stands_later() -> None:
    found = ranked("firecrawl-mcp")
    constants = load_calibration().headline
    product = product_of(found)
    scenarios = [item.scenario for item in found]
    placed = order(scenarios, choose(scenarios, product, constants), product, constants)
    assert sorted(placed) == list(range(len(found)))
    codes = [scenarios[n].code for n in placed[:3]]
    assert not any(one and other and alike(one, other) for one, other in itertools.combinations(codes, 2))


def test_the_number_of_shown_threats_is_capped_over_all_layers() -> None:
    crowd = []
    for n, item in enumerate(ranked(SLUGS[0]) * 4):
        threat = item.threat.model_copy(update={"id": f"T{n}", "evidence": (f"E{n}",)})
        layer = LAYERS[n % len(LAYERS)]
        candidate = dataclasses.replace(item.candidate, layer=layer)
        crowd.append(Ranked(candidate, threat, item.scenario))
    visible, folded = shown(crowd, crowd[-1], product_of(crowd), load_calibration().headline)
    assert len(visible) <= MAX_SHOWN
    assert visible[0].threat.id == crowd[-1].threat.id
    assert len(visible) + len(folded) == len(crowd)


@pytest.mark.parametrize("slug", SLUGS)
def test_a_threat_has_the_score_of_its_vector_under_the_drafted_factors(slug: str) -> None:
    draft = drafted(slug)
    assert draft.score.inputs is not None
    total = sum((draft.factors[key].value for key in FACTOR_SETS["0.5"]), Decimal(0))
    for layer in draft.layers.values():
        for threat in layer.threats:
            again = score(
                Request(
                    cvss_vector=threat.score.cvss_vector,
                    cvss_base=None,
                    factor_sum=Range(value=total, low=total, high=total),
                    threat_multiplier=draft.score.inputs.threat_multiplier,
                    mitigation_factor=draft.score.inputs.mitigation_factor,
                    formula="aivss-0.8",
                    mode="directory",
                )
            )
            assert (again.aivss, again.severity) == (threat.score.aivss, threat.score.severity)
            assert base_of(threat.score.cvss_vector) == threat.score.cvss_base


@pytest.mark.parametrize("slug", SLUGS)
def test_a_score_is_shown_only_with_a_quoted_headline_and_two_certain_layers(slug: str) -> None:
    for draft in (drafted(slug), drafted(slug, short=True)):
        found = draft.score
        certain = sum(layer.certain for layer in draft.layers.values())
        if found.withheld is None:
            assert certain >= 2
            assert found.aivss is not None
            headline = [
                threat for layer in draft.layers.values() for threat in layer.threats
                if threat.score.cvss_vector == found.cvss_vector and threat.evidence
            ]  # fmt: skip
            assert headline
        else:
            assert (found.aivss, found.severity) == (None, None)
            assert found.provisional is not None
            reasons = ("no threat of the catalogue has a quote", "layers is certain", "severity bands")
            assert any(reason in found.withheld for reason in reasons)


def test_a_card_is_withheld_with_its_reason() -> None:
    found = drafted("firecrawl-mcp", short=True)
    assert found.score.withheld is not None
    few = sum(layer.certain for layer in found.layers.values()) < 2
    assert few or "quote" in found.score.withheld or "severity bands" in found.score.withheld
    assert found.questions
    assert all(math.isfinite(question.effect) and question.effect >= 0 for question in found.questions)
