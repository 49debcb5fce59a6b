"""What a report says about its sources: where the listing led, what was unavailable and why, and whose words count."""

from collections.abc import Callable, Mapping

import pytest

from agent.intake.extract.boilerplate import without_repeats
from agent.intake.extract.identity.product import resolve_subject
from agent.intake.page import Block, Page
from agent.intake.reader import unread
from agent.records import Budget, Intake, Link, Missing
from tests.fakes.command import Septet
from tests.fakes.site import Answer, Route, Site, page

Serve = Callable[[Mapping[str, Route]], Site]
TEXT = "<p>Acme Agent reads mail, drafts replies and sends them through Gmail with the owner's account.</p>"
WALL = "<title>Audit</title><h1>Sign in to continue</h1><form><input type=password name=p><button>Go</button></form>"


def test_where_the_listing_led_and_what_could_not_be_had(
    septet: Septet, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEPTET_DELAY_SECONDS", "0")
    links = "".join(f"<li><a href='/docs/{name}'>{name}</a></li>" for name in ("permissions", "internal", "audit"))
    vendor = serve(
        {
            "/": page("Acme Agent", f"<h1>Acme Agent</h1>{TEXT}<ul>{links}</ul>"),
            "/robots.txt": Answer("User-agent: *\nDisallow: /docs/internal", "text/plain"),
            "/docs/permissions": page("Permissions", f"<h1>Permissions</h1>{TEXT.replace('Acme', 'The Acme')}"),
            "/docs/audit": WALL,
        }
    )
    body = f"<h1>Acme Agent</h1>{TEXT}<a href='{vendor.url('/')}'>Visit website</a>"
    listing = serve({"/agents/acme": page("Acme Agent", body)})
    admitted = [part for site in (vendor, listing) for part in ("--allow-private", site.host)]
    said = septet("draft", listing.url("/agents/acme"), *admitted)
    assert said.code == 0, said.err
    lines = said.out.split("\n")
    assert f"- Followed a link to the product: `{vendor.url('/')}`, found in the listing under “Visit website”" in lines
    assert (
        f"- Not read: `{vendor.url('/docs/internal')}`: the site's `robots.txt` does not allow this page (refused)"
    ) in lines
    assert f"- Not read: `{vendor.url('/docs/audit')}`: behind a log-in (skipped)" in lines
    assert "requested as `septet/" in said.out


def test_reasons_are_told_once_and_what_is_no_documentation_is_not() -> None:
    links = [Link(url=f"https://a.example/{n}", state="refused", reason="robots.txt says no") for n in range(40)]
    links += [Link(url=f"https://a.example/blog/{n}", state="skipped", reason="a blog") for n in range(40)]
    links += [
        Link(url="https://a.example/x", state="skipped", reason="the server answered 404"),
        Link(url="https://a.example/y", state="skipped", reason="the server answered 500"),
    ]
    budget = Budget(pages=30, pages_used=1, bytes=100, bytes_used=7, seconds=60, depth=3)
    intake = Intake(
        source="https://a.example/",
        final_url="https://a.example/",
        snapshots=(),
        documents=(),
        links=tuple(links),
        missing=(Missing(reason="budget", detail="4 linked pages were not read"),),
        budget=budget,
    )
    assert [(gap.what.removeprefix("source text: "), gap.reason) for gap in unread(intake)] == [
        ("4 linked pages were not read", "budget"),
        ("40 linked pages, the first being https://a.example/0: robots.txt says no", "refused"),
        ("https://a.example/y: the server answered 500", "skipped"),
    ]


def heading(text: str, level: int) -> Block:
    return Block("heading", text, level)


def paragraph(text: str) -> Block:
    return Block("paragraph", text)


def test_on_a_shelf_only_the_products_own_card_is_about_it() -> None:
    names = ("Ledger Agent", "Scout Agent", "Nurse Agent")
    cards = [block for name in names for block in (heading(name, 2), paragraph(f"{name} reads mail."))]
    shelf = Page("Work agents", (heading("Work agents", 1), paragraph("Three agents for the office."), *cards))
    subject = resolve_subject(shelf, "Scout Agent", where="https://a.example/")
    assert [block.text for block in subject.page.blocks if block.hint != "other"] == [
        "Scout Agent",
        "Scout Agent reads mail.",
    ]


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("1.4k stars", False),
        ("Stars 310", False),
        ("TypeScript 97.2% Shell 2.8%", False),
        ("Python 100%", False),
        ("It forks 3 workers.", True),
        ("It deletes 100% of the mail older than a year.", True),
        ("Stars mark what it keeps.", True),
    ],
)
def test_what_a_repository_page_counts_is_no_evidence(text: str, counts: bool) -> None:
    listing = Page("Acme", (heading("Acme", 1), paragraph(text)))
    [_, block] = resolve_subject(listing, None, where="https://a.example/").page.blocks
    assert (block.hint != "other") is counts


def test_the_heading_of_a_page_is_no_repeat_of_the_link_to_it() -> None:
    index = Page("Docs", (heading("Docs", 1), Block("item", "Permissions"), Block("item", "Memory"), paragraph("a b")))
    own = Page("Permissions", (heading("Permissions", 1), paragraph("It asks for the scope gmail.send.")))
    assert without_repeats([index, own])[1].blocks == own.blocks
