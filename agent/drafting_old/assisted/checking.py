"""Claims of an LLM against the passages that it was shown: what is found, what it carries, what is dropped and why.

    quote ── found again in its passage ─► place ── three words, not on another product ─► kept
    claim ── all its quotes kept ── signs, numbers and names in them ── words carried by them ── not cut from a sentence
             that says otherwise ─► supported | inferred

Nothing here trusts the LLM: a quote counts by where code finds it, with the rank of the sentence that it stands in.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from agent.drafting_old.assisted.shapes import Quote, Reasoned
from agent.drafting_old.ledger import MAX_CHARS, MIN_WORDS, Ledger
from agent.drafting_old.pack import PackedEvidence, Place, find
from agent.evidence.facts import foreign
from agent.evidence.reading import Reading
from agent.evidence.support import support
from agent.records import Dropped, State

MAX_CLAIM_CHARS: Final = 300
MAX_QUOTES: Final = 12
MAX_CLAIMS: Final = 12
"""Of one item; what follows is not read."""
MOST: Final = 0.5
"""A part that loses more than this share of its claims is asked for again."""
_MARKUP: Final = frozenset("<>[]{}|`\\*#~^=")
"""Signs with which markup, links, code and diagrams are written."""
_SCHEME: Final = "://"
_WORDS: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\S*[^\W_]\S*")
"""As the ledger counts them: what stands between blanks, or one sign of a script without blanks."""
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9“\"`])|(?<=\w\w[.!?])\s+(?=[a-z]+[_-]\w)")
"""A sentence may begin with an identifier, such as `read_mail`."""

Fault = Literal[
    "quote not found",
    "quote too short",
    "quote too long",
    "quote about another product",
    "claim without a quote",
    "claim too long",
    "number or name not in the quotes",
    "not carried by the quotes",
    "the quotes say otherwise",
]


@dataclass(frozen=True)
class Shown:
    """What an LLM was shown, and the names that need no quote."""

    reading: Reading
    packed: PackedEvidence
    known: tuple[str, ...]
    """The product's and the vendor's name."""


class Carried(NamedTuple):
    """A claim that its quotes carry."""

    text: str
    places: tuple[Place, ...]
    state: State
    """claimed: the quotes say so; inferred: they make it likely."""


class Lost(NamedTuple):
    """A quote or claim that was not taken."""

    number: int
    """Of the claim in its item, from 1; of the quote for a fault that is a quote's alone."""
    text: str
    fault: Fault
    detail: str


class Checked(NamedTuple):
    """One item after the check."""

    claims: tuple[Carried, ...]
    places: tuple[Place | None, ...]
    """Of each quote that was proposed, in its order."""
    lost: tuple[Lost, ...]
    """Claims that were dropped."""
    proposed: int
    """Claims in the answer."""

    @property
    def lost_most(self) -> bool:
        """Whether more than half of the claims were dropped."""
        return len(self.lost) > MOST * self.proposed

    @property
    def found(self) -> tuple[Place, ...]:
        """Places of the quotes that were found."""
        return tuple(place for place in self.places if place is not None)


def check(item: Reasoned, shown: Shown) -> Checked:
    """The claims of one item that hold, and why the others do not."""
    faults: dict[int, tuple[Fault, str]] = {}
    places: list[Place | None] = []
    for number, quote in enumerate(item.quotes[:MAX_QUOTES], start=1):
        outcome = place_of(quote, shown)
        if isinstance(outcome, Place):
            places.append(outcome)
        else:
            places.append(None)
            faults[number] = (outcome, "")
    claims: list[Carried] = []
    lost: list[Lost] = []
    for number, claim in enumerate(item.claims[:MAX_CLAIMS], start=1):
        text = unicodedata.normalize("NFC", " ".join(claim.text.split()))
        cited = tuple(dict.fromkeys(claim.quotes))
        made = _carried(text, cited, places, faults, shown)
        if isinstance(made, Carried):
            claims.append(made)
        else:
            lost.append(Lost(number, text[:MAX_CLAIM_CHARS], *made))
    return Checked(tuple(claims), tuple(places), tuple(lost), len(item.claims[:MAX_CLAIMS]))


def place_of(quote: Quote, shown: Shown) -> Place | Fault:
    """Where a quote stands, or what is wrong with it."""
    if len(_WORDS.findall(quote.text)) < MIN_WORDS:
        return "quote too short"
    if len(quote.text) > MAX_CHARS:
        return "quote too long"
    place = find(quote.text, quote.passage, shown.packed, shown.reading)
    if place is None:
        return "quote not found"
    return "quote about another product" if place.about == "other" else place


def carried(text: str, places: Sequence[Place], shown: Shown) -> State | tuple[Fault, str]:
    """Whether the sentences that quotes at `places` are cut from carry a sentence: claimed, inferred, or the fault.

    A quote is read in its sentence, which is what the draft cites and shows: the subject often stands before the words
    that were copied, and "sends mail without asking" says something else in "it never sends mail without asking". Of a
    sentence that is too long to be shown whole only the quoted words count, and all of it only against them.
    """
    quotes = [words_at(place, shown.reading) for place in places]
    if not quotes:
        return "claim without a quote", ""
    around = [shown.reading.text(n) for place in places for n in _touched(place, shown)]
    told = list(dict.fromkeys([sentence for sentence in around if len(sentence) <= MAX_CHARS] + quotes))
    signs = _strange_signs(text, (*told, *shown.known))
    if signs:
        return "not carried by the quotes", f"signs that they do not have: {', '.join(signs)}"
    odd = foreign(text, told, shown.known)
    if odd:
        return "number or name not in the quotes", ", ".join(odd)
    verdict = support(text, told, shown.known)
    if verdict.verdict == "contradicted":
        return "the quotes say otherwise", "; ".join(verdict.reasons)
    if verdict.verdict == "unsupported":
        return "not carried by the quotes", "; ".join(verdict.reasons)
    whole = support(text, around, shown.known)
    if whole.verdict == "contradicted":
        return "the quotes say otherwise", f"in the sentence that they are cut from, {'; '.join(whole.reasons)}"
    return "claimed" if verdict.verdict == whole.verdict == "supported" else "inferred"


def _strange_signs(text: str, quotes: Iterable[str]) -> tuple[str, ...]:
    """Signs of a claim that do more than write its words, or write them in other letters, and stand in no quote."""
    told = unicodedata.normalize("NFC", "".join(quotes))
    known = set(told + told.lower() + told.upper())
    odd = dict.fromkeys(char for char in text if char not in known and _is_strange(char))
    found = [char if char in _MARKUP else f"U+{ord(char):04X}" for char in odd]
    return (*found, _SCHEME) if _SCHEME in text and _SCHEME not in told else tuple(found)


def _is_strange(char: str) -> bool:
    category = unicodedata.category(char)
    return char in _MARKUP or category[0] == "C" or (not char.isascii() and category[0] in "LMNZ")


def _touched(place: Place, shown: Shown) -> tuple[int, ...]:
    """The statements that a quote touches."""
    return tuple(
        index
        for index, statement in enumerate(shown.reading.statements)
        if statement.document == place.document and statement.start < place.end and place.start < statement.end
    )


def sentences(paragraph: str) -> tuple[str, ...]:
    """The sentences of a paragraph, white space made plain."""
    return tuple(part for part in _SENTENCE.split(" ".join(paragraph.split())) if part)


def paragraph(text: str, checked: Checked, shown: Shown, ledger: Ledger) -> tuple[str, tuple[str, ...]]:
    """The sentences of an LLM's paragraph that the quotes of its claims carry, each with the marks of its quotes.

    When none of them holds, the claims that the quotes say stand in. Empty when there is no such claim either. A
    sentence is never joined with another's quotes: it must be carried by those of one claim, or of all claims together.
    """
    kept: list[str] = []
    marks: list[str] = []
    for sentence in sentences(text):
        if held := holding(sentence, checked, shown):
            own = cite(held, shown, ledger)
            kept.append(marked(sentence, own))
            marks += own
    if not kept:
        # An inferred claim may have words of the LLM's own: it can make a state, but it is never told.
        for claim in (claim for claim in checked.claims if claim.state == "claimed"):
            own = cite(claim.places, shown, ledger)
            kept.append(marked(claim.text, own))
            marks += own
    return " ".join(kept), tuple(dict.fromkeys(marks))


def holding(sentence: str, checked: Checked, shown: Shown) -> tuple[Place, ...]:
    """The places that carry a sentence: those of one claim, else as few as do of all claims; none when they do not."""
    if len(sentence) > MAX_CLAIM_CHARS:
        return ()
    for claim in checked.claims:
        if carried(sentence, claim.places, shown) == "claimed":
            return claim.places
    everywhere = tuple(dict.fromkeys(place for claim in checked.claims for place in claim.places))
    if carried(sentence, everywhere, shown) != "claimed":
        return ()
    needed = everywhere
    for place in everywhere:
        fewer = tuple(other for other in needed if other != place)
        if carried(sentence, fewer, shown) == "claimed":
            needed = fewer
    return needed


def marked(sentence: str, marks: Sequence[str]) -> str:
    """The sentence with its marks before its end, without signs of code: the report shows all of it as text."""
    body = sentence.replace("`", "").rstrip()
    end = body[-1] if body[-1:] in ".!?" else "."
    return f"{body.rstrip('.!?')} ({', '.join(marks)}){end}"


def cite(places: Iterable[Place], shown: Shown, ledger: Ledger) -> tuple[str, ...]:
    """The evidence ids of places, in order, each once."""
    marks = []
    for place in places:
        statement = shown.reading.statements[place.statement]
        start, end = max(place.start, statement.start), min(place.end, statement.end)
        marks.append(ledger.cite(place.statement, start, end))
    return tuple(dict.fromkeys(marks))


def words_at(place: Place, reading: Reading) -> str:
    """The words of the sources at a place."""
    return reading.document(place.document).text[place.start : place.end]


def dropped(part: str, checked: Checked) -> tuple[Dropped, ...]:
    """The lost claims of a part as the draft lists them."""
    return tuple(
        Dropped(
            what=f"claim of the LLM, {part}: {row.text}", reason=row.fault + (f": {row.detail}" if row.detail else "")
        )
        for row in checked.lost
    )


def _carried(
    text: str,
    cited: Sequence[int],
    places: Sequence[Place | None],
    faults: dict[int, tuple[Fault, str]],
    shown: Shown,
) -> Carried | tuple[Fault, str]:
    if len(text) > MAX_CLAIM_CHARS:
        return "claim too long", ""
    known = [number for number in cited if 1 <= number <= len(places)]
    if not known or len(known) < len(cited):
        return "claim without a quote", ""
    broken = next((number for number in known if places[number - 1] is None), None)
    if broken is not None:
        fault, detail = faults[broken]
        return fault, detail or f"quote {broken}"
    held = tuple(place for number in known if (place := places[number - 1]) is not None)
    verdict = carried(text, held, shown)
    return verdict if isinstance(verdict, tuple) else Carried(text, held, verdict)
