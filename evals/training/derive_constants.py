"""Fit the constants of drafting that depend on fact sheets: factors, certainty, the base, and the likely range."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from scipy.optimize import lsq_linear, minimize

from agent.drafting.calibration import (
    BaseCalibration,
    CertaintyCalibration,
    FactorCalibration,
    FactorConstants,
    JudgedFactorConstants,
    LayerConstants,
    RangeCalibration,
    Spread,
    load_range,
)
from agent.drafting.factors import thinness
from agent.drafting.kind import kind_of
from agent.drafting.layers.certainty import FEATURES, features, pinning
from agent.drafting.score_range import residual
from agent.facts.readers.outlook import FACTORS
from agent.facts.sheet import counted
from agent.facts.vocabulary import load_vocabulary
from agent.records import FactSheet
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.kinds import KINDS, ProductKind
from agent.taxonomy.layers import LAYERS
from evals.training.derive_heads import targets
from evals.training.derive_rows import Row, weights_of
from evals.training.fits import FREE, Floats, bounded_logistic

CERTAINTY_REAL_WEIGHT: Final = 8.0
"""Weight of a real page when fitting layer certainty, since readers of real pages consider fewer layers certain."""
CERTAINTY_RIDGE: Final = 1.0
CERTAINTY_LEAST: Final = {"keys": 0.1, "facts": 0.1, "rank": 0.3}
"""Minimum weights, so that a fact that is added, confirmed or struck always moves the certainty of its layer."""
KIND_RIDGE: Final = 6.0
EFFECT_RIDGE: Final = 12.0
EFFECT_PRIOR: Final = 0.03
EFFECT_LEAST: Final = 0.01
"""Minimum effect of a fact on a factor that it raises, so that the factor always cites the fact."""
CHANCE_RIDGE: Final = 12.0
LOWERING: Final = -0.1
SMALLEST: Final = 0.004
"""Weights of probabilities below this are dropped, since their effect would not be visible."""
COVERAGE: Final = 0.80
LEAST_UNSEEN: Final = 30
"""If at least this many products were not used to train the fact reader, ranges are fitted on these alone."""
THREAT_MULTIPLIER: Final = 0.97
THIN_FACTOR: Final = 1.35
BASE_KIND_RIDGE: Final = 10.0
BASE_RIDGE: Final = 20.0
BASE_NEAR: Final = 0.5
"""Scale of the pseudo-Huber loss: smaller residuals count quadratically, larger ones linearly."""
BASE_REAL_SHARE: Final = 1.0
"""How much of the shift towards real pages is applied, 0 to 1: readers of real pages give more severe bases than
readers of the corpus."""
LANGUAGE: Final[dict[ProductKind, float]] = {
    "mcp-server": 0.3, "agent-skill": 0.5, "coding-agent": 0.6, "computer-use-agent": 0.6, "browser-agent": 0.7,
    "assistant": 0.7, "voice-agent": 0.8, "agent-framework": 0.5, "agent-platform": 0.6, "other": 0.5,
}  # fmt: skip
"""Typical value of the natural-language factor by kind, taken from the rubric because there are no labels for it."""
LANGUAGE_EFFECT: Final = 0.1
_LANGUAGE_KEY: Final[FactorKey] = "natural_language_interface"


def _short(value: float) -> float:
    return round(float(value), 4)


# ---------------------------------------------------------------- factors


def fit_factors(rows: Sequence[Row], sheets: Sequence[FactSheet]) -> FactorCalibration:
    """Fit the constants of the factors; the spreads stay 0 until `spreads` sets them."""
    pairs = [(row, sheet) for row, sheet in zip(rows, sheets, strict=True) if row.reader and not row.is_card]
    own = [sheet for _, sheet in pairs]
    words = load_vocabulary()
    means = {key.id: _short(float(np.mean([sheet.outlook.chances.get(key.id, 0.0) for sheet in own]))) for key in words}
    y = np.array([targets(row) for row, _ in pairs])
    w = weights_of([row for row, _ in pairs])
    kinds = np.array([[float(kind_of(sheet) == kind) for kind in KINDS] for sheet in own])
    factors = {key: _fit_factor(key, y[:, at], w, kinds, own, means) for at, key in enumerate(FACTORS)}
    factors[_LANGUAGE_KEY] = FactorConstants(
        typical=LANGUAGE,
        trust=0.0,
        chances={},
        effects={entry.id: LANGUAGE_EFFECT for entry in words if _LANGUAGE_KEY in entry.raises},
        lowering=_lowering(_LANGUAGE_KEY),
        spread=Spread(below=-0.3, above=0.3),
    )
    return FactorCalibration(rows=len(pairs), means=means, factors=factors)


def _lowering(key: FactorKey) -> dict[str, float]:
    return {entry.id: LOWERING for entry in load_vocabulary() if key in entry.lowers or key in entry.denial_lowers}


def _fit_factor(
    key: FactorKey, y: Floats, w: Floats, kinds: Floats, sheets: Sequence[FactSheet], means: dict[str, float]
) -> FactorConstants:
    raising = [entry.id for entry in load_vocabulary() if key in entry.raises]
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
    ridge = np.sqrt(np.concatenate([[0.5], np.full(n, EFFECT_RIDGE), np.full(n, CHANCE_RIDGE), [FREE]]))
    prior = np.concatenate([[0.8], np.full(n, EFFECT_PRIOR), np.zeros(n), [0.0]])
    low = np.concatenate([[0.0], np.full(n, EFFECT_LEAST), np.zeros(n), [-1.0]])
    high = np.concatenate([[1.0], np.full(n, 0.3), np.full(n, 0.3), [1.0]])
    root = np.sqrt(w[known])
    a = np.vstack([x * root[:, None], np.diag(ridge)])
    b = np.concatenate([(y[known] - usual[known]) * root, ridge * prior])
    solved = lsq_linear(a, b, bounds=(low, high)).x
    offset = solved[-1] / max(0.2, 1 - solved[0])
    return FactorConstants(
        typical={kind: _short(min(1.0, max(0.0, value + offset))) for kind, value in zip(KINDS, typical, strict=True)},
        trust=_short(solved[0]),
        chances={name: _short(v) for name, v in zip(raising, solved[1 + n : 1 + 2 * n], strict=True) if v > SMALLEST},
        effects={name: _short(v) for name, v in zip(raising, solved[1 : 1 + n], strict=True)},
        lowering=_lowering(key),
        spread=Spread(below=0.0, above=0.0),
        judged=JudgedFactorConstants(),
    )


def _raises(sheet: FactSheet, key: str) -> bool:
    return any(fact.polarity != "denied" for fact in counted(sheet, key))


def spreads(
    calibration: FactorCalibration, rows: Sequence[Row], values: Sequence[Mapping[FactorKey, float]]
) -> FactorCalibration:
    """Return the constants with ranges that cover 80 % of the labels, and with the correction for thin sources (the
    gap).

    `values` are out-of-fold estimates that are not corrected for thin sources. The gap is how much lower a factor is
    estimated from a product's card than from its full listing, because the card says less. Its standard error is added,
    so that a draft from less text is not milder.
    """
    pairs = list(zip(rows, values, strict=True))
    full = {row.slug: value for row, value in pairs if not (row.is_card or row.real or thinness(row.sheet))}
    cards = [(full[row.slug], value, thinness(row.sheet)) for row, value in pairs if row.is_card and row.slug in full]
    factors = dict(calibration.factors)
    known = _unseen([(row, value) for row, value in pairs if not row.is_card])
    for key in FACTORS:
        labels = [(row.published.get(key, row.reader.get(key)), value[key]) for row, value in known]
        gaps = np.array([label - value for label, value in labels if label is not None])
        thin = _gap([more[key] - less[key] for more, less, _ in cards], [how for *_, how in cards])
        factors[key] = factors[key].model_copy(update={"spread": _spread(gaps), "thin": _short(thin)})
    return calibration.model_copy(update={"factors": factors})


def _gap(gaps: Sequence[float], thin: Sequence[float]) -> float:
    """Return the mean gap plus its standard error, scaled to entirely thin sources; never negative."""
    if not sum(thin):
        return 0.0
    return max(0.0, float(np.mean(gaps) + np.std(gaps) / len(gaps) ** 0.5) / float(np.mean(thin)))


def _unseen(pairs: list[tuple[Row, Mapping[FactorKey, float]]]) -> list[tuple[Row, Mapping[FactorKey, float]]]:
    """Return the pairs whose case the reader was not trained on, since it reads the others too well; all pairs if fewer
    than `LEAST_UNSEEN` are left."""
    left = [(row, value) for row, value in pairs if not row.seen]
    return left if len(left) >= LEAST_UNSEEN else pairs


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


# ---------------------------------------------------------------- certainty, range, base


def fit_certainty(rows: Sequence[Row], sheets: Sequence[FactSheet]) -> CertaintyCalibration:
    """Fit the logistic constants of each layer; the threshold is set later."""
    w = np.where([row.real for row in rows], CERTAINTY_REAL_WEIGHT, weights_of(rows))
    layers = {}
    for layer in LAYERS:
        known = np.array([layer in row.layers for row in rows])
        y = np.array([float(row.layers.get(layer, False)) for row in rows])[known]
        values = [features(sheet, layer, pinning(sheet, layer)) for sheet in sheets]
        x = np.array([[value[name] for name in FEATURES] for value in values])
        bounds = [(CERTAINTY_LEAST.get(name, 0.0), None) for name in FEATURES]
        found = bounded_logistic(x[known], y, w[known], bounds, CERTAINTY_RIDGE)
        weights = {name: _short(v) for name, v in zip(FEATURES, found[:-1], strict=True)}
        layers[layer] = LayerConstants(bias=_short(found[-1]), weights=weights)
    return CertaintyCalibration(rows=len(rows), threshold=0.5, layers=layers)


def fit_range(rows: Sequence[Row], values: Sequence[Mapping[FactorKey, float]]) -> RangeCalibration:
    """Collect the residuals of published scores before controls, using the median base of the kind in the other
    folds."""
    based = [(row.fold, kind_of(row.sheet), row.base) for row in rows if row.base is not None]
    residuals = []
    for row, value in zip(rows, values, strict=True):
        if row.published_base is None or row.published_threat is None or len(row.published) < len(FACTORS):
            continue
        kind = kind_of(row.sheet)
        others = [(named, base) for fold, named, base in based if fold != row.fold]
        base = float(np.median([base for named, base in others if named == kind] or [base for _, base in others]))
        total = sum(row.published[key] for key in FACTORS)
        label = min(10.0, row.published_base + (10 - row.published_base) * total / 10 * row.published_threat)
        drafted = base + (10 - base) * sum(round(value[key], 1) for key in FACTORS) / 10 * THREAT_MULTIPLIER
        residuals.append(round(residual(label, drafted), 3))
    return RangeCalibration(
        name=f"published scores at MF 1, n={len(residuals)}",
        residuals=tuple(sorted(residuals)),
        judged=load_range().judged,
        thin_factor=THIN_FACTOR,
    )


def fit_base(rows: Sequence[Row]) -> BaseCalibration:
    """Fit a robust regression that predicts, from a product's kind and the probabilities of its facts, the CVSS base
    that readers give its first threat."""
    used = [row for row in rows if row.base is not None and not row.is_card]
    keys = [entry.id for entry in load_vocabulary() if not entry.comforting]
    kinds = np.array([[float(kind_of(row.sheet) == kind) for kind in KINDS] for row in used])
    real = np.array([[float(row.real)] for row in used])
    chances = np.array([[row.sheet.outlook.chances.get(key, 0.0) for key in keys] for row in used])
    a, y = np.hstack([kinds, real, chances, np.ones((len(used), 1))]), np.array([row.base for row in used])
    w, n = weights_of(used), len(KINDS)
    penalty = np.concatenate([np.full(n, BASE_KIND_RIDGE), [1.0], np.full(len(keys), BASE_RIDGE), [FREE]])

    def loss(theta: Floats) -> tuple[float, Floats]:
        gap = a @ theta - y
        far = np.sqrt(gap**2 + BASE_NEAR**2)
        return float((w * far).sum() + (penalty * theta**2).sum() / 2), a.T @ (w * gap / far) + penalty * theta

    bounds = [(None, None)] * (n + 1) + [(0.0, None)] * len(keys) + [(None, None)]
    start = np.concatenate([np.zeros(n + 1 + len(keys)), [float(np.median(y))]])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 3000}).x
    by_key = zip(keys, found[n + 1 : -1], strict=True)
    return BaseCalibration(
        rows=len(used),
        bias=_short(found[-1] + BASE_REAL_SHARE * found[n]),
        kinds={kind: _short(v) for kind, v in zip(KINDS, found[:n], strict=True)},
        chances={key: _short(v) for key, v in by_key if v > SMALLEST},
    )
