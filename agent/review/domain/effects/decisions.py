"""Finds where a reviewer's time has the most effect: first decisions, weak spots, and what a decision moved."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from statistics import median
from typing import Final, NamedTuple

from agent.drafting.threats.headline import choose
from agent.drafting.withholding import CERTAIN_NEEDED
from agent.facts.vocabulary import load_vocabulary
from agent.records import Draft, Fact, Record, Threat
from agent.report.explain.sensitivity import Swing, swings
from agent.report.sentences import tenth
from agent.report.view import name_of
from agent.review.domain.effects.consequences import altered, back, came, fallen, reopened, title_of, why_higher
from agent.review.domain.effects.what_if import Promise, promised
from agent.review.domain.facts.changed_sheet import held_as, stated_keys
from agent.review.domain.facts.from_answers import is_vendors_word, question_of, settled_by
from agent.review.domain.fold import vendors_words
from agent.review.domain.items import fact_title, items_of, layer_of, threats_of, width_of, with_basis
from agent.review.domain.records import Event, ItemKind, ItemState, ReviewState, ScoreShown, Verb
from agent.review.domain.rescore import headline_of, shown
from agent.scoring import severity
from agent.taxonomy.factors import FACTOR_SETS, FACTOR_TITLES, FactorKey
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LAYERS

MAX_DECISIONS: Final = 15
WIDE: Final = Decimal("0.4")
"""A factor whose range is at least this wide is a weak spot."""
WEAK_RANK: Final = 1
DECIDING: Final[tuple[Verb, ...]] = ("confirm", "correct", "strike", "waive", "send", "answer")
"""Verbs that close an item."""
SECONDS: Final[Mapping[ItemKind, float]] = {
    "fact": 12.0,
    "posture": 40.0,
    "score": 40.0,
    "factor": 25.0,
    "layer": 35.0,
    "threat": 45.0,
    "chain": 25.0,
    "capability": 12.0,
    "question": 15.0,
}
"""Assumed seconds for one decision, until a store has measured its own."""
SUPPORTED_SHARE: Final = 0.4
"""Fraction of these seconds for an item whose quotes were found again, since they need only be read, not looked for."""
LEAST: Final = 0.05
"""Minimum decrease in a range's width, in score points, that counts as narrower."""
PRIOR_ITEMS: Final = 5
"""Number of measured items that weigh as much as the fixed seconds."""
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
    """Titles of items and parts that follow again from a restored fact."""
    comes: tuple[str, ...] = ()
    """Titles of items and parts that newly follow from a fact."""
    alters: tuple[str, ...] = ()
    """Titles of surviving items and parts whose content changed, each with its changes."""
    reopens: tuple[str, ...] = ()
    """Titles of items that were decided and are open again, each with the reason."""
    why: str = ""
    """Why the score rose although something fell; empty otherwise."""

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
    """Return at most fifteen open decisions that would move the score or band most.

    Decisions that affect the band, or whether a score is shown, come first; then by weight; then in report order.
    """
    moved = {swing.name: swing for swing in swings(state.reviewed.score)}
    promise = promised(state)
    made = (_decision(state.reviewed, moved, one, promise) for one in state.open)
    found = [decision for decision in made if decision is not None]
    found.sort(key=lambda decision: (not decision.moves_band, -decision.weight))
    return tuple(found[:MAX_DECISIONS])


def _decision(draft: Draft, moved: Mapping[str, Swing], one: ItemState, promise: Promise) -> Decision | None:
    weight, name = one.item.weight, one.item.id.partition("/")[2]
    if one.item.kind == "factor":
        swing = moved.get(name)
        if swing is None:
            return None
        told = f"score {tenth(swing.score_low)} if it were {swing.low:g}, {tenth(swing.score_high)} if {swing.high:g}"
        return Decision(state=one, weight=weight, moves_band=_crosses(swing), why=told)
    if one.item.kind == "threat":
        first = headline_of(draft)
        if first is None or first.id != name:
            return None
        return Decision(state=one, weight=weight, moves_band=True, why=_without_headline(draft, first))
    if one.item.kind == "layer":
        return _layer_decision(draft, one, name)
    if one.item.kind == "question":
        settles = next((asked.settles for asked in draft.questions if asked.id == name), ())
        open_layers = [LAYER_CODES[key] for key in LAYERS if key in settles and not draft.layers[key].certain]
        told = "; ".join(
            (
                *_narrows(weight := promise(settles)),
                *([f"it would settle {', '.join(open_layers)}"] if open_layers else []),
            )
        )
        return Decision(state=one, weight=weight, moves_band=False, why=told) if told else None
    return None


def _without_headline(draft: Draft, first: Threat) -> str:
    """Return a sentence saying that the score rests on the threat `first`, and what the score would be without it."""
    others = [with_basis(threat) for threat in threats_of(draft).values() if threat.id != first.id]
    after = choose(others)
    told = "the score rests on this threat"
    return f"{told}; without it {tenth(after.score.aivss)} {after.score.severity}" if after else told


def _narrows(points: float) -> Iterator[str]:
    """Yield by how much an answer may narrow the likely range, in words; nothing if that rounds to zero."""
    if round(points, 1) > 0:
        yield f"its answer may narrow the likely range by up to {points:.1f} points"


def _layer_decision(draft: Draft, one: ItemState, name: str) -> Decision | None:
    sure = [key for key, layer in draft.layers.items() if layer.certain]
    few = len(sure) < CERTAIN_NEEDED
    decides = name not in sure if few else name in sure and len(sure) == CERTAIN_NEEDED
    if decides:
        told = (
            f"{len(sure)} of {len(LAYERS)} layers certain, {CERTAIN_NEEDED} needed for a number"
            if few
            else f"one of the {len(sure)} certain layers without which no number is shown"
        )
        return Decision(state=one, weight=one.item.weight, moves_band=True, why=told)
    layer = next((layer for key, layer in draft.layers.items() if key == name), None)
    if layer is None or name in sure or layer.applies == "no":
        return None
    told = f"not certain: {layer.missing.detail if layer.missing else 'no fact settles it'}"
    return Decision(state=one, weight=0.0, moves_band=False, why=told)


def band_movers(draft: Draft) -> frozenset[str]:
    """Return the ids of items that decide the band, or whether a score is shown at all."""
    found = {f"factor/{swing.name}" for swing in swings(draft.score) if _crosses(swing)}
    sure = [key for key, layer in draft.layers.items() if layer.certain]
    few = len(sure) < CERTAIN_NEEDED
    if few or len(sure) == CERTAIN_NEEDED:
        found |= {f"layer/{key}" for key in draft.layers if (key not in sure) is few}
    first = headline_of(draft)
    return frozenset((*found, *([f"threat/{first.id}"] if first is not None else [])))


def _crosses(swing: Swing) -> bool:
    tenth = Decimal("0.1")
    low, high = (min(max(end.quantize(tenth), Decimal(0)), Decimal(10)) for end in (swing.score_low, swing.score_high))
    return severity(low) != severity(high)


# ---------------------------------------------------------------- review order


def review_order(state: ReviewState) -> tuple[WeakSpot, ...]:
    """Return every open item, weak spots first: contested, contradicted, one marketing sentence, wide range.

    `why` is empty for an item without a weakness; equally weak items stay in report order.
    """
    ranks = {item.id: item.rank for item in state.reviewed.evidence}
    words = {f"fact/{name}" for name in vendors_words(state)}
    spots = [WeakSpot(state=one, why=tuple(_weaknesses(state.reviewed, ranks, one, words))) for one in state.open]
    spots.sort(key=lambda spot: min((_GRAVITY.index(_kind(word)) for word in spot.why), default=len(_GRAVITY)))
    return tuple(spots)


_GRAVITY: Final = ("contested", "contradicted", "one quote", "wide", "unsupported")


def _kind(word: str) -> str:
    return next(kind for kind in _GRAVITY if word.startswith(kind))


def _weaknesses(draft: Draft, ranks: Mapping[str, int], one: ItemState, words: Collection[str]) -> Iterator[str]:
    if one.contested:
        yield "contested"
    state = _drafted_state(draft, one)
    if state == "contradicted":
        yield "contradicted: the sources disagree"
    marks = [mark for mark in one.item.evidence if mark in ranks]
    if state == "inferred" and len(marks) == 1 and ranks[marks[0]] <= WEAK_RANK:
        yield "one quote, of a listing or of marketing, and the rest inferred"
    factor = next((draft.factors[key] for key in draft.factors if one.item.id == f"factor/{key}"), None)
    if factor is not None and factor.high - factor.low >= WIDE:
        yield f"wide range: {factor.low:g} to {factor.high:g}"
    if not one.item.supported and state != "contradicted" and one.item.kind not in ("question", "layer", "score"):
        told = "a quote is missing or not found again" if one.item.evidence else "no quote stands behind it"
        told = "nobody but the vendor says so" if one.item.id in words else told
        yield f"unsupported: {told}"


def _drafted_state(draft: Draft, one: ItemState) -> str:
    name = one.item.id.partition("/")[2]
    if one.item.kind == "factor":
        return next((estimate.state for key, estimate in draft.factors.items() if key == name), "")
    if one.item.kind == "threat":
        threat = threats_of(draft).get(name)
        return threat.state if threat else ""
    return next((each.state for each in draft.system.capabilities if one.item.id == f"capability/{each.id}"), "")


# ---------------------------------------------------------------- what moved


def what_moved(before: ReviewState, after: ReviewState) -> Moved:
    """Return the scores before and after, and the factor, threat, layer or control that moved the score."""
    one, two = before.reviewed, after.reviewed
    causes = [*_headline_moved(one, two), *_factors_moved(one, two), *_range_moved(one, two), *_flags_moved(one, two)]
    return Moved(
        before=shown(one.score),
        after=shown(two.score),
        causes=tuple(causes),
        falls=fallen(before, after),
        returns=back(before, after),
        comes=(*_titles(after, _new(before, after)), *came(before, after)),
        alters=altered(before, after),
        reopens=reopened(before, after),
        why=why_higher(before, after),
    )


def why_still(before: ReviewState, after: ReviewState, question: str) -> str:
    """Return why an answer moved neither score nor range; empty if either moved.

    `question` is the question's item id.
    """
    one, two = shown(before.reviewed.score), shown(after.reviewed.score)
    if one != two:
        return ""
    name = question.partition("/")[2]
    stated = {told: fact for told, (fact, _) in after.answered.items() if question_of(told) == name}
    if not stated:
        return "it states no fact of the list, so nothing can be computed from it"
    return "; ".join(_why_no_move(before, after, told, fact) for told, fact in stated.items())


def why_not_narrower(before: ReviewState, after: ReviewState, question: str) -> str:
    """Return why an answer to a question (given by its item id) did not narrow the likely range as promised. Empty
    if it narrowed the range or promised nothing; `why_still` covers a range that is the same to the tenth."""
    name, one, two = question.partition("/")[2], before.reviewed, after.reviewed
    asked = next((each for each in (*before.questions, *before.drafted.questions) if each.id == name), None)
    most = promised(before)(asked.settles) if asked is not None else 0.0
    if round(most, 1) <= 0 or width_of(two) < width_of(one) - LEAST:
        return ""
    factors = [key for key in two.factors if key in one.factors]
    was, now = (sum(draft.factors[key].high - draft.factors[key].low for key in factors) for draft in (one, two))
    why = (
        "what it states leaves the factors as open as they were" if now >= was
        else "it narrows factors, but the range is where the published scores of such products lie around the score"
    )  # fmt: skip
    return f"The range is no narrower, although up to {most:.1f} points seemed possible: {why}"


def _why_no_move(before: ReviewState, after: ReviewState, told: str, fact: Fact) -> str:
    held = held_as(after.reviewed.facts.facts if after.reviewed.facts else (), fact)
    title = f"“{fact_title(fact)}”"
    if held is not None and not held.counts and is_vendors_word(held):
        return f"{title} is the vendor's word alone and would lower something: it counts once you confirm it"
    if fact.key in stated_keys(before.reviewed):
        return f"the sources say {title} already"
    settles = settled_by(load_vocabulary()[fact.key])
    if not settles:
        return f"no factor, layer or threat hangs on {title} alone"
    if held is not None and is_vendors_word(held) and any(key in LAYERS for key in settles):
        return f"{title} settles a layer once you confirm it, or a public page says so"
    return f"{title} bears on {', '.join(map(name_of, settles))} and leaves the range as it was"


def _new(before: ReviewState, after: ReviewState) -> set[str]:
    """Return the ids of items, except questions, that follow only from the facts of the later state."""
    if before.based is after.based:
        return set()
    known = {one.item.id for one in before.items}
    own = {item.id for item in items_of(after.based, (), {}) if item.kind in ("threat", "chain", "capability")}
    return own - known - set(after.fell)


def _titles(state: ReviewState, names: set[str]) -> tuple[str, ...]:
    return tuple(title_of(state, one) for one in state.items if one.item.id in names)


def score_words(score: ScoreShown) -> str:
    """Format a score in words: number and band, or "not scored"."""
    return "not scored" if score.aivss is None else f"{score.aivss} {score.severity}"


def _headline_moved(one: Draft, two: Draft) -> Iterator[str]:
    was, now = headline_of(one), headline_of(two)
    if one.score.cvss_base == two.score.cvss_base and (was and was.id) == (now and now.id):
        return
    bases = f"base {_base(one)} → {_base(two)}"
    if was and now and was.id == now.id:
        yield f"{_named(two, now)}: {bases}"
    elif now is None:
        yield f"no threat with a quote is left behind the number{f' after {_named(one, was)}' if was else ''}"
    else:
        yield f"headline now {_named(two, now)}, {bases}"


def _named(draft: Draft, threat: Threat) -> str:
    layer = layer_of(draft, threat.id)
    return f"“{threat.title}”" + (f" ({LAYER_CODES[layer]})" if layer else "")


def _base(draft: Draft) -> str:
    return "none" if draft.score.cvss_base is None else f"{draft.score.cvss_base}"


def _factors_moved(one: Draft, two: Draft) -> Iterator[str]:
    """Yield each changed factor with the points that it moved by itself, at the later score's base and multipliers."""
    slope = _slope(two)
    moved: list[tuple[Decimal, FactorKey]] = [
        (slope * (two.factors[key].value - one.factors[key].value), key)
        for key in FACTOR_SETS[two.score.factor_set or "0.5"]
        if two.factors[key].value != one.factors[key].value
    ]
    for points, key in sorted(moved, key=lambda pair: (-abs(pair[0]), pair[1])):
        yield f"{FACTOR_TITLES[key]} {one.factors[key].value:g} → {two.factors[key].value:g} ({points:+.2f} points)"


def _slope(draft: Draft) -> Decimal:
    """Return the score points for a factor's rise from 0 to 1 under AIVSS 0.8."""
    score = draft.score
    gap = Decimal(10) - (score.cvss_base or Decimal(0))
    return gap / 10 * score.threat_multiplier * score.mitigation_factor


def _range_moved(one: Draft, two: Draft) -> Iterator[str]:
    """Yield the factors whose range changed but whose value did not."""
    for key in FACTOR_SETS[two.score.factor_set or "0.5"]:
        was, now = one.factors[key], two.factors[key]
        if was.value == now.value and (was.low, was.high) != (now.low, now.high):
            yield f"{FACTOR_TITLES[key]} range {was.low:g}–{was.high:g} → {now.low:g}–{now.high:g}"


def _flags_moved(one: Draft, two: Draft) -> Iterator[str]:
    for key in LAYERS:
        if key in one.layers and key in two.layers and one.layers[key].certain != two.layers[key].certain:
            flag = "certain" if two.layers[key].certain else "not certain"
            yield f"{LAYER_CODES[key]} {LAYER_TITLES[key]} now {flag}"
    if two.score.withheld and two.score.withheld != one.score.withheld:
        yield f"withheld: {two.score.withheld}"
    if one.score.withheld and not two.score.withheld:
        yield "a number is shown again"
    was, now = one.score.with_controls, two.score.with_controls
    if (was and was.aivss) != (now and now.aivss):
        yield f"with controls {was.aivss if was else 'none'} → {now.aivss if now else 'none'}"


class Measured(NamedTuple):
    """The measured times of one kind of item."""

    seconds: float
    """Median focus time of decided items."""
    items: int


Pace = Mapping[str, Measured]
"""Measured times by kind of item; a kind without decisions is missing."""
UNMEASURED: Final[Pace] = {}


def pace_of(timed: Iterable[tuple[str, float]]) -> Pace:
    """Compute the pace from decided items and the seconds for which each decider viewed them."""
    by_kind: defaultdict[str, list[float]] = defaultdict(list)
    for item, seconds in timed:
        by_kind[item.partition("/")[0]].append(seconds)
    return {kind: Measured(median(found), len(found)) for kind, found in sorted(by_kind.items())}


def minutes_left(state: ReviewState, pace: Pace = UNMEASURED) -> float:
    """Estimate the minutes needed for the open items.

    Each item takes a weighted mean of its fixed seconds, which count as `PRIOR_ITEMS` items, and the measured median of
    its kind, which counts as the number of measured items. So a few outliers have little effect, and the fixed seconds
    fade out.
    """
    total = sum(_seconds(one.item.kind, supported=one.item.supported, pace=pace) for one in state.open)
    return round(total / _MINUTE, 1)


def pace_words(pace: Pace) -> str:
    """Return one line on what the minutes estimate is based on."""
    timed = sum(each.items for each in pace.values())
    if not timed:
        return "from fixed seconds for each kind of item; none was timed yet"
    return f"from {timed} {'item' if timed == 1 else 'items'} timed, and fixed seconds where few were"


def _seconds(kind: ItemKind, *, supported: bool, pace: Pace) -> float:
    fixed = SECONDS[kind] * (SUPPORTED_SHARE if supported else 1.0)
    measured = pace.get(kind, Measured(0.0, 0))
    return (PRIOR_ITEMS * fixed + measured.items * measured.seconds) / (PRIOR_ITEMS + measured.items)
