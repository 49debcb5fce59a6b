"""Random acts on a review: what an analyst in a hurry might do, in any order."""

from hypothesis import HealthCheck, Phase, settings, strategies as st

from agent.errors import InputError
from agent.facts.vocabulary import load_vocabulary
from agent.review.domain.items import threats_of
from tests.fakes.review.reviewing import ADA, GRACE, VECTORS, Desk, new_threat

VERBS = ("confirm", "correct", "strike", "waive", "send", "attach", "add", "answer", "contest", "decide", "undo",
         "assign", "redo", "bulk", "comment", "ask")  # fmt: skip
REASONS = ("wrong-value", "not-supported", "duplicate")

steps = st.lists(
    st.tuples(
        st.sampled_from(VERBS), st.integers(0, 10_000), st.integers(0, 10), st.integers(0, 10), st.sampled_from(REASONS)
    ),
    max_size=12,
)
"""Verb, which item, two numbers for its fields, a reason."""

Step = tuple[str, int, int, int, str]


def laws(examples: int) -> settings:
    """Return the settings of a law whose examples are dear: none is made smaller."""
    return settings(
        max_examples=examples,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def acted(desk: Desk, step: Step) -> Desk:
    """Return the review after a step; unchanged if the step is refused."""
    verb, at, one, two, reason = step
    items = desk.state.items
    item = items[at % len(items)].item
    try:
        return desk.act(
            verb,  # type: ignore[arg-type]
            "" if verb in ("add", "undo", "assign", "redo", "bulk", "ask") else item.id,
            section=item.section if verb == "bulk" else "",
            by=(ADA, GRACE)[at % 2],
            reason=reason,
            **fields_for(desk, verb, item.id, at, one, two),
        )
    except InputError:
        return desk


def walked(desk: Desk, path: list[Step]) -> Desk:
    """Return the review after all steps."""
    for step in path:
        desk = acted(desk, step)
    return desk


def fields_for(desk: Desk, verb: str, item: str, at: int, one: int, two: int) -> dict[str, object]:
    """Return fields that may fit."""
    first = desk.documents[0]
    words = first.text.split()
    quote = {"document": first.id, "quote": " ".join(words[at % len(words) :][: 3 + one % 3])}
    new = {"title": f"Threat {one}", "cvss_vector": VECTORS[at % 3], "evidence": [quote] if two % 2 else []}
    fields: dict[str, dict[str, object]] = {
        "attach": dict(quote),
        "bulk": {"seen": [state.item.id for n, state in enumerate(desk.state.items) if n % (2 + one % 3)]},
        "comment": {"text": f"See {one}."},
        "add": new_threat(**new),
        "answer": {"text": "Yes.", "url": "https://example.com", "states": stated(at, one, two)},
        "contest": {"kind": "wrong", "text": "Not so."},
        "decide": {"decision": ("accepted", "refused")[one % 2], "rule": "Looked at."},
        "ask": {"key": key_at(at)},
        "assign": {"to": (ADA, GRACE)[one % 2]},
    }
    return correction(desk, item, at, one, two) if verb == "correct" else fields.get(verb, {})


def key_at(at: int) -> str:
    keys = load_vocabulary().keys
    return keys[at % len(keys)].id


def stated(at: int, one: int, two: int) -> list[dict[str, object]]:
    """Return what an answer may state: nothing, or one thing."""
    polarity = ("asserted", "configurable", "denied")[one % 3]
    return [{"key": key_at(at), "polarity": polarity}] if two % 2 else []


def correction(desk: Desk, item: str, at: int, one: int, two: int) -> dict[str, object]:
    """Return corrected fields for an item."""
    kind = item.partition("/")[0]
    if kind == "factor":
        low, high = sorted((one / 10, two / 10))
        return {"value": high, "low": low} if at % 2 else {"value": low}
    if kind == "score":
        threats = list(threats_of(desk.state.reviewed))
        if at % 2 and threats:
            return {"headline": threats[at % len(threats)]}
        return {"mitigation_factor": 0.5 + one / 20, "evidence": [desk.draft.evidence[0].id]}
    return {
        "fact": {"polarity": "configurable"} if at % 2 else {"slots": {"scope": f"part {one}"}},
        "posture": {"text": f"Reviewed {one}."},
        "layer": {"certain": False} if at % 2 else {"certain": True, "paragraph": f"It is so {one} (E1)."},
        "threat": {"cvss_vector": VECTORS[at % 3]} if at % 2 else {"title": f"Title {one}"},
        "capability": {"object": f"things {one}", "approver": None},
        "chain": {"title": f"Chain {one}"},
        "question": {"text": f"Is it {one}?"},
    }[kind]
