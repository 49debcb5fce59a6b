"""The heat map of factor errors, factor by case, which shows where drafts are too high or too low."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from markupsafe import Markup

from agent.taxonomy.factors import FACTOR_SETS, FACTOR_TITLES
from evals.metrics.arithmetic import error, mean
from evals.metrics.results import CaseResult, FactorCell
from evals.metrics.summary import LabelSet, factor_error
from evals.report.saying import LABEL_TITLES, count, hundredth, number, vendor
from evals.report.svg import element, picture, words

FACTORS: Final = FACTOR_SETS["0.5"]
LEFT: Final = 180
RIGHT: Final = 56
PLOT: Final = 950
TOP: Final = 20
ROW: Final = 24
_MAX_COLUMN: Final = 40.0
_STEPS: Final = (0.05, 0.15, 0.25, 0.45)
"""Errors at which a cell gets the next colour. Labels are tenths, so these limits lie between the errors that can
occur."""


class Column(NamedTuple):
    """One case of the map."""

    case: str
    name: str
    vendor: str
    category: str
    errors: dict[LabelSet, float | None]
    cells: tuple[FactorCell, ...]


class HeatMap(NamedTuple):
    """The heat map against one label set."""

    which: LabelSet
    svg: Markup
    caption: str


def columns(
    results: Sequence[CaseResult], names: Mapping[str, str], categories: Mapping[str, str]
) -> tuple[Column, ...]:
    """Return the cases in the map's initial order: the largest error first, against the reader's labels if possible."""
    found = [
        Column(
            result.case,
            names.get(result.case, result.case),
            vendor(result.family),
            categories.get(result.case, ""),
            {which: factor_error(result, which) for which in LABEL_TITLES},
            tuple(result.factors[key] for key in FACTORS if key in result.factors),
        )
        for result in results
    ]

    def order(column: Column) -> tuple[float, str]:
        known = [found for found in column.errors.values() if found is not None]
        return -known[0] if known else 1.0, column.case

    return tuple(sorted(found, key=order))


def shade(value: float | None, given: float | None) -> str:
    """Return the CSS class of a cell: z on target, l1–l4 too low, h1–h4 too high, n without a label, f not drafted."""
    if given is None or value is None:
        return "n" if given is None else "f"
    off = value - given
    step = sum(abs(off) >= start for start in _STEPS)
    return "z" if not step else f"{'h' if off > 0 else 'l'}{step}"


def heat_map(found: Sequence[Column], which: LabelSet) -> HeatMap | None:
    """Return the map of errors against one label set; None if that set has no labels."""
    cells = [[(cell.value, getattr(cell, which)) for cell in column.cells] for column in found]
    labelled = [(value, given) for column in cells for value, given in column if given is not None]
    if not labelled:
        return None
    wide = min(_MAX_COLUMN, PLOT / len(found))
    right = LEFT + wide * len(found)
    height = TOP + ROW * len(FACTORS)
    rows = [TOP + ROW * n for n in range(len(FACTORS))]
    errors = [mean(error(*column[n]) for column in cells if n < len(column)) for n in range(len(FACTORS))]
    groups = [
        element(
            "g",
            *(
                element("rect", y=y, width=wide, height=ROW - 1, class_=shade(value, given))
                for y, (value, given) in zip(rows, column, strict=False)
            ),
            transform=f"translate({LEFT + wide * place:.2f} 0)",
        )
        for place, column in enumerate(cells)
    ]
    ends = (
        words("greatest error", LEFT, height + 18, "note"),
        words("smallest error", right, height + 18, "note", "end"),
    )
    drawn = [
        *(words(FACTOR_TITLES[key], LEFT - 10, y + 16, "row", "end") for key, y in zip(FACTORS, rows, strict=True)),
        *(words(number(value), right + 10, y + 16, "row") for value, y in zip(errors, rows, strict=True)),
        words("MAE", right + 10, TOP - 6, "note"),
        element("g", *groups, class_="columns"),
        element("g", *ends, class_="groups"),
        element("rect", x=LEFT, y=TOP, width=wide, height=ROW, class_="cursor", visibility="hidden"),
    ]
    large = sum(value is not None and abs(value - given) >= _STEPS[2] for value, given in labelled)
    cases = sum(column.errors[which] is not None for column in found)
    caption = (
        "Each column is a case, each row a factor; blue: drafted below the label, orange: above; the darker or "
        f"brighter, the further off. n = {len(labelled):,} labels of {count(cases, 'case')} ({LABEL_TITLES[which]}). "
        f"{large:,} are off by 0.3 or more. A column of one colour is a product that was misread as a whole; a row of "
        "one colour is a factor with a bias."
    )
    title = f"Where are the errors? Errors of each factor against the {LABEL_TITLES[which]}"
    svg = picture(f"heat-{which}", title, caption, (right + RIGHT, height + 26), *drawn, class_="heat")
    return HeatMap(which, svg, caption)


def cell_words(cell: FactorCell) -> str:
    """Describe a cell in words: drafted, range, both labels."""
    return (
        f"{hundredth(cell.value)} ({hundredth(cell.low)} to {hundredth(cell.high)}), reader "
        f"{hundredth(cell.reader)}, published {hundredth(cell.published)}"
    )
