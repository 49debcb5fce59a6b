"""Check a reader's proposals against the sources: each becomes a fact with evidence or is dropped with a reason.

    key, polarity and slots known? ─ each quote found in the sources? ─ in unflagged statements that carry facts and
    are about the product? ─ slot values found in the sources? ─► Fact, ranked by the statements that it rests on

Readers are not trusted. If one quote is unusable but another is accepted, only the unusable one is dropped; the same
applies to slots. A proposal has neither a rank nor the state `confirmed`: only code sets these. Rank 4 is reserved for
facts that a format reader finds in a file of its format.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, takewhile
from typing import Final, NamedTuple

from agent.facts.anchor import Anchored
from agent.facts.proposal import Proposal, ProposedSlot, Quote
from agent.facts.sheet import by_number, combined, fact_id
from agent.facts.support import foreign, meanings, negations
from agent.facts.vocabulary import Vocabulary, load_vocabulary
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
    FactSource,
    Rank,
    Slot,
    State,
    Statement,
)

MAX_WORDS: Final = 40
"""Maximum number of words of a quote."""
MAX_CHARS: Final = 600
MAX_QUOTES: Final = 6
MAX_SLOTS: Final = 10
MAX_VALUE: Final = 300
_GRANTED: Final[Rank] = 4
_SHOWN: Final = 300
SHORT: Final = 2
"""A quote of at most this many words must be a whole unit: a list entry, a cell, a line of code or a statement."""
_WORDS: Final = re.compile(r"\S*[^\W_]\S*")
_UNSPACED: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
"""A character of a script that is written without spaces."""
_BEFORE: Final = re.compile(r"(?:^|[,;:(\[/|•·>]|\b(?:and|or|und|et|y|e|o|ou)\b)[\s*_`\"']*$", re.I)
_AFTER: Final = re.compile(r"^[\s*_`\"']*(?:$|[,;:)\]/|•·<.]|[-–—](?=\s)|(?:and|or|und|et|y|e|o|ou)\b)", re.I)
_REACH: Final = 12
"""The number of characters before and after a short quote that are searched for list separators."""
_REACH_BACK: Final = 40
"""The number of characters before a quote that are searched for a negation."""
_NO: Final = re.compile(
    r"\b(?:disabled?|off|blocked|forbidden|prohibited|den(?:y|ies|ied)|rejects?|rejected|unsupported|unavailable"
    r"|missing|lacking|excluded?|only|purely|solely|stays?|remains?|local(?:ly)?|offline|nothing|non-\w+"
    r"|un\w{3,}ed|read-only|outside|zero|skips?|omit(?:s|ted)?)\b",
    re.I,
)
"""Words that deny something, in addition to plain negations."""
_NARROW: Final = re.compile(r"\b(?:only|always|never|all|every|any|by default|nothing|none)\b", re.I)
_NEGATED: Final = re.compile(
    r"(?:^|(?<=[\s(]))(?:not|never|no|without|neither|nor|cannot|(?:do|does|did|is|are|was|ca|wo)n['’]t)"
    r"(?:[^\S\n]+[\w-]+)?[^\S\n]+$",
    re.I,
)
"""A negation at the end of a text, with at most one word after it."""
Spot = tuple[str, int, int]


@dataclass(frozen=True)
class Material:
    """The sources against which proposals are verified."""

    documents: tuple[Document, ...]
    statements: tuple[Statement, ...]
    """The statements of these documents, in the order of the text."""
    known: tuple[str, ...] = ()
    """Names that need no quote: the product's and the vendor's."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The keys that a proposal may use."""
        return load_vocabulary()

    @cached_property
    def by_id(self) -> dict[str, Document]:
        """The documents by id."""
        return {document.id: document for document in self.documents}

    @cached_property
    def _texts(self) -> dict[str, Anchored]:
        return {document.id: Anchored(document.text) for document in self.documents}

    @cached_property
    def _of(self) -> dict[str, list[Statement]]:
        found: dict[str, list[Statement]] = {document.id: [] for document in self.documents}
        for statement in sorted(self.statements, key=lambda statement: statement.start):
            if statement.document in found:
                found[statement.document].append(statement)
        return found

    def places(self, quote: Quote) -> Iterator["Place"]:
        """Yield the places of a quote, nearest to its hint first: in the document that it names, or in all documents if
        it names none. A place includes a negation right before the quote; without it, the quote would say the
        opposite of its source."""
        wanted = [self.by_id[quote.document]] if quote.document in self.by_id else []
        for document in wanted or ([] if quote.document else self.documents):
            text = self._texts[document.id]
            found = (text.locate(quote.text, near) for near in (quote.near, 0, len(document.text)))
            for span in dict.fromkeys(filter(None, found)):
                start = span.start
                if rows := self.touched(document.id, span.start, span.end):
                    before = max(rows[0].start, start - _REACH_BACK)
                    negated = _NEGATED.search(document.text[before:start])
                    start = before + negated.start() if negated else start
                yield Place(document, start, span.end, rows)

    def touched(self, document: str, start: int, end: int) -> tuple[Statement, ...]:
        """Return the statements that overlap a span."""
        rows = self._of[document]
        at = bisect_left(rows, start + 1, key=lambda row: row.end)
        return tuple(takewhile(lambda row: row.start < end, islice(rows, at, None)))


class Place(NamedTuple):
    """A located quote and the statements that it overlaps."""

    document: Document
    start: int
    end: int
    statements: tuple[Statement, ...]

    @property
    def text(self) -> str:
        """The text of the document at this place."""
        return self.document.text[self.start : self.end]

    @property
    def spot(self) -> Spot:
        """Document and offsets."""
        return self.document.id, self.start, self.end

    @property
    def about(self) -> About:
        """The subject of the first statement that the quote overlaps."""
        return self.statements[0].about

    @property
    def rank(self) -> Rank:
        """The highest rank of its statements."""
        return max(row.rank for row in self.statements)


class Verified(NamedTuple):
    """The outcome of verifying the readers' proposals."""

    facts: tuple[Fact, ...]
    """One fact per accepted proposal, not yet merged, in the order of the proposals."""
    evidence: tuple[Evidence, ...]
    """E1, E2, … in the order of documents and offsets; each place once."""
    dropped: tuple[DroppedFact, ...]


def verify(proposals: Iterable[Proposal], material: Material) -> Verified:
    """Verify proposals; return the accepted facts, their evidence, and everything that was rejected."""
    checked = [_Checked(proposal, material) for proposal in proposals]
    held = [one for one in checked if one.places]
    order = {document.id: n for n, document in enumerate(material.documents)}
    places = {place.spot: place for one in held for place in one.all_places}
    granted = {place.spot for one in held for place in one.all_places if one.grants(place)}
    evidence = {
        spot: Evidence(
            id=f"E{n}",
            document=spot[0],
            start=spot[1],
            end=spot[2],
            quote=places[spot].text,
            rank=max(places[spot].rank, _GRANTED) if spot in granted else places[spot].rank,
            about=places[spot].about,
        )
        for n, spot in enumerate(sorted(places, key=lambda spot: (order[spot[0]], *spot[1:])), start=1)
    }
    return Verified(
        tuple(one.fact(evidence) for one in held),
        tuple(evidence.values()),
        tuple(row for one in checked for row in one.dropped),
    )


class _Fault(NamedTuple):
    reason: DropReason
    detail: str = ""


class _Checked:
    """A proposal with the places of its usable quotes and slots; unusable ones are dropped."""

    def __init__(self, proposal: Proposal, material: Material) -> None:
        self.proposal, self.material = proposal, material
        self.dropped: list[DroppedFact] = []
        self.places: tuple[Place, ...] = ()
        """Empty if the proposal is rejected."""
        self.slots: dict[str, tuple[ProposedSlot, Place | None]] = {}
        self.inferred = proposal.inferred
        self.by_form = proposal.reader in ("manifest", "scanner")
        """Whether the proposal comes from a format reader. If so, the roles of lines are not checked in files of its
        formats."""
        if fault := self._form():
            self._drop(self._quoted, fault)
            return
        self.key = material.vocabulary[proposal.key]
        self.comforts = self.key.comforting != (proposal.polarity == "denied")
        places: dict[Spot, Place] = {}
        for quote in proposal.quotes:
            # A limit, a control or a denial needs more than a mere claim.
            if found := self._place(quote, comforts=self.comforts):
                places.setdefault(found.spot, found)
        denying = any(negations(row.text) or _NO.search(row.text) for at in places.values() for row in at.statements)
        if places and proposal.polarity == "denied" and not denying:
            if all(language.is_english(place.document.language) for place in places.values()):
                self._drop(self._quoted, _Fault("denial without a negation"))
                return
            self.inferred = True
        self.places = tuple(places.values())
        if places:
            self._check_slots()

    @property
    def all_places(self) -> tuple[Place, ...]:
        """The places of the quotes, then those of the slots."""
        return (*self.places, *(place for _, place in self.slots.values() if place))

    def grants(self, place: Place) -> bool:
        """Return whether a format reader found the place in a file of its format; such a grant outranks vendor prose.

        A limit or control that the file merely promises remains a vendor claim, so no manifest can lower a value.
        """
        by_form = self.by_form and self.proposal.granted and place.document.form != "prose"
        return by_form and self.proposal.polarity != "denied" and not self.key.comforting

    def fact(self, evidence: Mapping[Spot, Evidence]) -> Fact:
        """Build the fact. `evidence` maps places to the evidence that the fact cites."""
        proposal = self.proposal
        slots = tuple(
            Slot(name=name, value=" ".join(slot.value.split()), evidence=evidence[place.spot].id if place else "")
            for name in SLOTS
            if name in self.slots
            for slot, place in (self.slots[name],)
        )
        state: State = "inferred" if self.inferred else "claimed"
        sources, confidence = combined(
            (FactSource(reader=proposal.reader, confidence=proposal.confidence, state=state),)
        )
        about = proposal.about
        if about == "product" and all(place.about == "platform" for place in self.places):
            about = "platform"
        return Fact(
            id=fact_id(proposal.key, proposal.polarity, about, slots),
            key=proposal.key,
            polarity=proposal.polarity,
            slots=slots,
            about=about,
            evidence=tuple(sorted({evidence[place.spot].id for place in self.places}, key=by_number)),
            sources=sources,
            # If several proposals cite the same quote, it may have rank 4 only in the manifest's proposal.
            rank=max(evidence[one.spot].rank if self.grants(one) else one.rank for one in self.places),
            confidence=confidence,
            state="denied" if proposal.polarity == "denied" else state,
            claim=all(row.claim for place in self.places for row in place.statements),
        )

    @property
    def _quoted(self) -> str:
        return " … ".join(quote.text for quote in self.proposal.quotes)

    def _drop(self, quote: str, fault: _Fault) -> None:
        own = self.proposal
        self.dropped.append(DroppedFact(key=own.key, reader=own.reader, quote=quote[:_SHOWN], **fault._asdict()))

    def _form(self) -> _Fault | None:
        proposal, vocabulary = self.proposal, self.material.vocabulary
        if proposal.key not in vocabulary:
            return _Fault("unknown key")
        if proposal.polarity == "denied" and not vocabulary[proposal.key].deniable:
            return _Fault("cannot be denied")
        if not proposal.quotes:
            return _Fault("no quote")
        if len(proposal.quotes) > MAX_QUOTES or len(proposal.slots) > MAX_SLOTS:
            return _Fault("too many", f"at most {MAX_QUOTES} quotes and {MAX_SLOTS} slots")
        return None

    def _place(self, quote: Quote, *, comforts: bool = False) -> Place | None:
        """Return the first usable place of a quote, or drop the quote and record why its first place is unusable."""
        words = word_count(quote.text)
        fault = None
        if not words:
            fault = _Fault("no quote")
        elif words > MAX_WORDS or len(quote.text) > MAX_CHARS:
            fault = _Fault("quote too long", f"{words} words")
        else:
            for place in self.material.places(quote):
                if (found := self._fault(place, words, comforts=comforts)) is None:
                    return place
                fault = fault or found
        self._drop(quote.text, fault or _Fault("quote not found"))
        return None

    def _fault(self, place: Place, words: int, *, comforts: bool) -> _Fault | None:
        if not place.statements:
            return _Fault("no statement there", "it is a heading or is between statements")
        if any(statement.flagged for statement in place.statements):
            return _Fault("flagged passage", "a finding covers its sentence")
        document, roles = place.document, CARRYING | set(self.key.carried_by)
        # The role classifier knows only English. Other languages are read only by an LLM, which can tell whom a
        # sentence addresses.
        english = language.is_english(document.language)
        # Analyst notes and vendor answers are written to state facts.
        stating = document.kind in ("analyst-note", "vendor-answer")
        if english and not stating and not (self.by_form and document.form != "prose"):
            idle = next((row for row in place.statements if row.role not in roles), None)
            if idle is not None:
                return _Fault("carries no facts", f"{idle.role}: {idle.reason}" if idle.reason else idle.role)
        if self.proposal.about in ("product", "platform") and any(row.about == "other" for row in place.statements):
            return _Fault("another product")
        if words <= SHORT and not stands_alone(place):
            return _Fault("quote too short", "it is not a list entry")
        if comforts and self.key.claim != "control" and any(row.claim for row in place.statements):
            # A mere claim, of rank 2 or less, must not lower any value.
            return _Fault("carries no facts", "it only claims that the product is safe, without a description")
        return None

    def _check_slots(self) -> None:
        for slot in self.proposal.slots:
            if slot.name not in self.key.slots or slot.name in self.slots:
                detail = "it is given twice" if slot.name in self.slots else slot.name
                self._drop(slot.value, _Fault("unknown slot", detail))
                continue
            own: Place | None = None
            if slot.quote and slot.quote.text.strip():
                own = self._place(slot.quote)
                if own is None:
                    continue
            if instructions.find(slot.value):
                self._drop(slot.value, _Fault("flagged passage", "it addresses an assessor"))
                continue
            if missing := self._missing(slot.value, (*self.places, own) if own else self.places):
                self._drop(slot.value, _Fault("slot not in the sources", f"{slot.name}: {missing}"))
                continue
            self.slots[slot.name] = slot, own

    def _missing(self, value: str, places: Sequence[Place]) -> str:
        """List the parts of a slot's value that are missing from the quoted sentences, their headings and the known
        names."""
        if not value.strip() or len(value) > MAX_VALUE:
            return "empty or too long"
        rows = dict.fromkeys(row for place in places for row in place.statements)
        told = [*(row.text for row in rows), *(place.text for place in places)]
        told += [heading for row in rows for heading in (*row.path, *row.heads)]
        known = self.material.known
        if odd := foreign(value, told, known):
            return ", ".join(odd)
        text = " ".join((*told, *known)).casefold()
        words = {meaning for part in (*told, *known) for _, meaning in meanings(part)}
        absent = [word for word, meaning in meanings(value) if meaning not in words and word not in text]
        absent += [found[0] for found in _NARROW.finditer(value) if found[0].casefold() not in text]
        if negations(value) and not any(negations(part) for part in told):
            absent.append("the negation")
        return ", ".join(dict.fromkeys(absent))


def word_count(text: str) -> int:
    """Count words. Two characters of a script that is written without spaces count as one word."""
    unspaced = len(_UNSPACED.findall(text))
    return len(_WORDS.findall(_UNSPACED.sub(" ", text))) + (unspaced + 1) // 2


def stands_alone(place: Place) -> bool:
    """Return whether a short quote is a list entry, a cell, a line of code, or the whole statement."""
    statement = place.statements[0]
    if statement.block in ("code", "front-matter"):
        return True
    text = place.document.text
    before = text[max(statement.start, place.start - _REACH) : place.start]
    after = text[place.end : min(statement.end, place.end + _REACH)]
    marks = bool(_BEFORE.search(before)) + bool(_AFTER.search(after))
    if marks == 2 or statement.block in ("item", "row"):  # noqa: PLR2004
        return marks == 2  # noqa: PLR2004
    # Within a sentence, the first and the last name of a list have a separator on one side only, as do the last words
    # of the sentence ("lists berths."). The opening words of a sentence are not a unit of their own, and their capital
    # does not make them a name.
    named = len(place.text.split()) > 1 or any(char.isupper() or char.isdigit() for char in place.text)
    return marks == 1 and bool(before.strip()) and named
