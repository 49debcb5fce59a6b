"""Predict the topic of a documentation page from its address, a link's text or a heading.

A draft needs one page on every topic before a second page on any, so the crawl groups pages by the name of their topic.
Each word that indicates a topic has a value (`topics.toml`), which is highest for words about an agent's powers and
limits. Only the order of the values matters.
"""

import re
import tomllib
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote


class Topic(NamedTuple):
    """The name of a topic and how valuable a page about it is; an unknown topic has an empty name and value 0."""

    name: str
    worth: int


NONE: Final = Topic("", 0)


def _topics(rows: dict[str, str]) -> dict[str, Topic]:
    """Return the topic of each word of a table of `topics.toml`."""
    found: dict[str, Topic] = {}
    for name, text in rows.items():
        worth = 0
        for token in text.split():
            if token.isdigit():
                worth = int(token)
            else:
                found[token.replace("_", " ")] = Topic(name, worth)
    return found


_WORDS: Final = tomllib.loads(Path(__file__).with_name("topics.toml").read_text("utf-8"))
_TABLE: Final = _topics(_WORDS["words"])
_PHRASES: Final = _topics(_WORDS["phrases"])
_WITHOUT_BLANKS: Final = _topics(_WORDS["without_blanks"])
_LINKING, _ALSO_NAMES, _GENERIC = (
    frozenset(_WORDS["sets"][name].split()) for name in ("linking", "also_names", "generic")
)
_ENDS_OTHERS: Final = 6  # minimum letters of a known word that also counts at the end of a longer one
_ENDINGS: Final = tuple(
    sorted(
        (word for word in _TABLE if word in ("tool", "tools") or len(word) >= _ENDS_OTHERS),
        key=lambda word: (-len(word), word),
    )
)
_EXTRA: Final = 3  # minimum letters before a known word at the end of a longer one, as in `opentelemetry`
_SUFFIX: Final = re.compile(r"\.(?:html?|md|mdx|rst|txt|pdf|php|aspx?|json|ya?ml)$")
_WORD: Final = re.compile(r"[^\W\d_]+(?:\d+[^\W\d_]*)*")
_OUTER_FOLDER: Final = 5  # deduction for a word of an outer folder, which names a section rather than the page
_LEAST: Final = 3
_MIXED: Final = 2  # maximum deduction for one or two other words without a topic, such as the product's name
_CROWDED: Final = 4  # deduction for three or more such words: the segment is then a whole title rather than a name
_FEW: Final = 3
_GETTING_STARTED: Final = Topic("documentation", 6)
_MAX_WORDS: Final = 8
_SHORT_TEXT: Final = 4
_MAX_LETTERS: Final = 120
_HEADING: Final = 4  # deduction for a heading above a link, compared with the link's own text
_REMEMBERED: Final = 16384
_by_worth: Final = attrgetter("worth")


def topic_of(path: str, text: str, heading: str) -> Topic:
    """Predict what a page is about from its path, the text of the link to it and the heading above that link."""
    words = NONE if all(word in _GENERIC for word in _WORD.findall(text.lower()[:_MAX_LETTERS])) else of_words(text)
    found = max(of_path(path), words, key=_by_worth)
    above = of_words(heading)
    if above.name == _GETTING_STARTED.name:
        return found
    if not found.worth or found.worth <= above.worth - _HEADING:
        return Topic(above.name, above.worth - _HEADING) if above.worth > _HEADING else found
    return found


@lru_cache(maxsize=_REMEMBERED)
def of_path(path: str) -> Topic:
    """Return the topic of the best segment of a path; other words in that segment lower its value."""
    best = NONE
    segments = (re.split(r"[\W_]+", _SUFFIX.sub("", segment)) for segment in unquote(path).lower().split("/"))
    # Numbers only put the pages in order.
    bare = ([token for token in segment if token and not token.isdigit()] for segment in segments)
    names = [tokens for tokens in bare if tokens]
    general = bool(names) and all(token in _GENERIC or token in _LINKING for token in names[-1])
    for place, tokens in enumerate(names):
        found, other = _in_tokens(tokens)
        last = place == len(names) - 1
        # The last segment names the page; an outer one only names its section, unless the page's own name is generic.
        named = last or (general and place == len(names) - 2)
        if found.worth and other:
            least = min(other, _MIXED) if other < _FEW else _CROWDED
            found = found._replace(worth=max(1, found.worth - least)) if named else NONE
        if not other and {"started", "works"} & set(tokens) and found.worth < _GETTING_STARTED.worth:
            found = _GETTING_STARTED
        if found.worth and not named:
            found = found._replace(worth=max(min(_LEAST, found.worth), found.worth - _OUTER_FOLDER))
            best = NONE if best.name == _GETTING_STARTED.name else best
        if found.worth and (found.worth > best.worth or (last and not general and found.worth == best.worth)):
            best = found
    return best


@lru_cache(maxsize=_REMEMBERED)
def of_words(text: str) -> Topic:
    """Return the topic indicated by a link's text or a heading; no topic for a long text."""
    low = text.lower()[:_MAX_LETTERS]
    tokens = _WORD.findall(low)
    if not 0 < len(tokens) <= _MAX_WORDS:
        return NONE
    written = [topic for word, topic in _WITHOUT_BLANKS.items() if word in low]
    by_tokens, other = _in_tokens(tokens)
    found = max([by_tokens, *written], key=_by_worth)
    less = _MIXED if len(tokens) > _SHORT_TEXT else 1 if other and by_tokens.worth > 1 else 0
    return found._replace(worth=max(0, found.worth - less)) if found.worth else NONE


def is_said(token: str) -> bool:
    """Return whether a word is a function word, or indicates a topic and is not also used as a product name."""
    return (token in _TABLE and token not in _ALSO_NAMES) or token in _LINKING


def _in_tokens(tokens: list[str]) -> tuple[Topic, int]:
    """Return the best topic indicated by a word or phrase, and how many words indicate none.

    Among equally good words the last one counts, which in most names is the noun.
    """
    best = NONE
    for token in tokens:
        found = _word(token)
        best = found if found.worth and found.worth >= best.worth else best
    other = sum(1 for token in tokens if _word(token) is NONE and token not in _LINKING)
    joined = f" {' '.join(tokens)} "
    for phrase, topic in _PHRASES.items():
        if topic.worth >= best.worth and f" {phrase} " in joined:
            best = topic
            other = sum(1 for token in joined.replace(f" {phrase} ", " ").split() if _word(token) is NONE)
    return best, other


@lru_cache(maxsize=_REMEMBERED)
def _word(token: str) -> Topic:
    if token in _TABLE:
        return _TABLE[token]
    written = [topic for word, topic in _WITHOUT_BLANKS.items() if word in token]
    if written:
        return max(written, key=_by_worth)
    for word in _ENDINGS if token.endswith(_ENDINGS) else ():
        if len(token) >= len(word) + _EXTRA and token.endswith(word):
            return _TABLE[word]._replace(worth=max(1, _TABLE[word].worth - 1))
    return NONE
