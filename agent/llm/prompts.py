"""Loads and validates prompts and rubric cards from the folder `prompts`.

A prompt file is YAML front matter between two lines of three dashes, followed by a Jinja body. The front matter
declares the inputs of the body. An unknown key, an unused input or an undeclared variable raises an error when the
file is read, not when the prompt is sent. A rubric card is a prompt for one factor or layer; it also has the search
questions that find evidence and, for a factor, the meanings of 0, 0.5 and 1.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

import yaml
from jinja2 import Environment, StrictUndefined, Template, TemplateError, meta
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from agent.errors import InputError
from agent.records import PromptRef
from agent.resources import data_folder
from agent.taxonomy.factors import FACTORS
from agent.taxonomy.layers import LAYERS

ANCHORS: Final = ("0", "0.5", "1")
MIN_QUESTIONS: Final = 3
MAX_QUESTIONS: Final = 5
CARD_KEYS: Final[tuple[str, ...]] = (*FACTORS, *LAYERS)
_FENCE: Final = "---\n"
_JINJA: Final = Environment(
    undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
)

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _FrontMatter(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    version: Annotated[int, Field(ge=1)]
    purpose: _Text
    inputs: list[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]]
    anchors: dict[str, _Text] | None = None
    questions: list[_Text] | None = None


@dataclass(frozen=True)
class Prompt:
    """One prompt file."""

    ref: PromptRef
    """Name, version and SHA-256 of the file (with Unix line endings)."""
    purpose: str
    inputs: frozenset[str]
    """Exactly the variables of the body."""
    template: Template

    def render(self, **values: object) -> str:
        """Render the body with these inputs.

        Raises InputError when a declared input is missing, an undeclared input is given, or rendering fails.
        """
        if values.keys() != self.inputs:
            what = f"given {sorted(values)}, declared {sorted(self.inputs)}"
            hint = "pass exactly the inputs declared in the front matter"
            raise InputError(what, where=f"prompt {self.ref.name}", hint=hint)
        try:
            return self.template.render(values)
        except TemplateError as error:
            raise InputError("the prompt cannot be rendered", where=f"{self.ref.name}: {error}") from None


@dataclass(frozen=True)
class Card(Prompt):
    """The rubric card of one factor or layer; `ref.name` is its key."""

    anchors: Mapping[str, str]
    """What the values 0, 0.5 and 1 mean; empty for a layer."""
    questions: tuple[str, ...]
    """Three to five search questions, in the words of a typical product page."""

    @property
    def key(self) -> str:
        """The factor or layer key."""
        return self.ref.name


def load_prompt(path: Path) -> Prompt:
    """Load a prompt. Raises InputError naming the file and key if the prompt is invalid."""
    front, prompt = _read(path)
    if front.anchors is not None or front.questions is not None:
        raise _wrong(path, "only a rubric card has anchors and questions")
    return prompt


def load_card(path: Path) -> Card:
    """Load a rubric card. Cards of factors need anchors for 0, 0.5 and 1; all cards need 3 to 5 questions.

    Raises InputError naming the file and the problem.
    """
    front, prompt = _read(path)
    if front.name not in CARD_KEYS:
        raise _wrong(path, f"{front.name!r} is neither a factor nor a layer")
    wanted = ANCHORS if front.name in FACTORS else ()
    anchors = front.anchors or {}
    if tuple(anchors) != wanted:
        raise _wrong(path, f"anchors must be {list(wanted)}, in quotes and in this order; found {list(anchors)}")
    texts = front.questions or []
    if not MIN_QUESTIONS <= len(texts) <= MAX_QUESTIONS or len(set(texts)) != len(texts):
        raise _wrong(path, f"{MIN_QUESTIONS} to {MAX_QUESTIONS} different questions are needed, found {len(texts)}")
    return Card(**vars(prompt), anchors=MappingProxyType(anchors), questions=tuple(texts))


@lru_cache(maxsize=1)
def cards() -> Mapping[str, Card]:
    """Load the bundled rubric cards by factor and layer key, in the order of the vocabularies.

    Raises InputError if a card is missing, invalid or superfluous.
    """
    folder = data_folder("prompts") / "cards"
    found = {path.stem: path for path in sorted(folder.glob("*.md"))}
    if set(found) != set(CARD_KEYS):
        odd = sorted(set(found) ^ set(CARD_KEYS))
        raise InputError(f"there must be one card for each factor and layer: {odd}", where=folder.name)
    return MappingProxyType({key: load_card(found[key]) for key in CARD_KEYS})


def _read(path: Path) -> tuple[_FrontMatter, Prompt]:
    try:
        content = path.read_bytes()
        text = content.decode("utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError):
        raise _wrong(path, "the file cannot be read as UTF-8 text") from None
    head, fence, body = text.removeprefix(_FENCE).partition(f"\n{_FENCE}")
    if not text.startswith(_FENCE) or not fence or not body.strip():
        raise _wrong(path, "the file needs front matter between two lines of three dashes, and a body")
    try:
        front = _FrontMatter.model_validate(yaml.load(head, Loader=_StrictLoader))
    except yaml.YAMLError as error:
        raise _wrong(path, f"the front matter is not YAML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _wrong(path, f"front matter {place}: {first['msg']}") from None
    if front.name != path.stem:
        raise _wrong(path, f"the name {front.name!r} must be the same as the file's")
    try:
        used = meta.find_undeclared_variables(_JINJA.parse(body))
        template = _JINJA.from_string(body)
    except TemplateError as error:
        raise _wrong(path, f"the body is not a template: {error}") from None
    if used != set(front.inputs) or len(front.inputs) != len(used):
        raise _wrong(path, f"declared inputs {sorted(front.inputs)}, used in the body {sorted(used)}")
    # Line endings were normalised first, so that the SHA-256 does not depend on the operating system.
    ref = PromptRef(name=front.name, version=front.version, sha=hashlib.sha256(text.encode()).hexdigest())
    return front, Prompt(ref=ref, purpose=front.purpose, inputs=frozenset(used), template=template)


class _StrictLoader(yaml.SafeLoader):
    """A safe YAML loader that rejects duplicate keys instead of using the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(map(repr, keys))) != len(keys):
            raise yaml.constructor.ConstructorError(None, None, "a key occurs twice", node.start_mark)
        return dict(super().construct_mapping(node, deep))


def _wrong(path: Path, what: str) -> InputError:
    return InputError(what, where=path.name, hint="prompts/README.md describes the format of prompt files")
