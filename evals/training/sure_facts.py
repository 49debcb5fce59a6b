"""Fit, for each key, the minimum confidence at which a fact's quote states the fact on its own.

`python -m evals.training.sure_facts --texts FOLDER… --folds FILE`

A fact's confidence is about the product: the probability that its sources state the key anywhere. But a sentence of a
draft cites one quote, which has to support the statement by itself. Each labelled page is read by a reader that has not
seen its owner (`fact_heads --folds`); a fact counts as right if a label says that a quoted statement states it.

    log-odds that the quote states it = slope · log-odds of the confidence + offset of the key    (offsets shrunk)

The limit of a key is the confidence at which this probability is `WANTED`; keys without facts get the shared limit.
Writes corpus/knowledge/calibration/sure_facts.json.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from agent.drafting.wording import SURE_FILE
from agent.facts.vocabulary import load_vocabulary
from agent.pipeline import read_documents
from agent.resources import data_folder
from evals.training.fact_labels import read_fact_labels, truth_of
from evals.training.fold_readers import Folds
from evals.training.labels import BUNDLED, LabelledPage, all_pages, read_places

WANTED: Final = 0.8
"""Minimum probability for a fact to be stated in a sentence. Two labellers agree on 0.89 of the facts."""
NEVER: Final = 1.01
"""The limit used for keys that no quote states with sufficient probability."""
_SPREAD: Final = 0.8
"""Prior standard deviation of a key's offset, in log-odds."""
_LISTINGS: Final = ("readme.md", "skill.md")
_END: Final = 30.0


class Drawn(NamedTuple):
    """A fact that the reader asserted about a labelled page."""

    key: str
    confidence: float
    right: bool
    """Whether a label says that a quoted statement states it."""


def drawn(pages: Sequence[LabelledPage], folds: Folds) -> Iterator[Drawn]:
    """Yield the asserted facts whose quotes lie where somebody looked for their key."""
    labels, order = read_fact_labels(), load_vocabulary().order
    for page in pages:
        place = page.places[0]
        reader = folds.reader_of(place.owner)
        if reader is None or place.repository.startswith(BUNDLED) or not place.path.lower().endswith(_LISTINGS):
            continue
        sheet = read_documents((page.document,), reader=reader).sheet
        truth = truth_of(page, labels[place.sha256])
        quotes = {item.id: item for item in sheet.evidence}
        for fact in sheet.facts:
            if fact.about != "product" or fact.state == "inferred" or fact.polarity == "denied":
                continue
            ends = [(quotes[mark].start, quotes[mark].end) for mark in fact.evidence]
            rows = [
                n
                for n, statement in enumerate(page.statements)
                if any(statement.start < end and start < statement.end for start, end in ends)
            ]
            looked = [n for n in rows if truth.looked[n, order[fact.key]]]
            if looked:
                right = bool((truth.says[looked, order[fact.key]] > 0).any())
                yield Drawn(fact.key, fact.confidence, right)


def limits_of(facts: Sequence[Drawn], wanted: float = WANTED) -> tuple[float, dict[str, float]]:
    """Fit the shared limit and the limits of keys that have facts, 0 to 1, or `NEVER`."""
    from scipy.optimize import minimize

    names = sorted({fact.key for fact in facts})
    number = np.array([names.index(fact.key) for fact in facts])
    right = np.array([fact.right for fact in facts], dtype=float)
    odds = _odds(np.array([fact.confidence for fact in facts]))

    def loss(flat: NDArray[np.float64]) -> float:
        logit = flat[0] * odds + flat[1] + flat[2:][number]
        return float((np.logaddexp(0, logit) - right * logit).sum() + 0.5 * (flat[2:] ** 2).sum() / _SPREAD**2)

    found = minimize(loss, np.concatenate([[1.0, 0.0], np.zeros(len(names))]), method="L-BFGS-B").x
    needed = (_odds(np.array([wanted]))[0] - found[1] - np.concatenate([[0.0], found[2:]])) / found[0]
    shares = 1 / (1 + np.exp(-np.clip(needed, -_END, _END)))
    most = max(fact.confidence for fact in facts)
    rows = [round(float(share), 3) if share <= most else NEVER for share in shares]
    return rows[0], dict(zip(names, rows[1:], strict=True))


def _odds(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    held = np.clip(chance, 0.01, 0.995)
    found: NDArray[np.float64] = np.log(held / (1 - held))
    return found


def main(arguments: Sequence[str]) -> None:
    """Fit the limits, print them with the share of facts that their quotes state, and write them."""
    parser = argparse.ArgumentParser(prog="python -m evals.training.sure_facts")
    parser.add_argument("--texts", type=Path, nargs="+", required=True)
    parser.add_argument("--folds", type=Path, required=True, help="fits of the fact reader without each owner")
    asked = parser.parse_args(arguments)
    facts = list(drawn(all_pages(read_places(), asked.texts, "limits"), Folds.read(asked.folds)))
    if not facts:
        return
    usual, limits = limits_of(facts)
    sure = [fact for fact in facts if fact.confidence >= limits[fact.key]]
    click.echo(f"{len(facts)} facts, {np.mean([fact.right for fact in facts]):.3f} stated by their quote")
    click.echo(f"{len(sure)} of them sure, {np.mean([fact.right for fact in sure]):.3f} stated by their quote")
    for key, count in Counter(fact.key for fact in facts).most_common():
        click.echo(f"  {key:24} {count:4} facts, limit {limits[key]:.3f}")
    text = json.dumps({"facts": len(facts), "usual": usual, "limits": limits}, indent=1)
    (data_folder("corpus") / "knowledge" / SURE_FILE).write_text(f"{text}\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
