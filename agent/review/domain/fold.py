"""Folds a draft and its events into the state of the review. Pure: the same events give the same state.

    events ─ replay ─► decision on each item ─ revise ─► draft with corrections ─ strikes ─► draft without struck items
    ─ rescore ─► reviewed draft ─► items with their verdicts, contests with their effect

Scores are computed once at the end, so a hundred events cost little more than one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, get_args

from agent.records import (
    AnswerNote,
    Chain,
    ContestNote,
    Document,
    Draft,
    Evidence,
    Fact,
    ReviewNotes,
    SourceRef,
    WorkNote,
    WorkStatus,
)
from agent.report.view import View, number_added
from agent.review.domain.facts.changed_sheet import KIND, SheetChange, held_as, left_standing, without_quotes_of_fallen
from agent.review.domain.facts.from_answers import Given, given_in
from agent.review.domain.items import (
    SCORE,
    facts_of,
    fields_of,
    is_vendors_word,
    items_of,
    part_of,
    threats_of,
    weights,
)
from agent.review.domain.lapses import content_of, differences
from agent.review.domain.records import Contest, Event, Item, ItemState, Plain, ReviewState, Verdict, replaced
from agent.review.domain.replay import Replayed, Standing, edited_since, replay
from agent.review.domain.rescore import Choice, raw_score, rescore
from agent.review.domain.response import by_kind
from agent.review.domain.revise import REVIEWED, applied, fallen_additions, renumbered, with_lines, without_struck

_PLACES: Final = 2
_LAPSING: Final[tuple[Verdict, ...]] = ("confirmed", "corrected", "waived")
"""Decisions that lapse when the content they were based on changes."""
_SHORT: Final = ("applies", "cvss_vector", "headline")
"""Fields so short that both values are shown."""


def fold(
    key: str, draft: Draft, documents: Sequence[Document], events: Sequence[Event], revisions: Mapping[str, Draft]
) -> ReviewState:
    """Return the state of review `key` after `events`, which are all events of this review in order.

    `draft` is the imported draft, `documents` are its sources and the later answers; `revisions` are the later drafts
    that events refer to, by their sha256. Raises IntegrityError when one of these drafts is missing.
    """
    found = replay(key, draft, events, revisions)
    outcome = _outcome(found)
    items = _items(found, outcome, documents)
    notes = _notes(found, outcome, {one.item.id: one.item.title for one in items})
    added = [number_added(event.item.partition("/")[2]) for event in events if event.verb == "add"]
    return ReviewState(
        key=key,
        version=events[-1].number if events else 0,
        stage=found.stage,
        assigned=found.assigned,
        items=items,
        drafted=found.drafted,
        reviewed=replaced(outcome.reviewed, review=found.stamp, notes=notes),
        based=found.based or found.drafted,
        fell=outcome.fell,
        questions=outcome.whole.questions,
        numbers=outcome.numbers,
        contests=_contests(found, outcome, items),
        stamp=found.stamp,
        undoable=found.alive.undoable,
        redoable=found.alive.redoable,
        undos=found.alive.undos,
        added=max(added, default=0),
        managed={name.partition("/")[2]: known for name, known in found.work.items()},
        answered=outcome.answered,
        sources=tuple(given.source for given in outcome.given),
    )


@dataclass(frozen=True)
class _Outcome:
    """A draft before and after review, with the decisions on its items."""

    whole: Draft
    """The draft with all corrections, before anything is removed."""
    reviewed: Draft
    standing: dict[str, Standing]
    """The decision on each item, with the evidence ids of these drafts."""
    fell: tuple[str, ...]
    """Ids of items that lost all their support, including added threats."""
    given: tuple[Given, ...]
    """The answers that state facts, ordered by question number."""
    numbers: dict[str, int]
    """The threats' numbers in the review, by threat id."""

    @property
    def answered(self) -> dict[str, tuple[Fact, tuple[Evidence, ...]]]:
        """The facts that answers state, with their quotes, by item name."""
        return {name: pair for given in self.given for name, pair in given.facts.items()}


def _outcome(found: Replayed, instead: Mapping[str, Standing] | None = None) -> _Outcome:
    """Compute the outcome of the decisions in `found`; `instead` overrides those on some items."""
    standing, based = {**found.standing, **(instead or {})}, found.based or found.drafted
    # An answered question has not fallen, even if it is no longer derived from the facts.
    told = {name for name, one in found.standing.items() if name.startswith("question/") and one.given is not None}
    lost = (*found.fell, *fallen_additions(based, standing, found.drafted))
    fell = tuple(name for name in lost if name not in told)
    for name in fell:
        one = standing.get(name, Standing())
        if one.verdict != "struck":  # A reviewer's own strike keeps its reason.
            standing[name] = replace(one, verdict="struck", fell=True)
    answers = (
        given_in(name.partition("/")[2], one.edits, one.answered)
        for name, one in standing.items()
        if name.startswith("question/") and one.given is not None
    )
    given = tuple(sorted((one for one in answers if one is not None), key=lambda one: int(one.question[1:])))
    known = {source.document for source in based.sources}
    new = tuple(SourceRef.of(one.source) for one in given if one.document not in known)
    based = replaced(based, sources=(*based.sources, *new))
    whole, settled = applied(based, standing, found.drafted)
    # The baseline for rescoring has no fallen items, since the facts no longer yield them.
    follows = left_standing(based, found.fell)
    left = without_struck(whole, settled, found.drafted)
    # Do not ask the vendor an answered question again.
    unasked = (one for one in left.questions if settled.get(f"question/{one.id}", Standing()).given is None)
    left = replaced(left, questions=tuple(unasked))
    decided = settled.get(SCORE, Standing())
    scored = rescore(follows, with_lines(follows, left, settled), Choice.of(decided.edits, decided.attached))
    # Open questions share the remaining uncertainty, so answers to others would raise an effect; cap it at the draft's.
    most = {one.id: one.effect for one in found.drafted.questions}
    questions = tuple(replaced(one, effect=min(one.effect, most.get(one.id, one.effect))) for one in scored.questions)
    numbers = dict(found.numbers)
    shown = dict.fromkeys(placed.threat.id for draft in (whole, scored) for placed in View(draft).threats)
    # Events record the numbers of the threats that they add; only threats from older events lack one.
    for name in sorted((name for name in shown if name not in numbers), key=lambda name: number_added(name) == 0):
        numbers[name] = max(numbers.values(), default=0) + 1
    scored = replaced(scored, questions=questions)
    own = {placed.threat.id: numbers[placed.threat.id] for placed in View(scored).threats}
    if any(own[placed.threat.id] != placed.place for placed in View(scored).threats):
        scored = replaced(scored, notes=ReviewNotes(numbers=own))
    reviewed = without_quotes_of_fallen(renumbered(scored, follows), based, found.fell)
    if given:
        # Reviews without fact-stating answers keep their chain order, since they may have been signed with that order.
        places = {one.threats: number for number, one in enumerate(found.drafted.chains)}
        order = sorted(reviewed.chains, key=lambda one: (places.get(one.threats, len(places)), one.threats))
        reviewed = replaced(reviewed, chains=tuple(order))
    return _Outcome(whole, reviewed, settled, fell, given, numbers)


def _notes(found: Replayed, outcome: _Outcome, titles: Mapping[str, str]) -> ReviewNotes | None:
    """Return the notes for the reviewed draft, or None if there are none. A signed draft keeps its notes as signed."""
    reviewed = outcome.reviewed
    work, contests = found.frozen or (found.work, tuple(found.contests.values()))
    answers = []
    for asked in sorted(outcome.whole.questions, key=lambda one: int(one.id[1:])):
        given = found.standing.get(f"question/{asked.id}", Standing()).given
        if given is not None:
            by, page = by_kind(given.get("kind")), given.get("url", "")
            answers.append(AnswerNote(question=asked.id, text=asked.text, answer=given["text"], page=page, by=by))
    notes = ReviewNotes(
        numbers=reviewed.notes.numbers if reviewed.notes else {},
        work=tuple(
            WorkNote.model_validate({"threat": name, "mitigation": each.text, **known})
            for name, threat in threats_of(reviewed).items()
            for each in threat.mitigations
            if (known := work.get(f"threat/{name}", {}).get(each.text)) and known.get("status") in get_args(WorkStatus)
        ),
        answers=tuple(answers),
        contests=tuple(
            ContestNote(
                item=one.item, title=titles.get(one.item, one.item), sender=one.sender, text=one.text,
                decision=one.decision, rule=one.rule,
            )
            for one in contests
            if one.decision != "open"
        ),
    )  # fmt: skip
    return None if notes == ReviewNotes() else notes


# ---------------------------------------------------------------- the items


def _items(found: Replayed, outcome: _Outcome, documents: Sequence[Document]) -> tuple[ItemState, ...]:
    contested = {contest.item for contest in found.contests.values() if contest.decision == "open"}
    quotes = {one.id: one.quote for one in outcome.whole.evidence}
    told, whole = outcome.answered, outcome.whole
    texts = (*documents, *(given.source for given in outcome.given)) if documents else ()
    facts = {name: fact for name, (fact, _) in told.items()}
    carried = carriers(whole, found.drafted, facts)
    if found.drafted.facts is not None and whole.facts != found.drafted.facts:
        # Show the facts as originally read, including struck ones, with their quotes and those of answers.
        known = {item.id: item for item in whole.evidence}
        for quote in (*found.drafted.evidence, *(quote for _, own in told.values() for quote in own)):
            known.setdefault(quote.id, quote)
        whole = replaced(whole, facts=found.drafted.facts, evidence=tuple(known.values()))
    # A fact from an answer has the same weight as the sheet's fact that absorbed it.
    points = weights(outcome.reviewed)
    for name, fact in facts.items():
        held = held_as(facts_of(outcome.reviewed), fact)
        if held is not None:
            points[f"fact/{name}"] = points.get(f"fact/{held.id}", 0.0)
    made = []
    for item in items_of(whole, texts, points, facts):
        one = outcome.standing.get(item.id, Standing())
        own = one.edits.get("evidence", item.evidence) if item.kind == KIND else item.evidence
        cited = replaced(item, evidence=tuple(dict.fromkeys((*own, *one.attached))))
        lapsed = one.lapsed
        if one.verdict in _LAPSING and one.seen:
            attached = [quotes[mark] for mark in one.attached if mark in quotes]
            now = content_of(outcome.reviewed, item.id, outcome.whole)
            lapsed = "" if item.kind == KIND else differences(one.seen, now, attached)
        if (lapsed or one.verdict == "open") and item.kind == "chain":
            # A chain missing a threat cannot be decided on until the threat is restored.
            left, chain = threats_of(outcome.reviewed), part_of(outcome.whole, item.id)
            if isinstance(chain, Chain) and any(name not in left for name in chain.threats):
                one, lapsed = replace(one, verdict="struck", fell=True), ""
        via = carried.get(item.id, ()) if not one.decided and not one.attached else ()
        made.append(_state(found, cited, one, lapsed, contested=item.id in contested, via=via))
    return tuple(through_facts(made))


def _state(
    found: Replayed, item: Item, one: Standing, lapsed: str, *, contested: bool, via: tuple[str, ...]
) -> ItemState:
    drafted: Plain = {}
    if one.edits and not one.added:
        drafted = fields_of(found.based or found.drafted, item.id) or fields_of(found.drafted, item.id)
    return ItemState(
        item=item,
        verdict="open" if lapsed else one.verdict,
        contested=contested,
        changed=found.changed.get(item.id, 0),
        by=one.by,
        reason=one.reason,
        note=one.note,
        before={name: drafted[name] for name in one.edits if name in drafted} or None,
        after=dict(one.edits) or None,
        lapsed=lapsed,
        fell=one.fell,
        bulk=one.bulk and not lapsed,
        comments=tuple(one.comments),
        asked_of=tuple(sorted(one.asked_of)),
        via=via,
        earlier=one.earlier and one.verdict == "waived",
    )


# ---------------------------------------------------------------- capabilities, decided on through their facts


def carriers(whole: Draft, drafted: Draft, answered: Mapping[str, Fact]) -> dict[str, tuple[str, ...]]:
    """Map the item id of each capability in `whole` to the items of its facts: facts about the product with the same
    key and polarity and a shared quote.

    `drafted` holds the facts as originally read, `answered` the facts from answers by item name.
    """
    named = {**{fact.id: fact for fact in facts_of(drafted)}, **answered}
    sides = {name: (fact, held_as(facts_of(whole), fact)) for name, fact in named.items()}
    found = {
        f"capability/{one.id}": tuple(
            f"fact/{name}"
            for name, facts in sides.items()
            if any(
                fact is not None and fact.key == one.signal and fact.about == "product"
                and (fact.polarity == "denied") == (one.state == "denied")
                and not set(fact.evidence).isdisjoint(one.evidence)
                for fact in facts
            )
        )
        for one in whole.system.capabilities
    }  # fmt: skip
    return {item: facts for item, facts in found.items() if facts}


def carriers_of(state: ReviewState, item: str) -> tuple[str, ...]:
    """Return the item ids of the facts behind a capability; empty if `item` is not a capability."""
    answered = {name: fact for name, (fact, _) in state.answered.items()}
    return carriers(state.based, state.drafted, answered).get(item, ())


def through_facts(items: Sequence[ItemState]) -> Iterator[ItemState]:
    """Yield the items; an undecided capability takes the verdict of its facts if they share one. Each capability is
    derived from facts with one key, and nobody should have to decide on the same thing twice."""
    verdicts = {one.item.id: one.verdict for one in items}
    for one in items:
        told = {verdicts[name] for name in one.via} if one.verdict == "open" else set()
        if told and told <= set(REVIEWED):
            yield replaced(one, verdict="confirmed")
        else:
            yield replaced(one, verdict=told.pop()) if len(told) == 1 else one


# ---------------------------------------------------------------- the effect of contests


def _contests(found: Replayed, outcome: _Outcome, items: Sequence[ItemState]) -> tuple[Contest, ...]:
    states = {state.item.id: state for state in items}
    return tuple(
        one if one.decision == "open" else replaced(one, effect=_effect(found, outcome, one, states.get(one.item)))
        for one in found.contests.values()
    )


def _effect(found: Replayed, outcome: _Outcome, contest: Contest, state: ItemState | None) -> str:
    """Describe the effect of a contest on its item and on the score."""
    if state is None:
        return "the redraft no longer contains it"
    if contest.decision == "refused":
        return "no change"
    one, was = found.standing.get(contest.item, Standing()), found.contested[contest.number]
    names = edited_since(one, was)
    if state.verdict == "struck" and was.verdict == "struck":
        return "already struck, no change"
    if state.verdict == "corrected" and not names:
        return "reviewed again, no change"
    if state.verdict not in ("corrected", "struck"):
        return "reopened" if state.verdict == "open" else f"{state.verdict}, no change"
    told = "struck"
    if state.verdict == "corrected":
        before = {**(state.before or {}), **was.edits}
        told = f"corrected: {', '.join(_edit(name, before.get(name), (state.after or {})[name]) for name in names)}"
    without, now = raw_score(_outcome(found, {contest.item: was}).reviewed), raw_score(outcome.reviewed)
    if round(without, _PLACES) == round(now, _PLACES):
        return f"{told}; the score does not change"
    return f"{told}; score {without:.2f} → {now:.2f}"


def _edit(name: str, was: object, now: object) -> str:
    """Describe a corrected field: numbers and short texts with both values, other fields only by name."""

    def plain(value: object) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        return f"{value:g}" if isinstance(value, float) else str(value if value is not None else "none")

    both = isinstance(now, int | float | bool) or (name in _SHORT and now)
    return f"{name.replace('_', ' ')} {plain(was)} → {plain(now)}" if both else name.replace("_", " ")


# ---------------------------------------------------------------- the facts


def sheet_change(state: ReviewState) -> SheetChange:
    """Return the decisions on a review's facts and the answers that state facts, with the reviewed draft's marks."""
    facts = {one.item.id.partition("/")[2]: one for one in state.items if one.item.kind == KIND}
    questions = {one.item.id.partition("/")[2]: one for one in state.items if one.item.kind == "question"}
    answers = {name: given for name, one in questions.items() if (given := given_in(name, one.after or {})) is not None}
    return SheetChange(
        struck=frozenset(name for name, one in facts.items() if one.verdict == "struck"),
        corrected={name: one.after for name, one in facts.items() if one.after},
        evidence=state.reviewed.evidence,
        answers=answers,
        confirmed=frozenset(name for name in vendors_words(state) if facts[name].verdict == "confirmed"),
        unasked=frozenset(name for name, one in questions.items() if one.verdict == "struck" and not one.fell),
    )


def vendors_words(state: ReviewState) -> frozenset[str]:
    """Return the names of facts that count as the analyst's word once confirmed: facts from answers and, in a draft
    with answers merged in, facts that rest on a vendor's word alone."""
    return frozenset((*state.answered, *(fact.id for fact in facts_of(state.drafted) if is_vendors_word(fact))))
