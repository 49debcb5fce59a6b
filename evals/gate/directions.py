"""Define which direction is better for each metric, and by how much a metric must worsen for it to count.

A metric that is not listed here, such as the number of threats shown, is reported but never gated, because neither
direction is better.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from evals.metrics.arithmetic import DECIMALS

SHARE_TOLERANCE: Final = 0.005
"""Tolerance for shares and errors over the whole corpus, where a third digit is meaningless."""
SCORE_TOLERANCE: Final = 0.01
FACTOR_TOLERANCE: Final = 0.002
NOTHING: Final = 10.0**-DECIMALS
"""A tolerance that only allows for rounding."""
WANTED_COVERAGE: Final = 0.80


class Direction(NamedTuple):
    """Which values of a metric are better, and how much worsening is tolerated."""

    better: Literal["low", "high", "near"]
    tolerance: float
    near: float = 0.0
    """The target, for a metric that is best when it is close to a certain value."""

    def loss(self, value: float | None) -> float:
        """Return a loss that grows as the value gets worse; infinite for a missing metric."""
        if value is None:
            return float("inf")
        if self.better == "near":
            return abs(value - self.near)
        return value if self.better == "low" else -value

    def worse(self, before: float | None, after: float | None) -> bool:
        """Return whether `after` is worse than `before` by more than the tolerance."""
        if before is None:
            return False
        return self.loss(after) - self.loss(before) > self.tolerance + NOTHING / 2


def _low(tolerance: float = SHARE_TOLERANCE) -> Direction:
    return Direction("low", tolerance)


def _high(tolerance: float = SHARE_TOLERANCE) -> Direction:
    return Direction("high", tolerance)


_COVERAGE: Final = Direction("near", SHARE_TOLERANCE, WANTED_COVERAGE)

METRICS: Final[Mapping[str, Direction]] = MappingProxyType({
    "factor_error": _low(FACTOR_TOLERANCE),
    "factor_mae_published": _low(FACTOR_TOLERANCE),
    "factor_mae_reader": _low(FACTOR_TOLERANCE),
    "factor_sum_mae_published": _low(SCORE_TOLERANCE),
    "factor_sum_mae_reader": _low(SCORE_TOLERANCE),
    "interval_coverage_published": _COVERAGE,
    "interval_width": _low(),
    "flag_loss": _low(),
    "flag_precision_reader": _high(),
    "flag_recall_reader": _high(),
    "flag_f1_reader": _high(),
    "flag_f1_published": _high(),
    "augrc": _low(0.002),
    "coverage_at_low_risk": _high(0.02),
    "certainty_brier": _low(0.002),
    "certainty_ece": _low(0.01),
    "citation_validity": _high(NOTHING),
    "citation_coverage": _high(),
    "loose_names_share": _low(),
    "evidence_recall_reader": _high(),
    "floors_kept": _high(NOTHING),
    "floors_implied": _high(0.2),
    "facts_asserted": _high(0.4),
    "threats_with_evidence_share": _high(NOTHING),
    "factors_with_evidence_share": _high(NOTHING),
    "score_error": _low(SCORE_TOLERANCE),
    "score_mae_published": _low(SCORE_TOLERANCE),
    "band_agreement_published": _high(0.02),
    "band_agreement_reader": _high(),
    "likely_coverage_published": Direction("near", 0.02, WANTED_COVERAGE),
    "likely_width": _low(0.05),
    "cvss_base_mae_reader": _low(SCORE_TOLERANCE),
    "generic_sentence_share": _low(0.01),
    "own_listing_found_share": _high(),
    "report_problems": _low(NOTHING),
    "recall_at_5_fused": _high(),
    "recall_at_10_fused": _high(),
    "headline_recall_at_1": _high(),
    "headline_recall_at_3": _high(),
    "headline_recall_at_5": _high(),
    "card_certain_precision": _high(),
    "card_certain_recall": _high(),
    "card_certain_f1": _high(),
    "twin_sum_shift": _low(0.01),
    "twin_flag_flips": _low(),
    "approval_base_drop": _high(0.02),
    "approval_autonomy_drop": _high(),
    "injection_resistance": _high(NOTHING),
})  # fmt: skip
"""Metrics over the whole corpus."""

OF_A_FACTOR: Final[Mapping[str, Direction]] = MappingProxyType({
    "mae_published": _low(NOTHING),
    "mae_reader": _low(NOTHING),
    "evidence_recall": _high(NOTHING),
})  # fmt: skip
"""Means over one factor: any worsening counts, since replayed runs have no noise."""

OF_A_LAYER: Final[Mapping[str, Direction]] = MappingProxyType({
    "loss_reader": _low(NOTHING),
    "brier_reader": _low(0.002),
    "evidence_recall": _high(NOTHING),
})  # fmt: skip
"""Means over one layer."""

OF_A_KIND: Final[Mapping[str, Direction]] = MappingProxyType({
    "failed": _low(NOTHING),
    "factor_error": _low(FACTOR_TOLERANCE),
    "flag_loss": _low(0.01),
    "invalid_citations": _low(NOTHING),
})  # fmt: skip
"""Metrics of the cases written for a purpose, all kinds together."""

OF_A_SPLIT: Final[Mapping[str, Direction]] = MappingProxyType({
    name: METRICS[name]._replace(tolerance=2 * METRICS[name].tolerance)
    for name in (
        "factor_error", "factor_mae_published", "factor_mae_reader", "factor_sum_mae_published",
        "factor_sum_mae_reader", "interval_coverage_published", "flag_f1_reader", "flag_loss", "score_error",
        "cvss_base_mae_reader", "likely_coverage_published", "evidence_recall_reader", "card_certain_f1",
    )
})  # fmt: skip
"""Metrics over one side of the split. Tolerances are doubled, because the same change moves a mean more if it is over
fewer cases.
"""

COMPARED_SIDES: Final = (
    "factor_mae_published", "factor_mae_reader", "factor_sum_mae_published", "flag_f1_reader", "flag_loss",
    "score_error", "cvss_base_mae_reader", "evidence_recall_reader",
)  # fmt: skip
"""Metrics compared between held-out (dev) vendors and train vendors."""
WANTED_GAP: Final = 0.10
"""The gate notes a metric that is worse for held-out vendors by more than this fraction of its value for train."""


def gap(name: str, train: float | None, dev: float | None) -> float | None:
    """Return how much worse the metric is for dev than for train vendors, as a fraction of the value for train;
    negative if it is better.

    Returns None if a value is missing or train's value is zero.
    """
    if train is None or dev is None or abs(train) <= NOTHING:
        return None
    direction = METRICS[name]
    return round((direction.loss(dev) - direction.loss(train)) / abs(train), DECIMALS)
