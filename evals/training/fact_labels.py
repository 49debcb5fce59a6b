"""Map the labelled statements of real pages to the facts of the vocabulary.

`labels/facts.tsv` lists labelled places in files (labels as in `agent.facts.vocabulary.FactKey.labels`). If several
keys share a label, the words of the place decide. Each row names the lists of keys that its reader worked with
(`looked`): a place is neither a positive nor a negative example of a key that nobody looked for. Places whose role
carries no facts need no row, since nothing is read from them.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.facts.vocabulary import load_vocabulary
from agent.records import CARRYING
from evals.training.labels import FOLDER, LabelledPage, rows_of

_RENAMED: Final = {
    "egress_limit": "egress_limits",
    "not_for_production": "not_production_ready",
    "headless": "headless_mode",
    "trades_or_pays_by_itself": "spends_money",
}
"""Old label → its current name in the vocabulary."""
_LOCAL: Final = re.compile(r"localhost|127\.0\.0\.1|loopback|\[?::1\b", re.IGNORECASE)
_MONEY: Final = re.compile(r"spend|budget|cost|\$|amount|price|usd|payment|transfer|balance|dollar", re.IGNORECASE)
_NEVER: Final = re.compile(r"den(?:y|ied)|block|forbid|never|reject|blacklist", re.IGNORECASE)
_SPLIT: Final = {
    "listens_on_network": (_LOCAL, "listens_locally", "listens_on_network"),
    "limits": (_MONEY, "spending_limit", "run_limit"),
    "named_services": (None, "connected_services", "connected_services"),
    "allow_list": (_NEVER, "deny_list", "allow_list"),
}
"""Labels that stand for two keys: the pattern that decides, the key if it matches, and the key if it does not."""
_MIN_SHARE: Final = 0.5


class FactLabel(NamedTuple):
    """The facts of one labelled place."""

    start: int
    end: int
    labels: tuple[str, ...]
    """The labels; a denial is prefixed with a minus."""
    looked: str = "ab"
    """The lists of keys that the reader looked for: a (first list), b (additions of the second), c (third list)."""


class Truth(NamedTuple):
    """The fact labels of one page with n statements, for k keys; all arrays have the shape (n, k)."""

    looked: NDArray[np.bool_]
    """Whether a reader looked for the key in the places that overlap the statement."""
    says: NDArray[np.int8]
    """1 if the statement states the key, -1 if it denies it."""
    weight: NDArray[np.float64]
    """1, or a fraction if several statements share the facts of one place."""


def read_fact_labels(folder: Path = FOLDER) -> dict[str, list[FactLabel]]:
    """Load the labelled places, keyed by the SHA-256 of their file. Raises OSError when a file is missing."""
    hashes = {row["text"]: row["sha256"] for row in rows_of(folder / "texts.tsv")}
    found: dict[str, list[FactLabel]] = defaultdict(list)
    for row in rows_of(folder / "facts.tsv"):
        labels = (part.strip() for part in row["facts"].split(","))
        stated = tuple(label for label in labels if label not in ("", "facts"))
        found[hashes[row["text"]]].append(FactLabel(int(row["start"]), int(row["end"]), stated, row["looked"]))
    return found


@lru_cache(maxsize=8)
def looked_for(lists: str) -> NDArray[np.bool_]:
    """Return a mask of the keys in these lists, shape (k,); `lists` has the format of `FactLabel.looked`.

    `lists.tsv` has the keys of each list. The array is cached and read-only.
    """
    inside = {row["key"] for row in rows_of(FOLDER / "lists.tsv") if row["list"] in lists}
    found = np.array([key.id in inside for key in load_vocabulary()], dtype=bool)
    found.flags.writeable = False
    return found


def keys_of(labels: Sequence[str], text: str) -> dict[str, int]:
    """Map a place's labels to keys, -1 if denied, else 1; its `text` resolves ambiguous labels. Skip unknown labels."""
    vocabulary = load_vocabulary()
    found = {}
    for raw in labels:
        label = raw.lstrip("-")
        label = _RENAMED.get(label, label)
        if label in _SPLIT:
            words, fitting, other = _SPLIT[label]
            key = fitting if words is not None and words.search(text) else other
        else:
            same = vocabulary.labelled(label)
            key = same.id if same else label if label in vocabulary else ""
        if key:
            found[key] = -1 if raw.startswith("-") else 1
    return found


def truth_of(page: LabelledPage, labels: Sequence[FactLabel]) -> Truth:
    """Convert the fact labels of a page's file to labels of its statements."""
    vocabulary = load_vocabulary()
    shape = (len(page.statements), len(vocabulary))
    looked, says, weight = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=np.int8), np.ones(shape)
    unknown = np.zeros(shape, dtype=bool)
    by_place = {(label.start, label.end): label for label in labels}
    given = [
        (place, by_place.get((place.start, place.end)), held)
        for place, held in zip(page.places, page.held, strict=True)
    ]
    for place, label, held in given:
        rows = list(held)
        if place.role in CARRYING:
            # The statement may state a key in a part that was not checked for it.
            unknown[rows] |= ~looked_for(label.looked if label else "")
        elif place.role:
            looked[rows] |= np.array([place.role not in key.carried_by for key in vocabulary])
        if place.role and label:
            looked[rows] |= looked_for(label.looked)
    looked[unknown] = False
    for place, label, held in given:
        if not place.role:
            looked[list(held)] |= looked_for(by_place[place.start, place.end].looked)
        if label and label.labels and held:
            # The facts belong to the statements that contain most of the words of their place.
            best, total = max(held.values()), sum(held.values())
            own = [n for n, shared in held.items() if shared >= min(best, _MIN_SHARE * total)]
            for number in own:
                for key, sign in keys_of(label.labels, page.statements[number].text).items():
                    says[number, vocabulary.order[key]] = sign
                    weight[number, vocabulary.order[key]] = 1 / len(own)
    return Truth(looked | (says != 0), says, weight)
