"""The system picture of a review, with links from each part and flow to its facts and threats."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from agent.records import Threat
from agent.report.picture import Link, Links, drawn, picture, with_threats
from agent.report.sentences import counted, tenth
from agent.report.view import View
from agent.review.domain.items import fact_title, facts_of
from agent.review.domain.records import ReviewState
from agent.review.web.views.items import dom_id
from agent.scoring import severity


class Lead(NamedTuple):
    """A fact or threat that a part of the picture links to."""

    dom: str
    title: str
    tag: str = ""
    """A threat's tag, such as T1."""
    base: str = ""
    band: str = ""


class PartRow(NamedTuple):
    """A part or flow of the picture, with its linked facts and threats."""

    dom: str
    name: str
    flow: bool
    assumed: bool
    facts: tuple[Lead, ...]
    threats: tuple[Lead, ...]

    @property
    def link(self) -> Link:
        """The picture's link to this row."""
        told = f"{counted(len(self.facts), 'fact')}, {counted(len(self.threats), 'threat')}"
        return Link(self.dom, f"{self.name}: {told}")


class SystemPicture(NamedTuple):
    """The drawing, with the rows that its parts link to."""

    drawing: Markup
    """Empty for a system without parts."""
    parts: tuple[PartRow, ...]


def system_picture(state: ReviewState) -> SystemPicture:
    """Return the reviewed draft's system picture, with rows for its parts, then for its flows, in the draft's order."""
    system, view = state.reviewed.system, View(state.reviewed)
    known = {one.item.id for one in state.items}
    facts = [one for one in facts_of(state.reviewed) if f"fact/{one.id}" in known]
    threats = [(placed.threat, threat_lead(placed.name, placed.threat)) for placed in view.threats]

    def row(dom: str, name: str, evidence: Sequence[str], *, flow: bool = False) -> PartRow:
        """Return a part's row: facts that share a quote with it, and threats that rest on those facts or quotes."""
        own = [fact for fact in facts if set(evidence) & set(fact.evidence)]
        near = {*evidence, *(fact.id for fact in own)}
        leads = tuple(lead for threat, lead in threats if near.intersection((*threat.facts, *threat.evidence)))
        told = tuple(Lead(dom_id(f"fact/{fact.id}"), fact_title(fact)) for fact in own)
        return PartRow(f"part-{dom}", name, flow, not evidence, told, leads)

    shown = {each.item.id: each.item for each in drawn(system)}
    items = {name: row(f"{number}", item.name, item.evidence) for number, (name, item) in enumerate(shown.items(), 1)}
    flows = {}
    for number, flow in enumerate(system.flows):
        if flow.source in shown and flow.target in shown:
            words = f"{shown[flow.source].name} → {shown[flow.target].name}: {flow.what}"
            flows[number] = row(f"flow-{number + 1}", words, flow.evidence, flow=True)
    links = Links({name: each.link for name, each in items.items()}, {at: each.link for at, each in flows.items()})
    # The markup is safe, since all text in it is escaped.
    drawing = Markup(picture(with_threats(system, view.threats), links))
    return SystemPicture(drawing, (*items.values(), *flows.values()))


def threat_lead(tag: str, threat: Threat) -> Lead:
    """Return the lead to a threat; `tag` is its tag, such as T1."""
    base = threat.score.cvss_base
    return Lead(dom_id(f"threat/{threat.id}"), threat.title, tag, tenth(base), severity(base))
