"""The JSON schema of an answer as providers take it, made from the pydantic class that checks the answer.

Servers differ in what they refuse: defaults, bounds, formats, examples, fields that may be absent, references. The wire
schema has none of these; `parse.read` checks the bounds afterwards. The order of fields is kept, since it is the order
in which the LLM writes, and so thinks.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, Field

from agent.errors import InputError

Tenths = Annotated[int, Field(ge=0, le=10, description="whole tenths: 0 is 0.0, 7 is 0.7, 10 is 1.0")]
"""A fraction as an LLM writes it: an integer leaves nothing to round."""

_TEN: Final = 10
_KEPT: Final = frozenset(("type", "description", "enum"))
_DROPPED: Final = frozenset(
    (
        *("title", "default", "examples", "format", "deprecated", "readOnly", "writeOnly", "discriminator"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems"),
    )
)
_MAX_DEPTH: Final = 10
"""Levels that providers accept; also ends a shape that contains itself."""


def unit(tenths: int) -> Decimal:
    """The fraction that so many tenths are: 7 -> 0.7. Exact."""
    return Decimal(tenths) / _TEN


def wire_schema(shape: type[BaseModel]) -> dict[str, object]:
    """The schema of `shape` without bounds, defaults and references; every field required, nothing else allowed.

    A field that may be None stays nullable. Raises InputError for what cannot be said so: mappings with free keys,
    tuples of different kinds, shapes that contain themselves or nest deeper than ten levels.
    """
    schema = shape.model_json_schema()
    definitions = schema.pop("$defs", {})
    return _part(schema, definitions, shape.__name__, 0)


def _part(
    schema: Mapping[str, object], definitions: Mapping[str, Mapping[str, object]], where: str, depth: int
) -> dict[str, object]:
    if depth > _MAX_DEPTH:
        raise _unsayable("it contains itself or nests too deeply", where)
    made: dict[str, object] = {}
    for key, value in schema.items():
        if key in _KEPT:
            made[key] = value
        elif key == "const":
            made["enum"] = [value]
        elif key == "$ref":
            name = str(value).rpartition("/")[2]
            made = {**_part(definitions[name], definitions, where, depth + 1), **made}
        elif key == "properties" and isinstance(value, dict):
            made["properties"] = {
                name: _part(part, definitions, f"{where}.{name}", depth + 1) for name, part in value.items()
            }
        elif key == "items" and isinstance(value, dict):
            made["items"] = _part(value, definitions, f"{where}[]", depth + 1)
        elif key in ("anyOf", "oneOf") and isinstance(value, list):
            made["anyOf"] = [_part(part, definitions, where, depth) for part in value]
        elif key in ("required", "additionalProperties") and "properties" in schema:
            continue
        elif key not in _DROPPED:
            raise _unsayable(f"{key!r} has no place in it", where)
    if made.get("type") == "object":
        properties = made.get("properties", {})
        made.setdefault("properties", properties)
        made["required"] = list(properties) if isinstance(properties, dict) else []
        made["additionalProperties"] = False
    return made


def _unsayable(why: str, where: str) -> InputError:
    return InputError(
        f"the shape has no wire schema: {why}", where=where, hint="use fields, lists and closed lists only"
    )
