"""Plans acts on facts and answers: the events that change the fact sheet, and the draft derived from the changed sheet.

That draft is stored under its sha256, and an event on a fact or question refers to it. The review therefore stays the
same in every later release, and undoing the event is enough to restore the earlier draft.
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
from agent.review.domain.items import facts_of
from agent.review.domain.records import Plain, Planned, ReviewState, replaced
from agent.review.domain.replay import CALLED, NUMBERS, SEEN, SHEET

QUESTION: Final = "question"
_NOTHING: Final[Plain] = {"sha256": "", "fell": []}
"""Stored when no fact differs from what was read."""


class Sheet(NamedTuple):
    """Planned events, and the draft derived from the facts after them, to which one of the events refers."""

    planned: tuple[Planned, ...]
    sha256: str = ""
    draft: Draft | None = None
    """The resulting draft; None if no fact differs from what was read, or if nothing changes."""


def with_sheet(state: ReviewState, planned: Sequence[Planned], recompose: Recompose) -> Sheet:
    """Compute the draft derived from the facts after the planned events, and add its sha256 to the last event on a fact
    or question. Events that do not change the facts are returned as they are."""
    before, words = sheet_change(state), vendors_words(state)
    after = before
    for plan in planned:
        kind, _, name = plan.item.partition("/")
        if kind == KIND:
            after = _fact_after(after, name, plan, words)
        elif kind == QUESTION:
            after = _question_after(after, name, plan)
    if after.counting == before.counting:
        return Sheet(tuple(planned))
    sheet, draft = _NOTHING, None
    if not after.nothing:
        answered = _answered(state, planned)
        decided = [one.item.id for one in state.items if one.verdict != "open"]
        draft, fell = recomputed(state.drafted, state.based, after, recompose, taken_ids(state), answered, decided)
        sheet = _sheet(state, draft, fell)
    last = max(at for at, plan in enumerate(planned) if plan.item.startswith((f"{KIND}/", f"{QUESTION}/")))
    named = replaced(planned[last], after={**planned[last].said, SHEET: sheet})
    return Sheet((*planned[:last], named, *planned[last + 1 :]), sheet["sha256"], draft)


def again(state: ReviewState, fresh: Draft, recompose: Recompose) -> tuple[Plain, Draft | None]:
    """After a redraft to `fresh`, reapply the answers, and the decisions on facts that `fresh` still has.

    Returns the value of `SHEET` for the redraft's event, and the resulting draft or None if nothing is reapplied.
    """
    known = {fact.id for fact in facts_of(fresh)}
    change = sheet_change(state).only(lambda name: name in known or bool(question_of(name)))
    if change.nothing:
        return {**_NOTHING, **_numbers(state, fresh)}, None
    draft, fell = recomputed(fresh, fresh, change, recompose, answered=_answered(state))
    return _sheet(state, draft, fell), draft


def _sheet(state: ReviewState, draft: Draft, fell: Sequence[str]) -> Plain:
    return {"sha256": sha256(dump(draft).encode()).hexdigest(), "fell": list(fell), **_numbers(state, draft)}


def _answered(state: ReviewState, planned: Sequence[Planned] = ()) -> frozenset[str]:
    """Return the ids of the questions answered after these events; a reworded version of one counts as new."""
    found = {one.item.id for one in state.items if one.item.kind == QUESTION and "answer" in (one.after or {})}
    found |= {plan.item for plan in planned if plan.verb == "answer"}
    return frozenset(name.partition("/")[2] for name in found)


def taken_ids(state: ReviewState) -> list[str]:
    """Return the ids of all questions of a review."""
    return [one.item.id.partition("/")[2] for one in state.items if one.item.kind == QUESTION]


def _numbers(state: ReviewState, draft: Draft) -> Plain:
    """Return the numbers of threats in `draft` that `state.drafted` lacks, under `NUMBERS`; new threats come last."""
    known = {placed.threat.id for placed in View(state.drafted).threats}
    numbers, shown = dict(state.numbers), [placed.threat.id for placed in View(draft).threats]
    for name in shown:
        numbers.setdefault(name, max(numbers.values(), default=0) + 1)
    made = {name: numbers[name] for name in shown if name not in known}
    return {NUMBERS: made} if made else {}


def _fact_after(change: SheetChange, name: str, plan: Planned, words: frozenset[str]) -> SheetChange:
    match plan.verb:
        case "strike":
            return change._replace(struck=change.struck | {name}, confirmed=change.confirmed - {name})
        case "confirm":
            return change._replace(struck=change.struck - {name}, confirmed=change.confirmed | (words & {name}))
        case "decide" if plan.said["decision"] == "accepted":
            return change._replace(confirmed=change.confirmed - {name})
        case "correct":
            fields = {field: value for field, value in plan.said.items() if field not in ("marks", SEEN, CALLED)}
            brought = {mark: Evidence.model_validate(given) for mark, given in plan.said.get("marks", {}).items()}
            return change._replace(
                struck=change.struck - {name},
                corrected={**change.corrected, name: {**change.corrected.get(name, {}), **fields}},
                evidence=tuple(({item.id: item for item in change.evidence} | brought).values()),
            )
        case _:
            return change


def _question_after(change: SheetChange, name: str, plan: Planned) -> SheetChange:
    if plan.verb == "strike":
        return change._replace(unasked=change.unasked | {name})
    if plan.verb in ("answer", "confirm", "correct", "send"):
        change = change._replace(unasked=change.unasked - {name})
    if plan.verb != "answer":
        return change
    # A new answer voids the decisions on the facts of the previous answer.
    given = given_in(name, {"answer": plan.after})
    answers = {other: one for other, one in change.answers.items() if other != name}
    left = change.only(lambda one: question_of(one) != name)
    return left._replace(answers=answers | ({name: given} if given is not None else {}))
