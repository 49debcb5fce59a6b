"""Fit the classifier that infers a product's kind from its first lines, and report its accuracy on held-out owners.

The labelled products come from `labels/kinds.tsv` (with pages in `listings/<slug>` under the given folders) and from
the bundled cases whose category determines the kind.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from agent.facts.readers.kinds import WORD_SCALE, kind_features, known_places
from agent.intake.extract.parse import SUFFIXES
from agent.records import Document
from agent.resources import data_folder
from agent.taxonomy.kinds import ProductKind
from evals.cases.corpus import load_cases
from evals.cases.documents import documents_of, file_document, markdown_document
from evals.training.labels import FOLDER, rows_of

KINDS: Final[tuple[ProductKind, ...]] = get_args(ProductKind)
_CATEGORIES: Final[dict[str, ProductKind]] = {
    "mcp-server": "mcp-server",
    "agent-skill": "agent-skill",
    "coding-agent": "coding-agent",
    "browser-agent": "browser-agent",
    "framework": "agent-framework",
    "voice": "voice-agent",
    "productivity": "assistant",
    "healthcare": "assistant",
    "finance": "assistant",
    "education": "assistant",
    "legal": "assistant",
    "commerce": "assistant",
    "research": "assistant",
}
"""Corpus category → kind; the other categories contain products of several kinds."""
_UNSURE: Final = frozenset({"productivity", "healthcare", "finance", "education", "legal", "commerce", "research"})
_UNSURE_WEIGHT: Final = 0.3
_CASE_WEIGHT: Final = 0.7
_EXAMPLE_WEIGHT: Final = 0.5
_NOBODY: Final = ""
_FIRST: Final = ("README.md", "SKILL.md", "listing.md", "page.html")
_SEEN: Final = 3
_PENALTY: Final = 1.0
_FOLDS: Final = 8


@dataclass(frozen=True)
class KindHeads:
    """The classifier's weights and its quality on held-out owners."""

    features: NDArray[np.uint32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    products: int
    cases: int
    right: float
    """Share of real products whose most probable kind is the labelled kind."""


class _Row(NamedTuple):
    owner: str
    kind: int
    weight: float
    real: bool
    ids: NDArray[np.uint32]
    vector: NDArray[np.float32]


def listing_documents(folder: Path) -> tuple[Document, ...]:
    """Read the first page and the manifests of a listing's folder, as intake does."""
    names = [folder / name for name in _FIRST if (folder / name).is_file()]
    rest = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES and path.is_file()]
    pages = names[:1] or rest[:1]
    pages += [path for path in sorted(folder.glob("*.json")) if path.is_file()]
    numbered = enumerate(dict.fromkeys(pages), start=1)
    return tuple(file_document(path.read_bytes(), path.name, f"D{n}") for n, path in numbered)


def _rows(folders: Sequence[Path]) -> Iterator[_Row]:
    """Yield real products, bundled cases and descriptions of invented products; the descriptions are part of every
    fit."""
    for row in rows_of(FOLDER / "kinds.tsv"):
        places = (root / "listings" / row["slug"] for root in folders)
        place = next((place for place in places if place.is_dir()), None)
        if place is not None:
            yield _row(row["owner"], row["kind"], 1.0, listing_documents(place), real=True)
    for case in load_cases(data_folder("corpus") / "cases"):
        if case.category in _CATEGORIES:
            weight = _UNSURE_WEIGHT if case.category in _UNSURE else _CASE_WEIGHT
            yield _row(str(case.vendor).lower(), _CATEGORIES[case.category], weight, documents_of(case))
    for row in rows_of(FOLDER / "kind_examples.tsv"):
        document = markdown_document(f"# {row['title']}\n\n{row['text']}\n", "README.md")
        yield _row(_NOBODY, row["kind"], _EXAMPLE_WEIGHT, (document,))


def _row(owner: str, kind: str, weight: float, documents: Sequence[Document], *, real: bool = False) -> _Row:
    names: tuple[str, ...] = KINDS
    return _Row(owner, names.index(kind), weight, real, *kind_features(documents))


def fit_kinds(folders: Sequence[Path]) -> KindHeads:
    """Fit on all available labelled products and measure the accuracy on held-out owners."""
    rows = list(_rows(folders))
    seen = Counter(place for row in rows for place in row.ids.tolist())
    known = np.array(sorted(place for place, count in seen.items() if count >= _SEEN), dtype=np.uint32)
    features = np.stack([_features(row, known) for row in rows])
    kind = np.array([row.kind for row in rows])
    weight = np.array([row.weight for row in rows])
    owners = sorted({row.owner for row in rows} - {_NOBODY})
    shuffled = np.random.default_rng(0).permutation(owners).tolist()
    fold = {_NOBODY: -1} | {name: n % _FOLDS for n, name in enumerate(shuffled)}
    number = np.array([fold[row.owner] for row in rows])
    predicted = np.zeros(len(rows), dtype=int)
    for n in range(_FOLDS):
        weights, bias = _fit(features[number != n], kind[number != n], weight[number != n])
        predicted[number == n] = (features[number == n] @ weights + bias).argmax(axis=1)
    real = np.array([row.real for row in rows])
    weights, bias = _fit(features, kind, weight)
    right = float((predicted == kind)[real].mean()) if real.any() else 0.0
    return KindHeads(known, weights, bias, int(real.sum()), int((~real).sum()), right)


def _features(row: _Row, known: NDArray[np.uint32]) -> NDArray[np.float32]:
    places, _ = known_places(row.ids, known)
    words = np.zeros(len(known), dtype=np.float32)
    words[places] = WORD_SCALE / np.sqrt(max(1, len(places)))
    return np.concatenate([words, row.vector])


def _fit(
    features: NDArray[np.float32], kind: NDArray[np.int64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fit a multinomial logistic regression; return weights of shape (features, kinds) and biases."""
    from scipy.optimize import minimize

    width, kinds = features.shape[1], len(KINDS)
    truth = np.eye(kinds)[kind]
    rows = features.astype(np.float64)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(width + 1, kinds)
        scores = rows @ weights[:-1] + weights[-1]
        scores -= scores.max(axis=1, keepdims=True)
        norm = np.log(np.exp(scores).sum(axis=1))
        cost = (weight * (norm - (truth * scores).sum(axis=1))).sum() + 0.5 * _PENALTY * (weights[:-1] ** 2).sum()
        slope = weight[:, None] * (np.exp(scores - norm[:, None]) - truth)
        change = np.concatenate([rows.T @ slope + _PENALTY * weights[:-1], slope.sum(axis=0, keepdims=True)])
        return float(cost), change.ravel()

    start = np.zeros((width + 1) * kinds)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x.reshape(width + 1, kinds)
    return found[:-1].astype(np.float32), found[-1].astype(np.float32)
