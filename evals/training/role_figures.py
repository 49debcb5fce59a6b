"""The figures of the role classifier; each labelled place of a page counts once, whatever statements it holds."""

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
    """Labelled places with what the classifier says about them; places that no statement holds are counted apart."""

    labels: tuple[Label, ...]
    chances: NDArray[np.float64]
    """Mean over the statements of a place, weighted by the words that they share with it, shape (places, roles)."""
    lost: tuple[Label, ...]
    """Places whose words intake leaves out (badges, heads of tables, headings): nothing reads them."""

    def part(self, keep: Callable[[Label], bool]) -> "Places":
        """The places whose labels `keep` accepts."""
        kept = [number for number, label in enumerate(self.labels) if keep(label)]
        lost = tuple(label for label in self.lost if keep(label))
        return Places(tuple(self.labels[number] for number in kept), self.chances[kept], lost)

    @property
    def truth(self) -> NDArray[np.bool_]:
        """Whether each place carries facts."""
        return np.array([label.role in CARRYING for label in self.labels], dtype=bool)

    @property
    def carrying(self) -> NDArray[np.float64]:
        """The chance that each place carries facts."""
        found: NDArray[np.float64] = self.chances[:, _CARRIES].sum(axis=1)
        return found


@dataclass(frozen=True)
class Figures:
    """How good the classifier is at one threshold, as shares between 0 and 1."""

    places: int
    lost: int
    threshold: float
    accuracy: float
    """Of all places, the share rightly said to carry facts or not."""
    kept: float
    """Of the places that carry facts, the share that passes."""
    role: float
    """Of all places, the share with the right one of twelve roles."""
    leaks: dict[str, float]
    """For each role that carries no facts, the share that passes as carrying."""


def places_of(pages: Sequence[LabelledPage], chances: NDArray[np.float64]) -> Places:
    """The labelled places of the pages; `chances` are those of all their statements in order."""
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
    """The highest threshold that keeps this share of the places that carry facts."""
    chances = np.sort(places.carrying[places.truth])[::-1]
    return float(chances[min(len(chances) - 1, int(np.ceil(kept * len(chances))) - 1)])


def figures_of(places: Places, threshold: float) -> Figures:
    """The figures of the places at one threshold."""
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
    """How many places of each role (rows) the classifier gives each role (columns)."""
    predicted = choose(places.chances, carries_facts(places.chances, threshold))
    table = np.zeros((len(ROLES), len(ROLES)), dtype=np.int64)
    for label, column in zip(places.labels, predicted.tolist(), strict=True):
        table[ROLES.index(label.role), column] += 1
    return table


def second_reader(places: Places) -> dict[str, float]:
    """How often a second reader agrees with the first, and which share of each role passes as carrying with them."""
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
