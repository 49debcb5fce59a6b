"""Parse and evaluate the catalogue's triggers and rules, which are expressions over facts such as

    reads_untrusted_content and (runs_commands or sends_messages)

They use Python's syntax with keys, terms, functions, `and`, `or` and `not`. A key holds if a counted fact about the
product asserts it, or if a fact is configurable and settings count. A term is a named expression in `terms.yaml`. The
functions:

    asserted(key)            asserted, regardless of whether settings count
    configurable(key)        configurable
    denied(key)              denied
    ranked(key)              asserted by a quote of rank 3 or more: setting, default, scope and owner are stated
    whole(key)               holds for the whole product, not merely for a part of it
    kind(name, …)            the product is of one of these kinds
    approved(word, …)        by default (rank 3 or more), a person confirms an action with one of these words
    likely(key)              holds, or no fact has the key and the readers consider it likely from all sources together

Every result lists the facts that support it; these become the facts of the threat.
"""

import ast
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple, get_args

from agent.drafting.wording import LIKELY, sure_facts
from agent.facts.sheet import CONTROL_RANK, counted
from agent.facts.vocabulary import load_vocabulary
from agent.records import Fact, FactSheet, Polarity
from agent.taxonomy.kinds import KINDS, ProductKind

_ANY_STEP: Final = ("action", "act", "call", "change", "effect", "operation", "step", "tool", "everything", "write")
"""Words in an approval that cover every action of the product."""


class Truth(NamedTuple):
    """The result of an expression and the facts that support it."""

    holds: bool
    facts: tuple[Fact, ...] = ()
    """Supporting facts without duplicates, in expression order; empty if the result is false or needs no fact."""


_FALSE: Final = Truth(False)


class FactIndex:
    """The counted facts about a product by key, and the product's kind."""

    def __init__(
        self, sheet: FactSheet, kind: ProductKind = "other", *, settings: bool = True, supposed: Iterable[str] = ()
    ) -> None:
        self.kind: Final = kind
        self.settings: Final = settings
        """Whether configurable facts make a key hold."""
        self.supposed: Final = frozenset(supposed)
        """Keys that are assumed to hold without a fact, for what-if evaluation."""
        self._sheet: Final = sheet
        controls = load_vocabulary().controls
        self.chances: Final[Mapping[str, float]] = {
            key: chance for key, chance in sheet.outlook.chances.items() if key not in controls
        }
        """The readers' probability of each key that is not a control. Like a claim, a control that is only likely
        neither adds nor removes a threat."""
        self._by_key: Final[dict[str, list[Fact]]] = defaultdict(list)
        for fact in counted(sheet):
            # Skip claims, because they neither add nor remove a threat.
            if not fact.claim:
                self._by_key[fact.key].append(fact)
        fitting = ("asserted", "configurable") if settings else ("asserted",)
        self._holding: Final[dict[str, tuple[Fact, ...]]] = {
            key: tuple(fact for fact in facts if fact.polarity in fitting) for key, facts in self._by_key.items()
        }
        likely = {key: chance for key, chance in self.chances.items() if chance >= LIKELY and not self.of(key)}
        self.likely: Final[Mapping[str, float]] = likely
        """The probability of each key that has no fact but that the readers consider likely."""
        self.probable: Final = self.supposed.union(likely)
        """Keys that are supposed or likely."""

    @cached_property
    def sure(self) -> frozenset[str]:
        """Ids of the facts that are sure enough to be stated in a sentence (`sure_facts`)."""
        return sure_facts(self._sheet)

    def of(self, key: str) -> tuple[Fact, ...]:
        """Return all facts of a key, regardless of polarity."""
        return tuple(self._by_key.get(key, ()))

    def holding(self, key: str) -> tuple[Fact, ...]:
        """Return the facts that make a key hold."""
        return self._holding.get(key, ())

    def says(self, key: str, polarity: str, rank: int = 0) -> tuple[Fact, ...]:
        """Return the facts of a key with this polarity and at least this rank."""
        return tuple(fact for fact in self.of(key) if fact.polarity == polarity and fact.rank >= rank)

    def approvals(self, words: Collection[str] = ()) -> tuple[Fact, ...]:
        """Return default approvals (rank 3 or more) of actions named by one of the words, or of any action. Without
        words, an approval of one kind of action does not count."""
        wanted = tuple(word.casefold() for word in (*words, *_ANY_STEP))
        found = []
        for fact in self.says("approval_before", "asserted", CONTROL_RANK):
            told = f"{fact.slot('action')} {fact.slot('object')}".casefold().split()
            if not told or any(word.startswith(wanted) for word in told):
                found.append(fact)
        return tuple(found)


class Expression(NamedTuple):
    """A parsed expression."""

    text: str
    """The expression as written; empty for a part of an expression."""
    keys: frozenset[str]
    """The vocabulary keys that the expression uses."""
    of: Callable[[FactIndex], Truth]
    """Evaluates the expression for these facts."""


def parse(text: str, known: Collection[str], terms: Mapping[str, Expression] | None = None) -> Expression:
    """Parse an expression. `known` contains the keys of the vocabulary, `terms` the named expressions.

    Raises ValueError for malformed text and for an unknown key, function or kind.
    """
    line = " ".join(text.split())
    named = terms or {}

    def key(name: str) -> str:
        if name not in known:
            raise ValueError(f"{name!r} is neither a fact key nor a term, in {text!r}")
        return name

    def made(node: ast.expr) -> Expression:
        match node:
            case ast.BoolOp(op=op, values=values):
                parts = [made(value) for value in values]
                keys = frozenset(key for part in parts for key in part.keys)
                joined = _all if isinstance(op, ast.And) else _any
                return Expression("", keys, lambda facts: joined(parts, facts))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = made(operand)
                return Expression("", inner.keys, lambda facts: Truth(not inner.of(facts).holds))
            case ast.Name(id=name):
                return named[name] if name in named else _holding(key(name), lambda facts: facts.supposed)
            case ast.Call(func=ast.Name(id=function), args=[*args], keywords=[]) if args:
                return called(function, [line[arg.col_offset : arg.end_col_offset] for arg in args])
        raise ValueError(f"unexpected {line[node.col_offset : node.end_col_offset]!r} in {text!r}")

    def called(function: str, args: list[str]) -> Expression:
        if function == "kind":
            if unknown := sorted(set(args) - set(KINDS)):
                raise ValueError(f"unknown kind of product: {', '.join(unknown)}, in {text!r}")
            return Expression("", frozenset(), lambda facts: Truth(facts.kind in args))
        if function == "approved":
            return approved(args)
        if len(args) != 1 or function not in ("whole", "likely", "ranked", *get_args(Polarity)):
            raise ValueError(f"no function {function!r} with {len(args)} arguments, in {text!r}")
        name = key(args[0])
        if function == "likely":
            return _holding(name, lambda facts: facts.probable)
        if function == "whole":
            return _found(name, lambda facts: tuple(fact for fact in facts.holding(name) if not fact.slot("part")))
        if function == "ranked":
            return _found(name, lambda facts: facts.says(name, "asserted", CONTROL_RANK))
        return _found(name, lambda facts: facts.says(name, function))

    try:
        # Names of kinds contain hyphens, which Python would parse as minus signs.
        return made(ast.parse(line.replace("-", "_"), mode="eval").body)._replace(text=text)
    except SyntaxError as error:
        raise ValueError(f"not an expression: {error.msg}, in {text!r}") from None


def approved(words: Collection[str]) -> Expression:
    """Return the expression for an approval, by default, of an action with one of these words."""
    return _found("approval_before", lambda facts: facts.approvals(words))


def _holding(key: str, supposed: Callable[[FactIndex], frozenset[str]]) -> Expression:
    def truth(facts: FactIndex) -> Truth:
        found = facts.holding(key)
        return Truth(bool(found) or key in supposed(facts), found)

    return Expression("", frozenset({key}), truth)


def _found(key: str, facts_of: Callable[[FactIndex], tuple[Fact, ...]]) -> Expression:
    def truth(facts: FactIndex) -> Truth:
        found = facts_of(facts)
        return Truth(bool(found), found)

    return Expression("", frozenset({key}), truth)


def _all(parts: Sequence[Expression], facts: FactIndex) -> Truth:
    """Join conditions by "and"; all contribute their facts."""
    found: dict[str, Fact] = {}
    for part in parts:
        truth = part.of(facts)
        if not truth.holds:
            return _FALSE
        found |= {fact.id: fact for fact in truth.facts}
    return Truth(True, tuple(found.values()))


def _any(parts: Sequence[Expression], facts: FactIndex) -> Truth:
    """Join conditions by "or"; all that are true contribute their facts."""
    held = [truth for part in parts if (truth := part.of(facts)).holds]
    return Truth(True, tuple({fact.id: fact for truth in held for fact in truth.facts}.values())) if held else _FALSE
