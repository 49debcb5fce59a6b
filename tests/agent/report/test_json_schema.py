"""The published schema of draft.json: written drafts conform to it, and other files do not."""

import json

import pytest

from agent.records import Draft
from agent.report.draft_json import DIALECT, draft_schema, dump
from tests.fakes.report.exported import VIEWS


def test_every_draft_keeps_it() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(draft_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for name, view in VIEWS.items():
        data = json.loads(dump(view().draft))
        assert [fault.json_path for fault in validator.iter_errors(data)] == [], name
        data["product"]["verdict"] = "safe"
        assert not validator.is_valid(data)
        data["product"].pop("verdict")
        data["score"]["aivss"] = "9.8"
        assert not validator.is_valid(data)


def test_it_names_every_field_of_the_records() -> None:
    schema = json.loads(draft_schema())
    assert schema["$schema"] == DIALECT
    names = {field.alias or name for name, field in Draft.model_fields.items()}
    assert set(schema["properties"]) == names
    assert draft_schema() == draft_schema()
    assert schema["$defs"]["Evidence"]["properties"]["quote"]["description"]
