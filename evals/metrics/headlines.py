"""Finds the reader's headline among the threats of a draft, and its rank. Pure functions."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

from agent.drafting.threats.catalogue import load_catalogue
from agent.records import Draft
from agent.taxonomy.kinds import AssetClass
from agent.taxonomy.layers import LayerKey
from evals.cases.case import Case, HeadlineCode
from evals.metrics.results import HeadlineCell

_LAST: Final = 10**6


class Code(NamedTuple):
    """Closed-vocabulary code of a threat."""

    asi: str
    layer: LayerKey
    asset: AssetClass


def alike(one: Code, other: Code) -> bool:
    """Return whether two threats have the same cause, and the same layer or the same asset."""
    return one.asi == other.asi and (one.layer == other.layer or one.asset == other.asset)


def found_rank(gold: HeadlineCode, shown: Sequence[Code]) -> int | None:
    """Return the rank, from 1, of the first threat that shares the cause and the layer or asset of `gold`; else None.

    `shown` are the threats of a draft in the order of its report.
    """
    expected = Code(gold.asi, gold.layer, gold.asset)
    return next((place for place, code in enumerate(shown, 1) if alike(code, expected)), None)


def shown_codes(draft: Draft, known: Mapping[str, Code]) -> tuple[Code, ...]:
    """Return the codes of a draft's catalogue threats in report order; `known` maps pattern ids to codes.

    Threats proposed by an LLM have no pattern and are skipped.
    """
    threats = [
        (threat.place or _LAST, threat.id, known[threat.like or threat.id])
        for layer in draft.layers.values()
        for threat in layer.threats
        if (threat.like or threat.id) in known
    ]
    return tuple(code for _, _, code in sorted(threats, key=lambda one: one[:2]))


@cache
def pattern_codes() -> Mapping[str, Code]:
    """Return the code of every pattern in the catalogue, by pattern id."""
    return {
        pattern.id: Code(
            next((ref.id for ref in pattern.taxonomy if ref.scheme == "owasp-asi"), ""), pattern.layer, pattern.asset
        )
        for pattern in load_catalogue().patterns.values()
    }


def headline_cell(case: Case, draft: Draft) -> HeadlineCell | None:
    """Return the reader's coded headline and its rank among the draft's threats; None when nobody coded it."""
    gold = case.readings.headline_code if case.readings else None
    if gold is None:
        return None
    return HeadlineCell(
        asi=gold.asi,
        layer=gold.layer,
        asset=gold.asset,
        found=found_rank(gold, shown_codes(draft, pattern_codes())) or 0,
    )
