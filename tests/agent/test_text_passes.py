"""Every pass over text outside the parsing child takes time proportional to the length of the text, whatever its
content.
"""

import pytest

from tests.fakes.intake.text_passes import SIZE, passes, seconds, texts

MOST_SECONDS = 3.0
"""CPU seconds for `SIZE` characters: ten times the bar of the benchmark, since machines differ."""
ROOM = {"markdown.read_markdown": 2}
"""Factor for the one pass that belongs to a library: markdown-it looks ahead from each unclosed image to the maximum
nesting depth of images. This is still proportional to the text, but takes 4 s on an idle machine.
"""
LARGE = SIZE // 4
SMALL = 2_000
QUICK = 0.5
"""CPU seconds that a text of `SMALL` characters never takes, unless a pattern tries everything against everything."""
SLOWEST = 3
"""Maximum ratio to the time for half of the text; a pass that tries everything against everything takes four times as
long.
"""
PASSES = passes()
TEXTS = dict(texts())


TRIES = 3
"""In a process that has run thousands of tests, a single garbage collection takes half a second."""


def quickest(name: str, text: str) -> float:
    """Return the CPU seconds of a pass over the text: of the first quick attempt, or of the last one."""
    taken = QUICK
    for _ in range(TRIES):
        taken = seconds(PASSES[name], text)
        if taken < QUICK:
            break
    return taken


@pytest.mark.parametrize("name", PASSES)
def test_a_small_hostile_text_is_read_at_once(name: str) -> None:
    PASSES[name]("warm")
    for label, make in TEXTS.items():
        assert quickest(name, make(SMALL)) < QUICK, label


@pytest.mark.slow
@pytest.mark.parametrize("name", PASSES)
def test_a_large_hostile_text_is_read_in_a_time_in_proportion(name: str) -> None:
    for label, make in TEXTS.items():
        bar = MOST_SECONDS * ROOM.get(name, 1) * LARGE / SIZE
        if seconds(PASSES[name], make(LARGE)) >= bar:
            # A slow machine is also slow with half of the text, and a garbage collection affects only one attempt.
            taken = min(seconds(PASSES[name], make(LARGE)) for _ in range(TRIES))
            assert taken < bar or taken < SLOWEST * seconds(PASSES[name], make(LARGE // 2)), label
