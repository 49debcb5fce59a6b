"""`septet eval` and its verbs as seen from a shell: output, exit codes, and that nothing is lost."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.errors import DriftError, InputError, RegressionError, UsageError
from agent.settings import Settings
from evals.cases.corpus import bundled_cases
from evals.gate.baseline import accept, dump
from evals.gate.verdict import Finding, Verdict
from evals.metrics.results import Evaluation
from evals.metrics.summary import summarise
from evals.runs.fingerprints import run_fingerprints
from evals.runs.live import plan, sample
from evals.runs.outputs import write
from evals.runs.runner import Done
from evals.runs.session import Outcome, Wanted, accept as accept_run, fail_if, gate_of
from tests.fakes.command import Septet
from tests.fakes.evals.evaluation import case
from tests.places import ROOT


@pytest.fixture
def septet(capsys: pytest.CaptureFixture[str]) -> Septet:
    return Septet(capsys)


def run(*slugs: str, value: float = 0.5) -> Evaluation:
    return summarise([case(slug, value=value) for slug in slugs], drafter="embedded", patterns=())


# ---------------------------------------------------------------- refused calls


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--live"], 2, "the embedded drafter does not use an LLM"),
        (["--llm", "generic/anna"], 2, "the embedded drafter does not use an LLM"),
        (["--drafter", "llm", "--sample", "3"], 2, "need a live run"),
        (["--drafter", "llm", "--live", "--out", "new"], 2, "a live run needs an LLM"),
        (["--drafter", "llm", "--live", "--llm", "generic/anna", "--limit", "3"], 2, "cannot be used in a live run"),
        (["--limit", "1", "--out", "/proc/none"], 1, "cannot be written"),
        (["--without", "dense"], 2, "'dense' is not one of"),
        (["--cases", "nowhere"], 1, "there is no such folder"),
        (["--against", "nowhere.json"], 6, "there is no baseline"),
        (["accept"], 2, "Missing option '--reason'"),
        (["accept", "--reason", " "], 2, "the reason is empty"),
        (["accept", "--reason", "x", "--run", "nowhere"], 1, "cannot be read"),
        (["record", "--llm", "generic/anna"], 2, "no case was specified"),
        (["record", "--all", "--missing", "--llm", "generic/anna"], 2, "no case was specified"),
        (["record", "--case", "no-such", "--llm", "generic/anna"], 1, "no such case: no-such"),
        (["compare", "a", "b"], 1, "cannot be read"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_runs(
    arguments: list[str], code: int, said: str, septet: Septet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = septet("eval", *arguments)
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert list(tmp_path.iterdir()) == []


def test_recorded_answers_that_are_not_there_are_drift(septet: Septet, tmp_path: Path) -> None:
    done = septet("eval", "--drafter", "llm", "--recorded", tmp_path, "--against", _baseline(tmp_path, "llm"))
    assert done.code == 6
    assert "no recorded answers" in done.err


def _baseline(folder: Path, drafter: str) -> Path:
    made = accept(None, run("alder"), on="2026-11-26", reason="first").model_copy(update={"drafter": drafter})
    path = folder / "baseline.json"
    path.write_text(dump(made), "utf-8")
    return path


# ---------------------------------------------------------------- compare, baselines, failing


def test_two_runs_are_compared(septet: Septet, tmp_path: Path) -> None:
    write(tmp_path / "old", Done(run("alder"), ()), None)
    write(tmp_path / "new", Done(run("alder", value=0.6), ()), None)
    done = septet("eval", "compare", tmp_path / "old", tmp_path / "new")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("old → new, 1 case")
    assert septet("eval", "compare", tmp_path / "old", tmp_path / "none").code == 1


def test_an_earlier_run_may_stand_for_the_baseline_and_other_cases_have_none(tmp_path: Path) -> None:
    write(tmp_path / "old", Done(run("alder", "birch"), ()), None)
    made = gate_of("embedded", Wanted(against=str(tmp_path / "old")))
    assert made is not None
    assert set(made.cases) == {"alder", "birch"}
    with pytest.raises(UsageError, match="used the embedded drafter"):
        gate_of("llm", Wanted(against=str(tmp_path / "old")))
    shutil.copytree(ROOT / "corpus" / "cases" / "dbhub", tmp_path / "cases" / "dbhub")
    assert gate_of("embedded", Wanted(cases=tmp_path / "cases")) is None


def test_an_earlier_run_of_other_cases_is_refused_before_anything_is_drafted(septet: Septet, tmp_path: Path) -> None:
    write(tmp_path / "old", Done(whole(corpus="other"), ()), None)
    done = septet("eval", "--against", tmp_path / "old")
    assert (done.code, done.out) == (6, "")
    assert f"that run was made with different corpus, {tmp_path / 'old'}" in done.err.replace("\n", " ")


def test_a_failed_gate_ends_with_its_finding_unless_it_is_an_ablation() -> None:
    finding = Finding(rule="metric", metric="flag_loss", text="flag_loss: 0.1 → 0.2; alder", cases=("alder",))
    verdict = Verdict(regime="replay", outcome="fail", findings=(finding, finding), moved=(), cases=())
    done = Done(run("alder"), ())
    with pytest.raises(RegressionError, match=r"flag_loss: 0\.1 → 0\.2; alder; and 1 more finding"):
        fail_if(Outcome(done, verdict, gated=True))
    fail_if(Outcome(done, verdict, gated=False))
    fail_if(Outcome(done, None, gated=True))


# ---------------------------------------------------------------- accept


def whole(**fingerprints: str) -> Evaluation:
    known = {**run_fingerprints(bundled_cases()), **fingerprints}
    return run("alder").model_copy(update={"fingerprints": known})


def recorded(folder: Path, *slugs: str, text: str = "{}") -> Path:
    for slug in slugs:
        (folder / slug).mkdir(parents=True)
        (folder / slug / "1.json").write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize(
    ("made", "refused", "said"),
    [
        (whole().model_copy(update={"left_out": ("--limit 3",)}), UsageError, r"is incomplete: --limit 3"),
        (whole(corpus="other"), DriftError, "made with different corpus"),
        (whole(prompts="other"), DriftError, "made with different prompts"),
    ],
)
def test_a_run_that_could_not_be_repeated_is_not_accepted(
    made: Evaluation, refused: type[Exception], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "embedded.json"
    with pytest.raises(refused, match=said):
        accept_run(made, None, on="2026-11-26", reason="x", floors={}, path=path)
    assert not path.exists()
    accept_run(whole(), None, on="2026-11-26", reason="x", floors={}, path=path)
    assert path.exists()


def test_recorded_answers_stay_when_acceptance_is_refused(tmp_path: Path) -> None:
    (real,) = bundled_cases()[:1]
    made = run(real.slug)
    made = made.model_copy(update={"drafter": "llm", "fingerprints": run_fingerprints([real])})
    kept, path = recorded(tmp_path / "kept", real.slug, text="old"), tmp_path / "llm.json"
    fresh = recorded(tmp_path / "fresh", real.slug, text="new")
    empty = tmp_path / "empty"
    empty.mkdir()

    def accepted(answers: Path | None, **floors: float) -> None:
        accept_run(made, answers, on="", reason="x", floors=floors, path=path, recorded=kept)

    with pytest.raises(RegressionError):
        accepted(fresh, factor_error=0.01)
    with pytest.raises(InputError, match=f"no answers for {real.slug}"):
        accepted(empty)
    with pytest.raises(DriftError, match="made with different answers"):
        accepted(None)
    assert (kept / real.slug / "1.json").read_text("utf-8") == "old"
    assert not path.exists()

    accepted(fresh)
    assert (kept / real.slug / "1.json").read_text("utf-8") == "new"


@pytest.mark.parametrize("floor", ["factor_error=nan", "factor_error=inf", "factor_error", "factor_error=x"])
def test_a_floor_that_nothing_could_fall_below_is_refused(floor: str, septet: Septet, tmp_path: Path) -> None:
    write(tmp_path / "run", Done(whole(), ()), None)
    done = septet("eval", "accept", "--reason", "x", "--run", tmp_path / "run", "--floor", floor)
    assert (done.code, done.out) == (1, "")
    assert f"'{floor}' is not a floor, --floor" in done.err


def test_what_a_call_leaves_out_is_told() -> None:
    cases = bundled_cases()[:5]
    assert Wanted().left_out(cases, True) == Wanted(limit=5).left_out(cases, True) == ()
    assert Wanted(limit=2, variants=False, without=("facts",)).left_out(cases, False) == (
        "--cases", "--limit 2", "--no-variants", "--without facts",
    )  # fmt: skip


# ---------------------------------------------------------------- a live run, before anything is sent


def test_a_sample_is_spread_over_vendors_and_always_the_same() -> None:
    cases = bundled_cases()
    chosen = sample(cases, 24)
    assert len(chosen) == len({one.slug for one in chosen}) == 24
    assert chosen == sample(cases, 24)
    assert len({one.vendor for one in chosen}) >= 20
    assert sample(cases[:3], 24) == cases[:3]


def test_a_plan_tells_calls_and_the_effect_that_can_be_found() -> None:
    lines = plan(bundled_cases()[:24], 3, "generic/anna", Settings(), None)
    assert lines[0] == "24 cases, 3 times each: at most 576 calls of generic/anna"
    assert "would be detected in four of five runs: factor_error 0.0" in lines[-1]


# ---------------------------------------------------------------- whole runs


def septet_in(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `septet` in a separate process, with another folder, home, time zone and hash seed."""
    known = {key: value for key, value in os.environ.items() if not key.startswith("SEPTET_")}  # noqa: TID251
    return subprocess.run(
        [sys.executable, "-m", "agent", *arguments],
        cwd=folder,
        env={**known, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.mark.slow
def test_a_run_is_the_same_bytes_anywhere(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "other").mkdir()
    one = septet_in(tmp_path, "eval", "--limit", "6", "--out", "one")
    two = septet_in(
        tmp_path / "other",
        *("eval", "--limit", "6", "--out", "two", "--jobs", "3"),
        HOME=str(tmp_path / "home"),
        TZ="Pacific/Auckland",
        PYTHONHASHSEED="7",
        LC_ALL="C.UTF-8",
    )
    assert (one.returncode, two.returncode) == (0, 0), one.stderr + two.stderr
    for name in ("run.json", "drafts.json", "report.html", "report.md", "junit.xml"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / "two" / name).read_bytes(), name
    assert json.loads((tmp_path / "one" / "run.json").read_text("utf-8"))["cases"] == 6
    assert "compared over 6 of 226 cases" in one.stdout


@pytest.mark.slow
def test_a_changed_letter_of_a_prompt_is_drift_that_says_what_to_run(tmp_path: Path) -> None:
    for room in ("agent", "evals", "prompts", "corpus"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    prompt = tmp_path / "prompts" / "assist" / "facts_does.md"
    before = prompt.read_text("utf-8")
    assert "do the sources state about" in before
    prompt.write_text(before.replace("do the sources state about", "do the sources tell about"), "utf-8")
    done = septet_in(
        tmp_path, "eval", "--drafter", "llm", "--replay", "--limit", "2", "--json", PYTHONPATH=str(tmp_path), CI="true"
    )
    assert (done.returncode, done.stdout) == (6, "")
    assert "septet eval --drafter llm --live --against baseline" in done.stderr
    assert "do the sources tell about" in done.stderr
