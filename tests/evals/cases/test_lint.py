"""What the linter of the corpus complains about."""

from collections.abc import Callable

import pytest

from agent.resources import data_folder
from evals.cases.case import Case, Page, Readings
from evals.cases.corpus import load_case, load_cases
from evals.cases.lint import lint, lint_bundled

CORPUS = data_folder("corpus")
GOOD = load_case(CORPUS / "cases" / "dbhub")


@pytest.mark.slow
def test_the_bundled_corpus_has_no_fault() -> None:
    assert lint_bundled(CORPUS, load_cases(CORPUS / "cases")) == ()


def listing(text: str) -> Callable[[Case], Case]:
    def change(one: Case) -> Case:
        page = Page(title=one.listing.title, markdown=one.listing.markdown + text)
        return one.model_copy(update={"listing": page})

    return change


def value(one: Case) -> Case:
    reader = one.labels.reader
    assert reader is not None
    key = "autonomy_of_action"
    cell = reader.factors[key].model_copy(update={"value": 0.333})
    factors = {**reader.factors, key: cell}
    labels = one.labels.model_copy(update={"reader": reader.model_copy(update={"factors": factors})})
    return one.model_copy(update={"labels": labels})


def headline(one: Case) -> Case:
    assert one.labels.reader is not None
    return listing(f"\n\n{one.labels.reader.headline}\n")(one)


def reading(one: Case) -> Case:
    words = {"data_operations": "words that are not there"}
    made = Readings.model_validate({"card": [words, words]})
    return one.model_copy(update={"readings": made})


def unsettled(one: Case) -> Case:
    return one.model_copy(update={"readings": Readings.model_validate({"card": [{"data_operations": "DBHub"}, {}]})})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (listing("\n\nIts AIVSS score is 7.9.\n"), "its text speaks the labels' language: 'AIVSS'"),
        (listing("\n\ndynamic_tool_use is high.\n"), "its text speaks the labels' language: 'dynamic_tool_use'"),
        (headline, "its text has the reader's headline"),
        (value, "the value of autonomy_of_action is not on a grid of 0.05: 0.333"),
        (reading, "reading 1 of the card: the words for data_operations are not on it"),
        (unsettled, "the readings of its card differ and nobody settled it"),
        (lambda one: one.model_copy(update={"labels_version": 9}), "labels version 9 is not known"),
        (lambda one: one.model_copy(update={"labels": type(one.labels)()}), "no labels"),
    ],
)
def test_a_fault_is_named(change: Callable[[Case], Case], said: str) -> None:
    assert lint([GOOD]) == ()
    found = lint([change(GOOD)])
    assert any(said in line for line in found), found
    assert all(line.startswith("dbhub: ") for line in found)


def test_a_listing_that_is_nearly_another_is_a_doublet() -> None:
    near = listing("\n\nOne more sentence.\n")(GOOD).model_copy(update={"slug": "dbhub-again"})
    assert lint([GOOD, near]) == ("dbhub-again: nearly the same listing as dbhub",)
