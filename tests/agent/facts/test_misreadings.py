"""Sentences that no reader would take for an act of the product itself, and what a draft must not conclude from them.

Each is on a page with sentences that do describe the product, so that an empty draft would be noticed.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

import pytest

from agent.drafting.calibration import load_calibration
from agent.intake.extract.parse import read_parts
from agent.pipeline import draft_reading, read_documents
from agent.records import Draft
from agent.records.evidence import MARK
from agent.settings import Settings
from tests.fakes.fact_sources import composed

NOW = "2026-11-01T09:30:00Z"
WEIGHED = 0.15
"""A fact at or above this probability may open a severity metric without being quoted (`severity.OPEN_CHANCE`)."""


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
    ("Before you begin", "«Watch it as you would a car» with cruise control, and be ready to close the terminal."),
    ("Troubleshooting", "If notes no longer match your phone, «delete both cache databases» and start again."),
    ("Installation", "«Run the following command» in your terminal:"),
    ("Installation", "«Remove `--global`» to install it for one project only."),
    ("Uninstall", "```bash\n«rm -rf ~/.notes/cache.db»   # delete the leftover database\n```"),
    ("Quick start", "«Add `--host 0.0.0.0`» when you run the command inside a container."),
    ("Quick start", "«Add two variables» to your `.env` file:"),
    ("Quick start", "«Scan the QR code» with your phone before logging in for the first time."),
    ("Contributing", "Run the tests, «push your branch» and open a pull request against `main`."),
    ("Contributing", "Please «deploy to the staging cluster» before you ask for a review."),
    ("Upgrading", "«Drop the old tables» and restore your backup before you migrate to version 3."),
    ("Development", "```sh\ngit push origin main --force\n«kubectl apply» -f deploy.yaml\n```"),
    ("Troubleshooting", "Kill the process and «execute the installer again» with administrator rights."),
)
SHOWN_OR_SAID = (
    ("Example prompts", '- "«Delete every invoice» older than a year and email the accountant"'),
    ("Example prompts", '- "«Check the alerts» of last night and restart whatever is down"'),
    ("Example output", "```\n> deploying to production ... done\n> «wiring 400 USD» to Bob ... done\n```"),
    ("What people say", '> "It «booked my flights» and answered my whole inbox overnight!" — a user on a forum'),
    ("What people say", '> "I «connected it to the forum\'s API» in five minutes." — somebody in our chat'),
    ("Roadmap", "- Coming soon: «payments by credit card» and phone calls to customers"),
    ("Changelog", "- 2.1.0: removed the deprecated shell tool that «executed arbitrary commands»"),
    (
        "Comparison with other tools",
        "Unlike this server, «Scrapmeister executes shell commands» and deletes files unasked.",
    ),
    ("License", "Permission is granted to use, copy, «modify, publish and sell copies» of the software."),
    ("Community", "Join our chat, follow us and «send an email to hello»@notes.example."),
)
"""Headings and Markdown below them; nothing may rest on the words between the marks."""


def marked(words: str) -> tuple[str, str]:
    """Return words without their marks, and the part between the marks."""
    return re.sub("[«»]", "", words), re.findall("«(.+)»", words)[0]


def read(sections: str) -> Draft:
    """Return the draft of a README with these sections by the embedded drafter."""
    text = BODY.format(name="Fernkeeper", sections=sections)
    [part] = read_parts(text.encode(), "markdown", "", "README.md", Settings())
    document = composed(part.page, name="README.md")
    return draft_reading(read_documents((document,)), name=None, calibration=load_calibration(), created_at=NOW)


@cache
def page_of(cases: Sequence[tuple[str, str]]) -> Draft:
    sections: dict[str, list[str]] = {}
    for heading, words in cases:
        sections.setdefault(heading, []).append(marked(words)[0])
    return read("\n\n".join(f"## {heading}\n\n" + "\n\n".join(words) for heading, words in sections.items()))


def borne(draft: Draft) -> Iterator[str]:
    """Yield the quotes on which a capability, a part of the picture, a threat, a factor or a layer rests."""
    picture = draft.system
    items = [*picture.capabilities, *picture.actors, *picture.components, *picture.stores, *picture.services]
    items += [*picture.flows, *draft.factors.values()]
    used = {mark for item in items for mark in item.evidence}
    for layer in draft.layers.values():
        used |= set(MARK.findall(layer.paragraph))
        used |= {mark for threat in layer.threats for mark in threat.evidence}
    yield from (evidence.quote for evidence in draft.evidence if evidence.id in used)


@pytest.mark.parametrize(
    ("cases", "words"),
    [(cases, words) for cases in (ADDRESSED_TO_THE_READER, SHOWN_OR_SAID) for _, words in cases],
)
def test_orders_to_the_reader_examples_praise_plans_and_others_are_no_act_of_the_product(
    cases: Sequence[tuple[str, str]], words: str
) -> None:
    assert [quote for quote in borne(page_of(cases)) if marked(words)[1] in quote] == []


@pytest.mark.parametrize("cases", [ADDRESSED_TO_THE_READER, SHOWN_OR_SAID], ids=["addressed", "shown"])
def test_the_product_on_these_pages_is_still_read(cases: Sequence[tuple[str, str]]) -> None:
    """Statements are supported, or likely enough to be put to an LLM or a reviewer; below that the reader abstains."""
    draft = page_of(cases)
    assert "create_note" in "\n".join(borne(draft))
    asked = {fact.key for fact in draft.facts.facts} | {
        key for key, chance in draft.facts.outlook.chances.items() if chance >= WEIGHED
    }
    assert {"changes_records", "api_key", "sends_messages"} <= asked


LITERAL = (
    ("- `drop_onto`: «Drop files» or typed data onto an element, as if they had been dragged there", "delete"),
    ("- `size`: `m1` for general purpose, «`o1` for machines» that are overbooked", "its LLM"),
    ("- `fernkeeper «doctor»` checks the setup and prints what is missing", "person"),
    ("Users need «logging in» once a month.", "keeps logs"),
    ("Permissions are «dictated» by the owner of the workspace.", "speech"),
    ("Reads notes aloud with «local TTS» by a small voice.", "deceive or offend"),
    ("A phone is paired when its user «scans a QR code».", "monitors systems"),
    ("Notes arrange themselves in a «self-driving» timeline.", "steers devices"),
)

"""Sentences that do describe the product, with marked words that mean something else elsewhere, and what the draft must
not conclude from them: a sign of a capability, a title, a kind of part, a part of a factor."""


def made_of(draft: Draft, quote: str) -> str:
    """Return everything that rests on a sentence: capabilities, threat titles, kinds of parts and parts of factors."""
    marks = {evidence.id for evidence in draft.evidence if quote in evidence.quote}
    picture = draft.system
    found = [f"{c.signal} {c.mode}" for c in picture.capabilities if marks & set(c.evidence)]
    found += [i.kind for i in (*picture.actors, *picture.components, *picture.stores) if marks & set(i.evidence)]
    found += [t.title for layer in draft.layers.values() for t in layer.threats if marks & set(t.evidence)]
    found += [p.label for estimate in draft.factors.values() for p in estimate.parts if p.evidence in marks]
    return "; ".join(found)


@pytest.mark.parametrize(("words", "never"), LITERAL)
def test_a_word_with_two_meanings_is_read_in_its_sentence(words: str, never: str) -> None:
    text, quote = marked(words)
    assert never not in made_of(read(f"## Features\n\n{text}"), quote)
