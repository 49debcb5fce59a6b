"""What an LLM says of the catalogue's candidates, and items that fail one by one."""

import json
from collections.abc import Callable

import pytest

from agent.assist.prose import sentences
from agent.llm.port import Call
from agent.records.evidence import MARK
from tests.agent.assist.test_run import run
from tests.fakes.assist import llm as assist_llm

RUN = "D1: It runs shell commands on the gate computer"


def says(verdict: str, reason: str = "", into: str = "", **changes: object) -> Callable[[Call], str]:
    """A careful LLM that says this of the second candidate."""

    def answer(call: Call) -> str:
        made = json.loads(assist_llm.good(call))
        if call.stage.startswith("page"):
            row = {"candidate": "open-gates", "says": verdict, "into": into, "reason": reason, "why": "so it is"}
            made["verdicts"] = [made["verdicts"][0], row]
            made.update(changes)
        return json.dumps(made)

    return answer


@pytest.mark.parametrize("reason", ["fact absent", "addressed to the reader", "another product", ""])
def test_a_candidate_that_rests_on_a_fact_both_read_is_not_wrong(reason: str) -> None:
    made, _ = run(says("wrong", reason))
    (verdict,) = [row for row in made.judgement.verdicts if row.candidate == "open-gates"]
    assert not verdict.holds
    assert any("open-gates called wrong" in what for what, _ in made.judgement.dropped)


def test_a_merge_holds_into_a_threat_that_rests_on_the_same_fact() -> None:
    made, _ = run(says("merge", into="T1"))
    assert [row.holds for row in made.judgement.verdicts if row.candidate == "open-gates"] == [True]
    made, _ = run(says("merge", into="T2"))
    assert [row.holds for row in made.judgement.verdicts if row.candidate == "open-gates"] == [False]


def test_a_candidate_called_wrong_is_not_taken_for_a_threat() -> None:
    threats = [assist_llm.threat("Gates open to anyone", "A stranger opens gates.", RUN, candidate="open-gates")]
    made, _ = run(says("wrong", "fact absent", threats=threats))
    assert [threat.candidate for threat in made.judgement.threats] == [None]


def test_a_threat_that_is_dropped_moves_the_numbers_of_chains_and_conditions() -> None:
    bad = assist_llm.threat("Globex AG leaks 300 keys", "A stranger opens gates.", RUN)
    ok = assist_llm.threat("Prompt injection through mail", f"A stranger plants a command [{RUN}].", RUN)
    condition = {"text": "Commands wait for approval.", "who": "operator", "price": ""}
    made, _ = run(
        says(
            "keep",
            threats=[bad, ok],
            also=["an attachment that stops the parser", "a key that Globex holds", "T2 through a shared inbox"],
            conditions=[{**condition, "metrics": ["T2 UI:A", "T2 UI:X", "T2 AC:H", "T1 AT:P"]}],
            chains=[{"title": "From one to the other", "steps": [{"threat": "T1", "quotes": []}]}],
        )
    )
    (threat,) = made.judgement.threats
    assert threat.title == "Prompt injection through mail"
    assert made.judgement.also == ("an attachment that stops the parser", "T1 through a shared inbox")
    assert made.judgement.conditions[0].threats == ("T1",)
    assert made.judgement.conditions[0].metrics == {"T1": {"UI": "A", "AC": "H"}}
    assert not made.judgement.chains


def test_a_measure_that_names_what_nobody_named_costs_itself_alone() -> None:
    ok = assist_llm.threat("Prompt injection through mail", f"A stranger plants a command [{RUN}].", RUN)
    you = "Hold the key in Globex Vault; log each command."
    condition = {"text": f"{you} Log each command.", "who": "operator", "price": "", "metrics": ["T1"]}
    made, _ = run(says("keep", threats=[{**ok, "you": you}], conditions=[condition], chains=[]))
    (threat,) = made.judgement.threats
    assert threat.mitigations[0].text == "Log each command."
    assert made.judgement.conditions[0].text == "Log each command."
    assert any("Globex" in what for what, _ in made.judgement.dropped)


def test_a_better_reason_of_a_factor_needs_a_mark_that_holds() -> None:
    rows = [
        {"factor": "dynamic_tool_use", "reason": f"It runs shell commands on the gate computer [{RUN}]."},
        {"factor": "persistent_memory", "reason": "It forgets everything each night."},
        {"factor": "contextual_awareness", "reason": f"It reads 300 inboxes of Globex [{RUN}]."},
    ]
    made, _ = run(says("keep", reasons=rows))
    assert set(made.judgement.reasons) == {"dynamic_tool_use"}


def test_a_threat_without_a_quote_is_assumed_and_a_setting_is_named() -> None:
    bare = assist_llm.threat("Stolen key opens gates", "Whoever steals the key opens gates.", basis="quoted")
    under = assist_llm.threat("Open port", "Anyone on the network opens gates.", RUN, basis="needs a setting")
    named = {**under, "setting": "where the port is open"}
    made, _ = run(says("keep", threats=[bare, under, named], chains=[]))
    assert [threat.basis for threat in made.judgement.threats] == ["assumed", "assumed", "needs a setting"]
    assert made.judgement.threats[2].setting == "the port is open"
    assert not made.judgement.threats[2].default_use


def test_a_range_of_threats_is_spelled_out_before_one_of_them_goes() -> None:
    bad = assist_llm.threat("Globex AG leaks 300 keys", "A stranger opens gates.", RUN)
    one = assist_llm.threat("Prompt injection through mail", f"A stranger plants a command [{RUN}].", RUN)
    two = {**one, "title": "Planted notes steer later answers"}
    question = {"text": "Does each command wait for a person?", "why": "", "about": [], "proposed": ""}
    asked = {**question, "changes": "Yes: T1 to T3 ease. No: T2–T3 hold."}
    made, _ = run(says("keep", threats=[one, bad, two], chains=[], conditions=[], questions=[asked]))
    assert made.judgement.questions[0].changes == "Yes: T1, the threat and T2 ease. No: the threat and T2 hold."


def test_a_clause_is_cited_by_the_words_that_it_rests_on() -> None:
    mail = "D1: It reads each mail that arrives in the office inbox"
    posture = (
        f"It reads each mail [{mail}], and “runs shell commands on the gate computer” by itself; a stranger could"
        " open gates. Each mail counts. [D1: nobody ever said this]"
    )
    made, _ = run(says("keep", what="", posture=posture))
    quotes = {item.id: item.quote for item in (*made.sheet.evidence, *made.judgement.evidence)}
    first, *rest = sentences(made.judgement.posture)
    cited = [quotes[mark] for mark in MARK.findall(first)]
    assert cited == ["It reads each mail that arrives in the office inbox", "runs shell commands on the gate computer"]
    assert "[D1" not in made.judgement.posture
    assert all(not MARK.search(sentence) for sentence in rest)


def test_a_citation_may_end_within_brackets_of_its_quote() -> None:
    extra = '\n\n## How it starts\n\n```\nserver(command="gate", args=["gatekeeper@latest"])\n```\n'
    told = f'The sample names no version [D1: args=["gatekeeper@latest"], and it runs shell commands [{RUN}].'
    made, _ = run(says("keep", what="", posture=told), extra=extra)
    quotes = {item.id: item.quote for item in (*made.sheet.evidence, *made.judgement.evidence)}
    assert quotes[MARK.findall(made.judgement.posture)[0]].startswith('args=["gatekeeper@latest"')
    assert "[D1" not in made.judgement.posture


def test_quoted_words_may_hold_quotation_marks() -> None:
    extra = '\n\n## How it signs in\n\n```\nsign_in(scopes=["repo", "user"], at="gate")\n```\n'
    told = 'The sample signs in with “scopes=["repo", "user"], at” the gate, so a thief could reach far.'
    made, _ = run(says("keep", what="", posture=told), extra=extra)
    quotes = {item.id: item.quote for item in (*made.sheet.evidence, *made.judgement.evidence)}
    assert [quotes[mark] for mark in MARK.findall(made.judgement.posture)] == ['scopes=["repo", "user"], at']


def test_marks_that_an_llm_makes_up_are_removed() -> None:
    made, _ = run(says("keep", what="", posture=f"It runs shell commands on the gate computer [E1] [{RUN}]. So [E2]."))
    quotes = {item.id: item.quote for item in (*made.sheet.evidence, *made.judgement.evidence)}
    assert [quotes[mark] for mark in MARK.findall(made.judgement.posture)] == [RUN.removeprefix("D1: ")]


def test_a_first_sentence_without_marks_rests_on_those_that_follow() -> None:
    thesis = "Whoever sends the office a mail can have commands run on the gate computer."
    later = f"It runs shell commands on the gate computer [{RUN}]. Everything turns on who reads the mail."
    made, _ = run(says("keep", what="", posture=f"{thesis} {later}"))
    quotes = {item.id: item.quote for item in (*made.sheet.evidence, *made.judgement.evidence)}
    first, *_ = sentences(made.judgement.posture)
    assert [quotes[mark] for mark in MARK.findall(first)] == [RUN.removeprefix("D1: ")]
    empty = "It forgets each mail at midnight."
    made, _ = run(says("keep", what="", posture=f"{empty} {later}"))
    assert "midnight" not in made.judgement.posture, "what follows does not carry it"


def test_a_name_of_code_brings_no_mark_that_the_llm_did_not_set() -> None:
    extra = (
        "\n\n## How the gate opens\n\nThe gate opens with `--gate=north --force`, and a port of the harbour is 8125.\n"
    )
    told = f"It runs shell commands on the gate computer [{RUN}], where `--force` opens a gate."
    made, _ = run(says("keep", what="", posture=told), extra=extra)
    quotes = {item.id: item.quote for item in (*made.sheet.evidence, *made.judgement.evidence)}
    cited = [quotes[mark] for mark in MARK.findall(made.judgement.posture)]
    assert cited == [RUN.removeprefix("D1: ")], "the line that holds the flag need not say what the sentence says"


def test_layers_name_threats_by_the_numbers_that_they_keep() -> None:
    bad = assist_llm.threat("Globex AG leaks 300 keys", "A stranger opens gates.", RUN)
    ok = assist_llm.threat("Prompt injection through mail", f"A stranger plants a command [{RUN}].", RUN)
    told = f"It runs shell commands on the gate computer [{RUN}], so a steered mail of T2 could open gates."
    layer = {"layer": "agent_frameworks", "paragraph": told}
    made, _ = run(says("keep", threats=[bad, ok], chains=[], conditions=[], layers=[layer]))
    paragraph = made.judgement.layers["agent_frameworks"].paragraph
    assert "a steered mail of T1 could" in paragraph
