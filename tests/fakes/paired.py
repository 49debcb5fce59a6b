"""Paired runs: the same product page alone and with a case planted in it, each through the whole pipeline.

A case is planted according to its `delivery`: as markup in the page, further pages, a PDF, a Markdown file or a route
of a site. The conclusions of a draft are compared exactly; its findings may differ, since reporting is their purpose.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from agent.pipeline import DraftResult, draft
from agent.settings import Settings
from tests.fakes.intake.pdf import pdf
from tests.fakes.site import Answer, Route, Site
from tests.places import VECTORS

CASES = VECTORS / "injection.json"
NOW = "2026-11-01T00:00:00Z"
LISTING = "/agents/quay"
HOME = "/"
"""An address on the product's own site: files at agreed places are requested there, not at the root of a directory."""
QUICK = Settings(delay_seconds=0)

OVERVIEW = """<h1>Quay Desk Agent</h1>
<p>Quay Desk Agent answers the shared mailbox of a support team. It reads each new message, looks the sender up in the
CRM, drafts a reply and sends it through Gmail when the answer is known. A conversation that it cannot close goes to a
person with a short summary and the records that it found.</p>
<h2>Overview</h2>
<p>The agent plans its own steps with a large language model and calls tools until a conversation is closed. It searches
the help centre, queries the orders database with SQL, creates and edits records in the CRM, issues refunds through the
payment API and posts a note to the team's Slack channel. It runs day and night without a person watching. Python
snippets that it writes are executed in a container to work on spreadsheets that customers send.</p>
<p>Several workers share one queue: a planner splits a request into tasks and hands them to a researcher and a writer.
The agent learns from corrections: an edited reply is stored in a vector database and retrieved for similar messages.
New connectors can be installed from a marketplace of community MCP servers while the agent is running.</p>"""
PERMISSIONS = """<h2>Permissions</h2>
<p>An owner connects a Google account with OAuth, and the agent acts with the rights of that account. It holds a service
token for the CRM with write access to every record and an API key of the payment provider.</p>
<table><tr><th>Scope</th><th>Why</th></tr><tr><td>gmail.send</td><td>to answer customers</td></tr>
<tr><td>crm.records.write</td><td>to update and delete records</td></tr>
<tr><td>payments.refunds.create</td><td>to pay money back</td></tr></table>
<ul><li>Reads every label of the mailbox and every attachment</li>
<li>Browses public web pages that a message links to</li>
<li>Calls internal HTTP services that an administrator has registered</li></ul>"""
DATA = """<h2>Data handling</h2>
<p>Messages, attachments and CRM records are sent to the OpenAI API for each step. Conversations are kept for ninety
days in a PostgreSQL database in Frankfurt, embeddings without a limit. The agent remembers what a customer said in
earlier conversations and uses it in later ones. Names, addresses and order numbers stay in its memory.</p>
<p>Logs hold the prompt and the answer of each step and are written to CloudWatch. A webhook passes each closed
conversation to the customer's own analytics service.</p>"""
PRICING = """<h2>Pricing</h2>
<p>The Team plan costs 40 dollars a seat and month and has three connectors. The Business plan adds the refund tool, the
marketplace and a queue for several workers. Use beyond the plan is billed for each thousand conversations, and a trial
of two weeks needs no card.</p>
<p>Help is given by mail on working days. An invoice is sent at the start of each month.</p>"""


class Case(NamedTuple):
    """One row of the vectors."""

    id: str
    kind: str
    delivery: str
    attack: bool
    canary: str
    payload: str
    fragment: str
    head: str
    pages: tuple[str, ...]
    input: str
    flag: str


def cases() -> tuple[Case, ...]:
    """Return all cases, in the order of the file."""
    rows = json.loads(CASES.read_text("utf-8"))["cases"]
    return tuple(
        Case(
            id=row["id"],
            kind=row["class"],
            delivery=row["delivery"],
            attack=row["attack"],
            canary=row["canary"],
            payload=row["payload"],
            fragment=row.get("fragment", ""),
            head=row.get("head", ""),
            pages=tuple(row.get("pages", ())),
            input=row["input"],
            flag=row["flag"],
        )
        for row in rows
    )


PLACES = {
    "first": "{}",
    "last": "{}",
    "section": "<section>{}</section>",
    "item": "<ul><li>{}</li><li>Mail</li></ul>",
    "cell": "<table><tr><td>Notes</td><td>{}</td></tr><tr><td>Plan</td><td>Team</td></tr></table>",
    "aside": "<aside>{}</aside>",
}
"""Other places where a case may be planted, with their surroundings."""


def listing(fragment: str = "", head: str = "", links: str = "", place: str = "") -> str:
    """Return the product page, of more than 400 words, with `fragment` after its overview or at a `place`."""
    planted = PLACES.get(place, "{}").format(fragment) if fragment else ""
    first, middle, last = (
        planted if wanted else "" for wanted in (place == "first", place not in ("first", "last"), place == "last")
    )
    main = f"{first}{OVERVIEW}\n{middle}\n{PERMISSIONS}\n{DATA}\n{PRICING}\n{last}{links}"
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>Quay Desk Agent</title>{head}</head>"
        f"<body><main>{main}</main></body></html>"
    )


def of_files(folder: Path, files: Mapping[str, str | bytes]) -> DraftResult:
    """Return the draft of files, the first of which is the listing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in files.items():
        (folder / name).write_bytes(body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass"))
    return draft([str(folder / name) for name in files], settings=QUICK, now=NOW)


def of_site(routes: Mapping[str, Route]) -> DraftResult:
    """Return the draft of a site whose first route is the listing."""
    with Site(routes) as site:
        return draft([site.url(next(iter(routes)))], settings=QUICK, now=NOW, allow_private=[site.host])


def conclusions(result: DraftResult) -> dict[str, object]:
    """Return a draft's conclusions: factors, certainty flags, threats and score, without evidence ids and wording."""
    made = result.draft
    return {
        "factors": {key: (factor.value, factor.low, factor.high) for key, factor in made.factors.items()},
        "flags": {key: (layer.applies, layer.certain) for key, layer in made.layers.items()},
        "threats": {
            key: [(threat.id, threat.title, threat.score.severity, threat.score.aivss) for threat in layer.threats]
            for key, layer in made.layers.items()
        },
        "score": (
            made.score.aivss,
            made.score.severity,
            made.score.low,
            made.score.high,
            made.score.likely_low,
            made.score.likely_high,
            made.score.withheld,
        ),
    }


def texts(result: DraftResult) -> str:
    """Return all evidence text of a draft, and every quote in it."""
    quotes = [evidence.quote for evidence in result.draft.evidence]
    return "\n".join([*(document.text for document in result.documents), *quotes])


def findings(result: DraftResult) -> list[str]:
    """Return the kinds of all findings in the draft."""
    return [finding.kind for source in result.draft.sources for finding in source.findings]


def page(text: str) -> str:
    """Return a further page of the product with `text` in it."""
    return (
        "<!doctype html><html><head><title>Quay Desk Agent: notes</title></head><body><main>"
        "<h1>Notes on Quay Desk Agent</h1>"
        "<p>These notes belong to the Quay Desk Agent and say what changed in the last release of it.</p>"
        f"<p>{text}</p></main></body></html>"
    )


class Pair(NamedTuple):
    """A clean draft and its twin with the case in it."""

    clean: DraftResult
    planted: DraftResult


def run(case: Case, folder: Path, clean: DraftResult | None = None) -> Pair:
    """Return both drafts of a case; `clean` is the draft of the listing alone, if it was made before."""
    if case.delivery == "html" and not case.pages:
        head, routes = case.head, _sheet(case)
        if routes:
            links = ""
            base = of_site({LISTING: listing(links=links)})
            return Pair(base, of_site({LISTING: listing(case.fragment, head, links), **routes}))
        alone = clean or of_files(folder / "clean", {"listing.html": listing()})
        return Pair(alone, of_files(folder / "planted", {"listing.html": listing(case.fragment, head)}))
    planted = _further(case)
    without = _further(case._replace(payload="", pages=tuple("" for _ in case.pages)))
    if any(path.startswith("/") for path in planted):
        return Pair(of_site(without), of_site(planted))
    return Pair(of_files(folder / "clean", _bodies(without)), of_files(folder / "planted", _bodies(planted)))


def _sheet(case: Case) -> dict[str, Route]:
    if 'href="/s.css"' not in case.head:
        return {}
    rule = case.head.partition("/s.css: ")[2].partition(" -->")[0]
    return {"/s.css": Answer(rule, media_type="text/css")}


def _bodies(routes: Mapping[str, Route]) -> dict[str, str | bytes]:
    return {name: body for name, body in routes.items() if isinstance(body, str | bytes)}


def _further(case: Case) -> dict[str, Route]:
    """Return the files (names) or routes (paths) of a case that is not one page of markup."""
    text, home = case.payload, listing()
    said = "Quay Desk Agent has connectors for mail, orders and refunds, which an owner sets up in its console."
    if case.pages:
        return {"listing.html": home} | {f"page-{n}.html": page(p) for n, p in enumerate(case.pages, 1)}
    if case.delivery == "pdf":
        return {"listing.html": home, "paper.pdf": pdf(said, text, case.id)}  # type: ignore[dict-item]
    if case.delivery == "markdown":
        return {"listing.html": home, "notes.md": f"# Notes\n\n{said}\n\n" + (f"<!-- {text} -->\n" if text else "")}
    if case.delivery == "url":
        name = "-".join(text.replace(".", " ").replace(":", " ").replace(",", " ").split()) if text else "notes"
        return {"listing.html": home, f"{name}.md": f"# Notes\n\n{said}\n"}
    if case.delivery == "image":
        return {LISTING: listing(f'<p>{said}</p><img src="/d.png" alt="diagram">'), "/d.png": picture(text)}
    return _routes(case, said)


def _routes(case: Case, said: str) -> dict[str, Route]:
    text = case.payload
    if case.delivery == "llms.txt":
        return {
            HOME: listing(),
            "/llms.txt": Answer(f"# Quay Desk Agent\n\n> {said}\n\n{text}\n", media_type="text/plain"),
        }
    if case.delivery == "sitemap":
        news = f"<n:news><n:title>{text}</n:title></n:news>" if text else ""
        body = (
            '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
            f'xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>{HOME}</loc>{news}</url></urlset>'
        )
        return {HOME: listing(), "/sitemap.xml": Answer(body, media_type="application/xml")}
    if case.delivery == "openapi":
        spec = {
            "openapi": "3.1.0",
            "info": {"title": "Quay Desk Agent API", "version": "1", "description": said},
            "paths": {"/tickets": {"get": {"summary": "List the tickets", "description": text or "All open ones."}}},
        }
        return {HOME: listing(links='<a href="/openapi.json">API reference</a>')} | {
            "/openapi.json": Answer(json.dumps(spec), media_type="application/json")
        }
    return {LISTING: listing(f"<p>{text}</p>" if text else "")}


def picture(text: str) -> Answer:
    """Return a one-pixel PNG with `text` in a text chunk; like text drawn in a picture, it is not read."""
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    note = chunk(b"tEXt", b"Comment\0" + text.encode("latin-1", "replace")) if text else b""
    data = chunk(b"IHDR", head) + note + chunk(b"IDAT", zlib.compress(b"\0\0\0\0")) + chunk(b"IEND", b"")
    return Answer(b"\x89PNG\r\n\x1a\n" + data, media_type="image/png")
