"""Embedded readers that have not seen a product: the fits of `evals.training.fact_heads` that left out its owner.

The constants that depend on facts are fitted on bundled cases, and the bundled reader was trained on many of their
statements. It reads these better than new products, so constants fitted on its readings would expect too many facts.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.facts.readers.embedded import EmbeddedReader
from agent.facts.readers.heads import load_heads
from agent.facts.vocabulary import load_vocabulary
from evals.training.labels import BUNDLED, FOLDER, rows_of

_TAUGHT: Final = 8
"""A case counts as training data if it has at least this many labelled statements; other cases have two or three."""


class Fit(NamedTuple):
    """Weights, shape (features + columns of `features.dense`, k), and biases of all keys."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]


@cache
def taught_cases() -> frozenset[str]:
    """Return the slugs of the bundled cases that the bundled reader was trained on: those with enough labelled
    statements."""
    slugs = {row["text"]: row["repository"] for row in rows_of(FOLDER / "texts.tsv")}
    labelled = Counter(slugs[row["text"]] for row in rows_of(FOLDER / "facts.tsv"))
    return frozenset(
        name[len(BUNDLED) :] for name, count in labelled.items() if name.startswith(BUNDLED) and count >= _TAUGHT
    )


@dataclass(frozen=True)
class Folds:
    """Fits of the heads, each without an eighth of the owners."""

    features: NDArray[np.uint32]
    """The features that have weights, as in `agent.facts.readers.heads.FactHeads`."""
    fold: Mapping[str, int]
    """Owner → index in `fits` of the fit that left the owner out."""
    fits: Sequence[Fit]

    def write(self, file: Path) -> None:
        """Write the fits to a file in NumPy's format."""
        weights = np.stack([fit.weights for fit in self.fits]).astype(np.float16)
        np.savez(
            file,
            features=self.features,
            owners=np.array(list(self.fold)),
            fold=np.array(list(self.fold.values())),
            weights=weights,
            bias=np.stack([fit.bias for fit in self.fits]),
        )

    @classmethod
    def read(cls, file: Path) -> "Folds":
        """Read a file written by `write`. Raises OSError if it is missing."""
        with np.load(file) as stored:
            fold = dict(zip(stored["owners"].tolist(), stored["fold"].tolist(), strict=True))
            rows = zip(stored["weights"].astype(np.float32), stored["bias"], strict=True)
            return cls(stored["features"], fold, [Fit(weights, bias) for weights, bias in rows])

    def reader_of(self, owner: str) -> EmbeddedReader | None:
        """Return the reader that has not seen an owner's texts; None if no text of the owner is labelled."""
        return self._readers[self.fold[owner]] if owner in self.fold else None

    def reader_of_case(self, slug: str) -> EmbeddedReader | None:
        """Return the reader that has not seen a bundled case or its relatives; None if none of them is labelled."""
        return self.reader_of(self._owners.get(slug, ""))

    @cached_property
    def _owners(self) -> Mapping[str, str]:
        rows = [row for row in rows_of(FOLDER / "texts.tsv") if row["repository"].startswith(BUNDLED)]
        return {row["repository"][len(BUNDLED) :]: row["owner"] for row in rows}

    @cached_property
    def _readers(self) -> Sequence[EmbeddedReader]:
        bundled, order = load_heads(), load_vocabulary().order
        kept = [order[key] for key in bundled.keys]
        return [
            EmbeddedReader(replace(bundled, features=self.features, weights=fit.weights[:, kept], bias=fit.bias[kept]))
            for fit in self.fits
        ]
