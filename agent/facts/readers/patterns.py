"""Patterns where form is the evidence, and second opinions for the gravest keys; see corpus/knowledge/reader."""

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import Field, field_validator

from agent.errors import InputError
from agent.records import Polarity, Record, Statement
from agent.resources import data_folder

MOST: Final = 80
"""Maximum number of patterns."""
_MAX_TEXT: Final = 500


class PatternRule(Record):
    """One pattern for one key."""

    key: str
    pattern: str = Field(max_length=400)
    """A lower-case regular expression, searched anywhere in a statement, ignoring case; `(?-i:…)` keeps case."""
    polarity: Polarity = "asserted"

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        re.compile(pattern, re.IGNORECASE)
        return pattern

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.IGNORECASE if self.keeps_case else 0)

    @property
    def keeps_case(self) -> bool:
        """Whether a part of the pattern is case-sensitive."""
        return "(?-i:" in self.pattern

    def fits(self, text: str, lowered: str) -> bool:
        """Return whether a text, also given in lower case, matches the pattern."""
        return self._expression.search(text if self.keeps_case else lowered) is not None


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


@lru_cache(maxsize=1)
def load_patterns() -> tuple[PatternRule, ...]:
    """Load the bundled patterns in order. Raises InputError if the file is invalid."""
    file = data_folder("corpus") / "knowledge" / "reader" / "patterns.yaml"
    try:
        rules = tuple(PatternRule.model_validate(row) for row in yaml.safe_load(file.read_text("utf-8")) or ())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError("the reader's patterns cannot be read", where=str(file), hint=str(error)[:200]) from error
    if len(rules) > MOST:
        raise InputError(f"there are {len(rules)} patterns", where=str(file), hint=f"at most {MOST}")
    return rules
