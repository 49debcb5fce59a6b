"""Compares two runs: metrics, factors, intervals of the paired differences, flips, and changed sentences of the drafts.

The sentence diff ignores sentences that differ only in numbers or evidence ids, and lists the cases whose factor error
grew most first.
"""

import difflib
from collections.abc import Iterator, Sequence
from typing import Final

from agent.errors import DriftError
from agent.taxonomy.factors import FACTOR_SETS
from agent.taxonomy.layers import LAYERS
from evals.gate.directions import METRICS
from evals.gate.rerecorded import PRIMARY, paired
from evals.gate.stats import bootstrap, sign_flip
from evals.metrics.arithmetic import mean
from evals.metrics.report_wording import sentences
from evals.metrics.results import CaseResult, DraftView, Evaluation
from evals.metrics.summary import factor_loss, layer_loss, score_loss, summarise
from evals.report.saying import count, run_words
from evals.runs.runner import Done

FACTORS: Final = FACTOR_SETS["0.5"]
BAR: Final = 30
BAR_TOP: Final = 0.3
"""The factor error at which a bar is full."""
_OF_CASES: Final = ("corpus", "labels", "answers")
_OF_TEXTS: Final = ("generic_sentence_share", "own_listing_found_share")
SHOWN_CASES: Final = 40
SHOWN_SENTENCES: Final = 12


def common(a: Done, b: Done) -> tuple[Done, Done]:
    """Return both runs, restricted to the cases that they share. Raises DriftError when there are none."""
    slugs = {case.case for case in a.evaluation.per_case} & {case.case for case in b.evaluation.per_case}
    if not slugs:
        raise DriftError("the two runs have no case in common", where="compare", hint="run both on the same cases")
    whole = len(slugs) == len(a.evaluation.per_case) == len(b.evaluation.per_case)
    return (a, b) if whole else (_over(a, slugs), _over(b, slugs))


def lines(a: Done, b: Done, *, names: tuple[str, str] = ("A", "B"), most: int = SHOWN_CASES) -> Iterator[str]:
    """Yield the lines of the comparison. Raises DriftError for runs without a common case."""
    whole = (a.evaluation, b.evaluation)
    a, b = common(a, b)
    yield f"{names[0]} → {names[1]}, {count(b.evaluation.cases, 'case')}"
    yield from _between(whole, (a.evaluation, b.evaluation), names)
    yield ""
    yield from _metrics(a.evaluation, b.evaluation)
    yield ""
    yield from _paired(a.evaluation.per_case, b.evaluation.per_case)
    yield ""
    yield from _bars(a.evaluation, b.evaluation)
    yield ""
    yield from _flips(a.evaluation.per_case, b.evaluation.per_case)
    yield ""
    yield from _cases(a.evaluation.per_case, b.evaluation.per_case, most)
    yield ""
    yield from _differences(a, b, most)


def _between(
    whole: tuple[Evaluation, Evaluation], shared: tuple[Evaluation, Evaluation], names: tuple[str, str]
) -> Iterator[str]:
    """Yield lines that describe each run, and how the fingerprints and labels of the two differ."""
    for name, run in zip(names, whole, strict=True):
        yield f"{name}: {run_words(run)}"
    a, b = whole
    alike = {case.case for case in a.per_case} == {case.case for case in b.per_case}
    # Skip fingerprints that always differ with different cases; common cases' labels are compared below.
    known = [name for name in dict.fromkeys([*a.fingerprints, *b.fingerprints]) if alike or name not in _OF_CASES]
    differ = [name for name in known if a.fingerprints.get(name) != b.fingerprints.get(name)]
    if differ:
        yield f"not alike: {', '.join(differ)}"
    other = [
        old.case for old, new in zip(*(_by_name(run) for run in shared), strict=True) if _labels(old) != _labels(new)
    ]
    if other:
        yield f"other labels: {', '.join(other)}; what these measure does not compare"


def _by_name(run: Evaluation) -> list[CaseResult]:
    return sorted(run.per_case, key=lambda case: case.case)


def _labels(case: CaseResult) -> list[object]:
    return [
        *((cell.published, cell.reader) for cell in case.factors.values()),
        *((cell.published, cell.reader) for cell in case.layers.values()),
        (case.score.published, case.score.reader, case.score.reader_cvss_base),
    ]


def _over(done: Done, slugs: set[str]) -> Done:
    """Return the run over `slugs` only, without metrics that compare reports, since the runs' other reports differ."""
    kept = [case.model_copy(update={"text": None}) for case in done.evaluation.per_case if case.case in slugs]
    found = summarise(kept, drafter=done.evaluation.drafter, patterns=())
    return Done(found, tuple(view for view in done.views if view.case in slugs))


def _metrics(a: Evaluation, b: Evaluation) -> Iterator[str]:
    yield f"{'metric':34}{'old':>10}{'new':>10}{'Δ':>10}"
    for name in dict.fromkeys([*a.metrics, *b.metrics]):
        old, new = a.metrics.get(name), b.metrics.get(name)
        if (old is None and new is None) or (name in _OF_TEXTS and a.per_case[0].text is None):
            continue
        change = "" if old is None or new is None or old == new else f"{new - old:+.4f}"
        direction = METRICS.get(name)
        mark = ""
        if change and direction is not None:
            mark = " worse" if direction.loss(new) > direction.loss(old) else " better"
        yield f"{name:34}{_figure(old):>10}{_figure(new):>10}{change:>10}{mark}"


def _paired(old: Sequence[CaseResult], new: Sequence[CaseResult]) -> Iterator[str]:
    yield f"{'paired, new − old':34}{'mean':>10}{'90 % interval':>24}{'p worse':>10}{'p better':>10}"
    for name, loss in PRIMARY.items():
        pair = paired([old], [new], loss)
        low, high = bootstrap(pair.differences, pair.families)
        p_worse = sign_flip(pair.differences, pair.families)
        p_better = sign_flip([-value for value in pair.differences], pair.families)
        interval = f"{low:+.4f} to {high:+.4f}"
        yield f"{name:34}{mean(pair.differences) or 0.0:>+10.4f}{interval:>24}{p_worse:>10.3f}{p_better:>10.3f}"


def _bars(a: Evaluation, b: Evaluation) -> Iterator[str]:
    yield "error of each factor against both label sets, a bar of old over one of new"
    for key in FACTORS:
        for at, found in enumerate((a, b)):
            block = found.factors[key]
            value = mean(error for error in (block.mae_published, block.mae_reader) if error is not None)
            filled = round(min(value or 0.0, BAR_TOP) / BAR_TOP * BAR)
            yield f"{key if at == 0 else '':28}{'█' * filled}{'·' * (BAR - filled)} {_figure(value)}"


def _flips(old: Sequence[CaseResult], new: Sequence[CaseResult]) -> Iterator[str]:
    was = {case.case: case for case in old}
    rows = []
    for case in new:
        before = was[case.case]
        for key in LAYERS:
            a, b = before.layers[key], case.layers[key]
            if a.certain != b.certain:
                right = "" if b.reader is None else " (right now)" if b.certain is b.reader else " (wrong now)"
                rows.append(f"  {case.case}: {key} {_flag(a.certain)} → {_flag(b.certain)}{right}")
        if before.score.severity != case.score.severity:
            rows.append(f"  {case.case}: band {before.score.severity} → {case.score.severity}")
        if (before.score.withheld is None) != (case.score.withheld is None):
            now = "withheld" if case.score.withheld is not None else "shown"
            rows.append(f"  {case.case}: score {now}")
    yield f"flipped: {len(rows)}"
    yield from rows


def _cases(old: Sequence[CaseResult], new: Sequence[CaseResult], most: int) -> Iterator[str]:
    was = {case.case: case for case in old}
    rows = []
    for case in new:
        before = was[case.case]
        losses = [(loss(before), loss(case)) for loss in (factor_loss, score_loss, layer_loss)]
        if any(a != b for a, b in losses) or before.threats != case.threats:
            a, b = losses[0]
            rows.append(((a or 0.0) - (b or 0.0), case.case, losses, len(before.threats), len(case.threats)))
    yield f"cases that measure differently: {len(rows)}, the worst first"
    yield f"{'case':34}{'factor error':>18}{'score error':>16}{'flag loss':>16}{'threats':>10}"
    for _, slug, losses, before_count, after_count in sorted(rows)[:most]:
        cells = "".join(f"{_figure(a)} → {_figure(b)}".rjust(17) for a, b in losses)
        yield f"{slug[:33]:34}{cells}{f'{before_count} → {after_count}':>10}"
    if len(rows) > most:
        yield f"… and {len(rows) - most} more"


def _differences(a: Done, b: Done, most: int) -> Iterator[str]:
    old = {view.case: view for view in a.views}
    was = {case.case: factor_loss(case) or 0.0 for case in a.evaluation.per_case}
    grown = {case.case: (factor_loss(case) or 0.0) - was[case.case] for case in b.evaluation.per_case}
    changed = [(-grown[view.case], view.case, view) for view in b.views if view.case in old]
    rows = []
    for _, slug, view in sorted(changed, key=lambda row: row[:2]):
        gone, come = sentence_diff(old[slug], view)
        if gone or come:
            rows.append((slug, gone, come))
    yield f"drafts whose sentences differ: {len(rows)}, the worst first"
    for slug, gone, come in rows[:most]:
        yield f"{slug} ({grown[slug]:+.4f} factor error)"
        yield from _some("-", gone)
        yield from _some("+", come)
    if len(rows) > most:
        yield f"… and {len(rows) - most} more"


def sentence_diff(old: DraftView, new: DraftView) -> tuple[list[str], list[str]]:
    """Return the removed and the added sentences of the main part, in report order, numbers masked."""
    before, after = sentences(old.report, tables=True), sentences(new.report, tables=True)
    gone, come = [], []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            gone += [text for text in before[a:b] if text not in after]
            come += [text for text in after[c:d] if text not in before]
    return gone, come


def _some(mark: str, texts: Sequence[str]) -> Iterator[str]:
    for text in texts[:SHOWN_SENTENCES]:
        yield f"  {mark} {text}"
    if len(texts) > SHOWN_SENTENCES:
        yield f"  {mark} … and {len(texts) - SHOWN_SENTENCES} more"


def _flag(certain: bool | None) -> str:
    return "failed" if certain is None else "certain" if certain else "not certain"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
