"""An LLM's verdicts on the catalogue's candidates, and invalid items that are dropped one by one."""

import json

import pytest

from agent.assist.prose import sentences
from agent.drafting.judgement import Judgement
from agent.llm.port import Call
from agent.records.evidence import MARK
from tests.agent.assist.test_run import run
from tests.fakes.assist import llm as assist_llm
from tests.fakes.assist.llm import MAIL, RUN, threat

BAD = threat("Globex AG leaks 300 keys", "A stranger opens gates.", RUN)
OK = threat("Prompt injection through mail", f"A stranger plants a command [{RUN}].", RUN)
RUNS = RUN.removeprefix("D1: ")


def judged(verdict: str = "keep", reason: str = "", into: str = "", extra: str = "", **changes: object) -> Judgement:
    """Return the judgement of a careful page with this verdict on the second candidate, with `changes`."""

    def answer(call: Call) -> str:
        made = json.loads(assist_llm.good(call))
        if call.stage.startswith("page"):
            row = {"candidate": "open-gates", "says": verdict, "into": into, "reason": reason, "why": "so it is"}
            made["verdicts"] = [made["verdicts"][0], row]
            made.update(changes)
        return json.dumps(made)

    made, _ = run(answer, extra=extra)
    every = {item.id: item for item in (*made.sheet.evidence, *made.judgement.evidence)}
    return made.judgement.model_copy(update={"evidence": tuple(every.values())})


def holds(made: Judgement) -> list[bool]:
    return [row.holds for row in made.verdicts if row.candidate == "open-gates"]


@pytest.mark.parametrize("reason", ["fact absent", "addressed to the reader", "another product", ""])
def test_a_candidate_that_rests_on_a_fact_both_read_is_not_wrong(reason: str) -> None:
    made = judged("wrong", reason)
    assert holds(made) == [False]
    assert any("open-gates called wrong" in what for what, _ in made.dropped)


def test_a_merge_holds_into_a_threat_that_rests_on_the_same_fact() -> None:
    assert holds(judged("merge", into="T1")) == [True]
    assert holds(judged("merge", into="T2")) == [False]


def test_a_candidate_called_wrong_is_not_taken_for_a_threat() -> None:
    threats = [threat("Gates open to anyone", "A stranger opens gates.", RUN, candidate="open-gates")]
    made = judged("wrong", "fact absent", threats=threats)
    assert [threat.candidate for threat in made.threats] == [None]


def test_a_threat_that_is_dropped_moves_the_numbers_of_what_refers_to_it() -> None:
    condition = {"text": "Commands wait for approval.", "who": "operator", "price": ""}
    told = f"It runs shell commands on the gate computer [{RUN}], so a steered mail of T2 could open gates."
    made = judged(
        threats=[BAD, OK],
        also=[
            "an attachment that stops the parser",
            "Runaway use of accounts: Hostile text may loop it.",
            "a key that Globex holds",
            "T2 through a shared inbox",
        ],
        conflicts=[
            f"The gate computer runs commands [{RUN}], so T2 needs no second way in.",
            "Its two pages disagree.",
        ],
        conditions=[{**condition, "metrics": ["T2 UI:A", "T2 UI:X", "T2 AC:H", "T1 AT:P"]}],
        chains=[{"title": "From one to the other", "steps": [{"threat": "T1", "quotes": []}]}],
        layers=[{"layer": "agent_frameworks", "paragraph": told}],
    )
    assert [threat.title for threat in made.threats] == ["Prompt injection through mail"]
    assert made.also == (
        "an attachment that stops the parser",
        "runaway use of accounts: hostile text may loop it.",
        "T1 through a shared inbox",
    )
    assert len(made.conflicts) == 1
    assert "so T1 needs no second way in" in made.conflicts[0]
    assert made.conditions[0].threats == ("T1",)
    assert made.conditions[0].metrics == {"T1": {"UI": "A", "AC": "H"}}
    assert not made.chains
    assert "a steered mail of T1 could" in made.layers["agent_frameworks"].paragraph


def test_a_range_of_threats_is_spelled_out_before_one_of_them_goes() -> None:
    question = {"text": "Does each command wait for a person?", "metrics": [], "about": [], "proposed": ""}
    asked = {**question, "changes": "Yes: T1 to T3 ease. No: T2–T3 hold."}
    two = {**OK, "title": "Planted notes steer later answers"}
    made = judged(threats=[OK, BAD, two], chains=[], conditions=[], questions=[asked])
    assert made.questions[0].changes == "Yes: T1, the threat and T2 ease. No: the threat and T2 hold."


def test_a_measure_that_names_what_nobody_named_costs_itself_alone() -> None:
    you = "Hold the key in Globex Vault; log each command."
    condition = {"text": f"{you} Log each command.", "who": "operator", "price": "", "metrics": ["T1"]}
    made = judged(threats=[{**OK, "you": you}], conditions=[condition], chains=[])
    assert made.threats[0].mitigations[0].text == made.conditions[0].text == "Log each command."
    assert any("Globex" in what for what, _ in made.dropped)


def test_a_better_reason_of_a_factor_needs_a_mark_that_holds() -> None:
    rows = [
        {"factor": "dynamic_tool_use", "reason": f"It runs shell commands on the gate computer [{RUN}]."},
        {"factor": "persistent_memory", "reason": "It forgets everything each night."},
        {"factor": "contextual_awareness", "reason": f"It reads 300 inboxes of Globex [{RUN}]."},
    ]
    assert set(judged(reasons=rows).reasons) == {"dynamic_tool_use"}


def test_a_threat_without_a_quote_is_assumed_and_a_setting_is_named() -> None:
    bare = threat("Stolen key opens gates", "Whoever steals the key opens gates.", basis="quoted")
    under = threat("Open port", "Anyone on the network opens gates.", RUN, basis="needs a setting")
    named = {**under, "setting": "where the port is open"}
    made = judged(threats=[bare, under, named], chains=[])
    assert [threat.basis for threat in made.threats] == ["assumed", "assumed", "needs a setting"]
    assert made.threats[2].setting == "the port is open"
    assert not made.threats[2].default_use


CODE = """

## How it starts

```
server(command="gate", args=["gatekeeper@latest"])
sign_in(scopes=["repo", "user"], at="gate")
```
"""
FLAG = "\n\n## How the gate opens\n\nThe gate opens with `--gate=north --force`, and a port of the harbour is 8125.\n"


@pytest.mark.parametrize(
    ("posture", "extra", "cited"),
    [
        (
            f"It reads each mail [{MAIL}], and “runs shell commands on the gate computer” by itself; a stranger could"
            " open gates. Each mail counts. [D1: nobody ever said this]",
            "",
            [MAIL.removeprefix("D1: "), "runs shell commands on the gate computer"],
        ),
        # A citation may end inside the brackets of its quote, and quoted words may contain quotation marks.
        (
            f'The sample names no version [D1: args=["gatekeeper@latest"], and it runs shell commands [{RUN}].',
            CODE,
            ['args=["gatekeeper@latest"', RUNS],
        ),
        (
            'The sample signs in with “scopes=["repo", "user"], at” the gate, so a thief could reach far.',
            CODE,
            ['scopes=["repo", "user"], at'],
        ),
        (f"It runs shell commands on the gate computer [E1] [{RUN}]. So [E2].", "", [RUNS]),
        # A line that contains a flag need not say what the sentence says.
        (f"It runs shell commands on the gate computer [{RUN}], where `--force` opens a gate.", FLAG, [RUNS]),
        # A first sentence without marks rests on the sentences that follow.
        (
            "Whoever sends the office a mail can have commands run on the gate computer."
            f" It runs shell commands on the gate computer [{RUN}]. Everything turns on who reads the mail.",
            "",
            [RUNS, RUNS],
        ),
        # A first sentence whose own mark shares no word with it also rests on the following ones, but shows its own
        # mark.
        (
            "It is an aid with shell commands for the gate computer [D1: searches these notes before it answers], so a"
            f" stranger may open gates. It runs shell commands on the gate computer [{RUN}]. Much turns on the mail.",
            "",
            ["searches these notes before it answers", RUNS],
        ),
    ],
)
def test_a_clause_is_cited_by_the_words_that_it_rests_on_and_no_others(
    posture: str, extra: str, cited: list[str]
) -> None:
    made = judged(what="", posture=posture, extra=extra)
    quotes = {item.id: item.quote for item in made.evidence}
    assert [quotes[mark] for mark in MARK.findall(made.posture)] == cited
    assert "[D1" not in made.posture


def test_a_first_sentence_that_those_that_follow_do_not_carry_goes() -> None:
    told = f"It forgets each mail at midnight. It runs shell commands on the gate computer [{RUN}]."
    assert len(sentences(judged(what="", posture=told).posture)) == 1


def test_a_citation_that_its_sentence_needs_becomes_a_quotation() -> None:
    told = "A stranger's mail may have the aid do what it can [D1: runs shell commands on the gate computer], unseen."
    made = judged(what="", posture=told)
    assert "can “runs shell commands on the gate computer” [E" in made.posture
    invented = told.replace("runs shell commands on the gate computer", "sings in the choir at midnight")
    assert "“" not in judged(what="", posture=invented).posture, "what the sources do not say is no quotation"
