"""What an act did, in words: the line that answers it, and the fields of an event in the history."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from agent.export.view import name_of
from agent.review.compare import words
from agent.review.decisions import Moved, score_words
from agent.review.records import Event, Verb
from agent.review.web.fields import GRAMMAR
from agent.taxonomy.keys import FACTORS, LAYERS

_WRITTEN: Final[Mapping[str, str]] = {
    "low": "not below", "high": "not above", "cvss_vector": "CVSS vector", "mitigation_factor": "factor for controls",
    "url": "public page", "sha256": "SHA-256", "kind": "kind", "rule": "why", "number": "contest of event",
}  # fmt: skip
"""Fields that are called otherwise where they are written."""
_FIRST: Final = ("value", "low", "high")
"""A factor's fields in the order of its form, before any other."""
_UNSAID: Final[Mapping[Verb, frozenset[str]]] = {
    "import": frozenset({"documents", "sha256"}),
    "redraft": frozenset({"documents", "sha256", "score", "moved", "answers"}),
    "undo": frozenset({"batch"}),
    "assign": frozenset({"to"}),
}
"""What an event carries for its replay, or says in its own line."""
_NONE: Final = "none"
_MOST: Final = 3
"""Of what a new draft moved, in the line that answers it."""


class Field(NamedTuple):
    """One field of an event, in words; `before` is empty where there was nothing."""

    name: str
    before: str
    after: str


def field_name(name: str) -> str:
    """A field as forms and pages call it."""
    part = name.removeprefix("statement.")
    return _WRITTEN.get(name) or (GRAMMAR.get(part) if part != name else None) or name.replace("_", " ")


def in_order(names: Iterable[str]) -> list[str]:
    """Fields as the forms have them, else as they come."""
    every = list(dict.fromkeys(names))
    return [*(name for name in _FIRST if name in every), *(name for name in every if name not in _FIRST)]


def event_fields(event: Event) -> tuple[Field, ...]:
    """What the event changed, without what only its replay needs."""
    before, after = dict(event.before or {}), dict(event.after or {})
    unsaid = _UNSAID.get(event.verb, frozenset()) | {"marks"}
    if event.verb == "redraft":
        return (*_redrafted(after), *_plain({}, after, unsaid))
    if event.verb == "attach":
        return tuple(Field(f"{field_name(name)} added", "", words(value)) for name, value in after.items())
    return tuple(_plain(before, after, unsaid))


def _plain(before: Mapping[str, object], after: Mapping[str, object], unsaid: frozenset[str]) -> Iterator[Field]:
    for name in in_order((*before, *after)):
        if name not in unsaid:
            was = words(before[name]) if name in before else ""
            yield Field(field_name(name), was, words(after.get(name)) if name in after else "")


def _redrafted(after: Mapping[str, object]) -> Iterator[Field]:
    answers, moved = after.get("answers"), after.get("moved")
    named = ", ".join(answers) if isinstance(answers, Mapping) else ""
    yield Field("with the answers to", "", named or _NONE)
    rows = moved if isinstance(moved, list | tuple) else ()
    for what, was, now in rows:
        key = str(what)
        yield Field(name_of(key) if key in (*FACTORS, *LAYERS) else key, str(was), str(now))
    if not rows:
        yield Field("moved", "", "nothing")


# ---------------------------------------------------------------- the line that answers an act

_DID: Final[Mapping[Verb, str]] = {
    "confirm": "Confirmed",
    "correct": "Corrected",
    "strike": "Struck",
    "attach": "Attached evidence to",
    "add": "Added",
    "waive": "Waived",
    "send": "Asked the vendor:",
    "answer": "Answered",
    "contest": "Brought in a contest of",
    "decide": "Decided the contest of",
    "assign": "Assigned",
    "sign": "Signed",
    "reopen": "Reopened",
}


def answer_to(events: Sequence[Event], titles: Mapping[str, str], moved: Moved) -> str:
    """What the newest of `events` was, and what it did to the score."""
    if not events:
        return moved.text
    last = events[-1].batch
    batch = [event for event in events if event.batch == last]
    was, now = score_words(moved.before), score_words(moved.after)
    if was == now and not moved.causes:
        return f"{_said(batch, titles)}; score stays {now}"
    title = titles.get(batch[0].item, "")
    named = title and any(cause.startswith(title) for cause in moved.causes)
    return moved.text if named else f"{_said(batch, titles)}; {moved.text}"


def _said(batch: Sequence[Event], titles: Mapping[str, str]) -> str:
    first = batch[0]
    if first.verb == "undo":
        return f"Took back act {(first.after or {}).get('batch', '')}".strip()
    if first.verb == "redraft":
        named, *moved = _redrafted(first.after or {})
        if named.after == _NONE:
            return "Drafted again"
        rows = "; ".join(f"{one.name} {one.before} → {one.after}" for one in moved[:_MOST] if one.before)
        more = f"; {len(moved) - _MOST} more" if len(moved) > _MOST else ""
        return f"Drafted again with {named.after}: {rows or 'nothing that it settles moved'}{more}"
    verb = _DID.get(first.verb)
    if verb is None:
        return "Saved"
    items = list(dict.fromkeys(event.item for event in batch if event.item))
    if len(items) > 1 and first.verb != "send":
        return f"{verb} {len(items)} items"
    return f"{verb} “{titles.get(items[0], items[0])}”" if items else verb
