"""Turn sources into documents: address guard, fetching, crawl, extraction, snapshots.

`read` is the entry point. It is imported on first use, so that the parsing child, which lives in this package, starts
without the HTTP stack and the records.
"""

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agent.intake.reader import IntakeResult, read

__all__ = ["IntakeResult", "read"]

_HOME: Final = "agent.intake.reader"


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME), name)
