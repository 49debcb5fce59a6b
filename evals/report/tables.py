"""The tables below the metrics of every report: split, two drafters compared, cases written for a purpose, scores."""

from typing import Final, NamedTuple

from evals.gate.directions import METRICS, OF_A_SPLIT, gap
from evals.metrics.results import Evaluation
from evals.report.saying import HUNDRED, count, number


class Table(NamedTuple):
    """A table whose first column is a key and whose others are numbers or a word."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def tables(evaluation: Evaluation) -> tuple[Table, ...]:
    """Return the tables for which this run has data."""
    found = (_splits(evaluation), _compared(evaluation), _special(evaluation), _scores(evaluation))
    return tuple(table for table in found if table.rows)


_SIDES: Final = {True: "better", False: "worse"}


def _splits(evaluation: Evaluation) -> Table:
    """Return the metrics on held-out vendors, compared with the others."""
    rows = []
    if evaluation.splits:
        train, dev = evaluation.splits["train"], evaluation.splits["dev"]
        for name in OF_A_SPLIT:
            wide = gap(name, train.get(name), dev.get(name))
            side = "" if wide is None or OF_A_SPLIT[name].better == "near" else f"{HUNDRED * wide:+.0f} %"
            rows.append((name, number(train.get(name)), number(dev.get(name)), side))
    heads = ("metric", "train", "dev", "worse by")
    note = "dev: vendors nobody looked at. Worse by: how much worse dev is than train, as a share of train."
    return Table("Vendors looked at, and vendors nobody looked at", heads, tuple(rows), note)


def _compared(evaluation: Evaluation) -> Table:
    rows = []
    for name, plain in evaluation.beside.items():
        helped = evaluation.metrics.get(name)
        if plain is None or helped is None:
            continue
        direction = METRICS.get(name)
        same = plain == helped or direction is None
        side = "" if same or direction is None else _SIDES[direction.loss(helped) < direction.loss(plain)]
        rows.append((name, number(plain), number(helped), side))
    return Table("The same cases, embedded and with an LLM", ("metric", "embedded", "with LLM", "side"), tuple(rows))


def _special(evaluation: Evaluation) -> Table:
    rows = tuple(
        (
            kind,
            str(block.cases),
            str(block.failed),
            number(block.factor_error),
            number(block.flag_f1),
            number(block.flag_loss),
            number(block.withheld),
            str(block.invalid_citations),
        )
        for kind, block in evaluation.special.items()
    )
    heads = ("kind", "cases", "failed", "factor err.", "flag F1", "flag loss", "withheld", "bad quotes")
    note = "Against the range of two readers; in no other metric. Gated all together."
    return Table("Cases written for a purpose", heads, rows, note)


def _scores(evaluation: Evaluation) -> Table:
    left = {key: value for key, value in evaluation.score_attribution.items() if value is not None}
    rows = tuple((key, number(value)) for key, value in sorted(left.items(), key=lambda row: (row[1], row[0])))
    error = number(evaluation.metrics.get("score_error"))
    note = f"{error} with the drafted factors: what is left is lowest where that factor costs most."
    if evaluation.band_changes:
        note += (
            f" The band differs from that of the reader's labels in {count(len(evaluation.band_changes), 'case')}: "
            f"{', '.join(evaluation.band_changes)}."
        )
    return Table("Score error left when one factor has the reader's value", ("factor", "score error"), rows, note)
