"""Retries of LLM calls: what is tried again, how long to wait, and when to give up.

The SDKs' own retries are off. A try that fails raises a `Fault` with the reason, whether another try may help, and what
was spent. `Retrier.run` tries until it has an answer, the tries are used up, or the deadline of the call would pass
during the next wait; then it raises LlmError with the sum of what was spent.
"""

import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Literal

from agent.errors import LlmError, LlmReason, Usage
from agent.llm.port import Reply

Again = Literal["no", "once", "yes"]
"""Whether another try may help: never, one more in the whole call, or as often as the limits allow."""

MAX_RETRY_AFTER_SECONDS: Final = 86_400.0
"""A server that asks for more than a day does not mean it; the header then counts as absent."""
FIRST_WAIT_SECONDS: Final = 0.5
MAX_WAIT_SECONDS: Final = 20.0
RETRY_AFTER_SPREAD: Final = 0.1
"""Calls that were told to wait equally long return spread over this share of that time, but at most one second."""
_MAX_SPREAD_SECONDS: Final = 1.0
_MILLISECONDS: Final = 1000.0


@dataclass(frozen=True)
class Limits:
    """What one call may take."""

    attempts: int = 4
    """Tries in all."""
    call_seconds: float = 120.0
    """From the first try to the last byte, waits included."""
    connect_seconds: float = 10.0
    """Until a connection is established, for each try."""
    max_answer_bytes: int = 2_000_000
    """Largest answer after decompression."""


OnWait = Callable[[str, LlmReason, float], None]
"""Called before each wait, in the thread that waits, with the call's name, the reason and the number of seconds."""


class Fault(Exception):  # noqa: N818  (not an error of the program: one failed try)
    """One failed try."""

    def __init__(
        self,
        reason: LlmReason,
        what: str,
        *,
        again: Again = "no",
        wait: float | None = None,
        hint: str = "",
        usage: Usage | None = None,
    ) -> None:
        super().__init__(what)
        self.reason = reason
        self.what = what
        self.again = again
        self.wait = wait
        self.hint = hint
        self.usage = Usage() if usage is None else usage


def retry_after(seconds: str, milliseconds: str, now: float) -> float | None:
    """Seconds to wait according to the headers `retry-after` and `retry-after-ms`; None where neither is sensible.

    `now` is the time of day in seconds since 1970, for a date.
    """
    for text, unit in ((milliseconds, _MILLISECONDS), (seconds, 1.0)):
        try:
            wait = float(text) / unit
        except ValueError:
            continue
        return wait if math.isfinite(wait) and 0 <= wait <= MAX_RETRY_AFTER_SECONDS else None
    try:
        then = parsedate_to_datetime(seconds)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    wait = max(0.0, (then - datetime.fromtimestamp(now, UTC)).total_seconds())
    return wait if wait <= MAX_RETRY_AFTER_SECONDS else None


class Retrier:
    """Tries calls again for one endpoint; may be used by several threads at once.

    When the endpoint asks one call to wait, calls that start in the meantime wait as well. `clock` counts seconds and
    never jumps, `sleep` waits, `rng` gives the jitter, `on_wait` is called before each wait.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
        rng: random.Random | None = None,
        on_wait: OnWait | None = None,
    ) -> None:
        self.limits = limits
        self._clock = clock
        self._stopped = threading.Event()
        self._sleep = sleep or self._wait_or_stop
        self._rng = rng or random.Random()
        self._on_wait = on_wait
        self._lock = threading.Lock()
        self._held_until = -math.inf

    def stop(self) -> None:
        """Ends every wait; no further try is made."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped.is_set()

    def run(self, attempt: Callable[[float], Reply], where: str) -> Reply:
        """The first answer of `attempt`, which is given the seconds that are left; its usage covers all tries.

        Raises LlmError when no try succeeds or the deadline leaves no room for another.
        """
        deadline = self._clock() + self.limits.call_seconds
        spent = Usage()
        had_once = False
        count = 0
        while True:
            count += 1
            self._queue(deadline, where, spent)
            try:
                reply = attempt(max(0.0, deadline - self._clock()))
                return replace(reply, usage=spent + reply.usage)
            except Fault as fault:
                spent = spent + fault.usage
                wait = self._next_wait(fault, count)
                last = fault.again == "no" or (fault.again == "once" and had_once) or count >= self.limits.attempts
                if last or self._clock() + wait >= deadline:
                    raise _error(fault, where, spent, None if last else wait) from None
                had_once = had_once or fault.again == "once"
                reason = fault.reason
            self._pause(wait, where, reason)

    def _queue(self, deadline: float, where: str, spent: Usage) -> None:
        """Waits as long as the endpoint has asked calls to wait."""
        if self.stopped:
            raise LlmError("unreachable", "the call was given up", where=where, usage=spent)
        with self._lock:
            held = self._held_until - self._clock()
        if held <= 0:
            return
        if self._clock() + held >= deadline:
            what = f"the endpoint asks to wait {math.ceil(held)} seconds"
            raise LlmError("rate_limited", what, where=where, hint="try again later", usage=spent)
        self._pause(held + self._spread(held), where, "rate_limited")

    def _pause(self, seconds: float, where: str, reason: LlmReason) -> None:
        if self._on_wait is not None:
            self._on_wait(where, reason, seconds)
        self._sleep(seconds)

    def _next_wait(self, fault: Fault, count: int) -> float:
        if fault.wait is None:
            longest = min(MAX_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** (count - 1))
            return longest * self._rng.uniform(0.5, 1.0)
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + fault.wait)
        return fault.wait + self._spread(fault.wait)

    def _spread(self, seconds: float) -> float:
        return self._rng.uniform(0.0, min(_MAX_SPREAD_SECONDS, RETRY_AFTER_SPREAD * seconds))

    def _wait_or_stop(self, seconds: float) -> None:
        self._stopped.wait(seconds)


def _error(fault: Fault, where: str, spent: Usage, wait: float | None) -> LlmError:
    what, hint = fault.what, fault.hint
    if wait is not None and fault.wait is not None:
        what = f"{what} and asks to wait {math.ceil(fault.wait)} seconds, longer than the call may take"
        hint = hint or "try again later"
    return LlmError(fault.reason, what, where=where, hint=hint, usage=spent)
