"""Prepares each case for the HTML page: the draft beside the labels, with the quotes behind both."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from agent.taxonomy.factors import FACTOR_TITLES, FactorKey
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LayerKey
from evals.gate.verdict import Moved, Verdict
from evals.metrics.results import CaseResult, DraftView, FactorCell, LayerCell, ScoreCell, ShownThreat
from evals.report.heat import vendor
from evals.report.losses import factor_error, flags, score_error
from evals.report.saying import NONE, hundredth, number, signed, tenth

FAR: Final = 0.25
"""Errors of at least this size are marked. Labels are tenths, so this means three tenths despite binary rounding."""
_LAST: Final = 10.0
_REPORTS: Final = 900_000
"""Total characters for all reports …"""
_LEAST: Final = 2_000
"""… but at least this many for each."""


class FactorRow(NamedTuple):
    """One factor of a case."""

    title: str
    value: str
    range: str
    state: str
    reader: str
    reader_off: str
    published: str
    published_off: str
    reader_far: bool
    published_far: bool
    quotes: tuple[str, ...]
    reader_quote: str | None


class LayerRow(NamedTuple):
    """One layer of a case."""

    title: str
    drafted: str
    certainty: str
    reader: str
    published: str
    differs: bool
    threats: str
    paragraph: str
    reader_quote: str | None


class Card(NamedTuple):
    """All data that the page shows about one case."""

    case: str
    name: str
    vendor: str
    category: str
    posture: str
    error: str | None
    reader_error: float | None
    published_error: float | None
    score_error: float | None
    wrong_flags: int
    labelled_layers: int
    score: str
    published: str
    likely: str
    withheld: str | None
    bases: str
    place: int
    """Rank among the changed cases, from 1; 0 for an unchanged case."""
    moved: tuple[Moved, ...]
    factors: tuple[FactorRow, ...]
    layers: tuple[LayerRow, ...]
    threats: tuple[ShownThreat, ...]
    headline: str | None
    headline_found: str | None
    docs: int
    citations: str
    report: str

    @property
    def words(self) -> str:
        """The text that the filter box searches."""
        return f"{self.name} {self.case} {self.vendor} {self.category}".casefold()


def cards(
    results: Sequence[CaseResult],
    views: Mapping[str, DraftView],
    verdict: Verdict | None,
    categories: Mapping[str, str],
) -> tuple[Card, ...]:
    """Return a card for each case, the greatest factor error first. Long reports are cut to limit the page size."""
    room = max(_LEAST, _REPORTS // max(1, len(results)))
    changed = {move.case: (place, move.moved) for place, move in enumerate(verdict.cases if verdict else (), start=1)}
    found = [
        _card(
            result,
            views.get(result.case),
            *changed.get(result.case, (0, ())),
            category=categories.get(result.case, ""),
            room=room,
        )
        for result in results
    ]
    return tuple(sorted(found, key=lambda card: (-_order(card), card.case)))


def _order(card: Card) -> float:
    if card.error is not None:
        return _LAST
    if card.reader_error is not None:
        return card.reader_error
    return card.published_error if card.published_error is not None else -1.0


def _card(
    result: CaseResult, view: DraftView | None, place: int, moved: tuple[Moved, ...], *, category: str, room: int
) -> Card:
    score, found = result.score, flags(result)
    return Card(
        case=result.case,
        name=view.name if view else result.case,
        vendor=vendor(result.family),
        category=category,
        posture=view.posture if view else "",
        error=result.error,
        reader_error=factor_error(result),
        published_error=factor_error(result, "published"),
        score_error=score_error(result),
        wrong_flags=found.wrong,
        labelled_layers=found.labelled,
        score=_score_words(score),
        published=f"{tenth(score.published)} {score.published_severity or ''}".strip(),
        likely=_span(score.likely_low, score.likely_high),
        withheld=score.withheld,
        bases=f"{tenth(score.cvss_base)}, reader {tenth(score.reader_cvss_base)}",
        place=place,
        moved=moved,
        factors=tuple(_factor(key, cell, view) for key, cell in result.factors.items()),
        layers=tuple(_layer(key, cell, view) for key, cell in result.layers.items()),
        threats=view.threats if view else (),
        headline=view.headline if view else None,
        headline_found=_headline(result),
        docs=result.docs,
        citations=f"{result.valid_citations} of {result.citations}",
        report=_cut(view.report, room) if view else "",
    )


def _cut(report: str, room: int) -> str:
    """Return the whole lines of the report that fit in `room` characters, with a note on how much is left out."""
    if len(report) <= room:
        return report
    kept = report[:room].rpartition("\n")[0] or report[:room]
    return f"{kept}\n\n[{len(report) - len(kept):,} further characters are not shown here]"


def _score_words(score: ScoreCell) -> str:
    if score.value is None:
        return NONE
    said = f"{tenth(score.value)} {score.severity or ''}".strip()
    return f"{said}, withheld" if score.withheld else said


def _span(low: float | None, high: float | None) -> str:
    return NONE if low is None or high is None else f"{hundredth(low)}–{hundredth(high)}"


def _headline(result: CaseResult) -> str | None:
    if result.headline is None:
        return None
    found = result.headline.found
    place = f"shown as number {found}" if found else "not among the shown threats"
    return f"{result.headline.asi}, {LAYER_CODES[result.headline.layer]}, {result.headline.asset}: {place}"


def _off(value: float | None, given: float | None) -> str:
    return "" if value is None or given is None else signed_tenth(value - given)


def _far(value: float | None, given: float | None) -> bool:
    return given is not None and (value is None or abs(value - given) >= FAR)


def signed_tenth(value: float) -> str:
    """Format a difference from a label with its sign and at most two decimals."""
    if not round(value, 6):
        return "0"
    return signed(value)[0] + hundredth(abs(round(value, 6)))


def _factor(key: FactorKey, cell: FactorCell, view: DraftView | None) -> FactorRow:
    return FactorRow(
        title=FACTOR_TITLES[key],
        value=hundredth(cell.value),
        range=_span(cell.low, cell.high),
        state=cell.state or NONE,
        reader=hundredth(cell.reader),
        reader_off=_off(cell.value, cell.reader),
        published=hundredth(cell.published),
        published_off=_off(cell.value, cell.published),
        reader_far=_far(cell.value, cell.reader),
        published_far=_far(cell.value, cell.published),
        quotes=view.quotes.get(key, ()) if view else (),
        reader_quote=view.reader_quotes.get(key) if view else None,
    )


def _layer(key: LayerKey, cell: LayerCell, view: DraftView | None) -> LayerRow:
    return LayerRow(
        title=f"{LAYER_CODES[key]} {LAYER_TITLES[key]}",
        drafted=_flag(cell.certain),
        certainty=number(cell.certainty),
        reader=_flag(cell.reader),
        published=_flag(cell.published),
        differs=cell.reader is not None and cell.certain is not cell.reader,
        threats=str(cell.threats),
        paragraph=view.paragraphs.get(key, "") if view else "",
        reader_quote=view.reader_quotes.get(key) if view else None,
    )


def _flag(certain: bool | None) -> str:
    return NONE if certain is None else "certain" if certain else "not certain"
