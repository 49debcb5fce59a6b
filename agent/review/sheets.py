"""Acts on facts: the draft that follows from the sheet as it will be, planned beside the events that change it.

What follows is kept under its sha256, and an event on a fact names it. So a review is the same under every later
release, and undoing the event is enough to have the earlier draft back.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from agent.records import Draft, Evidence
from agent.report.draft_json import dump
from agent.review.changed_facts import KIND, Recompose, SheetChange, recomputed
from agent.review.fold import sheet_change
from agent.review.quotes import Plain
from agent.review.records import Planned, ReviewState
from agent.review.replay import SHEET


class Sheet(NamedTuple):
    """Events-to-be that name what follows from the facts after them, and that draft."""

    planned: tuple[Planned, ...]
    sha256: str = ""
    draft: Draft | None = None
    """None where the facts stand as they were read, or nothing changes."""


def with_sheet(state: ReviewState, planned: Sequence[Planned], recompose: Recompose) -> Sheet:
    """The planned events, the last one on a fact with what follows from the facts after it."""
    before = sheet_change(state.items, state.reviewed)
    after = _after(before, planned)
    if after.counting == before.counting:
        return Sheet(tuple(planned))
    last = max(at for at, plan in enumerate(planned) if plan.item.startswith(f"{KIND}/"))
    if after.nothing:
        return Sheet(_naming(planned, last, {"sha256": "", "fell": []}))
    made = recomputed(state.drafted, state.based, after, recompose)
    name = sha256(dump(made.draft).encode()).hexdigest()
    return Sheet(_naming(planned, last, {"sha256": name, "fell": list(made.fell)}), name, made.draft)


def again(state: ReviewState, fresh: Draft, recompose: Recompose) -> tuple[Plain, Draft | None]:
    """After a redraft: what follows from `fresh` with the same facts struck and corrected, where it has them."""
    before = sheet_change(state.items, state.reviewed)
    known = {fact.id for fact in fresh.facts.facts} if fresh.facts else set()
    change = SheetChange(
        before.struck & known, {n: e for n, e in before.corrected.items() if n in known}, before.evidence
    )
    if change.nothing:
        return {"sha256": "", "fell": []}, None
    made = recomputed(fresh, fresh, change, recompose)
    return {"sha256": sha256(dump(made.draft).encode()).hexdigest(), "fell": list(made.fell)}, made.draft


def _naming(planned: Sequence[Planned], at: int, sheet: Plain) -> tuple[Planned, ...]:
    named = planned[at].model_copy(update={"after": {**(planned[at].after or {}), SHEET: sheet}})
    return (*planned[:at], named, *planned[at + 1 :])


def _after(before: SheetChange, planned: Sequence[Planned]) -> SheetChange:
    struck, corrected = set(before.struck), dict(before.corrected)
    evidence = {item.id: item for item in before.evidence}
    for plan in planned:
        kind, _, name = plan.item.partition("/")
        if kind != KIND:
            continue
        after = dict(plan.after or {})
        marks = after.pop("marks", None)
        if isinstance(marks, dict):
            evidence |= {mark: Evidence.model_validate(given) for mark, given in marks.items()}
        if plan.verb == "strike":
            struck.add(name)
        elif plan.verb in ("confirm", "correct"):
            struck.discard(name)
        if plan.verb == "correct":
            after.pop("seen", None)
            corrected[name] = {**corrected.get(name, {}), **after}
    return SheetChange(frozenset(struck), corrected, tuple(evidence.values()))
