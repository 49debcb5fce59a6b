"""A review without a store: a draft, its documents and the events so far, for tests of everything that is pure."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import cast

import pytest
from pydantic import TypeAdapter

from agent.drafting.calibration import load_calibration
from agent.errors import ConflictError, InputError
from agent.pipeline import draft_reading, read_documents, recomposed
from agent.records import Document, Draft, Fact, Threat
from agent.report.draft_json import dump, parse
from agent.resources import data_folder
from agent.review.domain.acts import check
from agent.review.domain.fold import fold
from agent.review.domain.items import facts_of, threats_of
from agent.review.domain.planned_sheet import with_sheet
from agent.review.domain.records import Action, Event, ItemState, Planned, Reason, ReviewState, Verb
from agent.review.store.cache import with_answers
from evals.cases.corpus import load_case
from evals.cases.documents import READ_AT, documents_of
from tests.places import CASES, GOLDEN

ADA = "Ada"
GRACE = "Grace"
SLUGS = ("airtable-mcp-server", "abridge")
CHAINED = "cline-sdk"
"""A bundled case whose draft has a chain of threats."""
DRAFTS = GOLDEN / "drafts"
GRAVE = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H"
MILD = "CVSS:4.0/AV:L/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"
MILDEST = "CVSS:4.0/AV:P/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"
VECTORS = (GRAVE, MILD, "CVSS:4.0/AV:N/AC:L/AT:N/PR:L/UI:P/VC:H/VI:L/VA:N/SC:N/SI:N/SA:N")
STATEMENT = dict.fromkeys(("source", "prerequisite", "action", "impact", "asset"), "a thing")


def new_threat(**more: object) -> dict[str, object]:
    """Return the fields of a threat that a reviewer adds, whose id is H1-a-flow-leaks."""
    given = {"layer": "agent_frameworks", "title": "A flow leaks", "statement": STATEMENT, "cvss_vector": GRAVE}
    return {**given, **more}


@cache
def case_documents(slug: str) -> tuple[Document, ...]:
    return documents_of(load_case(data_folder("corpus") / "cases" / slug))


@cache
def case_draft(slug: str) -> Draft:
    """Return a real draft of a bundled case."""
    return draft_reading(
        read_documents(case_documents(slug)), name=None, calibration=load_calibration(), created_at=READ_AT
    )


def case_with(fits: Callable[[Draft], bool], *first: str) -> str:
    """Return a bundled case whose draft fits: one of the `first` cases, or else any other."""
    every = dict.fromkeys((*first, *SLUGS, *sorted(case.parent.name for case in CASES.glob("*/readings.yaml"))))
    return next(slug for slug in every if fits(case_draft(slug)))


def not_given(draft: Draft) -> Draft:
    """Return the draft as one that does not follow from its facts, such as one of another release."""
    return draft.model_copy(update={"assumptions": ("somebody looks at each change",)})


def asking_about(draft: Draft, *keys: str) -> Draft:
    """Return the draft with a first question that settles these factors and layers."""
    first, *rest = draft.questions
    return draft.model_copy(update={"questions": (first.model_copy(update={"settles": keys}), *rest)})


@cache
def golden_draft(name: str) -> tuple[Draft, tuple[Document, ...]]:
    """Return a stored draft of an earlier release with its texts: `first-0.1.0` or `assisted-0.1.0`."""
    documents = TypeAdapter(tuple[Document, ...]).validate_json((DRAFTS / "texts" / f"{name}.json").read_bytes())
    return parse((DRAFTS / f"{name}.json").read_text("utf-8"), where=name), documents


@dataclass(frozen=True)
class Desk:
    """A review at one moment; every act returns the next one."""

    draft: Draft
    documents: tuple[Document, ...]
    events: tuple[Event, ...] = ()
    revisions: dict[str, Draft] = field(default_factory=dict)

    @classmethod
    def of_case(cls, slug: str = "airtable-mcp-server") -> "Desk":
        return cls(case_draft(slug), case_documents(slug))

    @property
    def texts(self) -> tuple[Document, ...]:
        """The documents, including the answers that state something."""
        return with_answers(self.documents, self.state.sources)

    @cached_property
    def state(self) -> ReviewState:
        return self.as_of(len(self.events))

    def as_of(self, version: int) -> ReviewState:
        return fold("r1", self.draft, self.documents, self.events[:version], self.revisions)

    @property
    def reviewed(self) -> Draft:
        return self.state.reviewed

    @property
    def text(self) -> str:
        """The reviewed draft in its written form."""
        return dump(self.reviewed)

    @property
    def threats(self) -> dict[str, Threat]:
        return threats_of(self.reviewed)

    @property
    def facts(self) -> dict[str, Fact]:
        """The facts of the reviewed draft, by key."""
        return {fact.key: fact for fact in facts_of(self.reviewed)}

    def one(self, item: str) -> ItemState:
        return next(state for state in self.state.items if state.item.id == item)

    def first(self, kind: str) -> str:
        """Return the first item of a kind."""
        return next(one.item.id for one in self.state.items if one.item.kind == kind)

    def planned(
        self, verb: Verb, item: str = "", *, reason: str = "", note: str = "", section: str = "",
        version: int | None = None, **fields: object,
    ) -> tuple[Planned, ...]:  # fmt: skip
        """Return the result of `check` for an action at the newest version, or at an older one."""
        action = Action(
            verb=verb,
            item=item,
            version=len(self.events) if version is None else version,
            fields=fields,
            reason=cast("Reason", reason),
            note=note,
            section=section,
        )
        return check(self.state, action, self.texts, self.as_of)

    def act(self, verb: Verb, item: str = "", *, by: str = ADA, reason: str = "", **given: object) -> "Desk":
        """Return the review after an action; corrections, strikes and waivers get a reason automatically."""
        if verb in ("correct", "strike", "waive") and not reason:
            reason = "not-supported"
        return self.taken(self.planned(verb, item, reason=reason, **given), by=by)  # type: ignore[arg-type]

    def refused(self, verb: Verb, item: str = "", **given: object) -> InputError | ConflictError:
        """Return the error of an action that is refused."""
        with pytest.raises((InputError, ConflictError)) as caught:
            self.act(verb, item, **given)  # type: ignore[arg-type]
        assert caught.value.hint
        return caught.value

    def taken(self, planned: tuple[Planned, ...], by: str = ADA) -> "Desk":
        """Return the review after these events, with the draft that then follows from the facts."""
        made = with_sheet(self.state, planned, recomposed)
        desk = self.stored(made.planned, by=by)
        if made.draft is None:
            return desk
        return replace(desk, revisions={**self.revisions, made.sha256: made.draft})

    def bulk(self, section: str, by: str = ADA) -> "Desk":
        """Return the review after all supported items of a section, which were all on screen, were confirmed in one
        act.
        """
        return self.act("bulk", section=section, by=by, seen=[one.item.id for one in self.state.items])

    def stored(self, planned: tuple[Planned, ...], by: str = ADA) -> "Desk":
        """Return the review after these events, as one batch."""
        events = list(self.events)
        batch = len(events) + 1
        for each in planned:
            number = len(events) + 1
            previous = events[-1].hash if events else "0" * 64
            events.append(
                Event(
                    seq=number, review="r1", number=number, batch=batch, at="2026-11-26T10:00:00Z", reviewer=by,
                    role="analyst", previous=previous, hash=hashlib.sha256(f"{previous}{number}".encode()).hexdigest(),
                    **each.model_dump(),
                )
            )  # fmt: skip
        return replace(self, events=tuple(events))

    def closed(self) -> "Desk":
        """Return the review with a decision on every item, none of which changes a number."""
        desk = self
        for section in dict.fromkeys(state.item.section for state in desk.state.items):
            desk = desk.bulk(section)
        desk = desk.act("send", section="questions")
        for one in desk.state.open:
            desk = desk.act("confirm", one.item.id)
        return desk
