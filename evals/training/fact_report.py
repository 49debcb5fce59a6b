"""Render FACTS.md, the figures of the embedded fact reader on held-out owners."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from jinja2 import Environment

from agent.facts.vocabulary import load_vocabulary
from evals.training.fact_calibration import Constants, Measured, PatternFigures, Table, measure
from evals.training.kind_heads import KindHeads

_BINS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_PAGE = """\
# Facts read without an LLM: how good the embedded reader is

Written by `python -m evals.training.fact_heads`. All figures are for products whose owner was held out of the fit (8
folds by owner) and of the calibration. A product's fact is right if any labelled statement of the product states it.
Only statements in labelled places are considered, since most long pages are labelled only in part, and for each key
only those in which somebody looked for it.

{{ statements }} labelled statements of {{ products }} products; {{ stated }} facts.

| measured on | asserted | precision | recall |
| --- | --- | --- | --- |
{% for row in overall -%}
| {{ row[0] }} | {{ row[3] }} | {{ "%.3f"|format(row[1]) }} | {{ "%.3f"|format(row[2]) }} |
{% endfor %}
Of {{ keys|length + headless|length }} keys, {{ headless|length }} have too few labels for a head and are never asserted
{{- ": " if headless }}{{ headless|join(", ") }}; {{ mute }} more have a head that is never certain enough.

## Calibration of the probabilities

| probability | facts | mean probability | stated |
| --- | --- | --- | --- |
{% for row in bins -%}
| {{ row[0] }} | {{ row[1] }} | {{ "%.2f"|format(row[2]) }} | {{ "%.2f"|format(row[3]) }} |
{% endfor %}
## Kinds

{{ kinds.products }} real products, {{ kinds.cases }} cases and descriptions; the most likely kind is the labelled
one for {{ "%.3f"|format(kinds.right) }} of the real products, with owners held out.

## Keys

Limit: the minimum probability at which a fact with this key is asserted.

| key | stated | asserted | precision | recall | limit |
| --- | --- | --- | --- | --- | --- |
{% for row in keys -%}
| {{ row|join(" | ") }} |
{% endfor %}
## Patterns

Products: the number of products on which a pattern fires in labelled places. Precision is shrunk towards 0.8 by three
products. A pattern that asserts is an additional feature of the heads, whatever its precision; one that denies is used
only with a precision of at least 0.8.

| key | polarity | products | precision |
| --- | --- | --- | --- |
{% for row in patterns -%}
| {{ row.key }} | {{ row.polarity }} | {{ row.products }} | {{ "%.2f"|format(row.precision) }} |
{% endfor %}"""


def render(
    statements: int, table: Table, constants: Constants, kinds: KindHeads, patterns: Sequence[PatternFigures]
) -> str:
    """Return the page as Markdown."""
    vocabulary = load_vocabulary()
    measured = measure(table, constants.head)
    grave = np.array([key.grave for key in vocabulary])
    page = Environment(keep_trailing_newline=True, autoescape=False).from_string(_PAGE)
    return page.render(
        statements=statements,
        products=len(table.products),
        stated=int(table.stated.sum()),
        overall=[("all keys", *measured.figures(table)), ("the gravest keys", *measured.figures(table, grave))],
        mute=int((constants.head & (constants.limit > 1)).sum()),
        headless=[key.id for key, head in zip(vocabulary, constants.head, strict=True) if not head],
        bins=_bins(measured, table),
        kinds=kinds,
        keys=list(_keys(table, measured, constants)),
        patterns=patterns,
    )


def _bins(measured: Measured, table: Table) -> list[tuple[str, int, float, float]]:
    chances, stated = measured.chances[table.known], table.stated[table.known]
    found = []
    for low, high in pairwise(_BINS):
        inside = (chances >= low) & (chances < high)
        if inside.any():
            name = f"{low:.2f}–{high:.2f}"
            found.append((name, int(inside.sum()), float(chances[inside].mean()), float(stated[inside].mean())))
    return found


def _keys(table: Table, measured: Measured, constants: Constants) -> Iterator[tuple[str, int, int, str, str, str]]:
    for number, key in enumerate(load_vocabulary()):
        if constants.head[number]:
            own = np.arange(len(constants.head)) == number
            precision, recall, asserted, stated = measured.figures(table, own)
            limit = constants.limit[number]
            right, found = f"{precision:.2f}" if asserted else "–", f"{recall:.2f}" if stated else "–"
            yield key.id, stated, asserted, right, found, f"{limit:.2f}" if limit <= 1 else "never"
