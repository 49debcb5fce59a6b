"""Finds the act that an undo reverts, and the later acts that must be undone first."""

from collections.abc import Sequence

from agent.errors import InputError
from agent.review.domain.records import Action, ReviewState, Turn


def blocking(undos: Sequence[Turn], batch: int) -> Turn | None:
    """Return the first later act that depends on the act with this number and so must be undone first; None if there
    is none."""
    own = next((turn for turn in undos if turn.batch == batch), None)
    later = [turn for turn in undos if turn.batch > batch and not turn.talk]
    if own is None or own.talk:
        return None
    return next((turn for turn in later if set(own.items) & set(turn.items) or (own.on_facts and turn.on_facts)), None)


def own_undo(state: ReviewState, name: str) -> int:
    """Return the number of the last undoable act by the reviewer with this name; 0 if there is none."""
    return next((turn.batch for turn in reversed(state.undos) if turn.by == name), 0)


def with_own_act(state: ReviewState, action: Action, name: str) -> Action:
    """Fill in the reviewer's last act in an undo that specifies no act; return any other action unchanged.

    Raises InputError if the reviewer has done nothing that can be undone.
    """
    if action.verb != "undo" or "batch" in action.fields or not state.undos:
        return action
    batch = own_undo(state, name)
    if not batch:
        hint = "to undo another person's action, use its button in the history"
        raise InputError("you have nothing to undo", where="undo", hint=hint)
    return action.model_copy(update={"fields": {**action.fields, "batch": batch}})
