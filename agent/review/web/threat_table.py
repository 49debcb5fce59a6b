"""The table of a review's threats: what stands by CVSS base, the gravest first, then what was struck or fell."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from agent.drafting.threats.cvss_vectors import base_of
from agent.records import Threat
from agent.report.sentences import tenth
from agent.report.view import View
from agent.review.items import threats_of
from agent.review.mitigations import work_of
from agent.review.records import ReviewState
from agent.review.rescore import headline_of
from agent.review.web.shown_items import ItemView, basis_of
from agent.scoring import severity
from agent.taxonomy.keys import LAYER_CODES, LAYER_TITLES, LAYERS, LayerKey

_LEFT_OUT: Final = "Left out"
"""Of a threat that fell with a fact: nobody struck it itself."""


class ThreatRow(NamedTuple):
    """A threat in the table."""

    dom: str
    tag: str
    title: str
    layer: str
    layer_title: str
    base: str
    severity: str
    """The band of its base."""
    aivss: str
    band: str
    """Of its AIVSS."""
    basis: str
    verdict: str
    verdict_words: str
    owner: str
    headline: bool
    out: bool
    """Struck, or fallen with a fact: it counts for nothing."""


def threat_rows(state: ReviewState, view: View, views: Mapping[str, ItemView]) -> tuple[ThreatRow, ...]:
    """The rows; of equal bases in the report's order. `view` is of the reviewed draft, `views` are items by id."""
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
    """A row without what counts alone has: an AIVSS and owners."""
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
    """What was struck, or fell with a fact; without an AIVSS, since no factor is added to what does not count."""
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
