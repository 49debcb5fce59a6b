"""Every error that Septet raises on purpose, and the exit code that each means.

    SeptetError                 1   something that was asked for could not be done
    ├── UsageError              2   the call itself is wrong (click's own code)
    ├── SourceError             1   a source could not be read: missing, empty, not text
    ├── InputError              1   a value, field or file content is not acceptable
    │   └── SchemaError         1   a stored record of an unknown or newer schema
    ├── IntegrityError          1   a stored score or quote does not recompute
    ├── RefusedError            3   a guard refused an address, a scheme or a redirect
    ├── UnavailableError        4   the network or the LLM did not answer
    ├── RegressionError         5   the gate found drafts that became worse
    └── DriftError              6   a cassette, baseline or corpus does not match what runs

An error says *what* went wrong, *where*, and gives a hint about what to do. The command line prints

    error: what, where
    hint: what to do

and exits with the class's code; nothing else in the package prints or exits.
"""

from typing import ClassVar


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


class RefusedError(SeptetError):
    """A guard refused an address, a scheme, a port or a redirect."""

    exit_code = 3


class UnavailableError(SeptetError):
    """The network or the LLM did not answer within its budget."""

    exit_code = 4


class RegressionError(SeptetError):
    """The gate found that drafts became worse."""

    exit_code = 5


class DriftError(SeptetError):
    """A cassette, a baseline or a corpus does not match what runs."""

    exit_code = 6
