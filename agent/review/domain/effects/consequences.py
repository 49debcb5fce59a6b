"""The side effects of an act, and what rests on each fact of a draft.

Side effects are the differences between two states of a review: which items lost their support, are new or have
changed, and why the score is higher although less is known.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from agent.records import Draft, Fact
from agent.report.sentences import metric_choices
from agent.report.view import View
from agent.review.domain.items import fact_marks, fact_title, facts_of, part_of, threats_of
from agent.review.domain.lapses import content_of, field_name, kept
from agent.review.domain.records import ItemState, ReviewState
from agent.review.domain.rescore import headline_of
from agent.taxonomy.factors import FACTOR_TITLES, FACTORS
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LAYERS

_KINDS: Final[Mapping[str, str]] = {"capability": "ability", "layer": "", "factor": ""}
"""The word put before an item's title, for kinds where it differs from the kind's name."""
_TOLD: Final = ("posture", "layer", "factor", "threat", "chain", "question", "capability")
"""Kinds whose changes are reported here. Facts are excluded because reviewers decide on them directly, and the score
because the causes of its changes are listed separately."""
_CAUSES: Final[Mapping[str, tuple[str, ...]]] = {"factor": ("value", "low", "high"), "layer": ("certain",)}
"""Fields whose changes are already listed among the causes of a score change."""


def fallen(before: ReviewState, after: ReviewState) -> tuple[str, ...]:
    """Return the titles of items, summary rows, controls and system parts that lost all their support. Items that a
    reviewer had already struck are left out."""
    stood = {one.item.id for one in before.items if one.verdict != "struck"}
    new = set(after.fell) - set(before.fell)
    own = [
        title_of(before, one) for one in after.items
        # A capability is struck together with its facts.
        if one.item.id in stood and (one.item.id in new or (one.via and one.verdict == "struck"))
    ]  # fmt: skip
    return (*own, *sorted(parts_of(before.reviewed).keys() - parts_of(after.reviewed).keys()))


def back(before: ReviewState, after: ReviewState) -> tuple[str, ...]:
    """Return the titles of restored items: those that would lose their support if the states were swapped, except new
    ones."""
    new = set(came(before, after))
    return tuple(name for name in fallen(after, before) if name not in new)


def came(before: ReviewState, after: ReviewState) -> tuple[str, ...]:
    """Return the titles of new questions, and the names of new parts (`parts_of`) that the drafted version lacks."""
    known = {one.item.id for one in before.items}
    asked = [one for one in after.items if one.item.kind == "question" and one.item.id not in known]
    new = parts_of(after.reviewed).keys() - parts_of(before.reviewed).keys() - parts_of(after.drafted).keys()
    return (*(title_of(after, one) for one in asked), *sorted(new))


def reopened(before: ReviewState, after: ReviewState) -> tuple[str, ...]:
    """Return the titles of items that were decided before and are open again, each with the reason."""
    was = {one.item.id for one in before.items if one.verdict not in ("open", "struck")}
    again = [one for one in after.items if one.verdict == "open" and one.lapsed and one.item.id in was]
    return tuple(f"{title_of(after, one)}: {one.lapsed}" for one in again)


def altered(before: ReviewState, after: ReviewState) -> tuple[str, ...]:
    """Return the titles of surviving items whose content changed, each with its changes. Leaves out the items that
    the act itself decided on and the changes that moved the score."""
    if before.version == after.version:
        return ()
    known, found = {one.item.id: one for one in before.items}, []
    for one in after.items:
        was, kind = known.get(one.item.id), one.item.kind
        if was is None or kind not in _TOLD or one.changed > before.version or "struck" in (was.verdict, one.verdict):
            continue
        sides = [kept(content_of(state.reviewed, one.item.id, state.based)) for state in (before, after)]
        skipped: tuple[str, ...] = ()
        if kind in _CAUSES:
            parts = [part_of(state.reviewed, one.item.id) for state in (before, after)]
            if any(getattr(parts[0], name) != getattr(parts[1], name) for name in _CAUSES[kind]):
                skipped = (*_CAUSES[kind], "parts", "rationale")
        names = [name for name in sides[1] if sides[0].get(name) != sides[1][name] and name not in skipped]
        if names:
            found.append(f"{title_of(after, one)}: {', '.join(dict.fromkeys(map(field_name, names)))}")
    parts_were, parts_now = parts_of(before.reviewed), parts_of(after.reviewed)
    return (*found, *(name for name in parts_now if name in parts_were and parts_were[name] != parts_now[name]))


def parts_of(draft: Draft) -> dict[str, object]:
    """Return the parts of a draft that are not items, by name: summary rows, controls, conditions and parts of the
    system picture, each with its text or citations."""
    made: dict[str, object] = {f"summary “{row.label}”": (row.text, row.evidence) for row in draft.lines}
    made |= {f"control: {one.text}": one.evidence for one in draft.controls}
    made |= {f"condition: {one.text}": one.threats for one in (draft.advice.conditions if draft.advice else ())}
    return made | {f"system picture: {name}": marks for name, marks in _drawn(draft)}


def _drawn(draft: Draft) -> list[tuple[str, tuple[str, ...]]]:
    """Return the parts of the system picture with their citations."""
    system = draft.system
    parts = (*system.actors, *system.components, *system.stores, *system.services)
    return [*((one.name, one.evidence) for one in parts), *((one.what, one.evidence) for one in system.flows)]


def title_of(state: ReviewState, one: ItemState) -> str:
    """Return an item's kind, its number if any, and its title, as in "threat T2 “Stolen key”"."""
    kind, _, name = one.item.id.partition("/")
    number = state.tag(name) if kind == "threat" else name if kind == "question" else ""
    told = _KINDS.get(kind, kind)
    title = one.item.title if not told else "" if kind == "posture" else f"“{one.item.title}”"
    return " ".join(filter(None, (told, number, title)))


def why_higher(before: ReviewState, after: ReviewState) -> str:
    """Return why the score rose although less is known: another threat is the headline, or a metric or factor is
    open again. Empty for any other change."""
    one, two = before.reviewed.score.aivss, after.reviewed.score.aivss
    gone = {one.item.id for one in after.items if one.verdict == "struck"}
    gone -= {one.item.id for one in before.items if one.verdict == "struck"}
    was, now = headline_of(before.reviewed), headline_of(after.reviewed)
    less = gone or set(after.fell) - set(before.fell)
    if one is None or two is None or two <= one or not less or was is None or now is None:
        return ""
    titles = [f"“{one.item.title}”" for one in after.items if one.item.id in gone and one.item.kind == "fact"]
    without = f" without {' and '.join(titles)}" if titles else ""
    worse = _worse(was.score.cvss_vector, now.score.cvss_vector)
    if was.id == now.id:
        raised = [
            FACTOR_TITLES[key] for key in FACTORS
            if key in before.reviewed.factors and key in after.reviewed.factors
            and after.reviewed.factors[key].value > before.reviewed.factors[key].value
        ]  # fmt: skip
        opened = [*worse, *raised]
        told = f"Higher, because {', '.join(opened)} {'is' if len(opened) == 1 else 'are'} open again{without}"
        return f"{told}, and anything open counts as the riskier case" if opened else ""
    tag = " ".join(filter(None, (after.tag(now.id), f"“{now.title}”")))
    if now.id in threats_of(before.reviewed):
        return (
            f"Higher, because the score now rests on another threat{without}: {tag}, which ranked below “{was.title}”"
        )
    rests = [f"“{fact_title(fact)}”" for fact in facts_of(after.reviewed) if fact.id in now.facts]
    graver = f"{' and is' if rests else '. It is'} worse than “{was.title}” in {', '.join(worse)}" if worse else ""
    on = f". It rests on {' and '.join(rests)}" if rests else ""
    told = f"nothing stated rules out {tag} any more{without}, and it is now the headline"
    return f"Higher although less is known: {told}{on}{graver}"


def _worse(was: str, now: str) -> list[str]:
    """Return the metrics, in words, whose value in the vector `now` is worse than in `was`."""
    one, two = (dict(part.split(":", 1) for part in vector.split("/")[1:]) for vector in (was, now))
    found = []
    for metric, name, choices in metric_choices():
        # The choices are sorted from worst to mildest.
        values = [value for value, _ in choices]
        if one.get(metric) in values and two.get(metric) in values:
            at = values.index(two[metric])
            if at < values.index(one[metric]):
                found.append(f"{name} ({choices[at][1]})")
    return found


class Dependent(NamedTuple):
    """A part of a draft that rests on a fact, alone or together with other facts."""

    item: str
    """Id of the item; empty for other parts of the draft, such as parts of the system picture."""
    title: str


def dependents(draft: Draft, numbers: Mapping[str, int]) -> Mapping[str, tuple[Dependent, ...]]:
    """Map each fact id to the parts of a draft that cite the fact or one of its quotes: threats first, beginning with
    the headline. `numbers` are the threats' numbers in the review."""
    view = View(draft)
    return {fact.id: tuple(dict.fromkeys(_dependents(draft, view, fact, numbers))) for fact in facts_of(draft)}


def added_dependents(state: ReviewState) -> Mapping[str, tuple[Dependent, ...]]:
    """Map each fact id to the reviewer-added threats that cite the fact, even if it was struck."""
    found: dict[str, list[Dependent]] = {}
    for one in state.items:
        tag = state.tag(one.item.id.partition("/")[2])
        for fact in (one.after or {}).get("facts", ()) if one.item.kind == "threat" else ():
            found.setdefault(fact, []).append(Dependent(one.item.id, f"{tag} {one.item.title}".strip()))
    return {fact: tuple(each) for fact, each in found.items()}


def _dependents(draft: Draft, view: View, fact: Fact, numbers: Mapping[str, int]) -> list[Dependent]:
    marks, names = set(fact_marks(fact)), set[str]()
    found = []
    for placed in view.threats:
        name = placed.threat.id
        if fact.id in placed.threat.facts:
            names.add(name)
            found.append(Dependent(f"threat/{name}", f"T{numbers.get(name, placed.number)} {placed.threat.title}"))
    for number, chain in enumerate(draft.chains, 1):
        if names.intersection(chain.threats) or any(marks.intersection(hop.evidence) for hop in chain.hops):
            found.append(Dependent(f"chain/{number}", f"chain: {chain.title}"))
    for key in (key for key in FACTORS if key in draft.factors):
        factor = draft.factors[key]
        if marks.intersection((*factor.evidence, *(part.evidence for part in factor.parts))):
            found.append(Dependent(f"factor/{key}", FACTOR_TITLES[key]))
    for layer in (layer for layer in LAYERS if layer in draft.layers):
        if any(mark in draft.layers[layer].paragraph for mark in marks):
            found.append(Dependent(f"layer/{layer}", f"{LAYER_CODES[layer]} {LAYER_TITLES[layer]}"))
    for able in draft.system.capabilities:
        if able.signal == fact.key and marks.intersection(able.evidence):
            found.append(Dependent(f"capability/{able.id}", f"ability: {able.action} {able.object}"))
    titles = [f"summary “{row.label}”" for row in draft.lines if fact.id in row.facts]
    titles += [f"control: {one.text}" for one in draft.controls if fact.id in one.facts]
    titles += [f"system picture: {name}" for name, cited in _drawn(draft) if marks.intersection(cited)]
    return [*found, *(Dependent("", title) for title in titles)]
