"""The embedded drafter: from a reading to everything that a draft says, without an LLM.

    system picture ─ factor estimates ─ certainty of layers ─ catalogue threats ─ headline ─ score ─ likely range
    ─ questions ─ paragraphs ─ chains ─ posture

Plain calls in this order; each step is a function of another module of this room.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from agent.drafting_old import headline, layers, posture, questions, system
from agent.drafting_old.assisted.hand import Hand
from agent.drafting_old.calibrate import Calibration
from agent.drafting_old.candidates import Matches
from agent.drafting_old.catalogue import match
from agent.drafting_old.chains import FoundChain, chains
from agent.drafting_old.composition import Composition, Placed
from agent.drafting_old.controls import controls_of
from agent.drafting_old.factors import FactorResult, estimate
from agent.drafting_old.headline import Outlook
from agent.drafting_old.kind import weigh
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.likely import likely
from agent.drafting_old.ranking import Ranked, eased, rank, shown
from agent.drafting_old.withholding import why_withheld
from agent.drafting_old.without_claims import beside, unease, unlowered
from agent.drafting_old.words import words
from agent.evidence.certainty import Assessment, assess
from agent.evidence.reading import Reading
from agent.evidence.signals import detect
from agent.evidence.statements import statements
from agent.records import (
    Chain,
    Dropped,
    FactorEstimate,
    Hop,
    LayerThreats,
    Product,
    Question,
    Range,
    Score,
)
from agent.resources import data_folder
from agent.scoring import Request, score, with_controls, withhold
from agent.taxonomy.keys import FACTOR_SETS, LAYERS, FactorKey, LayerKey

if TYPE_CHECKING:
    from agent.drafting_old.assisted.proposals import Proposals

THREAT_MULTIPLIER: Final = Decimal("0.97")
MITIGATION: Final = Decimal("1.00")
CLAIMS_SHOWN: Final = 8
"""Claims cited as such; `septet intake` and the review app show the others."""


def compose(
    reading: Reading,
    *,
    name: str | None,
    calibration: Calibration,
    proposals: "Proposals | None" = None,
    vendor: str | None = None,
    aliases: tuple[str, ...] = (),
) -> Composition:
    """Draft from one reading; the same reading, calibration and proposals give the same composition.

    `vendor` is who makes the product where no sentence says so; `aliases` are its other names. `proposals` are an
    LLM's, already checked; without them the draft is the embedded drafter's alone.
    """
    ledger = Ledger(reading.documents, reading.statements)
    hand = Hand(proposals, ledger)
    name = name or system.product_name(reading.documents)
    picture = system.extract(reading, ledger, name)
    values = words(reading, picture, name)
    estimated = hand.factors(estimate(reading, ledger, calibration.factors))
    verdicts = {key: assess(reading, key, calibration.certainty) for key in LAYERS}
    matches = match(reading, picture, ledger, name=name)
    ranked = rank(matches.candidates, estimated.factors)
    product = _outlook(reading, ranked, estimated, calibration)
    scored, first = _score(ranked, product, estimated, verdicts, calibration)
    scored = _with_controls(scored, first, reading, ledger)
    plain = _without_claims(reading, name, verdicts, calibration, estimated if proposals else None)
    scored = scored.model_copy(update={"without_vendor_claims": beside(scored, plain)})
    reserved = hand.reserved(matches.candidates, estimated.factors)
    visible, folded = shown(ranked, first, product, calibration.headline, reserved)
    placed = [Placed(item.candidate.layer, item.threat) for item in visible]
    placed += hand.threats(matches.candidates, visible, estimated.factors)
    found = chains([item.candidate for item in visible], reading, name=name)
    asked = _questions(matches, visible, found, estimated, verdicts, scored, values)
    made = _layers(reading, ledger, verdicts, placed, asked, values, hand)
    summary = posture.summary(reading, ledger)
    stance = posture.stance(reading, picture, ledger, scored, verdicts, values)
    linked, drawn = hand.chains(tuple(_chain(chain) for chain in found), placed), hand.picture(picture)
    told, asked = hand.posture(stance), hand.questions(asked)
    _show_claims(reading, ledger)
    maker = system.vendor(reading) or vendor
    lowered = eased(visible, {e.id: e.rank for e in ledger.evidence()})
    return Composition(
        product=Product(name=name, vendor=maker, summary=summary, posture=told, aliases=aliases),
        evidence=ledger.evidence(),
        system=drawn,
        assumptions=system.assumptions(drawn, reading),
        factors=dict(estimated.factors),
        layers=made,
        chains=linked,
        questions=asked,
        score=scored,
        dropped=(*_folded(folded), *_not_shown(matches), *hand.notes.dropped),
        lowerings=(*estimated.lowerings, *lowered, *hand.notes.lowerings),
        statements=len(reading.statements),
        knowledge=knowledge_fingerprint(),
        candidates=matches.candidates,
        visible=tuple(visible),
        parts=hand.notes.made,
    )


def _show_claims(reading: Reading, ledger: Ledger) -> None:
    """Cite claims as such, those first that name something looked for: last of all, so that no mark depends on them."""
    claims = [s for s in statements(reading.documents) if s.claim and s.about == "product" and not s.flagged]
    named = {match.statement for matches in detect(claims).values() for match in matches}
    order = sorted(range(len(claims)), key=lambda n: (n not in named, n))
    for index in order[:CLAIMS_SHOWN]:
        ledger.note(claims[index])


@cache
def knowledge_fingerprint() -> str:
    """Hash of the knowledge files (calibration apart), by path and content."""
    folder = data_folder("corpus") / "knowledge"
    digest = sha256()
    for path in sorted(folder.rglob("*.yaml")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


# ---------------------------------------------------------------- score


def _outlook(reading: Reading, ranked: Sequence[Ranked], estimated: FactorResult, calibration: Calibration) -> Outlook:
    """What the labelled cases say of this product."""
    factors = {key: float(estimated.factors[key].value) for key in headline.FACTORS}
    fired = {item.scenario.pattern for item in ranked if item.candidate.evidence}
    return headline.outlook(factors, weigh(reading).probabilities, fired, calibration.headline)


def _score(
    ranked: Sequence[Ranked],
    product: Outlook,
    estimated: FactorResult,
    verdicts: dict[LayerKey, Assessment],
    calibration: Calibration,
) -> tuple[Score, Ranked | None]:
    """The score with its headline threat. It is withheld when the evidence does not carry it."""
    quoted = [item for item in ranked if item.candidate.evidence]
    scenarios = [item.scenario for item in quoted]
    at = headline.choose(scenarios, product, calibration.headline)
    if at is None:
        usual = product.base
        base = Range(value=_tenth(usual), low=_tenth(usual - 1), high=_tenth(min(usual + 1, 10)))
        vector, first = None, None
    else:
        low, high = headline.base_range(scenarios, at)
        first = quoted[at]
        base = Range(value=_tenth(scenarios[at].base), low=_tenth(low), high=_tenth(high))
        vector = first.candidate.vector
    request = Request(
        cvss_vector=vector,
        cvss_base=base,
        factors={key: _range(estimated.factors[key]) for key in FACTOR_SETS["0.5"]},
        factor_set="0.5",
        threat_multiplier=Range(value=THREAT_MULTIPLIER, low=THREAT_MULTIPLIER, high=THREAT_MULTIPLIER),
        mitigation_factor=Range(value=MITIGATION, low=MITIGATION, high=MITIGATION),
        formula="aivss-0.8",
        mode="directory",
    )
    plain = score(request)
    assert plain.aivss is not None
    constants = likely(raw_score(float(base.value), plain.factor_sum), calibration.likely, thin=estimated.thin)
    scored = score(request, constants=constants)
    certain = sum(verdict.certain for verdict in verdicts.values())
    reason = why_withheld(scored, quoted=first is not None, certain=certain)
    return (withhold(scored, reason) if reason else scored), first


def _without_claims(
    reading: Reading,
    name: str,
    verdicts: dict[LayerKey, Assessment],
    calibration: Calibration,
    combined: FactorResult | None,
) -> Score:
    """The score of the same sources when nothing of rank 2 and below may lower anything; it cites nothing.

    `combined` are estimates in which an LLM had a hand: it may have lowered them, so each counts only where it is the
    higher one.
    """
    bare = unlowered(reading)
    scratch = Ledger(bare.documents, bare.statements)
    picture = system.extract(bare, scratch, name)
    estimated = estimate(bare, scratch, calibration.factors)
    if combined is not None:
        estimated = dataclasses.replace(estimated, factors=_higher(estimated.factors, combined.factors))
    candidates = match(bare, picture, scratch, name=name).candidates
    ranked = rank(unease(candidates, scratch.evidence()), estimated.factors)
    product = _outlook(bare, ranked, estimated, calibration)
    return _score(ranked, product, estimated, verdicts, calibration)[0]


def _higher(
    one: Mapping[FactorKey, FactorEstimate], other: Mapping[FactorKey, FactorEstimate]
) -> dict[FactorKey, FactorEstimate]:
    return {key: max(one[key], other[key], key=lambda estimate: estimate.value) for key in one}


def raw_score(base: float, factor_sum: Decimal | None) -> Decimal:
    """The unrounded AIVSS 0.8 value at ThM 0.97 and MF 1: base + (10 - base) · sum / 10 · ThM."""
    exact = _tenth(base)
    return exact + (10 - exact) * (factor_sum or Decimal(0)) / 10 * THREAT_MULTIPLIER


def _with_controls(scored: Score, first: Ranked | None, reading: Reading, ledger: Ledger) -> Score:
    counted = controls_of(reading, ledger, first.candidate) if first is not None else None
    if counted is None or scored.withheld is not None:
        return scored
    return with_controls(scored, counted.mitigation_factor, counted.evidence)


def _range(estimate_: FactorEstimate) -> Range:
    return Range(value=estimate_.value, low=estimate_.low, high=estimate_.high)


def _tenth(value: float) -> Decimal:
    return Decimal(str(round(value, 1)))


# ---------------------------------------------------------------- questions, layers, chains


def _questions(
    matches: Matches,
    visible: Sequence[Ranked],
    found: Sequence[FoundChain],
    estimated: FactorResult,
    verdicts: dict[LayerKey, Assessment],
    scored: Score,
    values: dict[str, str],
) -> tuple[Question, ...]:
    unsure = [key for key in LAYERS if not verdicts[key].certain]
    offered = [q for item in visible for q in item.candidate.questions]
    offered += [q for threat in matches.open for q in threat.questions]
    offered += [q for chain in found for q in chain.questions]
    inputs = scored.inputs
    assert inputs is not None
    assert inputs.cvss_base is not None
    base = inputs.cvss_base
    width = float((scored.likely_high or Decimal(10)) - (scored.likely_low or Decimal(0)))
    causes = questions.spread(estimated.factors, (float(base.value), float(base.low), float(base.high)), width, unsure)
    return questions.ask(estimated.factors, unsure, offered, values, causes)


def _layers(
    reading: Reading,
    ledger: Ledger,
    verdicts: dict[LayerKey, Assessment],
    threats: Sequence[Placed],
    asked: Sequence[Question],
    values: dict[str, str],
    hand: Hand,
) -> dict[LayerKey, LayerThreats]:
    used: set[int] = set()
    made: dict[LayerKey, LayerThreats] = {}
    for key in LAYERS:
        verdict = verdicts[key]
        text = layers.certain(reading, key, ledger, values, used) if verdict.certain else None
        if text is None:
            question = next((q.id for q in asked if key in q.settles), None)
            text = layers.uncertain(reading, key, verdict, values, question)
        text = hand.layer(key, text.missing is None) or text
        made[key] = LayerThreats(
            applies="yes" if text.missing is None else "unknown",
            certain=text.missing is None,
            certainty=Decimal(str(verdict.certainty)),
            features=verdict.features,
            paragraph=text.text,
            threats=tuple(item.threat for item in threats if item.layer == key),
            missing=text.missing,
        )
    return made


def _chain(found: FoundChain) -> Chain:
    return Chain(
        title=found.title,
        threats=tuple(candidate.pattern.id for candidate in found.candidates),
        hops=tuple(Hop(source=hop.source, target=hop.target, evidence=hop.evidence) for hop in found.hops),
    )


def _folded(folded: Sequence[tuple[Ranked, str]]) -> list[Dropped]:
    return [
        Dropped(what=f"threat {r.threat.id}: {r.threat.title} ({r.threat.score.aivss})", reason=why)
        for r, why in folded
    ]


def _not_shown(matches: Matches) -> list[Dropped]:
    return [
        *(
            Dropped(what=f"threat {c.pattern.id}: {c.title}", reason=f"{id_} tells it more closely")
            for c, id_ in matches.doubled
        ),
        *(Dropped(what=f"threat {t.pattern.id}: {t.title}", reason=f"{t.reason}; asked instead") for t in matches.open),
    ]
