"""Labelled products as the fits of `evals.training.derive` see them: sheet, statement features and labels."""

import csv
import json
import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.facts.readers.embedded import EmbeddedReader
from agent.facts.readers.outlook import pooled, readable_of, statement_features
from agent.facts.reading import read_sheet
from agent.pipeline import read_statements
from agent.records import Document, FactSheet, Statement
from agent.resources import data_folder
from agent.taxonomy.keys import LAYERS, FactorKey, LayerKey, ProductKind
from evals.corpus import card, load_cases
from evals.documents import documents_of
from evals.families import Identity, families
from evals.training.labels import read_document

LISTINGS: Final = ("README.md", "SKILL.md", "listing.md")
READ_KINDS: Final[Mapping[str, ProductKind]] = {"assistant/app": "assistant", "voice-agent-platform": "voice-agent"}
"""Kinds of the readings under the names that the project has for them."""
_MIN_WORDS: Final = 3


@dataclass(frozen=True)
class Row:
    """One product, or the card of one."""

    slug: str
    family: str
    """Left out together: a vendor family, or the owner of a repository."""
    real: bool
    is_card: bool
    sheet: FactSheet
    """With kinds and chances in its outlook."""
    features: NDArray[np.float32]
    """Of its statements, `agent.facts.readers.outlook.statement_features`."""
    pooled: NDArray[np.float64]
    quoted: NDArray[np.float32]
    """Shape (statements, 7): 1 where a reader's quote for a layer stands, 0 in uncertain layers, else not a number."""
    published: Mapping[FactorKey, float]
    reader: Mapping[FactorKey, float]
    layers: Mapping[LayerKey, bool]
    kind: ProductKind | None = None
    base: float | None = None
    published_base: float | None = None
    published_threat: float | None = None


def rows_of(readings: Path | None, listings: Path | None, cache: Path | None) -> list[Row]:
    """All rows; read again unless `cache` has them. Without the texts of real listings only those of the corpus."""
    if cache is not None and cache.exists():
        with cache.open("rb") as file:
            loaded: list[Row] = pickle.load(file)
        return loaded
    reader = EmbeddedReader()
    rows = [*_cases(reader), *(_real(reader, readings, listings) if readings and listings else ())]
    if cache is not None:
        with cache.open("wb") as file:
            pickle.dump(rows, file)
    return rows


def _cases(reader: EmbeddedReader) -> Iterator[Row]:
    cases = [case for case in load_cases(data_folder("corpus") / "cases") if not case.example]
    names = families([Identity(case.name, case.vendor) for case in cases])
    for case, family in zip(cases, names, strict=True):
        published, label = case.published, case.reader
        yield _row(
            reader,
            case.slug,
            family,
            documents_of(case),
            published=dict(published.factors) if published else {},
            label={key: cell.value for key, cell in label.factors.items()} if label else {},
            layers={key: cell.certain for key, cell in label.layers.items()} if label else {},
            quotes={key: cell.quote or "" for key, cell in label.layers.items()} if label else {},
            bases=(
                label.cvss_base if label else None,
                published.cvss_base if published else None,
                published.threat_multiplier if published else None,
            ),
        )
        if case.readings and case.readings.card:
            said = {key: case.readings.card_certain(key) for key in LAYERS}
            certain = {key: value for key, value in said.items() if value is not None}
            documents = documents_of(card(case))
            yield _row(reader, case.slug, family, documents, layers=certain, is_card=True)


def _real(reader: EmbeddedReader, readings: Path, listings: Path) -> Iterator[Row]:
    with (listings.parent / "sources.tsv").open(encoding="utf-8", newline="") as file:
        owners = {row["slug"]: row["repository"].split("/")[0].lower() for row in csv.DictReader(file, delimiter="\t")}
    for path in sorted(readings.glob("*.json")):
        raw = json.loads(path.read_text("utf-8"))
        page = next(page for name in LISTINGS if (page := listings / path.stem / name).exists())
        kind = raw["product"]["kind"]
        yield _row(
            reader,
            path.stem,
            f"owner:{owners.get(path.stem, path.stem)}",
            (read_document(page, page.name),),
            label={key: cell["value"] for key, cell in raw["factors"].items()},
            layers={key: cell["certain"] for key, cell in raw["layers"].items()},
            quotes={key: cell["quote"] or "" for key, cell in raw["layers"].items()},
            kind=READ_KINDS.get(kind, kind),
            real=True,
        )


def _row(
    reader: EmbeddedReader,
    slug: str,
    family: str,
    documents: Sequence[Document],
    *,
    published: Mapping[FactorKey, float] | None = None,
    label: Mapping[FactorKey, float] | None = None,
    layers: Mapping[LayerKey, bool],
    quotes: Mapping[LayerKey, str] | None = None,
    bases: tuple[float | None, float | None, float | None] = (None, None, None),
    kind: ProductKind | None = None,
    real: bool = False,
    is_card: bool = False,
) -> Row:
    statements = read_statements(tuple(documents))
    readable = readable_of(documents, statements)
    sheet = read_sheet(documents, statements, [reader])
    sheet = sheet.model_copy(update={"outlook": reader.outlook(documents, statements)})
    features = statement_features(readable, reader.scores(documents, readable))
    return Row(
        slug,
        family,
        real,
        is_card,
        sheet,
        features.astype(np.float32),
        pooled(documents, features),
        _quoted(readable, layers, quotes or {}),
        published or {},
        label or {},
        layers,
        kind,
        *bases,
    )


def _quoted(
    statements: Sequence[Statement], layers: Mapping[LayerKey, bool], quotes: Mapping[LayerKey, str]
) -> NDArray[np.float32]:
    found = np.full((len(statements), len(LAYERS)), np.nan, dtype=np.float32)
    for at, layer in enumerate(LAYERS):
        if layers.get(layer) is False:
            found[:, at] = 0
        quote = _plain(quotes.get(layer, ""))
        if not quote:
            continue
        for row, statement in enumerate(statements):
            text = _plain(statement.text)
            if len(text.split()) >= _MIN_WORDS and (quote in text or text in quote):
                found[row, at] = 1
    return found


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()
