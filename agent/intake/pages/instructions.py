"""Text that is addressed to whoever assesses the page rather than to its reader.

A set of patterns (`orders`) that flags for the analyst and withdraws a sentence from the estimators; it is no gate. The
text is read as it stands, and again under the disguises that a machine sees through (`decoding`). A quoted or reported
example in a vendor's security page ("attackers write 'ignore previous instructions'") is no order.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from agent.intake.pages import decoding
from agent.intake.pages.orders import ORDERS, OTHER_LANGUAGES

_PATTERNS: Final = tuple(re.compile(pattern, re.IGNORECASE) for pattern in (*ORDERS, *OTHER_LANGUAGES))
_LATIN: Final = tuple(p for p in _PATTERNS if not re.search(r"[\u0400-\u06ff\u0900-\u097f\u3000-\ud7af]", p.pattern))
_OTHER_SCRIPT: Final = re.compile(r"[\u0400-\u06ff\u0900-\u097f\u3000-\ud7af]")
_QUOTES: Final = {'"': '"', "“": "”", "'": "'", "‘": "’", "«": "»", "`": "`", "„": "“", "「": "」"}
_ATTACKS: Final = re.compile(
    r"\b(?:attack\w*|inject\w*|malicious|hostile|adversar\w*|jailbreak\w*|poison\w*|untrusted|attempts?|try to|tries to"
    r"|trying to|phrases?|wordings?|detect\w*|block(?:s|ed|ing)?|catch(?:es)?|filter(?:s|ed|ing)?|trick\w*|persuade\w*|"
    r"convince\w*|manipulat\w*|prompts? (?:that|which|like|such as)|guards? against|protects? against|resists?)\b",
    re.IGNORECASE,
)
_SAYS: Final = re.compile(
    r"\b(?:such as|for example|e\.g\.|examples?|like|says?|saying|reads?|contain(?:s|ing)?|tells?|telling|writes?|asks?"
    r"|asking|instruct(?:s|ing)?|called|named|default|types?|enters?)\b",
    re.IGNORECASE,
)
_TO_US: Final = re.compile(
    r"\b(?:assessors?|graders?|evaluators?|aivss|threat model|risk (?:score|rating)|rubric)\b", re.I
)
_AFTERWARDS: Final = re.compile(r"\b(?:attacks?|injections?|attempts?|jailbreaks?)\b", re.IGNORECASE)
_NEAR: Final = 80
_BEFORE: Final = 160
_AFTER: Final = 60


class Addressed(NamedTuple):
    """A place where the text speaks to an assessor."""

    start: int
    end: int


def find(text: str) -> tuple[Addressed, ...]:
    """Non-overlapping places in `text`, in order, that speak to an assessor or a language model."""
    spans = list(_plain(text))
    for variant in decoding.folded(text):
        # The same length, letter for letter, so the places are those of the text itself.
        spans.extend(_plain(variant))
    for start, end, readings in decoding.hidden(text):
        if any(_speaks(reading) for reading in readings):
            spans.append((start, end))
    merged: list[Addressed] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1].end:
            merged[-1] = Addressed(merged[-1].start, max(end, merged[-1].end))
        else:
            merged.append(Addressed(start, end))
    return tuple(merged)


def _plain(text: str) -> Iterator[tuple[int, int]]:
    for pattern in _PATTERNS if _OTHER_SCRIPT.search(text) else _LATIN:
        for match in pattern.finditer(text):
            if match.end() > match.start() and not _reported(text, match):
                yield match.span()


def _reported(text: str, match: re.Match[str]) -> bool:
    """Whether a match is what somebody else says or might say, in a sentence that tells so in front of it."""
    begin = max(0, match.start() - _BEFORE)
    before = text[begin : match.start()]
    cut = max(before.rfind("\n"), *(before.rfind(mark) for mark in (". ", "! ", "? ")))
    lead = before[cut + 1 :]
    after = re.split(r"[\n]|[.!?]\s", text[match.end() : match.end() + _AFTER])[0]
    if _TO_US.search(match[0]):
        return False
    attack = bool(_ATTACKS.search(lead) or _AFTERWARDS.search(after))
    return attack or (bool(_SAYS.search(lead)) and _in_quotes(text, match))


def _in_quotes(text: str, match: re.Match[str]) -> bool:
    """Whether quotation marks begin in front of a match and end soon behind it."""
    before = text[max(0, match.start() - _NEAR) : match.start()]
    after = text[match.end() : match.end() + _NEAR].split("\n")[0]
    for opening, closing in _QUOTES.items():
        at = before.rfind(opening)
        if at < 0 or closing not in after or "\n" in before[at:]:
            continue
        alone = at == 0 or not before[at - 1].isalnum()
        if alone and not before[at + 1 : at + 2].isspace() and before[at + 1 :].count(closing) == 0:
            return True
    return False


def _speaks(text: str) -> bool:
    if not text:
        return False
    if any(pattern.search(text) for pattern in _PATTERNS):
        return True
    return any(_speaks_plain(reading) for _, _, readings in decoding.hidden(text) for reading in readings)


def _speaks_plain(text: str) -> bool:
    return any(pattern.search(text) for pattern in _PATTERNS)
