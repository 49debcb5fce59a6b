"""Metrics of the cases written for a purpose, where each label is the range between two readers' values."""

from collections.abc import Sequence

from agent.taxonomy.layers import LAYERS
from evals.cases.case import KINDS, Case, kind_of
from evals.metrics.arithmetic import count_flags, f1, flag_loss, interval_error, mean, precision, recall
from evals.metrics.results import CaseResult, KindBlock


def kinds(pairs: Sequence[tuple[Case, CaseResult]]) -> dict[str, KindBlock]:
    """Return the metrics of each kind present, and of all kinds together as `all`; empty without cases."""
    groups = {kind: [(case, result) for case, result in pairs if kind_of(case) == kind] for kind in KINDS}
    return {kind: _block(group) for kind, group in {**groups, "all": pairs}.items() if group}


def _block(pairs: Sequence[tuple[Case, CaseResult]]) -> KindBlock:
    """Compute the metrics over the layers on which both readers agree and the factors that both rated."""
    cells: list[tuple[bool | None, bool]] = []
    errors: list[float] = []
    for case, result in pairs:
        first, second = case.reader, case.labels.second
        if first is None or second is None:
            continue
        labels = [(result.layers[key], first.layers.get(key), second.layers.get(key)) for key in LAYERS]
        cells += [(cell.certain, a.certain) for cell, a, b in labels if a and b and a.certain == b.certain]
        both = [(cell.value, first.factors.get(key), second.factors.get(key)) for key, cell in result.factors.items()]
        errors += [interval_error(value, *sorted((a.value, b.value))) for value, a, b in both if a and b]
    flags = count_flags(cells)
    return KindBlock(
        cases=len(pairs),
        failed=sum(result.error is not None for _, result in pairs),
        factor_error=mean(errors),
        flag_precision=precision(flags),
        flag_recall=recall(flags),
        flag_f1=f1(flags),
        flag_loss=flag_loss(cells, max(len(cells), 1)),
        withheld=mean(result.error is None and result.score.withheld is not None for _, result in pairs),
        invalid_citations=sum(result.citations - result.valid_citations for _, result in pairs),
    )
