"""Fits the calibration again from the bundled corpus: `python -m evals.refit` (`--check` only compares).

Run it after a change of cases, signals, kinds or of the estimator; the files under corpus/knowledge/calibration are
the result and are committed.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from agent.drafting_old.calibrate import write_calibration

from agent.errors import DriftError
from agent.resources import data_folder
from agent.settings import Settings
from evals.lessons import fit_all
from evals.script import run_script


def main(arguments: Sequence[str]) -> None:
    """Fit and write, or with `--check` fit and compare. Raises DriftError when the stored constants differ."""
    folder = data_folder("corpus") / "knowledge" / "calibration"
    fitted = fit_all(Settings())
    if "--check" not in arguments:
        write_calibration(fitted, folder)
        return
    with tempfile.TemporaryDirectory() as fresh:
        write_calibration(fitted, Path(fresh))
        for path in sorted(Path(fresh).iterdir()):
            stored = folder / path.name
            if not stored.exists() or stored.read_text("utf-8") != path.read_text("utf-8"):
                raise DriftError(
                    "the calibration is not what the corpus gives",
                    where=str(stored),
                    hint="run `python -m evals.refit` and commit the result",
                )


if __name__ == "__main__":
    run_script(main)
