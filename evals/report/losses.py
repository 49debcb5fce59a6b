"""The three primary losses of one case, and which cases are worst."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from evals.metrics.arithmetic import SCORE_TOP, error, mean
from evals.metrics.results import CaseResult
from evals.metrics.summary import factor_loss, layer_loss, score_loss

LabelSet = Literal["reader", "published"]
LABEL_SETS: Final[tuple[LabelSet, ...]] = ("reader", "published")
LABEL_TITLES: Final[dict[LabelSet, str]] = {"reader": "independent reader", "published": "published labels"}
LossName = Literal["factor_error", "score_error", "flag_loss"]
LOSSES: Final[tuple[LossName, ...]] = ("factor_error", "score_error", "flag_loss")
LOSS_TITLES: Final[dict[LossName, str]] = {
    "factor_error": "factor error",
    "score_error": "score error",
    "flag_loss": "flag loss",
}


class Flags(NamedTuple):
    """Counts of one case's layers whose flag differs from the label."""

    missed: int
    """Drafted as certain, although the label says not certain."""
    extra: int
    """Flagged as not certain, although the label says certain."""
    labelled: int

    @property
    def wrong(self) -> int:
        """All wrong flags, missed and extra."""
        return self.missed + self.extra


def label(cell: object, which: LabelSet) -> float | None:
    """Return the label from the set `which` for a factor cell; None without a label."""
    found = getattr(cell, which)
    return None if found is None else float(found)


def factor_error(result: CaseResult, which: LabelSet = "reader") -> float | None:
    """Return the mean absolute error over the labelled factors of the case; None without labels."""
    labels = [(cell.value, label(cell, which)) for cell in result.factors.values()]
    return mean(error(value, given) for value, given in labels if given is not None)


def score_error(result: CaseResult) -> float | None:
    """Return |drafted - published score|; the worst possible when nothing was drafted; None without a label."""
    score = result.score
    return None if score.published is None else round(error(score.value, score.published, SCORE_TOP), 6)


def flags(result: CaseResult, which: LabelSet = "reader") -> Flags:
    """Count the wrong flags of the case. A layer that was not drafted counts as wrong."""
    pairs = [(cell.certain, getattr(cell, which)) for cell in result.layers.values()]
    labelled = [(drafted, certain) for drafted, certain in pairs if certain is not None]
    missed = sum(not certain and drafted is not False for drafted, certain in labelled)
    extra = sum(certain and drafted is not True for drafted, certain in labelled)
    return Flags(missed, extra, len(labelled))


def losses(result: CaseResult) -> dict[LossName, float | None]:
    """Return the primary losses, as the gate uses them (`evals.metrics.summary`)."""
    return {"factor_error": factor_loss(result), "score_error": score_loss(result), "flag_loss": layer_loss(result)}


def worst(results: Sequence[CaseResult], name: LossName, count: int) -> list[tuple[CaseResult, float]]:
    """Return the `count` cases with the greatest loss in descending order; ties are sorted by name."""
    found = [(result, losses(result)[name]) for result in results]
    known = [(result, loss) for result, loss in found if loss is not None]
    return sorted(known, key=lambda pair: (-pair[1], pair[0].case))[:count]
