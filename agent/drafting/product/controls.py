"""Lists the controls that the sources claim, the part of the product that each belongs to, and whether it counts.

A control counts if its rank is 3 or more, it is on by default, and a shown threat's vector or the score with controls
takes it into account. Controls that are only recommended, off by default or unrelated are shown but have no effect.
"""

from typing import Final

from agent.drafting.judgement import Judgement, quotes_of, stands
from agent.drafting.score import counted_controls
from agent.drafting.threats.names import tags
from agent.drafting.threats.selection import Found
from agent.drafting.wording import capital, clause, default_of, noun, said_by
from agent.facts.sheet import counted
from agent.facts.vocabulary import load_vocabulary
from agent.records import ClaimedControl, Fact, FactSheet, Threat

COUNTED_RANK: Final = 3
MAX_CONTROLS: Final = 12
MAX_QUOTE_WORDS: Final = 40
_LIMITS: Final = frozenset({"read_only", "advises_only", "no_credentials", "per_user_identity", "data_stays_local"})
"""Keys of limits that are treated as controls."""


def claimed(sheet: FactSheet, found: Found, judgement: Judgement | None = None) -> tuple[ClaimedControl, ...]:
    """List at most twelve claimed controls, counted ones first, then by rank.

    If an LLM's control cites a fact, the LLM's text and part are used. The rank and whether the control counts always
    come from facts.
    """
    vocabulary = load_vocabulary()
    facts = [
        fact
        for fact in counted(sheet)
        if fact.polarity != "denied" and (vocabulary[fact.key].claim == "control" or fact.key in _LIMITS)
    ]
    rows = _judged(sheet, found, judgement, facts) if judgement else []
    taken = {key for row in rows for key in row.facts}
    rows += [_from_fact(fact, sheet, found) for fact in facts if fact.id not in taken]
    rows.sort(key=lambda row: (not row.counted, -row.rank))
    return tuple(rows[:MAX_CONTROLS])


def _from_fact(fact: Fact, sheet: FactSheet, found: Found) -> ClaimedControl:
    quote = next((item.quote for item in sheet.evidence if item.id == fact.evidence[0]), "")
    short = quote and len(quote.split()) <= MAX_QUOTE_WORDS
    counts, why = worth(fact, found, _with_score(sheet, found))
    return ClaimedControl(
        text=" ".join(quote.split()) if short else capital(clause(said_by(fact))),
        part=noun(fact, "part") or "not stated",
        rank=fact.rank,
        counted=counts,
        why=why,
        facts=(fact.id,),
        evidence=fact.evidence,
    )


def worth(fact: Fact, found: Found, with_score: frozenset[str] = frozenset()) -> tuple[bool, str]:
    """Return whether a control counts, and the reason in one sentence.

    `with_score` has the ids of the facts counted by the score with controls.
    """
    if load_vocabulary()[fact.key].group == "attests":
        return False, "It attests to how the vendor works and changes no metric."
    default = default_of(fact)
    if default is False:
        return False, "It is off unless somebody turns it on."
    if fact.rank < COUNTED_RANK:
        return False, "Claimed, but setting, default and scope are not documented together."
    threats = [placed.threat for placed in found.threats if _has(placed.threat, fact)]
    if threats:
        return True, f"Documented with its default; the vector of {tags(found)[threats[0].id]} takes it into account."
    if fact.id in with_score:
        return True, "On by default and about the headline: the score with controls takes it into account."
    if default is None:
        return False, "Its default is not stated."
    return False, "On by default, but it changes no metric of a threat that is shown."


def _with_score(sheet: FactSheet, found: Found) -> frozenset[str]:
    return frozenset(fact.id for fact in counted_controls(found, sheet))


def _has(threat: Threat, fact: Fact) -> bool:
    """Return whether the reasons for a threat's metrics cite the control's quote or fact."""
    words = {word.strip("().,;[]") for reason in threat.score.reasons.values() for word in reason.split()}
    if fact.key == "approval_before" and "/UI:A/" not in threat.score.cvss_vector:
        return False
    return bool(words & {fact.id, *fact.evidence})


def _judged(sheet: FactSheet, found: Found, judgement: Judgement | None, facts: list[Fact]) -> list[ClaimedControl]:
    if judgement is None:
        return []
    by_id = {fact.id: fact for fact in facts}
    rows: list[ClaimedControl] = []
    for control in judgement.controls:
        own = [by_id[key] for key in control.facts if key in by_id]
        if not own or not stands(sheet, judgement, control.text, control.facts, control.evidence):
            continue
        best = max(own, key=lambda fact: fact.rank)
        counts, why = worth(best, found, _with_score(sheet, found))
        rows.append(
            ClaimedControl(
                text=control.text,
                part=control.part or noun(best, "part") or "not stated",
                rank=best.rank,
                counted=counts,
                why=why,
                facts=tuple(fact.id for fact in own),
                evidence=quotes_of(sheet, control.facts, control.evidence),
            )
        )
    return rows
