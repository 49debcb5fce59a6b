"""Fit everything that is derived from the fact sheet, and report its quality on held-out vendors.

`python -m evals.training.derive --readings FOLDER --listings FOLDER [--folds FILE] [--cache FILE] [--report FILE]
[--layers] [--dry]`

The outlook heads and the constants of factors, certainty, base and likely range are fitted on the bundled cases
(published and reader labels, cards) and, if their texts are available, on real listings with an expert's reading. The
layers are also fitted on further real listings that a blind reader graded. Every figure comes from heads and constants
fitted without the product's vendor (`evals.runs.holdout` describes the remaining indirect influence).
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import click
import numpy as np

from agent.drafting.calibration import (
    BASE_FILE,
    FACTORS_FILE,
    LAYERS_FILE,
    RANGE_FILE,
    Calibration,
    CertaintyCalibration,
    FactorCalibration,
    load_factors,
)
from agent.drafting.factors import estimate
from agent.drafting.kind import kind_of
from agent.drafting.layers.certainty import assess
from agent.facts.readers.outlook import FACTORS, OutlookHeads, read_outlook
from agent.records import FactSheet
from agent.resources import data_folder
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.layers import LAYERS
from evals.script import run_script
from evals.training.derive_constants import fit_base, fit_certainty, fit_factors, fit_range, spreads
from evals.training.derive_heads import calibrated, factor_heads, layer_heads, layer_odds, with_outlook
from evals.training.derive_rows import FOLDS, Row, all_rows
from evals.training.fits import Floats
from evals.training.fold_readers import Folds
from evals.training.judged_factors import corrected
from evals.training.reader_files import write_outlook
from evals.training.weights import write_calibration

THRESHOLDS: Final = tuple(n / 100 for n in range(30, 91))
ItemT = TypeVar("ItemT")
Values = dict[FactorKey, float]


@dataclass(frozen=True)
class Fitted:
    """All constants and heads of one fit."""

    calibration: Calibration
    heads: OutlookHeads


@dataclass(frozen=True)
class Flags:
    """The estimate and the label of one layer in one row."""

    row: Row
    chance: float
    pinned: bool
    label: bool | None


@dataclass(frozen=True)
class LeftOut:
    """Predictions for rows that the fits have not seen: each row is predicted by the fits without its fold."""

    rows: Sequence[Row]
    odds: Floats
    """Log-odds of each row's layers."""
    heads: Mapping[int, OutlookHeads]
    """For each fold, heads fitted without it; likewise for the constants below."""
    factors: Mapping[int, FactorCalibration]
    certainty: Mapping[int, CertaintyCalibration]
    sheets: Sequence[FactSheet]
    values: Sequence[Values]
    """Factors before they are rounded."""
    flags: Sequence[Sequence[Flags]]
    """The seven layers of each row."""

    def others(self, fold: int, items: Sequence[ItemT]) -> list[ItemT]:
        """Return the items of the rows of other folds."""
        return [item for row, item in zip(self.rows, items, strict=True) if row.fold != fold]


def left_out(rows: Sequence[Row]) -> LeftOut:
    """Fit heads, factors and certainty without each fold, and apply them to its rows."""
    odds = np.zeros((len(rows), len(LAYERS)))
    raw: dict[int, tuple[Floats, Floats, Floats, Floats]] = {}
    for fold in range(FOLDS):
        train = [row for row in rows if row.fold != fold]
        raw[fold] = (*factor_heads(train), *layer_heads(train))
        held = [at for at, row in enumerate(rows) if row.fold == fold]
        if held:
            odds[held] = layer_odds([rows[at] for at in held], raw[fold][2], raw[fold][3])
    heads, factors, certainty = {}, {}, {}
    for fold in range(FOLDS):
        seen = np.array([row.fold != fold for row in rows])
        heads[fold] = calibrated(raw[fold], [row for row in rows if row.fold != fold], odds[seen])
    sheets = [with_outlook(row, heads[row.fold]) for row in rows]
    for fold in range(FOLDS):
        train = [row for row in rows if row.fold != fold]
        own = [sheet for row, sheet in zip(rows, sheets, strict=True) if row.fold != fold]
        factors[fold], certainty[fold] = fit_factors(train, own), fit_certainty(train, own)
    values, flags = [], []
    for row, sheet in zip(rows, sheets, strict=True):
        found = estimate(sheet, kind_of(sheet), calibration=factors[row.fold])
        values.append({key: sum(part.effect for part in found[key].parts) for key in FACTORS})
        said = assess(sheet, calibration=certainty[row.fold].model_copy(update={"threshold": 0.0}))
        flags.append([Flags(row, said[key].certainty, said[key].certain, row.layers.get(key)) for key in LAYERS])
    return LeftOut(rows, odds, heads, factors, certainty, sheets, values, flags)


def fit_left_out(rows: Sequence[Row]) -> dict[int, Fitted]:
    """Fit all constants and heads once for each fold, on the other folds."""
    out = left_out(rows)
    found = {}
    for fold in range(FOLDS):
        train, values = out.others(fold, rows), out.others(fold, out.values)
        threshold = threshold_of(out.others(fold, out.flags))
        calibration = Calibration(
            factors=spreads(out.factors[fold], train, values),
            certainty=out.certainty[fold].model_copy(update={"threshold": threshold}),
            range=fit_range(train, values),
            base=fit_base(train),
        )
        found[fold] = Fitted(calibration, out.heads[fold])
    return found


# ---------------------------------------------------------------- threshold of certainty


def f1(flags: Sequence[Sequence[Flags]], threshold: float) -> float:
    """Return the F1 score of "not certain" against the labels."""
    hit = missed = needless = 0
    for flag in (flag for row in flags for flag in row if flag.label is not None):
        raised = not (flag.pinned and flag.chance >= threshold)
        hit += raised and not flag.label
        needless += raised and bool(flag.label)
        missed += not raised and not flag.label
    return 2 * hit / max(1, 2 * hit + needless + missed)


def withheld(flags: Sequence[Sequence[Flags]], threshold: float) -> float:
    """Return the share of rows with fewer than two certain layers."""
    certain = [sum(flag.pinned and flag.chance >= threshold for flag in row) for row in flags]
    return float(np.mean([count < 2 for count in certain])) if certain else 0.0  # noqa: PLR2004 - the rule of scores


def threshold_of(flags: Sequence[Sequence[Flags]]) -> float:
    """Return the threshold with the best F1 over the real listings that an expert read, or over the full listings of
    the corpus if there are none. A threshold that withholds more than 10 % of all full listings is penalised.

    Cards are excluded: a threshold high enough to withhold them would also flag layers of full listings that are
    certain.
    """
    full = [row for row in flags if not row[0].row.is_card]
    measure = [row for row in full if row[0].row.real and row[0].row.reader] or full

    def worth(threshold: float) -> float:
        return f1(measure, threshold) - 2.0 * max(0.0, withheld(full, threshold) - 0.1)

    return max(THRESHOLDS, key=lambda threshold: (round(worth(threshold), 3), threshold))


# ---------------------------------------------------------------- all together


def main(arguments: Sequence[str]) -> None:
    """Fit everything, write the constants and heads, and report the figures."""
    parser = argparse.ArgumentParser(prog="python -m evals.training.derive")
    parser.add_argument("--readings", type=Path, help="folder with the readings of real listings")
    parser.add_argument("--listings", type=Path, help="folder with their texts")
    parser.add_argument("--cache", type=Path, help="file in which to cache the rows")
    parser.add_argument("--report", type=Path, help="file to write the figures to")
    parser.add_argument("--layers", action="store_true", help="write only the constants of the layers")
    parser.add_argument("--dry", action="store_true", help="measure, but do not write constants")
    parser.add_argument("--folds", type=Path, help="fits of the fact reader without each owner, from fact_heads")
    asked = parser.parse_args(arguments)
    folds = Folds.read(asked.folds) if asked.folds else None
    rows = all_rows(asked.readings, asked.listings, asked.cache, folds)
    out = left_out(rows)
    threshold = threshold_of(out.flags)
    text = report(out, threshold)
    click.echo(text)
    if asked.report:
        asked.report.write_text(text, "utf-8")
    if asked.dry:
        return
    folder = data_folder("corpus") / "knowledge" / "outlook"
    heads = calibrated((*factor_heads(rows), *layer_heads(rows)), rows, out.odds)
    certainty = fit_certainty(rows, out.sheets).model_copy(update={"threshold": threshold})
    write_calibration(LAYERS_FILE, certainty)
    if asked.layers:
        slopes = {"layer_slopes": heads.layer_slopes, "layer_offsets": heads.layer_offsets}
        write_outlook(replace(read_outlook(folder), **slopes), folder)
        return
    write_outlook(heads, folder)
    # judged_factors.py fits the correction of an LLM's values separately.
    corrections = {key: row.judged.bias for key, row in load_factors().factors.items()}
    factors = corrected(spreads(fit_factors(rows, out.sheets), rows, out.values), corrections)
    write_calibration(FACTORS_FILE, factors)
    write_calibration(RANGE_FILE, fit_range(rows, out.values))
    write_calibration(BASE_FILE, fit_base(rows))


def report(out: LeftOut, threshold: float) -> str:
    """Return the held-out figures for bundled cases and real listings as a Markdown table."""
    wide = {
        fold: spreads(out.factors[fold], out.others(fold, out.rows), out.others(fold, out.values))
        for fold in range(FOLDS)
    }
    cuts = {fold: threshold_of(out.others(fold, out.flags)) for fold in range(FOLDS)}
    lines = [
        "| set | factors: published · reader | sum | range covers | kind | flags F1 | withheld |",
        "|---|---|---|---|---|---|---|",
    ]
    sorts = [_sort_of(row) for row in out.rows]
    for name in ("bundled cases", "real listings", "graded listings", "cards"):
        places = [at for at, sort in enumerate(sorts) if sort == name]
        errors: dict[str, list[float]] = {"published": [], "reader": []}
        sums, covers, kinds, held = [], [], [], []
        flags: list[list[Flags]] = []
        for row, sheet, own in ((out.rows[at], out.sheets[at], out.flags[at]) for at in places):
            found = estimate(sheet, kind_of(sheet), calibration=wide[row.fold])
            value = {key: float(found[key].value) for key in FACTORS}
            for which, labels in (("published", row.published), ("reader", row.reader)):
                errors[which] += [abs(value[key] - labels[key]) for key in FACTORS if key in labels]
            label = row.published or row.reader
            if len(label) >= len(FACTORS):
                sums.append(abs(sum(value.values()) - sum(label[key] for key in FACTORS)))
            ends = [(float(found[key].low), label[key], float(found[key].high)) for key in FACTORS if key in label]
            covers += [low - 1e-9 <= middle <= high + 1e-9 for low, middle, high in ends]
            kinds += [kind_of(sheet) == row.kind] if row.kind else []
            held.append(withheld([own], cuts[row.fold]))
            flags.append([Flags(row, one.chance - cuts[row.fold], one.pinned, one.label) for one in own])
        if places:
            means = [_mean(found) for found in (sums, covers, kinds)]
            both = f"{_mean(errors['published'])} · {_mean(errors['reader'])}"
            cells = [f"{name} ({len(places)})", both, *means, f"{f1(flags, 0.0):.3f}", f"{np.mean(held):.2f}"]
            lines.append(f"| {' | '.join(cells)} |")
    lines.append(f"\nThreshold of certainty {threshold:.2f}.")
    return "\n".join(lines) + "\n"


def _sort_of(row: Row) -> str:
    if row.is_card:
        return "cards"
    if not row.real:
        return "bundled cases"
    return "real listings" if row.reader else "graded listings"


def _mean(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f}" if len(values) else "–"


if __name__ == "__main__":
    run_script(main)
