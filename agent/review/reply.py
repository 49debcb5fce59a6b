"""What goes back to who contested: the form of a response, and the reply to each point."""

from collections.abc import Sequence
from typing import Final

import yaml

from agent.errors import InputError
from agent.export.safe_markdown import one_line, plain
from agent.review.answers import SCHEMA
from agent.review.records import Contest, ReviewState

_DECIDED: Final = {"open": "not decided yet", "accepted": "accepted", "refused": "refused"}


def contest_form(draft: str, item: str, items: Sequence[str]) -> str:
    """The response file that contests `item` of the draft with this id, to be filled in. Raises InputError when the
    draft does not hold it."""
    if item not in items:
        raise InputError(f"there is no item {item[:80]!r}", where="item", hint="its id stands beside it")
    fields = {
        "schema": SCHEMA,
        "draft": draft,
        "sender": "",
        "by": "vendor",
        "contests": [{"item": item, "kind": "wrong", "text": "", "url": ""}],
    }
    head = (
        "# kind: wrong, outdated or missing. text: what is so instead, in plain sentences.\n"
        "# url: a public page that says it.\n"
    )
    return head + yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)


def reply(state: ReviewState) -> str:
    """Every contested point of a review as Markdown: who said what, the decision, its rule, its effect."""
    titles = {one.item.id: one.item.title for one in state.items}
    return reply_text(state.reviewed.product.name, state.drafted.id, state.contests, titles)


def reply_text(product: str, draft: str, contests: Sequence[Contest], titles: dict[str, str]) -> str:
    """The same of points that are in no review."""
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
            f"- Rule: {plain(point.rule) or '–'}",
            f"- Effect: {plain(point.effect) or '–'}",
            "",
        ]
    return "\n".join(lines).rstrip("\n") + "\n"
