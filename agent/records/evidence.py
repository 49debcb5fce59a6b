"""Evidence: passages, search hits, statements and quotes."""

import re
from typing import Final, Literal

from agent.records.base import About, BlockKind, Rank, Record, StatementRole

MARK: Final = re.compile(r"\bE[1-9][0-9]{0,4}\b")
"""A citation in running text, such as E12."""
CODE: Final = re.compile(r"`([^`\n]{1,80})`")
"""Words in backticks, captured without the backticks."""


class Chunk(Record):
    """A passage of a document; `text` equals the document's text[start:end]."""

    id: str
    document: str
    start: int
    end: int
    path: tuple[str, ...]
    text: str


class Statement(Record):
    """One sentence or list item of a document, classified by sort and role."""

    document: str
    start: int
    end: int
    text: str
    path: tuple[str, ...]
    sort: Literal["description", "control", "assessment", "boilerplate"]
    """Kind of content. description: what the product does, has or cannot do. control: approval, sandbox,
    encryption and the like. assessment: praise, certification, self-rating. boilerplate: navigation, legal, company
    news, contact."""
    rank: Rank
    about: About
    flagged: bool
    """Whether a finding covers the statement; if so, the statement is stored, but no estimator reads it."""
    role: StatementRole = "behaviour"
    """Purpose and addressee of the statement; only some roles carry facts (`CARRYING`)."""
    reason: str = ""
    """Why the statement has its role, in one plain clause; empty until a role is assigned."""
    block: BlockKind = "paragraph"
    """Kind of block that contains the statement."""
    heads: tuple[str, ...] = ()
    """For a table row: the column headings, in order; empty when the table has none."""
    language: str = ""
    """For a line of code: the language that its block declares, in lower case."""
    claim: bool = False
    """Whether the statement is only a claim of rank 2 or less (`statements.claims`); it can then be quoted only for a
    control."""


class Evidence(Record):
    """A verbatim quote with its location."""

    id: str
    """E1, E2, …"""
    document: str
    start: int
    end: int
    quote: str
    """Equal to the document's text[start:end]."""
    rank: Rank
    about: About
