"""What a vendor's word alone settles, and that nobody calls it one of the sources."""

from agent.review.domain.effects.decisions import why_still
from tests.fakes.review.reviewing import Desk

DESK = Desk.of_case("firecrawl-mcp")
SAID = "Tested with Claude Sonnet 4 and GPT-4o."
NAMED = [{"key": "names_llm", "polarity": "asserted"}]
Q = next(f"question/{one.id}" for one in DESK.draft.questions if "names_llm" in one.about)
FACT = f"fact/{Q.partition('/')[2]}-names_llm"


def answered(kind: str = "vendor-answer") -> Desk:
    return DESK.act("answer", Q, text=SAID, note="by mail", kind=kind, states=NAMED)


def test_a_layer_is_not_certain_by_the_vendors_word_until_the_analyst_confirms() -> None:
    noted = answered()
    layer = noted.state.reviewed.layers["foundation_models"]
    assert not layer.certain
    assert f"The vendor says “{SAID}”" in layer.paragraph
    assert "confirm" in why_still(DESK.state, noted.state, Q)
    sure = noted.act("confirm", FACT).state.reviewed.layers["foundation_models"]
    assert sure.certain
    assert sure.paragraph.startswith("The vendor says: “Tested")
    back = noted.act("confirm", FACT).act("undo")
    assert back.state.reviewed.layers == noted.state.reviewed.layers


def test_an_analysts_answer_is_said_by_the_analyst() -> None:
    layer = answered("analyst-note").state.reviewed.layers["foundation_models"]
    assert layer.certain
    assert layer.paragraph.startswith("The analyst says: “Tested")


def test_what_an_answer_does_not_move_is_told() -> None:
    silent = DESK.act("answer", Q, text="We cannot say.", note="by mail")
    assert "states no fact" in why_still(DESK.state, silent.state, Q)
