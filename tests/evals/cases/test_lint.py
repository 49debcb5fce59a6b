"""The complaints of the corpus linter."""

import pytest

from agent.resources import data_folder
from evals.cases.case import Case, Labels, Page, Readings
from evals.cases.corpus import load_case, load_cases
from evals.cases.lint import lint, lint_bundled

CORPUS = data_folder("corpus")
GOOD = load_case(CORPUS / "cases" / "dbhub")


@pytest.mark.slow
def test_the_bundled_corpus_has_no_fault() -> None:
    assert lint_bundled(CORPUS, load_cases(CORPUS / "cases")) == ()


def listing(text: str, one: Case = GOOD) -> Case:
    page = Page(title=one.listing.title, markdown=one.listing.markdown + text)
    return one.model_copy(update={"listing": page})


def value(found: float) -> Case:
    reader = GOOD.labels.reader
    assert reader is not None
    cell = reader.factors["autonomy_of_action"].model_copy(update={"value": found})
    factors = {**reader.factors, "autonomy_of_action": cell}
    labels = GOOD.labels.model_copy(update={"reader": reader.model_copy(update={"factors": factors})})
    return GOOD.model_copy(update={"labels": labels})


def read(*card: dict[str, str]) -> Case:
    return GOOD.model_copy(update={"readings": Readings.model_validate({"card": card})})


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (listing("\n\nIts AIVSS score is 7.9.\n"), "its text uses a term from the labels: 'AIVSS'"),
        (listing("\n\ndynamic_tool_use is high.\n"), "its text uses a term from the labels: 'dynamic_tool_use'"),
        (
            listing(f"\n\n{GOOD.labels.reader and GOOD.labels.reader.headline}\n"),
            "its text contains the reader's headline",
        ),
        (value(0.333), "the value of autonomy_of_action is not on a grid of 0.05: 0.333"),
        (
            read(*[{"data_operations": "words not there"}] * 2),
            "reading 1 of the card: the words for data_operations are",
        ),
        (read({"data_operations": "DBHub"}, {}), "the readings of its card differ and no third reading settles them"),
        (GOOD.model_copy(update={"labels_version": 9}), "labels version 9 is unknown"),
        (GOOD.model_copy(update={"labels": Labels()}), "no labels"),
    ],
    ids=range(8),
)
def test_a_fault_is_named(case: Case, said: str) -> None:
    assert lint([GOOD]) == ()
    found = lint([case])
    assert any(said in line for line in found), found
    assert all(line.startswith("dbhub: ") for line in found)


def test_a_listing_that_is_nearly_another_is_a_doublet() -> None:
    near = listing("\n\nOne more sentence.\n").model_copy(update={"slug": "dbhub-again"})
    assert lint([GOOD, near]) == ("dbhub-again: nearly the same listing as dbhub",)
