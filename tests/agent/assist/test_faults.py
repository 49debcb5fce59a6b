"""Every fault of an LLM endpoint during a complete draft: the affected parts give the reason, or the run raises an
error.

Each row is tried twice: on every call, and on the page call alone while all others are answered well.
"""

import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache
from http.server import BaseHTTPRequestHandler

import pytest

from agent.assist.run import MAX_CALLS, Assistant, Assisted, assist
from agent.errors import ENDS_RUN, LlmError, LlmReason
from agent.llm.budget import Budget, Caps
from agent.llm.openai_adapter import OpenAiLlm
from agent.llm.retry import Limits
from agent.llm.tokens import by_bytes
from agent.records import MissingReason
from tests.agent.llm.test_faults import Skipping
from tests.fakes.assist.product import NAME, VENDOR, documents, first_of_all, program_sheet, rows
from tests.fakes.llm.answers import answer_body
from tests.fakes.llm.faults import NOW, Row, rows as fault_rows
from tests.fakes.llm.server import FakeEndpoint, Request

IDS = tuple(row.id for row in fault_rows())
SOME = ("1-retry-after-seconds", "6-out-of-quota", "10-context", "23-error-with-200", "27-refusal", "29-length")
SOME += ("32-wrong-schema", "a-think-tags", "c-no-json-schema", "f-cap-ignored")
"""Rows tested in every run; the others are marked slow."""
ROW_IDS = [row if row in SOME else pytest.param(row, marks=pytest.mark.slow) for row in IDS]
SHORT_SECONDS = 4.0
"""Deadline for rows that hang: long enough for the concurrent good answers on a busy machine."""
BY_TEXT: Mapping[str, MissingReason] = {
    "26": "empty-answer",
    "27": "refused",
    "28": "refused",
    "29": "truncated",
    "30": "invalid-json",
    "31": "filtered",
    "32": "invalid-schema",
    "34-duplicate-keys": "invalid-json",
    "35-nan": "invalid-json",
    "36": "invalid-schema",
    "37-surrogate": "invalid-json",
    "38-deep": "invalid-json",
    "42": "invalid-schema",
}
"""The reasons that reading the answer gives for rows that the adapter passes on."""

PAGE = ("layers/", "threats", "chains", "posture", "questions")
"""The parts that the page provides."""


def expected(row: Row) -> LlmReason | MissingReason | None:
    """Return the reason why a part is missing when its call is hit by the row; None if it is not missing."""
    if "outside" not in row.id and "bad-utf" not in row.id:
        for start, reason in BY_TEXT.items():
            if row.id == start or row.id.startswith(f"{start}-"):
                return reason
    return None if row.expect == "done" else row.expect  # type: ignore[return-value]


class Faulty:
    """An endpoint that applies the row's script from its start to each call selected by `hit`; others are answered
    well.
    """

    def __init__(self, row_id: str, hit: Callable[[str], bool]) -> None:
        self._at = IDS.index(row_id)
        self._hit = hit
        self._seen: Counter[str] = Counter()

    def __call__(self, handler: BaseHTTPRequestHandler, request: Request) -> None:
        body = dict(request.body)
        key = stage_of(body)
        good = answer_body(body)
        row = row_with(self._at, good)
        place = self._seen[key]
        self._seen[key] += 1
        script = row.script if self._hit(key) else row_with(IDS.index("33-fenced"), good).script
        script[min(place, len(script) - 1)](handler, request)


@lru_cache(maxsize=64)
def row_with(at: int, good: str) -> Row:
    return fault_rows(good)[at]


def stage_of(body: Mapping[str, object]) -> str:
    """Return the stage of a request, found in its schema wherever the schema is placed."""
    said = re.search(r"The answer to `([\w-]+)`", json.dumps(body))
    assert said is not None
    return said[1]


def assisted(row_id: str, hit: Callable[[str], bool]) -> tuple[Assisted | LlmError, FakeEndpoint, Budget]:
    row = fault_rows()[IDS.index(row_id)]
    skipping = Skipping()
    budget = Budget(by_bytes(), None, Caps(2_000_000))
    texts = documents()
    with FakeEndpoint([Faulty(row_id, hit)]) as fake:
        llm = OpenAiLlm(
            fake.endpoint(),
            Limits(call_seconds=row.seconds if row.seconds > 1 else SHORT_SECONDS, connect_seconds=5.0),
            clock=skipping.clock,
            sleep=skipping.sleep,
            now=lambda: NOW,
            rng=random.Random(7),
        )
        assistant = Assistant(llm, budget, by_bytes(), "delimiter0123456", 6000, 2500)
        try:
            made: Assisted | LlmError = assist(
                texts, rows(texts), program_sheet(texts), assistant, name=NAME, vendor=VENDOR, hits=first_of_all
            )
        except LlmError as error:
            made = error
        finally:
            llm.close()
    return made, fake, budget


@pytest.mark.parametrize("row_id", ROW_IDS)
def test_a_fault_of_every_call(row_id: str) -> None:
    row = fault_rows()[IDS.index(row_id)]
    began = time.monotonic()
    made, fake, budget = assisted(row_id, lambda _: True)
    reason = expected(row)
    away = reason is not None and reason not in BY_TEXT.values()
    assert time.monotonic() - began < 60
    if away:
        assert isinstance(made, LlmError), made
        assert made.reason == reason
        assert made.exit_code == 4
        assert "--fallback embedded" in made.hint
        # If the sources are too long for all calls, each is repeated once with sources of half the length.
        most = MAX_CALLS if reason == "too_large" else 3 * row.requests
        assert len(fake.requests) <= most, "nothing is asked in a second wave"
    else:
        assert isinstance(made, Assisted), made
        whys = Counter(part.missing.reason for part in made.judgement.parts if part.missing is not None)
        # A refusal in prose is distinguished from broken JSON by a second attempt, for which not every call has a turn
        # left.
        alike = {reason, "invalid-json"} if reason == "refused" and "prose" in row.id else {reason}
        if reason is None:
            assert not set(whys) & set(BY_TEXT.values())
        else:
            assert whys[reason] > 0
            assert set(whys) <= {*alike, "over-budget"}
            assert whys.total() == len(made.judgement.parts)
            assert made.sheet.facts == program_sheet(documents()).facts
        assert made.calls <= MAX_CALLS
    if not row.free:
        assert budget.spent.usage.input_tokens > 0, "whatever came of it, it is counted"
    if row.estimated:
        assert budget.spent.usage.estimated


@pytest.mark.parametrize("row_id", ROW_IDS)
def test_a_fault_of_one_call_costs_its_part_alone(row_id: str) -> None:
    row = fault_rows()[IDS.index(row_id)]
    made, _, budget = assisted(row_id, lambda stage: stage == "page")
    assert isinstance(made, Assisted), made
    reason = expected(row)
    whys = {part.part: part.missing.reason for part in made.judgement.parts if part.missing is not None}
    hit = {part for part, why in whys.items() if reason is not None and why == reason.replace("_", "-")}
    if reason is None:
        assert not hit
    else:
        page = {part.part for part in made.judgement.parts if part.part.startswith(PAGE)}
        # After a refusal in prose, the last call of a wave may only see broken JSON.
        broken = {part for part, why in whys.items() if why == "invalid-json" and "prose" in row.id}
        assert (hit or broken) == page
    assert made.judgement.factors
    assert budget.spent.usage.input_tokens == made.usage.input_tokens or budget.spent.usage.estimated


def test_a_key_that_is_refused_ends_the_run_after_its_wave() -> None:
    row_id = next(row.id for row in fault_rows() if row.expect in ENDS_RUN and not row.id.startswith("6"))
    made, fake, _ = assisted(row_id, lambda stage: stage == "factors")
    assert isinstance(made, Assisted)
    assert "page" not in {stage_of(dict(request.body)) for request in fake.requests}


def test_the_good_answer_is_good() -> None:
    made, _, _ = assisted("33-fenced", lambda _: False)
    assert isinstance(made, Assisted)
    assert {source.reader for fact in made.sheet.facts for source in fact.sources} == {"embedded", "llm"}
    assert made.judgement.threats
