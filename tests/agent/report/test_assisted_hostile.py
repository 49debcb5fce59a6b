"""Hostile text in every field that an LLM can fill stays text in the report and in `explain`."""

import re

import pytest

from agent.records import (
    Draft,
    Dropped,
    Missing,
)
from agent.report.explain.explanation import explain, text
from agent.report.markdown import render
from tests.agent.report.test_attacks import ATTACKS, UNSAFE, assert_inert
from tests.fakes.report.fact_drafts import harbour
from tests.fakes.report.stored_assisted import golden, items

HOSTILE = {name: ATTACKS[name] for name in ("c1", "reference", "autolink", "blocks", "fence", "row", "ticks")} | {
    "all": "<img src=x onerror=alert(1)> [a](javascript:1) ![b](//e.example/i) | x | `` <b> \n# forged \u202e &lt;i&gt;"
}


def hostile(draft: Draft, words: str) -> Draft:
    """Return the draft with `words` in every field that an LLM, its endpoint or its checks can fill."""
    layers = {
        key: layer.model_copy(
            update={
                "paragraph": words,
                "threats": tuple(
                    threat.model_copy(
                        update={
                            "title": words,
                            "statement": threat.statement.model_copy(
                                update=dict.fromkeys(type(threat.statement).model_fields, words)
                            ),
                            "mitigations": tuple(m.model_copy(update={"text": words}) for m in threat.mitigations),
                            "taxonomy": tuple(ref.model_copy(update={"title": words}) for ref in threat.taxonomy),
                        }
                    )
                    for threat in layer.threats
                ),
            }
        )
        for key, layer in draft.layers.items()
    }
    factors = {
        key: estimate.model_copy(
            update={
                "rationale": words,
                "parts": tuple(
                    part.model_copy(update={"label": words}) if part.kind == "proposal" else part
                    for part in estimate.parts
                ),
            }
        )
        for key, estimate in draft.factors.items()
    }
    system = draft.system
    named = {
        group: tuple(item.model_copy(update={"name": words, "kind": words}) for item in getattr(system, group))
        for group in ("actors", "components", "stores", "services")
    }
    able = tuple(c.model_copy(update={"action": words, "object": words}) for c in system.capabilities)
    flows = tuple(flow.model_copy(update={"what": words}) for flow in system.flows)
    parts = tuple(
        row.model_copy(update={"missing": Missing(reason="bad-response", detail=words)}) for row in draft.drafter.parts
    )
    dropped = [
        Dropped(what=f"{kind} of the LLM, threats: {words}", reason=words) for kind in ("claim", "sentence", "chain")
    ]
    dropped += [Dropped(what=words, reason=words), Dropped(what=f"claim of the LLM, {words}: x", reason="-")]
    return draft.model_copy(
        update={
            "product": draft.product.model_copy(update={"posture": words}),
            "layers": layers,
            "factors": factors,
            "system": system.model_copy(update={**named, "capabilities": able, "flows": flows}),
            "questions": tuple(q.model_copy(update={"text": words}) for q in draft.questions),
            "chains": tuple(chain.model_copy(update={"title": words}) for chain in draft.chains),
            "drafter": draft.drafter.model_copy(update={"llm": words, "parts": parts}),
            "manifest": {**draft.manifest, "llm": words, "llm_tokens": words},
            "lowerings": tuple(
                item.model_copy(update={"rule": f"an LLM {words}"}) if item.rule.startswith("an LLM") else item
                for item in draft.lowerings
            ),
            "dropped": tuple(dropped),
        }
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_words_of_an_llm_stay_words(name: str) -> None:
    for draft in (hostile(golden(), HOSTILE[name]), hostile(harbour(), HOSTILE[name])):
        assert_inert(render(draft), name)
        for item in (None, *items(draft)[:40]):
            shown = text(explain(draft, item))
            assert UNSAFE.search(shown) is None
            assert not re.search(r"^(?:# )?forged", shown, re.MULTILINE)
