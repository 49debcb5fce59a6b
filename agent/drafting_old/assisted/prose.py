"""What of an LLM's words may stand in a draft: what quotes about the product carry, without a verdict on it.

How grave a threat is and how safe a product is, code computes. A sentence that says "secure" or "low risk" is therefore
left out even when a quote says the same: the words of a vendor would become the draft's.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from agent.drafting_old.assisted.checking import (
    Carried,
    Checked,
    Shown,
    carried,
    dropped,
    holding,
    paragraph,
    sentences,
)
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.pack import Place
from agent.records import Dropped

_LEVEL: Final = r"(?:critical|severe|high|medium|moderate|low|lower|minimal|little|negligible|zero|no)"
_VERDICT: Final = re.compile(
    rf"\b(?:critical(?:ly)?|severe(?:ly)?|(?:in)?secure(?:d|ly)?|(?:un)?safe(?:r|st|ly)?|robust(?:ly|ness)?"
    rf"|harmless|trustworthy|bulletproof|hardened|enterprise-grade|military-grade|bank-grade|best-in-class"
    rf"|{_LEVEL}[ -](?:risks?|severity|threat|impact)|risk-free"
    rf"|(?:risks?|severity)\s+(?:is|are|remains?|stays?|seems?)\s+(?:\w+\s+){{0,2}}?{_LEVEL})\b",
    re.IGNORECASE,
)


NEAR: Final = 2
"""Sentences of a source between which "them" may point back."""
_BACK: Final = re.compile(
    r"^(?:(?:all|both|some|each|none|most|many|any) of (?:them|these|those)|they|both|these|those)\b"
    r"|\b(?:that|which|and|but) (?:they|these|those)\b|\bboth$",
    re.IGNORECASE,
)
"""What a sentence says of something that only another sentence names."""


class _Kept(NamedTuple):
    """A sentence that is told, by its place in the paragraph."""

    number: int
    sentence: str
    places: tuple[Place, ...]


def verdict_in(sentence: str) -> str | None:
    """The first words of a sentence that pass a verdict on risk or quality; None when there are none."""
    found = _VERDICT.search(sentence)
    return found[0] if found else None


def of_product(part: str, checked: Checked, shown: Shown) -> tuple[Checked, tuple[Dropped, ...]]:
    """`checked` with those claims that quotes about the product carry alone and that pass no verdict.

    Each claim keeps its places about the product only, and may fall from claimed to inferred by that. Everything else
    is listed, the claims that `checked` has lost included.
    """
    kept: list[Carried] = []
    lost = list(dropped(part, checked))
    for claim in checked.claims:
        outcome = _own(claim, shown)
        if isinstance(outcome, Carried):
            kept.append(outcome)
        else:
            lost.append(unused(part, claim, outcome))
    return checked._replace(claims=tuple(kept)), tuple(lost)


def unused(part: str, claim: Carried, reason: str) -> Dropped:
    """A claim that holds and is still not used, as the draft lists it."""
    return Dropped(what=f"claim of the LLM, {part}: {claim.text}", reason=reason)


def told(text: str, checked: Checked, shown: Shown, ledger: Ledger, most: int) -> tuple[str, tuple[str, ...]]:
    """At most `most` sentences of an LLM's paragraph that hold, each with its marks; else as many of its claims.

    A sentence that speaks of "them" is told only behind the one that it speaks of. Give it claims that `of_product`
    left. Both are empty when there is none.
    """
    kept: list[_Kept] = []
    for number, sentence in enumerate(sentences(text)):
        places = () if verdict_in(sentence) else holding(sentence, checked, shown)
        if places and (not _BACK.search(sentence) or (kept and _follows(kept[-1], number, places))):
            kept.append(_Kept(number, sentence, places))
    if kept:
        return paragraph(" ".join(row.sentence for row in kept[:most]), checked, shown, ledger)
    claims = [claim for claim in checked.claims if not _BACK.search(claim.text)] or checked.claims
    return paragraph("", checked._replace(claims=tuple(claims[:most])), shown, ledger)


def _follows(before: _Kept, number: int, places: Sequence[Place]) -> bool:
    """Whether a sentence stands right behind another one in the paragraph, and its quotes near the other's."""
    return before.number == number - 1 and any(
        one.document == other.document and abs(one.statement - other.statement) <= NEAR
        for one in before.places
        for other in places
    )


def _own(claim: Carried, shown: Shown) -> Carried | str:
    """The claim by its quotes about the product alone, or why it is not used."""
    verdict = verdict_in(claim.text)
    if verdict is not None:
        return f"passes a verdict, which is the program's to compute: {verdict}"
    own = tuple(place for place in claim.places if place.about == "product")
    if own == claim.places:
        return claim
    state = carried(claim.text, own, shown)
    return (
        "not carried by quotes about the product alone" if isinstance(state, tuple) else Carried(claim.text, own, state)
    )
