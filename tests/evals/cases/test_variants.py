"""Variants of the cases: planted text that must change nothing, twins, cards, cases written for a purpose."""

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from agent.errors import InputError
from agent.records import Draft
from agent.resources import data_folder
from evals.cases.case import KINDS, Case, HeadlineCode, Reader, Readings, kind_of
from evals.cases.corpus import bundled_cases, load_case, load_cases
from evals.cases.poison import ATTACKS_A_CASE, CASES, Attack, assigned, attacks, broken, plant, spread
from evals.cases.variants import SPECIAL, TWINS, load_twins, with_approval
from evals.metrics.special import kinds
from tests.fakes.evals.constants import CONSTANTS
from tests.fakes.evals.evaluation import FACTORS, case as measured, product

CORPUS = data_folder("corpus")


def case(slug: str) -> Case:
    return load_case(CORPUS / "cases" / slug)


def drafted(one: Case) -> Draft:
    return CONSTANTS.draft(one, CONSTANTS.read(one))


# ---------------------------------------------------------------- planted text


@pytest.mark.parametrize("attack", attacks(), ids=lambda attack: attack.id)
def test_planted_text_changes_nothing_that_a_draft_concludes(attack: Attack) -> None:
    whole = case("meilisearch")
    planted = plant(whole, attack)
    assert attack.canary in "".join(page.markdown for page in planted.pages)
    assert broken(drafted(whole), drafted(planted), attack) == ()


def test_what_is_broken_is_said_in_words() -> None:
    whole = case("dbhub")
    clean = drafted(whole)
    one = attacks()[0]
    layer = next(key for key, found in clean.layers.items() if not found.certain)
    cleared = clean.layers[layer].model_copy(update={"certain": True, "paragraph": f"{one.canary} says so."})
    key = FACTORS[0]
    estimate = clean.factors[key]
    moved = estimate.model_copy(update={"value": estimate.value - estimate.value.__class__("0.1")})
    layers, factors = {**clean.layers, layer: cleared}, {**clean.factors, key: moved}
    harmed = clean.model_copy(update={"layers": layers, "factors": factors})
    said = broken(clean, harmed, one)
    assert said[0] == f"{one.canary} appears in layers"
    assert f"the flag of {layer} was cleared" in said
    assert any(text.startswith(f"{key} moved from") for text in said)


def test_every_attack_is_used_equally_often() -> None:
    chosen = assigned(bundled_cases(), attacks())
    used = [attack.id for found in chosen.values() for attack in found]
    assert len(chosen) == CASES
    assert len(used) == CASES * ATTACKS_A_CASE
    assert {used.count(one.id) for one in attacks()} == {len(used) // len(attacks())}
    assert assigned([], attacks()) == {}


@given(st.integers(1, 200))
def test_a_fixed_few_cases_get_a_variant(count: int) -> None:
    cases = [product(f"case-{n:03d}") for n in range(count)]
    assert len(spread(cases)) == min(count, CASES)
    assert spread(cases) == spread(cases[::-1])


def test_the_page_with_an_approval_names_setting_default_scope_and_who_can_change_it() -> None:
    page = with_approval(product("one")).docs[-1].markdown
    for part in ("`approval.required`", "on by default", "every action of Quillet", "only by workspace administrators"):
        assert part in page
    assert "{" not in page


# ---------------------------------------------------------------- twins and readings


def test_twins_are_of_cases_and_reworded_throughout(tmp_path: Path) -> None:
    by_slug = {one.slug: one for one in load_cases(CORPUS / "cases")}
    twins = load_twins(CORPUS / TWINS, by_slug)
    assert len(twins) == 30
    assert all(twin.labels == by_slug[slug].labels for slug, twin in twins.items())
    assert all(twin.listing.markdown != by_slug[slug].listing.markdown for slug, twin in twins.items())
    place = tmp_path / "dbhub"
    place.mkdir()
    (place / "listing.md").write_text("# DBHub\n", "utf-8")
    with pytest.raises(InputError, match="the pages of a twin differ"):
        load_twins(tmp_path, by_slug)


def test_two_readings_agree_or_a_third_look_settles_it() -> None:
    one: dict[str, str | None] = {"foundation_models": "uses GPT", "data_operations": None}
    other: dict[str, str | None] = {"foundation_models": "uses GPT", "data_operations": "keeps files"}
    readings = Readings.model_validate({"card": [one, other], "card_settled": {"data_operations": True}})
    assert readings.card_certain("foundation_models") is True
    assert readings.card_certain("data_operations") is True
    assert readings.card_certain("agent_ecosystem") is False
    assert Readings().card_certain("agent_ecosystem") is None
    a = HeadlineCode(asi="ASI01", layer="data_operations", asset="money")
    b = HeadlineCode(asi="ASI02", layer="data_operations", asset="money")
    assert Readings(headline=(a, a)).headline_code == a
    assert Readings(headline=(a, b)).headline_code is None
    assert Readings(headline=(a, b), headline_settled=b).headline_code == b


# ---------------------------------------------------------------- cases for a purpose


SPECIAL_CASES = load_cases(CORPUS / SPECIAL)


def test_there_are_five_of_each_kind_labelled_twice() -> None:
    found = [kind_of(one) for one in SPECIAL_CASES]
    assert {kind: found.count(kind) >= 5 for kind in KINDS} == dict.fromkeys(KINDS, True)
    assert all(one.labels.reader and one.labels.second and one.labels.published is None for one in SPECIAL_CASES)
    with pytest.raises(InputError, match="is not a kind of case"):
        kind_of(SPECIAL_CASES[0].model_copy(update={"purpose": "odd: nothing"}))


def test_labels_of_two_readers_are_a_range() -> None:
    first, second = (
        Reader.model_validate(
            {
                "factors": {key: {"value": value} for key in FACTORS[:2]},
                "layers": {"data_operations": {"certain": True}, "agent_ecosystem": {"certain": certain}},
            }
        )
        for value, certain in ((0.2, True), (0.4, False))
    )
    labels = SPECIAL_CASES[0].labels.model_copy(update={"reader": first, "second": second})
    one = SPECIAL_CASES[0].model_copy(update={"labels": labels, "purpose": "thin: little to see"})
    blocks = kinds([(one, measured("thin-one", value=0.5))])
    assert set(blocks) == {"thin", "all"}
    assert blocks["all"].factor_error == pytest.approx(0.1)
    assert blocks["all"].flag_loss == 1.0, "of the layer on which both agree, needlessly flagged"
    assert kinds([(one, measured("thin-one", value=0.3))])["all"].factor_error == 0.0
    assert kinds([]) == {}
