"""Every pass over text outside the parsing child takes a time in proportion to the text, whatever the text."""

import pytest

from evals.bench.texts import SIZE, passes, seconds, texts

MOST_SECONDS = 3.0
"""CPU seconds for `SIZE` characters: ten times the bar of the bench, since machines differ."""
LARGE = SIZE // 4
SMALL = 2_000
QUICK = 0.5
"""CPU seconds that a text of `SMALL` characters never takes, unless a pattern tries everything against everything."""
PASSES = passes()
TEXTS = dict(texts())


@pytest.mark.parametrize("name", PASSES)
def test_a_small_hostile_text_is_read_at_once(name: str) -> None:
    PASSES[name]("warm")
    for label, make in TEXTS.items():
        assert seconds(PASSES[name], make(SMALL)) < QUICK, label


@pytest.mark.slow
@pytest.mark.parametrize("name", PASSES)
def test_a_large_hostile_text_is_read_in_a_time_in_proportion(name: str) -> None:
    for label, make in TEXTS.items():
        assert seconds(PASSES[name], make(LARGE)) * SIZE / LARGE < MOST_SECONDS, label
