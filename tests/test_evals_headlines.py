"""Where a draft has the reader's first threat."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drafting_old.patterns import load_patterns
from agent.drafting_old.typicality import Code, alike, code_of
from agent.taxonomy.keys import LAYERS
from evals.cases import HeadlineCode
from evals.headlines import found_rank, shown_codes
from tests.fakes.drafts import workos

GOLD = HeadlineCode(asi="ASI05", layer="agent_frameworks", asset="host")
CODES = st.builds(
    Code,
    st.sampled_from(["ASI01", "ASI05", None]),
    st.sampled_from(LAYERS),
    st.sampled_from(["host", "code", "money"]),
)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (Code("ASI05", "agent_frameworks", "host"), 1),
        (Code("ASI05", "agent_frameworks", "code"), 1),
        (Code("ASI05", "data_operations", "host"), 1),
        (Code("ASI05", "data_operations", "code"), None),
        (Code("ASI01", "agent_frameworks", "host"), None),
        (Code(None, "agent_frameworks", "host"), None),
    ],
)
def test_the_cause_and_one_of_layer_and_asset_have_to_agree(code: Code, found: int | None) -> None:
    assert found_rank(GOLD, [code]) == found


@given(st.lists(CODES, max_size=6))
def test_the_first_that_agrees_counts(shown: list[Code]) -> None:
    place = found_rank(GOLD, shown)
    agreeing = [alike(code, Code(GOLD.asi, GOLD.layer, GOLD.asset)) for code in shown]
    assert place == (agreeing.index(True) + 1 if any(agreeing) else None)


@given(CODES, CODES)
def test_likeness_goes_both_ways(one: Code, other: Code) -> None:
    assert alike(one, other) == alike(other, one)
    assert alike(one, one) == (one.root is not None)


def test_a_draft_tells_its_threats_in_the_order_of_its_report() -> None:
    known = {pattern.id: code_of(pattern) for pattern in load_patterns()}
    draft = workos()
    shown = {threat.id for layer in draft.layers.values() for threat in layer.threats}
    assert len(shown_codes(draft, known)) == len(shown & known.keys())
    placed = {}
    for key, layer in draft.layers.items():
        threats = tuple(t.model_copy(update={"place": 9 - n}) for n, t in enumerate(layer.threats))
        placed[key] = layer.model_copy(update={"threats": threats})
    turned = draft.model_copy(update={"layers": placed})
    ids = sorted((t for layer in placed.values() for t in layer.threats if t.id in known), key=lambda t: t.place or 0)
    assert shown_codes(turned, known) == tuple(known[t.id] for t in ids)


def test_each_pattern_has_a_cause() -> None:
    assert all(pattern.root for pattern in load_patterns())
