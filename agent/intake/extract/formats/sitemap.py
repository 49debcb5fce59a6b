"""Reads sitemap.xml and sitemap indexes as links, and reports any instructions to assessors in them."""

import re
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import Final

from lxml import etree

from agent.intake.extract.formats.charset import Unreadable
from agent.intake.hidden.instructions import find
from agent.intake.page import MAX_EXCERPT, Page, PageLink, Removed

_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
_MAX_BYTES: Final = 50_000_000
"""Maximum size of one decompressed sitemap in bytes; this limit and the next come from the sitemap protocol."""
_MAX_ENTRIES: Final = 50_000
_MAX_URL: Final = 2048
_DECLARES: Final = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ROOTS: Final = {"urlset": "url", "sitemapindex": "sitemap"}
_MAX_FINDINGS: Final = 20


def read_sitemap(body: bytes) -> Page:
    """Read a sitemap (gzip or plain) as a page of links without text blocks.

    Raises Unreadable if it is not a sitemap, declares entities, or decompresses to more than 50 MB.
    """
    if body.startswith(_GZIP):
        unpack = zlib.decompressobj(_GZIP_WINDOW)
        try:
            body = unpack.decompress(body, _MAX_BYTES)
        except zlib.error:
            raise Unreadable("xml", "damaged gzip data") from None
        if unpack.unconsumed_tail:
            raise Unreadable("expands")
    if _DECLARES.search(body) or _DECLARES.search(body.replace(b"\0", b"")):
        raise Unreadable("entities")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, recover=True, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body.lstrip(), parser)
    except etree.XMLSyntaxError as error:
        raise Unreadable("xml", str(error)) from None
    if root is None:
        raise Unreadable("xml")
    wanted = _ROOTS.get(_local(root))
    if wanted is None:
        raise Unreadable("other-xml")
    links: list[PageLink] = []
    removed: list[Removed] = []
    for entry in (entry for entry in root if _local(entry) == wanted):
        if len(links) >= _MAX_ENTRIES:
            removed.append(Removed("structure", "the sitemap", f"more than {_MAX_ENTRIES} addresses"))
            break
        address = next(((child.text or "").strip() for child in entry if _local(child) == "loc"), "")
        if address and len(address) <= _MAX_URL:
            links.append(PageLink(address, "", "main"))
    return Page("", (), tuple(links), (*removed, *islice(_addressed(root), _MAX_FINDINGS)))


def _addressed(root: etree._Element) -> Iterator[Removed]:
    """Yield findings for element texts and attributes that address assessors."""
    for element in root.iter(etree.Element):
        # A sitemap's own fields are addresses and dates, so there is little other text to search.
        for text in (element.text, element.tail, *element.attrib.values()):
            plain = " ".join((text or "").split())
            place = next(iter(find(plain)), None) if " " in plain else None
            if place is not None:
                where = f"<{_local(element)}> of a sitemap"
                yield Removed("instruction-like-text", where, plain[place.start :][:MAX_EXCERPT])


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""
