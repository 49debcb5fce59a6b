"""Which statements a factor or a layer listens to: those that show one of the signals that its rules name.

Search adds this to what the words of a statement are worth, so that a sentence which states the subject in other words
than the questions is found too. It orders passages and decides nothing.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.drafting_old.factor_features import rules
from agent.evidence.certainty import guides
from agent.evidence.signals import Match
from agent.records import Statement

STATED: Final = 0.09
"""In cosine: a signal that states the subject of a factor, or pins a layer."""
HINTED: Final = 0.045
"""A signal that makes it likely, or speaks against it."""
COUNTED: Final = 2
"""So many signals of each sort count in one statement: a list that names everything says little of each."""
_STATING: Final = "says"


def worths(statements: Sequence[Statement], signals: Mapping[str, Sequence[Match]]) -> dict[str, NDArray[np.float64]]:
    """By factor and layer key, what each statement is worth by the signals that it shows; 0 for most."""
    shown: dict[str, set[int]] = {signal: {match.statement for match in found} for signal, found in signals.items()}
    result: dict[str, NDArray[np.float64]] = {}
    for key, (stating, hinting) in _listened().items():
        result[key] = STATED * _counted(stating, shown, len(statements))
        result[key] += HINTED * _counted(hinting, shown, len(statements))
    return result


@cache
def _listened() -> Mapping[str, tuple[frozenset[str], frozenset[str]]]:
    """By key, the signals that state its subject and those that bear on it otherwise."""
    by_factor = {**rules().reasons, "natural_language_interface": rules().language_reasons}
    found: dict[str, tuple[frozenset[str], frozenset[str]]] = {
        key: (
            frozenset(r.signal for r in reasons if r.sort == _STATING),
            frozenset(r.signal for r in reasons if r.sort != _STATING),
        )
        for key, reasons in by_factor.items()
    }
    return found | {key: (frozenset(g.pins), frozenset(g.helps)) for key, g in guides().items()}


def _counted(names: frozenset[str], shown: Mapping[str, set[int]], size: int) -> NDArray[np.float64]:
    counts = np.zeros(size)
    for name in sorted(names & shown.keys()):
        counts[list(shown[name])] += 1
    capped: NDArray[np.float64] = np.minimum(counts, COUNTED)
    return capped
