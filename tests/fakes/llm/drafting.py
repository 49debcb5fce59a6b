"""Shared code for tests of `septet draft` with an LLM: the listing, and access to the results."""

from pathlib import Path

from agent.records import Draft
from tests.fakes.command import Outcome

NAME = "generic/fake-1"
NOW = "2026-11-01T09:30:00Z"
LISTING = """# Acme Mail Agent

Acme Mail Agent reads a team's shared mailbox, drafts replies and sends them through Gmail with the owner's account.

## Features

- Runs Python snippets in a container to compute figures for replies.
- Stores every thread in a PostgreSQL database for ninety days.
- Calls tools of connected MCP servers without asking.
- An administrator approves each new recipient in the settings.
"""


def written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def tree(folder: Path) -> dict[str, bytes]:
    """Return the bytes of a draft's files, except the index, which has its own ids."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        name: path.read_bytes() for path in files if not (name := str(path.relative_to(folder))).startswith("index")
    }


def stopped(said: Outcome, code: int, what: str) -> None:
    assert (said.code, said.out) == (code, ""), said
    lines = said.err.splitlines()
    assert any(line.startswith("error: ") for line in lines), said.err
    assert any(line.startswith("hint: ") for line in lines), said.err
    assert what in said.err
    assert "Traceback" not in said.err


def of(text: str) -> Draft:
    return Draft.model_validate_json(text)
