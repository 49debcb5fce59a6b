"""Who does what a verb says: the product, its user, or somebody else."""

from collections.abc import Sequence
from typing import Final, Literal

from agent.drafting.inflection import listed, singular
from agent.drafting.phrases import DETERMINERS, PREPOSITIONS, Token, Verb

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
_CAN: Final = frozenset(("can", "may"))
_USERS: Final = listed("user users developer developers customer customers client clients team teams you person people")
_SETUP: Final = listed("means involves requires require needs setup installation installing avoid avoids skip besides")
_BY_PEOPLE_REACH: Final = 4
Doer = Literal["product", "user", "bystander"]
CHAIN: Final = frozenset((",", "and", "or", "then", "&", "/"))
SUBORDINATE: Final = listed("that which who when while where if because whether until before after how what whose")
HARD: Final = frozenset(".;:()!?—–")
CLAUSE_WORDS: Final = 14


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
    if any(word.low in _LETS for word in clause[-_LETS_REACH:]):
        return False
    if verb.form == "ing":
        return bool(clause) and clause[-1].low in _SETUP
    if verb.form == "ed":
        return any(singular(w.low) in PEOPLE for w in _by(words, verb.after))
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
