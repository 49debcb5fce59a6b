"""Read the YAML and JSON files of `corpus/knowledge` as records."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from agent.errors import SchemaError
from agent.resources import data_folder

ValueT = TypeVar("ValueT")
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""PyYAML's C loader if it is available (it is six times as fast), otherwise its Python loader."""


def knowledge(place: str | Path, kind: type[ValueT], context: object = None) -> ValueT:
    """Read a file and validate it as a `kind`. `place` is relative to `corpus/knowledge`, or an absolute path.

    `context` is passed to the validators of `kind`. Raises SchemaError, naming the file, entry and field, if the file
    is missing or malformed.
    """
    file = data_folder("corpus") / "knowledge" / place
    raw: Any = None
    try:
        text = file.read_text("utf-8")
        raw = json.loads(text) if file.suffix == ".json" else yaml.load(text, _LOADER)
        return TypeAdapter(kind).validate_python(raw, context=context)
    except ValidationError as error:
        first = error.errors()[0]
        what = " ".join((*_names(raw, first["loc"]), first["msg"].removeprefix("Value error, ")))
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        what = str(error)
    raise SchemaError(
        what, where=str(file), hint="see the recipes in CONTRIBUTING.md for the fields of knowledge files"
    )


def loader(place: str, kind: type[ValueT]) -> Callable[[], ValueT]:
    """Return a function that reads a file as `knowledge` does and caches the result."""
    return cache(lambda: knowledge(place, kind))


def _names(raw: object, steps: tuple[int | str, ...]) -> list[str]:
    """Return the location of a validation error, naming entries by id instead of position."""
    names = []
    for step in steps:
        inside = dict(enumerate(raw)) if isinstance(raw, list) else raw
        raw = inside.get(step) if isinstance(inside, dict) else None
        names.append(str(raw["id"] if isinstance(raw, dict) and "id" in raw else step))
    return names
