"""Traps on the large loopback sites: each with its place, its name and words of the expected reason."""

import io
import zipfile
from http.server import BaseHTTPRequestHandler
from time import monotonic, sleep
from typing import Final, NamedTuple

from tests.fakes.intake.big_site_words import DOCS, MARK, prose
from tests.fakes.site import HTML, Answer, Route, bomb, drip, page, redirect

_BIG_HEADER: Final = 5_000_000
_BOMB: Final = 60_000_000
_HANG_SECONDS: Final = 40.0


class Trap(NamedTuple):
    """A page that a crawl must survive."""

    site: str
    path: str
    name: str
    words: str
    """Pattern of the reason with which it must end."""
    text: str = ""
    """Text of the link that leads to it; empty when another page links to it."""


_BUDGET: Final = r"|budget|maximum number of pages|limit of|page limit"

TRAPS: Final = (
    Trap("directory", "/agents/anchor-mailer", "neighbour card",
         r"neighbour|(other|another) product|listing|related|something other"),
    Trap("directory", "/agents/harborline-ops/score", "published score", r"score|directory|threat|something other"),
    Trap("directory", "/docs/", "platform docs",
         r"directory|platform|site's own|navigation|something other|does not mention the product"),
    Trap("directory", "/login", "login link", r"log[- ]?in|sign|account|not a page of doc"),
    Trap("vendor", "/docs/security-archive", "zip bomb",
         r"decompress|too large|larger|bytes|grows", "Security archive"),
    Trap("vendor", "/docs/permissions-export", "slow body", r"slow|second|time", "Permissions export"),
    Trap("vendor", "/docs/data-stream", "endless body",
         r"too large|larger|bytes|second|time", "Data handling stream"),
    Trap("vendor", "/docs/security-headers", "huge header", r"header|answer is malformed", "Security headers"),
    Trap("vendor", "/docs/privacy-notes", "wrong charset", r"documentation|charset|encod", "Privacy notes"),
    Trap("vendor", "/internal/security", "robots-disallowed", r"robots", "Internal security documentation"),
    Trap("vendor", "/account/security", "login wall, 401", r"401|log[- ]?in|sign", "Security settings reference"),
    Trap("vendor", "/portal/security-docs", "login wall, redirect",
         r"log[- ]?in|sign", "Security documentation portal"),
    Trap("vendor", "/docs/permissions-consent", "consent wall",
         r"consent|cookie|wall", "Permissions consent reference"),
    Trap("vendor", "/app/permissions", "JavaScript-only", r"[Jj]ava[Ss]cript", "Permissions explorer"),
    Trap("vendor", "/docs/old-security", "redirect loop", r"redirect", "Security (former edition)"),
    Trap("vendor", "/docs/status-security", "redirect to a private address",
         r"private|address|not allowed", "Security status"),
    Trap("vendor", "/docs/security-faq", "404 with a nice page", r"404|not found", "Security FAQ"),
    Trap("vendor", "/docs/privacy-export", "500", r"500|server", "Privacy export"),
    Trap("vendor", "/docs/permissions-v1", "soft 404",
         r"not found|404|no page|soft|almost no text", "Permissions, version 1"),
    Trap("vendor", "/docs/permissions?ref=footer", "duplicate, query",
         r"same|duplicate|already|tracking", "Permissions (all)"),
    Trap("vendor", "/en/docs/permissions", "duplicate, path",
         r"same|duplicate|already|documentation" + _BUDGET, "Permissions in English"),
    Trap("vendor", "/de/docs/permissions", "another language", r"language|translation" + _BUDGET),
    Trap("vendor", "/docs/security-notes", "near-empty page",
         r"empty|little|no text|short" + _BUDGET, "Security notes"),
    Trap("vendor", "/docs/security-bundle", "zip as text/html",
         r"zip|archive|not a page|not a text|unreadable|kind|binary", "Security bundle"),
    Trap("vendor", "/events", "infinite calendar", r"calendar|event|template|kind|trap|same" + _BUDGET),
    Trap("vendor", "/docs/security-search?sid=1", "session ids",
         r"session|same|already|template|trap" + _BUDGET, "Security search"),
    Trap("vendor", "/sitemap_index.xml", "sitemap that lists itself", r"sitemap|itself|already|loop"),
    Trap("vendor", "/blog", "blog", r"blog|news|not a page of doc" + _BUDGET),
    Trap("vendor", "/careers", "careers", r"career|job|not a page of doc" + _BUDGET),
    Trap("repository", "/harborline/ops-agent/issues", "issues",
         r"issue|not documentation|README|repository|rank" + _BUDGET),
)  # fmt: skip


def trap_links() -> str:
    """Return the tempting links as a list in the main part of a page."""
    items = "".join(f'<li><a href="{trap.path}">{trap.text}</a></li>' for trap in TRAPS if trap.text)
    return f"<h2>More</h2><ul>{items}</ul>"


def _endless(handler: BaseHTTPRequestHandler) -> None:
    """Send a body without an end, as fast as the reader accepts it, for a limited time."""
    handler.send_response(200)
    handler.send_header("content-type", HTML)
    handler.end_headers()
    end = monotonic() + _HANG_SECONDS
    while monotonic() < end:
        handler.wfile.write(f"<p>{MARK}</p>".encode() * 4096)
        sleep(0.01)


def _huge_header(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nx-filler: ")
    handler.wfile.write(b"a" * _BIG_HEADER)
    handler.wfile.write(b"\r\ncontent-length: 4\r\n\r\nbody")


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("security.html", f"<p>{MARK}</p>" * 200)
    return buffer.getvalue()


def _marked(title: str, body: str) -> str:
    return page(title, f"<h1>{title}</h1><p>{body} {MARK}</p>{prose(title)}")


def _permissions() -> str:
    title, fact, rest = DOCS["/docs/permissions"]
    return page(f"{title} — Harborline", f"<h1>{title}</h1><p>{fact}</p>{rest}{prose(title)}")


_SCRIPT_ONLY: Final = (
    "<!doctype html><html lang=en><head><meta charset=utf-8><title>Permissions explorer</title>"
    '<script src="/app/main.js" defer></script></head><body><noscript>You need to enable JavaScript to run this app.'
    '</noscript><div id="root"></div></body></html>'
)
_GERMAN: Final = page(
    "Berechtigungen — Harborline",
    "<h1>Berechtigungen</h1><p>Die Rolle OpsAgentOperator darf in jeder Region Instanzen starten, anhalten und löschen "
    f"sowie Geheimnisse schreiben. {MARK}</p><p>Wer sie vergibt, sollte wissen, was der Agent nachts allein tut.</p>"
    "<p>Entzogen wird sie in den Einstellungen des Kontos, und zwar sofort.</p>",
).replace("lang=en", "lang=de")
_WRONG_CHARSET: Final = page(
    "Privacy notes — Harborline",
    "<h1>Privacy notes</h1><p>The café’s operators see names “as typed” and nothing else.</p>" + prose("privacy notes"),
).replace("<meta charset=utf-8>", "")


def _calendar() -> dict[str, Route]:
    """Months that each link to the next: more than any budget."""
    months = [f"{2026 + number // 12}-{number % 12 + 1:02}" for number in range(10, 310)]
    pages: dict[str, Route] = {"/events": _marked("Events", f'<a href="/events/{months[0]}">This month</a>')}
    for month, following in zip(months, [*months[1:], months[0]], strict=True):
        pages[f"/events/{month}"] = _marked(f"Events of {month}", f'<a href="/events/{following}">Next month</a>')
    return pages


def _sessions() -> dict[str, Route]:
    return {
        f"/docs/security-search?sid={number}": _marked(
            "Security search", f'<a href="/docs/security-search?sid={number * 2 + 1}">Security results</a>'
        )
        for number in range(1, 200)
    }


TRAP_ROUTES: Final[dict[str, Route]] = {
    "/docs/security-archive": bomb(_BOMB),
    "/docs/permissions-export": drip(_HANG_SECONDS),
    "/docs/data-stream": _endless,
    "/docs/security-headers": _huge_header,
    "/docs/privacy-notes": Answer(_WRONG_CHARSET.encode("cp1252"), media_type="text/html; charset=utf-8"),
    "/internal/security": _marked("Internal security", "The agent has a master key."),
    "/account/security": Answer(_marked("401", "Sign in first."), status=401, headers=(("www-authenticate", "Basic"),)),
    "/portal/security-docs": redirect("/login"),
    "/docs/permissions-consent": page(
        "Before you continue",
        "<h1>Before you continue</h1><p>We and our 812 partners use cookies and process personal data. "
        f"{MARK}</p><button>Accept all</button><button>Reject all</button>",
    ),
    "/app/permissions": _SCRIPT_ONLY,
    "/docs/old-security": redirect("/docs/older-security"),
    "/docs/older-security": redirect("/docs/old-security"),
    "/docs/status-security": redirect("http://10.0.0.8/"),
    "/docs/security-faq": Answer(_marked("Lost at sea", "This page is not here. Try our security page."), status=404),
    "/docs/privacy-export": Answer(_marked("Oh no", "Something broke."), status=500),
    "/docs/permissions-v1": page(
        "Page not found", f"<h1>Page not found</h1><p>Sorry, the page that you asked for was not found. {MARK}</p>"
    ),
    "/docs/permissions?ref=footer": _permissions(),
    "/en/docs/permissions": _permissions(),
    "/de/docs/permissions": _GERMAN,
    "/docs/security-notes": page("Security notes", "<p>Soon.</p>"),
    "/docs/security-bundle": Answer(_zip()),
    # The first page of the trap is an honest page.
    "/docs/security-search": page(
        "Security search",
        f'<h1>Security search</h1><a href="/docs/security-search?sid=1">Security results</a>{prose("Security search")}',
    ),
    **_calendar(),
    **_sessions(),
}
