"""Write corpus/README.md from the data: `python -m evals.datasheet`."""

import csv
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import jinja2

from agent.errors import InputError
from agent.resources import data_folder
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.layers import LAYERS
from evals.cases.case import CASE_NOTE, KINDS, kind_of
from evals.cases.corpus import load_cases
from evals.cases.families import families
from evals.cases.poison import ATTACKS_A_CASE, CASES as POISONED, attacks
from evals.cases.variants import SPECIAL, TWINS
from evals.metrics.agreement import FACTORS, RESAMPLES, base_row, card_rows, factor_rows, headline_rows, layer_rows
from evals.metrics.arithmetic import mean
from evals.script import run_script

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
    cases, special = load_cases(folder / "cases"), load_cases(folder / SPECIAL)
    counted = [case for case in cases if not case.example]
    published = [case.published for case in counted if case.published]
    readers = [case.reader for case in counted if case.reader]
    further = further_labels(folder / "labels_only.csv")
    words = [sum(len(page.markdown.split()) for page in case.pages) for case in cases]
    stated = [mark for labels in published for mark in labels.layers_certain.values() if mark is not None]
    quotes = [cell.quote for labels in readers for cell in labels.factors.values() if cell.quote]
    quotes += [cell.quote for labels in readers for cell in labels.layers.values() if cell.quote]
    groups = Counter(families([case.identity for case in counted]))
    purposes = Counter(kind_of(case) for case in special)
    ours = Counter(urlsplit(case.labels.published.source).hostname or "" for case in cases if case.labels.published)
    theirs = Counter(urlsplit(line.source).hostname or "" for line in further)
    factors = factor_rows(counted)
    return _template().render(
        cases=len(cases),
        counted=len(counted),
        examples=[case.slug for case in cases if case.example],
        sources=sum(len(case.sources) for case in cases),
        with_docs=sum(bool(case.docs) for case in cases),
        without_docs=sum(not case.docs for case in cases),
        pages=sum(len(case.docs) for case in cases),
        words_median=round(statistics.median(words)),
        words_low=min(words),
        words_high=max(words),
        published=len(published),
        readers=len(readers),
        scored=sum(labels.aivss is not None for labels in published),
        layers_stated=len(stated),
        layers_all=len(published) * len(LAYERS),
        quotes=len(quotes),
        vendors=len(groups),
        unstated=sum((case.vendor or "").casefold() in {"", "not stated", "unspecified"} for case in counted),
        big_families=_by_count({group.split(":", 1)[1]: count for group, count in groups.items() if count > 1}),
        categories=_by_count(Counter(case.category for case in counted)),
        further=len(further),
        hosts=[(host, ours[host], theirs[host]) for host in sorted(ours | theirs)],
        note=CASE_NOTE,
        resamples=RESAMPLES,
        factors=factors,
        factor_difference=mean(row.difference for row in factors[:-1]),
        layers=layer_rows(counted),
        base=base_row(counted),
        kinds=[(kind, purposes[kind]) for kind in KINDS],
        special=len(special),
        twins=sum(path.is_dir() for path in (folder / TWINS).iterdir()),
        attacks=len(attacks()),
        poisoned=POISONED * ATTACKS_A_CASE,
        second_factors=factor_rows(special, second=True),
        second_layers=layer_rows(special, second=True),
        cards=card_rows(counted),
        coded=headline_rows(counted),
        uncertain_reader=mean(not cell.certain for labels in readers for cell in labels.layers.values()),
        median_published=_median_error([labels.factors for labels in published]),
        median_reader=_median_error([{key: cell.value for key, cell in labels.factors.items()} for labels in readers]),
    )


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True, autoescape=False
    )
    filters = {"two": "{:.2f}", "three": "{:.3f}", "percent": "{:.0%}"}
    environment.filters.update({name: partial(_shown, form) for name, form in filters.items()})
    return environment.from_string(Path(__file__).with_name("datasheet.md.j2").read_text("utf-8"))


def _by_count(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _median_error(labels: Sequence[Mapping[FactorKey, float]]) -> float | None:
    """Return the mean absolute error of predicting each factor's median."""
    columns = ([row[key] for row in labels if key in row] for key in FACTORS)
    return mean(
        statistics.fmean(abs(value - statistics.median(values)) for value in values) for values in columns if values
    )


def _shown(form: str, value: float | None) -> str:
    return "–" if value is None else form.format(value).replace("%", " %")


def main(_: Sequence[str]) -> None:
    """Write the datasheet."""
    folder = data_folder("corpus")
    (folder / README).write_text(render(folder), "utf-8", newline="\n")


if __name__ == "__main__":
    run_script(main)
