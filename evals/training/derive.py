"""Fit everything that is derived from the fact sheet, and report its quality on held-out vendors.

`python -m evals.training.derive --readings FOLDER --listings FOLDER [--cache FILE] [--report FILE] [--dry]`

The outlook heads and the constants of factors, certainty and likely range are fitted on the bundled cases (published
and reader labels, cards) and, if their texts are available, on real listings with an expert's reading. Every figure
comes from heads and constants fitted without the product's vendor (`evals.runs.holdout` describes the remaining
indirect influence).
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import click
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear, minimize

from agent.drafting.calibration import (
    BASE_FILE,
    FACTORS_FILE,
    LAYERS_FILE,
    RANGE_FILE,
    Calibration,
    CertaintyCalibration,
    FactorCalibration,
    FactorConstants,
    JudgedFactorConstants,
    LayerConstants,
    RangeCalibration,
    Spread,
    load_factors,
    load_range,
)
from agent.drafting.factors import estimate, is_thin
from agent.drafting.kind import kind_of
from agent.drafting.layers.certainty import FEATURES, assess, features, pinning
from agent.drafting.score_range import residual
from agent.facts.readers.outlook import FACTORS, OutlookHeads, best_mean, weighed, write_outlook
from agent.facts.sheet import counted
from agent.facts.vocabulary import load_vocabulary
from agent.records import FactorEstimate, FactSheet
from agent.resources import data_folder
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.kinds import KINDS, ProductKind
from agent.taxonomy.layers import LAYERS
from evals.script import run_script
from evals.training.derive_base import fit_base
from evals.training.derive_rows import FOLDS, REAL_WEIGHT, Row, rows_of, weights_of
from evals.training.judged_factors import corrected, write_constants

PUBLISHED_SHARE: Final = 0.45
"""Weight of the published label when there is also a reader's label."""
CERTAINTY_REAL_WEIGHT: Final = 4.0
"""Weight of a real page when fitting layer certainty, since readers of real pages consider fewer layers certain."""
CERTAINTY_RIDGE: Final = 1.0
FACTOR_RIDGE: Final = 2.0
LAYER_RIDGE: Final = 4.0
NEWTON: Final = 7
KIND_RIDGE: Final = 6.0
EFFECT_RIDGE: Final = 12.0
EFFECT_PRIOR: Final = 0.03
CHANCE_RIDGE: Final = 12.0
LOWERING: Final = -0.1
REAL_SHARE: Final = 0.25
SMALLEST: Final = 0.004
"""Effects of probabilities below this are dropped, since they would not be visible."""
COVERAGE: Final = 0.80
THREAT_MULTIPLIER: Final = 0.97
THIN_FACTOR: Final = 1.35
THRESHOLDS: Final = tuple(n / 100 for n in range(30, 91))
Floats = NDArray[np.float64]
ItemT = TypeVar("ItemT")
Estimates = dict[FactorKey, FactorEstimate]

LANGUAGE: Final[dict[ProductKind, float]] = {
    "mcp-server": 0.3, "agent-skill": 0.5, "coding-agent": 0.6, "computer-use-agent": 0.6, "browser-agent": 0.7,
    "assistant": 0.7, "voice-agent": 0.8, "agent-framework": 0.5, "agent-platform": 0.6, "other": 0.5,
}  # fmt: skip
"""Typical value of the natural-language factor by kind, taken from the rubric because there are no labels for it."""
LANGUAGE_EFFECT: Final = 0.1


@dataclass(frozen=True)
class Fitted:
    """All constants and heads of one fit."""

    calibration: Calibration
    heads: OutlookHeads


def fold_of(rows: Sequence[Row]) -> NDArray[np.int64]:
    """Return the fold of each row."""
    return np.array([row.fold for row in rows])


# ---------------------------------------------------------------- heads of the outlook


def targets(row: Row) -> Floats:
    """Return the target value of each factor for a fit, NaN without a label."""
    values = []
    for key in FACTORS:
        published, reader = row.published.get(key), row.reader.get(key)
        known = [value for value in (published, reader) if value is not None]
        both = published is not None and reader is not None
        value = PUBLISHED_SHARE * known[0] + (1 - PUBLISHED_SHARE) * known[1] if both else sum(known)
        values.append(value if known else np.nan)
    return np.array(values)


def factor_heads(rows: Sequence[Row]) -> tuple[Floats, Floats]:
    """Fit ridge weights, shape (features, 10), and biases on the rows with labels."""
    used = [row for row in rows if row.reader and not row.is_card]
    x, y, w = np.array([row.pooled for row in used]), np.array([targets(row) for row in used]), weights_of(used)
    real = np.array([[float(row.real)] for row in used])
    middle = np.average(x, axis=0, weights=w)
    scale = (x.std(axis=0) + 1e-4) * np.sqrt(x.shape[1])
    a = np.hstack([(x - middle) / scale, real - np.average(real, axis=0, weights=w)])
    y = np.where(np.isnan(y), np.nanmean(y, axis=0), y)
    mean = np.average(y, axis=0, weights=w)
    solved = np.linalg.solve(
        a.T @ (a * w[:, None]) + FACTOR_RIDGE * np.eye(a.shape[1]), a.T @ ((y - mean) * w[:, None])
    )
    weights = solved[:-1] / scale[:, None]
    # Readers of real pages give slightly different values, so part of that shift is applied.
    shift = solved[-1] * (REAL_SHARE - np.average(real[:, 0], weights=w))
    return weights, mean - middle @ weights + shift


def layer_heads(rows: Sequence[Row]) -> tuple[Floats, Floats]:
    """Fit logistic weights, shape (256 + k, 7), and biases for statements by Newton's method on balanced classes."""
    used = [row for row in rows if not row.is_card and len(row.features)]
    x = np.concatenate([row.features for row in used]).astype(np.float64)
    labels = np.concatenate([row.quoted for row in used])
    heavy = np.concatenate([np.full(len(row.features), REAL_WEIGHT if row.real else 1.0) for row in used])
    a = np.hstack([x, np.ones((len(x), 1))])
    found = np.zeros((a.shape[1], len(LAYERS)))
    ridge = np.full(a.shape[1], LAYER_RIDGE)
    ridge[-1] = 1e-3
    for at in range(len(LAYERS)):
        known = ~np.isnan(labels[:, at])
        b, y, w = a[known], labels[known, at].astype(np.float64), heavy[known].copy()
        w[y == 1] *= 4.0
        theta = np.zeros(a.shape[1])
        for _ in range(NEWTON):
            p = 1 / (1 + np.exp(-np.clip(b @ theta, -30, 30)))
            gradient = b.T @ (w * (p - y)) + ridge * theta
            curve = (b * (w * p * (1 - p))[:, None]).T @ b + np.diag(ridge)
            theta -= np.linalg.solve(curve, gradient)
        found[:, at] = theta
    return found[:-1], found[-1]


def layer_odds(rows: Sequence[Row], weights: Floats, bias: Floats) -> Floats:
    """Return the mean log-odds of each row's three best statements, shape (rows, 7)."""
    return np.array([best_mean(row.features.astype(np.float64) @ weights + bias) for row in rows])


def calibrate_layers(rows: Sequence[Row], odds: Floats) -> tuple[Floats, Floats]:
    """Fit a slope and an offset for each layer on out-of-fold log-odds."""
    slopes, offsets = np.ones(len(LAYERS)), np.zeros(len(LAYERS))
    w = weights_of(rows)
    for at, layer in enumerate(LAYERS):
        known = np.array([layer in row.layers for row in rows])
        y = np.array([float(row.layers.get(layer, False)) for row in rows])[known]
        slopes[at], offsets[at] = _logistic_fit(odds[known, at][:, None], y, w[known], [(0.05, None)], 0.01)
    return slopes, offsets


def outlook_heads(rows: Sequence[Row], odds: Floats) -> OutlookHeads:
    """Fit heads on `rows`; `odds` are the out-of-fold log-odds of the same rows."""
    slopes, offsets = calibrate_layers(rows, odds)
    return OutlookHeads(*factor_heads(rows), *layer_heads(rows), slopes, offsets)


def with_outlook(row: Row, heads: OutlookHeads) -> FactSheet:
    """Return the row's fact sheet with the outlook computed by `heads`."""
    features = row.features.astype(np.float64)
    outlook = weighed(row.sheet.outlook, heads, row.pooled, row.statements, features)
    return row.sheet.model_copy(update={"outlook": outlook})


def heads_left_out(rows: Sequence[Row]) -> tuple[dict[int, OutlookHeads], Floats]:
    """Return the heads fitted without each fold, and the out-of-fold log-odds of each row's layers."""
    folds = fold_of(rows)
    odds = np.zeros((len(rows), len(LAYERS)))
    raw: dict[int, tuple[Floats, Floats, Floats, Floats]] = {}
    for fold in range(FOLDS):
        train = [row for row, n in zip(rows, folds, strict=True) if n != fold]
        raw[fold] = (*factor_heads(train), *layer_heads(train))
        held = np.flatnonzero(folds == fold)
        if len(held):
            odds[held] = layer_odds([rows[int(at)] for at in held], raw[fold][2], raw[fold][3])
    heads = {}
    for fold in range(FOLDS):
        seen = folds != fold
        others = [row for row, ok in zip(rows, seen, strict=True) if ok]
        heads[fold] = OutlookHeads(*raw[fold], *calibrate_layers(others, odds[seen]))
    return heads, odds


def left_out_sheets(rows: Sequence[Row]) -> tuple[list[FactSheet], Floats]:
    """Return the sheets with outlooks from out-of-fold heads, and the out-of-fold log-odds of the layers."""
    heads, odds = heads_left_out(rows)
    return [with_outlook(row, heads[row.fold]) for row in rows], odds


def fit_left_out(rows: Sequence[Row]) -> dict[int, Fitted]:
    """Fit all constants and heads once for each fold, on the other folds."""
    heads, _ = heads_left_out(rows)
    sheets = [with_outlook(row, heads[row.fold]) for row in rows]
    seen = {fold: [at for at, row in enumerate(rows) if row.fold != fold] for fold in range(FOLDS)}

    def of(fold: int, items: Sequence[ItemT]) -> list[ItemT]:
        return [items[at] for at in seen[fold]]

    raw = {fold: fit_factors(of(fold, rows), of(fold, sheets)) for fold in range(FOLDS)}
    certainty = {fold: fit_certainty(of(fold, rows), of(fold, sheets)) for fold in range(FOLDS)}
    values = [_unrounded(sheet, raw[row.fold]) for row, sheet in zip(rows, sheets, strict=True)]
    flags = flags_of(rows, sheets, [certainty[row.fold] for row in rows])
    found = {}
    for fold in range(FOLDS):
        calibration = Calibration(
            factors=spreads(raw[fold], of(fold, rows), of(fold, values)),
            certainty=certainty[fold].model_copy(update={"threshold": threshold_of(of(fold, flags))}),
            range=fit_range(of(fold, rows), of(fold, values)),
            base=fit_base(of(fold, rows)),
        )
        found[fold] = Fitted(calibration, heads[fold])
    return found


def _unrounded(sheet: FactSheet, calibration: FactorCalibration) -> dict[FactorKey, float]:
    found = estimate(sheet, kind_of(sheet), calibration=calibration)
    return {key: sum(part.effect for part in found[key].parts) for key in FACTORS}


# ---------------------------------------------------------------- factors


def fit_factors(rows: Sequence[Row], sheets: Sequence[FactSheet]) -> FactorCalibration:
    """Fit the constants of the factors; the spreads stay 0 until `spreads` sets them."""
    pairs = [(row, sheet) for row, sheet in zip(rows, sheets, strict=True) if row.reader and not row.is_card]
    words = load_vocabulary()
    means = {
        key.id: round(float(np.mean([sheet.outlook.chances.get(key.id, 0.0) for _, sheet in pairs])), 4)
        for key in words
    }
    y = np.array([targets(row) for row, _ in pairs])
    w = weights_of([row for row, _ in pairs])
    kinds = np.array([[float(kind_of(sheet) == kind) for kind in KINDS] for _, sheet in pairs])
    return FactorCalibration(
        rows=len(pairs),
        means=means,
        factors={
            **{
                key: _fit_factor(key, y[:, at], w, kinds, [s for _, s in pairs], means)
                for at, key in enumerate(FACTORS)
            },
            "natural_language_interface": _language(),
        },
    )


def _fit_factor(
    key: FactorKey, y: Floats, w: Floats, kinds: Floats, sheets: Sequence[FactSheet], means: dict[str, float]
) -> FactorConstants:
    words = load_vocabulary()
    raising = [entry.id for entry in words if key in entry.raises]
    known = ~np.isnan(y)
    mean = float(np.average(y[known], weights=w[known]))
    # The typical value of a kind is its shrunken mean.
    share = kinds[known] * w[known][:, None]
    typical = mean + (share * (y[known] - mean)[:, None]).sum(axis=0) / (share.sum(axis=0) + KIND_RIDGE)
    usual = kinds @ typical
    outlook = np.array([sheet.outlook.factors[key] for sheet in sheets]) - usual
    facts = np.array([[float(_raises(sheet, name)) for name in raising] for sheet in sheets])
    seen = np.array([[sheet.outlook.chances.get(name, 0.0) - means[name] for name in raising] for sheet in sheets])
    # Centre the facts: subtract their average contribution from the typical values.
    x = np.hstack([outlook[:, None], facts, seen, np.ones((len(y), 1))])[known]
    n = len(raising)
    ridge = np.sqrt(np.concatenate([[0.5], np.full(n, EFFECT_RIDGE), np.full(n, CHANCE_RIDGE), [1e-3]]))
    prior = np.concatenate([[0.8], np.full(n, EFFECT_PRIOR), np.zeros(n), [0.0]])
    low = np.concatenate([np.zeros(1 + 2 * n), [-1.0]])
    high = np.concatenate([[1.0], np.full(n, 0.3), np.full(n, 0.3), [1.0]])
    root = np.sqrt(w[known])
    a = np.vstack([x * root[:, None], np.diag(ridge)])
    b = np.concatenate([(y[known] - usual[known]) * root, ridge * prior])
    solved = lsq_linear(a, b, bounds=(low, high)).x
    offset = solved[-1] / max(0.2, 1 - solved[0])
    trust = float(solved[0])
    return FactorConstants(
        typical={kind: _short(min(1.0, max(0.0, value + offset))) for kind, value in zip(KINDS, typical, strict=True)},
        trust=_short(trust),
        chances={name: _short(v) for name, v in zip(raising, solved[1 + n : 1 + 2 * n], strict=True) if v > SMALLEST},
        effects={name: _short(v) for name, v in zip(raising, solved[1 : 1 + n], strict=True)},
        lowering={e.id: LOWERING for e in words if key in e.lowers or key in e.denial_lowers},
        spread=Spread(below=0.0, above=0.0),
        judged=JudgedFactorConstants(),
    )


def _language() -> FactorConstants:
    words, key = load_vocabulary(), "natural_language_interface"
    return FactorConstants(
        typical=LANGUAGE,
        trust=0.0,
        chances={},
        effects={entry.id: LANGUAGE_EFFECT for entry in words if key in entry.raises},
        lowering={entry.id: LOWERING for entry in words if key in entry.lowers or key in entry.denial_lowers},
        spread=Spread(below=-0.3, above=0.3),
    )


def _raises(sheet: FactSheet, key: str) -> bool:
    return any(fact.polarity != "denied" for fact in counted(sheet, key))


def spreads(
    calibration: FactorCalibration, rows: Sequence[Row], values: Sequence[dict[FactorKey, float]]
) -> FactorCalibration:
    """Return the constants with ranges that cover 80 % of the labels, and with the gaps of thin sources.

    `values` are out-of-fold estimates that are not corrected for thin sources.
    """
    factors = dict(calibration.factors)
    lacking = thin_gaps(rows, values)
    for key in FACTORS:
        gaps, weights = [], []
        for row, value in zip(rows, values, strict=True):
            label = row.published.get(key, row.reader.get(key)) if not row.is_card else None
            if label is not None:
                gaps.append(label - value[key])
                weights.append(1.0)
        factors[key] = factors[key].model_copy(update={"spread": _spread(np.array(gaps)), "thin": lacking[key]})
    return calibration.model_copy(update={"factors": factors})


def thin_gaps(rows: Sequence[Row], values: Sequence[Mapping[FactorKey, float]]) -> dict[FactorKey, float]:
    """Return how much lower the drafter values a product's card than its full listing, because the card says less.

    The gap is the mean over the bundled cases whose card is thin and whose full listing is not, but at least 0.
    """
    full = {
        row.slug: value
        for row, value in zip(rows, values, strict=True)
        if not (row.is_card or row.real or is_thin(row.sheet))
    }
    pairs = [
        (full[row.slug], value)
        for row, value in zip(rows, values, strict=True)
        if row.is_card and row.slug in full and is_thin(row.sheet)
    ]
    if not pairs:
        return dict.fromkeys(FACTORS, 0.0)
    return {key: _short(max(0.0, float(np.mean([more[key] - less[key] for more, less in pairs])))) for key in FACTORS}


def _spread(gaps: Floats) -> Spread:
    """Return the narrowest pair of quantiles that covers 80 % of the gaps once both ends are rounded to tenths."""
    ordered = np.sort(gaps)
    best = (9.0, -0.3, 0.3)
    for step in range(21):
        for room in (0.62, 0.66, 0.70, 0.74, 0.78, 0.80):
            low = np.quantile(ordered, (1 - room) * step / 20)
            high = np.quantile(ordered, (1 - room) * step / 20 + room)
            # Ends are rounded to the nearest tenth, so a label up to 0.05 outside still counts as inside.
            inside = np.mean((gaps >= low - 0.05) & (gaps <= high + 0.05))
            if inside >= COVERAGE and high - low < best[0]:
                best = (float(high - low), float(low), float(high))
    return Spread(below=_short(min(0.0, best[1])), above=_short(max(0.0, best[2])))


# ---------------------------------------------------------------- certainty


def fit_certainty(rows: Sequence[Row], sheets: Sequence[FactSheet]) -> CertaintyCalibration:
    """Fit the logistic constants of each layer; `threshold_of` sets the threshold."""
    w = np.where([row.real for row in rows], CERTAINTY_REAL_WEIGHT, weights_of(rows))
    layers = {}
    for layer in LAYERS:
        known = np.array([layer in row.layers for row in rows])
        y = np.array([float(row.layers.get(layer, False)) for row in rows])[known]
        values = [features(sheet, layer, pinning(sheet, layer)) for sheet in sheets]
        x = np.array([[value[name] for name in FEATURES] for value in values])
        found = _logistic_fit(x[known], y, w[known], [(0.0, None)] * len(FEATURES), CERTAINTY_RIDGE)
        layers[layer] = LayerConstants(
            bias=_short(found[-1]),
            weights={name: _short(v) for name, v in zip(FEATURES, found[:-1], strict=True)},
        )
    return CertaintyCalibration(rows=len(rows), threshold=0.5, layers=layers)


def _logistic_fit(
    x: Floats, y: Floats, w: Floats, bounds: Sequence[tuple[float | None, float | None]], ridge: float
) -> Floats:
    """Fit a penalised logistic regression within bounds; return the weights followed by the bias."""
    a = np.hstack([x, np.ones((len(x), 1))])
    penalty = np.full(a.shape[1], ridge)
    penalty[-1] = 1e-3

    def loss(theta: Floats) -> tuple[float, Floats]:
        z = a @ theta
        value = float((w * (np.logaddexp(0, z) - y * z)).sum() + (penalty * theta**2).sum() / 2)
        return value, a.T @ (w * (1 / (1 + np.exp(-np.clip(z, -30, 30))) - y)) + penalty * theta

    limits = [*bounds, (None, None)]
    found: Floats = minimize(loss, np.full(a.shape[1], 0.1), jac=True, method="L-BFGS-B", bounds=limits).x
    return found


@dataclass(frozen=True)
class Flags:
    """The estimate and the label of one layer of one row."""

    row: Row
    chance: float
    pinned: bool
    label: bool | None


def flags_of(
    rows: Sequence[Row], sheets: Sequence[FactSheet], fits: Sequence[CertaintyCalibration]
) -> list[list[Flags]]:
    """Return the seven layers of each row; `fits` has one out-of-fold fit for each row."""
    found = []
    for row, sheet, fit in zip(rows, sheets, fits, strict=True):
        said = assess(sheet, calibration=fit.model_copy(update={"threshold": 0.0}))
        found.append([Flags(row, said[key].certainty, said[key].certain, row.layers.get(key)) for key in LAYERS])
    return found


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
    """Return the threshold with the best F1 over full listings, penalised if it withholds more than 10 % of them.

    Cards are excluded because a threshold that withholds cards would flag certain layers of full listings.
    """
    full = [row for row in flags if not row[0].row.is_card]
    real = [row for row in full if row[0].row.real]
    corpus = [row for row in full if not row[0].row.real]

    def worth(threshold: float) -> float:
        good = (f1(corpus, threshold) + f1(real, threshold)) / 2 if real else f1(corpus, threshold)
        return good - 2.0 * max(0.0, withheld(full, threshold) - 0.1)

    return max(THRESHOLDS, key=lambda threshold: (round(worth(threshold), 3), threshold))


# ---------------------------------------------------------------- likely range


def fit_range(rows: Sequence[Row], values: Sequence[dict[FactorKey, float]]) -> RangeCalibration:
    """Collect the residuals of published scores before controls, using the kind's median base in other folds."""
    folds = fold_of(rows)
    residuals = []
    for at, row in enumerate(rows):
        if row.published_base is None or row.published_threat is None or len(row.published) < len(FACTORS):
            continue
        kind = kind_of(row.sheet)
        others = [r for r, n in zip(rows, folds, strict=True) if n != folds[at] and r.base is not None]
        same = [r.base for r in others if kind_of(r.sheet) == kind]
        base = float(np.median([b for b in same if b is not None] or [r.base or 0.0 for r in others]))
        label = min(
            10.0,
            row.published_base
            + (10 - row.published_base) * sum(row.published[k] for k in FACTORS) / 10 * row.published_threat,
        )
        drafted = base + (10 - base) * sum(round(values[at][k], 1) for k in FACTORS) / 10 * THREAT_MULTIPLIER
        residuals.append(round(residual(label, drafted), 3))
    return RangeCalibration(
        name=f"published scores at MF 1, n={len(residuals)}",
        residuals=tuple(sorted(residuals)),
        judged=load_range().judged,
        thin_factor=THIN_FACTOR,
    )


# ---------------------------------------------------------------- all together


def main(arguments: Sequence[str]) -> None:
    """Fit everything, write the constants and heads, and report the figures."""
    asked = _parser().parse_args(arguments)
    rows = rows_of(asked.readings, asked.listings, asked.cache)
    folds = fold_of(rows)
    sheets, odds = left_out_sheets(rows)
    values: list[dict[FactorKey, float]] = [{} for _ in rows]
    ranged: dict[int, Estimates] = {}
    fits: dict[int, CertaintyCalibration] = {}
    raw: dict[int, FactorCalibration] = {}
    for fold in range(FOLDS):
        seen = [at for at, n in enumerate(folds) if n != fold]
        raw[fold] = fit_factors([rows[at] for at in seen], [sheets[at] for at in seen])
        certainty = fit_certainty([rows[at] for at in seen], [sheets[at] for at in seen])
        for at in np.flatnonzero(folds == fold):
            fits[int(at)] = certainty
            found = estimate(sheets[at], kind_of(sheets[at]), calibration=raw[fold])
            values[at] = {key: sum(part.effect for part in found[key].parts) for key in FACTORS}
    for fold in range(FOLDS):
        seen = [at for at, n in enumerate(folds) if n != fold]
        wide = spreads(raw[fold], [rows[at] for at in seen], [values[at] for at in seen])
        for at in np.flatnonzero(folds == fold):
            ranged[int(at)] = estimate(sheets[at], kind_of(sheets[at]), calibration=wide)
    flags = flags_of(rows, sheets, [fits[at] for at in range(len(rows))])
    cuts = {
        fold: threshold_of([row for row, n in zip(flags, folds, strict=True) if n != fold]) for fold in range(FOLDS)
    }
    threshold = threshold_of(flags)
    text = report(rows, sheets, ranged, flags, [cuts[n] for n in folds], threshold)
    click.echo(text)
    if asked.report:
        asked.report.write_text(text, "utf-8")
    if asked.dry:
        return
    knowledge = data_folder("corpus") / "knowledge"
    write_outlook(outlook_heads(rows, odds), knowledge / "outlook")
    folder = knowledge / "calibration"
    # judged_factors.py fits the correction of an LLM's values separately.
    corrections = {key: row.judged.bias for key, row in load_factors().factors.items()}
    write_constants(folder / FACTORS_FILE, corrected(spreads(fit_factors(rows, sheets), rows, values), corrections))
    write_constants(folder / LAYERS_FILE, fit_certainty(rows, sheets).model_copy(update={"threshold": threshold}))
    write_constants(folder / RANGE_FILE, fit_range(rows, values))
    write_constants(folder / BASE_FILE, fit_base(rows))


def report(
    rows: Sequence[Row],
    sheets: Sequence[FactSheet],
    found: Mapping[int, Estimates],
    flags: Sequence[Sequence[Flags]],
    cuts: Sequence[float],
    threshold: float,
) -> str:
    """Return the held-out figures for bundled cases and real listings as a Markdown table."""
    lines = [
        "| set | factors: published · reader | sum | range covers | kind | flags F1 | withheld |",
        "|---|---|---|---|---|---|---|",
    ]
    groups = {
        "bundled cases": [at for at, row in enumerate(rows) if not row.real and not row.is_card],
        "real listings": [at for at, row in enumerate(rows) if row.real],
        "cards": [at for at, row in enumerate(rows) if row.is_card],
    }
    for name, places in groups.items():
        if not places:
            continue
        own = [rows[at] for at in places]
        value = [{k: float(found[at][k].value) for k in FACTORS} for at in places]
        errors = {
            which: [
                abs(v[k] - getattr(r, which)[k])
                for r, v in zip(own, value, strict=True)
                for k in FACTORS
                if k in getattr(r, which)
            ]
            for which in ("published", "reader")
        }
        label = [r.published or r.reader for r in own]
        sums = [
            abs(sum(v.values()) - sum(labelled[k] for k in FACTORS))
            for labelled, v in zip(label, value, strict=True)
            if len(labelled) >= len(FACTORS)
        ]
        inside = [
            float(found[at][k].low) - 1e-9 <= labelled[k] <= float(found[at][k].high) + 1e-9
            for at, labelled in zip(places, label, strict=True)
            for k in FACTORS
            if k in labelled
        ]
        right = [kind_of(sheets[at]) == rows[at].kind for at in places if rows[at].kind]
        pooled_f1 = _pooled_f1([(flags[at], cuts[at]) for at in places])
        held = float(np.mean([withheld([flags[at]], cuts[at]) for at in places]))
        lines.append(
            f"| {name} ({len(places)}) | {_mean(errors['published'])} · {_mean(errors['reader'])} | {_mean(sums)} | "
            f"{_mean(inside)} | {_mean(right)} | {pooled_f1:.3f} | {held:.2f} |"
        )
    lines.append(f"\nThreshold of certainty {threshold:.2f}.")
    return "\n".join(lines) + "\n"


def _pooled_f1(pairs: Sequence[tuple[Sequence[Flags], float]]) -> float:
    moved = [[Flags(flag.row, flag.chance - cut, flag.pinned, flag.label) for flag in row] for row, cut in pairs]
    return f1(moved, 0.0)


def _mean(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f}" if len(values) else "–"


def _short(value: float) -> float:
    return round(float(value), 4)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals.training.derive")
    parser.add_argument("--readings", type=Path, help="folder with the readings of real listings")
    parser.add_argument("--listings", type=Path, help="folder with their texts")
    parser.add_argument("--cache", type=Path, help="file in which the rows are kept")
    parser.add_argument("--report", type=Path, help="file for the figures")
    parser.add_argument("--dry", action="store_true", help="measure, and write no constants")
    return parser


if __name__ == "__main__":
    run_script(main)
