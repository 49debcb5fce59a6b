"""The reader of facts that needs no LLM: learned heads over statements, a few patterns where form is the evidence.

    statements with roles ─ features and vectors ─► a score of each key ─ threshold of the key ─► proposals
                                                            └ the highest of each key ─ calibration ─► outlook

A fact is proposed only from the score at which, on products that the fit had not seen, at least four of five were
right; below it nothing is said. What is likely and not said goes into the outlook, which no statement cites.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.evidence.support import negations
from agent.facts.proposal import Proposal, ProposedSlot, Quote
from agent.facts.readers.features import name_words
from agent.facts.readers.heads import FactHeads, load_heads
from agent.facts.readers.kinds import kind_chances
from agent.facts.readers.patterns import PatternRule, load_patterns
from agent.facts.vocabulary import FactKey, Vocabulary, load_vocabulary
from agent.records import CARRYING, Document, Outlook, Polarity, ReaderName, Statement
from agent.records.base import DocumentForm

_QUOTES: Final = 4
"""Statements that one proposal cites at most: the surest."""
_WORDS: Final = 38
"""Words of a quote; the check allows a few more."""
_CHARS: Final = 560
_SETTING: Final = re.compile(
    r"\b(?:enabl(?:e[sd]?|ing)|disabl(?:e[sd]?|ing)|optional(?:ly)?|opt(?:ed)?[ -](?:in|out)|toggle[sd]?"
    r"|turn(?:ed)? (?:on|off)|switch(?:ed)? (?:on|off)|(?:set|defaults?) to `?(?:true|false|0|1|on|off)\b"
    r"|configurable|can be (?:configured|set|changed))",
    re.IGNORECASE,
)
"""Words by which a sentence leaves something to a setting."""
_VARIABLE: Final = re.compile(r"\b[A-Z][A-Z0-9]*_(?:[A-Z0-9]+_)*(?:KEY|TOKEN|SECRET|PAT)\b")
_CREDENTIAL_KEYS: Final = frozenset({"api_key", "stores_credentials"})


class Found(NamedTuple):
    """A statement that is taken to state a key."""

    statement: Statement
    score: float
    polarity: Polarity


class EmbeddedReader:
    """Reads prose. Deterministic; a statement is read from itself, its headings and its role alone."""

    name: ReaderName = "embedded"
    forms: frozenset[DocumentForm] = frozenset({"prose"})

    def __init__(self, heads: FactHeads | None = None, vocabulary: Vocabulary | None = None) -> None:
        self._given = heads
        self._vocabulary = vocabulary or load_vocabulary()

    @property
    def looks_for(self) -> tuple[str, ...]:
        """The keys that have a head or a pattern, in the order of the vocabulary."""
        asserted = {key for key, limit in zip(self._heads.keys, self._heads.thresholds, strict=True) if limit < np.inf}
        known = asserted | {rule.key for rule in load_patterns()}
        return tuple(key.id for key in self._vocabulary if key.id in known)

    @property
    def _heads(self) -> FactHeads:
        return self._given or load_heads()

    def read(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Sequence[Proposal]:
        """One proposal for each key and polarity that is stated, in the order of the vocabulary."""
        readable = _readable(statements)
        scores = self.scores(documents, readable)
        found: dict[tuple[str, Polarity], list[Found]] = {}
        for number, key in enumerate(self._heads.keys):
            for row in np.flatnonzero(scores[:, number] >= self._heads.thresholds[number]):
                statement = readable[row]
                polarity = polarity_of(statement.text, self._vocabulary[key])
                if polarity is not None:
                    hit = Found(statement, float(scores[row, number]), polarity)
                    found.setdefault((key, polarity), []).append(hit)
        for hit, rule in _by_pattern(readable):
            found.setdefault((rule.key, hit.polarity), []).append(hit)
        order = self._vocabulary.order
        return [self._proposal(*place, found[place]) for place in sorted(found, key=lambda p: (order[p[0]], p[1]))]

    def scores(self, documents: Sequence[Document], statements: Sequence[Statement]) -> NDArray[np.float32]:
        """The log odds of each key for each statement, shape (n, keys of the heads)."""
        names = _names(documents, statements)
        return self._heads.scores(statements, [names[statement.document] for statement in statements])

    def outlook(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Outlook:
        """How likely the sources state each key, and of which kind the product is; empty without any prose."""
        prose = {document.id for document in documents if document.form == "prose"}
        readable = [statement for statement in _readable(statements) if statement.document in prose]
        scores = self.scores(documents, readable)
        chances = self._heads.product_chances(scores)
        for _, rule in _by_pattern(readable):
            chances[rule.key] = max(chances.get(rule.key, 0.0), rule.precision)
        return Outlook(
            kinds=kind_chances(documents, self._heads),
            chances={key: round(chance, 4) for key, chance in chances.items()},
        )

    def _proposal(self, key: str, polarity: Polarity, found: Sequence[Found]) -> Proposal:
        best: dict[tuple[str, int], Found] = {}
        for hit in sorted(found, key=lambda hit: (-hit.score, hit.statement.document, hit.statement.start)):
            best.setdefault((hit.statement.document, hit.statement.start), hit)
        chosen = list(best.values())[:_QUOTES]
        slots = tuple(self._slots(self._vocabulary[key], chosen)) if polarity != "denied" else ()
        return Proposal(
            reader=self.name,
            key=key,
            polarity=polarity,
            about="product",
            quotes=tuple(quote_of(hit.statement) for hit in chosen),
            slots=slots,
            confidence=round(self._confidence(key, chosen), 4),
        )

    def _confidence(self, key: str, chosen: Sequence[Found]) -> float:
        """How often a fact with such a score was right on products that the fit had not seen."""
        patterns = [rule.precision for hit in chosen for rule in _matching(hit.statement) if rule.key == key]
        if key not in self._heads.keys:
            return max(patterns)
        learned = self._heads.confidence(key, max(hit.score for hit in chosen))
        return max([learned, *patterns])

    @staticmethod
    def _slots(key: FactKey, chosen: Sequence[Found]) -> Iterator[ProposedSlot]:
        if key.id not in _CREDENTIAL_KEYS or "credential" not in key.slots:
            return
        names = sorted({name for hit in chosen for name in _VARIABLE.findall(quote_of(hit.statement).text)})
        if len(names) == 1:
            yield ProposedSlot(name="credential", value=names[0])


def _readable(statements: Sequence[Statement]) -> list[Statement]:
    """The statements that may carry facts: what a finding covers and what speaks of another product is left out."""
    return [
        statement
        for statement in statements
        if statement.role in CARRYING and not statement.flagged and statement.about != "other"
    ]


def _names(documents: Sequence[Document], statements: Sequence[Statement]) -> Mapping[str, frozenset[str]]:
    titles = {document.id: document.title for document in documents}
    for statement in statements:
        if not titles.get(statement.document):
            titles[statement.document] = statement.path[0] if statement.path else ""
    return {identity: name_words(title) for identity, title in titles.items()}


def quote_of(statement: Statement) -> Quote:
    """The first words of a statement, verbatim, short enough for the check."""
    text = statement.text
    places = [match.end() for match in re.finditer(r"\S+", text[:_CHARS])]
    end = places[min(len(places), _WORDS) - 1] if places else 0
    return Quote(text=text[:end].rstrip(), document=statement.document, near=statement.start)


def polarity_of(text: str, key: FactKey) -> Polarity | None:
    """What a sentence that speaks of a key says of it by its form; None where the form leaves it open.

    A sentence with a negation is no assertion unless the key is one that is stated by a negation; its denial is left
    to patterns, whose form says what is negated.
    """
    if negations(text) and not key.comforting:
        return None
    if key.deniable and _SETTING.search(text):
        return "configurable"
    return "asserted"


def _by_pattern(statements: Sequence[Statement]) -> Iterator[tuple[Found, PatternRule]]:
    for statement in statements:
        for rule in _matching(statement):
            yield Found(statement, -np.inf, rule.polarity), rule


def _matching(statement: Statement) -> Iterator[PatternRule]:
    for rule in load_patterns():
        if rule.fits(statement):
            yield rule
