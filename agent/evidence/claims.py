"""Claims are not facts: which sentences say how safe the product is instead of what it does.

A *claim* puts the product in a good light without placing it: somebody approves, something is capped, certified,
safe, private, kept apart, watched, or will be. A *description* says what the product does, has, reads, keeps or
cannot do, in words of its own ("read-only access to the calendar", "tokens are checked as JWTs"), and places an
estimate up or down. The border:

- Approval, certification, safety and praise are claims wherever nothing else is told.
- Limits, privacy, isolation and monitoring are claims where the sentence names no mechanism, product or identifier and
  the product does nothing else in it. That they are planned makes them no less so.
- A bare denial or limit ("deletion is disabled", "no customer data is stored") of rank 2 and below lowers nothing
  beyond what silence gives: where the sources show the deed it is a contradiction and the worse reading stands; where
  they do not there is nothing for it to lower. What a listing opens with says what the product is: no such denial.
- A verdict on the product's own risk ("an assessment rated its autonomy as minimal") is a claim, and so are words that
  are only repeated to be found.
- A sentence that says a control is missing ("runs without asking") is never a claim: it can only raise a risk.

A claim of rank 2 and below may be quoted for a control and for nothing else, and such a control lowers nothing. From
rank 3 on it counts (see `agent.evidence.statements`).
"""

import re
from functools import lru_cache
from typing import Final

from agent.evidence.claim_words import (
    ABSOLUTE,
    ACTIVE,
    ANNOUNCED,
    APART,
    APPROVAL,
    ASSENT,
    BOUNDED,
    CALMING,
    CERTIFIED,
    CLAUSES,
    DISCREET,
    DOUBLE,
    EYED,
    FENCED,
    FUTURE,
    GOVERNED,
    HAZARD,
    KNOWN_NAMES,
    LEADING,
    LEGAL,
    LIMITED,
    LOGGED,
    MECHANISM,
    MISSING,
    NAME,
    PLACES,
    PRIVATE,
    PROMISES,
    QUALITY,
    UNLESS,
    VOUCHED,
    WARDED,
    WATCHED,
)
from agent.evidence.sorts import does_something

COUNTING_RANK: Final = 3
"""From this rank a control may lower something."""

_CAPITALISED: Final = 0.5
"""A line with this share of capitalised words is a title: its capitals name nothing."""
_SHORT: Final = 12
_ASIDE: Final = 6
"""A clause of more words that is no claim tells something."""
_LEAD_IN: Final = 2
"""A clause of so few words names what the next one is about ("Phone calls: only with …")."""
_REMEMBERED: Final = 10_000
"""Sentences whose verdict is kept: the intake asks of each what the drafter asks again."""
_STRONG: Final = (APPROVAL, CERTIFIED, QUALITY, HAZARD, CALMING)
_WEAK: Final = (LIMITED, PRIVATE, APART, WATCHED, ASSENT, DISCREET, FENCED, EYED, BOUNDED, VOUCHED)


# What a tool list's annotations say in a tool's favour: nobody holds a server to them.
_HINT: Final = re.compile(
    r"\bvendor's own hint about \S+ "
    r"(?:readOnlyHint true|destructiveHint false|idempotentHint true|openWorldHint false),"
)


_RATING: Final = re.compile(
    r"\b(?:threat model|(?:risk|security|safety) (?:assessment|review|evaluation|analysis|audit)|assessors?"
    r"|auditors?)\b"
    r"[^.!?]{0,80}\b(?:rated?|scored?|graded?|classified|found|concluded|judged|called|put)\b"
    r"[^.!?]{0,120}\b(?:minimal|negligible|low|lowest|none|harmless|no (?:risk|threats?)|zero|0(?:\.\d)?)\b"
    r"|\baivss\b"
    r"|\b(?:found|revealed) (?:zero|no|not a single|0) (?:\w+ ){0,2}?"
    r"(?:issues?|findings?|vulnerabilit(?:y|ies)|flaws?|weakness(?:es)?|problems?|risks?|incidents?)\b"
    r"|\b(?:zero|no) (?:\w+ ){0,2}?(?:issues?|findings?|vulnerabilit(?:y|ies)|flaws?|weaknesses) (?:were|was) found\b",
    re.IGNORECASE,
)
"""A verdict on the product's own risk, whoever is said to have given it: that is to be found out, and no evidence."""
_REPEATS: Final = 3


@lru_cache(maxsize=_REMEMBERED)
def is_claim(text: str) -> bool:
    """Whether a sentence, list item or table row is a claim and nothing else, from its words alone (see the module)."""
    if _HINT.search(text) or (len(text.split()) <= _SHORT and _is_planned(text)):
        return True
    if _RATING.search(text) or _is_stuffed(text):
        return True
    found = False
    for part in CLAUSES.split(text):
        clause = LEADING.sub("", part).strip(" *_>#-|\"'“”")
        verdict = _judge(clause)
        if verdict is False:
            return False
        found = found or bool(verdict)
    return found


def _is_stuffed(text: str) -> bool:
    """Whether words stand there to be found: three or more that are said twice in a row tell nothing."""
    said = [word.strip(".,;:").casefold() for word in text.split()]
    runs = sum(
        said[at : at + size] == said[at + size : at + 2 * size]
        for size in (1, 2)
        for at in range(len(said) - 2 * size + 1)
    )
    return runs >= _REPEATS


def _judge(clause: str) -> bool | None:
    """True for a claim, False for a description, None for a clause that is neither."""
    lacking = MISSING.search(clause) or UNLESS.search(clause)
    if PLACES.search(clause) or (lacking and not DOUBLE.search(clause)):
        return False
    if _is_planned(clause):
        return True
    words = len(clause.split())
    weak = any(topic.search(clause) for topic in _WEAK) or _is_recorded(clause)
    if not weak and words > _ASIDE and not any(topic.search(clause) for topic in _STRONG):
        # All that follows needs a topic; most text of a page has none, and need not be searched for names and deeds.
        return False
    mechanism = bool(MECHANISM.search(LEGAL.sub(" ", clause)))
    concrete = mechanism or _names_something(LEGAL.sub(" ", clause))
    rest = _without_topics(LEGAL.sub(" ", clause))
    acts = does_something(rest)
    ruled = GOVERNED.search(clause) or ABSOLUTE.search(clause)
    if APPROVAL.search(clause) and not mechanism and (ruled or (not acts and not concrete)):
        return True
    if CERTIFIED.search(clause) and not mechanism and (not acts or ABSOLUTE.search(clause)):
        return True
    praised = bool(
        QUALITY.search(clause) or CALMING.search(clause) or (HAZARD.search(clause) and WARDED.search(clause))
    )
    if praised and not mechanism and (not acts or (not concrete and not ACTIVE.search(rest))):
        return True
    if weak and not concrete and not ACTIVE.search(rest):
        return True
    return False if concrete or words > _ASIDE or (acts and words > _LEAD_IN) else None


def _is_planned(text: str) -> bool:
    return bool(PROMISES.search(text) and (ANNOUNCED.search(text) or FUTURE.search(text)))


def _is_recorded(clause: str) -> bool:
    """Whether a short clause says of everything, or of the future, that it is recorded."""
    told = len(clause.split()) <= _SHORT and (ABSOLUTE.search(clause) or FUTURE.search(clause))
    return bool(told and LOGGED.search(clause))


def _without_topics(clause: str) -> str:
    for topic in (*_STRONG, *_WEAK):
        clause = topic.sub(" ", clause)
    return clause


def _names_something(clause: str) -> bool:
    """Whether a proper name stands in it, certificates and laws apart."""
    words = re.findall(r"[A-Za-z]{2,}", clause)
    if words and sum(word[0].isupper() for word in words) >= _CAPITALISED * len(words):
        return False
    return any(not KNOWN_NAMES.fullmatch(name.group()) for name in NAME.finditer(clause))
