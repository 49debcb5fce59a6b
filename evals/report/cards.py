"""Prepare each case for the HTML page: the draft next to the labels, with the quotes behind both."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from agent.taxonomy.layers import LAYER_CODES
from evals.gate.verdict import Moved, Verdict
from evals.metrics.arithmetic import SCORE_TOP, Flags, count_flags, error
from evals.metrics.results import CaseResult, DraftView
from evals.metrics.summary import factor_error
from evals.report.saying import NONE, hundredth, signed, tenth, vendor

FAR: Final = 0.25
"""Errors of at least this size are marked. Labels are tenths, so this means three tenths or more despite binary
rounding."""
_LAST: Final = 10.0
_REPORTS: Final = 900_000
"""Maximum number of characters of all reports together."""
_LEAST: Final = 2_000
"""Minimum number of characters that each report gets, even if the total is then exceeded."""


class Card(NamedTuple):
    """All data that the page shows about one case."""

    result: CaseResult
    view: DraftView
    vendor: str
    category: str
    reader_error: float | None
    published_error: float | None
    score_error: float | None
    """Distance from the published score."""
    flags: Flags
    place: int
    """Rank among the changed cases, from 1; 0 for an unchanged case."""
    moved: tuple[Moved, ...]
    report: str

    @property
    def words(self) -> str:
        """The text that the filter box searches."""
        return f"{self.view.name} {self.result.case} {self.vendor} {self.category}".casefold()

    @property
    def score(self) -> str:
        """The drafted score with its severity."""
        score = self.result.score
        if score.value is None:
            return NONE
        said = f"{tenth(score.value)} {score.severity or ''}".strip()
        return f"{said}, withheld" if score.withheld else said

    @property
    def headline_found(self) -> str | None:
        """The reader's headline in coded form, and where the draft shows it."""
        found = self.result.headline
        if found is None:
            return None
        place = f"shown as number {found.found}" if found.found else "not among the shown threats"
        return f"{found.asi}, {LAYER_CODES[found.layer]}, {found.asset}: {place}"


def cards(
    results: Sequence[CaseResult],
    views: Mapping[str, DraftView],
    verdict: Verdict | None,
    categories: Mapping[str, str],
) -> tuple[Card, ...]:
    """Return a card for each case, the greatest factor error first. Long reports are cut to limit the page size."""
    room = max(_LEAST, _REPORTS // max(1, len(results)))
    changed = {move.case: (place, move.moved) for place, move in enumerate(verdict.cases if verdict else (), start=1)}
    found = []
    for result in results:
        view = views.get(result.case, DraftView(result.case, result.case, "", None, {}, {}, (), {}, ""))
        place, moved = changed.get(result.case, (0, ()))
        far = error(result.score.value, result.score.published, SCORE_TOP)
        card = Card(
            result=result,
            view=view,
            vendor=vendor(result.family),
            category=categories.get(result.case, ""),
            reader_error=factor_error(result, "reader"),
            published_error=factor_error(result, "published"),
            score_error=None if far is None else round(far, 6),
            flags=count_flags((cell.certain, cell.reader) for cell in result.layers.values()),
            place=place,
            moved=moved,
            report=_cut(view.report, room),
        )
        known = [error for error in (card.reader_error, card.published_error) if error is not None]
        first = _LAST if result.error is not None else known[0] if known else -1.0
        found.append((-first, result.case, card))
    return tuple(card for *_, card in sorted(found, key=lambda row: row[:2]))


def _cut(report: str, room: int) -> str:
    """Return the whole lines of the report that fit in `room` characters, with a note on how much is left out."""
    if len(report) <= room:
        return report
    kept = report[:room].rpartition("\n")[0] or report[:room]
    return f"{kept}\n\n[{len(report) - len(kept):,} further characters omitted]"


def span(low: float | None, high: float | None) -> str:
    """Format a range with at most two decimals, or as a dash if an end is missing."""
    return NONE if low is None or high is None else f"{hundredth(low)}–{hundredth(high)}"


def off(value: float | None, given: float | None) -> str:
    """Format a difference from a label with its sign and at most two decimals; empty unless both values are given."""
    if value is None or given is None:
        return ""
    far = round(value - given, 6)
    return signed(far)[0] + hundredth(abs(far)) if far else "0"


def far(value: float | None, given: float | None) -> bool:
    """Return whether a value is missing or off by at least `FAR`; False without a label."""
    return given is not None and (value is None or abs(value - given) >= FAR)


def flag(certain: bool | None) -> str:
    """Return a flag in words."""
    return NONE if certain is None else "certain" if certain else "not certain"
