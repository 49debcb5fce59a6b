"""The port of all LLMs: one call in, one reply or one error out.

The rest of the program knows nothing of SDKs, HTTP or chat formats. An adapter (`openai_adapter`, `langchain_adapter`),
a recording or a hand-written fake is an `Llm`; each has its own rules for trying again, and the port defines only what
comes out. `parse` reads the text of a reply: the port hands over what the endpoint wrote.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from agent.errors import ENDS_RUN as ENDS_RUN, LlmError as LlmError, LlmReason, Usage as Usage

Reason = LlmReason

Role = Literal["system", "user", "assistant"]

Stopped = Literal["done", "length", "filter", "refusal"]
"""Why the text ends: the LLM was done, met its cap, was cut by a content filter, or refused in the refusal field."""

Rung = Literal["json_schema", "json_object", "prompt"]
"""How the shape of the answer was asked for: by schema, as any JSON object, or in words alone."""


@dataclass(frozen=True)
class Message:
    """One turn of the conversation."""

    role: Role
    text: str


@dataclass(frozen=True)
class Call:
    """One question to an LLM, and the shape that the answer should have."""

    stage: str
    """Which step of the draft asks, such as "factors"; names the call in logs, budgets and recordings."""
    messages: tuple[Message, ...]
    schema_name: str
    schema: Mapping[str, object]
    """JSON schema as providers take it: every field required, additionalProperties false, no bounds, no defaults."""
    max_tokens: int
    """Cap of the answer in tokens, thinking included."""
    attempt: int = 1
    """1 for the first attempt, more for a repair or a second try by the caller (not for the adapter's own retries)."""


@dataclass(frozen=True)
class Reply:
    """What the endpoint answered; not yet read as JSON."""

    text: str
    stopped: Stopped
    usage: Usage
    """Usage of this answer and of every failed attempt before it."""
    llm: str
    """The LLM as the endpoint names it, which may differ from the name that was asked for."""
    detail: str = ""
    """What was odd, in words: the text of a refusal, or how the answer had to be asked for."""
    rung: Rung = "json_schema"


class Llm(Protocol):
    """An LLM that answers calls. May be asked from several threads at once."""

    @property
    def name(self) -> str:
        """The profile and the LLM's name, such as "ollama/qwen3:8b"."""
        ...

    def complete(self, call: Call) -> Reply:
        """Answers one call.

        Raises LlmError with its reason and with what was spent.
        """
        ...

    def close(self) -> None:
        """Releases connections and processes. A closed LLM answers no more calls."""
        ...
