"""Evidence: passages, search hits, statements and quotes."""

import re
from typing import Final, Literal

from agent.records.base import About, BlockKind, Rank, Record, StatementRole

MARK: Final = re.compile(r"\bE[1-9][0-9]{0,4}\b")
"""A citation in a text."""


class Chunk(Record):
    """A passage of a document; text[start:end] is verbatim."""

    id: str
    document: str
    start: int
    end: int
    path: tuple[str, ...]
    text: str


class Statement(Record):
    """One sentence or list item of a document, and what sort of sentence it is."""

    document: str
    start: int
    end: int
    text: str
    path: tuple[str, ...]
    sort: Literal["description", "control", "assessment", "boilerplate"]
    """What kind of content it is. description: what the product does, has or cannot do. control: approval, sandbox,
    encryption and the like. assessment: praise, certification, self-rating. boilerplate: navigation, legal, company
    news, contact."""
    rank: Rank
    about: About
    flagged: bool
    """Whether a finding covers it: it is then kept as data, and no estimator reads it."""
    role: StatementRole = "behaviour"
    """Its purpose and whom it addresses; only some roles carry facts (`CARRYING`)."""
    reason: str = ""
    """Why it has that role, in one plain clause; empty while no role was assigned."""
    block: BlockKind = "paragraph"
    """The kind of block that it stands in."""
    heads: tuple[str, ...] = ()
    """For a table row: the headings of its columns, in order; empty when the table has none."""
    language: str = ""
    """For a line of code: the language that its block names, in lower case."""
    claim: bool = False
    """Whether it is nothing but a claim of rank 2 or less (`statements.claims`), to be quoted for a control at most."""


class Evidence(Record):
    """A verbatim quote with its place."""

    id: str
    """E1, E2, …"""
    document: str
    start: int
    end: int
    quote: str
    """Equal to the document's text[start:end]."""
    rank: Rank
    about: About
