"""Turn sources into documents: address guard, fetching, crawl, extraction, snapshots.

`read` is the entry point. It is imported on first use, so that the parsing child, which lives in this package, starts
without the HTTP stack and the records.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.intake.capture import read as read


def __getattr__(name: str) -> object:
    if name != "read":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from agent.intake.capture import read

    return read
