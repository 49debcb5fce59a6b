"""The side effects of an act, and what rests on each fact of a draft.

Between two states of a review: what falls, what is new, what changes its content, and why the score may be higher
although less is known.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from agent.records import Draft, Fact
from agent.report.sentences import metric_choices
from agent.report.view import View
from agent.review.domain.items import fact_marks, fact_title, threats_of
from agent.review.domain.lapses import NAMES, content_of, kept
from agent.review.domain.records import ItemState, ReviewState
from agent.review.domain.rescore import headline_of
from agent.taxonomy.factors import FACTOR_TITLES, FACTORS
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LAYERS

_KINDS: Final[Mapping[str, str]] = {"capability": "ability", "layer": "", "factor": ""}
"""The word before an item's title, for kinds not called by their own name."""
_TOLD: Final = ("posture", "layer", "factor", "threat", "chain", "question", "capability")
"""Kinds whose changes are reported here. Facts are decided on directly, and causes explain a change of the score."""
_OF_SCORE: Final = {"factor": ("value", "low", "high", "parts", "rationale"), "layer": ("certain",)}
"""Fields already mentioned by the causes of a score change."""


def fallen(before: ReviewState, after: ReviewState) -> tuple[str, ...]:
    """Return the titles of items, summary rows, controls and system parts that lost all their support. Items that a
    reviewer had already struck are left out."""
    stood = {one.item.id for one in before.items if one.verdict != "struck"}
    new = set(after.fell) - set(before.fell)
    # A capability is struck together with its facts.
    own = [one for one in after.items if one.item.id in stood and (one.item.id in new or _via_struck(one))]
    gone = parts_of(before.reviewed).keys() - parts_of(after.reviewed).keys()
    return (*(title_of(before, one) for one in own), *sorted(gone))


def back(before: ReviewState, after: ReviewState) -> tuple[str, ...]:
    """Return the titles of restored items: those that would fall in the opposite direction, unless they are new."""
    new = set(came(before, after))
    return tuple(name for name in fallen(after, before) if name not in new)


def came(before: ReviewState, after: ReviewState) -> tuple[str, ...]:
    """Return the titles of new questions, and of summary and system parts that the original draft lacked."""
    known = {one.item.id for one in before.items}
    asked = [one for one in after.items if one.item.kind == "question" and one.item.id not in known]
    new = parts_of(after.reviewed).keys() - parts_of(before.reviewed).keys() - parts_of(after.drafted).keys()
    return (*(title_of(after, one) for one in asked), *sorted(new))


def reopened(before: ReviewState, after: ReviewState) -> tuple[str, ...]:
    """Return the titles of items that were decided before and are open again, each with the reason."""
    was = {one.item.id: one.verdict for one in before.items}
    return tuple(
        f"{title_of(after, one)}: {one.lapsed}"
        for one in after.items
        if one.verdict == "open" and one.lapsed and was.get(one.item.id, "open") not in ("open", "struck")
    )


def _via_struck(one: ItemState) -> bool:
    return bool(one.via) and one.verdict == "struck"


def altered(before: ReviewState, after: ReviewState) -> tuple[str, ...]:
    """Return the titles of surviving items whose content changed, each with its changes. Leaves out the items that
    the act itself decided on and what moved the score."""
    if before.version == after.version:
        return ()
    return (*_items(before, after), *_parts(before, after))


def _items(before: ReviewState, after: ReviewState) -> Iterator[str]:
    known = {one.item.id: one for one in before.items}
    for one in after.items:
        was = known.get(one.item.id)
        if was is None or one.item.kind not in _TOLD or one.changed > before.version:
            continue
        if "struck" in (was.verdict, one.verdict):
            continue
        sides = [kept(content_of(state.reviewed, one.item.id, state.based)) for state in (before, after)]
        skipped = _OF_SCORE.get(one.item.kind, ()) if _is_cause(before, after, one) else ()
        names = [name for name in sides[1] if sides[0].get(name) != sides[1][name] and name not in skipped]
        if names:
            called = dict.fromkeys(NAMES.get(name, name.replace("_", " ")) for name in names)
            yield f"{title_of(after, one)}: {', '.join(called)}"


def _is_cause(before: ReviewState, after: ReviewState, one: ItemState) -> bool:
    """Return whether the causes of the score change name the item."""
    name = one.item.id.partition("/")[2]
    for key, layer in before.reviewed.layers.items():
        if key == name and key in after.reviewed.layers:
            return layer.certain != after.reviewed.layers[key].certain
    for factor in FACTORS:
        if factor == name:
            was, now = before.reviewed.factors[factor], after.reviewed.factors[factor]
            return (was.value, was.low, was.high) != (now.value, now.low, now.high)
    return False


def _parts(before: ReviewState, after: ReviewState) -> Iterator[str]:
    was, now = parts_of(before.reviewed), parts_of(after.reviewed)
    for name in now:
        if name in was and was[name] != now[name]:
            yield name


def parts_of(draft: Draft) -> dict[str, object]:
    """Return the parts of a draft that are not items, by name: summary rows, controls, conditions and parts of the
    system picture, each with its text or citations."""
    system = draft.system
    made: dict[str, object] = {f"summary “{row.label}”": (row.text, row.evidence) for row in draft.lines}
    made |= {f"control: {one.text}": one.evidence for one in draft.controls}
    for each in draft.advice.conditions if draft.advice else ():
        made[f"condition: {each.text}"] = each.threats
    drawn = (*system.actors, *system.components, *system.stores, *system.services)
    made |= {f"system picture: {one.name}": one.evidence for one in drawn}
    return made | {f"system picture: {one.what}": one.evidence for one in system.flows}


def title_of(state: ReviewState, one: ItemState) -> str:
    """Return an item's kind, its number if any, and its title, as in "threat T2 “Stolen key”"."""
    kind, _, name = one.item.id.partition("/")
    number = state.tag(name) if kind == "threat" else name if kind == "question" else ""
    told = _KINDS.get(kind, kind)
    title = one.item.title if not told else "" if kind == "posture" else f"“{one.item.title}”"
    return " ".join(filter(None, (told, number, title)))


def why_higher(before: ReviewState, after: ReviewState) -> str:
    """Return why the score rose although less is known: another headline threat, or a metric or factor is open
    again. Empty for any other change."""
    one, two = before.reviewed.score.aivss, after.reviewed.score.aivss
    less = set(after.fell) - set(before.fell) or struck(after) - struck(before)
    if one is None or two is None or two <= one or not less:
        return ""
    was, now = headline_of(before.reviewed), headline_of(after.reviewed)
    without = _without(before, after)
    if was is None or now is None:
        return ""
    if was.id == now.id:
        return _open_again(before, after, without)
    tag = " ".join(filter(None, (after.tag(now.id), f"“{now.title}”")))
    if now.id in threats_of(before.reviewed):
        return f"Higher, since the score rests on another threat{without}: {tag}, which stood behind “{was.title}”"
    rests = [fact_title(fact) for fact in (after.reviewed.facts.facts if after.reviewed.facts else ())
             if fact.id in now.facts]  # fmt: skip
    worse = _worse(was.score.cvss_vector, now.score.cvss_vector)
    told = f"{';' if rests else '. It is'} graver than “{was.title}” in {', '.join(worse)}" if worse else ""
    on = f". It rests on {' and '.join(f'“{title}”' for title in rests)}" if rests else ""
    return (
        f"Higher although less is known: nothing stated rules out {tag} any more{without}, and it leads now{on}{told}"
    )


def _without(before: ReviewState, after: ReviewState) -> str:
    gone = struck(after) - struck(before)
    titles = [one.item.title for one in after.items if one.item.id in gone and one.item.kind == "fact"]
    return f" without {' and '.join(f'“{title}”' for title in titles)}" if titles else ""


def _open_again(before: ReviewState, after: ReviewState, without: str) -> str:
    was, now = headline_of(before.reviewed), headline_of(after.reviewed)
    metrics = _worse(was.score.cvss_vector, now.score.cvss_vector) if was and now else []
    pairs = [(key, before.reviewed.factors[key], after.reviewed.factors[key]) for key in FACTORS
             if key in before.reviewed.factors and key in after.reviewed.factors]  # fmt: skip
    raised = [FACTOR_TITLES[key] for key, one, two in pairs if two.value > one.value]
    opened = [*metrics, *raised]
    if not opened:
        return ""
    verb = "is" if len(opened) == 1 else "are"
    return f"Higher, since {', '.join(opened)} {verb} open again{without}, and what is open counts as the riskier case"


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


def struck(state: ReviewState) -> set[str]:
    """Return the ids of the struck items."""
    return {one.item.id for one in state.items if one.verdict == "struck"}


class Dependent(NamedTuple):
    """A part of a draft that rests on a fact, alone or together with other facts."""

    item: str
    """Id of the item; empty for other parts of the draft, such as parts of the system picture."""
    title: str


def dependents(draft: Draft, numbers: Mapping[str, int]) -> Mapping[str, tuple[Dependent, ...]]:
    """Map each fact id to the draft parts that cite the fact or one of its quotes: threats first.

    Among the threats, the headline comes first. `numbers` are the threats' numbers in the review.
    """
    facts, view = draft.facts.facts if draft.facts else (), View(draft)
    return {fact.id: tuple(dict.fromkeys(_dependents(draft, view, fact, numbers))) for fact in facts}


def added_dependents(state: ReviewState) -> Mapping[str, tuple[Dependent, ...]]:
    """Map each fact id to the reviewer-added threats that cite the fact, whether or not the fact was struck."""
    found: dict[str, list[Dependent]] = {}
    for one in state.items:
        named = (one.after or {}).get("facts") if one.item.kind == "threat" else None
        for fact in named if isinstance(named, list) else ():
            tag = state.tag(one.item.id.partition("/")[2])
            found.setdefault(str(fact), []).append(Dependent(one.item.id, f"{tag} {one.item.title}".strip()))
    return {fact: tuple(each) for fact, each in found.items()}


def _dependents(draft: Draft, view: View, fact: Fact, numbers: Mapping[str, int]) -> list[Dependent]:
    marks = set(fact_marks(fact))
    tags = {placed.threat.id: f"T{numbers.get(placed.threat.id, placed.number)}" for placed in view.threats}
    found = [
        Dependent(f"threat/{placed.threat.id}", f"{tags[placed.threat.id]} {placed.threat.title}")
        for placed in view.threats
        if fact.id in placed.threat.facts
    ]
    chained = {threat.item.partition("/")[2] for threat in found}
    found += [
        Dependent(f"chain/{number}", f"chain: {chain.title}")
        for number, chain in enumerate(draft.chains, 1)
        if chained.intersection(chain.threats) or any(marks.intersection(hop.evidence) for hop in chain.hops)
    ]
    found += [
        Dependent(f"factor/{key}", FACTOR_TITLES[key])
        for key in FACTORS
        if key in draft.factors
        and (
            marks.intersection(draft.factors[key].evidence)
            or any(p.evidence in marks for p in draft.factors[key].parts)
        )
    ]
    found += [
        Dependent(f"layer/{key}", f"{LAYER_CODES[key]} {LAYER_TITLES[key]}")
        for key in LAYERS
        if key in draft.layers and any(mark in draft.layers[key].paragraph for mark in marks)
    ]
    found += [
        Dependent(f"capability/{one.id}", f"ability: {one.action} {one.object}")
        for one in draft.system.capabilities
        if one.signal == fact.key and marks.intersection(one.evidence)
    ]
    found += [Dependent("", f"summary “{row.label}”") for row in draft.lines if fact.id in row.facts]
    found += [Dependent("", f"control: {one.text}") for one in draft.controls if fact.id in one.facts]
    system = draft.system
    parts = (*system.actors, *system.components, *system.stores, *system.services)
    drawn = [one.name for one in parts if marks.intersection(one.evidence)]
    drawn += [one.what for one in system.flows if marks.intersection(one.evidence)]
    return [*found, *(Dependent("", f"system picture: {name}") for name in drawn)]
