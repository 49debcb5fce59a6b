"""Which statements tell something: what questions are searched among, and what a layer's certainty may rest on.

A statement of rank 2 and below that shows no signal, or a control, a limit or an absence alone, tells nothing. It stays
readable, but it can neither be found for a question nor take the place of a statement that tells something.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from agent.evidence.claims import COUNTING_RANK
from agent.evidence.signals import Match, load_signals, settles_layers_alone
from agent.records import Statement

_PROMISED: Final = frozenset({"control", "limit"})
"""Groups of signals that say what holds a product back."""


def telling(statements: Sequence[Statement], signals: Mapping[str, Sequence[Match]]) -> tuple[Statement, ...]:
    """The statements among which questions are searched, in their order; `signals` are those of `statements`."""
    kept = {
        match.statement
        for signal, matches in signals.items()
        if not settles_layers_alone(signal)
        for match in matches
        if statements[match.statement].rank >= COUNTING_RANK or (not promised(signal) and not match.denied)
    }
    return tuple(statement for n, statement in enumerate(statements) if n in kept)


def promised(signal: str) -> bool:
    """Whether a signal is a control or a limit, so that the vendor's word alone does not make it so."""
    return load_signals().by_id[signal].group in _PROMISED
