"""The evaluation as Markdown, for the summary page of a CI job."""

from collections.abc import Sequence
from typing import Final

from agent.report.safe_markdown import code, plain
from evals.gate.verdict import CaseMove, Verdict
from evals.metrics.results import Evaluation
from evals.report.losses import LOSS_TITLES, LOSSES, worst
from evals.report.saying import (
    Standing,
    count,
    difference,
    finding_words,
    metric_rows,
    next_words,
    number,
    part_moves,
    relative_percent,
    run_words,
    signed,
    standing,
    test_words,
    verdict_words,
)
from evals.report.tables import Table, tables

WORST: Final = 5
_CHANGED: Final = 25
_MOVES: Final = 4
_NAMED: Final = 12
_HEADS: Final[dict[Standing, str]] = {
    "pass": "✅ Evaluation: no regression",
    "fail": "❌ Evaluation: regression",
    "inconclusive": "❔ Evaluation: cannot tell",
    "none": "Evaluation",
}


def text(evaluation: Evaluation, verdict: Verdict | None = None) -> str:
    """Return the report: verdict and findings, then tables, the long ones folded; without a verdict only values."""
    blocks = [
        [f"## {_HEADS[standing(verdict)]}"],
        [plain(verdict_words(evaluation, verdict))],
        [f"{plain(run_words(evaluation))}."],
        _findings(verdict),
        [plain(said)] if (said := next_words(evaluation, verdict)) else [],
        _tests(verdict),
        ["### Metrics", "", *_metrics(evaluation, verdict)],
        _folded("Factors", _factors(evaluation)),
        _folded("Layers (positive: not certain)", _layers(evaluation)),
        *(_folded(table.title, _further(table)) for table in tables(evaluation)),
        _folded("Moved in one factor, layer or pattern", _part_moves(verdict)),
        _changed(verdict),
        _worst(evaluation),
        _failed(evaluation),
        [f"- Note: {plain(note)}" for note in (verdict.notes if verdict else ())],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Format a table whose first column is text and whose others are numbers."""
    rule = "|" + "|".join(["---", *["--:"] * (len(heads) - 1)]) + "|"
    return ["| " + " | ".join(heads) + " |", rule, *("| " + " | ".join(row) + " |" for row in rows)]


def _folded(title: str, lines: Sequence[str]) -> list[str]:
    return [f"<details><summary>{title}</summary>", "", *lines, "", "</details>"] if lines else []


def _cases(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(code(name) for name in names[:_NAMED]) + more


def _findings(verdict: Verdict | None) -> list[str]:
    if verdict is None or not verdict.findings:
        return []
    lines = ["### Findings", ""]
    for finding in verdict.findings:
        cases = f" Cases, worst first: {_cases(finding.cases)}." if finding.cases else ""
        lines.append(f"- **{finding.rule}** {code(finding.metric)}: {plain(finding_words(finding))}{cases}")
    return lines


def _tests(verdict: Verdict | None) -> list[str]:
    lines = [f"- {code(test.metric)}: {plain(test_words(test))}" for test in (verdict.tests if verdict else ())]
    return ["### Tests between the two recordings", "", "A loss, so above 0 is worse.", "", *lines] if lines else []


def _metrics(evaluation: Evaluation, verdict: Verdict | None) -> list[str]:
    rows = metric_rows(evaluation, verdict)
    if verdict is None:
        return _table(["metric", "value"], [(code(row.name), number(row.after)) for row in rows])
    return _table(
        ["metric", "old", "new", "Δ", "%", ""],
        [
            (
                code(row.name),
                number(row.before),
                number(row.after),
                *_move(row.before, row.after, worse=row.worse, moved=row.moved),
            )
            for row in rows
        ],
    )


def _move(before: float | None, after: float | None, *, worse: bool, moved: bool = True) -> tuple[str, str, str]:
    if not moved:
        return "", "", ""
    return signed(difference(before, after)), relative_percent(before, after), "**worse**" if worse else "moved"


def _factors(evaluation: Evaluation) -> list[str]:
    heads = ["factor", "MAE published", "MAE reader", "bias published", "bias reader", "covered", "width", "unknown"]
    rows = [
        (
            code(key),
            number(block.mae_published),
            number(block.mae_reader),
            number(block.bias_published),
            number(block.bias_reader),
            number(block.coverage_published),
            number(block.width),
            number(block.unknown_share),
        )
        for key, block in evaluation.factors.items()
    ]
    return _table(heads, rows) if rows else []


def _layers(evaluation: Evaluation) -> list[str]:
    heads = ["layer", "precision", "recall", "F1", "labels", "flags", "certainty"]
    rows = [
        (
            code(key),
            number(block.precision_reader),
            number(block.recall_reader),
            number(block.f1_reader),
            str(block.positives_reader),
            str(block.flagged),
            number(block.certainty),
        )
        for key, block in evaluation.layers.items()
    ]
    return _table(heads, rows) if rows else []


def _further(table: Table) -> list[str]:
    rows = [(code(row[0]), *(plain(cell) for cell in row[1:])) for row in table.rows]
    return [*([plain(table.note), ""] if table.note else []), *_table(table.heads, rows)]


def _part_moves(verdict: Verdict | None) -> list[str]:
    rows = [
        (
            code(move.metric),
            number(move.before),
            number(move.after),
            *_move(move.before, move.after, worse=move.worse),
        )
        for move in part_moves(verdict)
    ]
    return _table(["metric", "old", "new", "Δ", "%", ""], rows) if rows else []


def _changed(verdict: Verdict | None) -> list[str]:
    if verdict is None or not verdict.cases:
        return []
    left = len(verdict.cases) - _CHANGED
    more = ["", f"… and {count(left, 'further changed case')}."] if left > 0 else []
    lines = [_case_line(case) for case in verdict.cases[:_CHANGED]]
    return _folded(f"Changed cases, the worst first ({len(verdict.cases)})", [*lines, *more])


def _case_line(case: CaseMove) -> str:
    shown = sorted(case.moved, key=lambda move: not move.worse)[:_MOVES]
    said = ", ".join(f"{code(move.metric)} {number(move.before)} → {number(move.after)}" for move in shown)
    more = f", {len(case.moved) - _MOVES} more" if len(case.moved) > _MOVES else ""
    return f"- {code(case.case)}: {said}{more}"


def _worst(evaluation: Evaluation) -> list[str]:
    lines = []
    for name in LOSSES:
        found = worst(evaluation.per_case, name, WORST)
        if found:
            said = ", ".join(f"{code(result.case)} {number(loss)}" for result, loss in found)
            lines.append(f"- {LOSS_TITLES[name]}: {said}")
    return ["### Worst cases", "", *lines] if lines else []


def _failed(evaluation: Evaluation) -> list[str]:
    lines = [f"- {code(case)}: {plain(error)}" for case, error in evaluation.errors.items()]
    return ["### Failed cases", "", *lines] if lines else []
