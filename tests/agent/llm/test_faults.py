"""Every fault of an LLM endpoint, against a real server on loopback."""

import random
import shutil
import threading
import time

import pytest

from agent.errors import ENDS_RUN, LlmError
from agent.llm.openai_adapter import OpenAiLlm
from agent.llm.port import Call, Message, Reply
from agent.llm.retry import Limits
from tests.fakes.intake.hostile import certificate
from tests.fakes.llm.faults import GOOD, NOW, ROWS, Row
from tests.fakes.llm.port import CALL, SCHEMA
from tests.fakes.llm.server import KEY, FakeEndpoint, chat, endless, hang, refused, status


class Skipping:
    """A clock that runs like the machine's, and skips waits instead of waiting."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def clock(self) -> float:
        return time.monotonic() + sum(self.waits)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


def opened(fake: FakeEndpoint, seconds: float = 30.0, skipping: Skipping | None = None, **changes: str) -> OpenAiLlm:
    waits = skipping or Skipping()
    return OpenAiLlm(
        fake.endpoint(**changes),
        Limits(call_seconds=seconds, connect_seconds=min(seconds, 10.0)),
        clock=waits.clock,
        sleep=waits.sleep,
        now=lambda: NOW,
        rng=random.Random(7),
    )


def ask(llm: OpenAiLlm, call: Call = CALL) -> Reply | LlmError:
    try:
        return llm.complete(call)
    except LlmError as error:
        return error
    finally:
        llm.close()


def judge(outcome: Reply | LlmError, row: Row) -> None:
    if isinstance(outcome, Reply):
        assert outcome.stopped == row.expect
        assert outcome.text == row.text
        assert outcome.rung == row.rung
        assert row.detail in outcome.detail
    else:
        assert outcome.reason == row.expect, outcome
        assert outcome.exit_code == 4
        assert row.detail in str(outcome)
        assert "<" not in str(outcome), "a page is never repeated"
        assert "fake-1" in outcome.where
        assert outcome.ends_run == (outcome.reason in ENDS_RUN)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_fault_ends_as_expected(row):
    skipping = Skipping()
    with FakeEndpoint(row.script) as fake:
        began = time.monotonic()
        outcome = ask(opened(fake, row.seconds, skipping))
        took = time.monotonic() - began
    judge(outcome, row)
    assert len(fake.requests) == row.requests
    assert took <= row.seconds + 1.0
    assert (outcome.usage.input_tokens == 0) == row.free
    assert outcome.usage.estimated == row.estimated
    assert KEY not in repr(outcome) + str(outcome) + str(vars(outcome))
    if row.waited:
        assert row.waited[0] <= sum(skipping.waits) <= row.waited[1]


def test_the_table_holds_every_row_of_the_matrix():
    numbers = {int(row.id.partition("-")[0]) for row in ROWS if row.id[0].isdigit()}
    assert numbers | {19} == set(range(1, 43)), "19 (TLS) has a test of its own"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")
@pytest.mark.parametrize(("name", "taken"), [("DNS:other.example.com", False), ("IP:127.0.0.1", True)])
def test_19_a_certificate_of_another_name_ends_the_run(tmp_path, monkeypatch, name, taken):
    pem = certificate(tmp_path, name)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    with FakeEndpoint([chat(GOOD)], pem) as fake:
        outcome = ask(opened(fake))
    if taken:
        assert isinstance(outcome, Reply)
    else:
        assert isinstance(outcome, LlmError)
        assert (outcome.reason, outcome.ends_run, len(fake.requests)) == ("tls", True, 0)


def test_nobody_there():
    with FakeEndpoint([chat(GOOD)]) as fake:
        pass
    skipping = Skipping()
    outcome = ask(opened(fake, 5.0, skipping))
    assert isinstance(outcome, LlmError)
    assert (outcome.reason, outcome.usage.input_tokens, len(skipping.waits)) == ("unreachable", 0, 3)


def test_a_look_up_that_hangs_ends_at_the_deadline():
    over = threading.Event()

    def slow(host: str, port: int) -> list[str]:
        over.wait(20)
        return []

    with FakeEndpoint([chat(GOOD)]) as fake:
        began = time.monotonic()
        outcome = ask(OpenAiLlm(fake.endpoint(), Limits(call_seconds=0.5), resolver=slow))
        took = time.monotonic() - began
    over.set()
    assert took < 1.5
    assert isinstance(outcome, LlmError)
    assert (outcome.reason, outcome.usage.input_tokens) == ("timeout", 0)


def test_addresses_are_tried_in_turn():
    with FakeEndpoint([chat(GOOD)]) as fake:
        outcome = ask(OpenAiLlm(fake.endpoint(), Limits(), resolver=lambda *_: ["127.0.0.77", "127.0.0.1"]))
    assert isinstance(outcome, Reply)


def test_a_host_that_nobody_knows():
    def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    skipping = Skipping()
    with FakeEndpoint([chat(GOOD)]) as fake:
        outcome = ask(
            OpenAiLlm(fake.endpoint(), Limits(), clock=skipping.clock, sleep=skipping.sleep, resolver=unknown)
        )
    assert isinstance(outcome, LlmError)
    assert (outcome.reason, fake.requests) == ("unreachable", [])


def test_a_prompt_that_was_cut_without_a_word_is_noticed():
    long = Call("factors", (Message("user", "A long page of a product. " * 2000),), "count", SCHEMA, 200)
    with FakeEndpoint([chat(GOOD, usage={"prompt_tokens": 4096, "completion_tokens": 7})]) as fake:
        outcome = ask(opened(fake), long)
    assert isinstance(outcome, Reply)
    assert "the prompt was truncated: only 4096 tokens" in outcome.detail


@pytest.mark.parametrize("step", [hang, endless])
def test_a_call_that_is_given_up_ends_within_a_second_and_costs(step):
    with FakeEndpoint([step if step is hang else status(500), step]) as fake:
        llm = OpenAiLlm(fake.endpoint(), Limits(call_seconds=30.0, max_answer_bytes=10**12))
        threading.Timer(0.9, llm.close).start()
        began = time.monotonic()
        outcome = ask(llm)
        assert time.monotonic() - began < 1.9
    assert isinstance(outcome, LlmError)
    assert outcome.reason == "unreachable"
    assert outcome.usage.input_tokens > 0


def test_a_call_is_given_up_while_it_waits():
    with FakeEndpoint([refused(429, "later", headers={"retry-after": "20"})]) as fake:
        llm = OpenAiLlm(fake.endpoint(), Limits(call_seconds=30.0))
        threading.Timer(0.3, llm.close).start()
        began = time.monotonic()
        outcome = ask(llm)
    assert time.monotonic() - began < 1.3
    assert isinstance(outcome, LlmError)
    assert len(fake.requests) == 1


def test_a_key_that_the_endpoint_or_the_llm_repeats_is_hidden():
    with FakeEndpoint([refused(400, f"what is {KEY} and sk-proj-abcdefghijklmnop?")]) as fake:
        outcome = ask(opened(fake))
    assert isinstance(outcome, LlmError)
    assert KEY not in str(outcome)
    assert "abcdefgh" not in str(outcome)
    assert fake.requests[0].headers["authorization"] == f"Bearer {KEY}"
    with FakeEndpoint([chat(f"Bearer {KEY}", model=KEY, refusal=f"not for {KEY}")]) as fake:
        outcome = ask(opened(fake))
    assert isinstance(outcome, Reply)
    assert KEY not in repr(outcome)
