"""Estimates the eleven factors from a fact sheet, each as a sum of parts that can be printed and contested.

    value = typical value of the kind + adjustment for the outlook of the sources        (typical, remainder)
          + adjustment for what fuller listings usually have, if the sources are thin    (remainder)
          + effects of facts that raise it − effects of limits and denials               (evidence)
          + difference to the minimum value that asserted facts imply                    (evidence)

rounded half up to a tenth. With an LLM's judgement, the LLM's value replaces all but the last line. Facts that neither
raise nor lower a factor have no effect on it, so additional unrelated text does not change a value. Only an asserted
limit, a denial or a documented control lowers a value, and each of these steps is listed.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from agent.drafting.calibration import FactorCalibration, FactorConstants, load_factors
from agent.drafting.judgement import JudgedFactor, Judgement, stands
from agent.drafting.wording import default_of, listed
from agent.facts.sheet import counted, without
from agent.facts.vocabulary import Vocabulary, load_vocabulary
from agent.records import Fact, FactorEstimate, FactSheet, Lowering, Part, State
from agent.taxonomy.factors import FACTORS, FactorKey
from agent.taxonomy.kinds import KIND_TITLES, ProductKind

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
CONTROL_RANK: Final = 3
"""Minimum rank of documentation that names the setting, its default, its scope and who can change it."""
LEAST: Final = 0.1
"""Minimum value of a factor; no text lowers it further."""
THIN: Final = 6
"""Minimum number of informative statements for silence to mean absence. Nearly all full listings of the corpus have
more, and none of its cards does."""
_SHOWN: Final = 0.005
_DIGITS: Final = 4
_CENTS: Final = 2
_NAMED: Final = 3
"""Maximum number of facts that a rationale names."""
_TENTH: Final = Decimal("0.1")
_UNKNOWN_EFFECT: Final = 0.03
_UNKNOWN_LOWERING: Final = -0.1
"""Effects of keys that did not occur in the training data."""


class _Step(NamedTuple):
    """One signed step of a value, with its fact."""

    part: Part
    fact: Fact
    rule: str


class _Sum(NamedTuple):
    """A factor before rounding."""

    parts: tuple[Part, ...]
    steps: tuple[_Step, ...]
    """The steps that lower the value, in the order of the parts."""
    facts: tuple[Fact, ...]
    """All facts that contributed to the value."""

    @property
    def total(self) -> float:
        return _total(self.parts)


def estimate(
    sheet: FactSheet,
    kind: ProductKind,
    judgement: Judgement | None = None,
    *,
    calibration: FactorCalibration | None = None,
    vocabulary: Vocabulary | None = None,
) -> dict[FactorKey, FactorEstimate]:
    """Estimate values and 80 % ranges of all eleven factors, 0 to 1 in steps of 0.1, with parts, reasons and quotes.

    Raises SchemaError if the bundled constants cannot be read.
    """
    constants = calibration or load_factors()
    words = vocabulary or load_vocabulary()
    found: dict[FactorKey, FactorEstimate] = {}
    disputed = judgement.disputed if judgement else ()
    # What the other reader found unsurely, in words that name no such act, holds nothing once the LLM disputes it.
    doubted = judgement.doubted if judgement else ()
    idle = [fact.id for fact in sheet.facts if fact.id in disputed and fact.id in doubted]
    holding = without(sheet, *idle) if idle else sheet
    for key in FACTORS:
        judged = _usable(judgement, key)
        if judged is None:
            found[key] = _embedded(sheet, kind, key, constants, words)
        else:
            found[key] = _judged(holding, key, judged, constants.factors[key], words, disputed)
        reason = judgement.reasons.get(key, "") if judgement else ""
        if judgement and reason and stands(sheet, judgement, reason):
            found[key] = found[key].model_copy(update={"rationale": reason})
    return found


def lowerings(
    sheet: FactSheet,
    kind: ProductKind,
    judgement: Judgement | None = None,
    *,
    calibration: FactorCalibration | None = None,
    vocabulary: Vocabulary | None = None,
) -> tuple[Lowering, ...]:
    """List every step by which a limit, a denial or a control lowered a factor, in factor order.

    Factors judged by an LLM have none, because their values are not built from steps.
    """
    constants = calibration or load_factors()
    words = vocabulary or load_vocabulary()
    rows: list[Lowering] = []
    for key in FACTORS:
        if _usable(judgement, key) is None:
            rows += _lowered(key, _summed(sheet, kind, key, constants, words))
    return tuple(rows)


def floors(sheet: FactSheet, factor: FactorKey, vocabulary: Vocabulary | None = None) -> tuple[float, Fact | None]:
    """Return the minimum value that asserted facts imply and the deciding fact, or 0 and None.

    A fact that every reader only inferred sets no minimum.
    """
    words = vocabulary or load_vocabulary()
    best, why = 0.0, None
    for fact in counted(sheet, polarity="asserted"):
        if fact.only_inferred:
            continue
        least = float(words[fact.key].floor.get(factor, 0)) if fact.key in words else 0.0
        if least > best:
            best, why = least, fact
    return best, why


def _usable(judgement: Judgement | None, key: FactorKey) -> JudgedFactor | None:
    judged = judgement.factors.get(key) if judgement is not None else None
    return None if judged is None or judged.insufficient else judged


# ---------------------------------------------------------------- from the sheet alone


def _embedded(
    sheet: FactSheet, kind: ProductKind, key: FactorKey, calibration: FactorCalibration, words: Vocabulary
) -> FactorEstimate:
    found = _summed(sheet, kind, key, calibration, words)
    total = found.total
    spread = calibration.factors[key].spread
    least, _ = floors(sheet, key, words)
    value = _tenth(total)
    low = max(_tenth(total + spread.below), _tenth(least))
    return FactorEstimate(
        value=value,
        low=min(value, low),
        high=max(value, _tenth(total + spread.above)),
        state=_state(found.facts),
        parts=found.parts,
        rationale=_rationale(kind, found, words),
        evidence=_marks(found.facts),
    )


def _summed(
    sheet: FactSheet, kind: ProductKind, key: FactorKey, calibration: FactorCalibration, words: Vocabulary
) -> _Sum:
    constants = calibration.factors[key]
    parts = list(_prior(sheet, kind, key, constants, calibration.means))
    facts: list[Fact] = []
    for fact, effect in _raising(sheet, key, constants, words):
        facts.append(fact)
        parts.append(_part(fact, effect, words[fact.key].title))
    steps: list[_Step] = []
    for fact, wanted, rule in _falling(sheet, key, constants, words):
        room = min(0.0, LEAST - _total(parts))
        effect = max(wanted, room)
        if effect > -_SHOWN:
            continue
        facts.append(fact)
        part = _part(fact, effect, f"{rule}: {words[fact.key].title}", _weightiest(sheet, fact))
        parts.append(part)
        steps.append(_Step(part, fact, rule))
    least, why = floors(sheet, key, words)
    missing = max(least, 0.0) - _total(parts)
    if why is not None and missing > _SHOWN:
        facts.append(why)
        parts.append(_part(why, missing, f"at least {least:.1f} because it {words[why.key].title}"))
    return _Sum(tuple(parts), tuple(steps), tuple(dict.fromkeys(facts)))


def _prior(
    sheet: FactSheet, kind: ProductKind, key: FactorKey, constants: FactorConstants, means: Mapping[str, float]
) -> Sequence[Part]:
    """Compute the part for the typical value of the kind and the part for the outlook of the sources."""
    usual = constants.typical[kind]
    parts = [Part(kind="typical", label=f"typical of {_article(kind)}", effect=round(usual, _DIGITS))]
    outlook = sheet.outlook
    more = 0.0
    if key in outlook.factors:
        more += constants.trust * (outlook.factors[key] - usual)
    if outlook.chances:
        more += sum(
            weight * (outlook.chances.get(name, means.get(name, 0.0)) - means.get(name, 0.0))
            for name, weight in constants.chances.items()
        )
    # The outlook alone, without a fact, must not lower a value to 0.
    more = max(more, min(0.0, LEAST - usual))
    if abs(more) >= _SHOWN:
        parts.append(
            Part(
                kind="remainder",
                label="what the sources as a whole make likely, beyond the facts",
                effect=round(more, _DIGITS),
            )
        )
    if is_thin(sheet) and constants.thin >= _SHOWN:
        label = "too little was read to take the rest as absent"
        parts.append(Part(kind="remainder", label=label, effect=round(constants.thin, _DIGITS)))
    return parts


def is_thin(sheet: FactSheet) -> bool:
    """Return whether the sources say so little that silence does not imply absence."""
    if sheet.outlook.stating is not None:
        return sheet.outlook.stating < THIN
    return bool(sheet.searched) and max(search.statements for search in sheet.searched) < THIN


def _raising(
    sheet: FactSheet, key: FactorKey, constants: FactorConstants, words: Vocabulary
) -> Sequence[tuple[Fact, float]]:
    """Return the best fact of each key that raises a factor, with its effect, strongest first."""
    best: dict[str, Fact] = {}
    for fact in counted(sheet):
        if fact.polarity != "denied" and fact.key in words and key in words[fact.key].raises:
            best[fact.key] = max(best.get(fact.key, fact), fact, key=_weight)
    rows = [(fact, constants.effects.get(name, _UNKNOWN_EFFECT)) for name, fact in best.items()]
    rows = [row for row in rows if row[1] >= _SHOWN]
    return sorted(rows, key=lambda row: (-row[1], row[0].key))


def _falling(
    sheet: FactSheet, key: FactorKey, constants: FactorConstants, words: Vocabulary
) -> Sequence[tuple[Fact, float, str]]:
    """Return the limits, denials and documented controls that lower a factor: best fact per key, effect and rule."""
    best: dict[tuple[str, str], tuple[Fact, float]] = {}
    for fact in counted(sheet):
        if fact.key not in words:
            continue
        entry = words[fact.key]
        learned = constants.lowering.get(fact.key, _UNKNOWN_LOWERING)
        found: tuple[str, float] | None = None
        if fact.polarity == "asserted" and key in entry.lowers:
            found = "a stated limit", learned
        elif fact.polarity == "denied" and entry.deniable and key in entry.denial_lowers:
            found = "stated not to be so", learned
        elif (
            fact.polarity == "asserted"
            and (control := CONTROLS.get(fact.key))
            and control[0] == key
            and documented(fact)
        ):
            found = "a documented control", control[1]
        if found is not None:
            before = best.get((fact.key, found[0]))
            if before is None or _weight(fact) > _weight(before[0]):
                best[fact.key, found[0]] = fact, found[1]
    rows = [(fact, effect, rule) for (_, rule), (fact, effect) in best.items()]
    return sorted(rows, key=lambda row: (row[1], row[0].key))


def documented(fact: Fact) -> bool:
    """Return whether a control counts: rank 3 or more (default stated, or set by an analyst) and not off by default."""
    return fact.rank >= CONTROL_RANK and default_of(fact) is not False


def _lowered(key: FactorKey, found: _Sum) -> Sequence[Lowering]:
    rows: list[Lowering] = []
    lowering = {id(step.part): step for step in found.steps}
    before = 0.0
    for part in found.parts:
        after = before + part.effect
        step = lowering.get(id(part))
        if step is not None:
            rows.append(
                Lowering(
                    evidence=part.evidence or "",
                    rank=step.fact.rank,
                    rule=step.rule,
                    target=key,
                    before=round(before, _CENTS),
                    after=round(after, _CENTS),
                )
            )
        before = after
    return rows


# ---------------------------------------------------------------- led by an LLM


def _judged(
    sheet: FactSheet,
    key: FactorKey,
    judged: JudgedFactor,
    constants: FactorConstants,
    words: Vocabulary,
    disputed: Collection[str],
) -> FactorEstimate:
    """Correct the LLM's value for its bias and raise it to the minimum that the facts imply.

    `disputed` are the ids of facts that the LLM calls wrong for a reason that code cannot check: they hold the value,
    and the label says that they are disputed.
    """
    correction = constants.judged
    value = min(1.0, max(0.0, float(judged.value) + correction.bias))
    parts = [Part(kind="proposal", label="proposed by the LLM", effect=round(float(judged.value), _DIGITS))]
    if abs(value - float(judged.value)) >= _SHOWN:
        shift = round(value - float(judged.value), _DIGITS)
        parts.append(Part(kind="remainder", label="correction for how the LLM values this factor", effect=shift))
    least, why = floors(sheet, key, words)
    evidence = list(judged.evidence)
    if why is not None and least - value > _SHOWN:
        told = f"at least {least:.1f} because it {words[why.key].title}"
        if why.id in disputed:
            read = f"the embedded reader finds that it {words[why.key].title}"
            told = f"held at {least:.1f} because {read}, which the LLM disputes"
        parts.append(_part(why, least - value, told))
        evidence += [mark for mark in why.evidence if mark not in evidence]
    elif LEAST - value > _SHOWN:
        shift = round(LEAST - value, _DIGITS)
        parts.append(Part(kind="remainder", label=f"no text alone takes a value below {LEAST}", effect=shift))
    total = _tenth(_total(parts))
    low = _tenth(max(least, LEAST, float(judged.low) + correction.bias - correction.wider))
    high = _tenth(float(judged.high) + correction.bias + correction.wider)
    return FactorEstimate(
        value=total,
        low=min(total, low),
        high=max(total, high),
        state="claimed" if evidence else "inferred",
        parts=tuple(parts),
        rationale=judged.reason,
        evidence=tuple(dict.fromkeys(evidence)),
    )


# ---------------------------------------------------------------- small parts


def _part(fact: Fact, effect: float, label: str, quote: str = "") -> Part:
    mark = quote or fact.evidence[0]
    return Part(kind="evidence", label=label, effect=round(effect, _DIGITS), signal=fact.key, evidence=mark)


def _weightiest(sheet: FactSheet, fact: Fact) -> str:
    """Return the id of the fact's highest-ranked quote, which justifies showing a lowering."""
    ranks = {item.id: item.rank for item in sheet.evidence}
    return max(fact.evidence, key=lambda mark: ranks.get(mark, 0))


def _weight(fact: Fact) -> tuple[bool, int, float, str]:
    return fact.polarity == "asserted", fact.rank, fact.confidence, fact.id


def _total(parts: Sequence[Part]) -> float:
    return round(sum(part.effect for part in parts), _DIGITS)


def _tenth(value: float) -> Decimal:
    held = Decimal(str(round(min(1.0, max(0.0, value)), _DIGITS)))
    return held.quantize(_TENTH, rounding=ROUND_HALF_UP)


def _state(facts: Sequence[Fact]) -> State:
    if any(fact.conflicts_with for fact in facts):
        return "contradicted"
    if any(fact.state == "confirmed" for fact in facts):
        return "confirmed"
    return "claimed" if facts else "inferred"


def _marks(facts: Sequence[Fact]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(mark for fact in facts for mark in fact.evidence))


def _article(kind: ProductKind) -> str:
    title = KIND_TITLES[kind]
    return f"{'an' if title[0].lower() in 'aeiou' or title.startswith('MCP') else 'a'} {title}"


def _rationale(kind: ProductKind, found: _Sum, words: Vocabulary) -> str:
    """Write one or two plain sentences: the starting value, what raises it and what lowers it."""
    lowering = {step.fact for step in found.steps}
    raising = [fact for fact in found.facts if fact not in lowering][:_NAMED]
    first = f"Starts from what is typical of {_article(kind)}"
    if raising:
        first += f"; raised because it {listed([words[fact.key].title for fact in raising])}"
    elif not lowering:
        first += "; the listing states nothing that moves it"
    if not lowering:
        return f"{first}."
    last = listed([f"{step.rule} ({words[step.fact.key].title})" for step in found.steps[:_NAMED]])
    return f"{first}; lowered by {last}."
