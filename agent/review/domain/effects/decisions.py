"""Finds where a reviewer's time has the most effect: first decisions, weak spots, and what a decision changed."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from statistics import median
from typing import Final, NamedTuple

from agent.drafting.score import CERTAIN_NEEDED
from agent.drafting.threats.headline import choose
from agent.facts.vocabulary import load_vocabulary
from agent.records import Capability, Draft, Fact, FactorEstimate, LayerThreats, Record, Threat
from agent.report.explain.sensitivity import Swing, swings
from agent.report.sentences import tenth
from agent.report.view import name_of
from agent.review.domain.effects.consequences import altered, back, came, fallen, reopened, title_of, why_higher
from agent.review.domain.effects.what_if import promised
from agent.review.domain.facts.changed_sheet import held_as, stated_keys
from agent.review.domain.facts.from_answers import question_of, settled_by
from agent.review.domain.fold import vendors_words
from agent.review.domain.items import (
    fact_title,
    facts_of,
    is_vendors_word,
    items_of,
    layer_of,
    part_of,
    threats_of,
    width_of,
    with_basis,
)
from agent.review.domain.records import Event, ItemKind, ItemState, ReviewState, ScoreShown, Verb
from agent.review.domain.rescore import headline_of, shown
from agent.scoring import severity
from agent.taxonomy.factors import FACTOR_SETS, FACTOR_TITLES
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LAYERS

MAX_DECISIONS: Final = 15
WIDE: Final = Decimal("0.4")
"""A factor whose range is at least this wide is a weak spot."""
WEAK_RANK: Final = 1
DECIDING: Final[tuple[Verb, ...]] = ("confirm", "correct", "strike", "waive", "send", "answer")
"""Verbs that close an item."""
SECONDS: Final[Mapping[ItemKind, float]] = {
    "fact": 12.0, "posture": 40.0, "score": 40.0, "factor": 25.0, "layer": 35.0, "threat": 45.0, "chain": 25.0,
    "capability": 12.0, "question": 15.0,
}  # fmt: skip
"""Assumed seconds for one decision, until a store has measured its own."""
SUPPORTED_SHARE: Final = 0.4
"""Fraction of these seconds for an item whose quotes were found in the sources and only need to be read."""
LEAST: Final = 0.05
"""Minimum decrease in a range's width, in score points, that counts as narrower."""
PRIOR_ITEMS: Final = 5
"""Number of measured items that count as much as the fixed seconds."""
_MINUTE: Final = 60.0


class Decision(Record):
    """An open decision and what depends on it."""

    state: ItemState
    weight: float
    """How far the decision could move the score, in score points."""
    moves_band: bool
    """Whether the decision affects the band, or whether a score is shown at all."""
    why: str


class WeakSpot(Record):
    """An open item that is more likely to be wrong than others, with the reasons."""

    state: ItemState
    why: tuple[str, ...]


class Moved(Record):
    """The score change between two states of a review, and its side effects."""

    before: ScoreShown
    after: ScoreShown
    causes: tuple[str, ...]
    """Factors, headline, flags and controls that moved the score, in words, largest first."""
    falls: tuple[str, ...] = ()
    """Titles of items, summary parts and system parts that lost all their support."""
    returns: tuple[str, ...] = ()
    """Titles of items and parts that are derived again from a restored fact."""
    comes: tuple[str, ...] = ()
    """Titles of items and parts that are newly derived from a fact."""
    alters: tuple[str, ...] = ()
    """Titles of surviving items and parts whose content changed, each with its changes."""
    reopens: tuple[str, ...] = ()
    """Titles of items that were decided and are open again, each with the reason."""
    why: str = ""
    """Why the score rose although something lost its support; empty otherwise."""

    @property
    def text(self) -> str:
        """One sentence with both scores and the causes."""
        was, now = score_words(self.before), score_words(self.after)
        change = f"score stays {now}" if was == now else f"{was} → {now}"
        return ": ".join((change, "; ".join(self.causes))) if self.causes else change


class ActResult(Record):
    """The result of an action."""

    events: tuple[Event, ...]
    """The stored events; empty when the action changed nothing."""
    state: ReviewState
    moved: Moved
    """The scores before and after, and the causes of the change."""


# ---------------------------------------------------------------- first decisions


def first_decisions(state: ReviewState) -> tuple[Decision, ...]:
    """Return the open decisions that would move the score or band most, at most fifteen.

    Decisions that affect the band, or whether a score is shown, come first; then by weight; then in report order.
    """
    draft, promise = state.reviewed, promised(state)
    moved, first = {swing.name: swing for swing in swings(draft.score)}, headline_of(draft)
    settles = {asked.id: asked.settles for asked in draft.questions}
    movers, found = band_movers(draft), []
    for one in state.open:
        name, weight, why = one.item.id.partition("/")[2], one.item.weight, ""
        if one.item.kind == "factor" and name in moved:
            low, high = moved[name].score_low, moved[name].score_high
            why = f"the score would be {tenth(low)} at {moved[name].low:g}, {tenth(high)} at {moved[name].high:g}"
        elif one.item.kind == "threat" and first is not None and first.id == name:
            after = choose([with_basis(threat) for threat in threats_of(draft).values() if threat.id != name])
            without = f"; without it, {tenth(after.score.aivss)} {after.score.severity}" if after else ""
            why = f"the score rests on this threat{without}"
        elif one.item.kind == "layer":
            why, weight = _why_layer(draft, name), weight if one.item.id in movers else 0.0
        elif one.item.kind == "question":
            weight = promise(settles.get(name, ()))
            keys = [key for key in LAYERS if key in settles.get(name, ()) and not draft.layers[key].certain]
            told = (
                f"its answer may narrow the likely range by up to {weight:.1f} points" if round(weight, 1) > 0 else ""
            )
            settled = f"it would settle {', '.join(LAYER_CODES[key] for key in keys)}" if keys else ""
            why = "; ".join(filter(None, (told, settled)))
        if why:
            found.append(Decision(state=one, weight=weight, moves_band=one.item.id in movers, why=why))
    found.sort(key=lambda decision: (not decision.moves_band, -decision.weight))
    return tuple(found[:MAX_DECISIONS])


def _why_layer(draft: Draft, name: str) -> str:
    """Return why to decide on a layer; empty if nothing depends on it."""
    sure = [key for key, layer in draft.layers.items() if layer.certain]
    if len(sure) < CERTAIN_NEEDED and name not in sure:
        return f"{len(sure)} of {len(LAYERS)} layers are certain, {CERTAIN_NEEDED} are needed for a score"
    if len(sure) == CERTAIN_NEEDED and name in sure:
        return f"one of the {len(sure)} certain layers without which no score would be shown"
    layer = part_of(draft, f"layer/{name}")
    if not isinstance(layer, LayerThreats) or name in sure or layer.applies == "no":
        return ""
    return f"not certain: {layer.missing.detail if layer.missing else 'no fact settles it'}"


def band_movers(draft: Draft) -> frozenset[str]:
    """Return the ids of items that decide the band, or whether a score is shown at all."""
    found = {f"factor/{swing.name}" for swing in swings(draft.score) if _crosses(swing)}
    sure = [key for key, layer in draft.layers.items() if layer.certain]
    few, first = len(sure) < CERTAIN_NEEDED, headline_of(draft)
    if few or len(sure) == CERTAIN_NEEDED:
        found |= {f"layer/{key}" for key in draft.layers if (key not in sure) is few}
    return frozenset(found if first is None else {*found, f"threat/{first.id}"})


def _crosses(swing: Swing) -> bool:
    tenth = Decimal("0.1")
    low, high = (min(max(end.quantize(tenth), Decimal(0)), Decimal(10)) for end in (swing.score_low, swing.score_high))
    return severity(low) != severity(high)


# ---------------------------------------------------------------- review order


def review_order(state: ReviewState) -> tuple[WeakSpot, ...]:
    """Return every open item, weak spots first: contested, contradicted, resting on one marketing sentence, or with a
    wide range.

    `why` is empty for an item without a weakness; equally weak items stay in report order.
    """
    ranks = {item.id: item.rank for item in state.reviewed.evidence}
    words = {f"fact/{name}" for name in vendors_words(state)}
    spots = []
    for one in state.open:
        found = dict(_weaknesses(state.reviewed, ranks, one, words))
        spots.append((min(found, default=math.inf), WeakSpot(state=one, why=tuple(found.values()))))
    spots.sort(key=lambda pair: pair[0])
    return tuple(spot for _, spot in spots)


def _weaknesses(
    draft: Draft, ranks: Mapping[str, int], one: ItemState, words: Collection[str]
) -> Iterator[tuple[int, str]]:
    """Yield the weaknesses of an item, each with its rank among all weaknesses; 0 is the most serious."""
    kind = one.item.kind
    if one.contested:
        yield 0, "contested"
    part = part_of(draft, one.item.id) if kind in ("factor", "threat", "capability") else None
    state = part.state if isinstance(part, FactorEstimate | Threat | Capability) else ""
    if state == "contradicted":
        yield 1, "contradicted: the sources disagree"
    marks = [mark for mark in one.item.evidence if mark in ranks]
    if state == "inferred" and len(marks) == 1 and ranks[marks[0]] <= WEAK_RANK:
        yield 2, "only one quote, from a listing or marketing; the rest is inferred"
    if isinstance(part, FactorEstimate) and part.high - part.low >= WIDE:
        yield 3, f"wide range: {part.low:g} to {part.high:g}"
    if not one.item.supported and state != "contradicted" and kind not in ("question", "layer", "score"):
        told = "a quote is missing or was not found in the source" if one.item.evidence else "it has no quote"
        yield 4, f"unsupported: {'only the vendor says so' if one.item.id in words else told}"


# ---------------------------------------------------------------- what moved


def what_moved(before: ReviewState, after: ReviewState) -> Moved:
    """Return the scores before and after, what moved the score, and the side effects."""
    one, two = before.reviewed, after.reviewed
    new: set[str] = set()
    if before.based is not after.based:
        # Threats, chains and capabilities that only the facts of the later state yield.
        own = {item.id for item in items_of(after.based, (), {}) if item.kind in ("threat", "chain", "capability")}
        new = own - {each.item.id for each in before.items} - set(after.fell)
    return Moved(
        before=shown(one.score),
        after=shown(two.score),
        causes=(*_headline_moved(one, two), *_factors_moved(one, two), *_flags_moved(one, two)),
        falls=fallen(before, after),
        returns=back(before, after),
        comes=(*(title_of(after, each) for each in after.items if each.item.id in new), *came(before, after)),
        alters=altered(before, after),
        reopens=reopened(before, after),
        why=why_higher(before, after),
    )


def why_still(before: ReviewState, after: ReviewState, question: str) -> str:
    """Return why an answer moved neither score nor range; empty if either moved.

    `question` is the question's item id.
    """
    if shown(before.reviewed.score) != shown(after.reviewed.score):
        return ""
    name = question.partition("/")[2]
    told = [_why_no_move(before, after, fact) for own, (fact, _) in after.answered.items() if question_of(own) == name]
    return "; ".join(told) or "it states no fact from the list, so nothing can be computed from it"


def why_not_narrower(before: ReviewState, after: ReviewState, question: str) -> str:
    """Return why an answer to a question (given by its item id) did not narrow the likely range as promised. Empty
    if it narrowed the range or promised nothing; `why_still` covers a range that is equal after rounding."""
    name, one, two = question.partition("/")[2], before.reviewed, after.reviewed
    asked = next((each for each in (*before.questions, *before.drafted.questions) if each.id == name), None)
    most = promised(before)(asked.settles) if asked is not None else 0.0
    if round(most, 1) <= 0 or width_of(two) < width_of(one) - LEAST:
        return ""
    factors = [key for key in two.factors if key in one.factors]
    was, now = (sum(draft.factors[key].high - draft.factors[key].low for key in factors) for draft in (one, two))
    why = (
        "what it states does not narrow the factors" if now >= was
        else "it narrows factors, but the range reflects how far published scores of such products are from drafts"
    )  # fmt: skip
    return f"The range is no narrower, although up to {most:.1f} points seemed possible: {why}"


def _why_no_move(before: ReviewState, after: ReviewState, fact: Fact) -> str:
    held, title = held_as(facts_of(after.reviewed), fact), f"“{fact_title(fact)}”"
    if held is not None and not held.counts and is_vendors_word(held):
        return f"only the vendor says {title}, which would lower a risk: it counts once you confirm it"
    if fact.key in stated_keys(before.reviewed):
        return f"the sources already say {title}"
    settles = settled_by(load_vocabulary()[fact.key])
    if not settles:
        return f"no factor, layer or threat depends on {title} alone"
    if held is not None and is_vendors_word(held) and any(key in LAYERS for key in settles):
        return f"{title} settles a layer once you confirm it, or a public page says so"
    return f"{title} concerns {', '.join(map(name_of, settles))} but leaves the range unchanged"


def score_words(score: ScoreShown) -> str:
    """Format a score in words: number and band, or "not scored"."""
    return "not scored" if score.aivss is None else f"{score.aivss} {score.severity}"


def _headline_moved(one: Draft, two: Draft) -> Iterator[str]:
    was, now = headline_of(one), headline_of(two)
    if one.score.cvss_base == two.score.cvss_base and (was and was.id) == (now and now.id):
        return
    sides = ["none" if draft.score.cvss_base is None else f"{draft.score.cvss_base}" for draft in (one, two)]
    bases = f"base {' → '.join(sides)}"
    if was and now and was.id == now.id:
        yield f"{_named(two, now)}: {bases}"
    elif now is None:
        yield f"no threat with a quote is left to support the score{f' after {_named(one, was)}' if was else ''}"
    else:
        yield f"headline now {_named(two, now)}, {bases}"


def _named(draft: Draft, threat: Threat) -> str:
    layer = layer_of(draft, threat.id)
    return f"“{threat.title}”" + (f" ({LAYER_CODES[layer]})" if layer else "")


def _factors_moved(one: Draft, two: Draft) -> Iterator[str]:
    """Yield each changed factor with the points by which it moved the score; then those of which only the
    range changed."""
    # By AIVSS 0.8, with the later score's base and multipliers.
    score, points, ranges = two.score, list[tuple[Decimal, str, str]](), list[str]()
    slope = (Decimal(10) - (score.cvss_base or Decimal(0))) / 10 * score.threat_multiplier * score.mitigation_factor
    for key in FACTOR_SETS[score.factor_set or "0.5"]:
        was, now, title = one.factors[key], two.factors[key], FACTOR_TITLES[key]
        if was.value != now.value:
            moved = slope * (now.value - was.value)
            points.append((-abs(moved), key, f"{title} {was.value:g} → {now.value:g} ({moved:+.2f} points)"))
        elif (was.low, was.high) != (now.low, now.high):
            ranges.append(f"{title} range {was.low:g}–{was.high:g} → {now.low:g}–{now.high:g}")
    yield from (told for _, _, told in sorted(points))
    yield from ranges


def _flags_moved(one: Draft, two: Draft) -> Iterator[str]:
    for key in LAYERS:
        if key in one.layers and key in two.layers and one.layers[key].certain != two.layers[key].certain:
            flag = "certain" if two.layers[key].certain else "not certain"
            yield f"{LAYER_CODES[key]} {LAYER_TITLES[key]} now {flag}"
    if two.score.withheld and two.score.withheld != one.score.withheld:
        yield f"withheld: {two.score.withheld}"
    if one.score.withheld and not two.score.withheld:
        yield "a score is shown again"
    was, now = one.score.with_controls, two.score.with_controls
    if (was and was.aivss) != (now and now.aivss):
        yield f"with controls {was.aivss if was else 'none'} → {now.aivss if now else 'none'}"


# ---------------------------------------------------------------- pace


class Measured(NamedTuple):
    """The measured times of one kind of item."""

    seconds: float
    """Median focus time of decided items."""
    items: int


Pace = Mapping[str, Measured]
"""Measured times by kind of item; a kind without decisions is missing."""


def pace_of(timed: Iterable[tuple[str, float]]) -> Pace:
    """Compute the pace from the ids of decided items, each with the seconds for which the reviewer viewed it."""
    by_kind: defaultdict[str, list[float]] = defaultdict(list)
    for item, seconds in timed:
        by_kind[item.partition("/")[0]].append(seconds)
    return {kind: Measured(median(found), len(found)) for kind, found in sorted(by_kind.items())}


def minutes_left(state: ReviewState, pace: Pace) -> float:
    """Estimate the minutes needed for the open items.

    Each item takes a weighted mean of its fixed seconds, which count as `PRIOR_ITEMS` items, and the measured median of
    its kind, which counts as the number of measured items. So a few outliers have little effect, and the fixed seconds
    count for less as more items are measured.
    """
    total = 0.0
    for one in state.open:
        fixed = SECONDS[one.item.kind] * (SUPPORTED_SHARE if one.item.supported else 1.0)
        measured = pace.get(one.item.kind, Measured(0.0, 0))
        total += (PRIOR_ITEMS * fixed + measured.items * measured.seconds) / (PRIOR_ITEMS + measured.items)
    return round(total / _MINUTE, 1)


def pace_words(pace: Pace) -> str:
    """Describe in one line what the estimate of the minutes is based on."""
    timed = sum(each.items for each in pace.values())
    if not timed:
        return "based on a fixed time for each kind of item; none has been timed yet"
    return f"based on {timed} timed {'item' if timed == 1 else 'items'}, and on fixed times for kinds with few of them"
