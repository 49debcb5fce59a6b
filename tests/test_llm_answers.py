"""The hand-written good LLM: its answers to the real prompts have the shape, true quotes, and claims that hold."""

from dataclasses import replace
from functools import cache
from typing import NamedTuple

import pytest

from agent.drafting_old.assisted import chains, critique, factors, layers, picture, threats, words
from agent.drafting_old.assisted.asking import AGAIN, Ask, prompt, start, worded
from agent.drafting_old.assisted.checking import Shown, check, place_of
from agent.drafting_old.assisted.proposals import Item
from agent.drafting_old.assisted.shapes import (
    CritiqueAnswer,
    FactorsAnswer,
    LayersAnswer,
    PostureAnswer,
    Quote,
    ThreatsAnswer,
)
from agent.drafting.calibration import load_calibration
from agent.drafting_old.composition import Composition
from agent.drafting_old.embedded import compose
from agent.drafting_old.exemplars import nearest
from agent.drafting_old.families import Identity
from agent.drafting_old.pack import WHOLE_CHARS, Place, pack
from agent.llm.openai_adapter import OpenAiLlm
from agent.llm.parse import read
from agent.llm.port import Call, Message
from agent.llm.retry import Limits
from agent.llm.schema import wire_schema
from agent.llm.tokens import by_bytes
from agent.pipeline import read_documents
from agent.resources import data_folder
from agent.settings import Settings
from agent.taxonomy.keys import FACTORS, LAYERS
from evals.corpus import load_case
from evals.documents import documents_of
from tests.fakes.llm_answers import answer, answer_body, asked_behind
from tests.fakes.llm_port import AnsweringLlm, reply
from tests.fakes.llm_server import FakeEndpoint, by

CASES = ("firecrawl-mcp", "apollo", "abridge")
DELIMITER = "f3a91c07be2d4456"


class Asked(NamedTuple):
    """What a case is asked."""

    interim: Composition
    shown: Shown
    calls: dict[str, Call]
    asks: dict[str, Ask]


@cache
def asked(slug: str) -> Asked:
    reading = read_documents(documents_of(load_case(data_folder("corpus") / "cases" / slug)), Settings())
    interim = compose(reading, name=None, calibration=load_calibration())
    packed = pack(reading, DELIMITER, by_bytes().count, free_chars=WHOLE_CHARS)
    shown = Shown(reading, packed, (interim.product.name,))
    begin = start(packed, product=interim.product.name, delimiter=DELIMITER)
    examples = nearest(reading, Identity(interim.product.name, None))
    asks = (
        *factors.asks(interim, examples),
        *layers.asks(),
        *threats.asks(interim),
        *picture.asks(interim),
        *chains.asks(interim, ()),
        *words.posture_asks(interim),
        *words.questions_asks(interim),
    )
    calls = {ask.stage: worded(ask, begin, 2000) for ask in asks}
    return Asked(interim, shown, calls, {ask.stage: ask for ask in asks})


def ending(slug: str, end: str, stage: str = "layers") -> Call:
    """The call of a stage with another question behind the passages."""
    call = asked(slug).calls[stage]
    *before, last = call.messages
    start_of_it = last.text.removesuffix(asked_behind(last.text))
    return replace(call, messages=(*before, replace(last, text=start_of_it + end)))


def answered(slug: str, stage: str):
    """The answer of one stage, read as strictly as any."""
    found = read(reply(answer(asked(slug).calls[stage])), asked(slug).asks[stage].shape)
    assert isinstance(found, asked(slug).asks[stage].shape), found
    return found


def quotes_in(value: object) -> list[Quote]:
    rows = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    if isinstance(value, dict) and set(value) == {"passage", "text"}:
        return [Quote(**value)]
    return [quote for row in rows for quote in quotes_in(row)]


@pytest.mark.parametrize("slug", CASES)
@pytest.mark.parametrize(
    "stage", ["factors-1", "factors-2", "layers", "threats", "picture", "posture", "questions", "chains"]
)
def test_every_stage_is_answered_in_its_shape_with_quotes_that_are_found(slug, stage):
    call = asked(slug).calls[stage]
    found = answered(slug, stage)
    assert answer(call) == AnsweringLlm(answer).complete(call).text == answer(call)
    quotes = quotes_in(found.model_dump())
    assert quotes or stage == "questions"
    assert [place_of(quote, asked(slug).shown) for quote in quotes if not isinstance(_at(slug, quote), Place)] == []


def _at(slug: str, quote: Quote) -> object:
    return place_of(quote, asked(slug).shown)


@pytest.mark.parametrize("slug", CASES)
def test_its_claims_hold(slug):
    items = []
    for stage in ("factors-1", "factors-2"):
        part = answered(slug, stage)
        assert isinstance(part, FactorsAnswer)
        assert tuple(item.factor for item in part.factors) == asked(slug).asks[stage].keys
        assert all(item.low <= item.value <= item.high for item in part.factors)
        items += part.factors
    assert [item.factor for item in items] == list(FACTORS)
    of_layers = answered(slug, "layers")
    assert isinstance(of_layers, LayersAnswer)
    assert [item.layer for item in of_layers.layers] == list(LAYERS)
    checked = [check(item, asked(slug).shown) for item in (*items, *of_layers.layers, answered(slug, "posture"))]
    assert sum(len(row.claims) for row in checked) >= 15
    assert [lost for row in checked for lost in row.lost] == []
    assert {claim.state for row in checked for claim in row.claims} == {"claimed"}


def test_a_factor_is_moved_by_a_quote_and_by_nothing_else():
    part = answered("apollo", "factors-1")
    estimates = asked("apollo").interim.factors
    for item in part.factors:
        estimate = round(float(estimates[item.factor].value) * 10)
        assert item.value == min(estimate + (1 if item.quotes else 0), 10)
        assert (item.sufficiency == "insufficient") == (not item.quotes)


def test_threats_are_like_known_ones_with_ids_of_the_list():
    found = answered("apollo", "threats")
    assert isinstance(found, ThreatsAnswer)
    known = {candidate.pattern.id for candidate in asked("apollo").interim.candidates}
    assert len(found.threats) == 2
    for threat in found.threats:
        assert threat.like in known
        assert [(row.id, row.title) for row in threat.ids] == [("ASI01", "Agent Goal Hijack")]


def test_questions_keep_their_points():
    found = answered("apollo", "questions")
    points = {question.id: question.text for question in asked("apollo").interim.questions}
    passages = "\n".join(passage.shown for passage in asked("apollo").shown.packed.passages.values())
    assert len(found.questions) == min(len(points), words.MAX_ASKED) > 2
    for row in found.questions:
        assert row.text != points[row.point]
        assert words.question_fault(row.text, points[row.point], passages, asked("apollo").shown.known) == ""


def test_a_second_look_judges_every_claim():
    rows = [
        (item.layer, Item(item, check(item, asked("apollo").shown))) for item in answered("apollo", "layers").layers
    ]
    (ask,) = critique.asks(rows, asked("apollo").shown)
    call = replace(ending("apollo", prompt("critique").render(**ask.values)), schema=wire_schema(CritiqueAnswer))
    found = read(reply(answer(call)), CritiqueAnswer)
    assert isinstance(found, CritiqueAnswer)
    assert [row.claim for row in found.verdicts] == list(
        range(1, 1 + sum(len(item.checked.claims) for _, item in rows))
    )
    assert critique.judged(found, rows) == tuple(rows)


def test_asked_again_it_answers_for_what_is_asked_only():
    (ask,) = layers.asks(("agent_ecosystem",))
    again = (
        f"{prompt('layers').render(**ask.values)}\n{prompt(AGAIN).render(dropped='- agent_ecosystem: 2 of 3 claims')}"
    )
    found = read(reply(answer(ending("apollo", again))), LayersAnswer)
    assert isinstance(found, LayersAnswer)
    assert [item.layer for item in found.layers] == ["agent_ecosystem"]


def test_a_prompt_without_passages_is_answered_with_nothing():
    call = asked("apollo").calls["layers"]
    bare = replace(call, messages=(Message("user", asked_behind(call.messages[1].text)),))
    found = read(reply(answer(bare)), LayersAnswer)
    assert isinstance(found, LayersAnswer)
    assert {item.sufficiency for item in found.layers} == {"insufficient"}


def test_over_the_wire_it_says_the_same():
    call = asked("apollo").calls["posture"]
    with FakeEndpoint([by(answer_body)]) as fake:
        llm = OpenAiLlm(fake.endpoint(), Limits(call_seconds=10.0))
        said = llm.complete(call)
        llm.close()
    assert said.text == answer(call)
    assert isinstance(read(said, PostureAnswer), PostureAnswer)
