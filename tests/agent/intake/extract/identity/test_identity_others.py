"""Several products on one page: which one the page is about, and which text is about the others. All are invented."""

import pytest

from agent.intake.capture import read_remembered
from agent.settings import Settings

NOW = "2026-11-01T00:00:00Z"
OWN = "Quillfish reads the tickets of a helpdesk and drafts an answer to each of them."
SERVER = "Quillfish MCP Server"
LIMITS = "## Limits\n\nQuillfish stops at ninety.\n"


@pytest.fixture
def about(tmp_path):
    """Read a page, and return the product's name and the listing's text by subject."""

    def read_page(text, product=None, title="Quillfish"):
        place = tmp_path / ("page.html" if text.startswith("<html") else "README.md")
        place.write_text(text if text.startswith("<html") else f"# {title}\n\n{OWN}{text}")
        intake = read_remembered([str(place)], Settings(), now=NOW, product=product).result.intake
        first = intake.documents[0]
        texts = {"product": "", "other": "", "platform": ""}
        for section in first.sections:
            texts[section.about] += first.text[section.start : section.end]
        return intake.product, texts

    return read_page


@pytest.mark.parametrize(
    "box",
    [
        "> **Quillfish Cloud** is a hosted version that keeps every ticket for a year.\n",
        "Quillfish Cloud runs the same agent on servers of the vendor.\n",
        "Looking for a hosted version? Try Quillfish Cloud, which stores tickets in Ohio.\n",
        "## Quillfish Cloud\n\nIt stores tickets in Ohio and trains on them.\n",
        "- **Quillfish Enterprise**: adds single sign-on and an audit log.\n",
    ],
)
def test_the_hosted_sibling_is_the_vendors_platform(box, about):
    product, texts = about(f"\n\n{box}\n## Tools\n\nQuillfish deletes spam tickets.\n")
    assert product == "Quillfish"
    assert box.strip().split("\n")[-1].strip("> -").replace("**", "") in texts["platform"]
    assert "drafts an answer" in texts["product"]
    assert "deletes spam" in texts["product"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Quillfish is the successor to Squidley. Squidley is gone.\n\nSquidley wrote to every mailbox.", ""),
        ("This replaces our tool, superseded by Inkbot.\n\nInkbot sends mail on its own.", "Inkbot sends mail"),
        ("Unlike Octoclerk, it asks first.\n\nOctoclerk is known to delete tickets unasked.", "delete tickets unasked"),
        (
            "[Inkpad](https://github.com/inkworks/inkpad) is ours too.\n\nInkpad is an editor of pages.",
            "editor of pages",
        ),
        (
            "Compared to Octoclerk it is small.\n\n## Octoclerk\n\nIt deletes tickets unasked.",
            "deletes tickets unasked",
        ),
        *(
            (f"## {heading}\n\nOctoclerk deletes tickets.\n", "Octoclerk deletes")
            for heading in (
                *("Comparison with other tools", "How does it compare?", "Quillfish vs. Octoclerk", "Other projects"),
                *("Our other products", "Related projects", "Alternatives", "相关项目", "関連プロジェクト"),
                *("Verwandte Projekte", "Proyectos relacionados", "Projets liés", "관련 프로젝트"),
            )
        ),
    ],
)
def test_what_has_another_product_for_its_subject_is_about_another(line, said, about):
    own = "[a](https://github.com/inkworks/quillfish/issues) [b](https://github.com/inkworks/quillfish/wiki)"
    _, texts = about(f"\n\n{own}\n\n{line}\n\n{LIMITS}")
    assert said in texts["other"]
    assert "drafts an answer" in texts["product"]
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
def test_what_is_about_the_product_stays(own, about):
    _, texts = about(f"\n\nUnlike Octoclerk, it asks first.\n\n{own}\n", title=SERVER)
    assert "deletes spam" in texts["product"]


def test_what_the_product_does_stays_its_own_in_a_comparison(about):
    _, texts = about(
        "\n\n## Quillfish vs. Octoclerk\n\nOctoclerk deletes tickets unasked.\n\n"
        "Quillfish is asked before it deletes a ticket.\n"
    )
    assert "unasked" in texts["other"]
    assert "asked before" in texts["product"]


SECTIONS = (
    "\n\n## Features\n\nQuillfish deletes spam tickets at night.\n\n## Inkpad\n\n"
    "An editor for the whole team. It publishes pages to the web.\n\n### Storage\n\nPages are kept for ever.\n\n"
    "## Limits\n\nAt most ninety tickets in an hour.\n"
)
CARDS = (
    "\n\n**Inkpad**\n\nPublishes pages to the web of the whole company.\n\n**Quillfish**\n\n"
    "Deletes spam tickets at night.\n"
)
SENTENCE = " It is small.\n\nInkpad publishes pages to the web.\n\nQuillfish deletes spam tickets.\n"
BOXES = (
    f"<html><head><title>Inkworks</title></head><body><main><h1>Inkworks</h1><p>Inkworks makes tools.</p>"
    f"<div class=box><h3>Quillfish</h3><p>{OWN}</p></div><div class=box><h3>Inkpad</h3><p>Inkpad publishes pages "
    "to the web of the whole company.</p></div></main></body></html>"
)


@pytest.mark.parametrize(
    ("text", "product", "own", "others"),
    [
        (
            SECTIONS,
            "Inkpad",
            ("publishes pages", "kept for ever"),
            ("deletes spam", "drafts an answer", "ninety tickets"),
        ),
        (CARDS, "inkpad", ("Publishes pages",), ("Deletes spam",)),
        (SENTENCE, "Inkpad", ("publishes pages",), ("deletes spam",)),
        (BOXES, "Inkpad", ("publishes pages",), ("drafts an answer",)),
        (BOXES, "Quillfish", ("drafts an answer",), ("publishes pages",)),
    ],
)
def test_the_named_product_decides_what_is_about_it(text, product, own, others, about):
    named, texts = about(text, product)
    assert named == product
    assert [said for said in own if said not in texts["product"]] == []
    assert [said for said in others if said not in texts["other"]] == []


@pytest.mark.parametrize(
    "label", ["Quillfish", "Quillfish MCP", "quillfish-mcp-server", "Helpdesk Helper", "Quillfish Agent"]
)
def test_another_name_for_the_pages_product_is_a_label(label, about):
    product, texts = about("\n\nThe Quillfish Agent deletes spam tickets.\n", label, SERVER)
    assert product == label
    assert "deletes spam" in texts["product"]
    assert texts["other"] == ""
