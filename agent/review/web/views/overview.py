"""The first screen of a review: the reasons for the score, the threats, facts, factors, chains, and the picture."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from agent.facts.vocabulary import FactKey, load_vocabulary
from agent.records import Draft, FactorEstimate
from agent.report.sentences import shrinkage, span, tenth
from agent.report.view import View
from agent.review.domain.effects.decisions import band_movers
from agent.review.domain.effects.what_if import Lowering, lowered, promised
from agent.review.domain.facts.changed_sheet import stated_keys
from agent.review.domain.facts.from_answers import settled_by
from agent.review.domain.items import fact_title, threats_of
from agent.review.domain.records import ReviewState
from agent.review.domain.rescore import headline_of, point_of
from agent.review.web.views.items import ItemView, Settling, dom_id
from agent.review.web.views.picture import Lead, SystemPicture, system_picture, threat_lead
from agent.review.web.views.threats import Gravest, ThreatRow, gravest, threat_rows
from agent.scoring import severity
from agent.scoring.aivss import units
from agent.scoring.interval import score_at
from agent.taxonomy.factors import FACTOR_SETS, FACTOR_TITLES, FactorKey
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LAYERS, LayerKey

BANDS: Final = ("Critical", "High", "Medium", "Low")
MOST_FACTS: Final = 40
"""The most facts of the sheet shown without expanding."""
_MEASURED: Final = re.compile(r"n=(\d+)")
"""Extracts from a calibration's name the number of scores behind it."""
_TEN: Final = Decimal(10)
_TENTH: Final = Decimal("0.1")


class Step(NamedTuple):
    """A row of the score's computation: the base, a factor with its range, or the result."""

    title: str
    dom: str
    kind: str
    """base, factor, total or controls."""
    value: str
    """The value of a factor, or the sum of all factors; else empty."""
    range: tuple[float, float, float] | None
    """Low, value and high of a factor, 0 to 1; None in other rows."""
    points: str
    """Score points with all decimals, so that the printed numbers add up; empty if no score is shown."""
    at: float
    """Start of the row's bar, 0 to 100."""
    width: float
    """Width of the row's bar, 0 to 100; 0 for none."""
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
    """A fact, or an unstated key."""

    dom: str
    """Element of the fact; empty for a key."""
    key: str
    title: str
    said: str
    """The first quote of a fact, or the question to the vendor about a key."""
    verdict: str
    verdict_words: str
    hangs: int
    """The number of items that depend on the fact, or that the key would settle."""
    points: str
    moves_band: bool
    asked: tuple[str, str]
    """Element and id of the question about the fact or key; empty if there is none."""
    can_ask: bool


class Lower(NamedTuple):
    """A change that would lower the score."""

    kind: str
    """question, factor, factors or metric."""
    leads: tuple[tuple[str, str], ...]
    """Element and name of each item that decides the change."""
    what: str
    score: str
    band: str


class Ability(NamedTuple):
    """An ability that a fact states."""

    row: str
    """The ability's row in the fact sheet."""
    title: str
    when: str
    """ "by a setting", or empty."""
    mark: str
    """The mark of the fact's first quote; may be empty."""


class Overview(NamedTuple):
    """The data of the first screen."""

    gravest: tuple[Gravest, ...]
    """The threat behind the score, and the graver threats that do not count."""
    wide: str
    """Why the likely range is so wide; empty without a range."""
    lowers: tuple[Lower, ...]
    """The changes that would lower the score, the lowest result first."""
    behind: tuple[str, str, str] | None
    """Element, name and AIVSS of the threat that would lead without the headline, if the score would not fall."""
    posture: str
    """What the product does and with whose rights, in three sentences with marks."""
    abilities: tuple[Ability, ...]
    """The product's abilities and properties, according to its facts."""
    controls: tuple[Ability, ...]
    """The product's limits, according to its facts."""
    steps: tuple[Step, ...]
    sum: str
    """The steps as a sum in one line; empty without a score."""
    threats: tuple[ThreatRow, ...]
    layers: tuple[LayerRow, ...]
    facts: tuple[SheetRow, ...]
    """Stated facts, those that move score or band first: at most `MOST_FACTS`."""
    more_facts: tuple[SheetRow, ...]
    """The other stated facts."""
    unstated: tuple[SheetRow, ...]
    chains: tuple[tuple[str, tuple[Lead, ...]], ...]
    """Title, and the threats in order."""
    system: SystemPicture

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """The headings of the screen for the outline: name and title."""
        every = (
            ("score", "Score and factors", self.steps), ("grid", "Layers", True), ("threats", "Threats", True),
            ("facts", "Fact sheet", self.facts or self.unstated), ("picture", "System picture", self.system.drawing),
            ("chains", "Chains", self.chains),
        )  # fmt: skip
        return tuple((name, title) for name, title, there in every if there)


def overview(state: ReviewState, views: Mapping[str, ItemView]) -> Overview:
    """Build the first screen of a review; `views` are its items by id."""
    draft, view = state.reviewed, View(state.reviewed)
    names = {placed.threat.id: placed.name for placed in view.threats}
    rows, every = sheet_rows(state, views), threats_of(draft)
    stated = [row for row in rows if row.dom]
    steps, low = _steps(draft, names), lowered(state)
    return Overview(
        gravest=gravest(state),
        wide=_wide(state),
        lowers=tuple(_lower(way, names) for way in low.ways),
        behind=(dom_id(f"threat/{low.behind[0]}"), names[low.behind[0]], tenth(low.behind[1])) if low.behind else None,
        posture=draft.product.posture,
        abilities=_abilities(draft, controls=False),
        controls=_abilities(draft, controls=True),
        steps=tuple(steps),
        sum=_sum(draft, steps),
        threats=threat_rows(state, view, views),
        layers=tuple(_layer(draft, key, views[f"layer/{key}"].settling) for key in LAYERS if key in draft.layers),
        facts=tuple(stated[:MOST_FACTS]),
        more_facts=tuple(stated[MOST_FACTS:]),
        unstated=tuple(row for row in rows if not row.dom),
        chains=tuple(
            (
                chain.title,
                tuple(threat_lead(names.get(name, ""), every[name]) for name in chain.threats if name in every),
            )
            for chain in draft.chains
        ),
        system=system_picture(state),
    )


def sheet_rows(state: ReviewState, views: Mapping[str, ItemView]) -> tuple[SheetRow, ...]:
    """Return the facts of a review and the unstated keys: those that decide the band first, then by score points."""
    words, sheet = load_vocabulary(), state.reviewed.facts
    moving = band_movers(state.reviewed)
    movers, keyed = {dom_id(item) for item in moving}, {item.partition("/")[2] for item in moving}
    weights = {one.item.id: one.item.weight for one in state.items}
    asked = {key: one.id for one in reversed(state.reviewed.questions) for key in one.about}
    stated, narrowed = stated_keys(state.reviewed), promised(state)
    keys = {fact.id: fact.key for fact in (state.drafted.facts.facts if state.drafted.facts else ())}
    keys |= {name: fact.key for name, (fact, _) in state.answered.items()}
    rows: list[tuple[float, SheetRow]] = []
    for name, key in keys.items():
        view = views[f"fact/{name}"]
        bears = view.verdict != "struck" and bool(movers & {dom for dom, _ in (view.fact.hangs if view.fact else ())})
        asks = key not in stated and key not in asked and view.verdict != "struck"
        row = _fact_row(view, key, asked.get(key, ""))._replace(moves_band=bears, can_ask=asks)
        rows.append((weights[view.id], row))
    for absence in sheet.absent if sheet else ():
        settles = settled_by(words[absence.key])
        bears = not keyed.isdisjoint(settles)
        row = _key_row(words[absence.key], asked.get(absence.key, ""), points := narrowed(settles), views)
        rows.append((points, row._replace(moves_band=bears)))
    rows.sort(key=lambda each: (not each[1].dom, each[1].verdict == "struck", not each[1].moves_band, -each[0]))
    return tuple(row for _, row in rows)


def _fact_row(view: ItemView, key: str, asked: str) -> SheetRow:
    return SheetRow(
        dom=view.dom,
        key=key,
        title=view.title,
        said=view.quotes[0].quote if view.quotes else "",
        verdict=view.verdict,
        verdict_words=view.verdict_words,
        hangs=len(view.fact.hangs) if view.fact else 0,
        points=view.weight,
        moves_band=False,
        asked=(dom_id(f"question/{asked}"), asked) if asked else ("", ""),
        can_ask=False,
    )


def _key_row(key: FactKey, asked: str, points: float, views: Mapping[str, ItemView]) -> SheetRow:
    question = views.get(f"question/{asked}")
    return SheetRow(
        dom="",
        key=key.id,
        title=key.title,
        said=key.question,
        verdict=question.verdict if question else "unstated",
        verdict_words=question.verdict_words if question else "Not stated",
        hangs=len(settled_by(key)),
        points=shrinkage(points).removeprefix("−"),
        moves_band=False,
        asked=(dom_id(f"question/{asked}"), asked) if question else ("", ""),
        can_ask=question is None,
    )


def _wide(state: ReviewState) -> str:
    """Explain the likely range, and why it is wider than the factors alone would allow."""
    score, drafted = state.reviewed.score, state.drafted.score
    at = point_of(score.formula, score.inputs)
    total = score.inputs.factor_sum if score.inputs else None
    low, high, known = score.likely_low, score.likely_high, score.likely
    if at is None or total is None or low is None or high is None or known is None:
        return ""
    ends = [score_at(score.formula, at._replace(factor_sum=units(end))) for end in (total.low, total.high)]
    measured = _MEASURED.search(known.calibration)
    share = "published scores of such products"
    many = f"Of {measured[1]} {share} four of five" if measured else f"Four of five {share}"
    told = f"{many} lay this near to their drafts"
    old = drafted.likely
    if old is not None and known.below + known.above < old.below + old.above:
        told += "; what was decided since has narrowed it"
    if low >= ends[0] and high <= ends[1]:
        return f"{told}. The factors alone allow {span(*ends)}."
    return (
        f"{told}. It is wider than the factors alone allow ({span(*ends)}), "
        "since another threat or other CVSS metrics may prove right."
    )


def _lower(way: Lowering, names: Mapping[str, str]) -> Lower:
    leads = sorted(((dom_id(item), _lead_name(item, names)) for item in way.items), key=lambda lead: lead[1])
    if way.kind == "factors":
        leads = [("section-factors", way.what)]
    what = "" if way.kind in ("factors", "factor") else way.what
    if way.kind == "factor":
        leads = [(leads[0][0], way.what)]
    return Lower(way.kind, tuple(leads), what, tenth(way.score), severity(way.score))


def _lead_name(item: str, names: Mapping[str, str]) -> str:
    own = item.partition("/")[2]
    return names.get(own, own)


def _abilities(draft: Draft, *, controls: bool) -> tuple[Ability, ...]:
    """Return the abilities that the facts state, followed by descriptions; with `controls` only the controls."""
    words = load_vocabulary()
    said = [
        fact
        for fact in (draft.facts.facts if draft.facts else ())
        if fact.key in words and (words[fact.key].claim == "control") is controls and fact.polarity != "denied"
    ]
    said.sort(key=lambda fact: words[fact.key].claim != "ability")
    return tuple(
        Ability(
            row=f"row-{dom_id(f'fact/{fact.id}')}",
            title=fact_title(fact.model_copy(update={"polarity": "asserted"})),
            when="by a setting" if fact.polarity == "configurable" else "",
            mark=fact.evidence[0] if fact.evidence else "",
        )
        for fact in said
    )


def _steps(draft: Draft, names: Mapping[str, str]) -> list[Step]:
    """Return base, factors and score; only the factors if there is no score or another formula combines them."""
    score, first = draft.score, headline_of(draft)
    keys = [key for key in FACTOR_SETS[score.factor_set or "0.5"] if key in draft.factors]
    base, points = score.cvss_base, _points(draft, keys)
    if base is None or score.aivss is None or points is None:
        return [_factor_step(key, draft.factors[key]) for key in keys]
    dom = dom_id(f"threat/{first.id}") if first else ""
    title = f"CVSS base of {names.get(first.id, first.id)}" if first else "CVSS base"
    made = [Step(title, dom, "base", "", None, tenth(base), 0.0, _share(base), severity(base))]
    at, places = base, _places(points.values())
    for key in keys:
        step = _factor_step(key, draft.factors[key])
        made.append(step._replace(points=f"+{points[key]:.{places}f}", at=_share(at), width=_share(points[key])))
        at += points[key]
    total = f"{sum(draft.factors[key].value for key in keys):g} of 10"
    made.append(Step("Score", dom_id("score"), "total", total, None, tenth(score.aivss), 0.0, _share(score.aivss)))
    if score.with_controls is not None:
        less = score.with_controls.aivss - score.aivss
        begin = min(score.with_controls.aivss, score.aivss)
        made.append(
            Step("With controls", dom_id("score"), "controls", "", None, f"{less:+.1f}", _share(begin),
                 _share(abs(less)))
        )  # fmt: skip
    return made


def _factor_step(key: FactorKey, one: FactorEstimate) -> Step:
    reach = (float(one.low), float(one.value), float(one.high))
    return Step(FACTOR_TITLES[key], dom_id(f"factor/{key}"), "factor", tenth(one.value), reach, "", 0.0, 0.0)


def _points(draft: Draft, keys: Sequence[FactorKey]) -> dict[FactorKey, Decimal] | None:
    """Compute the points that each factor adds to the base. Returns None if they do not add up to the score."""
    score = draft.score
    if score.cvss_base is None or score.aivss is None:
        return None
    slope = _slope(draft)
    points = {key: slope * draft.factors[key].value for key in keys}
    total = min(score.cvss_base + sum(points.values()), _TEN)
    return points if total.quantize(_TENTH, ROUND_HALF_UP) == score.aivss else None


def _slope(draft: Draft) -> Decimal:
    """Return the score points that a factor of 1 adds."""
    return (_TEN - (draft.score.cvss_base or _TEN)) / _TEN * draft.score.threat_multiplier


def _places(values: Iterable[Decimal]) -> int:
    """Return the largest number of decimals among the values."""
    exponents = (value.normalize().as_tuple().exponent for value in values)
    return max((-each for each in exponents if isinstance(each, int)), default=0)


def _sum(draft: Draft, steps: Sequence[Step]) -> str:
    base, score = draft.score.cvss_base, draft.score.aivss
    added = [Decimal(step.points) for step in steps if step.kind == "factor" and step.points]
    if base is None or score is None or not added:
        return ""
    exact = base + sum(added)
    held = ", held at 10" if exact > _TEN else ""
    return (
        f"{tenth(base)} + {sum(added):f} = {exact:f}, shown as {tenth(score)}{held}. "
        f"A factor adds its value × {_slope(draft).normalize():f}."
    )


def _share(points: Decimal) -> float:
    """Convert score points into a share of ten, 0 to 100."""
    return round(min(max(float(points / _TEN), 0.0), 1.0) * 100, 2)


def _layer(draft: Draft, key: LayerKey, settling: Settling | None) -> LayerRow:
    layer = draft.layers[key]
    bands = [severity(threat.score.cvss_base) for threat in layer.threats]
    flag = "certain" if layer.certain else "does not apply" if layer.applies == "no" else "not certain"
    counts = tuple(bands.count(band) for band in BANDS)
    return LayerRow(key, LAYER_CODES[key], LAYER_TITLES[key], flag, counts, settling)
