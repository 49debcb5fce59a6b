"""Estimate the eleven factors from a fact sheet, each as a sum of parts that can be printed and contested.

    value = typical value of the kind + adjustment for the outlook of the sources        (typical, remainder)
          + adjustment for what fuller listings usually have, if the sources are thin    (remainder)
          + effects of facts that raise it − effects of limits and denials               (evidence)
          + what is missing to reach the minimum value that asserted facts imply         (evidence)

The result is rounded half up to a tenth. With an LLM's judgement, the LLM's value replaces all but the last line. Facts
that neither raise nor lower a factor have no effect on it, so adding unrelated text does not change a value. Only an
asserted limit, a denial or a documented control lowers a value, and each of these steps is listed.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal

from agent.drafting.calibration import FactorCalibration, FactorConstants, load_factors
from agent.drafting.judgement import NOTHING, JudgedFactor, Judgement, stands
from agent.drafting.wording import default_of, kind_title, listed, sure_facts
from agent.facts.sheet import CONTROL_RANK, counted, without
from agent.facts.vocabulary import load_vocabulary
from agent.records import Fact, FactorEstimate, FactSheet, Lowering, Part, State
from agent.taxonomy.factors import FACTORS, FactorKey
from agent.taxonomy.kinds import ProductKind

CONTROLS: Final[Mapping[str, tuple[FactorKey, float]]] = {
    "approval_before": ("autonomy_of_action", -0.15),
    "dry_run": ("autonomy_of_action", -0.1),
    "spending_limit": ("autonomy_of_action", -0.1),
    "allow_list": ("dynamic_tool_use", -0.1),
    "sandbox": ("dynamic_tool_use", -0.1),
    "run_limit": ("goal_driven_planning", -0.1),
    "retention": ("persistent_memory", -0.1),
    "tenant_separation": ("persistent_memory", -0.1),
    "audit_log": ("opacity_reflexivity", -0.1),
}
"""Effect of a documented control on a factor. Set by hand, because too few labelled products document controls."""
LEAST: Final = 0.1
"""Minimum value of a factor; nothing in the sources can lower a factor further."""
THIN: Final = 2
"""With at most this many statements that state a fact, silence is no sign of absence. Half of the cards in the corpus
have no more."""
AMPLE: Final = 5
"""With at least this many, silence means absence. All cards in the corpus have fewer; 94 % of its full listings have at
least as many."""
_SHOWN: Final = 0.005
_DIGITS: Final = 4
_CENTS: Final = 2
_NAMED: Final = 3
"""Maximum number of facts that a rationale mentions."""
_TOLD: Final = 0.015
"""Minimum effect of a fact that a rationale mentions as a reason."""
_TENTH: Final = Decimal("0.1")
_UNKNOWN_EFFECT: Final = 0.03
_UNKNOWN_LOWERING: Final = -0.1
"""Effects of keys that did not occur in the training data."""


class _Sum:
    """A factor before rounding, as a sum of parts."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = list(parts)
        self.facts: list[Fact] = []
        """All facts that contributed to the value."""
        self.falls: list[tuple[Fact, Lowering]] = []
        """The facts that lower the value, each with its lowering, in the order of the parts."""

    @property
    def total(self) -> float:
        """The value before rounding."""
        return round(sum(part.effect for part in self.parts), _DIGITS)

    def add(self, fact: Fact, effect: float, label: str, quote: str = "") -> None:
        """Add the part that a fact contributes, citing `quote` or else the fact's first quote."""
        mark = quote or fact.evidence[0]
        effect = round(effect, _DIGITS)
        self.parts.append(Part(kind="evidence", label=label, effect=effect, signal=fact.key, evidence=mark))
        self.facts.append(fact)


def estimate(
    sheet: FactSheet,
    kind: ProductKind,
    judgement: Judgement | None = None,
    *,
    calibration: FactorCalibration | None = None,
) -> dict[FactorKey, FactorEstimate]:
    """Estimate values and 80 % ranges of all eleven factors, 0 to 1 in steps of 0.1, with parts, reasons and quotes.

    Raises SchemaError if the bundled constants cannot be read.
    """
    constants = calibration or load_factors()
    led = judgement or NOTHING
    # A fact in doubt that the LLM also disputes sets no minimum.
    idle = [fact.id for fact in sheet.facts if fact.id in led.disputed and fact.id in led.doubted]
    holding = without(sheet, *idle) if idle else sheet
    firm = sure_facts(sheet)
    found: dict[FactorKey, FactorEstimate] = {}
    for key in FACTORS:
        if (judged := led.usable_factor(key)) is None:
            found[key] = made = _embedded(sheet, kind, key, constants, firm)
            if led is not NOTHING:
                # With an LLM's judgement, no range extends down to 0, even if the LLM's value was rejected.
                low = max(made.low, min(made.value, _tenth(LEAST)))
                found[key] = made.model_copy(update={"low": low})
        else:
            found[key] = _judged(holding, key, judged, constants.factors[key], led.disputed)
        reason = led.reasons.get(key, "")
        if reason and stands(sheet, led, reason):
            found[key] = found[key].model_copy(update={"rationale": reason})
    return found


def lowerings(
    sheet: FactSheet,
    kind: ProductKind,
    judgement: Judgement | None = None,
    *,
    calibration: FactorCalibration | None = None,
) -> tuple[Lowering, ...]:
    """List every step by which a limit, a denial or a control lowered a factor, in factor order.

    Factors judged by an LLM have none, because their values are not built from steps.
    """
    constants = calibration or load_factors()
    led = judgement or NOTHING
    sums = (_summed(sheet, kind, key, constants) for key in FACTORS if led.usable_factor(key) is None)
    return tuple(row for one in sums for _, row in one.falls)


def floors(sheet: FactSheet, factor: FactorKey) -> tuple[float, Fact | None]:
    """Return the minimum value that asserted facts imply and the deciding fact, or 0 and None.

    A fact that every reader only inferred sets no minimum.
    """
    words = load_vocabulary()
    best, why = 0.0, None
    for fact in counted(sheet, polarity="asserted"):
        least = 0.0 if fact.only_inferred else float(words[fact.key].floor.get(factor, 0))
        if least > best:
            best, why = least, fact
    return best, why


def _embedded(
    sheet: FactSheet, kind: ProductKind, key: FactorKey, calibration: FactorCalibration, firm: Collection[str]
) -> FactorEstimate:
    """Estimate a factor from the sheet alone; `firm` are the ids of facts that its reason may name."""
    found = _summed(sheet, kind, key, calibration)
    spread = calibration.factors[key].spread
    least, _ = floors(sheet, key)
    value = _tenth(found.total)
    facts = tuple(dict.fromkeys(found.facts))
    state: State = "claimed" if facts else "inferred"
    effects = {part.signal: part.effect for part in found.parts}
    told = [fact for fact in facts if fact.id in firm and effects[fact.key] >= _TOLD]
    if any(fact.state == "confirmed" for fact in facts):
        state = "confirmed"
    if any(fact.conflicts_with for fact in facts):
        state = "contradicted"
    return FactorEstimate(
        value=value,
        low=min(value, max(_tenth(found.total + spread.below), _tenth(least))),
        high=max(value, _tenth(found.total + spread.above)),
        state=state,
        parts=tuple(found.parts),
        rationale=_rationale(kind, told, found.falls),
        evidence=tuple(dict.fromkeys(mark for fact in facts for mark in fact.evidence)),
    )


def _summed(sheet: FactSheet, kind: ProductKind, key: FactorKey, calibration: FactorCalibration) -> _Sum:
    constants, words = calibration.factors[key], load_vocabulary()
    made = _Sum(_prior(sheet, kind, key, constants, calibration.means))
    for fact, effect in _raising(sheet, key, constants):
        made.add(fact, effect, words[fact.key].title)
    if (excess := made.total - 1.0) >= _SHOWN:
        # Cap the value at 1.0 before controls lower it, so that their effect shows.
        made.parts.append(_part("remainder", "no factor exceeds 1.0", -excess))
    ranks = {item.id: item.rank for item in sheet.evidence}
    for fact, wanted, rule in _falling(sheet, key, constants):
        before = sum(part.effect for part in made.parts)
        effect = max(wanted, min(0.0, LEAST - made.total))
        if effect > -_SHOWN:
            continue
        # Cite the fact's highest-ranked quote for the lowering.
        quote = max(fact.evidence, key=lambda mark: ranks.get(mark, 0))
        made.add(fact, effect, f"{rule}: {words[fact.key].title}", quote)
        after = round(before + made.parts[-1].effect, _CENTS)
        before = round(before, _CENTS)
        lowered = Lowering(evidence=quote, rank=fact.rank, rule=rule, target=key, before=before, after=after)
        made.falls.append((fact, lowered))
    least, why = floors(sheet, key)
    missing = least - made.total
    if why is not None and missing > _SHOWN:
        made.add(why, missing, f"at least {least:.1f} because it {words[why.key].title}")
    return made


def _prior(
    sheet: FactSheet, kind: ProductKind, key: FactorKey, constants: FactorConstants, means: Mapping[str, float]
) -> Sequence[Part]:
    """Compute the parts for the typical value of the kind and for the outlook of the sources."""
    usual = constants.typical[kind]
    parts = [_part("typical", f"typical of {kind_title(kind)}", usual)]
    outlook = sheet.outlook
    more = constants.trust * (outlook.factors.get(key, usual) - usual) + sum(
        weight * (outlook.chances.get(name, means.get(name, 0.0)) - means.get(name, 0.0))
        for name, weight in constants.chances.items()
    )
    # The outlook alone, without a fact, must not lower a value to 0.
    more = max(more, min(0.0, LEAST - usual))
    if abs(more) >= _SHOWN:
        parts.append(_part("remainder", "what the sources as a whole suggest, beyond the facts", more))
    if (gap := constants.thin * thinness(sheet)) >= _SHOWN:
        parts.append(_part("remainder", "too little was read to treat silence as absence", gap))
    return parts


def thinness(sheet: FactSheet) -> float:
    """Return how thin the sources are, from 0 (silence means absence) to 1 (silence means nothing).

    The value falls linearly between `THIN` and `AMPLE` statements. With a single threshold, one more statement could
    lower many factors at once.
    """
    stating = sheet.outlook.stating
    if stating is None:
        if not sheet.searched:
            return 0.0
        stating = max(search.statements for search in sheet.searched)
    return min(1.0, max(0.0, (AMPLE - stating) / (AMPLE - THIN)))


def _raising(sheet: FactSheet, key: FactorKey, constants: FactorConstants) -> Sequence[tuple[Fact, float]]:
    """Return the best fact of each key that raises a factor, with its effect, strongest first."""
    best: dict[str, Fact] = {}
    for fact in counted(sheet):
        if fact.polarity != "denied" and key in load_vocabulary()[fact.key].raises:
            best[fact.key] = max(best.get(fact.key, fact), fact, key=_weight)
    rows = [(fact, constants.effects.get(name, _UNKNOWN_EFFECT)) for name, fact in best.items()]
    return sorted((row for row in rows if row[1] >= _SHOWN), key=lambda row: (-row[1], row[0].key))


def _falling(sheet: FactSheet, key: FactorKey, constants: FactorConstants) -> Sequence[tuple[Fact, float, str]]:
    """Return the best fact of each limit, denial and documented control that lowers a factor, its effect and rule."""
    best: dict[tuple[str, str], tuple[Fact, float, str]] = {}
    for fact in counted(sheet):
        entry, (controlled, given) = load_vocabulary()[fact.key], CONTROLS.get(fact.key, (None, 0.0))
        effect = constants.lowering.get(fact.key, _UNKNOWN_LOWERING)
        if fact.polarity == "asserted" and key in entry.lowers:
            rule = "a stated limit"
        elif fact.polarity == "denied" and entry.deniable and key in entry.denial_lowers:
            rule = "an explicit denial"
        elif fact.polarity == "asserted" and key == controlled and documented(fact) and not _is_partial(fact):
            rule, effect = "a documented control", given
        else:
            continue
        row = fact, effect, rule
        best[fact.key, rule] = max(best.get((fact.key, rule), row), row, key=lambda row: _weight(row[0]))
    return sorted(best.values(), key=lambda row: (row[1], row[0].key))


def documented(fact: Fact) -> bool:
    """Return whether a control counts: rank 3 or more (default stated, or set by an analyst) and not off by default."""
    return fact.rank >= CONTROL_RANK and default_of(fact) is not False


def _is_partial(fact: Fact) -> bool:
    """Return whether only the embedded reader found the fact and gave it an object, as it does only for an approval of
    one kind of action."""
    return all(source.reader == "embedded" for source in fact.sources) and "object" in {s.name for s in fact.slots}


def _weight(fact: Fact) -> tuple[bool, int, float, str]:
    return fact.polarity == "asserted", fact.rank, fact.confidence, fact.id


def _rationale(kind: ProductKind, facts: Sequence[Fact], falls: Sequence[tuple[Fact, Lowering]]) -> str:
    """Write one or two plain sentences: the starting value, what raises it and what lowers it."""
    words = load_vocabulary()
    lowering = [fact for fact, _ in falls]
    raising = [words[fact.key].title for fact in facts if fact not in lowering]
    first = f"Typical value for {kind_title(kind)}"
    if raising:
        first += f", raised because it {listed(raising[:_NAMED])}"
    if not lowering:
        return f"{first}."
    last = listed([f"{row.rule} ({words[fact.key].title})" for fact, row in falls[:_NAMED]])
    return f"{first}{', and' if raising else ','} lowered by {last}."


def _judged(
    sheet: FactSheet, key: FactorKey, judged: JudgedFactor, constants: FactorConstants, disputed: Collection[str]
) -> FactorEstimate:
    """Correct the LLM's value for its bias and raise it to the minimum that the facts imply.

    `disputed` are the ids of facts that the LLM calls wrong for a reason that code cannot check. They still set a
    minimum, and the label says that this is only one reading of the sources.
    """
    told, bias, wider = float(judged.value), constants.judged.bias, constants.judged.wider
    value = min(1.0, max(0.0, told + bias))
    made = _Sum([_part("proposal", "proposed by the LLM", told)])
    if abs(value - told) >= _SHOWN:
        made.parts.append(_part("remainder", "correction for the LLM's usual bias on this factor", value - told))
    least, why = floors(sheet, key)
    evidence = list(judged.evidence)
    if why is not None and least - value > _SHOWN:
        reading = ", on one reading of the sources," if why.id in disputed else ""
        label = f"at least {least:.1f} because{reading} it {load_vocabulary()[why.key].title}"
        made.add(why, least - value, label)
        evidence += why.evidence
    elif LEAST - value > _SHOWN:
        made.parts.append(_part("remainder", f"text alone never lowers a value below {LEAST}", LEAST - value))
    total = _tenth(made.total)
    return FactorEstimate(
        value=total,
        low=min(total, _tenth(max(least, LEAST, float(judged.low) + bias - wider))),
        high=max(total, _tenth(float(judged.high) + bias + wider)),
        state="claimed" if evidence else "inferred",
        parts=tuple(made.parts),
        rationale=judged.reason,
        evidence=tuple(dict.fromkeys(evidence)),
    )


def _part(kind: Literal["typical", "remainder", "proposal"], label: str, effect: float) -> Part:
    return Part(kind=kind, label=label, effect=round(effect, _DIGITS))


def _tenth(value: float) -> Decimal:
    held = Decimal(str(round(min(1.0, max(0.0, value)), _DIGITS)))
    return held.quantize(_TENTH, rounding=ROUND_HALF_UP)
