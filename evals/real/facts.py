"""Compare the facts asserted about real products with labels of their statements.

A label names what a statement says. For each key, the vocabulary lists the labels that mean this key (`labels`) and
broader labels that may mean it (`candidates`). Only parts of long pages are labelled, so a fact counts for precision
only if one of its quotes lies in a labelled statement and the fact is not shown as inferred. For recall, any fact about
the product counts. Keys without labels are not judged. The labellers do not agree completely: 87 % of the second
labeller's labels are among the first labeller's labels of the same product.
"""

import csv
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from agent.errors import SourceError
from agent.facts.vocabulary import load_vocabulary
from agent.records import Document, Evidence, Fact, Record
from evals.metrics.arithmetic import mean, share
from evals.training.align import align

LABELS: Final = "labels.tsv"
_MINUS: Final = "-"


class Place(NamedTuple):
    """The place of a labelled statement in a file as published, and its labels."""

    start: int
    end: int
    facts: frozenset[str]
    """The statement's labels; a denial is prefixed with a minus."""


Gold = Mapping[str, Sequence[Place]]
"""The labelled statements of one product, by file name inside the product's folder."""


class FactRow(Record):
    """The keys asserted or denied about one product, compared with its labels. Denials are prefixed with a minus."""

    slug: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    """Keys that are quoted from labelled statements although no statement of the product has a matching label."""
    found: tuple[str, ...]
    """Labels matched by a fact about the product."""
    missed: tuple[str, ...]
    outside: tuple[str, ...]
    """Keys that are not judged, because they are quoted only from unlabelled statements or have no labels."""


def read_gold(texts: Path) -> dict[str, Gold]:
    """Load the labels, keyed by product. Raises SourceError when there are none."""
    path = texts / LABELS
    if not path.is_file():
        raise SourceError(
            "there are no labels", where=str(path), hint="facts can be measured only where they are labelled"
        )
    found: dict[str, dict[str, list[Place]]] = defaultdict(lambda: defaultdict(list))
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            labels = frozenset(part.strip() for part in row["facts"].split(",") if part.strip())
            found[row["slug"]][row["file"]].append(Place(int(row["start"]), int(row["end"]), labels))
    return dict(sorted(found.items()))


class Labelled:
    """The places of a file's labelled statements in the document that intake produces from the file."""

    def __init__(self, raw: str, document: Document, places: Sequence[Place]) -> None:
        pairs = align(raw, document.text)
        starts = [pair.first.start for pair in pairs]
        found = (pairs[bisect_left(starts, place.start) : bisect_right(starts, place.end)] for place in places)
        self._spans = [(inside[0].second.start, inside[-1].second.end) for inside in found if inside]

    def holds(self, item: Evidence) -> bool:
        """Return whether a quote overlaps a labelled statement."""
        return any(item.start < end and start < item.end for start, end in self._spans)


def fact_row(
    slug: str, facts: Iterable[Fact], evidence: Iterable[Evidence], labelled: Mapping[str, Labelled], gold: Gold
) -> FactRow:
    """Compare the facts about one product with its labels; `labelled` is keyed by document id."""
    words = load_vocabulary()
    inside = {item.id for item in evidence if item.document in labelled and labelled[item.document].holds(item)}
    labels = {label for places in gold.values() for place in places for label in place.facts}
    judged: dict[str, bool] = {}
    outside: set[str] = set()
    meant: set[str] = set()
    for fact in facts:
        if fact.about != "product" or not fact.counts or fact.key not in words:
            continue
        sign, key = _MINUS if fact.polarity == "denied" else "", words[fact.key]
        means = {sign + label for label in (*key.labels, *key.candidates)}
        meant |= means
        # Skip inferred facts, since they are shown as likely, not asserted.
        if fact.state != "inferred" and means and not inside.isdisjoint(fact.evidence):
            judged[sign + fact.key] = bool(means & labels)
        elif fact.state != "inferred":
            outside.add(sign + fact.key)
    known = {label for key in words for label in (*key.labels, *key.candidates)}
    wanted = {label for label in labels if label.removeprefix(_MINUS) in known}
    return FactRow(
        slug=slug,
        right=tuple(sorted(key for key, good in judged.items() if good)),
        wrong=tuple(sorted(key for key, good in judged.items() if not good)),
        found=tuple(sorted(wanted & meant)),
        missed=tuple(sorted(wanted - meant)),
        outside=tuple(sorted(outside - judged.keys())),
    )


def fact_figures(rows: Sequence[FactRow]) -> dict[str, float | None]:
    """Compute precision and recall over all products and as means per product, 0 to 1."""
    precisions = [(len(row.right), len(row.right) + len(row.wrong)) for row in rows]
    recalls = [(len(row.found), len(row.found) + len(row.missed)) for row in rows]
    judged = sum(whole for _, whole in precisions)
    return {
        "products": float(len(rows)),
        "fact_precision": share(sum(part for part, _ in precisions), judged),
        "fact_recall": share(sum(part for part, _ in recalls), sum(whole for _, whole in recalls)),
        "fact_precision_mean": mean(share(*counted) for counted in precisions),
        "fact_recall_mean": mean(share(*counted) for counted in recalls),
        "facts_judged": share(judged, len(rows)),
        "facts_not_judged": share(sum(len(row.outside) for row in rows), len(rows)),
    }


def by_key(rows: Sequence[FactRow]) -> dict[str, tuple[int, int]]:
    """Count how often each key was right and how often it was wrong; the keys that were wrong most often come first."""
    right, wrong = (Counter(key for row in rows for key in getattr(row, side)) for side in ("right", "wrong"))
    return {key: (right[key], wrong[key]) for key in sorted(right | wrong, key=lambda key: (-wrong[key], key))}
