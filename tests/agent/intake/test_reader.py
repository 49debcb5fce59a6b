"""Reading a site on loopback, and every way in which it can answer badly."""

import re
import time
from dataclasses import replace

import pytest

from agent.errors import SourceError, UnavailableError
from agent.intake.capture import read_remembered
from agent.settings import Settings
from tests.fakes.site import LISTING_PATH, Answer, Site, acme, page, redirect

NOW = "2026-11-01T00:00:00Z"
UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
PROSE = "The agent reads the mailbox of a team, drafts replies and sends them through Gmail when somebody asks."


def run(*sources, settings=None, **more):
    quick = replace(settings or Settings(), delay_seconds=0.0)
    return read_remembered([str(source) for source in sources], quick, now=NOW, **more).result


@pytest.fixture(scope="module")
def acme_read():
    with Site(acme()) as site:
        yield site, run(site.url(LISTING_PATH), allow_private=[site.host])


def test_site_gives_the_listing_and_its_documentation(acme_read):
    site, result = acme_read
    assert [(each.id, each.kind, each.url.removeprefix(site.url(""))) for each in result.intake.documents] == [
        ("D1", "listing", LISTING_PATH),
        ("D2", "docs", "/agents/acme/security"),
        ("D3", "docs", "/docs/acme/setup.html"),
        ("D4", "docs", "/agents/acme/security/audit"),
    ]
    assert result.intake.final_url == site.url(LISTING_PATH)
    assert result.intake.budget.pages_used == 4


def test_site_text_keeps_what_is_visible_and_drops_the_noise(acme_read):
    _, result = acme_read
    listing = result.intake.documents[0].text
    for kept in ("for 90 days", "- Sends mail through the Gmail API", "gmail.send | to answer", "Runs Python snippets"):
        assert kept in listing
    for document in result.intake.documents:
        for dropped in ("All agents", "never sell your data", "Log in", "Follow us"):
            assert dropped not in document.text
    assert "pip install acme-agent\nacme login --scope gmail.send" in result.intake.documents[2].text


def test_neighbour_cards_are_kept_apart(acme_read):
    _, result = acme_read
    listing = result.intake.documents[0]
    start = listing.text.index("Robo Trader moves money")
    [section] = [section for section in listing.sections if section.start <= start < section.end]
    assert section.about == "other"
    assert {section.about for section in listing.sections if section.end <= start - 40} == {"product"}


def test_every_link_has_a_state_and_a_reason(acme_read):
    site, result = acme_read
    links = {link.url.removeprefix(site.url("")): (link.state, link.reason) for link in result.intake.links}
    assert links["/agents/acme/security"][0] == "read"
    assert links["/agents/robo"] == ("skipped", "about something other than this product")
    assert links["https://vendor.example.com/"] == ("skipped", "another site")
    assert links["http://169.254.169.254/latest/"][0] == "refused"
    assert links["/privacy"] == ("skipped", "does not mention the product")
    assert all(reason for _, reason in links.values())


def test_requests_carry_no_secrets_and_no_cookies(serve, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    listing = Answer(
        page("Acme", f"<h1>Acme</h1><p>{PROSE}</p><a href=/docs>Docs</a>"), headers=(("set-cookie", "a=b"),)
    )
    docs = page("Docs", f"<h1>Docs</h1><p>{PROSE} And more.</p>")
    site = serve({"/": listing, "/docs": docs})
    result = run(site.url(), allow_private=[site.host])
    assert len(result.intake.documents) == 2
    assert not any({"cookie", "authorization"} & headers.keys() for headers in site.headers)


def test_snapshots_are_the_bytes_that_were_served(acme_read):
    _, result = acme_read
    assert {snapshot.sha256 for snapshot in result.intake.snapshots} == set(result.blobs)
    assert all(UTC.fullmatch(snapshot.fetched_at) for snapshot in result.intake.snapshots)
    assert all(snapshot.user_agent.startswith("septet/") for snapshot in result.intake.snapshots)
    assert result.blobs[result.intake.documents[0].sha256] == str(acme()[LISTING_PATH]).encode()


# Answers that fail before they are a page: `test_hostile`, and with their exit codes `test_intake_failures`.
@pytest.mark.parametrize(
    ("route", "what", "hint"),
    [
        (redirect("/a"), "loop", "browser"),
        (Answer(b"\x89PNG\r\n\x1a\n" + bytes(300), media_type="image/png"), "not a text document", ""),
        (Answer(b"PK\x03\x04" + bytes(300)), "not a text document", ""),
        (Answer(b"%PDF-1.7 broken", media_type="text/html"), "parsed", ""),
        (Answer(b"not a pdf at all", media_type="application/pdf"), "PDF", ""),
        (Answer(""), "no text", ""),
        ("<html><body><div id=root></div><script src=/app.js></script></body></html>", "no text", "JavaScript"),
        ("<h1>Acme</h1><p>Coming soon.</p>", "only 3 words", ""),
    ],
)
def test_bad_answers_are_named(serve, route, what, hint):
    site = serve({"/": route, "/a": redirect("/b"), "/b": redirect("/a")})
    with pytest.raises(SourceError, match=what) as caught:
        run(site.url(), allow_private=[site.host])
    assert caught.value.hint
    assert hint in caught.value.hint


def test_nobody_listens():
    with pytest.raises(UnavailableError) as caught:
        run("http://127.0.0.1:9/", allow_private=["127.0.0.1:9"])
    assert caught.value.exit_code == 4


def test_a_slow_look_up_ends_at_the_deadline():
    def slow(host, port):
        time.sleep(1.5)
        return ["93.184.216.34"]

    begun = time.monotonic()
    with pytest.raises(UnavailableError):
        run("http://slow.example.com/", settings=Settings(request_seconds=0.3), resolve=slow)
    assert time.monotonic() - begun < 1.2


def test_budgets_of_pages_and_depth_are_kept_and_told(serve):
    site = serve(acme())
    result = run(site.url(LISTING_PATH), allow_private=[site.host], settings=Settings(max_pages=2))
    assert len(result.intake.documents) == 2
    assert [missing.reason for missing in result.intake.missing] == ["budget"]
    assert any("budget" in link.reason for link in result.intake.links)
    before = len(site.requests)
    result = run(site.url(LISTING_PATH), allow_private=[site.host], settings=Settings(max_depth=0))
    assert len(result.intake.documents) == 1
    assert site.requests[before:] == ["/robots.txt", LISTING_PATH]


def test_a_failing_documentation_page_is_recorded_only(serve):
    routes = acme()
    routes["/agents/acme/security"] = Answer("x", status=500)
    routes["/docs/acme/setup.html"] = redirect("http://10.0.0.1/")
    site = serve(routes)
    result = run(site.url(LISTING_PATH), allow_private=[site.host])
    states = {link.url: (link.state, link.reason) for link in result.intake.links}
    assert states[site.url("/agents/acme/security")] == ("skipped", "the server answered 500")
    assert states[site.url("/docs/acme/setup.html")][0] == "refused"
    assert len(result.intake.documents) == 1


def test_blocks_that_repeat_are_boilerplate(serve):
    cookie = "<div><p>We value your privacy and use cookies on all pages of ours.</p></div>"
    end = "<div><p>Acme Incorporated, 12 Long Street, Springfield</p></div>"
    bodies = {
        "/": f"<h1>Acme</h1><p>{PROSE}</p><a href=/docs/a>Docs</a> <a href=/docs/b>Security</a>",
        "/docs/a": "<h1>Setup</h1><p>Connect the account and choose the labels that it may read.</p>",
        "/docs/b": "<h1>Security</h1><p>Tokens are kept in a vault and are rotated every week.</p>",
    }
    site = serve({path: cookie + body + end for path, body in bodies.items()})
    documents = run(site.url(), allow_private=[site.host]).intake.documents
    together = "\n".join(document.text for document in documents)
    assert len(documents) == 3
    assert "cookies" not in together
    assert "Long Street" not in together
    assert PROSE in together


def test_charsets(serve):
    word = "Übergröße – ständig geprüft"
    body = f"<h1>Acme</h1><p>{PROSE} {word}</p>"
    routes = {
        "/header": Answer(body.encode("cp1252"), media_type="text/html; charset=windows-1252"),
        "/meta": Answer(f"<meta charset=iso-8859-1>{body}".encode("cp1252"), media_type="text/html"),
        "/none": Answer(body.encode("cp1252"), media_type="text/html"),
        "/lie": Answer(body.encode(), media_type="text/html; charset=iso-8859-1"),
        "/utf16": Answer(body.encode("utf-16"), media_type="text/html"),
        "/utf16bare": Answer(body.encode("utf-16-le"), media_type="text/html"),
        "/utf7": Answer(body.encode(), media_type="text/html; charset=utf-7"),
    }
    site = serve(routes)
    for path in routes:
        result = run(site.url(path), allow_private=[site.host], settings=Settings(max_depth=0))
        assert word in result.intake.documents[0].text, path


def test_text_and_markdown_over_http(serve):
    json = Answer(f'{{"name": "Acme", "tagline": "{PROSE}"}}', media_type="application/json")
    text = Answer(f"# Acme\n\n{PROSE}\n\n## Features\n\n- Sends mail\n", media_type="text/plain")
    site = serve({"/README.md": text, "/llms.txt": text, "/a.json": json})
    for path in site.routes:
        document = run(site.url(path), allow_private=[site.host]).intake.documents[0]
        assert document.title == "Acme"
        assert PROSE in document.text
