"""The native adapter: the openai SDK for any OpenAI-compatible endpoint.

The SDK builds and sends the request and interprets the status. Its retries are off, its handling of timeouts, redirects
and headers is replaced (`transport`), and the response is parsed from the raw body (`wire`). If an endpoint does not
accept a JSON schema, the adapter immediately falls back to the next response format and keeps using it.
"""

import random
import time
from collections.abc import Callable
from typing import Final

import httpcore2
import httpx2

from agent.errors import RefusedError, Usage
from agent.llm.port import Call, Reply, Rung
from agent.llm.profiles import Endpoint
from agent.llm.retry import Fault, Limits, OnWait, Retrier
from agent.llm.secret import clean
from agent.llm.status import NoSchemaFault, fault_of_exception, fault_of_status
from agent.llm.transport import Resolve, Transport, resolve
from agent.llm.wire import (
    CHAT_PATH,
    RESPONSES_PATH,
    prompt_estimate,
    read_answer,
    read_object,
    request_body,
    without_key,
)

RUNGS: Final[tuple[Rung, ...]] = ("json_schema", "json_object", "prompt")
_NO_KEY: Final = "none"
"""Placeholder key for endpoints that need none, because the SDK requires a key."""
_OK: Final = 200
_MAX_LISTED: Final = 1000
_BROKEN: Final[tuple[type[Exception], ...]] = (
    httpx2.HTTPError,
    httpcore2.NetworkError,
    httpcore2.TimeoutException,
    httpcore2.ProtocolError,
    httpcore2.UnsupportedProtocol,
    httpcore2.ConnectionNotAvailable,
    OSError,
)
"""Errors that may reach us unwrapped, because our transport replaces the client's own."""


class OpenAiLlm:
    """An `Llm` that uses the openai SDK; thread-safe.

    `clock` is a monotonic clock in seconds, `now` returns the seconds since 1970 (for Retry-After), `sleep` waits,
    `rng` provides the jitter, `on_wait` is called before each wait, and `resolver` looks up hosts.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], object] | None = None,
        rng: random.Random | None = None,
        on_wait: OnWait | None = None,
        resolver: Resolve = resolve,
    ) -> None:
        from openai import OpenAI

        self.name: Final = endpoint.name
        self._endpoint = endpoint
        self._now = now
        self._retrier = Retrier(limits, clock=clock, sleep=sleep, rng=rng, on_wait=on_wait)
        self._transport = Transport(limits, encrypted=endpoint.base_url.startswith("https:"), resolver=resolver)
        self._rung = RUNGS.index(endpoint.profile.rung)
        try:
            httpx2.URL(endpoint.base_url)
        except httpx2.InvalidURL as error:
            where = f"{endpoint.name}: {clean(str(error))}"
            raise RefusedError("the base URL cannot be read", where=where, hint="check host and port") from None
        http = httpx2.Client(transport=self._transport, trust_env=False, follow_redirects=False)
        key = endpoint.key.reveal() or _NO_KEY
        self._client = OpenAI(base_url=endpoint.base_url, api_key=key, max_retries=0, http_client=http)

    def complete(self, call: Call) -> Reply:
        """Answer one call, using the strictest response format that the endpoint accepts. Raises LlmError."""
        return self._run(lambda seconds: self._climb_down(call, seconds), call.stage)

    def listed(self) -> tuple[str, ...]:
        """Return the names of the LLMs that the endpoint lists. Raises LlmError."""
        names: list[str] = []

        def attempt(seconds: float) -> Reply:
            body = self._exchange("GET", "/models", None, seconds, Usage())
            try:
                data = read_object(body).get("data")
            except ValueError as error:
                raise Fault("bad_response", f"the list of LLMs is malformed: {error}", again="once") from None
            rows = data if isinstance(data, list) else []
            ids = (row.get("id") for row in rows[:_MAX_LISTED] if isinstance(row, dict))
            names[:] = [clean(found) for found in ids if isinstance(found, str)]
            return Reply("", "done", Usage(), "")

        self._run(attempt, "models")
        return tuple(names)

    def close(self) -> None:
        """Cancel running calls within a quarter of a second, then close the connections."""
        self._retrier.stop()
        self._transport.stop()
        self._client.close()

    def _run(self, work: Callable[[float], Reply], stage: str) -> Reply:
        def attempt(seconds: float) -> Reply:
            try:
                return work(seconds)
            except Fault as fault:
                fault.what = self._endpoint.key.hide(fault.what)
                raise

        return self._retrier.run(attempt, f"{self.name}, {stage}")

    def _climb_down(self, call: Call, seconds: float) -> Reply:
        until = time.monotonic() + seconds
        profile, rung = self._endpoint.profile, self._rung
        path = RESPONSES_PATH if profile.api == "responses" else CHAT_PATH
        while True:
            body = request_body(call, profile, self._endpoint.llm, RUNGS[rung])
            try:
                raw = self._exchange("POST", path, body, max(0.0, until - time.monotonic()), prompt_estimate(call))
                return without_key(read_answer(raw, call, profile, RUNGS[rung]), self._endpoint.key)
            except NoSchemaFault:
                if rung + 1 >= len(RUNGS):
                    raise
                rung += 1
                self._rung = max(self._rung, rung)

    def _exchange(self, method: str, path: str, body: dict[str, object] | None, seconds: float, cost: Usage) -> bytes:
        """Return the body of a response with status 200. Raises Fault; `cost` is the minimum usage once sent."""
        import openai

        broken: tuple[type[Exception], ...] = (openai.APIConnectionError, *_BROKEN)
        self._transport.start(seconds)
        try:
            if method == "GET":
                answer = self._client.get(path, cast_to=httpx2.Response)
            else:
                answer = self._client.post(path, cast_to=httpx2.Response, body=body)
        except openai.APIStatusError as error:
            answer = error.response
        except broken as error:
            raise fault_of_exception(error, cost if self._transport.watch.sent else Usage()) from None
        if answer.status_code != _OK:
            raise fault_of_status(answer.status_code, answer.headers, answer.content, self._now())
        return answer.content
