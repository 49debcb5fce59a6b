"""What is left of a draft once struck items are out of it: each is listed with its reason."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from agent.drafting.layers import MARK
from agent.records import Capability, Chain, Draft, Dropped, FactorEstimate, LayerThreats, Missing, Question
from agent.review.replay import Standing
from agent.taxonomy.keys import LAYER_SOUGHT, LayerKey

_TENTH: Final = Decimal("0.1")
_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)


def without_struck(draft: Draft, standing: Mapping[str, Standing]) -> Draft:
    """The draft without what was struck: left out and listed with the reason, or, for factors and layers, taken back
    to what is usual or not certain."""
    struck = {name: one for name, one in standing.items() if one.verdict == "struck"}
    if not struck:
        return draft
    dropped: list[Dropped] = []
    layers = {key: _standing_layer(key, layer, struck, dropped) for key, layer in draft.layers.items()}
    chains = _standing_chains(draft, struck, dropped)
    capabilities: list[Capability] = []
    for one in draft.system.capabilities:
        if (mark := struck.get(f"capability/{one.id}")) is None:
            capabilities.append(one)
        else:
            dropped.append(_dropped(f"capability {one.id}: {one.action} {one.object}", mark))
    questions: list[Question] = []
    for asked in draft.questions:
        if (mark := struck.get(f"question/{asked.id}")) is None:
            questions.append(asked)
        else:
            dropped.append(_dropped(f"question {asked.id}: {asked.text}", mark))
    factors = {
        key: _typical(one, struck[f"factor/{key}"]) if f"factor/{key}" in struck else one
        for key, one in draft.factors.items()
    }
    gone = {name.partition("/")[2] for name in struck}
    return draft.model_copy(
        update={
            "layers": layers,
            "chains": chains,
            "factors": factors,
            "system": draft.system.model_copy(update={"capabilities": tuple(capabilities)}),
            "questions": tuple(questions),
            "dropped": (*draft.dropped, *dropped),
            "lowerings": tuple(low for low in draft.lowerings if low.target not in gone),
        }
    )


def missing_of(key: LayerKey, certain: bool, applies: object, because: str) -> Missing | None:
    """What a layer that is not certain, or does not apply, lacks; `because` says on whose word."""
    if applies == "no":
        return Missing(reason="does-not-apply", detail=f"{LAYER_SOUGHT[key]}: a reviewer says that there is none")
    return None if certain else Missing(reason="too-little-evidence", detail=f"{LAYER_SOUGHT[key]}: {because}")


def _typical(one: FactorEstimate, mark: Standing) -> FactorEstimate:
    """A struck factor: what is usual for the kind, with a range that holds what was said of it too."""
    parts = tuple(part for part in one.parts if part.kind == "typical")
    usual = sum((Decimal(str(part.effect)) for part in parts), _ZERO) if parts else one.value
    value = min(max(usual, _ZERO), _ONE).quantize(_TENTH)
    return one.model_copy(
        update={
            "value": value,
            "low": min(one.low, one.value, value),
            "high": max(one.high, one.value, value),
            "state": "unknown",
            "parts": parts,
            "rationale": f"What the draft said of it was struck in review ({mark.why}); {value} is usual.",
            "evidence": (),
        }
    )


def _standing_layer(
    key: LayerKey, layer: LayerThreats, struck: Mapping[str, Standing], dropped: list[Dropped]
) -> LayerThreats:
    threats = []
    for threat in layer.threats:
        mark = struck.get(f"threat/{threat.id}")
        if mark is None:
            threats.append(threat)
        else:
            dropped.append(_dropped(f"threat {threat.id}: {threat.title}", mark))
    update: dict[str, object] = {"threats": tuple(threats)}
    if (mark := struck.get(f"layer/{key}")) is not None:
        missing = layer.missing or missing_of(key, False, "unknown", "what the draft said of it was struck in review")
        assert missing is not None
        dropped.append(_dropped(f"paragraph of {key}", mark))
        update |= {
            "certain": False, "applies": "unknown", "missing": missing, "paragraph": f"{MARK}{missing.detail}.",
        }  # fmt: skip
    return layer.model_copy(update=update)


def _standing_chains(draft: Draft, struck: Mapping[str, Standing], dropped: list[Dropped]) -> tuple[Chain, ...]:
    gone = {name.partition("/")[2] for name in struck if name.startswith("threat/")}
    kept = []
    for number, chain in enumerate(draft.chains, start=1):
        lost = [threat for threat in chain.threats if threat in gone]
        mark = struck.get(f"chain/{number}")
        if mark is not None:
            dropped.append(_dropped(f"chain {number}: {chain.title}", mark))
        elif lost:
            dropped.append(
                Dropped(what=f"chain {number}: {chain.title}", reason=f"struck in review with its threat {lost[0]}")
            )
        else:
            kept.append(chain)
    return tuple(kept)


def _dropped(what: str, mark: Standing) -> Dropped:
    return Dropped(what=what, reason=f"struck in review: {mark.why}")
