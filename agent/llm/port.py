"""The port through which all LLMs are called: each call results in one reply or one error.

The rest of the program knows nothing of SDKs, HTTP or chat formats. Adapters (`openai_adapter`, `langchain_adapter`),
recordings and hand-written fakes implement `Llm`. Each has its own retry rules; the port defines only the outcome. The
port returns the text that the endpoint wrote, and `parse` interprets it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from agent.errors import ENDS_RUN as ENDS_RUN, LlmError as LlmError, LlmReason, Usage as Usage

Reason = LlmReason

Role = Literal["system", "user", "assistant"]

Stopped = Literal["done", "length", "filter", "refusal"]
"""Why the text ends: it is complete, reached the token cap, was cut off by a content filter, or is a refusal."""

Rung = Literal["json_schema", "json_object", "prompt"]
"""How the response format was requested: by schema, as any JSON object, or only in the prompt."""


@dataclass(frozen=True)
class Message:
    """One turn of the conversation."""

    role: Role
    text: str


@dataclass(frozen=True)
class Call:
    """One request to an LLM, with the schema of the expected response."""

    stage: str
    """The drafting step, such as "factors"; identifies the call in logs, budgets and recordings."""
    messages: tuple[Message, ...]
    schema_name: str
    schema: Mapping[str, object]
    """JSON schema as providers accept it: every field required, additionalProperties false, no bounds, no defaults."""
    max_tokens: int
    """Maximum number of output tokens, including thinking."""
    attempt: int = 1
    """1 for the first attempt, higher when the caller repairs or retries (the adapter's own retries do not count)."""


@dataclass(frozen=True)
class Reply:
    """The endpoint's response, not yet parsed as JSON."""

    text: str
    stopped: Stopped
    usage: Usage
    """Usage of this response and all failed attempts before it."""
    llm: str
    """The LLM's name as the endpoint reports it, which may differ from the requested name."""
    detail: str = ""
    """Anything unusual, such as the text of a refusal or a fallback to another response format."""
    rung: Rung = "json_schema"


class Llm(Protocol):
    """An LLM that answers calls; implementations are thread-safe."""

    @property
    def name(self) -> str:
        """The profile and the LLM's name, such as "ollama/qwen3:8b"."""
        ...

    def complete(self, call: Call) -> Reply:
        """Answer one call.

        Raises LlmError with its reason and the usage.
        """
        ...

    def close(self) -> None:
        """Release connections and processes. A closed LLM answers no further calls."""
        ...
