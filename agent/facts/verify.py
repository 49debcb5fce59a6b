"""Check a reader's proposals against the sources: each becomes a fact with evidence or is dropped with a reason.

    key, polarity, slots known? ─ each quote re-found at an offset ─ in a statement that carries facts, not flagged,
    about the product ─ details of the slots in the sources ─► Fact, ranked by the statements that it rests on

Readers are not trusted. An unusable quote is dropped alone as long as another quote is accepted; the same applies to
slots. A proposal carries neither a rank nor `confirmed`, which only code may set: rank 4 is for facts that a format
reader finds in a file of its format.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

from agent.facts.anchor import Anchored, Span
from agent.facts.proposal import Proposal, ProposedSlot, Quote
from agent.facts.sheet import combined, fact_id
from agent.facts.support import foreign, meanings, negations
from agent.facts.vocabulary import FactKey, Vocabulary, load_vocabulary
from agent.intake.extract.statements import language
from agent.intake.hidden import instructions
from agent.records import (
    CARRYING,
    SLOTS,
    About,
    Document,
    DroppedFact,
    DropReason,
    Evidence,
    Fact,
    FactAbout,
    FactSource,
    Rank,
    Slot,
    Statement,
)

MAX_WORDS: Final = 40
"""The most words of a quote."""
MAX_CHARS: Final = 600
MAX_QUOTES: Final = 6
MAX_SLOTS: Final = 10
MAX_VALUE: Final = 300
SHORT: Final = 2
"""A quote of at most this many words must stand alone: a list entry, a cell, a line of code or a whole statement."""
_GRANTED: Final[Rank] = 4
_SHOWN: Final = 300
_WORDS: Final = re.compile(r"\S*[^\W_]\S*")
_UNSPACED: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
"""A character of a script that is written without blanks."""
_ALONE_IN: Final = frozenset({"code", "front-matter"})
_LISTED: Final = frozenset({"item", "row"})
_BEFORE: Final = re.compile(r"(?:^|[,;:(\[/|•·>]|\b(?:and|or|und|et|y|e|o|ou)\b)[\s*_`\"']*$", re.I)
_AFTER: Final = re.compile(r"^[\s*_`\"']*(?:$|[,;:)\]/|•·<.]|[-–—](?=\s)|(?:and|or|und|et|y|e|o|ou)\b)", re.I)
_REACH: Final = 12
"""The number of characters before and after a short quote that are searched for list separators."""
_NO: Final = re.compile(
    r"\b(?:disabled?|off|blocked|forbidden|prohibited|den(?:y|ies|ied)|rejects?|rejected|unsupported|unavailable"
    r"|missing|lacking|excluded?|only|purely|solely|stays?|remains?|local(?:ly)?|offline|nothing|non-\w+"
    r"|un\w{3,}ed|read-only|outside|zero|skips?|omit(?:s|ted)?)\b",
    re.I,
)
"""Words that deny something, in addition to plain negations."""
_NARROW: Final = re.compile(r"\b(?:only|always|never|all|every|any|by default|nothing|none)\b", re.I)
_FORM_READERS: Final = frozenset({"manifest", "scanner"})
_OWN_WORD: Final = frozenset({"analyst-note", "vendor-answer"})
"""Kinds of documents written to state facts; the roles of their sentences are not checked."""


@dataclass(frozen=True)
class Material:
    """The sources for verifying proposals."""

    documents: tuple[Document, ...]
    statements: tuple[Statement, ...]
    """The statements of these documents, in the order of the text."""
    known: tuple[str, ...] = ()
    """Names that need no quote: the product's and the vendor's."""
    vocabulary: Vocabulary = field(default_factory=load_vocabulary)

    @cached_property
    def by_id(self) -> dict[str, Document]:
        """The documents by id."""
        return {document.id: document for document in self.documents}

    @cached_property
    def _texts(self) -> dict[str, Anchored]:
        return {document.id: Anchored(document.text) for document in self.documents}

    @cached_property
    def _of(self) -> dict[str, tuple[list[int], list[Statement]]]:
        sorted_: dict[str, list[Statement]] = {document.id: [] for document in self.documents}
        for statement in self.statements:
            if statement.document in sorted_:
                sorted_[statement.document].append(statement)
        for rows in sorted_.values():
            rows.sort(key=lambda statement: statement.start)
        return {key: ([row.end for row in rows], rows) for key, rows in sorted_.items()}

    def spans(self, quote: Quote) -> Iterator[tuple[Document, Span]]:
        """Yield the places of a quote, nearest to its hint first, in the document that it names or else in any
        document."""
        wanted = [self.by_id[quote.document]] if quote.document in self.by_id else []
        for document in wanted or ([] if quote.document else self.documents):
            text = self._texts[document.id]
            found = (text.locate(quote.text, near) for near in (quote.near, 0, len(document.text)))
            yield from ((document, span) for span in dict.fromkeys(span for span in found if span))

    def touched(self, document: str, start: int, end: int) -> tuple[Statement, ...]:
        """Return the statements that a span touches."""
        ends, rows = self._of[document]
        at = bisect_left(ends, start + 1)
        found = []
        while at < len(rows) and rows[at].start < end:
            found.append(rows[at])
            at += 1
        return tuple(found)


class Place(NamedTuple):
    """A located quote and the statements that it touches."""

    document: Document
    start: int
    end: int
    statements: tuple[Statement, ...]

    @property
    def text(self) -> str:
        """The text of the document at this place."""
        return self.document.text[self.start : self.end]

    @property
    def spot(self) -> tuple[str, int, int]:
        """Document and offsets."""
        return self.document.id, self.start, self.end

    @property
    def about(self) -> About:
        """The subject of the first statement that the quote touches."""
        return self.statements[0].about


class Fault(NamedTuple):
    """The reason for rejecting a quote, slot or proposal."""

    reason: DropReason
    detail: str = ""


class Verified(NamedTuple):
    """The outcome of verifying proposals."""

    facts: tuple[Fact, ...]
    """One fact per accepted proposal, not yet merged, in the order of the proposals."""
    evidence: tuple[Evidence, ...]
    """E1, E2, … in the order of documents and offsets; each place once."""
    dropped: tuple[DroppedFact, ...]


class _Held(NamedTuple):
    proposal: Proposal
    about: FactAbout
    places: tuple[Place, ...]
    slots: tuple[tuple[ProposedSlot, Place | None], ...]
    state_inferred: bool


def verify(proposals: Iterable[Proposal], material: Material) -> Verified:
    """Verify proposals; return the accepted facts, their evidence, and everything that was rejected."""
    dropped: list[DroppedFact] = []
    held: list[_Held] = []
    for proposal in proposals:
        made = _held(proposal, material, dropped)
        if made:
            held.append(made)
    order = {document.id: n for n, document in enumerate(material.documents)}
    places = {place.spot: place for made in held for place in _all_places(made)}
    spots = sorted(places, key=lambda spot: (order[spot[0]], spot[1], spot[2]))
    marks = {spot: f"E{n}" for n, spot in enumerate(spots, start=1)}
    granted = {place.spot for made in held for place in _all_places(made) if _is_granted(made, place, material)}
    evidence = {spot: _evidence(marks[spot], places[spot], granted=spot in granted) for spot in spots}
    facts = tuple(_fact(made, evidence, material) for made in held)
    return Verified(facts, tuple(evidence.values()), tuple(dropped))


def place_of(
    quote: Quote,
    key: FactKey,
    about: FactAbout,
    material: Material,
    *,
    by_form: bool = False,
    comforts: bool = False,
) -> Place | Fault:
    """Locate a quote for a key in the sources, or return why it cannot be used.

    `by_form`: the quote comes from a format reader, so the role of a line is not checked in a file of such a format.
    `comforts`: the quote has to support a limit, a control or a denial. A mere claim supports only controls.
    """
    words = word_count(quote.text)
    if not words:
        return Fault("no quote")
    if words > MAX_WORDS or len(quote.text) > MAX_CHARS:
        return Fault("quote too long", f"{words} words")
    first: Fault | None = None
    for document, span in material.spans(quote):
        place = Place(document, span.start, span.end, material.touched(document.id, span.start, span.end))
        fault = _fault(place, words, key, about, by_form=by_form) or (_claimed(place, key) if comforts else None)
        if fault is None:
            return place
        first = first or fault
    return first or Fault("quote not found")


def word_count(text: str) -> int:
    """Count words. Two characters of a script that is written without blanks count as one."""
    unspaced = len(_UNSPACED.findall(text))
    return len(_WORDS.findall(_UNSPACED.sub(" ", text))) + (unspaced + 1) // 2


def _fault(place: Place, words: int, key: FactKey, about: FactAbout, *, by_form: bool) -> Fault | None:
    """Return why a place is unusable as evidence for a key, or None."""
    if not place.statements:
        return Fault("no statement there", "it is a heading or stands between statements")
    if any(statement.flagged for statement in place.statements):
        return Fault("flagged passage", "a finding covers its sentence")
    roles = CARRYING | set(key.carried_by)
    english = language.is_english(place.document.language)
    # Roles are learned from English text. Only an LLM reads other languages, and it knows whom a sentence addresses.
    if english and place.document.kind not in _OWN_WORD and not (by_form and place.document.form != "prose"):
        idle = next((statement for statement in place.statements if statement.role not in roles), None)
        if idle is not None:
            return Fault("carries no facts", f"{idle.role}: {idle.reason}" if idle.reason else idle.role)
    if about in ("product", "platform") and any(row.about == "other" for row in place.statements):
        return Fault("another product")
    if words <= SHORT and not stands_alone(place):
        return Fault("quote too short", "it is no entry of a list")
    return None


def _claimed(place: Place, key: FactKey) -> Fault | None:
    """Return the fault if a limit or denial rests on a mere claim, of rank 2 or less, which must lower nothing."""
    if key.claim == "control" or not any(statement.claim for statement in place.statements):
        return None
    return Fault("carries no facts", "a claim that says how safe it is, and no description")


def stands_alone(place: Place) -> bool:
    """Return whether a short quote is a list entry, a cell, a line of code, or the whole statement."""
    statement = place.statements[0]
    if statement.block in _ALONE_IN:
        return True
    text = place.document.text
    before = text[max(statement.start, place.start - _REACH) : place.start]
    after = text[place.end : min(statement.end, place.end + _REACH)]
    marks = bool(_BEFORE.search(before)) + bool(_AFTER.search(after))
    if marks == 2 or statement.block in _LISTED:  # noqa: PLR2004
        return marks == 2  # noqa: PLR2004
    # Within a sentence, the first and the last name of a list have a mark on one side only, and so has the end of the
    # sentence ("lists berths."). The opening words of a sentence do not stand alone, and their capital does not make a
    # name.
    named = len(place.text.split()) > 1 or any(char.isupper() or char.isdigit() for char in place.text)
    return marks == 1 and bool(before.strip()) and named


def _held(proposal: Proposal, material: Material, dropped: list[DroppedFact]) -> _Held | None:
    """Return the proposal with the places of its quotes, or None; rejected parts are added to `dropped`."""
    fault = _form(proposal, material)
    if fault:
        dropped.append(_dropped(proposal, _quoted(proposal), fault))
        return None
    key = material.vocabulary[proposal.key]
    by_form = proposal.reader in _FORM_READERS
    comforts = key.comforting != (proposal.polarity == "denied")
    places: dict[tuple[str, int, int], Place] = {}
    for quote in proposal.quotes:
        found = place_of(quote, key, proposal.about, material, by_form=by_form, comforts=comforts)
        if isinstance(found, Place):
            places.setdefault(found.spot, found)
        else:
            dropped.append(_dropped(proposal, quote.text, found))
    if not places:
        return None
    rest = tuple(places.values())
    unsure = proposal.inferred
    if proposal.polarity == "denied" and not any(_denies(place) for place in rest):
        if all(language.is_english(place.document.language) for place in rest):
            dropped.append(_dropped(proposal, _quoted(proposal), Fault("denial without a negation")))
            return None
        unsure = True
    slots = _slots(proposal, key, rest, material, dropped)
    return _Held(proposal, _about(proposal.about, rest), rest, slots, unsure)


def _form(proposal: Proposal, material: Material) -> Fault | None:
    if proposal.key not in material.vocabulary:
        return Fault("unknown key")
    if proposal.polarity == "denied" and not material.vocabulary[proposal.key].deniable:
        return Fault("cannot be denied")
    if not proposal.quotes:
        return Fault("no quote")
    if len(proposal.quotes) > MAX_QUOTES or len(proposal.slots) > MAX_SLOTS:
        return Fault("too many", f"at most {MAX_QUOTES} quotes and {MAX_SLOTS} slots")
    return None


def _about(proposed: FactAbout, places: Sequence[Place]) -> FactAbout:
    """Return the subject of the fact: "platform" instead of "product" if all its quotes are about the platform."""
    if proposed == "product" and all(place.about == "platform" for place in places):
        return "platform"
    return proposed


def _denies(place: Place) -> bool:
    return any(negations(row.text) or _NO.search(row.text) for row in place.statements)


def _slots(
    proposal: Proposal, key: FactKey, places: Sequence[Place], material: Material, dropped: list[DroppedFact]
) -> tuple[tuple[ProposedSlot, Place | None], ...]:
    kept: dict[str, tuple[ProposedSlot, Place | None]] = {}
    for slot in proposal.slots:
        if slot.name not in key.slots or slot.name in kept:
            detail = "it is given twice" if slot.name in kept else slot.name
            dropped.append(_dropped(proposal, slot.value, Fault("unknown slot", detail)))
            continue
        own: Place | Fault | None = None
        if slot.quote and slot.quote.text.strip():
            own = place_of(slot.quote, key, proposal.about, material, by_form=proposal.reader in _FORM_READERS)
        if isinstance(own, Fault):
            dropped.append(_dropped(proposal, slot.quote.text if slot.quote else "", own))
            continue
        if instructions.find(slot.value):
            dropped.append(_dropped(proposal, slot.value, Fault("flagged passage", "it speaks to an assessor")))
            continue
        missing = _missing(slot.value, (*places, own) if own else places, material)
        if missing:
            fault = Fault("slot not in the sources", f"{slot.name}: {missing}")
            dropped.append(_dropped(proposal, slot.value, fault))
            continue
        kept[slot.name] = (slot, own)
    return tuple(kept[name] for name in SLOTS if name in kept)


def _missing(value: str, places: Sequence[Place], material: Material) -> str:
    """List the parts of a slot's value found in neither its quoted sentences, their headings nor the known names."""
    if not value.strip() or len(value) > MAX_VALUE:
        return "empty or too long"
    rows = {row: None for place in places for row in place.statements}
    told = [*(row.text for row in rows), *(place.text for place in places)]
    told += [heading for row in rows for heading in (*row.path, *row.heads)]
    odd = foreign(value, told, material.known)
    if odd:
        return ", ".join(odd)
    text = " ".join((*told, *material.known)).casefold()
    words = {meaning for part in (*told, *material.known) for _, meaning in meanings(part)}
    absent = [word for word, meaning in meanings(value) if meaning not in words and word not in text]
    absent += [found[0] for found in _NARROW.finditer(value) if found[0].casefold() not in text]
    if negations(value) and not any(negations(part) for part in told):
        absent.append("the negation")
    return ", ".join(dict.fromkeys(absent))


def _all_places(made: _Held) -> Iterator[Place]:
    yield from made.places
    yield from (place for _, place in made.slots if place is not None)


def _evidence(mark: str, place: Place, *, granted: bool) -> Evidence:
    rank: Rank = max(row.rank for row in place.statements)
    return Evidence(
        id=mark,
        document=place.document.id,
        start=place.start,
        end=place.end,
        quote=place.text,
        rank=max(rank, _GRANTED) if granted else rank,
        about=place.about,
    )


def _is_granted(made: _Held, place: Place, material: Material) -> bool:
    """Return whether a format reader found the place in a file of its format, whose grants outrank vendor prose.

    A limit or control that the file only promises remains a vendor's claim, so that no manifest lowers anything.
    """
    proposal = made.proposal
    by_form = proposal.reader in _FORM_READERS and proposal.granted and place.document.form != "prose"
    return by_form and proposal.polarity != "denied" and not material.vocabulary[proposal.key].comforting


def _fact(made: _Held, evidence: dict[tuple[str, int, int], Evidence], material: Material) -> Fact:
    proposal = made.proposal
    slots = tuple(
        Slot.model_validate(
            {
                "name": slot.name,
                "value": " ".join(slot.value.split()),
                "evidence": evidence[place.spot].id if place else "",
            }
        )
        for slot, place in made.slots
    )
    state = "inferred" if made.state_inferred else "claimed"
    source = FactSource(reader=proposal.reader, confidence=proposal.confidence, state=state)
    sources, confidence = combined((source,))
    own = [evidence[place.spot] for place in made.places]
    # A quote cited by several proposals may have rank 4 for the manifest's proposal only.
    ranks = [
        item.rank if _is_granted(made, place, material) else max(row.rank for row in place.statements)
        for item, place in zip(own, made.places, strict=True)
    ]
    return Fact(
        id=fact_id(proposal.key, proposal.polarity, made.about, slots),
        key=proposal.key,
        polarity=proposal.polarity,
        slots=slots,
        about=made.about,
        evidence=tuple(sorted({item.id for item in own}, key=lambda mark: (len(mark), mark))),
        sources=sources,
        rank=max(ranks),
        confidence=confidence,
        state="denied" if proposal.polarity == "denied" else state,
        claim=all(row.claim for place in made.places for row in place.statements),
    )


def _quoted(proposal: Proposal) -> str:
    return " … ".join(quote.text for quote in proposal.quotes)


def _dropped(proposal: Proposal, quote: str, fault: Fault) -> DroppedFact:
    return DroppedFact(
        key=proposal.key, reader=proposal.reader, quote=quote[:_SHOWN], reason=fault.reason, detail=fault.detail
    )
