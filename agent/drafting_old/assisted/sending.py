"""How the calls of a wave are given out, and what of a run must not come back in its replies.

Everything is given out before the first call of a wave is sent, in the order of the asks: turns, and the room that the
budget has for them at their worst. Which answer comes first then decides nothing, and a replay makes the same calls.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from agent.errors import LlmError
from agent.llm.budget import Budget
from agent.llm.parse import LARGER_CAP
from agent.llm.port import Call, Llm, Reply, Usage

MAX_TURNS: Final = 3
"""Of one ask: the call, one repair, one larger cap."""
REPAIR_TOKENS: Final = 1_000
"""Room for what a repair says of the faults of an answer."""
_MASK: Final = "[delimiter]"


def given_out(calls: Sequence[Call], budget: Budget, limit: int) -> tuple[int, ...]:
    """How often each call may be sent, repairs included; 0: not at all.

    First each call gets one turn, then each a second one, then each a third one, while there are turns (`limit`) and
    the budget has room for all of them together at their worst. Give it no calls while others are under way.
    """
    turns = [0] * len(calls)
    single = [budget.estimate(call) for call in calls]
    whole = Usage()
    for number in range(MAX_TURNS):
        for place, one in enumerate(single):
            if sum(turns) >= limit:
                return tuple(turns)
            worst = one if number == 0 else _again(one)
            if turns[place] == number and _fits(whole + worst, budget):
                turns[place] += 1
                whole += worst
    return tuple(turns)


def _again(one: Usage) -> Usage:
    """A call's worst case when it is sent again: with the faults of its answer, or with a larger cap."""
    return Usage(one.input_tokens + REPAIR_TOKENS, LARGER_CAP * one.output_tokens, estimated=True)


def _fits(usage: Usage, budget: Budget) -> bool:
    try:
        budget.check(usage)
    except LlmError:
        return False
    return True


class Turns:
    """The budget for one ask, and how many calls it may still make. Used by one thread."""

    def __init__(self, budget: Budget, limit: int) -> None:
        self._budget = budget
        self.limit = limit
        """The most that it may make."""
        self.taken = 0
        """Those that it made."""

    def reserve(self, call: Call) -> int:
        """Sets the call's worst case aside. Raises LlmError over_budget, also when the calls are used up."""
        if self.taken >= self.limit:
            raise LlmError("over_budget", "the calls of this draft are given out", where=f"at {call.stage!r}")
        ticket = self._budget.reserve(call)
        self.taken += 1
        return ticket

    def settle(self, ticket: int, usage: Usage) -> None:
        """Replaces what was set aside by what was used."""
        self._budget.settle(ticket, usage)


class Masked:
    """An LLM whose replies and errors do not hold the run's delimiter.

    It is new each time, so that a draft which repeated it would differ from its own replay.
    """

    def __init__(self, inner: Llm, delimiter: str) -> None:
        self._inner = inner
        self._delimiter = delimiter

    @property
    def name(self) -> str:
        """The inner one's."""
        return self._inner.name

    def complete(self, call: Call) -> Reply:
        """Answers one call. Raises LlmError."""
        try:
            reply = self._inner.complete(call)
        except LlmError as error:
            what, where, hint = (self._masked(text) for text in (error.what, error.where, error.hint))
            raise LlmError(error.reason, what, where=where, hint=hint, usage=error.usage) from None
        text, detail, llm = (self._masked(text) for text in (reply.text, reply.detail, reply.llm))
        return replace(reply, text=text, detail=detail, llm=llm)

    def close(self) -> None:
        """Closes the inner one."""
        self._inner.close()

    def _masked(self, text: str) -> str:
        return text.replace(self._delimiter, _MASK)
