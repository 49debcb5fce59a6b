"""The exceptions that Septet raises deliberately, with their exit codes.

An error says *what* went wrong and *where*, and gives a hint about what to do. The command line prints

    error: what, where
    hint: what to do

and exits with the class's code; nothing else in the package prints or exits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

LlmReason = Literal[
    "rate_limited",
    "out_of_quota",
    "bad_request",
    "too_large",
    "unauthorised",
    "model_missing",
    "timeout",
    "tls",
    "bad_endpoint",
    "bad_response",
    "empty_answer",
    "refused",
    "truncated",
    "filtered",
    "invalid_json",
    "invalid_schema",
    "unreachable",
    "over_budget",
    "cassette_miss",
]
"""Why an LLM call gave no usable answer."""


ENDS_RUN: frozenset[LlmReason] = frozenset(
    ("unauthorised", "out_of_quota", "model_missing", "over_budget", "bad_endpoint", "tls")
)
"""Reasons that would make every further call of the run fail as well, so that retrying would only waste time."""


@dataclass(frozen=True)
class Usage:
    """Tokens used by LLM calls. Defined here because a failed call costs tokens too, and its error reports them."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """The input tokens that the endpoint read from its own prompt cache."""
    estimated: bool = False
    """Whether the counts are estimated from the texts because the endpoint reported none or implausible ones. A sum is
    estimated if any summand is."""

    def __add__(self, other: "Usage") -> "Usage":
        """Return the sum of both usages."""
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.estimated or other.estimated,
        )


class SeptetError(Exception):
    """Base class of all errors. `what` and `where` are short phrases without a full stop; `hint` says what to do."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(f"{what}, {where}" if where else what)
        self.what = what
        self.where = where
        self.hint = hint


class UsageError(SeptetError):
    """Invalid usage: an option, a combination of options, or a source that is neither a path nor a URL."""

    exit_code = 2


class SourceError(SeptetError):
    """A source could not be read."""


class InputError(SeptetError):
    """A value, a field or the content of a file is invalid; `where` names the field."""


class SchemaError(InputError):
    """A stored record has an unknown schema, or a schema that is newer than this program."""


class IntegrityError(SeptetError):
    """A stored score differs from the recomputed one, or a quote is not in its snapshot."""


class ConflictError(SeptetError):
    """Somebody else changed the same item after the reviewer loaded it. Nothing was stored, and nothing is lost.

    `mine` holds the requested values, `theirs` the current ones and `base` those of the common ancestor, each keyed by
    field name.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        hint: str = "",
        mine: Mapping[str, object],
        theirs: Mapping[str, object],
        base: Mapping[str, object],
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.mine = mine
        self.theirs = theirs
        self.base = base


class ChainError(IntegrityError):
    """The audit log of a store failed verification; `where` gives the first bad row."""

    exit_code = 5


class StoreError(SeptetError):
    """The store of reviews cannot be opened, read or written."""


class StaleError(StoreError):
    """Other people changed the same item in the meantime; `numbers` are their event numbers in the review, oldest
    first.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "", numbers: tuple[int, ...] = ()) -> None:
        super().__init__(what, where=where, hint=hint)
        self.numbers = numbers


class FullError(StoreError):
    """There is no space left to write to the store; nothing was stored."""


class BusyError(StoreError):
    """Another process or a long write has locked the store; a retry may succeed."""


class DamagedError(StoreError):
    """The store's file is damaged; `hint` says which backup to restore."""


class RefusedError(SeptetError):
    """A guard refused an address, a scheme, a port or a redirect."""

    exit_code = 3


class UnavailableError(SeptetError):
    """The network or the LLM did not answer within its budget."""

    exit_code = 4


class LlmError(UnavailableError):
    """An LLM call failed for `reason`; `usage` counts the tokens it used anyway, including retries."""

    def __init__(
        self, reason: LlmReason, what: str, *, where: str = "", hint: str = "", usage: Usage | None = None
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.reason = reason
        self.usage = usage or Usage()

    @property
    def ends_run(self) -> bool:
        """Whether every further call of the run would fail in the same way."""
        return self.reason in ENDS_RUN


class RegressionError(SeptetError):
    """The evaluation gate found that drafts have become worse."""

    exit_code = 5


class DriftError(SeptetError):
    """A cassette, a baseline or a corpus does not match the current run."""

    exit_code = 6
