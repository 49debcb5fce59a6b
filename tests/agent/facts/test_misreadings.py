"""Sentences that no reader would take for an act of the product itself, and what a draft must not conclude from them.

Each is on a page with sentences that do describe the product, so that an empty draft would be noticed.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import pytest

from agent.drafting.calibration import load_calibration
from agent.intake.extract.documents import compose
from agent.intake.extract.parse import read_parts
from agent.pipeline import draft_reading, read_documents
from agent.records import Draft, Snapshot
from agent.records.evidence import MARK
from agent.settings import Settings

NOW = "2026-11-01T09:30:00Z"


WEIGHED = 0.15
"""A fact at or above this probability may open a severity metric without being quoted (`severity.OPEN_CHANCE`)."""


class Misread(NamedTuple):
    """A sentence, its location, and the words in the report that would show that it was misread."""

    heading: str
    words: str
    """Markdown, as it appears on the page."""
    quote: str
    """The part of the sentence that nothing may rest on."""


BODY = """# {name}

{name} is an MCP server that lets an AI assistant search a team's notes and create new ones.

## Tools

| Tool | Description |
|---|---|
| `search_notes` | Searches the notes of the workspace and returns matching passages |
| `create_note` | Creates a note in the workspace on behalf of the user |
| `send_digest` | Sends the weekly digest by email to the members of the workspace |

## Configuration

| Variable | Description |
|---|---|
| `NOTES_TOKEN` | API token of the workspace, required |

{sections}
"""

ADDRESSED_TO_THE_READER = (
    Misread(
        "Before you begin",
        "Watch it as you would a car with cruise control, and be ready to close the terminal.",
        "Watch it as you would a car",
    ),
    Misread(
        "Troubleshooting",
        "If notes no longer match your phone, delete both cache databases and start again.",
        "delete both cache databases",
    ),
    Misread("Installation", "Run the following command in your terminal:", "Run the following command"),
    Misread("Installation", "Remove `--global` to install it for one project only.", "Remove `--global`"),
    Misread(
        "Uninstall",
        "```bash\nrm -rf ~/.notes/cache.db   # delete the leftover database\n```",
        "rm -rf ~/.notes/cache.db",
    ),
    Misread("Quick start", "Add `--host 0.0.0.0` when you run the command inside a container.", "Add `--host 0.0.0.0`"),
    Misread("Quick start", "Add two variables to your `.env` file:", "Add two variables"),
    Misread(
        "Quick start", "Scan the QR code with your phone before logging in for the first time.", "Scan the QR code"
    ),
    Misread(
        "Contributing", "Run the tests, push your branch and open a pull request against `main`.", "push your branch"
    ),
    Misread(
        "Contributing",
        "Please deploy to the staging cluster before you ask for a review.",
        "deploy to the staging cluster",
    ),
    Misread(
        "Upgrading",
        "Drop the old tables and restore your backup before you migrate to version 3.",
        "Drop the old tables",
    ),
    Misread("Development", "```sh\ngit push origin main --force\nkubectl apply -f deploy.yaml\n```", "kubectl apply"),
    Misread(
        "Troubleshooting",
        "Kill the process and execute the installer again with administrator rights.",
        "execute the installer again",
    ),
)
SHOWN_OR_SAID = (
    Misread(
        "Example prompts", '- "Delete every invoice older than a year and email the accountant"', "Delete every invoice"
    ),
    Misread("Example prompts", '- "Check the alerts of last night and restart whatever is down"', "Check the alerts"),
    Misread(
        "Example output",
        "```\n> deploying to production ... done\n> wiring 400 USD to Bob ... done\n```",
        "wiring 400 USD",
    ),
    Misread(
        "What people say",
        '> "It booked my flights and answered my whole inbox overnight!" — a user on a forum',
        "booked my flights",
    ),
    Misread(
        "What people say",
        '> "I connected it to the forum\'s API in five minutes." — somebody in our chat',
        "connected it to the forum's API",
    ),
    Misread(
        "Roadmap", "- Coming soon: payments by credit card and phone calls to customers", "payments by credit card"
    ),
    Misread(
        "Changelog",
        "- 2.1.0: removed the deprecated shell tool that executed arbitrary commands",
        "executed arbitrary commands",
    ),
    Misread(
        "Comparison with other tools",
        "Unlike this server, Scrapmeister executes shell commands and deletes files unasked.",
        "Scrapmeister executes shell commands",
    ),
    Misread(
        "License",
        "Permission is granted to use, copy, modify, publish and sell copies of the software.",
        "modify, publish and sell copies",
    ),
    Misread(
        "Community", "Join our chat, follow us and send an email to hello@notes.example.", "send an email to hello"
    ),
)


def read(text: str) -> Draft:
    """Return the draft of one README by the embedded drafter."""
    settings = Settings()
    [part] = read_parts(text.encode(), "markdown", "", "README.md", settings)
    snapshot = Snapshot(
        sha256="0" * 64,
        requested_url="README.md",
        final_url="README.md",
        fetched_at=NOW,
        media_type="text/markdown",
        kind="listing",
        size=len(text),
    )
    document = compose("D1", part.page, snapshot)
    return draft_reading(read_documents((document,)), name=None, calibration=load_calibration(), created_at=NOW)


@cache
def page_of(cases: tuple[Misread, ...]) -> Draft:
    sections: dict[str, list[str]] = {}
    for case in cases:
        sections.setdefault(case.heading, []).append(case.words)
    text = "\n\n".join(f"## {heading}\n\n" + "\n\n".join(words) for heading, words in sections.items())
    return read(BODY.format(name="Fernkeeper", sections=text))


def borne(draft: Draft) -> Iterator[str]:
    """Yield the quotes on which a capability, a part of the picture, a threat, a factor or a layer rests."""
    used = {mark for capability in draft.system.capabilities for mark in capability.evidence}
    for layer in draft.layers.values():
        used |= set(MARK.findall(layer.paragraph))
        used |= {mark for threat in layer.threats for mark in threat.evidence}
    for estimate in draft.factors.values():
        used |= set(estimate.evidence)
    picture = draft.system
    for item in (*picture.actors, *picture.components, *picture.stores, *picture.services, *picture.flows):
        used |= set(item.evidence)
    yield from (evidence.quote for evidence in draft.evidence if evidence.id in used)


@pytest.mark.parametrize("case", ADDRESSED_TO_THE_READER, ids=lambda case: case.quote)
def test_what_the_reader_is_told_to_do_is_no_act_of_the_product(case: Misread) -> None:
    assert [quote for quote in borne(page_of(ADDRESSED_TO_THE_READER)) if case.quote in quote] == []


@pytest.mark.parametrize("case", SHOWN_OR_SAID, ids=lambda case: case.quote)
def test_examples_praise_plans_and_others_are_no_act_of_the_product(case: Misread) -> None:
    assert [quote for quote in borne(page_of(SHOWN_OR_SAID)) if case.quote in quote] == []


@pytest.mark.parametrize("cases", [ADDRESSED_TO_THE_READER, SHOWN_OR_SAID], ids=["addressed", "shown"])
def test_the_product_on_these_pages_is_still_read(cases: tuple[Misread, ...]) -> None:
    """Statements are supported, or likely enough to be put to an LLM or a reviewer; below that the reader abstains."""
    draft = page_of(cases)
    assert "create_note" in "\n".join(borne(draft))
    asked = {fact.key for fact in draft.facts.facts} | {
        key for key, chance in draft.facts.outlook.chances.items() if chance >= WEIGHED
    }
    assert {"changes_records", "api_key", "sends_messages"} <= asked


class Literal(NamedTuple):
    """A sentence that does describe the product, with a word in it that means something else elsewhere."""

    words: str
    quote: str
    never: str
    """What the draft must not conclude from it: a sign of a capability, a title, an actor, a part of a factor."""


LITERAL = (
    Literal(
        "- `drop_onto`: Drop files or typed data onto an element, as if they had been dragged there",
        "Drop files",
        "delete",
    ),
    Literal(
        "- `size`: `m1` for general purpose, `o1` for machines that are overbooked", "`o1` for machines", "its LLM"
    ),
    Literal("- `fernkeeper doctor` checks the setup and prints what is missing", "doctor", "person"),
    Literal("Users need logging in once a month.", "logging in", "keeps logs"),
    Literal("Permissions are dictated by the owner of the workspace.", "dictated", "speech"),
    Literal("Reads notes aloud with local TTS by a small voice.", "local TTS", "deceive or offend"),
    Literal("A phone is paired when its user scans a QR code.", "scans a QR code", "monitors systems"),
    Literal("Notes arrange themselves in a self-driving timeline.", "self-driving", "steers devices"),
)


def made_of(draft: Draft, quote: str) -> str:
    """Return everything that rests on a sentence: capabilities, threat titles, kinds of parts and parts of factors."""
    marks = {evidence.id for evidence in draft.evidence if quote in evidence.quote}
    picture = draft.system
    found = [f"{c.signal} {c.mode}" for c in picture.capabilities if marks & set(c.evidence)]
    found += [i.kind for i in (*picture.actors, *picture.components, *picture.stores) if marks & set(i.evidence)]
    found += [t.title for layer in draft.layers.values() for t in layer.threats if marks & set(t.evidence)]
    found += [p.label for estimate in draft.factors.values() for p in estimate.parts if p.evidence in marks]
    return "; ".join(found)


@pytest.mark.parametrize("case", LITERAL, ids=lambda case: case.quote)
def test_a_word_with_two_meanings_is_read_in_its_sentence(case: Literal) -> None:
    draft = read(BODY.format(name="Fernkeeper", sections=f"## Features\n\n{case.words}"))
    assert case.never not in made_of(draft, case.quote)
