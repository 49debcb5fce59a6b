"""List the controls that the sources claim, the part of the product that each belongs to, and whether it counts.

A control counts if its rank is 3 or more, it is on by default, and a shown threat's vector or the score with controls
takes it into account. Controls that are only recommended, off by default or unrelated are shown but have no effect.
"""

from typing import Final

from agent.drafting.judgement import Given
from agent.drafting.score import counted_controls
from agent.drafting.threats.selection import Found
from agent.drafting.wording import capital, default_of, noun, said_by
from agent.facts.sheet import CONTROL_RANK, counted
from agent.facts.vocabulary import load_vocabulary
from agent.records import ClaimedControl, Fact, Threat

MAX_CONTROLS: Final = 12
MAX_QUOTE_WORDS: Final = 40
_LIMITS: Final = frozenset({"read_only", "advises_only", "no_credentials", "per_user_identity", "data_stays_local"})
"""Keys of limits that are treated as controls."""


def claimed(given: Given, found: Found) -> tuple[ClaimedControl, ...]:
    """List at most twelve claimed controls, counted ones first, then by rank.

    If an LLM's control cites a fact, the LLM's text and part are used. The rank and whether the control counts always
    come from facts.
    """
    vocabulary = load_vocabulary()
    facts = {
        fact.id: fact
        for fact in counted(given.sheet)
        if fact.polarity != "denied" and (vocabulary[fact.key].claim == "control" or fact.key in _LIMITS)
    }
    with_score = frozenset(fact.id for fact in counted_controls(found, given.sheet))
    quotes = {item.id: item.quote for item in given.sheet.evidence}
    told = [
        (control.text, control.part, own, given.quotes(control.facts, control.evidence))
        for control in given.judgement.controls
        if (own := [facts[key] for key in control.facts if key in facts])
        and given.stands(control.text, control.facts, control.evidence)
    ]
    for fact in facts.values():
        if not any(fact in own for _, _, own, _ in told):
            words = quotes.get(fact.evidence[0], "").split()
            short = 0 < len(words) <= MAX_QUOTE_WORDS
            text = " ".join(words) if short else capital(said_by([fact], [fact.id]).clause)
            told.append((text, "", [fact], fact.evidence))
    rows = []
    for text, part, own, evidence in told:
        best = max(own, key=lambda fact: fact.rank)
        counts, why = worth(best, found, with_score)
        rows.append(
            ClaimedControl(
                text=text,
                part=part or noun(best, "part") or "not stated",
                rank=best.rank,
                counted=counts,
                why=why,
                facts=tuple(fact.id for fact in own),
                evidence=evidence,
            )
        )
    rows.sort(key=lambda row: (not row.counted, -row.rank))
    return tuple(rows[:MAX_CONTROLS])


def worth(fact: Fact, found: Found, with_score: frozenset[str]) -> tuple[bool, str]:
    """Return whether a control counts, and the reason in one sentence.

    `with_score` contains the ids of the facts that the score with controls counts.
    """
    if load_vocabulary()[fact.key].group == "attests":
        return False, "It describes how the vendor works and changes no metric."
    default = default_of(fact)
    if default is False:
        return False, "It is off by default."
    if fact.rank < CONTROL_RANK:
        return False, "Claimed, but its setting, default and scope are not all documented."
    if threats := [placed.threat for placed in found.threats if _has(placed.threat, fact)]:
        return True, f"Documented with its default; the vector of {found.tags[threats[0].id]} takes it into account."
    if fact.id in with_score:
        return True, "On by default and relevant to the headline; the score with controls takes it into account."
    if default is None:
        return False, "Its default is not stated."
    return False, "On by default, but it changes no metric of any threat shown."


def _has(threat: Threat, fact: Fact) -> bool:
    """Return whether a reason for one of the threat's metrics cites the control's quote or fact."""
    words = {word.strip("().,;[]") for reason in threat.score.reasons.values() for word in reason.split()}
    if fact.key == "approval_before" and "/UI:A/" not in threat.score.cvss_vector:
        return False
    return bool(words & {fact.id, *fact.evidence})
