"""Which facts of the vocabulary the labelled statements of real pages state.

`labels/facts.tsv` has places of files with labels (`agent.facts.vocabulary.FactKey.labels`); a label that several keys
share is told apart by the words of its place. A place without a row, or with an empty one, states no fact.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.facts.vocabulary import Vocabulary, load_vocabulary
from agent.records import CARRYING, Polarity
from evals.training.labels import FOLDER, LabelledPage

_RENAMED: Final = {
    "egress_limit": "egress_limits",
    "not_for_production": "not_production_ready",
    "headless": "headless_mode",
    "trades_or_pays_by_itself": "spends_money",
}
"""Labels that were given before the vocabulary had its names."""
_LOCAL: Final = re.compile(r"localhost|127\.0\.0\.1|loopback|\[?::1\b", re.IGNORECASE)
_MONEY: Final = re.compile(r"spend|budget|cost|\$|amount|price|usd|payment|transfer|balance|dollar", re.IGNORECASE)
_NEVER: Final = re.compile(r"den(?:y|ied)|block|forbid|never|reject|blacklist", re.IGNORECASE)
_SPLIT: Final = {
    "listens_on_network": (_LOCAL, "listens_locally", "listens_on_network"),
    "limits": (_MONEY, "spending_limit", "run_limit"),
    "named_services": (None, "connected_services", "connected_services"),
    "allow_list": (_NEVER, "deny_list", "allow_list"),
}
"""Labels that the vocabulary splits: the words by which, the key with them and the key without."""
_MIN_SHARE: Final = 0.5


@dataclass(frozen=True)
class FactLabel:
    """The facts of one labelled place."""

    start: int
    end: int
    labels: tuple[str, ...]
    """A denial has a minus in front."""
    second: tuple[str, ...] | None
    """What a second, independent reader said; None where nobody did."""


def read_fact_labels(folder: Path = FOLDER) -> dict[str, list[FactLabel]]:
    """The labelled places by the sha256 of their file. Raises OSError when a file is not there."""
    hashes = {row["text"]: row["sha256"] for row in _rows(folder / "texts.tsv")}
    found: dict[str, list[FactLabel]] = {}
    for row in _rows(folder / "facts.tsv"):
        second = None if row["second"] == "-" else _labels(row["second"])
        label = FactLabel(int(row["start"]), int(row["end"]), _labels(row["facts"]), second)
        found.setdefault(hashes[row["text"]], []).append(label)
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _labels(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip() and part.strip() != "facts")


def keys_of(labels: Sequence[str], text: str, vocabulary: Vocabulary | None = None) -> dict[str, Polarity]:
    """The keys that labels of a place with this text mean, each with its polarity; unknown labels mean none."""
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
    """What was labelled of the statements of one page."""

    labelled: NDArray[np.bool_]
    """Shape (n,): whether a labelled place holds most of the statement."""
    facts: tuple[dict[str, Polarity], ...]
    """Of each statement its keys."""
    weight: NDArray[np.float64]
    """Shape (n,): 1, shared by the statements of one place."""


def truth_of(page: LabelledPage, places: Sequence[FactLabel]) -> Truth:
    """The facts of the statements of a page; `places` are those of its file."""
    count = len(page.statements)
    by_place = {(place.start, place.end): place for place in places}
    facts: list[dict[str, Polarity]] = [{} for _ in range(count)]
    labelled = np.zeros(count, dtype=bool)
    weight = np.ones(count)
    unknown = np.zeros(count, dtype=bool)
    for label, held in zip(page.labels, page.held, strict=True):
        place = by_place.get((label.start, label.end))
        if not held:
            continue
        # A place that carries facts and has no row was labelled with its role alone.
        seen = labelled if place is not None or label.role not in CARRYING else unknown
        seen[list(held)] = True
        if place is None or not place.labels:
            continue
        best, total = max(held.values()), sum(held.values())
        own = [n for n, shared in held.items() if shared >= min(best, _MIN_SHARE * total)]
        for number in own:
            facts[number].update(keys_of(place.labels, page.statements[number].text))
            weight[number] = 1 / len(own)
    return Truth(labelled & ~unknown, tuple(facts), weight)
