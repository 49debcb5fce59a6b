"""The wording of the pages: verdicts, verbs, reasons and states as shown to a reviewer."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from agent.facts.vocabulary import load_vocabulary
from agent.report.sentences import span, tenth
from agent.report.view import name_of
from agent.review.domain.effects.compare import words
from agent.review.domain.effects.decisions import DECIDING, Moved, score_words
from agent.review.domain.records import Event, ItemKind, Plain, Reason, ScoreShown, Verb, Verdict
from agent.review.domain.replay import CALLED, called, living
from agent.review.store.rows import together
from agent.review.web.forms import GRAMMAR, POLARITIES
from agent.taxonomy.factors import FACTORS
from agent.taxonomy.layers import LAYERS, LayerKey

VERDICTS: Final[Mapping[Verdict, str]] = {
    "open": "Open",
    "confirmed": "Confirmed",
    "corrected": "Corrected",
    "struck": "Struck",
    "sent": "Asked the vendor",
    "answered": "Answered",
    "waived": "Waived",
}
VERBS: Final[Mapping[Verb, str]] = {
    "import": "imported the draft",
    "confirm": "confirmed",
    "correct": "corrected",
    "strike": "struck",
    "attach": "attached evidence to",
    "add": "added",
    "waive": "waived",
    "send": "asked the vendor about",
    "answer": "answered",
    "contest": "recorded an objection to",
    "decide": "resolved an objection to",
    "undo": "undid:",
    "assign": "assigned the review to",
    "redraft": "drafted again",
    "sign": "signed",
    "reopen": "reopened",
    "bulk": "confirmed in bulk:",
    "redo": "redid:",
    "comment": "commented on",
    "manage": "updated a mitigation of",
    "ask": "asked the vendor",
}
"""Verbs in the past tense, followed by the item."""
REASONS: Final[Mapping[Reason, str]] = {
    "not-supported": "The sources do not support it",
    "wrong-quote": "The quote says something else",
    "wrong-value": "The value is wrong",
    "wrong-severity": "The severity is wrong",
    "wrong-layer": "It belongs to another layer",
    "wording": "Wording only",
    "outdated": "No longer true",
    "known-otherwise": "Known from another source",
    "not-this-product": "About another product",
    "duplicate": "Duplicate of another item",
    "not-applicable": "Does not apply here",
    "accepted-risk": "Risk accepted",
    "out-of-scope": "Out of scope",
}
REASONS_FOR: Final[Mapping[str, tuple[Reason, ...]]] = {
    "correct": (
        "wrong-value", "wrong-quote", "not-supported", "wrong-severity", "wrong-layer", "wording", "outdated",
        "known-otherwise",
    ),
    "strike": (
        "not-supported", "wrong-quote", "not-this-product", "not-applicable", "outdated", "duplicate", "wrong-layer",
        "known-otherwise",
    ),
    "waive": ("accepted-risk", "out-of-scope", "not-applicable", "known-otherwise"),
}  # fmt: skip
"""Valid reasons for each verb, most likely first."""
_OF_KINDS: Final[Mapping[Reason, frozenset[ItemKind]]] = {
    "wrong-value": frozenset({"factor", "fact", "layer", "score", "capability"}),
    "wrong-severity": frozenset({"threat", "score"}),
    "wrong-layer": frozenset({"threat"}),
    "wrong-quote": frozenset({"posture", "factor", "fact", "layer", "threat", "capability", "chain"}),
    "duplicate": frozenset({"fact", "threat", "capability", "chain", "question"}),
    "accepted-risk": frozenset({"threat", "score", "factor", "layer", "chain"}),
}
"""Reasons that are valid only for some item kinds."""
STATES: Final[Mapping[str, str]] = {
    "claimed": "a quote says so",
    "inferred": "quotes make it likely",
    "denied": "a quote says it is absent",
    "contradicted": "quotes disagree",
    "unknown": "not stated",
    "confirmed": "confirmed by a reviewer",
}
BASES: Final[Mapping[str, str]] = {
    "quoted": "every step of its path has a quote",
    "entry inferred": "what the product does is quoted, but how the attack gets in is not",
    "needs a setting": "applies only with a setting that is not the default",
    "assumed": "rests on an assumption that no quote supports",
}
"""Explanations of a threat's basis."""
READERS: Final[Mapping[str, str]] = {
    "embedded": "the classifier", "llm": "the LLM", "manifest": "a manifest",
    "vendor-answer": "the vendor's answer", "analyst": "the analyst", "scanner": "a scanner",
}  # fmt: skip
"""Names of the readers of facts."""
CONTEST_KINDS: Final[Mapping[str, str]] = {"wrong": "Wrong", "outdated": "Outdated", "missing": "Something is missing"}
FINDINGS: Final[Mapping[str, str]] = {
    "hidden-text": "hidden text",
    "instruction-like-text": "text addressed to assessors",
    "metadata-instruction": "text addressed to assessors, in metadata",
    "active-content": "active content",
    "vendor-claim": "vendor's claim",
    "invisible-characters": "invisible characters",
    "bidi-control": "characters that change the text direction",
    "control-characters": "control characters",
    "combining-flood": "stacked accents",
    "retrieval-dominance": "text repeated to rank in search",
    "cloaking-suspected": "different text for different visitors",
    "content-changed": "changed since the last draft",
    "remote-resource": "loads content from elsewhere",
}
SOURCE_KINDS: Final[Mapping[str, str]] = {
    "listing": "Listing",
    "docs": "Documentation",
    "repo": "Repository",
    "vendor-answer": "Vendor's answer",
    "analyst-note": "Analyst's note",
}
KEYS: Final = (
    (("j", "k"), "next or previous item; in the queue, next or previous row"),
    (("n",), "next open item"),
    (("c",), "confirm"),
    (("e",), "correct"),
    (("x",), "strike"),
    (("s",), "ask the vendor"),
    (("r",), "record the answer to a question"),
    (("w",), "waive: sign without deciding on the item, with a reason"),
    (("t",), "add a threat, starting from the selected text, the fact or the layer"),
    (("m",), "edit the owner, due date and status of one of the threat's mitigations"),
    (("d",), "comment on the item"),
    (("b", "A"), "confirm all items in the section that are supported by quotes and that you have seen"),
    (("Q",), "ask the vendor all open questions"),
    ((".", ",", ">"), "in the sources: select the next sentence, the previous one, or one more"),
    (("a",), "attach the selected text to the item, or to the threat that you are adding"),
    (("u", "U"), "undo, redo; as often as you like"),
    (("/",), "search"),
    (("?",), "show these shortcuts"),
    (("Ctrl Enter",), "save the form; on the Sign page, sign; on the Questions page, draft again"),
    (("Esc",), "close and return to the item"),
    (("g q", "g s", "g h", "g v"), "go to the queue, the Sign page, the history or the questions to the vendor"),
    (("Enter",), "in the queue, open the review"),
)
"""The keyboard shortcuts of the pages, implemented in `static/app.js`."""
SECTION_TITLES: Final[Mapping[str, str]] = {
    "product": "Product and score",
    "facts": "Facts",
    "factors": "Factors",
    "chains": "Chains",
    "questions": "Questions",
}
SHORT_LAYERS: Final[Mapping[LayerKey, str]] = {
    "foundation_models": "Models",
    "data_operations": "Data",
    "agent_frameworks": "Frameworks",
    "deployment_infrastructure": "Infra",
    "evaluation_observability": "Eval",
    "security_compliance": "Security",
    "agent_ecosystem": "Ecosystem",
}
"""Short layer names, for places where all seven share one line."""
_KINDS: Final = {"capability": "ability"}
"""Item kinds that have another name on pages."""
_ID: Final = re.compile(r"\b(?:(?:threat|fact)/)?(?:[LXH]\d*-[a-z0-9-]+[a-z0-9]|F[0-9a-f]{8})\b")
"""The id of a threat or a fact, as used in texts and events."""
_MINUTE: Final = 60
_HOUR: Final = 3600
_WRITTEN: Final[Mapping[str, str]] = {
    "low": "low end", "high": "high end", "cvss_vector": "CVSS vector", "mitigation_factor": "factor for controls",
    "how": "how it happens", "lost": "what is lost", "taxonomy": "published lists",
    "url": "public page", "sha256": "SHA-256", "kind": "kind", "rule": "why", "number": "contest of event",
}  # fmt: skip
"""Fields that have another name on pages and forms."""
_FIRST: Final = ("value", "low", "high")
"""A factor's first fields, in the order of its form."""
_UNSAID: Final[Mapping[Verb, frozenset[str]]] = {
    "import": frozenset({"documents", "sha256"}),
    "redraft": frozenset({"documents", "sha256", "score", "moved", "answers"}),
    "undo": frozenset({"batch"}),
    "redo": frozenset({"batch"}),
    "bulk": frozenset({"items", "section"}),
    "assign": frozenset({"to"}),
    "add": frozenset({"place", "number"}),
    "answer": frozenset({"document", "draft", "states"}),
    "ask": frozenset({"key", "effect", "settles"}),
}
"""Event fields that are not listed because only replay needs them or the event's own line already states them."""
_SAYS: Final[Mapping[str, str]] = dict(POLARITIES)
_UNSCORED: Final[tuple[Verb, ...]] = ("comment", "manage", "contest", "assign", "ask", "send")
"""Verbs that never change a score, so the page need not say that it is unchanged."""
_NONE: Final = "none"
_MOST: Final = 3
"""Maximum number of changes listed in the status line after a redraft."""
_TITLE: Final = 50
"""Maximum length of an item's title in a selection list, in characters."""
_MOST_VERSIONS: Final = 200


def kind_of(item: str) -> str:
    """Return the kind of an item from its id, such as "Threat"; for a question, with its number: "Question Q1"."""
    kind, _, name = item.partition("/")
    told = _KINDS.get(kind, kind).capitalize()
    return f"{told} {name}" if kind == "question" else told


def in_titles(text: str, titles: Mapping[str, str]) -> str:
    """Replace the ids of threats and facts in `text` with their titles, if `titles` (by item) contains them."""

    def named(found: re.Match[str]) -> str:
        given = found[0]
        title = next((titles[item] for item in (given, f"threat/{given}", f"fact/{given}") if item in titles), "")
        return f"“{title}”" if title else given

    return _ID.sub(named, text) if _ID.search(text) else text


def reasons_for(verb: str, kind: str) -> tuple[Reason, ...]:
    """Return the valid reasons for this verb and item kind; an empty `kind` means any."""
    return tuple(code for code in REASONS_FOR[verb] if not kind or code not in _OF_KINDS or kind in _OF_KINDS[code])


def section_title(key: str) -> str:
    """Return a section's heading."""
    return SECTION_TITLES.get(key) or name_of(key)


def finding_words(kind: str) -> str:
    """Describe a kind of finding."""
    return FINDINGS.get(kind, kind.replace("-", " "))


def duration(seconds: float) -> str:
    """Format a duration: "40 s", "3 min", "1 h 05 min"; empty for no time."""
    whole = round(seconds)
    if whole <= 0:
        return ""
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{round(whole / _MINUTE)} min"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"


def score_text(score: ScoreShown) -> str:
    """Format a score: "9.4 Critical", or "Not scored"."""
    return "Not scored" if score.aivss is None else f"{tenth(score.aivss)} {score.severity}"


def likely_text(score: ScoreShown) -> str:
    """Format the likely range, such as "8.9–10.0"; empty without a range."""
    return "" if score.low is None or score.high is None else span(score.low, score.high)


def when(at: str) -> str:
    """Format the time of an event for a page."""
    return at.replace("T", " ").removesuffix("Z")


def title_of(event: Event, titles: Mapping[str, str]) -> str:
    """Return the title that an event's item had at the time; for older events, its current title."""
    return called(event) or titles.get(event.item, "")


def day(at: str) -> str:
    """Format a day for a table, as in "31 Jan 2027"; text that is not a day is returned unchanged."""
    try:
        return f"{date.fromisoformat(at):%d %b %Y}".removeprefix("0")
    except ValueError:
        return at


class Field(NamedTuple):
    """One field of an event in words; `before` is empty if there was no value."""

    name: str
    before: str
    after: str


def field_name(name: str) -> str:
    """Return the name of a field in forms and pages."""
    part = name.removeprefix("statement.")
    return _WRITTEN.get(name) or (GRAMMAR.get(part) if part != name else None) or name.replace("_", " ")


def in_order(names: Iterable[str]) -> list[str]:
    """Return the fields in the order of the forms, followed by others in the given order."""
    every = list(dict.fromkeys(names))
    return [*(name for name in _FIRST if name in every), *(name for name in every if name not in _FIRST)]


def event_fields(event: Event, titles: Mapping[str, str]) -> list[Field]:
    """Return the fields that an event changed, without those that only replay needs; `titles` are titles by item."""
    before, after = event.before or {}, event.said
    unsaid = _UNSAID.get(event.verb, frozenset()) | {"marks", "sheet", "seen", CALLED}
    added = " added" if event.verb == "attach" else ""
    found = [*_redrafted(after)] if event.verb == "redraft" else []
    if event.verb in ("redraft", "attach"):
        before = {}
    for name in in_order((*before, *after)):
        if name not in unsaid:
            was, now = (words(side[name]) if name in side else "" for side in (before, after))
            found.append(Field(f"{field_name(name)}{added}", was, now))
    if event.verb == "answer":
        found += _stated(after)
    told = (Field(one.name, in_titles(one.before, titles), in_titles(one.after, titles)) for one in found)
    return [one for one in told if one.before != one.after]


def _stated(after: Plain) -> Iterator[Field]:
    """Yield what an answer states, fact by fact."""
    vocabulary = load_vocabulary()
    for state in after.get("states", ()):
        key, value = state["key"], ", ".join(state.get("slots", {}).values())
        title = vocabulary[key].title if key in vocabulary else key
        yield Field("states", "", " · ".join(filter(None, (title, _SAYS[state["polarity"]], value))))


def _redrafted(after: Plain) -> Iterator[Field]:
    yield Field("with the answers to", "", ", ".join(after.get("answers", ())) or _NONE)
    for what, was, now in after.get("moved") or [("changed", "", "nothing")]:
        yield Field(name_of(what) if what in (*FACTORS, *LAYERS) else what, str(was), str(now))


def version_choices(
    events: Sequence[Event], titles: Mapping[str, str], chosen: Sequence[int]
) -> tuple[tuple[str, str], ...]:
    """Return the versions to choose from, newest first: the latest ones and those in `chosen`. Each label says who did
    what in the version's event."""
    returned, found = brought_back(events), list[tuple[str, str]]()
    for event in reversed(events):
        if event.number <= len(events) - _MOST_VERSIONS and event.number not in chosen:
            continue
        told = title_of(event, titles)
        if event.verb in ("undo", "redo"):
            told = undone(event, events, titles)
        elif event.verb == "bulk":
            told = _items(len(together(event)))
        elif event.verb == "assign":
            told = event.said.get("to") or "nobody"
        verb = "restored" if event.number in returned else VERBS[event.verb]
        found.append((str(event.number), f"{event.number}: {f'{event.reviewer} {verb} {told[:_TITLE]}'.strip()}"))
    return (*found, ("0", "0: as drafted"))


# ---------------------------------------------------------------- the status line after an act

_DID: Final[Mapping[Verb, str]] = {
    **{verb: words.capitalize() for verb, words in VERBS.items()},
    "send": "Asked the vendor:", "ask": "Asked the vendor:", "decide": "Resolved the objection to",
    "assign": "Assigned",
}  # fmt: skip


def answer_to(events: Sequence[Event], titles: Mapping[str, str], moved: Moved) -> str:
    """Describe the newest act in a review's `events`: the act, the number of items that it added, removed or
    changed, and its effect on the score. The item's card lists these items."""
    batch = of_batch(events, events[-1].batch)
    first, score = batch[0], moved.text
    title = title_of(first, titles)
    said = _said(batch, titles, events)
    if first.verb in ("undo", "redo"):
        said = f"{'Undone' if first.verb == 'undo' else 'Redone'}: {undone(first, events, titles)}"
    elif moved.before == moved.after and not moved.causes:
        score = "" if first.verb in _UNSCORED else score
    elif title and any(cause.startswith(title) for cause in moved.causes):
        said, score = score, ""
    counts = ", ".join(f"{len(names)} {told.lower()}" for told, names in effects(moved)[1:] if names)
    return "; ".join(filter(None, (said, counts, score)))


def effects(moved: Moved) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the effects of an act on the score and on items, with a label for each kind."""
    return (
        ("Cause", moved.causes), ("Removed", moved.falls), ("Changed", moved.alters), ("New", moved.comes),
        ("Restored", moved.returns), ("Reopened", moved.reopens),
    )  # fmt: skip


def moved_lines(moved: Moved, why: str = "") -> tuple[tuple[str, str], ...]:
    """List the effects of an act: score and band, the reason, and the items that were added, removed or restored. `why`
    explains why nothing changed."""
    was, now = (
        ", likely ".join(filter(None, (score_words(one), likely_text(one)))) for one in (moved.before, moved.after)
    )
    rows = [("Score", f"{was} → {now}" if was != now else f"stays {now}")]
    rows += [("Why", told) for told in (moved.why, why) if told]
    return (*rows, *((told, name) for told, names in effects(moved) for name in names))


def brought_back(events: Sequence[Event]) -> frozenset[int]:
    """Return the numbers of the confirmations in a review's `events` that brought back a struck item."""
    found: set[int] = set()
    struck: set[str] = set()
    for at, event in enumerate(events):
        if event.verb == "strike":
            struck.add(event.item)
        # Finding the earlier events that were not undone is expensive, so do it only in this case.
        if event.verb == "confirm" and event.item in struck:
            before = [each for each in living(events[:at]).events if each.item == event.item]
            verbs = [each.verb for each in before if each.verb in DECIDING]
            if verbs[-1:] == ["strike"]:
                found.add(event.number)
    return frozenset(found)


def of_batch(events: Sequence[Event], number: object) -> list[Event]:
    """Return the events of one act."""
    return [event for event in events if event.batch == number]


def undone(event: Event, events: Sequence[Event], titles: Mapping[str, str]) -> str:
    """Describe the act that an undo or redo in a review's `events` reverted or repeated, with the person's name if it
    was somebody else: "struck “Posture”", "Ada struck “Posture”"."""
    number = event.said.get("batch")
    told, batch = act_words(number, events, titles), of_batch(events, number)
    return f"{batch[0].reviewer} {told}" if batch and batch[0].reviewer != event.reviewer else told


def act_words(number: object, events: Sequence[Event], titles: Mapping[str, str]) -> str:
    """Describe an act in a review's `events` by its number, worded to follow a name: "struck “Posture”"."""
    batch = of_batch(events, number)
    told = _said(batch, titles, events) if batch else "an earlier action"
    return f"{told[:1].lower()}{told[1:]}"


def _items(count: int) -> str:
    return f"{count} {'item' if count == 1 else 'items'}"


def _said(batch: Sequence[Event], titles: Mapping[str, str], events: Sequence[Event]) -> str:
    first = batch[0]
    if first.verb == "bulk":
        return f"Confirmed {_items(len(together(first)))} in bulk"
    if first.verb == "redraft":
        named, *moved = _redrafted(first.said)
        if named.after == _NONE:
            return "Drafted again"
        rows = "; ".join(f"{one.name} {one.before} → {one.after}" for one in moved[:_MOST] if one.before)
        more = f"; {len(moved) - _MOST} more" if len(moved) > _MOST else ""
        return f"Drafted again with {named.after}: {rows or 'nothing they settle changed'}{more}"
    verb = _DID[first.verb]
    items = list(dict.fromkeys(event.item for event in batch if event.item))
    if len(items) > 1 and first.verb != "send":
        return f"{verb} {_items(len(items))}"
    # Only a confirmation can have brought an item back, and checking this needs all events.
    if first.verb == "confirm" and first.number in brought_back(events):
        verb = "Restored"
    return f"{verb} “{title_of(first, titles) or items[0]}”" if items else verb
