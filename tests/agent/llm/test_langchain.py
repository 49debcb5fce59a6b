"""The LangChain adapter: hand-written chat models, and the real one for OpenAI if it is installed."""

import importlib.util
import json
import random
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from agent.errors import LlmError
from agent.llm.langchain_adapter import LangChainLlm, open_langchain
from agent.llm.port import Llm, Reply, Usage
from agent.llm.profiles import Endpoint, Profile, profiles
from agent.llm.retry import Limits
from agent.llm.secret import Secret
from tests.fakes.llm.port import CALL, SCHEMA
from tests.fakes.llm.server import KEY, FakeEndpoint, chat, refused, status

ANTHROPIC = Endpoint("anthropic", profiles()["anthropic"], "claude-x", "", Secret(KEY))
SPENT = {"input_tokens": 40, "output_tokens": 7, "total_tokens": 47, "input_token_details": {"cache_read": 30}}


class Chat:
    """Returns the given outcomes in order; errors are raised, and the last outcome is repeated."""

    def __init__(self, *outcomes: AIMessage | Exception) -> None:
        self.asked: list[tuple[list[BaseMessage], dict[str, object]]] = []
        self._outcomes = list(outcomes)

    def invoke(self, messages: list[BaseMessage], /, **kwargs: object) -> AIMessage:
        self.asked.append((messages, kwargs))
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class ProviderError(Exception):
    """An error as providers' SDKs raise it."""

    def __init__(self, status_code: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.response = type("Response", (), {"headers": headers or {}, "status_code": status_code})()


class ReadTimeoutError(Exception):
    pass


def said(content: Any, ended: str = "end_turn", key: str = "stop_reason", **changes: Any) -> AIMessage:
    told = {key: ended, "model_name": "claude-x-1"}
    return AIMessage(content=content, response_metadata=told, **{"usage_metadata": SPENT, **changes})


def ask(model: Any, seconds: float = 10.0, endpoint: Endpoint = ANTHROPIC) -> Reply | LlmError:
    llm: Llm = LangChainLlm(model, endpoint, Limits(call_seconds=seconds), sleep=lambda _: None, rng=random.Random(1))
    try:
        return llm.complete(CALL)
    except LlmError as error:
        return error
    finally:
        llm.close()


def test_a_good_answer():
    model = Chat(said([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": '{"value": 3}'}]))
    assert ask(model) == Reply('{"value": 3}', "done", Usage(40, 7, 30), "claude-x-1")
    [(messages, asked)] = model.asked
    assert [(each.type, each.content) for each in messages] == [("system", "Be brief."), ("human", "How many?")]
    assert asked == {"max_tokens": 200, "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}


def test_a_schema_goes_in_words_where_the_profile_names_no_argument():
    profile = Profile(title="T", cap="max_tokens", adapter="langchain", provider="p")
    model = Chat(said('{"value": 3}'))
    reply = ask(model, endpoint=replace(ANTHROPIC, profile=profile))
    messages, asked = model.asked[0]
    assert asked == {"max_tokens": 200}
    assert isinstance(reply, Reply)
    assert reply.rung == "prompt"
    assert "JSON schema" in messages[-1].content


@pytest.mark.parametrize(
    ("answer", "stopped", "usage"),
    [
        (said('{"val', "max_tokens"), "length", Usage(40, 7, 30)),
        (said('{"val', "length", "done_reason"), "length", Usage(40, 7, 30)),
        (said("", "SAFETY", "finish_reason"), "filter", Usage(40, 7, 30)),
        (said("", "FinishReason.PROHIBITED_CONTENT", "finish_reason"), "filter", Usage(40, 7, 30)),
        (said("", "refusal"), "refusal", Usage(40, 7, 30)),
        (said("", "stop", "finish_reason", additional_kwargs={"refusal": "no"}), "refusal", Usage(40, 7, 30)),
        (said("abc", usage_metadata=None), "done", Usage(46, 1, 0, True)),
    ],
)
def test_why_an_answer_stopped_and_what_it_cost(answer, stopped, usage):
    reply = ask(Chat(answer))
    assert isinstance(reply, Reply), reply
    assert (reply.stopped, reply.usage) == (stopped, usage)


@pytest.mark.parametrize(
    ("error", "reason", "asked"),
    [
        (ProviderError(429, "slow"), "rate_limited", 4),
        (ProviderError(429, "slow", {"retry-after": "120"}), "rate_limited", 1),
        (ProviderError(429, "insufficient_quota"), "out_of_quota", 1),
        (ProviderError(529, "overloaded"), "unreachable", 4),
        (ProviderError(400, "prompt is too long: 300000 tokens"), "too_large", 1),
        (ProviderError(400, "your credit"), "bad_request", 1),
        (ProviderError(401, f"bad key {KEY}"), "unauthorised", 1),
        (ProviderError(404, "model: claude-x"), "model_missing", 1),
        (ReadTimeoutError("slow"), "timeout", 1),
        (ConnectionResetError("gone"), "unreachable", 4),
        (TypeError("'NoneType' object is not iterable"), "bad_response", 2),
        (ValueError(f"what is {KEY}?"), "bad_response", 2),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_a_provider_raises_has_a_reason(error, reason, asked):
    model = Chat(error)
    outcome = ask(model)
    assert isinstance(outcome, LlmError)
    assert (outcome.reason, len(model.asked)) == (reason, asked)
    assert KEY not in str(outcome)


def test_a_schema_that_is_refused_goes_in_words():
    model = Chat(ProviderError(400, "output_config: unknown field"), said('{"value": 3}'))
    reply = ask(model)
    assert isinstance(reply, Reply)
    assert reply.rung == "prompt"
    assert "output_config" not in model.asked[1][1]


def test_an_empty_answer_is_asked_for_once_more():
    model = Chat(said(""))
    outcome = ask(model)
    assert isinstance(outcome, LlmError)
    assert (outcome.reason, outcome.usage, len(model.asked)) == ("empty_answer", Usage(80, 14, 60), 2)


def test_an_answer_that_is_too_large_or_tells_the_key():
    large, telling = ask(Chat(said("x" * 2_000_001))), ask(Chat(said(f"I was sent {KEY}")))
    assert isinstance(large, LlmError)
    assert large.reason == "too_large"
    assert isinstance(telling, Reply)
    assert telling.text == "I was sent [key]"


class Hanging:
    def __init__(self) -> None:
        self.over = threading.Event()

    def invoke(self, messages: list[BaseMessage], /, **kwargs: object) -> AIMessage:
        self.over.wait(20)
        return said("late")


def test_a_chat_model_that_hangs_is_left_behind():
    model = Hanging()
    began = time.monotonic()
    outcome = ask(model, 0.4)
    assert time.monotonic() - began < 1.4
    model.over.set()
    assert isinstance(outcome, LlmError)
    assert outcome.reason == "timeout"
    assert outcome.usage.input_tokens > 0


def test_a_call_may_be_given_up():
    model = Hanging()
    llm = LangChainLlm(model, ANTHROPIC, Limits())
    threading.Timer(0.2, llm.close).start()
    with pytest.raises(LlmError, match="cancelled"):
        llm.complete(CALL)
    model.over.set()


class Real(BaseChatModel):
    """A chat model of LangChain's own kind."""

    @property
    def _llm_type(self) -> str:
        return "by hand"

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=said('{"value": 3}'))])


def test_a_chat_model_of_langchains_own_kind():
    reply = ask(Real())
    assert isinstance(reply, Reply)
    assert reply.text == '{"value": 3}'


def test_no_prompt_is_sent_to_a_tracing_service():
    code = textwrap.dedent(
        """
        from agent.llm.langchain_adapter import LangChainLlm
        from tests.agent.llm.test_langchain import ANTHROPIC, CALL, Real
        from agent.llm.retry import Limits
        print(LangChainLlm(Real(), ANTHROPIC, Limits()).complete(CALL).text)
        """
    )
    with FakeEndpoint([status(200, {})]) as service:
        tracing = {"LANGSMITH_TRACING_V2": "true", "LANGSMITH_ENDPOINT": service.base_url, "LANGSMITH_API_KEY": KEY}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={"PATH": "", **tracing}
        )
    assert done.stdout == '{"value": 3}\n', done.stderr
    assert service.requests == []
    assert KEY not in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("langchain_openai") is None, reason="needs langchain-openai")
def test_the_real_adapter_for_openai():
    profile = Profile(title="T", adapter="langchain", provider="openai", cap="max_tokens")
    script = [chat('{"value": 3}'), chat('{"val', finish_reason="length"), refused(401, "no"), refused(400, "no")]
    with FakeEndpoint(script) as fake:
        here = Endpoint("mine", profile, "fake-1", fake.base_url, Secret(KEY))
        llm = open_langchain(here, Limits(call_seconds=10.0))
        first, second = llm.complete(CALL), llm.complete(CALL)
        reasons = []
        for _ in range(2):
            with pytest.raises(LlmError) as caught:
                llm.complete(CALL)
            reasons.append(caught.value.reason)
        llm.close()
    assert first == Reply('{"value": 3}', "done", Usage(40, 7), "fake-1", rung="prompt")
    assert (second.text, second.stopped, second.usage) == ('{"val', "length", Usage(40, 7))
    assert reasons == ["unauthorised", "bad_request"]
    assert json.dumps(fake.requests[0].body).count("200") == 1
