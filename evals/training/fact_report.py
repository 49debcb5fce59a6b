"""Render FACTS.md, the figures of the embedded fact reader on held-out owners."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from jinja2 import Environment
from numpy.typing import NDArray

from evals.training.fact_calibration import Constants, Measured, PatternFigures, Table, measure, table_of
from evals.training.kind_heads import KindHeads

if TYPE_CHECKING:
    from evals.training.fact_heads import Lines

_BINS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_PAGE = """\
# Facts read without an LLM: how good the embedded reader is

Written by `python -m evals.training.fact_heads`. All figures are of products whose owner was left out of the fit (8
folds by owner) and of the calibration. A fact of a product is right when any labelled statement of the product states
it; only statements in labelled places are looked at, since most long pages are labelled in part, and of a key only
those in which somebody looked for it.

{{ statements }} labelled statements of {{ products }} products; {{ stated }} facts.

| measured on | asserted | precision | recall |
| --- | --- | --- | --- |
{% for row in overall -%}
| {{ row[0] }} | {{ row[3] }} | {{ "%.3f"|format(row[1]) }} | {{ "%.3f"|format(row[2]) }} |
{% endfor %}
Of {{ keys|length + headless|length }} keys, {{ headless|length }} have labels too few for a head and are never asserted
{{- ": " if headless }}{{ headless|join(", ") }}; {{ mute }} more have a head that is never sure enough.

## How often a chance comes true

| chance | facts | mean chance | stated |
| --- | --- | --- | --- |
{% for row in bins -%}
| {{ row[0] }} | {{ row[1] }} | {{ "%.2f"|format(row[2]) }} | {{ "%.2f"|format(row[3]) }} |
{% endfor %}
## Kinds

{{ kinds.products }} real products, {{ kinds.cases }} cases and descriptions; the likeliest kind is the labelled one for
{{ "%.3f"|format(kinds.right) }} of the real products, owners left out.

## Keys

Limit: the chance from which a fact of the key is asserted.

| key | stated | asserted | precision | recall | limit |
| --- | --- | --- | --- | --- | --- |
{% for row in keys -%}
| {{ row.key }} | {{ row.stated }} | {{ row.asserted }} | {{ row.precision }} | {{ row.recall }} | {{ row.limit }} |
{% endfor %}
## Patterns

Products: on how many a pattern fires in labelled places; precision is drawn towards 0.8 by three products. A pattern
that asserts is one more feature of the heads, whatever its precision; one that denies is used from a precision of 0.8.

| key | polarity | products | precision |
| --- | --- | --- | --- |
{% for row in patterns -%}
| {{ row.key }} | {{ row.polarity }} | {{ row.products }} | {{ "%.2f"|format(row.precision) }} |
{% endfor %}"""


def render(
    lines: "Lines",
    scores: NDArray[np.float32],
    usable: NDArray[np.bool_],
    constants: Constants,
    kinds: KindHeads,
    patterns: Sequence[PatternFigures],
) -> str:
    """Return the page as Markdown."""
    table = table_of(lines, scores, usable)
    measured = measure(table, constants.head)
    overall = [("all keys", *measured.figures(table)[:3])]
    grave = np.array([key in _grave() for key in lines.keys])
    overall.append(("the gravest keys", *measured.figures(table, grave)[:3]))
    page = Environment(keep_trailing_newline=True, autoescape=False).from_string(_PAGE)
    return page.render(
        statements=len(lines.statements),
        products=len(table.products),
        stated=int(table.stated.sum()),
        overall=overall,
        mute=int((constants.head & (constants.limit > 1)).sum()),
        headless=[key for key, head in zip(lines.keys, constants.head, strict=True) if not head],
        bins=_bins(measured, table),
        kinds=kinds,
        keys=_keys(lines.keys, table, measured, constants),
        patterns=patterns,
    )


def _grave() -> frozenset[str]:
    from agent.facts.vocabulary import load_vocabulary

    return frozenset(key.id for key in load_vocabulary() if key.grave)


def _bins(measured: Measured, table: Table) -> list[tuple[str, int, float, float]]:
    chances, stated = measured.chances[table.known], table.stated[table.known]
    found = []
    for low, high in pairwise(_BINS):
        inside = (chances >= low) & (chances < high)
        if inside.any():
            name = f"{low:.2f}–{high:.2f}"
            found.append((name, int(inside.sum()), float(chances[inside].mean()), float(stated[inside].mean())))
    return found


def _keys(keys: Sequence[str], table: Table, measured: Measured, constants: Constants) -> list[dict[str, str | int]]:
    found: list[dict[str, str | int]] = []
    for number, key in enumerate(keys):
        if not constants.head[number]:
            continue
        own = np.arange(len(keys)) == number
        precision, recall, asserted, stated = measured.figures(table, own)
        limit = constants.limit[number]
        found.append(
            {
                "key": key,
                "stated": stated,
                "asserted": asserted,
                "precision": f"{precision:.2f}" if asserted else "–",
                "recall": f"{recall:.2f}" if stated else "–",
                "limit": f"{limit:.2f}" if limit <= 1 else "never",
            }
        )
    return found
