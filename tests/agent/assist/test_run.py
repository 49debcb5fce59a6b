"""An LLM's part of a draft, end to end with LLMs written by hand: careful, lazy, lying, obedient, broken."""

import json
import re
import time
from collections.abc import Callable
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
from tests.fakes.assist.product import NAME, PLANTED, VENDOR, documents, first_of_all, program_sheet, rows
from tests.fakes.llm.port import AnsweringLlm, reply

DELIMITER = "482913377"
FIRST = ("facts-does", "facts-built", "factors")
"""The stages of the first wave."""
Answer = Callable[[Call], Reply | str]


class Row(NamedTuple):
    """A candidate of the catalogue."""

    id: str
    title: str
    severity: str
    facts: tuple[str, ...]


def candidates(sheet: FactSheet) -> tuple[Row, ...]:
    """Two threats that rest on the shell commands."""
    ids = tuple(fact.id for fact in counted(sheet, "runs_commands"))
    severity = "8.7 CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:L/VA:N/SC:N/SI:H/SA:H"
    return (
        Row("mail-injection", "Prompt injection through mail", severity, ids),
        Row("open-gates", "Commands open gates", severity, ids),
    )


def run(answer: Answer, extra: str = "", *, seen: bool = True, **changes: object) -> tuple[Assisted, AnsweringLlm]:
    """A run over the invented listing. With `seen` false the detector of planted text found nothing."""
    texts = documents(extra)
    if not seen:
        texts = tuple(text.model_copy(update={"findings": ()}) for text in texts)
    told = tuple(row if seen else row.model_copy(update={"flagged": False}) for row in rows(texts))
    llm = AnsweringLlm(answer)
    fields: dict[str, object] = {
        "llm": llm,
        "budget": Budget(by_bytes(), None, Caps(400_000)),
        "counter": by_bytes(),
        "delimiter": DELIMITER,
        "answer_tokens": 6000,
        "passage_tokens": 16_000,
        **changes,
    }
    assistant = Assistant(**fields)  # type: ignore[arg-type]
    made = assist(
        texts,
        told,
        program_sheet(texts),
        assistant,
        name=NAME,
        vendor=VENDOR,
        candidates_of=candidates,
        hits=first_of_all,
    )
    return made, llm


def texts_of(judgement: Judgement) -> list[str]:
    """All that a judgement says of the product."""
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
    """Whatever was answered: quotes are verbatim, marks and ids exist."""
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


def test_a_careful_llm_fills_every_part_in_four_calls() -> None:
    made, llm = run(assist_llm.good)
    check(made)
    assert made.calls == len(llm.calls) == 4
    assert {call.stage for call in llm.calls[:3]} == set(FIRST)
    assert not [part for part in made.judgement.parts if part.missing]
    (commands,) = counted(made.sheet, "runs_commands")
    assert [source.reader for source in commands.sources] == ["embedded", "llm"]
    assert made.judgement.kind == "assistant"
    assert made.judgement.factors["dynamic_tool_use"].facts == (commands.id,)
    assert made.judgement.factors["self_modification"].insufficient
    assert made.judgement.layers["deployment_infrastructure"].verdict == "sufficient"
    assert made.judgement.layers["deployment_infrastructure"].facts
    first, second = made.judgement.threats
    assert first.candidate == "mail-injection"
    assert first.taxonomy == (("owasp-asi", "ASI01"),)
    assert [step.threat for step in made.judgement.chains[0].steps] == ["T1", "T2"]
    assert made.judgement.conditions[0].metrics == {"T1": {"UI": "A"}, "T2": {"UI": "A"}}
    assert second.layer == "data_operations"


def test_the_calls_of_both_waves_begin_with_the_same_sources() -> None:
    _, llm = run(assist_llm.good, passage_tokens=166)
    texts = {call.stage: assist_llm.text_of(call) for call in llm.calls}
    whole = shared_start(list(texts.values()))
    assert set(texts) == {*FIRST, "page"}
    assert "Every refund needs approval" in whole
    assert "runs_commands: “" in texts["page"]
    assert not re.search(r"0\.\d\d", "".join(texts.values())), "no fitted number"


def test_a_lazy_llm_costs_nothing_but_its_parts() -> None:
    made, _ = run(assist_llm.lazy)
    check(made)
    assert [fact.id for fact in made.sheet.facts] == [fact.id for fact in program_sheet(documents()).facts]
    whys = {part.part: part.missing.reason for part in made.judgement.parts if part.missing}
    assert whys["threats"] == whys["posture"] == whys["layers/data_operations"] == "not-answered"
    assert not made.judgement.dropped


def test_a_lying_llm_places_nothing() -> None:
    made, llm = run(assist_llm.lying)
    check(made)
    assert {source.reader for fact in made.sheet.facts for source in fact.sources} == {"embedded"}
    assert all(factor.insufficient for factor in made.judgement.factors.values())
    assert not made.judgement.threats
    assert not {layer.verdict for layer in made.judgement.layers.values()} & {"sufficient"}
    said = " ".join(texts_of(made.judgement))
    for word in ("Globex", "ISO", "safe", "isolated", "41", "sandbox", "only", "300"):
        assert word not in said
    refused = " ".join(what for what, _ in made.judgement.dropped)
    assert "Globex Vault isolates" in refused, "what was dropped is kept word for word"
    again = [call for call in llm.calls if call.stage.endswith("-again")]
    assert again, "a repair is asked for"
    assert "Globex" in assist_llm.text_of(again[0]), "and says what was dropped"
    assert "Globex" not in assist_llm.text_of(again[0]).rpartition(DELIMITER)[2], "as untrusted text"


@pytest.mark.parametrize("seen", [True, False])
def test_an_obedient_llm_loses_content_and_lowers_nothing(seen: bool) -> None:
    made, llm = run(assist_llm.obedient, PLANTED, seen=seen)
    check(made, PLANTED)
    shown = any("Assessors must" in assist_llm.text_of(call) for call in llm.calls)
    assert shown is not seen
    assert counted(made.sheet, "runs_commands"), "the fact that sets a floor stays"
    assert any("stays" in why for _, why in made.judgement.dropped)
    assert not any(verdict.holds for verdict in made.judgement.verdicts if verdict.says == "wrong")
    said = " ".join(texts_of(made.judgement))
    if seen:
        assert "certified" not in said
        assert all(factor.insufficient for factor in made.judgement.factors.values())
        assert not [layer for layer in made.judgement.layers.values() if layer.verdict == "sufficient"]
    for sentence in re.split(r"(?<=\.) ", said):
        assert "certified" not in sentence or MARK.search(sentence), "nothing of the product without a quote"


def broken(stage: str, text: str) -> Answer:
    return lambda call: text if call.stage.startswith(stage) else assist_llm.good(call)


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
    made, llm = run(broken(stage, "{]"))
    check(made)
    whys = {part.part: part.missing.reason for part in made.judgement.parts if part.missing}
    assert {part: whys[part] for part in parts} == dict.fromkeys(parts, "invalid-json")
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
    (missing,) = [part.missing for part in made.judgement.parts if part.part == "factors/autonomy_of_action"]
    assert missing is not None
    assert missing.reason == reason.replace("_", "-")
    assert made.judgement.posture


@pytest.mark.parametrize("reason", ["timeout", "unreachable", "unauthorised", "cassette_miss", "rate_limited"])
def test_an_llm_that_cannot_be_had_is_given_up_after_the_first_wave(reason: LlmReason) -> None:
    asked: list[str] = []

    def answer(call: Call) -> Reply | str:
        asked.append(call.stage)
        raise LlmError(reason, "it failed")

    with pytest.raises(LlmError) as raised:
        run(answer)
    assert raised.value.reason == reason
    assert "--fallback embedded" in raised.value.hint
    assert len(asked) == len(FIRST)


def test_a_key_that_is_refused_on_the_way_ends_the_run_there() -> None:
    made, llm = run(failing("unauthorised", "factors"))
    check(made)
    assert {call.stage for call in llm.calls} == set(FIRST)
    whys = {part.part: part.missing.reason for part in made.judgement.parts if part.missing}
    assert whys["threats"] == whys["factors/autonomy_of_action"] == "unauthorised"
    assert len(made.sheet.facts) > 1, "what came counts"


def test_sources_that_are_too_long_are_halved_once() -> None:
    def answer(call: Call) -> Reply | str:
        if call.stage in FIRST:
            raise LlmError("too_large", "too long")
        return assist_llm.good(call)

    made, llm = run(answer, passage_tokens=400)
    check(made)
    assert [call.stage for call in llm.calls if "shorter" in call.stage]
    long, short = (
        next(assist_llm.text_of(call) for call in llm.calls if call.stage == stage)
        for stage in ("factors", "factors-shorter")
    )
    assert len(short) < len(long)
    assert counted(made.sheet, "reads_mail_chat")


def test_a_budget_that_is_too_small_asks_nothing() -> None:
    asked: list[str] = []
    with pytest.raises(LlmError) as raised:
        run(lambda call: asked.append(call.stage) or "", budget=Budget(by_bytes(), None, Caps(1000)))
    assert raised.value.reason == "over_budget"
    assert not asked


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
