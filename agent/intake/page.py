"""What a format reader makes of one source, before offsets: blocks, links, removed text.

Plain tuples and no pydantic: the parsing child imports this module, and its start must be cheap.
"""

from typing import Final, Literal, NamedTuple

BlockKind = Literal["heading", "paragraph", "item", "row", "code", "front-matter", "image"]
Region = Literal["main", "chrome", "neighbour"]
AboutHint = Literal["", "other", "platform"]
Form = Literal["prose", "tools", "manifest", "api"]
Wall = Literal["", "login", "consent", "script"]
"""What stands between a reader and a page with little text: a log-in, a consent form, JavaScript."""

MAX_EXCERPT: Final = 200
"""Characters of a finding's excerpt."""
LINKED_SHEET: Final = "data-linked-sheet"
"""Attribute of the `<style>` elements behind a page's end that hold the style sheets which the page links."""


class Block(NamedTuple):
    """A heading, a paragraph, a list item, a table row or a run of code."""

    kind: BlockKind
    text: str
    level: int = 0
    """1 to 6 for a heading, the depth of its list for an item (0 where that is unknown), otherwise 0."""
    hint: AboutHint = ""
    """`other` inside a container that names itself related, similar, reviews and the like, and for text about another
    product; `platform` for text about the vendor's hosted platform around the product."""
    language: str = ""
    """Of code the language that its block names, lower case."""
    heads: tuple[str, ...] = ()
    """Of a table row the heads of its columns, in their order."""
    links: tuple[str, ...] = ()
    """The words of its links in the order in which the text has them."""


class Removed(NamedTuple):
    """Text or a character class that was taken out, or a property of the page worth showing."""

    kind: str
    """A finding kind of `records.FindingKind`."""
    where: str
    text: str


class PageLink(NamedTuple):
    """A link as written, with its words and the part of the page that it stands in."""

    href: str
    text: str
    region: Region
    rel: str = ""
    """Its roles in lower case, with blanks between: `nofollow`, `homepage`, …"""
    modified: str = ""
    """When a sitemap says that the page changed, as written there."""
    under: str = ""
    """The heading that it stands under, where the parser saw one: the caption of a group in a sidebar."""


class Page(NamedTuple):
    """One parsed source."""

    title: str
    blocks: tuple[Block, ...]
    links: tuple[PageLink, ...] = ()
    removed: tuple[Removed, ...] = ()
    scripts: bool = False
    """True when the page carries scripts and an empty mount point, so its text may need JavaScript."""
    canonical: str = ""
    """The address that the page names as its own, as written; identity only."""
    refresh: str = ""
    """Where the page sends a browser after a moment, as written."""
    wall: Wall = ""
    stylesheets: tuple[str, ...] = ()
    """Addresses of the style sheets that the page links, as written."""
    form: Form = "prose"
    """What the text was made from; the values are those of `records.DocumentForm`."""
    name: str = ""
    """The product's own name where the format has a field for it."""
    head_title: str = ""
    """What an HTML page gives as the title of its window; `title` is rather its first heading."""
    og_title: str = ""
    """What an HTML page wants to be called where it is shared (`og:title`)."""
    site_name: str = ""
    """What an HTML page says that its site is called (`og:site_name`)."""
    vendor: str = ""
    """Who makes the product, where the format has a field for it."""


class Part(NamedTuple):
    """One document of a source that holds several; `anchor` tells it from the others of the same file."""

    page: Page
    anchor: str
