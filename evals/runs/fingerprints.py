"""Hashes of everything that an evaluation depends on, so that a comparison can say what differs between two runs."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from agent.pipeline import knowledge_fingerprint
from agent.records import DRAFT_SCHEMA
from agent.resources import data_folder
from agent.retrieval.passages import LEAST, MOST
from agent.scoring.result import CURRENT
from evals.cases.case import Case
from evals.cases.corpus import load_cases
from evals.cases.poison import FILE as POISONS
from evals.cases.variants import SPECIAL, TWINS
from evals.gate.stats import SEED
from evals.metrics.search_ranks import PER_DOCUMENT

SUITE_VERSION: Final = 1
"""Incremented whenever the meaning of a metric changes."""
PACKAGES: Final = ("numpy", "wordllama", "bm25s", "lxml", "pydantic", "cvss")
"""Packages whose new releases can change a result."""
_CHARS: Final = 16


def run_fingerprints(cases: Sequence[Case]) -> dict[str, str]:
    """Return the fingerprint of everything that a run depends on, by name."""
    corpus = data_folder("corpus")
    special = load_cases(corpus / SPECIAL)
    variants = [folder_fingerprint(corpus / TWINS, "*.md"), _sha((corpus / POISONS).read_bytes())]
    return {
        "corpus": _texts(cases),
        "labels": _labels(cases),
        "suite": str(SUITE_VERSION),
        "prompts": folder_fingerprint(data_folder("prompts"), "*.md"),
        "knowledge": knowledge_fingerprint(),
        "draft_schema": DRAFT_SCHEMA,
        "scoring_revision": str(CURRENT),
        "retrieval": f"passages of {LEAST} to {MOST} tokens, {PER_DOCUMENT} of a document for each question",
        "seed": str(SEED),
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "variants": _hash([*variants, _texts(special), _labels(special)]),
    }


def folder_fingerprint(folder: Path, pattern: str) -> str:
    """Return the fingerprint of the files under `folder` that match `pattern`, by path and content."""
    found = sorted(path for path in folder.rglob(pattern) if path.is_file())
    return _hash([[path.relative_to(folder).as_posix(), _sha(path.read_bytes())] for path in found])


def _texts(cases: Iterable[Case]) -> str:
    return _hash([[case.slug, case.name, case.vendor, case.text_key] for case in cases])


def _labels(cases: Iterable[Case]) -> str:
    return _hash(
        [
            [
                case.slug,
                case.labels_version,
                case.labels.model_dump(mode="json"),
                case.readings.model_dump(mode="json") if case.readings else None,
            ]
            for case in cases
        ]
    )


def _hash(content: object) -> str:
    return _sha(json.dumps(content, sort_keys=True, ensure_ascii=True).encode())


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_CHARS]
