"""Map the labelled statements of real pages to the facts of the vocabulary.

`labels/facts.tsv` lists labelled places in files (labels as in `agent.facts.vocabulary.FactKey.labels`). If several
keys share a label, the words of the place decide. Each row names the lists of keys that its reader worked with
(`looked`): a place is neither a positive nor a negative example of a key that nobody looked for. Places whose role
carries no facts need no row, since nothing is read from them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.facts.vocabulary import Vocabulary, load_vocabulary
from agent.records import CARRYING, Polarity
from evals.training.labels import FOLDER, LabelledPage, rows_of

_RENAMED: Final = {
    "egress_limit": "egress_limits",
    "not_for_production": "not_production_ready",
    "headless": "headless_mode",
    "trades_or_pays_by_itself": "spends_money",
}
"""Old label → its present name in the vocabulary."""
_LOCAL: Final = re.compile(r"localhost|127\.0\.0\.1|loopback|\[?::1\b", re.IGNORECASE)
_MONEY: Final = re.compile(r"spend|budget|cost|\$|amount|price|usd|payment|transfer|balance|dollar", re.IGNORECASE)
_NEVER: Final = re.compile(r"den(?:y|ied)|block|forbid|never|reject|blacklist", re.IGNORECASE)
_SPLIT: Final = {
    "listens_on_network": (_LOCAL, "listens_locally", "listens_on_network"),
    "limits": (_MONEY, "spending_limit", "run_limit"),
    "named_services": (None, "connected_services", "connected_services"),
    "allow_list": (_NEVER, "deny_list", "allow_list"),
}
"""Labels that stand for two keys: the deciding pattern, the key if it matches, and the key if not."""
_MIN_SHARE: Final = 0.5


@dataclass(frozen=True)
class FactLabel:
    """The facts of one labelled place."""

    start: int
    end: int
    labels: tuple[str, ...]
    """The labels; a denial is prefixed with a minus."""
    second: tuple[str, ...] | None
    """The labels of a second, independent reader, or None if there was no second reader."""
    looked: str = "ab"
    """The lists of keys that the reader looked for: a (first list), b (additions of the second), c (third list)."""


def read_fact_labels(folder: Path = FOLDER) -> dict[str, list[FactLabel]]:
    """Load the labelled places, keyed by the SHA-256 of their file. Raises OSError when a file is missing."""
    hashes = {row["text"]: row["sha256"] for row in rows_of(folder / "texts.tsv")}
    found: dict[str, list[FactLabel]] = {}
    for row in rows_of(folder / "facts.tsv"):
        second = None if row["second"] == "-" else _labels(row["second"])
        label = FactLabel(int(row["start"]), int(row["end"]), _labels(row["facts"]), second, row["looked"])
        found.setdefault(hashes[row["text"]], []).append(label)
    return found


@lru_cache(maxsize=8)
def looked_for(lists: str, folder: Path = FOLDER) -> NDArray[np.bool_]:
    """Return a mask of the keys in these lists, shape (k,); `lists` has the format of `FactLabel.looked`.

    `lists.tsv` has the keys of each list. The array is cached and read-only.
    """
    inside = {row["key"] for row in rows_of(folder / "lists.tsv") if row["list"] in lists}
    found = np.array([key.id in inside for key in load_vocabulary()], dtype=bool)
    found.flags.writeable = False
    return found


def _labels(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip() and part.strip() != "facts")


def keys_of(labels: Sequence[str], text: str, vocabulary: Vocabulary | None = None) -> dict[str, Polarity]:
    """Map a place's labels to keys with their polarity; its `text` resolves ambiguous labels. Ignore unknown labels."""
    known = vocabulary or load_vocabulary()
    found: dict[str, Polarity] = {}
    for raw in labels:
        label = raw.lstrip("-")
        label = _RENAMED.get(label, label)
        if label in _SPLIT:
            words, fitting, other = _SPLIT[label]
            key = fitting if words is not None and words.search(text) else other
        else:
            same = known.labelled(label)
            key = same.id if same else label if label in known else ""
        if key:
            found[key] = "denied" if raw.startswith("-") else "asserted"
    return found


@dataclass(frozen=True)
class Truth:
    """The fact labels of one page with n statements, for k keys."""

    looked: NDArray[np.bool_]
    """Shape (n, k): whether a reader looked for the key in the places that overlap the statement."""
    facts: tuple[dict[str, Polarity], ...]
    """The keys that each statement states or denies."""
    weight: NDArray[np.float64]
    """Shape (n, k): 1, or a fraction if several statements share the facts of one place."""


def truth_of(page: LabelledPage, places: Sequence[FactLabel]) -> Truth:
    """Convert the labelled `places` of a page's file to labels of its statements."""
    vocabulary = load_vocabulary()
    shape = (len(page.statements), len(vocabulary))
    known = Truth(np.zeros(shape, dtype=bool), tuple({} for _ in page.statements), np.ones(shape))
    unknown = np.zeros(shape, dtype=bool)
    by_place = {(place.start, place.end): place for place in places}
    for label, held in zip(page.labels, page.held, strict=True):
        place = by_place.get((label.start, label.end))
        rows = list(held)
        if label.role not in CARRYING:
            known.looked[rows] |= np.array([label.role not in key.carried_by for key in vocabulary])
        if place is not None:
            known.looked[rows] |= looked_for(place.looked)
            _state(known, page, held, place)
        if label.role in CARRYING:
            # The statement may state a key in a part where nobody looked for this key.
            unknown[rows] |= ~looked_for(place.looked if place else "")
    known.looked[unknown] = False
    for alone, held in zip(page.places, page.places_held, strict=True):
        place = by_place[alone.start, alone.end]
        known.looked[list(held)] |= looked_for(place.looked)
        _state(known, page, held, place)
    for number, found in enumerate(known.facts):
        known.looked[number, [vocabulary.order[key] for key in found]] = True
    return known


def _state(known: Truth, page: LabelledPage, held: Mapping[int, int], place: FactLabel) -> None:
    """Assign the facts of a place to the statements that contain most of its words."""
    if not (held and place.labels):
        return
    order = load_vocabulary().order
    best, total = max(held.values()), sum(held.values())
    own = [n for n, shared in held.items() if shared >= min(best, _MIN_SHARE * total)]
    for number in own:
        keys = keys_of(place.labels, page.statements[number].text)
        known.facts[number].update(keys)
        known.weight[number, [order[key] for key in keys]] = 1 / len(own)
