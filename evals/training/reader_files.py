"""Write the files of the embedded reader: weights as one-byte integers, and their constants."""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.facts.readers.heads import CONSTANTS, FEATURES, KIND_WEIGHTS, WEIGHTS
from agent.facts.readers.outlook import read_outlook, write_outlook
from agent.facts.vocabulary import load_vocabulary
from agent.retrieval.embed import embedder_id
from evals.training.fact_calibration import Constants, PatternFigures
from evals.training.kind_heads import KINDS, KindHeads
from evals.training.roles import small_of


def write_reader(
    folder: Path,
    weights: NDArray[np.float32],
    bias: NDArray[np.float32],
    features: NDArray[np.uint32],
    constants: Constants,
    kinds: KindHeads,
    patterns: Sequence[PatternFigures],
    trained: int,
) -> None:
    """Write the heads of the keys and of the kinds; the same fit gives the same bytes."""
    kept = np.flatnonzero(constants.head)
    small, scales = small_of(weights[:, kept].astype(np.float64))
    small_kinds, kind_scales = small_of(kinds.weights.astype(np.float64))
    names = [key.id for key in load_vocabulary()]
    arrays: dict[str, NDArray[np.int8] | NDArray[np.uint32]] = {
        WEIGHTS: small,
        FEATURES: features,
        KIND_WEIGHTS: small_kinds,
    }
    stored = {name: _bytes(array) for name, array in arrays.items()}
    rows = {
        names[key]: {
            "scale": round(float(scales[n]), 9),
            "bias": round(float(bias[key]), 6),
            "limit": round(float(constants.limit[key]), 4),
            "offset": round(float(constants.offset[key]), 5),
        }
        for n, key in enumerate(kept.tolist())
    }
    written = {
        "about": "Written by `python -m evals.training.fact_heads`; a change by hand is noticed.",
        "denials": [_figures(row) for row in patterns if row.polarity == "denied"],
        "embedder": embedder_id(),
        "keys": rows,
        "kinds": {
            "names": list(KINDS),
            "bias": [round(float(value), 6) for value in kinds.bias],
            "scales": [round(float(value), 9) for value in kind_scales],
            "features": kinds.features.tolist(),
        },
        "mix": [round(float(value), 5) for value in constants.mix],
        "patterns": [_figures(row) for row in patterns if row.polarity != "denied"],
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in stored.items()},
        "trained_on": trained,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in stored.items():
        (folder / name).write_bytes(content)
    (folder / CONSTANTS).write_text(json.dumps(written, indent=1) + "\n", "utf-8")


def carry_outlook(folder: Path, before: Sequence[str], after: Sequence[str]) -> None:
    """Adapt the outlook heads in a folder to a new list of keys: old keys keep their weights, new keys get zeros.

    The heads are linear in the scores of the keys, in key order, so they give the same results for the same scores
    until the next fit. Without this step, the readings for that fit could not be computed.
    """
    old = read_outlook(folder)
    places = {key: place for place, key in enumerate(before)}
    moved = {}
    for name in (field.name for field in fields(old)):
        weights = getattr(old, name)
        if weights.ndim == 2:  # noqa: PLR2004
            head, tail = np.split(weights, [len(weights) - len(before)])
            none = np.zeros(weights.shape[1])
            moved[name] = np.vstack([head, *(tail[places[key]] if key in places else none for key in after)])
    write_outlook(replace(old, **moved), folder)


def _bytes(array: NDArray[np.int8] | NDArray[np.uint32]) -> bytes:
    stored = io.BytesIO()
    np.save(stored, array, allow_pickle=False)
    return stored.getvalue()


def _figures(row: PatternFigures) -> dict[str, str | float]:
    return {"key": row.key, "precision": round(row.precision, 3), "products": row.products}
