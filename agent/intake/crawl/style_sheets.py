"""Fetch the style sheets of a page from its own site, to find out what the page hides."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urljoin, urlsplit

from agent.errors import SeptetError
from agent.intake.crawl.answer import Fetched, Web
from agent.intake.extract.parse import read_page
from agent.intake.page import LINKED_SHEET, Page
from agent.settings import Settings

_MAX_SHEETS: Final = 4  # sheets read for one page
_MAX_BYTES: Final = 500_000
_MAX_SITE_SHEETS: Final = 12  # different sheets fetched for all pages together
_CSS: Final = ("text/css", "", "text/plain", "application/octet-stream")
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff")


class Sheets:
    """The style sheets of one crawl, each fetched only once."""

    def __init__(self, web: Web, settings: Settings) -> None:
        self._web = web
        self._settings = settings
        self._known: dict[str, str] = {}

    def styled(self, pages: Sequence[tuple[Fetched, Page]]) -> list[Page]:
        """Return the HTML pages in order; pages that link to style sheets of their own site are parsed again with them.

        A sheet that cannot be fetched or is too large is left out. A page that cannot be parsed with its sheets is
        returned unchanged.
        """
        wanted = [_addresses(fetched, page) for fetched, page in pages]
        unread = list(dict.fromkeys(url for urls in wanted for url in urls if url not in self._known))
        unread = unread[: max(0, _MAX_SITE_SHEETS - len(self._known))]
        if unread and not self._web.exhausted():
            for url, outcome in zip(unread, self._web.get_all(unread), strict=True):
                self._known[url] = ""
                if isinstance(outcome, Fetched) and len(outcome.body) <= _MAX_BYTES and outcome.media_type in _CSS:
                    self._known[url] = outcome.body.decode("utf-8", "replace")
        return [self._again(*page, urls) for page, urls in zip(pages, wanted, strict=True)]

    def _again(self, fetched: Fetched, page: Page, urls: Sequence[str]) -> Page:
        sheets = [self._known[url] for url in urls if self._known.get(url)]
        if not sheets or fetched.body[:2] in _WIDE or fetched.charset.lower().startswith(("utf-16", "utf-32")):
            return page
        body = inline_sheets(fetched.body, sheets)
        try:
            return read_page(body, "html", fetched.charset, fetched.url, self._settings)
        except SeptetError:
            return page


def inline_sheets(body: bytes, sheets: Sequence[str]) -> bytes:
    """Append the linked style sheets to `body`, an HTML page in a character set that contains ASCII.

    They reach the parsing child as part of the page; there, `cascade.without_sheets` separates them again.
    """
    for sheet in sheets:
        plain = "".join(c if c.isascii() else f"\\{ord(c):x} " for c in sheet).replace("</", "<\\/")
        body += f"\n<style {LINKED_SHEET}>{plain}</style>".encode("ascii")
    return body


def _addresses(fetched: Fetched, page: Page) -> list[str]:
    """Return the addresses of a page's first style sheets on its own host, or on a parent domain or subdomain of it."""
    found: dict[str, None] = {}
    for written in page.stylesheets:
        try:
            url = urljoin(fetched.url, written).partition("#")[0]
            host, home = urlsplit(url).netloc.lower(), urlsplit(fetched.url).netloc.lower()
        except ValueError:
            continue
        near = host == home or host.endswith("." + home) or home.endswith("." + host)
        if near and url.startswith(("http://", "https://")):
            found[url] = None
    return list(found)[:_MAX_SHEETS]
