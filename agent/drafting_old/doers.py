"""Who does what a verb says, the product, its user, or somebody else; and under which condition."""

import re
from collections.abc import Sequence
from typing import Final, Literal

from agent.drafting_old.inflection import listed, singular
from agent.drafting_old.phrases import DETERMINERS, PREPOSITIONS, Token, Verb

_LETS_REACH: Final = 9
PEOPLE: Final = listed(
    "user person people developer customer clinician physician doctor lawyer attorney team staff company vendor "
    "author readme documentation doc project maintainer admin administrator you we operator studio merchant "
    "founder engineer analyst student teacher reader someone nobody organisation organization owner employee "
    "caller visitor client's patient researcher scientist designer trader investor seller marketer creator "
    "practitioner business firm school parent therapist owner recipient reviewer guide publisher subscriber "
    "community rider passenger agency hospital buyer designer musician writer deployer human anyone member they "
    "regulator paper who fan learner page site note"
)
_LETS: Final = listed("let lets letting help helps helping allow allows allowing enable enables enabling so")
_AFTER_WHICH_BASE: Final = listed("to can may will could might must should would cannot not then also that which")
_CAN: Final = frozenset(("can", "may"))
_USERS: Final = listed("user users developer developers customer customers client clients team teams you person people")
_SETUP: Final = listed("means involves requires require needs setup installation installing avoid avoids skip besides")
_BY_PEOPLE_REACH: Final = 4
Doer = Literal["product", "user", "bystander"]
CHAIN: Final = frozenset((",", "and", "or", "then", "&", "/"))
SUBORDINATE: Final = listed("that which who when while where if because whether until before after how what whose")
HARD: Final = frozenset(".;:()!?—–")
CLAUSE_WORDS: Final = 14

_CONDITION: Final = re.compile(
    r"(?P<off>\b(?:off|disabled|inactive|not loaded|not enabled|hidden) (?:by default|until|unless)"
    r"|\bopt[- ]in\b|\bwhen (?:the mode is off|enabled|switched on"
    r"|allowed|permitted|configured)\b|\bif (?:enabled|switched on|permitted|allowed|configured|granted)\b"
    r"|\bmakes? writes available|\bonly (?:when|if|with)\b)"
    r"|(?P<planned>\b(?:planned|roadmap|coming soon|experimental|was to|were to|not yet)\b)"
    r"|(?P<optional>\boptional(?:ly)?\b)",
    re.I,
)
_CONDITION_WORDS: Final = {"off": "only when enabled", "planned": "planned or experimental", "optional": "optional"}
_INSIDE: Final = re.compile(
    r"\b(?:on|at|during) (?:start-?up|launch|build|install(?:ation)?)\b|\bat build time\b|\bwhen it starts\b"
    r"|\bits (?:build|release|own tests?|test suite)\b|\bcontributors?\b|\bunder the hood\b",
    re.I,
)
"""Words of a sentence about a step inside the product or at its vendor, not something done for a caller."""
_SILENT: Final = re.compile(
    r"\b(?:(?:is|are|was|were) not (?:said|stated|described|covered|mentioned|documented|named|given|known)"
    r"|nothing is said|not covered by|says nothing"
    r"|no (?:information|details?) (?:is|are|on|about)|(?:the|this) (?:listing|page|material|text|sources?"
    r"|entry) (?:names?|describes?|says?|shows?|gives?|does|do))\b",
    re.I,
)
"""A sentence about what the sources leave out."""


def is_aside(text: str) -> bool:
    """Whether a sentence tells what the sources leave out, or a step inside the product that nobody asked for."""
    return bool(_SILENT.search(text) or _INSIDE.search(text))


def condition_of(text: str) -> str | None:
    """ "only when enabled", "planned or experimental" or "optional" when a sentence says so."""
    found = _CONDITION.search(text)
    return _CONDITION_WORDS[found.lastgroup or "optional"] if found else None


def made_with(behind: Sequence[Token]) -> bool:
    """Whether the words behind a passive tell how its makers made something ("in Go", "on top of", "for Node")."""
    first = behind[0].low if behind else ""
    return first in ("for", "on") or (first in ("in", "with", "to") and behind[-1].text[0].isupper())


def doer_of(words: Sequence[Token], verb: Verb) -> Doer:
    """Who does it: the product, a user of whom the text says "can", or a bystander (a person, the vendor)."""
    if not _by_bystander(words, verb):
        return "product"
    nearest = [w.low for w in words[max(verb.at - 6, 0) : verb.at]]
    return "user" if _CAN & set(nearest) and _USERS & set(nearest) else "bystander"


def _by_bystander(words: Sequence[Token], verb: Verb) -> bool:
    first = max(verb.at - CLAUSE_WORDS, 0)
    clause = list(words[first : verb.at])
    for place in range(len(clause) - 1, -1, -1):
        if clause[place].low in HARD:
            clause = clause[place + 1 :]
            break
    if [w.low for w in clause[-2:]] == ["how", "to"]:
        return True
    reach = clause[-_LETS_REACH:]
    lets = [place for place, word in enumerate(reach) if word.low in _LETS]
    if lets and not (reach[lets[-1]].low == "so" and any(singular(w.low) in PEOPLE for w in reach[lets[-1] :])):
        return False
    if verb.form == "ing":
        return bool(clause) and clause[-1].low in _SETUP
    if verb.form == "ed":
        return any(singular(w.low) in PEOPLE for w in _by(words, verb.after))
    if verb.form == "base" and clause and clause[-1].low not in _AFTER_WHICH_BASE and clause[-1].low not in CHAIN:
        plural = [w.low for w in clause if w.low.endswith("s") and singular(w.low) in PEOPLE]
        if plural:
            return True
    for word in reversed(clause):
        low = word.low
        if singular(low) in PEOPLE or low in PEOPLE:
            return True
        if low in SUBORDINATE or low in PREPOSITIONS or low in CHAIN:
            if low in ("to", "that", "which", *CHAIN):
                continue
            return False
        if (
            low not in DETERMINERS
            and not low.endswith("ly")
            and low not in ("can", "may", "will", "could", "must", "also", "then", "not", "would")
        ):
            return _subject_is_object_of_person(clause, word)
    return False


def _subject_is_object_of_person(clause: Sequence[Token], nearest: Token) -> bool:
    """ "developers use the SDK to build": an infinitive belongs to the person in front of it."""
    after = [w.low for w in clause if w.start > nearest.start]
    return "to" in after and any(singular(w.low) in PEOPLE for w in clause)


def _by(words: Sequence[Token], at: int) -> Sequence[Token]:
    behind = words[at : at + _BY_PEOPLE_REACH]
    return behind[1:] if behind and behind[0].low == "by" else ()
