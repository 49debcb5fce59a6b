"""Seeded regressions of the drafter are caught, with the metric and the cases named.

    damage                                    caught by
    a factor 0.1 too high or too low          that factor's mean error, the cases by how much
    the flag rule switched off                flag loss of a layer
    a quote from the sentence next to it      share of the reader's quotes that are cited
    the best passage of each case lost        means of factors or layers, quotes

The drafts are real, made once over 24 cases with the vendor family left out.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import pytest

from agent.drafting_old.calibrate import Calibration
from agent.errors import RegressionError
from agent.evidence.reading import Reading
from agent.evidence.signals import detect
from agent.pipeline import draft_reading
from agent.records import Draft, Hit
from agent.settings import Settings
from agent.taxonomy.keys import FACTOR_SETS, LAYERS, FactorKey, LayerKey
from evals.cases import Case
from evals.documents import READ_AT
from evals.families import families
from evals.gate.baseline import Baseline, accept
from evals.gate.replay import judge
from evals.gate.verdict import Verdict
from evals.lessons import Teacher, bundled_cases, learn, text_key, who
from evals.measure import measure
from evals.results import Evaluation
from evals.run import Done, pattern_ids
from evals.session import Outcome, fail_if
from evals.summary import summarise

pytestmark = pytest.mark.slow
FACTORS = FACTOR_SETS["0.5"]
TENTH = Decimal("0.1")
ANY_MEAN = ("factors/", "layers/", "evidence_recall", "factor_")
PRINTS = {"corpus": "c", "labels": "l"}


class Made(NamedTuple):
    case: Case
    family: str
    reading: Reading
    calibration: Calibration
    draft: Draft


def drafted(reading: Reading, calibration: Calibration, case: Case) -> Draft:
    return draft_reading(reading, name=None, calibration=calibration, created_at=READ_AT, draft_id=case.slug)


@pytest.fixture(scope="module")
def made() -> tuple[Made, ...]:
    learnt = learn(bundled_cases(), Settings())
    teacher = Teacher(learnt.lessons)
    cases = bundled_cases()[4::9][:24]
    found = []
    for case, family in zip(cases, families([who(case) for case in cases]), strict=True):
        reading, calibration = learnt.readings[text_key(case)], teacher.without_family_of(who(case))
        found.append(Made(case, family, reading, calibration, drafted(reading, calibration, case)))
    assert len(found) == 24
    return tuple(found)


def evaluation(made: Sequence[Made], change: Callable[[Made], Draft]) -> Evaluation:
    results = [
        measure(one.case, change(one), one.reading.documents, family=one.family, patterns=pattern_ids()) for one in made
    ]
    found = summarise(results, drafter="embedded", patterns=())
    return found.model_copy(update={"fingerprints": PRINTS})


@pytest.fixture(scope="module")
def baseline(made: tuple[Made, ...]) -> Baseline:
    return accept(None, evaluation(made, lambda one: one.draft), on="2026-11-26", reason="as it is")


def caught(run: Evaluation, baseline: Baseline) -> Verdict:
    """The verdict, which must end a run with exit code 5."""
    verdict = judge(run, baseline)
    assert verdict.outcome == "fail"
    with pytest.raises(RegressionError) as stopped:
        fail_if(Outcome(Done(run, ()), verdict, gated=True))
    assert stopped.value.exit_code == 5
    assert verdict.findings[0].metric in stopped.value.what
    return verdict


def test_the_drafts_as_they_are_pass(made: tuple[Made, ...], baseline: Baseline) -> None:
    verdict = judge(evaluation(made, lambda one: one.draft), baseline)
    assert (verdict.outcome, verdict.moved) == ("pass", ())


@pytest.mark.parametrize("by", [TENTH, -TENTH], ids=["up", "down"])
@pytest.mark.parametrize("key", FACTORS)
def test_a_factor_moved_by_a_tenth(key: FactorKey, by: Decimal, made: tuple[Made, ...], baseline: Baseline) -> None:
    def change(one: Made) -> Draft:
        estimate = one.draft.factors[key]
        value = min(max(estimate.value + by, Decimal(0)), Decimal(1))
        moved = estimate.model_copy(update={"value": value})
        return one.draft.model_copy(update={"factors": {**one.draft.factors, key: moved}})

    verdict = caught(evaluation(made, change), baseline)
    mine = [finding for finding in verdict.findings if finding.metric.startswith(f"factors/{key}/")]
    assert mine
    assert all(finding.cases for finding in mine)
    others = {f"factors/{other}/" for other in FACTORS if other != key}
    assert not any(finding.metric.startswith(tuple(others)) for finding in verdict.findings)


def test_the_flag_rule_switched_off(made: tuple[Made, ...], baseline: Baseline) -> None:
    def change(one: Made) -> Draft:
        layers = {key: layer.model_copy(update={"certain": True}) for key, layer in one.draft.layers.items()}
        return one.draft.model_copy(update={"layers": layers})

    verdict = caught(evaluation(made, change), baseline)
    flagged = {finding.metric for finding in verdict.findings}
    # Where the reader holds every layer of these cases certain, switching the flag off cannot be wrong.
    missed = {
        key
        for key in LAYERS
        if any(one.draft.layers[key].certain is False and _uncertain(one.case, key) for one in made)
    }
    assert len(missed) >= 4
    assert flagged & {f"layers/{key}/loss_reader" for key in missed}
    assert "flag_recall_reader" in flagged


def _uncertain(case: Case, key: LayerKey) -> bool:
    reader = case.reader
    return reader is not None and key in reader.layers and not reader.layers[key].certain


def test_a_quote_from_the_neighbouring_sentence(made: tuple[Made, ...], baseline: Baseline) -> None:
    def change(one: Made) -> Draft:
        statements = one.reading.statements
        moved = []
        for item in one.draft.evidence:
            at = next(
                (n for n, s in enumerate(statements) if s.document == item.document and s.start <= item.start < s.end),
                0,
            )
            other = statements[at + 1 if at + 1 < len(statements) else at - 1]
            update = {"document": other.document, "start": other.start, "end": other.end, "quote": other.text}
            moved.append(item.model_copy(update=update))
        return one.draft.model_copy(update={"evidence": tuple(moved)})

    verdict = caught(evaluation(made, change), baseline)
    assert "evidence_recall_reader" in {finding.metric for finding in verdict.findings}
    named = next(finding for finding in verdict.findings if finding.metric == "evidence_recall_reader")
    assert len(named.cases) > 12


def test_the_best_passage_lost(made: tuple[Made, ...], baseline: Baseline) -> None:
    verdict = caught(
        evaluation(made, lambda one: drafted(without_best(one.reading), one.calibration, one.case)), baseline
    )
    assert any(finding.metric.startswith(ANY_MEAN) and finding.cases for finding in verdict.findings)


def without_best(reading: Reading) -> Reading:
    """The reading without the sentence that comes first for most factors and layers."""
    firsts = [reading.found(key)[0] for key in reading.hits if reading.found(key)]
    if not firsts:
        return reading
    lost = max(sorted(set(firsts)), key=firsts.count)
    gone = reading.statements[lost]
    kept = [n for n in range(len(reading.statements)) if n != lost]
    statements = tuple(reading.statements[n] for n in kept)
    place = (gone.document, gone.start)

    def left(found: Mapping[str, tuple[Hit, ...]]) -> dict[str, tuple[Hit, ...]]:
        return {key: tuple(hit for hit in hits if (hit.document, hit.start) != place) for key, hits in found.items()}

    return dataclasses.replace(
        reading,
        statements=statements,
        vectors=reading.vectors[kept],
        signals=detect(statements),
        hits=left(reading.hits),
        passages=left(reading.passages),
    )
