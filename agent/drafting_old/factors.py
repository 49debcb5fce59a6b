"""Estimate the eleven factors from a reading, each as a sum of parts that can be printed and contested.

    value = typical value for the product's kind + signed effects of named evidence + a remainder of 0 to 0.10

The sum is clipped to 0 to 1 and rounded half up to a tenth. A thin listing (no documentation, one heading at most)
takes the larger of that sum and the mean over all products of the kind, so that silence never looks like safety.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from agent.drafting_old.calibrate_factors import (
    DENIED,
    REMAINDER_CAP,
    FactorCalibration,
    FactorConstants,
    Spread,
    strengths,
)
from agent.drafting_old.factor_features import (
    FactorFeatures,
    Reason,
    Witness,
    all_witnesses,
    denials,
    features,
    rules,
)
from agent.drafting_old.kind import KindGuess, guess, load_kinds
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.pinned import controlled, pinned
from agent.evidence.reading import Reading
from agent.evidence.signals import load_signals
from agent.records import FactorEstimate, Lowering, Part, Rank, State
from agent.taxonomy.keys import FACTORS, FactorKey

SPARSE_LIFT: Final = 0.015
"""Added to the kind's mean for a thin listing, so that a product does not look safer when less is said of it: on
average over the corpus a card's factor sum is then 0.1 above its full listing's instead of level with it."""
_LANGUAGE: Final[FactorKey] = "natural_language_interface"
_LANGUAGE_SPREAD: Final = Spread(below=-0.3, above=0.3)
SHOWN: Final = 0.005
_VAGUE_KIND: Final = 0.3
"""Below this probability a kind is not called by its name alone."""
DIGITS: Final = 4
_CENTS: Final = 2
"""Digits of what a lowering changed: finer than the grid, on which a small step may not show."""
_TENTH: Final = Decimal("0.1")


@dataclass(frozen=True)
class FactorResult:
    """All estimates, what lowered any of them, and the kind that they start from."""

    factors: dict[FactorKey, FactorEstimate]
    lowerings: tuple[Lowering, ...]
    kind: KindGuess
    thin: bool


class _Sources(NamedTuple):
    """What the estimates of one draft share."""

    reading: Reading
    ledger: Ledger
    features: FactorFeatures
    witnesses: Mapping[str, Witness]
    denied: Mapping[str, Witness]
    kind: str
    """The kind in words, with the runner-up when it is not clear."""


def estimate(reading: Reading, ledger: Ledger, calibration: FactorCalibration) -> FactorResult:
    """Values, ranges (both on the 0.1 grid), states, parts and quotes of all eleven factors.

    Evidence is cited through `ledger`. Statements that a finding covers are read by nothing here.
    """
    found = features(reading)
    sources = _Sources(reading, ledger, found, all_witnesses(reading), denials(reading), _kind_words(found))
    factors: dict[FactorKey, FactorEstimate] = {}
    lowerings: list[Lowering] = []
    for key in FACTORS:
        if key == _LANGUAGE:
            draft = _language(sources)
        else:
            draft = _labelled(sources, key, calibration.factors[key], calibration.likeness)
        factors[key] = draft.finish()
        lowerings.extend(draft.lowerings())
    return FactorResult(factors, tuple(lowerings), guess(found.kinds), found.thin)


@dataclass(frozen=True)
class _Draft:
    """One factor before rounding."""

    key: FactorKey
    parts: tuple[Part, ...]
    state: State
    evidence: tuple[str, ...]
    spread: Spread
    rationale: str
    rules: Mapping[str, str]
    """Why each lowering part lowers, by evidence id."""
    ranks: Mapping[str, Rank]

    def finish(self) -> FactorEstimate:
        total = _total(self.parts)
        value = _tenth(total)
        return FactorEstimate(
            value=value,
            low=min(value, _tenth(total + self.spread.below)),
            high=max(value, _tenth(total + self.spread.above)),
            state=self.state,
            parts=self.parts,
            rationale=self.rationale,
            evidence=self.evidence,
        )

    def lowerings(self) -> list[Lowering]:
        rows: list[Lowering] = []
        for n, part in enumerate(self.parts):
            if part.effect >= 0 or part.evidence is None:
                continue
            before = _total(self.parts[:n])
            if round(before, _CENTS) == round(before + part.effect, _CENTS):
                continue
            rows.append(
                Lowering(
                    evidence=part.evidence,
                    rank=self.ranks[part.evidence],
                    rule=self.rules[part.evidence],
                    target=self.key,
                    before=round(before, _CENTS),
                    after=round(before + part.effect, _CENTS),
                )
            )
        return rows


def _labelled(sources: _Sources, key: FactorKey, constants: FactorConstants, likeness: Mapping[str, float]) -> _Draft:
    found = sources.features
    silent = _mix(constants.silent, found)
    shown = strengths(key, found)
    effects = {name: round(constants.effects.get(name, 0.0) * size, DIGITS) for name, size in shown.items()}
    raising = {name: effect for name, effect in effects.items() if effect >= SHOWN}
    lowering = {name: effect for name, effect in effects.items() if effect <= -SHOWN}
    remainder = _remainder(constants, found, likeness)
    typical = _sparse(constants, found)
    covered = found.thin and typical >= silent + sum(raising.values()) + sum(lowering.values()) + remainder
    start, label = (typical, f"{sources.kind}, sparsely described") if covered else (silent, sources.kind)
    parts = [Part(kind="typical", label=label, effect=start)]
    cited = _Cited(sources)
    if not covered:
        parts += [cited.part(name, effect) for name, effect in _by_size(raising)]
        if remainder >= SHOWN:
            parts.append(Part(kind="remainder", label="wording of the first lines", effect=remainder))
        parts += [cited.part(*row, key=key) for row in _by_size(lowering)]
    controls = cited.controls(key, _total(parts))
    parts += controls
    reasons = rules().reasons[key]
    state = _state(sources, reasons, shown, effects)
    if state == "unknown" and controls:
        # A control that the documentation pins down bears on the factor, though nothing says what it controls.
        state = "inferred"
    evidence = cited.ids() or cited.stating(reasons, shown, state)
    spread = constants.unknown if state == "unknown" or found.thin else constants.known
    return _Draft(key, tuple(parts), state, evidence, spread, _rationale(parts, state), cited.rules, cited.ranks)


def _language(sources: _Sources) -> _Draft:
    """The factor without labels: half, and fixed effects of what steers the product by words."""
    table = rules().language
    shown = {name: size for name, size in sources.features.evidence if name in table}
    effects = {name: round(table[name] * size, DIGITS) for name, size in shown.items()}
    parts = [Part(kind="typical", label="the middle of the scale, as no labels exist", effect=table["typical"])]
    cited = _Cited(sources)
    parts += [cited.part(name, e, key=_LANGUAGE) for name, e in _by_size(effects)]
    state = _state(sources, rules().language_reasons, shown, effects)
    return _Draft(
        _LANGUAGE,
        tuple(parts),
        state,
        cited.ids(),
        _LANGUAGE_SPREAD,
        _rationale(parts, state),
        cited.rules,
        cited.ranks,
    )


class _Cited:
    """Evidence of one factor as it is cited."""

    def __init__(self, sources: _Sources) -> None:
        self._sources = sources
        self._ids: list[str] = []
        self.rules: dict[str, str] = {}
        self.ranks: dict[str, Rank] = {}

    def ids(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._ids))

    def part(self, name: str, effect: float, *, key: FactorKey | None = None) -> Part:
        """The part of one signal, with its quote."""
        signal, witness = self._witness(name, key)
        evidence = self._cite(witness)
        if effect < 0:
            self.rules[evidence] = "a description of what the product does not do"
        title = load_signals().by_id[signal].title
        label = f"is said not to be one that {title}" if name == DENIED else title
        return Part(kind="evidence", label=label, effect=effect, signal=signal, evidence=evidence)

    def controls(self, key: FactorKey, total: float) -> list[Part]:
        """Controls that documentation pins down (rank 3 and above), each once."""
        parts: list[Part] = []
        for control in rules().controls:
            if control.factor != key:
                continue
            witness = pinned(self._sources.reading, control.signal)
            if witness is None:
                continue
            rank = self._sources.reading.statements[witness.statement].rank
            effect = controlled(control.effect, rank, before=total, taken=sum(part.effect for part in parts))
            if effect > -SHOWN:
                continue
            evidence = self._cite(witness)
            self.rules[evidence] = f"a control that the documentation pins down: {control.because}"
            title = load_signals().by_id[control.signal].title
            parts.append(Part(kind="evidence", label=title, effect=effect, signal=control.signal, evidence=evidence))
            total += effect
        return parts

    def stating(self, reasons: tuple[Reason, ...], shown: Mapping[str, float], state: State) -> tuple[str, ...]:
        """The quote behind a state when no part has one."""
        if state == "unknown":
            return ()
        for reason in reasons:
            if reason.signal in shown:
                self._cite(self._sources.witnesses[reason.signal])
                return self.ids()
        denied = next((r.signal for r in reasons if r.signal in self._sources.denied), None)
        if denied is not None:
            self._cite(self._sources.denied[denied])
        return self.ids()

    def _witness(self, name: str, key: FactorKey | None) -> tuple[str, Witness]:
        if name != DENIED or key is None:
            return name, self._sources.witnesses[name]
        present = self._sources.witnesses
        signal = next(
            r.signal
            for r in rules().reasons[key]
            if r.sort == "says" and r.signal in self._sources.denied and r.signal not in present
        )
        return signal, self._sources.denied[signal]

    def _cite(self, witness: Witness) -> str:
        evidence = self._sources.ledger.cite(witness.statement, witness.start, witness.end)
        self._ids.append(evidence)
        self.ranks[evidence] = self._sources.reading.statements[witness.statement].rank
        return evidence


def _state(
    sources: _Sources, reasons: tuple[Reason, ...], shown: Mapping[str, float], effects: Mapping[str, float]
) -> State:
    up = [r for r in reasons if r.sort != "against" and (r.sort == "says" or effects.get(r.signal, 0.0) >= SHOWN)]
    stated = [r for r in up if r.signal in shown]
    limits = [r.signal for r in reasons if r.sort == "against" and r.signal in sources.witnesses]
    opposed = any(other in shown for limit in limits if limit not in shown for other in rules().opposes.get(limit, ()))
    if stated and opposed:
        return "contradicted"
    if any(r.sort == "says" and shown[r.signal] >= 1.0 for r in stated):
        return "claimed"
    if stated:
        return "inferred"
    if any(limit in shown for limit in limits) or DENIED in shown:
        return "denied"
    return "unknown"


def _rationale(parts: list[Part], state: State) -> str:
    """What the value starts from, what raises and what lowers it, in words."""
    start = _figure(parts[0].effect)
    if state == "unknown":
        return f"Nothing in the sources bears on it; {start} is usual for {parts[0].label}."
    up = [f"{p.label} ({p.evidence})" for p in parts if p.evidence and p.effect > 0]
    down = [f"{p.label} ({p.evidence})" for p in parts if p.evidence and p.effect < 0]
    clauses = ["it " + _listed(up)] if up else []
    if down:
        clauses.append("lower because it " + _listed(down))
    if not clauses:
        clauses.append(f"what is said of it is within what is usual for {parts[0].label}")
    if state == "contradicted":
        clauses.append("the sources also say the opposite, and the worse reading stands")
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}; {start} before that."


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def _kind_words(found: FactorFeatures) -> str:
    kinds = load_kinds()
    order = sorted(range(len(kinds)), key=lambda n: (-found.kinds[n], n))
    first, second = order[0], order[1]
    if found.kinds[first] < _VAGUE_KIND:
        return f"a mix of kinds, nearest {kinds[first].title}"
    if found.kinds[second] >= _VAGUE_KIND:
        return f"{kinds[first].title} or {kinds[second].title}"
    return kinds[first].title


def _mix(by_kind: Mapping[str, float], found: FactorFeatures) -> float:
    kinds = load_kinds()
    total = sum(found.kinds)
    return round(sum(by_kind[k.key] * p for k, p in zip(kinds, found.kinds, strict=True)) / total, DIGITS)


def _by_size(effects: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(effects.items(), key=lambda row: (-abs(row[1]), row[0]))


def _total(parts: list[Part] | tuple[Part, ...]) -> float:
    return round(sum(part.effect for part in parts), DIGITS)


def _tenth(total: float) -> Decimal:
    exact = Decimal(str(round(min(max(total, 0.0), 1.0), DIGITS)))
    return exact.quantize(_TENTH, rounding=ROUND_HALF_UP)


def _figure(number: float) -> str:
    return f"{number:.2f}"


def values(found: FactorFeatures, calibration: FactorCalibration) -> dict[FactorKey, float]:
    """The ten labelled factors from features alone, 0 to 1, unrounded and before controls."""
    return {key: _value(key, found, constants, calibration.likeness) for key, constants in calibration.factors.items()}


def _value(key: FactorKey, found: FactorFeatures, constants: FactorConstants, likeness: Mapping[str, float]) -> float:
    effects = [constants.effects.get(name, 0.0) * size for name, size in strengths(key, found).items()]
    raising = sum(effect for effect in effects if effect >= SHOWN)
    lowering = sum(effect for effect in effects if effect <= -SHOWN)
    total = _mix(constants.silent, found) + raising + lowering + _remainder(constants, found, likeness)
    if found.thin:
        total = max(total, _sparse(constants, found))
    return min(max(total, 0.0), 1.0)


def _sparse(constants: FactorConstants, found: FactorFeatures) -> float:
    """What stands for a thin listing: the mean of the kind and a little more."""
    return round(_mix(constants.typical, found) + SPARSE_LIFT, DIGITS)


def _remainder(constants: FactorConstants, found: FactorFeatures, likeness: Mapping[str, float]) -> float:
    total = sum(
        constants.wording[kind.key] * (alike - likeness[kind.key])
        for kind, alike in zip(load_kinds(), found.likeness, strict=True)
    )
    return round(min(max(total, 0.0), REMAINDER_CAP), DIGITS)
