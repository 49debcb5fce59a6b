"""The bundled cases, and the keys that identify a case by its product or its texts."""

import hashlib
from functools import lru_cache
from typing import Final

from agent.resources import data_folder
from evals.cases.case import Case
from evals.cases.corpus import load_cases
from evals.cases.families import Identity

_KEY_CHARS: Final = 32


def who(case: Case) -> Identity:
    """Return the name and vendor of a case's product, from which its family is determined."""
    return Identity(case.name, case.vendor)


def text_key(case: Case) -> str:
    """Return a hash of the case's texts that a drafter sees."""
    digest = hashlib.sha256()
    for page in case.pages:
        digest.update(page.markdown.encode() + b"\0")
    return digest.hexdigest()[:_KEY_CHARS]


@lru_cache(maxsize=1)
def bundled_cases() -> tuple[Case, ...]:
    """Return the bundled cases without the examples, sorted by slug."""
    return tuple(case for case in load_cases(data_folder("corpus") / "cases") if not case.example)
