"""The published formulas and the inputs that they allow, separate from the arithmetic.

`FIRST` contains the formulas of revision 1; see `result` for what a revision is.

Sources: OWASP AIVSS 0.5 (July 2025), sections 3, 4 and 7; OWASP AIVSS 0.8 (March 2026), sections 3.4 and 3.5; the
amendment that MindXO proposed for 1.0 in April 2026 (mitigation on the uplift only); the 1.0 candidate, which takes
CVSS-BTE unchanged. Directory pages use the 0.8 equation with their own inputs: factors on a 0.1 grid, threat
multipliers 0.9 to 1.1, mitigation 0.5 to 1.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from agent.records import FormulaId, Mode
from agent.scoring.aivss import Equation, Point, amended, amplified, averaged, factor_sum, uplift
from agent.taxonomy.factors import FactorKey, FactorSet


class Grid(NamedTuple):
    """Allowed values of one input: a range with a step, or only the listed values."""

    low: Decimal
    high: Decimal
    step: Decimal | None = None
    values: tuple[Decimal, ...] = ()

    def holds(self, value: Decimal) -> bool:
        """Return whether `value` is allowed."""
        if self.values:
            return value in self.values
        return self.low <= value <= self.high and (self.step is None or value % self.step == 0)

    def __str__(self) -> str:
        """Return the grid in words, for an error message."""
        if self.values:
            return "one of " + ", ".join(str(value) for value in self.values)
        steps = f" in steps of {self.step}" if self.step else ""
        return f"from {self.low} to {self.high}{steps}"


class Sum(NamedTuple):
    """The arithmetic of a formula with factors, and its text with {base}, {sum}, {threat}, {mitigation} and {aars}."""

    equation: Equation
    aars: Callable[[Point], Decimal]
    """Exact agentic risk score, neither mitigated nor rounded."""
    aars_text: str
    aars_named: str
    """The AARS formula as written in the arithmetic."""
    text: str


class Formula(NamedTuple):
    """One equation: its text, the inputs that it takes, and the values that strict mode allows for them."""

    id: FormulaId
    title: str
    sum: Sum | None
    """None when the formula scores a whole CVSS vector and takes no factors."""
    takes_mitigation: bool
    strict_threat: Grid
    strict_mitigation: Grid
    factor_set: FactorSet | None
    """The set that the publication defines; other sets are scored with a warning in strict mode."""


def _values(*numbers: str) -> Grid:
    values = tuple(Decimal(number) for number in numbers)
    return Grid(min(values), max(values), values=values)


def _range(low: str, high: str, step: str | None = None) -> Grid:
    return Grid(Decimal(low), Decimal(high), Decimal(step) if step else None)


BASE: Final = _range("0", "10", "0.1")
DIRECTORY_THREAT: Final = _range("0.5", "1.1")
DIRECTORY_MITIGATION: Final = _range("0.5", "1")
FACTOR: Final[Mapping[Mode, Grid]] = {"strict": _values("0", "0.5", "1"), "directory": _range("0", "1", "0.1")}
FACTOR_SUM: Final[Mapping[Mode, Grid]] = {"strict": _range("0", "10", "0.5"), "directory": _range("0", "10", "0.1")}

DEFAULT_FORMULA: Final[FormulaId] = "aivss-0.8"
DEFAULT_MODE: Final[Mode] = "strict"
DEFAULT_THREAT: Final = Decimal("0.97")
DEFAULT_MITIGATION: Final = Decimal("1.00")

_NO_MITIGATION: Final = _values("1.00")
_STEPS: Final = _values("0.67", "0.83", "1.00")

_GAP: Final = "(10 - {base}) × ({sum} / 10) × {threat}"
_AVERAGED: Final = Sum(averaged, factor_sum, "{sum}", "factor sum", "(({base} + {aars}) / 2) × {threat}")
_AMPLIFIED: Final = Sum(amplified, uplift, _GAP, _GAP, "({base} + {aars}) × {mitigation}")
_AMENDED: Final = Sum(amended, uplift, _GAP, _GAP, "{base} + {aars} × {mitigation}")
_FIRST: Final = (
    Formula("aivss-0.5", "OWASP AIVSS 0.5", _AVERAGED, False, _values("0.91", "0.97", "1.00"), _NO_MITIGATION, "0.5"),
    Formula("aivss-0.8", "OWASP AIVSS 0.8", _AMPLIFIED, True, _values("0.50", "0.97", "1.00"), _STEPS, "0.8"),
    Formula("aivss-1-amended", "AIVSS 1 amendment", _AMENDED, True, _values("0.50", "0.97", "1.00"), _STEPS, "0.8"),
    Formula("cvss-bte", "AIVSS 1.0 candidate", None, False, DIRECTORY_THREAT, DIRECTORY_MITIGATION, None),
)
FIRST: Final[Mapping[FormulaId, Formula]] = {formula.id: formula for formula in _FIRST}

FORMULA_ALIASES: Final[Mapping[str, FormulaId]] = {"aivss-1.0-cvss-bte": "cvss-bte"}

FACTOR_ALIASES: Final[Mapping[str, FactorKey]] = {
    # AIVSS 0.8, JSON schema of appendix A
    "autonomy": "autonomy_of_action",
    "tools": "dynamic_tool_use",
    "language": "natural_language_interface",
    "context": "contextual_awareness",
    "opacity": "opacity_reflexivity",
    "persistence": "persistent_memory",
    "identity": "dynamic_identity",
    "multi_agent": "multi_agent_interactions",
    "self_mod": "self_modification",
    # AIVSS 0.5, JSON schema of appendix A
    "autonomyOfAction": "autonomy_of_action",
    "toolUse": "dynamic_tool_use",
    "memoryUse": "persistent_memory",
    "dynamicIdentity": "dynamic_identity",
    "multiAgentInteractions": "multi_agent_interactions",
    "nonDeterminism": "non_determinism",
    "selfModification": "self_modification",
    "goalDrivenPlanning": "goal_driven_planning",
    "contextualAwareness": "contextual_awareness",
    "opacityAndReflexivity": "opacity_reflexivity",
    # directory pages
    "opacity_and_reflexivity": "opacity_reflexivity",
}
