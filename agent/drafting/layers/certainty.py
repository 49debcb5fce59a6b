"""Decide whether the sources settle a layer, using learned weights for its facts and, if available, an LLM's verdict.

    certainty = logistic(bias[layer] + Σ weight[feature] · feature)
    certain   = certainty ≥ threshold, and there is a quote: from a fact about the product that settles or concerns the
                layer, or else from the statement that says most about the layer (`Outlook.tellings`)

A fact of rank 5 (from an analyst) that settles the layer makes it certain, whatever the weights and the LLM say,
because neither of these knows what the analyst knows.

No weight is negative, so an additional fact can only make a layer more certain. A fact settles ("pins") a layer by its
key (`FactKey.pins`), regardless of polarity: "keeps no logs" settles where data goes as well as "keeps logs". Facts
based only on claims do not count, so that praise cannot make a layer certain. Since the vocabulary does not cover
everything, a statement can also settle a layer without facts. If an LLM judged the layer, the LLM's quotes replace that
statement, and only facts count.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from agent.drafting.calibration import CertaintyCalibration, load_calibration
from agent.drafting.judgement import NOTHING, Judgement
from agent.drafting.wording import firm_facts
from agent.facts.sheet import counted
from agent.facts.vocabulary import FactKey, load_vocabulary
from agent.records import Evidence, Fact, FactSheet, Telling
from agent.taxonomy.layers import LAYERS, LayerKey

FEATURES: Final = ("keys", "facts", "confidence", "rank", "outlook", "chances")
"""keys: ln(1 + number of distinct keys that pin the layer). facts: ln(1 + number of facts). confidence: highest
confidence of a fact, 0 to 1. rank: highest rank / 5. outlook: log-odds of the readers' outlook for the layer / 4,
clipped to ±1.5, plus 1.5. chances: ln(1 + expected number of the layer's keys that the sources state)."""
ENOUGH: Final = 2
"""Number of pinning keys that outweigh an LLM's verdict "insufficient"."""
BEARS: Final[Mapping[LayerKey, frozenset[str]]] = {
    "foundation_models": frozenset({"model"}),
    "data_operations": frozenset({
        "reads", "keeps", "changes_records", "writes_files", "deletes_data", "connected_services", "data_suppliers",
        "encryption", "sends_messages", "changes_repo", "drives_browser",
    }),
    "agent_frameworks": frozenset({
        "does", "decides", "reads", "mcp_server", "mcp_client", "plugins", "calls_agents", "called_by_agents",
        "approval_before", "dry_run",
    }),
    "deployment_infrastructure": frozenset({
        "runs_at", "endpoint_auth", "sandbox", "data_stays_local", "sends_data_out", "named_clients", "mcp_server",
    }),
    "evaluation_observability": frozenset({"shows", "audit_log", "logs_content", "undo", "dry_run"}),
    "security_compliance": frozenset({
        "asks", "acts_as", "attests", "endpoint_auth", "tenant_separation", "wide_rights", "data_stays_local",
    }),
    "agent_ecosystem": frozenset({"meets", "user_oauth", "names_llm", "model_choice"}),
}  # fmt: skip
"""Groups and keys whose facts concern a layer without settling it. A layer that the outlook considers settled may be
supported by a quote from these facts."""
_CAP: Final = 6
_ODDS: Final = 1.5
_SCALE: Final = 4.0
_LEAST: Final = 1e-3
_TOP_RANK: Final = 5
PARTLY: Final = 0.84
"""Minimum certainty for a layer whose verdict could not be kept, or is "partial" in an older draft. It is higher
because the threshold was fitted on the embedded reader's sheets, and an LLM finds more facts."""
ALTHOUGH: Final = 0.95
"""Minimum certainty at which two facts outweigh an LLM's verdict "insufficient". Experts agreed with "sufficient" in
67 of 67 layers and with "insufficient" in 21 of 22."""
HARDLY: Final = 0.7
"""Minimum certainty, in a draft without an LLM, for a layer that has no fact sure enough to be stated. F1 of the
certainty flags on 30 real listings with their owners held out: 0.69 at the threshold, 0.73 at 0.7."""


class Certainty(NamedTuple):
    """The verdict on one layer and its inputs."""

    certain: bool
    certainty: float
    """0 to 1."""
    features: dict[str, float]
    facts: tuple[str, ...]
    """Ids of the facts that pin the layer, or else of those that concern it, most certain first."""
    telling: Telling | None = None
    """The statement that supports a certain layer without facts."""


def assess(
    sheet: FactSheet, judgement: Judgement | None = None, *, calibration: CertaintyCalibration | None = None
) -> dict[LayerKey, Certainty]:
    """Assess each layer. Raises SchemaError if the bundled constants cannot be read."""
    constants = calibration or load_calibration().certainty
    led, firm = judgement or NOTHING, firm_facts(sheet)
    quotes = {item.id for item in (*sheet.evidence, *led.evidence)}
    solid = {fact.id: fact for fact in counted(sheet) if not fact.claim}
    found: dict[LayerKey, Certainty] = {}
    for layer in LAYERS:
        pins = pinning(sheet, layer)
        values = features(sheet, layer, pins)
        own = constants.layers[layer]
        chance = logistic(own.bias + sum(own.weights[name] * values[name] for name in FEATURES))
        doubtful = judgement is None and not any(fact.id in firm for fact in pins)
        certain_from = max(constants.threshold, HARDLY) if doubtful else constants.threshold
        facts = pins or bearing(sheet, layer)
        judged = led.layers.get(layer)
        telling = sheet.outlook.tellings.get(layer) if judged is None and not facts else None
        known = any(fact.rank == _TOP_RANK for fact in pins)
        certain = known or (bool(facts or telling) and chance >= certain_from)
        if judged is not None and not known:
            # "sufficient" and "mostly" need verified quotes. "insufficient" is outweighed by two sure facts, since the
            # LLM must have overlooked them; "hardly" is not, since the LLM has weighed what there is. "partial" raises
            # the required certainty.
            if judged.verdict == "partial":
                certain = certain and chance >= PARTLY
            elif judged.verdict == "hardly":
                certain = False
            elif judged.verdict == "insufficient":
                certain = certain and chance >= ALTHOUGH and len({fact.key for fact in pins}) >= ENOUGH
            else:
                cited = [solid[mark] for mark in judged.facts if mark in solid]
                certain = certain or bool(cited) or not quotes.isdisjoint(judged.evidence)
                facts = tuple(dict.fromkeys((*facts, *cited)))
        # Keep the certainty on the side of the threshold that matches the verdict.
        held = max(chance, constants.threshold) if certain else min(chance, constants.threshold - _LEAST)
        found[layer] = Certainty(
            certain=certain,
            certainty=round(max(0.0, held), 3),
            features={name: round(value, 3) for name, value in values.items()},
            facts=tuple(fact.id for fact in facts),
            telling=telling if certain else None,
        )
    return found


def told_quotes(
    verdicts: Mapping[LayerKey, Certainty], known: Sequence[Evidence]
) -> tuple[dict[LayerKey, str], tuple[Evidence, ...]]:
    """Return the quote id of each layer that is supported by a statement, and the quotes that are not yet `known`.

    New quotes are numbered after the known ones.
    """
    ids = {(item.document, item.start, item.end): item.id for item in known}
    number = max((int(item.id[1:]) for item in known), default=0)
    marks: dict[LayerKey, str] = {}
    added: list[Evidence] = []
    for layer, verdict in verdicts.items():
        if (told := verdict.telling) is None:
            continue
        place = told.document, told.start, told.end
        if place not in ids:
            number += 1
            ids[place] = f"E{number}"
            added.append(Evidence(id=ids[place], **told.model_dump()))
        marks[layer] = ids[place]
    return marks, tuple(added)


def pinning(sheet: FactSheet, layer: LayerKey) -> tuple[Fact, ...]:
    """Return the facts about the product that pin a layer, most certain first."""
    return _surest(sheet, lambda key: layer in key.pins)


def bearing(sheet: FactSheet, layer: LayerKey) -> tuple[Fact, ...]:
    """Return the facts about the product that concern a layer (`BEARS`), most certain first."""
    return _surest(sheet, lambda key: bool({key.id, key.group} & BEARS[layer]))


def _surest(sheet: FactSheet, wanted: Callable[[FactKey], bool]) -> tuple[Fact, ...]:
    words = load_vocabulary()
    facts = [fact for fact in counted(sheet) if not fact.claim and wanted(words[fact.key])]
    return tuple(sorted(facts, key=lambda fact: (-fact.rank, -fact.confidence, words.order[fact.key], fact.id)))


def features(sheet: FactSheet, layer: LayerKey, facts: Sequence[Fact]) -> dict[str, float]:
    """Compute the features of a layer's certainty (`FEATURES`); each increases with the evidence."""
    chances = sheet.outlook.chances
    sure: dict[str, float] = {}
    for fact in facts:
        sure[fact.key] = max(sure.get(fact.key, 0.0), fact.confidence)
    likely = sum(max(chances.get(key.id, 0.0), sure.get(key.id, 0.0)) for key in load_vocabulary().pinning(layer))
    odds = 0.0
    if layer in sheet.outlook.layers:
        chance = min(1 - _LEAST, max(_LEAST, sheet.outlook.layers[layer]))
        odds = min(_ODDS, max(-_ODDS, math.log(chance / (1 - chance)) / _SCALE)) + _ODDS
    return {
        "keys": math.log1p(min(_CAP, len(sure))),
        "facts": math.log1p(min(_CAP, len(facts))),
        "confidence": max(sure.values(), default=0.0),
        "rank": max((fact.rank for fact in facts), default=0) / _TOP_RANK,
        "outlook": odds,
        "chances": math.log1p(likely),
    }


def logistic(value: float) -> float:
    """Compute 1 / (1 + e^-x) without overflow."""
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))
