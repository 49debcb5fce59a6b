"""Words, verb forms and noun phrases of one sentence, by rules; no parser is loaded.

English marks verbs poorly, so a form that may be a noun ("searches", "calls") counts as a verb only where its
neighbours leave little doubt. What is missed costs a capability in the picture; what is wrong would be a false one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from agent.drafting_old.inflection import NOUN_LIKE, Form, listed
from agent.drafting_old.inflection import plural as plural
from agent.drafting_old.inflection import singular as singular

MAX_CHARS: Final = 60
"""Longest noun phrase, characters."""
_MAX_WORDS: Final = 7
_MAX_LIST: Final = 6

_TOKEN = re.compile(r"[^\W_](?:[\w'’+#&@/-]*[\w+#])?(?:\.[A-Za-z]\w+)*(?:['’]s)?|[^\s\w]|_\w+|_")

DETERMINERS: Final = listed(
    "the a an its their your our his her any each every this that these those some all both no another such own "
    "several many more most further other certain various multiple different whatever up existing specific "
    "particular given whole entire single relevant available appropriate right best own one two three four five "
    "six seven eight nine ten dozens hundreds thousands millions"
)
_PRONOUNS: Final = listed(
    "it they them he she we you i us me him itself themselves one ones something anything everything nothing "
    "someone anyone everyone what which who whom whose that this these those here there each other another"
)
PREPOSITIONS: Final = listed(
    "in on at by with from to into through via over under across between against within without during before "
    "after until as for about per than around inside behind beside onto upon like using including based according "
    "off out toward towards alongside among beyond above below except unlike near plus minus versus"
)
_BREAKERS: Final = listed(
    "but so because when while where whether if that which who whose how what why once since though although "
    "unless then also again back together instead automatically directly here there too not ever still already "
    "never only either neither nor is are was were be been being has have had do does did can could may might "
    "must shall should will would cannot let lets not just even rather named called so needed along away down "
    "apart given found chosen written known seen held kept come comes go goes whenever wherever whichever"
)
_AUX: Final = listed(
    "is are was were be been being can could may might must shall should will would has have had cannot do does "
    "did gets get"
)
_BE: Final = listed("be is are gets get being been")
_BASE_BEFORE: Final = listed(
    "to can may will could might must should would cannot not then also never automatically directly"
)
_S_BEFORE: Final = listed("it that which who then also and or automatically directly never he she")
_S_NOT_AFTER: Final = listed(
    "of and or is are was were in from per that which with for at by on to as can may must will , . ; : )"
)
_ING_BEFORE: Final = listed(
    "for by in when and or , ( : ; while before after at without including like start starts as from of then "
    "begins start supports enables allows to covers"
)
_ING_NOUNS: Final = listed("setting meeting string thing building training pricing billing listing recording staging")
_PLURAL_AGENTS: Final = listed(
    "agents assistants tools models clients apps they you we bots skills commands workers assistants systems llms "
    "servers others"
)
_PAST: Final = listed("built made sent kept sold bought paid driven drawn shown written")
_AGENTS: Final = listed("agent assistant server platform app bot skill product service extension copilot chatbot")
_LETS: Final = listed("let lets letting help helps helping allow allows allowing enable enables enabling")


class Token(NamedTuple):
    """A word or a mark, with its offsets in the sentence."""

    text: str
    low: str
    start: int
    end: int


class Verb(NamedTuple):
    """A verb in a sentence."""

    lemma: str
    form: Form
    at: int
    """Index of its token."""
    after: int
    """Index of the first token behind it and its particle."""


class Phrase(NamedTuple):
    """A noun phrase: one noun with its words, or several joined."""

    parts: tuple[tuple[int, int], ...]
    """Token ranges of the joined members."""
    after: int
    """Index of the first token behind it."""


def tokens(text: str) -> list[Token]:
    """The words and marks of `text`."""
    return [Token(m.group(), m.group().lower().replace("’", "'"), m.start(), m.end()) for m in _TOKEN.finditer(text)]


@dataclass(frozen=True)
class Grammar:
    """Finds verbs and noun phrases with a given set of verbs."""

    forms: Mapping[str, tuple[tuple[str, Form], ...]]

    def verb(self, words: Sequence[Token], at: int, *, chained: Form | None = None) -> Verb | None:
        """The verb that token `at` is, or None. `chained` is the form of a verb that this one is joined to."""
        for lemma, form in self._readings(words, at):
            after = at + 1 + lemma.count("-")
            if chained == form and form != "ed" and _noun_may_follow(words, after, joined=True):
                return Verb(lemma, form, at, after)
            if _VERB_TESTS[form](words, at, after, lemma):
                return Verb(lemma, form, at, after)
        return None

    def _readings(self, words: Sequence[Token], at: int) -> list[tuple[str, Form]]:
        """Possible lemmas, those with the particle that follows first."""
        following = words[at + 1].low if at + 1 < len(words) else ""
        found = self.forms.get(words[at].low, ())
        with_particle = [r for r in found if "-" in r[0] and r[0].split("-")[1] == following]
        return with_particle + [r for r in found if "-" not in r[0]]

    def noun_phrase(self, words: Sequence[Token], at: int, form: Form | None = None) -> Phrase | None:
        """The noun phrase that begins at token `at`, with joined members ("rows, columns and cells"), or None.

        `form` is the form of the verb that governs it: a word of the same form behind a joiner is the next verb.
        """
        first = self._member(words, at)
        if first is None:
            return None
        parts, after, closed = [first], first[1], False
        pending: list[tuple[int, int]] = []
        while (
            len(parts) + len(pending) < _MAX_LIST
            and after < len(words)
            and words[after].low in (",", "and", "or", "&", "/")
        ):
            joiner = after
            comma = words[after].low == ","
            if comma and after + 1 < len(words) and words[after + 1].low in ("and", "or", "&"):
                joiner, comma = after + 1, False
            member = None if self._starts_verb(words, joiner + 1, form) else self._member(words, joiner + 1)
            if (
                member is None
                or self._clause_follows(words, member[1], comma=comma)
                or self._verb_inside(words, *member)
            ):
                break
            after = member[1]
            if comma:
                pending.append(member)
            else:
                parts += [*pending, member]
                pending, closed = [], True
                break
        return Phrase(tuple(parts), after if closed else first[1])

    def _starts_verb(self, words: Sequence[Token], at: int, form: Form | None) -> bool:
        if at >= len(words) or words[at].low in _BREAKERS:
            return True
        if words[at].low not in self.forms:
            return words[at].low.endswith("ing") and words[at].low not in _ING_NOUNS
        if words[at].low in NOUN_LIKE or singular(words[at].low) in NOUN_LIKE:
            following = words[at + 1].low if at + 1 < len(words) else ""
            same = any(reading == form for _, reading in self.forms[words[at].low])
            bare = words[at].low in NOUN_LIKE and not following[:1].isalnum()
            bare = bare or (form == "s" and same and following in _BREAKERS)
            return following in DETERMINERS - {"up"} or bare or (same and _noun_may_follow(words, at + 1))
        return not words[at].low.endswith("ed")

    def _clause_follows(self, words: Sequence[Token], at: int, *, comma: bool) -> bool:
        """Whether what seemed a joined member is the subject of a new clause."""
        if at >= len(words):
            return False
        if words[at].low in _AUX:
            return True
        if not any(form == "s" for _, form in self.forms.get(words[at].low, ())):
            return False
        following = words[at + 1].low if at + 1 < len(words) else ""
        return following in (DETERMINERS | _PRONOUNS) - {"up"} or (comma and singular(words[at].low) not in NOUN_LIKE)

    def _verb_inside(self, words: Sequence[Token], start: int, end: int) -> bool:
        """Whether a third-person form stands inside what seemed a joined member ("and the switch names tools")."""
        return any(form == "s" for word in words[start + 1 : end - 1] for _, form in self.forms.get(word.low, ()))

    def _member(self, words: Sequence[Token], at: int) -> tuple[int, int] | None:
        """One noun with its modifiers and an "of" phrase, without leading determiners."""
        start = at
        while start < len(words) and (
            words[start].low in DETERMINERS or words[start].low.isdigit() or _is_adverb(words[start].low)
        ):
            start += 1
        end = start
        while end < len(words) and end - start < _MAX_WORDS:
            low = words[end].low
            if low == "of" and end > start and self._member_of(words, end + 1):
                end = self._member_of(words, end + 1)
                break
            if self._stops(words, end, start):
                break
            end += 1
        while end > start and words[end - 1].low in ("of", "and", "or"):
            end -= 1
        if end == start or (end - start == 1 and words[start].low in _PRONOUNS):
            return None
        return start, end

    def _member_of(self, words: Sequence[Token], at: int) -> int:
        """End of the noun behind "of", or 0."""
        end = at
        while end < len(words) and (words[end].low in DETERMINERS or words[end].low.isdigit()):
            end += 1
        first = end
        while (
            end < len(words)
            and end - first < _MAX_WORDS - 2
            and not self._stops(words, end, first)
            and words[end].low != "of"
        ):
            end += 1
        return end if end > first and words[first].low not in _PRONOUNS else 0

    def _stops(self, words: Sequence[Token], at: int, start: int) -> bool:
        low = words[at].low
        if not (low[0].isalnum() or low[0] in "@_"):
            return True
        if low in PREPOSITIONS or low in _BREAKERS or low in ("and", "or", "of") or _is_adverb(low):
            return True
        if low in DETERMINERS and at > start:
            return not words[at - 1].low.endswith(("'s", "s'"))
        if low in _PRONOUNS:
            return True
        if at == start:
            return False
        following = words[at + 1].low if at + 1 < len(words) else "."
        if (low.endswith("ed") or low in _PAST) and (
            following in PREPOSITIONS or following in (".", ",", ";", "and") or following in DETERMINERS
        ):
            return True
        if (low.endswith("ing") and low in self.forms) or (low == "step" and following == "by"):
            return True
        readings = self.forms.get(low, ())
        after_plural = words[at - 1].low.endswith("s") and singular(words[at - 1].low) != words[at - 1].low
        if after_plural and low not in NOUN_LIKE and any(form == "base" for _, form in readings):
            return True
        if singular(low) in NOUN_LIKE:
            return any(form == "s" for _, form in readings) and following in DETERMINERS - {"up"}
        return any(form == "s" for _, form in readings) and _noun_may_follow(words, at + 1)


def _is_adverb(low: str) -> bool:
    return low.endswith("ly") and low not in (
        "family",
        "reply",
        "supply",
        "only",
        "assembly",
        "anomaly",
        "daily",
        "weekly",
        "monthly",
        "friendly",
    )


def _noun_may_follow(words: Sequence[Token], at: int, *, joined: bool = False) -> bool:
    if at >= len(words):
        return False
    low = words[at].low
    if joined and low in (",", "and", "or"):
        return True
    return (
        (low[0].isalnum() or low[0] in "@_\"'“")
        and low not in _S_NOT_AFTER
        and low not in _BREAKERS
        and low not in PREPOSITIONS
    )


def _before(words: Sequence[Token], at: int) -> str:
    """The word in front, past adverbs."""
    at -= 1
    while at >= 0 and _is_adverb(words[at].low):
        at -= 1
    return words[at].low if at >= 0 else ""


def _is_base(words: Sequence[Token], at: int, after: int, lemma: str) -> bool:
    previous = _before(words, at)
    follows = _noun_may_follow(words, after, joined=True)
    if previous in ("", ":", "-", "•") and follows:
        following = words[after].low
        if lemma not in NOUN_LIKE or following in DETERMINERS:
            return True
        listed_here = words[-1].low != "." or previous == ":"
        return listed_here and following.endswith("s") and following not in ("is", "was", "has", "tools")
    if previous in _BASE_BEFORE:
        return follows
    if previous in _PLURAL_AGENTS and at == 1:
        return follows
    if previous in ("that", "which") and at > 1:
        plain = follows and (lemma not in NOUN_LIKE or words[after].low in DETERMINERS)
        return plain and words[at - 2].low.endswith("s")
    if previous in _PLURAL_AGENTS:
        return follows and (lemma not in NOUN_LIKE or words[after].low in DETERMINERS or words[after].text.isupper())
    return (
        follows
        and previous not in DETERMINERS
        and any(w.low in _LETS for w in words[max(at - 6, 0) : at])
        and (lemma not in NOUN_LIKE or words[after].low in DETERMINERS or words[after].low.endswith("s"))
    )


def _is_s(words: Sequence[Token], at: int, after: int, lemma: str) -> bool:
    previous = _before(words, at)
    if not _noun_may_follow(words, after, joined=lemma not in NOUN_LIKE) or previous in DETERMINERS - {
        "that",
        "one",
        "other",
    }:
        return False
    if lemma not in NOUN_LIKE:
        return previous not in PREPOSITIONS
    following = words[after].low
    subject = at == 1 and words[0].text[0].isupper() and words[0].low not in DETERMINERS
    if (subject or previous in _AGENTS) and lemma not in ("call", "log", "test", "report"):
        return after + 1 >= len(words) or words[after + 1].low not in _AUX
    if previous in _S_BEFORE:
        return previous not in ("and", "or") or following in DETERMINERS
    return following in DETERMINERS or (previous == "" and following not in ("and", "or"))


def _is_ing(words: Sequence[Token], at: int, after: int, lemma: str) -> bool:
    following = words[after].low if after < len(words) else ""
    if following == "of":
        return True
    previous = _before(words, at)
    return (previous in _ING_BEFORE or previous == "") and _noun_may_follow(words, after, joined=bool(previous))


def _is_ed(words: Sequence[Token], at: int, after: int, lemma: str) -> bool:
    del after, lemma
    return _before(words, at) in _BE or (_before(words, at) == "not" and at > 1 and words[at - 2].low in _BE)


_VERB_TESTS: Final = {"base": _is_base, "s": _is_s, "ing": _is_ing, "ed": _is_ed}


def subject_phrase(words: Sequence[Token], at: int) -> tuple[int, int] | None:
    """The noun phrase in front of the auxiliaries of a passive verb at token `at`, or None."""
    end = at
    while end > 0 and (
        words[end - 1].low in _AUX
        or words[end - 1].low in ("not", "also", "never", "only", "then")
        or _is_adverb(words[end - 1].low)
    ):
        end -= 1
    start = end
    while start > 0 and end - start < _MAX_WORDS:
        low = words[start - 1].low
        if low in PREPOSITIONS and start > 1:
            end = start = start - 1
            continue
        if low in PREPOSITIONS or low in _BREAKERS or low in _PRONOUNS or not low[0].isalnum() or low in ("and", "or"):
            break
        start -= 1
        if low in DETERMINERS:
            start += 1
            break
    while start < end and (words[start].low in DETERMINERS or words[start].low.isdigit()):
        start += 1
    return (start, end) if end > start else None
