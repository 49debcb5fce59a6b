"""Threats beyond the catalogue: what an LLM is asked, and which of its threats enter the draft.

    item ── sufficient, a claim that holds ── words of each slot ── shares words with its quotes ── not denied by them
         ── like a known one ── says what none says yet ── room in its layer ─► Threat

The LLM never writes a severity: a threat is as grave as the known one whose harm comes nearest. Ids count with the
title that their list gives them, and with no other. Three of an LLM's threats always find room, others what is left.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from agent.drafting_old.assisted.asking import Ask
from agent.drafting_old.assisted.checking import Shown, cite, dropped, words_at
from agent.drafting_old.assisted.denial import denied
from agent.drafting_old.assisted.proposals import CLAIMS_DROPPED, NOT_ANSWERED, Item, Notes, Proposals
from agent.drafting_old.assisted.shapes import TaxonomyId, ThreatItem, ThreatsAnswer
from agent.drafting_old.assisted.threats_wording import (
    OFFERED,
    alike,
    own_words,
    somebody,
    stems,
    strange,
    tidy_slot,
    titled,
    unfit,
)
from agent.drafting_old.candidates import Candidate, statement_sentence
from agent.drafting_old.composition import Composition, Placed
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.pack import Place
from agent.drafting_old.ranking import MAX_PER_LAYER, MAX_SHOWN, Ranked, severity_of
from agent.records import (
    Dropped,
    FactorEstimate,
    MadeBy,
    Missing,
    Mitigation,
    State,
    TaxonomyRef,
    Threat,
    ThreatStatement,
)
from agent.taxonomy.keys import LAYER_CODES, FactorKey, LayerKey
from agent.taxonomy.lists import entries, lint, scheme

PART: Final = "threats"
MAX_KNOWN: Final = 18
"""Known threats that an LLM is told of."""
MAX_FAVOURED: Final = 3
"""Threats of an LLM for which the least relevant ones of the catalogue make room."""
MAX_PROPOSED: Final = 6
"""Threats of one answer that are read."""
MAX_SLOT: Final = 160
MAX_TITLE: Final = 100
MAX_REMEDY: Final = 200
MAX_REMEDIES: Final = 3
MAX_IDS: Final = 4
MAX_MARKS: Final = 6
"""Quotes cited for one threat."""
MIN_SHARED: Final = 3
"""Different content words that a threat must share with its quotes; with fewer it would fit any product."""
MAX_OWN_WORDS: Final = 4
"""Words of a threat that may be neither in its quotes nor in the catalogue."""
SAME: Final = 0.6
"""Threats that share more than this of the words of their titles, or of their statements, are one."""
_LEADS: Final[Mapping[str, tuple[str, ...]]] = {
    "prerequisite": ("with", "given"),
    "action": ("can", "could", "may"),
    "impact": ("which leads to", "leads to", "leading to"),
    "asset": ("on",),
}
"""Joints of the sentence that an LLM may repeat at the begin of a slot."""


class _Worded(NamedTuple):
    """A proposed threat whose words hold."""

    said: ThreatItem
    title: str
    statement: ThreatStatement
    places: tuple[Place, ...]
    quotes: tuple[str, ...]
    state: State
    like: Candidate


def asks(interim: Composition) -> tuple[Ask[ThreatsAnswer], ...]:
    """The question for threats that the catalogue does not have; none when no known threat gives a severity."""
    shown = {threat.id for layer in interim.layers.values() for threat in layer.threats}
    known = sorted(interim.candidates, key=lambda candidate: candidate.pattern.id not in shown)[:MAX_KNOWN]
    if not known:
        return ()
    told = "\n".join(f"{candidate.pattern.id}: {candidate.title}" for candidate in known)
    ids = "\n".join(f"{entry.id} {entry.title}" for name in OFFERED for entry in entries(name))
    return (Ask(PART, PART, {"known": told, "ids": ids}, ThreatsAnswer),)


def favoured(
    proposals: Proposals, candidates: Sequence[Candidate], factors: Mapping[FactorKey, FactorEstimate]
) -> tuple[Placed, ...]:
    """The threats of an LLM that are shown even where the catalogue's would fill the draft: three, one a layer.

    They are about this product alone, where the catalogue's last ones fit many. Nothing is lost: what makes room is
    listed as folded, and the threat that the score rests on always stays.
    """
    reading = proposals.shown.reading
    adder = _Adder(proposals.shown, candidates, (), factors, Ledger(reading.documents, reading.statements))
    for number, item in enumerate(proposals.threats[:MAX_PROPOSED], start=1):
        adder.take(number, item)
    firsts: dict[LayerKey, Placed] = {}
    for placed in adder.placed:
        firsts.setdefault(placed.layer, placed)
    return tuple(firsts.values())[:MAX_FAVOURED]


def added(
    proposals: Proposals,
    candidates: Sequence[Candidate],
    visible: Sequence[Ranked],
    factors: Mapping[FactorKey, FactorEstimate],
    ledger: Ledger,
) -> tuple[tuple[Placed, ...], Notes]:
    """The threats of an LLM that hold, the favoured ones first, as far as the catalogue's leave room.

    `candidates` are all that the catalogue found, `visible` those that the draft shows.
    """
    adder = _Adder(proposals.shown, candidates, visible, factors, ledger)
    before = {placed.threat.id for placed in favoured(proposals, candidates, factors)}
    rows = sorted(enumerate(proposals.threats, start=1), key=lambda row: identifier(row[0], row[1].said) not in before)
    for number, item in rows:
        if number > MAX_PROPOSED:
            adder.drop(number, f"more than {MAX_PROPOSED} threats in one answer")
        else:
            adder.take(number, item)
    missing = proposals.missing.get(PART)
    if missing is None and not proposals.threats:
        missing = NOT_ANSWERED
    if missing is None and not adder.held:
        missing = CLAIMS_DROPPED
    return tuple(adder.placed), Notes(made=(_made(adder.placed, missing),), dropped=tuple(adder.dropped))


def identifier(number: int, said: ThreatItem) -> str:
    """The id of an LLM's threat, by its place in the answer: whatever else is shown, it means the same threat."""
    return f"{LAYER_CODES[said.layer]}-proposed-{number}"


def _made(placed: Sequence[Placed], missing: Missing | None) -> MadeBy:
    return MadeBy(part=PART, by="both") if placed else MadeBy(part=PART, by="embedded", missing=missing)


class _Adder:
    """Threats that are taken one after another, and what becomes of the others."""

    def __init__(
        self,
        shown: Shown,
        candidates: Sequence[Candidate],
        visible: Sequence[Ranked],
        factors: Mapping[FactorKey, FactorEstimate],
        ledger: Ledger,
    ) -> None:
        self.placed: list[Placed] = []
        self.dropped: list[Dropped] = []
        self.held = False
        """Whether the words of any threat held, be there room for it or not."""
        self._shown, self._factors, self._ledger = shown, factors, ledger
        self._known = {candidate.pattern.id: candidate for candidate in candidates}
        self._passages = tuple(passage.shown for passage in shown.packed.passages.values())
        self._taken = [Placed(item.candidate.layer, item.threat) for item in visible]
        self._said = [
            (c.pattern.id, stems(c.title), stems(statement_sentence(c.statement))) for c in self._known.values()
        ]

    def drop(self, number: int, reason: str, title: str = "") -> None:
        """List a threat as left out; its title only when that is tied to quotes."""
        self.dropped.append(Dropped(what=f"threat of the LLM, {PART}: {title or f'number {number}'}", reason=reason))

    def take(self, number: int, item: Item[ThreatItem]) -> None:
        """Add one threat to the draft or list it with the reason."""
        self.dropped += dropped(f"{PART} number {number}", item.checked)
        worded = self._worded(item)
        if isinstance(worded, str):
            self.drop(number, worded)
            return
        self.held = True
        folded = self._same_words(worded) or self._no_room(worded.said.layer)
        if folded:
            self.drop(number, folded, worded.title)
            return
        marks = cite(worded.places, self._shown, self._ledger)[:MAX_MARKS]
        twin = next((t.threat.id for t in self._all(worded.said.layer) if set(t.threat.evidence) == set(marks)), None)
        if twin is not None:
            self.drop(number, f"rests on the same quotes as {twin}", worded.title)
            return
        self._place(number, worded, marks)

    def _all(self, layer: LayerKey) -> list[Placed]:
        return [placed for placed in (*self._taken, *self.placed) if placed.layer == layer]

    def _worded(self, item: Item[ThreatItem]) -> _Worded | str:
        """The threat with tidy words, or why it is dropped."""
        said, checked = item
        if said.sufficiency == "insufficient":
            return "by its own account the quotes do not suffice"
        if not checked.claims:
            return "no claim of it is carried by its quotes"
        like = self._known.get(said.like)
        if like is None:
            return "it is like no threat that is known of this product, so that nothing says how grave it is"
        places = tuple(dict.fromkeys(place for claim in checked.claims for place in claim.places))
        if all(place.about != "product" for place in places):
            return "none of its quotes is about the product"
        statement = ThreatStatement(
            **{name: tidy_slot(getattr(said, name), _LEADS.get(name, ())) for name in ThreatStatement.model_fields}
        )
        statement = statement.model_copy(update={"source": somebody(statement.source)})
        quotes = tuple(words_at(place, self._shown.reading) for place in places)
        title = titled(said.title)
        fault = self._fault(title, statement, quotes)
        if fault:
            return fault
        told = tuple(dict.fromkeys(self._shown.reading.text(place.statement) for place in places))
        if denied(title, statement.action, told):
            return "its quotes deny what it says is done"
        firm = all(claim.state == "claimed" for claim in checked.claims)
        return _Worded(said, title, statement, places, quotes, "claimed" if firm else "inferred", like)

    def _fault(self, title: str, statement: ThreatStatement, quotes: tuple[str, ...]) -> str | None:
        slots = {"title": (title, MAX_TITLE)}
        slots |= {name: (text, MAX_SLOT) for name, text in statement.model_dump().items()}
        for name, (text, most) in slots.items():
            fault = unfit(text, most, quotes)
            if fault:
                return f"its {name}: {fault}"
        known = self._shown.known
        for text in (title, *statement.model_dump().values()):
            if odd := strange(text, quotes, known, self._passages):
                return f"a slot: {odd}"
        own = own_words(f"{title}\n{statement_sentence(statement)}", quotes, known)
        if len(own) > MAX_OWN_WORDS:
            return f"more than {MAX_OWN_WORDS} of its words are neither in its quotes nor in the catalogue"
        shared = (stems(title) | stems(statement_sentence(statement))) & stems("\n".join(quotes))
        if len(shared - stems(" ".join(known))) < MIN_SHARED:
            return f"it shares fewer than {MIN_SHARED} words with its quotes, so that it would fit any product"
        return None

    def _same_words(self, worded: _Worded) -> str | None:
        title, sentence = stems(worded.title), stems(statement_sentence(worded.statement))
        for identifier, other_title, other_sentence in self._said:
            if alike(title, other_title) > SAME or alike(sentence, other_sentence) > SAME:
                return f"says the same as {identifier}"
        return None

    def _no_room(self, layer: LayerKey) -> str | None:
        in_layer = Counter(placed.layer for placed in (*self._taken, *self.placed))
        if in_layer[layer] >= MAX_PER_LAYER:
            return f"folded: {MAX_PER_LAYER} threats of {LAYER_CODES[layer]} are shown already"
        if in_layer.total() >= MAX_SHOWN:
            return f"folded: {MAX_SHOWN} threats are shown already"
        return None

    def _place(self, number: int, worded: _Worded, marks: tuple[str, ...]) -> None:
        layer = worded.said.layer
        threat = Threat(
            id=identifier(number, worded.said),
            title=worded.title,
            statement=worded.statement,
            taxonomy=tuple(self._refs(number, worded.said.ids)),
            state=worded.state,
            score=severity_of(worded.like, self._factors),
            mitigations=tuple(self._mitigations(number, worded)),
            evidence=marks,
            like=worded.like.pattern.id,
        )
        self.placed.append(Placed(layer, threat))
        self._said.append((threat.id, stems(threat.title), stems(statement_sentence(threat.statement))))

    def _refs(self, number: int, ids: Sequence[TaxonomyId]) -> Iterator[TaxonomyRef]:
        """The ids with their list, where the title is the list's own; an unknown id is not repeated anywhere."""
        for said in dict.fromkeys((row.id, row.title) for row in islice(ids, MAX_IDS)):
            identifier, title = said
            owner = next((name for name in OFFERED if identifier in scheme(name).entries), None)
            ref = TaxonomyRef(scheme=owner or "", id=identifier, title=title)
            if owner is not None and not lint([ref]):
                yield ref
                continue
            what = f"threat number {number}, {identifier}" if owner else f"threat number {number}, an id"
            reason = "another title than its list gives it" if owner else "not in the lists that were given"
            self.dropped.append(Dropped(what=f"id of the LLM, {PART}: {what}", reason=reason))

    def _mitigations(self, number: int, worded: _Worded) -> Iterator[Mitigation]:
        ground = (*worded.quotes, worded.title, *worded.statement.model_dump().values())
        for remedy in islice(worded.said.remedies, MAX_REMEDIES):
            text = titled(remedy.text)
            fault = unfit(text, MAX_REMEDY, ground) or strange(text, ground, self._shown.known)
            if fault is None:
                yield Mitigation(text=text, who=remedy.who, status="proposed", evidence=())
            else:
                self.dropped.append(Dropped(what=f"remedy of the LLM, {PART}: threat number {number}", reason=fault))
