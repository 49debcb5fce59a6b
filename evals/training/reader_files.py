"""Write the files of the embedded reader: weights as one-byte integers, and their constants."""

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agent.facts.readers.heads import CONSTANTS, FEATURES, KIND_WEIGHTS, WEIGHTS
from agent.facts.readers.outlook import (
    CONSTANTS as OUTLOOK_CONSTANTS,
    WEIGHTS as OUTLOOK,
    OutlookHeads,
    read_outlook,
)
from agent.facts.vocabulary import load_vocabulary
from agent.retrieval.embed import embedder_id
from evals.training.fact_calibration import Constants, PatternFigures
from evals.training.kind_heads import KINDS, KindHeads
from evals.training.weights import rounded, small_of, write_arrays, write_constants

if TYPE_CHECKING:
    from evals.training.fold_readers import Fit


def write_reader(
    folder: Path,
    fit: "Fit",
    features: NDArray[np.uint32],
    constants: Constants,
    kinds: KindHeads,
    patterns: Sequence[PatternFigures],
    trained: int,
) -> None:
    """Write the heads of the keys and of the kinds; the same fit gives the same bytes."""
    kept = np.flatnonzero(constants.head)
    small, scales = small_of(fit.weights[:, kept].astype(np.float64))
    small_kinds, kind_scales = small_of(kinds.weights.astype(np.float64))
    names = [key.id for key in load_vocabulary()]
    rows = {
        names[key]: {
            "scale": round(float(scales[n]), 9),
            "bias": round(float(fit.bias[key]), 6),
            "limit": round(float(constants.limit[key]), 4),
            "offset": round(float(constants.offset[key]), 5),
        }
        for n, key in enumerate(kept.tolist())
    }
    figures = [
        (p.polarity, {"key": p.key, "precision": round(p.precision, 3), "products": p.products}) for p in patterns
    ]
    written = {
        "denials": [row for polarity, row in figures if polarity == "denied"],
        "embedder": embedder_id(),
        "keys": rows,
        "kinds": {
            "names": list(KINDS),
            "bias": rounded(kinds.bias, 6),
            "scales": rounded(kind_scales, 9),
            "features": kinds.features.tolist(),
        },
        "mix": rounded(constants.mix, 5),
        "patterns": [row for polarity, row in figures if polarity != "denied"],
        "sha256": write_arrays(folder, {WEIGHTS: small, FEATURES: features, KIND_WEIGHTS: small_kinds}),
        "trained_on": trained,
    }
    write_constants(folder / CONSTANTS, "fact_heads", written)


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


def write_outlook(heads: OutlookHeads, folder: Path) -> None:
    """Write the heads of the outlook; identical heads give identical bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    named = {name: getattr(heads, name).astype(np.float32) for name in OutlookHeads.__dataclass_fields__}
    # Avoid np.savez, which writes the current time into the archive.
    with zipfile.ZipFile(folder / OUTLOOK, "w", zipfile.ZIP_STORED) as archive:
        for name, array in named.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), _bytes(array))
    digest = hashlib.sha256((folder / OUTLOOK).read_bytes()).hexdigest()
    text = json.dumps({"about": "Written by `python -m evals.training.derive`.", "sha256": digest}, indent=1)
    (folder / OUTLOOK_CONSTANTS).write_text(text + "\n", "utf-8")


def _bytes(array: NDArray[np.generic]) -> bytes:
    stored = io.BytesIO()
    np.save(stored, array, allow_pickle=False)
    return stored.getvalue()
