"""Compares two versions of a review, or several reviews side by side. Pure."""

from collections import Counter
from collections.abc import Container, Sequence

from agent.records import FactorEstimate, LayerThreats, Number, Record
from agent.review.domain.effects.decisions import what_moved
from agent.review.domain.items import fields_of, is_unstated
from agent.review.domain.records import ItemState, ReviewState, ScoreShown, Stage, Verdict
from agent.review.domain.rescore import shown
from agent.scoring import severity
from agent.taxonomy.factors import FACTOR_TITLES, FACTORS, FactorKey
from agent.taxonomy.kinds import Band
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LAYERS, LayerKey

UNKNOWN = "unknown"


class Change(Record):
    """One differing field, in words."""

    field: str
    a: str
    b: str


class Difference(Record):
    """An item that differs between two versions."""

    item: str
    title: str
    section: str
    a: Verdict | None
    """The item's verdict in version `a`; None if the version lacks the item."""
    b: Verdict | None
    changes: tuple[Change, ...]


class Comparison(Record):
    """Two versions of one review."""

    key: str
    a: int
    b: int
    before: ScoreShown
    after: ScoreShown
    moved: tuple[str, ...]
    """The causes of the score change, largest first."""
    differences: tuple[Difference, ...]


class ThreatCell(Record):
    """A threat in a cell of the comparison."""

    title: str
    base: Number
    severity: Band
    """Severity of the CVSS base score, which distinguishes the threats."""
    alone: bool
    """Whether another review in the row lacks a threat with this title."""


class Cell(Record):
    """The content of one review in one row."""

    known: bool
    text: str
    value: float | None
    low: float | None
    high: float | None
    threats: tuple[str, ...]
    listed: tuple[ThreatCell, ...] = ()
    """The same threats with details, most severe first."""


class Line(Record):
    """A row of the comparison: a factor or a layer with a cell for each review."""

    key: str
    title: str
    kind: str
    """`factor` or `layer`."""
    cells: tuple[Cell, ...]
    differs: bool


class Column(Record):
    """One of the compared reviews."""

    key: str
    product: str
    drafter: str
    drafted: str
    """When the draft was made, in the format of the records."""
    stage: Stage
    score: ScoreShown
    uncertain: int
    unknown: int


class SideBySide(Record):
    """Several reviews compared by layer and factor."""

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]


def compare(a: ReviewState, b: ReviewState) -> Comparison:
    """Return the differences between two states of one review, in report order."""
    one, two = ({state.item.id: state for state in side.items} for side in (a, b))
    names = [*two, *(name for name in one if name not in two)]
    found = [_difference(a, b, one.get(name), two.get(name)) for name in names]
    moved = what_moved(a, b)
    return Comparison(
        key=b.key,
        a=a.version,
        b=b.version,
        before=moved.before,
        after=moved.after,
        moved=moved.causes,
        differences=tuple(each for each in found if each is not None),
    )


def side_by_side(states: Sequence[ReviewState]) -> SideBySide:
    """Compare reviews by factor and layer; a value missing from a review is marked as not known."""
    drafts = [state.reviewed for state in states]
    lines = [_line(key, FACTOR_TITLES[key], "factor", [_factor(d.factors.get(key)) for d in drafts]) for key in FACTORS]
    lines += [
        _line(key, f"{LAYER_CODES[key]} {LAYER_TITLES[key]}", "layer", _layers([d.layers.get(key) for d in drafts]))
        for key in LAYERS
    ]
    return SideBySide(columns=tuple(_column(state) for state in states), lines=tuple(lines))


def words(value: object) -> str:
    """Format a field of an item in words: lists separated by semicolons, objects part by part."""
    match value:
        case None | "":
            return "–"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case list() | tuple():
            return "; ".join(words(part) for part in value) or "none"
        case dict():
            return ", ".join(f"{name}: {words(part)}" for name, part in value.items())
        case _:
            return str(value)


def _difference(a: ReviewState, b: ReviewState, one: ItemState | None, two: ItemState | None) -> Difference | None:
    found = two or one
    if found is None:
        return None
    was, now = (dict(fields_of(side.reviewed, found.item.id)) for side in (a, b))
    changes = tuple(
        Change(field=name.replace("_", " "), a=words(was.get(name)), b=words(now.get(name)))
        for name in {**was, **now}
        if was.get(name) != now.get(name)
    )
    verdicts = (one.verdict if one else None, two.verdict if two else None)
    if not changes and verdicts[0] == verdicts[1]:
        return None
    return Difference(
        item=found.item.id,
        title=found.item.title,
        section=found.item.section,
        a=verdicts[0],
        b=verdicts[1],
        changes=changes,
    )


def _column(state: ReviewState) -> Column:
    draft = state.reviewed
    return Column(
        key=state.key,
        product=draft.product.name,
        drafter=draft.drafter.llm or draft.drafter.kind,
        drafted=draft.created_at,
        stage=state.stage,
        score=shown(draft.score),
        uncertain=sum(not layer.certain for layer in draft.layers.values()),
        unknown=sum(is_unstated(factor) and not _set_in_review(factor) for factor in draft.factors.values()),
    )


def _line(key: FactorKey | LayerKey, title: str, kind: str, cells: Sequence[Cell]) -> Line:
    # A cell already shows whether its value is stated, so a row differs only if the values or texts differ.
    told = {(cell.value, cell.text if kind == "layer" or cell.value is None else "") for cell in cells}
    differs = len(told) > 1 or any(threat.alone for cell in cells for threat in cell.listed)
    return Line(key=key, title=title, kind=kind, cells=tuple(cells), differs=differs)


def _factor(one: FactorEstimate | None) -> Cell:
    if one is None:
        return _nothing("not in the draft")
    return Cell(
        known=not is_unstated(one) or _set_in_review(one),
        text=("no quote" if _set_in_review(one) else UNKNOWN) if is_unstated(one) else one.state,
        value=float(one.value),
        low=float(one.low),
        high=float(one.high),
        threats=(),
    )


def _set_in_review(one: FactorEstimate) -> bool:
    """Return whether a reviewer set the value; without a quote the factor keeps its unstated state."""
    return any(part.kind == "review" for part in one.parts)


def _layers(layers: Sequence[LayerThreats | None]) -> list[Cell]:
    titles = Counter(title for one in layers if one for title in {threat.title for threat in one.threats})
    return [_layer(one, {title for title, count in titles.items() if count < len(layers)}) for one in layers]


def _layer(one: LayerThreats | None, alone: Container[str]) -> Cell:
    if one is None:
        return _nothing("not in the draft")
    text = "certain" if one.certain else "does not apply" if one.applies == "no" else "not certain"
    return Cell(
        known=one.certain or one.applies == "no",
        text=text,
        value=None,
        low=None,
        high=None,
        threats=tuple(f"{threat.title} ({threat.score.aivss} {threat.score.severity})" for threat in one.threats),
        listed=tuple(
            ThreatCell(
                title=threat.title,
                base=threat.score.cvss_base,
                severity=severity(threat.score.cvss_base),
                alone=threat.title in alone,
            )
            for threat in sorted(one.threats, key=lambda threat: -threat.score.cvss_base)
        ),
    )


def _nothing(text: str) -> Cell:
    return Cell(known=False, text=text, value=None, low=None, high=None, threats=())
