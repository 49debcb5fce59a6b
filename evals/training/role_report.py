"""The figures of the role classifier, and ROLES.md. Each labelled place counts once, regardless of how it is split into
statements."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.intake.extract.statements.roles import ROLES, carries_facts, choose
from agent.records import CARRYING, StatementRole
from evals.script import wide_markdown
from evals.training.labels import BUNDLED, LabelledPage, Place

_CARRIES: Final = np.array([role in CARRYING for role in ROLES])
LEAKS: Final[tuple[StatementRole, ...]] = ("instruction", "marketing", "example", "news", "other-product", "navigation")
_STRICT: Final = 0.05
"""Share of instructions, praise and examples that may be classified as carrying facts."""
_STRICT_ROLES: Final[tuple[StatementRole, ...]] = ("instruction", "marketing", "example")


@dataclass(frozen=True)
class Places:
    """Labelled places with the classifier's probabilities; places without a statement are listed separately."""

    labels: tuple[Place, ...]
    chances: NDArray[np.float64]
    """Mean probabilities over a place's statements, weighted by the number of shared words, shape (places, roles)."""
    lost: tuple[Place, ...]
    """Places without a statement, because intake drops their words (badges, table headers and headings)."""

    def part(self, keep: Callable[[Place], bool]) -> "Places":
        """Return the places whose labels `keep` accepts."""
        kept = [number for number, label in enumerate(self.labels) if keep(label)]
        lost = tuple(label for label in self.lost if keep(label))
        return Places(tuple(self.labels[number] for number in kept), self.chances[kept], lost)

    @property
    def roles(self) -> NDArray[np.int64]:
        """The labelled role of each place, as an index into ROLES."""
        return np.array([ROLES.index(label.role) for label in self.labels if label.role], dtype=np.int64)

    @property
    def carrying(self) -> NDArray[np.float64]:
        """The probability that each place carries facts."""
        found: NDArray[np.float64] = self.chances[:, _CARRIES].sum(axis=1)
        return found


def places_of(pages: Sequence[LabelledPage], chances: NDArray[np.float64]) -> Places:
    """Collect the places with a role; `chances` has the probabilities of all statements of the pages in order."""
    labels, lost, rows, first = [], [], [], 0
    for page in pages:
        for label, held in zip(page.places, page.held, strict=True):
            if label.role and held:
                labels.append(label)
                shares = np.array(list(held.values()), dtype=float)
                rows.append(shares / shares.sum() @ chances[[first + number for number in held]])
            elif label.role:
                lost.append(label)
        first += len(page.statements)
    return Places(tuple(labels), np.array(rows).reshape(-1, len(ROLES)), tuple(lost))


def first_batch(label: Place) -> bool:
    """Return whether the label belongs to the first batch, on which the threshold is chosen."""
    return label.batch == "first"


def threshold_of(places: Places, kept: float) -> float:
    """Return the highest threshold at which at least the fraction `kept` of the fact-carrying places pass."""
    chances = np.sort(places.carrying[_CARRIES[places.roles]])[::-1]
    return float(chances[min(len(chances) - 1, int(np.ceil(kept * len(chances))) - 1)])


def figures_of(places: Places, threshold: float) -> dict[str, float]:
    """Return the shares of places correctly classified as carrying or not, of carrying places kept, and of correct
    roles.

    Also returns, for each role that carries no facts, the share of its places classified as carrying.
    """
    passes, roles = carries_facts(places.chances, threshold), places.roles
    leaks = {role: passes[roles == ROLES.index(role)] for role in LEAKS}
    return {
        "carries or not": float((passes == _CARRIES[roles]).mean()),
        "carrying kept": float(passes[_CARRIES[roles]].mean()),
        "role": float((choose(places.chances, passes) == roles).mean()),
        **{role: float(own.mean()) if len(own) else 0.0 for role, own in leaks.items()},
    }


def render(places: Places, threshold: float) -> str:
    """Return the page as Markdown."""
    first = places.part(first_batch)
    later = places.part(lambda label: not first_batch(label) and not label.repository.startswith(BUNDLED))
    corpus = places.part(lambda label: label.repository.startswith(BUNDLED))
    strict = strict_threshold(first)
    rows = []
    for name, part, limit in (
        ("the first labels", first, threshold),
        ("the same, threshold 0.5", first, 0.5),
        ("the same, strict threshold", first, strict),
        ("further labels of real pages", later, threshold),
        ("bundled corpus", corpus, threshold),
    ):
        shares = [f"{share:.3f}" for share in figures_of(part, limit).values()]
        rows.append([name, str(len(part.labels)), str(len(part.lost)), *shares])
    heads = ["measured on", "places", "lost", *figures_of(first, threshold)]
    parts = [
        "# Roles of statements: how good the classifier is",
        "Written by `python -m evals.training.roles`. All figures are for statements whose owner's products were held\n"
        "out of the fit (8 folds by owner). Each labelled place counts once; places of which intake keeps no word\n"
        "(badges, table headers) are excluded.",
        f"Threshold {threshold:.3f}: it keeps 93 % of the carrying statements in the first labels. Strict threshold\n"
        f"{strict:.3f}: at most 5 % of instructions, praise and examples together pass.",
        wide_markdown(heads, rows),
        "In the columns of roles that carry nothing: the share of their statements that passes as carrying.",
        f"{_readers('the first labels', first)}\n{_readers('further labels', later)}",
        "## Confusion\n\nThe first labels: rows are the labelled roles, columns the predicted ones.",
        _confusion(first, threshold),
    ]
    return "\n\n".join(parts) + "\n"


def strict_threshold(places: Places) -> float:
    """Return the lowest threshold at which at most 5 % of instructions, praise and examples pass."""
    own = np.isin(places.roles, [ROLES.index(role) for role in _STRICT_ROLES])
    wanted = sorted(places.carrying[own].tolist(), reverse=True)
    return wanted[int(_STRICT * len(wanted))] + 1e-9 if wanted else threshold_of(places, 1.0)


def _readers(name: str, places: Places) -> str:
    """Describe how often the second reader agrees with the first, and what share of each role without facts the second
    reader calls carrying."""
    twice = [(label.role, label.second) for label in (*places.labels, *places.lost) if label.second]
    role = np.mean([one == other for one, other in twice])
    accuracy = np.mean([(one in CARRYING) == (other in CARRYING) for one, other in twice])
    own = {leak: [other in CARRYING for one, other in twice if one == leak] for leak in LEAKS}
    leaks = ", ".join(f"{leak} {np.mean(said) if said else 0.0:.2f}" for leak, said in own.items())
    return (
        f"Agreement of two readers on {len(twice)} of {name}: carries or not {accuracy:.3f}, role {role:.3f}. Share of"
        f" the first reader's roles without facts that the second reader calls carrying: {leaks}."
    )


def _confusion(places: Places, threshold: float) -> str:
    """Return the confusion matrix, with labelled roles as rows and predicted roles as columns."""
    predicted = choose(places.chances, carries_facts(places.chances, threshold))
    table = np.zeros((len(ROLES), len(ROLES)), dtype=np.int64)
    np.add.at(table, (places.roles, predicted), 1)
    rows = [
        [f"**{role}**" if role in CARRYING else role, *map(str, row), str(sum(row))]
        for role, row in zip(ROLES, table.tolist(), strict=True)
    ]
    return wide_markdown(["", *ROLES, "all"], rows)
