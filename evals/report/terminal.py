"""Writes the evaluation as plain text of at most 100 columns, without colours or escape sequences."""

import textwrap
from collections.abc import Sequence
from typing import Final, NamedTuple

from agent.report.safe_markdown import one_line, shorten
from evals.gate.verdict import CaseMove, Verdict
from evals.metrics.results import Evaluation
from evals.report.losses import LOSS_TITLES, LOSSES, worst
from evals.report.saying import (
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
)
from evals.report.tables import Table, tables

COLUMNS: Final = 100
WORST: Final = 5
_CHANGED: Final = 12
_MOVES: Final = 3
_PART_MOVES: Final = 20
_NAME: Final = 44
_WIDE: Final = 5
"""A table with more columns than this gets a narrow first column."""
_COLUMN: Final = 12
_NOTE: Final = 300


class _Column(NamedTuple):
    head: str
    width: int


def text(evaluation: Evaluation, verdict: Verdict | None = None) -> str:
    """Return the report: findings, tests, metrics old → new, factors, layers, cases; without a verdict only values."""
    blocks = [
        [
            *_wrapped(run_words(evaluation)),
            *_wrapped(verdict_words(evaluation, verdict)),
        ],
        _findings(verdict),
        _wrapped(next_words(evaluation, verdict)),
        _tests(verdict),
        _metrics(evaluation, verdict),
        _factors(evaluation),
        _layers(evaluation),
        *(_further(table) for table in tables(evaluation)),
        _part_moves(verdict),
        _changed(verdict),
        _worst(evaluation),
        _failed(evaluation),
        [line for note in (verdict.notes if verdict else ()) for line in _wrapped(f"note: {note}")],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _wrapped(said: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        one_line(said), COLUMNS, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
    )


def _cut(said: str, width: int) -> str:
    return shorten(one_line(said), width)


def _findings(verdict: Verdict | None) -> list[str]:
    lines = []
    for finding in verdict.findings if verdict else ():
        lines += _wrapped(f"[{finding.rule}] {finding.metric}: {finding_words(finding)}", "  ")
        if finding.cases:
            lines += _wrapped(f"cases, worst first: {', '.join(finding.cases)}", "    ")
    return ["Findings", *lines] if lines else []


def _tests(verdict: Verdict | None) -> list[str]:
    lines = [
        line
        for test in (verdict.tests if verdict else ())
        for line in _wrapped(f"{test.metric}: {test_words(test)}", "  ")
    ]
    return ["Tests between the two recordings (loss, so above 0 is worse)", *lines] if lines else []


def _metrics(evaluation: Evaluation, verdict: Verdict | None) -> list[str]:
    rows = metric_rows(evaluation, verdict)
    if verdict is None:
        return [f"{row.name:<{_NAME}}{number(row.after):>10}" for row in rows]
    head = f"{'metric':<{_NAME}}{'old':>10} → {'new':>10}{'Δ':>11}{'%':>11}"
    lines = [
        f"{_cut(row.name, _NAME - 1):<{_NAME}}{number(row.before):>10} → {number(row.after):>10}"
        + (_move(row.before, row.after, worse=row.worse) if row.moved else f"{'=':>11}")
        for row in rows
    ]
    return [head, *lines]


def _move(before: float | None, after: float | None, *, worse: bool) -> str:
    said = f"{signed(difference(before, after)):>11}{relative_percent(before, after):>11}"
    return f"{said}  worse" if worse else said


def _table(columns: Sequence[_Column], rows: Sequence[Sequence[str]]) -> list[str]:
    """Format a table with the first column aligned left, the others right."""
    first, *others = columns
    head = f"{first.head:<{first.width}}" + "".join(f"{column.head:>{column.width}}" for column in others)
    body = [
        f"{row[0]:<{first.width}}"
        + "".join(f"{cell:>{column.width}}" for cell, column in zip(row[1:], others, strict=True))
        for row in rows
    ]
    return [head, *body]


def _factors(evaluation: Evaluation) -> list[str]:
    columns = [
        _Column("factor", 28),
        *(
            _Column(head, 10)
            for head in ("MAE publ.", "MAE read.", "bias publ", "bias read", "covered", "width", "unknown")
        ),
    ]
    rows = [
        (
            key,
            *(
                number(value)
                for value in (
                    block.mae_published,
                    block.mae_reader,
                    block.bias_published,
                    block.bias_reader,
                    block.coverage_published,
                    block.width,
                    block.unknown_share,
                )
            ),
        )
        for key, block in evaluation.factors.items()
    ]
    return _table(columns, rows)


def _layers(evaluation: Evaluation) -> list[str]:
    columns = [
        _Column("layer (positive: not certain)", 32),
        *(_Column(head, 11) for head in ("precision", "recall", "F1", "labels", "flags", "certainty")),
    ]
    rows = [
        (
            key,
            number(block.precision_reader),
            number(block.recall_reader),
            number(block.f1_reader),
            str(block.positives_reader),
            str(block.flagged),
            number(block.certainty),
        )
        for key, block in evaluation.layers.items()
    ]
    return _table(columns, rows)


def _further(table: Table) -> list[str]:
    width = min((COLUMNS - _NAME) // (len(table.heads) - 1), _COLUMN)
    columns = [_Column(head, _NAME if n == 0 else width) for n, head in enumerate(table.heads)]
    if len(columns) > _WIDE:
        columns = [_Column(head, 14 if n == 0 else _COLUMN) for n, head in enumerate(table.heads)]
    note = _wrapped(textwrap.shorten(one_line(table.note), _NOTE, placeholder=" …")) if table.note else []
    rows = _table(columns, [tuple(one_line(cell) for cell in row) for row in table.rows])
    return [table.title, *note, *(row.rstrip() for row in rows)]


def _part_moves(verdict: Verdict | None) -> list[str]:
    moves = part_moves(verdict)
    lines = [
        f"{_cut(move.metric, _NAME - 1):<{_NAME}}{number(move.before):>10} → {number(move.after):>10}"
        + _move(move.before, move.after, worse=move.worse)
        for move in moves[:_PART_MOVES]
    ]
    more = [f"… and {count(len(moves) - _PART_MOVES, 'further move')}"] if len(moves) > _PART_MOVES else []
    return ["Moved in one factor, layer or pattern, for the worse first", *lines, *more] if lines else []


def _changed(verdict: Verdict | None) -> list[str]:
    if verdict is None or not verdict.cases:
        return []
    lines = [line for move in verdict.cases[:_CHANGED] for line in _case_moves(move)]
    left = len(verdict.cases) - _CHANGED
    more = [f"… and {count(left, 'further changed case')}"] if left > 0 else []
    return ["Changed cases, the worst first", *lines, *more]


def _case_moves(case: CaseMove) -> list[str]:
    shown = sorted(case.moved, key=lambda move: not move.worse)[:_MOVES]
    said = ", ".join(f"{move.metric} {number(move.before)} → {number(move.after)}" for move in shown)
    more = f", {len(case.moved) - _MOVES} more" if len(case.moved) > _MOVES else ""
    return _wrapped(f"{case.case}: {said}{more}", "  ")


def _worst(evaluation: Evaluation) -> list[str]:
    lines = []
    for name in LOSSES:
        found = worst(evaluation.per_case, name, WORST)
        if found:
            said = ", ".join(f"{result.case} {number(loss)}" for result, loss in found)
            lines += _wrapped(f"{LOSS_TITLES[name]}: {said}", "  ")
    return ["Worst cases", *lines] if lines else []


def _failed(evaluation: Evaluation) -> list[str]:
    return [line for case, error in evaluation.errors.items() for line in _wrapped(f"failed: {case}: {error}")]
