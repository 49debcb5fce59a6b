"""Questions: at most six, none twice, uncertain layers asked about, and numbers only where one moves."""

import pytest

from agent.drafting.judgement import JudgedQuestion, Judgement
from agent.drafting.questions import MAX_QUESTIONS, ask, effect, spread, touched_by
from agent.drafting.threats.candidates import Open
from agent.drafting.wording import word_count
from agent.records import Question
from agent.taxonomy.layers import LAYERS
from tests.fakes.drafting.threats import (
    CODER,
    EXAMPLES,
    THIN,
    TICKETS,
    Example,
    certainty_of,
    factors_of,
    found_for,
    pinned_of,
    score_of_base,
)

MAX_WORDS = 25


def asked(example: Example, judgement: Judgement | None = None, *, withheld: bool = False) -> tuple[Question, ...]:
    score = score_of_base("7.2", withheld="too little" if withheld else None)
    found = found_for(example)
    if judgement:
        found = found._replace(names={"T1": "T2", "T3": "T1"})
    return ask(example.sheet, example.kind, factors_of(), pinned_of(example.sheet), found, score, judgement)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_questions_are_few_ordered_and_short(example: Example) -> None:
    questions = asked(example)
    assert 0 < len(questions) <= MAX_QUESTIONS
    assert [question.id for question in questions] == [f"Q{n}" for n in range(1, len(questions) + 1)]
    effects = [question.effect for question in questions]
    assert effects == sorted(effects, reverse=True)
    assert len({question.text for question in questions}) == len(questions)
    for question in questions:
        assert question.text.endswith("?")
        assert question.why
        assert question.changes
        assert question.proposed
        for text in (question.text, question.why, question.changes):
            assert word_count(text) <= MAX_WORDS
            assert "{" not in text
            assert "_" not in text


def test_uncertain_layers_are_asked_about_first() -> None:
    questions = asked(THIN)
    settled = {key for question in questions for key in question.settles}
    unsure = [layer for layer, state in pinned_of(THIN.sheet).items() if not state.certain]
    assert len(settled & set(unsure)) >= min(len(unsure), MAX_QUESTIONS)


def test_an_answer_names_the_threats_that_it_changes() -> None:
    question = next(one for one in asked(TICKETS) if "approval" in one.text)
    assert question.changes == "All by default: T1 and T2 then need a person's consent."
    assert {"T1", "T2"} <= set(question.about)


def test_what_is_settled_is_not_asked() -> None:
    assert not any("approval by default, and who" in question.text for question in asked(CODER))


def test_an_llms_questions_lead_under_the_names_of_the_draft() -> None:
    judgement = Judgement(
        questions=(
            JudgedQuestion(
                text="Who can write to the comments?",
                why="It decides T1. T2 needs it too.",
                changes="Members alone: T1 shrinks. T2 falls away.",
                about=("reads_untrusted_content", "T1", "T2", "data_operations"),
            ),
            JudgedQuestion(text="Does T2 hold?", why="", changes=""),
        )
    )
    questions = asked(TICKETS, judgement)
    led = next(question for question in questions if question.text == "Who can write to the comments?")
    assert led.changes == "Members alone: T2 shrinks."
    assert led.why == "It decides T2."
    assert "T2" in led.about
    assert "data_operations" in led.settles
    assert not any("hold" in question.text for question in questions)
    assert len(questions) <= MAX_QUESTIONS
    assert sum("reads_untrusted_content" in question.about for question in questions) == 1


def test_while_a_score_is_withheld_layers_stand_first() -> None:
    questions = asked(TICKETS, withheld=True)
    unsure = {layer for layer, state in pinned_of(TICKETS.sheet).items() if not state.certain}
    settling = [bool(unsure & set(question.settles)) for question in questions]
    assert settling == sorted(settling, reverse=True)


def test_what_is_likely_is_asked_and_not_claimed() -> None:
    likely = Open("L3-x", "security_compliance", "Injected payments", "Can it pay by itself?", ("spends_money",))
    found = found_for(THIN)._replace(open=(likely,))
    certainty = certainty_of(THIN.sheet, *(layer for layer in LAYERS if layer != "security_compliance"))
    questions = ask(THIN.sheet, "other", factors_of(), certainty, found, score_of_base("5.0"))
    question = next(one for one in questions if one.text == "Can it pay by itself?")
    assert question.changes == "An unsafe answer adds a threat: injected payments."
    assert question.about == ("spends_money",)


def test_effect_grows_with_what_is_settled_and_never_exceeds_the_width() -> None:
    causes = spread(factors_of(), (7.0, 6.0, 8.0), 1.5, LAYERS[:2])
    one = effect(("autonomy_of_action",), causes)
    both = effect(("autonomy_of_action", LAYERS[0]), causes)
    everything = effect((*factors_of(), *LAYERS), causes)
    assert 0 < one < both < everything <= 1.5
    assert effect((), causes) == 0


def test_touched_threats_rest_on_the_keys() -> None:
    found = found_for(TICKETS)
    assert [threat.id for threat in touched_by(("fetched_at_start",), TICKETS.sheet, found)] == ["T3"]
    assert touched_by(("runs_code",), TICKETS.sheet, found) == []


def test_certain_layers_need_no_question() -> None:
    found = found_for(THIN)
    questions = ask(THIN.sheet, "other", factors_of(), certainty_of(THIN.sheet, *LAYERS), found, score_of_base("5.0"))
    assert len(questions) <= MAX_QUESTIONS
