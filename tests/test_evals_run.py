import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.resources import data_folder
from agent.settings import Settings
from evals.cases import Case, Page
from evals.cli import eval_command
from evals.corpus import case_files, load_cases
from evals.corpus_cli import corpus_command
from evals.families import Identity, same_family
from evals.lessons import Lesson, learn, lessons_without
from evals.report import terminal
from evals.results import Evaluation
from evals.run import evaluate

CASES = tuple(case for case in load_cases(data_folder("corpus") / "cases") if not case.example)
TAUGHT = CASES[::8]
UNLABELLED = dict.fromkeys(("published", "published_severity", "reader_cvss_base", "reader", "reader_severity"))


@pytest.fixture(scope="module")
def lessons() -> tuple[Lesson, ...]:
    return learn(TAUGHT, Settings(), workers=1).lessons


def renamed(case: Case, **changes: object) -> Case:
    return case.model_copy(update=changes)


@pytest.fixture(scope="module")
def pair() -> tuple[Case, ...]:
    blank = renamed(TAUGHT[2], slug="blank", listing=Page(title="Blank", markdown="\n"), docs=())
    return (TAUGHT[1], blank)


@pytest.fixture(scope="module")
def done(lessons: tuple[Lesson, ...], pair: tuple[Case, ...]) -> Evaluation:
    return evaluate(pair, settings=Settings(), lessons=lessons, workers=1).evaluation


def test_cases_are_drafted_and_measured(done: Evaluation) -> None:
    assert done.cases == 2
    assert done.errors == {}
    drafted, blank = done.per_case
    assert drafted.citations == drafted.valid_citations > 0
    assert drafted.text is not None
    assert drafted.card is not None
    assert (blank.citations, blank.score.withheld is not None) == (0, True)
    assert done.metrics["citation_validity"] == 0.5


def test_a_case_that_fails_is_named_and_counts_as_the_worst(lessons: tuple[Lesson, ...]) -> None:
    failing = evaluate([TAUGHT[1]], settings=Settings(), lessons=lessons[:3], workers=1).evaluation
    assert list(failing.errors) == [TAUGHT[1].slug]
    assert "InputError" in failing.errors[TAUGHT[1].slug]
    assert failing.metrics["citation_validity"] == 0.0
    assert failing.metrics["withheld_share"] == 1.0
    assert failing.metrics["withheld_share_cards"] == 0.0
    assert failing.metrics["generic_sentence_share"] == 1.0
    assert f"failed: {TAUGHT[1].slug}: InputError" in terminal.text(failing)


def test_the_same_cases_give_the_same_bytes(
    done: Evaluation, lessons: tuple[Lesson, ...], pair: tuple[Case, ...]
) -> None:
    again = evaluate(pair, settings=Settings(), lessons=lessons, workers=1).evaluation
    assert again.model_dump_json(by_alias=True) == done.model_dump_json(by_alias=True)


def test_category_sources_and_labels_do_not_reach_the_drafter(
    done: Evaluation, lessons: tuple[Lesson, ...], pair: tuple[Case, ...]
) -> None:
    changed = renamed(pair[0], category="finance", sources=("https://other.example",))
    unlabelled = renamed(changed, labels=changed.labels.model_copy(update={"reader": None, "published": None}))
    result = evaluate([unlabelled], settings=Settings(), lessons=lessons, workers=1).evaluation.per_case[0]
    values = [(cell.value, cell.low, cell.high) for cell in result.factors.values()]
    assert values == [(cell.value, cell.low, cell.high) for cell in done.per_case[0].factors.values()]
    assert result.score.model_copy(update=UNLABELLED) == (done.per_case[0].score.model_copy(update=UNLABELLED))


def test_the_own_family_is_left_out_wherever_the_case_comes_from(lessons: tuple[Lesson, ...]) -> None:
    for case in TAUGHT:
        who = Identity(f"{case.name} 2", case.vendor)
        kept = lessons_without(who, lessons)
        assert len(kept) < len(lessons)
        assert not any(same_family(lesson.who, who) for lesson in kept)
    assert lessons_without(Identity("Zyxwv", "Qwertz Ltd"), lessons) == lessons


def test_an_example_counts_for_nothing(lessons: tuple[Lesson, ...], pair: tuple[Case, ...]) -> None:
    empty = evaluate([renamed(pair[0], example=True)], settings=Settings(), lessons=lessons, workers=1).evaluation
    assert empty.cases == 0
    assert empty.per_case == ()


def test_the_text_output_is_a_table(done: Evaluation) -> None:
    text = terminal.text(done)
    assert "embedded drafter, 2 cases" in text
    assert "factor_mae_published" in text


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
    assert printed["schema"] == "septet/eval/1"
    assert printed["cases"] == 1
    assert printed["errors"] == {}
