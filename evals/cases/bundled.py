"""The bundled cases, and the keys that tell cases apart."""

import hashlib
from functools import lru_cache
from typing import Final

from agent.resources import data_folder
from evals.cases.case import Case
from evals.cases.corpus import load_cases
from evals.cases.families import Identity

_KEY_CHARS: Final = 32


def who(case: Case) -> Identity:
    """The name and vendor of a case's product, for telling families apart."""
    return Identity(case.name, case.vendor)


def text_key(case: Case) -> str:
    """Hash of the texts that a drafter sees of a case."""
    digest = hashlib.sha256()
    for page in case.pages:
        digest.update(page.markdown.encode() + b"\0")
    return digest.hexdigest()[:_KEY_CHARS]


@lru_cache(maxsize=1)
def bundled_cases() -> tuple[Case, ...]:
    """The bundled cases without the examples, sorted by slug."""
    return tuple(case for case in load_cases(data_folder("corpus") / "cases") if not case.example)
