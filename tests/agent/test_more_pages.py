"""More pages never make a draft worse than the first page alone: they add to it, and the listing's content stays."""

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from agent.drafting.calibration import load_calibration
from agent.intake.crawl.guard import Guard
from agent.intake.reader import read_inputs
from agent.intake.sources import LocalFile
from agent.pipeline import draft_reading, read_documents
from agent.records import Document, Draft, Threat
from agent.settings import Settings
from tests.agent.intake.crawl.test_crawler import Memory

NOW = "2026-11-27T12:00:00Z"
MOST = Settings(max_pages=40)
LISTING = """# Tidewater

Tidewater is a coding agent for the terminal. It runs shell commands on the developer's machine and edits files in the
working folder.

## Features

- Tidewater executes shell commands in the user's own account, without a container.
- It writes and deletes files in the repository.
- It reads web pages that the user names and follows what they say.
- Tidewater remembers facts about the project in a memory file that later sessions read.
- It connects to MCP servers that the user lists in its settings.
- Tidewater commits code and pushes branches with the developer's Git credential.
"""
_OTHERS = (
    (
        "Alerts",
        "The agent triages security alerts from the SIEM and closes incidents.",
        "It isolates hosts through EDR.",
    ),
    ("Payments", "The agent pays supplier invoices through the bank's API.", "It refunds customers without a review."),
    ("Mail", "The agent sends e-mail to customers from the shared mailbox.", "It reads every attachment."),
    ("Tickets", "The agent closes support tickets and writes comments.", "It assigns tickets to other agents."),
    (
        "Clusters",
        "The agent restarts deployments in Kubernetes clusters.",
        "It changes access roles in the cloud account.",
    ),
    ("Records", "The agent updates customer records in the CRM.", "It deletes duplicate contacts at night."),
    ("Databases", "The agent runs SQL queries against the production database.", "It creates and drops tables."),
    ("Phones", "The agent calls patients and reads them their results.", "It records the calls."),
    ("Trading", "The agent places orders at the exchange on a schedule.", "It moves money between accounts."),
    ("Hiring", "The agent ranks applicants and rejects them by e-mail.", "It stores their passports."),
)


def page(number: int) -> LocalFile:
    """Return a page about another sort of product, with its own wording."""
    title, first, second = _OTHERS[number % len(_OTHERS)]
    again = f" Part {number} of the handbook goes into case {number}." if number >= len(_OTHERS) else ""
    text = f"# {title} {number}\n\n{first} {second}{again}\n\n- {second}\n- {first}\n"
    return LocalFile(f"docs/{number:02}-{title.lower()}.md", "markdown", text.encode())


def documents(pages: tuple[int, ...]) -> tuple[Document, ...]:
    listing = LocalFile("README.md", "markdown", LISTING.encode())
    sources = [listing, *map(page, pages)]
    return read_inputs(sources, Memory({}), MOST, guard=Guard(), now=NOW).intake.documents


@cache
def drafted(pages: tuple[int, ...]) -> Draft:
    return draft_reading(
        read_documents(documents(pages)),
        name=None,
        calibration=load_calibration(),
        created_at=NOW,
        draft_id="draft-test",
    )


def threats(draft: Draft) -> dict[str, Threat]:
    return {threat.id: threat for layer in draft.layers.values() for threat in layer.threats}


def places(draft: Draft) -> list[tuple[Threat, ...]]:
    return [layer.threats for layer in draft.layers.values()]


def quotes(draft: Draft, ids: tuple[str, ...]) -> list[str]:
    said = {entry.id: entry.quote for entry in draft.evidence}
    return [said[key] for key in ids]


def held(pages: tuple[int, ...]) -> None:
    """Raise AssertionError unless the draft with `pages` keeps what the listing alone gave."""
    alone, whole = drafted(()), drafted(pages)
    assert whole.product.name == alone.product.name == "Tidewater"
    assert whole.product.kind == alone.product.kind == "coding-agent"
    kept = {fact.key: quotes(whole, fact.evidence) for fact in whole.facts.facts if fact.counts}
    for fact in alone.facts.facts:
        assert fact.key in kept
        assert set(quotes(alone, fact.evidence)) & set(kept[fact.key]), fact.key
    own = {c.signal for c in alone.system.capabilities}
    assert own <= {c.signal for c in whole.system.capabilities}
    lost = threats(alone).keys() - threats(whole).keys()
    # Each layer, and each draft without certain facts for more, shows a limited number of threats, and a graver threat
    # from another page may displace one.
    new = [threat for name, threat in threats(whole).items() if name not in threats(alone)]
    outranked = {
        name
        for name in lost
        if sum(one.score.cvss_base >= threats(alone)[name].score.cvss_base for one in new) >= len(lost)
    }
    full = {key for key, layer in whole.layers.items() if len(layer.threats) >= max(map(len, places(alone)))}
    for key, layer in alone.layers.items():
        assert key in full or not (lost - outranked) & {threat.id for threat in layer.threats}, lost


def test_the_listing_alone_gives_something_to_lose() -> None:
    alone = drafted(())
    assert len(alone.facts.facts) >= 4
    assert len(alone.system.capabilities) >= 2
    assert len(threats(alone)) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 20, 30])
def test_pages_about_other_work_displace_nothing_of_the_listing(count: int) -> None:
    held(tuple(range(count)))


def test_further_pages_still_add() -> None:
    alone, whole = drafted(()), drafted(tuple(range(10)))
    assert len(whole.system.capabilities) > len(alone.system.capabilities)


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, 39), unique=True, min_size=1, max_size=20).map(tuple))
def test_whatever_the_pages_and_their_order_the_listing_stays(pages: tuple[int, ...]) -> None:
    held(pages)
