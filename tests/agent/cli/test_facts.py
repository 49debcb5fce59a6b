"""`septet facts`: the fact sheet of sources and drafts, as a table and as JSON, and its errors."""

import json
from pathlib import Path

import pytest

from agent.records import DraftFacts
from agent.report.draft_json import dump
from tests.fakes.command import Septet, refused
from tests.fakes.drafts import workos

MANIFEST = {
    "name": "io.example/files",
    "description": "Reads and writes files of a project.",
    "version": "1.2.0",
    "packages": [{"registryType": "npm", "identifier": "files-mcp", "transport": {"type": "stdio"}}],
}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    file = tmp_path / "server.json"
    file.write_text(json.dumps({"$schema": "https://static.modelcontextprotocol.io/schemas/server.json", **MANIFEST}))
    return file


def test_the_sheet_of_a_source(manifest: Path, septet: Septet) -> None:
    outcome = septet("facts", manifest, "--json")
    assert outcome.code == 0, outcome
    found = json.loads(outcome.out)
    assert found["schema"] == "septet/facts/1"
    sheet = DraftFacts.model_validate_json(json.dumps(found["facts"]))
    assert sheet.facts
    assert {mark for fact in sheet.facts for mark in fact.evidence} == {row["id"] for row in found["evidence"]}
    table = septet("facts", manifest)
    assert table.out.startswith(f"{len(sheet.facts)} facts from 1 documents")
    assert "Where it runs" in table.out
    assert "[rank 4, manifest" in table.out
    assert "Searched for but not found" in table.out


def test_the_sheet_of_a_draft(manifest: Path, septet: Septet, tmp_path: Path) -> None:
    read = json.loads(septet("facts", manifest, "--json").out)
    out = tmp_path / "files"
    assert septet("draft", manifest, "--out", out).code == 0
    kept = json.loads(septet("facts", out, "--json").out)
    assert {fact["key"] for fact in read["facts"]["facts"]} <= {fact["key"] for fact in kept["facts"]["facts"]}


def test_errors(septet: Septet, manifest: Path, tmp_path: Path) -> None:
    older = tmp_path / "draft.json"
    older.write_text(dump(workos()), "utf-8")
    for arguments in ((tmp_path / "nowhere",), (), (older, manifest)):
        refused(septet("facts", *arguments), 2)
    refused(septet("facts", older), 1, "no fact sheet")
