"""The operations on a store's reviews, for pages, the JSON API and the command line.

    act: state ─ role ─ acts.check ─► events-to-be ─ store.append ─► events ─ fold ─► state, and what moved

If someone else stored events first, the state is folded and the act checked again; it is a conflict only if both
changed the same item. All methods may be called from several threads.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from agent.errors import InputError, RefusedError, StaleError
from agent.records import Document, Draft, FactSheet
from agent.report.draft_json import dump, dump_documents, load_whole
from agent.report.formats.questionnaire import MEDIA_TYPES, Export, Format, questionnaire
from agent.review.domain import response_acts
from agent.review.domain.acts import check, refuse_stale
from agent.review.domain.effects.compare import Comparison, SideBySide, compare, side_by_side
from agent.review.domain.effects.decisions import DECIDING, ActResult, Moved, Pace, pace_of, score_words, what_moved
from agent.review.domain.facts.changed_sheet import follows_from_facts
from agent.review.domain.facts.from_answers import STATES, read_answer, stating
from agent.review.domain.fold import fold
from agent.review.domain.new_threat import Written, weighed
from agent.review.domain.planned_sheet import again, with_sheet
from agent.review.domain.records import Action, Event, Planned, Reviewer, ReviewState, Verb, Verdict, replaced
from agent.review.domain.replay import SHEET, living
from agent.review.domain.rescore import shown
from agent.review.domain.response import Answer, by_kind, parse_response
from agent.review.domain.response_acts import planned_of
from agent.review.domain.undo import with_own_act
from agent.review.store import signed
from agent.review.store.cache import LruCache, NewDrafts, ReviewCache, Shown
from agent.review.store.queue import QueueColumns, QueuePage, QueueQuery, asked_word
from agent.review.store.rows import Blob, MissingError, NewReview
from agent.review.store.signed import ExportFormat
from agent.review.store.store import Store
from agent.settings import Settings

_TOLD: Final[tuple[Verdict, ...]] = ("corrected", "struck", "answered", "sent", "waived", "confirmed")
MAX_SECONDS: Final = 120.0
"""Maximum focus time, in seconds, that one report can add."""
_TRIES: Final = 5
_LATELY: Final = 300
"""The number of most recent decisions used to compute the pace."""
_DRAFTS: Final = 200
"""The capacity, in drafts, of each cache used to recompose drafts from their facts."""
_BY_REVIEWERS: Final[tuple[Verb, ...]] = ("confirm", "bulk", "correct", "strike", "add", "waive")
"""Verbs that exclude a reviewer from signing under the two-person rule."""
_DAY: Final = 10
"""Length of the date at the start of an ISO 8601 time, in characters."""
_NOBODY: Final = Reviewer(name="preview")

Planning = Callable[[ReviewState], tuple[Planned, ...]]


def queue_columns(state: ReviewState) -> QueueColumns:
    """Return the values that the queue shows for a review."""
    draft = state.reviewed
    return QueueColumns(
        score=shown(draft.score),
        open=len(state.open),
        items=len(state.own),
        uncertain=sum(not layer.certain for layer in draft.layers.values()),
        contested=sum(contest.decision == "open" for contest in state.contests),
        stage=state.stage,
        assigned=state.assigned,
        changed=changed_words(state),
        # Put the names first, since text longer than the column is truncated.
        search=" ".join((*map(asked_word, asked_of(state)), draft.id, *(source.url for source in draft.sources[:1]))),
    )


def asked_of(state: ReviewState) -> dict[str, int]:
    """Return how many items comments have asked each person to look at, sorted by name."""
    return dict(sorted(Counter(name for one in state.items for name in one.asked_of).items()))


def changed_words(state: ReviewState) -> str:
    """Describe the changes since the draft was imported or redrafted: counts of verdicts, and how the score moved."""
    counted = Counter(one.verdict for one in state.own)
    told = [f"{counted[verdict]} {verdict}" for verdict in _TOLD if counted[verdict]]
    refused = sum(contest.decision == "refused" for contest in state.contests)
    comments = sum(len(one.comments) for one in state.items)
    told += [f"{refused} contested and refused"] if refused else []
    told += [f"{comments} {'comment' if comments == 1 else 'comments'}"] if comments else []
    told += [f"{name} asked to look at {count}" for name, count in asked_of(state).items()]
    was, now = score_words(shown(state.drafted.score)), score_words(shown(state.reviewed.score))
    if was != now:
        told.append(f"{was} → {now}")
    return ", ".join(told)


class Service:
    """The reviews of one store. `clock` returns the time in record format: UTC, ISO 8601 with seconds and `Z`."""

    def __init__(self, store: Store, settings: Settings, clock: Callable[[], str]) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._cache = ReviewCache(store)
        self._follows: LruCache[tuple[str, str], bool] = LruCache(_DRAFTS)
        self._own: LruCache[str, int | None] = LruCache(_DRAFTS)

    @property
    def today(self) -> str:
        """The current day in UTC, such as 2027-01-31."""
        return self._clock()[:_DAY]

    # ------------------------------------------------------------ reviews

    def import_draft(self, folder: Path, reviewer: Reviewer) -> str:
        """Import the draft in `folder` and return its review's key; a draft already under review is not added again.

        Raises the errors of `agent.report.draft_json.load`, and InputError for a draft without its source texts or with
        a signature.
        """
        draft, documents = load_whole(folder)
        if not documents:
            hint = "draft again with --out, and give that folder"
            raise InputError("the draft has no source texts", where=str(folder), hint=hint)
        if draft.review is not None:
            raise InputError("the draft is already signed", where=str(folder), hint="give the folder of a draft")
        return self.add_draft(draft, documents, reviewer)

    def add_draft(self, draft: Draft, documents: tuple[Document, ...], reviewer: Reviewer) -> str:
        """Import an in-memory draft as `import_draft` does; its quotes must already be located in `documents`."""
        _may_write(reviewer)
        key = self.review_of(draft) if draft.earlier else None
        if key is not None and draft.id in self._draft_ids(key, self.review(key)):
            return key
        new = NewReview(
            draft_id=draft.id, product=draft.product.name, vendor=draft.product.vendor or "",
            draft=dump(draft), documents=dump_documents(documents),
        )  # fmt: skip

        def columns(events: tuple[Event, ...]) -> QueueColumns:
            return queue_columns(fold(events[0].review, draft, documents, events, {}))

        return self._store.add_review(new, reviewer, self._clock(), columns)

    def review_of(self, draft: Draft) -> str | None:
        """Return the key of the review of a draft, or of an earlier draft that it was made from; None if none of these
        was imported."""
        found = (self._store.review_of(name) for name in (draft.id, *draft.earlier))
        return next((key for key in found if key is not None), None)

    def queue(self, query: QueueQuery) -> QueuePage:
        """Return one page of the queue."""
        return self._store.queue(query)

    def assignees(self) -> tuple[str, ...]:
        """Return the names of everyone who has reviews assigned."""
        return self._store.assignees()

    def review(self, key: str, as_of: int | None = None) -> ReviewState:
        """Return a review, now or as of the event with this number. Raises MissingError for an unknown key or event."""
        return self._cache.shown(key, as_of).state

    def documents(self, key: str, as_of: int | None = None) -> tuple[Document, ...]:
        """Return all sources of a review, with answers that state facts, now or as of the event with this number."""
        return self._cache.shown(key, as_of).documents

    def history(self, key: str) -> tuple[Event, ...]:
        """Return all events of a review, oldest first."""
        return self._store.events(key)

    def compare(self, key: str, a: int, b: int) -> Comparison:
        """Compare two versions of a review. Raises MissingError for a version that does not exist."""
        last = self._store.version(key)
        if max(a, b) > last:
            raise MissingError("there is no such version", where=f"version {max(a, b)}", hint=f"the last one is {last}")
        return compare(self.review(key, a), self.review(key, b))

    def compare_reviews(self, keys: Sequence[str]) -> SideBySide:
        """Compare products, or drafts of one product, side by side."""
        return side_by_side([self.review(key) for key in keys])

    # ------------------------------------------------------------ acts

    def act(self, key: str, action: Action, reviewer: Reviewer) -> ActResult:
        """Store the act that a reviewer requests.

        Raises RefusedError for a viewer, InputError naming the invalid field, ConflictError with the three versions of
        the item, FullError, and the other errors of the store. If it raises, nothing is stored.
        """
        _may_write(reviewer)
        if action.verb == "redraft":
            raise InputError("a redraft cannot be requested as an act", where="verb", hint="request the redraft itself")
        return self._planned_act(
            key, reviewer, lambda state: self._check(state, with_own_act(state, action, reviewer.name))
        )

    def preview(self, key: str, action: Action, reviewer: Reviewer | None = None) -> Moved:
        """Return the changes that an act would make, without storing it. Raises InputError and ConflictError."""
        return self.try_out(key, action, reviewer).moved

    def try_out(self, key: str, action: Action, reviewer: Reviewer | None = None) -> ActResult:
        """Return the result of an act without storing it; its events are not hashed."""
        who = reviewer or _NOBODY
        before = self.review(key)
        planned = self._check(before, with_own_act(before, action, who.name))
        if not planned:
            return _unmoved(before)
        made, new_drafts = self._with_sheet(before, planned)
        events = self._unstored(before, made, who)
        after = self._cache.fold(key, (*self._store.events(key, to=before.version), *events), new_drafts).state
        return ActResult(events=events, state=after, moved=what_moved(before, after))

    def weigh(self, key: str, given: Mapping[str, object]) -> Written:
        """Check an unfinished threat and compute its effect on the score; nothing is stored."""
        state = self.review(key)
        events = self._store.events(key, to=state.version)

        def folded(planned: Sequence[Planned]) -> ReviewState:
            return self._cache.fold(key, (*events, *self._unstored(state, planned, _NOBODY))).state

        return weighed(state, self.documents(key), given, folded)

    def respond(
        self, key: str, raw: bytes, reviewer: Reviewer, version: int | None = None, draft: str = ""
    ) -> ActResult:
        """Store the answers and contests of a response file as one batch, skipping those already stored.

        `version` is the version of the review that the reviewer saw; the default is the newest. `draft` is the id of a
        draft made outside the review with these answers; later responses may refer to it. Raises InputError naming
        the invalid part, ConflictError if a question has changed since that version.
        """
        _may_write(reviewer)
        response = parse_response(raw, where="response file")

        def plan(state: ReviewState) -> tuple[Planned, ...]:
            at = state.version if version is None else version
            known, seen = self._draft_ids(key, state), self._seen(key)
            planned = planned_of(
                state, response, self.documents(key), known=known, version=at, seen=seen, told=self._told
            )
            if not draft:
                return planned
            return tuple(replaced(p, after={**p.said, "draft": draft}) if p.verb == "answer" else p for p in planned)

        return self._planned_act(key, reviewer, plan)

    def redraft(self, key: str, reviewer: Reviewer, version: int | None = None) -> ActResult:
        """Redraft with the answers that await a redraft. Takes seconds.

        Raises InputError if there are none, ConflictError if the review has changed since `version` or changes during
        the redraft.
        """
        # Imported here because the drafter takes a second to load, and most reviews are never redrafted.
        from agent.review.domain.redraft import redraft

        _may_write(reviewer)
        before = self.review(key)
        refuse_stale(before, before.version if version is None else version, "redraft")
        events = self._store.events(key, to=before.version)
        asked = Action(verb="redraft", version=before.version, fields={"sha256": ""})
        (planned,) = check(before, asked, (), self._seen(key))
        answers, numbers = _answers(events, before)
        if answers and self.follows(key):
            hint = "choose what the answer states"
            raise InputError("answers count as facts in this review", where="answers", hint=hint)
        if not answers:
            hint = "record one, or import a response file"
            raise InputError("no answer has been recorded since the draft was made", where="answers", hint=hint)
        made = redraft(
            before.drafted, self._cache.fold(key, events).documents, answers, settings=self._settings, at=self._clock()
        )
        documents = dump_documents(made.documents).encode()
        name = sha256(dump(made.draft).encode()).hexdigest()
        sheet, follows = again(before, made.draft, self._recompose)
        drafts = {name: made.draft} | ({str(sheet["sha256"]): follows} if follows is not None else {})
        new_drafts = NewDrafts(drafts, made.documents)
        fields: dict[str, object] = {
            "sha256": name, "documents": sha256(documents).hexdigest(), "draft": made.draft.id,
            "answers": numbers, "moved": [list(row) for row in made.moved], SHEET: sheet,
        }  # fmt: skip
        tried = self._unstored(before, (replaced(planned, after=fields),), reviewer)
        moved = what_moved(before, self._cache.fold(key, (*events, *tried), new_drafts).state)
        fields["score"] = {
            "before": moved.before.model_dump(mode="json"), "after": moved.after.model_dump(mode="json"),
            "causes": list(moved.causes),
        }  # fmt: skip
        planned = replaced(planned, after=fields)
        try:
            return self._stored(key, before, (planned,), reviewer, new_drafts.blobs, new_drafts)
        except StaleError:
            refuse_stale(self.review(key), before.version, "redraft")
            raise

    def waiting(self, key: str) -> tuple[str, ...]:
        """Return the questions whose answers await a redraft. Only drafts that are not derived from their facts have
        any; in other drafts, what an answer states counts immediately."""
        state = self.review(key)
        found = _answers(self._store.events(key, to=state.version), state)[1]
        return () if not found or self.follows(key) else tuple(found)

    def follows(self, key: str) -> bool:
        """Return whether the draft of a review is derived from its facts, so that answers count as facts."""
        drafted = self.review(key).drafted
        return self._follows.get((key, drafted.id), lambda: follows_from_facts(drafted, self._recompose))

    # ------------------------------------------------------------ focus

    def focus(self, key: str, item: str, seconds: float, reviewer: Reviewer | None = None) -> None:
        """Add focus time in seconds to an item, or to the review if `item` is empty; a report adds at most two minutes.

        Raises InputError for an item that does not exist.
        """
        if item and all(one.item.id != item for one in self.review(key).items):
            raise InputError("there is no such item", where="item", hint="see the ids under “More” on each item")
        self._store.add_focus(key, item, reviewer.name if reviewer else "", min(seconds, MAX_SECONDS))

    def focus_by_item(self, key: str) -> dict[str, float]:
        """Return the total focus time in seconds, by item."""
        return self._store.focus(key)

    def pace(self) -> Pace:
        """Compute how long recent decisions took across all reviews of the store."""
        return pace_of(self._store.timed(DECIDING, _LATELY))

    # ------------------------------------------------------------ exports

    def export(self, key: str, format_: ExportFormat) -> Export:
        """Export the reviewed draft as a file, stamped if it is signed; the same state gives the same bytes."""
        return signed.export(self.review(key), self.documents(key), format_)

    def questionnaire(self, key: str, format_: Format) -> Export:
        """Export the unanswered questions as a document for the vendor."""
        state = self.review(key)
        # The reviewed draft no longer contains answered questions, so only waived ones have to be left out.
        waived = [one.item.id.partition("/")[2] for one in state.items if one.verdict == "waived"]
        data = questionnaire(state.reviewed, format_, leave_out=waived)
        return Export(f"{key}-questions.{format_}", MEDIA_TYPES[format_], data)

    def reply(self, key: str) -> str:
        """Return the outcome of each contested point as Markdown."""
        return response_acts.reply(self.review(key))

    def contest_form(self, key: str, item: str) -> str:
        """Return a blank response file for contesting an item. Raises InputError if there is no such item."""
        state = self.review(key)
        return response_acts.contest_form(state.drafted.id, item, [one.item.id for one in state.items])

    # ------------------------------------------------------------ internals

    def _with_sheet(
        self, state: ReviewState, planned: tuple[Planned, ...]
    ) -> tuple[tuple[Planned, ...], NewDrafts | None]:
        made = with_sheet(state, planned, self._recompose)
        return made.planned, NewDrafts({made.sha256: made.draft}) if made.draft is not None else None

    def _recompose(self, draft: Draft, sheet: FactSheet) -> Draft | None:
        """Recompose a draft as `agent.pipeline.recomposed` does, with the result of `own_left_out` cached."""
        # Imported here because the drafter takes a second to load, and most reviews are never redrafted.
        from agent.pipeline import own_left_out, with_facts

        name = sha256(draft.model_dump_json().encode()).hexdigest()
        own = self._own.get(name, lambda: own_left_out(draft))
        return None if own is None else with_facts(draft, sheet, own)

    def _check(self, state: ReviewState, action: Action) -> tuple[Planned, ...]:
        return check(state, self._told(state, action), self.documents(state.key), self._seen(state.key))

    def _told(self, state: ReviewState, action: Action) -> Action:
        """Add the stated facts to an answer. Raises InputError if the draft cannot incorporate them."""
        name = action.item.partition("/")[2]
        question = next((one for one in state.questions if one.id == name), None)
        if action.verb != "answer" or question is None:
            return action
        if not self.follows(state.key):
            if action.fields.get(STATES):
                hint = "leave this out, and draft again with the answer"
                raise InputError("the draft is not derived from its facts", where=STATES, hint=hint)
            return action
        return replaced(action, fields=stating(action.fields, question, read_answer))

    def _seen(self, key: str) -> Callable[[int], ReviewState]:
        return lambda version: self.review(key, version)

    def _planned_act(self, key: str, reviewer: Reviewer, plan: Planning) -> ActResult:
        """Plan and store an act; plan again if others stored events first."""
        for left in reversed(range(_TRIES)):
            before = self.review(key)
            planned = plan(before)
            if not planned:
                return _unmoved(before)
            made, new_drafts = self._with_sheet(before, planned)
            blobs = new_drafts.blobs if new_drafts is not None else []
            if planned[0].verb == "sign":
                self._may_sign(key, reviewer)
                blobs.append(Blob("reviewed", dump(replaced(before.reviewed, review=None)).encode()))
            try:
                return self._stored(key, before, made, reviewer, blobs, new_drafts)
            except StaleError:
                if not left:
                    raise
        raise AssertionError("unreachable")

    def why_not_sign(self, key: str, reviewer: Reviewer) -> str:
        """Return why this person may not sign a review, regardless of open items, or an empty string if they may."""
        try:
            _may_write(reviewer)
            self._may_sign(key, reviewer)
        except RefusedError as error:
            return f"{error.what}; {error.hint}"
        return ""

    def _may_sign(self, key: str, reviewer: Reviewer) -> None:
        """Under the two-person rule, raise RefusedError if the reviewer is not an approver or has decided items."""
        if self._settings.review_two_person != "on":
            return
        if reviewer.role != "approver":
            what = "an approver must sign, because the two-person rule is on"
            raise RefusedError(what, where=reviewer.name, hint="invite one under People, and have them sign")
        if any(event.reviewer == reviewer.name and event.verb in _BY_REVIEWERS for event in self._store.events(key)):
            what = "somebody who decided items of the review cannot sign it"
            raise RefusedError(what, where=reviewer.name, hint="have another approver sign")

    def _stored(
        self,
        key: str,
        before: ReviewState,
        planned: Sequence[Planned],
        reviewer: Reviewer,
        blobs: Sequence[Blob],
        new_drafts: NewDrafts | None = None,
    ) -> ActResult:
        made: list[Shown] = []

        def columns(events: tuple[Event, ...]) -> QueueColumns:
            made.append(self._cache.fold(key, events, new_drafts))
            return queue_columns(made[-1].state)

        events = self._store.append(key, planned, reviewer, self._clock(), before.version, columns, blobs=blobs)
        self._cache.keep(made[-1])
        after = made[-1].state
        return ActResult(events=events, state=after, moved=what_moved(before, after))

    def _unstored(self, state: ReviewState, planned: Sequence[Planned], reviewer: Reviewer) -> tuple[Event, ...]:
        """Return the planned events with the numbers that they would get, without hashes."""
        first = state.version + 1
        return tuple(
            Event(
                seq=0, review=state.key, number=number, batch=first, at=self._clock(), reviewer=reviewer.name,
                role=reviewer.role, previous="", hash="", **plan.model_dump(),
            )
            for number, plan in enumerate(planned, first)
        )  # fmt: skip

    def _draft_ids(self, key: str, state: ReviewState) -> tuple[str, ...]:
        """Return the ids of all drafts of a review, the current one last."""
        events = self._store.events(key)
        named = [(event.after or {}).get("draft") for event in events if event.verb in ("import", "redraft", "answer")]
        return (*(str(name) for name in named if name), state.drafted.id)


def _may_write(reviewer: Reviewer) -> None:
    if reviewer.role == "viewer":
        hint = "ask for the role of an analyst"
        raise RefusedError("a viewer cannot change anything", where=reviewer.name, hint=hint)


def _unmoved(state: ReviewState) -> ActResult:
    return ActResult(events=(), state=state, moved=what_moved(state, state))


def _answers(events: Sequence[Event], state: ReviewState) -> tuple[list[Answer], dict[str, object]]:
    """Return current answers that state no facts and are in no redraft yet, and their event numbers by question."""
    events = living(events).events
    taken = [(event.after or {}).get("answers") for event in events if event.verb == "redraft"]
    before = {name: number for one in taken if isinstance(one, dict) for name, number in one.items()}
    found: list[Answer] = []
    numbers: dict[str, object] = {}
    for one in state.items:
        given, name = (one.after or {}).get("answer"), one.item.id.partition("/")[2]
        if one.verdict != "answered" or not isinstance(given, dict) or given.get(STATES):
            continue
        last = max(e.number for e in events if e.verb == "answer" and e.item == one.item.id)
        if last != before.get(name):
            found.append(Answer(name, str(given["text"]), str(given["url"]), by_kind(given.get("kind"))))
            numbers[name] = last
    return found, numbers
