"""The signature under a reviewed draft."""

from typing import Literal

from agent.records.base import Record

Role = Literal["viewer", "analyst", "approver"]


def head_line(review: str, number: int, head: str) -> str:
    """How an export for readers prints a place in the audit log: `r1#41 sha256:…`."""
    return f"{review}#{number} sha256:{head}"


class Waiver(Record):
    """An item that nobody decided over, and why that may be."""

    item: str
    why: str
    """Reason and note, in words."""


class Stamp(Record):
    """A signature under a review."""

    reviewer: str
    role: Role
    at: str
    head: str
    """Hash of the signing event: the chain up to here."""
    number: int
    open: int
    waived: int
    sha256: str
    """Of the signed draft's JSON without its stamp."""
    review: str = ""
    """The review's key in the store whose chain this is."""
    waivers: tuple[Waiver, ...] = ()
    """The items that were waived, in the order of the report; empty in signatures from before they were listed."""
