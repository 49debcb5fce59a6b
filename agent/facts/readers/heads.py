"""The learned heads: one linear score per key, its threshold, and the conversion of scores into probabilities.

Written by `python -m evals.training.fact_heads` to corpus/knowledge/reader; loaded here once.
"""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.errors import IntegrityError
from agent.facts.readers.features import WORDS_SCALE, dense, feature_ids
from agent.facts.readers.kinds import known_places
from agent.records import Statement
from agent.resources import data_folder
from agent.taxonomy.kinds import ProductKind

WEIGHTS: Final = "weights.npy"
FEATURES: Final = "features.npy"
KIND_WEIGHTS: Final = "kinds.npy"
CONSTANTS: Final = "reader.json"
LOWEST: Final = -8.0
"""The score of a key that no statement mentions; lower scores are raised to this value."""
SECOND_LOWEST: Final = -5.0
"""A product's second-highest score is raised to at least this value, so that a statement that says nothing does not
count as a second signal."""
STRONG: Final = -1.0
"""The amount by which the highest score exceeds this value has a separate weight."""
Scores = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True)
class FactHeads:
    """Weights and constants of the heads, for k keys and f features."""

    keys: tuple[str, ...]
    features: NDArray[np.uint32]
    """Sorted hashes of the features that have weights, shape (f,)."""
    weights: NDArray[np.float32]
    """Weights of the features, then of the columns of `features.dense`; shape (f + 512 + patterns, k)."""
    bias: NDArray[np.float32]
    limits: NDArray[np.float64]
    """Minimum probability for asserting a fact, shape (k,); above 1 if no probability is high enough."""
    mix: NDArray[np.float64]
    """Weight of each signal of `signs` in the probability, shape (3,)."""
    offsets: NDArray[np.float64]
    """Offset added to the log-odds of each key, shape (k,)."""
    denials: tuple[float, ...]
    """Precision of each denying pattern."""
    kinds: tuple[ProductKind, ...]
    kind_features: NDArray[np.uint32]
    kind_weights: NDArray[np.float32]
    """Shape (features of `agent.facts.readers.kinds`, kinds)."""
    kind_bias: NDArray[np.float32]

    def scores(self, statements: Sequence[Statement], names: Sequence[frozenset[str]]) -> NDArray[np.float32]:
        """Compute the log-odds of each key for each statement, shape (n, k). `names` contains the words of each
        statement's product name (`name_words`)."""
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
        return (sums + dense(statements) @ self.weights[width:] + self.bias).astype(np.float32)

    def chances(self, scores: Scores) -> NDArray[np.float64]:
        """Compute the probability that a product states each key, shape (k,), from statement scores, shape (n, k)."""
        return logistic(signs(scores) @ self.mix + self.offsets)


def signs(scores: Scores) -> NDArray[np.float64]:
    """Summarise the scores of a product's statements, shape (n, k), as three signals for each key, shape (k, 3).

    The signals are the highest score, the second highest, and the excess of the highest over `STRONG`.
    """
    keys = scores.shape[1]
    padded = np.concatenate([np.full((2, keys), -np.inf), scores])
    top = np.partition(padded, -2, axis=0)[-2:]
    highest, second = np.maximum(top[1], LOWEST), np.maximum(top[0], SECOND_LOWEST)
    return np.stack([highest, second, np.maximum(highest - STRONG, 0)], axis=1)


def logistic(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert log-odds into probabilities."""
    found: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(values, -30, 30)))
    return found


def known_features(
    ids: Sequence[NDArray[np.uint32]], known: NDArray[np.uint32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions in `known` of all statements' known features, concatenated, and where each row begins."""
    ends = np.cumsum([0, *(len(row) for row in ids)])
    flat = np.concatenate(ids) if len(ids) else np.zeros(0, dtype=np.uint32)
    places, hit = known_places(flat, known)
    kept = np.concatenate([[0], np.cumsum(hit)])
    return places, kept[ends].astype(np.int64)


@cache
def load_heads() -> FactHeads:
    """Load the bundled heads. Raises IntegrityError if their files do not belong together."""
    return read_heads(data_folder("corpus") / "knowledge" / "reader")


def read_heads(folder: Path) -> FactHeads:
    """Read the heads that `fact_heads` wrote to a folder. Raises IntegrityError if its files were changed."""
    constants = json.loads((folder / CONSTANTS).read_text("utf-8"))
    arrays = {
        name: np.load(stored(folder / name, digest), allow_pickle=False) for name, digest in constants["sha256"].items()
    }
    per_key: Mapping[str, Mapping[str, float]] = constants["keys"]
    kinds = constants["kinds"]

    def column(name: str) -> NDArray[np.float64]:
        return np.array([row[name] for row in per_key.values()], dtype=np.float64)

    return FactHeads(
        keys=tuple(per_key),
        features=arrays[FEATURES],
        weights=arrays[WEIGHTS].astype(np.float32) * column("scale").astype(np.float32),
        bias=column("bias").astype(np.float32),
        limits=column("limit"),
        mix=np.array(constants["mix"], dtype=np.float64),
        offsets=column("offset"),
        denials=tuple(float(row["precision"]) for row in constants["denials"]),
        kinds=tuple(kinds["names"]),
        kind_features=np.array(kinds["features"], dtype=np.uint32),
        kind_weights=arrays[KIND_WEIGHTS].astype(np.float32) * np.array(kinds["scales"], dtype=np.float32),
        kind_bias=np.array(kinds["bias"], dtype=np.float32),
    )


def stored(file: Path, digest: str) -> io.BytesIO:
    """Read a file of arrays. Raises IntegrityError if its SHA-256 is not `digest`."""
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise IntegrityError("the weights do not match the constants", where=str(file))
    return io.BytesIO(content)
