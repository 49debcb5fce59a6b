"""How the calls of a draft are worded, allotted and sent: two waves, at most eight calls, repairs included.

All calls begin with the same static instructions; those of a wave also share the text after these (the sources, or the
accepted facts), so that a provider's prompt cache serves all calls of a wave but the first. The part that is particular
to a call stands at its end.

Turns, and room in the budget for their worst case, are allotted in the order of the asks before the first call of a
wave is sent. So it does not matter which answer comes first, and a replay makes the same calls.
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
SECOND_WAVE: Final = 3
"""Calls that the first wave's repairs leave for the second wave."""
MAX_INPUT: Final = 90_000
"""A call is sent again only while a draft's input stays within this many tokens, estimated by length."""
SECOND_INPUT: Final = 20_000
"""The part of these tokens that the first wave's repairs leave for the second wave."""
_BYTES_A_TOKEN: Final = 4
_TURNS: Final = 3
"""The most turns of one ask: the call, one repair, one larger cap."""
_REPAIR_TOKENS: Final = 1_000
"""Input tokens in which a repair describes the faults of an answer."""
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
"""Reasons that mean that the LLM is unavailable, if every call ends with one of them."""
_UNREAD: Final[frozenset[LlmReason | None]] = frozenset(("invalid_json", "invalid_schema", "empty_answer", "truncated"))
"""Reasons for which a call may be sent again."""


def _silent(line: str) -> None:
    """Ignore the line."""


@dataclass(frozen=True)
class Assistant:
    """The LLM that helps with one draft, with its caps; made at the edge of the program."""

    llm: Llm
    budget: Budget
    counter: Counter
    delimiter: str
    """Random for each run, of letters and digits; it encloses untrusted text."""
    answer_tokens: int
    """Cap on the tokens of one answer."""
    passage_tokens: int
    """Cap on the tokens of the sources that are shown, estimated by length."""
    price: Price | None = None
    fallback: bool = False
    """Whether the embedded drafter goes on alone when the LLM is unavailable."""
    say: Callable[[str], None] = _silent
    """Called with what is being done."""
    told: Callable[[str], None] = _silent
    """Called with one line on what the run may take at most, and one on what it took."""


@dataclass(frozen=True)
class Ask:
    """One question before it is worded."""

    stage: str
    """Names the call in logs, budgets and recordings."""
    values: Mapping[str, object]
    """The prompt's inputs."""
    shape: type[BaseModel]
    again: str = ""
    """The dropped parts of an earlier answer, framed as untrusted text; empty the first time."""

    @property
    def prompt(self) -> str:
        """The prompt file that words it."""
        return self.stage.removesuffix("-again").removesuffix("-shorter").replace("-", "_")


class Outcome(NamedTuple):
    """What became of one call."""

    ask: Ask
    value: BaseModel | None
    reason: LlmReason | None
    """Why there is no value; None when there is one."""
    detail: str
    replies: tuple[Reply, ...]


class Caller:
    """Sends the calls of one draft and keeps account of them."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self.calls = 0
        """Calls sent so far, repairs included."""
        self.input = 0
        """Input tokens of these calls, estimated by length."""
        self.second = False
        """Whether the second wave has begun; until then room is kept for it."""
        self.outcomes: list[Outcome] = []
        self.usage = Usage()

    @property
    def left(self) -> int:
        """Calls that may still be made."""
        return MAX_CALLS - self.calls

    def wave(self, asks: Sequence[Ask], start: str, limit: int) -> list[Outcome]:
        """Send calls at the same time and return their outcomes in the order of `asks`; at most `limit` are made.

        `start` is the text that they share after the instructions. A call whose answer could not be read, and that had
        no turn for a repair, is sent once more if the others left a turn. An ask without a turn is not sent, and its
        outcome says so.
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
                # An interrupt does not wait for answers: calls under way end when the LLM is closed.
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
        """The outcome that ends the run, such as a refused key."""
        return next((outcome for outcome in self.outcomes if outcome.reason in ENDS_RUN), None)

    def give_up_if_away(self) -> None:
        """Raise LlmError when the LLM is unavailable: no answer has come so far, and none will."""
        if not self.outcomes or any(outcome.reason not in _AWAY for outcome in self.outcomes):
            return
        worst = self.ended() or self.outcomes[0]
        assert worst.reason is not None
        hint = "`septet doctor` says what is wrong; `--fallback embedded` drafts without it"
        raise LlmError(worst.reason, worst.detail, hint=hint, usage=self.usage)

    def prompts(self) -> tuple[PromptRef, ...]:
        """The prompt files behind what was asked, the shared ones first, each once."""
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
        # The opener closes the LLM once more and then reports what a recording has to say.
        with suppress(SeptetError):
            self._assistant.llm.close()


def worded(ask: Ask, start: str, max_tokens: int) -> Call:
    """The call that an ask becomes; the answer may take `max_tokens`. Raises InputError when a prompt file is wrong."""
    end = prompt(ask.prompt).render(**ask.values)
    if ask.again:
        end = f"{end}\n{prompt('again').render(dropped=ask.again)}"
    messages = (Message("system", prompt("shared").render()), Message("user", f"{start}\n{end}"))
    attempt = 2 if ask.again else 1
    return Call(ask.stage, messages, ask.shape.__name__, wire_schema(ask.shape), max_tokens, attempt)


@cache
def prompt(name: str) -> Prompt:
    """The drafting prompt with this name. Raises InputError when the file is wrong."""
    return load_prompt(data_folder("prompts") / _FOLDER / f"{name}.md")


def given_out(calls: Sequence[Call], budget: Budget, limit: int, room: int) -> tuple[int, ...]:
    """How often each call may be sent, repairs included; 0 means not at all.

    First each call gets one turn, then each a second one, then each a third one, while there are turns (`limit`), the
    budget has room for all of them together at their worst, and, for further turns, their input fits into `room`
    tokens by length. Must not be called while calls are under way.
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
    # By length on every machine, whatever its token counter: a recording must replay on another machine.
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
    """The budget for one ask, and how many calls it may still make. Used by one thread."""

    def __init__(self, budget: Budget, limit: int) -> None:
        self._budget = budget
        self.limit = limit
        self.taken = 0

    def reserve(self, call: Call) -> int:
        """Set the call's worst case aside. Raises LlmError over_budget, also when the calls are used up."""
        if self.taken >= self.limit:
            raise LlmError("over_budget", "the calls of this draft are given out", where=f"at {call.stage!r}")
        ticket = self._budget.reserve(call)
        self.taken += 1
        return ticket

    def settle(self, ticket: int, usage: Usage) -> None:
        """Replace what was set aside by what was used."""
        self._budget.settle(ticket, usage)


class _Masked:
    """An LLM with the run's delimiter removed from its replies and errors. The delimiter is new each time, so a draft
    that repeated it would differ from its own replay."""

    def __init__(self, inner: Llm, delimiter: str) -> None:
        self._inner = inner
        self._delimiter = delimiter

    @property
    def name(self) -> str:
        """The name of the inner LLM."""
        return self._inner.name

    def complete(self, call: Call) -> Reply:
        """Answer one call. Raises LlmError."""
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
