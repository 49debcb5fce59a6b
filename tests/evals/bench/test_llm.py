"""The figures of the benchmark of drafting with an LLM, from calls with known times and texts."""

import itertools
from decimal import Decimal

from agent.llm.budget import Price
from agent.llm.port import Call, Message
from agent.llm.tokens import ANSWER_TOKENS, MESSAGE_TOKENS, Counter
from evals.bench import manual
from evals.bench.llm import Timed, costs, measured
from tests.fakes.llm.port import reply

CHARACTERS = Counter("characters", len)
START = "s" * 90


def timed(stage: str, end: str, begun: float, ended: float, answer: str = "{}") -> Timed:
    call = Call(stage, (Message("user", START + end),), "s", {}, 10)
    return Timed(call, reply(answer), begun, ended)


def test_waves_tokens_and_seconds_of_known_calls():
    calls = [
        timed("chains", "cc", 1.2, 2.25, "12345"),
        timed("factors-1", "aaaa", 0.0, 1.0),
        timed("layers", "b", 0.1, 1.1),
        timed("posture", "d", 1.15, 2.1),
    ]
    found = measured(calls, CHARACTERS)
    assert [stage for stage, _ in found.stages] == ["factors-1", "layers", "posture", "chains"]
    assert (found.waves, found.seconds) == (2, 2.25)
    frame = MESSAGE_TOKENS + ANSWER_TOKENS
    assert found.messages == 4 * (90 + frame) + 8
    assert found.cacheable == 4 * (len("user\n") + 90)
    assert found.share == 4 * 95 / found.messages
    assert (found.schemas, found.output) == (4 * 2, 5 + 3 * 2)


def test_three_calls_one_after_another_are_three_waves():
    calls = [timed(str(number), str(number), number, number + 1) for number in range(3)]
    found = measured(calls, CHARACTERS)
    assert (found.waves, found.cacheable, found.cached) == (3, 2 * 95, 2 * 95), "the first wave writes, the others read"


def test_what_is_cached_costs_less():
    calls = [timed("a", "1", 0, 1), timed("b", "2", 0, 1), timed("c", "3", 1, 2)]
    price = Price(input=Decimal(10), cached=Decimal(1), output=Decimal(100))
    found = measured(calls, CHARACTERS)
    told = costs(found, price)
    cold = Decimal(10 * (found.messages + found.schemas) + 100 * found.output) / 1_000_000
    assert told["cold"] == cold
    # One of the two calls of the first wave reads the common prefix from the cache, and so does the third call.
    assert (found.cacheable, found.cached) == (3 * 95, 2 * 95)
    assert told["cached"] < cold


def test_the_manual_has_twenty_pages_that_differ():
    pages = [manual.markdown(title) for title in manual.PAGES]
    assert len(pages) == 20
    assert pages == [manual.markdown(title) for title in manual.PAGES]
    for one, other in itertools.combinations([set(page.splitlines()) - {""} for page in pages], 2):
        assert one & other == {"## Reference"}
