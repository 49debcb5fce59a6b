"""Metrics of the cases written for a purpose, where each label is the range between two readers' values."""

from collections.abc import Sequence

from agent.taxonomy.layers import LAYERS
from evals.cases.case import KINDS, Case, kind_of
from evals.metrics.arithmetic import count_flags, f1, flag_loss, interval_error, mean, precision, recall
from evals.metrics.results import CaseResult, KindBlock


def kinds(pairs: Sequence[tuple[Case, CaseResult]]) -> dict[str, KindBlock]:
    """Return the metrics of each kind present, and of all kinds together as `all`; empty without cases."""
    groups: dict[str, list[tuple[Case, CaseResult]]] = {}
    for case, result in pairs:
        groups.setdefault(kind_of(case), []).append((case, result))
    found: dict[str, KindBlock] = {kind: _block(groups[kind]) for kind in KINDS if kind in groups}
    if pairs:
        found["all"] = _block(pairs)
    return found


def agreed_flags(case: Case, result: CaseResult) -> list[tuple[bool | None, bool]]:
    """Return pairs (drafted certain, label certain) for the layers on which both readers agree."""
    first, second = case.reader, case.labels.second
    if first is None or second is None:
        return []
    return [
        (result.layers[key].certain, first.layers[key].certain)
        for key in LAYERS
        if key in first.layers and key in second.layers and first.layers[key].certain == second.layers[key].certain
    ]


def factor_errors(case: Case, result: CaseResult) -> list[float]:
    """Return the distance of each factor from the range between both readers' values; skip factors without both."""
    first, second = case.reader, case.labels.second
    if first is None or second is None:
        return []
    found = []
    for key, cell in result.factors.items():
        if key in first.factors and key in second.factors:
            low, high = sorted((first.factors[key].value, second.factors[key].value))
            found.append(interval_error(cell.value, low, high))
    return found


def _block(pairs: Sequence[tuple[Case, CaseResult]]) -> KindBlock:
    cells = [pair for case, result in pairs for pair in agreed_flags(case, result)]
    flags = count_flags(cells)
    return KindBlock(
        cases=len(pairs),
        failed=sum(result.error is not None for _, result in pairs),
        factor_error=mean(error for case, result in pairs for error in factor_errors(case, result)),
        flag_precision=precision(flags),
        flag_recall=recall(flags),
        flag_f1=f1(flags),
        flag_loss=flag_loss(cells, max(len(cells), 1)),
        withheld=mean(float(result.error is None and result.score.withheld is not None) for _, result in pairs),
        invalid_citations=sum(result.citations - result.valid_citations for _, result in pairs),
    )
