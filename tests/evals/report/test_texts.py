"""The reports for a terminal, a CI job page and a test viewer."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings, strategies as st
from markdown_it import MarkdownIt

from evals.gate.verdict import Finding, Verdict
from evals.metrics.results import Evaluation, KindBlock
from evals.report import junit, markdown, page, terminal
from evals.report.saying import (
    finding_words,
    hundredth,
    metric_rows,
    metric_title,
    next_words,
    number,
    percent,
    relative_percent,
    signed,
    verdict_words,
)
from tests.fakes.evals.evaluation import HOSTILE, broken, case, evaluated, everything, verdict

EMPTY = Verdict(regime="replay", outcome="pass", findings=(), moved=(), cases=())


RUN = evaluated(case("alpha"), everything("beta"), broken("gamma"))


def hostile() -> tuple[Evaluation, Verdict]:
    cases = evaluated(everything("alpha", HOSTILE), broken("beta", HOSTILE)).model_copy(update={"drafter": HOSTILE})
    return cases, verdict("alpha", "beta", words=HOSTILE)


# ---------------------------------------------------------------- numbers in words


def test_numbers_have_one_form() -> None:
    assert [number(v) for v in (None, 0.1234, 9.5, 12.34, 1234.5, -0.0001, -0.5)] == [
        "–", "0.123", "9.500", "12.3", "1234", "0.000", "−0.500",
    ]  # fmt: skip
    assert [hundredth(v) for v in (None, 0.5, 0.25, -0.3)] == ["–", "0.5", "0.25", "−0.3"]
    assert [signed(v) for v in (None, 0.5, -0.25, 0.0)] == ["–", "+0.500", "−0.250", "0"]
    assert percent(0.256) == "26 %"
    assert relative_percent(0.2, 0.25) == "+25.0 %"
    assert relative_percent(0.0, 0.25) == "–"
    assert relative_percent(-0.1, 0.1) == "–"


def test_metrics_have_titles() -> None:
    assert metric_title("factors/persistent_memory/mae_reader") == "Persistent Memory: MAE reader"
    assert metric_title("layers/data_operations") == "L2 Data Operations"
    assert metric_title("flag_f1_reader") == "Flag F1 reader"


def test_rows_have_the_baseline_where_it_differs() -> None:
    rows = {row.name: row for row in metric_rows(RUN, verdict("alpha"))}
    assert (rows["factor_mae_reader"].before, rows["factor_mae_reader"].worse) == (0.25, True)
    assert rows["citations"].before == rows["citations"].after
    assert (rows["gone"].before, rows["gone"].after) == (0.5, None)
    assert "factors/persistent_memory/mae_reader" not in rows


def test_the_verdict_in_words() -> None:
    assert verdict_words(evaluated(case("a")), None) == "Measured without a baseline: values only."
    assert verdict_words(evaluated(case("a")), EMPTY).startswith("The gate passes: the same answers were replayed, no")
    said = verdict_words(RUN, verdict("alpha"))
    assert said.startswith("The gate fails with 2 findings")
    assert said.endswith("1 draft changed. 1 case could not be drafted and counts as the worst value.")


# ---------------------------------------------------------------- terminal


def test_the_terminal_shows_old_and_new_findings_tests_and_cases() -> None:
    said = terminal.text(RUN, verdict("alpha", "beta"))
    assert max(map(len, said.split("\n"))) <= terminal.COLUMNS
    assert re.search(r"^factor_mae_reader +0\.250 → +0\.\d{3} +\+0\.\d{3} +\+\d+\.\d % +worse$", said, re.M)
    assert re.search(r"^citations +2\.667 → +2\.667 +=$", said, re.M)
    for part in (
        "[metric] factor_mae_reader: 0.300",
        "cases, worst first: alpha, beta",
        "flag_loss: cannot tell: mean difference +0.010",
        "about 140 further cases",
        "alpha: factor_error 0.250 → 0.300, layers/data_operations 0.000 → 1.000",
        "factor error: gamma 0.650",
        "failed: gamma: SourceError: unreadable",
        "note: note plain",
    ):
        assert part in said
    plain = terminal.text(RUN, None)
    assert "→" not in plain
    assert "Findings" not in plain
    assert re.search(r"^factor_mae_reader +0\.\d{3}$", plain, re.M)


def test_a_finding_is_told_once() -> None:
    finding = Finding(rule="metric", metric="flag_loss", text="flag_loss: 0.1 → 0.2; b, a", cases=("b", "a"))
    assert finding_words(finding) == "0.1 → 0.2"
    assert finding_words(finding.model_copy(update={"cases": ()})) == "0.1 → 0.2; b, a"
    failing = EMPTY.model_copy(update={"outcome": "fail", "findings": (finding,)})
    for said in (terminal.text(RUN, failing), markdown.text(RUN, failing)):
        assert said.count("0.1 → 0.2") == 1
        assert "0.2; b" not in said


def test_a_verdict_that_does_not_pass_says_what_to_do_next() -> None:
    failed, made = verdict("alpha"), RUN
    assert "`septet eval accept --reason" in next_words(made, failed)
    live = failed.model_copy(update={"regime": "re-recorded"})
    llm = made.model_copy(update={"drafter": "llm"})
    assert "accept --drafter llm --run DIR --reason" in next_words(llm, live)
    assert "--repeats 3" in next_words(llm, live.model_copy(update={"outcome": "inconclusive"}))
    assert next_words(made, EMPTY) == next_words(made, None) == ""
    for said in (terminal.text(made, failed), markdown.text(made, failed)):
        assert said.count("Next: ") == 1
    part = made.model_copy(update={"left_out": ("--limit 3",)})
    assert "of a run without --limit 3" in next_words(part, failed)


def test_an_ablation_is_told_and_does_not_say_that_the_gate_fails() -> None:
    said = terminal.text(RUN.model_copy(update={"left_out": ("--without prior",)}), verdict("alpha"))
    assert said.startswith("embedded drafter, 3 cases (--without prior)\nWorse than the run it is compared with")
    assert "Next: " not in said


def test_what_no_picture_shows_is_a_table_in_every_report() -> None:
    kind = KindBlock(
        cases=6, failed=1, factor_error=0.1, flag_precision=0.5, flag_recall=0.5, flag_f1=0.625, flag_loss=0.2,
        withheld=0.5, invalid_citations=3,
    )  # fmt: skip
    made = RUN.model_copy(
        update={
            "beside": {"factor_mae_reader": 0.999, "flag_f1_reader": None, "threats_shown": 3.0},
            "special": {"thin": kind, "all": kind},
            "score_attribution": {"self_modification": 0.444},
            "band_changes": ("beta",),
        }
    )
    said = terminal.text(made)
    assert re.search(r"^factor_mae_reader +0\.999 +0\.\d{3} +better$", said, re.M)
    assert re.search(r"^thin +6 +1 +0\.100 +0\.625 +0\.200 +0\.500 +3$", said, re.M)
    assert re.search(r"^self_modification +0\.444$", said, re.M)
    assert "in 1 case: beta." in said
    assert max(map(len, said.split("\n"))) <= terminal.COLUMNS
    for text in (markdown.text(made), page.html(made, ())):
        for part in ("0.999", "0.625", "0.444", "in 1 case: beta."):
            assert part in text


def test_the_terminal_gets_no_control_character() -> None:
    said = terminal.text(*hostile())
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "⟨U+202E⟩" in said
    assert max(map(len, said.split("\n"))) <= terminal.COLUMNS


# ---------------------------------------------------------------- Markdown


def test_the_job_page_has_tables_and_folds() -> None:
    plain = markdown.text(RUN, None)
    assert plain.startswith("## Evaluation\n")
    assert "| metric | value |" in plain
    said = markdown.text(RUN, verdict("alpha", "beta"))
    assert said.startswith("## ❌ Evaluation: regression\n")
    assert "| `factor_mae_reader` | 0.250 |" in said
    assert "**worse** |" in said
    assert said.count("<details>") == said.count("</details>") == 5
    html = MarkdownIt("commonmark").enable("table").render(said)
    assert html.count("<table>") == 5


def test_hostile_words_are_text_on_the_job_page() -> None:
    said = markdown.text(*hostile())
    tags = set(re.findall(r"<(/?[a-z]+)", MarkdownIt("commonmark").enable("table").render(said)))
    assert not tags & {"script", "img", "a", "/script"}
    assert tags >= {"details", "/details", "summary", "/summary"}
    assert "\u202e" not in said


# ---------------------------------------------------------------- JUnit


def test_each_case_and_loss_is_a_test() -> None:
    root = ElementTree.fromstring(junit.xml(RUN, verdict("alpha")))
    cases = root.findall(".//testcase")
    assert int(root.get("tests", "")) == len(cases) == 3 * 3 + 1 + 2 + 1
    assert int(root.get("errors", "")) == 3
    by_name = {(case.get("classname"), case.get("name")): case for case in cases}
    failed = by_name["septet.eval.cases.factor_error", "alpha"].find("failure")
    assert failed is not None
    assert failed.get("message") == "factor error 0.150: 0.300, 0.050 above plain"
    assert "persistent_memory: drafted 0.5 (0.3 to 0.7), reader 0.7, published 0.4" in (failed.text or "")
    assert "factor_error: 0.250 in the baseline, 0.300 now (+0.050, worse)" in (failed.text or "")
    assert by_name["septet.eval.cases.flag_loss", "alpha"].find("failure") is None
    assert by_name["septet.eval.cases.flag_loss", "gamma"].find("error") is not None
    assert by_name["septet.eval.gate.invariant", "citation_validity"].find("failure") is not None
    assert by_name["septet.eval.gate", "verdict"].find("failure") is not None


def test_a_pass_fails_nothing_and_a_loss_without_a_label_is_skipped() -> None:
    root = ElementTree.fromstring(junit.xml(evaluated(case("a")), EMPTY))
    assert (root.get("failures"), root.get("errors")) == ("0", "0")
    assert root.find(".//testcase[@name='all invariants hold']") is not None
    root = ElementTree.fromstring(junit.xml(evaluated(case("a", reader=None)), None))
    skipped = [one.get("classname") for one in root.findall(".//testcase") if one.find("skipped") is not None]
    assert skipped == ["septet.eval.cases.score_error", "septet.eval.cases.flag_loss"]


def test_no_text_breaks_the_xml() -> None:
    said = junit.xml(*hostile())
    assert "[U+0000]" in said
    assert any("<script>" in (node.text or "") for node in ElementTree.fromstring(said).iter("failure"))


@settings(max_examples=50)
@given(st.text())
def test_any_text_gives_valid_xml(words: str) -> None:
    findings = (Finding(rule="case", metric=words, text=words, cases=("a", words)),)
    found = EMPTY.model_copy(update={"outcome": "fail", "findings": findings})
    ElementTree.fromstring(junit.xml(evaluated(broken("a", words or "?"), case("b")), found))


# ---------------------------------------------------------------- all


@pytest.mark.parametrize("write", [terminal.text, markdown.text, junit.xml])
def test_texts_are_pure(write: object) -> None:
    assert callable(write)
    assert write(RUN, verdict("alpha")) == write(RUN, verdict("alpha"))
    assert write(evaluated(), None)
    assert write(evaluated(), EMPTY)
    assert write(evaluated(broken("a")), verdict("a"))
