"""The learned heads: one linear score for each key, its threshold, and how scores become chances.

Written by `python -m evals.training.fact_heads` to corpus/knowledge/reader; read here once.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agent.errors import IntegrityError
from agent.facts.readers.features import feature_ids, vectors
from agent.facts.readers.kinds import known_places
from agent.records import Statement
from agent.resources import data_folder
from agent.taxonomy.keys import ProductKind

WEIGHTS: Final = "weights.npy"
FEATURES: Final = "features.npy"
KIND_WEIGHTS: Final = "kinds.npy"
CONSTANTS: Final = "reader.json"
WORDS_SCALE: Final = 5.0
VECTOR_SCALE: Final = 3.0
HEADING_SCALE: Final = 1.5
"""How much a statement's features, its vector and that of its headings count beside each other, as lengths."""
LOWEST: Final = -12.0
"""The score of a key that no statement speaks of."""


@dataclass(frozen=True)
class FactHeads:
    """Weights and constants, ready for use; k keys, f features."""

    keys: tuple[str, ...]
    features: NDArray[np.uint32]
    """Hashes of the features that have weights, sorted, shape (f,)."""
    weights: NDArray[np.float32]
    """Shape (f + 512, k): of the features, of the text's vector, of the headings' vector."""
    bias: NDArray[np.float32]
    thresholds: NDArray[np.float64]
    """Score from which a statement is taken to state a key, shape (k,); infinite where no score is sure enough."""
    slopes: NDArray[np.float64]
    offsets: NDArray[np.float64]
    """Of the chance that a product's sources state a key, by the highest score, shape (k,)."""
    kinds: tuple[ProductKind, ...]
    kind_features: NDArray[np.uint32]
    kind_weights: NDArray[np.float32]
    """Shape (features of `agent.facts.readers.kinds`, kinds)."""
    kind_bias: NDArray[np.float32]

    def scores(self, statements: Sequence[Statement], names: Sequence[frozenset[str]]) -> NDArray[np.float32]:
        """The log odds of each key for each statement, float32, shape (n, k); `names` as `features.name_words`."""
        if not statements:
            return np.zeros((0, len(self.keys)), dtype=np.float32)
        rows, starts = known_features(feature_ids(statements, names), self.features)
        counts = np.diff(starts)
        width = len(self.features)
        sums = np.zeros((len(statements), len(self.keys)), dtype=np.float32)
        filled = counts > 0
        if filled.any():
            sums[filled] = np.add.reduceat(self.weights[rows], starts[:-1][filled], axis=0)
        sums *= (WORDS_SCALE / np.sqrt(np.maximum(counts, 1)))[:, None].astype(np.float32)
        found: NDArray[np.float32] = sums + scaled(vectors(statements)) @ self.weights[width:] + self.bias
        return found.astype(np.float32)

    def product_chances(self, scores: NDArray[np.float32]) -> dict[str, float]:
        """How likely a product's sources state each key; `scores` are those of all its statements."""
        highest = scores.max(axis=0) if len(scores) else np.full(len(self.keys), LOWEST)
        chances = _logistic(self.slopes * np.maximum(highest, LOWEST) + self.offsets)
        return dict(zip(self.keys, chances.tolist(), strict=True))

    def confidence(self, key: str, score: float) -> float:
        """How often a fact of a key with this score was right on products that the fit had not seen."""
        place = self.keys.index(key)
        return float(_logistic(self.slopes[place] * max(score, LOWEST) + self.offsets[place]))


def scaled(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors of texts and headings at the length at which they count."""
    half = rows.shape[1] // 2
    found: NDArray[np.float32] = np.concatenate([rows[:, :half] * VECTOR_SCALE, rows[:, half:] * HEADING_SCALE], axis=1)
    return found


def known_features(
    ids: Sequence[NDArray[np.uint32]], known: NDArray[np.uint32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of the known ones among the features of each statement, one after the other, and where each begins."""
    ends = np.cumsum([0, *(len(row) for row in ids)])
    flat = np.concatenate(ids) if len(ids) else np.zeros(0, dtype=np.uint32)
    places, hit = known_places(flat, known)
    kept = np.concatenate([[0], np.cumsum(hit)])
    return places, kept[ends].astype(np.int64)


def _logistic(values: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(values, -30, 30)))
    return found


@lru_cache(maxsize=1)
def load_heads() -> FactHeads:
    """The bundled heads. Raises IntegrityError when their files do not belong together."""
    return read_heads(data_folder("corpus") / "knowledge" / "reader")


def read_heads(folder: Path) -> FactHeads:
    """The heads that `fact_heads` wrote to a folder. Raises IntegrityError when its files were changed."""
    constants = json.loads((folder / CONSTANTS).read_text("utf-8"))
    arrays = {name: _array(folder / name, constants) for name in (WEIGHTS, FEATURES, KIND_WEIGHTS)}
    per_key: Mapping[str, Mapping[str, float]] = constants["keys"]
    kinds = constants["kinds"]
    return FactHeads(
        keys=tuple(per_key),
        features=arrays[FEATURES],
        weights=arrays[WEIGHTS].astype(np.float32) * _column(per_key, "scale").astype(np.float32),
        bias=_column(per_key, "bias").astype(np.float32),
        thresholds=_column(per_key, "threshold"),
        slopes=_column(per_key, "slope"),
        offsets=_column(per_key, "offset"),
        kinds=tuple(kinds["names"]),
        kind_features=np.array(kinds["features"], dtype=np.uint32),
        kind_weights=arrays[KIND_WEIGHTS].astype(np.float32) * np.array(kinds["scales"], dtype=np.float32),
        kind_bias=np.array(kinds["bias"], dtype=np.float32),
    )


def _array(file: Path, constants: Mapping[str, Any]) -> NDArray[Any]:
    if hashlib.sha256(file.read_bytes()).hexdigest() != constants["sha256"][file.name]:
        raise IntegrityError("the weights of the reader of facts are not those of its constants", where=str(file))
    found: NDArray[Any] = np.load(file, allow_pickle=False)
    return found


def _column(per_key: Mapping[str, Mapping[str, float]], name: str) -> NDArray[np.float64]:
    """One constant of all keys; null stands for infinite."""
    return np.array([np.inf if row[name] is None else row[name] for row in per_key.values()], dtype=np.float64)
