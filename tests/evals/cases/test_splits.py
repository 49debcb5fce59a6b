"""Train vendors and held-out vendors: fixed as data, and reported and gated separately."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from agent.errors import InputError
from agent.resources import data_folder
from evals import readme
from evals.cases.corpus import load_cases
from evals.cases.families import families
from evals.cases.splits import Split, Splits, complaints, dump, extended, load_splits, read_splits, split_of
from evals.gate.baseline import accept
from evals.gate.directions import gap
from evals.gate.replayed import judge
from evals.metrics.results import CaseResult, Evaluation, FactorCell
from evals.metrics.summary import summarise
from evals.report.tables import tables
from tests.fakes.evals.evaluation import case, product

BUNDLED = load_cases(data_folder("corpus") / "cases")


def splits(train: Sequence[str], dev: Sequence[str]) -> Splits:
    return Splits(train=tuple(train), dev=tuple(dev), real_dev=("a-reading",))


def test_the_bundled_split_has_no_complaint_and_is_about_two_to_one() -> None:
    known = load_splits()
    assert tuple(complaints(known, BUNDLED)) == ()
    assert 0.25 <= len(known.dev) / len(BUNDLED) <= 0.4
    labels = families([one.identity for one in BUNDLED])
    sides = {(family, split_of(one)) for family, one in zip(labels, BUNDLED, strict=True)}
    assert len(sides) == len(set(labels))
    (example,) = [one for one in BUNDLED if one.example]
    assert split_of(example) == "dev", "the product of the example page is only measured"
    assert len(known.real_dev) == 30


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
    assert "gone is not a case" in said
    assert "quillet is on both sides" in said
    assert "a is in both" in " | ".join(complaints(splits(["a", "b"], ["a", "c"]), cases))
    assert "two to one" in " | ".join(complaints(splits(["a", "b", "c"], []), cases))


# ---------------------------------------------------------------- reports and gate


def run(by: dict[Split, float] | None = None, **update: object) -> Evaluation:
    """Return six cases, two of them held out; `by` shifts the factors of one side."""
    found: list[CaseResult] = []
    sides: tuple[tuple[Split, int, float], ...] = (("train", 4, 0.5), ("dev", 2, 0.6))
    for side, count, value in sides:
        moved = round(value + (by or {}).get(side, 0), 6)
        cell = FactorCell(value=moved, low=value - 0.2, high=value + 0.2, state="claimed", published=0.4, reader=0.7)
        for n in range(count):
            slug = f"{side[0]}{n}"
            found.append(case(slug, **{"split": side, "factors": dict.fromkeys(case(slug).factors, cell)} | update))
    return summarise(found, drafter="embedded", patterns=())


def test_each_side_has_its_own_figures_and_the_report_sets_them_against_each_other() -> None:
    done = run()
    assert done.splits["train"]["factor_mae_published"] == pytest.approx(0.1)
    assert done.splits["dev"]["factor_mae_published"] == pytest.approx(0.2)
    assert done.metrics["factor_mae_published"] == pytest.approx(0.133333)
    assert done.splits["dev"].keys() == done.metrics.keys()
    assert ("factor_mae_published", "0.100", "0.200", "+100 %") in tables(done)[0].rows
    for some in ([case("a"), case("b", split="dev")], [case("b", split="dev")]):
        assert summarise(some, drafter="embedded", patterns=()).splits == {}


@pytest.mark.parametrize(
    ("name", "train", "dev", "wide"),
    [("factor_error", 0.1, 0.12, 0.2), ("flag_f1_reader", 0.8, 0.6, 0.25), ("flag_f1_reader", 0.5, 0.6, -0.2)],
)
def test_the_gap_is_a_share_of_the_value_of_those_looked_at(name: str, train: float, dev: float, wide: float) -> None:
    assert gap(name, train, dev) == pytest.approx(wide)
    assert gap(name, None, dev) is None
    assert gap(name, 0.0, dev) is None


@pytest.mark.parametrize(("side", "other"), [("dev", "train"), ("train", "dev")])
def test_a_side_that_became_worse_is_named_with_its_cases(side: Split, other: Split) -> None:
    before = accept(None, run(), on="2026-11-28", reason="as it is")
    verdict = judge(run({side: 0.05}), before)
    found = {finding.metric: finding.cases for finding in verdict.findings}
    assert all(slug.startswith(side[0]) for slug in found[f"{side}/factor_mae_published"])
    assert not any(name.startswith(f"{other}/") for name in found)


def test_a_baseline_from_before_the_split_is_compared_by_the_split_of_today() -> None:
    old = run(split=None)
    assert old.splits == {}
    verdict = judge(run({"dev": 0.05}), accept(None, old, on="2026-11-28", reason="earlier"))
    assert "dev/factor_mae_published" in {finding.metric for finding in verdict.findings}


def test_a_wide_gap_is_noted_and_fails_nothing() -> None:
    verdict = judge(run(), accept(None, run(), on="2026-11-28", reason="as it is"))
    assert verdict.outcome == "pass"
    said = "factor_mae_published is 100% worse for held-out vendors: 0.2000 against 0.1000"
    assert said in verdict.notes


def test_readme_names_held_out_vendors() -> None:
    found = {"cases": 226.0, **dict.fromkeys(readme.KEPT, 0.111), "dev/cases": 68.0, "train/cases": 158.0}
    found |= {f"dev/{name}": 0.222 for name in readme.KEPT} | {f"train/{name}": 0.333 for name in readme.KEPT}
    said = readme.errors(found)
    assert "| **septet**, held-out vendors | 0.222 | 0.222 | 0.22 |" in said
    assert "| septet, vendors read during development | 0.333 |" in said
    assert "68 of the 226" in said
