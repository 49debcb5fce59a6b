"""The JSONL format of labelled cases for import: one object per line; unknown and repeated keys are rejected.

Some or all of the reader's labels may be missing, and so may any published number. Published labels need a source and
factors.
"""

import json
from collections.abc import Iterator

from pydantic import Field

from agent.errors import InputError
from agent.records import Record
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.layers import LayerKey
from evals.cases.case import (
    LABELS_VERSION,
    Case,
    FactorReading,
    Labels,
    LayerReading,
    Line,
    Page,
    Published,
    Reader,
    Share,
    Slug,
    Tenfold,
    Text,
    check,
)


class _Doc(Record):
    title: Line
    text: Text


class _ReaderRow(Record):
    factors: dict[FactorKey, Share | None] = Field(default_factory=dict)
    factor_quotes: dict[FactorKey, str | None] = Field(default_factory=dict)
    layers: dict[LayerKey, LayerReading | None] = Field(default_factory=dict)
    cvss_base: Tenfold | None = None
    headline: str | None = None

    def reader(self) -> Reader:
        return Reader(
            factors={
                key: FactorReading(value=value, quote=self.factor_quotes.get(key) or None)
                for key, value in self.factors.items()
                if value is not None
            },
            layers={key: reading for key, reading in self.layers.items() if reading is not None},
            cvss_base=self.cvss_base,
            headline=self.headline,
        )


class _LabelsRow(Record):
    published: Published | None = None
    reader: _ReaderRow | None = None


class _Row(Record):
    slug: Slug
    name: Line
    vendor: str | None = None
    category: Text = "other"
    tagline: Text
    overview: tuple[Text, ...] = Field(min_length=1)
    features: tuple[Text, ...] = ()
    integrations: tuple[Text, ...] = ()
    pricing: str | None = None
    docs: tuple[_Doc, ...] = ()
    sources: tuple[str, ...] = ()
    example: bool = False
    labels: _LabelsRow = _LabelsRow()

    def case(self) -> Case:
        parts = [f"# {self.name}", self.tagline, *self.overview]
        for title, items in (("Features", self.features), ("Integrations", self.integrations)):
            if items:
                parts += [f"## {title}", "\n".join(f"- {item}" for item in items)]
        if self.pricing:
            parts += ["## Pricing", self.pricing]
        reader = self.labels.reader
        return Case(
            slug=self.slug,
            name=self.name,
            vendor=(self.vendor or "").strip() or None,
            category=self.category,
            sources=self.sources,
            example=self.example,
            labels_version=LABELS_VERSION,
            listing=Page(title=self.name, markdown="\n\n".join(parts) + "\n"),
            docs=tuple(Page(title=doc.title, markdown=f"# {doc.title}\n\n{doc.text}\n") for doc in self.docs),
            labels=Labels(published=self.labels.published, reader=reader.reader() if reader else None),
        )


def parse_lines(text: str, where: str) -> Iterator[Case]:
    """Yield the cases in a JSONL text. Raises InputError, naming the line and field, for a malformed line or a repeated
    slug."""
    seen: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{where} line {number}"
        row = check(_Row, _json(line, place), place)
        if row.slug in seen:
            raise InputError(
                f"slug {row.slug!r} occurs twice", where=place, hint=f"it is also on line {seen[row.slug]}"
            )
        seen[row.slug] = number
        yield row.case()
    if not seen:
        raise InputError("no case found", where=where, hint="use one JSON object per line")


def _json(line: str, place: str) -> object:
    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        keys = [key for key, _ in items]
        for key in keys:
            if keys.count(key) > 1:
                raise InputError(f"key {key!r} occurs twice", where=place, hint="remove one of them")
        return dict(items)

    def constant(text: str) -> object:
        raise InputError(f"{text} is not a JSON number", where=place, hint="use a number or null")

    try:
        return json.loads(line, object_pairs_hook=pairs, parse_constant=constant)
    except json.JSONDecodeError as error:
        raise InputError(
            f"not a JSON object: {error.msg}",
            where=f"{place} column {error.colno}",
            hint="use one JSON object per line",
        ) from None
    except RecursionError:
        raise InputError("nested too deeply", where=place, hint="write each case as a flat object") from None
