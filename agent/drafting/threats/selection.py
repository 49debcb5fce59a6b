"""Selects and orders the threats of a draft: catalogue threats supported by facts, merged with an LLM's threats.

The headline comes first, then threats in default use by base score, then threats that need a setting, then assumed
ones. With a judgement, the LLM's order has priority. Threats that are not shown are folded, with the reason.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from agent.drafting.judgement import JudgedThreat, Judgement, Metric, Verdict
from agent.drafting.threats.candidates import MAX_MARKS, Candidate, Open, candidates, open_threats
from agent.drafting.threats.expressions import FactIndex
from agent.drafting.threats.headline import SUPPORTED, choose, graver_than, is_supported
from agent.drafting.threats.severity import MAX_BELOW, Choice, base_range, check_metrics, point, score_threat, vector_of
from agent.drafting.threats.usual_severity import settled
from agent.drafting.wording import sure_facts
from agent.errors import InputError
from agent.facts.sheet import without
from agent.records import (
    Basis,
    Dropped,
    Fact,
    FactorEstimate,
    FactSheet,
    Mitigation,
    Range,
    TaxonomyRef,
    Threat,
    ThreatStatement,
)
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.kinds import AssetClass, ProductKind
from agent.taxonomy.layers import LayerKey
from agent.taxonomy.lists import lookup

MAX_SHOWN: Final = 9
MAX_ALONE: Final = 7
"""Maximum number of threats shown without an LLM's selection; this many fit on the first pages."""
MAX_DEFAULT: Final = 6
"""Maximum number of catalogue threats in default use, leaving room for assumed ones and ones that need a setting."""
MAX_SETTING: Final = 2
MAX_ASSUMED: Final = 2
MAX_PER_LAYER: Final = 3
SURE_ENOUGH: Final = 6
"""Without an LLM, threats based on weaker facts are shown only if fewer than this many rest on sure facts."""
LOW_BASE: Final = Decimal(4)
"""A catalogue threat below this base ("Low") is shown only if it is among the first `ALWAYS_SHOWN`."""
ALWAYS_SHOWN: Final = 2
ASSETS: Final[tuple[AssetClass, ...]] = (
    "safety", "money", "host", "credentials", "code", "accounts", "systems", "personal_data", "business_data",
    "decisions",
)  # fmt: skip
"""Assets in order of priority; breaks ties between equally grave threats."""
MAX_ALIKE: Final = 2
"""Maximum number of threats among the first five with the same kind of entry."""
MAX_BEYOND: Final = 2
"""Maximum number of quoted catalogue threats added to an LLM's threats without being mentioned by the LLM."""
FAR_ABOVE: Final = Decimal(2)
"""Minimum difference in base for an LLM's later threat to replace one of its first five."""
ENOUGH: Final = 5
"""Number of threats in the first part of a selection."""
CHOSEN: Final = 4
"""Number of LLM threats from which catalogue threats that the LLM did not mention are not shown."""


class Placed(NamedTuple):
    """A threat and its layer."""

    layer: LayerKey
    threat: Threat


class Found(NamedTuple):
    """The threats of a draft."""

    threats: tuple[Placed, ...]
    """Shown threats in report order, headline first."""
    headline: Threat | None
    graver: Threat | None
    """A conditional threat that is graver than the headline."""
    base: Range | None
    """The headline's base, with the range caused by open metrics."""
    folded: tuple[Dropped, ...]
    kind: ProductKind = "other"
    """The kind of product for which the threats were found."""
    open: tuple[Open, ...] = ()
    """Threats that likely facts would add; the draft asks about them instead of claiming them."""
    names: Mapping[str, str] = {}
    """Ids of threats by the LLM's names (T1, T2, …)."""
    metrics: Mapping[str, Mapping[Metric, Choice]] = {}
    """Metrics of the shown catalogue threats by threat id, with the deciding facts."""
    judgement: Judgement | None = None
    """The LLM's judgement that was used, if any."""
    usual: float | None = None
    """The usual base that was used to settle open metrics."""


_BREACHED: Final = "/AC:H/AT:P/"
"""Vector part of threats that require a prior breach of a publisher or host, which could affect any product."""


class _Item(NamedTuple):
    layer: LayerKey
    threat: Threat
    candidate: Candidate | None
    """The underlying catalogue threat, if any."""


def find_threats(
    sheet: FactSheet,
    kind: ProductKind,
    factors: Mapping[FactorKey, FactorEstimate],
    judgement: Judgement | None = None,
    usual: float | None = None,
) -> Found:
    """Find the threats that the facts and the LLM's `judgement` support, in report order.

    If no LLM judged any threats, open metrics are set to values typical for a base of `usual` (`usual_severity`).
    """
    fired = candidates(sheet, kind, factors)
    alone = judgement is None or not (judgement.threats or judgement.verdicts)
    if alone:
        fired = _borne_out(fired, sheet, kind, factors)
    if usual is not None and alone:
        fired = _as_usual(fired, usual, kind, factors)
    if judgement is None or alone:
        left, folded = _without_doubles([_Item(one.layer, one.threat, one) for one in fired])
        names: dict[str, str] = {}
        bases: Mapping[str, Decimal] = {}
    else:
        bases = _bases(sheet, kind, factors, judgement, fired)
        left, folded, names = _judged(sheet, kind, factors, judgement, fired, bases)
    ordered = _led(left) if names else _varied(_ranked(left))
    headline = choose(_leading(ordered, bases, names.get("T1"))) if names else None
    headline = headline or choose([item.threat for item in ordered])
    shown, more = _shown(ordered, headline, led=bool(names))
    threats = tuple(
        Placed(item.layer, item.threat.model_copy(update={"place": place})) for place, item in enumerate(shown, start=1)
    )
    first = threats[0].threat if threats and headline else None
    return Found(
        threats=threats,
        headline=first,
        graver=graver_than(first, [placed.threat for placed in threats]),
        base=_base(shown[0]) if first else None,
        folded=(*folded, *more),
        kind=kind,
        open=open_threats(sheet, kind),
        names=names,
        metrics={item.candidate.id: item.candidate.metrics for item in shown if item.candidate},
        judgement=judgement,
        usual=usual,
    )


def _borne_out(
    fired: Sequence[Candidate], sheet: FactSheet, kind: ProductKind, factors: Mapping[FactorKey, FactorEstimate]
) -> tuple[Candidate, ...]:
    """Keep only threats that hold on sure facts alone, if there are enough and one of them may be the headline.

    Otherwise add threats based on weaker facts, gravest first, until there are enough. Used only without an LLM.
    """
    known = sure_facts(sheet)
    doubtful = [fact.id for fact in sheet.facts if fact.id not in known]
    if not doubtful:
        return tuple(fired)
    sure = {one.id for one in candidates(without(sheet, *doubtful), kind, factors)}
    rest = sorted((one for one in fired if one.id not in sure), key=lambda one: -one.threat.score.cvss_base)
    led = any(one.id in sure and is_supported(one.threat) for one in fired)
    kept = {one.id for one in rest[: max(SURE_ENOUGH - len(sure), 0 if led else 1)]}
    return tuple(one for one in fired if one.id in sure or one.id in kept)


def _as_usual(
    fired: Sequence[Candidate], usual: float, kind: ProductKind, factors: Mapping[FactorKey, FactorEstimate]
) -> tuple[Candidate, ...]:
    """Ease default-use threats that are graver than usual, then raise the headline so that it stays the gravest."""
    eased = [settled(one, usual, kind, factors) if one.threat.default_use else one for one in fired]
    first = choose([one.threat for one in eased])
    return tuple(settled(one, usual, kind, factors, raised=True) if one.threat is first else one for one in eased)


def _led(items: Sequence[_Item]) -> list[_Item]:
    """Order an LLM's selection: its first five threats, its other threats, then catalogue threats.

    Each part is sorted as usual, by group and base. The LLM decides which threats most readers see, but its first five
    never contain a Low or far milder threat in place of a graver one.
    """
    own = [item for item in items if item.threat.by != "embedded"]
    own.sort(key=lambda item: item.threat.score.cvss_base < LOW_BASE)
    for late in sorted(own[ENOUGH:], key=lambda item: -item.threat.score.cvss_base):
        first = own[:ENOUGH]
        mildest = min(first, key=lambda item: (item.threat.score.cvss_base, -first.index(item)))
        if late.threat.score.cvss_base >= mildest.threat.score.cvss_base + FAR_ABOVE:
            here, there = own.index(mildest), own.index(late)
            own[here], own[there] = late, mildest
    rest = [item for item in items if item.threat.by == "embedded"]
    return [*_ranked(own[:ENOUGH]), *_ranked(own[ENOUGH:]), *_ranked(rest)]


def _varied(ranked: Sequence[_Item]) -> list[_Item]:
    """Reorder ranked threats so that at most two of the first five have the same kind of entry.

    If injected text reaches many abilities, each gives a threat of similar severity. Without reordering, the first page
    would show five variants of one threat and omit, for example, a stolen key or an open port.
    """
    ways: Counter[str] = Counter()
    first: list[_Item] = []
    for item in ranked:
        way = item.candidate.pattern.reference if item.candidate else ""
        if len(first) < ENOUGH and ways[way] < MAX_ALIKE:
            first.append(item)
            ways[way] += 1
    rest = [item for item in ranked if item not in first]
    first += rest[: ENOUGH - len(first)]
    return [*(item for item in ranked if item in first), *(item for item in rest if item not in first)]


def _bases(
    sheet: FactSheet,
    kind: ProductKind,
    factors: Mapping[FactorKey, FactorEstimate],
    judgement: Judgement,
    fired: Sequence[Candidate],
) -> Mapping[str, Decimal]:
    """Compute the bases of supported candidates by id without doubted facts and facts that every reader only inferred,
    neither of which sets a floor; `fired` is based on all facts.

    What the LLM alone read, it may also judge: a candidate that rests on nothing else is no floor against it. Nor is
    one on an ability whose very quotes the LLM reads as that of a setting.
    """
    doubted = [
        fact.id
        for fact in sheet.facts
        if fact.id in judgement.doubted or fact.only_inferred or _by_setting(fact, sheet)
    ]
    sure = candidates(without(sheet, *doubted), kind, factors) if doubted else fired
    read = {fact.id for fact in sheet.facts if any(source.reader != "llm" for source in fact.sources)}
    return {
        one.id: one.threat.score.cvss_base
        for one in sure
        if is_supported(one.threat) and (not one.facts or read.intersection(one.facts))
    }


def _by_setting(fact: Fact, sheet: FactSheet) -> bool:
    """Return whether a fact that an LLM did not read is told by quotes that the LLM reads as of something to switch on:
    "write operations require ALLOW_WRITE=true" asserts no writing."""
    if fact.polarity != "asserted" or fact.read_by("llm"):
        return False
    return any(
        other.key == fact.key
        and other.polarity == "configurable"
        and other.counts
        and other.read_by("llm")
        and set(fact.evidence) <= set(other.evidence)
        for other in sheet.facts
    )


def _leading(items: Sequence[_Item], bases: Mapping[str, Decimal], first: str | None) -> list[Threat]:
    """Return the headline candidates of an LLM's selection; `first` is the id of the threat that the LLM put first.

    These are the LLM's own threats and far graver catalogue threats. Thus an LLM that follows injected instructions
    cannot lower the score, while patterns do not overrule an LLM that reads well.
    """
    own = _own_leads([item.threat for item in items if item.threat.by != "embedded"], bases, first)
    bar = _gravest(own) + MAX_BELOW
    rest = [item.threat for item in items if item.threat.by == "embedded"]
    return [*own, *(threat for threat in rest if bases.get(threat.id, Decimal(0)) > bar)] if own else []


def _own_leads(own: Sequence[Threat], bases: Mapping[str, Decimal], first: str | None) -> list[Threat]:
    """Return the LLM's threats that may be the headline: the first, unless a threat that needs no setting is graver.

    Otherwise return the threats that need neither a setting nor a prior breach of a third party. If these are far
    below the bases that the facts imply, return all supported threats.
    """
    supported = [threat for threat in own if is_supported(threat) and _BREACHED not in threat.score.cvss_vector]
    plain = [threat for threat in supported if not threat.setting]
    # Prefer the LLM's first threat even if it needs a setting, so that a milder side issue does not replace it.
    core = [threat for threat in supported if threat.id == first and threat.score.cvss_base >= _gravest(plain)]
    if core:
        return core
    if plain and _gravest(plain) + MAX_BELOW >= max(bases.values(), default=Decimal(0)):
        return plain
    return [threat for threat in own if is_supported(threat)]


def _gravest(threats: Sequence[Threat]) -> Decimal:
    """Return the highest base, or 0 if there are no threats."""
    return max((threat.score.cvss_base for threat in threats), default=Decimal(0))


def _base(first: _Item) -> Range:
    """Compute the headline's base and its range: the range of its catalogue threat, shifted to the headline's base."""
    base = first.threat.score.cvss_base
    if first.candidate is None:
        return point(base)
    usual = base_range(first.candidate.metrics)
    low, high = base - (usual.value - usual.low), base + (usual.high - usual.value)
    return Range(value=base, low=max(low, Decimal(0)), high=min(high, Decimal(10)))


# ---------------------------------------------------------------- order and folding


def _without_doubles(items: Sequence[_Item]) -> tuple[list[_Item], list[Dropped]]:
    """Fold items that a more specific item covers on an equal or better basis; return kept and folded items."""
    kept: list[_Item] = []
    folded: list[Dropped] = []
    for item in items:
        closer = [
            other
            for other in items
            if other.candidate
            and item.threat.id in other.candidate.pattern.covers
            and _group(other.threat) <= _group(item.threat)
        ]
        if closer:
            folded.append(_folded(item, f"{closer[0].threat.id} tells it more closely"))
        else:
            kept.append(item)
    return kept, folded


def _group(threat: Threat) -> int:
    """Return 0 for a threat in default use, 1 if it needs a setting or unusual use, 2 if assumed."""
    if is_supported(threat) and not threat.setting:
        return 0
    return 2 if threat.basis == "assumed" else 1


def _ranked(items: Sequence[_Item]) -> list[_Item]:
    """Sort by group, base, basis and asset; equal items keep the order of the catalogue."""
    return sorted(
        items,
        key=lambda item: (
            _group(item.threat),
            -item.threat.score.cvss_base,
            item.threat.basis != "quoted",
            ASSETS.index(item.candidate.pattern.asset) if item.candidate else 0,
        ),
    )


def _shown(items: Sequence[_Item], headline: Threat | None, *, led: bool) -> tuple[list[_Item], list[Dropped]]:
    """Choose the threats to show, headline first, and fold the rest; `led` means that an LLM chose the order."""
    ordered = sorted(items, key=lambda item: item.threat is not headline)
    room = {0: MAX_DEFAULT, 1: MAX_SETTING, 2: MAX_ASSUMED}
    most = MAX_SHOWN if led else MAX_ALONE
    layers: dict[LayerKey, int] = {}
    shown: list[_Item] = []
    folded: list[Dropped] = []
    for item in ordered:
        group = _group(item.threat)
        if len(shown) >= most:
            folded.append(_folded(item, f"less grave than the {most} shown"))
        elif not led and layers.get(item.layer, 0) >= MAX_PER_LAYER:
            folded.append(_folded(item, f"less grave than {MAX_PER_LAYER} others of its layer"))
        elif not led and len(shown) >= ALWAYS_SHOWN and item.threat.score.cvss_base < LOW_BASE:
            folded.append(_folded(item, "of low severity"))
        elif not led and room[group] <= 0:
            folded.append(_folded(item, "less grave than others of the same basis"))
        else:
            shown.append(item)
            layers[item.layer] = layers.get(item.layer, 0) + 1
            room[group] -= 1
    return shown, folded


def _folded(item: _Item, why: str) -> Dropped:
    threat = item.threat
    return Dropped(what=f"threat {threat.id}: {threat.title} ({threat.score.cvss_base})", reason=why)


# ---------------------------------------------------------------- with an LLM


def _judged(
    sheet: FactSheet,
    kind: ProductKind,
    factors: Mapping[FactorKey, FactorEstimate],
    judgement: Judgement,
    fired: Sequence[Candidate],
    bases: Mapping[str, Decimal],
) -> tuple[list[_Item], list[Dropped], dict[str, str]]:
    """Merge the LLM's threats, the catalogue threats that it keeps, and quoted ones that it does not mention."""
    facts = FactIndex(sheet, kind)
    by_id = {candidate.id: candidate for candidate in fired}
    grave = _underrated(sheet, judgement, bases, facts, factors)
    floors = _merged_floors(judgement.verdicts, grave, bases)
    items: list[_Item] = []
    folded: list[Dropped] = []
    names: dict[str, str] = {}
    taken: set[str] = set()
    for number, judged in enumerate(judgement.threats, start=1):
        like = by_id.get(judged.candidate or "")
        own = like is not None and like.id not in taken
        if own and like and like.id in grave and judged.basis not in SUPPORTED:
            # Show both threats, because the LLM alone must not move a threat out of default use against the facts.
            own = False
        least = like.id if own and like and like.id in grave else floors.get(f"T{number}", "")
        floor = by_id[least].metrics if least in by_id else None
        made = _llm_threat(judged, like if own else None, number, sheet, judgement, facts, factors, floor)
        if made is None:
            folded.append(
                Dropped(what=f"threat T{number}: {judged.title}", reason="no fact or quote behind it is left")
            )
            continue
        names[f"T{number}"] = made.id
        items.append(_Item(judged.layer, made, like if own else None))
        if own and like:
            taken.add(like.id)
    covered = {other for id_ in taken for other in by_id[id_].pattern.covers}
    covered |= {one.id for one in fired if any(_same_ground(one, item) for item in items)}
    bar = _gravest(_own_leads([item.threat for item in items], bases, names.get("T1"))) + MAX_BELOW
    told = _told_by_merging(judgement.verdicts, names, [item.threat for item in items], bases)
    far = {id_ for id_, base in bases.items() if base > bar and id_ not in told}
    room = min(MAX_BEYOND, ENOUGH - len(items)) if len(items) < CHOSEN else 0
    rest = [one for one in fired if one.id not in taken]
    kept, more = _beside(rest, judgement.verdicts, covered, far, room)
    return [*items, *kept], [*folded, *more], names


def _merged_floors(
    verdicts: Sequence[Verdict], grave: Collection[str], bases: Mapping[str, Decimal]
) -> Mapping[str, str]:
    """Return for each of the LLM's threats (T1, …) the gravest of the `grave` candidates that were merged into it.

    A merge may not lower the score below the floor of the facts, so the threat is raised towards that candidate. The
    catalogue's own words, written for any product, are left out all the same.
    """
    found: dict[str, str] = {}
    for verdict in verdicts:
        if verdict.says == "merge" and verdict.holds and verdict.candidate in grave:
            held = found.setdefault(verdict.into, verdict.candidate)
            found[verdict.into] = max(held, verdict.candidate, key=lambda id_: bases[id_])
    return found


def _told_by_merging(
    verdicts: Sequence[Verdict], names: Mapping[str, str], own: Sequence[Threat], bases: Mapping[str, Decimal]
) -> frozenset[str]:
    """Return the candidates that the LLM merged into a threat of its own that is about as grave, wherever it holds."""
    graded = {threat.id: threat.score.cvss_base for threat in own}
    return frozenset(
        verdict.candidate
        for verdict in verdicts
        if verdict.says == "merge"
        and verdict.holds
        and verdict.candidate in bases
        and graded.get(names.get(verdict.into, ""), Decimal(0)) + MAX_BELOW >= bases[verdict.candidate]
    )


def _underrated(
    sheet: FactSheet,
    judgement: Judgement,
    bases: Mapping[str, Decimal],
    facts: FactIndex,
    factors: Mapping[FactorKey, FactorEstimate],
) -> frozenset[str]:
    """Return supported candidates that are far graver than all of the LLM's threats in default use.

    The LLM sets each metric, and the catalogue's rules normally do not overrule it. But an LLM that follows injected
    instructions, or lies, must not lower the score below the floor that the facts set.
    """
    own = [
        _llm_threat(judged, None, n, sheet, judgement, facts, factors) for n, judged in enumerate(judgement.threats, 1)
    ]
    first = own[0].id if own and own[0] else None
    bar = _gravest(_own_leads([one for one in own if one], bases, first)) + MAX_BELOW
    wrong = {verdict.candidate for verdict in judgement.verdicts if verdict.says == "wrong" and verdict.holds}
    return frozenset(id_ for id_, base in bases.items() if id_ not in wrong and base > bar)


def _same_ground(candidate: Candidate, item: _Item) -> bool:
    """Return whether the LLM's threat is in the candidate's layer and cites all of the candidate's facts."""
    return candidate.layer == item.layer and bool(candidate.facts) and set(candidate.facts) <= set(item.threat.facts)


def _beside(
    fired: Sequence[Candidate], verdicts: Sequence[Verdict], covered: set[str], far: Collection[str], room: int
) -> tuple[list[_Item], list[Dropped]]:
    """Choose the catalogue threats to show after the LLM's, and fold the others.

    Threats in `far` (supported and far graver than the LLM's) are kept unless code confirmed a "wrong" verdict, so that
    an LLM that follows injected instructions cannot lower the headline. Of the threats that the LLM does not mention,
    `room` are kept.
    """
    said = {verdict.candidate: verdict for verdict in verdicts}
    kept: list[_Item] = []
    silent: list[_Item] = []
    folded: list[Dropped] = []
    for item in (_Item(candidate.layer, candidate.threat, candidate) for candidate in fired):
        verdict = said.get(item.threat.id)
        grave = item.threat.id in far
        if verdict and verdict.says == "wrong" and verdict.holds:
            folded.append(_folded(item, f"the LLM: {verdict.why}"))
        elif grave or (verdict and verdict.says == "keep"):
            kept.append(item)
        elif verdict and verdict.says == "merge":
            folded.append(_folded(item, f"merged into {verdict.into or 'another'}"))
        elif item.threat.id in covered:
            folded.append(_folded(item, "a threat of the LLM tells it more closely"))
        else:
            silent.append(item)
    rest, doubles = _without_doubles([*kept, *silent])
    kept = [item for item in rest if item in kept]
    silent = [item for item in rest if item not in kept]
    quoted = [item for item in _ranked(silent) if item.threat.basis == "quoted" and is_supported(item.threat)]
    beyond = quoted[:room]
    folded += [*doubles, *(_folded(item, "the LLM did not mention it") for item in silent if item not in beyond)]
    return [*_ranked(kept), *beyond], folded


def _llm_threat(
    judged: JudgedThreat,
    like: Candidate | None,
    number: int,
    sheet: FactSheet,
    judgement: Judgement,
    facts: FactIndex,
    factors: Mapping[FactorKey, FactorEstimate],
    floor: Mapping[Metric, Choice] | None = None,
) -> Threat | None:
    """Build the record of an LLM's threat, or return None if none of its cited quotes and facts exist any more.

    The metrics are raised towards those of `floor`, if given.
    """
    counting = {fact.id: fact for fact in sheet.facts if fact.counts and fact.about == "product"}
    rests_on = [counting[id_] for id_ in judged.facts if id_ in counting]
    quotes = {item.id for item in (*sheet.evidence, *judgement.evidence)}
    evidence = tuple(
        dict.fromkeys(
            mark
            for mark in (*judged.evidence, *(mark for fact in rests_on for mark in fact.evidence))
            if mark in quotes
        )
    )
    if (judged.facts or judged.evidence) and not evidence:
        return None
    basis = _basis(judged, rests_on, evidence)
    metrics = check_metrics(judged, facts, floor)
    vector = vector_of({metric: one.value for metric, one in metrics.items()})
    return Threat(
        id=like.id if like else f"LLM-{number}",
        title=judged.title,
        statement=ThreatStatement(
            source=judged.actor,
            prerequisite=f"if {judged.setting}" if judged.setting else "a product in default use",
            action=judged.how,
            impact=judged.lost,
            asset=like.pattern.asset.replace("_", " ") if like else judged.lost,
        ),
        taxonomy=_references(judged, like),
        state="claimed" if basis == "quoted" else "inferred",
        score=score_threat(vector, {metric: one.reason for metric, one in metrics.items()}, factors),
        mitigations=_mitigations(judged, like),
        evidence=evidence,
        like=judged.candidate,
        facts=tuple(fact.id for fact in rests_on),
        basis=basis,
        setting=judged.setting,
        default_use=judged.default_use and basis != "needs a setting",
        how=_how(judged, rests_on),
        lost=judged.lost,
        by="both" if like else "llm",
    )


def _basis(judged: JudgedThreat, rests_on: Sequence[Fact], evidence: Sequence[str]) -> Basis:
    """Return the LLM's basis, or a weaker basis if the cited facts and quotes do not support it."""
    if judged.basis in ("quoted", "entry inferred"):
        if not evidence:
            return "assumed"
        settings = [fact for fact in rests_on if fact.polarity == "configurable"]
        # An LLM that names the option, and says that the product's usual use has it on, has weighed this.
        weighed = judged.default_use and judged.setting
        if rests_on and len(settings) == len(rests_on) and not weighed:
            return "needs a setting"
        if len(rests_on) < len(judged.facts):
            return "entry inferred"
    return judged.basis


def _how(judged: JudgedThreat, rests_on: Sequence[Fact]) -> str:
    """Return the LLM's text, adding the marks of its facts if the text has none."""
    if "[E" in judged.how or not rests_on:
        return judged.how
    cited = tuple(dict.fromkeys(fact.evidence[0] for fact in rests_on))[:MAX_MARKS]
    return f"{judged.how.rstrip('.')} [{', '.join(cited)}]."


def _references(judged: JudgedThreat, like: Candidate | None) -> tuple[TaxonomyRef, ...]:
    found: list[TaxonomyRef] = []
    for scheme, id_ in judged.taxonomy:
        try:
            entry = lookup(scheme, id_)
        except InputError:
            continue
        found.append(TaxonomyRef(scheme=scheme, id=entry.id, title=entry.title))
    return tuple(found) or (like.pattern.taxonomy if like else ())


def _mitigations(judged: JudgedThreat, like: Candidate | None) -> tuple[Mitigation, ...]:
    own = tuple(Mitigation(text=one.text, who=one.who, status="proposed", evidence=()) for one in judged.mitigations)
    return own or (like.threat.mitigations if like else ())


__all__ = ["Candidate", "Found", "Placed", "candidates", "find_threats"]
