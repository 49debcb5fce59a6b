"""Turns a response file into acts on a review: each answer and each contested point becomes a planned event."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import yaml

from agent.errors import InputError
from agent.records import Document, Draft
from agent.report.safe_markdown import one_line, plain
from agent.review.domain.acts import Seen, check
from agent.review.domain.items import POSTURE, items_of
from agent.review.domain.records import Action, Contest, Plain, Planned, ReviewState
from agent.review.domain.response import ANSWERS, SCHEMA, ContestGiven, Response, answers_of

_DECIDED: Final = {"open": "not decided yet", "accepted": "accepted", "refused": "refused"}


def planned_of(
    state: ReviewState,
    response: Response,
    documents: Sequence[Document],
    *,
    known: Sequence[str],
    version: int,
    seen: Seen,
    told: Callable[[ReviewState, Action], Action],
) -> tuple[Planned, ...]:
    """Return the planned events for a response, skipping answers and contests already received in the same words.

    `known` are the ids of this review's drafts, the current one last; `told` adds the statements of an answer to its
    action. Raises InputError if the response is about another draft or refers to an unknown item, and ConflictError if
    a question was touched after `version`.
    """
    if response.draft not in known:
        what = f"the response is for draft {response.draft[:80]!r}"
        raise InputError(what, where="draft", hint=f"this draft is {known[-1]}")
    planned: list[Planned] = []
    for action in (*_answers(state, response, version), *_contests(state, response, version)):
        planned += check(state, told(state, action), documents, seen)
    return tuple(planned)


def _answers(state: ReviewState, response: Response, version: int) -> Iterator[Action]:
    questions = {one.item.id.partition("/")[2]: one for one in state.items if one.item.kind == "question"}
    for answer in answers_of(response, tuple(questions)):
        one = questions[answer.question]
        fields: Plain = {"text": answer.text, "url": answer.page, "kind": ANSWERS[response.by]}
        before = (one.after or {}).get("answer") or {}
        if fields.items() <= before.items():
            continue
        if answer.states:
            fields["states"] = [dict(state) for state in answer.states]
        told = f"response file of {response.sender}" if response.sender else "response file"
        yield Action(verb="answer", item=one.item.id, version=version, fields=fields, note=told)


def _contests(state: ReviewState, response: Response, version: int) -> Iterator[Action]:
    there = {(one.item, one.kind, one.text) for one in state.contests}
    for number, point in enumerate(response.contests, 1):
        item = contested_item(state.drafted, point, number)
        if (item, point.kind, point.text.strip()) not in there:
            fields: Plain = {"kind": point.kind, "text": point.text, "url": point.url, "sender": response.sender[:80]}
            yield Action(verb="contest", item=item, version=version, fields=fields)


def contested_item(draft: Draft, point: ContestGiven, number: int) -> str:
    """Return the id of the contested item: the item that `point` names, or the first one that rests on the named quote.

    Raises InputError if there is none. `number` is the point's position in the response, from 1.
    """
    items = items_of(draft, (), {})
    if any(item.id == point.item for item in items):
        return point.item
    resting = next((item.id for item in items if point.item in item.evidence), None)
    if resting is None and any(evidence.id == point.item for evidence in draft.evidence):
        # A quote that only facts cite, such as one on where the product runs, belongs to the product description.
        resting = POSTURE
    if resting is None:
        told = f"the draft contains no {point.item[:80]!r}"
        raise InputError(told, where=f"contests.{number}.item", hint="see the ids of the draft's items")
    return resting


def contest_form(draft: str, item: str, items: Sequence[str]) -> str:
    """Return a response-file form that contests `item` of the draft with this id. Raises InputError when the draft
    does not contain the item."""
    if item not in items:
        raise InputError(f"there is no item {item[:80]!r}", where="item", hint="see the ids of the draft's items")
    contests = [{"item": item, "kind": "wrong", "text": "", "url": ""}]
    fields = {"schema": SCHEMA, "draft": draft, "sender": "", "by": "vendor", "contests": contests}
    head = (
        "# kind: wrong, outdated or missing. text: what is true instead, in plain sentences.\n"
        "# url: a public page that says so.\n"
    )
    return head + yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)


def reply(state: ReviewState) -> str:
    """Format every contested point of a review as Markdown: who said what, the decision, its reason and its effect."""
    titles = {one.item.id: one.item.title for one in state.items}
    return reply_text(state.reviewed.product.name, state.drafted.id, state.contests, titles)


def reply_text(product: str, draft: str, contests: Sequence[Contest], titles: dict[str, str]) -> str:
    """Format contested points in the same way as `reply`, including points outside a review."""
    lines = [f"# Contested points of the draft about {plain(product)}", "", f"Draft `{plain(draft)}`.", ""]
    if not contests:
        lines += ["Nothing is contested.", ""]
    for number, point in enumerate(contests, 1):
        title = titles.get(point.item, "")
        lines += [
            f"## {number}. {plain(point.item)}{f': {plain(one_line(title))}' if title else ''}",
            "",
            f"- Said to be {point.kind}{f' by {plain(point.sender)}' if point.sender else ''}: {plain(point.text)}",
            *([f"- Page: {plain(point.url)}"] if point.url else []),
            f"- Decision: {_DECIDED[point.decision]}",
            f"- Reason: {plain(point.rule) or '–'}",
            f"- Effect: {plain(point.effect) or '–'}",
            "",
        ]
    return "\n".join(lines).rstrip("\n") + "\n"
