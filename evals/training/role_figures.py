"""Compute the figures of the role classifier; each labelled place counts once, however it is split."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.intake.extract.statements.roles import ROLES, carries_facts, choose
from agent.records import CARRYING, StatementRole
from evals.training.labels import Label, LabelledPage

_CARRIES: Final = np.array([role in CARRYING for role in ROLES])
LEAKS: Final[tuple[StatementRole, ...]] = ("instruction", "marketing", "example", "news", "other-product", "navigation")


@dataclass(frozen=True)
class Places:
    """Labelled places with the classifier's probabilities; places without a statement are listed separately."""

    labels: tuple[Label, ...]
    chances: NDArray[np.float64]
    """Mean probabilities over a place's statements, weighted by the number of shared words, shape (places, roles)."""
    lost: tuple[Label, ...]
    """Places that no reader sees, because intake drops their words (badges, table headers, headings)."""

    def part(self, keep: Callable[[Label], bool]) -> "Places":
        """Return the places whose labels `keep` accepts."""
        kept = [number for number, label in enumerate(self.labels) if keep(label)]
        lost = tuple(label for label in self.lost if keep(label))
        return Places(tuple(self.labels[number] for number in kept), self.chances[kept], lost)

    @property
    def truth(self) -> NDArray[np.bool_]:
        """Whether each place carries facts."""
        return np.array([label.role in CARRYING for label in self.labels], dtype=bool)

    @property
    def carrying(self) -> NDArray[np.float64]:
        """The probability that each place carries facts."""
        found: NDArray[np.float64] = self.chances[:, _CARRIES].sum(axis=1)
        return found


@dataclass(frozen=True)
class Figures:
    """The classifier's figures at one threshold, as shares between 0 and 1."""

    places: int
    lost: int
    threshold: float
    accuracy: float
    """Share of all places correctly classified as carrying facts or not."""
    kept: float
    """Share of the fact-carrying places that pass the threshold."""
    role: float
    """Share of all places that get the right role out of twelve."""
    leaks: dict[str, float]
    """For each role that carries no facts, the share of its places classified as carrying."""


def places_of(pages: Sequence[LabelledPage], chances: NDArray[np.float64]) -> Places:
    """Collect the labelled places of the pages; `chances` has the probabilities of all statements in order."""
    labels, lost, rows, first = [], [], [], 0
    for page in pages:
        for label, held in zip(page.labels, page.held, strict=True):
            if held:
                labels.append(label)
                shares = np.array(list(held.values()), dtype=float)
                rows.append(shares / shares.sum() @ chances[[first + number for number in held]])
            else:
                lost.append(label)
        first += len(page.statements)
    return Places(tuple(labels), np.array(rows).reshape(-1, len(ROLES)), tuple(lost))


def threshold_of(places: Places, kept: float) -> float:
    """Return the highest threshold at which the share `kept` of the fact-carrying places passes."""
    chances = np.sort(places.carrying[places.truth])[::-1]
    return float(chances[min(len(chances) - 1, int(np.ceil(kept * len(chances))) - 1)])


def figures_of(places: Places, threshold: float) -> Figures:
    """Compute the figures of the places at one threshold."""
    passes = carries_facts(places.chances, threshold)
    roles = np.array([ROLES.index(label.role) for label in places.labels])
    return Figures(
        places=len(roles),
        lost=len(places.lost),
        threshold=threshold,
        accuracy=float((passes == places.truth).mean()),
        kept=float(passes[places.truth].mean()),
        role=float((choose(places.chances, passes) == roles).mean()),
        leaks={role: _share(passes[roles == ROLES.index(role)]) for role in LEAKS},
    )


def _share(passes: NDArray[np.bool_]) -> float:
    return float(passes.mean()) if len(passes) else 0.0


def confusion(places: Places, threshold: float) -> NDArray[np.int64]:
    """Return the confusion matrix, with labelled roles as rows and predicted roles as columns."""
    predicted = choose(places.chances, carries_facts(places.chances, threshold))
    table = np.zeros((len(ROLES), len(ROLES)), dtype=np.int64)
    for label, column in zip(places.labels, predicted.tolist(), strict=True):
        table[ROLES.index(label.role), column] += 1
    return table


def second_reader(places: Places) -> dict[str, float]:
    """Return the second reader's agreement with the first, and the share of each role that they label as carrying."""
    twice = [(label.role, label.second) for label in (*places.labels, *places.lost) if label.second]
    found = {
        "places": float(len(twice)),
        "role": float(np.mean([one == other for one, other in twice])),
        "accuracy": float(np.mean([(one in CARRYING) == (other in CARRYING) for one, other in twice])),
    }
    for role in LEAKS:
        own = [other in CARRYING for one, other in twice if one == role]
        found[role] = float(np.mean(own)) if own else 0.0
    return found
