"""Documents and statements for tests of facts, and a reader with scripted proposals."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from agent.facts.proposal import Proposal, ProposedSlot, Quote
from agent.facts.verify import Material
from agent.intake.extract.documents import compose
from agent.intake.extract.parse import read_page, sniff
from agent.intake.extract.statements.split import statements
from agent.intake.page import Page
from agent.records import Document, Finding, Section, Snapshot, SourceKind, Statement
from agent.settings import Settings

NOTE = """# Harbour assistant

The agent runs shell commands on the gate computer. It never sends messages to guests.
It asks the harbour master before it deletes a berth.

Works with:

- Slack
- Berthbook

## Settings

Every payment needs approval by the harbour master, on by default, set by an administrator under Settings.

## Alternatives

The rival product deletes whole marinas.
"""


def document(text: object, *, name: str = "page.md", kind: SourceKind = "docs", identity: str = "D1") -> Document:
    """Return a document as intake makes it from a file's text, or from a value that is written as JSON."""
    body = (text if isinstance(text, str) else json.dumps(text)).encode()
    return composed(
        read_page(body, sniff(body, "", name), "", name, Settings()), name=name, kind=kind, identity=identity
    )


def composed(page: Page, *, name: str = "page.md", kind: SourceKind = "listing", identity: str = "D1") -> Document:
    """Return a document as intake makes it from a page that was already read."""
    snapshot = Snapshot(
        sha256="0" * 64,
        requested_url=name,
        final_url=name,
        fetched_at="2026-11-27T10:00:00Z",
        media_type="text/plain",
        kind=kind,
        size=sum(len(block.text) for block in page.blocks),
    )
    return compose(identity, page, snapshot)


def plain(
    text: str,
    identity: str = "D1",
    *,
    kind: SourceKind = "docs",
    title: str = "Page",
    flag: str = "",
    sections: Sequence[Section] = (),
) -> Document:
    """Return a document of plain text, in one section unless others are given, with a finding that covers `flag`."""
    at = text.find(flag)
    finding = Finding(
        kind="instruction-like-text", document=identity, start=at, end=at + len(flag), where="", excerpt=flag
    )
    return Document(
        id=identity,
        sha256="0" * 64,
        url=f"{identity}.md",
        title=title,
        kind=kind,
        media_type="text/markdown",
        fetched_at="2026-11-01T00:00:00Z",
        text=text,
        sections=tuple(sections) or (Section(start=0, end=len(text), path=(title,), about="product"),),
        findings=(finding,) if flag else (),
    )


def material(*documents: Document, rows: Sequence[Statement] | None = None) -> Material:
    """Return the sources for checking proposals."""
    return Material(documents, tuple(statements(documents) if rows is None else rows), ("Harbour assistant",))


def proposal(
    key: str, *quotes: str, reader: str = "llm", slots: dict[str, str] | None = None, **more: object
) -> Proposal:
    """Return a proposal with its quotes in any document."""
    return Proposal.model_validate(
        {
            "reader": reader,
            "key": key,
            "quotes": [Quote(text=text) for text in quotes],
            "slots": [ProposedSlot(name=name, value=value) for name, value in (slots or {}).items()],
            **more,
        }
    )


@dataclass(frozen=True)
class ScriptedReader:
    """Proposes the facts that it was given."""

    proposals: tuple[Proposal, ...]
    name: str = "llm"
    looks_for: tuple[str, ...] = ()
    forms: frozenset[str] = frozenset({"prose", "tools", "manifest", "api"})

    def read(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Sequence[Proposal]:
        return self.proposals
