"""The heat map of factor errors, factor by case, which shows where drafts are too high or too low."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from markupsafe import Markup

from agent.taxonomy.factors import FACTOR_SETS, FACTOR_TITLES
from evals.metrics.arithmetic import error, mean
from evals.metrics.results import CaseResult, FactorCell
from evals.report.losses import LABEL_TITLES, LabelSet, factor_error, label
from evals.report.saying import count, hundredth, number
from evals.report.svg import element, picture, words

FACTORS: Final = FACTOR_SETS["0.5"]
LEFT: Final = 180
RIGHT: Final = 56
PLOT: Final = 950
TOP: Final = 20
ROW: Final = 24
_MAX_COLUMN: Final = 40.0
_STEPS: Final = (0.05, 0.15, 0.25, 0.45)
"""Errors at which a cell gets the next colour; labels are tenths, so these limits lie between possible errors."""


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
    title: str
    svg: Markup
    caption: str


def columns(
    results: Sequence[CaseResult], names: Mapping[str, str], categories: Mapping[str, str]
) -> tuple[Column, ...]:
    """Return the cases in the initial order of the map: the greatest error against the reader first."""
    found = [
        Column(
            result.case,
            names.get(result.case, result.case),
            vendor(result.family),
            categories.get(result.case, ""),
            {"reader": factor_error(result), "published": factor_error(result, "published")},
            tuple(result.factors[key] for key in FACTORS if key in result.factors),
        )
        for result in results
    ]
    return tuple(sorted(found, key=lambda column: (-_first(column), column.case)))


def _first(column: Column) -> float:
    """Return the error that orders the map: against the reader's labels, or else against the published ones."""
    reader, published = column.errors["reader"], column.errors["published"]
    return reader if reader is not None else published if published is not None else -1.0


def vendor(family: str) -> str:
    """Return the readable part of a family's key, without its prefix."""
    return family.partition(":")[2] or family


def shade(value: float | None, given: float | None) -> str:
    """Return the CSS class of a cell: z on target, l1–l4 too low, h1–h4 too high, n without a label, f not drafted."""
    if given is None:
        return "n"
    if value is None:
        return "f"
    off = value - given
    step = sum(abs(off) >= start for start in _STEPS)
    return "z" if not step else f"{'h' if off > 0 else 'l'}{step}"


def heat_map(found: Sequence[Column], which: LabelSet) -> HeatMap | None:
    """Return the map against one label set; None if that set has no labels."""
    if not any(label(cell, which) is not None for column in found for cell in column.cells):
        return None
    wide = min(_MAX_COLUMN, PLOT / max(1, len(found)))
    right = LEFT + wide * len(found)
    height = TOP + ROW * len(FACTORS)
    title = f"Where is it wrong? Errors of each factor against the {LABEL_TITLES[which]}"
    drawn = [words(FACTOR_TITLES[key], LEFT - 10, TOP + ROW * n + 16, "row", "end") for n, key in enumerate(FACTORS)]
    drawn += [
        words(number(_row_error(found, n, which)), right + 10, TOP + ROW * n + 16, "row") for n in range(len(FACTORS))
    ]
    drawn.append(words("MAE", right + 10, TOP - 6, "note"))
    drawn.append(element("g", *_column_groups(found, which, wide), class_="columns"))
    drawn.append(
        element(
            "g",
            words("greatest error", LEFT, height + 18, "note"),
            words("smallest error", right, height + 18, "note", "end"),
            class_="groups",
        )
    )
    drawn.append(element("rect", x=LEFT, y=TOP, width=wide, height=ROW, class_="cursor", visibility="hidden"))
    caption = _caption(found, which)
    svg = picture(f"heat-{which}", title, caption, (right + RIGHT, height + 26), *drawn, class_="heat")
    return HeatMap(which, title, svg, caption)


def _column_groups(found: Sequence[Column], which: LabelSet, wide: float) -> list[Markup]:
    return [
        element(
            "g",
            *(
                element(
                    "rect", y=TOP + ROW * n, width=wide, height=ROW - 1, class_=shade(cell.value, label(cell, which))
                )
                for n, cell in enumerate(column.cells)
            ),
            transform=f"translate({LEFT + wide * place:.2f} 0)",
        )
        for place, column in enumerate(found)
    ]


def _row_error(found: Sequence[Column], row: int, which: LabelSet) -> float | None:
    cells = [column.cells[row] for column in found if row < len(column.cells)]
    labelled = [(cell.value, label(cell, which)) for cell in cells]
    return mean(error(value, given) for value, given in labelled if given is not None)


def _caption(found: Sequence[Column], which: LabelSet) -> str:
    labelled = [
        (cell.value, given) for column in found for cell in column.cells if (given := label(cell, which)) is not None
    ]
    off = [value - given for value, given in labelled if value is not None]
    large = sum(abs(each) >= _STEPS[2] for each in off)
    cases = sum(column.errors[which] is not None for column in found)
    return (
        "Each column is a case, each row a factor; blue: drafted below the label, orange: above, darker or "
        f"brighter: further off. n = {len(labelled):,} labels of {count(cases, 'case')} ({LABEL_TITLES[which]}). "
        f"{large:,} are off by 0.3 or more. A column of one colour is a product that was read wrongly as a whole; a "
        "row of one colour is a factor with a bias."
    )


def cell_words(cell: FactorCell) -> str:
    """Describe a cell in words: drafted, range, both labels."""
    return (
        f"{hundredth(cell.value)} ({hundredth(cell.low)} to {hundredth(cell.high)}), reader "
        f"{hundredth(cell.reader)}, published {hundredth(cell.published)}"
    )
