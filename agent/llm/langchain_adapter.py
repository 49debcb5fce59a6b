"""The LangChain adapter: any chat model that `init_chat_model` opens.

LangChain's structured output raises on a truncated response and loses its usage. The adapter therefore requests plain
text, with the schema in the argument that the profile specifies, or in the prompt. Tracing is switched off for each
call, regardless of the environment. Since a chat model may hang or raise any exception, it is called in a thread that
is abandoned at the deadline, and exceptions are classified by status and class name.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from agent.errors import LlmReason, UnavailableError, Usage
from agent.llm.port import Call, Message, Reply, Rung, Stopped
from agent.llm.profiles import Endpoint
from agent.llm.retry import Again, Fault, Limits, OnWait, Retrier
from agent.llm.secret import clean
from agent.llm.status import NoSchemaFault, fault_of_status
from agent.llm.wire import messages_for, prompt_estimate, read_usage, suspicions, without_key

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage

_POLL_SECONDS: Final = 0.1
_CUT: Final = ("length", "max_tokens", "model_context_window_exceeded")
_FILTERED: Final = ("content_filter", "safety", "recitation", "blocklist", "prohibited_content", "spii")
_STOPPED: Final[Mapping[str, Stopped]] = {
    **dict.fromkeys(_CUT, "length"), **dict.fromkeys(_FILTERED, "filter"), "refusal": "refusal"
}  # fmt: skip
"""Providers' finish reasons in lower case; any other reason means that the response is complete."""
_REASONS: Final[tuple[tuple[str, LlmReason, Again], ...]] = (
    ("timeout", "timeout", "no"),
    ("ssl", "tls", "no"),
    ("certificate", "tls", "no"),
    ("connect", "unreachable", "yes"),
    ("authentication", "unauthorised", "no"),
)
"""Parts of class names, in lower case, that classify exceptions without a status."""
_STATUS_NAMES: Final = ("status_code", "code", "http_status")
_STATUSES: Final = range(300, 600)


class LangChainLlm:
    """An `Llm` that uses a LangChain chat model; thread-safe."""

    def __init__(
        self,
        chat: "BaseChatModel",
        endpoint: Endpoint,
        limits: Limits,
        *,
        sleep: Callable[[float], object] | None = None,
        rng: random.Random | None = None,
        on_wait: OnWait | None = None,
    ) -> None:
        self._chat = chat
        self._endpoint = endpoint
        self._retrier = Retrier(limits, sleep=sleep, rng=rng, on_wait=on_wait)
        self._in_words = not endpoint.profile.schema_by or endpoint.profile.rung == "prompt"

    @property
    def name(self) -> str:
        """The profile and the LLM's name."""
        return self._endpoint.name

    def complete(self, call: Call) -> Reply:
        """Answer one call. Raises LlmError."""
        return self._retrier.run(lambda seconds: self._try(call, seconds), f"{self.name}, {call.stage}")

    def close(self) -> None:
        """Interrupt waits and abandon running calls."""
        self._retrier.stop()

    def _try(self, call: Call, seconds: float) -> Reply:
        until = time.monotonic() + seconds
        try:
            return self._ask(call, seconds)
        except NoSchemaFault:
            if self._in_words:
                raise
            self._in_words = True
            return self._ask(call, max(0.0, until - time.monotonic()))

    def _ask(self, call: Call, seconds: float) -> Reply:
        profile = self._endpoint.profile
        rung: Rung = "prompt" if self._in_words else "json_schema"
        messages = messages_for(call, rung)
        asked: dict[str, object] = {profile.cap: call.max_tokens}
        if not self._in_words:
            asked["output_config"] = {"format": {"type": "json_schema", "schema": dict(call.schema)}}
        done: Future[AIMessage] = Future()
        # A daemon thread, so that the call and the program can end even if it hangs.
        threading.Thread(target=_invoke, args=(self._chat, messages, asked, done), daemon=True).start()
        until = time.monotonic() + seconds
        while not done.done() and time.monotonic() < until and not self._retrier.stopped:
            wait([done], min(_POLL_SECONDS, max(0.0, until - time.monotonic())))
        cost = prompt_estimate(call)
        if not done.done():
            if self._retrier.stopped:
                raise Fault("unreachable", "the call was cancelled", usage=cost)
            hint = "allow more time, or ask for a shorter answer"
            raise Fault("timeout", "no complete answer in time", hint=hint, usage=cost)
        error = done.exception()
        if error is not None:
            fault = _fault(error, cost)
            fault.what = self._endpoint.key.hide(fault.what)
            raise fault
        reply = _reply(done.result(), call, rung)
        if len(reply.text.encode("utf-8", "surrogatepass")) > self._retrier.limits.max_answer_bytes:
            raise Fault("too_large", "the answer is larger than allowed", usage=reply.usage)
        return without_key(reply, self._endpoint.key)


def open_langchain(endpoint: Endpoint, limits: Limits, *, on_wait: OnWait | None = None) -> LangChainLlm:
    """Open the chat model of `endpoint` using LangChain's `init_chat_model`.

    Raises UnavailableError if the provider's package is not installed.
    """
    from langchain.chat_models import init_chat_model

    profile = endpoint.profile
    given: dict[str, object] = {"max_retries": 0, "timeout": limits.call_seconds}
    if endpoint.key:
        given["api_key"] = endpoint.key.reveal()
    if endpoint.base_url:
        given["base_url"] = endpoint.base_url
    if profile.temperature is not None:
        given["temperature"] = profile.temperature
    try:
        chat: BaseChatModel = init_chat_model(endpoint.llm, model_provider=profile.provider, **given)  # type: ignore[call-overload]
    except ImportError:
        hint = f"install {profile.package or 'the LangChain package for it'}"
        raise UnavailableError("a package is missing", where=profile.title, hint=hint) from None
    return LangChainLlm(chat, endpoint, limits, on_wait=on_wait)


def _invoke(
    chat: "BaseChatModel", messages: Sequence[Message], asked: Mapping[str, object], done: "Future[AIMessage]"
) -> None:
    """Call the chat model, and put its answer or its exception into `done`."""
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
    from langsmith import tracing_context

    def handed_over(_: object, error: BaseException | None, __: object) -> bool:
        if error is not None:
            done.set_exception(error)
        return True

    kinds: Mapping[str, type[BaseMessage]] = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
    with ExitStack() as stack, tracing_context(enabled=False):
        stack.push(handed_over)
        turns = [kinds[message.role](content=message.text) for message in messages]
        done.set_result(chat.invoke(turns, **asked))  # type: ignore[arg-type]


def _reply(answer: "AIMessage", call: Call, rung: Rung) -> Reply:
    parts = [answer.content] if isinstance(answer.content, str) else answer.content
    texts = (part if isinstance(part, str) else part.get("text") for part in parts)
    text = "".join(part for part in texts if isinstance(part, str))
    metadata = answer.response_metadata
    ended = next((metadata[name] for name in ("finish_reason", "stop_reason", "done_reason") if metadata.get(name)), "")
    refusal = answer.additional_kwargs.get("refusal")
    stopped: Stopped = "refusal" if refusal else _STOPPED.get(str(ended).rpartition(".")[2].lower(), "done")
    block = dict(answer.usage_metadata or {})
    usage = read_usage({**block, "input_tokens_details": block.get("input_token_details")}, call, text)
    if not text.strip() and stopped == "done":
        raise Fault("empty_answer", "the answer has no text", again="once", usage=usage)
    name = next((metadata[key] for key in ("model_name", "model") if isinstance(metadata.get(key), str)), "")
    notes = [clean(str(refusal)) if refusal else "", *suspicions(usage, call)]
    return Reply(text, stopped, usage, clean(name), "; ".join(filter(None, notes)), rung)


def _fault(error: BaseException, cost: Usage) -> Fault:
    """Classify an exception of a provider's package by its HTTP status or, without one, by the names of its classes."""
    response = getattr(error, "response", None)
    values = (getattr(owner, name, None) for owner in (error, response) for name in _STATUS_NAMES)
    status = next((value for value in values if isinstance(value, int) and value in _STATUSES), None)
    if status is not None:
        headers, body = getattr(response, "headers", None), getattr(response, "content", None)
        if not isinstance(body, bytes) or not body:
            body = json.dumps({"error": {"message": str(error)}}).encode()
        return fault_of_status(status, headers if isinstance(headers, Mapping) else {}, body, time.time())
    names = " ".join(f"{kind.__module__}.{kind.__name__}".lower() for kind in type(error).__mro__[:-2])
    what = f"the chat model raised {type(error).__name__}: {clean(str(error))}"
    for part, reason, again in _REASONS:
        if part in names:
            return Fault(reason, what, again=again, hint="check the endpoint and the address", usage=cost)
    return Fault("bad_response", what, again="once", usage=cost)
