"""Parts 10 to 14 of the report: scope, system picture, the seven layers, chains, claimed controls."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from agent.export.left_out import UNREAD
from agent.export.report_screen import CAPABILITY_COLUMNS, TOP_THREATS, capability_row, folded_capabilities
from agent.export.safe_markdown import Column, code, plain, quoted, table
from agent.export.sentences import counted, listed, marks, tenth, threat_sentence, with_stop
from agent.export.view import ClaimedControl, RankedThreat, View, is_proposed
from agent.records import Chain, Document, Flow, SourceRef, SystemItem
from agent.taxonomy.keys import LAYER_CODES, LAYER_TITLES, LayerKey

_GAPS: Final = 5
"""Gaps that are told in part 10; the others follow in the appendix."""
_UNREADABLE: Final = frozenset({"needs-javascript", "near-empty"})
_QUOTE: Final = 110
_REFS: Final = 2
_SOURCES: Final = 4
"""Sources that are named one by one."""


class Room(NamedTuple):
    """How much the main part may say; what it leaves out stands in the diagram or in the appendix."""

    told: int
    """Threats up to this place are told in a sentence, unless the first screen has done so."""
    refs: bool = True
    """Whether threats carry ids of published lists."""
    flows: bool = True
    """Whether flows across boundaries are listed."""
    assumed: int = 12
    """Assumptions in part 10; the others follow in the appendix."""
    controls: int = 8
    """Claimed controls in the table; the others follow in the appendix."""
    brief: bool = False
    """Whether a threat is its title and marks only, one of the first screen its number."""


def rooms(threats: int) -> Iterator[Room]:
    """From the most that the main part may say to the least."""
    yield from (Room(told) for told in range(threats, -1, -1))
    yield Room(0, refs=False)
    yield Room(0, refs=False, controls=4)
    yield Room(0, refs=False, controls=4, brief=True)
    yield Room(0, refs=False, controls=4, brief=True, flows=False)
    yield Room(0, refs=False, controls=4, brief=True, flows=False, assumed=2)


def scope(view: View, room: Room) -> list[str]:
    """Part 10: what is modelled, what was read and what could not be, what is assumed."""
    draft = view.draft
    lines = ["## Scope and assumptions"]
    if draft.product.summary:
        lines += [plain(with_stop(draft.product.summary)), ""]
    titles = {document.id: document for document in view.documents}
    named = [_source(item, titles.get(item.document)) for item in draft.sources[:_SOURCES]]
    more = draft.sources[_SOURCES:]
    if more:
        chars = sum(item.chars for item in more)
        named.append(f"{more[0].document} to {more[-1].document}, {chars:,} characters, named in the manifest")
    lines.append(f"- Read: {'; '.join(named)}")
    lines += [
        f"- Led to the {'product' if site.role == 'product' else 'repository'}: {code(site.url)}, by the listing's "
        f"{quoted(site.because, _QUOTE)}"
        for site in draft.sites
    ]
    gaps = _gaps(view)
    lines += [f"- Not read: {gap}" for gap in gaps[:_GAPS]]
    if len(gaps) > _GAPS:
        lines.append(f"- Not read: {len(gaps) - _GAPS} more, in the appendix")
    lines += [f"- Assumed: {plain(text)}" for text in draft.assumptions[: room.assumed]]
    return [*lines, ""]


def further_assumptions(view: View, room: Room) -> list[str]:
    """The assumptions that part 10 had no room for."""
    rest = view.draft.assumptions[room.assumed :]
    return ["## Further assumptions", *(f"- {plain(text)}" for text in rest), ""] if rest else []


def further_gaps(view: View) -> list[str]:
    """What could not be read and part 10 had no room for."""
    rest = _gaps(view)[_GAPS:]
    return ["## Further pages that were not read", *(f"- {gap}" for gap in rest), ""] if rest else []


def _source(item: SourceRef, document: Document | None) -> str:
    title = f" “{plain(document.title)}”" if document and document.title else ""
    form = f", {document.form}" if document and document.form != "prose" else ""
    return f"{item.document} {item.kind}{form}{title}, {code(item.url)}, {item.chars:,} characters"


def _gaps(view: View) -> list[str]:
    unread = [
        f"{plain(item.what.removeprefix(UNREAD))} ({item.reason})"
        for item in view.draft.dropped if item.what.startswith(UNREAD)
    ]  # fmt: skip
    found = [
        f"{source.document}, {plain(finding.where)} ({finding.kind})"
        for source in view.draft.sources for finding in source.findings if finding.kind in _UNREADABLE
    ]  # fmt: skip
    return unread + found


def picture(view: View, diagram: Sequence[str], room: Room) -> list[str]:
    """Part 11: the diagram in its fence, what each boundary holds, and the flows with a quote that cross one."""
    system = view.draft.system
    lines = ["## System picture: solid, a quote says so; dashed, assumed", *diagram, ""]
    names = _names(view)
    owner = {member: boundary.name for boundary in system.boundaries for member in boundary.members}
    for boundary in system.boundaries:
        inside = [plain(names.get(member, member)) for member in boundary.members]
        if inside:
            state = "" if boundary.evidence else f" *({boundary.state})*"
            lines.append(f"- **{plain(boundary.name)}**: {listed(inside)} {marks(boundary.evidence)}".rstrip() + state)
    if room.flows:
        lines += [f"- Crosses a boundary: {flow}" for flow in _crossing(system.flows, owner, names)]
    return [*lines, ""]


def _names(view: View) -> dict[str, str]:
    system = view.draft.system
    groups: tuple[tuple[SystemItem, ...], ...] = (system.actors, system.components, system.stores, system.services)
    return {item.id: item.name for group in groups for item in group}


def _crossing(flows: Sequence[Flow], owner: dict[str, str], names: dict[str, str]) -> list[str]:
    """Quoted flows from one boundary into another; those of one source and content in one line."""
    grouped: dict[tuple[str, str], list[Flow]] = {}
    for flow in flows:
        if flow.evidence and owner.get(flow.source) != owner.get(flow.target):
            grouped.setdefault((flow.source, flow.what), []).append(flow)
    lines = []
    for (source, what), found in grouped.items():
        targets = listed([plain(names.get(flow.target, flow.target)) for flow in found])
        quoted_by = list(dict.fromkeys(mark for flow in found for mark in flow.evidence))
        lines.append(f"{plain(names.get(source, source))} → {targets}, {plain(what)} {marks(quoted_by)}")
    return lines


def seven_layers(view: View, room: Room) -> list[str]:
    """Part 12: a paragraph for each layer and the threats in it."""
    lines = ["## Seven layers"]
    for key, layer in view.layers:
        sign = "does not apply" if layer.applies == "no" else "certain" if layer.certain else "not certain"
        lines += [f"### {LAYER_CODES[key]} {LAYER_TITLES[key]} · {sign}", plain(layer.paragraph)]
        threats = [item for item in view.threats if item.layer == key]
        lines += _brief_lines(view, threats) if room.brief else [_threat_line(view, item, room) for item in threats]
        lines.append("")
    return lines


def _brief_lines(view: View, threats: Sequence[RankedThreat]) -> list[str]:
    top = view.top(TOP_THREATS)
    above = [f"{item.tag} {marks(item.threat.evidence)}" for item in threats if item in top]
    lines = [f"- Above: {listed(above)}"] if above else []
    rest = [item for item in threats if item not in top]
    return lines + [
        f"- **{item.tag}** {plain(item.threat.title)} {marks(item.threat.evidence)}"
        + (" *(proposed by the LLM)*" if is_proposed(item.threat) else "")
        for item in rest
    ]


def _threat_line(view: View, item: RankedThreat, room: Room) -> str:
    threat = item.threat
    says_it = item.place <= room.told and item not in view.top(TOP_THREATS)
    text = plain(threat_sentence(threat.statement)) if says_it else plain(with_stop(threat.title))
    refs = ", ".join(code(ref.id) for ref in threat.taxonomy[:_REFS]) if room.refs else ""
    tail = f" {refs}" if refs else ""
    origin = view.origin(threat, brief=True)
    state = f"{threat.state}, *{origin}*" if origin else threat.state
    return (
        f"- **{item.tag}** {text} {tenth(threat.score.aivss)} {threat.score.severity}, {state} "
        f"{marks(threat.evidence)}{tail}"
    )


def chains(view: View, room: Room) -> list[str]:
    """Part 13: chains across layers; a hop without a quote is a question."""
    if not view.draft.chains:
        return [f"## Chains across layers: none between the threats of {plain(view.draft.product.name)}", ""]
    lines = ["## Chains across layers"]
    lines += [_chain(view, chain, named=room.told > 0) for chain in view.draft.chains]
    return [*lines, ""]


def _chain(view: View, chain: Chain, *, named: bool) -> str:
    known = {item.threat.id: item for item in view.threats}
    layers = {threat.id: key for key, layer in view.layers for threat in layer.threats}
    titles = {threat.id: threat.title for _, layer in view.layers for threat in layer.threats}
    hops = {(hop.source, hop.target): hop.evidence for hop in chain.hops}
    steps = []
    for number, threat in enumerate(chain.threats):
        step = _step(threat, known.get(threat), layers.get(threat), titles.get(threat, threat), named=named)
        if number:
            evidence = hops.get((chain.threats[number - 1], threat), ())
            step = f"→ {marks(evidence) or '*(question: no quote)*'} {step}"
        steps.append(step)
    return f"- **{plain(chain.title)}**: {' '.join(steps)}"


def _step(identifier: str, ranked: RankedThreat | None, layer: LayerKey | None, title: str, *, named: bool) -> str:
    code_ = LAYER_CODES[layer] if layer else ""
    tag = f"{code_} {ranked.tag}" if ranked else f"{code_} {plain(identifier)}"
    return tag.strip() if ranked and not named else f"{tag.strip()} {plain(title)}"


def controls(view: View, room: Room) -> list[str]:
    """Part 14: the controls that the sources name, whether each counted, and why."""
    lines = ["## Claimed controls"]
    claimed = view.controls[: room.controls]
    if not claimed:
        read = listed([source.document for source in view.draft.sources], last="or")
        return [f"## Claimed controls: none named in {read}", ""]
    lines += _control_table(claimed)
    more = len(view.controls) - len(claimed)
    if more:
        lines += ["", f"{counted(more, 'more', 'more')} in the appendix, none of them counted"]
    return [*lines, ""]


def further_controls(view: View, room: Room) -> list[str]:
    """The claimed controls that part 14 had no room for."""
    rest = view.controls[room.controls :]
    return ["## Further claimed controls", *_control_table(rest), ""] if rest else []


def further_capabilities(view: View) -> list[str]:
    """The capabilities that the first screen had no room for, and those that a quote denies."""
    folded = folded_capabilities(view)
    if not folded:
        return []
    rows = [capability_row(view, item, _QUOTE) for item in folded]
    return ["## Further capabilities", *table(CAPABILITY_COLUMNS, rows), ""]


def _control_table(claimed: Sequence[ClaimedControl]) -> list[str]:
    columns = (Column("quote"), Column("rank", True), Column("counted?"), Column("why"))
    rows = [
        [
            f"{quoted(item.evidence.quote, _QUOTE)} ({item.evidence.id})",
            str(item.evidence.rank),
            "yes" if item.counted else "no",
            plain(item.why),
        ]
        for item in claimed
    ]
    return table(columns, rows)
