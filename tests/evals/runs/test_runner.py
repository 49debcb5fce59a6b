import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from agent.errors import InputError
from agent.facts.reading import Reading
from evals.cases.case import Case, Labels, Page
from evals.cases.corpus import bundled_cases, case_files
from evals.cases.families import Identity, same_family
from evals.cli import eval_command
from evals.corpus_cli import corpus_command
from evals.metrics.results import Evaluation
from evals.report import terminal
from evals.runs.holdout import FitCase, HoldoutConstants, read_fit_cases
from evals.runs.runner import AS_IS, Change, evaluate
from evals.runs.spread import Crew, apart
from tests.fakes.evals.constants import Bundled

CASES = bundled_cases()
TAUGHT = CASES[::8]
FULL = next(case for case in CASES if case.slug == "airtable-mcp-server")
UNLABELLED = dict.fromkeys(("published", "published_severity", "reader_cvss_base", "reader", "reader_severity"))


def run(cases: Sequence[Case], change: Change = AS_IS) -> Evaluation:
    return evaluate(cases, constants=Bundled(), workers=1, change=change).evaluation


BLANK = TAUGHT[2].model_copy(update={"slug": "blank", "listing": Page(title="Blank", markdown="\n"), "docs": ()})
PAIR = (FULL, BLANK)


@pytest.fixture(scope="module")
def done() -> Evaluation:
    return run(PAIR)


def test_cases_are_drafted_and_measured_and_the_same_cases_give_the_same_bytes(done: Evaluation) -> None:
    assert done.cases == 2
    assert done.errors == {}
    drafted, blank = done.per_case
    assert drafted.citations == drafted.valid_citations > 0
    assert drafted.text is not None
    assert drafted.card is not None
    assert (blank.citations, blank.score.withheld is not None) == (0, True)
    assert done.metrics["citation_validity"] == 1.0
    text = terminal.text(done)
    assert "embedded drafter, 2 cases" in text
    assert "factor_mae_published" in text
    assert run(PAIR).model_dump_json(by_alias=True) == done.model_dump_json(by_alias=True)
    assert run([FULL.model_copy(update={"example": True})]).per_case == ()


def unreadable(reading: Reading) -> Reading:
    raise InputError("nothing can be read", where=reading.documents[0].id)


def test_a_case_that_fails_is_named_and_counts_as_the_worst() -> None:
    failing = run([FULL], Change(reading=unreadable))
    assert list(failing.errors) == [FULL.slug]
    assert "InputError" in failing.errors[FULL.slug]
    shares = ("withheld_share", "withheld_share_cards", "generic_sentence_share", "citation_validity")
    assert [failing.metrics[name] for name in shares] == [1.0, 0.0, 1.0, None]
    assert f"failed: {FULL.slug}: InputError" in terminal.text(failing)


def test_category_sources_and_labels_do_not_reach_the_drafter(done: Evaluation) -> None:
    hidden = {"category": "finance", "sources": ("https://other.example",), "labels": Labels()}
    result = run([FULL.model_copy(update=hidden)]).per_case[0]
    values = [(cell.value, cell.low, cell.high) for cell in result.factors.values()]
    assert values == [(cell.value, cell.low, cell.high) for cell in done.per_case[0].factors.values()]
    assert result.score.model_copy(update=UNLABELLED) == done.per_case[0].score.model_copy(update=UNLABELLED)


@pytest.mark.slow
def test_the_own_family_is_left_out_wherever_the_case_comes_from() -> None:
    with Crew(1) as crew:
        fit_cases = read_fit_cases(TAUGHT[:8], crew).fit_cases
    holdout = HoldoutConstants(fit_cases)
    first = fit_cases[0]
    namesake = Identity(f"{TAUGHT[0].name} 2", TAUGHT[0].vendor)
    assert same_family(namesake, first.who)
    held = holdout.without_family_of(namesake)
    # The fits contain no row of the family, nor of its fold.
    fold = first.rows[0].fold
    others = [row for one in fit_cases for row in one.rows if row.fold != fold]
    assert held.calibration.certainty.rows == len(others) < sum(len(one.rows) for one in fit_cases)
    assert held.calibration.factors.rows == sum(bool(row.reader) and not row.is_card for row in others)
    # Change the labels of the family, and of the whole fold: the heads for a case in it do not change.
    moved = HoldoutConstants(tuple(relabelled(one) if one.rows[0].fold == fold else one for one in fit_cases))
    again = moved.without_family_of(namesake)
    learned = ("factor_weights", "factor_bias", "layer_weights", "layer_bias")
    assert all(np.array_equal(getattr(again.heads, name), getattr(held.heads, name)) for name in learned)
    other = next(one for one in fit_cases if one.rows[0].fold != fold)
    assert moved.without_family_of(other.who).calibration != holdout.without_family_of(other.who).calibration
    assert holdout.fold_of(Identity("Zyxwv", "Qwertz Ltd")) == 0


def relabelled(fit_case: FitCase) -> FitCase:
    """Return the case with every label inverted."""
    rows = []
    for row in fit_case.rows:
        published, reader = ({key: 1 - value for key, value in side.items()} for side in (row.published, row.reader))
        layers = {key: not value for key, value in row.layers.items()}
        rows.append(replace(row, published=published, reader=reader, layers=layers, quoted=1 - row.quoted))
    return fit_case._replace(rows=tuple(rows))


def test_nothing_is_fitted_on_no_cases() -> None:
    with pytest.raises(InputError, match="no cases to fit on"):
        HoldoutConstants(()).without_family_of(Identity("Zyxwv", None))


@pytest.mark.slow
def test_corpus_verbs(tmp_path: Path) -> None:
    row = {"slug": "acme", "name": "Acme", "tagline": "Files", "overview": ["It files receipts."], "labels": {}}
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps(row), "utf-8")
    run = CliRunner().invoke(corpus_command, ["import", str(source), "--out", str(tmp_path / "out")])
    assert run.exit_code == 0
    assert "1 added, 0 replaced, 0 unchanged" in run.output
    lint = CliRunner().invoke(corpus_command, ["lint", str(tmp_path / "out")])
    assert "acme: no labels" in lint.output
    assert lint.exit_code == 1
    assert "227 cases, no complaint" in CliRunner().invoke(corpus_command, ["lint"]).output


@pytest.mark.slow
def test_eval_of_a_foreign_folder(tmp_path: Path) -> None:
    for name, text in case_files(CASES[0]).items():
        path = tmp_path / CASES[0].slug / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    run = CliRunner().invoke(eval_command, ["--cases", str(tmp_path), "--json"])
    assert run.exit_code == 0, run.output
    printed = json.loads(run.stdout)
    assert (printed["schema"], printed["cases"], printed["errors"]) == ("septet/eval/1", 1, {})


def test_work_apart_has_one_thread_and_its_own_process() -> None:
    assert apart(_worker, 3) != (os.getpid(), "1")
    assert apart(_worker, 3)[1] == "1"


def _worker(_: int) -> tuple[int, str]:
    return os.getpid(), os.environ["OMP_NUM_THREADS"]  # noqa: TID251
