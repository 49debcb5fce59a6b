"""Open metrics take the usual value, decided ones stay, and what a person confirmed is not adjusted for."""

import pytest

from agent.drafting.calibration import load_calibration
from agent.drafting.threats.candidates import candidates, settled, usual_base
from agent.drafting.threats.selection import find_threats
from agent.facts.vocabulary import load_vocabulary
from tests.fakes.drafting.sheets import factors, sheet

USUAL = pytest.mark.parametrize("usual", [4.0, 6.0, 7.0, 9.6])


def test_what_is_likelier_never_makes_the_usual_base_milder_and_controls_have_no_weight() -> None:
    constants, words = load_calibration().base, load_vocabulary()
    assert all(weight > 0 for weight in constants.chances.values())
    assert not any(words[key].comforting for key in constants.chances)
    some, more = sheet(chances={"deletes_data": 0.2}), sheet(chances={"deletes_data": 0.7, "sandbox": 0.9})
    assert usual_base(more, "assistant", constants) > usual_base(some, "assistant", constants)


@USUAL
def test_a_decided_metric_stays_and_an_open_one_says_why(usual: float) -> None:
    for one in candidates(sheet("runs_commands", "reads_web"), "coding-agent", factors()):
        after = settled(one, usual, "coding-agent", factors())
        moved = [metric for metric, choice in after.metrics.items() if choice.value != one.metrics[metric].value]
        assert len(moved) <= 1
        assert all(one.metrics[metric].others for metric in moved)
        assert all("leave it open" in after.metrics[metric].reason for metric in moved)


@USUAL
def test_the_headline_stays_the_gravest_in_default_use(usual: float) -> None:
    made = sheet("runs_commands", "reads_web", "deletes_data")
    found = find_threats(made, "assistant", factors(), usual=usual)
    assert found.headline is not None
    quoted = [one.threat for one in found.threats if one.threat.default_use and one.threat.basis != "assumed"]
    assert found.headline.score.cvss_base == max(threat.score.cvss_base for threat in quoted)
