"""Probes an endpoint to find out which LLMs it has, which settings it honours, and what to configure.

Each probe, even a failed one, yields one row. Probing ends early if a probe shows that no call can work.
"""

import json
from collections.abc import Callable
from typing import Final, NamedTuple

from agent.errors import LlmError, LlmReason, Usage
from agent.llm.port import Call, Llm, Message, Reply
from agent.llm.wire import MANY_BYTES_PER_TOKEN, prompt_bytes

CAP: Final = 32
"""Output cap in tokens for the probe that checks whether the endpoint honours caps."""
CAP_SLACK_TOKENS: Final = 8
_LONG_PROMPT_WORDS: Final = 6_000
"""Number of words in the prompt that tests for silent truncation; more than the 4096 tokens that local servers allow by
default."""
ANSWER_TOKENS: Final = 512
_MARK: Final = "heliotrope"
_SHOWN: Final = 8


class Row(NamedTuple):
    """The outcome of one probe."""

    check: str
    well: bool | None
    """Whether the check passed; None if unknown."""
    found: str
    advice: str = ""


class Diagnosis(NamedTuple):
    """All rows and the total usage."""

    rows: tuple[Row, ...]
    usage: Usage
    failed: LlmReason | None
    """The reason why no call can work, if probing ended early."""


def probe(llm: Llm) -> Diagnosis:
    """Run all probes against the endpoint of `llm`, one at a time. Errors of the endpoint become rows."""
    spent = Usage()

    def ask(text: str, field: str, kind: dict[str, object], max_tokens: int) -> Reply | LlmError:
        nonlocal spent
        messages = (Message("system", "You answer in JSON."), Message("user", text))
        try:
            outcome: Reply | LlmError = llm.complete(_call(messages, field, kind, max_tokens))
        except LlmError as error:
            outcome = error
        spent += outcome.usage
        return outcome

    rows = [_listed(llm)]
    answered = ask("How many days has a week?", "days", {"type": "integer"}, ANSWER_TOKENS)
    rows.append(_shaped(answered))
    if isinstance(answered, LlmError):
        return Diagnosis(tuple(rows), spent, answered.reason)
    numbers: dict[str, object] = {"type": "array", "items": {"type": "integer"}}
    rows.append(_capped(ask("Give the whole numbers from 1 to 400 in order.", "numbers", numbers, CAP)))
    filler = " ".join(f"line{number % 100} is filler." for number in range(_LONG_PROMPT_WORDS // 3))
    text = f"The password is {_MARK}.\n{filler}\nWhat is the password?"
    sent = prompt_bytes(_call((Message("user", text),), "password", {"type": "string"}, ANSWER_TOKENS))
    rows.append(_read_to_the_end(ask(text, "password", {"type": "string"}, ANSWER_TOKENS), sent))
    return Diagnosis(tuple(rows), spent, None)


def _call(messages: tuple[Message, ...], field: str, kind: dict[str, object], max_tokens: int) -> Call:
    shape = {"type": "object", "properties": {field: kind}, "required": [field], "additionalProperties": False}
    return Call("doctor", messages, "probe", shape, max_tokens)


def _listed(llm: Llm) -> Row:
    check = "the LLM exists"
    listed: Callable[[], tuple[str, ...]] | None = getattr(llm, "listed", None)
    if listed is None:
        return Row(check, None, "not checked: this kind of endpoint is not asked for a list of LLMs")
    try:
        names = listed()
    except LlmError as error:
        return Row(check, None if not error.ends_run else False, str(error), error.hint)
    wanted = llm.name.partition("/")[2]
    if not names:
        return Row(check, None, "the endpoint lists no LLMs")
    if wanted in names:
        return Row(check, True, f"{wanted}, one of {len(names)}")
    return Row(check, False, f"{wanted} is not among: {', '.join(names[:_SHOWN])}", "choose one of those")


def _shaped(outcome: Reply | LlmError) -> Row:
    check = "it answers in the requested format"
    if isinstance(outcome, LlmError):
        return Row(check, False, str(outcome), outcome.hint)
    if outcome.stopped != "done":
        advice = "a thinking LLM needs a larger cap, or less thinking" if outcome.stopped == "length" else ""
        return Row(check, False, f"the answer ended early: {outcome.stopped}. {outcome.detail}".strip(), advice)
    try:
        value = json.loads(outcome.text)
        fits = isinstance(value, dict) and list(value) == ["days"] and isinstance(value["days"], int)
    except (ValueError, RecursionError):
        fits = False
    if not fits:
        advice = "choose an LLM or a server that follows a JSON schema; other answers have to be repaired or dropped"
        return Row(check, False, f"the answer does not have the requested format (requested by {outcome.rung})", advice)
    if outcome.rung != "json_schema":
        advice = f"set the profile's rung to {outcome.rung}: otherwise the first request of every run is wasted"
        return Row(check, True, f"by {outcome.rung}; JSON schemas are refused", advice)
    return Row(check, True, "by JSON schema" + (f"; {outcome.detail}" if outcome.detail else ""))


def _capped(outcome: Reply | LlmError) -> Row:
    check = "it respects the cap on an answer"
    if isinstance(outcome, LlmError):
        return Row(check, None, str(outcome), outcome.hint)
    written = outcome.usage.output_tokens
    if outcome.usage.estimated:
        return Row(check, None, "the endpoint does not report its usage")
    if written > CAP + CAP_SLACK_TOKENS:
        advice = "the endpoint ignores the parameter in which the profile sends the cap; try the other one"
        return Row(check, False, f"{written} tokens, with {CAP} allowed", advice)
    if outcome.stopped != "length":
        return Row(check, None, f"the answer ended on its own after {written} tokens")
    return Row(check, True, f"{written} tokens, with {CAP} allowed")


def _read_to_the_end(outcome: Reply | LlmError, sent: int) -> Row:
    check = "it reads the whole of a long prompt"
    advice = "give the server a longer context; a silently truncated prompt makes drafts worse"
    if isinstance(outcome, LlmError):
        return Row(check, False if outcome.reason == "too_large" else None, str(outcome), advice)
    read, unsaid = outcome.usage.input_tokens, outcome.usage.estimated
    if not unsaid and read * MANY_BYTES_PER_TOKEN < sent:
        return Row(check, False, f"only {read} tokens were read from {sent} bytes", advice)
    if _MARK in outcome.text:
        return Row(check, True, f"{sent} bytes, and the answer contains the word given at the start")
    if unsaid:
        found = "the answer lacks the word given at the start; the endpoint does not report how much it read"
        return Row(check, None, found)
    return Row(check, None, f"{read} tokens were read, but the answer lacks the word given at the start")
