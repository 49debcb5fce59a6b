"""Every pass over text outside the parsing child takes a time in proportion to the text, whatever the text."""

import pytest

from tests.fakes.intake.text_passes import SIZE, passes, seconds, texts

MOST_SECONDS = 3.0
"""CPU seconds for `SIZE` characters: ten times the bar of the bench, since machines differ."""
ROOM = {"markdown.read_markdown": 2}
"""Times as much for the one pass that is a library's: markdown-it looks ahead from each unclosed image as deep as
images may nest, which is in proportion to the text all the same and takes 4 s on an idle machine."""
LARGE = SIZE // 4
SMALL = 2_000
QUICK = 0.5
"""CPU seconds that a text of `SMALL` characters never takes, unless a pattern tries everything against everything."""
SLOWEST = 3
"""Times as long as half of the text; a pass that tries everything against everything takes four times as long."""
PASSES = passes()
TEXTS = dict(texts())


TRIES = 3
"""One collection of garbage in a process that ran thousands of tests takes half a second by itself."""


def quickest(name: str, text: str) -> float:
    """The CPU seconds of a pass over the text: of the first try that is quick, or of the last one."""
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
            # A slow machine is slow with half of it, too; one collection of garbage is in one try alone.
            taken = min(seconds(PASSES[name], make(LARGE)) for _ in range(TRIES))
            assert taken < bar or taken < SLOWEST * seconds(PASSES[name], make(LARGE // 2)), label
