"""Errors as answers: which status each has, and what a page or the JSON twin says of it."""

from collections.abc import Callable
from typing import Final, TypeVar

from agent.errors import (
    BusyError,
    ConflictError,
    FullError,
    InputError,
    IntegrityError,
    RefusedError,
    SeptetError,
    StoreError,
)
from agent.records import Record

Result = TypeVar("Result")

_STATUS: Final[tuple[tuple[type[SeptetError], int], ...]] = (
    (ConflictError, 409),
    (FullError, 507),
    (BusyError, 503),
    (StoreError, 503),
    (IntegrityError, 500),
    (RefusedError, 403),
    (InputError, 422),
)
NOT_FOUND: Final = 404
_OTHER: Final = 500


class NotHereError(InputError):
    """There is no such review, version or source."""


class Problem(Record):
    """Why something was not done. Nothing was stored."""

    error: str
    where: str = ""
    """The field, item or file in question."""
    hint: str = ""
    """What to do."""


class Versions(Problem):
    """Two people changed the same thing: what was asked for, what stands now, and what both began with."""

    mine: dict[str, object]
    theirs: dict[str, object]
    base: dict[str, object]


def status_of(error: SeptetError) -> int:
    """The status of an answer that says this error."""
    if isinstance(error, NotHereError):
        return NOT_FOUND
    return next((status for kind, status in _STATUS if isinstance(error, kind)), _OTHER)


def problem_of(error: SeptetError) -> Problem:
    """The error as the JSON twin says it."""
    if isinstance(error, ConflictError):
        return Versions(
            error=error.what,
            where=error.where,
            hint=error.hint,
            mine=dict(error.mine),
            theirs=dict(error.theirs),
            base=dict(error.base),
        )
    return Problem(error=error.what, where=error.where, hint=error.hint)


def of_review(key: str, ask: Callable[[], Result]) -> Result:
    """What `ask` gives; that there is no review with this key is told from other errors of the input."""
    try:
        return ask()
    except InputError as error:
        if error.where == f"review {key[:40]!r}":
            raise NotHereError(error.what, where=error.where, hint=error.hint) from None
        raise
