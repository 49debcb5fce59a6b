"""The JSON schema of `draft.json`, generated from the records that read and write it."""

from typing import Final

from agent.records import DRAFT_SCHEMA, Draft
from agent.report.safe_json import dumps

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def draft_schema() -> bytes:
    """The schema (JSON Schema 2020-12) of what `draft.json` holds, with the records' descriptions of each field."""
    made = Draft.model_json_schema(by_alias=True, mode="serialization")
    head = {"$schema": DIALECT, "$id": f"urn:{DRAFT_SCHEMA.replace('/', ':')}", "title": f"A draft, {DRAFT_SCHEMA}"}
    return dumps(made | head, sort_keys=True).encode()
