"""Compare the facts asserted about real products with labels of their statements.

A label names what a statement says. For each key, the vocabulary lists the labels that mean this key (`labels`) and
broader labels that may mean it (`candidates`). Only parts of long pages are labelled, so a fact counts for precision
only if one of its quotes lies in a labelled statement and the fact is not shown as inferred. For recall, any fact about
the product counts. Keys without labels are not judged. Agreement between labellers is limited: 0.87 of the second
labeller's labels are among the first labeller's labels of the same product.
"""

import csv
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from agent.errors import SourceError
from agent.facts.vocabulary import Vocabulary, load_vocabulary
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


class Gold(NamedTuple):
    """The labelled statements of one product."""

    files: Mapping[str, tuple[Place, ...]]
    """Labelled places by file name inside the product's folder."""

    @property
    def labels(self) -> frozenset[str]:
        """All labels of the product's statements."""
        return frozenset(label for places in self.files.values() for place in places for label in place.facts)


class FactRow(Record):
    """The keys asserted or denied about one product, compared with its labels. Denials are prefixed with a minus."""

    slug: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    """Keys quoted from labelled statements, but without a matching label on any statement of the product."""
    found: tuple[str, ...]
    """Labels matched by a fact about the product."""
    missed: tuple[str, ...]
    outside: tuple[str, ...]
    """Keys that are not judged, because they are quoted only from unlabelled statements or have no labels."""


def read_gold(texts: Path) -> dict[str, Gold]:
    """Load the labels, keyed by product. Raises SourceError when there are none."""
    path = texts / LABELS
    if not path.is_file():
        raise SourceError("there are no labels", where=str(path), hint="facts are measured where they are labelled")
    found: dict[str, dict[str, list[Place]]] = defaultdict(lambda: defaultdict(list))
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            labels = frozenset(part.strip() for part in row["facts"].split(",") if part.strip())
            found[row["slug"]][row["file"]].append(Place(int(row["start"]), int(row["end"]), labels))
    return {slug: Gold({name: tuple(rows) for name, rows in files.items()}) for slug, files in sorted(found.items())}


class Labelled:
    """The places of a file's labelled statements in the document that intake produces from the file."""

    def __init__(self, raw: str, document: Document, places: Sequence[Place]) -> None:
        pairs = align(raw, document.text)
        starts = [pair.first.start for pair in pairs]
        spans = []
        for place in places:
            inside = pairs[bisect_left(starts, place.start) : bisect_right(starts, place.end)]
            if inside:
                spans.append((inside[0].second.start, inside[-1].second.end))
        self._spans = tuple(spans)

    def holds(self, item: Evidence) -> bool:
        """Return whether a quote overlaps a labelled statement."""
        return any(item.start < end and start < item.end for start, end in self._spans)


def fact_row(
    slug: str,
    facts: Iterable[Fact],
    evidence: Iterable[Evidence],
    labelled: Mapping[str, Labelled],
    gold: Gold,
    vocabulary: Vocabulary | None = None,
) -> FactRow:
    """Compare the facts about one product with its labels; `labelled` is keyed by document id."""
    words = vocabulary or load_vocabulary()
    quotes = {item.id: item for item in evidence}
    labels = gold.labels
    judged: dict[str, bool] = {}
    outside: set[str] = set()
    meant: set[str] = set()
    for fact in facts:
        if fact.about != "product" or not fact.counts or fact.key not in words:
            continue
        sign = _MINUS if fact.polarity == "denied" else ""
        key = words[fact.key]
        means = {sign + label for label in (*key.labels, *key.candidates)}
        meant |= means
        cited = (quotes[mark] for mark in fact.evidence if mark in quotes)
        inside = any(item.document in labelled and labelled[item.document].holds(item) for item in cited)
        if fact.state == "inferred":
            # Skip inferred facts, since they are shown as likely, not asserted.
            continue
        if means and inside:
            judged[sign + fact.key] = bool(means & labels)
        else:
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
    right, wrong = sum(len(row.right) for row in rows), sum(len(row.wrong) for row in rows)
    found, missed = sum(len(row.found) for row in rows), sum(len(row.missed) for row in rows)
    return {
        "products": float(len(rows)),
        "fact_precision": share(right, right + wrong),
        "fact_recall": share(found, found + missed),
        "fact_precision_mean": mean(
            value for row in rows if (value := share(len(row.right), len(row.right) + len(row.wrong))) is not None
        ),
        "fact_recall_mean": mean(
            value for row in rows if (value := share(len(row.found), len(row.found) + len(row.missed))) is not None
        ),
        "facts_judged": share(right + wrong, len(rows)),
        "facts_not_judged": share(sum(len(row.outside) for row in rows), len(rows)),
    }


def by_key(rows: Sequence[FactRow]) -> dict[str, tuple[int, int]]:
    """Count how often each key was right and wrong; the keys most often wrong come first."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        for key in row.right:
            counts[key][0] += 1
        for key in row.wrong:
            counts[key][1] += 1
    order = sorted(counts, key=lambda key: (-counts[key][1], key))
    return {key: (counts[key][0], counts[key][1]) for key in order}
