"""Compares two versions of a review, or several reviews side by side. Pure."""

from collections import Counter
from collections.abc import Container, Sequence

from agent.records import FactorEstimate, LayerThreats, Number, Record
from agent.review.domain.effects.decisions import what_moved
from agent.review.domain.items import fields_of, is_unstated
from agent.review.domain.records import ReviewState, ScoreShown, Stage, Verdict, replaced
from agent.review.domain.rescore import shown
from agent.scoring import severity
from agent.taxonomy.factors import FACTOR_TITLES, FACTORS
from agent.taxonomy.kinds import Band
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LAYERS

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
    """Whether at least one other review in the row lacks a threat with this title."""


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
    """When the draft was made (`Draft.created_at`)."""
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
    found = []
    for name, state in {**two, **{name: state for name, state in one.items() if name not in two}}.items():
        was, now = (fields_of(side.reviewed, name) for side in (a, b))
        changes = tuple(
            Change(field=field.replace("_", " "), a=words(was.get(field)), b=words(now.get(field)))
            for field in {**was, **now}
            if was.get(field) != now.get(field)
        )
        before, after = (side[name].verdict if name in side else None for side in (one, two))
        if changes or before != after:
            item = state.item
            found.append(
                Difference(item=name, title=item.title, section=item.section, a=before, b=after, changes=changes)
            )
    moved = what_moved(a, b)
    return Comparison(
        key=b.key,
        a=a.version,
        b=b.version,
        before=moved.before,
        after=moved.after,
        moved=moved.causes,
        differences=tuple(found),
    )


def side_by_side(states: Sequence[ReviewState]) -> SideBySide:
    """Compare reviews by factor and layer; a value missing from a review is marked as not known."""
    drafts = [state.reviewed for state in states]
    lines = []
    for key in FACTORS:
        cells = tuple(_factor(draft.factors.get(key)) for draft in drafts)
        # Each cell shows whether its value is stated, so only values, or texts of cells without a value, are compared.
        told = {(cell.value, cell.text if cell.value is None else "") for cell in cells}
        lines.append(Line(key=key, title=FACTOR_TITLES[key], kind="factor", cells=cells, differs=len(told) > 1))
    for name in LAYERS:
        layers = [draft.layers.get(name) for draft in drafts]
        titles = Counter(title for one in layers if one for title in {threat.title for threat in one.threats})
        alone = {title for title, count in titles.items() if count < len(layers)}
        cells = tuple(_layer(one, alone) for one in layers)
        title = f"{LAYER_CODES[name]} {LAYER_TITLES[name]}"
        differs = len({cell.text for cell in cells}) > 1 or bool(alone)
        lines.append(Line(key=name, title=title, kind="layer", cells=cells, differs=differs))
    columns = (
        Column(
            key=state.key,
            product=draft.product.name,
            drafter=draft.drafter.llm or draft.drafter.kind,
            drafted=draft.created_at,
            stage=state.stage,
            score=shown(draft.score),
            uncertain=sum(not layer.certain for layer in draft.layers.values()),
            unknown=sum(is_unstated(factor) and not _set_in_review(factor) for factor in draft.factors.values()),
        )
        for state, draft in zip(states, drafts, strict=True)
    )
    return SideBySide(columns=tuple(columns), lines=tuple(lines))


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


def _factor(one: FactorEstimate | None) -> Cell:
    if one is None:
        return _cell("not in the draft")
    stated, own = not is_unstated(one), _set_in_review(one)
    text = one.state if stated else "no quote" if own else UNKNOWN
    cell = _cell(text, known=stated or own)
    return replaced(cell, value=float(one.value), low=float(one.low), high=float(one.high))


def _set_in_review(one: FactorEstimate) -> bool:
    """Return whether a reviewer set the value. If they gave no quote, the factor still counts as not stated."""
    return any(part.kind == "review" for part in one.parts)


def _layer(one: LayerThreats | None, alone: Container[str]) -> Cell:
    if one is None:
        return _cell("not in the draft")
    text = "certain" if one.certain else "does not apply" if one.applies == "no" else "not certain"
    listed = tuple(
        ThreatCell(title=t.title, base=t.score.cvss_base, severity=severity(t.score.cvss_base), alone=t.title in alone)
        for t in sorted(one.threats, key=lambda threat: -threat.score.cvss_base)
    )
    threats = tuple(f"{threat.title} ({threat.score.aivss} {threat.score.severity})" for threat in one.threats)
    return replaced(_cell(text, known=one.certain or one.applies == "no"), threats=threats, listed=listed)


def _cell(text: str, *, known: bool = False) -> Cell:
    return Cell(known=known, text=text, value=None, low=None, high=None, threats=())
