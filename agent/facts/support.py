"""Check whether quotes support a claim, by comparing words, without an LLM.

The check asks four questions, and the worst answer counts. How many of the claim's content words occur in the quotes
(by stem, with a short list of synonyms)? Does the claim add a part, a control or praise that the quotes do not mention?
Do both affirm or both deny? Are the claim's numbers and names in the quotes?

The check cannot tell who does what to whom, and does not recognise a paraphrase in quite different words. A correct
paraphrase of this kind is judged "unsupported", which loses a claim but is safe.

A number, version, date or proper name in a claim must occur in the claim's own quotes: a confident LLM fills in such
details from elsewhere. Numbers are compared as digits ("1,000" equals "1000" and, up to twelve, "three" equals "3"). A
name is any word that is written like one: capitalised inside a sentence, all in capitals, or with capitals or digits in
the middle. Months count too. The first word of a sentence is always capitalised: it counts as a name unless it often
begins sentences about software or has the ending of an ordinary word.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Final, Literal

from agent.facts.anchor import normalise
from agent.intake.extract.statements.sorts import assurances
from agent.retrieval.search import without_suffix

NUMBER_WORDS: Final = {
    word: str(n)
    for n, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    )
}
_SHORT: Final = 2
"""Words of at most this many letters, such as "is" and "us", are not treated as plurals."""
_NUMBER: Final = re.compile(r"(?<![\w.])v?(\d+(?:[.,]\d+)*)(?=\b|%|(?:[kmgt]i?b?|ms|[smhdx])\b)", re.I)
_GROUPED: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_EAST: Final = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_SEAM: Final = re.compile(rf"(?<={_EAST})(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?={_EAST})")
"""Places where Latin letters or digits touch Chinese, Japanese or Korean text: "127.0.0.1の", "Slack에"."""
_NAME_WORD: Final = re.compile(r"[^\W_][\w./+#-]*[^\W_]|[^\W_]")
_SENTENCE_END: Final = re.compile(r"[.!?:]\s*[\"'”’)]*\s*$")
_COUNTED: Final = frozenset(NUMBER_WORDS) - {"one"}
"""Number words that are read as numbers; "one" is excluded because it is mostly a pronoun."""
_ORDINARY: Final = frozenset(
    re.findall(
        r"\w+",
        """a accept access account accounts admins after agent agents all allow an and another any anybody anyone api
        approval archives are as ask at attackers back backups because before bind block bookings both browser calls can
        cap changes check clear code commands confirm content credentials customer customers data default deny
        developers disable do docs each either email emails enable encrypt enforce every export facts files findings for
        from further give grant he hold host if in input inputs insights install is isolate issue it its keep keys let
        letters limit list llm local log logs make many mark mask memories memory messages model models more most mount
        move name neither no nobody none nor not notes offer on once operators other others our output outputs page
        pages pass passwords people permission permissions pin place plain plugins prefer product products project
        projects prompts publish put queries read records redact refuse remove requests require restrict results return
        review revoke rotate route rows run runs sandbox save scan schema scope scripts secrets send separate serve
        server servers service services sessions set setup several she show sign since skill skills software some
        somebody someone start state stop store strip such support switch sync take team teams test text that the their
        there these they this those though to tokens tool tools traces track traffic transport treat turn under until
        updates use user users values vendor verify version versions wait warn watch web what whatever where which while
        who whoever with withhold without work workflow workflows write you your""",
    )
)
"""Words that often begin sentences about software; those with an ordinary ending (`_ENDING`) need no entry."""
_ENDING: Final = re.compile(r"(?:ing|ly|tions?|ments?|ed|ity|ities|ness|less|en)$")
Verdict = Literal["supported", "contradicted", "unsupported"]

SOME: Final = 0.4
"""Minimum share of the claim's content words that must occur in the quotes for "supported", and for a difference in
negation or in a number to count as a contradiction."""
_REMEMBERED: Final = 8192
"""Size of each cache of texts or words: many claims are checked against the same quotes."""

_STOP: Final = frozenset(
    re.findall(
        r"\w+",
        """a about after all also an and any are as at be been before being between both but by can could did do does
    during each either every for from had has have he her his how i if in into is it its itself just may might more
    most must of on one only or other our out over own per shall she should so some such than that the their them
    then there these they this those through to too under until up upon use used uses using very via was we were what
    when where which while who whom whose will with within would you your
    agent ai app application assistant platform product server service software system tool user vendor
    no not never without none nor neither cannot nobody nothing lack lacks""",
    )
)
_SAME: Final = (
    "store save keep persist retain remember hold kept held stored",
    "delete remove erase drop deletion removal",
    "send post transmit forward deliver sent pass",
    "run execute launch start ran execution",
    "fetch get retrieve read pull load obtain gather collect",
    "create make generate produce write add build made written creation",
    "update change edit modify alter overwrite rewrite",
    "token key credential secret password",
    "ask confirm approve approval confirmation permit consent accept acceptance permission",
    "log record trace audit track logged",
    "connect integrate plug link attach connection integration",
    "several many multiple various",
    "choose select pick decide",
    "repair fix mend correct",
    "site website page web",
    "start begin launch",
    "ship bundle include contain come",
    "host hosted cloud remote remotely managed",
    "local locally self-hosted",
    "refuse reject deny block forbid prevent",
    "need require mandatory demand required",
    "call phone telephone",
    "client customer caller",
    "browse browser navigate visit",
    "share common shared",
    "task job work assignment",
    "isolate sandbox isolated separate",
    "database db sql",
    "file document",
    "message mail email text",
    "find search look discover lookup",
    "automatic automatically unattended autonomously itself",
    "offer provide supply give available",
    "default preset",
)
_OPPOSED: Final = (
    ("required mandatory must", "optional"),
    ("enabled on", "disabled off"),
    ("encrypted", "unencrypted plaintext"),
    ("allow allowed permit permitted", "refuse refused forbidden blocked denied"),
    ("automatically unattended", "manually"),
    ("read-only", "read-write"),
    ("public", "private"),
    ("stateless", "stateful"),
)
_NEGATION: Final = re.compile(
    r"\b(?:no|not|never|without|none|nor|neither|cannot|nobody|nothing|lacks?|unable|refuses?|instead of|rather than"
    r"|free of|keyless|stateless|\w+n['’]t)\b",
    re.I,
)
_ADJUNCT: Final = re.compile(r"\b(?:without(?=\s+\w+ing\b)|rather than|instead of)\s+([^,;]*)", re.I)
_PAUSE: Final = r"[.;:!?](?:\s|$)|,\s|\s[–—-]\s"
_CLAUSES: Final = re.compile(_PAUSE + r"|\b(?:but|while|whereas|although|though|except|unless)\b", re.I)
_PARTS: Final = re.compile(
    _PAUSE + r"|\b(?:but|while|and|or|so|hence|because|although|with|except|unless|save for)\b", re.I
)
_MIN_PART: Final = 2
"""A part of a claim with at least this many content words needs at least one of them in the quotes."""
_LONG_RUN: Final = 2
"""A run of more than this many content words that the quotes lack makes a claim unsupported."""
_WORD: Final = re.compile(r"[^\W_]+(?:['’][a-z]+)?")
_SUFFIXES: Final = (
    "isations", "izations", "isation", "ization", "ations", "ation", "ments", "ment", "ings", "ing", "ions", "ion",
    "ies", "ied", "ers", "ors", "ed", "er", "or", "es", "ly", "al", "s", "e", "y",
)  # fmt: skip


def foreign(claim: str, quotes: Sequence[str], known: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the numbers, then the names, in `claim` that occur in none of `quotes`, without duplicates and in order.

    `known` are names that need no quote, such as the product's and the vendor's own.
    """
    text = "\n".join(quotes)
    own = "\n".join(known)
    numbers = set(numbers_of(text)) | set(numbers_of(own))
    words = keys_of(text) | keys_of(own)
    missing = [number for number in numbers_of(claim) if number not in numbers]
    missing += [name for name in names_of(claim) if not (keys_of(name) or {normalise(name)}) <= words]
    return tuple(dict.fromkeys(missing))


def numbers_of(text: str) -> tuple[str, ...]:
    """Return the numbers and versions in `text` as digits, in order; includes number words up to twelve."""
    text = _apart(text)
    found = [
        (match.start(), match[1].replace(",", "") if _GROUPED.fullmatch(match[1]) else match[1].rstrip(".,"))
        for match in _NUMBER.finditer(text)
    ]
    found += [
        (match.start(), NUMBER_WORDS[match[0].lower()])
        for match in _NAME_WORD.finditer(text)
        if match[0].lower() in _COUNTED
    ]
    return tuple(number for _, number in sorted(found))


def names_of(text: str) -> tuple[str, ...]:
    """Return the words of `text` that are written like names, in order."""
    text = _apart(text)
    return tuple(match[0] for match in _NAME_WORD.finditer(text) if _is_name(text, match))


def _apart(text: str) -> str:
    return text if text.isascii() else _SEAM.sub(" ", text)


def _is_name(text: str, match: re.Match[str]) -> bool:
    """Return whether a word has a capital or digit after its first letter, or a capital that does not merely start a
    sentence."""
    word, plain = match[0], match[0].lower()
    if not any(char.isalpha() for char in word) or plain in NUMBER_WORDS:
        return False
    bare = word.removesuffix("s") if word[:-1].isupper() else word
    if any(char.isupper() or char.isdigit() for char in bare[1:]):
        return True
    if not word[0].isupper() or plain == "i":
        return False
    before = text[: match.start()].strip(" \"'“‘(*-\t\n")
    first = not before or bool(_SENTENCE_END.search(before))
    return not (first and (plain in _ORDINARY or _ENDING.search(plain)))


@lru_cache(maxsize=_REMEMBERED)
def keys_of(text: str) -> frozenset[str]:
    """Return the words of `text` in comparable form: normalised, split at punctuation, plurals made singular."""
    words = re.findall(r"[^\W_]+", _apart(normalise(text)))
    return frozenset(
        word[:-1] if len(word) > _SHORT and word.endswith("s") and not word.endswith("ss") else word for word in words
    )


def support(claim: str, quotes: Sequence[str], known: Sequence[str] = ()) -> Verdict:
    """Judge one claim against its quotes. `known` are names that need no quote (the product's, the vendor's).

    Without quotes, or if the claim has no content word, the verdict is "unsupported".
    """
    wanted = _content(claim, known)
    clauses = [clause for quote in quotes for clause in clauses_of(quote)]
    if not wanted or not clauses:
        return "unsupported"
    told = frozenset(stem for quote in quotes for stem in _stems(quote))
    missed = [stem not in told for stem in wanted.values()]
    some = 1 - sum(missed) / len(missed) >= SOME
    odd = foreign(claim, quotes, known)
    swapped = bool(numbers_of("\n".join(quotes))) and not set(odd).isdisjoint(numbers_of(claim))
    if some and (swapped or _is_opposite(claim, clauses, set(wanted.values()))):
        return "contradicted"
    run = max(len(list(row)) if miss else 0 for miss, row in groupby(missed))
    unknown = odd or not some or run > _LONG_RUN or _goes_beyond(claim, told, known)
    return "unsupported" if unknown else "supported"


def _content(claim: str, known: Sequence[str]) -> dict[str, str]:
    """Map the claim's content words to their stems, without numbers and known names, which are checked separately."""
    own = {stem for name in known for stem in _stems(name)}
    found: dict[str, str] = {}
    for word in _words(claim):
        stem = _stem(word)
        if word not in _STOP and stem not in _STOP_STEMS and stem not in own and not word.isdigit():
            found.setdefault(word, _MEANING.get(stem, stem))
    return found


def _goes_beyond(claim: str, told: frozenset[str], known: Sequence[str]) -> bool:
    """Return whether the claim has a part, a control or praise that the quotes do not mention."""
    for part in _PARTS.split(claim):
        wanted = _content(part, known)
        if len(wanted) >= _MIN_PART and not set(wanted.values()) & told:
            return True
    own = {stem for name in known for stem in _stems(name)}
    return any(
        _stems(words) - told - own - _STOP_STEMS and not set(_words(words)) <= _STOP for words in assurances(claim)
    )


def _is_opposite(claim: str, clauses: Sequence[str], wanted: set[str]) -> bool:
    """Return whether a clause of the claim contradicts the quoted clauses that share the most words with it."""
    for part in clauses_of(claim):
        shared = [len(_stems(part) & wanted & _stems(clause)) for clause in clauses]
        best = [clause for clause, count in zip(clauses, shared, strict=True) if 0 < count == max(shared)]
        # A double negation affirms.
        odd = [(len(negations(bare(part, each))) + len(negations(bare(each, part)))) % 2 == 1 for each in best]
        if best and all(odd):
            return True
        words, theirs = set(_words(part)), {word for clause in best for word in _words(clause)}
        for one, other in (*_OPPOSED, *((other, one) for one, other in _OPPOSED)):
            same, against = set(one.split()), set(other.split())
            if words & same and theirs & against and not theirs & same:
                return True
    return False


def meanings(text: str) -> tuple[tuple[str, str], ...]:
    """Return the content words of `text`, each with its stem for comparison; synonyms share a stem."""
    return tuple(_content(text, ()).items())


def negations(clause: str) -> tuple[tuple[int, int], ...]:
    """Return the start and end of each negating word in a clause."""
    return tuple(match.span() for match in _NEGATION.finditer(clause))


def bare(clause: str, other: str) -> str:
    """Remove from a clause any negated adjuncts that `other` does not mention, such as "without leaving the shell"."""
    spoken = _stems(other)
    return _ADJUNCT.sub(lambda found: found[0] if (_stems(found[1]) - _STOP_STEMS) & spoken else " ", clause)


def clauses_of(text: str) -> list[str]:
    """Split `text` into clauses, each of which affirms or denies something."""
    return [part for part in _CLAUSES.split(text) if part and _WORD.search(part)]


@lru_cache(maxsize=_REMEMBERED)
def _stems(text: str) -> frozenset[str]:
    return frozenset(_MEANING.get(stem, stem) for stem in map(_stem, _words(text)))


def _words(text: str) -> Iterator[str]:
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", " ", _apart(text))
    return (match[0].lower() for match in _WORD.finditer(apart))


@lru_cache(maxsize=_REMEMBERED)
def _stem(word: str) -> str:
    return without_suffix(re.sub(r"['’][a-z]+$", "", word), _SUFFIXES)


_STOP_STEMS: Final = frozenset(_stem(word) for word in ("agent", "tool", "user", "server", "product", "assistant"))
_MEANING: Final = {_stem(word): _stem(group.split()[0]) for group in reversed(_SAME) for word in group.split()}
