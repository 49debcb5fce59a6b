"""Threats on quotes that deny their deed, and threats of what a product lacks, which are as true as any."""

import pytest

from agent.drafting_old.assisted import threats
from agent.drafting_old.assisted.checking import check
from agent.drafting_old.assisted.denial import denied
from agent.drafting_old.assisted.proposals import Item, Proposals
from agent.drafting_old.assisted.shapes import Claim, ThreatItem
from agent.drafting_old.ledger import Ledger
from tests.fakes.paperhawk_reading import CONSTANTS, interim, page, quote, shown_of


@pytest.mark.parametrize(
    ("action", "quotes"),
    [
        ("have it read local files", ["The server reads no local files."]),
        ("have it read local files", ["The server reads no local files.", "It reads mail of the user."]),
        ("have it read local files", ["Reading of local files is disabled."]),
        ("upload local files to a stranger", ["There is no access to local files."]),
        ("delete records of the team", ["No delete tool appears in the list."]),
        ("delete records of the team", ["Deletion is not supported."]),
        ("have it delete records", ["It never deletes records.", "It writes records to the ledger."]),
        ("delete logs of the server", ["It cannot delete logs."]),
        ("send mail to strangers", ["It cannot send mail on its own."]),
        ("run shell commands on the host", ["It does not run shell commands."]),
        ("have it move money of the company", ["It has no tool that moves money."]),
        ("have it send payments", ["Payments cannot be sent by the agent."]),
        ("write to the ledger and read local files", ["It writes to the ledger.", "It reads no local files."]),
    ],
)
def test_a_deed_that_a_quote_denies_and_none_shows_is_denied(action: str, quotes: list[str]) -> None:
    assert denied("Planted text is obeyed", action, quotes)
    title = f"Planted text makes it {action.removeprefix('have it ')}"
    assert denied(title, "change the answer", quotes)


@pytest.mark.parametrize(
    ("action", "quotes"),
    [
        # A control that is not there.
        ("call the tools of the server without a login", ["The server needs no login."]),
        ("call the tools of the server", ["Calls of the tools need no login."]),
        ("have the model send a write that nobody confirms", ["The server does not ask anyone to confirm a write."]),
        ("delete records without a trace", ["Deletes are not logged."]),
        ("use a session of somebody else", ["Sessions never expire."]),
        ("send requests without end", ["There is no rate limit on requests that are sent."]),
        ("run commands that nobody approved", ["It runs commands without approval."]),
        ("send mail in the name of the user", ["It sends mail without asking."]),
        ("read keys on the disk", ["Keys that it reads on the disk are not encrypted."]),
        ("delete records of the team", ["Nobody is asked before it deletes records."]),
        ("have code read files of the host", ["Code that reads files of the host does not run in a sandbox."]),
        # Shown by another quote, or by another clause of the same.
        (
            "run shell commands on the host",
            ["The API runs no shell commands.", "A tool runs shell commands on the host."],
        ),
        ("send mail to strangers", ["It sends mail but no attachments."]),
        # Said no of something else, or under a condition.
        ("send mail to strangers", ["It sends no attachments."]),
        ("write to the database", ["Writes to the database are blocked unless the setting allows them."]),
        ("delete files of the user", ["It does not delete files by default."]),
        ("fetch models of a stranger", ["People without a technical background fetch models."]),
        ("read the ledger", ["It keeps the ledger in a database."]),
    ],
)
def test_what_is_shown_or_lacks_a_control_is_not(action: str, quotes: list[str]) -> None:
    assert not denied("Planted text is obeyed", action, quotes)
    assert not denied(f"Somebody may {action.removeprefix('have it ')}", "change the answer", quotes)


LISTING = "Paperhawk sends a payment file of each invoice to the bank."


def added(sentence: str, title: str, action: str) -> tuple[int, str]:
    """How many threats on one sentence of the documentation enter, and why others do not."""
    within = shown_of(page(1, LISTING, "listing"), page(2, f"{sentence}.", "docs"))
    said = ThreatItem(
        quotes=[quote(sentence, within)],
        sufficiency="sufficient",
        claims=[Claim(text=f"{sentence}.", quotes=[1])],
        layer="evaluation_observability",
        title=title,
        source="an author of planted text",
        prerequisite="text that it reads beside the payment file",
        action=action,
        impact="disclosure of payment files of the company",
        asset="the payment file of the company",
        like="L7-money-moved",
        ids=[],
        remedies=[],
    )
    proposals = Proposals(within, CONSTANTS, threats=(Item(said, check(said, within)),))
    ledger = Ledger(within.reading.documents, within.reading.statements)
    placed, notes = threats.added(proposals, interim().candidates, [], interim().factors, ledger)
    return len(placed), "; ".join(row.reason for row in notes.dropped)


@pytest.mark.parametrize(
    ("sentence", "title", "action", "count"),
    [
        (
            "Paperhawk reads no payment file of another company",
            "Planted text opens payment files of another company",
            "have it read a payment file of another company",
            0,
        ),
        (
            "Paperhawk reads a payment file of another company",
            "Planted text opens payment files of another company",
            "have it read a payment file of another company",
            1,
        ),
        (
            "Paperhawk does not ask anybody to confirm a payment file of the company",
            "A payment file goes out that nobody confirms",
            "have it send a payment file that nobody of the company confirms",
            1,
        ),
    ],
)
def test_a_threat_enters_unless_its_quotes_deny_it(sentence: str, title: str, action: str, count: int) -> None:
    found, reasons = added(sentence, title, action)
    assert (found, "deny what it says is done" in reasons) == (count, not count), reasons
