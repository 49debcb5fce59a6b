"""Open metrics follow what is usual, decided ones stay, and what a person confirms is not made up for."""

import pytest

from agent.drafting.calibration import load_base, load_calibration
from agent.drafting.compose import compose
from agent.drafting.layers.certainty import assess, told_quotes
from agent.drafting.threats.selection import find_threats
from agent.drafting.threats.usual_severity import usual_base
from agent.facts.vocabulary import load_vocabulary
from agent.records import Outlook, Telling
from agent.taxonomy.layers import LAYERS
from tests.fakes.drafting.catalogue_sheets import factors, sheet as sheet_of
from tests.fakes.drafting.sheets import fact, sheet

TOLD = Telling(document="D1", start=10, end=31, quote="Every call is logged.", rank=2, about="product")
SURE = Outlook(layers=dict.fromkeys(LAYERS, 0.99), tellings={"evaluation_observability": TOLD, "data_operations": TOLD})


def test_no_weight_of_the_usual_base_is_negative_and_controls_have_none() -> None:
    constants, words = load_base(), load_vocabulary()
    assert all(weight > 0 for weight in constants.chances.values())
    assert not any(words[key].comforting for key in constants.chances)


def test_what_is_likelier_never_makes_the_usual_base_milder() -> None:
    some = sheet(outlook=Outlook(chances={"deletes_data": 0.2}))
    more = sheet(outlook=Outlook(chances={"deletes_data": 0.7, "sandbox": 0.9}))
    assert usual_base(more, "assistant", load_base()) > usual_base(some, "assistant", load_base())


def test_a_layer_without_facts_rests_on_the_statement_that_tells_most_of_it() -> None:
    verdicts = assess(sheet(outlook=SURE))
    assert [key for key, one in verdicts.items() if one.certain] == ["data_operations", "evaluation_observability"]
    marks, added = told_quotes(verdicts, ())
    assert set(marks.values()) == {"E1"}
    assert [item.quote for item in added] == [TOLD.quote]


def test_its_paragraph_quotes_the_statement_that_the_draft_holds_as_evidence() -> None:
    made = compose(sheet(fact("runs_commands"), outlook=SURE), name="Courier", calibration=load_calibration())
    layer = made.layers["evaluation_observability"]
    assert layer.certain
    mark = next(item.id for item in made.evidence if item.quote == TOLD.quote)
    assert f"“Every call is logged” [{mark}]" in layer.paragraph


def test_a_decided_metric_stays_and_an_open_one_says_why() -> None:
    made = sheet_of("runs_commands", "reads_web")
    before = find_threats(made, "coding-agent", factors())
    assert before.headline is not None
    for usual in (4.0, 6.0, 9.6):
        after = find_threats(made, "coding-agent", factors(), None, usual)
        for name, metrics in after.metrics.items():
            old = before.metrics.get(name, metrics)
            moved = [metric for metric, choice in metrics.items() if choice.value != old[metric].value]
            assert len(moved) <= 1
            assert all(old[metric].others and "leave it open" in metrics[metric].reason for metric in moved)


@pytest.mark.parametrize("usual", [4.0, 7.0, 9.6])
def test_the_headline_stays_the_gravest_in_default_use(usual: float) -> None:
    found = find_threats(sheet_of("runs_commands", "reads_web", "deletes_data"), "assistant", factors(), None, usual)
    assert found.headline is not None
    quoted = [one.threat for one in found.threats if one.threat.default_use and one.threat.basis != "assumed"]
    assert found.headline.score.cvss_base == max(threat.score.cvss_base for threat in quoted)
