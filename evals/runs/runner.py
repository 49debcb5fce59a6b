"""Run the drafter over labelled cases, each with constants fitted without its vendor family.

This is where the evals call the drafting packages. Each case is read only once, for its calibration row and its draft.
A case's variants (card, reworded twin, poisoned twins) are drafted with the same calibration as the case.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

from agent.drafting.calibration import Calibration
from agent.drafting.compose import Composition, compose
from agent.drafting.threats.catalogue import load_catalogue
from agent.errors import SeptetError
from agent.facts.reading import Reading
from agent.records import Draft
from agent.report.markdown import render
from agent.taxonomy.factors import FACTOR_SETS
from agent.taxonomy.layers import LAYERS, LayerKey
from evals.cases.case import Case
from evals.cases.corpus import bundled_cases, card
from evals.cases.families import families
from evals.cases.poison import Attack, broken, plant
from evals.cases.variants import NONE, Variants, with_approval
from evals.metrics.measure import approval_cell, factor_sum, failed, gold_quotes, measure
from evals.metrics.report_wording import generic_counts, main_part, mask, own_ranks, sentences, words
from evals.metrics.results import (
    ApprovalCell,
    CardCell,
    CaseResult,
    DraftView,
    Evaluation,
    FlagCell,
    PoisonCell,
    ShownThreat,
    TextCell,
    TwinCell,
)
from evals.metrics.search_ranks import retrieval_cell
from evals.metrics.summary import summarise
from evals.runs.holdout import Constants, ConstantsSource, HoldoutConstants, Progress, read_fit_cases
from evals.runs.spread import WORKERS, Crew

_WORD: Final = re.compile(r"\w[\w'’.,/%-]*")
GROUP: Final = 6
_ERROR_CHARS: Final = 200
_LAST: Final = 10**6
"""Sort position of a threat that the report does not number."""
FAULTS: Final = (SeptetError, ArithmeticError, AssertionError, LookupError, TypeError, ValueError)
"""Errors of a single case that do not end the run: Septet's own, and those caused by bugs that the case's text
triggers."""
CellT = TypeVar("CellT")


class Change(NamedTuple):
    """Changes to the drafter in a run, for measuring their effect. They are module-level functions and apply to every
    case.

    An ablation removes a part of the drafter; a test of the gate damages it.
    """

    reading: Callable[[Reading], Reading] | None = None
    calibration: Callable[[Calibration], Calibration] | None = None
    draft: Callable[[Draft, Reading], Draft] | None = None
    composer: Callable[..., Composition] = compose


AS_IS: Final = Change()


class Done(NamedTuple):
    """An evaluation with the parts of its drafts that the reports show."""

    evaluation: Evaluation
    views: tuple[DraftView, ...]
    categories: Mapping[str, str] = MappingProxyType({})
    """Slug of a case → its category, for sorting."""


class Drafted(NamedTuple):
    """A measured case with the texts that the metrics over all reports need."""

    result: CaseResult
    main: str | None = None
    """The main part of the report, with names masked; None when the case failed."""
    words: int = 0
    """Number of words outside tables and fenced code blocks, that is, of running text."""
    view: DraftView | None = None


class _Task(NamedTuple):
    case: Case
    family: str
    constants: Constants
    change: Change
    reading: Reading | None = None
    short: Reading | None = None
    """The reading of the case's card."""
    cards: bool = False
    twin: Case | None = None
    poisons: tuple[Attack, ...] = ()
    approval: bool = False
    """Whether the case is also drafted with a page that documents an approval step."""

    def read(self, case: Case, known: Reading | None = None) -> Reading:
        """Read one version of the case, with the outlook from heads fitted without its vendor family."""
        reading = self.constants.read(case, known)
        return reading if self.change.reading is None else self.change.reading(reading)

    def draft(self, reading: Reading) -> Draft:
        """Draft one version of the case."""
        draft = self.constants.draft(self.case, reading, composer=self.change.composer)
        return draft if self.change.draft is None else self.change.draft(draft, reading)

    def redraft(self, case: Case, known: Reading | None = None) -> Draft:
        """Read and draft another version of the case."""
        return self.draft(self.read(case, known))


def evaluate(
    cases: Sequence[Case],
    *,
    progress: Progress | None = None,
    cards: bool = True,
    variants: Variants = NONE,
    constants: ConstantsSource | None = None,
    workers: int = WORKERS,
    change: Change = AS_IS,
) -> Done:
    """Draft every case that counts and measure the drafts. The same cases give the same result.

    `constants` defaults to a holdout over the bundled corpus. A case that cannot be drafted gets the worst values and
    is named in `errors`. With `cards`, each case is also drafted from its card; `variants` are drafted as well.
    """
    counted = [case for case in cases if not case.example]
    known: Mapping[str, Reading] = {}
    with Crew(workers) as crew:
        if constants is None:
            fit_cases, known = read_fit_cases(bundled_cases(), crew, progress)
            constants = HoldoutConstants(fit_cases)
        tasks = [
            task._replace(
                reading=known.get(task.case.text_key),
                short=known.get(card(task.case).text_key) if cards else None,
                cards=cards,
                twin=variants.twins.get(task.case.slug),
                poisons=variants.poisons.get(task.case.slug, ()),
                approval=task.case.slug in variants.approvals,
            )
            for task in _tasks(counted, constants, change)
        ]
        # Measure cases written for a purpose separately, because no metric of the corpus counts them.
        tasks += _tasks(variants.special, constants, change)
        # Groups of a few cases are large enough to share their constants, and small enough that no process has to wait.
        groups = [tasks[at : at + GROUP] for at in range(0, len(tasks), GROUP)]
        found: dict[str, Drafted] = {}
        for outcomes in crew.spread(_draft_group, groups):
            found |= {outcome.result.case: outcome for outcome in outcomes}
            if progress is not None:
                progress(f"drafted {len(found)} of {len(tasks)}")
    ordered = [found[case.slug] for case in counted]
    evaluation = summarise(
        with_texts(counted, ordered),
        drafter="embedded",
        patterns=pattern_ids(),
        special=[(case, found[case.slug].result) for case in variants.special],
    )
    views = tuple(one.view for one in ordered if one.view is not None)
    return Done(evaluation, views, {case.slug: case.category for case in counted})


def _tasks(cases: Sequence[Case], constants: ConstantsSource, change: Change) -> list[_Task]:
    labels = families([case.identity for case in cases])
    tasks = []
    for case, label in zip(cases, labels, strict=True):
        held = constants.without_family_of(case.identity)
        if change.calibration is not None:
            held = held._replace(calibration=change.calibration(held.calibration))
        tasks.append(_Task(case, label, held, change))
    return tasks


def pattern_ids() -> tuple[str, ...]:
    """Return the ids of all patterns of the threat catalogue, sorted."""
    return tuple(sorted(pattern.id for pattern in load_catalogue().every.values()))


def named_error(error: Exception) -> str:
    """Format an error on one line of at most 200 characters."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:_ERROR_CHARS]


# ---------------------------------------------------------------- running one case


def _draft_group(tasks: Sequence[_Task]) -> list[Drafted]:
    return [_draft_case(task) for task in tasks]


def _draft_case(task: _Task) -> Drafted:
    case, error, draft = task.case, "", None
    cells: dict[str, object] = {}
    try:
        reading = task.read(case, task.reading)
        draft = task.draft(reading)
        made = drafted(case, draft, reading, task.family)
    except FAULTS as fault:
        draft, error = None, named_error(fault)
        made = Drafted(failed(case, error, family=task.family))
    else:
        cells["retrieval"] = retrieval_cell(case, reading, alone=task.cards)

    def attempt(work: Callable[[Draft], CellT], lost: Callable[[str], CellT]) -> CellT:
        """Measure a variant; it counts as failed if the case failed or the variant itself fails."""
        if draft is None:
            return lost(error)
        try:
            return work(draft)
        except FAULTS as fault:
            return lost(named_error(fault))

    if task.cards:
        gold = {key: case.readings.card_certain(key) if case.readings else None for key in LAYERS}
        layers = {key: FlagCell(gold=known) for key, known in gold.items()}
        cells["card"] = attempt(partial(_card, task, gold), lambda said: CardCell(error=said, layers=layers))
    if task.twin is not None:
        cells["twin"] = attempt(partial(_twin, task, task.twin), lambda said: TwinCell(error=said))
    changed = [attempt(partial(_broken, task, attack), lambda said: (said,)) for attack in task.poisons]
    cells["poisoned"] = tuple(
        PoisonCell(attack=attack.id, broken=found) for attack, found in zip(task.poisons, changed, strict=True)
    )
    if task.approval:
        cells["approval"] = attempt(partial(_approval, task), lambda said: ApprovalCell(error=said))
    return made._replace(result=made.result.model_copy(update=cells))


def _card(task: _Task, gold: Mapping[LayerKey, bool | None], _: Draft) -> CardCell:
    draft = task.redraft(card(task.case), task.short)
    return CardCell(
        withheld=draft.score.withheld is not None,
        factor_sum=factor_sum(draft),
        layers={
            key: FlagCell(
                certain=draft.layers[key].certain, certainty=float(draft.layers[key].certainty), gold=gold[key]
            )
            for key in LAYERS
        },
    )


def _broken(task: _Task, attack: Attack, draft: Draft) -> tuple[str, ...]:
    return broken(draft, task.redraft(plant(task.case, attack)), attack)


def _approval(task: _Task, draft: Draft) -> ApprovalCell:
    return approval_cell(draft, task.redraft(with_approval(task.case)))


def _twin(task: _Task, twin: Case, draft: Draft) -> TwinCell:
    other = task.redraft(twin)
    return TwinCell(
        factor_sum=factor_sum(other),
        shift=round(abs(factor_sum(other) - factor_sum(draft)), 6),
        flips=sum(other.layers[key].certain != draft.layers[key].certain for key in LAYERS),
    )


def drafted(case: Case, draft: Draft, reading: Reading, family: str) -> Drafted:
    """Measure a draft, and return it with the texts needed by the reports and by the metrics over all reports."""
    result = measure(case, draft, reading.documents, family=family, patterns=pattern_ids())
    main = main_part(render(draft, reading.documents))
    count, fenced = 0, False
    for line in main.split("\n"):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced and not line.startswith("|"):
            count += len(_WORD.findall(line))
    return Drafted(result, mask(main, case.identity), count, _view(case, draft, main))


def _view(case: Case, draft: Draft, main: str) -> DraftView:
    quotes = {item.id: item.quote for item in draft.evidence}

    def quoted(marks: Sequence[str]) -> tuple[str, ...]:
        return tuple(quotes[mark] for mark in marks if mark in quotes)

    shown = [(key, threat) for key in LAYERS for threat in draft.layers[key].threats]
    shown.sort(key=lambda pair: _LAST if pair[1].place is None else pair[1].place)
    return DraftView(
        case=case.slug,
        name=draft.product.name,
        posture=draft.product.posture,
        headline=case.reader.headline if case.reader else None,
        quotes={key: quoted(draft.factors[key].evidence) for key in FACTOR_SETS["0.5"]},
        paragraphs={key: draft.layers[key].paragraph for key in LAYERS},
        threats=tuple(
            ShownThreat(one.title, key, float(one.score.aivss), one.score.severity, quoted(one.evidence))
            for key, one in shown
        ),
        reader_quotes=gold_quotes(case),
        report=main,
    )


# ---------------------------------------------------------------- metrics that compare all reports


def with_texts(cases: Sequence[Case], made: Sequence[Drafted]) -> list[CaseResult]:
    """Return the results, completed with the wording metrics, which compare each report with all others."""
    read = [(at, outcome.main) for at, outcome in enumerate(made) if outcome.main is not None]
    prose = [sentences(main) for _, main in read]
    generic = generic_counts(prose)
    listings = [words(mask("\n".join(page.markdown for page in case.pages), case.identity)) for case in cases]
    ranks = own_ranks([words(main) for _, main in read], listings, owners=[at for at, _ in read])
    results = [outcome.result for outcome in made]
    for (at, _), said, repeated, rank in zip(read, prose, generic, ranks, strict=True):
        cell = TextCell(words=made[at].words, sentences=len(said), generic_sentences=repeated, own_listing_rank=rank)
        results[at] = results[at].model_copy(update={"text": cell})
    return results
