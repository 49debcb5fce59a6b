"""Sheets for readers of threats, and the figures from two readings."""

from pathlib import Path

import pytest

from agent.errors import InputError
from evals.runs.judging import FOLDER, compared, read, sampled, sheet
from tests.fakes.evals.constants import CONSTANTS


def test_a_sheet_has_the_text_and_every_threat_with_its_quotes() -> None:
    case = sampled()[3]
    draft = CONSTANTS.draft(case, CONSTANTS.read(case))
    text = sheet(case, draft)
    shown = [threat for layer in draft.layers.values() for threat in layer.threats]
    assert case.listing.markdown in text
    assert [f"### {case.slug}#{threat.id}" in text for threat in shown] == [True] * len(shown)
    cited = {mark for threat in shown for mark in threat.evidence}
    assert all(f"“{item.quote}”" in text for item in draft.evidence if item.id in cited)


def test_two_readings_are_counted() -> None:
    first = {"a#L1-x": "yes", "a#L2-y": "yes", "b#L1-x": "no", "b#L2-y": "yes"}
    found = compared(first, {**first, "a#L2-y": "no"})
    assert (found.threats, found.cases, found.first, found.second, found.both) == (4, 2, 0.75, 0.5, 0.5)
    assert found.alpha == pytest.approx(1 - 0.25 / (1 - (5 * 4 + 3 * 2) / (8 * 7)))
    with pytest.raises(InputError, match="only one reading has b#L2-y"):
        compared(first, {key: value for key, value in first.items() if key != "b#L2-y"})


@pytest.mark.parametrize("line", ["a#L1,maybe,", ",yes,", "a#L0,yes,"])
def test_a_line_that_is_no_verdict_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "first.csv"
    path.write_text(f"threat,verdict,reason\na#L0,no,wrong asset\n{line}\n", "utf-8")
    with pytest.raises(InputError, match="line 3"):
        read(path)


def test_the_kept_readings_are_of_the_sampled_cases() -> None:
    first = read(FOLDER / "first.csv")
    found = compared(first, read(FOLDER / "second.csv"))
    assert len(sampled()) == 20
    assert 18 <= found.cases <= 20, "a case of which no threat is shown has nothing to judge"
    assert {threat.partition("#")[0] for threat in first} <= {case.slug for case in sampled()}
