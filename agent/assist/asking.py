"""Wording, allotting and sending the calls of a draft: two waves, at most eight calls, repairs included.

All calls begin with the same static instructions. The calls of a wave also share the text that follows (the sources, or
the accepted facts), so that a provider's prompt cache serves all calls of a wave but the first. The part that is
specific to a call comes last.

Turns, and the budget for their worst case, are allotted in the order of the asks before the first call of a wave is
sent. So the order of the answers does not matter, and a replay makes the same calls.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, NamedTuple

from pydantic import BaseModel

from agent.errors import ENDS_RUN, LlmError, LlmReason, SeptetError
from agent.llm.budget import Budget, Price
from agent.llm.parse import LARGER_CAP, ask as ask_llm, wire_schema
from agent.llm.port import Call, Llm, Message, Reply, Usage
from agent.llm.prompts import Prompt, load_prompt
from agent.llm.tokens import Counter
from agent.records import PromptRef
from agent.resources import data_folder

MAX_CALLS: Final = 8
"""The most calls of one draft, repairs included."""
SECOND_WAVE: Final = 2
"""Calls, one for a repair, reserved for the second wave; repairs in the first wave may not use them."""
MAX_INPUT: Final = 90_000
"""Maximum input tokens of a draft, estimated by length, up to which a call may be sent again."""
SECOND_INPUT: Final = 25_000
"""The part of MAX_INPUT reserved for the second wave; repairs in the first wave may not use it."""
_BYTES_A_TOKEN: Final = 4
_TURNS: Final = 3
"""The most turns of one ask: the call, one repair, and one retry with a larger cap."""
_REPAIR_TOKENS: Final = 1_000
"""Input tokens allowed for a repair's description of the faults in an answer."""
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


def _silent(line: str) -> None:
    """Ignore a progress line."""


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
    say: Callable[[str], None] = _silent
    """Callback for progress messages."""
    told: Callable[[str], None] = _silent
    """Callback for two lines: the most that the run may use, and what it has used."""


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
    value: BaseModel | None
    reason: LlmReason | None
    """Why there is no value, or None if there is one."""
    detail: str
    replies: tuple[Reply, ...]


class Caller:
    """Sender of the calls of one draft, which also records their outcomes and usage."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self.calls = 0
        """Calls sent so far, repairs included."""
        self.input = 0
        """Input tokens of the calls sent so far, estimated by length."""
        self.second = False
        """Whether the second wave has begun; until then, calls and input tokens are reserved for it."""
        self.outcomes: list[Outcome] = []
        self.usage = Usage()

    @property
    def left(self) -> int:
        """The number of calls that may still be made."""
        return MAX_CALLS - self.calls

    def wave(self, asks: Sequence[Ask], start: str, limit: int) -> list[Outcome]:
        """Send up to `limit` calls concurrently and return their outcomes in the order of `asks`.

        `start` is the text that they share after the instructions. A call with an unreadable answer and no turn for a
        repair is sent once more if the other calls left a turn. An ask without a turn is not sent, and its outcome says
        so.
        """
        before = self.calls
        found = self._sent(asks, start, limit)
        left = limit - (self.calls - before)
        unread = [n for n, outcome in enumerate(found) if outcome.reason in _UNREAD and len(outcome.replies) == 1][
            :left
        ]
        again = [replace(asks[n], again=found[n].detail) for n in unread]
        for n, outcome in zip(unread, self._sent(again, start, len(again)) if again else (), strict=True):
            found[n] = outcome
        return found

    def _sent(self, asks: Sequence[Ask], start: str, limit: int) -> list[Outcome]:
        assistant = self._assistant
        calls = [worded(ask, start, assistant.answer_tokens) for ask in asks]
        room = MAX_INPUT - self.input - (0 if self.second else SECOND_INPUT)
        turns = [_Turns(assistant.budget, number) for number in given_out(calls, assistant.budget, limit, room)]
        rows = [(ask, call, turn) for ask, call, turn in zip(asks, calls, turns, strict=True) if turn.limit]
        assistant.say(f"asking the LLM ({len(rows)} calls)")
        found: list[tuple[Outcome, Usage]] = []
        if rows:
            with ThreadPoolExecutor(len(rows)) as pool, ExitStack() as left:
                # An interrupt does not wait for answers: pending calls end when the LLM is closed.
                left.callback(self._close)
                found = list(pool.map(lambda row: self._one(*row), rows))
                left.pop_all()
        self.calls += sum(turn.taken for turn in turns)
        self.input += sum(turn.taken * _size(call) for turn, call in zip(turns, calls, strict=True))
        for outcome, usage in found:
            self.usage += usage
            self.outcomes.append(outcome)
        sent = iter(found)
        return [next(sent)[0] if turn.limit else _unsent(ask) for ask, turn in zip(asks, turns, strict=True)]

    def ended(self) -> Outcome | None:
        """Return the outcome that ends the run, such as a refused key, or None."""
        return next((outcome for outcome in self.outcomes if outcome.reason in ENDS_RUN), None)

    def give_up_if_away(self) -> None:
        """Raise LlmError if the LLM is unavailable: every call so far failed for a reason that rules out an answer."""
        if not self.outcomes or any(outcome.reason not in _AWAY for outcome in self.outcomes):
            return
        worst = self.ended() or self.outcomes[0]
        assert worst.reason is not None
        hint = "`septet doctor` says what is wrong; `--fallback embedded` drafts without it"
        raise LlmError(worst.reason, worst.detail, hint=hint, usage=self.usage)

    def prompts(self) -> tuple[PromptRef, ...]:
        """Return the prompt files used, the shared ones first, each once."""
        names = ["shared", "sources", "accepted", *(outcome.ask.prompt for outcome in self.outcomes)]
        names += ["again" for outcome in self.outcomes if outcome.ask.again]
        return tuple(prompt(name).ref for name in dict.fromkeys(names))

    def _one(self, ask: Ask, call: Call, turns: "_Turns") -> tuple[Outcome, Usage]:
        try:
            answer = ask_llm(_Masked(self._assistant.llm, self._assistant.delimiter), call, ask.shape, turns)
        except LlmError as error:
            return Outcome(ask, None, error.reason, str(error), ()), error.usage
        return Outcome(ask, answer.value, answer.reason, answer.detail, answer.replies), answer.usage

    def _close(self) -> None:
        # The opener closes the LLM a second time and then reports errors of the recording.
        with suppress(SeptetError):
            self._assistant.llm.close()


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


def given_out(calls: Sequence[Call], budget: Budget, limit: int, room: int) -> tuple[int, ...]:
    """Return how often each call may be sent, repairs included; 0 means not at all.

    First each call gets one turn, then each a second, then each a third, as long as turns remain (`limit`) and the
    budget covers the worst case of all turns together. Second and third turns must also fit into `room` input tokens,
    estimated by length. Must not be called while calls are in progress.
    """
    turns = [0] * len(calls)
    single = [budget.estimate(call) for call in calls]
    sizes = [_size(call) for call in calls]
    whole = Usage()
    for number in range(_TURNS):
        for place, one in enumerate(single):
            if sum(turns) >= limit:
                return tuple(turns)
            again = Usage(one.input_tokens + _REPAIR_TOKENS, LARGER_CAP * one.output_tokens, estimated=True)
            worst = one if number == 0 else again
            taken = sum(count * size for count, size in zip(turns, sizes, strict=True))
            affordable = number == 0 or taken + sizes[place] <= room
            if turns[place] == number and affordable and _fits(whole + worst, budget):
                turns[place] += 1
                whole += worst
    return tuple(turns)


def _size(call: Call) -> int:
    # Estimate by length, regardless of the local token counter, so that a recording replays on any machine.
    return sum(len(message.text.encode("utf-8", "replace")) // _BYTES_A_TOKEN for message in call.messages)


def _fits(usage: Usage, budget: Budget) -> bool:
    try:
        budget.check(usage)
    except LlmError:
        return False
    return True


def _unsent(ask: Ask) -> Outcome:
    detail = f"not asked, since the calls of this draft (at most {MAX_CALLS}) or its budget were given out"
    return Outcome(ask, None, "over_budget", detail, ())


class _Turns:
    """The budget for one ask and its number of remaining calls, used by one thread."""

    def __init__(self, budget: Budget, limit: int) -> None:
        self._budget = budget
        self.limit = limit
        self.taken = 0

    def reserve(self, call: Call) -> int:
        """Reserve the call's worst case. Raises LlmError over_budget, also if no calls remain."""
        if self.taken >= self.limit:
            raise LlmError("over_budget", "the calls of this draft are given out", where=f"at {call.stage!r}")
        ticket = self._budget.reserve(call)
        self.taken += 1
        return ticket

    def settle(self, ticket: int, usage: Usage) -> None:
        """Replace a reservation with the actual usage."""
        self._budget.settle(ticket, usage)


class _Masked:
    """An LLM wrapper that masks the run's delimiter in replies and errors. The delimiter is random for each run, so a
    draft that repeated it would differ from its own replay."""

    def __init__(self, inner: Llm, delimiter: str) -> None:
        self._inner = inner
        self._delimiter = delimiter

    @property
    def name(self) -> str:
        """The name of the inner LLM."""
        return self._inner.name

    def complete(self, call: Call) -> Reply:
        """Answer one call with the delimiter masked. Raises LlmError."""
        try:
            reply = self._inner.complete(call)
        except LlmError as error:
            what, where, hint = (self._masked(text) for text in (error.what, error.where, error.hint))
            raise LlmError(error.reason, what, where=where, hint=hint, usage=error.usage) from None
        text, detail, llm = (self._masked(text) for text in (reply.text, reply.detail, reply.llm))
        return replace(reply, text=text, detail=detail, llm=llm)

    def close(self) -> None:
        """Close the inner LLM."""
        self._inner.close()

    def _masked(self, text: str) -> str:
        return text.replace(self._delimiter, _MASK)
