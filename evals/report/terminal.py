"""Write the evaluation as plain text of at most 100 columns, without colours or escape sequences."""

import textwrap
from collections.abc import Sequence
from typing import Final

from agent.report.safe_markdown import one_line, shorten
from evals.gate.verdict import Verdict
from evals.metrics.results import LOSSES, Evaluation
from evals.report import tables
from evals.report.saying import (
    LOSS_TITLES,
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
    test_words,
    verdict_words,
    worst,
)

COLUMNS: Final = 100
WORST: Final = 5
_CHANGED: Final = 12
_MOVES: Final = 3
_PART_MOVES: Final = 20
_NAME: Final = 44
_WIDE: Final = 5
"""A table that has more columns than this gets a narrow first column."""
_COLUMN: Final = 12
_NOTE: Final = 300
_FACTOR_HEADS: Final = (
    "factor", "MAE publ.", "MAE read.", "bias publ", "bias read", "covered", "width", "unknown",
)  # fmt: skip
_LAYER_HEADS: Final = ("layer (positive: not certain)", "precision", "recall", "F1", "labels", "flags", "certainty")


def text(evaluation: Evaluation, verdict: Verdict | None = None) -> str:
    """Return the report: findings, tests, metrics old → new, factors, layers, cases; without a verdict only values."""
    worst_cases = [
        f"{LOSS_TITLES[name]}: " + ", ".join(f"{result.case} {number(loss)}" for result, loss in found)
        for name in LOSSES
        if (found := worst(evaluation.per_case, name, WORST))
    ]
    tests = [f"{test.metric}: {test_words(test)}" for test in (verdict.tests if verdict else ())]
    blocks = [
        [*_wrapped(run_words(evaluation)), *_wrapped(verdict_words(evaluation, verdict))],
        _findings(verdict),
        _wrapped(next_words(evaluation, verdict)),
        _titled("Tests between the two recordings (losses, so above 0 is worse)", tests),
        _metrics(evaluation, verdict),
        _table(_FACTOR_HEADS, tables.factors(evaluation).rows, 28, 10),
        _table(_LAYER_HEADS, tables.layers(evaluation).rows, 32, 11),
        *(_further(table) for table in tables.tables(evaluation)),
        _part_moves(verdict),
        _changed(verdict),
        _titled("Worst cases", worst_cases),
        [line for case, error in evaluation.errors.items() for line in _wrapped(f"failed: {case}: {error}")],
        [line for note in (verdict.notes if verdict else ()) for line in _wrapped(f"note: {note}")],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _wrapped(said: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        one_line(said), COLUMNS, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
    )


def _titled(title: str, items: Sequence[str]) -> list[str]:
    return [title, *(line for item in items for line in _wrapped(item, "  "))] if items else []


def _findings(verdict: Verdict | None) -> list[str]:
    lines = []
    for finding in verdict.findings if verdict else ():
        lines += _wrapped(f"[{finding.rule}] {finding.metric}: {finding_words(finding)}", "  ")
        if finding.cases:
            lines += _wrapped(f"cases, worst first: {', '.join(finding.cases)}", "    ")
    return ["Findings", *lines] if lines else []


def _metrics(evaluation: Evaluation, verdict: Verdict | None) -> list[str]:
    rows = metric_rows(evaluation, verdict)
    if verdict is None:
        return [f"{row.name:<{_NAME}}{number(row.after):>10}" for row in rows]
    head = f"{'metric':<{_NAME}}{'old':>10} → {'new':>10}{'Δ':>11}{'%':>11}"
    return [head, *(_move(row.name, row.before, row.after, row.worse, moved=row.moved) for row in rows)]


def _move(name: str, before: float | None, after: float | None, worse: bool, *, moved: bool = True) -> str:
    said = f"{signed(difference(before, after)):>11}{relative_percent(before, after):>11}" if moved else f"{'=':>11}"
    values = f"{number(before):>10} → {number(after):>10}"
    return f"{shorten(one_line(name), _NAME - 1):<{_NAME}}{values}{said}{'  worse' if worse else ''}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], first: int, width: int) -> list[str]:
    """Format a table with the first column aligned left, the others right."""
    return [f"{row[0]:<{first}}" + "".join(f"{cell:>{width}}" for cell in row[1:]) for row in (heads, *rows)]


def _further(table: tables.Table) -> list[str]:
    wide = len(table.heads) > _WIDE
    width = _COLUMN if wide else min((COLUMNS - _NAME) // (len(table.heads) - 1), _COLUMN)
    rows = [tuple(one_line(cell) for cell in row) for row in table.rows]
    head, *lines = _table(table.heads, rows, 14 if wide else _NAME, width)
    note = _wrapped(textwrap.shorten(one_line(table.note), _NOTE, placeholder=" …")) if table.note else []
    return [table.title, *note, head.rstrip(), *(line.rstrip() for line in lines)]


def _part_moves(verdict: Verdict | None) -> list[str]:
    moves = part_moves(verdict)
    lines = [_move(move.metric, move.before, move.after, move.worse) for move in moves[:_PART_MOVES]]
    if len(moves) > _PART_MOVES:
        lines.append(f"… and {count(len(moves) - _PART_MOVES, 'further change')}")
    return ["Changed in one factor, layer or pattern, worst first", *lines] if lines else []


def _changed(verdict: Verdict | None) -> list[str]:
    cases = verdict.cases if verdict else ()
    lines = []
    for case in cases[:_CHANGED]:
        shown = sorted(case.moved, key=lambda move: not move.worse)[:_MOVES]
        said = ", ".join(f"{move.metric} {number(move.before)} → {number(move.after)}" for move in shown)
        more = f", {len(case.moved) - _MOVES} more" if len(case.moved) > _MOVES else ""
        lines += _wrapped(f"{case.case}: {said}{more}", "  ")
    if len(cases) > _CHANGED:
        lines.append(f"… and {count(len(cases) - _CHANGED, 'further changed case')}")
    return ["Changed cases, the worst first", *lines] if lines else []
