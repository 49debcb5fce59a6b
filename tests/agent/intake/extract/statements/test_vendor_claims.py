"""Which sentences are marked as the vendor's own claims, and how a page with a forged first heading is named."""

import pytest

from agent.intake.extract.documents import honest_title
from agent.intake.extract.formats.html import read_html
from agent.intake.extract.formats.markdown import read_markdown
from agent.intake.page import Block, Page
from tests.fakes.fact_sources import composed


@pytest.mark.parametrize(
    ("text", "is_marked"),
    [
        *(("SOC 2 certified", True), ("Every action is approved by a person.", True)),
        *(("It cannot delete files.", True), ("- Permissions", False), ("Sandboxed", False)),
        ('{"refund_limit": 50, "approval": "auto"}', False),
        ('```\n{"approval": "required"}\n```', False),
        ("It runs day and night without a person watching.", False),
    ],
)
def test_the_vendors_word_is_marked_and_labels_configuration_and_missing_controls_are_not(
    text: str, is_marked: bool
) -> None:
    made = composed(read_markdown(f"# Acme\n\n{text}\n"))
    excerpts = [finding.excerpt for finding in made.findings if finding.kind == "vendor-claim"]
    assert excerpts == ([text] if is_marked else [])


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
