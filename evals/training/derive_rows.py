"""Load labelled products for the fits of `evals.training.derive`: sheet, statement features and labels."""

import hashlib
import json
import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from cvss import CVSS4
from numpy.typing import NDArray

from agent.facts.readers.embedded import EmbeddedReader
from agent.facts.readers.outlook import OutlookHeads, pooled, readable_of, statement_features, weighed
from agent.facts.reading import Reading
from agent.intake.extract.statements.roles import carrying
from agent.intake.extract.statements.split import said_once
from agent.pipeline import embedded_reader, read_documents
from agent.records import FactSheet, Statement
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.kinds import ProductKind
from agent.taxonomy.layers import LAYERS, LayerKey
from evals.cases.case import Case
from evals.cases.corpus import bundled_cases, card
from evals.cases.documents import documents_of, file_document
from evals.cases.families import families
from evals.training.fold_readers import Folds, taught_cases
from evals.training.labels import FOLDER, rows_of

LISTINGS: Final = ("README.md", "SKILL.md", "listing.md")
READ_KINDS: Final[Mapping[str, ProductKind]] = {"assistant/app": "assistant", "voice-agent-platform": "voice-agent"}
"""Names of kinds in readings → the project's names, where they differ."""
_MIN_WORDS: Final = 3
_CERTAIN: Final = frozenset("AB")
FOLDS: Final = 10
REAL_WEIGHT: Final = 8.0
CARD_WEIGHT: Final = 0.5


@dataclass(frozen=True)
class Row:
    """One product, or the card of one product."""

    slug: str
    family: str
    """A vendor family or the owner of a repository; all rows of a family are held out together."""
    sheet: FactSheet
    """The fact sheet; its outlook has the kinds and probabilities."""
    features: NDArray[np.float32]
    """Features of the statements, from `agent.facts.readers.outlook.statement_features`."""
    statements: tuple[Statement, ...]
    """The statements that `features` describe."""
    pooled: NDArray[np.float64]
    quoted: NDArray[np.float32]
    """Shape (statements, 7): 1 if the statement matches the reader's quote, 0 in uncertain layers, else NaN."""
    layers: Mapping[LayerKey, bool]
    published: Mapping[FactorKey, float] = field(default_factory=dict)
    reader: Mapping[FactorKey, float] = field(default_factory=dict)
    kind: ProductKind | None = None
    base: float | None = None
    published_base: float | None = None
    published_threat: float | None = None
    real: bool = False
    is_card: bool = False
    seen: bool = False
    """Whether the reader that read the case was trained on its statements."""

    @property
    def fold(self) -> int:
        """The fold of the row's family, independent of the other rows."""
        return int(hashlib.sha256(self.family.encode()).hexdigest(), 16) % FOLDS


def weights_of(rows: Sequence[Row]) -> NDArray[np.float64]:
    """Return the weight of each row in a fit."""
    return np.array([CARD_WEIGHT if row.is_card else REAL_WEIGHT if row.real else 1.0 for row in rows])


def all_rows(readings: Path | None, listings: Path | None, cache: Path | None, folds: Folds | None = None) -> list[Row]:
    """Load all rows, from `cache` if it exists; without both folders of real listings, only the corpus rows.

    With `folds`, each product is read by a reader that has not seen its owner.
    """
    if cache is not None and cache.exists():
        with cache.open("rb") as file:
            loaded: list[Row] = pickle.load(file)
        return loaded
    cases = bundled_cases()
    rows: list[Row] = []
    for case, family in zip(cases, families([case.identity for case in cases]), strict=True):
        reader = folds.reader_of_case(case.slug) if folds else None
        full = read_documents(documents_of(case), reader=reader)
        has_card = case.readings and case.readings.card
        short = read_documents(documents_of(card(case)), reader=reader) if has_card else None
        rows += case_rows(case, family, full, short, reader)
    if readings and listings:
        rows += [*_real(readings, listings), *_graded(listings, folds)]
    if cache is not None:
        with cache.open("wb") as file:
            pickle.dump(rows, file)
    return rows


def case_rows(
    case: Case, family: str, reading: Reading, short: Reading | None, reader: EmbeddedReader | None = None
) -> tuple[Row, ...]:
    """Return the rows of one bundled case: one from its reading and, if given, one from the reading of its card. Both
    readings come from `reader`, by default the bundled one.
    """
    label, published = case.reader, case.published
    seen = reader is None and case.slug in taught_cases()
    full = _row(
        reading,
        {key: cell.certain for key, cell in label.layers.items()} if label else {},
        {key: cell.quote or "" for key, cell in label.layers.items()} if label else {},
        reader,
        slug=case.slug,
        family=family,
        published=dict(published.factors) if published else {},
        reader={key: cell.value for key, cell in label.factors.items()} if label else {},
        base=label.cvss_base if label else None,
        published_base=published.cvss_base if published else None,
        published_threat=published.threat_multiplier if published else None,
        seen=seen,
    )
    if not case.readings or short is None:
        return (full,)
    said = {key: case.readings.card_certain(key) for key in LAYERS}
    certain = {key: value for key, value in said.items() if value is not None}
    return full, _row(short, certain, {}, reader, slug=case.slug, family=family, is_card=True, seen=seen)


def _real(readings: Path, listings: Path) -> Iterator[Row]:
    owners = owners_of(listings.parent)
    for path in sorted(readings.glob("*.json")):
        raw = json.loads(path.read_text("utf-8"))
        kind = raw["product"]["kind"]
        yield _row(
            _read(_pages(listings, path.stem)[0]),
            {key: cell["certain"] for key, cell in raw["layers"].items()},
            {key: cell["quote"] or "" for key, cell in raw["layers"].items()},
            None,
            slug=path.stem,
            family=f"owner:{owners.get(path.stem, path.stem)}",
            real=True,
            reader={key: cell["value"] for key, cell in raw["factors"].items()},
            kind=READ_KINDS.get(kind, kind),
            base=float(CVSS4(raw["threats"][0]["cvss_vector"]).base_score),
        )


def _graded(listings: Path, folds: Folds | None) -> Iterator[Row]:
    """Yield the real listings without an expert's reading whose layers a blind reader graded (`labels/layers.tsv`).

    A (described) and B (mostly described) count as certain. A listing is left out if it is missing or is a different
    version.
    """
    for row in rows_of(FOLDER / "layers.tsv"):
        pages = _pages(listings, row["slug"])
        if not pages or hashlib.sha256(pages[0].read_bytes()).hexdigest() != row["sha256"]:
            continue
        owner = row["repository"].split("/")[0].lower()
        reader = folds.reader_of(owner) if folds else None
        made = _row(
            _read(pages[0], reader),
            {key: row[key] in _CERTAIN for key in LAYERS},
            {},
            reader,
            slug=row["slug"],
            family=f"owner:{owner}",
            real=True,
        )
        # No quotes were marked, so the heads learn nothing from the statements; the layers are used for calibration.
        yield replace(made, quoted=np.full_like(made.quoted, np.nan))


def _pages(listings: Path, slug: str) -> list[Path]:
    """Return a product's listing files, the one to read first."""
    return [page for name in LISTINGS if (page := listings / slug / name).exists()]


def _read(page: Path, reader: EmbeddedReader | None = None) -> Reading:
    return read_documents((file_document(page.read_bytes(), page.name),), reader=reader)


def owners_of(texts: Path) -> dict[str, str]:
    """Return the owner of each real product's repository, by slug."""
    return {row["slug"]: row["repository"].split("/")[0].lower() for row in rows_of(texts / "sources.tsv")}


def _row(
    reading: Reading,
    layers: Mapping[LayerKey, bool],
    quotes: Mapping[LayerKey, str],
    by: EmbeddedReader | None,
    **labels: Any,
) -> Row:
    readable, features = features_of(reading, by)
    return Row(
        sheet=reading.sheet,
        features=features.astype(np.float32),
        statements=tuple(readable),
        pooled=pooled(reading.documents, readable, features),
        quoted=_quoted(readable, layers, quotes),
        layers=layers,
        **labels,
    )


def features_of(reading: Reading, reader: EmbeddedReader | None = None) -> tuple[list[Statement], NDArray[np.float64]]:
    """Return the statements that the outlook heads read, and their features; `reader` is the bundled one by default."""
    readable = readable_of(reading.documents, said_once(carrying(reading.statements)))
    return readable, statement_features(readable, (reader or embedded_reader()).scores(reading.documents, readable))


def with_heads(reading: Reading, heads: OutlookHeads) -> Reading:
    """Return the reading with the outlook recomputed by `heads`."""
    sheet, (readable, features) = reading.sheet, features_of(reading)
    if not sheet.outlook.factors:
        return reading
    outlook = weighed(sheet.outlook, heads, pooled(reading.documents, readable, features), readable, features)
    return replace(reading, sheet=sheet.model_copy(update={"outlook": outlook}))


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
