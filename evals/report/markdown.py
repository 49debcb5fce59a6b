"""The evaluation as Markdown, for the summary page of a CI job."""

from collections.abc import Sequence
from typing import Final

from agent.report.safe_markdown import code, plain
from evals.gate.verdict import Verdict
from evals.metrics.results import LOSSES, Evaluation
from evals.report import tables
from evals.report.saying import (
    LOSS_TITLES,
    MetricRow,
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
    worst,
)
from evals.script import markdown as markdown_table

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
_MOVED: Final = ("metric", "old", "new", "Δ", "%", "")


def text(evaluation: Evaluation, verdict: Verdict | None = None) -> str:
    """Return the report: the verdict and findings, then tables, the long ones collapsed; without a verdict, only
    values."""
    rows = metric_rows(evaluation, verdict)
    moves = [MetricRow(move.metric, move.before, move.after, True, move.worse) for move in part_moves(verdict)]
    values = markdown_table(("metric", "value"), [(code(row.name), number(row.after)) for row in rows])
    worst_cases = [
        f"- {LOSS_TITLES[name]}: " + ", ".join(f"{code(result.case)} {number(loss)}" for result, loss in found)
        for name in LOSSES
        if (found := worst(evaluation.per_case, name, WORST))
    ]
    failed = [f"- {code(case)}: {plain(error)}" for case, error in evaluation.errors.items()]
    blocks = [
        [f"## {_HEADS[standing(verdict)]}"],
        [plain(verdict_words(evaluation, verdict))],
        [f"{plain(run_words(evaluation))}."],
        _findings(verdict),
        [plain(said)] if (said := next_words(evaluation, verdict)) else [],
        _tests(verdict),
        ["### Metrics", "", *(values if verdict is None else _moves(rows))],
        *(_folded(table.title, _table(table)) for table in (tables.factors(evaluation), tables.layers(evaluation))),
        *(_folded(table.title, _table(table)) for table in tables.tables(evaluation)),
        _folded("Changed in one factor, layer or pattern", _moves(moves) if moves else []),
        _changed(verdict),
        ["### Worst cases", "", *worst_cases] if worst_cases else [],
        ["### Failed cases", "", *failed] if failed else [],
        [f"- Note: {plain(note)}" for note in (verdict.notes if verdict else ())],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _table(table: tables.Table) -> list[str]:
    rows = [(code(row[0]), *(plain(cell) for cell in row[1:])) for row in table.rows]
    return [*([plain(table.note), ""] if table.note else []), *markdown_table(table.heads, rows)] if rows else []


def _folded(title: str, lines: Sequence[str]) -> list[str]:
    return [f"<details><summary>{title}</summary>", "", *lines, "", "</details>"] if lines else []


def _findings(verdict: Verdict | None) -> list[str]:
    lines = []
    for finding in verdict.findings if verdict else ():
        more = f" and {len(finding.cases) - _NAMED} more" if len(finding.cases) > _NAMED else ""
        named = ", ".join(code(case) for case in finding.cases[:_NAMED]) + more
        cases = f" Cases, worst first: {named}." if named else ""
        lines.append(f"- **{finding.rule}** {code(finding.metric)}: {plain(finding_words(finding))}{cases}")
    return ["### Findings", "", *lines] if lines else []


def _tests(verdict: Verdict | None) -> list[str]:
    lines = [f"- {code(test.metric)}: {plain(test_words(test))}" for test in (verdict.tests if verdict else ())]
    return (
        ["### Tests between the two recordings", "", "These are losses, so above 0 is worse.", "", *lines]
        if lines
        else []
    )


def _moves(rows: Sequence[MetricRow]) -> list[str]:
    def move(row: MetricRow) -> tuple[str, str, str]:
        if not row.moved:
            return "", "", ""
        side = "**worse**" if row.worse else "moved"
        return signed(difference(row.before, row.after)), relative_percent(row.before, row.after), side

    return markdown_table(_MOVED, [(code(row.name), number(row.before), number(row.after), *move(row)) for row in rows])


def _changed(verdict: Verdict | None) -> list[str]:
    cases = verdict.cases if verdict else ()
    lines = []
    for case in cases[:_CHANGED]:
        shown = sorted(case.moved, key=lambda move: not move.worse)[:_MOVES]
        said = ", ".join(f"{code(move.metric)} {number(move.before)} → {number(move.after)}" for move in shown)
        more = f", {len(case.moved) - _MOVES} more" if len(case.moved) > _MOVES else ""
        lines.append(f"- {code(case.case)}: {said}{more}")
    if len(cases) > _CHANGED:
        lines += ["", f"… and {count(len(cases) - _CHANGED, 'further changed case')}."]
    return _folded(f"Changed cases, the worst first ({len(cases)})", lines)
