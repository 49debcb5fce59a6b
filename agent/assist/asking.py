"""Render, schedule and send the calls of a draft: two waves, at most eight calls, including repairs.

All calls begin with the same static instructions. The calls of a wave also share the text that follows (the sources, or
the accepted facts), so that a provider's prompt cache serves all calls of a wave except the first. The part that is
specific to a call comes last.

Before the first call of a wave is sent, each ask is allotted its turns, in order and within the budget for the worst
case. So the order in which answers arrive does not matter, and a replay makes the same calls.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, NamedTuple

from pydantic import BaseModel

from agent.errors import ENDS_RUN, LlmError, LlmReason, SeptetError
from agent.llm.budget import Budget, Price
from agent.llm.parse import LARGER_CAP, Answer, ask as ask_llm, wire_schema
from agent.llm.port import Call, Llm, Message, Reply, Usage
from agent.llm.prompts import Prompt, load_prompt
from agent.llm.tokens import Counter
from agent.records import PromptRef
from agent.resources import data_folder

MAX_CALLS: Final = 8
"""Maximum number of calls of one draft, repairs included."""
SECOND_WAVE: Final = 2
"""The number of calls, one of them for a repair, reserved for the second wave; repairs in the first wave may not use
them."""
MAX_INPUT: Final = 90_000
"""A call may be sent again only while the input tokens of the draft, estimated by length, stay within this limit."""
SECOND_INPUT: Final = 25_000
"""The part of MAX_INPUT reserved for the second wave; repairs in the first wave may not use it."""
_BYTES_A_TOKEN: Final = 4
_TURNS: Final = 3
"""Maximum number of turns per ask: the call, one repair, and one retry with a larger cap."""
_REPAIR_TOKENS: Final = 1_000
"""Input tokens allowed for describing the faults of an answer in a repair."""
_WAIT_SECONDS: Final = 0.25
"""The longest single wait for an answer. An interrupt that arrives just before a wait, or that the system delivers to
another thread, is noticed only when the wait ends.
"""
_FOLDER: Final = "assist"
_MASK: Final = "[delimiter]"
_AWAY: Final[frozenset[LlmReason]] = ENDS_RUN | {
    "rate_limited",
    "bad_request",
    "too_large",
    "timeout",
    "bad_response",
    "unreachable",
    "cassette_miss",
}
"""Reasons that mean the LLM is unavailable if every call ends with one of them."""
_UNREAD: Final[frozenset[LlmReason | None]] = frozenset(("invalid_json", "invalid_schema", "empty_answer", "truncated"))
"""Reasons for which a call may be sent again."""


@dataclass(frozen=True)
class Assistant:
    """The LLM that helps with one draft, with its caps; created at the edge of the program."""

    llm: Llm
    budget: Budget
    counter: Counter
    delimiter: str
    """Letters and digits that enclose untrusted text; random for each run."""
    answer_tokens: int
    """Maximum tokens of one answer."""
    passage_tokens: int
    """Maximum tokens of the sources shown, estimated by length."""
    price: Price | None = None
    fallback: bool = False
    """Whether drafting continues with the embedded drafter alone if the LLM is unavailable."""
    say: Callable[[str], None] = lambda _: None
    """Callback for progress messages."""
    told: Callable[[str], None] = lambda _: None
    """Callback that receives two lines: the most that the run may use, and what it has used."""


@dataclass(frozen=True)
class Ask:
    """One question to the LLM, not yet rendered as a prompt."""

    stage: str
    """Name of the call in logs, budgets and recordings."""
    values: Mapping[str, object]
    """Inputs of the prompt template."""
    shape: type[BaseModel]
    again: str = ""
    """The dropped parts of an earlier answer, framed as untrusted text; empty on the first attempt."""

    @property
    def prompt(self) -> str:
        """The name of the prompt file for this question."""
        return self.stage.removesuffix("-again").removesuffix("-shorter").replace("-", "_")


class Outcome(NamedTuple):
    """The outcome of one call."""

    ask: Ask
    answer: Answer[BaseModel]


def unasked(ask: Ask, reason: LlmReason | None, detail: str) -> Outcome:
    """Return the outcome of a question that was not sent."""
    return Outcome(ask, Answer(None, reason, detail, Usage(), (), 0))


class Caller:
    """Sends the calls of one draft, and records their outcomes and usage."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self.calls = 0
        """Calls sent so far, repairs included."""
        self.input = 0
        """Input tokens of the calls sent so far, estimated by length."""
        self.second = False
        """Whether the second wave has begun; until then, calls and input tokens are reserved for it."""
        self.outcomes: list[Outcome] = []

    @property
    def left(self) -> int:
        """The number of calls that may still be made."""
        return MAX_CALLS - self.calls

    @property
    def usage(self) -> Usage:
        """The usage of all calls so far."""
        return sum((outcome.answer.usage for outcome in self.outcomes), Usage())

    def wave(self, asks: Sequence[Ask], start: str, limit: int) -> list[Outcome]:
        """Send up to `limit` calls concurrently and return their outcomes in the order of `asks`.

        `start` is the text that these calls share after the instructions. If an answer is unreadable and its call has
        no turn left for a repair, the call is sent once more if another call has left a turn unused. An ask without a
        turn is not sent, and its outcome says so.
        """
        before = self.calls
        found = self._sent(asks, start, limit)
        left = limit - (self.calls - before)
        answers = [outcome.answer for outcome in found]
        unread = [n for n, one in enumerate(answers) if one.reason in _UNREAD and len(one.replies) == 1][:left]
        if unread:
            again = [replace(asks[n], again=answers[n].detail) for n in unread]
            for n, outcome in zip(unread, self._sent(again, start, len(again)), strict=True):
                found[n] = outcome
        return found

    def _sent(self, asks: Sequence[Ask], start: str, limit: int) -> list[Outcome]:
        assistant = self._assistant
        calls = [worded(ask, start, assistant.answer_tokens) for ask in asks]
        room = MAX_INPUT - self.input - (0 if self.second else SECOND_INPUT)
        turns = _given_out(calls, assistant.budget, limit, room)
        rows = [row for row in zip(asks, calls, turns, strict=True) if row[2]]
        assistant.say(f"asking the LLM ({len(rows)} calls)")
        found: list[Outcome] = []
        if rows:
            with ThreadPoolExecutor(len(rows)) as pool, ExitStack() as left:
                # An interrupt does not wait for answers: pending calls end when the LLM is closed.
                left.callback(self._close)
                for running in [pool.submit(self._one, *row) for row in rows]:
                    while not running.done():
                        wait([running], _WAIT_SECONDS)
                    found.append(running.result())
                left.pop_all()
        self.outcomes += found
        for outcome, (_, call, _) in zip(found, rows, strict=True):
            self.calls += outcome.answer.calls
            self.input += outcome.answer.calls * _size(call)
        detail = f"not asked, since the calls of this draft (at most {MAX_CALLS}) or its budget were used up"
        sent = iter(found)
        return [
            next(sent) if turn else unasked(ask, "over_budget", detail) for ask, turn in zip(asks, turns, strict=True)
        ]

    def _one(self, ask: Ask, call: Call, turns: int) -> Outcome:
        return Outcome(ask, ask_llm(self._complete, call, ask.shape, self._assistant.budget, turns))

    def _complete(self, call: Call) -> Reply:
        """Send one call, and mask the run's delimiter in the outcome: it is random for each run, so a draft that
        repeated it would differ from its own replay."""

        def masked(text: str) -> str:
            return text.replace(self._assistant.delimiter, _MASK)

        try:
            reply = self._assistant.llm.complete(call)
        except LlmError as error:
            what, where, hint = map(masked, (error.what, error.where, error.hint))
            raise LlmError(error.reason, what, where=where, hint=hint, usage=error.usage) from None
        return replace(reply, text=masked(reply.text), detail=masked(reply.detail), llm=masked(reply.llm))

    def _close(self) -> None:
        # Whoever opened the LLM closes it again and then reports errors of the recording.
        with suppress(SeptetError):
            self._assistant.llm.close()

    def ended(self) -> Answer[BaseModel] | None:
        """Return the failed answer that ends the run, for example because the key was rejected, or None."""
        return next((one.answer for one in self.outcomes if one.answer.reason in ENDS_RUN), None)

    def give_up_if_away(self) -> None:
        """Raise LlmError if the LLM is unavailable: every call so far failed for a reason that rules out an answer."""
        if not self.outcomes or any(outcome.answer.reason not in _AWAY for outcome in self.outcomes):
            return
        worst = self.ended() or self.outcomes[0].answer
        assert worst.reason is not None
        hint = "run `septet doctor` to find the cause; `--fallback embedded` drafts without it"
        raise LlmError(worst.reason, worst.detail, hint=hint, usage=self.usage)

    def prompts(self) -> tuple[PromptRef, ...]:
        """Return the prompt files that were used, without duplicates, starting with the shared ones."""
        names = ["shared", "sources", "accepted", *(outcome.ask.prompt for outcome in self.outcomes)]
        names += ["again" for outcome in self.outcomes if outcome.ask.again]
        return tuple(prompt(name).ref for name in dict.fromkeys(names))


def worded(ask: Ask, start: str, max_tokens: int) -> Call:
    """Render an ask as a call whose answer may take `max_tokens`. Raises InputError for an invalid prompt file."""
    end = prompt(ask.prompt).render(**ask.values)
    if ask.again:
        end = f"{end}\n{prompt('again').render(dropped=ask.again)}"
    messages = (Message("system", prompt("shared").render()), Message("user", f"{start}\n{end}"))
    attempt = 2 if ask.again else 1
    return Call(ask.stage, messages, ask.shape.__name__, wire_schema(ask.shape), max_tokens, attempt)


@cache
def prompt(name: str) -> Prompt:
    """Load the drafting prompt with this name. Raises InputError for an invalid file."""
    return load_prompt(data_folder("prompts") / _FOLDER / f"{name}.md")


def _given_out(calls: Sequence[Call], budget: Budget, limit: int, room: int) -> list[int]:
    """Return how often each call may be sent, repairs included; 0 means not at all.

    First every call gets one turn, then every call a second, then every call a third, as long as turns remain (`limit`)
    and the budget covers the worst case of all turns together. Second and third turns must also fit into `room` input
    tokens, estimated by length. Must not be called while calls are in progress.
    """
    turns = [0] * len(calls)
    single = [budget.estimate(call) for call in calls]
    sizes = [_size(call) for call in calls]
    whole = Usage()
    for number in range(_TURNS):
        for place, one in enumerate(single):
            if sum(turns) >= limit:
                return turns
            again = Usage(one.input_tokens + _REPAIR_TOKENS, LARGER_CAP * one.output_tokens, estimated=True)
            worst = one if number == 0 else again
            taken = sum(count * size for count, size in zip(turns, sizes, strict=True))
            affordable = number == 0 or taken + sizes[place] <= room
            if turns[place] == number and affordable and budget.fits(whole + worst):
                turns[place] += 1
                whole += worst
    return turns


def _size(call: Call) -> int:
    # Estimate by length, regardless of the local token counter, so that a recording replays on any machine.
    return sum(len(message.text.encode("utf-8", "replace")) // _BYTES_A_TOKEN for message in call.messages)
