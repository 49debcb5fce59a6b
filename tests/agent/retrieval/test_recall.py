"""How many of an expert reader's quotes the cards' questions retrieve (R1), on every fifth bundled case."""

from collections import Counter
from functools import cache
from typing import NamedTuple

import pytest

from agent.facts.anchor import locate
from agent.intake.extract.statements.split import statements
from agent.llm.prompts import CARD_KEYS
from agent.resources import data_folder
from evals.cases.corpus import load_case
from evals.cases.documents import documents_of
from evals.metrics.pooling import Search
from evals.metrics.search_ranks import PER_DOCUMENT, questions

HITS = 12
STEP = 5
OVERALL_FLOOR = 0.88
KEY_FLOOR = 0.70
KEY_QUOTES = 15
MARGIN = 0.15
"""Minimum advantage of the right questions over those of another factor or layer."""


class Gold(NamedTuple):
    """A quote of the reader, its key, and the keys whose hits cover it."""

    key: str
    found_for: frozenset[str]


@cache
def gold() -> tuple[Gold, ...]:
    rows: list[Gold] = []
    for folder in sorted(data_folder("corpus").joinpath("cases").iterdir())[::STEP]:
        case = load_case(folder)
        documents = documents_of(case)
        pools = Search(documents, statements(documents)).pools(questions(), k=HITS, per_document=PER_DOCUMENT)
        hits = [hit for pool in pools.values() for hit in pool]
        for key, cell in ({**case.reader.factors, **case.reader.layers} if case.reader else {}).items():
            if cell.quote:
                place, (start, end) = next((d.id, span) for d in documents if (span := locate(cell.quote, d.text)))
                here = [hit for hit in hits if hit.document == place and hit.start < end and start < hit.end]
                rows.append(Gold(key, frozenset(hit.question.partition("/")[0] for hit in here)))
    return tuple(rows)


@pytest.mark.slow
def test_most_of_the_readers_quotes_are_found_for_their_key_and_no_factor_or_layer_is_left_behind() -> None:
    total = Counter(row.key for row in gold())
    found = Counter(row.key for row in gold() if row.key in row.found_for)
    assert total.total() > 400
    assert found.total() / total.total() >= OVERALL_FLOOR
    shares = {key: found[key] / total[key] for key in CARD_KEYS if total[key] >= KEY_QUOTES}
    assert len(shares) >= 12
    assert {key: share for key, share in shares.items() if share < KEY_FLOOR} == {}


def test_the_right_questions_find_more_than_others_do() -> None:
    rows = gold()
    right = sum(row.key in row.found_for for row in rows) / len(rows)
    other = sum(len(row.found_for - {row.key}) for row in rows) / (len(rows) * (len(CARD_KEYS) - 1))
    assert right - other >= MARGIN
