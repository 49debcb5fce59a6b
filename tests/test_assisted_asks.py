"""What the calls about factors ask: each factor once, its estimates and labels alone, short."""

import functools

import pytest

from agent.drafting_old.assisted.asking import prompt
from agent.drafting_old.assisted.factors import GROUPS, asks
from agent.drafting_old.calibrate import load_calibration
from agent.drafting_old.composition import Composition
from agent.drafting_old.embedded import compose
from agent.drafting_old.exemplars import nearest
from agent.drafting_old.families import Identity
from agent.evidence.reading import Reading
from agent.llm.prompts import cards
from agent.llm.tokens import counter
from agent.pipeline import read_documents
from agent.resources import data_folder
from agent.settings import Settings
from agent.taxonomy.keys import FACTORS
from evals.corpus import load_case
from evals.documents import documents_of

MOST_TOKENS = 1350
"""Of one call, behind the start that all calls share."""


@functools.cache
def drafted(slug: str) -> tuple[Reading, Identity, Composition]:
    case = load_case(data_folder("corpus") / "cases" / slug)
    reading = read_documents(documents_of(case), Settings())
    made = compose(reading, name=case.name, calibration=load_calibration())
    return reading, Identity(case.name, case.vendor), made


@pytest.mark.parametrize("slug", ["asana", "firecrawl-mcp"])
def test_two_calls_ask_for_each_factor_once_and_are_short(slug: str) -> None:
    reading, who, interim = drafted(slug)
    made = asks(interim, nearest(reading, who))
    assert [ask.stage for ask in made] == ["factors-1", "factors-2"]
    assert sorted(len(ask.keys) for ask in made) == [5, 6]
    assert sorted(key for ask in made for key in ask.keys) == sorted(FACTORS)
    for ask in made:
        text = prompt(ask.prompt).render(**ask.values)
        assert counter("openai/gpt-4", None).count(text) <= MOST_TOKENS
        for key in FACTORS:
            assert (f"\n- {key}\n" in text) == (key in ask.keys)
            assert (f"\n- {key} " in text) == (key in ask.keys)
            assert all((anchor in text) == (key in ask.keys) for anchor in cards()[key].anchors.values())


def test_an_ask_shows_the_estimates_and_the_labels_of_its_factors_alone() -> None:
    reading, who, interim = drafted("asana")
    examples = nearest(reading, who)
    for ask in asks(interim, examples):
        told, labels = str(ask.values["estimates"]).splitlines(), str(ask.values["examples"]).splitlines()
        assert [line.split()[1] for line in told] == list(ask.keys)
        for key, line in zip((key for key in FACTORS if key in ask.keys), told, strict=True):
            found = interim.factors[key]
            assert f"{key} {found.value * 10:.0f} ({found.low * 10:.0f} to {found.high * 10:.0f})" in line
        assert len(labels) == len(examples) == 3
        for example, line in zip(examples, labels, strict=True):
            assert line.startswith(f"- {example.who.name}: ")
            for key, label in example.factors.items():
                assert (f"{key} {round(label * 10)}" in line) == (key in ask.keys)
    assert "- none" in str(asks(interim, ())[0].values["examples"])


def test_a_repeat_asks_for_what_is_wanted_only() -> None:
    *_, interim = drafted("asana")
    first, last = GROUPS[0][0], GROUPS[1][-1]
    assert [(ask.stage, ask.keys) for ask in asks(interim, (), {last})] == [("factors-2", (last,))]
    assert [ask.keys for ask in asks(interim, (), {last, first})] == [(first,), (last,)]
    assert asks(interim, (), set()) == ()
