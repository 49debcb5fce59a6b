"""The budget of a run in tokens and money, and the usage so far.

Before a call, its worst case is reserved (nothing cached, and a response as long as the cap allows). Afterwards, the
actual usage replaces the reservation, even if the call failed. A call whose worst case does not fit is not sent. Calls
run in parallel. If a call does not fit while others are running, it first waits for those, since most use less than
they reserved.

Prices come from `prices.yaml` or a user's file in the same format; the price of an LLM without a row is unknown.
"""

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Annotated, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.errors import InputError
from agent.llm.port import Call, LlmError, Usage
from agent.llm.tokens import Counter

_FILE: Final = "prices.yaml"
_MILLION: Final = 1_000_000
_CENTS: Final = Decimal("0.000001")
_RAISE: Final = "raise the cap (SEPTET_LLM_MAX_TOKENS or SEPTET_LLM_MAX_DOLLARS), or use a cheaper LLM or fewer pages"
_LEAST_SHARE: Final = 3
"""If the endpoint reports fewer input tokens than our own count divided by this, the report is considered wrong."""
_DATE: Final = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8}|latest)$")
_Dollars = Annotated[Decimal, Field(ge=0, le=10_000, allow_inf_nan=False)]


class Price(BaseModel):
    """Prices in US dollars per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: _Dollars
    cached: _Dollars
    output: _Dollars
    written: _Dollars | None = None
    """Price of input written to the provider's cache. Applied to all uncached input, since the reported usage does not
    list such writes."""

    def cost(self, usage: Usage) -> Decimal:
        """Compute the cost of a usage in US dollars, to a millionth, rounded half even."""
        new = max(usage.input_tokens - usage.cached_tokens, 0) * (self.input if self.written is None else self.written)
        whole = new + usage.cached_tokens * self.cached + usage.output_tokens * self.output
        return (whole / _MILLION).quantize(_CENTS)


FREE: Final = Price(input=Decimal(0), cached=Decimal(0), output=Decimal(0))
"""Price of an LLM on the user's own machine."""


@dataclass(frozen=True)
class Caps:
    """Limits on the usage of a run."""

    tokens: int
    """Input and output together."""
    dollars: Decimal | None = None
    """US dollars; None means no limit."""


@dataclass(frozen=True)
class Spent:
    """The calls, usage and cost of a run so far."""

    calls: int
    """Completed calls, including failed ones."""
    usage: Usage
    dollars: Decimal | None
    """US dollars; None when the price is unknown."""


class Budget:
    """The budget of one run; thread-safe."""

    def __init__(self, counter: Counter, price: Price | None, caps: Caps) -> None:
        """Start with nothing spent. Raises InputError for a dollar cap without a price, which cannot be enforced."""
        if caps.dollars is not None and price is None:
            hint = "set SEPTET_LLM_PRICES to a file with its price, or cap tokens with SEPTET_LLM_MAX_TOKENS instead"
            raise InputError("a dollar cap cannot be enforced", where="the price of this LLM is unknown", hint=hint)
        self._counter = counter
        self._price = price
        self._caps = caps
        self._changed = threading.Condition()
        self._open: dict[int, Usage] = {}
        self._tickets = 0
        self._ended = 0
        self._usage = Usage()

    def estimate(self, call: Call) -> Usage:
        """Return the worst-case usage of a call: nothing cached and a response as long as its cap allows."""
        return Usage(self._counter.call(call), call.max_tokens, estimated=True)

    def fits(self, usage: Usage) -> bool:
        """Return whether a plan with this usage would stay within the caps."""
        with self._changed:
            return self._excess(usage) is None

    def check(self, usage: Usage, where: str = "before the first call") -> None:
        """Raise LlmError over_budget if a plan with this usage would exceed a cap. Nothing is reserved."""
        with self._changed:
            excess = self._excess(usage)
        if excess is not None:
            raise LlmError("over_budget", excess, where=where, hint=_RAISE)

    def reserve(self, call: Call) -> int:
        """Reserve the worst case of a call, waiting while running calls may still release part of their reservation.

        A thread must settle its ticket before reserving again, or it would wait for itself. Raises LlmError
        over_budget if the call does not fit.
        """
        worst = self.estimate(call)
        with self._changed:
            self._changed.wait_for(lambda: not self._open or self._excess(worst) is None)
            self.check(worst, f"before the call {call.stage!r}")
            self._tickets += 1
            self._open[self._tickets] = worst
            return self._tickets

    def settle(self, ticket: int, usage: Usage) -> None:
        """Replace the reservation with the actual usage.

        If the reported input is far too small for the prompt, a third of our own count is used instead. A call that
        never reached the endpoint costs nothing.
        """
        with self._changed:
            least = self._open.pop(ticket).input_tokens // _LEAST_SHARE
            self._ended += 1
            if usage != Usage():
                if usage.input_tokens < least:
                    usage = replace(usage, input_tokens=least, estimated=True)
                cached = min(max(usage.cached_tokens, 0), usage.input_tokens)
                usage = replace(usage, output_tokens=max(usage.output_tokens, 0), cached_tokens=cached)
            self._usage += usage
            self._changed.notify_all()

    @property
    def spent(self) -> Spent:
        """Return the usage so far, without reservations for running calls."""
        with self._changed:
            dollars = None if self._price is None else self._price.cost(self._usage)
            return Spent(self._ended, self._usage, dollars)

    def _excess(self, worst: Usage) -> str | None:
        """Describe which cap a call would exceed. Returns None if the call fits."""
        whole = sum(self._open.values(), self._usage) + worst
        tokens = whole.input_tokens + whole.output_tokens
        if tokens > self._caps.tokens:
            return f"the run could use {tokens} tokens, but its cap is {self._caps.tokens}"
        if self._caps.dollars is not None and self._price is not None:
            dollars = self._price.cost(whole)
            if dollars > self._caps.dollars:
                return f"the run could cost ${dollars:f}, but its cap is ${self._caps.dollars:f}"
        return None


def shared_start(texts: Sequence[str]) -> str:
    """Return the longest common prefix of the texts; at least one text is required."""
    first, last = min(texts), max(texts)
    differs = (place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(differs, len(first))]


@lru_cache(maxsize=1)
def prices() -> Mapping[str, Price]:
    """Load the bundled prices, by the LLM's name without its profile."""
    return read_prices(resources.files("agent.llm").joinpath(_FILE).read_text("utf-8"), _FILE)


def read_prices(text: str, where: str) -> Mapping[str, Price]:
    """Parse prices from YAML `text`. Raises InputError naming `where` and the invalid row."""
    try:
        rows = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError("the prices are not YAML", where=f"{where}: {str(error).splitlines()[0]}") from None
    if not isinstance(rows, dict):
        raise InputError("the prices are not a mapping from LLM names to prices", where=where)
    found = {}
    for name, row in rows.items():
        try:
            found[str(name)] = Price.model_validate(row)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join([str(name), *(str(step) for step in first["loc"])])
            raise InputError(f"{place}: {first['msg']}", where=where, hint="give prices in dollars, quoted") from None
    return MappingProxyType(found)


def price_of(llm: str, table: Mapping[str, Price]) -> Price | None:
    """Look up the price of an LLM by name, with or without profile, vendor and date. Returns None if unknown."""
    name = llm.lower()
    for known in (name, name.rpartition("/")[2]):
        found = table.get(known) or table.get(_DATE.sub("", known))
        if found is not None:
            return found
    return None
