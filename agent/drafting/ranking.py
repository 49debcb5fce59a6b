"""Threats with their scores, in one order, and which of them are shown."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from agent.drafting.candidates import Candidate
from agent.drafting.headline import HeadlineCalibration, Scenario, typical
from agent.records import FactorEstimate, Lowering, Mitigation, Range, Rank, State, Threat, ThreatScore
from agent.scoring import Request, score
from agent.scoring.cvss import read_vector
from agent.taxonomy.keys import FACTOR_SETS, LAYER_CODES, LAYERS, FactorKey, LayerKey

MAX_PER_LAYER: Final = 3
MAX_SHOWN: Final = 12
TYPICAL: Final = 3.0
"""Score points between the least and the most typical threat, in the order of relevance."""
FIRM: Final[dict[State, float]] = {"claimed": 0.5, "inferred": 0.0, "contradicted": -0.5}
_STATES: Final = ("claimed", "inferred", "contradicted")
_THM: Final = Decimal("0.97")
_MF: Final = Decimal("1.00")


class Ranked(NamedTuple):
    """A candidate with its severity under the draft's factors."""

    candidate: Candidate
    threat: Threat
    scenario: Scenario


def rank(candidates: Sequence[Candidate], factors: Mapping[FactorKey, FactorEstimate]) -> tuple[Ranked, ...]:
    """Score every candidate with AIVSS 0.8 in directory mode at MF 1; the gravest first, in a total order."""
    total = _total(factors)
    ranked = [_ranked(candidate, total) for candidate in candidates]
    return tuple(
        sorted(
            ranked,
            key=lambda r: (
                -r.threat.score.aivss,
                -r.threat.score.cvss_base,
                _STATES.index(r.threat.state),
                -r.candidate.typical,
                LAYERS.index(r.candidate.layer),
                r.threat.id,
            ),
        )
    )


def eased(ranked: Sequence[Ranked], reading: Mapping[str, Rank]) -> tuple[Lowering, ...]:
    """A row for each description that makes a threat milder than its pattern, in base score points.

    `reading` is the rank of each citation.
    """
    return tuple(
        Lowering(
            evidence=row.evidence,
            rank=reading[row.evidence],
            rule=f"a description that eases the threat: {row.because}",
            target=item.threat.id,
            before=float(base_of(row.vector)),
            after=float(item.threat.score.cvss_base),
        )
        for item in ranked
        for row in item.candidate.eased
        if base_of(row.vector) > item.threat.score.cvss_base
    )


def shown(
    ranked: Sequence[Ranked],
    first: Ranked | None,
    calibration: HeadlineCalibration,
    reserved: Mapping[LayerKey, int] | None = None,
) -> tuple[list[Ranked], list[tuple[Ranked, str]]]:
    """The threats to show, at most three a layer and twelve in all, and the folded ones with the reason.

    `reserved` are places of each layer that are kept free for threats that are not the catalogue's.

    The headline threat is always shown; the others by relevance: score plus how typical the threat is, and how firm
    its evidence. One with the same quotes as a more relevant one of its layer is a duplicate.
    """
    visible: list[Ranked] = []
    folded: list[tuple[Ranked, str]] = []
    in_layer: Counter[LayerKey] = Counter(reserved or {})
    kept_free = in_layer.total()

    def relevance(item: Ranked) -> float:
        return float(item.threat.score.aivss) + TYPICAL * typical(item.scenario, calibration) + FIRM[item.threat.state]

    rest = sorted((item for item in ranked if item is not first), key=relevance, reverse=True)
    order = ([first] if first else []) + rest
    for item in order:
        layer = item.candidate.layer
        twin = next(
            (o for o in visible if o.candidate.layer == layer and o.threat.evidence == item.threat.evidence), None
        )
        if twin is not None:
            folded.append((item, f"rests on the same quotes as {twin.threat.id}"))
        elif in_layer[layer] >= MAX_PER_LAYER:
            folded.append((item, f"less relevant than three others of {LAYER_CODES[layer]}"))
        elif len(visible) + kept_free >= MAX_SHOWN:
            folded.append((item, f"less relevant than the {MAX_SHOWN} shown"))
        else:
            in_layer[layer] += 1
            visible.append(item)
    visible.sort(key=list(ranked).index)
    return visible, folded


def severity_of(candidate: Candidate, factors: Mapping[FactorKey, FactorEstimate]) -> ThreatScore:
    """How grave what a candidate describes is under a draft's factors: AIVSS 0.8 in directory mode at MF 1."""
    return _severity(candidate, _total(factors))


def _total(factors: Mapping[FactorKey, FactorEstimate]) -> Decimal:
    return sum((factors[key].value for key in FACTOR_SETS["0.5"]), Decimal(0))


def _severity(candidate: Candidate, total: Decimal) -> ThreatScore:
    scored = score(
        Request(
            cvss_vector=candidate.vector,
            cvss_base=None,
            factor_sum=_point(total),
            threat_multiplier=_point(_THM),
            mitigation_factor=_point(_MF),
            formula="aivss-0.8",
            mode="directory",
        )
    )
    assert scored.aivss is not None
    assert scored.severity is not None
    return ThreatScore(
        cvss_vector=candidate.vector,
        cvss_base=base_of(candidate.vector),
        aivss=scored.aivss,
        severity=scored.severity,
        reasons={metric.metric: metric.reason for metric in candidate.metrics},
    )


def _ranked(candidate: Candidate, total: Decimal) -> Ranked:
    known = _severity(candidate, total)
    threat = Threat(
        id=candidate.pattern.id,
        title=candidate.title,
        statement=candidate.statement,
        taxonomy=candidate.pattern.taxonomy,
        state=candidate.state,
        score=known,
        mitigations=tuple(
            Mitigation(text=m.text, who=m.who, status="proposed", evidence=()) for m in candidate.mitigations
        ),
        evidence=candidate.evidence,
    )
    return Ranked(candidate, threat, Scenario(candidate.pattern.id, float(known.cvss_base), candidate.typical))


@lru_cache(maxsize=4096)
def base_of(vector: str) -> Decimal:
    """The CVSS v4.0 base score of a vector."""
    return read_vector(vector).base


def _point(value: Decimal) -> Range:
    return Range(value=value, low=value, high=value)
