"""Sentence templates over slots: `{slot}`, or `{slot|words when it is empty}`."""

import re
from collections.abc import Mapping
from typing import Final

from agent.errors import InputError

_SLOT: Final = re.compile(r"\{([a-z]+)(?:\|([^{}]*))?\}")
_SMALL: Final = re.compile(r"[a-z][a-z' -]*\b")
_DOUBLE: Final = re.compile(r"(?<![\w-])(\w+) \1\b(?=[^-]|$)", re.IGNORECASE)
_ARTICLES: Final = re.compile(r"\b(?:the|an?|its|his|her|their) (the|an?|its|his|her|their)\b", re.IGNORECASE)


def names_in(template: str) -> set[str]:
    """The slots that a template names."""
    return {m.group(1) for m in _SLOT.finditer(template)}


def optional_names_in(template: str) -> set[str]:
    """The slots that have an alternative wherever the template names them."""
    bare = {m.group(1) for m in _SLOT.finditer(template) if m.group(2) is None}
    return names_in(template) - bare


def missing(template: str, values: Mapping[str, str]) -> set[str]:
    """The slots without an alternative that `values` does not have."""
    return {m.group(1) for m in _SLOT.finditer(template) if m.group(2) is None and m.group(1) not in values}


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with its slots filled; articles that meet are made one.

    Raises InputError for a slot that has neither a value nor an alternative.
    """
    if lacking := missing(template, values):
        raise InputError(f"slots without a value: {sorted(lacking)}", where=template, hint="check them first")
    text = _SLOT.sub(lambda m: values.get(m.group(1)) or m.group(2), template)
    text = _ARTICLES.sub(r"\1", text)
    return _DOUBLE.sub(r"\1", re.sub(r"\s{2,}", " ", text)).strip()


def sentence_case(text: str) -> str:
    """The text with a capital at its beginning, unless it begins with an identifier such as `npx` or `run_sql`."""
    first = text.split(" ", 1)[0]
    plain = _SMALL.fullmatch(first.rstrip(",.:;'’s")) is not None
    return text[:1].upper() + text[1:] if plain else text
