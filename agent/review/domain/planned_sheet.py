"""Acts on facts and answers: plans the draft that follows from the changed sheet, together with the events that change
the sheet.

That draft is stored under its sha256, and an event on a fact names it. So a review stays the same under every later
release, and undoing the event is enough to restore the earlier draft.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from agent.records import Draft, Evidence
from agent.report.draft_json import dump
from agent.report.view import View
from agent.review.domain.facts.changed_sheet import KIND, Recompose, SheetChange, recomputed
from agent.review.domain.facts.from_answers import given_in, question_of
from agent.review.domain.fold import sheet_change, vendors_words
from agent.review.domain.quotes import Plain
from agent.review.domain.records import Planned, ReviewState
from agent.review.domain.replay import CALLED, NUMBERS, SEEN, SHEET

QUESTION: Final = "question"


class Sheet(NamedTuple):
    """Planned events and the draft that then follows from the facts, which one of the events names."""

    planned: tuple[Planned, ...]
    sha256: str = ""
    draft: Draft | None = None
    """The resulting draft; None if no fact differs from what was read, or if nothing changes."""


def with_sheet(state: ReviewState, planned: Sequence[Planned], recompose: Recompose) -> Sheet:
    """Add to the last planned event on a fact or question the name of the draft that then follows from the facts."""
    before = sheet_change(state)
    after = _after(before, planned, vendors_words(state))
    if after.counting == before.counting:
        return Sheet(tuple(planned))
    last = max(at for at, plan in enumerate(planned) if plan.item.startswith((f"{KIND}/", f"{QUESTION}/")))
    if after.nothing:
        return Sheet(_naming(planned, last, {"sha256": "", "fell": []}))
    made = recomputed(state.drafted, state.based, after, recompose, taken_ids(state), _answered(state, planned))
    name = sha256(dump(made.draft).encode()).hexdigest()
    sheet: Plain = {"sha256": name, "fell": list(made.fell), **_numbers(state, made.draft)}
    return Sheet(_naming(planned, last, sheet), name, made.draft)


def taken_ids(state: ReviewState) -> list[str]:
    """Return the ids of all questions of a review."""
    return [one.item.id.partition("/")[2] for one in state.items if one.item.kind == QUESTION]


def _answered(state: ReviewState, planned: Sequence[Planned] = ()) -> frozenset[str]:
    """Return the ids of questions answered after these events; a rewording of such a question counts as new."""
    found = {one.item.id for one in state.items if one.item.kind == QUESTION and "answer" in (one.after or {})}
    found |= {plan.item for plan in planned if plan.verb == "answer"}
    return frozenset(name.partition("/")[2] for name in found)


def _numbers(state: ReviewState, draft: Draft) -> Plain:
    """Return the numbers of threats in `draft` that the imported draft lacks; new numbers come last."""
    known = {placed.threat.id for placed in View(state.drafted).threats}
    numbers = dict(state.numbers)
    made: dict[str, object] = {}
    for placed in View(draft).threats:
        name = placed.threat.id
        if name not in numbers:
            numbers[name] = max(numbers.values(), default=0) + 1
        if name not in known:
            made[name] = numbers[name]
    return {NUMBERS: made} if made else {}


def again(state: ReviewState, fresh: Draft, recompose: Recompose) -> tuple[Plain, Draft | None]:
    """Reapply the answers, and the decisions on facts that `fresh` still has, to `fresh` after a redraft."""
    before = sheet_change(state)
    known = {fact.id for fact in fresh.facts.facts} if fresh.facts else set()
    change = before._replace(
        struck=frozenset(name for name in before.struck if name in known or question_of(name)),
        corrected={name: edits for name, edits in before.corrected.items() if name in known or question_of(name)},
        confirmed=frozenset(name for name in before.confirmed if name in known or question_of(name)),
    )
    if change.nothing:
        return {"sha256": "", "fell": [], **_numbers(state, fresh)}, None
    made = recomputed(fresh, fresh, change, recompose, answered=_answered(state))
    name = sha256(dump(made.draft).encode()).hexdigest()
    return {"sha256": name, "fell": list(made.fell), **_numbers(state, made.draft)}, made.draft


def _naming(planned: Sequence[Planned], at: int, sheet: Plain) -> tuple[Planned, ...]:
    named = planned[at].model_copy(update={"after": {**(planned[at].after or {}), SHEET: sheet}})
    return (*planned[:at], named, *planned[at + 1 :])


def _after(before: SheetChange, planned: Sequence[Planned], words: frozenset[str]) -> SheetChange:
    change = before
    for plan in planned:
        kind, _, name = plan.item.partition("/")
        if kind == KIND:
            change = _fact_after(change, name, plan, words)
        elif kind == QUESTION:
            change = _question_after(change, name, plan)
    return change


def _fact_after(change: SheetChange, name: str, plan: Planned, words: frozenset[str]) -> SheetChange:
    after = {field: value for field, value in (plan.after or {}).items() if field not in ("marks", SEEN, CALLED)}
    if plan.verb == "strike":
        return change._replace(struck=change.struck | {name}, confirmed=change.confirmed - {name})
    if plan.verb == "confirm":
        return change._replace(struck=change.struck - {name}, confirmed=change.confirmed | (words & {name}))
    if plan.verb == "decide" and after.get("decision") == "accepted":
        return change._replace(confirmed=change.confirmed - {name})
    if plan.verb != "correct":
        return change
    marks = (plan.after or {}).get("marks")
    brought = {mark: Evidence.model_validate(given) for mark, given in marks.items()} if isinstance(marks, dict) else {}
    evidence = {item.id: item for item in change.evidence} | brought
    return change._replace(
        struck=change.struck - {name},
        corrected={**change.corrected, name: {**change.corrected.get(name, {}), **after}},
        evidence=tuple(evidence.values()),
    )


def _question_after(change: SheetChange, name: str, plan: Planned) -> SheetChange:
    if plan.verb == "strike":
        return change._replace(unasked=change.unasked | {name})
    if plan.verb not in ("answer", "confirm", "correct", "send"):
        return change
    change = change._replace(unasked=change.unasked - {name})
    if plan.verb != "answer":
        return change
    # A new answer voids the decisions on the facts of the previous answer.
    given = given_in(name, {"answer": plan.after})
    answers = {other: one for other, one in change.answers.items() if other != name}
    return change._replace(
        answers=answers | ({name: given} if given is not None else {}),
        struck=frozenset(one for one in change.struck if question_of(one) != name),
        corrected={one: edits for one, edits in change.corrected.items() if question_of(one) != name},
        confirmed=frozenset(one for one in change.confirmed if question_of(one) != name),
    )
