"""Add an LLM's facts to the sheet, and strike facts of the embedded reader that the LLM justifiably calls wrong.

An LLM's proposals are checked like those of any other reader. A fact that the LLM calls wrong is struck only if the
embedded reader alone found it, and if one of two conditions holds: code can confirm the reason, or the LLM's word is
enough for this fact (`may_be_struck`) and its own reading lacks the key too. So if an LLM obeys instructions on a page,
the draft may lose content, but no value can fall below what the facts imply.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from agent.assist.shapes import WrongItem
from agent.facts.readers.llm import INFERRED, FactItem, LlmReader
from agent.facts.reading import read_sheet
from agent.facts.sheet import join, without
from agent.facts.support import meanings
from agent.facts.verify import Material
from agent.facts.vocabulary import Vocabulary
from agent.intake.extract.statements.claims import COUNTING_RANK
from agent.records import CARRYING, Fact, FactSheet, Rank, Statement, StatementRole

MOST_WRONG: Final = 60
_TELLING: Final = 2
"""A sentence counts as being about a key if it shares at least this many words with the key's meaning."""
_OF_ANY_SETTING: Final = (
    "default enabled disabled administrator administrators owner setting settings set change changes option switch"
    " configured configuration every each action tool call named requires"
)
"""Words that occur in the documentation of any control and therefore do not identify a particular one."""
_FEW_KEYS: Final = 25
"""A word counts as a key's own if at most this many keys of the vocabulary share it."""
_JUDGED_BY_LLM: Final[frozenset[StatementRole]] = frozenset({"instruction", "marketing", "navigation", "news"})
"""Roles of sentences from which an LLM may read facts, although a classifier says that they carry none. An LLM can tell
better which sentences address the assessor, and at their ranks, these sentences cannot lower any value."""
UNSURE: Final = 0.75
"""Below this confidence, a fact that no other reader found may be doubted."""
_VERBS: Final = re.compile(r"The product ((?:\w+s(?:, | or | and )?)+)")
"""The verbs at the start of a definition, such as "The product creates, edits, moves or overwrites"."""


class Accepted(NamedTuple):
    """The outcome of the two calls on facts."""

    sheet: FactSheet
    struck: tuple[tuple[str, str], ...]
    """The embedded reader's facts that were struck: for each, its key with its quote, and the reason."""
    refused: tuple[tuple[str, str], ...]
    """Facts that the LLM called wrong but that were kept: for each, its key with its quote, and the reason."""
    disputed: tuple[str, ...]
    """Ids of the facts that the LLM called wrong but that were kept."""


def accept(
    sheet: FactSheet,
    items: Sequence[FactItem],
    wrong: Iterable[WrongItem],
    found: Mapping[str, Fact],
    material: Material,
    asked: Sequence[str],
    shown: Iterable[str],
) -> Accepted:
    """Merge the facts of all readers into one sheet, and report which disputed facts were struck and which were kept.

    `sheet` is what the other readers found. `found` contains the embedded reader's facts, by the numbers shown to the
    LLM, `asked` the keys that the LLM was asked about and answered, and `shown` the ids of the documents that it saw.
    """
    struck: dict[str, tuple[str, str]] = {}
    refused: list[tuple[str, str]] = []
    disputed: list[str] = []
    quotes = {item.id: item.quote for item in sheet.evidence}
    own = {item.key for item in items}
    for item in list(wrong)[:MOST_WRONG]:
        fact = found.get(item.fact.strip(" []"))
        if fact is None or fact.id in struck:
            refused.append((f"{item.fact}: {item.why}"[:300], "no fact of the program has this number"))
            continue
        row = f"{fact.key}: “{quotes[fact.evidence[0]]}”"
        why = _why_struck(fact, item, own, sheet, material)
        if why:
            struck[fact.id] = (row, why)
        else:
            disputed.append(fact.id)
            refused.append((f"{row} called wrong: {item.why}"[:300], "code cannot check the reason, so the fact stays"))
    made = without(sheet, *struck) if struck else sheet
    if asked:
        wanted = set(shown)
        read = read_sheet(
            [document for document in material.documents if document.id in wanted],
            material.statements,
            [LlmReader(items, () if len(asked) == len(material.vocabulary) else asked)],
            known=material.known,
        )
        read = read.model_copy(update={"facts": tuple(_weighed(fact, read, material) for fact in read.facts)})
        # The other readers' sheet comes last so that the rank from a manifest wins if both have the same quote.
        made = join((read, made))
    made = made.model_copy(update={"outlook": sheet.outlook})
    return Accepted(made, tuple(struck.values()), tuple(refused), tuple(disputed))


def for_llm(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """Return the statements for checking an LLM's quotes, overriding the roles that an LLM judges better than the
    classifier.
    """
    return tuple(
        row.model_copy(update={"role": "behaviour"}) if row.role in _JUDGED_BY_LLM else row for row in statements
    )


def speaks_to_reader(facts: Iterable[Fact], sheet: FactSheet, material: Material) -> bool:
    """Return whether all quotes of these facts are in sentences that carry no facts: an instruction, an example,
    praise."""
    rows = _rows(facts, sheet, material)
    return bool(rows) and all(row.role not in CARRYING for row in rows)


def speaks_of_another(facts: Iterable[Fact], sheet: FactSheet, material: Material) -> bool:
    """Return whether all quotes of these facts are in sentences about something other than the product."""
    rows = _rows(facts, sheet, material)
    return bool(rows) and all(row.about == "other" or row.role == "other-product" for row in rows)


def may_be_struck(fact: Fact, sheet: FactSheet, material: Material) -> bool:
    """Return whether the LLM's word is enough to strike a fact: either nothing grave depends on the fact (it is
    reassuring, or it sets no floor and its key is not one of the gravest), or its sentences contain hardly any words of
    its key's meaning.
    """
    key = material.vocabulary[fact.key]
    if _comforts(fact, material) or not (key.grave or key.floor):
        return True
    return _telling(fact, sheet, material) < (1 if key.grave else _TELLING)


def hardly_said(fact: Fact, sheet: FactSheet, material: Material) -> bool:
    """Return whether only the embedded reader found this ability, with low confidence, in sentences that do not mention
    any such action.
    """
    if {source.reader for source in fact.sources} != {"embedded"} or fact.confidence >= UNSURE:
        return False
    acts = _acts(material.vocabulary[fact.key].definition)
    return bool(acts) and not acts & meant(row.text for row in _rows([fact], sheet, material))


def meant(texts: Iterable[str]) -> set[str]:
    """Return the meanings of all words in `texts`."""
    return {meaning for text in texts for _, meaning in meanings(text)}


def _why_struck(fact: Fact, item: WrongItem, own: set[str], sheet: FactSheet, material: Material) -> str:
    """Return the reason for striking a fact, or an empty string if it is kept."""
    if item.reason == "addressed to the reader" and speaks_to_reader([fact], sheet, material):
        return "its sentences address the reader"
    if item.reason == "another product" and speaks_of_another([fact], sheet, material):
        return "its sentences are about another product"
    if item.reason and fact.key not in own and may_be_struck(fact, sheet, material):
        return f"the LLM calls it wrong ({item.reason}), and its own reading contains nothing of the kind"
    return ""


def _weighed(fact: Fact, sheet: FactSheet, material: Material) -> Fact:
    """Return an LLM's fact, downgraded to inferred if it is reassuring and its sentences do not mention its key.

    A reassuring fact gets a rank that counts only from a sentence with words specific to its key, so that one
    documented control cannot vouch for all others.
    """
    if not _comforts(fact, material) or fact.state not in ("claimed", "denied"):
        return fact
    if fact.rank >= COUNTING_RANK:
        own = _own_words(material.vocabulary)[fact.key]
        rows = _rows([fact], sheet, material)
        ranks: list[Rank] = [row.rank for row in rows if row.rank < COUNTING_RANK or own & meant([row.text])]
        fact = fact.model_copy(update={"rank": max(ranks, default=2)})
    if _telling(fact, sheet, material):
        return fact
    sources = tuple(source.model_copy(update={"state": "inferred", "confidence": INFERRED}) for source in fact.sources)
    state = "inferred" if fact.state == "claimed" else fact.state
    return fact.model_copy(update={"sources": sources, "confidence": INFERRED, "state": state})


@lru_cache(maxsize=4)
def _own_words(vocabulary: Vocabulary) -> Mapping[str, frozenset[str]]:
    """For each key, return the meanings in its title, definition and examples that few other keys share."""
    said = {key.id: meant((key.title, key.definition, *key.examples)) for key in vocabulary}
    shared = Counter(meaning for words in said.values() for meaning in words)
    plain = meant([_OF_ANY_SETTING])
    return {key: frozenset(word for word in words - plain if shared[word] <= _FEW_KEYS) for key, words in said.items()}


def _comforts(fact: Fact, material: Material) -> bool:
    return material.vocabulary[fact.key].comforting != (fact.polarity == "denied")


def _telling(fact: Fact, sheet: FactSheet, material: Material) -> int:
    """Count the words of a key's meaning that occur in the fact's sentences and their headings."""
    key = material.vocabulary[fact.key]
    said = meant(text for row in _rows([fact], sheet, material) for text in (row.text, *row.path))
    return len(meant((key.title, key.definition, key.question, *key.examples)) & said)


def _rows(facts: Iterable[Fact], sheet: FactSheet, material: Material) -> list[Statement]:
    marks = {mark for fact in facts for mark in fact.evidence}
    items = (item for item in sheet.evidence if item.id in marks)
    return [row for item in items for row in material.touched(item.document, item.start, item.end)]


@lru_cache(maxsize=256)
def _acts(definition: str) -> set[str]:
    """Return the meanings of the verbs at the start of an ability's definition, or none if it starts differently."""
    found = _VERBS.match(definition)
    return meant([found[1]]) if found else set()
