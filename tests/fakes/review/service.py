"""The review's service in memory: real drafts, the real checks and the real fold, and no store."""

import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from agent.errors import FullError, InputError
from agent.pipeline import recomposed
from agent.records import Document
from agent.report import html
from agent.report.draft_json import dump
from agent.report.formats.questionnaire import MEDIA_TYPES, Export, Format, questionnaire
from agent.report.markdown import render
from agent.review.domain.acts import check
from agent.review.domain.effects.compare import Comparison, SideBySide, compare, side_by_side
from agent.review.domain.effects.decisions import DECIDING, ActResult, Moved, Pace, pace_of, what_moved
from agent.review.domain.facts.changed_sheet import follows_from_facts
from agent.review.domain.facts.from_answers import read_answer, stating
from agent.review.domain.new_threat import Written, weighed
from agent.review.domain.records import Action, Event, QueueRow, Reviewer, ReviewState
from agent.review.domain.redraft import redraft
from agent.review.domain.rescore import shown
from agent.review.domain.response import Answer, parse_response
from agent.review.domain.undo import with_own_act
from agent.review.service import asked_of
from agent.review.store.queue import QueuePage, QueueQuery
from agent.review.store.signed import ExportFormat
from agent.settings import Settings
from tests.fakes.review.reviewing import Desk, not_given

AT = "2026-11-26T10:00:00Z"


class MemoryReviews:
    """Reviews of bundled cases, `r1` and on. `full` makes every write fail as a full disk does; `older` drafts are not
    given by their facts."""

    def __init__(self, *slugs: str, older: bool = False) -> None:
        self._older = older
        self._slugs = {f"r{n}": slug for n, slug in enumerate(slugs or ("dify",), 1)}
        self._focus: dict[str, dict[str, float]] = {key: {} for key in self._slugs}
        self._turn = threading.Lock()
        self.full = False

    @cached_property
    def _desks(self) -> dict[str, Desk]:
        """Made when they are first asked for, so that collecting tests drafts nothing."""
        desks = {key: Desk.of_case(slug) for key, slug in self._slugs.items()}
        return (
            {key: replace(each, draft=not_given(each.draft)) for key, each in desks.items()} if self._older else desks
        )

    def queue(self, query: QueueQuery) -> QueuePage:
        rows, words = [self._row(key) for key in self._desks], query.text.casefold().split()
        rows = [
            row for row in rows
            if (query.stage is None or row.stage == query.stage)
            and (query.assigned is None or row.assigned == query.assigned)
            and (query.severity is None or (row.score.severity or "withheld") == query.severity)
            and (query.contested is None or (row.contested > 0) == query.contested)
            and (not query.asked or query.asked in asked_of(self._desks[row.key].state))
            and all(word in f"{row.product} {row.vendor} {row.key}".casefold() for word in words)
        ]  # fmt: skip
        sorts = {
            "score": lambda row: -(row.score.aivss or 0),
            "open": lambda row: -row.open,
            "uncertain": lambda row: -row.uncertain,
            "changed": lambda row: row.key,
            "product": lambda row: row.product,
        }
        rows.sort(key=sorts[query.sort], reverse=query.reverse)
        shown_rows = tuple(itertools.islice(rows, query.offset, query.offset + query.limit))
        return QueuePage(rows=shown_rows, total=len(rows), offset=query.offset, limit=query.limit)

    def assignees(self) -> tuple[str, ...]:
        return tuple(sorted({desk.state.assigned for desk in self._desks.values()} - {""}))

    def review(self, key: str, as_of: int | None = None) -> ReviewState:
        desk = self._desk(key)
        if as_of is not None and not 0 <= as_of <= len(desk.events):
            raise InputError("there is no such version", where="as_of", hint=f"the last one is {len(desk.events)}")
        state = desk.state if as_of is None else desk.as_of(as_of)
        return state.model_copy(update={"key": key})

    def documents(self, key: str) -> tuple[Document, ...]:
        return self._desk(key).texts

    def act(self, key: str, action: Action, reviewer: Reviewer) -> ActResult:
        with self._turn:
            desk = self._desk(key)
            action = with_own_act(desk.state, action, reviewer.name)
            planned = check(desk.state, self._told(key, action), desk.texts, desk.as_of)
            if self.full:
                raise FullError("there is no space left on the disk", where="the store", hint="make room, then save")
            after = desk.taken(planned, by=reviewer.name) if planned else desk
            return self._kept(key, desk, after)

    def preview(self, key: str, action: Action, reviewer: Reviewer) -> Moved:
        desk = self._desk(key)
        planned = check(desk.state, self._told(key, action), desk.texts, desk.as_of)
        return what_moved(desk.state, desk.taken(planned).state)

    def weigh(self, key: str, given: Mapping[str, object]) -> Written:
        desk = self._desk(key)
        return weighed(desk.state, desk.texts, given, lambda planned: desk.stored(tuple(planned)).state)

    @property
    def today(self) -> str:
        return AT[:10]

    def redraft(self, key: str, reviewer: Reviewer, version: int) -> ActResult:
        with self._turn:
            desk = self._desk(key)
            answers = [
                Answer(one.item.id.partition("/")[2], str(given["text"]), str(given["url"]), "vendor")
                for one in desk.state.items
                if one.verdict == "answered" and isinstance(given := (one.after or {}).get("answer"), dict)
            ]
            made = redraft(desk.state.drafted, desk.documents, answers, settings=Settings(), at=AT)
            revisions = {**desk.revisions, "again": made.draft}
            desk = replace(desk, documents=made.documents, revisions=revisions)
            told: dict[str, object] = {
                "sha256": "again", "answers": {one.question: 0 for one in answers},
                "moved": [list(row) for row in made.moved],
            }  # fmt: skip
            action = Action(verb="redraft", version=version, fields=told)
            return self._kept(key, desk, desk.stored(check(desk.state, action, desk.documents), by=reviewer.name))

    def waiting(self, key: str) -> tuple[str, ...]:
        answered = [one.item.id.partition("/")[2] for one in self.review(key).items if one.verdict == "answered"]
        taken = any(event.verb == "redraft" for event in self.history(key))
        return () if taken or self.follows(key) else tuple(answered)

    def follows(self, key: str) -> bool:
        return follows_from_facts(self._desk(key).draft, recomposed)

    def respond(self, key: str, raw: bytes, reviewer: Reviewer, version: int) -> ActResult:
        response = parse_response(raw, where="response")
        with self._turn:
            if self.full:
                raise FullError("there is no space left on the disk", where="the store", hint="make room, then save")
            before = desk = self._desk(key)
            for question, given in response.given.items():
                fields: dict[str, object] = {"text": given.answer, "url": given.page, "kind": "vendor-answer"}
                action = Action(
                    verb="answer", item=f"question/{question}", version=len(desk.events), fields=fields,
                    note="" if given.page else "by response file",
                )  # fmt: skip
                desk = desk.taken(check(desk.state, self._told(key, action), desk.texts), by=reviewer.name)
            for point in response.contests:
                fields = {"kind": point.kind, "text": point.text, "url": point.url, "sender": response.sender}
                action = Action(verb="contest", item=str(point.item), version=len(desk.events), fields=fields)
                desk = desk.stored(check(desk.state, action, desk.documents), by=reviewer.name)
            return self._kept(key, before, desk)

    def history(self, key: str) -> tuple[Event, ...]:
        return self._desk(key).events

    def compare(self, key: str, a: int, b: int) -> Comparison:
        return compare(self.review(key, a), self.review(key, b))

    def compare_reviews(self, keys: Sequence[str]) -> SideBySide:
        return side_by_side([self.review(key) for key in keys])

    def why_not_sign(self, key: str, reviewer: Reviewer) -> str:
        return "a viewer changes nothing" if reviewer.role == "viewer" else ""

    def focus(self, key: str, item: str, seconds: float, reviewer: Reviewer) -> None:
        self._desk(key)
        self._focus[key][item] = self._focus[key].get(item, 0.0) + seconds

    def focus_by_item(self, key: str) -> Mapping[str, float]:
        self._desk(key)
        return dict(self._focus[key])

    def pace(self) -> Pace:
        return pace_of(
            (event.item, seconds)
            for key, desk in self._desks.items()
            for event in desk.events
            if event.verb in DECIDING and (seconds := self._focus[key].get(event.item))
        )

    def export(self, key: str, format_: ExportFormat) -> Export:
        state = self.review(key)
        if format_ == "json":
            return Export(f"{key}-{state.version}.json", "application/json", dump(state.reviewed).encode())
        text = render(state.reviewed, self.documents(key))
        if format_ == "md":
            return Export(f"{key}-{state.version}.md", "text/markdown; charset=utf-8", text.encode())
        page = html.render(state.reviewed, self.documents(key))
        return Export(f"{key}-{state.version}.html", "text/html; charset=utf-8", page.encode())

    def questionnaire(self, key: str, format_: Format) -> Export:
        state = self.review(key)
        return Export(f"{key}-questions.{format_}", MEDIA_TYPES[format_], questionnaire(state.reviewed, format_))

    def reply(self, key: str) -> str:
        rows = [f"{c.number}. {c.item}: {c.decision}. {c.rule} {c.effect}" for c in self.review(key).contests]
        return "\n".join(["# Reply", "", *rows, ""])

    def _told(self, key: str, action: Action) -> Action:
        asked = self._desk(key).state.reviewed.questions
        question = next((one for one in asked if f"question/{one.id}" == action.item), None)
        if action.verb != "answer" or question is None or not self.follows(key):
            return action
        return action.model_copy(update={"fields": stating(action.fields, question, read_answer)})

    def _desk(self, key: str) -> Desk:
        if key not in self._desks:
            raise InputError("there is no such review", where=f"review {key[:40]!r}", hint="see the queue for its key")
        return self._desks[key]

    def _kept(self, key: str, before: Desk, after: Desk) -> ActResult:
        self._desks[key] = after
        was, now = before.state, after.state.model_copy(update={"key": key})
        return ActResult(events=after.events[len(before.events) :], state=now, moved=what_moved(was, now))

    def _row(self, key: str) -> QueueRow:
        state = self.review(key)
        draft = state.reviewed
        return QueueRow(
            key=key,
            product=draft.product.name,
            vendor=draft.product.vendor or "",
            score=shown(draft.score),
            open=len(state.open),
            items=len(state.items),
            uncertain=sum(not layer.certain for layer in draft.layers.values()),
            stage=state.stage,
            assigned=state.assigned,
            contested=sum(one.decision == "open" for one in state.contests),
            changed_at=AT,
            changed=f"{state.version} acts",
            seconds=sum(self._focus[key].values()),
        )
