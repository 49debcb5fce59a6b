"""Retries of LLM calls: which failures are retried, how long to wait, and when to give up.

The SDKs' own retries are off. A failed attempt raises a `Fault` with the reason, whether a retry may help, and the
usage. `Retrier.run` retries until an attempt succeeds. It raises LlmError with the total usage if a retry cannot help,
no attempts remain, or the deadline of the call would pass during the next wait.
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
"""Whether a retry may help: never, once per call, or as often as the limits allow."""

MAX_RETRY_AFTER_SECONDS: Final = 86_400.0
"""Longest credible wait. A Retry-After header that asks for more than a day is ignored."""
FIRST_WAIT_SECONDS: Final = 0.5
MAX_WAIT_SECONDS: Final = 20.0
RETRY_AFTER_SPREAD: Final = 0.1
"""Jitter as a share of a requested wait, at most one second, so that waiting calls do not resume all at once."""
_MAX_SPREAD_SECONDS: Final = 1.0
_MILLISECONDS: Final = 1000.0


@dataclass(frozen=True)
class Limits:
    """Limits of one call."""

    attempts: int = 4
    """Maximum number of attempts."""
    call_seconds: float = 120.0
    """Time limit from the first attempt to the last byte, including waits."""
    connect_seconds: float = 10.0
    """Time limit for establishing a connection, per attempt."""
    max_answer_bytes: int = 2_000_000
    """Maximum response size after decompression."""


OnWait = Callable[[str, LlmReason, float], None]
"""Callback before each wait, in the waiting thread; receives the call's name, the reason and the seconds."""


@dataclass(eq=False)
class Fault(Exception):  # noqa: N818  (not an error of the program: one failed attempt)
    """One failed attempt."""

    reason: LlmReason
    what: str
    again: Again = "no"
    wait: float | None = None
    hint: str = ""
    usage: Usage = Usage()  # noqa: RUF009  (it is frozen)


def retry_after(seconds: str, milliseconds: str, now: float) -> float | None:
    """Parse the headers `retry-after` and `retry-after-ms` into seconds. Returns None if neither is usable.

    `now` is the current time in seconds since 1970, needed if the header contains a date.
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
    """The retry logic for one endpoint; thread-safe.

    When the endpoint asks one call to wait, calls that start in the meantime wait as well. `clock` is a monotonic
    clock in seconds, `sleep` waits, `rng` provides the jitter, and `on_wait` is called before each wait.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        rng: random.Random | None = None,
        on_wait: OnWait | None = None,
    ) -> None:
        self.limits = limits
        self._clock = clock
        self._stopped = threading.Event()
        self._sleep = sleep or self._stopped.wait
        self._rng = rng or random.Random()
        self._on_wait = on_wait
        self._lock = threading.Lock()
        self._held_until = -math.inf

    def stop(self) -> None:
        """Interrupt all waits and prevent further attempts."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Return whether `stop` was called."""
        return self._stopped.is_set()

    def run(self, attempt: Callable[[float], Reply], where: str) -> Reply:
        """Call `attempt` with the remaining seconds until it succeeds; the reply's usage covers all attempts.

        Raises LlmError if a retry cannot help, no attempts remain, or the deadline leaves no time for another.
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
                spent += fault.usage
                what, hint, wait, reason = fault.what, fault.hint, self._next_wait(fault, count), fault.reason
                last = fault.again == "no" or (fault.again == "once" and had_once) or count >= self.limits.attempts
                if last or self._clock() + wait >= deadline:
                    if not last and fault.wait is not None:
                        asked = math.ceil(fault.wait)
                        what = f"{what} and asks for a wait of {asked} seconds, longer than the call may take"
                        hint = hint or "try again later"
                    raise LlmError(reason, what, where=where, hint=hint, usage=spent) from None
                had_once = had_once or fault.again == "once"
            self._pause(wait, where, reason)

    def _queue(self, deadline: float, where: str, spent: Usage) -> None:
        """Wait until the pause requested by the endpoint is over. Raises LlmError if the deadline would pass first."""
        if self.stopped:
            raise LlmError("unreachable", "the call was cancelled", where=where, usage=spent)
        with self._lock:
            held = self._held_until - self._clock()
        if held <= 0:
            return
        if self._clock() + held >= deadline:
            what = f"the endpoint asks for a wait of {math.ceil(held)} seconds"
            raise LlmError("rate_limited", what, where=where, hint="try again later", usage=spent)
        self._pause(held + self._spread(held), where, "rate_limited")

    def _pause(self, seconds: float, where: str, reason: LlmReason) -> None:
        if self._on_wait is not None and not self.stopped:
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
