"""Compare two runs: their metrics, factors, intervals of the paired differences, flipped flags, and changed sentences.

The sentence diff ignores sentences that differ only in numbers or evidence ids, and lists the cases whose factor error
grew most first.
"""

import difflib
from collections.abc import Iterator, Sequence
from typing import Final

from agent.errors import DriftError
from agent.taxonomy.factors import FACTOR_SETS
from agent.taxonomy.layers import LAYERS
from evals.gate.baseline import figure
from evals.gate.directions import METRICS
from evals.gate.rerecorded import paired
from evals.gate.stats import bootstrap, sign_flip
from evals.metrics.arithmetic import mean
from evals.metrics.report_wording import sentences
from evals.metrics.results import LOSSES, CaseResult, DraftView, Evaluation
from evals.metrics.summary import over
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
Pairs = Sequence[tuple[CaseResult, CaseResult]]
"""Cases in the older and in the newer run."""


def lines(a: Done, b: Done, *, names: tuple[str, str] = ("A", "B"), most: int = SHOWN_CASES) -> Iterator[str]:
    """Yield the lines of the comparison, over the cases that both runs have. Raises DriftError when there are none."""
    whole = (a.evaluation, b.evaluation)
    slugs = {case.case for case in whole[0].per_case} & {case.case for case in whole[1].per_case}
    if not slugs:
        raise DriftError("the two runs have no case in common", where="compare", hint="run both on the same cases")
    alike = all(len(run.per_case) == len(slugs) for run in whole)
    # If the runs have different cases, metrics that compare all reports are left out, since their other reports differ.
    old, new = whole if alike else (over(whole[0], slugs), over(whole[1], slugs))
    was = {case.case: case for case in old.per_case}
    pairs = [(was[case.case], case) for case in new.per_case]
    yield f"{names[0]} → {names[1]}, {count(new.cases, 'case')}"
    yield from (f"{name}: {run_words(run)}" for name, run in zip(names, whole, strict=True))
    # Skip fingerprints that always differ if the cases do; the labels of the common cases are compared below.
    known = dict.fromkeys([*whole[0].fingerprints, *whole[1].fingerprints])
    differ = [
        name
        for name in known
        if (alike or name not in _OF_CASES) and whole[0].fingerprints.get(name) != whole[1].fingerprints.get(name)
    ]
    if differ:
        yield f"different: {', '.join(differ)}"
    other = sorted(before.case for before, after in pairs if _labels(before) != _labels(after))
    if other:
        yield f"different labels: {', '.join(other)}; metrics based on these cannot be compared"
    for part in (
        _metrics(old, new),
        _paired(old.per_case, new.per_case),
        _bars(old, new),
        _flips(pairs),
        _cases(pairs, most),
        _differences(pairs, {view.case: view for view in a.views}, b.views, most),
    ):
        yield ""
        yield from part


def _labels(case: CaseResult) -> list[object]:
    factors = [(cell.published, cell.reader) for cell in case.factors.values()]
    layers = [(cell.published, cell.reader) for cell in case.layers.values()]
    return [factors, layers, case.score.published, case.score.reader, case.score.reader_cvss_base]


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
        yield f"{name:34}{figure(old):>10}{figure(new):>10}{change:>10}{mark}"


def _paired(old: Sequence[CaseResult], new: Sequence[CaseResult]) -> Iterator[str]:
    yield f"{'paired, new − old':34}{'mean':>10}{'90 % interval':>24}{'p worse':>10}{'p better':>10}"
    for name, loss in LOSSES.items():
        pair = paired([old], [new], loss)
        low, high = bootstrap(pair.differences, pair.families)
        p_worse = sign_flip(pair.differences, pair.families)
        p_better = sign_flip([-value for value in pair.differences], pair.families)
        interval = f"{low:+.4f} to {high:+.4f}"
        yield f"{name:34}{mean(pair.differences) or 0.0:>+10.4f}{interval:>24}{p_worse:>10.3f}{p_better:>10.3f}"


def _bars(a: Evaluation, b: Evaluation) -> Iterator[str]:
    yield "error of each factor against both label sets, a bar of old over one of new"
    for key in FACTORS:
        for name, found in ((key, a), ("", b)):
            value = mean((found.factors[key].mae_published, found.factors[key].mae_reader))
            filled = round(min(value or 0.0, BAR_TOP) / BAR_TOP * BAR)
            yield f"{name:28}{'█' * filled}{'·' * (BAR - filled)} {figure(value)}"


def _flips(pairs: Pairs) -> Iterator[str]:
    rows = []
    for old, new in pairs:
        for key in LAYERS:
            a, b = old.layers[key], new.layers[key]
            if a.certain != b.certain:
                right = "" if b.reader is None else " (right now)" if b.certain is b.reader else " (wrong now)"
                rows.append(f"  {new.case}: {key} {_flag(a.certain)} → {_flag(b.certain)}{right}")
        if old.score.severity != new.score.severity:
            rows.append(f"  {new.case}: band {old.score.severity} → {new.score.severity}")
        if (old.score.withheld is None) != (new.score.withheld is None):
            rows.append(f"  {new.case}: score {'shown' if new.score.withheld is None else 'withheld'}")
    yield f"flipped: {len(rows)}"
    yield from rows


def _cases(pairs: Pairs, most: int) -> Iterator[str]:
    rows = []
    for old, new in pairs:
        losses = [(loss(old), loss(new)) for loss in LOSSES.values()]
        if any(a != b for a, b in losses) or old.threats != new.threats:
            cells = "".join(f"{figure(a)} → {figure(b)}".rjust(17) for a, b in losses)
            threats = f"{len(old.threats)} → {len(new.threats)}"
            rows.append((-_grown(old, new), new.case, f"{new.case[:33]:34}{cells}{threats:>10}"))
    yield f"cases with different measurements: {len(rows)}, the worst first"
    yield f"{'case':34}{'factor error':>18}{'score error':>16}{'flag loss':>16}{'threats':>10}"
    yield from (line for *_, line in sorted(rows)[:most])
    if len(rows) > most:
        yield f"… and {len(rows) - most} more"


def _differences(pairs: Pairs, old: dict[str, DraftView], new: Sequence[DraftView], most: int) -> Iterator[str]:
    grown = {after.case: _grown(before, after) for before, after in pairs}
    rows = []
    for view in new:
        if view.case in old and view.case in grown:
            gone, come = sentence_diff(old[view.case], view)
            if gone or come:
                rows.append((-grown[view.case], view.case, gone, come))
    yield f"drafts with different sentences: {len(rows)}, the worst first"
    for less, slug, gone, come in sorted(rows, key=lambda row: row[:2])[:most]:
        yield f"{slug} ({-less:+.4f} factor error)"
        for mark, texts in (("-", gone), ("+", come)):
            yield from (f"  {mark} {text}" for text in texts[:SHOWN_SENTENCES])
            if len(texts) > SHOWN_SENTENCES:
                yield f"  {mark} … and {len(texts) - SHOWN_SENTENCES} more"
    if len(rows) > most:
        yield f"… and {len(rows) - most} more"


def _grown(old: CaseResult, new: CaseResult) -> float:
    return (new.factor_error or 0.0) - (old.factor_error or 0.0)


def sentence_diff(old: DraftView, new: DraftView) -> tuple[list[str], list[str]]:
    """Return the removed and the added sentences of the main part, in report order, numbers masked."""
    before, after = sentences(old.report, tables=True), sentences(new.report, tables=True)
    gone, come = [], []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            gone += [text for text in before[a:b] if text not in after]
            come += [text for text in after[c:d] if text not in before]
    return gone, come


def _flag(certain: bool | None) -> str:
    return "failed" if certain is None else "certain" if certain else "not certain"
