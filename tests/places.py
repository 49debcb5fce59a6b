"""Paths of the project, its test data and its cases, for tests in any folder."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
VECTORS: Final = ROOT / "tests" / "vectors"
GOLDEN: Final = ROOT / "tests" / "golden"
CASES: Final = ROOT / "corpus" / "cases"
