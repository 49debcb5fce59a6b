"""Questions: at most six, no duplicates, uncertain layers are asked about, and numbers appear only where a value
changes.
"""

import pytest

from agent.drafting.judgement import Given
from agent.drafting.questions import MAX_QUESTIONS, ask, effect, spread, touched_by
from agent.drafting.wording import word_count
from agent.records import Question
from agent.taxonomy.layers import LAYERS
from tests.fakes.drafting.sheets import factors
from tests.fakes.drafting.threats import (
    CODER,
    EXAMPLES,
    THIN,
    TICKETS,
    found_for,
    led,
    pinned_of,
    score_of_base,
)

FACTORS = factors("0.5", "0.2")


def asked(product: Given, names: dict[str, str] | None = None, *, withheld: bool = False) -> tuple[Question, ...]:
    score = score_of_base("7.2", withheld="too little" if withheld else None)
    found = found_for(product)._replace(names=names or {})
    return ask(product, FACTORS, pinned_of(product.sheet), found, score)


@pytest.mark.parametrize("product", EXAMPLES, ids=lambda product: product.name)
def test_questions_are_few_ordered_and_short(product: Given) -> None:
    questions = asked(product)
    assert [question.id for question in questions] == [f"Q{n}" for n in range(1, len(questions) + 1)]
    effects = [question.effect for question in questions]
    assert effects == sorted(effects, reverse=True)
    assert 0 < len({question.text for question in questions}) == len(questions) <= MAX_QUESTIONS
    for question in questions:
        assert question.text.endswith("?")
        assert all((question.why, question.changes, question.proposed))
        assert all(word_count(text) <= 25 for text in (question.text, question.why, question.changes))


def test_uncertain_layers_are_asked_about_first_and_above_all_while_a_score_is_withheld() -> None:
    thin, unsure = (
        {layer for layer, state in pinned_of(product.sheet).items() if not state.certain} for product in (THIN, TICKETS)
    )
    settled = {key for question in asked(THIN) for key in question.settles}
    assert len(settled & thin) >= min(len(thin), MAX_QUESTIONS)
    settling = [bool(unsure & set(question.settles)) for question in asked(TICKETS, withheld=True)]
    assert settling == sorted(settling, reverse=True)


def test_an_answer_names_the_threats_that_it_changes() -> None:
    question = next(one for one in asked(TICKETS) if "approval" in one.text)
    assert question.changes == "All of them: T1 and T2 then need a person's approval."
    assert {"T1", "T2"} <= set(question.about)
    found = found_for(TICKETS)
    assert [threat.id for threat in touched_by(("fetched_at_start",), TICKETS.sheet, found)] == ["T3"]
    assert touched_by(("runs_code",), TICKETS.sheet, found) == []
    # What is settled is not asked.
    assert not any("approval by default, and who" in question.text for question in asked(CODER))


def test_an_llms_questions_lead_under_the_names_of_the_draft() -> None:
    told = {
        "text": "Who can write to the comments?",
        "why": "It decides T1. T2 needs it too.",
        "changes": "Members alone: T1 shrinks. T2 falls away.",
        "about": ["reads_untrusted_content", "T1", "T2", "data_operations"],
    }
    product = led(TICKETS, questions=[told, {"text": "Does T2 hold?", "why": "", "changes": ""}])
    questions = asked(product, {"T1": "T2", "T3": "T1"})
    first = next(question for question in questions if question.text == told["text"])
    assert (first.changes, first.why) == ("Members alone: T2 shrinks.", "It decides T2.")
    assert "T2" in first.about
    assert "data_operations" in first.settles
    assert not any("hold" in question.text for question in questions)
    assert sum("reads_untrusted_content" in question.about for question in questions) == 1


def test_a_good_answer_lowers_a_threat_and_raises_none() -> None:
    milder, graver = {"UI": "A", "VC": "N"}, {"AC": "L", "PR": "N"}
    text, metrics = "Does each act wait for a click?", {"T1": milder, "T2": graver, "T9": milder}
    product = led(TICKETS, questions=[{"text": text, "changes": "", "metrics": metrics}])
    question = next(each for each in asked(product, {"T1": "T1", "T2": "T2"}) if each.text == text)
    base = {placed.threat.id: placed.threat.score.cvss_base for placed in found_for(TICKETS).threats}
    first, second = question.eases
    assert (first.threat, second.threat) == ("T1", "T2")
    assert first.after < base["T1"]
    assert "UI:A" in first.changes
    assert (second.after, second.changes) == (base["T2"], "")


def test_effect_grows_with_what_is_settled_and_never_exceeds_the_width() -> None:
    causes = spread(FACTORS, (7.0, 6.0, 8.0), 1.5, LAYERS[:2])
    one = effect(("autonomy_of_action",), causes)
    both = effect(("autonomy_of_action", LAYERS[0]), causes)
    assert 0 == effect((), causes) < one < both < effect((*FACTORS, *LAYERS), causes) <= 1.5
