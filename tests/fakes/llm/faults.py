"""The faults of LLM endpoints, one row each: what the endpoint does, and how the adapter must react.

Rows 1-41 have the numbers of the fault matrix that the product must handle (42 faults; row 42 is about the content of a
good answer); rows that begin with a letter are further known behaviours of endpoints. Rows whose fault is in the text
of the answer (28, 30, 32-38, 42) are ordinary replies to the adapter: the reader of replies judges them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate

from agent.errors import LlmReason
from agent.llm.port import Rung, Stopped
from tests.fakes.llm.server import (
    Step,
    answer,
    chat,
    drip,
    drip_headers,
    endless,
    hang,
    huge,
    packed,
    refused,
    reset,
    shut,
    status,
)

GOOD = '{"value": 3}'
NOW = 1_700_000_000.0
"""The time of day at which Retry-After dates are read."""
_DATE = formatdate(NOW + 2, usegmt=True)
_HTML = {"content-type": "text/html"}
_PAGE = "<html><title>Bad gateway</title><script>alert(1)</script></html>"


@dataclass(frozen=True)
class Row:
    """One fault."""

    id: str
    script: Sequence[Step]
    expect: LlmReason | Stopped
    """The reason of the error, or how the reply stopped."""
    requests: int = 1
    seconds: float = 30.0
    """Deadline of the call."""
    waited: tuple[float, float] | None = None
    """Bounds, in seconds, of the total waiting time, where it matters."""
    text: str = GOOD
    """The text of the reply, if there is one and it is not the default good answer."""
    rung: Rung = "json_schema"
    detail: str = ""
    """A part of the reply's detail or of the error's message."""
    free: bool = False
    """Whether nothing was spent because nothing reached an LLM."""
    estimated: bool = False


def _busy(wait: str) -> Step:
    return refused(429, "slow down", "rate_limit_exceeded", {"retry-after": wait})


_LATER = _busy("1")
_ABSURD = {"prompt_tokens": -5, "completion_tokens": 10**12}


def rows(good: str = GOOD) -> tuple[Row, ...]:
    """Return all rows; `good` is the text of a good answer."""
    return (
        Row("1-retry-after-seconds", [_LATER, chat(good)], "done", 2, waited=(1.0, 1.2)),
        Row("2-retry-after-date", [_busy(_DATE), chat(good)], "done", 2, waited=(2.0, 2.3)),
        Row(
            "3-retry-after-too-long", [_busy("120")], "rate_limited", 1, waited=(0, 0), detail="120 seconds", free=True
        ),
        Row("4-retry-after-negative", [_busy("-5"), chat(good)], "done", 2, waited=(0.2, 0.5)),
        Row("4-retry-after-nan", [_busy("NaN"), chat(good)], "done", 2, waited=(0.2, 0.5)),
        Row("4-retry-after-1e9", [_busy("1e9"), chat(good)], "done", 2, waited=(0.2, 0.5)),
        Row("5-rate-limited-for-ever", [_LATER], "rate_limited", 4, waited=(3.0, 3.6), free=True),
        Row("6-out-of-quota", [refused(429, "You exceeded", "insufficient_quota")], "out_of_quota", free=True),
        Row("7-500-twice", [status(500), status(500), chat(good)], "done", 3),
        Row("7-500-for-ever", [status(500)], "unreachable", 4, free=True),
        Row("8-503-html", [status(503, _PAGE, _HTML), chat(good)], "done", 2),
        Row("8-503-html-for-ever", [status(503, _PAGE, _HTML)], "unreachable", 4, detail="answered 503", free=True),
        Row("9-bad-request", [refused(400, "no")], "bad_request", free=True),
        Row("10-context", [refused(400, "maximum", "context_length_exceeded")], "too_large", free=True),
        Row("11-401", [refused(401, "Incorrect API key")], "unauthorised", free=True),
        Row("11-403", [refused(403, "not yours")], "unauthorised", free=True),
        Row("12-no-such-llm", [refused(404, "gone", "model_not_found")], "model_missing", free=True),
        Row("12-no-such-path", [status(404, "<h1>nothing</h1>", _HTML)], "bad_endpoint", free=True),
        Row("13-408", [status(408), chat(good)], "done", 2),
        Row("13-409", [status(409), chat(good)], "done", 2),
        Row("14-closed-before-headers", [shut, chat(good)], "done", 2, estimated=True),
        Row("14-closed-for-ever", [shut], "unreachable", 4, estimated=True),
        Row("15-reset-in-the-body", [reset, chat(good)], "done", 2, estimated=True),
        Row("16-slow-drip", [drip], "timeout", seconds=0.6, estimated=True),
        Row("16-slow-headers", [drip_headers], "timeout", seconds=0.6, estimated=True),
        Row("17-hang", [hang], "timeout", seconds=0.6, estimated=True),
        Row("18-redirect", [status(307, "", {"location": "http://127.0.0.1:1/v1"})], "bad_endpoint", free=True),
        Row("20-html", [status(200, _PAGE, _HTML)], "bad_response", 2, estimated=True),
        Row("21-cut-json", [status(200, json.dumps(answer(good))[:-20])], "bad_response", 2, estimated=True),
        Row("21-cut-json-once", [status(200, '{"a'), chat(good)], "done", 2, estimated=True),
        Row("22-empty", [status(200)], "bad_response", 2, estimated=True),
        Row(
            "23-error-with-200",
            [status(200, {"error": {"message": "over\nloaded\x1b[2J"}})],
            *("bad_response", 2),
            detail="over loaded [2J",
            estimated=True,
        ),
        Row("24-no-choices", [chat(good, choices=[])], "bad_response", 2, estimated=True),
        Row("25-choices-null", [chat(good, choices=None)], "bad_response", 2, estimated=True),
        Row("26-content-null", [chat(None)], "empty_answer", 2),
        Row("27-refusal", [chat(None, refusal="I cannot help with that")], "refusal", text="", detail="cannot help"),
        Row("28-refusal-in-prose", [chat("I am sorry, I cannot.")], "done", text="I am sorry, I cannot."),
        Row("29-length", [chat('{"val', finish_reason="length")], "length", text='{"val'),
        Row("29-length-without-text", [chat(None, finish_reason="length")], "length", text=""),
        Row("30-stop-with-cut-json", [chat('{"val')], "done", text='{"val'),
        Row("31-filter", [chat("", finish_reason="content_filter")], "filter", text=""),
        Row("32-wrong-schema", [chat('{"values": 3}')], "done", text='{"values": 3}'),
        Row("33-fenced", [chat(f"Here:\n```json\n{good}\n```")], "done", text=f"Here:\n```json\n{good}\n```"),
        Row("34-duplicate-keys", [chat('{"value": 3, "value": 0}')], "done", text='{"value": 3, "value": 0}'),
        Row(
            "34-duplicate-keys-outside",
            [status(200, '{"choices": [], "choices": []}')],
            "bad_response",
            2,
            estimated=True,
        ),
        Row("35-nan", [chat('{"value": NaN}')], "done", text='{"value": NaN}'),
        Row("35-nan-outside", [status(200, '{"created": NaN}')], "bad_response", 2, estimated=True),
        Row("36-number-as-text", [chat('{"value": "3"}')], "done", text='{"value": "3"}'),
        Row("37-surrogate", [chat('"\ud800\x00"')], "done", text='"\ud800\x00"'),
        Row("37-bad-utf-8", [status(200, b'{"a": "\xff"}')], "bad_response", 2, estimated=True),
        Row("38-deep", [chat("[" * 100_000)], "done", text="[" * 100_000),
        Row("38-deep-outside", [status(200, "[" * 100_000)], "bad_response", 2, estimated=True),
        Row("39-60-megabytes", [huge(60_000_000)], "too_large", estimated=True),
        Row("39-endless", [endless], "too_large", estimated=True),
        Row("40-packed", [packed(good)], "done"),
        Row("40-bomb", [packed(good, padding=100_000_000)], "too_large", estimated=True),
        Row("40-unknown-packing", [status(200, b"x", {"content-encoding": "br"})], "bad_response", 2, estimated=True),
        Row("41-no-usage", [chat(good, usage=None)], "done", estimated=True),
        Row("41-absurd-usage", [chat(good, usage=_ABSURD)], "done", estimated=True),
        Row("42-unknown-id", [chat('{"evidence": "E999"}')], "done", text='{"evidence": "E999"}'),
        Row("a-think-tags", [chat(f"<think>hm</think>{good}")], "done", text=f"<think>hm</think>{good}"),
        Row("b-json-in-the-thinking", [chat("", reasoning_content=good)], "done", detail="reasoning_content"),
        Row(
            "c-no-json-schema",
            [refused(400, "response_format: json_schema is not supported"), chat(good)],
            *("done", 2),
            rung="json_object",
        ),
        Row(
            "d-no-response-format",
            [refused(400, "unknown field response_format"), refused(422, "response_format"), chat(good)],
            *("done", 3),
            rung="prompt",
        ),
        Row("e-rejected-for-ever", [refused(400, "response_format?")], "bad_request", 3, free=True),
        Row(
            "f-cap-ignored",
            [chat(good, usage={"prompt_tokens": 40, "completion_tokens": 5000})],
            "done",
            detail="the cap of 200 tokens was ignored",
        ),
        Row("g-unknown-finish", [chat(good, finish_reason="eos")], "done"),
        Row("h-list-of-parts", [chat(None, content=[{"type": "text", "text": good}])], "done"),
        Row("i-no-credit", [refused(402, "top up")], "out_of_quota", free=True),
        Row("j-body-too-long", [status(413)], "too_large", free=True),
    )


ROWS: tuple[Row, ...] = rows()
