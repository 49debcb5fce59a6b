"""By how much an answer may narrow the likely range of a review, at most: what the review itself would then have.

What is settled of a factor takes its range away, and with it that share of what the likely range reaches beyond the
corners (`rescore`). That a layer becomes certain takes away nothing by itself, so it is promised nothing. The drafter
shares the whole width out over its causes instead (`Question.effect`), which orders questions and is no forecast.
"""

from collections.abc import Callable, Sequence
from functools import cache

from agent.records import Draft, Range, ScoreInputs
from agent.review.records import ReviewState
from agent.review.rescore import constants_at, ends_of
from agent.scoring.interval import sum_ranges
from agent.taxonomy.keys import FACTOR_SETS, FactorKey

Promise = Callable[[Sequence[str]], float]
"""From the factors and layers that are settled to score points."""


def promised(state: ReviewState) -> Promise:
    """What answers may narrow now, and never more than when the draft came in."""
    now, first = narrowing(state.reviewed), narrowing(state.drafted)
    return lambda settles: min(now(settles), first(settles))


def narrowing(draft: Draft) -> Promise:
    """What answers may narrow in one draft; nothing where its score was stored without inputs."""
    inputs = draft.score.inputs
    if inputs is None or inputs.factors is None or inputs.factor_sum is None:
        return lambda _: 0.0
    whole = _width(draft, inputs)
    counted = [key for key in FACTOR_SETS[draft.score.factor_set or "0.5"] if key in inputs.factors]
    given = inputs.factors

    # The sheet asks for each of its hundred rows, and many settle the same.
    @cache
    def narrowed(settled: frozenset[FactorKey]) -> float:
        ranges = tuple(
            Range(value=given[key].value, low=given[key].value, high=given[key].value) if key in settled else given[key]
            for key in counted
        )
        return max(whole - _width(draft, inputs.model_copy(update={"factor_sum": sum_ranges(ranges)})), 0.0)

    return lambda settles: narrowed(frozenset(key for key in counted if key in settles))


def _width(draft: Draft, inputs: ScoreInputs) -> float:
    """Of the likely range with these inputs; of the corners in a draft without one."""
    likely, ends = constants_at(draft.score, inputs), ends_of(draft.score.formula, inputs)
    if likely is not None:
        return float(likely.below + likely.above)
    return float(ends.high - ends.low) if ends is not None else 0.0
