"""What the factor estimator reads: the kind of product, named evidence, and the wording of the lead.

Everything here keeps one law: adding a sentence to the end of a listing can add evidence but never take any away,
except through the lexical limits ("read-only", "keeps nothing") that `factor_evidence.yaml` lists under `against`.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import yaml

from agent.drafting_old.kind import lead, weigh
from agent.errors import InputError
from agent.evidence.claims import COUNTING_RANK
from agent.evidence.reading import Reading
from agent.evidence.signals import Match, settles_layers_alone
from agent.resources import data_folder
from agent.taxonomy.keys import FACTORS, FactorKey

HEDGED: Final = 0.5
"""Strength of a signal that is planned, optional or off by default, or that is said of the platform only."""
FEW_HEADINGS: Final = 1
NOT: Final = "not:"
"""Prefix of a signal that the sources say is absent."""

_ASSURANCE = re.compile(
    r"\b(?:we|our|us|you can|trust\w*|safe\w*|secur\w*|privacy|private|confidential\w*|risk\w*|protect\w*"
    r"|complian\w*|peace of mind"
    r"|rest assured|your (?:data|information|privacy|files|content|conversations|chats|prompts|photos|images))\b",
    re.IGNORECASE,
)
"""Words of a promise: such a sentence lowers nothing even when it is worded as a limit."""


class Reason(NamedTuple):
    """Why a signal may move a factor."""

    signal: str
    sort: str
    """says, suggests, against"""
    because: str


class Control(NamedTuple):
    """A control of rank 3 and above, and what it lowers."""

    signal: str
    factor: FactorKey
    effect: float
    because: str


@dataclass(frozen=True)
class Rules:
    """The declared directions of `factor_evidence.yaml`."""

    reasons: Mapping[FactorKey, tuple[Reason, ...]]
    """For the ten factors that have labels."""
    language: Mapping[str, float]
    """Fixed effects of the language rule by signal, and `typical`."""
    language_reasons: tuple[Reason, ...]
    opposes: Mapping[str, tuple[str, ...]]
    controls: tuple[Control, ...]

    @property
    def limits(self) -> frozenset[str]:
        """Signals that may lower a factor."""
        rows = [r for reasons in self.reasons.values() for r in reasons] + list(self.language_reasons)
        return frozenset(r.signal for r in rows if r.sort == "against")


class Witness(NamedTuple):
    """The sentence that shows a signal best."""

    statement: int
    start: int
    end: int
    strength: float
    """1, or `HEDGED`."""


@dataclass(frozen=True)
class FactorFeatures:
    """The numbers that an estimate is made of; small, and free of the text."""

    kinds: tuple[float, ...]
    """Probabilities of the product kinds."""
    likeness: tuple[float, ...]
    """Cosine of the lead to each kind's descriptions."""
    evidence: tuple[tuple[str, float], ...]
    """Signals with their strength, by id; limits that are opposed are left out; `not:<signal>` for denied ones."""
    thin: bool
    """The sources hardly describe the product: no documentation and at most one heading."""


@functools.cache
def rules() -> Rules:
    """The bundled rules. Raises InputError when a factor is missing."""
    raw = yaml.safe_load((data_folder("corpus") / "knowledge" / "factor_evidence.yaml").read_text("utf-8"))
    language = raw["language"]
    labelled: list[FactorKey] = [k for k in FACTORS if k != language["factor"]]
    missing = [key for key in labelled if key not in raw["factors"]]
    if missing:
        raise InputError(f"no evidence is declared for {missing[0]}", where="factor_evidence.yaml", hint="add it")
    return Rules(
        reasons={key: _reasons(raw["factors"][key]) for key in labelled},
        language={"typical": float(language["typical"])}
        | {s: float(e) for sort in _SORTS for s, e in language.get(sort, {}).items()},
        language_reasons=tuple(Reason(s, sort, "words steer it") for sort in _SORTS for s in language.get(sort, {})),
        opposes={limit: tuple(signals) for limit, signals in raw["opposes"].items()},
        controls=tuple(
            Control(c["signal"], next(k for k in FACTORS if k == c["factor"]), float(c["effect"]), c["because"])
            for c in raw["controls"]
        ),
    )


_SORTS: Final = ("says", "suggests", "against")


def _reasons(raw: Mapping[str, list[Mapping[str, list[str]]]]) -> tuple[Reason, ...]:
    return tuple(
        Reason(signal, sort, str(row["because"]))
        for sort in _SORTS
        for row in raw.get(sort, [])
        for signal in row["signals"]
    )


def features(reading: Reading) -> FactorFeatures:
    """The features of what was read of one product."""
    opening = weigh(reading)
    standing = standing_witnesses(reading)
    strengths = {signal: witness.strength for signal, witness in standing.items()}
    strengths |= {NOT + signal: 1.0 for signal in denials(reading) if signal not in standing}
    return FactorFeatures(
        kinds=opening.probabilities,
        likeness=opening.likeness,
        evidence=tuple(sorted(strengths.items())),
        thin=is_thin(reading),
    )


def is_thin(reading: Reading) -> bool:
    """Whether the sources hardly describe the product. A sentence more does not change the answer.

    Only pages and headings under which something is told count: a page or a heading of claims describes nothing.
    """
    told = [s for s in reading.statements if not s.claim and not s.flagged]
    if any(reading.document(key).kind != "listing" for key in {s.document for s in told}):
        return False
    return len({s.path for s in told if s.path}) <= FEW_HEADINGS


def standing_witnesses(reading: Reading) -> dict[str, Witness]:
    """The best sentence for each signal that holds; limits that other sentences contradict are left out."""
    found = all_witnesses(reading)
    opposes = rules().opposes
    return {s: w for s, w in found.items() if not any(other in found for other in opposes.get(s, ()))}


def all_witnesses(reading: Reading) -> dict[str, Witness]:
    """The best sentence for each signal that any sentence states, in the order of the signals."""
    limits = rules().limits
    found: dict[str, Witness] = {}
    for signal, matches in reading.signals.items():
        if settles_layers_alone(signal):
            continue
        best = _best(reading, matches, limit=signal in limits)
        if best is not None:
            found[signal] = best
    return found


def denials(reading: Reading) -> dict[str, Witness]:
    """The first sentence for each signal that says it is absent."""
    found: dict[str, Witness] = {}
    for signal, matches in reading.signals.items():
        if settles_layers_alone(signal):
            continue
        for match in matches:
            if match.denied and not match.hedged and may_lower(reading, match.statement):
                found[signal] = Witness(match.statement, match.start, match.end, 1.0)
                break
    return found


def _best(reading: Reading, matches: tuple[Match, ...], *, limit: bool) -> Witness | None:
    best: Witness | None = None
    for match in matches:
        statement = reading.statements[match.statement]
        if match.denied or statement.flagged or statement.sort != "description" or statement.about == "other":
            continue
        weak = match.hedged or statement.about == "platform"
        if limit and (weak or not may_lower(reading, match.statement)):
            continue
        strength = HEDGED if weak else 1.0
        if best is None or strength > best.strength:
            best = Witness(match.statement, match.start, match.end, strength)
    return best


def may_lower(reading: Reading, index: int) -> bool:
    """Whether a description may lower a factor: about the product, without a finding, no promise, and pinned.

    Pinned means that it opens the listing (says what the product is) or has rank 3 and above: further down, and on a
    page of its own, a vendor can add a line at will, and what is added there can only raise. So a bare denial of rank
    2 ("deletion is disabled") meets either a sentence that shows the deed, which stands as the worse reading, or
    nothing that it could lower.
    """
    statement = reading.statements[index]
    return (
        statement.sort == "description"
        and statement.about == "product"
        and not statement.flagged
        and not _ASSURANCE.search(statement.text)
        and (statement.rank >= COUNTING_RANK or index in lead(reading))
    )
