"""One question to an LLM: a prompt file, what fills it, and the shape of the answer; and the start that all share.

Every call of a draft begins with the same two things, the instructions and the passages, so that a provider's cache
of prompts serves all calls but the first. What is particular to a call stands at its end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Generic, TypeVar

from pydantic import BaseModel

from agent.drafting_old.pack import PackedEvidence, neutral
from agent.llm.port import Call, Message
from agent.llm.prompts import Prompt, load_prompt
from agent.llm.schema import wire_schema
from agent.records import PromptRef
from agent.resources import data_folder

SHARED: Final = ("instructions", "evidence")
AGAIN: Final = "again"
SOURCED: Final = frozenset({"known", "drawn", "able", "findings", "open_points", "threats", "claims"})
"""Inputs of prompts that repeat words of the sources: they are marked as data, as passages are."""
_FOLDER: Final = "drafting"

T_co = TypeVar("T_co", bound=BaseModel, covariant=True)


@dataclass(frozen=True)
class Ask(Generic[T_co]):
    """One question before it is worded."""

    stage: str
    """Names the call in logs, budgets and recordings: the prompt's name, with a number when there are several."""
    prompt: str
    """The prompt file that words it."""
    values: Mapping[str, object]
    """The prompt's inputs."""
    shape: type[T_co]
    again: str = ""
    """What was dropped of an earlier answer, a line each; empty the first time."""
    keys: tuple[str, ...] = field(default=())
    """What an answer has to be about, such as factor keys; empty when that is open."""


@dataclass(frozen=True)
class Start:
    """What all calls of one draft begin with."""

    system: str
    passages: str
    delimiter: str

    @property
    def text(self) -> str:
        """Both as they stand at the begin of each call."""
        return f"{self.system}\n{self.passages}"


def start(packed: PackedEvidence, *, product: str, delimiter: str) -> Start:
    """The shared start of one draft; `delimiter` is that of `packed`. Raises InputError when a prompt file is wrong."""
    return Start(
        prompt("instructions").render(delimiter=delimiter),
        prompt("evidence").render(product=_marked(product, delimiter), passages=packed.text),
        delimiter,
    )


def worded(ask: Ask[BaseModel], begin: Start, max_tokens: int) -> Call:
    """The call that an ask becomes; the answer may take `max_tokens`. Raises InputError when a prompt file is wrong."""
    values = {
        name: _marked(str(value), begin.delimiter) if name in SOURCED else value for name, value in ask.values.items()
    }
    end = prompt(ask.prompt).render(**values)
    if ask.again:
        end = f"{end}\n{prompt(AGAIN).render(dropped=ask.again)}"
    messages = (Message("system", begin.system), Message("user", f"{begin.passages}\n{end}"))
    attempt = 2 if ask.again else 1
    return Call(ask.stage, messages, ask.shape.__name__, wire_schema(ask.shape), max_tokens, attempt)


def _marked(text: str, delimiter: str) -> str:
    """Words of the sources between the lines that say so, marks of chat formats made harmless."""
    return f"<<<{delimiter}\n[notes]\n{neutral(text)}\n{delimiter}>>>"


@cache
def prompt(name: str) -> Prompt:
    """The drafting prompt with this name. Raises InputError when the file is wrong."""
    return load_prompt(data_folder("prompts") / _FOLDER / f"{name}.md")


def refs(asks: tuple[Ask[BaseModel], ...]) -> tuple[PromptRef, ...]:
    """The prompt files behind asks, the shared ones first, each once."""
    names = [*SHARED, *(ask.prompt for ask in asks), *(AGAIN for ask in asks if ask.again)]
    return tuple(prompt(name).ref for name in dict.fromkeys(names))
