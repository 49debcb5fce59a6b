"""The result of parsing one source, before offsets are assigned: blocks, links, removed text.

These are plain tuples rather than pydantic classes, because the parsing child imports this module and must start fast.
"""

from typing import Final, Literal, NamedTuple

BlockKind = Literal["heading", "paragraph", "item", "row", "code", "front-matter", "image"]
Region = Literal["main", "chrome", "neighbour"]
AboutHint = Literal["", "other", "platform"]
Form = Literal["prose", "tools", "manifest", "api"]
Wall = Literal["", "login", "consent", "script"]
"""Obstacle on a page with little text: a log-in, a consent form, or missing JavaScript."""

MAX_EXCERPT: Final = 200
"""Maximum length of a finding's excerpt, in characters."""
LINKED_SHEET: Final = "data-linked-sheet"
"""Attribute of the `<style>` elements that are appended to a page to hold the style sheets it links to."""


class Block(NamedTuple):
    """A heading, a paragraph, a list item, a table row or a block of code."""

    kind: BlockKind
    text: str
    level: int = 0
    """1 to 6 for a heading, the list depth for an item (0 if unknown), otherwise 0."""
    hint: AboutHint = ""
    """`other` for text about another product and inside containers named "related", "similar", "reviews" and the like;
    `platform` for text about the vendor's hosted platform around the product."""
    language: str = ""
    """For code, the language that its block declares, in lower case."""
    heads: tuple[str, ...] = ()
    """For a table row, the headers of its columns, in order."""
    links: tuple[str, ...] = ()
    """The link texts in the block, in order of appearance."""


class Removed(NamedTuple):
    """Text or characters removed from a page, or a property of the page worth reporting."""

    kind: str
    """A finding kind of `records.FindingKind`."""
    where: str
    text: str


class PageLink(NamedTuple):
    """A link as written, with its text and the region of the page in which it appears."""

    href: str
    text: str
    region: Region
    rel: str = ""
    """`rel` values in lower case, separated by spaces: `nofollow`, `homepage`, …"""
    under: str = ""
    """Heading above the link, such as the caption of a group in a sidebar; empty if the parser saw none."""


class Page(NamedTuple):
    """One parsed source."""

    title: str
    blocks: tuple[Block, ...]
    links: tuple[PageLink, ...] = ()
    removed: tuple[Removed, ...] = ()
    scripts: bool = False
    """Whether the page has scripts and an empty mount point, which suggests that JavaScript builds its text."""
    canonical: str = ""
    """The canonical address that the page declares, as written; used for identity only."""
    refresh: str = ""
    """The target of the page's meta refresh, as written."""
    wall: Wall = ""
    stylesheets: tuple[str, ...] = ()
    """Addresses of the style sheets that the page links to, as written."""
    form: Form = "prose"
    """Source form of the text, as in `records.DocumentForm`."""
    name: str = ""
    """The product's own name, if the format has a field for it."""
    head_title: str = ""
    """The `<title>` of an HTML page; the field `title` is usually its first heading."""
    og_title: str = ""
    """The title that an HTML page declares for sharing (`og:title`)."""
    site_name: str = ""
    """The name of the site according to an HTML page (`og:site_name`)."""
    vendor: str = ""
    """The maker of the product, if the format has a field for it."""

    @property
    def words(self) -> int:
        """The number of words in the blocks."""
        return sum(len(block.text.split()) for block in self.blocks)


class Part(NamedTuple):
    """One document of a source that contains several; `anchor` distinguishes it from the others in the same file."""

    page: Page
    anchor: str
