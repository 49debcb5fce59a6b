"""Hostile text in every field that an LLM can fill stays text in the report and in `explain`."""

import re

import pytest

from agent.records import Draft, Dropped, FactorEstimate, Missing
from agent.report.explain.explanation import explain, text
from agent.report.markdown import render
from tests.agent.report.test_attacks import ATTACKS, UNSAFE, assert_inert
from tests.fakes.report.fact_drafts import harbour
from tests.fakes.report.spoiled import spoiled
from tests.fakes.report.stored_assisted import golden, items

HOSTILE = {name: ATTACKS[name] for name in ("c1", "reference", "autolink", "blocks", "fence", "row", "ticks")} | {
    "all": "<img src=x onerror=alert(1)> [a](javascript:1) ![b](//e.example/i) | x | `` <b> \n# forged \u202e &lt;i&gt;"
}


def hostile(draft: Draft, words: str) -> Draft:
    """Return the draft with `words` in every field that a source, an LLM, its endpoint or its checks can fill."""
    made = spoiled(draft, words)

    def proposed(estimate: FactorEstimate) -> FactorEstimate:
        parts = (p.model_copy(update={"label": words}) if p.kind == "proposal" else p for p in estimate.parts)
        return estimate.model_copy(update={"parts": tuple(parts)})

    system = made.system
    kinds = {
        group: tuple(item.model_copy(update={"kind": words}) for item in getattr(system, group))
        for group in ("actors", "components", "stores", "services")
    }
    missing = Missing(reason="bad-response", detail=words)
    dropped = [
        Dropped(what=f"{kind} of the LLM, threats: {words}", reason=words) for kind in ("claim", "sentence", "chain")
    ]
    dropped += [Dropped(what=words, reason=words), Dropped(what=f"claim of the LLM, {words}: x", reason="-")]
    parts = tuple(row.model_copy(update={"missing": missing}) for row in draft.drafter.parts)
    return made.model_copy(
        update={
            "factors": {key: proposed(estimate) for key, estimate in made.factors.items()},
            "system": system.model_copy(update=kinds),
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
