"""Render results on real listings as Markdown and JSON: figures and slugs, but no text of the listings."""

import json
from collections.abc import Sequence
from typing import Final

from agent.taxonomy.factors import FACTOR_TITLES
from agent.taxonomy.layers import LAYER_TITLES
from evals.metrics.arithmetic import count_flags, error, f1, mean, precision, recall
from evals.real.against_readings import FACTORS, Compared, Figures, targets
from evals.real.facts import FactRow, by_key
from evals.report.saying import NONE, number
from evals.script import markdown as table

SCHEMA: Final = "septet/real/1"
_KEYS: Final = 20
_PRODUCT: Final = (
    "product", "name", "kind", "factor MAE", "sum bias", "base", "expert's", "score", "expert's", "threats",
)  # fmt: skip


def markdown(rows: Sequence[Compared], figures: Figures, drafter: str) -> str:
    """Return, as Markdown, the figures, the factors and layers, and a line for each product."""
    asked = [(one.what, number(one.value), "met" if one.met else "**not met**") for one in targets(figures, drafter)]
    factors = []
    for key in FACTORS:
        pairs = [row.factors[key] for row in rows]
        bias = mean(drafted - read for drafted, read in pairs if drafted is not None)
        factors.append((FACTOR_TITLES[key], number(mean(error(*pair) for pair in pairs)), number(bias)))
    layers = []
    for layer, title in LAYER_TITLES.items():
        flags = count_flags(row.layers[layer] for row in rows)
        positives = flags.true_positive + flags.false_negative
        layers.append((title, *(number(of(flags)) for of in (precision, recall, f1)), str(positives)))
    words = {True: "right", False: "wrong", None: NONE}
    products = [
        (
            row.slug,
            words[row.name],
            words[row.kind],
            *(number(value) for value in (row.factor_error, row.bias, row.base, row.read_base)),
            *(number(value) for value in (row.aivss, row.read_aivss)),
            str(row.threats),
        )
        for row in rows
    ]
    return "\n".join([
        f"# Real listings against an expert's reading: {drafter} drafter",
        "",
        *table(("figure", "value"), [(name, number(value)) for name, value in figures.items()]),
        "",
        *([*table(("asked", "found", ""), asked), ""] if asked else []),
        *table(("factor", "MAE", "bias"), factors),
        "",
        *table(("layer (positive: not certain)", "precision", "recall", "F1", "positives"), layers),
        "",
        *table(_PRODUCT, products),
        "",
        *[f"- {row.slug} could not be drafted: {row.error}" for row in rows if row.error],
    ]).rstrip() + "\n"  # fmt: skip


def facts_markdown(rows: Sequence[FactRow], figures: Figures, note: str = "") -> str:
    """Return, as Markdown, the figures with a note, the keys that were most often wrong, and a line for each
    product."""
    keys = [(key, str(right), str(wrong)) for key, (right, wrong) in list(by_key(rows).items())[:_KEYS] if wrong]
    cells = [(row.slug, row.right, row.wrong, row.found, row.missed, row.outside) for row in rows]
    return "\n".join([
        "# Facts asserted about real products against their labels",
        "",
        *([note, ""] if note else []),
        *table(("figure", "value"), [(name, number(value)) for name, value in figures.items()]),
        "",
        *table(("key", "right", "wrong"), keys),
        "",
        *table(
            ("product", "right", "wrong", "labels found", "labels missed", "not judged"),
            [(slug, *(str(len(cell)) for cell in counted)) for slug, *counted in cells],
        ),
    ]) + "\n"  # fmt: skip


def as_json(kind: str, rows: Sequence[Compared | FactRow], figures: Figures) -> str:
    """Return the figures and rows as JSON text; `kind` names what was measured."""
    products = [row.model_dump(mode="json") for row in rows]
    data = {"schema": SCHEMA, "kind": kind, "figures": dict(figures), "products": products}
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
