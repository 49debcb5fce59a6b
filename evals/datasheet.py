"""Writes corpus/README.md from the data: `python -m evals.datasheet` (`--check` only compares)."""

import csv
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import jinja2

from agent.errors import DriftError, InputError
from agent.resources import data_folder
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.layers import LAYERS
from evals.cases.case import CASE_NOTE, KINDS, Case, kind_of
from evals.cases.corpus import load_cases
from evals.cases.families import Identity, families
from evals.cases.poison import ATTACKS_A_CASE, CASES as POISONED, attacks
from evals.cases.variants import SPECIAL, TWINS
from evals.metrics.agreement import FACTORS, RESAMPLES, base_row, card_rows, factor_rows, headline_rows, layer_rows
from evals.metrics.arithmetic import mean
from evals.script import run_script

_TEMPLATE: Final = Path(__file__).with_name("datasheet.md.j2")
README: Final = "README.md"


class FurtherLabels(NamedTuple):
    """A row of labels_only.csv: the product and the page from which its labels were read."""

    slug: str
    name: str
    source: str


def further_labels(path: Path) -> tuple[FurtherLabels, ...]:
    """Return the products of labels_only.csv. Raises InputError naming the line for a wrong number of cells."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *lines = list(csv.reader(file))
    for number, line in enumerate(lines, start=2):
        if len(line) != len(header):
            raise InputError(f"{len(line)} cells for {len(header)} columns", where=f"{path} line {number}")
    return tuple(FurtherLabels(line[0], line[1], line[2]) for line in lines)


def render(folder: Path) -> str:
    """Return the datasheet of the corpus in `folder` as Markdown."""
    cases = load_cases(folder / "cases")
    special = load_cases(folder / SPECIAL)
    counted = [case for case in cases if not case.example]
    further = further_labels(folder / "labels_only.csv")
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True, autoescape=False
    )
    environment.filters.update(two=_decimals(2), three=_decimals(3), percent=_percent)
    template = environment.from_string(_TEMPLATE.read_text("utf-8"))
    factors, layers = factor_rows(counted), layer_rows(counted)
    return template.render(
        **_sizes(cases, counted),
        **_families(counted),
        further=len(further),
        hosts=_hosts(cases, further),
        note=CASE_NOTE,
        resamples=RESAMPLES,
        factors=factors,
        factor_difference=mean(row.difference for row in factors[:-1] if row.difference is not None),
        layers=layers,
        base=base_row(counted),
        **_variants(folder, special),
        second_factors=factor_rows(special, second=True),
        second_layers=layer_rows(special, second=True),
        cards=card_rows(counted),
        coded=headline_rows(counted),
        uncertain_reader=_uncertain_share(counted),
        median_published=_median_error([case.published.factors for case in counted if case.published]),
        median_reader=_median_error(
            [{key: cell.value for key, cell in case.reader.factors.items()} for case in counted if case.reader]
        ),
    )


def _sizes(cases: Sequence[Case], counted: Sequence[Case]) -> dict[str, object]:
    words = [sum(len(page.markdown.split()) for page in case.pages) for case in cases]
    published = [case.published for case in counted if case.published]
    readers = [case.reader for case in counted if case.reader]
    stated = [mark for labels in published for mark in labels.layers_certain.values() if mark is not None]
    quotes = [cell.quote for labels in readers for cell in labels.factors.values() if cell.quote]
    quotes += [cell.quote for labels in readers for cell in labels.layers.values() if cell.quote]
    return {
        "cases": len(cases),
        "counted": len(counted),
        "examples": [case.slug for case in cases if case.example],
        "sources": sum(len(case.sources) for case in cases),
        "with_docs": sum(bool(case.docs) for case in cases),
        "without_docs": sum(not case.docs for case in cases),
        "pages": sum(len(case.docs) for case in cases),
        "words_median": round(statistics.median(words)),
        "words_low": min(words),
        "words_high": max(words),
        "published": len(published),
        "readers": len(readers),
        "scored": sum(labels.aivss is not None for labels in published),
        "layers_stated": len(stated),
        "layers_all": len(published) * len(LAYERS),
        "quotes": len(quotes),
    }


def _variants(folder: Path, special: Sequence[Case]) -> dict[str, object]:
    purposes = Counter(kind_of(case) for case in special)
    return {
        "kinds": [(kind, purposes[kind]) for kind in KINDS],
        "special": len(special),
        "twins": sum(path.is_dir() for path in (folder / TWINS).iterdir()),
        "attacks": len(attacks()),
        "poisoned": POISONED * ATTACKS_A_CASE,
    }


def _families(counted: Sequence[Case]) -> dict[str, object]:
    groups = Counter(families([Identity(case.name, case.vendor) for case in counted]))
    keyed = {group: group.split(":", 1)[1] for group in groups}
    big = sorted(((keyed[group], count) for group, count in groups.items() if count > 1), key=lambda x: (-x[1], x[0]))
    categories = Counter(case.category for case in counted)
    return {
        "vendors": len(groups),
        "unstated": sum((case.vendor or "").casefold() in {"", "not stated", "unspecified"} for case in counted),
        "big_families": big,
        "categories": sorted(categories.items(), key=lambda item: (-item[1], item[0])),
    }


def _hosts(cases: Sequence[Case], further: Sequence[FurtherLabels]) -> list[tuple[str, int, int]]:
    ours = Counter(urlsplit(case.labels.published.source).hostname or "" for case in cases if case.labels.published)
    theirs = Counter(urlsplit(line.source).hostname or "" for line in further)
    return [(host, ours[host], theirs[host]) for host in sorted(ours | theirs)]


def _uncertain_share(cases: Sequence[Case]) -> float | None:
    return mean(float(not cell.certain) for case in cases if case.reader for cell in case.reader.layers.values())


def _median_error(labels: Sequence[Mapping[FactorKey, float]]) -> float | None:
    errors: list[float] = []
    for key in FACTORS:
        values = [row[key] for row in labels if key in row]
        if values:
            middle = statistics.median(values)
            errors.append(statistics.fmean(abs(value - middle) for value in values))
    return mean(errors)


class _decimals:  # noqa: N801 - reads as a filter
    def __init__(self, places: int) -> None:
        self.places = places

    def __call__(self, value: float | None) -> str:
        """Format `value` with a fixed number of decimals; a dash for None."""
        return "–" if value is None else f"{value:.{self.places}f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def main(arguments: Sequence[str]) -> None:
    """Write the datasheet, or with `--check` compare it with the file. Raises DriftError if the file is outdated."""
    folder = data_folder("corpus")
    text = render(folder)
    path = folder / README
    if "--check" in arguments:
        if not path.exists() or path.read_text("utf-8") != text:
            raise DriftError("the datasheet is not current", where=str(path), hint="run `python -m evals.datasheet`")
        return
    path.write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    run_script(main)
