"""Two runs side by side, and the folder of a run."""

import json
from pathlib import Path

import pytest

from agent.errors import DriftError, InputError, SourceError
from agent.taxonomy.layers import LayerKey
from evals.gate.verdict import Verdict
from evals.metrics.results import TextCell
from evals.metrics.summary import summarise
from evals.runs.outputs import DRAFTS, RUN, load, write
from evals.runs.runner import Done
from evals.runs.side_by_side import lines, sentence_diff
from tests.fakes.evals.evaluation import FACTORS, HOSTILE, case, view


def run(value: float, report: str, *slugs: str) -> Done:
    results = [case(slug, value=value) for slug in slugs]
    views = tuple(view(slug, HOSTILE)._replace(report=report) for slug in slugs)
    return Done(summarise(results, drafter="embedded", patterns=()), views)


OLD = run(0.5, "The agent reads every mail of its user.\n\nIt asks before it sends 3 mails.\n", "alder", "birch")
NEW = run(0.6, "The agent reads every mail of its user.\n\nIt sends mails without asking.\n", "alder", "birch")


def test_a_comparison_says_what_moved_and_how_sure_that_is() -> None:
    text = "\n".join(lines(OLD, NEW, names=("monday", "tuesday")))
    assert text.startswith("monday → tuesday, 2 cases")
    row = next(line for line in text.splitlines() if line.startswith("factor_mae_published"))
    assert row.split() == ["factor_mae_published", "0.1000", "0.2000", "+0.1000", "worse"]
    assert "90 % interval" in text
    assert "drafts with different sentences: 2" in text
    assert "  - it asks before it sends # mails" in text
    assert "  + it sends mails without asking" in text
    assert sum("█" in line for line in text.splitlines()) == 2 * len(FACTORS)


def test_nothing_that_only_counts_is_a_difference() -> None:
    other = run(0.5, "The agent reads every mail of its user.\n\nIt asks before it sends 7 mails.\n", "alder", "birch")
    assert sentence_diff(OLD.views[0], other.views[0]) == ([], [])
    assert "drafts with different sentences: 0" in "\n".join(lines(OLD, other))


def test_what_the_two_runs_rest_on_is_told() -> None:
    old = OLD._replace(evaluation=OLD.evaluation.model_copy(update={"fingerprints": {"prompts": "1", "corpus": "1"}}))
    known = {"fingerprints": {"prompts": "2", "corpus": "1"}, "left_out": ("--without prior",)}
    new = NEW._replace(evaluation=NEW.evaluation.model_copy(update=known))
    text = "\n".join(lines(old, new, names=("monday", "tuesday")))
    assert "monday: embedded drafter, 2 cases\ntuesday: embedded drafter, 2 cases (--without prior)\n" in text
    assert "\ndifferent: prompts\n" in text
    assert "different labels" not in text
    relabelled = summarise([case("alder", published=0.1), case("birch")], drafter="embedded", patterns=())
    assert "different labels: alder; " in "\n".join(lines(OLD, OLD._replace(evaluation=relabelled)))


def test_reports_of_other_cases_move_no_metric_of_wording() -> None:
    # Which sentences are generic, and which listing is found, depends on all reports of a run.
    few, more = run(0.5, "It asks.\n", "alder"), run(0.5, "It asks.\n", "alder", "birch")
    odd = TextCell(words=800, sentences=40, generic_sentences=40, own_listing_rank=1)
    results = [case(slug, text=odd) for slug in ("alder", "birch")]
    text = "\n".join(lines(few, more._replace(evaluation=summarise(results, drafter="embedded", patterns=()))))
    assert "generic_sentence_share" not in text
    assert " worse\n" not in text


def test_only_common_cases_are_compared_and_there_must_be_one() -> None:
    part = run(0.6, "It sends mails without asking.\n", "birch", "cedar")
    assert next(iter(lines(OLD, part))).endswith("1 case")
    with pytest.raises(DriftError, match="no case in common"):
        list(lines(OLD, run(0.5, "", "elm")))


def test_flips_say_whether_they_are_right() -> None:
    first, other = NEW.evaluation.per_case
    key: LayerKey = "foundation_models"
    layers = {**first.layers, key: first.layers[key].model_copy(update={"certain": True})}
    flipped = first.model_copy(update={"layers": layers})
    changed = Done(summarise([flipped, other], drafter="embedded", patterns=()), NEW.views)
    text = "\n".join(lines(NEW, changed))
    assert "flipped: 1" in text
    assert f"alder: {key} not certain → certain (wrong now)" in text


def test_a_run_comes_back_from_its_folder(tmp_path: Path) -> None:
    verdict = Verdict(regime="replay", outcome="pass", findings=(), moved=(), cases=())
    for folder in ("run", "again"):
        write(tmp_path / folder, OLD, verdict)
    assert load(tmp_path / "run") == OLD
    assert json.loads((tmp_path / "run" / RUN).read_text("utf-8"))["schema"] == "septet/eval/1"
    assert "<script>alert(1)" not in (tmp_path / "run" / "report.html").read_text("utf-8")
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("run", "again"))
    assert set(first) == {"drafts.json", "junit.xml", "report.html", "report.md", "run.json"}
    assert first == second


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / RUN).write_text("{}", "utf-8")
    (tmp_path / DRAFTS).write_text("[]", "utf-8")
    with pytest.raises(InputError, match="not a run"):
        load(tmp_path)
