"""Labelled cases drafted with an LLM: recorded, replayed, set beside the embedded drafts, and judged."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agent.drafting_old.calibrate import load_calibration
from agent.drafting_old.combine import load_combination
from agent.errors import DriftError, RegressionError
from agent.llm.port import Call, Message
from agent.resources import data_folder
from agent.settings import Settings
from evals.assisted import Held, Pair, asked, done, pair, recorded_slugs, replayed
from evals.cases import Case
from evals.corpus import load_case
from evals.families import families
from evals.gate import rerecorded
from evals.lessons import bundled_cases, who
from evals.report import terminal
from evals.results import CaseResult
from evals.session import Outcome, fail_if
from tests.fakes.assisted_replay import helper
from tests.fakes.llm_answers import answer, answer_body
from tests.fakes.llm_port import AnsweringLlm
from tests.fakes.llm_server import FakeEndpoint, by

DELIMITER = "0123456789abcdef"
CASES = data_folder("corpus") / "cases"


def case(slug: str) -> Case:
    return load_case(CASES / slug)


def held(*cases: Case) -> list[Held]:
    """Cases with the bundled constants: to fit some without their family takes a while."""
    labels = families([who(one) for one in cases])
    constants = load_calibration(), load_combination()
    return [Held(one, label, *constants) for one, label in zip(cases, labels, strict=True)]


def test_the_llm_sees_passages_of_the_case_and_nothing_of_its_labels() -> None:
    llm = AnsweringLlm(answer)
    (one,) = held(case("dbhub"))
    made = pair(one, helper(llm, None, DELIMITER), Settings())
    text = "\n".join(message.text for call in llm.calls for message in call.messages)
    assert (made.case.slug, made.draft.id.startswith("draft-"), made.draft.drafter.kind) == ("dbhub", True, "llm")
    assert made.embedded.result != made.assisted.result
    assert "DBHub" in text
    shown = text.partition("How the scale is used")[2].partition("What a program")[0].splitlines()
    examples = [line for line in shown if " | " in line]
    assert len(examples) == 3
    assert not any("bytebase" in line.lower() or "dbhub" in line.lower() for line in examples), "none of its family"


def test_without_exemplars_none_is_shown() -> None:
    llm = AnsweringLlm(answer)
    (one,) = held(case("dbhub"))
    pair(one, replace(helper(llm, None, DELIMITER), exemplars=False), Settings())
    asked_of = [call for call in llm.calls if call.stage.startswith("factors")]
    assert asked_of
    assert all("say nothing about this one:\n\n- none\n" in call.messages[-1].text for call in asked_of)


def test_both_drafters_stand_side_by_side() -> None:
    pairs = [
        pair(one, helper(AnsweringLlm(answer), None, DELIMITER), Settings())
        for one in held(case("aitherapy"), case("dbhub"))
    ]
    found = done(pairs)
    assert (found.evaluation.drafter, found.evaluation.cases) == ("llm", 2)
    assert set(found.evaluation.beside) <= set(found.evaluation.metrics)
    assert (found.evaluation.metrics["llm_calls"] or 0) >= 6
    said = terminal.text(found.evaluation)
    assert re.search(r"^metric +embedded +with LLM +side$", said, re.M)
    assert len(re.findall(r"^factor_mae_reader +0\.", said, re.M)) == 2


@pytest.mark.slow
def test_a_replay_makes_the_same_drafts_and_what_does_not_fit_is_drift(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    folder = tmp_path / "answers"
    cases = held(case("aitherapy"), case("dbhub"))
    with FakeEndpoint([by(answer_body)]) as fake:
        live = asked(cases, folder, "generic/anna", Settings(llm_base_url=fake.base_url), environ={})
    assert recorded_slugs(folder) == ("aitherapy", "dbhub")
    again = replayed(cases, folder, Settings(), workers=1)
    assert [one.draft for one in again] == [one.draft for one in live]
    assert [one.assisted.result.usage for one in again] == [one.assisted.result.usage for one in live]
    for changed in (
        lambda: replayed(cases, folder, Settings(llm_answer_tokens=5_999), workers=1),
        lambda: replayed(cases, folder, Settings(), exemplars=False, workers=1),
    ):
        with pytest.raises(DriftError, match="of 2 of 2 cases do not fit") as drift:
            changed()
        assert drift.value.exit_code == 6
        assert "septet eval --drafter llm --live --against baseline" in drift.value.hint


# ---------------------------------------------------------------- seeded regressions, recorded anew


def reader_like(one: Case) -> Callable[[Call], str]:
    """An LLM that values the factors as the case's reader does, if its prompt lets it: it goes by the rubric that it is
    shown, and without examples of how the scale is used it takes its upper half."""
    assert one.reader is not None
    labels = {key: round(10 * cell.value) for key, cell in one.reader.factors.items()}

    def script(call: Call) -> str:
        made = json.loads(answer(call))
        text = call.messages[-1].text
        for item in made.get("factors", ()):
            key = item["factor"]
            if key not in labels:
                continue
            value = labels[key]
            if "- none\n" in text.partition("How the scale is used")[2].partition("What a program")[0]:
                value = min(10, 5 + value)
            if re.search(rf"^- {key}\n  0: [^\n]*UPSIDE", text, re.M):
                value = 10 - value
            item.update(value=value, low=max(0, value - 1), high=min(10, value + 1))
        return json.dumps(made)

    return script


class Inverted:
    """The LLM behind prompts whose rubrics have their ends exchanged."""

    def __init__(self, inner: AnsweringLlm) -> None:
        self._inner = inner
        self.name = inner.name

    def complete(self, call: Call) -> object:
        turned = re.sub(r"(?m)^  0: (.*) 5: (.*) 10: (.*)$", r"  0: UPSIDE \3 5: \2 10: \1", call.messages[-1].text)
        return self._inner.complete(replace(call, messages=(*call.messages[:-1], Message("user", turned))))

    def close(self) -> None:
        self._inner.close()


def results(pairs: Sequence[Pair]) -> list[CaseResult]:
    return [one.assisted.result for one in pairs]


@pytest.mark.slow
def test_an_inverted_rubric_and_lost_exemplars_fail_the_gate_and_name_cases() -> None:
    cases = held(*bundled_cases()[4::9][:24])

    def run(*, inverted: bool = False, exemplars: bool = True) -> list[Pair]:
        made = []
        for one in cases:
            llm = AnsweringLlm(reader_like(one.case))
            assistant = helper(Inverted(llm) if inverted else llm, None, DELIMITER)  # type: ignore[arg-type]
            made.append(pair(one, replace(assistant, exemplars=exemplars), Settings()))
        return made

    good = run()
    assert rerecorded.judge([results(good)], [results(run())]).outcome == "pass"
    for damaged in (run(inverted=True), run(exemplars=False)):
        verdict = rerecorded.judge([results(good)], [results(damaged)])
        assert verdict.outcome == "fail"
        finding = next(one for one in verdict.findings if one.metric == "factor_error")
        assert len(finding.cases) > 12
        assert "over 24 cases" in finding.text
        with pytest.raises(RegressionError):
            fail_if(Outcome(done(damaged), verdict, gated=True))
