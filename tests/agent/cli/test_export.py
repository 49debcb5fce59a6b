"""`septet export`: the list of formats, stdout and files, and its errors."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from agent.report.draft_json import draft_schema, dump
from agent.report.formats.registry import FORMATS, is_text, write
from agent.report.view import View
from agent.resources import data_folder
from tests.fakes.command import Outcome, Septet, refused
from tests.fakes.drafts import workos
from tests.fakes.report.exported import VIEWS
from tests.places import ROOT


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    folder = tmp_path / "acme"
    folder.mkdir()
    (folder / "draft.json").write_text(dump(workos()), "utf-8")
    return folder


def test_a_bare_call_lists_every_format(septet: Septet) -> None:
    bare = septet("export")
    assert (bare.code, bare.err) == (0, "")
    assert bare.out == septet("export", "--format", "list").out
    assert [line.split()[0] for line in bare.out.splitlines()] == list(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_in_a_file_and_on_stdout(name: str, draft: Path, septet: Septet, tmp_path: Path) -> None:
    wanted = write(name, View(workos()))
    file = tmp_path / f"out{FORMATS[name].suffix}"
    assert septet("export", draft, "--format", name, "--out", file) == Outcome(0, "", "")
    assert file.read_bytes() == wanted
    assert file.stat().st_mode & 0o077 == (tmp_path / "acme" / "draft.json").stat().st_mode & 0o077
    if is_text(FORMATS[name]):
        shown = septet("export", draft / "draft.json", "--format", name)
        assert (shown.code, shown.err) == (0, "")
        assert shown.out.encode() == wanted
    assert sorted(each.name for each in tmp_path.iterdir()) == ["acme", file.name]


def test_a_file_is_replaced_as_a_whole(draft: Path, septet: Septet, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("old")
    refused(septet("export", tmp_path / "gone", "--format", "csv", "--out", file), 1, "there is no draft here")
    assert file.read_text() == "old"
    (draft / "draft.json").write_text("{}")
    refused(septet("export", draft, "--format", "csv", "--out", file), 1, "schema")
    assert file.read_text() == "old"
    (draft / "draft.json").write_text(dump(workos()))
    assert septet("export", draft, "--format", "csv", "--out", file).code == 0
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.slow
def test_places_lead_into_the_texts_that_lie_beside_a_draft(septet: Septet, tmp_path: Path) -> None:
    out = tmp_path / "acme"
    assert septet("draft", data_folder("corpus") / "cases" / "airtable-mcp-server", "--out", out).code == 0
    (run,) = json.loads(septet("export", out, "--format", "sarif").out)["runs"]
    texts = {each["id"]: each["text"] for each in json.loads((out / "snapshots" / "documents.json").read_text())}
    stored = {each["sha256"] for each in json.loads((out / "draft.json").read_text())["sources"]}
    assert {each["hashes"]["sha-256"] for each in run["artifacts"]} == stored
    places = [
        place for result in run["results"] for place in (*result["locations"], *result.get("relatedLocations", ()))
    ]
    regions = [place["physicalLocation"] for place in places if "region" in place["physicalLocation"]]
    assert len(regions) >= len(run["results"]) / 2
    for physical in regions:
        text = texts[run["artifacts"][physical["artifactLocation"]["index"]]["properties"]["document"]]
        start = physical["region"]["charOffset"]
        assert text[start : start + physical["region"]["charLength"]] == physical["region"]["snippet"]["text"]
    assert septet("export", out, "--format", "markdown").out == (out / "draft.md").read_text("utf-8")


def test_no_document_goes_to_a_terminal(draft: Path) -> None:
    call = [sys.executable, "-m", "agent", "export", str(draft), "--format", "questionnaire-docx"]
    leader, terminal = pty.openpty()
    try:
        shown = subprocess.run(call, cwd=ROOT, stdout=terminal, stderr=subprocess.PIPE, check=False, text=True)
    finally:
        os.close(terminal)
        os.close(leader)
    assert shown.returncode == 2
    assert "error: the format is binary and cannot be printed to a terminal" in shown.stderr
    assert "hint: add --out NAME.docx" in shown.stderr
    piped = subprocess.run(call, cwd=ROOT, capture_output=True, check=False)
    assert (piped.returncode, piped.stderr) == (0, b"")
    assert piped.stdout.startswith(b"PK")


def test_a_signed_export_is_a_draft_too(septet: Septet, tmp_path: Path) -> None:
    file = tmp_path / "signed.json"
    file.write_text(dump(VIEWS["signed"]().draft), "utf-8")
    shown = septet("export", file, "--format", "csv")
    assert (shown.code, shown.err) == (0, "")
    assert "REVIEWED and signed by Ada" in shown.out


def test_errors(draft: Path, septet: Septet, tmp_path: Path) -> None:
    refused(septet("export", draft), 2, "no format was given", "septet export")
    refused(septet("export", draft, "--format", "xml"), 1, "unknown format 'xml', --format", "sarif")
    refused(septet("export", "--format", "csv"), 2, "no draft was given")
    refused(septet("export", draft, "--format", "list"), 2, "cannot be combined with")
    refused(septet("export", tmp_path, "--format", "csv"), 1, "there is no draft here")
    refused(septet("export", draft, "--format", "csv", "--out", draft), 1, "is a folder")
    refused(septet("export", draft, "--format", "csv", "--out", tmp_path / "no" / "x.csv"), 1, "does not exist")
    refused(septet("export", draft, "--format", "csv", "--out", draft / "draft.json"), 1, "the draft itself")
    refused(septet("export", draft, "--schema"), 2, "cannot be combined with")
    assert json.loads((draft / "draft.json").read_text()) == json.loads(dump(workos()))


def test_the_schema(septet: Septet, tmp_path: Path) -> None:
    assert septet("export", "--schema").out.encode() == draft_schema()
    assert septet("export", "--schema", "--out", tmp_path / "draft.schema.json").code == 0
    assert (tmp_path / "draft.schema.json").read_bytes() == draft_schema()
