"""Parses the text of a reply into a validated value, or explains why this failed.

    stop reason and refusal -> strip think blocks and fence -> exactly one object -> strict JSON -> strict pydantic

`read` takes these steps once. `ask` sends a call and retries where that can help: once after an unusable answer, with
the validation errors (never the answer's own words, which may come from a hostile page), and once after a truncated
answer, with a larger cap. Partial answers are never used.

The shape of an answer is a pydantic class; `wire_schema` turns it into a schema that providers accept, and its bounds
are checked here. A validator of a shape must not repeat its input in its message: messages are sent to the LLM.

Servers reject different schema features: defaults, bounds, formats, examples, optional fields, references. The wire
schema has none of these; `read` checks the bounds afterwards. The order of fields is kept, because the LLM writes, and
therefore reasons, in that order.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import isinf
from typing import Annotated, Final, Generic, TypeVar

from pydantic import BaseModel, Field, ValidationError

from agent.llm.budget import Budget
from agent.llm.port import Call, LlmError, Message, Reason, Reply, Usage
from agent.llm.wire import prompt_estimate

MAX_ANSWER_CHARS: Final = 500_000
MAX_DEPTH: Final = 64
LARGER_CAP: Final = 2
"""Factor by which the token cap grows after a truncated answer."""
_MAX_NUMBER_CHARS: Final = 40
_MAX_WORDS: Final = 8
"""Maximum number of validation errors sent to the LLM; correcting these usually corrects the rest."""
_MAX_WORD_CHARS: Final = 240
_REFUSAL_CHARS: Final = 300

T = TypeVar("T", bound=BaseModel)

_THINK: Final = re.compile(r"\s*<(think|thinking|thought|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_THINK_OPEN: Final = re.compile(r"\s*<(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
# The opening tag may be part of the prompt template, so that the answer contains only the closing tag.
_THINK_END: Final = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
# A string or a bracket. Unterminated strings match too, so that matching takes linear time.
_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[{}\[\]]', re.DOTALL)
_NO_TEXT: Final = re.compile("[\x00\ud800-\udfff]")
_REFUSES: Final = re.compile(
    r"\b(?:I|we)(?:['’]m| am|['’]re| are)?(?: really| very| so| truly)?"
    r" (?:sorry|can(?:no|['’])?t|can not|won['’]t|will not|must decline|decline|not able to|unable to)\b",
    re.IGNORECASE,
)
_REPAIR: Final = (
    "Your last answer could not be used:\n{words}\n"
    "Answer the same question again with exactly one JSON object of the given schema and nothing else."
)
_ASKED_AGAIN: Final[frozenset[Reason]] = frozenset(("invalid_json", "invalid_schema", "empty_answer"))
Tenths = Annotated[int, Field(ge=0, le=10, description="whole tenths: 0 is 0.0, 7 is 0.7, 10 is 1.0")]
"""A fraction as an LLM writes it: an integer, so that no rounding is needed."""

_TEN: Final = 10
_KEPT: Final = frozenset(("type", "description", "enum"))
"""Parts of a JSON schema that providers accept unchanged."""


@dataclass(frozen=True)
class Failure:
    """The reason why a reply cannot be used."""

    reason: Reason
    detail: str
    """The validation errors, without any text from the answer, so that they are safe to display and send."""
    declined: bool = False
    """Whether the answer is prose that sounds like a refusal; two such answers in a row count as a refusal."""


@dataclass(frozen=True)
class Answer(Generic[T]):
    """The outcome of a call."""

    value: T | None
    reason: Reason | None
    """Why there is no value; None when there is one."""
    detail: str
    usage: Usage
    """Total usage of all attempts, including failed ones."""
    replies: tuple[Reply, ...]
    """All replies received, in order; empty if the call failed for a reason that ends the run (`ends_run`)."""
    calls: int
    """Number of calls sent, including failed ones."""


def ask(complete: Callable[[Call], Reply], call: Call, shape: type[T], budget: Budget, turns: int) -> Answer[T]:
    """Send a call and parse the answer, with at most one repair and one larger cap, in at most `turns` calls."""
    usage, sent = Usage(), 0
    replies: list[Reply] = []
    attempt, declined, repaired, enlarged = call, False, False, False
    reason: Reason = "empty_answer"
    detail = ""
    while True:
        try:
            if sent == turns:
                raise LlmError("over_budget", "the draft has no calls left", where=f"at {call.stage!r}")
            ticket = budget.reserve(attempt)
            sent += 1
            reply = _complete(complete, attempt, budget, ticket)
        except LlmError as error:
            usage += error.usage
            if replies and error.reason == "over_budget":
                # Report the fault in the answer, which is more informative than the retry being over budget.
                return Answer(None, reason, f"{detail}; not asked again: {error}", usage, tuple(replies), sent)
            return Answer(None, error.reason, str(error), usage, () if error.ends_run else tuple(replies), sent)
        usage += reply.usage
        replies.append(reply)
        found = read(reply, shape)
        if not isinstance(found, Failure):
            return Answer(found, None, "", usage, tuple(replies), sent)
        reason, detail = "refused" if declined and found.declined else found.reason, found.detail
        declined = found.declined
        if reason == "truncated" and not enlarged:
            enlarged = True
            attempt = replace(attempt, max_tokens=attempt.max_tokens * LARGER_CAP, attempt=attempt.attempt + 1)
        elif reason in _ASKED_AGAIN and not repaired:
            repaired = True
            words = Message("user", _REPAIR.format(words=found.detail))
            attempt = replace(attempt, messages=(*call.messages, words), attempt=attempt.attempt + 1)
        else:
            return Answer(None, reason, found.detail, usage, tuple(replies), sent)


def _complete(complete: Callable[[Call], Reply], call: Call, budget: Budget, ticket: int) -> Reply:
    # Charge the prompt even if an unrelated error follows (such as a full disk), because the call was already sent.
    spent = prompt_estimate(call)
    try:
        reply = complete(call)
        spent = reply.usage
    except LlmError as error:
        spent = error.usage
        raise
    finally:
        budget.settle(ticket, spent)
    return reply


def read(reply: Reply, shape: type[T]) -> T | Failure:
    """Parse a reply and validate it against `shape` without coercion. Returns a Failure if this is not possible."""
    if reply.stopped == "length":
        return Failure("truncated", "the answer reached its token cap")
    if reply.stopped == "filter":
        return Failure("filtered", "a content filter of the endpoint cut off the answer")
    if reply.stopped == "refusal":
        return Failure("refused", "the LLM refused to answer")
    if len(reply.text) > MAX_ANSWER_CHARS:
        return Failure("too_large", f"the answer has more than {MAX_ANSWER_CHARS} characters")
    text = _without_thoughts(reply.text).strip()
    if not text:
        return Failure("empty_answer", "the answer is empty")
    try:
        value = _strict(_only_object(text))
    except _NotJsonError as fault:
        declined = "{" not in text and _REFUSES.search(text[:_REFUSAL_CHARS]) is not None
        return Failure("invalid_json", f"- {fault}", declined)
    try:
        # Serialise again so that pydantic's JSON parser cannot read the text differently from ours.
        return shape.model_validate_json(json.dumps(value), strict=True, extra="forbid")
    except ValidationError as error:
        return Failure("invalid_schema", _words(error, shape))


class _NotJsonError(ValueError):
    """The text is not exactly one valid JSON object. The message contains nothing from the text."""


def _without_thoughts(text: str) -> str:
    """Remove leading thinking blocks from the text. Returns an empty string if a block is not closed."""
    start = 0
    while found := _THINK.match(text, start):
        start = found.end()
    text = text[start:]
    if _THINK_OPEN.match(text):
        return ""
    ends = list(_THINK_END.finditer(text))
    if ends and not text.lstrip().startswith(("{", "```")):
        return text[ends[-1].end() :]
    return text


def _only_object(text: str) -> str:
    """Find the only JSON object in `text`: bare, fenced or in prose."""
    start = text.find("{")
    if start < 0:
        raise _NotJsonError("there is no JSON object in the answer")
    end = _end_of_object(text, start)
    before, after = text[:start].rstrip(), text[end:].lstrip()
    if "{" in after:
        raise _NotJsonError("there is more than one JSON object in the answer")
    if before.endswith("[") or after.startswith(("]", "}")):
        raise _NotJsonError("the answer must be an object, not a list or part of something else")
    return text[start:end]


def _end_of_object(text: str, start: int) -> int:
    depth = 0
    for token in _TOKEN.finditer(text, start):
        mark = token.group()
        if mark in ("{", "["):
            depth += 1
        elif mark in ("}", "]"):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _NotJsonError(f"the object nests deeper than {MAX_DEPTH}")
        if depth == 0:
            return token.end()
    raise _NotJsonError("the object is not complete")


def _strict(text: str) -> dict[str, object]:
    """Parse a JSON object strictly by RFC 8259, also rejecting duplicate keys, NUL and lone surrogates."""
    if _NO_TEXT.search(text):
        raise _NotJsonError("the text holds a NUL or half of a surrogate pair")
    try:
        value: dict[str, object] = json.loads(
            text, object_pairs_hook=_pairs, parse_constant=_no_constant, parse_float=_number, parse_int=_number
        )
    except json.JSONDecodeError as error:
        raise _NotJsonError(f"not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    if any(_NO_TEXT.search(string) for string in _strings(value)):
        raise _NotJsonError("a text holds a NUL or half of a surrogate pair")
    return value


def _pairs(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _NotJsonError("a key occurs twice in one object")
    return value


def _no_constant(name: str) -> float:
    raise _NotJsonError(f"{name} is not a JSON number")


def _number(digits: str) -> float:
    value = (float if set(digits) & set(".eE") else int)(digits) if len(digits) <= _MAX_NUMBER_CHARS else float("inf")
    if isinf(value):
        raise _NotJsonError("a number is out of range")
    return value


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in (*value, *value.values()) if isinstance(value, dict) else value:
            yield from _strings(part)


def _words(error: ValidationError, shape: type[BaseModel]) -> str:
    """Format the validation errors, one per line, without any text from the answer."""
    known = frozenset(_field_names(shape.model_json_schema()))
    faults = error.errors(include_url=False, include_input=False)
    lines = []
    for fault in faults[:_MAX_WORDS]:
        steps = (str(step) if isinstance(step, int) or step in known else "(unknown name)" for step in fault["loc"])
        lines.append(f"- {'.'.join(steps) or 'the object'}: {fault['msg']}"[:_MAX_WORD_CHARS])
    if len(faults) > _MAX_WORDS:
        lines.append(f"- and {len(faults) - _MAX_WORDS} more")
    return "\n".join(lines)


def _field_names(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        properties = schema.get("properties")
        yield from properties if isinstance(properties, dict) else ()
        for part in schema.values():
            yield from _field_names(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _field_names(part)


def unit(tenths: int) -> Decimal:
    """Convert tenths to an exact fraction: 7 -> 0.7."""
    return Decimal(tenths) / _TEN


def wire_schema(shape: type[BaseModel]) -> dict[str, object]:
    """Convert `shape` to a schema without bounds, defaults and references; all fields required, no others allowed.

    A shape may consist of fields, lists, closed lists and nested shapes; the schema cannot express anything else.
    Fields that allow None stay nullable.
    """
    schema = shape.model_json_schema()
    return _wire(schema, schema.get("$defs", {}))


def _wire(schema: Mapping[str, object], definitions: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    made: dict[str, object] = {}
    for key, value in schema.items():
        if key in _KEPT:
            made[key] = value
        elif key == "$ref":
            made = {**_wire(definitions[str(value).rpartition("/")[2]], definitions), **made}
        elif key == "properties" and isinstance(value, dict):
            made[key] = {name: _wire(part, definitions) for name, part in value.items()}
        elif key == "items" and isinstance(value, dict):
            made[key] = _wire(value, definitions)
        elif key == "anyOf" and isinstance(value, list):
            made[key] = [_wire(part, definitions) for part in value]
    if made.get("type") == "object":
        properties = made.get("properties")
        made["required"] = list(properties) if isinstance(properties, dict) else []
        made["additionalProperties"] = False
    return made
