"""The tables of every report: factors, layers, split, two drafters compared, cases written for a purpose, scores."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from evals.gate.directions import METRICS, OF_A_SPLIT, gap
from evals.metrics.results import Evaluation
from evals.report.saying import HUNDRED, count, number

_FACTOR: Final = {
    "MAE published": "mae_published",
    "MAE reader": "mae_reader",
    "bias published": "bias_published",
    "bias reader": "bias_reader",
    "covered": "coverage_published",
    "width": "width",
    "unknown": "unknown_share",
}
_LAYER: Final = {
    "precision": "precision_reader",
    "recall": "recall_reader",
    "F1": "f1_reader",
    "labels": "positives_reader",
    "flags": "flagged",
    "certainty": "certainty",
}
_KIND: Final = {
    "cases": "cases",
    "failed": "failed",
    "factor err.": "factor_error",
    "flag F1": "flag_f1",
    "flag loss": "flag_loss",
    "withheld": "withheld",
    "bad quotes": "invalid_citations",
}


class Table(NamedTuple):
    """A table whose first column contains keys and whose other columns contain numbers or words."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def blocks(title: str, key: str, columns: dict[str, str], found: Iterable[tuple[str, object]], note: str = "") -> Table:
    """Return a table with one row per block; `columns` maps column heads to the fields of a block."""
    rows = tuple((name, *(_shown(getattr(block, field)) for field in columns.values())) for name, block in found)
    return Table(title, (key, *columns), rows, note)


def _shown(value: float | None) -> str:
    return str(value) if isinstance(value, int) else number(value)


def factors(evaluation: Evaluation) -> Table:
    """Return the metrics of each factor."""
    return blocks("Factors", "factor", _FACTOR, evaluation.factors.items())


def layers(evaluation: Evaluation) -> Table:
    """Return the metrics of each layer."""
    return blocks("Layers (positive: not certain)", "layer", _LAYER, evaluation.layers.items())


def tables(evaluation: Evaluation) -> tuple[Table, ...]:
    """Return the tables shown below the metrics, except those for which this run has no data."""
    note = "Measured against the range between two readers; excluded from all other metrics. Gated together."
    special = blocks("Cases written for a purpose", "kind", _KIND, evaluation.special.items(), note)
    found = (_splits(evaluation), _compared(evaluation), special, _scores(evaluation))
    return tuple(table for table in found if table.rows)


def _splits(evaluation: Evaluation) -> Table:
    """Return the metrics over held-out vendors next to those over train vendors."""
    rows = []
    train, dev = evaluation.splits.get("train", {}), evaluation.splits.get("dev", {})
    for name, direction in OF_A_SPLIT.items() if evaluation.splits else ():
        wide = gap(name, train.get(name), dev.get(name))
        side = "" if wide is None or direction.better == "near" else f"{HUNDRED * wide:+.0f} %"
        rows.append((name, number(train.get(name)), number(dev.get(name)), side))
    heads = ("metric", "train", "dev", "worse by")
    note = "dev: held-out vendors. Worse by: how much worse dev is than train, as a share of train."
    return Table("Train vendors and held-out vendors", heads, tuple(rows), note)


def _compared(evaluation: Evaluation) -> Table:
    rows = []
    for name, plain in evaluation.beside.items():
        helped, direction = evaluation.metrics.get(name), METRICS.get(name)
        if plain is None or helped is None:
            continue
        side = ""
        if direction is not None and plain != helped:
            side = "better" if direction.loss(helped) < direction.loss(plain) else "worse"
        rows.append((name, number(plain), number(helped), side))
    return Table("The same cases, embedded and with an LLM", ("metric", "embedded", "with LLM", "side"), tuple(rows))


def _scores(evaluation: Evaluation) -> Table:
    left = sorted((value, key) for key, value in evaluation.score_attribution.items() if value is not None)
    error = number(evaluation.metrics.get("score_error"))
    note = f"{error} with the drafted factors; the factor with the lowest remaining error costs most."
    if evaluation.band_changes:
        note += (
            f" The band differs from that of the reader's labels in {count(len(evaluation.band_changes), 'case')}: "
            f"{', '.join(evaluation.band_changes)}."
        )
    rows = tuple((key, number(value)) for value, key in left)
    return Table(
        "Score error that remains when one factor has the reader's value", ("factor", "score error"), rows, note
    )
