"""What `explain` says of a draft with an LLM: how a value was weighed, and who made, worded or found an item."""

import json
import re

import pytest

from agent.export.explanation import explain, text
from agent.export.explanation_rows import as_json_text
from agent.llm.port import Call
from agent.records import (
    Capability,
    Draft,
    MadeBy,
)
from agent.taxonomy.keys import FACTORS, LAYERS, FactorKey
from tests.fakes.assisted_draft import drafted
from tests.fakes.llm_answers import answer
from tests.fakes.llm_port import AnsweringLlm
from tests.fakes.paperhawk_reading import documents as paperhawk
from tests.fakes.stored_assisted import golden, items, made
from tests.test_export_attacks import UNSAFE


@pytest.fixture(scope="module")
def fresh() -> Draft:
    """A draft of today's drafter with an LLM that answers well."""
    return drafted(paperhawk(), AnsweringLlm(answer))


def test_every_item_is_explained(fresh: Draft) -> None:
    for draft in (golden(), fresh):
        names = items(draft)
        assert len(names) > len(FACTORS) + len(LAYERS) + 10
        for name in names:
            explained = explain(draft, name)
            assert explained.passages, name
            assert UNSAFE.search(text(explained) + as_json_text(explained)) is None
    assert any("-proposed-" in name for name in items(fresh))


def swaying(call: Call) -> str:
    """A good answer, but for factor values at the ends of the scale and in the middle."""
    said = json.loads(answer(call))
    for number, row in enumerate(said.get("factors", ())):
        row["value"] = row["low"] = row["high"] = (0, 4, 10)[number % 3]
    return json.dumps(said)


@pytest.fixture(scope="module")
def swayed() -> Draft:
    """A draft of today's drafter with an LLM that goes to the ends of the scale."""
    return drafted(paperhawk(), AnsweringLlm(swaying))


def weighed(draft: Draft) -> dict[FactorKey, str]:
    """What is told of each factor that the LLM proposed a value for, on one line."""
    keys = [key for key in FACTORS if any(part.kind == "proposal" for part in draft.factors[key].parts)]
    return {key: " ".join(text(explain(draft, key)).split()) for key in keys}


def test_the_weighing_can_be_followed(swayed: Draft) -> None:
    sums = re.compile(r"weighed (−?[\d.]+) \+ ([\d.]+) × ([\d.]+) \+ ([\d.]+) × ([\d.]+) = ([\d.]+) held (no|at)")
    held = set()
    for key, shown in weighed(swayed).items():
        match = sums.search(shown)
        assert match is not None, shown
        intercept, llm, said, estimate, before, total = (float(part.replace("−", "-")) for part in match.groups()[:6])
        assert abs(min(max(intercept + llm * said + estimate * before, 0.0), 1.0) - total) < 0.003
        parts = sum(part.effect for part in swayed.factors[key].parts)
        own = sum(part.effect for part in swayed.factors[key].parts if part.kind != "proposal")
        assert abs(own - before) < 0.001
        assert (abs(parts - total) < 0.001) == (match[7] == "no"), shown
        assert re.search(r"quote rank [12], below the 3 that may leave the estimate's range \(E\d+\)", shown)
        assert "made by the LLM's value weighed with the estimate" in shown
        if "lowers nothing" not in shown and "raises nothing" not in shown:
            ends = ("the lower end" in shown or "lower by 0.05 at most" in shown, "the upper end" in shown)
            assert ends == (total < parts - 0.001, total > parts + 0.001)
        held |= set(re.findall(r"held (no|at 0\.\d+, the \w+ end of the estimate's range: no quote of rank 3)", shown))
        held |= set(re.findall(r"held at 0\.\d+: (quotes of another matter)", shown))
    words = ("no ", "matter", "upper")
    assert {word for found in held for word in words if word in f"{found} "} == set(words)


def test_a_proposal_above_the_estimate_that_moves_nothing_says_why(swayed: Draft) -> None:
    key, factor = next((key, row) for key, row in swayed.factors.items() if row.parts[-1].kind == "proposal")
    own = sum(part.effect for part in factor.parts[:-1])
    label = f"the LLM proposes {own + 0.06:.1f}, weighed with the estimate"
    still = factor.parts[-1].model_copy(update={"label": label, "effect": 0.0})
    same = factor.model_copy(update={"parts": (*factor.parts[:-1], still)})
    shown = weighed(swayed.model_copy(update={"factors": {**swayed.factors, key: same}}))[key]
    assert f"held at {own:.3f}, the estimate: a proposal that is not below it lowers nothing" in shown


def test_a_proposal_below_the_estimate_that_moves_nothing_says_why(swayed: Draft) -> None:
    key: FactorKey = "multi_agent_interactions"
    factor = swayed.factors[key]
    own = sum(part.effect for part in factor.parts[:-1])
    still = factor.parts[-1].model_copy(update={"label": "the LLM proposes 0.2, weighed", "effect": 0.0})
    before = factor.parts[0].model_copy(update={"effect": factor.parts[0].effect + 0.2501 - own})
    same = factor.model_copy(update={"parts": (before, *factor.parts[1:-1], still)})
    shown = weighed(swayed.model_copy(update={"factors": {**swayed.factors, key: same}}))[key]
    assert "held at 0.250, the estimate: a proposal that is below it raises nothing" in shown


def test_weights_of_another_version_are_not_passed_off(swayed: Draft) -> None:
    other = swayed.model_copy(update={"manifest": {**swayed.manifest, "combination": "other"}})
    assert weighed(other)
    for shown in weighed(other).values():
        assert "by weights that this version does not know" in shown
        assert "×" not in shown


def test_a_factor_that_the_llm_did_not_move_says_why() -> None:
    shown = " ".join(text(explain(golden(), "self_modification")).split())
    assert "made by the estimate alone; the LLM found that the quotes do not suffice (too- little-evidence)" in shown
    assert "Weighed with" not in shown


def test_who_worded_the_paragraph_of_a_layer_is_said() -> None:
    assert "made by                    in the LLM's words\n" in text(explain(golden(), "L4"))
    kept = " ".join(text(explain(golden(), "L1")).split())
    assert "made by in the program's words; the program holds the layer not certain, whatever" in kept


def test_who_worded_a_question_and_linked_a_chain_is_said(fresh: Draft) -> None:
    assert "in the program's words; there was no answer in time" in " ".join(text(explain(golden(), "Q1")).split())
    assert "the question may be in the LLM's words" in " ".join(text(explain(fresh, "Q1")).split())
    by_llm = made(fresh, MadeBy(part="chains", by="llm"))
    assert "made by                    the LLM; the program found a quote for each step" in text(
        explain(by_llm, "chain 1")
    )
    both = made(fresh, MadeBy(part="chains", by="both"))
    titles = [f"chain {n}" for n, chain in enumerate(both.chains, 1) if not any("-prop" in t for t in chain.threats)]
    assert all("the catalogue or the LLM" in text(explain(both, title)) for title in titles)


def test_who_found_a_capability_is_said() -> None:
    found = golden().system.capabilities[0]
    own = text(explain(golden(), found.id))
    assert "made by                    the program\n" in own
    by_llm = Capability.model_validate({**found.model_dump(), "id": "C99", "signal": "proposed"})
    system = golden().system.model_copy(update={"capabilities": (by_llm,)})
    assert "the LLM, in words of the quote" in text(explain(golden().model_copy(update={"system": system}), "C99"))
