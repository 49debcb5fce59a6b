"""Checks a reviewer's action against the state of the review and turns it into planned events.

Nothing is stored here. If somebody else has touched the item since the reviewer saw it, `check` raises ConflictError
with three versions: the reviewer's, the current one, and the one that the reviewer saw. Changes to other items do not
conflict.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final, get_args

from agent.errors import ConflictError, InputError
from agent.facts.vocabulary import load_vocabulary
from agent.records import Document, FactorEstimate, LayerThreats, Question, UseProposal
from agent.report.draft_json import dump
from agent.review.domain.facts.changed_sheet import KIND, by_names, free_id, stated_keys
from agent.review.domain.facts.from_answers import DOCUMENT, STATES, checked_states, places, question_of, settled_by
from agent.review.domain.fields import Sources, address, checked_fields, plain_text, short_text
from agent.review.domain.fold import carriers_of
from agent.review.domain.items import (
    QUESTION_SECTION,
    SCORE,
    fact_fields,
    fact_marks,
    facts_of,
    fields_of,
    is_unstated,
    part_of,
    shares,
    threats_of,
)
from agent.review.domain.lapses import content_of, kept
from agent.review.domain.mitigations import checked_management
from agent.review.domain.new_threat import ADDED_FIELDS, planned_threat, read_threat
from agent.review.domain.planned_sheet import taken_ids
from agent.review.domain.records import (
    Action,
    Contest,
    ContestKind,
    ItemState,
    Plain,
    Planned,
    ReviewState,
    Verb,
    replaced,
)
from agent.review.domain.replay import CALLED, SEEN, why
from agent.review.domain.rescore import headline_of
from agent.review.domain.response import ANSWERS, Answer, by_kind
from agent.review.domain.undo import blocking

MAX_NAME: Final = 80
WHEN_SIGNED: Final[tuple[Verb, ...]] = ("reopen", "contest", "assign", "comment", "manage")
_NEEDS_REASON: Final[tuple[Verb, ...]] = ("correct", "strike", "waive")
_FIELDS: Final[dict[Verb, tuple[str, ...]]] = {
    "undo": ("batch",),
    "attach": ("document", "start", "end", "quote", "evidence"),
    "add": ADDED_FIELDS,
    "answer": ("text", "url", "kind", "states"),
    "ask": ("key",),
    "contest": ("kind", "text", "url", "sender"),
    "decide": ("decision", "rule", "number"),
    "assign": ("to",),
    "bulk": ("seen",),
    "comment": ("text", "to"),
    "sign": ("decision", "waivers"),
    "manage": ("mitigation", "owner", "due", "status", "residual"),
}
"""The valid fields of each action. A correction's fields depend on its item; the service sets those of a redraft."""
_DONE: Final[dict[Verb, tuple[str, ...]]] = {
    "confirm": ("confirmed", "corrected"), "strike": ("struck",), "send": ("sent",), "waive": ("waived",),
}  # fmt: skip
"""For each verb, the verdicts that it would leave unchanged."""
_ACCEPTED: Final = "accepted-risk"
WAIVERS_HOLD: Final = "hold"
"""The value of `waivers` with which a signature confirms the waivers made for an earlier signature."""

Seen = Callable[[int], ReviewState]
"""Returns the review as it was at a version."""


def check(state: ReviewState, action: Action, documents: Sequence[Document], seen: Seen) -> tuple[Planned, ...]:
    """Return the planned events for an action; empty if the action would change nothing.

    `state` is the latest state and `documents` are all sources. `seen` returns an earlier state as the base of a
    conflict. Raises InputError, naming the field, if the action is invalid, and ConflictError if another event touched
    the item after `action.version`.
    """
    verb = action.verb
    if state.stage == "signed" and verb not in WHEN_SIGNED:
        raise InputError("the review is signed", where=verb, hint="reopen it first, with a note")
    if verb in _NEEDS_REASON and not action.reason:
        raise InputError(f"{verb} needs a reason", where="reason", hint="choose the one that fits best")
    # Ignoring a misspelt field would lose somebody's work.
    known = _FIELDS.get(verb, ())
    unknown = next((name for name in action.fields if name not in known), None)
    if unknown is not None and verb not in ("correct", "redraft"):
        hint = "fields: " + ", ".join(known) if known else "it has no fields"
        raise InputError(f"{verb} has no field {unknown[:40]!r}", where=unknown[:40], hint=hint)
    if action.version > state.version or action.version < 0:
        raise InputError("there is no such version", where="version", hint=f"the last one is {state.version}")
    act = _Act(state, action, documents, seen)
    if verb in _OF_REVIEW:
        made = _OF_REVIEW[verb](act)
        return (made,) if made is not None else ()
    planned = act.of_section() if action.section and not action.item else act.of_item(_item(state, action.item))
    # Store the items' current titles, so that the log shows the titles as they were.
    titles = {one.item.id: one.item.title for one in state.items}
    told = [
        {item: titles[item] for item in plan.said["items"]} if verb == "bulk" else titles[plan.item] for plan in planned
    ]
    return tuple(replaced(plan, after={**plan.said, CALLED: each}) for plan, each in zip(planned, told, strict=True))


def answer_facts(state: ReviewState, question: str) -> tuple[str, ...]:
    """Return the item ids of the undecided facts that the answer to `question`, an item id, states."""
    name = question.partition("/")[2]
    own = {f"{KIND}/{told}" for told in state.answered if question_of(told) == name}
    return tuple(one.item.id for one in state.items if one.item.id in own and one.verdict == "open")


def unanswered(state: ReviewState) -> tuple[Question, ...]:
    """Return the unanswered questions of the reviewed draft, including waived ones."""
    done = {
        one.item.id for one in state.items if one.verdict in ("answered", "struck") or "answer" in (one.after or {})
    }
    return tuple(asked for asked in state.reviewed.questions if f"question/{asked.id}" not in done)


def now_of(state: ReviewState, one: ItemState) -> Plain:
    """Return an item's current fields: drafted or corrected values, and evidence including attached quotes."""
    told = state.answered.get(one.item.id.removeprefix("fact/"))
    if told is not None:
        drafted = fact_fields(told[0])
    else:
        drafted = fields_of(state.based, one.item.id) or fields_of(state.drafted, one.item.id)
    now = {**drafted, **(one.after or {})}
    return {**now, "evidence": list(one.item.evidence)} if one.item.kind in ("factor", "threat") else now


def version_of(state: ReviewState, one: ItemState) -> Plain:
    """Return an item as a conflict page shows it: its fields, the decision and the reviewer."""
    return {**now_of(state, one), "verdict": one.verdict, "by": one.by, "reason": one.reason, "note": one.note}


def refuse_stale(
    state: ReviewState,
    version: int,
    where: str,
    hint: str = "look at what changed, then try again",
    what: str = "the review has changed since you loaded it",
    **mine: object,
) -> None:
    """Raise ConflictError if the review changed after `version`; for acts that depend on the whole review."""
    if version != state.version:
        base, theirs = {"version": version}, {"version": state.version}
        raise ConflictError(what, where=where, hint=hint, mine={**mine, **base}, theirs=theirs, base=base)


def _item(state: ReviewState, name: str) -> ItemState:
    found = next((one for one in state.items if one.item.id == name), None)
    if found is None:
        raise InputError(f"there is no item {name[:80]!r}", where="item", hint="see the ids under “More” on each item")
    return found


class _Act:
    """An action checked against one state."""

    def __init__(self, state: ReviewState, action: Action, documents: Sequence[Document], seen: Seen) -> None:
        self._state = state
        self._action = action
        self._fields = action.fields
        self._documents = documents
        self._seen = seen
        self._sources = Sources(documents, state.reviewed.evidence)

    # ------------------------------------------------------------ the review as a whole

    def _of_review(self, after: Plain | None = None, before: Plain | None = None) -> Planned:
        return Planned(verb=self._action.verb, item="", before=before, after=after, note=self._action.note)

    def _undo(self) -> Planned:
        """Plan an undo of the given act or, by default, of the last act, regardless of who made it."""
        batch, version = self._fields.get("batch", self._state.undoable), self._action.version
        if not isinstance(batch, int) or not any(turn.batch == batch for turn in self._state.undos):
            raise InputError("there is nothing to undo", where="undo", hint="imports and signatures cannot be undone")
        if (later := blocking(self._state.undos, batch)) is not None:
            told = f"action {later.batch} by {later.by} depends on it"
            raise InputError(told, where="undo", hint="undo that action first, in the history")
        if batch > version:
            raise ConflictError(
                "someone has changed the review since you loaded it",
                where="undo",
                hint="look at that action first; undo would now revert it",
                mine={"verb": "undo", "version": version},
                theirs={"batch": batch},
                base={"version": version},
            )
        return self._of_review({"batch": batch})

    def _redo(self) -> Planned:
        batch, since = self._state.redoable, "someone has changed the review since you loaded it"
        if not batch:
            raise InputError("there is nothing to redo", where="redo", hint="only the latest undo can be redone")
        refuse_stale(self._state, self._action.version, "redo", "look at that action first", since, verb="redo")
        return self._of_review({"batch": batch})

    def _assign(self) -> Planned | None:
        to = short_text(self._fields, "to", MAX_NAME)
        return self._of_review({"to": to}, {"to": self._state.assigned}) if to != self._state.assigned else None

    def _sign(self) -> Planned:
        state = self._state
        refuse_stale(state, self._action.version, "sign", "look at what changed, then sign")
        if state.open:
            left = state.open
            told = f"{len(left)} {'item is' if len(left) == 1 else 'items are'} open, the first is {left[0].item.id}"
            raise InputError(told, where="sign", hint="decide on each of them, or waive it with a reason")
        contests = [contest for contest in state.contests if contest.decision == "open"]
        if contests:
            told = f"{len(contests)} {'contest is' if len(contests) == 1 else 'contests are'} open"
            raise InputError(told, where="sign", hint=f"decide on them; the first is number {contests[0].number}")
        before = [one for one in state.waived if one.earlier]
        if before and self._fields.get("waivers") != WAIVERS_HOLD:
            told = f"{len(before)} {'item was' if len(before) == 1 else 'items were'} waived for an earlier signature"
            raise InputError(told, where="waivers", hint="confirm that this still applies, or decide on each of them")
        advice = state.reviewed.advice
        decision = self._fields.get("decision") or (advice.proposal if advice else None)
        if decision is not None and decision not in get_args(UseProposal):
            hint = " or ".join(get_args(UseProposal))
            raise InputError("the decision is not one of the allowed values", where="decision", hint=hint)
        waivers = [
            {"item": one.item.id, "why": why(one.reason, one.note), "title": one.item.title} for one in state.waived
        ]
        return self._of_review(
            {
                "sha256": hashlib.sha256(dump(replaced(state.reviewed, review=None)).encode()).hexdigest(),
                "open": 0,
                "waived": len(waivers),
                "waivers": waivers,
                "bulk": sum(one.bulk for one in state.own),
                "unanswered": [asked.text for asked in unanswered(state)],
                "decision": decision,
            }
        )

    def _reopen(self) -> Planned:
        if self._state.stage != "signed":
            raise InputError("the review is not signed", where="reopen", hint="it is already open")
        if not self._action.note.strip():
            raise InputError("reopening needs a note", where="note", hint="explain why")
        return self._of_review()

    def _redraft(self) -> Planned:
        if not isinstance(self._fields.get("sha256"), str):
            raise InputError("the new draft is not specified", where="sha256", hint="specify the sha256 of its JSON")
        return self._of_review(dict(self._fields))

    def _ask(self) -> Planned:
        """Plan a question to the vendor about a key for which no fact is stated."""
        words, key = load_vocabulary(), str(self._fields.get("key", ""))
        if key not in words:
            raise InputError(f"no fact has the key {key[:40]!r}", where="key", hint="choose a key from the fact sheet")
        draft, entry = self._state.reviewed, words[key]
        # Only open questions count, since the answer to an earlier one may not have stated a fact about the key.
        asked = next((one for one in draft.questions if key in one.about), None)
        if asked is not None:
            hint = f"answer it, or send {asked.id} to the vendor"
            raise InputError(f"{asked.id} already asks about it", where="key", hint=hint)
        if key in stated_keys(draft):
            hint = "confirm, correct or strike the fact"
            raise InputError(f"it is already stated: {entry.title}", where="key", hint=hint)
        settles = settled_by(entry)
        after: Plain = {
            "key": key,
            "text": entry.question,
            "proposed": f"It {entry.title}: … / It does not." if entry.deniable else f"It {entry.title}: …",
            "why": "The sources do not say it.",
            "settles": list(settles),
            "effect": shares(draft)(settles),
        }
        name = free_id("Q", (key,), taken_ids(self._state))
        return replaced(self._of_review(after), item=f"question/{name}", reason=self._action.reason)

    def _add(self) -> Planned:
        reading = read_threat(self._fields, self._sources, facts_of(self._state.reviewed))
        for error, _ in reading.errors:
            raise error
        return planned_threat(self._state, reading, self._sources, self._action.reason, self._action.note)

    # ------------------------------------------------------------ one item

    def of_item(self, one: ItemState) -> tuple[Planned, ...]:
        """Return the planned events for an action on one item."""
        verb = self._action.verb
        match verb:
            case "contest":
                return (self._planned(one, self._contest()),)
            case "decide":
                return (self._planned(one, self._decide(one), {"decision": "open"}),)
            case "comment":
                to = short_text(self._fields, "to", MAX_NAME)
                said = {"text": plain_text(self._fields.get("text"), "text")}
                return (self._planned(one, {**said, **({"to": to} if to else {})}),)
            case "manage":
                after = checked_management(self._state, one, self._fields)
                return (self._planned(one, {**after, "note": self._action.note}),)
        # A vendor may still answer a question that another answer has made unnecessary.
        if one.fell and verb != "answer":
            hint = "restore the fact, or leave the item out"
            raise InputError("it rests on a fact that was struck or corrected", where=one.item.id, hint=hint)
        done = one.verdict in _DONE.get(verb, ()) and not (one.bulk and verb == "confirm")
        same = (self._action.reason, self._action.note) == (one.reason, one.note)
        if done and (verb in ("confirm", "send") or same):
            return ()
        self._unchanged(one)
        if verb not in _OF_ITEM:
            raise InputError(
                f"{verb} does not apply to an item",
                where="verb",
                hint="use an action on items, such as confirm, correct or strike",
            )
        return _OF_ITEM[verb](self, one)

    def _confirm(self, one: ItemState) -> tuple[Planned, ...]:
        """Confirm the item. An answer is confirmed by confirming each of its facts that is still undecided."""
        answered = one.verdict == "answered"
        chosen = [_item(self._state, name) for name in answer_facts(self._state, one.item.id)] if answered else [one]
        for each in chosen:
            self._unchanged(each)
        return tuple(self._planned(each, self._seen_now(each)) for each in chosen)

    def _unchanged(self, one: ItemState) -> None:
        """Raise ConflictError when the item was touched after the version that the reviewer saw."""
        action = self._action
        if one.changed <= action.version:
            return
        earlier = self._seen(action.version)
        found = next((other for other in earlier.items if other.item.id == one.item.id), None)
        raise ConflictError(
            f"{one.by or 'someone'} has changed it since you loaded it",
            where=one.item.id,
            hint="compare both versions and save the one to keep",
            mine={"verb": action.verb, **self._fields, "reason": action.reason, "note": action.note},
            theirs=version_of(self._state, one),
            base=version_of(earlier, found) if found is not None else {},
        )

    def _planned(self, one: ItemState, after: Plain | None = None, before: Plain | None = None) -> Planned:
        act = self._action
        return Planned(verb=act.verb, item=one.item.id, before=before, after=after, reason=act.reason, note=act.note)

    def _seen_now(self, one: ItemState, but: Sequence[str] = ()) -> Plain | None:
        """Return the item's content for storing with a decision, which lapses when that content changes."""
        said = kept(content_of(self._state.reviewed, one.item.id, self._state.based), but)
        return {SEEN: said} if said else None

    def _correct(self, one: ItemState) -> tuple[Planned, ...]:
        before = now_of(self._state, one)
        after = checked_fields(one.item.kind, self._fields, before, self._sources)
        if one.item.id == SCORE and after.get("headline") is not None:
            found = threats_of(self._state.reviewed).get(after["headline"])
            if found is None or not found.evidence:
                told = "the headline must be a threat that has a quote and was not struck"
                raise InputError(told, where="headline", hint="specify a threat's id")
        if "evidence" in after and "facts" in before:
            after |= self._own_quotes(one, before["facts"], after["evidence"])
        but = (*after, *({"layer": before, "factor": ("parts", "rationale")}.get(one.item.kind, ())))
        seen = {} if one.item.id == SCORE else self._seen_now(one, but) or {}
        fields = {name: before.get(name) for name in after}
        return (self._planned(one, {**self._sources.with_marks(after), **seen}, fields),)

    def _own_quotes(self, one: ItemState, facts: Sequence[str], marks: Sequence[str]) -> Plain:
        """Return the evidence that an added threat cites directly, and its facts whose quotes are all still cited."""
        decided = [one for one in self._state.items if one.item.kind == KIND]
        gone = {one.item.id.removeprefix("fact/") for one in decided if one.verdict == "struck" or one.after}
        known = by_names(self._state.reviewed, self._state.drafted, gone)
        # A struck fact has no quotes here, so it is kept and will be cited again once restored.
        quotes = {name: fact_marks(known[name]) if name in known else () for name in facts}
        kept_ = [name for name in facts if set(quotes[name]) <= set(marks)]
        theirs = {mark for name in kept_ for mark in quotes[name]} - set((one.after or {}).get("evidence", ()))
        return {"facts": kept_, "evidence": [mark for mark in marks if mark not in theirs]}

    def _strike(self, one: ItemState) -> tuple[Planned, ...]:
        """Strike the item. A capability is struck by striking its facts, since they would otherwise recreate it."""
        if one.item.kind in ("posture", "score"):
            raise InputError(f"the {one.item.kind} cannot be struck", where=one.item.id, hint="correct it instead")
        facts = [_item(self._state, name) for name in carriers_of(self._state, one.item.id)]
        standing = [fact for fact in facts if fact.verdict != "struck"]
        for fact in standing:
            self._unchanged(fact)
        return tuple(self._planned(each) for each in standing or (one,))

    def _waive(self, one: ItemState) -> tuple[Planned, ...]:
        if one.verdict != "open":
            raise InputError("only an open item can be waived", where=one.item.id, hint=f"this one is {one.verdict}")
        if one.via:
            raise InputError("decide on its facts instead", where=one.item.id, hint=f"see {one.via[0]}")
        first = headline_of(self._state.reviewed)
        leads = first is not None and one.item.id in (f"threat/{first.id}", SCORE)
        if leads and self._action.reason == _ACCEPTED and not self._action.note.strip():
            told = "a note is needed to accept the risk that the score rests on"
            raise InputError(told, where="note", hint="say who accepts it, and why")
        return (self._planned(one, self._seen_now(one)),)

    def _send(self, one: ItemState) -> tuple[Planned, ...]:
        """Send the vendor a question and the open unknowns that it settles, or an unknown and its questions."""
        if not self._can_be_sent(one):
            told = "only a question, an unknown factor or an uncertain layer can be sent"
            raise InputError(told, where=one.item.id, hint="confirm, correct or strike it")
        settles = {f"question/{asked.id}": asked.settles for asked in self._state.drafted.questions}
        if one.item.kind == "question":
            others = {f"{kind}/{key}" for key in settles.get(one.item.id, ()) for kind in ("factor", "layer")}
        else:
            others = {asked for asked, keys in settles.items() if one.item.id.partition("/")[2] in keys}
        along = [
            other
            for other in self._state.items
            if other.item.id in others and other.verdict == "open" and not other.contested
            and other.changed <= self._action.version and self._can_be_sent(other)
        ]  # fmt: skip
        return tuple(self._planned(each) for each in (one, *along))

    def _can_be_sent(self, one: ItemState) -> bool:
        kind = one.item.kind
        part = part_of(self._state.reviewed, one.item.id) if kind in ("factor", "layer") else None
        if isinstance(part, FactorEstimate):
            return is_unstated(part)
        return not part.certain if isinstance(part, LayerThreats) else kind == "question"

    def _attach(self, one: ItemState) -> tuple[Planned, ...]:
        given = self._fields.get("evidence")
        marks = self._sources.cite_all([self._fields] if given is None else given, "evidence")
        new = [mark for mark in marks if mark not in one.item.evidence]
        if not new:
            raise InputError("the item already has this quote", where=one.item.id, hint="select another one")
        return (self._planned(one, self._sources.with_marks({"evidence": new}), {"evidence": list(one.item.evidence)}),)

    def _answer(self, one: ItemState) -> tuple[Planned, ...]:
        if one.item.kind != "question":
            hint = "correct it, or attach evidence"
            raise InputError("only a question can be answered", where=one.item.id, hint=hint)
        kind = self._fields.get("kind", ANSWERS["vendor"])
        if kind not in ANSWERS.values():
            raise InputError("unknown kind of answer", where="kind", hint=" or ".join(ANSWERS.values()))
        url = address(self._fields, "url")
        if not url and not self._action.note:
            raise InputError("the answer has no source", where="url", hint="add its address, or a note on who said it")
        # An answer is itself a source, so its quotations need not occur in another source.
        text = plain_text(self._fields.get("text"), "text")
        after: Plain = {"text": text, "url": url, "kind": kind}
        if self._fields.get(STATES):
            name, drafted = one.item.id.partition("/")[2], self._state.drafted
            if drafted.facts is None:
                raise InputError("the draft stores no facts", where=STATES, hint="leave this out and draft again")
            at = places(name, [each.document for each in drafted.sources], [each.id for each in drafted.evidence])
            given = Answer(name, text, url, by_kind(kind))
            others = [document for document in self._documents if document.id != at.document]
            after |= {DOCUMENT: at.document, STATES: checked_states(self._fields[STATES], given, at, others)}
        return (self._planned(one, after, (one.after or {}).get("answer")),)

    # ------------------------------------------------------------ contests

    def _contest(self) -> Plain:
        kind, kinds = self._fields.get("kind"), get_args(ContestKind)
        if kind not in kinds:
            raise InputError("unknown kind of contest", where="kind", hint=" or ".join(kinds))
        text, url = plain_text(self._fields.get("text"), "text"), address(self._fields, "url")
        return {"kind": kind, "text": text, "url": url, "sender": short_text(self._fields, "sender", MAX_NAME)}

    def _decide(self, one: ItemState) -> Plain:
        contest, decision = self._contest_of(one), self._fields.get("decision")
        if decision not in ("accepted", "refused"):
            hint = "choose accepted or refused"
            raise InputError("a contest must be accepted or refused", where="decision", hint=hint)
        if contest.decision != "open":
            raise ConflictError(
                "the contest has already been decided",
                where=one.item.id,
                hint="contest the item again for a new decision",
                mine={"decision": decision, "rule": self._fields.get("rule", "")},
                theirs={"decision": contest.decision, "rule": contest.rule},
                base={"decision": "open", "rule": ""},
            )
        rule = plain_text(self._fields.get("rule"), "rule")
        return {"number": contest.number, "decision": decision, "rule": rule}

    def _contest_of(self, one: ItemState) -> Contest:
        number, own = self._fields.get("number"), [each for each in self._state.contests if each.item == one.item.id]
        found = [each for each in own if (each.decision == "open" if number is None else each.number == number)]
        if len(found) != 1:
            raise InputError(
                "there is no such contest", where="number", hint="specify the number of an existing contest"
            )
        return found[0]

    # ------------------------------------------------------------ a section

    def of_section(self) -> tuple[Planned, ...]:
        """Act on a section: confirm its supported items that were on screen, or send its questions."""
        section, verb = self._action.section, self._action.verb
        inside = [one for one in self._state.items if one.item.section == section]
        if not inside:
            hint = "specify a layer key, factors or another section"
            raise InputError(f"there is no section {section[:40]!r}", where="section", hint=hint)
        # Skip items touched since the reviewer's version, so that somebody looks at them individually.
        free = [
            one for one in inside
            if one.verdict == "open" and not one.contested and not one.via and one.changed <= self._action.version
        ]  # fmt: skip
        if verb == "send" and section == QUESTION_SECTION:
            sent = [planned for one in free for planned in self._send(one)]
            return tuple({planned.item: planned for planned in sent}.values())
        if verb != "bulk":
            hint = "look at its items and confirm them together (bulk), or send the questions"
            raise InputError(f"{verb} does not apply to a section", where="section", hint=hint)
        given = self._fields.get("seen")
        if not isinstance(given, list | tuple) or not given:
            raise InputError("none of its items has been viewed", where="seen", hint="look at them first")
        chosen = [one.item.id for one in free if one.item.supported and not one.fell and one.item.id in given]
        if not chosen:
            return ()
        seen = {item: kept(content_of(self._state.reviewed, item, self._state.based)) for item in chosen}
        after: Plain = {"section": section, "items": chosen, SEEN: seen}
        return (Planned(verb="bulk", item="", after=after, reason=self._action.reason, note=self._action.note),)


_OF_REVIEW: Final[dict[Verb, Callable[[_Act], Planned | None]]] = {
    "undo": _Act._undo, "redo": _Act._redo, "assign": _Act._assign, "sign": _Act._sign, "reopen": _Act._reopen,
    "redraft": _Act._redraft, "ask": _Act._ask, "add": _Act._add,
}  # fmt: skip
"""The method that plans each act on the review as a whole."""
_OF_ITEM: Final[dict[Verb, Callable[[_Act, ItemState], tuple[Planned, ...]]]] = {
    "confirm": _Act._confirm, "correct": _Act._correct, "strike": _Act._strike, "waive": _Act._waive,
    "send": _Act._send, "attach": _Act._attach, "answer": _Act._answer,
}  # fmt: skip
"""The method that plans each act on one item."""
