"""Converts HTTP errors and connection errors to a `Fault`."""

import re
import ssl
from collections.abc import Mapping
from typing import Final

import httpcore2
import httpx2

from agent.errors import LlmReason, Usage
from agent.llm.retry import Again, Fault, retry_after
from agent.llm.secret import clean
from agent.llm.transport import CodingError, StoppedError, TooLargeError
from agent.llm.wire import read_object

_OUT_OF_QUOTA: Final = re.compile(r"insufficient_quota|billing|payment required|credit balance", re.IGNORECASE)
_TOO_LONG: Final = re.compile(
    r"context_length_exceeded|exceed_context_size|context (?:length|size|window)|maximum context|too many tokens"
    r"|prompt is too long",
    re.IGNORECASE,
)
_NO_SCHEMA: Final = re.compile(
    r"response_format|json_schema|json_object|text\.format|structured.output|output_config", re.IGNORECASE
)
_NO_LLM: Final = re.compile(r"model_not_found|\bmodel\b", re.IGNORECASE)
_MEANINGS: Final[Mapping[int, tuple[LlmReason, Again, str]]] = {
    401: ("unauthorised", "no", "check the key and its permissions"),
    403: ("unauthorised", "no", "check the key and its permissions"),
    402: ("out_of_quota", "no", "the account has no credit left"),
    408: ("timeout", "yes", "try again later"),
    409: ("unreachable", "yes", "try again later"),
    413: ("too_large", "no", "send less text at a time"),
    425: ("unreachable", "yes", "try again later"),
    429: ("rate_limited", "yes", "try again later"),
}
_BAD_REQUEST: Final = 400
_NOT_FOUND: Final = 404
_UNPROCESSABLE: Final = 422
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500


class NoSchemaFault(Fault):
    """The endpoint does not accept the requested response format."""


def fault_of_status(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Fault:
    """Convert a response with a status other than 200 to a fault; `now` is the time in seconds since 1970.

    Only the fields of a JSON error are read from the body, so a proxy's error page is never repeated.
    """
    code, message = _error_fields(body)
    said = f"{code} {message}"
    what = f"the endpoint answered {status}"
    detail = f"{what}: {clean(message)}" if message else what
    if status < _BAD_REQUEST:
        return Fault("bad_endpoint", f"{what}, a redirect, which is not followed", hint="give the final base URL")
    if status == _TOO_MANY and _OUT_OF_QUOTA.search(said):
        return Fault("out_of_quota", "the endpoint reports that the quota is used up", hint="check plan and billing")
    if status in (_BAD_REQUEST, _NOT_FOUND, _UNPROCESSABLE):
        if _TOO_LONG.search(said):
            return Fault("too_large", detail, hint="send less text at a time, or use an LLM with a longer context")
        if status != _NOT_FOUND and _NO_SCHEMA.search(said):
            return NoSchemaFault("bad_request", detail, hint="choose a profile with another rung")
        if code == "model_not_found" or (status == _NOT_FOUND and _NO_LLM.search(said)):
            return Fault("model_missing", detail, hint="check which LLMs the endpoint has")
        if status == _NOT_FOUND:
            return Fault("bad_endpoint", detail, hint="check the base URL; most end in /v1")
        return Fault("bad_request", detail, hint="check the endpoint's own log")
    wait = retry_after(headers.get("retry-after", ""), headers.get("retry-after-ms", ""), now)
    if status >= _SERVER_ERROR:
        return Fault("unreachable", detail, again="yes", wait=wait, hint="try again later")
    reason, again, hint = _MEANINGS.get(status, ("bad_request", "no", "check the endpoint's own log"))
    # Omit the server's message about a key, because it may repeat the key.
    return Fault(reason, what if reason == "unauthorised" else detail, again=again, wait=wait, hint=hint)


def _error_fields(body: bytes) -> tuple[str, str]:
    """Return the code (or type) and the message of a JSON error, or empty strings if the body is not a JSON object."""
    try:
        found = read_object(body)
    except ValueError:
        return "", ""
    error = found.get("error", found)
    if not isinstance(error, dict):
        return "", str(error)
    code = " ".join(str(error[name]) for name in ("code", "type", "param") if isinstance(error.get(name), str))
    return code, str(error.get("message") or error.get("detail") or "")


def fault_of_exception(error: BaseException, usage: Usage) -> Fault:
    """Convert an exception of the HTTP client or its lower layers to a fault.

    `usage` is the cost of the attempt if anything was sent, since the endpoint may have processed it.
    """
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__

    def any_is(*kinds: type[BaseException]) -> bool:
        return any(isinstance(one, kinds) for one in chain)

    if any_is(StoppedError):
        return Fault("unreachable", "the call was cancelled", usage=usage)
    if any_is(TooLargeError):
        return Fault("too_large", "the answer is larger than allowed", usage=usage)
    if any_is(CodingError):
        return Fault("bad_response", "the answer is compressed in an unknown way", again="once", usage=usage)
    if any_is(ssl.SSLError):
        return Fault("tls", "the endpoint's certificate or encryption is invalid", hint="check the address")
    if any_is(httpx2.ReadTimeout, httpcore2.ReadTimeout):
        hint = "allow more time, or ask for a shorter answer"
        return Fault("timeout", "no complete answer in time", hint=hint, usage=usage)
    if any_is(httpx2.TimeoutException, httpcore2.TimeoutException):
        return Fault("timeout", "no connection in time", again="yes", hint="check the address", usage=usage)
    hint = "check the endpoint's address and that it is running"
    return Fault("unreachable", "the connection failed or was lost", again="yes", hint=hint, usage=usage)
