"""The first screen of a review: why the score is what it is, the threats, facts, factors, chains, and the picture."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from agent.facts.vocabulary import FactKey, load_vocabulary
from agent.records import Draft, FactorEstimate
from agent.report.sentences import shrinkage, tenth
from agent.report.view import View
from agent.review.answered import settled_by
from agent.review.changed_facts import stated_keys
from agent.review.decisions import band_movers
from agent.review.items import threats_of
from agent.review.mitigations import work_of
from agent.review.records import ReviewState
from agent.review.rescore import headline_of, narrowing
from agent.review.web.shown_items import ItemView, dom_id
from agent.review.web.system import Lead, SystemPicture, system_picture, threat_lead
from agent.scoring import severity
from agent.taxonomy.keys import FACTOR_SETS, FACTOR_TITLES, FACTORS, LAYER_CODES, LAYER_TITLES, LAYERS, FactorKey

BANDS: Final = ("Critical", "High", "Medium", "Low")
MOST_FACTS: Final = 40
"""Rows of the fact sheet that are shown at once."""
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


class SheetRow(NamedTuple):
    """A fact, or a key that no fact states."""

    dom: str
    """Element of the fact; empty for a key."""
    key: str
    title: str
    said: str
    """The first quote of a fact; what a vendor would be asked of a key."""
    verdict: str
    verdict_words: str
    hangs: int
    """Things that hang on the fact, or that the key would settle."""
    points: str
    moves_band: bool
    asked: tuple[str, str]
    """Element and id of the question about it; empty where none asks it."""
    can_ask: bool


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
    facts: tuple[SheetRow, ...]
    """What moves score or band first: at most `MOST_FACTS`."""
    more_facts: tuple[SheetRow, ...]
    fact_count: int
    stated: int
    factors: tuple[FactorRow, ...]
    chains: tuple[tuple[str, tuple[Lead, ...]], ...]
    """Title, and the threats in their order."""
    system: SystemPicture

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """Its headings for the outline: name and title."""
        every = (
            ("score", "Score", self.steps), ("factors", "Factor profile", True), ("threats", "Threats", True),
            ("facts", "Fact sheet", self.facts), ("picture", "System picture", self.system.drawing),
            ("chains", "Chains", self.chains),
        )  # fmt: skip
        return tuple((name, title) for name, title, there in every if there)


def overview(state: ReviewState, views: Mapping[str, ItemView]) -> Overview:
    """The first screen of a review; `views` are its items by id."""
    draft, view = state.reviewed, View(state.reviewed)
    names = {placed.threat.id: placed.name for placed in view.threats}
    rows, every = sheet_rows(state, views), threats_of(draft)
    return Overview(
        rule=rule_of(draft, names),
        posture=draft.product.posture,
        floor=_floor(draft),
        steps=tuple(_steps(draft)),
        threats=_threats(state, view, views),
        layers=tuple(_layer(draft, key) for key in LAYERS if key in draft.layers),
        facts=rows[:MOST_FACTS],
        more_facts=rows[MOST_FACTS:],
        fact_count=len(rows),
        stated=sum(bool(row.dom) for row in rows),
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


def sheet_rows(state: ReviewState, views: Mapping[str, ItemView]) -> tuple[SheetRow, ...]:
    """The facts of a review and the keys that none states: what the band hangs on first, then by score points."""
    words, sheet = load_vocabulary(), state.reviewed.facts
    moving = band_movers(state.reviewed)
    movers, keyed = {dom_id(item) for item in moving}, {item.partition("/")[2] for item in moving}
    weights = {one.item.id: one.item.weight for one in state.items}
    asked = {key: one.id for one in reversed(state.reviewed.questions) for key in one.about}
    stated, now, first = stated_keys(state.reviewed), narrowing(state.reviewed), narrowing(state.drafted)

    def narrowed(settles: tuple[str, ...]) -> float:
        """No more than was promised when the draft came in."""
        return min(now(settles), first(settles))

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
    rows.sort(key=lambda each: (each[1].verdict == "struck", not each[1].moves_band, -each[0]))
    # What is stated is never behind what is not.
    places = sorted(range(len(rows)), key=lambda at: not rows[at][1].dom)
    return tuple(rows[at][1] for at in (*sorted(places[:MOST_FACTS]), *sorted(places[MOST_FACTS:])))


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
