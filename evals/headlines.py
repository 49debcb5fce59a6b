"""Whether a draft has the threat that the reader would put first, and at which place. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from agent.drafting_old.patterns import load_patterns
from agent.drafting_old.typicality import Code, alike, code_of
from agent.records import Draft
from evals.cases import Case, HeadlineCode
from evals.results import HeadlineCell

_LAST: Final = 10**6


def found_rank(gold: HeadlineCode, shown: Sequence[Code]) -> int | None:
    """Place of the first threat, from 1, that has the cause of `gold` and its layer or its asset; None without one.

    `shown` are the threats of a draft in the order of its report.
    """
    told = Code(gold.asi, gold.layer, gold.asset)
    return next((place for place, code in enumerate(shown, 1) if alike(code, told)), None)


def shown_codes(draft: Draft, known: Mapping[str, Code]) -> tuple[Code, ...]:
    """The catalogue's threats of a draft in the order of its report; `known` has their closed words by pattern id.

    A threat that an LLM proposed has no pattern and is passed over.
    """
    threats = [threat for layer in draft.layers.values() for threat in layer.threats if threat.id in known]
    threats.sort(key=lambda threat: _LAST if threat.place is None else threat.place)
    return tuple(known[threat.id] for threat in threats)


def headline_cell(case: Case, draft: Draft) -> HeadlineCell | None:
    """The reader's headline in closed words and its place among the draft's threats; None when nobody coded it."""
    gold = case.readings.headline_code if case.readings else None
    if gold is None:
        return None
    known = {pattern.id: code_of(pattern) for pattern in load_patterns()}
    return HeadlineCell(
        asi=gold.asi, layer=gold.layer, asset=gold.asset, found=found_rank(gold, shown_codes(draft, known)) or 0
    )
