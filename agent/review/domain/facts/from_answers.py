"""Extracts the facts that an answer states about the keys of its question, credited to whoever answered.

    answer ─ statements picked in the form, or read from its text ─► facts, quoted from the answer's own document
        vendor, no page        rank 2. Raises a risk like any fact; a reassuring fact is noted but lowers nothing
        vendor, with a page    the page's rank, once the page is a source and contains the same words
        analyst, or confirmed  rank 5

An event stores the id of the answer's document and, with each statement, its quotes as spans. The ids of document and
quotes are derived from the question, so the order in which answers arrive does not matter.
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
from agent.review.domain.quotes import MAX_CHARS, Plain, cite
from agent.review.domain.response import Answer, By, document_of
from agent.taxonomy.layers import LAYERS

STATES: Final = "states"
"""Key in an answer's event for the answer's statements."""
DOCUMENT: Final = "document"
"""Key in an answer's event for the id of the answer's document."""
ANALYST: Final = FactSource(reader="analyst", confidence=1.0, state="confirmed")
COUNTING_RANK: Final = 3
"""The lowest rank at which a vendor's word lowers a risk."""
VENDOR_RANK: Final = 2
ANALYST_RANK: Final = 5
MOST_STATES: Final = 5
"""The maximum number of statements in one answer."""
_ROOM: Final = 2 * MOST_STATES
"""Ids reserved for the quotes of one answer: for each statement, one quote from the answer and one from its page."""
_MAX_VALUE: Final = 300
_VALUE_SLOTS: Final[tuple[SlotName, ...]] = ("scope", "object", "data", "credential", "counterpart", "approval")
"""Slots for the value of an answer; the first slot that the answer's key has is used."""
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
    states: tuple[Mapping[str, object], ...]
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


def given_in(question: str, edits: Mapping[str, object], at: str = "") -> Given | None:
    """Return the answer among the fields of a question; None if it states no facts."""
    answer = edits.get("answer")
    states = answer.get(STATES) if isinstance(answer, Mapping) else None
    if not isinstance(answer, Mapping) or not isinstance(states, list | tuple) or not states:
        return None
    by: By = "analyst" if answer.get("kind") == "analyst-note" else "vendor"
    return Given(
        question, str(answer["text"]), str(answer.get("url", "")), by, str(answer[DOCUMENT]), tuple(states), at
    )


def question_of(name: str) -> str:
    """Return the question whose answer states the fact with this item name; empty for a fact read from the sources."""
    question, dash, _ = name.partition("-")
    return question if dash else ""


def confirmed(fact: Fact) -> Fact:
    """Convert an answer's fact to the analyst's word, which has rank 5 and counts."""
    sources = (*(source for source in fact.sources if source.reader != "analyst"), ANALYST)
    update = {"sources": sources, "rank": ANALYST_RANK, "confidence": 1.0, "state": "confirmed", "claim": False}
    return fact.model_copy(update=update)


def is_vendors_word(fact: Fact) -> bool:
    """Return whether the fact is stated only by a vendor's answer."""
    return fact.rank < COUNTING_RANK and all(source.reader == "vendor-answer" for source in fact.sources)


def comforts(fact: Fact) -> bool:
    """Return whether a fact makes the product look less risky: an existing control, or a missing capability."""
    return load_vocabulary()[fact.key].comforting != (fact.polarity == "denied")


def _fact(state: Mapping[str, object], by: By) -> tuple[Fact, tuple[Evidence, ...]]:
    key, polarity = str(state["key"]), next(one for one in get_args(Polarity) if one == state["polarity"])
    rows, values = state["evidence"], state.get("slots")
    quotes = tuple(Evidence.model_validate(row) for row in rows) if isinstance(rows, list | tuple) else ()
    given = values if isinstance(values, Mapping) else {}
    slots = tuple(Slot(name=name, value=str(given[name])) for name in SLOTS if name in given)
    sure = state.get("confidence", 1.0)
    source = FactSource(reader="vendor-answer", confidence=float(sure) if isinstance(sure, int | float) else 1.0)
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
        return confirmed(fact).model_copy(update={"sources": (ANALYST,)}), quotes
    return fact.model_copy(update={"claim": fact.rank < COUNTING_RANK and comforts(fact)}), quotes


# ---------------------------------------------------------------- what an answer may state


def keys_asked(question: Question) -> tuple[FactKey, ...]:
    """Return the fact keys of a question; if it names none, the keys that affect the layers or factors it settles."""
    words = load_vocabulary()
    named = tuple(words[key] for key in dict.fromkeys(question.about) if key in words)
    if named:
        return named
    settled = set(question.settles)
    layers = [key for key in words if settled.intersection(key.pins)]
    factors = [key for key in words if settled.intersection((*key.raises, *key.lowers, *key.denial_lowers))]
    return tuple(layers if settled.intersection(LAYERS) else factors)


def settled_by(key: FactKey) -> tuple[str, ...]:
    """Return the layers and factors that a fact with this key affects."""
    return tuple(dict.fromkeys((*key.pins, *key.raises, *key.lowers, *key.denial_lowers)))


def read_states(document: Document, question: Question, read: Reads) -> list[Plain]:
    """Return a reader's statements in an answer about the keys of its question: the most confident per key."""
    wanted = {key.id for key in keys_asked(question)}
    best: dict[str, Plain] = {}
    for state in read(document):
        key = str(state["key"])
        if key in wanted and _sure(state) > _sure(best.get(key, {})):
            best[key] = dict(state)
    return [best[key] for key in sorted(best)][:MOST_STATES]


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
    """Return the fields of an answer, reading statements from its text if none were given."""
    text, given = fields.get("text"), fields.get(STATES)
    if given or not isinstance(text, str) or not text.strip():
        return dict(fields)
    by: By = "analyst" if fields.get("kind") == "analyst-note" else "vendor"
    found = read_states(document_of(Answer(question.id, text.strip(), "", by), 1, at=""), question, read)
    found = found or _as_proposed(text, question)
    return {**fields, STATES: found} if found else dict(fields)


def _as_proposed(text: str, question: Question) -> list[Plain]:
    """Return the statement of an answer that repeats one of the question's proposed answers, filled in or not."""
    keys, said = keys_asked(question), " ".join(text.split())
    if _OR in question.proposed and said == " ".join(question.proposed.split()):
        raise InputError("it holds several of the proposed answers", where="text", hint="keep the one that is so")
    # A bare "No." answers the question without saying which key it denies.
    fitting = [each for each in question.proposed.split(_OR) if len(each.split()) >= _TELLING and _fits(said, each)]
    if not keys or not fitting:
        return []
    denied = keys[0].deniable and fitting[0].casefold().startswith(_NO)
    return [{"key": keys[0].id, "polarity": "denied" if denied else "asserted"}]


def _fits(text: str, proposed: str) -> bool:
    """Return whether a text is a proposed answer, either unchanged or with its gaps filled in."""
    parts = [" ".join(part.split()).strip(_ENDS) for part in proposed.split(_GAP)]
    pattern = ".*".join(rf"\b{re.escape(part)}\b" for part in parts if part)
    return re.match(pattern, text, re.IGNORECASE | re.DOTALL) is not None


def _sure(state: Mapping[str, object]) -> float:
    value = state.get("confidence", 0.0)
    return float(value) if isinstance(value, int | float) else 0.0


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

    `documents` are the sources so far. Each statement has a key of the vocabulary and a polarity. `value` is a detail
    in the answer's own words, `quote` the supporting words, by default the whole answer. Raises InputError naming the
    field.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(row, Mapping) for row in value):
        raise InputError("what the answer states is no list of objects", where=STATES, hint="give key and polarity")
    if len(value) > MOST_STATES:
        raise InputError(f"the answer states {len(value)} things", where=STATES, hint=f"at most {MOST_STATES}")
    own = _document(answer, at.document, "")
    rows = [_checked(row, answer, own, documents) for row in value]
    keys = [str(row["key"]) for row, _ in rows]
    if len(set(keys)) != len(keys):
        raise InputError("the answer states the same twice", where=STATES, hint="give each key once")
    return _numbered(sorted(rows, key=lambda row: load_vocabulary().order[str(row[0]["key"])]), at.first)


def _checked(
    row: Mapping[str, object], answer: Answer, own: Document, documents: Sequence[Document]
) -> tuple[Plain, tuple[Evidence, ...]]:
    words, key, polarity = load_vocabulary(), str(row.get("key", "")), row.get("polarity")
    where = f"{STATES}.{key[:40] or 'key'}"
    unknown = next((name for name in row if name not in _FIELDS), None)
    if unknown is not None:
        raise InputError(f"there is no field {unknown[:40]!r}", where=where, hint="fields: " + ", ".join(_FIELDS[:-1]))
    if key not in words:
        raise InputError(f"no fact has the key {key[:40]!r}", where=where, hint="choose one of the list")
    if polarity not in get_args(Polarity):
        raise InputError("it is neither yes, no nor a setting", where=where, hint=" or ".join(get_args(Polarity)))
    if polarity == "denied" and not words[key].deniable:
        raise InputError(
            f"that it does not is no fact of the vocabulary: {words[key].title}", where=where,
            hint="leave it out, or state what is so instead",
        )  # fmt: skip
    quotes = tuple(_quotes(str(row.get("quote") or ""), answer, own, documents, where))
    made: Plain = {"key": key, "polarity": polarity}
    detail = " ".join(str(row.get("value") or "").split())
    if detail:
        made["slots"] = {_slot(words[key]): _detail(detail, own, where)}
    if row.get("confidence") is not None:
        made["confidence"] = _sure(row)
    return made, quotes


def _slot(key: FactKey) -> SlotName:
    return next((name for name in _VALUE_SLOTS if name in key.slots), key.slots[0])


def _detail(detail: str, own: Document, where: str) -> str:
    if len(detail) > _MAX_VALUE or locate(detail, own.text) is None:
        raise InputError("the value is not in the answer", where=where, hint="copy it from the answer, or leave it out")
    return detail


def _quotes(quote: str, answer: Answer, own: Document, documents: Sequence[Document], where: str) -> Iterator[Evidence]:
    """Quote the answer, and also its page if that is a source with rank 3 or more that contains the same words."""
    whole = not quote.strip()
    words = own.text.strip() if whole else quote
    if whole and len(words) > MAX_CHARS:
        raise InputError("the answer is too long for one quote", where=where, hint="copy the words that say it")
    given = {"document": own.id, "quote": words}
    found = cite(given, (own,), (), where).evidence
    if any(one.flagged and one.start < found.end and found.start < one.end for one in statements((own,))):
        raise InputError("the answer speaks to assessors there", where=where, hint="quote words that say what is so")
    rank = ANALYST_RANK if answer.by == "analyst" else VENDOR_RANK
    yield found.model_copy(update={"rank": rank, "about": "product"})
    for page in documents:
        if not answer.page or not _same_page(page.url, answer.page) or locate(words, page.text) is None:
            continue
        there = cite({"document": page.id, "quote": words}, (page,), (), where).evidence
        if there.rank >= COUNTING_RANK and there.about == "product":
            yield there


def _same_page(one: str, other: str) -> bool:
    return urldefrag(one).url.rstrip("/") == urldefrag(other).url.rstrip("/")


def _numbered(rows: Sequence[tuple[Plain, tuple[Evidence, ...]]], first: int) -> list[Plain]:
    """Give the quotes in the rows ids, numbered in the order of their spans; equal spans share an id."""
    spans = sorted({(item.document, item.start, item.end) for _, quotes in rows for item in quotes})
    ids = {span: f"E{first + at}" for at, span in enumerate(spans)}
    return [
        {
            **row,
            "evidence": [
                item.model_copy(update={"id": ids[item.document, item.start, item.end]}).model_dump(mode="json")
                for item in quotes
            ],
        }
        for row, quotes in rows
    ]
