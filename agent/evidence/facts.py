"""Numbers and names of a claim that its quotes do not have.

A number, version, date or proper name in a claim must stand in the claim's own quotes: an LLM that is sure of itself
fills in such details from elsewhere. Compared are digits ("1,000" and "1000" alike, "three" and "3" as well, up to
twelve) and every word that is written like a name: with a capital inside a sentence, in capitals, with capitals or
digits in the middle; so are months. The first word of a sentence has a capital anyway: it counts as a name unless it
is a word with which sentences about software usually begin or has the ending of an ordinary word.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from agent.evidence.anchor import normalise

NUMBER_WORDS: Final = {
    word: str(n)
    for n, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    )
}
_REMEMBERED: Final = 2048
"""Texts whose words are kept: the same quotes are asked about many claims."""
_SHORT: Final = 2
"""Letters of "is" and "us", which are no plurals."""
_NUMBER: Final = re.compile(r"(?<![\w.])v?(\d+(?:[.,]\d+)*)(?=\b|[A-Za-z%])", re.I)
_GROUPED: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_WORD: Final = re.compile(r"[^\W_][\w./+#-]*[^\W_]|[^\W_]")
_SENTENCE_END: Final = re.compile(r"[.!?:]\s*[\"'”’)]*\s*$")
_COUNTED: Final = frozenset(NUMBER_WORDS) - {"one"}
"""Number words that state a number; "one" is mostly a pronoun."""
_ORDINARY: Final = frozenset(
    re.findall(
        r"\w+",
        """a access account accounts actions admins agent agents all an and another any api are as at back both browser
    calls can code commands connected content conversations customer customers data default developers docs
    documentation each either email emails every everything facts files for from functions hosted if in input inputs
    is it its keys letters listing llm local logs memory messages model models most no nobody none not notes nothing
    on once only open operators other others our output outputs page pages people permission permissions plain plugins
    product products project projects prompts queries records requests results rows run runs schema scripts secrets
    server servers service services sessions setup several since skill skills software some state such support team
    teams text that the their there these they this those though to token tokens tool tools traces traffic transport
    two under until updates use user users values vendor web what when where which while who with without workflow
    workflows you your changes more further findings bookings archives facts insights collections deletions deleting
        attackers anyone anybody sandbox approval credentials passwords backups agents' memories instructions nor
        neither nothing before after because during even many version versions""",
    )
)
_ENDING: Final = re.compile(r"(?:ing|ly|tions?|ments?|ed|ity|ities|ness)$")


def foreign(claim: str, quotes: Sequence[str], known: Sequence[str] = ()) -> tuple[str, ...]:
    """What of the claim's numbers and names stands in none of `quotes`, each once, in the order of the claim.

    `known` are names that need no quote, such as the product's and the vendor's own.
    """
    text = "\n".join(quotes)
    own = "\n".join(known)
    numbers = set(numbers_of(text)) | set(numbers_of(own))
    words = _keys(text) | _keys(own)
    missing = [number for number in numbers_of(claim) if number not in numbers]
    missing += [name for name in names_of(claim) if not _parts(name) <= words]
    return tuple(dict.fromkeys(missing))


def numbers_of(text: str) -> tuple[str, ...]:
    """Numbers and versions of a text as digits, without thousands separators, in order; number words up to twelve."""
    found = [(match.start(), _plain(match[1])) for match in _NUMBER.finditer(text)]
    found += [
        (match.start(), NUMBER_WORDS[match[0].lower()])
        for match in _WORD.finditer(text)
        if match[0].lower() in _COUNTED
    ]
    return tuple(number for _, number in sorted(found))


def names_of(text: str) -> tuple[str, ...]:
    """The words of a text that are written like names, in order."""
    return tuple(match[0] for match in _names(text))


def _names(text: str) -> Iterator[re.Match[str]]:
    for match in _WORD.finditer(text):
        word = match[0]
        if not any(char.isalpha() for char in word) or word.lower() in NUMBER_WORDS:
            continue
        if _is_written_like_one(word) or (word[0].isupper() and not _begins_plainly(text, match)):
            yield match


def _is_written_like_one(word: str) -> bool:
    """In capitals, or with a capital or a digit after the first letter: "OAuth", "SQL", "gpt-4o", "READ_ONLY"."""
    bare = word.removesuffix("s") if word[:-1].isupper() else word
    return any(char.isupper() or char.isdigit() for char in bare[1:])


def _begins_plainly(text: str, match: re.Match[str]) -> bool:
    before = text[: match.start()].strip(" \"'“‘(*-\t\n")
    word = match[0].lower()
    first = not before or bool(_SENTENCE_END.search(before))
    return word == "i" or (first and (word in _ORDINARY or bool(_ENDING.search(word))))


def _plain(number: str) -> str:
    return number.replace(",", "") if _GROUPED.fullmatch(number) else number.rstrip(".,")


def _parts(name: str) -> frozenset[str]:
    return _keys(name) or frozenset((normalise(name),))


@lru_cache(maxsize=_REMEMBERED)
def _keys(text: str) -> frozenset[str]:
    """Words of a text as they are compared: folded, cut at marks, plurals also as singulars."""
    words = re.findall(r"[^\W_]+", normalise(text))
    return frozenset(
        word[:-1] if len(word) > _SHORT and word.endswith("s") and not word.endswith("ss") else word for word in words
    )
