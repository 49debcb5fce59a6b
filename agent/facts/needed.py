"""Estimate how likely a threat model is to need each statement, to choose what an LLM sees of long documentation.

The estimate is a linear head, trained by `python -m evals.training.needed_head` (weights in corpus/knowledge/needed).
Its features are

    the vectors of the statement and its headings · the log-odds of its likeliest fact in each group of the vocabulary
    its scores in hybrid search for the groups · the probabilities of its roles · its form and position on the page

Roles are always reclassified here, so a role that was changed earlier has no effect.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agent.facts.readers.embedded import EmbeddedReader
from agent.facts.readers.heads import FactHeads, load_heads, stored
from agent.facts.vocabulary import GROUPS, load_vocabulary
from agent.intake.extract.statements.claims import COUNTING_RANK
from agent.intake.extract.statements.roles import ROLES, RoleClassifier, carries_facts, choose, load_roles, role_chances
from agent.records import CARRYING, Document, Statement
from agent.resources import data_folder
from agent.retrieval.embed import embed
from agent.retrieval.library import Library
from agent.retrieval.passages import estimate
from agent.retrieval.shown import Shown, passages_for

WEIGHTS: Final = "weights.npy"
CONSTANTS: Final = "needed.json"
_HIGHEST: Final = 8.0
"""Log-odds of a fact are clipped to plus or minus this value."""
_LEAST_CHANCE: Final = 0.01
_LEXICAL_PART: Final = 0.4
"""Weight of a group's best BM25 score, relative to a cosine similarity of 1."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NeededHead:
    """The weights and bias of the trained head."""

    weights: Floats
    """Shape (f,), with f as in `needed_features`."""
    bias: float

    def odds(self, features: Floats) -> Floats:
        """Compute the log-odds that a threat model needs each statement, shape (n,)."""
        found: Floats = features @ self.weights + self.bias
        return found


def needed_passages(documents: Sequence[Document], statements: Sequence[Statement], tokens: int) -> Shown:
    """Select the passages that a threat model is most likely to need, up to `tokens` in total, to show to an LLM."""
    return passages_for(documents, statements, tokens, needed)


def needed(library: Library) -> Floats:
    """Compute the log-odds that a threat model needs each statement of a library, shape (n,)."""
    return load_needed().odds(needed_features(library))


def needed_features(library: Library, heads: FactHeads | None = None, roles: RoleClassifier | None = None) -> Floats:
    """Compute the head's features, shape (n, f). By default, the bundled fact heads and role classifier are used."""
    given = library.statements
    if not given:
        return np.zeros((0, 0))
    vectors = embed([statement.text for statement in given])
    chances = role_chances(given, library.documents, vectors, roles)
    carries = carries_facts(chances, (roles or load_roles()).threshold)
    placed = [
        statement.model_copy(update={"role": ROLES[role]})
        for statement, role in zip(given, choose(chances, carries), strict=True)
    ]
    headings = embed([" ".join((*row.path[1:], *row.heads)).strip() or "." for row in given])
    carrying = [role in CARRYING for role in ROLES]
    parts = (
        vectors,
        headings,
        _of_facts(library.documents, placed, heads or load_heads()),
        _of_search(library),
        np.log(chances[:, carrying].sum(axis=1, keepdims=True) + _LEAST_CHANCE),
        np.log(chances + _LEAST_CHANCE),
        np.array([_of_form(statement) for statement in given]),
        _of_place(given),
    )
    return np.concatenate(parts, axis=1).astype(np.float64)


def _of_facts(documents: Sequence[Document], placed: Sequence[Statement], heads: FactHeads) -> Floats:
    """Compute the log-odds of the likeliest fact in each group of the vocabulary, shape (n, groups)."""
    vocabulary = load_vocabulary()
    scores = np.clip(EmbeddedReader(heads).scores(documents, placed), -_HIGHEST, _HIGHEST)
    group = np.array([vocabulary[key].group for key in heads.keys])
    rows = [scores[:, group == name].max(axis=1) for name in GROUPS if (group == name).any()]
    return np.stack(rows, axis=1).astype(np.float64)


def _of_search(library: Library) -> Floats:
    """Score each statement by one hybrid search per group: best, mean of the best three, mean of all; shape (n, 3)."""
    vocabulary = load_vocabulary()
    texts = [" ".join(key.search_text for key in vocabulary.group(group)) for group in GROUPS]
    scores = library.scores(texts, part=_LEXICAL_PART)
    ranked = np.sort(np.where(np.isfinite(scores), scores, 0.0), axis=0)[::-1]
    return np.stack([ranked[0], ranked[:3].mean(axis=0), ranked.mean(axis=0)], axis=1)


def _of_form(statement: Statement) -> list[float]:
    text = statement.text
    size = float(np.log1p(estimate(text)))
    return [
        size,
        size * size,
        float(statement.sort == "control"),
        *(float(statement.block == kind) for kind in ("item", "row", "code")),
        float(statement.rank >= COUNTING_RANK),
        float(len(statement.path)),
        float(any(char.isdigit() for char in text)),
        float(text.rstrip().endswith((":", "："))),
        float(statement.claim),
        float("`" in text),
        float(statement.about != "product"),
    ]


def _of_place(statements: Sequence[Statement]) -> Floats:
    """Compute each statement's position on its page, 0 to 1, and whether it opens its section; shape (n, 2)."""
    last: dict[str, int] = {}
    for statement in statements:
        last[statement.document] = max(last.get(statement.document, 1), statement.end)
    seen: set[tuple[str, tuple[str, ...]]] = set()
    rows = []
    for statement in statements:
        place = (statement.document, statement.path)
        rows.append((statement.start / last[statement.document], float(place not in seen)))
        seen.add(place)
    return np.array(rows)


@cache
def load_needed() -> NeededHead:
    """Load the bundled head. Raises IntegrityError if its files do not belong together."""
    return read_needed(data_folder("corpus") / "knowledge" / "needed")


def read_needed(folder: Path) -> NeededHead:
    """Read the head stored in a folder. Raises IntegrityError if its files were changed."""
    constants: dict[str, Any] = json.loads((folder / CONSTANTS).read_text("utf-8"))
    weights = np.load(stored(folder / WEIGHTS, constants["sha256"]), allow_pickle=False)
    return NeededHead(weights.astype(np.float64), float(constants["bias"]))
