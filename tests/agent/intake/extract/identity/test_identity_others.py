"""Several products on one page: which one the page is about, and what of it is about the others. All are invented."""

import pytest

from agent.intake import read
from agent.settings import Settings

NOW = "2026-11-01T00:00:00Z"
OWN = "Quillfish reads the tickets of a helpdesk and drafts an answer to each of them."


def about(tmp_path, text, product=None, name="README.md"):
    """The intake, and its listing's text by what it is about."""
    place = tmp_path / name
    place.write_text(text)
    intake = read([str(place)], Settings(), now=NOW, product=product).intake
    first = intake.documents[0]
    texts = {"product": "", "other": "", "platform": ""}
    for section in first.sections:
        texts[section.about] += first.text[section.start : section.end]
    return intake, texts


BOX = (
    "> **Quillfish Cloud** is a hosted version that keeps every ticket for a year.\n",
    "Quillfish Cloud runs the same agent on servers of the vendor.\n",
    "Looking for a hosted version? Try Quillfish Cloud, which stores tickets in Ohio.\n",
    "## Quillfish Cloud\n\nIt stores tickets in Ohio and trains on them.\n",
    "- **Quillfish Enterprise**: adds single sign-on and an audit log.\n",
)


@pytest.mark.parametrize("box", BOX)
def test_the_hosted_sibling_is_the_vendors_platform(box, tmp_path):
    intake, texts = about(tmp_path, f"# Quillfish\n\n{OWN}\n\n{box}\n## Tools\n\nQuillfish deletes spam tickets.\n")
    assert intake.product == "Quillfish"
    last = box.strip().split("\n")[-1].strip("> -").replace("**", "")
    assert last in texts["platform"]
    assert "drafts an answer" in texts["product"]
    assert "deletes spam" in texts["product"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Quillfish is the successor to Squidley. Squidley is gone.\n\nSquidley wrote to every mailbox.", None),
        ("This replaces our tool, superseded by Inkbot.\n\nInkbot sends mail on its own.", "Inkbot sends mail"),
        ("Unlike Octoclerk, it asks first.\n\nOctoclerk is known to delete tickets unasked.", "delete tickets unasked"),
        (
            "[Inkpad](https://github.com/inkworks/inkpad) is ours too.\n\nInkpad is an editor that publishes pages.",
            "publishes pages",
        ),
        (
            "Compared to Octoclerk it is small.\n\n## Octoclerk\n\nIt deletes tickets unasked.",
            "deletes tickets unasked",
        ),
    ],
)
def test_what_has_another_product_for_its_subject_is_about_another(line, said, tmp_path):
    own = "[a](https://github.com/inkworks/quillfish/issues) [b](https://github.com/inkworks/quillfish/wiki)"
    _, texts = about(tmp_path, f"# Quillfish\n\n{OWN}\n\n{own}\n\n{line}\n\n## Limits\n\nQuillfish stops at ninety.\n")
    if said:
        assert said in texts["other"]
    assert "drafts an answer" in texts["product"]
    assert "stops at ninety" in texts["product"]


@pytest.mark.parametrize(
    "heading",
    [
        "Comparison with other tools",
        "How does it compare?",
        "Quillfish vs. Octoclerk",
        "Other projects",
        "Our other products",
        "Related projects",
        "Alternatives",
        "相关项目",
        "関連プロジェクト",
        "Verwandte Projekte",
        "Proyectos relacionados",
        "Projets liés",
        "관련 프로젝트",
    ],
)
def test_sections_about_others_are_about_others(heading, tmp_path):
    text = f"# Quillfish\n\n{OWN}\n\n## {heading}\n\nOctoclerk deletes tickets.\n\n## Limits\n\nIt stops at ninety.\n"
    _, texts = about(tmp_path, text)
    assert "Octoclerk deletes" in texts["other"]
    assert "stops at ninety" in texts["product"]


@pytest.mark.parametrize(
    "own",
    [
        "Quillfish MCP Server deletes spam tickets.",
        "The server deletes spam tickets.",
        "Our quillfish command deletes spam tickets.",
        "It works with Octoclerk and deletes spam tickets.",
    ],
)
def test_what_is_about_the_product_stays(own, tmp_path):
    text = f"# Quillfish MCP Server\n\n{OWN}\n\nUnlike Octoclerk, it asks first.\n\n{own}\n"
    _, texts = about(tmp_path, text)
    assert "deletes spam" in texts["product"]


def test_what_the_product_does_stays_its_own_in_a_comparison(tmp_path):
    text = (
        f"# Quillfish\n\n{OWN}\n\n## Quillfish vs. Octoclerk\n\nOctoclerk deletes tickets unasked.\n\n"
        "Quillfish is asked before it deletes a ticket.\n"
    )
    _, texts = about(tmp_path, text)
    assert "unasked" in texts["other"]
    assert "asked before" in texts["product"]


TWO = (
    f"# Quillfish\n\n{OWN}\n\n## Features\n\nQuillfish deletes spam tickets at night.\n\n## Inkpad\n\n"
    "An editor for the whole team. It publishes pages to the web.\n\n### Storage\n\nPages are kept for ever.\n\n"
    "## Limits\n\nAt most ninety tickets in an hour.\n"
)


def test_the_named_product_decides_what_is_about_it(tmp_path):
    intake, texts = about(tmp_path, TWO, product="Inkpad")
    assert intake.product == "Inkpad"
    assert "publishes pages" in texts["product"]
    assert "kept for ever" in texts["product"]
    for others in ("deletes spam", "drafts an answer", "ninety tickets"):
        assert others in texts["other"]


def test_cards_without_headings_are_told_apart(tmp_path):
    text = (
        f"# Quillfish\n\n{OWN}\n\n**Inkpad**\n\nPublishes pages to the web of the whole company.\n\n**Quillfish**\n\n"
        "Deletes spam tickets at night.\n"
    )
    _, texts = about(tmp_path, text, product="inkpad")
    assert "Publishes pages" in texts["product"]
    assert "Deletes spam" in texts["other"]


def test_boxes_of_a_web_page_are_told_apart(tmp_path):
    text = (
        f"<html><head><title>Inkworks</title></head><body><main><h1>Inkworks</h1><p>Inkworks makes tools.</p>"
        f"<div class=box><h3>Quillfish</h3><p>{OWN}</p></div><div class=box><h3>Inkpad</h3><p>Inkpad publishes pages "
        "to the web of the whole company.</p></div></main></body></html>"
    )
    _, texts = about(tmp_path, text, product="Inkpad", name="page.html")
    assert "publishes pages" in texts["product"]
    assert "drafts an answer" in texts["other"]
    _, texts = about(tmp_path, text, product="Quillfish", name="page.html")
    assert "drafts an answer" in texts["product"]
    assert "publishes pages" in texts["other"]


def test_a_sentence_about_the_named_product_is_found_among_the_others(tmp_path):
    text = (
        f"# Quillfish\n\n{OWN} It is small.\n\nInkpad publishes pages to the web.\n\nQuillfish deletes spam tickets.\n"
    )
    _, texts = about(tmp_path, text, product="Inkpad")
    assert "publishes pages" in texts["product"]
    assert "deletes spam" in texts["other"]


@pytest.mark.parametrize(
    "label", ["Quillfish", "Quillfish MCP", "quillfish-mcp-server", "Helpdesk Helper", "Quillfish Agent"]
)
def test_another_name_for_the_pages_product_is_a_label(label, tmp_path):
    text = f"# Quillfish MCP Server\n\n{OWN}\n\nThe Quillfish Agent deletes spam tickets.\n"
    intake, texts = about(tmp_path, text, product=label)
    assert intake.product == label
    assert "deletes spam" in texts["product"]
    assert texts["other"] == ""
