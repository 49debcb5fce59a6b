"""Composes a draft: one function that derives all parts from the facts in order, and its result.

    sheet ─ kind ─ factors ─ layers certain? ─ threats, headline ─ score ─ questions ─ paragraphs ─ picture, chains,
    posture, controls, advice

Each step calls a function in another module of this package. If there is an LLM's `Judgement`, each step weighs it
against the facts; otherwise only the facts count. Striking a fact and composing again removes everything based on it.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Final, NamedTuple

from agent.drafting import factors
from agent.drafting.calibration import Calibration
from agent.drafting.conditions_for_use import advise
from agent.drafting.judgement import Judgement
from agent.drafting.kind import kind_of
from agent.drafting.layers import certainty
from agent.drafting.layers.paragraphs import paragraphs
from agent.drafting.product import capability_rows, posture, system
from agent.drafting.product.assumptions import assumptions
from agent.drafting.product.controls import claimed
from agent.drafting.questions import ask
from agent.drafting.score import score_of, without_claims
from agent.drafting.score_range import likely
from agent.drafting.threats.chains import chains
from agent.drafting.threats.selection import find_threats
from agent.drafting.threats.usual_severity import usual_base
from agent.facts.sheet import counted
from agent.facts.vocabulary import Vocabulary
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
    LikelyConstants,
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


def _range_of(
    sheet: FactSheet, judgement: Judgement | None, calibration: Calibration
) -> Callable[[Decimal], LikelyConstants]:
    """Return the likely range by raw score: drafts that an LLM judged, and thin sources, have their own."""
    thin, judged = len(counted(sheet)) < FEW_FACTS, judgement is not None and bool(judgement.threats)
    return partial(likely, calibration=calibration.range, thin=thin, judged=judged)


def compose(
    sheet: FactSheet,
    *,
    name: str,
    vendor: str | None = None,
    aliases: Sequence[str] = (),
    calibration: Calibration,
    judgement: Judgement | None = None,
    vocabulary: Vocabulary | None = None,
    severity_sheet: Callable[[FactSheet], FactSheet] | None = None,
) -> Composition:
    """Derive all parts of a draft about the product `name` from its facts.

    `judgement` comes from an LLM and was checked against the sources; it cites `sheet.evidence` or its own quotes. Only
    evaluations pass a different `vocabulary` for the factors, or `severity_sheet`, which derives the sheet used for
    finding threats. The function is deterministic.
    """
    kind = kind_of(sheet, judgement)
    valued = partial(
        factors.estimate, kind=kind, judgement=judgement, calibration=calibration.factors, vocabulary=vocabulary
    )
    estimated = valued(sheet)
    verdicts = certainty.assess(sheet, judgement, calibration=calibration.certainty)
    quotes = (*sheet.evidence, *(judgement.evidence if judgement else ()))
    told, added = certainty.told_quotes(verdicts, quotes)
    usual = usual_base(sheet, kind, calibration.base)
    found = find_threats(severity_sheet(sheet) if severity_sheet else sheet, kind, estimated, judgement, usual)
    scored = score_of(
        found,
        estimated,
        verdicts,
        sheet,
        constants=_range_of(sheet, judgement, calibration),
        bare_factors=valued(without_claims(sheet)),
    )
    asked = ask(sheet, kind, estimated, verdicts, found, scored, judgement)
    picture = system.picture(sheet, name, kind, judgement)
    return Composition(
        product=Product(
            name=name,
            vendor=vendor,
            summary=posture.summary(sheet, name, kind, judgement),
            posture=posture.posture(sheet, name, kind, found, scored, judgement),
            aliases=tuple(aliases),
            kind=kind,
        ),
        evidence=(*quotes, *added),
        system=picture,
        assumptions=assumptions(picture, sheet, kind),
        factors=estimated,
        layers=paragraphs(sheet, kind, name, verdicts, found, asked, judgement, told),
        chains=chains(sheet, found, judgement),
        questions=asked,
        score=scored,
        dropped=(*found.folded, *_refused(judgement)),
        lowerings=factors.lowerings(sheet, kind, judgement, calibration=calibration.factors, vocabulary=vocabulary),
        lines=capability_rows.fact_lines(sheet, kind, judgement),
        controls=claimed(sheet, found, judgement),
        advice=advise(sheet, kind, found, estimated, scored, asked, judgement),
    )


def _refused(judgement: Judgement | None) -> tuple[Dropped, ...]:
    return tuple(Dropped(what=what, reason=reason) for what, reason in (judgement.dropped if judgement else ()))
