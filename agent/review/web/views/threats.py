"""The threats of a review: the headline, the more severe threats that do not count, and the table of all threats.

The table lists the current threats by CVSS base, most severe first, followed by threats that were struck or removed
along with a fact.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from agent.drafting.threats.cvss_vectors import base_of
from agent.drafting.threats.headline import is_supported
from agent.records import Draft, Threat
from agent.report.sentences import if_clause, tenth
from agent.report.view import View
from agent.review.domain.items import threats_of, with_basis
from agent.review.domain.mitigations import work_of
from agent.review.domain.records import ReviewState
from agent.review.domain.rescore import headline_of
from agent.review.web.views.items import ItemView, basis_of
from agent.taxonomy.layers import LAYERS, LayerKey

MOST_GRAVER: Final = 3
"""Maximum number of threats above the headline that are mentioned; the table lists all of them."""
_LEFT_OUT: Final = "Left out"
"""The verdict on a threat that was removed along with a fact; nobody struck the threat itself."""


class Gravest(NamedTuple):
    """A sentence about a threat in parts: before its name, between name and AIVSS, and after the AIVSS."""

    rest: str
    """The end of the sentence, with marks of evidence; the whole sentence if there is no threat."""
    threat: Threat | None = None
    aivss: Decimal = Decimal(0)
    name: str = ""
    """The name of the threat in the review, such as T1."""
    lead: str = ""
    before: str = ""
    headline: bool = True


def gravest(state: ReviewState) -> tuple[Gravest, ...]:
    """Return a sentence on the headline, or on why there is none, then one on each threat above it."""
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
    graver = (
        Gravest(
            f" (CVSS base {tenth(threat.score.cvss_base)}). {_why_not(threat, own)}", threat, threat.score.aivss,
            names[threat.id], before=" is more severe: AIVSS" if own else " would have AIVSS", headline=False,
        )
        for threat in above[:MOST_GRAVER]
    )  # fmt: skip
    chosen = any(one.item.kind == "score" and (one.after or {}).get("headline") for one in state.items)
    return _headline(draft, first, own, chosen=chosen), *graver


def _headline(draft: Draft, first: Threat | None, name: str, *, chosen: bool) -> Gravest:
    score = draft.score
    if score.withheld:
        return Gravest(f"No score is shown: {score.withheld}.")
    if first is None or score.cvss_base is None or score.aivss is None:
        return Gravest("The score does not rest on any threat with a quote.")
    own, rivals = with_basis(first), [with_basis(threat) for threat in threats_of(draft).values()]
    inferred = " (how the attack gets in is inferred)" if own.basis == "entry inferred" else ""
    why = f"the most severe supported threat in default use{inferred}"
    if own.basis == "assumed":
        why = "an assumption, because no supported threat in default use was found"
    elif any(is_supported(one) and one.score.cvss_base > first.score.cvss_base for one in rivals):
        why = "which a reviewer chose" if chosen else "the threat that the drafter put first"
    added = f", plus {tenth(score.aivss - score.cvss_base)} for agentic factors" if score.aars is not None else ""
    rest = f" (CVSS base {tenth(score.cvss_base)}{added})."
    return Gravest(rest, first, score.aivss, name, "The score rests on ", f", {why}: AIVSS")


def _why_not(threat: Threat, headline: str) -> str:
    """Explain why a more severe threat does not count."""
    if threat.setting:
        return f"It counts only {if_clause(threat.setting)}, which is not default use."
    if threat.basis == "assumed":
        return "It counts only if its assumption is correct, and no quote supports that."
    if not threat.evidence:
        return "It does not count until a quote supports it."
    if not threat.default_use:
        return "It does not count, because it is not default use."
    return f"It does not count, because the score rests on {headline}."


class ThreatRow(NamedTuple):
    """A threat in the table."""

    item: ItemView
    tag: str
    layer: LayerKey
    base: Decimal
    threat: Threat | None
    basis: str
    verdict: str
    verdict_words: str
    owner: str = ""
    headline: bool = False
    out: bool = False
    """Whether the threat was struck or removed along with a fact, so that it does not count and has no AIVSS."""

    @classmethod
    def of(cls, item: ItemView, tag: str, layer: LayerKey, base: Decimal, threat: Threat | None) -> "ThreatRow":
        """Create the row of a threat that counts."""
        basis = f"if {threat.setting}" if threat and threat.setting else basis_of(threat) if threat else ""
        return cls(item, tag, layer, base, threat, basis, item.verdict, item.verdict_words)


def threat_rows(state: ReviewState, view: View, views: Mapping[str, ItemView]) -> tuple[ThreatRow, ...]:
    """Build the rows of the table; threats with equal bases keep the report's order. `view` shows the reviewed draft,
    `views` are the items by id."""
    owners: dict[str, dict[str, None]] = {}
    for work in work_of(state):
        if work.owner:
            owners.setdefault(work.threat, {}).setdefault(work.owner)
    first = headline_of(state.reviewed)
    rows = []
    for placed in view.threats:
        one = placed.threat
        row = ThreatRow.of(views[f"threat/{one.id}"], placed.name, placed.layer, one.score.cvss_base, one)
        leads = first is not None and first.id == one.id
        rows.append(row._replace(owner=", ".join(owners.get(one.id, ())), headline=leads))
    out = _left_out(state, views)
    return (*sorted(rows, key=lambda row: -row.base), *sorted(out, key=lambda row: -row.base))


def _left_out(state: ReviewState, views: Mapping[str, ItemView]) -> Iterator[ThreatRow]:
    """Yield the rows of threats that were struck or removed along with a fact."""
    known = {**threats_of(state.drafted), **threats_of(state.based)}
    for one in state.items:
        item, name = one.item, one.item.id.partition("/")[2]
        layer = next((key for key in LAYERS if key == item.section), None)
        if item.kind != "threat" or layer is None or not (one.verdict == "struck" or one.fell):
            continue
        threat, vector = known.get(name), (one.after or {}).get("cvss_vector")
        base = base_of(str(vector)) if vector else threat.score.cvss_base if threat else None
        if base is None:
            continue
        words = _LEFT_OUT if one.fell else views[item.id].verdict_words
        yield ThreatRow.of(views[item.id], state.tag(name), layer, base, threat)._replace(
            verdict="struck", verdict_words=words, out=True
        )
