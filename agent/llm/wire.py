"""Builds requests for OpenAI-compatible endpoints and parses their responses strictly.

Pure functions: a call and a profile give the request body; the bytes of a response give a `Reply` or a `Fault`. The
SDK's own parser is not used, because it accepts duplicate keys, NaN and arbitrary types.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Never

from agent.errors import Usage
from agent.llm.port import Call, Message, Reply, Rung, Stopped
from agent.llm.profiles import Profile
from agent.llm.retry import Fault
from agent.llm.secret import Secret, clean

CHAT_PATH: Final = "/chat/completions"
RESPONSES_PATH: Final = "/responses"
BYTES_PER_TOKEN: Final = 3
"""Bytes of text per token, for an estimate on the high side."""
MANY_BYTES_PER_TOKEN: Final = 7
"""More bytes per token than any tokeniser yields on prose. Above this, the prompt was cut or the usage is wrong."""
_SMALL_PROMPT_BYTES: Final = 6_000
_ABSURD_TOKENS: Final = 10_000_000
_CAP_SLACK: Final = 1.1
"""More output than the cap times this means that the endpoint ignored the cap; a few extra tokens are normal."""
_MAX_NAME: Final = 120
_ASK_IN_WORDS: Final = (
    "\n\nAnswer with exactly one JSON object that follows this JSON schema, without any text or fence around it:\n"
)

_STOPPED: Final[Mapping[str, Stopped]] = {
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "content_filter": "filter",
    "refusal": "refusal",
}


def prompt_bytes(call: Call) -> int:
    """Count the UTF-8 bytes of a call's messages and schema."""
    texts = [message.text for message in call.messages] + [json.dumps(call.schema)]
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


def prompt_estimate(call: Call) -> Usage:
    """Estimate the usage of sending `call`, without any response."""
    return Usage(input_tokens=math.ceil(prompt_bytes(call) / BYTES_PER_TOKEN), estimated=True)


def messages_for(call: Call, rung: Rung) -> tuple[Message, ...]:
    """Return the messages, with the schema appended as text unless it is sent as a parameter.

    The schema goes at the end so that providers can cache the prefix, which many calls share.
    """
    if rung == "json_schema":
        return call.messages
    *before, last = call.messages
    schema = json.dumps(call.schema, ensure_ascii=False, sort_keys=False)
    return (*before, replace(last, text=f"{last.text}{_ASK_IN_WORDS}{schema}"))


def request_body(call: Call, profile: Profile, llm: str, rung: Rung) -> dict[str, object]:
    """Build the JSON body of a request for `call` to the LLM called `llm`, in the format of `profile`."""
    turns = [{"role": message.role, "content": message.text} for message in messages_for(call, rung)]
    body: dict[str, object] = {"model": llm, profile.cap: call.max_tokens}
    if profile.temperature is not None:
        body["temperature"] = profile.temperature
    responses = profile.api == "responses"
    body |= {"input": turns, "store": False} if responses else {"messages": turns}
    if rung == "prompt":
        return body
    form: dict[str, object] = {"type": rung}
    if rung == "json_schema":
        schema = {"name": call.schema_name, "strict": True, "schema": dict(call.schema)}
        form |= schema if responses else {"json_schema": schema}
    return body | ({"text": {"format": form}} if responses else {"response_format": form})


def read_object(body: bytes) -> dict[str, object]:
    """Parse the JSON object in `body`, which must be UTF-8 without duplicate keys, NaN or excessive nesting.

    Raises ValueError with the reason.
    """
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON at character {error.pos}") from None
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("the same key occurs twice")
    return found


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not a JSON number")


def read_answer(body: bytes, call: Call, profile: Profile, rung: Rung) -> Reply:
    """Parse the reply in the body of a response with status 200.

    Raises Fault bad_response or empty_answer. Both allow one retry and include the usage.
    """
    received = replace(prompt_estimate(call), output_tokens=math.ceil(len(body) / BYTES_PER_TOKEN))
    try:
        answer = read_object(body)
        error = answer.get("error")
        if error:
            message = error.get("message") if isinstance(error, dict) else error
            raise ValueError(f"an error with status 200: {clean(str(message))}")
        text, stopped, detail = _read_response(answer) if profile.api == "responses" else _read_chat(answer)
    except ValueError as fault:
        raise Fault("bad_response", f"the answer is broken: {fault}", again="once", usage=received) from None
    usage = read_usage(answer.get("usage"), call, text)
    if not text.strip() and stopped == "done":
        raise Fault("empty_answer", "the answer has no text", again="once", usage=usage)
    name = answer.get("model")
    llm = clean(name, _MAX_NAME) if isinstance(name, str) else ""
    return Reply(text, stopped, usage, llm, "; ".join(filter(None, (detail, *suspicions(usage, call)))), rung)


def without_key(reply: Reply, key: Secret) -> Reply:
    """Redact the key in `reply`, so that an endpoint that echoes it cannot leak it into a draft."""
    return replace(reply, text=key.hide(reply.text), detail=key.hide(reply.detail), llm=key.hide(reply.llm))


def _read_chat(answer: Mapping[str, object]) -> tuple[str, Stopped, str]:
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise ValueError("it has no choices")
    message = choices[0].get("message")
    if not isinstance(message, dict):
        raise ValueError("it has no message")
    content = message.get("content")
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        content = "".join(part["text"] for part in content if isinstance(part.get("text"), str))
    if not isinstance(content, str | None):
        raise ValueError("its content is not text")
    text, stopped = content or "", _STOPPED.get(str(choices[0].get("finish_reason")), "done")
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        return text, "refusal", clean(refusal)
    if not text.strip():
        for field in ("reasoning_content", "reasoning"):
            thought = message.get(field)
            if isinstance(thought, str) and thought.strip().startswith("{"):
                return thought, stopped, f"the text was empty, the JSON was in {field}"
    return text, stopped, ""


def _read_response(answer: Mapping[str, object]) -> tuple[str, Stopped, str]:
    output = answer.get("output")
    if not isinstance(output, list):
        raise ValueError("it has no output")
    if answer.get("status") == "failed":
        raise ValueError("the endpoint reports a failure")
    parts = [
        part
        for item in output
        if isinstance(item, dict) and item.get("type") == "message" and isinstance(item.get("content"), list)
        for part in item["content"]
        if isinstance(part, dict)
    ]
    text = "".join(str(part.get("text", "")) for part in parts if part.get("type") == "output_text")
    refusals = [str(part.get("refusal", "")) for part in parts if part.get("type") == "refusal"]
    if refusals:
        return text, "refusal", clean(refusals[0])
    if answer.get("status") != "incomplete":
        return text, "done", ""
    details = answer.get("incomplete_details")
    reason = str(details.get("reason")) if isinstance(details, dict) else ""
    return text, _STOPPED.get(reason, "length"), ""


def read_usage(block: object, call: Call, text: str) -> Usage:
    """Read the usage that the endpoint reports, or estimate it if the report is missing or invalid."""
    found = block if isinstance(block, dict) else {}
    given_in = _count(found, "prompt_tokens", "input_tokens")
    given_out = _count(found, "completion_tokens", "output_tokens")
    details = found.get("prompt_tokens_details") or found.get("input_tokens_details")
    cached = _count(details, "cached_tokens", "cache_read") if isinstance(details, dict) else None
    tokens_in = given_in or prompt_estimate(call).input_tokens
    tokens_out = given_out or math.ceil(len(text.encode("utf-8", "surrogatepass")) / BYTES_PER_TOKEN)
    estimated = (tokens_in, tokens_out) != (given_in, given_out)
    return Usage(tokens_in, tokens_out, min(cached or 0, tokens_in), estimated)


def _count(block: Mapping[str, object], *names: str) -> int | None:
    for name in names:
        value = block.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _ABSURD_TOKENS:
            return value
    return None


def suspicions(usage: Usage, call: Call) -> list[str]:
    """Describe signs in the usage that the endpoint truncated the prompt or ignored the cap."""
    if usage.estimated:
        return []
    found = []
    sent = prompt_bytes(call)
    if sent > _SMALL_PROMPT_BYTES and usage.input_tokens * MANY_BYTES_PER_TOKEN < sent:
        found.append(f"the prompt was truncated: only {usage.input_tokens} tokens were read from {sent} bytes")
    if usage.output_tokens > call.max_tokens * _CAP_SLACK:
        found.append(f"the cap of {call.max_tokens} tokens was ignored: {usage.output_tokens} tokens were written")
    return found
