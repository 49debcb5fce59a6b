"""Runs the drafter over labelled cases, each with all calibration data of its vendor family left out.

This is where the evals call the drafting packages. Each case is read only once, for its calibration row and its draft.
A case's variants (card, reworded twin, poisoned twins) are drafted with the same calibration as the case.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from agent.drafting.calibration import Calibration
from agent.drafting.compose import Composition, compose
from agent.drafting.threats.catalogue import load_catalogue
from agent.errors import SeptetError
from agent.facts.reading import Reading
from agent.pipeline import draft_reading, read_documents
from agent.records import Draft
from agent.report.markdown import render
from agent.settings import Settings
from agent.taxonomy.layers import LAYERS
from evals.cases.approval_pages import with_page
from evals.cases.case import Case
from evals.cases.corpus import card
from evals.cases.documents import READ_AT, documents_of
from evals.cases.families import families
from evals.cases.poison import Attack, broken, plant
from evals.cases.variants import NONE, Variants
from evals.metrics.arithmetic import SCORE_TOP, UNIT_TOP
from evals.metrics.measure import approval_cell, factor_sum, failed, measure
from evals.metrics.report_wording import generic_counts, main_part, mask, own_ranks, sentences, words
from evals.metrics.results import (
    ApprovalCell,
    CardCell,
    CaseResult,
    DraftView,
    Evaluation,
    FlagCell,
    PoisonCell,
    TextCell,
    TwinCell,
)
from evals.metrics.search_ranks import retrieval_cell
from evals.metrics.summary import summarise
from evals.runs.holdout import (
    Constants,
    ConstantsSource,
    HoldoutConstants,
    Progress,
    bundled_cases,
    read_fit_cases,
    text_key,
    who,
)
from evals.runs.spread import WORKERS, Crew
from evals.runs.views import view
from evals.training.derive_rows import with_heads

_WORD: Final = re.compile(r"\w[\w'’.,/%-]*")
DRAFTERS: Final = ("embedded", "llm")
GROUP: Final = 6
_ERROR_CHARS: Final = 200
FAULTS: Final = (SeptetError, ArithmeticError, AssertionError, LookupError, TypeError, ValueError)
"""Errors of a single case that do not end the run: our own, and bugs of the drafter on that case's text."""


class Change(NamedTuple):
    """Changes to the drafter in a run, to measure their effect: module-level functions, applied to every case.

    An ablation removes a part of the drafter; a test of the gate damages the drafter.
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
    main: str | None
    """The main part of the report with names masked; None when the case failed."""
    words: int
    view: DraftView | None


class _Task(NamedTuple):
    case: Case
    family: str
    reading: Reading | None
    short: Reading | None
    """The reading of the case's card."""
    cards: bool
    twin: Case | None
    poisons: tuple[Attack, ...]
    approval: bool
    """Whether the case is also drafted with a page that documents an approval."""
    settings: Settings
    change: Change


def evaluate(
    cases: Sequence[Case],
    *,
    settings: Settings,
    progress: Progress | None = None,
    cards: bool = True,
    variants: Variants = NONE,
    constants: ConstantsSource | None = None,
    workers: int = WORKERS,
    change: Change = AS_IS,
) -> Done:
    """Draft every case that counts and measure the drafts. The same cases give the same result.

    `constants` defaults to a holdout over the bundled corpus. A case that cannot be drafted counts as the worst value
    and is named in `errors`. With `cards`, each case is also drafted from its card; `variants` are drafted as well.
    """
    counted = [case for case in cases if not case.example]
    known: Mapping[str, Reading] = {}
    with Crew(workers) as crew:
        if constants is None:
            fit_cases, known = read_fit_cases(bundled_cases(), progress=progress, crew=crew)
            constants = HoldoutConstants(fit_cases)
        tasks = _tasks(counted, settings, cards=cards, variants=variants, readings=known, change=change)
        # Measure cases written for a purpose separately, because no metric of the corpus counts them.
        apart = _tasks(variants.special, settings, change=change)
        found = _draft_all([*tasks, *apart], constants, progress, crew)
    ordered = [found[case.slug] for case in counted]
    evaluation = summarise(
        with_texts(counted, ordered),
        drafter=DRAFTERS[0],
        patterns=pattern_ids(),
        special=[(case, found[case.slug].result) for case in variants.special],
    )
    views = tuple(one.view for one in ordered if one.view is not None)
    return Done(evaluation, views, {case.slug: case.category for case in counted})


def pattern_ids() -> tuple[str, ...]:
    """Return the ids of all patterns of the threat catalogue, sorted."""
    return tuple(sorted(pattern.id for pattern in load_catalogue().patterns.values()))


def named_error(error: Exception) -> str:
    """Format an error on one line of at most 200 characters."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:_ERROR_CHARS]


def drafted(result: CaseResult, case: Case, draft: Draft, reading: Reading) -> Drafted:
    """Return a measured draft with the texts needed by the report pages and the metrics over all reports."""
    main = main_part(render(draft, reading.documents))
    return Drafted(result, mask(main, who(case)), _prose_words(main.split("\n")), view(case, draft, main))


# ---------------------------------------------------------------- work of one case


def _tasks(
    cases: Sequence[Case],
    settings: Settings,
    *,
    cards: bool = False,
    variants: Variants = NONE,
    readings: Mapping[str, Reading] | None = None,
    change: Change = AS_IS,
) -> list[_Task]:
    labels = families([who(case) for case in cases])
    return [
        _Task(
            case=case,
            family=label,
            reading=(readings or {}).get(text_key(case)),
            short=(readings or {}).get(text_key(card(case))) if cards else None,
            cards=cards,
            twin=variants.twins.get(case.slug),
            poisons=variants.poisons.get(case.slug, ()),
            approval=case.slug in variants.approvals,
            settings=settings,
            change=change,
        )
        for case, label in zip(cases, labels, strict=True)
    ]


def _draft_all(
    tasks: Sequence[_Task], constants: ConstantsSource, progress: Progress | None, crew: Crew
) -> dict[str, Drafted]:
    found: dict[str, Drafted] = {}
    for outcomes in crew.spread(_draft_group, _groups(tasks, constants), None):
        found |= {outcome.result.case: outcome for outcome in outcomes}
        if progress is not None:
            progress(f"drafted {len(found)} of {len(tasks)}")
    return found


def _groups(
    tasks: Sequence[_Task], constants: ConstantsSource
) -> tuple[tuple[tuple[_Task, ...], tuple[Constants, ...]], ...]:
    """Split the tasks, each with its constants, into groups of a few, so that no process has to wait."""
    held = [constants.without_family_of(who(task.case)) for task in tasks]
    return tuple((tuple(tasks[at : at + GROUP]), tuple(held[at : at + GROUP])) for at in range(0, len(tasks), GROUP))


def _draft_group(group: tuple[tuple[_Task, ...], tuple[Constants, ...]], _: None) -> tuple[Drafted, ...]:
    return tuple(_draft_case(task, held) for task, held in zip(*group, strict=True))


def _draft_case(task: _Task, held: Constants) -> Drafted:
    case = task.case
    try:
        if task.change.calibration is not None:
            held = held._replace(calibration=task.change.calibration(held.calibration))
        reading = _read(case, task, held, task.reading)
        draft = _draft(case, reading, held, task)
        result = measure(case, draft, reading.documents, family=task.family, patterns=pattern_ids())
        made = drafted(result, case, draft, reading)
    except FAULTS as error:
        return _lost(task, named_error(error))
    cells: dict[str, object] = {"retrieval": retrieval_cell(case, reading, alone=task.cards)}
    if task.cards:
        cells["card"] = _card(task, held)
    if task.twin is not None:
        cells["twin"] = _twin(task, draft, held)
    if task.poisons:
        cells["poisoned"] = tuple(_poisoned(task, attack, draft, held) for attack in task.poisons)
    if task.approval:
        cells["approval"] = _approval(task, draft, held)
    return made._replace(result=made.result.model_copy(update=cells))


def _lost(task: _Task, error: str) -> Drafted:
    """Return the result of a failed case, along with all its variants."""
    worst = failed(task.case, error, family=task.family)
    cells: dict[str, object] = {}
    if task.cards:
        cells["card"] = _lost_card(task.case, error)
    if task.twin is not None:
        cells["twin"] = _lost_twin(error)
    if task.poisons:
        cells["poisoned"] = tuple(PoisonCell(attack=attack.id, broken=(error,)) for attack in task.poisons)
    if task.approval:
        cells["approval"] = _lost_approval(error)
    return Drafted(worst.model_copy(update=cells), None, 0, None)


def _read(case: Case, task: _Task, held: Constants, known: Reading | None = None) -> Reading:
    """Read a case, with the outlook from heads fitted without its vendor family."""
    reading = with_heads(known, held.heads) if known else read_documents(documents_of(case), held.heads)
    return reading if task.change.reading is None else task.change.reading(reading)


def _draft(case: Case, reading: Reading, held: Constants, task: _Task) -> Draft:
    draft = draft_reading(
        reading,
        name=None,
        calibration=held.calibration,
        created_at=READ_AT,
        draft_id=case.slug,
        composer=task.change.composer,
    )
    return draft if task.change.draft is None else task.change.draft(draft, reading)


def _card(task: _Task, held: Constants) -> CardCell:
    cut = card(task.case)
    try:
        draft = _draft(cut, _read(cut, task, held, task.short), held, task)
    except FAULTS as error:
        return _lost_card(task.case, named_error(error))
    return CardCell(
        error=None,
        withheld=draft.score.withheld is not None,
        factor_sum=factor_sum(draft),
        layers={
            key: FlagCell(
                certain=draft.layers[key].certain,
                certainty=float(draft.layers[key].certainty),
                gold=task.case.readings.card_certain(key) if task.case.readings else None,
            )
            for key in LAYERS
        },
    )


def _lost_card(case: Case, error: str) -> CardCell:
    gold = case.readings.card_certain if case.readings else lambda _: None
    cells = {key: FlagCell(certain=None, certainty=None, gold=gold(key)) for key in LAYERS}
    return CardCell(error=error, withheld=False, factor_sum=None, layers=cells)


def _twin(task: _Task, draft: Draft, held: Constants) -> TwinCell:
    assert task.twin is not None
    try:
        other = _draft(task.twin, _read(task.twin, task, held), held, task)
    except FAULTS as error:
        return _lost_twin(named_error(error))
    flips = sum(other.layers[key].certain != draft.layers[key].certain for key in LAYERS)
    shift = round(abs(factor_sum(other) - factor_sum(draft)), 6)
    return TwinCell(error=None, factor_sum=factor_sum(other), shift=shift, flips=flips)


def _lost_twin(error: str) -> TwinCell:
    return TwinCell(error=error, factor_sum=None, shift=SCORE_TOP, flips=len(LAYERS))


def _poisoned(task: _Task, attack: Attack, draft: Draft, held: Constants) -> PoisonCell:
    poisoned = plant(task.case, attack)
    try:
        found = broken(draft, _draft(poisoned, _read(poisoned, task, held), held, task), attack)
    except FAULTS as error:
        found = (named_error(error),)
    return PoisonCell(attack=attack.id, broken=found)


def _approval(task: _Task, draft: Draft, held: Constants) -> ApprovalCell:
    case = with_page(task.case)
    try:
        return approval_cell(draft, _draft(case, _read(case, task, held), held, task))
    except FAULTS as error:
        return _lost_approval(named_error(error))


def _lost_approval(error: str) -> ApprovalCell:
    return ApprovalCell(error=error, base_drop=-SCORE_TOP, autonomy_drop=-UNIT_TOP)


# ---------------------------------------------------------------- metrics that compare all reports


def with_texts(cases: Sequence[Case], made: Sequence[Drafted]) -> list[CaseResult]:
    """Return the results, completed with the wording metrics, which compare each report with all others."""
    read = list(_readable(made))
    prose = [sentences(main) for _, main in read]
    generic = generic_counts(prose)
    listings = [words(mask("\n".join(page.markdown for page in case.pages), who(case))) for case in cases]
    ranks = own_ranks([words(main) for _, main in read], listings, owners=[at for at, _ in read])
    results = [outcome.result for outcome in made]
    for (at, _), said, repeated, rank in zip(read, prose, generic, ranks, strict=True):
        cell = TextCell(words=made[at].words, sentences=len(said), generic_sentences=repeated, own_listing_rank=rank)
        results[at] = results[at].model_copy(update={"text": cell})
    return results


def _readable(made: Sequence[Drafted]) -> Iterator[tuple[int, str]]:
    for at, outcome in enumerate(made):
        if outcome.main is not None:
            yield at, outcome.main


def _prose_words(lines: Iterable[str]) -> int:
    """Count the words outside tables and fenced blocks, which a reader sees as text."""
    count, fenced = 0, False
    for line in lines:
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced and not line.startswith("|"):
            count += len(_WORD.findall(line))
    return count
