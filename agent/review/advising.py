"""The proposal that ends the first page, after threats were struck, added or given another severity in review."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from agent.drafting.advice import proposal_of
from agent.records import Advice, Condition, Draft, Residual, Threat
from agent.review.items import threats_of

_ORDER: Final = ("use", "use with conditions", "wait for answers")


def advised(drafted: Draft, reviewed: Draft) -> Draft:
    """`reviewed` with its advice drawn from the threats that it holds; as it was where none of them moved.

    What a condition leaves of a threat is known for the drafted vector alone, so a threat with another vector, or one
    that was added, counts as not eased: what remains is never less than a new draft of the same threats would say.
    """
    advice = reviewed.advice
    if advice is None:
        return reviewed
    was, now = threats_of(drafted), threats_of(reviewed)
    same = {name for name in now if name in was and _measured(now[name]) == _measured(was[name])}
    conditions, residual = advice.conditions, advice.residual
    if len(same) < max(len(was), len(now)):
        conditions = tuple(made for each in conditions if (made := _standing(each, now, same)) is not None)
        residual = _residual(drafted, now, same, conditions)
    before = drafted.advice
    own = proposal_of(reviewed.score, residual, asked=bool(reviewed.questions))
    if before is not None and before.proposal != proposal_of(
        drafted.score, before.residual, asked=bool(drafted.questions)
    ):
        # An LLM was more careful than the numbers are, and stays so.
        own = max(own, before.proposal, key=_ORDER.index)
    new = Advice(proposal=own, conditions=conditions, residual=residual, law=advice.law)
    return reviewed if new == advice else reviewed.model_copy(update={"advice": new})


def _measured(threat: Threat) -> tuple[str, bool]:
    return threat.score.cvss_vector, threat.default_use


def _standing(condition: Condition, now: Mapping[str, Threat], same: set[str]) -> Condition | None:
    """The condition with the threats that are left; None when none of those that it named is."""
    threats = tuple(name for name in condition.threats if name in now)
    if condition.threats and not threats:
        return None
    after = {name: base for name, base in condition.after.items() if name in same}
    return condition.model_copy(update={"threats": threats, "after": after})


def _residual(
    drafted: Draft, now: Mapping[str, Threat], same: set[str], conditions: tuple[Condition, ...]
) -> Residual | None:
    usual = [threat for threat in now.values() if threat.default_use]
    if not usual:
        return None
    before = drafted.advice.residual if drafted.advice else None

    def left(threat: Threat) -> Decimal:
        bases = [threat.score.cvss_base, *(each.after[threat.id] for each in conditions if threat.id in each.after)]
        # The drafted residual is the highest of all with every condition in place: none was higher.
        bases += [before.after] if before is not None and threat.id in same else []
        return min(bases)

    last = max(usual, key=lambda threat: (left(threat), threat.score.cvss_base))
    return Residual(before=max(threat.score.cvss_base for threat in usual), after=left(last), threat=last.id)
