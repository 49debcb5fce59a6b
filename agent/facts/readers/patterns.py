"""Patterns for keys that show in the form of a statement, or that are grave enough to need a second signal; see
corpus/knowledge/reader."""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from agent.facts.knowledge import loader
from agent.records import Polarity, Record, Statement

_MAX_TEXT: Final = 500


class PatternRule(Record):
    """One pattern for one key."""

    key: str
    pattern: str = Field(max_length=400)
    """A lower-case regular expression, searched anywhere in a statement, ignoring case; `(?-i:…)` makes a part
    case-sensitive."""
    polarity: Polarity = "asserted"

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        re.compile(pattern, re.IGNORECASE)
        return pattern

    @cached_property
    def _searched(self) -> tuple[bool, re.Pattern[str]]:
        keeps_case = "(?-i:" in self.pattern
        return keeps_case, re.compile(self.pattern, re.IGNORECASE if keeps_case else 0)

    def fits(self, text: str, lowered: str) -> bool:
        """Return whether the pattern matches a statement's text, which is passed both as written and in lower case."""
        keeps_case, expression = self._searched
        return expression.search(text if keeps_case else lowered) is not None


def matches(statements: Sequence[Statement], rules: Sequence[PatternRule]) -> NDArray[np.bool_]:
    """Return which statements match which patterns, shape (n, rules)."""
    texts = [statement.text[:_MAX_TEXT] for statement in statements]
    found = [
        [rule.fits(text, lowered) for rule in rules] for text, lowered in zip(texts, map(str.lower, texts), strict=True)
    ]
    return np.array(found, dtype=bool).reshape(len(statements), len(rules))


def asserting() -> tuple[PatternRule, ...]:
    """Return the patterns that support a key, which the heads use as features."""
    return tuple(rule for rule in load_patterns() if rule.polarity != "denied")


def denying() -> tuple[PatternRule, ...]:
    """Return the patterns that indicate a denial."""
    return tuple(rule for rule in load_patterns() if rule.polarity == "denied")


load_patterns: Final = loader("reader/patterns.yaml", tuple[PatternRule, ...])
"""Loads the bundled patterns in order. Raises SchemaError if the file is invalid."""
