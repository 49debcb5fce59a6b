"""The first screen of a review: the reasons for the score, the threats, facts, factors and chains, and the picture."""

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from agent.facts.vocabulary import load_vocabulary
from agent.records import Draft, Fact, FactorEstimate
from agent.report.sentences import shrinkage, span, tenth
from agent.report.view import View
from agent.review.domain.effects.decisions import band_movers
from agent.review.domain.effects.what_if import Lowering, Promise, lowered
from agent.review.domain.facts.changed_sheet import stated_keys
from agent.review.domain.facts.from_answers import settled_by
from agent.review.domain.items import fact_title, facts_of, threats_of
from agent.review.domain.records import ReviewState
from agent.review.domain.rescore import headline_of, point_of
from agent.review.web.views.items import ItemView, Settling, dom_id
from agent.review.web.views.picture import system_picture, threat_lead
from agent.review.web.views.threats import gravest, threat_rows
from agent.scoring import severity
from agent.scoring.aivss import units
from agent.scoring.interval import score_at
from agent.taxonomy.factors import FACTOR_SETS, FACTOR_TITLES, FactorKey
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LAYERS, LayerKey

BANDS: Final = ("Critical", "High", "Medium", "Low")
MOST_FACTS: Final = 40
"""Maximum number of facts shown before the sheet is expanded."""
_MEASURED: Final = re.compile(r"n=(\d+)")
"""Matches the number of scores behind a calibration, in the calibration's name."""
_TEN: Final = Decimal(10)


class Step(NamedTuple):
    """A row of the score's computation: the base, a factor with its range, or the result."""

    title: str
    dom: str
    kind: str
    """base, factor, total or controls."""
    points: str = ""
    """Score points with all their decimals, so that the printed numbers add up; empty if no score is shown."""
    at: float = 0.0
    """Start of the row's bar, 0 to 100."""
    width: float = 0.0
    """Width of the row's bar, 0 to 100; 0 for none."""
    value: str = ""
    """The value of a factor, or the sum of all factors."""
    range: tuple[float, float, float] | None = None
    """The low end, value and high end of a factor, 0 to 1."""
    band: str = ""
    """Severity of the base."""


class LayerRow(NamedTuple):
    """A layer of the grid: the number of threats in each band, and whether the layer is certain."""

    key: str
    code: str
    title: str
    flag: str
    counts: tuple[int, ...]
    settling: Settling | None
    """Why the layer is not certain and what would settle it; None if it is certain or does not apply."""


class SheetRow(NamedTuple):
    """A row of the fact sheet: a fact, or a key that no fact states."""

    dom: str
    """Element id of the fact; empty for a key."""
    key: str
    title: str
    said: str
    """The first quote of a fact, or the question to the vendor about a key."""
    verdict: str
    verdict_words: str
    hangs: int
    """The number of items that depend on the fact, or that the key would settle."""
    points: str
    asked: str
    """Id of the question about the fact or key; empty if there is none."""
    moves_band: bool
    can_ask: bool


class Overview:
    """The data of the first screen; `views` are the items of the review by id."""

    def __init__(self, state: ReviewState, views: Mapping[str, ItemView], promise: Promise) -> None:
        draft, view, every = state.reviewed, View(state.reviewed), threats_of(state.reviewed)
        names = {placed.threat.id: placed.name for placed in view.threats}
        rows, low = sheet_rows(state, views, promise), lowered(state)
        stated = [row for row in rows if row.dom]
        self.gravest = gravest(state)
        """The threat behind the score, and the more severe threats that do not count."""
        self.wide = _wide(state)
        """Why the likely range is so wide; empty without a range."""
        self.lowers = [(way, _leads(way, names)) for way in low.ways]
        """The changes that would lower the score, lowest result first, with the items that each depends on."""
        self.behind = (every[low.behind[0]], names[low.behind[0]], low.behind[1]) if low.behind else None
        """The next headline threat, with its name and AIVSS, if it would keep the score as high; otherwise None."""
        self.posture = draft.product.posture
        self.abilities, self.controls = _said(draft, controls=False), _said(draft, controls=True)
        """The product's abilities and properties, and its limits, according to its facts."""
        self.steps = _steps(draft, names)
        self.sum = _sum(draft, self.steps)
        """The steps as a sum in one line; empty without a score."""
        self.threats = threat_rows(state, view, views)
        self.layers = [_layer(draft, key, views[f"layer/{key}"].settling) for key in LAYERS if key in draft.layers]
        self.facts, self.more_facts = stated[:MOST_FACTS], stated[MOST_FACTS:]
        """Stated facts, starting with those that affect the band or the score."""
        self.unstated = [row for row in rows if not row.dom]
        self.chains = [
            (chain.title, [threat_lead(names.get(name, ""), every[name]) for name in chain.threats if name in every])
            for chain in draft.chains
        ]
        self.system = system_picture(state)

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """The headings of the screen for the outline: name and title."""
        every = (
            ("score", "Score and factors", self.steps), ("grid", "Layers", True), ("threats", "Threats", True),
            ("facts", "Fact sheet", self.facts or self.unstated), ("picture", "System picture", self.system.drawing),
            ("chains", "Chains", self.chains),
        )  # fmt: skip
        return tuple((name, title) for name, title, there in every if there)


def sheet_rows(state: ReviewState, views: Mapping[str, ItemView], promise: Promise) -> list[SheetRow]:
    """Return the rows of a review's facts, then those of the unstated keys.

    In both groups, rows that decide the band come first, then those with the most score points; struck facts come last.
    """
    words, sheet = load_vocabulary(), state.reviewed.facts
    moving = band_movers(state.reviewed)
    movers, keyed = {dom_id(item) for item in moving}, {item.partition("/")[2] for item in moving}
    asked = {key: one.id for one in reversed(state.reviewed.questions) for key in one.about}
    stated = stated_keys(state.reviewed)
    keys = {fact.id: fact.key for fact in facts_of(state.drafted)}
    keys |= {name: fact.key for name, (fact, _) in state.answered.items()}
    rows: list[tuple[float, SheetRow]] = []
    for name, key in keys.items():
        view = views[f"fact/{name}"]
        hangs = view.fact.hangs if view.fact else []
        row = SheetRow(
            view.dom, key, view.title, view.quotes[0].quote if view.quotes else "", view.verdict, view.verdict_words,
            len(hangs), view.weight, asked.get(key, ""),
            moves_band=view.verdict != "struck" and bool(movers & {dom for dom, _ in hangs}),
            can_ask=key not in stated and key not in asked and view.verdict != "struck",
        )  # fmt: skip
        rows.append((view.standing.item.weight, row))
    for absence in sheet.absent if sheet else ():
        fact, settles = words[absence.key], settled_by(words[absence.key])
        question, points = views.get(f"question/{asked.get(fact.id, '')}"), promise(settles)
        row = SheetRow(
            "", fact.id, fact.title, fact.question, question.verdict if question else "unstated",
            question.verdict_words if question else "Not stated", len(settles), shrinkage(points).removeprefix("−"),
            asked[fact.id] if question else "", moves_band=not keyed.isdisjoint(settles), can_ask=question is None,
        )  # fmt: skip
        rows.append((points, row))
    rows.sort(key=lambda each: (not each[1].dom, each[1].verdict == "struck", not each[1].moves_band, -each[0]))
    return [row for _, row in rows]


def _wide(state: ReviewState) -> str:
    """Explain the likely range, and why it is wider than the factors alone would allow."""
    score, old = state.reviewed.score, state.drafted.score.likely
    at = point_of(score.formula, score.inputs)
    total = score.inputs.factor_sum if score.inputs else None
    low, high, known = score.likely_low, score.likely_high, score.likely
    if at is None or total is None or low is None or high is None or known is None:
        return ""
    ends = [score_at(score.formula, at._replace(factor_sum=units(end))) for end in (total.low, total.high)]
    measured = _MEASURED.search(known.calibration)
    share = "published scores for such products"
    many = f"Of {measured[1]} {share}, four out of five" if measured else f"Four out of five {share}"
    told = f"{many} were this close to the drafted score"
    if old is not None and known.below + known.above < old.below + old.above:
        told += "; decisions since then have narrowed the range"
    if low >= ends[0] and high <= ends[1]:
        return f"{told}. The factors alone would allow {span(*ends)}."
    return (
        f"{told}. The range is wider than the factors alone would allow ({span(*ends)}), "
        "because another threat or other CVSS metrics may turn out to be right."
    )


def _leads(way: Lowering, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the element id and the name of each item on which a change depends."""
    if way.kind == "factors":
        return [("section-factors", way.what)]
    if way.kind == "factor":
        return [(dom_id(item), way.what) for item in way.items]
    own = ((dom_id(item), item.partition("/")[2]) for item in way.items)
    return sorted(((dom, names.get(name, name)) for dom, name in own), key=lambda lead: lead[1])


def _said(draft: Draft, *, controls: bool) -> list[tuple[Fact, str]]:
    """Return the facts that are not denied, with titles: abilities, then others; with `controls`, only the controls."""
    words, facts = load_vocabulary(), facts_of(draft)
    said = [one for one in facts if one.key in words and (words[one.key].claim == "control") is controls]
    said.sort(key=lambda fact: words[fact.key].claim != "ability")
    asserted = {"polarity": "asserted"}
    return [(one, fact_title(one.model_copy(update=asserted))) for one in said if one.polarity != "denied"]


def _steps(draft: Draft, names: Mapping[str, str]) -> list[Step]:
    """Return the rows for base, factors and score; only the factors if base and factors do not add up to the score."""
    score, first = draft.score, headline_of(draft)
    keys = [key for key in FACTOR_SETS[score.factor_set or "0.5"] if key in draft.factors]
    factors = {key: _factor(key, draft.factors[key]) for key in keys}
    base, points = score.cvss_base, {key: _slope(draft) * draft.factors[key].value for key in keys}
    if base is None or score.aivss is None:
        return list(factors.values())
    sums = min(base + sum(points.values()), _TEN)
    if sums.quantize(Decimal("0.1"), ROUND_HALF_UP) != score.aivss:
        return list(factors.values())
    dom = dom_id(f"threat/{first.id}") if first else ""
    title = f"CVSS base of {names.get(first.id, first.id)}" if first else "CVSS base"
    made = [Step(title, dom, "base", tenth(base), 0.0, _share(base), band=severity(base))]
    exponents = (value.normalize().as_tuple().exponent for value in points.values())
    at, places = base, max((-each for each in exponents if isinstance(each, int)), default=0)
    for key, value in points.items():
        made.append(factors[key]._replace(points=f"+{value:.{places}f}", at=_share(at), width=_share(value)))
        at += value
    total = f"{sum(draft.factors[key].value for key in keys):g} of 10"
    made.append(Step("Score", dom_id("score"), "total", tenth(score.aivss), 0.0, _share(score.aivss), total))
    if score.with_controls is not None:
        less = score.with_controls.aivss - score.aivss
        begin = _share(min(score.with_controls.aivss, score.aivss))
        made.append(Step("With controls", dom_id("score"), "controls", f"{less:+.1f}", begin, _share(abs(less))))
    return made


def _factor(key: FactorKey, one: FactorEstimate) -> Step:
    reach = (float(one.low), float(one.value), float(one.high))
    return Step(FACTOR_TITLES[key], dom_id(f"factor/{key}"), "factor", value=tenth(one.value), range=reach)


def _slope(draft: Draft) -> Decimal:
    """Return the score points that a factor of 1 adds."""
    return (_TEN - (draft.score.cvss_base or _TEN)) / _TEN * draft.score.threat_multiplier


def _sum(draft: Draft, steps: Sequence[Step]) -> str:
    base, score = draft.score.cvss_base, draft.score.aivss
    added = [Decimal(step.points) for step in steps if step.kind == "factor" and step.points]
    if base is None or score is None or not added:
        return ""
    exact = base + sum(added)
    held = ", capped at 10" if exact > _TEN else ""
    return (
        f"{tenth(base)} + {sum(added):f} = {exact:f}, shown as {tenth(score)}{held}. "
        f"A factor adds its value × {_slope(draft).normalize():f}."
    )


def _share(points: Decimal) -> float:
    """Convert score points into a percentage of ten points, 0 to 100."""
    return round(min(max(float(points / _TEN), 0.0), 1.0) * 100, 2)


def _layer(draft: Draft, key: LayerKey, settling: Settling | None) -> LayerRow:
    layer = draft.layers[key]
    bands = [severity(threat.score.cvss_base) for threat in layer.threats]
    flag = "certain" if layer.certain else "does not apply" if layer.applies == "no" else "not certain"
    counts = tuple(bands.count(band) for band in BANDS)
    return LayerRow(key, LAYER_CODES[key], LAYER_TITLES[key], flag, counts, settling)
