"""The LLM's part of a draft, end to end, with hand-written LLMs: careful, lazy, lying, obedient, broken."""

import json
import re
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import pytest

from agent.assist.asking import MAX_CALLS
from agent.assist.run import Assistant, Assisted, assist
from agent.drafting.judgement import Judgement
from agent.errors import InputError, LlmError, LlmReason
from agent.facts.anchor import holds
from agent.facts.sheet import counted
from agent.llm.budget import Budget, Caps, shared_start
from agent.llm.port import Call, Reply
from agent.llm.tokens import by_bytes
from agent.records import FactSheet
from agent.records.evidence import MARK
from tests.fakes.assist import llm as assist_llm
from tests.fakes.assist.product import NAME, VENDOR, documents, first_of_all, program_sheet, rows
from tests.fakes.llm.hostile import LazyLlm, LyingLlm
from tests.fakes.llm.port import AnsweringLlm, reply

DELIMITER = "482913377"
FIRST = ("facts-does", "facts-built", "factors")
"""The stages of the first wave."""
Answer = Callable[[Call], Reply | str]


class Row(NamedTuple):
    """A candidate from the catalogue."""

    id: str
    title: str
    severity: str
    facts: tuple[str, ...]


def candidates(sheet: FactSheet) -> tuple[Row, ...]:
    """Return two threats that rest on the shell commands."""
    ids = tuple(fact.id for fact in counted(sheet, "runs_commands"))
    severity = "8.7 CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:L/VA:N/SC:N/SI:H/SA:H"
    return (
        Row("mail-injection", "Prompt injection through mail", severity, ids),
        Row("open-gates", "Commands open gates", severity, ids),
    )


def run(answer: Answer, extra: str = "", **changes: object) -> tuple[Assisted, AnsweringLlm]:
    """Run the LLM's part over the invented listing."""
    texts = documents(extra)
    llm, budget = AnsweringLlm(answer), Budget(by_bytes(), None, Caps(400_000))
    assistant = replace(Assistant(llm, budget, by_bytes(), DELIMITER, 6000, 16_000), **changes)  # type: ignore[arg-type]
    made = assist(
        texts, rows(texts), program_sheet(texts), assistant, name=NAME, vendor=VENDOR, candidates_of=candidates,
        hits=first_of_all,
    )  # fmt: skip
    return made, llm


def texts_of(judgement: Judgement) -> list[str]:
    """Return everything that a judgement says about the product."""
    return [
        *(judgement.summary, judgement.posture, judgement.law),
        *(layer.paragraph for layer in judgement.layers.values()),
        *(factor.reason for factor in judgement.factors.values()),
        *(line.text for line in judgement.lines),
        *(control.text for control in judgement.controls),
        *(text for threat in judgement.threats for text in (threat.title, threat.how, threat.lost)),
        *(metric.reason for threat in judgement.threats for metric in threat.metrics.values()),
    ]


def check(made: Assisted, extra: str = "") -> None:
    """Check what must hold for every answer: quotes are verbatim, and marks and ids exist."""
    evidence = {item.id: item for item in (*made.sheet.evidence, *made.judgement.evidence)}
    assert len(evidence) == len(made.sheet.evidence) + len(made.judgement.evidence)
    assert all(holds(item, documents(extra)[0]) for item in evidence.values())
    facts = {fact.id for fact in made.sheet.facts}
    for text in texts_of(made.judgement):
        assert set(MARK.findall(text)) <= set(evidence), text
        assert not re.search(r"\b[DF]\d", text)
    for threat in made.judgement.threats:
        assert set(threat.facts) <= facts
        assert set(threat.evidence) <= set(evidence)
        assert len(threat.metrics) == 11
    assert made.calls <= MAX_CALLS


def whys(made: Assisted) -> dict[str, str]:
    """Return the reasons why parts are missing."""
    return {part.part: part.missing.reason for part in made.judgement.parts if part.missing}


def test_a_careful_llm_fills_every_part_in_four_calls() -> None:
    made, llm = run(assist_llm.good)
    check(made)
    assert made.calls == len(llm.calls) == 4
    assert {call.stage for call in llm.calls[:3]} == set(FIRST)
    assert not whys(made)
    (commands,) = counted(made.sheet, "runs_commands")
    assert [source.reader for source in commands.sources] == ["embedded", "llm"]
    judgement = made.judgement
    assert judgement.kind == "assistant"
    assert judgement.factors["dynamic_tool_use"].facts == (commands.id,)
    assert judgement.factors["self_modification"].insufficient
    assert judgement.layers["deployment_infrastructure"].verdict == "sufficient"
    assert judgement.layers["deployment_infrastructure"].facts
    assert [threat.candidate for threat in judgement.threats] == ["mail-injection", None]
    assert judgement.threats[0].taxonomy == (("owasp-asi", "ASI01"),)
    assert judgement.threats[1].layer == "data_operations"
    assert [step.threat for step in judgement.chains[0].steps] == ["T1", "T2"]
    assert judgement.conditions[0].metrics == {"T1": {"UI": "A"}, "T2": {"UI": "A"}}


def test_the_calls_of_both_waves_begin_with_the_same_sources() -> None:
    _, llm = run(assist_llm.good, passage_tokens=166)
    texts = {call.stage: assist_llm.text_of(call) for call in llm.calls}
    whole = shared_start(list(texts.values()))
    assert set(texts) == {*FIRST, "page"}
    assert "Every refund needs approval" in whole
    assert "runs_commands: “" in texts["page"]
    assert not re.search(r"0\.\d\d", "".join(texts.values())), "no fitted number"


def test_a_lazy_llm_costs_nothing_but_its_parts() -> None:
    made, _ = run(LazyLlm().answer)
    check(made)
    assert [fact.id for fact in made.sheet.facts] == [fact.id for fact in program_sheet(documents()).facts]
    assert {whys(made)[part] for part in ("threats", "posture", "layers/data_operations")} == {"not-answered"}
    assert not made.judgement.dropped


def test_a_lying_llm_places_nothing_and_is_told_what_was_dropped() -> None:
    liar = LyingLlm(1)
    made, llm = run(liar.answer)
    check(made)
    assert {source.reader for fact in made.sheet.facts for source in fact.sources} == {"embedded"}
    assert all(factor.insufficient for factor in made.judgement.factors.values())
    assert not {layer.verdict for layer in made.judgement.layers.values()} & {"sufficient"}
    again = assist_llm.text_of(next(call for call in llm.calls if call.stage.endswith("-again")))
    told = [lie.text for lie in liar.quotes if lie.kind == "invented" and lie.text in again]
    assert told
    assert not [text for text in told if text in again.rpartition(DELIMITER)[2]], "only as untrusted text"
    assert any(told[0] in what for what, _ in made.judgement.dropped), "kept word for word"


@pytest.mark.parametrize(
    ("stage", "parts"),
    [
        ("facts-does", {"facts/does", "system"}),
        ("facts-built", {"facts/built"}),
        ("factors", {"factors/autonomy_of_action", "factors/persistent_memory"}),
        ("page", {"threats", "chains", "layers/data_operations", "posture", "questions"}),
    ],
)
def test_a_broken_answer_costs_its_part_alone(stage: str, parts: set[str]) -> None:
    made, llm = run(lambda call: "{]" if call.stage.startswith(stage) else assist_llm.good(call))
    check(made)
    assert {whys(made)[part] for part in parts} == {"invalid-json"}
    assert sum(call.stage == stage for call in llm.calls) == 2, "asked once more"
    kept = [part for part in made.judgement.parts if part.missing is None]
    assert len(kept) >= 10


def failing(reason: LlmReason, *stages: str) -> Answer:
    def answer(call: Call) -> Reply | str:
        if not stages or call.stage.startswith(stages):
            raise LlmError(reason, "it failed")
        return assist_llm.good(call)

    return answer


@pytest.mark.parametrize("reason", ["timeout", "refused", "truncated", "filtered", "bad_response"])
def test_a_failed_call_costs_its_part_alone(reason: LlmReason) -> None:
    made, _ = run(failing(reason, "factors"))
    check(made)
    assert whys(made)["factors/autonomy_of_action"] == reason.replace("_", "-")
    assert made.judgement.posture


@pytest.mark.parametrize("reason", ["timeout", "unreachable", "unauthorised", "cassette_miss", "rate_limited"])
def test_an_llm_that_cannot_be_had_is_given_up_after_the_first_wave(reason: LlmReason) -> None:
    llm = AnsweringLlm(failing(reason))
    with pytest.raises(LlmError) as raised:
        run(assist_llm.good, llm=llm)
    assert raised.value.reason == reason
    assert "--fallback embedded" in raised.value.hint
    assert len(llm.calls) == len(FIRST)


def test_a_key_that_is_refused_on_the_way_ends_the_run_there() -> None:
    made, llm = run(failing("unauthorised", "factors"))
    check(made)
    assert {call.stage for call in llm.calls} == set(FIRST)
    assert whys(made)["threats"] == whys(made)["factors/autonomy_of_action"] == "unauthorised"
    assert len(made.sheet.facts) > 1, "what came counts"


def test_sources_that_are_too_long_are_halved_once() -> None:
    def answer(call: Call) -> str:
        if call.stage in FIRST:
            raise LlmError("too_large", "too long")
        return assist_llm.good(call)

    made, llm = run(answer, passage_tokens=400)
    check(made)
    sizes = {call.stage: len(assist_llm.text_of(call)) for call in llm.calls}
    assert sizes["factors-shorter"] < sizes["factors"]
    assert counted(made.sheet, "reads_mail_chat")


def test_a_budget_that_is_too_small_asks_nothing() -> None:
    llm = AnsweringLlm(assist_llm.good)
    with pytest.raises(LlmError, match="cap is 1000"):
        run(assist_llm.good, llm=llm, budget=Budget(by_bytes(), None, Caps(1000)))
    assert not llm.calls


class Interrupted(AnsweringLlm):
    """An LLM that answers nothing until it is closed; an interrupt arrives while all wait, and in its own thread."""

    def __init__(self) -> None:
        super().__init__(self._hang)
        self._ended = threading.Event()

    def _hang(self, call: Call) -> str:
        if call.stage == FIRST[-1]:
            time.sleep(0.5)
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        self._ended.wait(20)
        raise LlmError("unreachable", "closed")

    def close(self) -> None:
        self._ended.set()


def test_an_interrupt_that_no_wait_notices_ends_a_wave_at_once() -> None:
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(assist_llm.good, llm=Interrupted())
    assert time.monotonic() - start < 10


def test_a_delimiter_that_stands_in_the_sources_is_refused() -> None:
    with pytest.raises(InputError):
        run(assist_llm.good, f"\nThe code is {DELIMITER}.\n")


def test_the_delimiter_never_comes_back() -> None:
    def answer(call: Call) -> Reply | str:
        made = json.loads(assist_llm.good(call))
        if call.stage == "page":
            made["posture"] += f" {DELIMITER}"
        return reply(json.dumps(made), detail=f"odd {DELIMITER}")

    made, _ = run(answer)
    assert DELIMITER not in made.judgement.model_dump_json()
    assert DELIMITER not in " ".join(made.details)


def test_the_same_answers_give_the_same_judgement_whichever_comes_first() -> None:
    def late(stage: str) -> Answer:
        def answer(call: Call) -> str:
            time.sleep(0.05 * (call.stage == stage))
            return assist_llm.good(call)

        return answer

    one, other = run(late("facts-does"))[0], run(late("factors"))[0]
    assert one.judgement == other.judgement
    assert one.sheet == other.sheet
    assert one.answers == other.answers
