"""Notes of a review on the parts of its draft: threat numbers, work on mitigations, answers, decided contests."""

from collections.abc import Mapping
from typing import get_args

from agent.records import AnswerNote, ContestNote, Draft, ReviewNotes, WorkNote, WorkStatus
from agent.report.view import View, number_added
from agent.review.domain.items import threats_of
from agent.review.domain.records import Contest
from agent.review.domain.replay import Replayed, Standing


def all_numbers(given: Mapping[str, int], *shown: View) -> dict[str, int]:
    """Return the threat numbers assigned so far, plus the next free numbers for unnumbered threats in `shown`.

    Events name the numbers of the threats that they add; only threats from older events have none.
    """
    numbers = dict(given)
    names = dict.fromkeys(placed.threat.id for view in shown for placed in view.threats)
    for name in sorted((name for name in names if name not in numbers), key=lambda name: (number_added(name) == 0,)):
        numbers[name] = max(numbers.values(), default=0) + 1
    return numbers


def with_numbers(draft: Draft, numbers: Mapping[str, int]) -> Draft:
    """Return the draft with these threat numbers; unchanged if each number equals the threat's place."""
    shown = View(draft).threats
    if all(numbers[placed.threat.id] == placed.place for placed in shown):
        return draft
    own = {placed.threat.id: numbers[placed.threat.id] for placed in shown}
    return draft.model_copy(update={"notes": ReviewNotes(numbers=own)})


def notes_of(found: Replayed, whole: Draft, reviewed: Draft, titles: Mapping[str, str]) -> ReviewNotes | None:
    """Return the notes for a reviewed draft, or None; for a signed draft, the notes as they were signed."""
    questions = {f"question/{asked.id}": asked.text for asked in whole.questions}
    signed = found.frozen
    work = signed.work if signed else {name: one.managed for name, one in found.standing.items() if one.managed}
    contests = signed.contests if signed else tuple(found.contests.values())
    notes = ReviewNotes(
        numbers=reviewed.notes.numbers if reviewed.notes else {},
        work=_work(reviewed, work),
        answers=tuple(
            _answer(name, text, found.standing[name])
            for name, text in sorted(questions.items(), key=lambda pair: int(pair[0].partition("/Q")[2]))
            if name in found.standing and found.standing[name].given is not None
        ),
        contests=tuple(note for one in contests if (note := _contest(one, titles)) is not None),
    )
    return None if notes == ReviewNotes() else notes


def _work(reviewed: Draft, work: Mapping[str, Mapping[str, Mapping[str, object]]]) -> tuple[WorkNote, ...]:
    """Return the work recorded on the draft's mitigations, in draft order."""
    return tuple(
        WorkNote.model_validate({"threat": name, "mitigation": each.text, **known})
        for name, threat in threats_of(reviewed).items()
        for each in threat.mitigations
        if (known := work.get(f"threat/{name}", {}).get(each.text)) and known.get("status") in get_args(WorkStatus)
    )


def _answer(name: str, text: str, one: Standing) -> AnswerNote:
    given = one.given or {}
    return AnswerNote(
        question=name.partition("/")[2],
        text=text,
        answer=str(given.get("text", "")),
        page=str(given.get("url", "")),
        by="analyst" if given.get("kind") == "analyst-note" else "vendor",
    )


def _contest(one: Contest, titles: Mapping[str, str]) -> ContestNote | None:
    if one.decision == "open":
        return None
    title = titles.get(one.item, one.item)
    return ContestNote(
        item=one.item, title=title, sender=one.sender, text=one.text, decision=one.decision, rule=one.rule
    )
