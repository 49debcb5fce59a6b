"""Computes what would lower a score, and by how much an answer may narrow its likely range.

Each lower score results from only one change (an answer, a factor at the low end of its range, a milder metric), so the
differences do not add up. The base is that of the most severe supported threat in default use. A milder metric of the
headline therefore lowers it no further than the next threat, unless that threat is eased as well.

The narrowing promised for an answer is the most that the review itself would then compute: a settled factor loses its
range, and the part of the likely range beyond the corners shrinks in proportion (`rescore`). A layer that becomes
certain narrows nothing by itself, so nothing is promised for it. The drafter instead divides the whole width among its
causes (`Question.effect`); that figure sorts questions and is not a forecast.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import cache
from typing import Final, NamedTuple

from agent.drafting.questions import load_questions
from agent.drafting.threats.cvss_vectors import VALUES, base_of, eased
from agent.drafting.threats.headline import is_supported
from agent.records import Draft, Question, ScoreInputs, Threat
from agent.report.sentences import tenth, vector_words
from agent.review.domain.items import threats_of, with_basis
from agent.review.domain.records import ReviewState, replaced
from agent.review.domain.rescore import constants_at, ends_of, headline_of, point_of
from agent.scoring.aivss import TENTHS, exact, raw, units
from agent.scoring.interval import rounded, sum_ranges
from agent.taxonomy.factors import FACTOR_SETS, FACTOR_TITLES, FactorKey

MOST_OF_A_KIND: Final = 2
"""The maximum number listed of each kind (questions, factors, metrics): those that lower the score most."""
_CLOSED: Final = ("answered", "struck")


class Lowering(NamedTuple):
    """A single change that would lower the score."""

    kind: str
    """One of question, factor, factors, metric."""
    items: tuple[str, ...]
    """Ids of the items to decide for this change; empty for all factors together."""
    what: str
    """A question's text, a factor with both values, or a metric with its meaning."""
    score: Decimal
    """The resulting score, rounded to one decimal."""
    exact: Decimal
    """The resulting score before rounding."""


class Lowered(NamedTuple):
    """All listed changes, lowest resulting score first."""

    ways: tuple[Lowering, ...]
    behind: tuple[str, Decimal] | None
    """Id of the threat next in line for the headline, and the score with that headline; None if that score is lower
    than the current one."""


_Score = Callable[[Decimal | None, Decimal], tuple[Decimal, Decimal]]
"""Returns the score, rounded and exact, for a base (None: the current base) and a decrease in the factor sum."""


def lowered(state: ReviewState) -> Lowered:
    """Return the changes that would lower a review's score; empty if there is no score or its formula takes
    no factors."""
    draft, first, now = state.reviewed, headline_of(state.reviewed), state.reviewed.score.aivss
    at = point_of(draft.score.formula, draft.score.inputs)
    if at is None or now is None or first is None:
        return Lowered((), None)

    def score(base: Decimal | None, less: Decimal) -> tuple[Decimal, Decimal]:
        point = at._replace(
            base=at.base if base is None else units(base, TENTHS), factor_sum=max(at.factor_sum - units(less), 0)
        )
        made = raw(draft.score.formula, point)
        return rounded(made), exact(made)

    # The highest base in the pool sets the score. The pool is only the headline if another threat is more severe.
    pool = [one for one in threats_of(draft).values() if one.id == first.id or is_supported(with_basis(one))]
    if any(threat.score.cvss_base > first.score.cvss_base for threat in pool):
        pool = [first]
    done = {one.item.id for one in state.items if one.verdict in _CLOSED}
    asked = [one for one in draft.questions if f"question/{one.id}" not in done]
    found = []
    for ways in (_questions(draft, asked, pool, score), _factors(draft, score), _metrics(pool, score)):
        found += sorted((way for way in ways if way.score < now), key=lambda way: way.exact)[:MOST_OF_A_KIND]
    less = _less(draft, FACTOR_SETS[draft.score.factor_set or "0.5"])
    every = Lowering("factors", (), "All factors at the low ends of their ranges", *score(None, less))
    found += [every] if every.score < now else []
    found.sort(key=lambda way: way.exact)
    others = [threat for threat in pool if threat.id != first.id]
    second = max(others, key=lambda threat: threat.score.cvss_base, default=None)
    behind = score(second.score.cvss_base, Decimal(0))[0] if second else None
    return Lowered(tuple(found), (second.id, behind) if second and behind is not None and behind >= now else None)


def _counted(draft: Draft) -> list[FactorKey]:
    return [key for key in FACTOR_SETS[draft.score.factor_set or "0.5"] if key in draft.factors]


def _less(draft: Draft, settled: Sequence[str]) -> Decimal:
    """Return by how much the factor sum falls with these factors at their low ends."""
    return sum((draft.factors[k].value - draft.factors[k].low for k in _counted(draft) if k in settled), Decimal(0))


def _factors(draft: Draft, score: _Score) -> Iterator[Lowering]:
    for key in _counted(draft):
        one = draft.factors[key]
        what = f"{FACTOR_TITLES[key]} at {tenth(one.low)} instead of {tenth(one.value)}"
        yield Lowering("factor", (f"factor/{key}",), what, *score(None, one.value - one.low))


def _questions(draft: Draft, asked: Sequence[Question], pool: Sequence[Threat], score: _Score) -> Iterator[Lowering]:
    """Yield the effect of a reassuring answer to each question: its factors at their low ends, its threats eased."""
    # The metrics that an answer eases are known only for questions from the bundled list.
    known = {row.text: row.metrics for row in load_questions()}
    for one in asked:
        metrics = known.get(one.text, {})
        bases = [
            base_of(eased(threat.score.cvss_vector, metrics)) if threat.id in one.about else threat.score.cvss_base
            for threat in pool
        ]
        yield Lowering("question", (f"question/{one.id}",), one.text, *score(max(bases), _less(draft, one.settles)))


def _metrics(pool: Sequence[Threat], score: _Score) -> Iterator[Lowering]:
    """Yield the effect of making each metric one step milder in every threat that would otherwise keep the base up."""
    now = max(threat.score.cvss_base for threat in pool)
    for metric, order in VALUES.items():
        milder: dict[str, tuple[str, Decimal]] = {}
        for threat in pool:
            own = dict(part.split(":", 1) for part in threat.score.cvss_vector.split("/")[1:])[metric]
            value = order[min(order.index(own) + 1, len(order) - 1)]
            milder[threat.id] = value, base_of(eased(threat.score.cvss_vector, {metric: value}))
        after = max(base for _, base in milder.values())
        held = [threat for threat in pool if threat.score.cvss_base > after]
        values = {milder[threat.id][0] for threat in held}
        if after < now and len(values) == 1:
            vector = eased(held[0].score.cvss_vector, {metric: values.pop()})
            name, meaning = next(row[:2] for row in vector_words(vector) if row[0].startswith(f"{metric}:"))
            code, _, title = name.partition(" ")
            what = f"{code} ({title}: {meaning})"
            yield Lowering("metric", tuple(f"threat/{threat.id}" for threat in held), what, *score(after, Decimal(0)))


Promise = Callable[[Sequence[str]], float]
"""Returns the score points by which settling these factors and layers may narrow the range."""


def promised(state: ReviewState) -> Promise:
    """Return a function that gives how far answers may narrow the range now, capped at the original draft's value."""
    now, first = narrowing(state.reviewed), narrowing(state.drafted)
    return lambda settles: min(now(settles), first(settles))


def narrowing(draft: Draft) -> Promise:
    """Return a function that gives how far answers may narrow a draft's range; always 0 if its score has no inputs."""
    inputs = draft.score.inputs
    if inputs is None or inputs.factors is None or inputs.factor_sum is None:
        return lambda _: 0.0
    whole, given = _width(draft, inputs), inputs.factors
    counted = [key for key in FACTOR_SETS[draft.score.factor_set or "0.5"] if key in given]

    # Cache the widths, since the fact sheet asks for each of its hundred rows and many settle the same factors.
    @cache
    def narrowed(settled: frozenset[FactorKey]) -> float:
        fixed = {key: replaced(given[key], low=given[key].value, high=given[key].value) for key in settled}
        ranges = tuple(fixed.get(key, given[key]) for key in counted)
        return max(whole - _width(draft, replaced(inputs, factor_sum=sum_ranges(ranges))), 0.0)

    return lambda settles: narrowed(frozenset(key for key in counted if key in settles))


def _width(draft: Draft, inputs: ScoreInputs) -> float:
    """Return the width of the likely range with these inputs; if there is none, the distance between the corners."""
    likely, ends = constants_at(draft.score, inputs), ends_of(draft.score.formula, inputs)
    if likely is not None:
        return float(likely.below + likely.above)
    return float(ends.high - ends.low) if ends is not None else 0.0
