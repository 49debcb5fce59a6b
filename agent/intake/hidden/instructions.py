"""Find text that addresses the assessor of a page rather than its reader.

A match of a pattern (`orders`) is flagged for the analyst and not read by any estimator; it blocks nothing. The text is
searched as it is, and again with its disguises undone (`decoding`). A quoted or reported example on a vendor's security
page ("attackers write 'ignore previous instructions'") is not an order.

Searching for a pattern of forty words takes a hundred nanoseconds per character; testing whether one of its words
occurs takes less than one nanosecond. So every pattern of `orders` runs only where its words occur; these words are
derived from the pattern itself.
"""

import importlib
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice
from typing import Any, Final, NamedTuple

from agent.intake.hidden import cues, decoding
from agent.intake.hidden.orders import FRAMES, ORDERS, OTHER_LANGUAGES

_MAX_STRINGS: Final = 64  # maximum alternatives in a group of required strings; a larger group is not worth testing for
_MIN_LENGTH: Final = 2
_MAX_CLASS: Final = 4
_Item = Any
"""Any, because the parse tree of the standard library has no types."""

# Characters that match these letters when case is ignored, but that lower-casing does not turn into them.
_FOLDED: Final = str.maketrans({"ſ": "s", "ı": "i", "İ": "i"})
_CHUNK: Final = 1500  # characters searched at once: a pattern runs only where its required strings occur close together
_REACH: Final = 400  # characters by which a match may extend beyond a chunk, about the length of the longest pattern
_MAX_PLACES: Final = 200

_Strings = frozenset[str]
_NOTHING: Final = frozenset({""})


class _Part(NamedTuple):
    exact: _Strings | None = None
    """All strings that the part can match, in lower case, or None when there are too many to list."""
    groups: tuple[_Strings, ...] = ()
    """Groups of strings; every match of the part contains at least one string of each group."""


def required_strings(pattern: str) -> list[_Strings]:
    """Return groups of lower-case strings; every match of `pattern`, whatever its case, has a string of each group.

    The most selective group comes first. The list is empty when no group can be determined.
    """
    parser = importlib.import_module("re._parser")
    groups = set(_sequence(parser.parse(pattern, re.IGNORECASE)).groups)
    return sorted(groups, key=lambda group: (_cost(group), sorted(group)))


def _cost(group: _Strings) -> float:
    return len(group) / min(map(len, group)) ** 2


def _sequence(items: _Item) -> _Part:
    run: _Strings = _NOTHING
    whole, groups = True, list[_Strings]()
    for operation, value in items:
        part = _part(str(operation), value)
        groups.extend(part.groups)
        # Few products coincide, so a product of too many strings is not worth making.
        if part.exact is not None and len(run) * len(part.exact) <= 2 * _MAX_STRINGS:
            longer = part.exact if run == _NOTHING else frozenset(a + b for a in run for b in part.exact)
            if len(longer) <= _MAX_STRINGS:
                run = longer
                continue
        groups.extend(_worth(run))
        whole, run = False, part.exact or _NOTHING
    return _Part(run if whole else None, (*groups, *_worth(run)))


def _part(operation: str, value: _Item) -> _Part:
    if operation == "LITERAL":
        return _Part(frozenset({chr(value).lower()}))
    if operation in ("AT", "ASSERT", "ASSERT_NOT"):
        return _Part(_NOTHING)
    if operation == "IN":
        letters = {chr(inner) for kind, inner in value if str(kind) == "LITERAL"}
        return _Part(frozenset(map(str.lower, letters)) if len(letters) == len(value) <= _MAX_CLASS else None)
    if operation in ("MAX_REPEAT", "MIN_REPEAT"):
        least, most, inner = value
        part = _sequence(inner)
        if least:
            return _Part(None, part.groups)
        return _Part(part.exact | _NOTHING if most == 1 and part.exact is not None else None)
    if operation == "BRANCH":
        parts = [_sequence(inner) for inner in value[1]]
        exact = [part.exact for part in parts if part.exact is not None]
        if len(exact) == len(parts) and len(union := frozenset().union(*exact)) <= _MAX_STRINGS:
            return _Part(union)
        best = [min(part.groups, key=_cost) for part in parts if part.groups]
        return _Part(None, tuple(_worth(frozenset().union(*best))) if len(best) == len(parts) else ())
    return _Part()


def _worth(run: _Strings) -> Iterator[_Strings]:
    """Yield the group for a run of strings if it is worth testing; drop strings that contain another of the run."""
    if run and len(run) <= _MAX_STRINGS and min(map(len, run)) >= _MIN_LENGTH:
        yield frozenset(s for s in run if not any(o != s and o in s for o in run))


class _Order:
    def __init__(self, source: str) -> None:
        self._source = source
        groups = required_strings(source)
        self.needs: Final = tuple(tuple(string.encode() for string in sorted(group)) for group in groups)
        """Groups of UTF-8 strings; every match contains one of each group. Searching bytes is ten times as fast as
        searching text."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern, compiled when its strings first occur, since most texts contain those of few patterns."""
        return re.compile(self._source, re.IGNORECASE)


_ORDERS: Final = tuple(_Order(pattern) for pattern in (*ORDERS, *FRAMES, *OTHER_LANGUAGES))
_FIRST: Final = tuple(sorted({string for order in _ORDERS for string in order.needs[0]}))
_SHORT: Final = 600  # maximum bytes of a short text, which has fewer letter pairs than there are required strings
_BY_PAIR: Final = {
    pair: tuple(string for string in _FIRST if string[:2] == pair) for pair in {string[:2] for string in _FIRST}
}
_QUOTES: Final = {'"': '"', "“": "”", "'": "'", "‘": "’", "«": "»", "`": "`", "„": "“", "「": "」"}
_ATTACKS: Final = re.compile(
    r"\b(?:attack\w*|inject\w*|malicious|hostile|adversar\w*|jailbreak\w*|poison\w*|untrusted|attempts?|try to|tries to"
    r"|trying to|phrases?|wordings?|detect\w*|block(?:s|ed|ing)?|catch(?:es)?|filter(?:s|ed|ing)?|trick\w*|persuade\w*|"
    r"convince\w*|manipulat\w*|prompts? (?:that|which|like|such as)|guards? against|protects? against|resists?)\b",
    re.IGNORECASE,
)
_SAYS: Final = re.compile(
    r"\b(?:such as|for example|e\.g\.|examples?|like|says?|saying|reads?|contain(?:s|ing)?|tells?|telling|writes?|asks?"
    r"|asking|instruct(?:s|ing)?|called|named|default|types?|enters?|tags|markers|delimiters|overrides|signatures|tokens"
    r"|patterns|keywords|hallucinated|faked?)\b",
    re.IGNORECASE,
)
_TO_US: Final = re.compile(
    r"\b(?:assessors?|graders?|evaluators?|aivss|threat model|risk (?:score|rating)|rubric)\b", re.I
)
# The textbook injection, if quoted without mentioning an assessment, is a value or a test case of a scanner.
_STOCK: Final = re.compile(r"(?:ignore|disregard|forget|override|bypass|reveal|print|repeat|show|output|leak)\b", re.I)
_SUBJECT: Final = re.compile(
    r"\b(?:rat(?:e|ed|es|ing)|scor\w+|grad(?:e|ed|ing)|assess\w*|review\w*|evaluat\w*|risks?|threats?|severit\w+|verdict|findings?|"
    r"approv\w+|safe|secure|trusted|harmless|products?|vendors?|agents?|rubric|listing|page|zero|0[.,]0)\b",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(r"\n|(?<!e\.g)(?<!i\.e)[.!?] ")
# A subject before the match ("an LLM may …") shows a report about an LLM; an order has no such subject.
_MIGHT: Final = re.compile(
    r"\b(?:models?|llms?|agents?|assistants?|it|they|that|which|who|claude|gpt)"
    r" (?:can|could|may|might|does|do|often|sometimes|still)(?: \w+)? $",
    re.IGNORECASE,
)
_AFTERWARDS: Final = re.compile(r"\b(?:attacks?|injections?|attempts?|jailbreaks?)\b", re.IGNORECASE)
_NEAR: Final = 80
_BEFORE: Final = 160
_AFTER: Final = 60


class Addressed(NamedTuple):
    """A place where the text addresses an assessor."""

    start: int
    end: int


_LEAD: Final = 3
"""Number of characters before a match that are examined for what introduces it, such as a colon."""
_BLANK: Final = re.compile(
    r".{0,2}[:|=]\s*[<{\[](?!low|none|no|safe|minimal|zero|pass|approved?|medium|high)[a-z][a-z_-]{0,12}[>}\]]",
    re.IGNORECASE | re.DOTALL,
)
"""A placeholder after its label, as in "Verdict: <verdict>"."""


def find(text: str, *, cued: bool = True) -> tuple[Addressed, ...]:
    """Return up to 200 non-overlapping places in `text`, in order, that address an assessor or a language model.

    If `cued` is False, only the patterns of `orders` count: the cues also react to the ordinary words of a security
    text.
    """
    named = list(islice(_plain(text), _MAX_PLACES))
    # A sentence found by a pattern is not extended by cues in its neighbours.
    guessed = cues.find(text)[:_MAX_PLACES] if cued else ()
    spans = named + [(s, e) for s, e in guessed if not any(a < e and s < b for a, b in named)]
    for variant in decoding.folded(text):
        # A variant has the same length as the text, so positions in it are also positions in the text.
        spans.extend(islice(_plain(variant, text), _MAX_PLACES))
    for start, end, readings in decoding.hidden(text):
        inner = (each for reading in readings for _, _, found in decoding.hidden(reading) for each in found)
        if any(map(_speaks, readings)) or any(map(_speaks, inner)):
            spans.append((start, end))
    merged: list[Addressed] = []
    for start, end in sorted(spans):
        # A place that is only a placeholder belongs to a form; it gives an assessor no answer.
        if _BLANK.fullmatch(text[max(0, start - _LEAD) : end]):
            continue
        if merged and start <= merged[-1].end:
            merged[-1] = Addressed(merged[-1].start, max(end, merged[-1].end))
        else:
            merged.append(Addressed(start, end))
    return tuple(merged[:_MAX_PLACES])


def _speaks(text: str) -> bool:
    return next(_matches(text), None) is not None


def _plain(text: str, known: str = "") -> Iterator[tuple[int, int]]:
    """Yield spans of direct orders in `text`, chunk by chunk; chunks equal to those of `known` are skipped."""
    for match in _matches(text, known):
        if match.end() > match.start() and not _is_reported(text, match):
            yield match.span()


def _matches(text: str, known: str = "") -> Iterator[re.Match[str]]:
    for first, last in _regions(text, known):
        low = text[first : last + _REACH]
        low = low.lower() if low.isascii() else low.translate(_FOLDED).lower()
        whole = low.encode("utf-8", "replace")
        present = {string for string in _likely(whole) if string in whole}
        orders = [order for order in _ORDERS if not present.isdisjoint(order.needs[0])]
        for begin in range(first, last, _CHUNK) if orders else ():
            end = begin + _CHUNK + _REACH
            window = low[begin - first : end - first].encode("utf-8", "replace")
            for order in orders:
                if all(any(string in window for string in group) for group in order.needs):
                    for match in order.pattern.finditer(text, begin, end):
                        if match.start() >= begin + _CHUNK:
                            break
                        yield match


def _likely(text: bytes) -> Iterable[bytes]:
    """Return the required strings that may occur in `text`; most of a page's thousands of short texts contain none."""
    if len(text) > _SHORT:
        return _FIRST
    pairs = {text[at : at + 2] for at in range(len(text) - 1)}
    return (string for pair in pairs for string in _BY_PAIR.get(pair, ()))


def _regions(text: str, known: str) -> Iterator[tuple[int, int]]:
    """Yield runs of whole chunks in which `text` differs from `known`."""
    if not known:
        yield 0, len(text)
        return
    first = -1
    for begin in range(0, len(text), _CHUNK):
        end = begin + _CHUNK + _REACH
        differs = text[begin:end] != known[begin:end]
        if first >= 0 and not differs:
            yield first, begin
        first = -1 if not differs else begin if first < 0 else first
    if first >= 0:
        yield first, len(text)


def _is_reported(text: str, match: re.Match[str]) -> bool:
    """Return whether the sentence around a match only reports what somebody else says or might say."""
    if _TO_US.search(match[0]):
        return False
    lead = _SENTENCE.split(text[max(0, match.start() - _BEFORE) : match.start()])[-1]
    after = re.split(r"[\n]|[.!?]\s", text[match.end() : match.end() + _AFTER])[0]
    if _ATTACKS.search(lead) or _AFTERWARDS.search(after) or _MIGHT.search(lead):
        return True
    quoted = _quoted(text, match)
    if quoted is None:
        return False
    return bool(_SAYS.search(lead)) or bool(_STOCK.match(match[0]) and not _SUBJECT.search(quoted))


def _quoted(text: str, match: re.Match[str]) -> str | None:
    """Return the quotation around a match: its marks open before the match and close soon after it."""
    before = text[max(0, match.start() - _NEAR) : match.start()]
    after = text[match.end() : match.end() + _NEAR].split("\n")[0]
    for opening, closing in _QUOTES.items():
        head, mark, quoted = before.rpartition(opening)
        closed = mark and closing in after and "\n" not in quoted and closing not in quoted
        if closed and not head[-1:].isalnum() and not quoted[:1].isspace():
            return quoted + match[0] + after.partition(closing)[0]
    return None
