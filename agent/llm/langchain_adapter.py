"""The LangChain adapter: any chat model that `init_chat_model` opens.

LangChain's structured output raises on a truncated response and loses its usage. The adapter therefore requests plain
text, with the schema in the argument that the profile names, or in the prompt. Tracing is switched off for each call,
regardless of the environment. Since a chat model may hang or raise any exception, it is called in a thread that is
abandoned at the deadline, and exceptions are classified by status and class name.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Final, Protocol

from agent.errors import LlmReason, UnavailableError, Usage
from agent.llm.port import Call, Message, Reply, Rung, Stopped
from agent.llm.profiles import Endpoint, Profile
from agent.llm.retry import Again, Fault, Limits, OnWait, Retrier
from agent.llm.secret import clean
from agent.llm.status import NoSchemaFault, fault_of_status
from agent.llm.wire import messages_for, prompt_estimate, read_usage, suspicions, without_key

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, BaseMessage

_POLL_SECONDS: Final = 0.1
_STOPPED: Final[Mapping[str, Stopped]] = {
    "length": "length",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "content_filter": "filter",
    "safety": "filter",
    "recitation": "filter",
    "blocklist": "filter",
    "prohibited_content": "filter",
    "spii": "filter",
    "refusal": "refusal",
}
"""Providers' finish reasons in lower case; any other reason means that the response is complete."""
_REASONS: Final[tuple[tuple[str, LlmReason, Again], ...]] = (
    ("timeout", "timeout", "no"),
    ("ssl", "tls", "no"),
    ("certificate", "tls", "no"),
    ("connect", "unreachable", "yes"),
    ("authentication", "unauthorised", "no"),
)
"""Parts of class names, in lower case, that classify exceptions without a status."""


class ChatModel(Protocol):
    """The part of LangChain's BaseChatModel that the adapter uses."""

    def invoke(self, input: "list[BaseMessage]", /, **kwargs: object) -> "AIMessage":
        """Answer the messages; `kwargs` are passed to the provider."""
        ...


class LangChainLlm:
    """An `Llm` that uses a LangChain chat model; thread-safe."""

    def __init__(
        self,
        chat: ChatModel,
        endpoint: Endpoint,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] | None = None,
        rng: random.Random | None = None,
        on_wait: OnWait | None = None,
    ) -> None:
        self._chat = chat
        self._endpoint = endpoint
        self._now = now
        self._retrier = Retrier(limits, clock=clock, sleep=sleep, rng=rng, on_wait=on_wait)
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
        in_words, profile = self._in_words, self._endpoint.profile
        rung: Rung = "prompt" if in_words else "json_schema"
        messages = messages_for(call, rung)
        asked = {profile.cap: call.max_tokens} | ({} if in_words else _schema_argument(call, profile))
        done = _in_thread(lambda: _invoke(self._chat, messages, asked))
        until = time.monotonic() + seconds
        while not done.done() and time.monotonic() < until and not self._retrier.stopped:
            wait([done], min(_POLL_SECONDS, max(0.0, until - time.monotonic())))
        cost = prompt_estimate(call)
        if not done.done():
            if self._retrier.stopped:
                raise Fault("unreachable", "the call was given up", usage=cost)
            raise Fault("timeout", "no whole answer in time", hint="allow more time, or ask for less", usage=cost)
        error = done.exception()
        if error is not None:
            raise self._fault(error, cost)
        reply = _reply(done.result(), call, rung)
        if len(reply.text.encode("utf-8", "surrogatepass")) > self._retrier.limits.max_answer_bytes:
            raise Fault("too_large", "the answer is larger than may be read", usage=reply.usage)
        return without_key(reply, self._endpoint.key)

    def _fault(self, error: BaseException, cost: Usage) -> Fault:
        status = _status(error)
        if status is not None:
            response = getattr(error, "response", None)
            headers = getattr(response, "headers", None)
            body = getattr(response, "content", None)
            found = body if isinstance(body, bytes) and body else _as_error(error)
            fault = fault_of_status(status, headers if isinstance(headers, Mapping) else {}, found, self._now())
        else:
            fault = _fault_by_name(error, cost)
        fault.what = self._endpoint.key.hide(fault.what)
        return fault


def open_langchain(
    endpoint: Endpoint, limits: Limits, *, rng: random.Random | None = None, on_wait: OnWait | None = None
) -> LangChainLlm:
    """Open the chat model of `endpoint` using LangChain's `init_chat_model`.

    Raises UnavailableError if the provider's package is not installed.
    """
    from langchain.chat_models import init_chat_model

    profile = endpoint.profile
    given: dict[str, object] = {"max_retries": 0, **profile.extra}
    if endpoint.key:
        given["api_key"] = endpoint.key.reveal()
    if endpoint.base_url:
        given["base_url"] = endpoint.base_url
    if profile.temperature is not None:
        given["temperature"] = profile.temperature
    given["timeout"] = limits.call_seconds
    try:
        chat: ChatModel = init_chat_model(endpoint.llm, model_provider=profile.provider, **given)  # type: ignore[call-overload]
    except ImportError:
        hint = f"install {profile.package or 'the package of LangChain for it'}"
        raise UnavailableError("a package is missing", where=profile.title, hint=hint) from None
    return LangChainLlm(chat, endpoint, limits, rng=rng, on_wait=on_wait)


def _schema_argument(call: Call, profile: Profile) -> dict[str, object]:
    schema = dict(call.schema)
    if profile.schema_by == "format":
        return {"format": schema}
    if profile.schema_by == "output_config":
        return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
    wrapped = {"type": "json_schema", "json_schema": {"name": call.schema_name, "strict": True, "schema": schema}}
    # Use `extra_body`, since with `response_format` LangChain would use the SDK's parser, which raises on truncation.
    return {"extra_body": {"response_format": wrapped}}


def _invoke(chat: ChatModel, messages: tuple[Message, ...], asked: Mapping[str, object]) -> "AIMessage":
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
    from langsmith import tracing_context

    kinds: Mapping[str, type[BaseMessage]] = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
    with tracing_context(enabled=False):
        return chat.invoke([kinds[message.role](content=message.text) for message in messages], **asked)


class _Handover:
    """A context manager that passes any exception to the future `done`."""

    def __init__(self, done: "Future[AIMessage]") -> None:
        self._done = done

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if error is not None:
            self._done.set_exception(error)
        return True


def _in_thread(work: "Callable[[], AIMessage]") -> "Future[AIMessage]":
    """Run `work` in a daemon thread, so that the call and the program can end even if it hangs."""
    done: Future[AIMessage] = Future()

    def run() -> None:
        with _Handover(done):
            done.set_result(work())

    threading.Thread(target=run, name="langchain", daemon=True).start()
    return done


def _reply(answer: "AIMessage", call: Call, rung: Rung) -> Reply:
    text = _text(answer.content)
    metadata = answer.response_metadata
    ended = next((metadata[name] for name in ("finish_reason", "stop_reason", "done_reason") if metadata.get(name)), "")
    refusal = answer.additional_kwargs.get("refusal")
    stopped: Stopped = "refusal" if refusal else _STOPPED.get(str(ended).rpartition(".")[2].lower(), "done")
    block = answer.usage_metadata
    usage = read_usage({**block, **_cached(block)} if block else None, call, text)
    if not text.strip() and stopped == "done":
        raise Fault("empty_answer", "the answer has no text", again="once", usage=usage)
    name = next((metadata[key] for key in ("model_name", "model") if isinstance(metadata.get(key), str)), "")
    notes = [clean(str(refusal)) if refusal else "", *suspicions(usage, call)]
    detail = "; ".join(note for note in notes if note)
    return Reply(text, stopped, usage, clean(name), detail, rung)


def _cached(block: Mapping[str, object]) -> dict[str, object]:
    details = block.get("input_token_details")
    return {"input_tokens_details": dict(details)} if isinstance(details, Mapping) else {}


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part if isinstance(part, str) else part.get("text") for part in parts if isinstance(part, str | dict))
    return "".join(text for text in texts if isinstance(text, str))


def _status(error: BaseException) -> int | None:
    """Return the HTTP status in a provider's exception, looking under the usual attribute names."""
    for owner in (error, getattr(error, "response", None)):
        for name in ("status_code", "code", "http_status"):
            value = getattr(owner, name, None)
            if isinstance(value, int) and 300 <= value < 600:  # noqa: PLR2004  (the statuses that are errors)
                return value
    return None


def _as_error(error: BaseException) -> bytes:
    return json.dumps({"error": {"message": str(error)}}).encode()


def _fault_by_name(error: BaseException, cost: Usage) -> Fault:
    names = " ".join(f"{kind.__module__}.{kind.__name__}".lower() for kind in type(error).__mro__[:-2])
    what = f"the chat model raised {type(error).__name__}: {clean(str(error))}"
    for part, reason, again in _REASONS:
        if part in names:
            return Fault(reason, what, again=again, hint="check the endpoint and the address", usage=cost)
    return Fault("bad_response", what, again="once", usage=cost)
