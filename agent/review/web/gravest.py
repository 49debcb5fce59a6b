"""Which threat counts: the one that the score rests on, and those that are graver and do not count."""

from decimal import Decimal
from typing import Final, NamedTuple

from agent.drafting.threats.headline import is_supported
from agent.records import Draft, Threat
from agent.report.sentences import if_clause, tenth
from agent.report.view import View
from agent.review.items import threats_of, with_basis
from agent.review.records import ReviewState
from agent.review.rescore import headline_of
from agent.review.web.shown_items import dom_id
from agent.scoring import severity

MOST_GRAVER: Final = 3
"""Of the threats above the headline those that are named; the table has all."""


class Gravest(NamedTuple):
    """A sentence on a threat: what is said before its name, between name and AIVSS, and behind that."""

    dom: str
    lead: str
    name: str
    """ "T1, “Prompt injection …”"; empty for a sentence about no threat, all of which is `rest`."""
    before: str
    aivss: str
    """Number and band; empty without a threat."""
    band: str
    rest: str
    """With marks of evidence."""
    headline: bool


def gravest(state: ReviewState) -> tuple[Gravest, ...]:
    """The headline's sentence, or why there is none, and one for each graver threat, the gravest first."""
    draft = state.reviewed
    view, first = View(draft), headline_of(draft)
    names = {placed.threat.id: placed.name for placed in view.threats}
    above = [
        placed.threat for placed in view.threats
        if (first is None or placed.threat.score.cvss_base > first.score.cvss_base)
        and placed.threat is not first
        and (first is not None or not with_basis(placed.threat).default_use)
    ]  # fmt: skip
    above.sort(key=lambda threat: -threat.score.cvss_base)
    own = names.get(first.id, first.id) if first else ""
    chosen = any(one.item.kind == "score" and (one.after or {}).get("headline") for one in state.items)
    lead = _headline(draft, first, own, chosen=chosen)
    return lead, *(_graver(threat, names[threat.id], own) for threat in above[:MOST_GRAVER])


def _headline(draft: Draft, first: Threat | None, name: str, *, chosen: bool) -> Gravest:
    score = draft.score
    if score.withheld:
        return Gravest("", "", "", "", "", "", f"No number is shown: {score.withheld}.", headline=True)
    if first is None or score.cvss_base is None or score.aivss is None:
        return Gravest("", "", "", "", "", "", "The score rests on no threat with a quote.", headline=True)
    added = f", and {tenth(score.aivss - score.cvss_base)} for its agentic factors" if score.aars is not None else ""
    rest = f" (CVSS base {tenth(score.cvss_base)}{added})."
    made = _told(first, name, f", {_standing(draft, first, chosen=chosen)}: AIVSS", rest, score.aivss)
    return made._replace(lead="The score rests on ", headline=True)


def _standing(draft: Draft, first: Threat, *, chosen: bool) -> str:
    """What makes it the headline."""
    own = with_basis(first)
    if own.basis == "assumed":
        return "an assumption, since no supported threat in default use was found"
    rivals = [with_basis(threat) for threat in threats_of(draft).values()]
    if any(is_supported(one) and one.score.cvss_base > first.score.cvss_base for one in rivals):
        return "which a reviewer chose" if chosen else "the threat that the drafter put first"
    inferred = ", how the attack gets in being inferred" if own.basis == "entry inferred" else ""
    return f"the gravest supported threat in default use{inferred}"


def _graver(threat: Threat, name: str, headline: str) -> Gravest:
    if threat.setting:
        why = f"It counts only {if_clause(threat.setting)}, which is not default use."
    elif threat.basis == "assumed":
        why = "It counts only if its assumption holds, and no quote says that it does."
    elif not threat.evidence:
        why = "It does not count while no quote supports it."
    elif not threat.default_use:
        why = "It does not count, since it is not default use."
    else:
        why = f"It does not count, since the score rests on {headline}."
    before = " is graver: AIVSS" if headline else " would be AIVSS"
    return _told(threat, name, before, f" (CVSS base {tenth(threat.score.cvss_base)}). {why}", threat.score.aivss)


def _told(threat: Threat, name: str, before: str, rest: str, aivss: Decimal) -> Gravest:
    band, dom = severity(aivss), dom_id(f"threat/{threat.id}")
    return Gravest(dom, "", f"{name}, “{threat.title}”", before, f"{tenth(aivss)} {band}", band, rest, headline=False)
