"""Writes the content of a manifest as blocks: headings, sentence-like lines and rows.

Every line names its subject, because it may be quoted on its own; a vendor's own prose is kept verbatim.
"""

from collections.abc import Iterable
from typing import Final

from agent.intake.extract.formats.markdown import read_markdown
from agent.intake.page import Block, BlockKind, Form, Page, PageLink, Removed

_MAX_BLOCKS: Final = 20_000
_MAX_LINKS: Final = 2000
_MAX_PROSE: Final = 100_000
"""Maximum number of characters kept of one description."""
_MAX_REMOVED: Final = 200
_MAX_ENTRIES: Final = 500


class Writer:
    """Collects the blocks of one page; blocks beyond 20,000 are dropped, and the page reports this."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._blocks: list[Block] = []
        self._links: list[PageLink] = []
        self._removed: list[Removed] = []
        self._full = False
        self.line(title, "heading", 1)

    def line(self, text: str, kind: BlockKind = "item", level: int = 0) -> None:
        """Add a block of one line, unless it is empty."""
        if text.strip():
            self._add(Block(kind, _line(text), level))

    def fact(self, label: str, value: str, kind: BlockKind = "item") -> None:
        """Add a line `label: value`, or nothing when the value is empty."""
        if value.strip():
            self.line(f"{label}: {value}", kind)

    def each(self, sentence: str, names: Iterable[str]) -> None:
        """Add the sentence as an item for each name, replacing `{}` with the name."""
        for name in list(names)[:_MAX_ENTRIES]:
            if name:
                self.line(sentence.replace("{}", name))

    def row(self, *cells: str) -> None:
        """Add a table row, dropping trailing empty cells."""
        kept = [_line(cell).replace("|", "/") for cell in cells]
        while len(kept) > 2 and not kept[-1]:  # noqa: PLR2004  (two cells make a row)
            kept.pop()
        self._add(Block("row", " | ".join(kept)))

    def prose(self, text: str, lead: str = "") -> None:
        """Add a description parsed as Markdown, with `lead` before its first paragraph; headings open no sections."""
        page = read_markdown(text[:_MAX_PROSE])
        if len(text) > _MAX_PROSE:
            self.removed(Removed("structure", "a description", f"longer than {_MAX_PROSE} characters"))
        for link in page.links:
            self.link(link.href, link.text)
        self.removed(*page.removed)
        blocks = [b._replace(kind="paragraph", level=0) if b.kind == "heading" else b for b in page.blocks]
        if lead and blocks and blocks[0].kind == "paragraph":
            blocks[0] = blocks[0]._replace(text=f"{lead}: {blocks[0].text}")
        elif lead:
            self.line(lead + ("." if not blocks else ":"), "paragraph")
        for block in blocks:
            self._add(block)

    def link(self, href: str, text: str, rel: str = "") -> None:
        """Add a link to content worth reading; ignore an `href` that is not an address."""
        if href.startswith(("http://", "https://", "/", "./")) and len(self._links) < _MAX_LINKS:
            self._links.append(PageLink(href, _line(text), "main", rel))

    def removed(self, *found: Removed) -> None:
        """Report something about the source that the analyst should know."""
        self._removed.extend(found[: _MAX_REMOVED - len(self._removed)])

    def page(self, form: Form, name: str = "", vendor: str = "") -> Page:
        """Return the collected page; `name` and `vendor` are the product's own, if the format has fields for them."""
        if self._full:
            self.removed(Removed("structure", "the file", f"more than {_MAX_BLOCKS} lines"))
        return Page(
            _line(self._title),
            tuple(self._blocks),
            tuple(self._links),
            tuple(self._removed),
            form=form,
            name=_line(name),
            vendor=_line(vendor),
        )

    def _add(self, block: Block) -> None:
        if len(self._blocks) < _MAX_BLOCKS:
            self._blocks.append(block)
        else:
            self._full = True


def _line(text: str) -> str:
    return " ".join(text.split())
