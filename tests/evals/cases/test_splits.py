"""Vendors that may be looked at and vendors that are only measured: fixed as data, reported and gated apart."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from agent.errors import InputError
from agent.resources import data_folder
from evals import readme
from evals.cases.case import Case, Labels, Page
from evals.cases.corpus import load_cases
from evals.cases.families import Identity, families
from evals.cases.splits import (
    Split,
    Splits,
    complaints,
    dump,
    extended,
    load_splits,
    read_splits,
    split_of,
    split_of_product,
)
from evals.gate.baseline import accept
from evals.gate.directions import gap
from evals.gate.replayed import judge
from evals.metrics.results import CaseResult, Evaluation
from evals.metrics.summary import summarise
from evals.report.tables import tables
from tests.fakes.evals.measured import case

BUNDLED = load_cases(data_folder("corpus") / "cases")


def product(slug: str, name: str, vendor: str | None) -> Case:
    page = Page(title=name, markdown=f"# {name}\n")
    return Case(
        slug=slug, name=name, vendor=vendor, category="other", sources=(), example=False, labels_version=1,
        listing=page, docs=(), labels=Labels(),
    )  # fmt: skip


def splits(train: Sequence[str], dev: Sequence[str]) -> Splits:
    return Splits(train=tuple(train), dev=tuple(dev), real_dev=("a-reading",))


def test_the_bundled_split_has_no_complaint_and_is_about_two_to_one() -> None:
    known = load_splits()
    assert tuple(complaints(known, BUNDLED)) == ()
    assert 0.25 <= len(known.dev) / len(BUNDLED) <= 0.4
    labels = families([Identity(one.name, one.vendor) for one in BUNDLED])
    sides = {(family, split_of(one)) for family, one in zip(labels, BUNDLED, strict=True)}
    assert len(sides) == len(set(labels))


def test_the_product_of_the_example_page_is_only_measured() -> None:
    (one,) = [case for case in BUNDLED if case.slug == "workos"]
    assert split_of(one) == "dev"


def test_real_products_with_a_reading_are_only_measured() -> None:
    known = splits(["x"], ["y"])
    assert (split_of_product("a-reading", known), split_of_product("another", known)) == ("dev", "train")
    assert len(load_splits().real_dev) == 30


def test_written_and_read_again_it_is_the_same(tmp_path: Path) -> None:
    known = load_splits()
    path = tmp_path / "splits.yaml"
    path.write_text(dump(known), "utf-8")
    assert read_splits(path) == known
    path.write_text("train: [a]\ndev: [b]\n", "utf-8")
    with pytest.raises(InputError, match="real_dev"):
        read_splits(path)


names = st.lists(st.sampled_from(["Quillet", "Osterly", "Brackwater", "Fennimore", "Halvard"]), min_size=1, unique=True)


@given(names, st.integers(0, 4))
def test_adding_cases_moves_none_and_the_order_does_not_matter(found: list[str], at: int) -> None:
    cases = [product(name.lower(), name, name) for name in found]
    first = extended(splits((), ()), cases[: at + 1])
    both = extended(first, cases)
    assert set(first.train) <= set(both.train)
    assert set(first.dev) <= set(both.dev)
    assert extended(splits((), ()), cases[::-1]) == extended(splits((), ()), cases)
    assert extended(both, cases) == both


@pytest.mark.parametrize("side", ["train", "dev"])
def test_a_new_case_goes_with_its_vendor(side: Split) -> None:
    old = [product(f"osterly-{n}", f"Osterly tool {n}", "Osterly") for n in range(3)]
    known = splits([one.slug for one in old], ()) if side == "train" else splits((), [one.slug for one in old])
    after = extended(known, [*old, product("new", "Osterly search", "Osterly")])
    assert "new" in after.of(side)


def test_complaints_name_what_is_wrong() -> None:
    cases = [product("a", "Quillet one", "Quillet"), product("b", "Quillet two", "Quillet"), product("c", "Fen", "Fen")]
    said = " | ".join(complaints(splits(["a", "gone"], ["b"]), cases))
    assert "c is in neither" in said
    assert "gone is no case" in said
    assert "quillet is on both sides" in said
    assert "a is in both" in " | ".join(complaints(splits(["a", "b"], ["a", "c"]), cases))
    assert "two to one" in " | ".join(complaints(splits(["a", "b", "c"], []), cases))


# ---------------------------------------------------------------- reports and gate


def measured(slug: str, side: Split, **values: float) -> CaseResult:
    return case(slug, **values).model_copy(update={"split": side})


def run(change: Callable[[CaseResult], CaseResult] = lambda one: one) -> Evaluation:
    results = [measured(f"t{n}", "train") for n in range(4)] + [measured(f"d{n}", "dev", value=0.6) for n in range(2)]
    return summarise([change(one) for one in results], drafter="embedded", patterns=())


def test_each_side_has_its_own_figures() -> None:
    done = run()
    assert done.splits["train"]["factor_mae_published"] == pytest.approx(0.1)
    assert done.splits["dev"]["factor_mae_published"] == pytest.approx(0.2)
    assert done.metrics["factor_mae_published"] == pytest.approx(0.133333)
    assert done.splits["dev"].keys() == done.metrics.keys()


def test_without_a_split_there_are_no_such_figures() -> None:
    assert summarise([case("a"), measured("b", "dev")], drafter="embedded", patterns=()).splits == {}
    assert summarise([measured("b", "dev")], drafter="embedded", patterns=()).splits == {}


def test_the_report_sets_the_sides_against_each_other() -> None:
    table = tables(run())[0]
    (row,) = [row for row in table.rows if row[0] == "factor_mae_published"]
    assert row == ("factor_mae_published", "0.100", "0.200", "+100 %")


@pytest.mark.parametrize(
    ("name", "train", "dev", "wide"),
    [("factor_error", 0.1, 0.12, 0.2), ("flag_f1_reader", 0.8, 0.6, 0.25), ("flag_f1_reader", 0.5, 0.6, -0.2)],
)
def test_the_gap_is_a_share_of_the_value_of_those_looked_at(name: str, train: float, dev: float, wide: float) -> None:
    assert gap(name, train, dev) == pytest.approx(wide)
    assert gap(name, None, dev) is None
    assert gap(name, 0.0, dev) is None


def moved(side: Split) -> Callable[[CaseResult], CaseResult]:
    def change(one: CaseResult) -> CaseResult:
        if one.split != side:
            return one
        cells = {
            key: cell.model_copy(update={"value": round((cell.value or 0) + 0.05, 6)})
            for key, cell in one.factors.items()
        }
        return one.model_copy(update={"factors": cells})

    return change


@pytest.mark.parametrize(("side", "first"), [("dev", "d"), ("train", "t")])
def test_a_side_that_became_worse_is_named_with_its_cases(side: Split, first: str) -> None:
    before = accept(None, run(), on="2026-11-28", reason="as it is")
    verdict = judge(run(moved(side)), before)
    found = {finding.metric: finding.cases for finding in verdict.findings}
    other = "train" if side == "dev" else "dev"
    assert all(slug.startswith(first) for slug in found[f"{side}/factor_mae_published"])
    assert not any(name.startswith(f"{other}/") for name in found)


def test_a_baseline_from_before_the_split_is_compared_by_the_split_of_today() -> None:
    old = run(lambda one: one.model_copy(update={"split": None}))
    assert old.splits == {}
    verdict = judge(run(moved("dev")), accept(None, old, on="2026-11-28", reason="earlier"))
    assert "dev/factor_mae_published" in {finding.metric for finding in verdict.findings}


def test_a_wide_gap_is_noted_and_fails_nothing() -> None:
    verdict = judge(run(), accept(None, run(), on="2026-11-28", reason="as it is"))
    assert verdict.outcome == "pass"
    assert (
        "factor_mae_published is 100% worse for vendors that nobody looked at: 0.2000 against 0.1000" in verdict.notes
    )


def test_readme_speaks_of_vendors_nobody_looked_at_once_there_are_figures() -> None:
    found = {"cases": 226.0, **dict.fromkeys(readme.KEPT, 0.111)}
    assert "nobody" not in readme.errors(found)
    both = found | {"dev/cases": 68.0, "train/cases": 158.0}
    both |= {f"dev/{name}": 0.222 for name in readme.KEPT} | {f"train/{name}": 0.333 for name in readme.KEPT}
    said = readme.errors(both)
    assert "| **septet**, vendors nobody looked at | 0.222 | 0.222 | 0.22 |" in said
    assert "| septet, vendors that were looked at | 0.333 |" in said
    assert "68 of the 226" in said
