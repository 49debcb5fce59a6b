"""The threats of a review: the headline, the graver threats that do not count, and the table of all threats.

The table lists the current threats by CVSS base, the gravest first, followed by threats that were struck or fell with a
fact.
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
from agent.review.web.views.items import ItemView, basis_of, dom_id
from agent.scoring import severity
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LAYERS, LayerKey

MOST_GRAVER: Final = 3
"""The number of threats above the headline that are named; the table lists all."""


class Gravest(NamedTuple):
    """A sentence about a threat in parts: before its name, between name and AIVSS, and after the AIVSS."""

    dom: str
    lead: str
    name: str
    """For example "T1, “Prompt injection …”"; empty for a sentence without a threat, which is all in `rest`."""
    before: str
    aivss: str
    """Number and band; empty without a threat."""
    band: str
    rest: str
    """The rest of the sentence, with marks of evidence."""
    headline: bool


def gravest(state: ReviewState) -> tuple[Gravest, ...]:
    """Return the sentence on the headline, or why there is none, then one on each graver threat, the gravest first."""
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
    """Explain why a threat is the headline."""
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


_LEFT_OUT: Final = "Left out"
"""The verdict on a threat that fell with a fact; nobody struck the threat itself."""


class ThreatRow(NamedTuple):
    """A threat in the table."""

    dom: str
    tag: str
    title: str
    layer: str
    layer_title: str
    base: str
    severity: str
    """The band of the threat's base."""
    aivss: str
    band: str
    """The band of the threat's AIVSS."""
    basis: str
    verdict: str
    verdict_words: str
    owner: str
    headline: bool
    out: bool
    """Whether the threat was struck or fell with a fact, so that it does not count."""


def threat_rows(state: ReviewState, view: View, views: Mapping[str, ItemView]) -> tuple[ThreatRow, ...]:
    """Build the rows; equal bases are in the report's order. `view` shows the reviewed draft, `views` are items by
    id."""
    owners: dict[str, list[str]] = {}
    for work in work_of(state):
        if work.owner:
            owners.setdefault(work.threat, []).append(work.owner)
    first = headline_of(state.reviewed)
    rows = [
        _row(
            views[f"threat/{placed.threat.id}"], placed.name, placed.layer, placed.threat.score.cvss_base, placed.threat
        )._replace(
            aivss=tenth(placed.threat.score.aivss),
            band=placed.threat.score.severity,
            owner=", ".join(dict.fromkeys(owners.get(placed.threat.id, ()))),
            headline=first is not None and first.id == placed.threat.id,
        )
        for placed in view.threats
    ]
    return (*sorted(rows, key=_gravity), *sorted(_left_out(state, views), key=_gravity))


def _gravity(row: ThreatRow) -> float:
    return -float(row.base)


def _row(item: ItemView, tag: str, layer: LayerKey, base: Decimal, threat: Threat | None) -> ThreatRow:
    """Build a row without AIVSS and owners, which only threats that count have."""
    setting = threat.setting if threat else ""
    return ThreatRow(
        dom=item.dom,
        tag=tag,
        title=item.title,
        layer=LAYER_CODES[layer],
        layer_title=LAYER_TITLES[layer],
        base=tenth(base),
        severity=severity(base),
        aivss="",
        band="",
        basis=f"if {setting}" if setting else basis_of(threat) if threat else "",
        verdict=item.verdict,
        verdict_words=item.verdict_words,
        owner="",
        headline=False,
        out=False,
    )


def _left_out(state: ReviewState, views: Mapping[str, ItemView]) -> Iterator[ThreatRow]:
    """Yield the rows of threats that were struck or fell with a fact. They do not count, so they have no AIVSS."""
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
        view = views[item.id]
        yield _row(view, state.tag(name), layer, base, threat)._replace(
            verdict="struck", verdict_words=_LEFT_OUT if one.fell else view.verdict_words, out=True
        )
