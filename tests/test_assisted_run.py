"""The run of an LLM's part: its waves and limits, what is asked again, and that nothing but the answers decides."""

import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import pytest

from agent.drafting_old.assisted.run import MAX_CALLS, Assisted, assist
from agent.drafting_old.assisted.sending import MAX_TURNS, given_out
from agent.errors import LlmError, LlmReason
from agent.export.draft_json import dump
from agent.llm.budget import Budget, Caps
from agent.llm.port import Call, Llm, Message, Reply, Usage
from agent.llm.tokens import by_bytes
from agent.records import Draft, Missing
from tests.fakes.assisted_replay import drafted, helper, one_layer_lost
from tests.fakes.llm_answers import answer
from tests.fakes.llm_port import AnsweringLlm, reply
from tests.fakes.paperhawk_reading import CONSTANTS, LISTING, interim, shown

DELIMITER = "0123456789abcdef"
FIRST = {"factors-1", "factors-2", "layers", "threats", "picture"}
LAST = {"posture", "questions", "chains"}


def run(llm: Llm, judge: Llm | None = None, **changes: object) -> Assisted:
    """Paperhawk's run, without the draft that is made of it."""
    assistant = replace(helper(llm, judge, DELIMITER), **changes)  # type: ignore[arg-type]
    return assist(shown().reading, interim(), assistant, CONSTANTS)


def stages(llm: AnsweringLlm) -> list[str]:
    return [call.stage for call in llm.calls]


def failing(reason: LlmReason, when: Callable[[Call], bool], what: str = "it does not") -> AnsweringLlm:
    """A good LLM whose calls fail where `when` says so."""

    def answered(call: Call) -> str:
        if when(call):
            raise LlmError(reason, what, usage=Usage(10, 1))
        return answer(call)

    return AnsweringLlm(answered)


def changed(stage: str, field: str, change: Callable[[list[dict[str, object]]], object]) -> AnsweringLlm:
    """A good LLM; the list `field` of its answer to `stage` is changed."""

    def answered(call: Call) -> str:
        made = json.loads(answer(call))
        if call.stage == stage:
            made[field] = change(made[field])
        return json.dumps(made)

    return AnsweringLlm(answered)


def missing(draft: Draft) -> Mapping[str, Missing]:
    return {part.part: part.missing for part in draft.drafter.parts if part.missing is not None}


@cache
def good() -> Draft:
    return drafted(helper(AnsweringLlm(answer), None, DELIMITER))


# ---------------------------------------------------------------- waves


def test_two_waves_and_what_is_asked_in_each() -> None:
    begun, ended, lock = {}, {}, threading.Lock()

    def answered(call: Call) -> str:
        with lock:
            begun[call.stage] = time.monotonic()
        time.sleep(0.05)
        with lock:
            ended[call.stage] = time.monotonic()
        return one_layer_lost(call)

    helped = run(AnsweringLlm(answered))
    assert set(begun) == FIRST | LAST | {"layers-again"}
    assert helped.calls == len(begun)
    second = set(begun) - FIRST
    assert max(begun[stage] for stage in FIRST) < min(ended[stage] for stage in FIRST), "side by side"
    assert max(ended[stage] for stage in FIRST) < min(begun[stage] for stage in second)
    assert max(begun[stage] for stage in second) < min(ended[stage] for stage in second)


def test_all_calls_begin_alike() -> None:
    llm = AnsweringLlm(one_layer_lost)
    run(llm, AnsweringLlm(answer))
    assert len({call.messages[0] for call in llm.calls}) == 1
    starts = {call.messages[1].text.partition("End of the passages.")[0] for call in llm.calls}
    assert len(starts) == 1
    assert all(len(call.messages) == 2 for call in llm.calls)


def test_the_order_in_which_answers_come_decides_nothing() -> None:
    """Repairs, re-asks and a judge included."""

    def slow(seed: int) -> AnsweringLlm:
        chance = random.Random(seed)

        def answered(call: Call) -> str:
            time.sleep(chance.random() / 20)
            return "no JSON" if call.attempt == 1 and call.stage != "layers" else one_layer_lost(call)

        return AnsweringLlm(answered)

    drafts = {dump(drafted(helper(slow(seed), slow(seed + 10), DELIMITER))) for seed in range(3)}
    assert len(drafts) == 1


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize("judged", [False, True])
def test_never_more_than_twelve_calls_and_each_last_part_has_its_turn(judged: bool) -> None:
    """Every answer is broken, so that everything asks for a repair."""
    llm, judge = AnsweringLlm(lambda _: "no JSON"), AnsweringLlm(lambda _: "no JSON")
    helped = run(llm, judge if judged else None)
    assert len(llm.calls) + len(judge.calls) == helped.calls <= MAX_CALLS
    assert set(stages(llm)) == FIRST | LAST
    assert {helped.proposals.missing[part].reason for part in LAST} == {"invalid-json"}


def test_a_judge_takes_the_turn_of_a_repair_and_of_no_part() -> None:
    """Four calls of the first wave would be repaired."""
    broken = FIRST - {"picture"}
    llm = AnsweringLlm(lambda call: "no JSON" if call.attempt == 1 and call.stage in broken else answer(call))
    judge = AnsweringLlm(answer)
    helped = run(llm, judge)
    assert stages(judge) == ["critique"]
    assert sorted(stages(llm)) == sorted([*FIRST, *LAST, "factors-1", "factors-2", "layers"])
    assert helped.proposals.missing["threats"].reason == "invalid-json"


def test_what_is_left_out_for_want_of_calls_is_told_as_that() -> None:
    """Three calls of the first wave are repaired, and all that they said would have to be asked for again."""

    def answered(call: Call) -> str:
        made = json.loads(answer(call))
        wordy = call.stage.startswith(("factors", "layers"))
        for row in [row for rows in made.values() for row in rows] if wordy else []:
            row["claims"] = [{"text": "Paperhawk flies to Mars.", "quotes": [1]}]
        return "no JSON" if call.attempt == 1 and wordy else json.dumps(made)

    llm, judge = AnsweringLlm(answered), AnsweringLlm(answer)
    made = drafted(helper(llm, judge, DELIMITER))
    assert made.usage["llm_calls"] == len(llm.calls) + len(judge.calls) == MAX_CALLS
    assert set(stages(llm)) == FIRST | LAST
    assert {missing(made)[f"layers/{key}"].reason for key, layer in made.layers.items() if layer.certain} == {
        "claims-dropped"
    }, "for the first answers were read"


def test_a_part_whose_call_was_not_sent_says_so() -> None:
    llm = failing("too_large", lambda call: call.stage in FIRST)
    helped = run(llm)
    assert helped.calls == MAX_CALLS
    unsent = (FIRST | LAST) - {stage.removesuffix("-shorter") for stage in stages(llm)[5:]}
    assert unsent == {"chains"}
    assert helped.proposals.missing["chains"].reason == "over-budget"
    assert "not asked" in helped.proposals.missing["chains"].detail


def test_turns_go_round_while_there_are_any() -> None:
    calls = [Call("a", (Message("user", "x"),), "A", {}, 10)] * 3
    budget = Budget(by_bytes(), None, Caps(1_000_000))
    assert [given_out(calls, budget, limit) for limit in (0, 2, 3, 7, 12)] == [
        (0, 0, 0),
        (1, 1, 0),
        (1, 1, 1),
        (3, 2, 2),
        (MAX_TURNS,) * 3,
    ]
    assert given_out((), budget, 12) == ()


def test_turns_are_given_only_where_the_budget_has_room_for_all_of_them() -> None:
    calls = [Call("a", (Message("user", "x" * size),), "A", {}, 1_000) for size in (30, 30_000, 30)]
    small, large = (Budget(by_bytes(), None, Caps(1)).estimate(call) for call in calls[:2])
    one = small.input_tokens + small.output_tokens
    whole = large.input_tokens + large.output_tokens

    def given(cap: int) -> tuple[int, ...]:
        return given_out(calls, Budget(by_bytes(), None, Caps(cap)), 12)

    assert given(one - 1) == (0, 0, 0)
    assert given(one) == (1, 0, 0)
    first, second, third = given(one + whole - 1)
    assert (first > 0, second, third > 0) == (True, 0, True), "a later call may fit where one before it does not"
    assert given(2 * one + whole - 1) == (1, 1, 0)
    assert given(2 * one + whole) == (1, 1, 1)
    assert given(100 * whole) == (MAX_TURNS,) * 3


def test_near_the_cap_the_same_calls_are_made_whoever_is_first() -> None:
    """The plan fits, and repairs for some of its calls."""
    told: list[str] = []
    run(AnsweringLlm(answer), told=told.append)
    planned = [int(number) for number in told[0].replace(",", "").split() if number.isdigit()]
    seen = set()
    for seed in range(4):
        chance = random.Random(seed)

        def answered(call: Call, chance: random.Random = chance) -> Reply:
            time.sleep(chance.random() / 50)
            used = Usage(by_bytes().call(call), call.max_tokens)
            return reply("no JSON" if call.attempt == 1 else answer(call), usage=used)

        llm = AnsweringLlm(answered)
        helped = run(llm, budget=Budget(by_bytes(), None, Caps(sum(planned[1:3]) + 20_000)))
        seen.add((tuple(sorted((call.stage, call.attempt) for call in llm.calls)), helped.answers))
        assert helped.usage.input_tokens + helped.usage.output_tokens <= sum(planned[1:3]) + 20_000
    assert len(seen) == 1


# ---------------------------------------------------------------- estimate


def test_the_plan_is_told_and_refused_before_anything_is_sent() -> None:
    llm, told = AnsweringLlm(answer), []
    with pytest.raises(LlmError) as caught:
        run(llm, told=told.append, budget=Budget(by_bytes(), None, Caps(30_000)))
    assert caught.value.reason == "over_budget"
    assert "its cap is 30000" in caught.value.what
    assert llm.calls == []
    assert len(told) == 1
    assert told[0].startswith("llm: fake/fake-1, 8 calls planned: ")
    assert told[0].endswith(f"with repairs up to {MAX_CALLS} calls")


def test_what_was_taken_is_told_and_adds_up() -> None:
    def dear(call: Call) -> Reply:
        return reply(one_layer_lost(call), usage=Usage(9_000, 900, 100))

    llm, judge = AnsweringLlm(dear), AnsweringLlm(dear)
    told: list[str] = []
    assistant = replace(helper(llm, judge, DELIMITER), told=told.append)
    made = drafted(assistant)
    calls = len(llm.calls) + len(judge.calls)
    assert made.usage["llm_calls"] == calls
    assert assistant.budget.spent.usage == Usage(9_000 * calls, 900 * calls, 100 * calls)
    assert (made.usage["input_tokens"], made.usage["output_tokens"]) == (9_000 * calls, 900 * calls)
    assert assistant.budget.spent.calls == calls
    assert told[-1].startswith(f"llm: fake/fake-1 took {calls} calls, ")
    assert {ref.name for ref in made.drafter.prompts} >= {"instructions", "evidence", "again", "critique", *LAST}


# ---------------------------------------------------------------- asked again


def test_a_part_that_lost_its_claims_is_asked_once_more_for_it_alone() -> None:
    llm = AnsweringLlm(one_layer_lost)
    made = drafted(helper(llm, None, DELIMITER))
    (again,) = [call for call in llm.calls if call.stage == "layers-again"]
    assert again.attempt == 2
    end = again.messages[1].text.partition("End of the passages.")[2]
    assert "- data_operations: 1 of 1 claims: " in end
    assert "- agent_frameworks" not in end
    assert "Mars" not in again.messages[1].text, "no word of the answer goes back"
    assert [row.reason for row in made.dropped if row.what == "first answer of the LLM, layers/data_operations"] == [
        "the other one's claims hold better; dropped of this one: 1 of 1 claims: number or name not in the quotes (1)"
    ]
    assert next(part.by for part in made.drafter.parts if part.part == "layers/data_operations") != "embedded"


def test_a_second_answer_that_is_no_better_changes_nothing_and_is_told() -> None:
    llm = AnsweringLlm(lambda call: one_layer_lost(replace(call, stage=call.stage.removesuffix("-again"))))
    made = drafted(helper(llm, None, DELIMITER))
    assert stages(llm).count("layers-again") == 1
    assert missing(made)["layers/data_operations"].reason == "claims-dropped"
    assert any(row.what == "second answer of the LLM, layers/data_operations" for row in made.dropped)


def test_a_call_that_was_too_long_is_sent_again_with_half_the_passages() -> None:
    llm = failing("too_large", lambda call: call.stage == "layers")
    made = drafted(helper(llm, None, DELIMITER))
    (shorter,) = [call for call in llm.calls if call.stage == "layers-shorter"]
    before = next(call for call in llm.calls if call.stage == "layers")
    assert len(shorter.messages[1].text) < len(before.messages[1].text) - len(LISTING) // 3
    late = [call for call in llm.calls if call.stage in LAST]
    assert {call.messages[1].text.partition("End of the")[0] for call in (*late, shorter)} == {
        shorter.messages[1].text.partition("End of the")[0]
    }, "all of the second wave begins alike"
    assert not [part for part in missing(made) if missing(made)[part].reason == "too-large"]
    assert made.usage["claims_dropped"] == 0, "quotes of both lengths are found"
    assert made.usage["quotes_found"] == made.usage["quotes_proposed"] > 0


def test_passages_too_long_for_every_call_are_tried_at_half_the_length() -> None:
    llm = failing("too_large", lambda call: call.stage in FIRST)
    made = drafted(helper(llm, None, DELIMITER))
    assert {stage for stage in stages(llm) if stage.endswith("-shorter")} == {f"{stage}-shorter" for stage in FIRST}
    assert any(part.by != "embedded" for part in made.drafter.parts)


def test_an_llm_for_which_all_is_too_long_cannot_be_had() -> None:
    llm = failing("too_large", lambda _: True)
    with pytest.raises(LlmError) as caught:
        run(llm)
    assert caught.value.reason == "too_large"
    assert caught.value.usage == Usage(10 * MAX_CALLS, MAX_CALLS)
    assert len(llm.calls) == MAX_CALLS


def test_what_ends_a_run_ends_it_after_the_first_wave_and_the_rest_says_why() -> None:
    llm = failing("out_of_quota", lambda call: call.stage == "picture", "the account is empty")
    helped = run(llm)
    assert set(stages(llm)) == FIRST
    assert {helped.proposals.missing[part].reason for part in ("system", *LAST)} == {"out-of-quota"}
    assert helped.proposals.missing["posture"].detail == "not asked, since the account is empty"
    assert len(helped.proposals.factors) == 11


@pytest.mark.parametrize("reason", ["unauthorised", "unreachable", "timeout"])
def test_an_llm_of_which_nothing_comes_cannot_be_had(reason: LlmReason) -> None:
    llm = failing(reason, lambda _: True)
    with pytest.raises(LlmError) as caught:
        run(llm)
    assert caught.value.reason == reason
    assert set(stages(llm)) == FIRST


# ---------------------------------------------------------------- answers


def test_a_key_that_is_answered_twice_or_unasked_is_nobodys_and_told() -> None:
    def twice(rows: list[dict[str, object]]) -> object:
        return [rows[0], *rows, {**rows[1], "factor": "opacity_reflexivity"}]

    made = drafted(helper(changed("factors-1", "factors", twice), None, DELIMITER))
    assert missing(made)["factors/autonomy_of_action"].reason == "not-answered"
    told = {row.what: row.reason for row in made.dropped if row.what.startswith("answer of the LLM, ")}
    assert told == {
        "answer of the LLM, factors/autonomy_of_action": "answered 2 times",
        "answer of the LLM, factors/opacity_reflexivity": "nobody asked for it in this call",
    }
    assert made.factors["opacity_reflexivity"] == good().factors["opacity_reflexivity"]


def test_threats_beyond_the_first_twelve_are_counted() -> None:
    made = drafted(helper(changed("threats", "threats", lambda rows: rows[:1] * 15), None, DELIMITER))
    assert "3 items beyond the first 12 are not read" in [row.reason for row in made.dropped]


# ---------------------------------------------------------------- the judge


def test_the_judges_verdicts_lower_and_are_counted() -> None:
    def against(call: Call) -> str:
        verdicts = json.loads(answer(call))["verdicts"]
        return json.dumps({"verdicts": [{**row, "verdict": "unsupported"} for row in verdicts]})

    judge = AnsweringLlm(against)
    made = drafted(helper(AnsweringLlm(answer), judge, DELIMITER))
    assert stages(judge) == ["critique"]
    assert made.usage["claims_dropped"] > 0 == good().usage["claims_dropped"]
    assert any("a second LLM judged so" in row.reason for row in made.dropped)
    assert made.usage["claims_supported"] < good().usage["claims_supported"]


def test_a_judge_that_fails_is_told_and_costs_nothing_else() -> None:
    judge = failing("timeout", lambda _: True, "it sleeps")
    made = drafted(helper(AnsweringLlm(answer), judge, DELIMITER))
    assert [row.reason for row in made.dropped if row.what == "verdicts of a second LLM"] == ["it sleeps"]
    assert made.layers == good().layers
    assert made.factors == good().factors


def test_a_good_judge_changes_nothing() -> None:
    made = drafted(helper(AnsweringLlm(answer), AnsweringLlm(answer), DELIMITER))
    assert made.layers == good().layers
    assert made.dropped == good().dropped
