"""Patterns where form is the evidence, and second opinions for the gravest keys; see corpus/knowledge/reader."""

import re
from functools import cached_property, lru_cache
from typing import Final

import yaml
from pydantic import Field, field_validator

from agent.errors import InputError
from agent.records import Confidence, Polarity, Record, Statement, StatementRole
from agent.records.evidence import BlockKind
from agent.resources import data_folder

MOST: Final = 80
"""Patterns that there may be."""
_MAX_TEXT: Final = 1200


class PatternRule(Record):
    """One pattern for one key."""

    key: str
    pattern: str = Field(max_length=400)
    """A regular expression, found anywhere in a statement, whatever the case; `(?-i:…)` keeps case."""
    polarity: Polarity = "asserted"
    roles: tuple[StatementRole, ...] = ()
    """Only in statements of these roles; empty for any that carries facts."""
    blocks: tuple[BlockKind, ...] = ()
    """Only in such blocks; empty for any."""
    precision: Confidence
    """How often it was right on labelled products, drawn towards one half where there were few."""
    tried: int = Field(default=0, ge=0)
    """On how many products it fired in labelled places."""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        re.compile(pattern, re.IGNORECASE)
        return pattern

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.IGNORECASE)

    def fits(self, statement: Statement) -> bool:
        """Whether a statement has the pattern."""
        return (
            (not self.roles or statement.role in self.roles)
            and (not self.blocks or statement.block in self.blocks)
            and self._expression.search(statement.text, 0, _MAX_TEXT) is not None
        )


@lru_cache(maxsize=1)
def load_patterns() -> tuple[PatternRule, ...]:
    """The bundled patterns that were right often enough. Raises InputError when the file is not in its form."""
    file = data_folder("corpus") / "knowledge" / "reader" / "patterns.yaml"
    try:
        rules = tuple(PatternRule.model_validate(row) for row in yaml.safe_load(file.read_text("utf-8")) or ())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError("the reader's patterns cannot be read", where=str(file), hint=str(error)[:200]) from error
    if len(rules) > MOST:
        raise InputError(f"there are {len(rules)} patterns", where=str(file), hint=f"at most {MOST}")
    return rules
