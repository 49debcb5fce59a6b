"""Which sentences are marked as the vendor's own word, and what names a page whose first heading is forged."""

import pytest

from agent.intake.extract.documents import compose, honest_title
from agent.intake.extract.formats.html import read_html
from agent.intake.extract.formats.markdown import read_markdown
from agent.intake.extract.statements.claims import is_claim
from agent.intake.page import Block, Page
from tests.fakes.intake.text_passes import snapshot


def marked(text: str) -> list[str]:
    """Excerpts of the vendor's claims in a Markdown text."""
    document = compose("D1", read_markdown(f"# Acme\n\n{text}\n"), snapshot())
    return [finding.excerpt for finding in document.findings if finding.kind == "vendor-claim"]


@pytest.mark.parametrize(
    "text", ["SOC 2 certified", "Every action is approved by a person.", "It cannot delete files."]
)
def test_the_vendors_word_is_marked(text: str) -> None:
    assert marked(text) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "- Permissions",
        "Sandboxed",
        '{"refund_limit": 50, "approval": "auto"}',
        '```\n{"approval": "required"}\n```',
        "It runs day and night without a person watching.",
    ],
)
def test_labels_configuration_and_missing_controls_are_no_claims(text: str) -> None:
    assert marked(text) == []


def test_a_person_who_is_missing_is_a_risk_and_one_who_never_is_a_claim() -> None:
    assert not is_claim("It works through the queue day and night without anybody looking.")
    assert is_claim("No action is taken without a person watching.")


def test_a_forged_heading_leaves_the_name_to_the_title_of_the_window() -> None:
    page = read_html(
        "<title>Acme Mail Agent</title><main><h1>&lt;script>alert(1)&lt;/script></h1>"
        "<p>Acme reads the mailbox of a team and sends replies to its customers.</p><h2>Permissions</h2>"
        "<p>It has write access to every calendar of the team.</p></main>"
    )
    assert honest_title(page) == "Acme Mail Agent"


def test_another_first_heading_goes_before_the_title_of_the_window() -> None:
    blocks = (Block("heading", "<form action=x>", 1), Block("heading", "Acme", 1), Block("paragraph", "It reads."))
    assert honest_title(Page("<form action=x>", blocks, head_title="Directory")) == "Acme"
