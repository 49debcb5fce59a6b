"""Extracts the facts that an answer states about the keys of its question, attributed to the person who answered.

    answer ─ statements picked in the form, or read from its text ─► facts, quoted from the answer's own document
        vendor, no page        rank 2. Raises a risk like any fact; a reassuring fact is noted but lowers nothing
        vendor, with a page    the page's rank, once the page is a source and contains the same words
        analyst, or confirmed  rank 5

An event stores the id of the answer's document and, with each statement, its quotes as spans. The ids of the document
and quotes are derived from the question, so the order in which answers arrive does not matter.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, get_args
from urllib.parse import urldefrag

from agent.errors import InputError
from agent.facts.anchor import locate
from agent.facts.sheet import fact_id
from agent.facts.vocabulary import FactKey, load_vocabulary
from agent.intake.extract.statements.split import statements
from agent.records import SLOTS, Document, Evidence, Fact, FactSource, Polarity, Question, Slot, SlotName
from agent.review.domain.items import COUNTING_RANK, is_vendors_word as is_vendors_word
from agent.review.domain.quotes import MAX_CHARS, cite
from agent.review.domain.records import Plain, replaced
from agent.review.domain.response import Answer, By, by_kind, document_of
from agent.taxonomy.layers import LAYERS

STATES: Final = "states"
"""Key in an answer's event for the answer's statements."""
DOCUMENT: Final = "document"
"""Key in an answer's event for the id of the answer's document."""
ANALYST: Final = FactSource(reader="analyst", confidence=1.0, state="confirmed")
VENDOR_RANK: Final = 2
ANALYST_RANK: Final = 5
MOST_STATES: Final = 5
"""The maximum number of statements in one answer."""
_ROOM: Final = 2 * MOST_STATES
"""Ids reserved for the quotes of one answer: for each statement, one quote from the answer and one from its page."""
_MAX_VALUE: Final = 300
_VALUE_SLOTS: Final[tuple[SlotName, ...]] = ("scope", "object", "data", "credential", "counterpart", "approval")
"""Slots for the value of an answer; the first slot that the answer's key allows is used."""
_OR: Final = " / "
_GAP: Final = "…"
"""In a proposed answer, `_OR` separates alternatives and `_GAP` marks text to be filled in."""
_ENDS: Final = " .;,:"
_NO: Final = ("nothing", "it does not", "none")
_TELLING: Final = 2
"""The minimum number of words for a proposed answer to count as a statement."""
_FIELDS: Final = ("key", "polarity", "value", "quote", "confidence")

Reads = Callable[[Document], Sequence[Plain]]
"""Returns a reader's statements from an answer's document, each with key, polarity, quote and confidence."""


class Given(NamedTuple):
    """An answer and its statements."""

    question: str
    text: str
    page: str
    by: By
    document: str
    """Id of the answer's document."""
    states: tuple[Plain, ...]
    at: str = ""

    @property
    def source(self) -> Document:
        """The answer as a source document."""
        return _document(Answer(self.question, self.text, self.page, self.by), self.document, self.at)

    @property
    def facts(self) -> dict[str, tuple[Fact, tuple[Evidence, ...]]]:
        """The facts of the answer with their quotes, by item name."""
        return {f"{self.question}-{state['key']}": _fact(state, self.by) for state in self.states}


@lru_cache(maxsize=256)
def _document(answer: Answer, name: str, at: str) -> Document:
    return document_of(answer, int(name[1:]), at=at)


def given_in(question: str, edits: Plain, at: str = "") -> Given | None:
    """Return the answer stored among a question's fields; None if it states no facts."""
    answer = edits.get("answer") or {}
    if not answer.get(STATES):
        return None
    text, page, by = answer["text"], answer.get("url", ""), by_kind(answer.get("kind"))
    return Given(question, text, page, by, answer[DOCUMENT], tuple(answer[STATES]), at)


def question_of(name: str) -> str:
    """Return the question whose answer states the fact with this item name; empty for a fact read from the sources."""
    question, dash, _ = name.partition("-")
    return question if dash else ""


def confirmed(fact: Fact) -> Fact:
    """Convert an answer's fact to the analyst's word, which has rank 5 and counts."""
    sources = (*(source for source in fact.sources if source.reader != "analyst"), ANALYST)
    return replaced(fact, sources=sources, rank=ANALYST_RANK, confidence=1.0, state="confirmed", claim=False)


def comforts(fact: Fact) -> bool:
    """Return whether a fact makes the product look less risky: an existing control, or a missing capability."""
    return load_vocabulary()[fact.key].comforting != (fact.polarity == "denied")


def _fact(state: Plain, by: By) -> tuple[Fact, tuple[Evidence, ...]]:
    key, polarity, given = state["key"], state["polarity"], state.get("slots", {})
    quotes = tuple(Evidence.model_validate(row) for row in state["evidence"])
    slots = tuple(Slot(name=name, value=given[name]) for name in SLOTS if name in given)
    source = FactSource(reader="vendor-answer", confidence=state.get("confidence", 1.0))
    fact = Fact(
        id=fact_id(key, polarity, "product", slots),
        key=key,
        polarity=polarity,
        slots=slots,
        about="product",
        evidence=tuple(item.id for item in quotes),
        sources=(source,),
        rank=max(item.rank for item in quotes),
        confidence=source.confidence,
        state="denied" if polarity == "denied" else "claimed",
    )
    if by == "analyst":
        return replaced(confirmed(fact), sources=(ANALYST,)), quotes
    return replaced(fact, claim=fact.rank < COUNTING_RANK and comforts(fact)), quotes


# ---------------------------------------------------------------- what an answer may state


def keys_asked(question: Question) -> tuple[FactKey, ...]:
    """Return the fact keys of a question; if it has none, the keys that affect the layers or factors it settles."""
    words = load_vocabulary()
    named = tuple(words[key] for key in dict.fromkeys(question.about) if key in words)
    if named:
        return named
    settled = set(question.settles)
    if settled.intersection(LAYERS):
        return tuple(key for key in words if settled.intersection(key.pins))
    return tuple(key for key in words if settled.intersection((*key.raises, *key.lowers, *key.denial_lowers)))


def settled_by(key: FactKey) -> tuple[str, ...]:
    """Return the layers and factors that a fact with this key affects."""
    return tuple(dict.fromkeys((*key.pins, *key.raises, *key.lowers, *key.denial_lowers)))


def read_answer(document: Document) -> list[Plain]:
    """Return the statements about the product that the embedded reader finds in an answer, without an LLM."""
    # Import here, because the reading pipeline takes a second to load.
    from agent.pipeline import read_documents

    sheet = read_documents((document,)).sheet
    quotes = {item.id: item.quote for item in sheet.evidence}
    return [
        {"key": fact.key, "polarity": fact.polarity, "quote": quotes[fact.evidence[0]], "confidence": fact.confidence}
        for fact in sheet.facts
        if fact.about == "product"
    ]


def stating(fields: Mapping[str, object], question: Question, read: Reads) -> Plain:
    """Return the fields of an answer, with statements read from its text if none were given: for each key of the
    question, the one that the reader is most confident of."""
    text, given = fields.get("text"), fields.get(STATES)
    if given or not isinstance(text, str) or not text.strip():
        return dict(fields)
    wanted, best = {key.id for key in keys_asked(question)}, dict[str, Plain]()
    for state in read(document_of(Answer(question.id, text.strip(), "", by_kind(fields.get("kind"))), 1, at="")):
        key = state["key"]
        if key in wanted and state.get("confidence", 0.0) > best.get(key, {}).get("confidence", 0.0):
            best[key] = dict(state)
    found = [best[key] for key in sorted(best)][:MOST_STATES] or _as_proposed(text, question)
    return {**fields, STATES: found} if found else dict(fields)


def _as_proposed(text: str, question: Question) -> list[Plain]:
    """Return the statement of an answer that repeats one of the question's proposed answers, filled in or not; empty
    for any other answer."""
    keys, said = keys_asked(question), " ".join(text.split())
    if _OR in question.proposed and said == " ".join(question.proposed.split()):
        raise InputError("it contains several of the proposed answers", where="text", hint="keep the one that applies")
    for proposed in question.proposed.split(_OR):
        parts = [" ".join(part.split()).strip(_ENDS) for part in proposed.split(_GAP)]
        pattern = ".*".join(rf"\b{re.escape(part)}\b" for part in parts if part)
        # A bare "No." answers the question without saying which key it denies.
        if keys and len(proposed.split()) >= _TELLING and re.match(pattern, said, re.IGNORECASE | re.DOTALL):
            denied = keys[0].deniable and proposed.casefold().startswith(_NO)
            return [{"key": keys[0].id, "polarity": "denied" if denied else "asserted"}]
    return []


class Places(NamedTuple):
    """The ids reserved for an answer: its document's id and the number of its first quote."""

    document: str
    first: int


def places(question: str, documents: Sequence[str], marks: Sequence[str]) -> Places:
    """Return the ids reserved for the answer to a question, after the draft's documents and quotes. They do not
    depend on the order in which answers arrive."""
    number = int(question[1:])
    last = max((int(name[1:]) for name in documents), default=0)
    return Places(f"D{last + number}", max((int(name[1:]) for name in marks), default=0) + _ROOM * (number - 1) + 1)


def checked_states(value: object, answer: Answer, at: Places, documents: Sequence[Document]) -> list[Plain]:
    """Check the statements given for an answer and return them in the form stored in its event.

    `documents` are the sources so far. Each statement has a key from the vocabulary and a polarity. `value` is a detail
    in the answer's own words, `quote` the supporting words, by default the whole answer. Raises InputError naming the
    field.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(row, Mapping) for row in value):
        raise InputError(
            "the answer's statements are not a list of objects",
            where=STATES,
            hint="use objects with a key and a polarity",
        )
    if len(value) > MOST_STATES:
        raise InputError(f"the answer states {len(value)} things", where=STATES, hint=f"at most {MOST_STATES}")
    own = _document(answer, at.document, "")
    rows = [_checked(row, answer, own, documents) for row in value]
    if len({row["key"] for row in rows}) != len(rows):
        raise InputError("the answer states the same key twice", where=STATES, hint="use each key only once")
    rows.sort(key=lambda row: load_vocabulary().order[row["key"]])
    # Number the quotes in the order of their spans; equal spans share an id.
    spans = sorted({(item.document, item.start, item.end) for row in rows for item in row["evidence"]})
    ids = {span: f"E{at.first + n}" for n, span in enumerate(spans)}
    for row in rows:
        quotes = [replaced(item, id=ids[item.document, item.start, item.end]) for item in row["evidence"]]
        row["evidence"] = [item.model_dump(mode="json") for item in quotes]
    return rows


def _checked(row: Mapping[str, object], answer: Answer, own: Document, documents: Sequence[Document]) -> Plain:
    words, key, polarity = load_vocabulary(), str(row.get("key", "")), row.get("polarity")
    where = f"{STATES}.{key[:40] or 'key'}"
    unknown = next((name for name in row if name not in _FIELDS), None)
    if unknown is not None:
        raise InputError(f"there is no field {unknown[:40]!r}", where=where, hint="fields: " + ", ".join(_FIELDS[:-1]))
    if key not in words:
        raise InputError(f"no fact has the key {key[:40]!r}", where=where, hint="choose one from the list")
    if polarity not in get_args(Polarity):
        raise InputError("it is neither yes, no nor a setting", where=where, hint=" or ".join(get_args(Polarity)))
    if polarity == "denied" and not words[key].deniable:
        told = f"the vocabulary does not allow denying this fact: {words[key].title}"
        raise InputError(told, where=where, hint="leave it out, or state what is true instead")
    quotes = list(_quotes(str(row.get("quote") or ""), answer, own, documents, where))
    made: Plain = {"key": key, "polarity": polarity}
    detail = " ".join(str(row.get("value") or "").split())
    if len(detail) > _MAX_VALUE or (detail and locate(detail, own.text) is None):
        raise InputError("the value is not in the answer", where=where, hint="copy it from the answer, or leave it out")
    if detail:
        slots = words[key].slots
        made["slots"] = {next((name for name in _VALUE_SLOTS if name in slots), slots[0]): detail}
    sure = row.get("confidence")
    if sure is not None:
        made["confidence"] = float(sure) if isinstance(sure, int | float) else 0.0
    return {**made, "evidence": quotes}


def _quotes(quote: str, answer: Answer, own: Document, documents: Sequence[Document], where: str) -> Iterator[Evidence]:
    """Yield the quote from the answer, and the same words from its page if that is a source with rank 3 or higher."""
    whole = not quote.strip()
    words = own.text.strip() if whole else quote
    if whole and len(words) > MAX_CHARS:
        raise InputError(
            "the answer is too long for one quote", where=where, hint="copy only the words that state the fact"
        )
    found = cite({"document": own.id, "quote": words}, (own,), (), where)
    if any(one.flagged and one.start < found.end and found.start < one.end for one in statements((own,))):
        hint = "quote words that state the fact"
        raise InputError("this part of the answer addresses assessors", where=where, hint=hint)
    yield replaced(found, rank=ANALYST_RANK if answer.by == "analyst" else VENDOR_RANK, about="product")
    for page in documents:
        same = answer.page and urldefrag(page.url).url.rstrip("/") == urldefrag(answer.page).url.rstrip("/")
        if same and locate(words, page.text) is not None:
            there = cite({"document": page.id, "quote": words}, (page,), (), where)
            if there.rank >= COUNTING_RANK and there.about == "product":
                yield there
