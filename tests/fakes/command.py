"""The `septet` command in this process: exactly what a shell would see, without a second of start-up for each call."""

from typing import NamedTuple

import pytest

from agent.cli import main


class Outcome(NamedTuple):
    """The result of a call."""

    code: int
    out: str
    err: str


def refused(outcome: Outcome, code: int, *said: str) -> None:
    """Check that a call ended with this code, with an error and a hint that say this, and with nothing else."""
    assert (outcome.code, outcome.out) == (code, ""), outcome
    assert [line.partition(": ")[0] for line in outcome.err.splitlines()] == ["error", "hint"], outcome.err
    assert [words for words in said if words not in outcome.err] == [], outcome.err


class Septet:
    """Calls `agent.cli.main` with arguments, and captures its streams and its exit code."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Outcome:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        caught = self._capsys.readouterr()
        assert isinstance(stopped.value.code, int)
        return Outcome(stopped.value.code, caught.out, caught.err)
