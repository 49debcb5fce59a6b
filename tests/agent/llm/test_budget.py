"""The budget of a run: token and cost limits that are checked before a call, and prices stored as data."""

import threading
from decimal import Decimal

import pytest
from pydantic import BaseModel

from agent.errors import InputError
from agent.llm.budget import FREE, Budget, Caps, Price, Spent, price_of, prices, read_prices
from agent.llm.parse import ask
from agent.llm.port import Call, LlmError, Message, Usage
from agent.llm.tokens import ANSWER_TOKENS, MESSAGE_TOKENS, by_bytes
from tests.fakes.llm.port import ScriptedLlm, at_once, reply

TERRA = Price(input=Decimal(2), written=Decimal("2.5"), cached=Decimal("0.2"), output=Decimal(12))
FRAME = MESSAGE_TOKENS + ANSWER_TOKENS + 1  # and one for the empty schema


def call(tokens: int, max_tokens: int = 100, **schema: object) -> Call:
    """A call whose input counts as `tokens`."""
    return Call("factors", (Message("user", "x" * 3 * (tokens - FRAME)),), "s", schema, max_tokens)


def budget(tokens: int = 1000, dollars: str | None = None, price: Price | None = TERRA) -> Budget:
    return Budget(by_bytes(), price, Caps(tokens, None if dollars is None else Decimal(dollars)))


def test_the_worst_case_of_a_call() -> None:
    assert budget().estimate(call(200)) == Usage(200, 100, estimated=True)


def test_calls_fit_up_to_the_cap_and_not_beyond() -> None:
    run = budget(tokens=600)
    run.settle(run.reserve(call(200)), Usage(200, 100))
    run.settle(run.reserve(call(200)), Usage(200, 100))
    beyond = r"could use 601 tokens, but its cap is 600.*before the call 'factors'"
    with pytest.raises(LlmError, match=beyond) as caught:
        run.reserve(call(1 + FRAME, max_tokens=-FRAME))
    assert caught.value.reason == "over_budget"
    assert caught.value.ends_run
    assert run.spent == Spent(2, Usage(400, 200), Decimal("0.0034"))


def test_what_was_not_used_is_free_again_and_failures_cost() -> None:
    run = budget(tokens=300)
    run.settle(run.reserve(call(200)), Usage(200, 0, estimated=True))
    run.settle(run.reserve(call(50, 50)), Usage(50, 10))
    run.settle(run.reserve(call(20, 20)), Usage())
    assert run.spent == Spent(3, Usage(250, 10, estimated=True), Decimal("0.000745"))


def test_a_cap_in_money() -> None:
    run = budget(tokens=10**9, dollars="0.0034")  # two calls at 200 * 2.5 + 100 * 12 millionths
    run.settle(run.reserve(call(200)), Usage(200, 100))
    run.settle(run.reserve(call(200)), Usage(200, 100))
    with pytest.raises(LlmError, match=r"could cost \$0.005100, but its cap is \$0.0034"):
        run.reserve(call(200))


def test_a_cap_in_money_needs_a_price() -> None:
    with pytest.raises(InputError, match="price of this LLM is unknown"):
        budget(dollars="1", price=None)
    assert budget(price=None).spent.dollars is None
    assert budget(dollars="0", price=FREE).reserve(call(200)) == 1


@pytest.mark.parametrize(
    ("reported", "counted"),
    [
        (Usage(300, 50, 100), Usage(300, 50, 100)),
        (Usage(150, 50), Usage(150, 50)),
        (Usage(100, 50), Usage(100, 50)),
        (Usage(99, 50), Usage(100, 50, estimated=True)),
        (Usage(0, 50), Usage(100, 50, estimated=True)),
        (Usage(-5, -7, -9), Usage(100, 0, estimated=True)),
        (Usage(200, 50, 900), Usage(200, 50, 200)),
    ],
)
def test_a_report_that_cannot_be_is_not_believed(reported: Usage, counted: Usage) -> None:
    run = budget()
    run.settle(run.reserve(call(300)), reported)
    assert run.spent.usage == counted


def test_a_call_waits_for_one_under_way_that_gives_some_back() -> None:
    run = budget(tokens=300)
    first = run.reserve(call(150))
    tickets: list[int] = []
    waiting = threading.Thread(target=lambda: tickets.append(run.reserve(call(100))))
    waiting.start()
    waiting.join(0.1)
    assert tickets == []
    run.settle(first, Usage(90, 10))
    waiting.join(5)
    assert tickets == [2]


def test_many_threads_never_pass_the_cap() -> None:
    run = budget(tokens=1000)
    done: list[str] = []

    def work(_: object) -> None:
        try:
            ticket = run.reserve(call(50, 50))
        except LlmError as error:
            done.append(error.reason)
        else:
            run.settle(ticket, Usage(50, 50))
            done.append("sent")

    at_once(work, *range(15))
    assert sorted(done) == ["over_budget"] * 5 + ["sent"] * 10
    assert run.spent.usage == Usage(500, 500)


class Yes(BaseModel):
    yes: bool


def test_asking_goes_through_the_budget() -> None:
    run = budget(tokens=10_000)
    llm = ScriptedLlm([reply('{"yes": 1}'), LlmError("timeout", "too slow", usage=Usage(90, 0, estimated=True))])
    assert ask(llm.complete, call(200), Yes, run, 3).reason == "timeout"
    assert run.spent.calls == 2
    assert run.spent.usage == Usage(190, 20, estimated=True)


def test_nothing_is_sent_beyond_the_budget() -> None:
    llm = ScriptedLlm([])
    answer = ask(llm.complete, call(200), Yes, budget(tokens=100), 3)
    assert answer.reason == "over_budget"
    assert "its cap is 100" in answer.detail
    assert llm.calls == []


def test_the_cost_of_a_usage() -> None:
    assert TERRA.cost(Usage(1_000_000, 100_000, 800_000)) == Decimal("1.860000")
    plain = Price(input=Decimal(2), cached=Decimal("0.2"), output=Decimal(12))
    assert plain.cost(Usage(1_000_000, 100_000, 800_000)) == Decimal("1.760000")
    assert FREE.cost(Usage(10**9, 10**9)) == 0


@pytest.mark.parametrize(
    ("llm", "known"),
    [
        ("gpt-5.6-terra", True),
        ("openai/gpt-5.6-terra", True),
        ("openai/GPT-5.6-Terra-2026-06-01", True),
        ("anthropic/claude-opus-5-5-20260801", True),
        ("generic/openai/gpt-5.5", True),
        ("openai/gpt-5.6-terrace", False),
        ("openai/gpt-5.6-terra-mini", False),
        ("ollama/qwen3:8b", False),
        ("", False),
    ],
)
def test_prices_by_name(llm: str, known: bool) -> None:
    assert (price_of(llm, prices()) is not None) == known


def test_the_table_is_in_order() -> None:
    for name, price in prices().items():
        assert name == name.lower()
        assert price.cached < price.input < price.output, name
        assert price.written is None or price.input < price.written, name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a", "not a mapping"),
        ("a: [", "not YAML"),
        ('a: {input: "1", output: "1"}', "a.cached: Field required"),
        ('a: {input: "-1", cached: "1", output: "1"}', "a.input: Input should be greater"),
        ('a: {input: "NaN", cached: "1", output: "1"}', "a.input: Input should be a finite number"),
        ('a: {input: "1", cached: "1", output: "1", per: "1"}', "a.per: Extra inputs"),
        ("a: unknown", "a: Input should be"),
    ],
)
def test_a_wrong_table_is_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_prices(text, "mine.yaml")
