"""The first screen of a review: why the score is what it is, the threats, facts, factors, chains, and the picture."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from agent.records import Draft, FactorEstimate
from agent.report.sentences import tenth
from agent.report.view import View
from agent.review.items import threats_of
from agent.review.mitigations import work_of
from agent.review.records import ReviewState
from agent.review.rescore import headline_of
from agent.review.web.shown_items import ItemView, dom_id
from agent.review.web.system import Lead, SystemPicture, system_picture, threat_lead
from agent.scoring import severity
from agent.taxonomy.keys import FACTOR_SETS, FACTOR_TITLES, FACTORS, LAYER_CODES, LAYER_TITLES, LAYERS, FactorKey

BANDS: Final = ("Critical", "High", "Medium", "Low")
MOST_FACTS: Final = 12
"""Facts in the overview; all of them stand in their section."""
_TEN: Final = Decimal(10)


class Step(NamedTuple):
    """One addend of the score."""

    title: str
    points: str
    at: float
    """Where it begins, 0 to 100."""
    width: float
    kind: str
    """base, factor or controls."""
    dom: str


class ThreatRow(NamedTuple):
    """A threat in the table."""

    dom: str
    tag: str
    title: str
    layer: str
    layer_title: str
    base: str
    severity: str
    basis: str
    verdict: str
    verdict_words: str
    owner: str
    headline: bool


class LayerRow(NamedTuple):
    """A layer of the grid: how many threats it has in each band, and whether it is certain."""

    key: str
    code: str
    title: str
    flag: str
    counts: tuple[int, ...]


class FactorRow(NamedTuple):
    """A factor as a bar."""

    dom: str
    title: str
    value: str
    at: float
    from_: float
    to: float


class Overview(NamedTuple):
    """All of it."""

    rule: str
    """Why the score is what it is, in one sentence."""
    posture: str
    """What it does with whose rights, in three sentences with marks."""
    floor: int
    """Where the bars of the steps begin, score points: a little below the base, so that small addends can be seen."""
    steps: tuple[Step, ...]
    threats: tuple[ThreatRow, ...]
    layers: tuple[LayerRow, ...]
    facts: tuple[ItemView, ...]
    fact_count: int
    factors: tuple[FactorRow, ...]
    chains: tuple[tuple[str, tuple[Lead, ...]], ...]
    """Title, and the threats in their order."""
    system: SystemPicture

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """Its headings for the outline: name and title."""
        every = (
            ("score", "Score", self.steps), ("factors", "Factor profile", True), ("threats", "Threats", True),
            ("facts", "What it can do", self.facts), ("picture", "System picture", self.system.drawing),
            ("chains", "Chains", self.chains),
        )  # fmt: skip
        return tuple((name, title) for name, title, there in every if there)


def overview(state: ReviewState, views: Mapping[str, ItemView]) -> Overview:
    """The first screen of a review; `views` are its items by id."""
    draft, view = state.reviewed, View(state.reviewed)
    names = {placed.threat.id: placed.name for placed in view.threats}
    facts = [one for one in views.values() if one.kind == "fact"]
    weights = {one.item.id: one.item.weight for one in state.items}
    facts.sort(key=lambda one: (one.verdict == "struck", -weights[one.id]))
    every = threats_of(draft)
    return Overview(
        rule=rule_of(draft, names),
        posture=draft.product.posture,
        floor=_floor(draft),
        steps=tuple(_steps(draft)),
        threats=_threats(state, view, views),
        layers=tuple(_layer(draft, key) for key in LAYERS if key in draft.layers),
        facts=tuple(facts[:MOST_FACTS]),
        fact_count=len(facts),
        factors=tuple(_factor(key, draft.factors[key]) for key in FACTORS if key in draft.factors),
        chains=tuple(
            (
                chain.title,
                tuple(threat_lead(names.get(name, ""), every[name]) for name in chain.threats if name in every),
            )
            for chain in draft.chains
        ),
        system=system_picture(state),
    )


def rule_of(draft: Draft, names: Mapping[str, str]) -> str:
    """One sentence on why the score is what it is."""
    score, first = draft.score, headline_of(draft)
    if score.withheld:
        return f"No number is shown: {score.withheld}."
    if first is None or score.cvss_base is None:
        return "The score rests on no threat with a quote."
    added = f"{score.aars:.2f}" if score.aars is not None else "nothing"
    return (
        f"It rests on {names.get(first.id, first.id)}, the gravest supported threat in default use "
        f"(CVSS base {tenth(score.cvss_base)}); the factors of its autonomy add {added}."
    )


def _steps(draft: Draft) -> list[Step]:
    score = draft.score
    if score.cvss_base is None or score.aivss is None:
        return []
    base = score.cvss_base
    first = headline_of(draft)
    floor = _floor(draft)

    def place(points: Decimal) -> float:
        return _share(points - floor, _TEN - floor)

    made = [Step("CVSS base", tenth(base), 0.0, place(base), "base", dom_id(f"threat/{first.id}") if first else "")]
    at, slope = base, (_TEN - base) / _TEN * score.threat_multiplier
    for key in FACTOR_SETS[score.factor_set or "0.5"]:
        points = slope * draft.factors[key].value
        if points:
            title = FACTOR_TITLES[key]
            made.append(
                Step(title, f"+{points:.2f}", place(at), place(points + floor), "factor", dom_id(f"factor/{key}"))
            )
            at += points
    if score.with_controls is not None:
        less = score.with_controls.aivss - score.aivss
        start = min(score.with_controls.aivss, score.aivss)
        made.append(
            Step("with controls", f"{less:+.1f}", place(start), place(abs(less) + floor), "controls", dom_id("score"))
        )
    return made


def _floor(draft: Draft) -> int:
    score = draft.score
    lowest = min(score.cvss_base or _TEN, score.with_controls.aivss if score.with_controls else _TEN)
    return max(int(lowest) - 1, 0)


def _share(points: Decimal, most: Decimal) -> float:
    return round(min(max(float(points / most), 0.0), 1.0) * 100, 2)


def _threats(state: ReviewState, view: View, views: Mapping[str, ItemView]) -> tuple[ThreatRow, ...]:
    owners: dict[str, list[str]] = {}
    for work in work_of(state):
        if work.owner:
            owners.setdefault(work.threat, []).append(work.owner)
    layers = {
        threat.id: key
        for key in LAYERS
        if key in state.reviewed.layers
        for threat in state.reviewed.layers[key].threats
    }
    first = headline_of(state.reviewed)
    return tuple(
        ThreatRow(
            dom=dom_id(f"threat/{placed.threat.id}"),
            tag=placed.name,
            title=placed.threat.title,
            layer=LAYER_CODES[layers[placed.threat.id]],
            layer_title=LAYER_TITLES[layers[placed.threat.id]],
            base=tenth(placed.threat.score.cvss_base),
            severity=band_of(placed.threat.score.cvss_base),
            basis=f"if {placed.threat.setting}" if placed.threat.setting else placed.threat.basis or "",
            verdict=views[f"threat/{placed.threat.id}"].verdict,
            verdict_words=views[f"threat/{placed.threat.id}"].verdict_words,
            owner=", ".join(dict.fromkeys(owners.get(placed.threat.id, ()))),
            headline=first is not None and first.id == placed.threat.id,
        )
        for placed in view.threats
    )


def band_of(base: Decimal) -> str:
    """The band of a CVSS base: the scale that tells threats apart."""
    return severity(base)


def _layer(draft: Draft, key: str) -> LayerRow:
    layer = next(each for name, each in draft.layers.items() if name == key)
    bands = [band_of(threat.score.cvss_base) for threat in layer.threats]
    code = next(LAYER_CODES[name] for name in LAYERS if name == key)
    title = next(LAYER_TITLES[name] for name in LAYERS if name == key)
    flag = "certain" if layer.certain else "does not apply" if layer.applies == "no" else "not certain"
    return LayerRow(key, code, title, flag, tuple(bands.count(band) for band in BANDS))


def _factor(key: FactorKey, one: FactorEstimate) -> FactorRow:
    return FactorRow(
        dom_id(f"factor/{key}"), FACTOR_TITLES[key], tenth(one.value), float(one.value), float(one.low), float(one.high)
    )
