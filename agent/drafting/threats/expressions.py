"""Parses and evaluates the catalogue's triggers and rules, which are expressions over facts such as

    reads_untrusted_content and (runs_commands or sends_messages)

    expression = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation = "not" negation | "(" expression ")" | key | term | function "(" argument { "," argument } ")"

A key holds if a counted fact about the product asserts it, or if a fact is configurable and settings count. A term is a
named expression of `terms.yaml`. The functions:

    asserted(key)            asserted, regardless of whether settings count
    configurable(key)        configurable
    denied(key)              denied
    ranked(key)              asserted by a quote of rank 3 or more: setting, default, scope and owner are named
    whole(key)               holds, and not merely of a part of the product
    kind(name, …)            the product is of one of these kinds
    approved(word, …)        a person confirms by default (rank 3 or more) an action with one of these words

Every result lists the facts that support it; these become the facts of the threat.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple, Protocol

from agent.errors import InputError
from agent.facts.sheet import counted
from agent.records import Fact, FactSheet
from agent.taxonomy.kinds import KINDS, ProductKind

CONTROL_RANK: Final = 3
"""Minimum rank of a control that counts."""
_WORDS: Final = ("and", "or", "not")
_ANY_STEP: Final = ("action", "act", "call", "change", "effect", "operation", "step", "tool", "everything", "write")
"""Words in an approval that cover every action of the product."""


class Truth(NamedTuple):
    """The result of an expression and the facts that support it."""

    holds: bool
    facts: tuple[Fact, ...] = ()
    """Supporting facts without duplicates, in expression order; empty if the result is false or needs no fact."""


class FactIndex:
    """The counted facts about a product by key, and the product's kind."""

    def __init__(
        self,
        sheet: FactSheet,
        kind: ProductKind = "other",
        *,
        settings: bool = True,
        supposed: Iterable[str] = (),
    ) -> None:
        self.kind: Final = kind
        self.settings: Final = settings
        """Whether configurable facts make a key hold."""
        self.supposed: Final = frozenset(supposed)
        """Keys that are assumed to hold without a fact, for what-if evaluation."""
        self.chances: Final[Mapping[str, float]] = sheet.outlook.chances
        """The readers' probability of each key."""
        self._by_key: Final[dict[str, list[Fact]]] = defaultdict(list)
        for fact in counted(sheet):
            # Skip facts that are merely claimed, because they neither add nor remove a threat.
            if not fact.claim:
                self._by_key[fact.key].append(fact)

    def of(self, key: str) -> tuple[Fact, ...]:
        """Return all facts of a key, regardless of polarity."""
        return tuple(self._by_key.get(key, ()))

    def holding(self, key: str) -> tuple[Fact, ...]:
        """Return the facts that make a key hold."""
        fitting = ("asserted", "configurable") if self.settings else ("asserted",)
        return tuple(fact for fact in self.of(key) if fact.polarity in fitting)

    def says(self, key: str, polarity: str, rank: int = 0) -> tuple[Fact, ...]:
        """Return the facts of a key with this polarity and at least this rank."""
        return tuple(fact for fact in self.of(key) if fact.polarity == polarity and fact.rank >= rank)

    def approvals(self, words: Iterable[str] = ()) -> tuple[Fact, ...]:
        """Return default approvals (rank 3 or more) of actions named by one of the words, or of any action."""
        wanted = (*words, *_ANY_STEP)
        found = self.says("approval_before", "asserted", CONTROL_RANK)
        return tuple(fact for fact in found if not words or _covers(fact, wanted))


def _covers(approval: Fact, words: Iterable[str]) -> bool:
    told = f"{approval.slot('action')} {approval.slot('object')}".casefold().split()
    return not told or any(word.startswith(stem.casefold()) for word in told for stem in words)


class Expression(Protocol):
    """A parsed expression."""

    @property
    def text(self) -> str:
        """The expression as it was written."""

    @property
    def keys(self) -> frozenset[str]:
        """The vocabulary keys that the expression uses."""

    def of(self, facts: FactIndex) -> Truth:
        """Evaluate the expression for these facts."""


class _Node(NamedTuple):
    text: str
    keys: frozenset[str]
    truth: Callable[[FactIndex], Truth]

    def of(self, facts: FactIndex) -> Truth:
        return self.truth(facts)


def parse(
    text: str,
    *,
    where: str,
    known: Iterable[str],
    terms: Mapping[str, Expression] | None = None,
) -> Expression:
    """Parse an expression. `known` has the keys of the vocabulary; `where` is the place named in errors.

    Raises InputError, with place and hint, for malformed text and for an unknown key, function or kind.
    """
    parser = _Parser(text, where, frozenset(known), terms or {})
    node = parser.expression()
    if parser.token:
        raise parser.wrong(f"unexpected {parser.token!r}")
    return node._replace(text=text)


class _Parser:
    """A recursive-descent parser over the tokens of one text."""

    def __init__(self, text: str, where: str, known: frozenset[str], terms: Mapping[str, Expression]) -> None:
        self.text, self.where, self.known, self.terms = text, where, known, terms
        self.tokens = list(_tokens(text))
        self.at = 0

    @property
    def token(self) -> str:
        """The next token, empty at the end."""
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def wrong(self, what: str) -> InputError:
        """Build the error for a malformed expression."""
        place = f"{self.where}: {self.text!r}, token {self.at + 1}"
        return InputError(what, where=place, hint="the grammar is in agent/drafting/threats/expressions.py")

    def take(self, wanted: str = "") -> str:
        """Consume and return the next token, which must equal `wanted` if given."""
        token = self.token
        if not token or (wanted and token != wanted):
            raise self.wrong(f"{wanted or 'a key'!r} is missing")
        self.at += 1
        return token

    def expression(self) -> _Node:
        """Parse alternatives joined by "or". All true alternatives contribute their facts to the result."""
        parts = [self.conjunction()]
        while self.token == "or":
            self.take()
            parts.append(self.conjunction())
        return parts[0] if len(parts) == 1 else _joined(parts, _any)

    def conjunction(self) -> _Node:
        """Parse conditions joined by "and"."""
        parts = [self.negation()]
        while self.token == "and":
            self.take()
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else _joined(parts, _all)

    def negation(self) -> _Node:
        """Parse one condition or its negation."""
        if self.token == "not":
            self.take()
            inner = self.negation()
            return _Node("", inner.keys, lambda facts: Truth(not inner.of(facts).holds))
        if self.token == "(":
            self.take()
            inner = self.expression()
            self.take(")")
            return inner
        return self.atom()

    def atom(self) -> _Node:
        """Parse a key, a term or a function."""
        name = self.take()
        if name in _WORDS or not _is_name(name):
            raise self.wrong(f"unexpected {name!r}")
        if self.token == "(":
            return self.call(name)
        if name in self.terms:
            term = self.terms[name]
            return _Node(name, term.keys, term.of)
        return _key(self.key(name))

    def key(self, name: str) -> str:
        """Return the name if it is a key of the vocabulary; raise InputError otherwise."""
        if name not in self.known:
            raise self.wrong(f"{name!r} is no key of a fact and no term")
        return name

    def call(self, function: str) -> _Node:
        """Parse a function with its arguments."""
        self.take("(")
        arguments = [self.take()]
        while self.token == ",":
            self.take()
            arguments.append(self.take())
        self.take(")")
        if function == "kind":
            unknown = sorted(set(arguments) - set(KINDS))
            if unknown:
                raise self.wrong(f"no kind of product: {', '.join(unknown)}")
            return _Node("", frozenset(), lambda facts: Truth(facts.kind in arguments))
        if function == "approved":
            return _Node("", frozenset({"approval_before"}), lambda facts: _found(facts.approvals(arguments)))
        if function == "whole" and len(arguments) == 1:
            return _whole(self.key(arguments[0]))
        if function not in _POLARITIES or len(arguments) != 1:
            raise self.wrong(f"no function {function!r} with {len(arguments)} arguments")
        polarity, rank = _POLARITIES[function]
        key = self.key(arguments[0])
        return _Node("", frozenset({key}), lambda facts: _found(facts.says(key, polarity, rank)))


_POLARITIES: Final = {
    "asserted": ("asserted", 0),
    "configurable": ("configurable", 0),
    "denied": ("denied", 0),
    "ranked": ("asserted", CONTROL_RANK),
}


def _key(key: str) -> _Node:
    def truth(facts: FactIndex) -> Truth:
        found = facts.holding(key)
        return Truth(bool(found) or key in facts.supposed, found)

    return _Node(key, frozenset({key}), truth)


def _whole(key: str) -> _Node:
    def truth(facts: FactIndex) -> Truth:
        return _found(tuple(fact for fact in facts.holding(key) if not fact.slot("part")))

    return _Node("", frozenset({key}), truth)


def _found(facts: tuple[Fact, ...]) -> Truth:
    return Truth(bool(facts), facts)


def _joined(parts: list[_Node], truth: Callable[[list[Truth]], Truth]) -> _Node:
    keys = frozenset(key for part in parts for key in part.keys)
    return _Node("", keys, lambda facts: truth([part.of(facts) for part in parts]))


def _any(truths: list[Truth]) -> Truth:
    held = [truth for truth in truths if truth.holds]
    return Truth(bool(held), _once(held))


def _all(truths: list[Truth]) -> Truth:
    return Truth(True, _once(truths)) if all(truth.holds for truth in truths) else Truth(False)


def _once(truths: Iterable[Truth]) -> tuple[Fact, ...]:
    return tuple({fact.id: fact for truth in truths for fact in truth.facts}.values())


def _is_name(token: str) -> bool:
    return token[0].isalpha()


def _tokens(text: str) -> Iterable[str]:
    """Split a text into names (letters, digits, "_" and "-") and single other characters, skipping whitespace."""
    name = ""
    for char in text + " ":
        if char.isalnum() or char in "_-":
            name += char
            continue
        if name:
            yield name
            name = ""
        if not char.isspace():
            yield char
