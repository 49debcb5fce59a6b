"""Hand-written LLMs behind the port: no endpoint, no waiting; and a call for tests of what answers it."""

import threading
from collections.abc import Callable, Sequence

from agent.llm.port import Call, LlmError, Message, Reply, Usage

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"value": {"type": "integer"}},
    "required": ["value"],
    "additionalProperties": False,
}
CALL = Call("factors", (Message("system", "Be brief."), Message("user", "How many?")), "count", SCHEMA, 200)
USAGE = Usage(input_tokens=100, output_tokens=20)


def reply(text: str, **changes: object) -> Reply:
    """Return a finished reply with a usage of 100 and 20 tokens; `changes` are fields of Reply."""
    fields: dict[str, object] = {"stopped": "done", "usage": USAGE, "llm": "fake-1", **changes}
    return Reply(text, **fields)  # type: ignore[arg-type]


def at_once(work: Callable[..., object], *arguments: object) -> None:
    """Call `work` with each argument in a thread of its own, and wait for all."""
    threads = [threading.Thread(target=work, args=(each,)) for each in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)


class ScriptedLlm:
    """Answers with the given replies in order; errors in the list are raised. Records the calls."""

    def __init__(self, outcomes: Sequence[Reply | LlmError | str], name: str = "fake/fake-1") -> None:
        self.name = name
        self.calls: list[Call] = []
        self.closed = False
        self._outcomes = list(outcomes)
        self._lock = threading.Lock()

    def complete(self, call: Call) -> Reply:
        with self._lock:
            self.calls.append(call)
            outcome = self._outcomes.pop(0)
        if isinstance(outcome, LlmError):
            raise outcome
        return reply(outcome) if isinstance(outcome, str) else outcome

    def close(self) -> None:
        self.closed = True


class AnsweringLlm:
    """Answers each call by a function of the call, for callers whose order is not fixed. Records the calls."""

    def __init__(self, answer: Callable[[Call], Reply | str], name: str = "fake/fake-1") -> None:
        self.name = name
        self.calls: list[Call] = []
        self.closed = False
        self._answer = answer
        self._lock = threading.Lock()

    def complete(self, call: Call) -> Reply:
        with self._lock:
            self.calls.append(call)
        outcome = self._answer(call)
        return reply(outcome) if isinstance(outcome, str) else outcome

    def close(self) -> None:
        self.closed = True
