"""Labelled products that are shown as examples: like the subject, and never a relative of it."""

from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from agent.drafting_old.exemplars import SUMMARY_CHARS, Exemplar, bundled, nearest
from agent.drafting_old.families import Identity, same_family
from agent.errors import SchemaError
from agent.evidence.claims import bearing
from agent.evidence.reading import Reading
from agent.evidence.statements import statements
from agent.resources import data_folder
from agent.taxonomy.keys import FACTOR_SETS
from evals.cases import Case
from evals.corpus import load_case
from evals.documents import documents_of

CASES = data_folder("corpus") / "cases"
SLUGS = (
    "abridge",
    "ag2",
    "ai-coloring-pages",
    "asana",
    "firecrawl-mcp",
    "mysql-mcp-kevinwatt",
    "okta-mcp-server",
    "vapi",
)
FACTORS = FACTOR_SETS["0.5"]


def opened(case: Case) -> Reading:
    """The reading as far as examples need it: statements, no vectors."""
    documents = documents_of(case)
    found = bearing(statements(documents))
    return Reading(documents, found, np.zeros((len(found), 256), dtype=np.float32), {}, {})


def exemplar(slug: str, name: str, vendor: str | None, summary: str) -> Exemplar:
    return Exemplar(slug, Identity(name, vendor), summary, MappingProxyType(dict.fromkeys(FACTORS, 0.5)))


@pytest.mark.parametrize("slug", SLUGS)
def test_no_example_is_of_the_subjects_family(slug: str) -> None:
    case = load_case(CASES / slug)
    subject = Identity(case.name, case.vendor)
    found = nearest(opened(case), subject, count=30)
    assert len(found) == 30
    assert slug not in {e.slug for e in found}
    assert not any(same_family(e.who, subject) for e in found)
    assert found[:3] == nearest(opened(case), subject)


def test_a_relative_is_left_out_even_when_the_subject_does_not_say_who_makes_it() -> None:
    """The drafter often knows no vendor; then the text of the subject decides."""
    case = load_case(CASES / "firecrawl-mcp")
    text = " ".join(page.markdown for page in case.pages).casefold()
    found = nearest(opened(case), Identity("A scraping server"), count=200)
    assert "firecrawl" in text
    assert not {"firecrawl-mcp"} & {e.slug for e in found}


def test_the_nearest_labels_are_better_than_the_mean_of_all() -> None:
    labels = {e.slug: np.array([e.factors[key] for key in FACTORS]) for e in bundled()}
    middle = np.mean(list(labels.values()), axis=0)
    near, far = [], []
    for slug in SLUGS:
        case = load_case(CASES / slug)
        found = nearest(opened(case), Identity(case.name, case.vendor))
        near.append(np.abs(np.mean([labels[e.slug] for e in found], axis=0) - labels[slug]).mean())
        far.append(np.abs(middle - labels[slug]).mean())
    assert np.mean(near) <= 0.8 * np.mean(far)


def test_the_likest_comes_first_and_a_tie_goes_by_slug() -> None:
    known = (
        exemplar("zeta", "Zeta", None, "It sings songs and paints pictures for children."),
        exemplar("beta", "Beta", None, "An MCP server that runs SQL queries against a MySQL database."),
        exemplar("alpha", "Alpha", None, "An MCP server that runs SQL queries against a MySQL database."),
    )
    subject = opened(load_case(CASES / "mysql-mcp-kevinwatt"))
    assert [e.slug for e in nearest(subject, Identity("Nobody's"), exemplars=known)] == ["alpha", "beta", "zeta"]
    assert nearest(subject, Identity("Nobody's"), count=0, exemplars=known) == ()
    assert nearest(subject, Identity("Nobody's"), exemplars=()) == ()


def test_bundled_examples_are_short_and_have_every_label() -> None:
    found = bundled()
    assert len(found) > 200
    assert [e.slug for e in found] == sorted(e.slug for e in found)
    for item in found:
        assert 20 < len(item.summary) <= SUMMARY_CHARS
        assert tuple(item.factors) == FACTORS
        assert all(0 <= value <= 1 for value in item.factors.values())


def test_a_case_that_serves_as_an_illustration_is_no_example(tmp_path: Path) -> None:
    source = CASES / "asana"
    for name, example in (("shown", True), ("counted", False)):
        (tmp_path / name).mkdir()
        for file in ("listing.md", "labels.yaml"):
            (tmp_path / name / file).write_bytes((source / file).read_bytes())
        head = (source / "case.yaml").read_text("utf-8") + ("example: true\n" if example else "")
        (tmp_path / name / "case.yaml").write_text(head, "utf-8")
    assert [e.slug for e in bundled(tmp_path)] == ["counted"]


def test_a_damaged_case_is_named(tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "labels.yaml").write_text("reader: [", "utf-8")
    with pytest.raises(SchemaError, match="odd"):
        bundled(tmp_path)
