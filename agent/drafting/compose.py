"""Compose a draft: one function that derives all parts from the facts, in order, and the record that it returns.

    sheet ─ kind ─ factors ─ layers certain? ─ threats, headline ─ score ─ questions ─ paragraphs ─ picture, chains,
    posture, controls, advice

Each step calls a function in another module of this package. If there is an LLM's `Judgement`, each step weighs it
against the facts; otherwise only the facts count. Striking a fact and composing again removes everything based on it.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from agent.drafting import factors
from agent.drafting.calibration import Calibration
from agent.drafting.conditions_for_use import advise
from agent.drafting.judgement import NOTHING, Given, Judgement
from agent.drafting.kind import kind_of
from agent.drafting.layers import certainty
from agent.drafting.layers.paragraphs import paragraphs
from agent.drafting.product import capability_rows, posture, system
from agent.drafting.product.controls import claimed
from agent.drafting.questions import ask
from agent.drafting.score import score_of, without_claims
from agent.drafting.score_range import likely
from agent.drafting.threats.candidates import usual_base
from agent.drafting.threats.chains import chains
from agent.drafting.threats.selection import find_threats
from agent.facts.sheet import counted
from agent.records import (
    Advice,
    Chain,
    ClaimedControl,
    Dropped,
    Evidence,
    FactLine,
    FactorEstimate,
    FactSheet,
    LayerThreats,
    Lowering,
    Product,
    Question,
    Score,
    System,
)
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.layers import LayerKey

FEW_FACTS: Final = 2
"""Minimum number of facts; with fewer, the sources hardly describe the product."""


class Composition(NamedTuple):
    """All parts of a draft that are derived from its facts."""

    product: Product
    evidence: tuple[Evidence, ...]
    system: System
    assumptions: tuple[str, ...]
    factors: dict[FactorKey, FactorEstimate]
    layers: dict[LayerKey, LayerThreats]
    chains: tuple[Chain, ...]
    questions: tuple[Question, ...]
    score: Score
    dropped: tuple[Dropped, ...]
    lowerings: tuple[Lowering, ...]
    lines: tuple[FactLine, ...]
    controls: tuple[ClaimedControl, ...]
    advice: Advice


def compose(
    sheet: FactSheet,
    *,
    name: str,
    vendor: str | None = None,
    aliases: Sequence[str] = (),
    calibration: Calibration,
    judgement: Judgement | None = None,
    severity_sheet: Callable[[FactSheet], FactSheet] | None = None,
) -> Composition:
    """Derive all parts of a draft about the product `name` from its facts.

    `judgement` comes from an LLM and was checked against the sources; it cites `sheet.evidence` or its own quotes. Only
    evaluations pass `severity_sheet`, a function that returns the sheet from which to derive the threats. The result is
    deterministic.
    """
    given = Given(sheet, name, kind_of(sheet, judgement), judgement or NOTHING)
    kind, led = given.kind, given.judgement
    valued = partial(factors.estimate, kind=kind, judgement=led, calibration=calibration.factors)
    estimated = valued(sheet)
    verdicts = certainty.assess(sheet, judgement, calibration=calibration.certainty)
    quotes = (*sheet.evidence, *led.evidence)
    told, added = certainty.told_quotes(verdicts, quotes)
    usual = usual_base(sheet, kind, calibration.base)
    found = find_threats(severity_sheet(sheet) if severity_sheet else sheet, kind, estimated, led, usual)
    thin, judged = len(counted(sheet)) < FEW_FACTS, bool(led.threats)
    scored = score_of(
        found,
        estimated,
        sum(one.certain for one in verdicts.values()),
        sheet,
        # Drafts that an LLM judged and drafts from thin sources have their own ranges.
        constants=partial(likely, calibration=calibration.range, thin=thin, judged=judged),
        bare_factors=valued(without_claims(sheet)),
    )
    asked = ask(given, estimated, verdicts, found, scored)
    picture = system.picture(given)
    return Composition(
        product=Product(
            name=name,
            vendor=vendor,
            summary=posture.summary(given),
            posture=posture.posture(given, found, scored),
            aliases=tuple(aliases),
            kind=kind,
        ),
        evidence=(*quotes, *added),
        system=picture,
        assumptions=system.assumptions(picture, given),
        factors=estimated,
        layers=paragraphs(given, verdicts, found, asked, told),
        chains=chains(given, found),
        questions=asked,
        score=scored,
        dropped=(*found.folded, *(Dropped(what=what, reason=reason) for what, reason in led.dropped)),
        lowerings=factors.lowerings(sheet, kind, led, calibration=calibration.factors),
        lines=capability_rows.fact_lines(given),
        controls=claimed(given, found),
        advice=advise(given, found, scored, asked),
    )
