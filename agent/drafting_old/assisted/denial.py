"""Whether the quotes of a threat deny what it says that somebody has the product do.

A quote that denies shares its words with the threat and carries a claim: "The server reads no local files" stands
behind "planted text makes it read local files" as firmly as the sentence that says that it does. A control that is not
there is another matter: "nobody is asked before it deletes" says that it deletes.

    deed: a verb and what it acts on ── a clause that says no of it ── no clause that shows as much of it ─► denied
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple

from agent.drafting_old.actions import load_actions
from agent.drafting_old.inflection import verb_forms
from agent.evidence.support import bare, clauses_of, meanings, negations

MAX_OBJECT: Final = 4
"""Words behind a verb that are read as what it acts on."""
MIN_OBJECT: Final = 2
"""Words of an object that a clause without the verb must name, all of them, to deny the deed."""
_HEAD: Final = 3
"""Content words behind a negation among which stands what is denied."""


def _listed(text: str) -> frozenset[str]:
    return frozenset(stem for _, stem in meanings(text))


_LEADS: Final = frozenset(
    re.findall(
        r"\w+",
        """have make let lead cause force trick steer persuade keep bring drive push use try want come become get need
    follow""",
    )
)
"""Verbs that only bring about the deed."""
_CONTROL: Final = _listed(
    """ask confirm approve check verify validate review login signature authenticate authentication authorise
    authorize authorisation authorization limit restrict restriction cap quota encrypt encryption sandbox isolate scan
    filter sanitise sanitize expire expiry rotate revoke warn warning alert need require policy protect protection guard
    guardrail safeguard control monitor permission rate mfa password hash backup audit log trace notice question
    questions review prompt human person anybody anyone whitelist allowlist moderation escape detect test"""
)
"""What a product may lack, whereby it does more and not less."""
_LIGHT: Final = _listed(
    "have use offer provide include support come apply enforce perform do make contain keep run any"
)
"""Verbs that say nothing without what stands behind them."""
_NOUNS: Final = frozenset(
    re.findall(
        r"\w+",
        """book call charge check draft email file flag index link list log map mark message name note order plan post
    profile query rate record report request review route scale score search set share sign stake state store stream
    support tag test track type use view work answer access act control cover host label place present release reply
    schedule show start stop switch try turn walk watch wrap""",
    )
)
"""Verbs that are nouns as often: they count where a verb must stand."""
_GENERIC: Final = _listed(
    "tool function command operation action ability way option exist appear available possible support offer provide "
    "include allow part list anything thing"
)
_GERUND: Final = re.compile(r"\s+\w+ing\b", re.IGNORECASE)
_OF_THINGS: Final = frozenset(("no", "without", "lack", "lacks", "none", "nobody", "nothing"))
"""Negations of what stands behind them, of a noun that may have words before it."""
_OFF: Final = re.compile(
    r"\b(?:is|are|was|were|stays?|remains?)\s+(?:\w+ly\s+)?(?:disabled|blocked|forbidden|prohibited|impossible|unsupported"
    r"|unavailable|excluded|refused|rejected|(?:switched|turned) off)\b",
    re.IGNORECASE,
)
"""What is said no of without a word for it."""
_CONDITION: Final = re.compile(
    r"\b(?:unless|until|except|by default|other than|apart from|only (?:if|when|with|after|for|in|on))\b", re.IGNORECASE
)
"""A sentence that says no under a condition says that the deed is there without it."""
_WORD: Final = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_JOINTS: Final = frozenset(("and", "or", "to", "then", "it", "them"))
"""Behind these stands a verb."""
_BE: Final = frozenset(("is", "are", "be", "been", "being", "was", "were", "get", "gets"))
_ENDS: Final = frozenset(
    (
        "and",
        "or",
        "which",
        "that",
        "who",
        "whose",
        "when",
        "while",
        "so",
        "as",
        "before",
        "after",
        "to",
        "into",
        "with",
        "from",
    )
)


class _Deed(NamedTuple):
    verb: str
    """As its meaning."""
    objects: frozenset[str]


def denied(title: str, action: str, quotes: Sequence[str]) -> bool:
    """Whether a quote denies a deed of a threat and none shows it; deeds are the verbs of `title` and `action`."""
    deeds = (*_deeds(action, infinitive=True), *_deeds(title, infinitive=False))
    return any(_is_denied(deed, text, quotes) for deed, text in deeds)


def _deeds(text: str, *, infinitive: bool) -> Iterator[tuple[_Deed, str]]:
    """What is done, as far as the verbs are known; an action begins with its verb, in a title it may stand anywhere."""
    words = [match[0].lower() for match in _WORD.finditer(text)]
    for place, word in enumerate(words):
        before = words[place - 1] if place else ""
        due = before in _JOINTS or (infinitive and place == 0)
        lemma = _verbs().get(word, "")
        if not lemma or lemma in _LEADS or (lemma in _NOUNS and not due):
            continue
        if word.endswith(("ed", "ing")) and not due and before not in _BE:
            continue
        for _, stem in meanings(word):
            if stem not in _CONTROL:
                yield _Deed(stem, _object(words[place + 1 :])), text


@cache
def _verbs() -> dict[str, str]:
    """Every form of the verbs that are known, with its base."""
    return {form: found[0][0].partition("-")[0] for form, found in verb_forms(load_actions().verbs).items()}


def _object(words: Sequence[str]) -> frozenset[str]:
    held: list[str] = []
    for word in words:
        if word in _ENDS or len(held) >= MAX_OBJECT:
            break
        held.append(word)
    return frozenset(stem for _, stem in meanings(" ".join(held))) - _GENERIC


def _is_denied(deed: _Deed, text: str, quotes: Sequence[str]) -> bool:
    shown = no = -1
    for clause, firm in ((part, not _CONDITION.search(quote)) for quote in quotes for part in clauses_of(quote)):
        named = {stem for _, stem in meanings(clause)}
        shared, acts = len(named & deed.objects), deed.verb in named
        if not _says_no(bare(clause, text)):
            shown = max(shown, shared) if acts else shown
        elif firm and _denies(deed, clause, named):
            no = max(no, shared)
    return no > -1 and shown < no


def _denies(deed: _Deed, clause: str, named: set[str]) -> bool:
    """Whether a clause that says no says it of the deed, and not only of what stands behind its verb."""
    if deed.verb not in named:
        return len(deed.objects) >= MIN_OBJECT and deed.objects <= named
    if named & deed.objects or named <= _GENERIC | {deed.verb}:
        return True
    first = min((start for start, _ in negations(clause)), default=0)
    return deed.verb in {stem for _, stem in meanings(clause[first:])}


def _says_no(clause: str) -> bool:
    """Whether the clause denies something else than a control; a double negation is a yes."""
    told = sum(not _lacks_control(clause[end:], clause[start:end]) for start, end in negations(clause))
    return (told + len(_OFF.findall(clause))) % 2 == 1


def _lacks_control(behind: str, negation: str) -> bool:
    """Whether a negation is of a control, or of something that merely goes with the deed ("without a background")."""
    if negation.lower() == "without" and not _GERUND.match(behind):
        return True
    heads = [stem for _, stem in meanings(behind)]
    near = set(heads[:_HEAD])
    if negation.lower() in _OF_THINGS or not heads:
        return bool(near & _CONTROL)
    return heads[0] in _CONTROL or (heads[0] in _LIGHT and bool(near & _CONTROL))
