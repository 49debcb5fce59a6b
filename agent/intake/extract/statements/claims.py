"""Recognises sentences that say how safe the product is instead of what it does.

A *claim* puts the product in a good light without moving an estimate: something is approved, capped, certified, safe,
private, isolated or monitored, or will be. A *description* says in specific words what the product does, has, reads,
keeps or cannot do ("read-only access to the calendar", "tokens are checked as JWTs"), and moves an estimate up or down.
These rules distinguish the two:

- Approval, certification, safety and praise are claims if the sentence says nothing else.
- Limits, privacy, isolation and monitoring are claims if the sentence names no mechanism, product or identifier and
  the product does nothing else in it. Planned ones are claims as well.
- A bare denial or limit ("deletion is disabled", "no customer data is stored") of rank 2 and below lowers nothing
  compared with silence. If the sources show the action, the two contradict and the worse reading applies; if not,
  there is nothing to lower. The opening of a listing says what the product is, so it is not such a denial.
- A verdict on the product's own risk ("an assessment rated its autonomy as minimal") is a claim, and so is keyword
  stuffing.
- A sentence that says a control is missing ("runs without asking") is never a claim: it can only raise a risk.

A claim of rank 2 and below may be quoted only for a control, and such a control lowers nothing. From rank 3 on it
counts (see `agent.intake.extract.statements.split`).
"""

import re
from functools import lru_cache
from typing import Final

from agent.intake.extract.statements.sorts import does_something
from agent.intake.vocabulary import patterns

COUNTING_RANK: Final = 3
"""The minimum rank at which a control may lower a risk."""

_CAPITALISED: Final = 0.5
"""Minimum share of capitalised words for a line to count as a title."""
_SHORT: Final = 12
_ASIDE: Final = 6
"""A longer clause, in words, that is not a claim is a description."""
_LEAD_IN: Final = 2
"""A clause of at most this many words introduces the next clause ("Phone calls: only with …")."""
_REMEMBERED: Final = 10_000
"""Number of sentences whose verdict is cached, since both the intake and the drafter request each verdict."""
_IS: Final = patterns(__file__)
_STRONG: Final = tuple(_IS[name] for name in ("approval", "certified", "quality", "hazard", "calming"))
_WEAK: Final = tuple(pattern for name, pattern in _IS.items() if name.startswith("weak_"))
_REPEATS: Final = 3


@lru_cache(maxsize=_REMEMBERED)
def is_claim(text: str) -> bool:
    """Return whether a sentence, list item or table row is nothing but a claim, by its words alone (see the module)."""
    if _IS["hint"].search(text) or (len(text.split()) <= _SHORT and _is_planned(text)):
        return True
    # A text is keyword-stuffed if several runs of words are immediately repeated.
    said = [word.strip(".,;:").casefold() for word in text.split()]
    runs = sum(
        said[at : at + size] == said[at + size : at + 2 * size]
        for size in (1, 2)
        for at in range(len(said) - 2 * size + 1)
    )
    if runs >= _REPEATS or _IS["rating"].search(text):
        return True
    found = False
    for part in _IS["clauses"].split(text):
        verdict = _judge(_IS["leading"].sub("", part).strip(" *_>#-|\"'“”"))
        if verdict is False:
            return False
        found = found or bool(verdict)
    return found


def _judge(clause: str) -> bool | None:
    """Return True for a claim, False for a description, None for a clause that is neither."""
    lacking = _IS["missing"].search(clause) or _IS["unless"].search(clause)
    if _IS["places"].search(clause) or (lacking and not _IS["double"].search(clause)):
        return False
    if _is_planned(clause):
        return True
    words = len(clause.split())
    # A short clause that says that everything is recorded, or that something will be.
    recorded = (
        words <= _SHORT
        and (_IS["absolute"].search(clause) or _IS["future"].search(clause))
        and _IS["logged"].search(clause)
    )
    weak = bool(recorded) or any(topic.search(clause) for topic in _WEAK)
    if not weak and words > _ASIDE and not any(topic.search(clause) for topic in _STRONG):
        # All further checks need a topic. Most text has none, so the search for names and actions is skipped.
        return False
    rest = plain = _IS["legal"].sub(" ", clause)
    mechanism = bool(_IS["mechanism"].search(plain))
    # In a title, capitals do not mark names.
    letters = re.findall(r"[A-Za-z]{2,}", plain)
    titled = bool(letters) and sum(word[0].isupper() for word in letters) >= _CAPITALISED * len(letters)
    concrete = mechanism or (
        not titled and any(not _IS["known_names"].fullmatch(name[0]) for name in _IS["name"].finditer(plain))
    )
    for topic in (*_STRONG, *_WEAK):
        rest = topic.sub(" ", rest)
    acts = does_something(rest)
    ruled = _IS["governed"].search(clause) or _IS["absolute"].search(clause)
    if _IS["approval"].search(clause) and not mechanism and (ruled or (not acts and not concrete)):
        return True
    if _IS["certified"].search(clause) and not mechanism and (not acts or _IS["absolute"].search(clause)):
        return True
    praised = (
        _IS["quality"].search(clause)
        or _IS["calming"].search(clause)
        or (_IS["hazard"].search(clause) and _IS["warded"].search(clause))
    )
    if praised and not mechanism and (not acts or (not concrete and not _IS["active"].search(rest))):
        return True
    if weak and not concrete and not _IS["active"].search(rest):
        return True
    return False if concrete or words > _ASIDE or (acts and words > _LEAD_IN) else None


def _is_planned(text: str) -> bool:
    return bool(_IS["promises"].search(text) and (_IS["announced"].search(text) or _IS["future"].search(text)))
