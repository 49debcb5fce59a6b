"""Select and order the threats of a draft: catalogue threats supported by facts, merged with an LLM's threats.

The headline comes first, then threats in default use by base score, then threats that need a setting, then assumed
ones. With a judgement, the LLM's order has priority. Threats that are not shown are folded away, and the reason is
recorded.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from agent.drafting.judgement import NOTHING, JudgedThreat, Judgement, Metric
from agent.drafting.threats.candidates import (
    Candidate,
    candidates,
    cited_how,
    proposed,
    recurring,
    settled,
)
from agent.drafting.threats.expressions import FactIndex
from agent.drafting.threats.headline import SUPPORTED, choose, is_supported
from agent.drafting.threats.priorities import Pool, borne_out, families_first, firm_ids, further_families
from agent.drafting.threats.severity import MAX_BELOW, Choice, Factors, base_range, check_metrics, point, score_threat
from agent.errors import InputError
from agent.facts.sheet import without
from agent.records import Basis, Dropped, Fact, FactSheet, Range, TaxonomyRef, Threat, ThreatStatement
from agent.taxonomy.kinds import AssetClass, ProductKind
from agent.taxonomy.layers import LayerKey
from agent.taxonomy.lists import lookup

MAX_SHOWN: Final = 9
MAX_ALONE: Final = 7
"""Maximum number of threats shown without an LLM's selection; this many fit on the first pages."""
MAX_NAMED: Final = 5
"""Maximum number of further dangers that are only named without an LLM."""
MAX_DEFAULT: Final = 6
"""Maximum number of catalogue threats in default use; leaves room for assumed ones and ones that need a setting."""
MAX_SETTING: Final = 2
MAX_ASSUMED: Final = 2
MAX_PER_LAYER: Final = 3
LOW_BASE: Final = Decimal(4)
"""A catalogue threat below this base ("Low") is shown only if it is among the first `ALWAYS_SHOWN`."""
ALWAYS_SHOWN: Final = 2
ASSETS: Final[tuple[AssetClass, ...]] = (
    "safety", "money", "host", "credentials", "code", "accounts", "systems", "personal_data", "business_data",
    "decisions",
)  # fmt: skip
"""Assets in order of priority, which breaks ties between equally severe threats."""
WEIGHTY: Final = frozenset(ASSETS[:5])
"""Assets that are important enough for a threat to be shown next to the headline."""
HIGH_BASE: Final = Decimal(7)
"""Lowest base in the "High" band."""
MAX_LEADING: Final = 3
"""Maximum number of threats that come before the families of a kind, including the headline."""
MAX_ALIKE: Final = 2
"""Maximum number of threats among the first five with the same kind of entry."""
MAX_BEYOND: Final = 2
"""Maximum number of quoted catalogue threats that are added although the LLM did not mention them."""
FAR_ABOVE: Final = Decimal(2)
"""Minimum difference in base for an LLM's later threat to replace one of its first five."""
ENOUGH: Final = 5
"""Number of threats in the first part of a selection."""
CHOSEN: Final = 4
"""If the LLM gives at least this many threats, catalogue threats that it did not mention are not shown."""
BREACHED: Final = "/AC:H/AT:P/"
"""Part of the vector of threats that require a prior breach of a publisher or host, as any product may suffer."""
_NONE: Final = Decimal(0)


class Placed(NamedTuple):
    """A threat and its layer."""

    layer: LayerKey
    threat: Threat
    candidate: Candidate | None = None
    """The underlying catalogue threat, if any."""

    @property
    def base(self) -> Decimal:
        """The threat's base."""
        return self.threat.score.cvss_base

    @property
    def asset(self) -> AssetClass | None:
        """The main asset that the threat harms, if it comes from the catalogue."""
        return self.candidate.pattern.asset if self.candidate else None

    @property
    def group(self) -> int:
        """0 for a threat in default use, 1 if it needs a setting or unusual use, 2 if assumed."""
        if is_supported(self.threat) and not self.threat.setting:
            return 0
        return 2 if self.threat.basis == "assumed" else 1

    def folded(self, why: str) -> Dropped:
        """Return the record of this threat, left out for a reason."""
        return Dropped(what=f"threat {self.threat.id}: {self.threat.title} ({self.base})", reason=why)


class Found(NamedTuple):
    """The threats of a draft."""

    threats: tuple[Placed, ...]
    """Shown threats in report order, headline first."""
    headline: Threat | None
    base: Range | None
    """The headline's base, with the range caused by open metrics."""
    folded: tuple[Dropped, ...]
    kind: ProductKind = "other"
    """The kind of product for which the threats were found."""
    names: Mapping[str, str] = {}
    """Ids of threats, keyed by the LLM's names for them (T1, T2, …)."""
    judgement: Judgement = NOTHING
    """The LLM's judgement that was used."""
    usual: float | None = None
    """The usual base that was used to settle open metrics."""
    further: tuple[str, ...] = ()
    """Without an LLM: titles of threats that recur for the kind of product and are not shown."""

    @property
    def tags(self) -> Mapping[str, str]:
        """The names of shown threats, keyed by id; T1 is the first threat of the report."""
        return {placed.threat.id: f"T{number}" for number, placed in enumerate(self.threats, start=1)}

    @property
    def ids(self) -> Mapping[str, str]:
        """The ids of shown threats, keyed by the LLM's names for them."""
        shown = self.tags
        return {name: threat for name, threat in self.names.items() if threat in shown}

    @property
    def called(self) -> Mapping[str, str]:
        """The draft's names for shown threats, keyed by the LLM's names for them."""
        shown = self.tags
        return {name: shown[threat] for name, threat in self.ids.items()}


def find_threats(
    sheet: FactSheet, kind: ProductKind, factors: Factors, judgement: Judgement = NOTHING, usual: float | None = None
) -> Found:
    """Find the threats that the facts and the LLM's `judgement` support, in report order.

    If no LLM judged any threats, open metrics are set to values typical for a base of `usual` (`candidates.settled`).
    """
    further: tuple[str, ...] = ()
    if not judgement.threats and not judgement.verdicts:
        headline, shown, folded, further = _alone(sheet, kind, factors, usual)
        names: Mapping[str, str] = {}
    else:
        merged = _Merged(sheet, kind, factors, judgement, candidates(sheet, kind, factors))
        names = merged.names
        ordered = _led(merged.items) if names else _varied(_ranked(merged.items))
        headline = choose(merged.leading(ordered)) or choose([item.threat for item in ordered])
        shown, more = _shown(ordered, headline, led=bool(names))
        folded = [*merged.folded, *more]
    threats = tuple(
        item._replace(threat=item.threat.model_copy(update={"place": place})) for place, item in enumerate(shown, 1)
    )
    first = threats[0].threat if threats and headline else None
    return Found(
        threats=threats,
        headline=first,
        base=_base(threats[0]) if first else None,
        folded=tuple(folded),
        kind=kind,
        names=names,
        judgement=judgement,
        usual=usual,
        further=further,
    )


def _alone(
    sheet: FactSheet, kind: ProductKind, factors: Factors, usual: float | None
) -> tuple[Threat | None, list[Placed], list[Dropped], tuple[str, ...]]:
    """Return the headline, the threats to show (starting with the headline), the folded ones and the titles of further
    dangers, based only on facts and kind. A threat that recurs for the kind becomes the headline only if no threat from
    facts can. A threat outside the families with priority for the kind is added if its facts are firm and it harms
    another asset, or if there are few threats in total.
    """
    own = borne_out(candidates(sheet, kind, factors, revised=True), sheet, kind)
    own = own if usual is None else _as_usual(own, usual, kind, factors)
    left, folded = _without_doubles([Placed(one.layer, one.threat, one) for one in own])
    ordered = _varied(_ranked(left))
    headline = choose([item.threat for item in ordered])
    more = recurring(sheet, kind, factors)
    if usual is not None:
        # If there is a headline, recurring threats may only be lowered, so that no assumption ranks above what the
        # facts show.
        more = _eased(more, usual, kind, factors) if headline else _as_usual(more, usual, kind, factors)
    others = _ranked([Placed(one.layer, one.threat, one) for one in more])
    grave = [item for item in ordered if item.base >= LOW_BASE or item.threat is headline]
    by_id = {item.threat.id: item for item in (*grave, *others)}
    firm = firm_ids(sheet, kind)
    pool = Pool(list(by_id), firm, {item.threat.id for item in others if not item.threat.evidence})
    ids = families_first(pool, kind, _leading(grave, headline, firm), ENOUGH, MAX_ALONE)
    chosen = [by_id[id_] for id_ in ids]
    headline = headline or choose([item.threat for item in chosen])
    filling, _ = _shown([item for item in ordered if item.threat.id not in ids], None, led=False)
    for item in filling:
        harmed = {other.asset for other in chosen}
        other = item.threat.id in firm and is_supported(item.threat) and item.asset not in harmed
        if len(chosen) < (MAX_ALONE if other else ENOUGH):
            chosen.append(item)
    shown = sorted(_ranked(chosen), key=lambda item: headline is not None and item.threat.id != headline.id)
    folded += [
        item.folded("other threats have priority for this kind of product") for item in ordered if item not in chosen
    ]
    further = further_families(pool, kind, [item.threat.id for item in chosen], MAX_NAMED)
    return headline, shown, folded, tuple(by_id[id_].threat.title for id_ in further)


def _leading(items: Sequence[Placed], headline: Threat | None, firm: Collection[str]) -> list[str]:
    """Return the ids of the headline and of the most severe threats from firm facts that harm other important assets,
    so that every main ability is represented by a threat."""
    led = [item for item in items if item.threat is headline]
    for item in items:
        weighty = item.asset in WEIGHTY and item.asset not in {other.asset for other in led}
        if weighty and item.base >= HIGH_BASE and is_supported(item.threat) and item.threat.id in firm:
            led.append(item)
    return [item.threat.id for item in led[:MAX_LEADING]]


def _as_usual(fired: Sequence[Candidate], usual: float, kind: ProductKind, factors: Factors) -> tuple[Candidate, ...]:
    """Lower default-use threats whose base is above the usual one, and raise the headline if its base is below."""
    eased = _eased(fired, usual, kind, factors)
    first = choose([one.threat for one in eased])
    return tuple(settled(one, usual, kind, factors, raised=True) if one.threat is first else one for one in eased)


def _eased(fired: Sequence[Candidate], usual: float, kind: ProductKind, factors: Factors) -> tuple[Candidate, ...]:
    return tuple(settled(one, usual, kind, factors) if one.threat.default_use else one for one in fired)


def _base(first: Placed) -> Range:
    """Compute the headline's base and its range: the range of its catalogue threat, shifted to the headline's base."""
    if first.candidate is None:
        return point(first.base)
    usual = base_range(first.candidate.metrics)
    low, high = first.base - (usual.value - usual.low), first.base + (usual.high - usual.value)
    return Range(value=first.base, low=max(low, _NONE), high=min(high, Decimal(10)))


def _led(items: Sequence[Placed]) -> list[Placed]:
    """Order an LLM's selection: its first five threats, its other threats, then catalogue threats.

    Each part is sorted as usual, by group and base. The LLM decides which threats most readers see, but its first five
    never contain a Low or far less severe threat in place of a more severe one.
    """
    own = [item for item in items if item.threat.by != "embedded"]
    own.sort(key=lambda item: item.base < LOW_BASE)
    for late in sorted(own[ENOUGH:], key=lambda item: -item.base):
        first = own[:ENOUGH]
        mildest = min(first, key=lambda item: (item.base, -first.index(item)))
        if late.base >= mildest.base + FAR_ABOVE:
            here, there = own.index(mildest), own.index(late)
            own[here], own[there] = late, mildest
    rest = [item for item in items if item.threat.by == "embedded"]
    return [*_ranked(own[:ENOUGH]), *_ranked(own[ENOUGH:]), *_ranked(rest)]


def _varied(ranked: Sequence[Placed]) -> list[Placed]:
    """Reorder ranked threats so that at most two of the first five have the same kind of entry.

    If injected text reaches many abilities, each of them leads to a threat of similar severity. Without reordering, the
    first page would show five variants of one threat and omit, for example, a stolen key or an open port.
    """
    ways: Counter[str] = Counter()
    first: list[Placed] = []
    for item in ranked:
        way = item.candidate.pattern.reference if item.candidate else ""
        if len(first) < ENOUGH and ways[way] < MAX_ALIKE:
            first.append(item)
            ways[way] += 1
    rest = [item for item in ranked if item not in first]
    first += rest[: ENOUGH - len(first)]
    return [*(item for item in ranked if item in first), *(item for item in rest if item not in first)]


def _ranked(items: Sequence[Placed]) -> list[Placed]:
    """Sort by group, base, basis and asset; equal items keep the order of the catalogue."""

    def order(item: Placed) -> tuple[int, Decimal, bool, int]:
        asset = ASSETS.index(item.candidate.pattern.asset) if item.candidate else 0
        return item.group, -item.base, item.threat.basis != "quoted", asset

    return sorted(items, key=order)


def _without_doubles(items: Sequence[Placed]) -> tuple[list[Placed], list[Dropped]]:
    """Fold items that a more specific item covers on an equal or better basis; return kept and folded items."""
    kept: list[Placed] = []
    folded: list[Dropped] = []
    for item in items:
        closer = [
            other
            for other in items
            if other.candidate and item.threat.id in other.candidate.pattern.covers and other.group <= item.group
        ]
        if closer:
            folded.append(item.folded(f"covered more specifically by {closer[0].threat.id}"))
        else:
            kept.append(item)
    return kept, folded


def _shown(items: Sequence[Placed], headline: Threat | None, *, led: bool) -> tuple[list[Placed], list[Dropped]]:
    """Choose the threats to show, headline first, and fold the rest; `led` means that an LLM chose the order."""
    room = {0: MAX_DEFAULT, 1: MAX_SETTING, 2: MAX_ASSUMED}
    most = MAX_SHOWN if led else MAX_ALONE
    layers: Counter[LayerKey] = Counter()
    shown: list[Placed] = []
    folded: list[Dropped] = []
    for item in sorted(items, key=lambda item: item.threat is not headline):
        if len(shown) >= most:
            folded.append(item.folded(f"less severe than the {most} shown"))
        elif not led and layers[item.layer] >= MAX_PER_LAYER:
            folded.append(item.folded(f"less severe than {MAX_PER_LAYER} others in its layer"))
        elif not led and len(shown) >= ALWAYS_SHOWN and item.base < LOW_BASE:
            folded.append(item.folded("low severity"))
        elif not led and room[item.group] <= 0:
            folded.append(item.folded("less severe than others on the same basis"))
        else:
            shown.append(item)
            layers[item.layer] += 1
            room[item.group] -= 1
    return shown, folded


class _Merged:
    """An LLM's threats, the catalogue threats that it keeps, and quoted ones that it does not mention."""

    def __init__(
        self, sheet: FactSheet, kind: ProductKind, factors: Factors, judgement: Judgement, fired: Sequence[Candidate]
    ) -> None:
        self._sheet, self._judgement, self._factors = sheet, judgement, factors
        self._facts = FactIndex(sheet, kind)
        self._fired = {one.id: one for one in fired}
        # The LLM's threats as it judged them, before any metric is raised.
        self._own = [self._threat(judged, number) for number, judged in enumerate(judgement.threats, start=1)]
        self._wrong = self._refuted()
        self._merges = [one for one in judgement.verdicts if one.says == "merge" and one.holds]
        self._bases = self._implied(kind)
        self.names: dict[str, str] = {}
        """Ids of the LLM's threats, keyed by its names for them."""
        self.items: list[Placed] = []
        self.folded: list[Dropped] = []
        self._take()
        self._add_catalogue()

    def leading(self, ordered: Sequence[Placed]) -> list[Threat]:
        """Return the threats that may be the headline: the LLM's own, and far more severe catalogue threats.

        This prevents an LLM that follows injected instructions from lowering the score, without letting patterns
        overrule an LLM that reads well.
        """
        own = self._leads([item.threat for item in ordered if item.threat.by != "embedded"], self.names.get("T1"))
        rest = [item.threat for item in ordered if item.threat.by == "embedded"]
        return [*own, *(one for one in rest if self._bases.get(one.id, _NONE) > _bar(own))] if own else []

    def _implied(self, kind: ProductKind) -> dict[str, Decimal]:
        """Compute the bases of supported candidates by id, ignoring facts in doubt and facts that every reader only
        inferred, since neither kind sets a floor.

        A candidate based only on facts that only the LLM found sets no floor either, because the LLM may judge
        those itself. The same applies to a candidate based on an ability whose quotes, according to the LLM, describe a
        setting.
        """
        sheet, doubted = self._sheet, self._judgement.doubted
        gone = [fact.id for fact in sheet.facts if fact.id in doubted or fact.only_inferred or _by_setting(fact, sheet)]
        sure = candidates(without(sheet, *gone), kind, self._factors) if gone else self._fired.values()
        read = {fact.id for fact in sheet.facts if any(source.reader != "llm" for source in fact.sources)}
        return {
            one.id: one.threat.score.cvss_base
            for one in sure
            if is_supported(one.threat) and (not one.facts or read.intersection(one.facts))
        }

    def _refuted(self) -> frozenset[str]:
        """Return the ids of the candidates that the LLM calls wrong with good reason.

        Either code confirmed the LLM's reason, or the LLM gave at least four threats that together cite all of the
        candidate's facts, with one of them about as severe. In the second case no danger is hidden: the LLM only
        describes it better.
        """
        own = [threat for threat in self._own if threat]
        gone = set()
        for verdict in (one for one in self._judgement.verdicts if one.says == "wrong"):
            one = self._fired.get(verdict.candidate)
            facts = set(one.facts) if one else set()
            carriers = [threat for threat in own if facts & set(threat.facts)]
            carried = bool(facts) and facts <= {fact for threat in carriers for fact in threat.facts}
            if verdict.holds or (
                one and carried and len(own) >= CHOSEN and _bar(carriers) >= one.threat.score.cvss_base
            ):
                gone.add(verdict.candidate)
        return frozenset(gone)

    def _leads(self, own: Sequence[Threat], first: str | None) -> list[Threat]:
        """Return those of the LLM's threats that may be the headline: the one that the LLM put `first`, unless a threat
        that needs no setting is more severe.

        Otherwise return the threats that need neither a setting nor a prior breach of a third party. If these are far
        below the bases that the facts imply, return all supported threats.
        """
        supported = [threat for threat in own if is_supported(threat)]
        likely = [threat for threat in supported if BREACHED not in threat.score.cvss_vector]
        plain = [threat for threat in likely if not threat.setting]
        # Prefer the LLM's first threat even if it needs a setting, so that a lesser side issue does not replace it.
        core = [threat for threat in likely if threat.id == first and threat.score.cvss_base >= _gravest(plain)]
        if core or (plain and _bar(plain) >= max(self._bases.values(), default=_NONE)):
            return core or plain
        return supported

    def _take(self) -> None:
        """Take the LLM's threats, each with the catalogue threat that it keeps or rewords."""
        grave = self._underrated()
        # A merge must not lower the score below the floor that the facts set, so the threat is raised towards the
        # most severe candidate that was merged into it. The catalogue's wording is not used, because it was written
        # for products in general.
        floors: dict[str, str] = {}
        for verdict in self._merges:
            if verdict.candidate in grave:
                held = floors.get(verdict.into, verdict.candidate)
                floors[verdict.into] = max(held, verdict.candidate, key=self._bases.__getitem__)
        taken: set[str] = set()
        for number, judged in enumerate(self._judgement.threats, start=1):
            like = self._fired.get(judged.candidate or "")
            # Show both threats if the LLM moves a threat out of default use although the facts contradict this.
            if like and (like.id in taken or (like.id in grave and judged.basis not in SUPPORTED)):
                like = None
            asked = {like.id if like else "", floors.get(f"T{number}", "")} & grave
            least = max(asked, key=self._bases.__getitem__, default="")
            floor = self._fired[least].metrics if least in self._fired else None
            if (made := self._threat(judged, number, like, floor)) is None:
                why = "none of its facts or quotes remains"
                self.folded.append(Dropped(what=f"threat T{number}: {judged.title}", reason=why))
                continue
            self.names[f"T{number}"] = made.id
            self.items.append(Placed(judged.layer, made, like))
            taken |= {like.id} if like else set()

    def _underrated(self) -> frozenset[str]:
        """Return supported candidates that are far more severe than all of the LLM's threats in default use.

        The LLM sets each metric, and the catalogue's rules normally do not overrule it. But an LLM that follows
        injected instructions, or lies, must not lower the score below the floor that the facts set.
        """
        first = self._own[0].id if self._own and self._own[0] else None
        bar = _bar(self._leads([one for one in self._own if one], first))
        return frozenset(id_ for id_, base in self._bases.items() if id_ not in self._wrong and base > bar)

    def _add_catalogue(self) -> None:
        """Add the catalogue threats to show after the LLM's, and fold the others.

        Supported candidates that are far more severe than the LLM's threats are kept unless it refuted them with good
        reason, so that an LLM that follows injected instructions cannot lower the headline. A few of the threats that
        the LLM does not mention are added too.
        """
        own = [item.threat for item in self.items]
        taken = {item.candidate.id: item.candidate for item in self.items if item.candidate}
        covered = {other for one in taken.values() for other in one.pattern.covers}
        covered |= {one.id for one in self._fired.values() if any(_same_ground(one, item) for item in self.items)}
        bar = _bar(self._leads(own, self.names.get("T1")))
        graded = {threat.id: threat.score.cvss_base for threat in own}
        told = {
            one.candidate
            for one in self._merges
            if graded.get(self.names.get(one.into, ""), _NONE) + MAX_BELOW >= self._bases.get(one.candidate, _NONE)
        }
        said = {verdict.candidate: verdict for verdict in self._judgement.verdicts}
        kept: list[Placed] = []
        silent: list[Placed] = []
        for one in [one for one in self._fired.values() if one.id not in taken]:
            item, verdict = Placed(one.layer, one.threat, one), said.get(one.id)
            if verdict and one.id in self._wrong:
                self.folded.append(item.folded(f"the LLM: {verdict.why}"))
            elif (self._bases.get(one.id, _NONE) > bar and one.id not in told) or (verdict and verdict.says == "keep"):
                kept.append(item)
            elif verdict and verdict.says == "merge":
                self.folded.append(item.folded(f"merged into {verdict.into or 'another'}"))
            elif one.id in covered:
                self.folded.append(item.folded("a threat from the LLM describes it more precisely"))
            else:
                silent.append(item)
        rest, doubles = _without_doubles([*kept, *silent])
        unsaid = [item for item in rest if item in silent]
        quoted = [item for item in _ranked(unsaid) if item.threat.basis == "quoted" and is_supported(item.threat)]
        beyond = quoted[: MAX_BEYOND if len(own) < CHOSEN else 0]
        self.folded += doubles
        self.folded += [item.folded("the LLM did not mention it") for item in unsaid if item not in beyond]
        self.items += [*_ranked([item for item in rest if item not in unsaid]), *beyond]

    def _threat(
        self,
        judged: JudgedThreat,
        number: int,
        like: Candidate | None = None,
        floor: Mapping[Metric, Choice] | None = None,
    ) -> Threat | None:
        """Build the record of an LLM's threat, or return None if none of its cited quotes and facts exist any more.

        The metrics are raised towards those of `floor`, if given.
        """
        counting = {fact.id: fact for fact in self._sheet.facts if fact.counts and fact.about == "product"}
        rests_on = [counting[id_] for id_ in judged.facts if id_ in counting]
        quotes = {item.id for item in (*self._sheet.evidence, *self._judgement.evidence)}
        cited = dict.fromkeys((*judged.evidence, *(mark for fact in rests_on for mark in fact.evidence)))
        evidence = tuple(mark for mark in cited if mark in quotes)
        if (judged.facts or judged.evidence) and not evidence:
            return None
        basis = _basis(judged, rests_on, evidence)
        own = proposed((one.text, one.who) for one in judged.mitigations)
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
            taxonomy=_references(judged) or (like.pattern.taxonomy if like else ()),
            state="claimed" if basis == "quoted" else "inferred",
            score=score_threat(check_metrics(judged, self._facts, floor), self._factors),
            mitigations=own or (like.threat.mitigations if like else ()),
            evidence=evidence,
            like=judged.candidate,
            facts=tuple(fact.id for fact in rests_on),
            basis=basis,
            setting=judged.setting,
            default_use=judged.default_use and basis != "needs a setting",
            how=judged.how if "[E" in judged.how else cited_how(judged.how, rests_on),
            lost=judged.lost,
            by="both" if like else "llm",
        )


def _gravest(threats: Sequence[Threat]) -> Decimal:
    """Return the highest base, or 0 if there are no threats."""
    return max((threat.score.cvss_base for threat in threats), default=_NONE)


def _bar(threats: Sequence[Threat]) -> Decimal:
    """Return the base above which a candidate counts as far more severe than all of the LLM's threats."""
    return _gravest(threats) + MAX_BELOW


def _by_setting(fact: Fact, sheet: FactSheet) -> bool:
    """Return whether the LLM, which did not find this fact itself, reads the fact's quotes as describing something that
    has to be switched on: "write operations require ALLOW_WRITE=true" does not assert writing."""
    if fact.polarity != "asserted" or fact.read_by("llm"):
        return False
    settings = [one for one in sheet.facts if one.key == fact.key and one.polarity == "configurable" and one.counts]
    return any(one.read_by("llm") and set(fact.evidence) <= set(one.evidence) for one in settings)


def _same_ground(candidate: Candidate, item: Placed) -> bool:
    """Return whether the LLM's threat is in the candidate's layer and cites all of the candidate's facts."""
    return candidate.layer == item.layer and bool(candidate.facts) and set(candidate.facts) <= set(item.threat.facts)


def _basis(judged: JudgedThreat, rests_on: Sequence[Fact], evidence: Sequence[str]) -> Basis:
    """Return the LLM's basis, or a weaker basis if the cited facts and quotes do not support it."""
    if judged.basis in ("quoted", "entry inferred"):
        if not evidence:
            return "assumed"
        # If the LLM mentions the option and says that it is usually on, the LLM has considered the question.
        weighed = judged.default_use and judged.setting
        if rests_on and not weighed and all(fact.polarity == "configurable" for fact in rests_on):
            return "needs a setting"
        if len(rests_on) < len(judged.facts):
            return "entry inferred"
    return judged.basis


def _references(judged: JudgedThreat) -> tuple[TaxonomyRef, ...]:
    found: list[TaxonomyRef] = []
    for scheme, id_ in judged.taxonomy:
        try:
            entry = lookup(scheme, id_)
        except InputError:
            continue
        found.append(TaxonomyRef(scheme=scheme, id=entry.id, title=entry.title))
    return tuple(found)
