"""Every error that Septet raises on purpose, and the exit code that each means.

    SeptetError                 1   something that was asked for could not be done
    ├── UsageError              2   the call itself is wrong (click's own code)
    ├── SourceError             1   a source could not be read: missing, empty, not text
    ├── InputError              1   a value, field or file content is not acceptable
    │   └── SchemaError         1   a stored record of an unknown or newer schema
    ├── IntegrityError          1   a stored score or quote does not recompute
    │   └── ChainError          5   the audit log of a store was changed, or is not the one that an export names
    ├── ConflictError           1   somebody else changed the same thing in the meantime; carries the three versions
    ├── StoreError              1   the store of reviews cannot be opened, read or written
    │   ├── FullError           1   there is no space left to write to it; nothing was stored
    │   ├── BusyError           1   another process or a long write holds it; the same again may work
    │   ├── StaleError          1   events of others on the same item came in between; plan again on top of them
    │   └── DamagedError        1   its file is damaged; it can be read as far as it goes, or restored
    ├── RefusedError            3   a guard refused an address, a scheme or a redirect
    ├── UnavailableError        4   the network or the LLM did not answer
    │   └── LlmError            4   a call of an LLM failed; says why in a closed word and what it cost
    ├── RegressionError         5   the gate found drafts that became worse
    └── DriftError              6   a cassette, baseline or corpus does not match what runs

An error says *what* went wrong, *where*, and gives a hint about what to do. The command line prints

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
"""Why a call of an LLM gave nothing to use."""


ENDS_RUN: frozenset[LlmReason] = frozenset(
    ("unauthorised", "out_of_quota", "model_missing", "over_budget", "bad_endpoint", "tls")
)
"""Reasons that hold for every further call of the run as well: asking again would only cost time."""


@dataclass(frozen=True)
class Usage:
    """Tokens that calls of an LLM took. It stands here since a failed call costs as well, and its error says what."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """Of the input tokens, those that the endpoint read from its own cache of prompts."""
    estimated: bool = False
    """The endpoint said nothing (or nonsense), so these are counted from the texts; true if any summand was."""

    def __add__(self, other: "Usage") -> "Usage":
        """The sum of both."""
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.estimated or other.estimated,
        )


class SeptetError(Exception):
    """Base of the tree. `what` and `where` are short phrases without a full stop; `hint` says what to do."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(f"{what}, {where}" if where else what)
        self.what = what
        self.where = where
        self.hint = hint


class UsageError(SeptetError):
    """The call is wrong: an option, a combination of options, or a source that is neither path nor URL."""

    exit_code = 2


class SourceError(SeptetError):
    """A source could not be read."""


class InputError(SeptetError):
    """A value, a field or the content of a file is not acceptable; `where` names the field."""


class SchemaError(InputError):
    """A stored record has an unknown schema or one that is newer than this program."""


class IntegrityError(SeptetError):
    """A stored score does not recompute, or a quote is not in its snapshot."""


class ConflictError(SeptetError):
    """Somebody else changed the same thing since the reviewer saw it. Nothing was stored, and nothing is lost.

    `mine` is what was asked for, `theirs` what stands now, `base` what both began with: plain fields by name.
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
    """The audit log of a store does not verify; `where` names the first bad row."""

    exit_code = 5


class StoreError(SeptetError):
    """The store of reviews cannot be opened, read or written."""


class StaleError(StoreError):
    """Events of others on the same item came in between; `numbers` are theirs in the review, oldest first."""

    def __init__(self, what: str, *, where: str = "", hint: str = "", numbers: tuple[int, ...] = ()) -> None:
        super().__init__(what, where=where, hint=hint)
        self.numbers = numbers


class FullError(StoreError):
    """There is no space left to write to the store; nothing of what was asked for is stored."""


class BusyError(StoreError):
    """Another process or a long write holds the store; the same again may work."""


class DamagedError(StoreError):
    """The store's file is damaged; `hint` names the backup to restore."""


class RefusedError(SeptetError):
    """A guard refused an address, a scheme, a port or a redirect."""

    exit_code = 3


class UnavailableError(SeptetError):
    """The network or the LLM did not answer within its budget."""

    exit_code = 4


class LlmError(UnavailableError):
    """A call of an LLM failed for `reason`; `usage` is what it cost all the same, retries included."""

    def __init__(
        self, reason: LlmReason, what: str, *, where: str = "", hint: str = "", usage: Usage | None = None
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.reason = reason
        self.usage = Usage() if usage is None else usage

    @property
    def ends_run(self) -> bool:
        """Whether every further call of the run would fail in the same way."""
        return self.reason in ENDS_RUN


class RegressionError(SeptetError):
    """The gate found that drafts became worse."""

    exit_code = 5


class DriftError(SeptetError):
    """A cassette, a baseline or a corpus does not match what runs."""

    exit_code = 6
