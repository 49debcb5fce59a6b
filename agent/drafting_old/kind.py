"""What kind of product a listing describes, told from its name and first lines only.

The kinds are in `corpus/knowledge/kinds.yaml`, each with phrases and with descriptions of made-up products. Only the
lead of the listing is read, so text further down (or added at the end) cannot change the kind.

    score(kind)       = 15 · likeness + 1.5 · phrases
    likeness          = mean of (0.6 · best + 0.4 · mean cosine to the descriptions) and the cosine to their mean
    phrases           = share of the kind's phrases in name and first line + half the share in the lead
    probability(kind) = softmax(score)
"""

import functools
import re
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

from agent.errors import InputError
from agent.evidence.reading import Reading
from agent.evidence.signals import compile_phrase
from agent.resources import data_folder
from agent.retrieval.embed import embed

LEAD_STATEMENTS: Final = 6
"""At most this many sentences make the lead."""
LEAD_PARAGRAPHS: Final = 2
LEAD_WORDS: Final = 25
"""A first paragraph of that many words is the whole lead; a shorter one is a tagline, and the next belongs to it."""
LINE_WORDS: Final = 4
"""A paragraph of fewer words (a menu entry, a label) is passed over."""
_LIKENESS: Final = 15.0
_PHRASES: Final = 1.5
_BEST: Final = 0.6
_FIRST_LINES: Final = 5
_REMEMBERED: Final = 64


class Kind(NamedTuple):
    """One product kind."""

    key: str
    title: str
    """Used after "typical for", with its article."""
    words: tuple[re.Pattern[str], ...]
    sentences: tuple[str, ...]


class KindGuess(NamedTuple):
    """The likeliest kind."""

    key: str
    title: str
    probability: float


class Lead(NamedTuple):
    """What the first lines say, in numbers."""

    probabilities: tuple[float, ...]
    """One for each kind, in the order of `load_kinds`; they add up to 1."""
    likeness: tuple[float, ...]
    """Best cosine of the lead to each kind's descriptions, -1 to 1."""


@functools.cache
def load_kinds(path: Path | None = None) -> tuple[Kind, ...]:
    """The kinds of `path`, or of the bundled knowledge. Raises InputError when the file is not a list of kinds."""
    file = path or data_folder("corpus") / "knowledge" / "kinds.yaml"
    rows = yaml.safe_load(file.read_text("utf-8"))
    if not isinstance(rows, list) or not all(
        isinstance(r, dict) and {"key", "title", "words", "sentences"} <= r.keys() for r in rows
    ):
        raise InputError("the kinds file is not a list of kinds", where=file.name, hint="key, title, words, sentences")
    return tuple(
        Kind(
            str(row["key"]),
            str(row["title"]),
            tuple(re.compile(compile_phrase(str(w))[0], re.IGNORECASE) for w in row["words"]),
            tuple(str(s) for s in row["sentences"]),
        )
        for row in rows
    )


def lead(reading: Reading) -> tuple[int, ...]:
    """Indexes of the statements that open the listing: its tagline and first paragraph, at most six sentences.

    Only descriptions of the product without a finding count; when there is none, any statement without a finding.
    """
    opening = _opening(reading)
    chosen = [n for n in opening if reading.statements[n].sort == "description"] or opening
    return tuple(chosen[:LEAD_STATEMENTS])


def _opening(reading: Reading) -> list[int]:
    """The sentences of the listing's first two paragraphs, or of the first if it is long."""
    first = reading.documents[0] if reading.documents else None
    rows = [n for n, s in enumerate(reading.statements) if first and s.document == first.id and not s.flagged]
    paragraphs: list[list[int]] = []
    end = 0
    for n in rows:
        statement = reading.statements[n]
        if not paragraphs or (first and "\n" in first.text[end : statement.start]):
            paragraphs.append([])
        paragraphs[-1].append(n)
        end = statement.end
    found: list[int] = []
    taken = 0
    for paragraph in paragraphs:
        words = sum(len(reading.text(n).split()) for n in paragraph)
        if words < LINE_WORDS:
            continue
        found.extend(paragraph)
        taken += 1
        if taken == LEAD_PARAGRAPHS or words >= LEAD_WORDS:
            break
    return found or rows[:1]


def weigh(reading: Reading) -> Lead:
    """Probabilities of the kinds, and how alike the lead is to each."""
    kinds = load_kinds()
    indexes = lead(reading)
    name = reading.documents[0].title if reading.documents else ""
    if not indexes:
        return Lead((round(1 / len(kinds), 4),) * len(kinds), (0.0,) * len(kinds))
    texts = [reading.text(n) for n in indexes]
    vector = reading.vectors[list(indexes)].mean(axis=0)
    vector = vector / max(float(np.linalg.norm(vector)), 1e-9)
    head = f"{name}. {texts[0]}"
    opening = " ".join(texts[:_FIRST_LINES])
    scores = np.zeros(len(kinds))
    likeness: list[float] = []
    said = _said(head, opening)
    for n, (rows, centre) in enumerate(_descriptions()):
        cosines = rows @ vector
        best = float(cosines.max())
        alike = (_BEST * best + (1 - _BEST) * float(cosines.mean()) + float(centre @ vector)) / 2
        scores[n] = _LIKENESS * alike + _PHRASES * said[n]
        likeness.append(round(best, 4))
    weights = np.exp(scores - scores.max())
    return Lead(tuple(round(float(p), 4) for p in weights / weights.sum()), tuple(likeness))


def guess(probabilities: tuple[float, ...]) -> KindGuess:
    """The likeliest kind; the earlier one in the file on a tie."""
    kinds = load_kinds()
    best = max(range(len(kinds)), key=lambda n: (probabilities[n], -n))
    return KindGuess(kinds[best].key, kinds[best].title, probabilities[best])


@functools.lru_cache(maxsize=_REMEMBERED)
def _said(head: str, opening: str) -> tuple[float, ...]:
    """By kind how much of its words the name with the first sentence and the opening say."""
    return tuple(_share(kind.words, head) + _share(kind.words, opening) / 2 for kind in load_kinds())


def _share(words: tuple[re.Pattern[str], ...], text: str) -> float:
    return sum(bool(w.search(text)) for w in words) / max(len(words), 1)


@functools.cache
def _descriptions() -> tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]:
    found = []
    for kind in load_kinds():
        rows = embed(kind.sentences)
        centre = rows.mean(axis=0)
        found.append((rows, centre / np.linalg.norm(centre)))
    return tuple(found)
