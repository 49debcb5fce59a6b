"""Sources that are not what they were when the folder's earlier draft was made."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

from agent.intake.pages.page import MAX_EXCERPT
from agent.records import Document, Finding

_SHORT_HASH: Final = 12


def compare(before: Sequence[Document], after: Sequence[Document]) -> tuple[Finding, ...]:
    """A finding for each document of `after` whose address stood among those of `before` with other bytes.

    The excerpt is the first line of its text that differs; empty when the bytes differ and the text does not, or
    when the text only became shorter at its end.
    """
    known = {(document.url, document.kind): document for document in before}
    found: list[Finding] = []
    for document in after:
        old = known.get((document.url, document.kind))
        if old is None or old.sha256 == document.sha256:
            continue
        same = "; its text is the same" if old.text == document.text else ""
        found.append(
            Finding(
                kind="content-changed",
                document=document.id,
                start=0,
                end=0,
                where=f"was {old.sha256[:_SHORT_HASH]} on {old.fetched_at}{same}",
                excerpt=_first_difference(old.text, document.text),
            )
        )
    return tuple(found)


def mark(documents: Sequence[Document], changes: Sequence[Finding]) -> tuple[Document, ...]:
    """The documents with the findings about them added."""
    return tuple(
        document.model_copy(update={"findings": (*document.findings, *own)}) if own else document
        for document in documents
        for own in [tuple(change for change in changes if change.document == document.id)]
    )


def _first_difference(old: str, new: str) -> str:
    for was, line in zip_longest(old.splitlines(), new.splitlines(), fillvalue=""):
        if was != line:
            return " ".join(line.split())[:MAX_EXCERPT]
    return ""
