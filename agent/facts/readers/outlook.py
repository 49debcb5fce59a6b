"""Estimates of factors and layers from the sources as a whole: learned heads over statements.

There are two kinds of heads, written by `python -m evals.training.derive` to corpus/knowledge/outlook:

    factors   linear in the vector of the first statements, the mean vector of those that state something, and the mean
              of the three best scores of each key
    layers    a logistic regression over the vector and scores of each statement; the mean of the three best results is
              calibrated, and the best statement itself is the quote on which the layer may rest

Text that carries no facts, flagged text and mere claims have no weight in either, so adding more such text changes
nothing. A statement whose scores are all low has no weight in the factors. Sentences about controls do not affect
factors: a control already counts as a fact with its rank, and must not count twice.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from agent.facts.readers.heads import load_heads, logistic, stored
from agent.facts.readers.kinds import MARKS
from agent.facts.vocabulary import load_vocabulary
from agent.intake.extract.statements.claims import COUNTING_RANK
from agent.records import CARRYING, Document, Outlook, Statement, Telling
from agent.resources import data_folder
from agent.retrieval.embed import DIMENSIONS, embed
from agent.taxonomy.factors import FACTOR_SETS, FactorKey
from agent.taxonomy.layers import LAYERS, LayerKey

if TYPE_CHECKING:
    from agent.facts.readers.embedded import EmbeddedReader

FACTORS: Final[tuple[FactorKey, ...]] = FACTOR_SETS["0.5"]
"""The labelled factors; the eleventh has no labels to learn from."""
WEIGHTS: Final = "weights.npz"
CONSTANTS: Final = "outlook.json"
BEST: Final = 3
"""The number of top scores to average: a single score depends too much on the wording of its statement."""
LOWEST: Final = -6.0
"""The score of a key that no statement mentions."""
STATES: Final = -1.0
"""A statement's weight is the excess of its best score for any key over this value."""
QUIET: Final = -3.0
"""A statement whose best score for any key does not exceed this states nothing; its scores affect no factor."""
SILENT: Final = -4.0
"""The corresponding limit for the first statements, where a sentence may say what a product is without stating a fact.

Both limits and `_LEAD` were chosen on held-out vendors (226 bundled cases, 30 real listings): the mean factor error
against the reader was 0.122 and 0.119 with them, 0.122 and 0.126 without. Nine of ten sentences that state nothing
score below the higher limit."""
FAINT: Final = -2.0
"""A statement whose best score for any key does not exceed this does not count as stating a fact."""
STATED: Final = 0.0
"""From this best score on, a statement counts fully as stating a fact; between `FAINT` and this, it counts in part."""
VECTOR_SCALE: Final = 3.0
SCORE_SCALE: Final = 0.2
_LEAD: Final = 6
"""The number of opening statements that define what a product is; text further down a page does not affect this."""
OF_CONTROLS: Final[LayerKey] = "security_compliance"
"""The layer that sentences about controls belong to. No statement is quoted for it, because a control that no fact
confirms is a mere claim and cannot make the layer certain."""
TELLS: Final = 0.0
"""Minimum log-odds at which a single statement says enough about a layer to be its quote."""
_QUOTE_WORDS: Final = 38
"""Maximum number of words of a quote; verification allows a few more."""
_QUOTE_CHARS: Final = 560
_LEAD_CHARS: Final = 1200
_FEW_WORDS: Final = 5
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OutlookHeads:
    """Weights of the outlook heads; k is the number of keys that the fact reader scores."""

    factor_weights: Floats
    """Shape (2 · 256 + k, 10)."""
    factor_bias: Floats
    layer_weights: Floats
    """Shape (256 + k, 7)."""
    layer_bias: Floats
    layer_slopes: Floats
    layer_offsets: Floats

    def factors(self, pooled: Floats) -> dict[FactorKey, float]:
        """Estimate the value of each factor, 0 to 1."""
        values = np.clip(pooled @ self.factor_weights + self.factor_bias, 0.0, 1.0)
        return {key: round(float(value), 4) for key, value in zip(FACTORS, values, strict=True)}

    def layers(self, statements: Sequence[Statement], features: Floats) -> dict[LayerKey, float]:
        """Estimate the probability that each layer is settled, 0 to 1; `features` come from `statement_features`."""
        odds = best_mean(unswayed(self._layer_odds(features), statements))
        chances = logistic(self.layer_slopes * odds + self.layer_offsets)
        return {key: round(float(value), 4) for key, value in zip(LAYERS, chances, strict=True)}

    def tellings(self, statements: Sequence[Statement], features: Floats) -> dict[LayerKey, Telling]:
        """For each layer, return the statement that says most about it (the first in a tie), unless none says enough.

        `features` come from `statement_features`.
        """
        if not statements:
            return {}
        odds = self._layer_odds(features)
        odds[[not _says_something(statement) for statement in statements]] = LOWEST
        odds[:, LAYERS.index(OF_CONTROLS)] = LOWEST
        best = odds.argmax(axis=0)
        found: dict[LayerKey, Telling] = {}
        for at, key in enumerate(LAYERS):
            if odds[best[at], at] >= TELLS:
                row = statements[best[at]]
                text = first_words(row.text)
                found[key] = Telling(
                    document=row.document,
                    start=row.start,
                    end=row.start + len(text),
                    quote=text,
                    rank=row.rank,
                    about=row.about,
                )
        return found

    def _layer_odds(self, features: Floats) -> Floats:
        found: Floats = features @ self.layer_weights + self.layer_bias
        return found


def with_estimates(
    outlook: Outlook,
    reader: "EmbeddedReader",
    documents: Sequence[Document],
    statements: Sequence[Statement],
    heads: OutlookHeads | None = None,
) -> Outlook:
    """Add estimates of factors and layers from the sources as a whole to the outlook, if there is any prose."""
    readable = readable_of(documents, statements)
    if not any(document.form == "prose" for document in documents):
        return outlook
    features = statement_features(readable, reader.scores(documents, readable))
    return weighed(outlook, heads or load_outlook(), pooled(documents, readable, features), readable, features)


def weighed(
    outlook: Outlook, heads: OutlookHeads, drawn: Floats, statements: Sequence[Statement], features: Floats
) -> Outlook:
    """Add to the outlook what `heads` estimate from statements, their `features` and `drawn` (from `pooled`)."""
    found = {
        "factors": heads.factors(drawn),
        "layers": heads.layers(statements, features),
        "tellings": heads.tellings(statements, features),
        "stating": _stating(features),
    }
    return outlook.model_copy(update=found)


def _stating(features: Floats) -> float:
    """Count the statements that say what the product does. One that barely does counts in part, and one that scores
    higher for a control does not count."""
    scores = features[:, DIMENSIONS:] / SCORE_SCALE
    controls = control_keys(load_heads().keys)
    best, control = (scores[:, own].max(axis=1, initial=LOWEST) for own in (~controls, controls))
    return round(float((np.clip((best - FAINT) / (STATED - FAINT), 0.0, 1.0) * (best >= control)).sum()), 2)


def control_keys(keys: Sequence[str]) -> NDArray[np.bool_]:
    """Return whether each key is a control, shape (k,)."""
    return np.array([key in load_vocabulary().controls for key in keys])


def unswayed(odds: Floats, statements: Sequence[Statement]) -> Floats:
    """Return the log-odds of layers, shape (n, 7), after removing controls without a stated default from the layer of
    controls: such a sentence must not clear a flag.
    """
    muted = np.array([is_control(row) and row.rank < COUNTING_RANK for row in statements], dtype=bool)
    odds = odds.copy()
    odds[muted, LAYERS.index(OF_CONTROLS)] = LOWEST
    return odds


def first_words(text: str) -> str:
    """Return the first words of `text`, verbatim, short enough for a quote."""
    places = [match.end() for match in re.finditer(r"\S+", text[:_QUOTE_CHARS])]
    return text[: places[min(len(places), _QUOTE_WORDS) - 1] if places else 0]


def readable_of(
    documents: Sequence[Document], statements: Sequence[Statement], *, claims: bool = False
) -> list[Statement]:
    """Return the prose statements that may carry facts about the product, without flagged ones, and without mere claims
    unless `claims` is set."""
    prose = {document.id for document in documents if document.form == "prose"}
    return [
        row
        for row in statements
        if row.document in prose
        and row.role in CARRYING
        and not row.flagged
        and row.about != "other"
        and (claims or not row.claim)
    ]


def is_control(statement: Statement) -> bool:
    """Return whether a statement is about a control, such as an approval, a limit or isolation."""
    return "control" in (statement.sort, statement.role)


def statement_features(statements: Sequence[Statement], scores: NDArray[np.float32]) -> Floats:
    """Return the scaled vector and scores of each statement, float64, shape (n, 256 + k)."""
    own = embed([statement.text for statement in statements])
    return np.hstack([own * VECTOR_SCALE, np.clip(scores, LOWEST, -LOWEST) * SCORE_SCALE]).astype(np.float64)


def pooled(documents: Sequence[Document], statements: Sequence[Statement], features: Floats) -> Floats:
    """Compute the input of the factor heads, shape (2 · 256 + k,), from `statements` and their `features`."""
    own, scores = features[:, :DIMENSIONS] / VECTOR_SCALE, features[:, DIMENSIONS:] / SCORE_SCALE
    best = scores.max(axis=1)
    counting = np.array([not is_control(statement) for statement in statements], dtype=bool)
    weights = np.maximum(0.0, best - STATES) * counting
    total = weights.sum()
    mean = (weights[:, None] * own).sum(axis=0) / total if total > 0 else np.zeros(DIMENSIONS)
    heard = [row for row, counts in zip(statements, counting & (best > SILENT), strict=True) if counts]
    first = next((document for document in documents if document.form == "prose"), None)
    told = "."
    if first is not None:
        said = [row.text for row in heard if row.document == first.id and _says_something(row)]
        told = " ".join(MARKS.sub(" ", " ".join([first.title, *said[:_LEAD]])).split())[:_LEAD_CHARS].strip() or "."
    lead = embed([told])[0]
    return np.concatenate([lead, mean, best_mean(scores[counting & (best > QUIET)]) * SCORE_SCALE]).astype(np.float64)


def _says_something(statement: Statement) -> bool:
    """Return whether a statement has enough words for a sentence. Labels and slogans do not say what a product is."""
    return len(statement.text.split()) >= _FEW_WORDS


def best_mean(scores: Floats) -> Floats:
    """Return the mean of each column's three best values. Missing values are `LOWEST`, so more rows never lower it."""
    padded = np.vstack([np.maximum(scores, LOWEST), np.full((BEST, scores.shape[1]), LOWEST)])
    found: Floats = np.sort(padded, axis=0)[::-1][:BEST].mean(axis=0)
    return found


@cache
def load_outlook() -> OutlookHeads:
    """Load the bundled heads. Raises IntegrityError if their files do not belong together."""
    return read_outlook(data_folder("corpus") / "knowledge" / "outlook")


def read_outlook(folder: Path) -> OutlookHeads:
    """Read the heads stored in a folder. Raises IntegrityError if its files were changed."""
    constants: dict[str, Any] = json.loads((folder / CONSTANTS).read_text("utf-8"))
    with np.load(stored(folder / WEIGHTS, constants["sha256"]), allow_pickle=False) as arrays:
        return OutlookHeads(**{name: arrays[name].astype(np.float64) for name in arrays.files})
