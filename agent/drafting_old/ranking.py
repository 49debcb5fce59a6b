"""Threats with their scores, in one order, and which of them are shown."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from agent.drafting_old.candidates import Candidate
from agent.drafting_old.headline import HeadlineCalibration, Outlook, Scenario, order
from agent.drafting_old.typicality import code_of
from agent.records import FactorEstimate, Lowering, Mitigation, Range, Rank, Threat, ThreatScore
from agent.scoring import Request, score
from agent.scoring.cvss import read_vector
from agent.taxonomy.keys import FACTOR_SETS, LAYER_CODES, LAYERS, FactorKey, LayerKey

MAX_PER_LAYER: Final = 3
MAX_SHOWN: Final = 12
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
    product: Outlook,
    calibration: HeadlineCalibration,
    reserved: Mapping[LayerKey, int] | None = None,
) -> tuple[list[Ranked], list[tuple[Ranked, str]]]:
    """The threats to show with their places, at most three a layer and twelve in all, and the folded ones with why.

    `reserved` are places of each layer that are kept free for threats that are not the catalogue's.

    The headline threat is the first; the others follow by how typical of the product and how grave they are, one that
    is like a threat above it later. Those that the listing shows come before those that only pages behind it show,
    however many these are. One with the same quotes as a threat above it in its layer is a duplicate.
    """
    visible: list[Ranked] = []
    folded: list[tuple[Ranked, str]] = []
    in_layer: Counter[LayerKey] = Counter(reserved or {})
    kept_free = in_layer.total()
    at = next((n for n, item in enumerate(ranked) if item is first), None)
    for n in _ordered(ranked, at, product, calibration):
        item = ranked[n]
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
            placed = item.threat.model_copy(update={"place": len(visible) + 1})
            visible.append(item._replace(threat=placed))
    return visible, folded


def _ordered(
    ranked: Sequence[Ranked], first: int | None, product: Outlook, calibration: HeadlineCalibration
) -> list[int]:
    """Indexes in the order of places: the headline `first`, the listing's own, what only further pages show."""
    own = [n for n, item in enumerate(ranked) if item.candidate.on_listing]
    head = own.index(first) if first in own else None
    placed = [own[n] for n in order([ranked[n].scenario for n in own], head, product, calibration)]
    whole = order([item.scenario for item in ranked], first, product, calibration)
    return list(dict.fromkeys([*([] if first is None else [first]), *placed, *whole]))


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
    return Ranked(candidate, threat, scenario_of(candidate))


def scenario_of(candidate: Candidate) -> Scenario:
    """What the headline is chosen by."""
    pattern = candidate.pattern
    return Scenario(pattern.id, float(base_of(candidate.vector)), candidate.typical, code_of(pattern))


@lru_cache(maxsize=4096)
def base_of(vector: str) -> Decimal:
    """The CVSS v4.0 base score of a vector."""
    return read_vector(vector).base


def _point(value: Decimal) -> Range:
    return Range(value=value, low=value, high=value)
