"""Labelled cases drafted with an LLM: recorded, replayed, and set beside the embedded drafts."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.drafting.calibrate import load_calibration
from agent.drafting.combine import load_combination
from agent.errors import DriftError, InputError, SeptetError, UsageError
from agent.resources import data_folder
from agent.settings import Settings
from evals.assisted import DRAFTS, SHOWN, Held, command, pair, run, table
from evals.cases import Case
from evals.corpus import load_case
from tests.fakes.assisted_replay import helper
from tests.fakes.llm_answers import answer, answer_body
from tests.fakes.llm_port import AnsweringLlm
from tests.fakes.llm_server import FakeEndpoint, by

DELIMITER = "0123456789abcdef"
CASES = data_folder("corpus") / "cases"


def case(slug: str) -> Case:
    return load_case(CASES / slug)


def held(*slugs: str) -> list[Held]:
    """Cases with the bundled constants: to fit some without their family takes a minute."""
    return [Held(case(slug), load_calibration(), load_combination()) for slug in slugs]


def test_the_llm_sees_passages_of_the_case_and_nothing_of_its_labels() -> None:
    llm = AnsweringLlm(answer)
    (one,) = held("dbhub")
    made = pair(one, helper(llm, None, DELIMITER), Settings())
    text = "\n".join(message.text for call in llm.calls for message in call.messages)
    assert (made.case.slug, made.draft.id.startswith("draft-"), made.draft.drafter.kind) == ("dbhub", True, "llm")
    assert made.embedded != made.assisted
    assert "DBHub" in text
    shown = text.partition("How the scale is used")[2].partition("What a program")[0].splitlines()
    examples = [line for line in shown if " | " in line]
    assert len(examples) == 3
    assert not any("bytebase" in line.lower() or "dbhub" in line.lower() for line in examples), "none of its family"


def test_the_table_sets_both_side_by_side_and_names_each_case() -> None:
    pairs = [pair(one, helper(AnsweringLlm(answer), None, DELIMITER), Settings()) for one in held("aitherapy", "dbhub")]
    lines = list(table(pairs))
    assert lines[0].split() == ["2", "cases", "embedded", "with", "LLM"]
    assert [line.split()[0] for line in lines[1 : len(SHOWN) + 1]] == list(SHOWN)
    assert [line.split()[0] for line in lines[-2:]] == ["aitherapy", "dbhub"]
    assert all(line.endswith(" lost") for line in lines[-2:])
    assert next(iter(table(pairs[:1]))).split()[:2] == ["1", "case"]


def test_a_replay_makes_the_same_drafts_and_a_changed_constant_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    folder = tmp_path / "run"
    with FakeEndpoint([by(answer_body)]) as fake:
        live = run(held("aitherapy", "dbhub"), folder, "generic/anna", Settings(llm_base_url=fake.base_url))
    drafts = {path.name: path.read_bytes() for path in (folder / DRAFTS).iterdir()}
    assert set(drafts) == {f"{slug}.{kind}" for slug in ("aitherapy", "dbhub") for kind in ("md", "json")}
    monkeypatch.setenv("CI", "true")
    again = run(held("aitherapy", "dbhub"), folder, "", Settings())
    assert [one.draft for one in again] == [one.draft for one in live]
    assert {path.name: path.read_bytes() for path in (folder / DRAFTS).iterdir()} == drafts
    with pytest.raises(DriftError):
        run(held("dbhub"), folder, "", Settings(llm_answer_tokens=5_999))


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["dbhub"], UsageError),
        (["--out", "new", "dbhub"], UsageError),
        (["--llm", "generic/anna", "dbhub"], UsageError),
        (["--out", "new", "--llm", "generic/anna"], UsageError),
        (["--out", "new", "--llm", "generic/anna", "--replay", ".", "dbhub"], UsageError),
        (["--replay", "."], UsageError),
        (["--out", "new", "--llm", "generic/anna", "no-such-case"], InputError),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_fitted(
    arguments: Sequence[str], kind: type[SeptetError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind):
        command.main(list(arguments), standalone_mode=False)
    assert list(tmp_path.iterdir()) == []
