"""The paragraph of each layer: what the sources say and what follows, or what was looked for and not found."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

import yaml

from agent.drafting_old.ledger import Ledger
from agent.drafting_old.templates import fill, missing
from agent.evidence.certainty import Assessment, counts, guides, shows, tells
from agent.evidence.reading import Reading
from agent.evidence.signals import Match
from agent.records import Document, Missing
from agent.resources import data_folder
from agent.taxonomy.keys import LAYERS, LayerKey

MARK: Final = "Not certain from the listing — "
QUOTES: Final = 2
QUOTE_CHARS: Final = 140
_STOPS: Final = ".;:,"
_CLAUSE_WORDS: Final = 5
"""A shorter quote is a list entry: quoted only when no sentence shows the signal."""
_BREAK = re.compile(r"(?P<strong>[.;:!?]\s|\s[—–-]\s)|,\s|\s(?=\()|\)\s?")
_LOOSE_END = re.compile(r"(?:\s(?:an?|the|of|in|on|to|and|or|with|for|by|from|as|that|which|is|are))+$", re.IGNORECASE)
_CONCRETE = re.compile(r"`|\d|(?<=\w\s)[A-Z][\w-]+")
_ASIDE = ("integration", "pricing", "price", "licence", "license")
"""Headings whose entries name other products or terms of sale."""


class Shown(NamedTuple):
    """A signal with the place that shows it best."""

    signal: str
    match: Match
    pins: bool


class Paragraph(NamedTuple):
    """The text of a layer, with what is missing when it is not certain."""

    text: str
    missing: Missing | None
    evidence: tuple[str, ...]


@cache
def consequences() -> Mapping[LayerKey, Mapping[str, str]]:
    """For each layer, what follows from a signal: templates over `agent.drafting_old.words`."""
    raw = yaml.safe_load((data_folder("corpus") / "knowledge" / "consequences.yaml").read_text("utf-8"))
    return {key: dict(raw[key]) for key in LAYERS}


def shown(reading: Reading, layer: LayerKey) -> list[Shown]:
    """The signals of a layer, pinning ones first, each with its best place.

    The best place affirms the signal in a whole sentence that describes the product and names something concrete,
    and stands early in the sources.
    """
    guide = guides()[layer]
    found: list[Shown] = []
    for pins, signals in ((True, guide.pins), (False, guide.helps)):
        for signal in signals:
            places = [m for m in reading.matches(signal) if _quotable(reading, layer, signal, m)]
            if places:
                found.append(Shown(signal, min(places, key=lambda m: _worth(reading, m)), pins))
    return found


def _quotable(reading: Reading, layer: LayerKey, signal: str, match: Match) -> bool:
    if shows(reading, layer, signal, match):
        return True
    return match.denied and not match.hedged and tells(reading, layer, match.statement)


def _worth(reading: Reading, match: Match) -> tuple[bool, bool, bool, bool, bool, bool, int]:
    """How well a place can be quoted; smaller is better."""
    statement = reading.statements[match.statement]
    quote = _clause(reading, match)
    return (
        match.denied,
        match.hedged,
        any(word in heading.lower() for heading in statement.path[-1:] for word in _ASIDE),
        len(quote.split()) < _CLAUSE_WORDS,
        statement.sort != "description",
        not _CONCRETE.search(quote),
        match.statement,
    )


def certain(
    reading: Reading, layer: LayerKey, ledger: Ledger, values: Mapping[str, str], used: set[int]
) -> Paragraph | None:
    """The paragraph of a certain layer: up to two quotes and what follows from each.

    `used` holds statements that other layers quote already; they are avoided where another quote does as well, and
    the ones taken here are added. A quote from which nothing follows is taken only when there is no other. None when
    no signal has a place to quote.
    """
    candidates = shown(reading, layer)
    candidates.sort(
        key=lambda s: (
            _follows(layer, s, values) is None,
            s.match.statement in used,
            _worth(reading, s.match)[:4],
            not s.pins,
        )
    )
    chosen: list[Shown] = []
    for candidate in candidates:
        if chosen and _follows(layer, candidate, values) is None:
            break
        if all(candidate.match.statement != other.match.statement for other in chosen):
            chosen.append(candidate)
        if len(chosen) == QUOTES:
            break
    if not chosen:
        return None
    marks: list[str] = []
    sentences: list[str] = []
    for item in chosen:
        mark = ledger.cite(item.match.statement, item.match.start, item.match.end)
        marks.append(mark)
        used.add(item.match.statement)
        said = f"{_source(reading, item.match)} “{_clause(reading, item.match)}” ({mark})"
        follows = _follows(layer, item, values)
        sentences.append(f"{said}: {follows}." if follows else f"{said}.")
    return Paragraph(" ".join(sentences), None, tuple(marks))


def uncertain(
    reading: Reading, layer: LayerKey, assessment: Assessment, values: Mapping[str, str], question: str | None
) -> Paragraph:
    """The paragraph of a layer that is not certain: no product claim, at most two sentences."""
    guide = guides()[layer]
    read = sum(counts(reading, n) for n in range(len(reading.statements)))
    places = _places(reading.documents)
    looked = f"looked for {guide.sought} in {read} {'sentence' if read == 1 else 'sentences'} of {places}"
    near = len(assessment.statements)
    found = (
        f"{near} touch on it, none settles it"
        if near > 1
        else "one touches on it, none settles it"
        if near
        else "not found"
    )
    hangs = fill(guide.hangs, {"capability": "what it does", "data": "stored data", **values})
    settles = f"; {question} settles it" if question else ""
    text = f"{MARK}{looked}: {found}. On it hangs {hangs}{settles}."
    reason = "too-little-evidence" if near else "not-found"
    return Paragraph(text, Missing(reason=reason, detail=f"{guide.sought}: {found} in {places}"), ())


def absent(reading: Reading, layer: LayerKey, ledger: Ledger, match: Match) -> Paragraph:
    """The paragraph of a layer that does not apply, with the quote that says so."""
    mark = ledger.cite(match.statement, match.start, match.end)
    text = f"Does not apply inside the product: {_source(reading, match)} “{_clause(reading, match)}” ({mark})."
    detail = f"{guides()[layer].sought}: a quote says that there is none"
    return Paragraph(text, Missing(reason="does-not-apply", detail=detail), (mark,))


def _follows(layer: LayerKey, item: Shown, values: Mapping[str, str]) -> str | None:
    if item.match.denied or item.match.hedged:
        return None
    template = consequences()[layer].get(item.signal)
    if template is None or missing(template, values):
        return None
    return fill(template, values)


def _clause(reading: Reading, match: Match) -> str:
    """The statement, or the longest run of whole clauses around the match that is short enough; always verbatim."""
    statement = reading.statements[match.statement]
    text = statement.text
    if len(text) <= QUOTE_CHARS:
        return text.rstrip(_STOPS)
    start, end = match.start - statement.start, match.end - statement.start
    breaks = list(_BREAK.finditer(text))
    lefts = [(0, True), *((m.end(), m["strong"] is not None) for m in breaks if m.end() <= start)]
    rights = [*((m.start(), m["strong"] is not None) for m in breaks if m.start() >= end), (len(text), True)]
    runs = [
        (_balanced(text[left:right]), strong_left + strong_right, right - left, left, right)
        for left, strong_left in lefts
        for right, strong_right in rights
        if right - left <= QUOTE_CHARS
    ]
    if runs:
        *_, left, right = max(runs, key=lambda r: (r[0], r[2] > QUOTE_CHARS // 3, r[1], r[2]))
    else:
        left = lefts[-1][0] if end - lefts[-1][0] <= QUOTE_CHARS else start
        right = max(text.rfind(" ", end, left + QUOTE_CHARS), end)
    tail = _LOOSE_END.sub("", text[end:right])
    return (text[left:end] + tail).strip().rstrip(_STOPS)


def _balanced(text: str) -> bool:
    return text.count("(") == text.count(")")


def _source(reading: Reading, match: Match) -> str:
    document = reading.document(match.document)
    return "The listing:" if document.kind == "listing" else f"“{document.title or document.url}”:"


def _places(documents: Sequence[Document]) -> str:
    ids = [document.id for document in documents]
    return ids[0] if len(ids) == 1 else f"{ids[0]}–{ids[-1]}"
