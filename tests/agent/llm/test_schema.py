"""The schema that goes to a provider: the shape of an answer without bounds, references and free keys."""

import json
from decimal import Decimal
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from agent.errors import InputError
from agent.llm.parse import unit, wire_schema
from tests.agent.llm.test_parse import Cat, Dog, Estimate, Quote


def test_the_wire_schema_says_the_shape_and_no_bounds() -> None:
    assert wire_schema(Estimate) == {
        "type": "object",
        "properties": {
            "quotes": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"passage": {"type": "string"}, "text": {"type": "string"}},
                    "required": ["passage", "text"],
                    "additionalProperties": False,
                },
            },
            "enough": {"type": "boolean"},
            "state": {"enum": ["claimed", "unknown"], "type": "string"},
            "value": {"type": "integer", "description": "whole tenths: 0 is 0.0, 7 is 0.7, 10 is 1.0"},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["quotes", "enough", "state", "value", "note"],
        "additionalProperties": False,
    }


class Everything(BaseModel):
    """What the whole is."""

    zeta: Annotated[str, Field(default="x", pattern="^a", examples=["a"], description="first in thought")]
    alpha: list[Quote] = Field(default_factory=list, min_length=1, max_length=3)
    single: Quote = Field(description="one of them")
    only: Literal["x"] = "x"
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    nothing: "Empty"


class Empty(BaseModel):
    pass


Everything.model_rebuild()


def test_the_wire_schema_keeps_the_order_of_thought_and_drops_what_providers_refuse() -> None:
    schema = wire_schema(Everything)
    text = json.dumps(schema)
    properties = schema["properties"]
    assert isinstance(properties, dict)
    assert list(properties) == ["zeta", "alpha", "single", "only", "pet", "nothing"] == schema["required"]
    for word in ("default", "pattern", "examples", "minItems", "maxItems", "$ref", "$defs", "discriminator", "oneOf"):
        assert f'"{word}"' not in text
    assert properties["zeta"] == {"type": "string", "description": "first in thought"}
    assert properties["single"]["description"] == "one of them"
    assert properties["only"]["enum"] == ["x"]
    assert properties["nothing"]["additionalProperties"] is False
    assert [part["type"] for part in properties["pet"]["anyOf"][0]["anyOf"]] == ["object", "object"]


class Node(BaseModel):
    children: list["Node"]


class Free(BaseModel):
    names: dict[str, int]


class Mixed(BaseModel):
    pair: tuple[int, str]


@pytest.mark.parametrize("shape", [Node, Free, Mixed])
def test_shapes_that_no_wire_schema_can_say(shape: type[BaseModel]) -> None:
    with pytest.raises(InputError, match="no wire schema"):
        wire_schema(shape)


def test_tenths_are_exact() -> None:
    assert [unit(n) for n in (0, 3, 7, 10)] == [Decimal(0), Decimal("0.3"), Decimal("0.7"), Decimal(1)]
