"""Render results on real listings as Markdown and JSON: figures and slugs, but no text of the listings."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from agent.taxonomy.factors import FACTOR_TITLES
from agent.taxonomy.layers import LAYER_TITLES
from evals.metrics.arithmetic import count_flags, error, f1, mean, precision, recall
from evals.real.against_readings import FACTORS, Compared, targets
from evals.real.facts import FactRow, by_key
from evals.report.saying import number

SCHEMA: Final = "septet/real/1"
_KEYS: Final = 20


def markdown(rows: Sequence[Compared], figures: Mapping[str, float | None], drafter: str) -> str:
    """Return the figures, the factors and layers, and a line for each product as Markdown."""
    return "\n".join([
        f"# Real listings against an expert's reading: {drafter} drafter",
        "",
        *_table(("figure", "value"), [(name, number(value)) for name, value in figures.items()]),
        "",
        *_targets(figures, drafter),
        *_factors(rows),
        "",
        *_layers(rows),
        "",
        *_products(rows),
        "",
        *[f"- {row.slug} could not be drafted: {row.error}" for row in rows if row.error],
    ]).rstrip() + "\n"  # fmt: skip


def facts_markdown(rows: Sequence[FactRow], figures: Mapping[str, float | None], note: str = "") -> str:
    """Return the figures with a note, the keys most often wrong, and a line for each product as Markdown."""
    keys = [(key, str(right), str(wrong)) for key, (right, wrong) in list(by_key(rows).items())[:_KEYS] if wrong]
    lines = [(row.slug, *(str(len(cell)) for cell in _cells(row))) for row in rows]
    return "\n".join([
        "# Facts asserted about real products against their labels",
        "",
        *([note, ""] if note else []),
        *_table(("figure", "value"), [(name, number(value)) for name, value in figures.items()]),
        "",
        *_table(("key", "right", "wrong"), keys),
        "",
        *_table(("product", "right", "wrong", "labels found", "labels missed", "not judged"), lines),
    ]) + "\n"  # fmt: skip


def as_json(kind: str, rows: Sequence[Compared | FactRow], figures: Mapping[str, float | None]) -> str:
    """Return the figures and rows as JSON text; `kind` names what was measured."""
    data = {
        "schema": SCHEMA,
        "kind": kind,
        "figures": dict(figures),
        "products": [row.model_dump(mode="json") for row in rows],
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _cells(row: FactRow) -> tuple[tuple[str, ...], ...]:
    return row.right, row.wrong, row.found, row.missed, row.outside


def _targets(figures: Mapping[str, float | None], drafter: str) -> list[str]:
    rows = [(one.what, number(one.value), "met" if one.met else "**not met**") for one in targets(figures, drafter)]
    return [*_table(("asked", "found", ""), rows), ""] if rows else []


def _factors(rows: Sequence[Compared]) -> list[str]:
    body = []
    for key in FACTORS:
        pairs = [row.factors[key] for row in rows]
        errors = mean(error(drafted, read) for drafted, read in pairs)
        bias = mean(drafted - read for drafted, read in pairs if drafted is not None)
        body.append((FACTOR_TITLES[key], number(errors), number(bias)))
    return _table(("factor", "MAE", "bias"), body)


def _layers(rows: Sequence[Compared]) -> list[str]:
    body = []
    for key, title in LAYER_TITLES.items():
        flags = count_flags(row.layers[key] for row in rows)
        values = (precision(flags), recall(flags), f1(flags))
        positives = flags.true_positive + flags.false_negative
        body.append((title, *(number(value) for value in values), str(positives)))
    return _table(("layer (positive: not certain)", "precision", "recall", "F1", "positives"), body)


def _products(rows: Sequence[Compared]) -> list[str]:
    body = [
        (
            row.slug,
            _word(row.name),
            _word(row.kind),
            number(row.factor_error),
            number(row.bias),
            number(row.base),
            number(row.read_base),
            number(row.aivss),
            number(row.read_aivss),
            str(row.threats),
        )
        for row in rows
    ]
    heads = ("product", "name", "kind", "factor MAE", "sum bias", "base", "expert's", "score", "expert's", "threats")
    return _table(heads, body)


def _word(right: bool | None) -> str:
    return "–" if right is None else "right" if right else "wrong"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = "|" + "|".join(["---", *["--:"] * (len(heads) - 1)]) + "|"
    return ["| " + " | ".join(heads) + " |", rule, *("| " + " | ".join(row) + " |" for row in rows)]
