"""Write fitted weights in the form that the agent reads: arrays, and constants in JSON. The same fit gives the same
bytes."""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.records import Record
from agent.resources import data_folder

_SMALLEST: Final = 127


def small_of(weights: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Quantise the weights to one-byte integers; return them with the scale factor of each column."""
    scales = np.abs(weights).max(axis=0) / _SMALLEST
    return np.ascontiguousarray(np.round(weights / scales).astype(np.int8)), scales


def rounded(values: Iterable[float], digits: int) -> list[float]:
    """Round values for storage as constants."""
    return [round(float(value), digits) for value in values]


def write_arrays(folder: Path, arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, str]:
    """Write each array to a file in `folder`; return the SHA-256 of each file. `arrays` maps file names to arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    hashes = {}
    for name, array in arrays.items():
        stored = io.BytesIO()
        np.save(stored, array, allow_pickle=False)
        (folder / name).write_bytes(stored.getvalue())
        hashes[name] = hashlib.sha256(stored.getvalue()).hexdigest()
    return hashes


def write_constants(path: Path, script: str, constants: Mapping[str, object]) -> None:
    """Write constants, with the name of the script that fitted them."""
    about = {"about": f"Written by `python -m evals.training.{script}`; changes by hand are detected."}
    path.write_text(json.dumps(about | dict(constants), indent=1) + "\n", "utf-8")


def write_calibration(name: str, record: Record) -> None:
    """Write fitted constants of drafting to the file `name` in corpus/knowledge/calibration."""
    path = data_folder("corpus") / "knowledge" / "calibration" / name
    path.write_text(json.dumps(record.model_dump(mode="json"), indent=1) + "\n", "utf-8")
