"""What a statement may assert given its form, and what it leaves to a setting."""

import pytest

from agent.facts.readers.reach import by_choice, may_assert
from agent.facts.vocabulary import load_vocabulary
from agent.records import BlockKind, Statement, StatementRole


def said(text: str, *path: str, role: StatementRole = "behaviour", block: BlockKind = "paragraph") -> Statement:
    return Statement(
        document="D1", start=0, end=len(text), text=text, path=("Ledgerly", *path), sort="description", rank=2,
        about="product", flagged=False, role=role, block=block,
    )  # fmt: skip


def may(statement: Statement, key: str) -> bool:
    return bool(may_assert([statement], [load_vocabulary()[key]])[0, 0])


COMMAND = '{"servers": {"ledgerly": {"command": "ledgerly", "args": ["serve"]}}}'


@pytest.mark.parametrize(
    ("statement", "key"),
    [
        (said("Ledgerly deletes outdated invoices.", "Not yet implemented"), "deletes_data"),
        (said("Scheduled exports are coming soon."), "scheduled"),
        (said("The Model Context Protocol (MCP) is an open standard that lets agents call tools."), "mcp_client"),
        (said("`ledgerly clean` removes old snapshots and caches.", role="reference"), "deletes_data"),
        (said("You should run generated code in a sandbox."), "sandbox"),
        (said("http://localhost:8000/oauth2callback", block="code"), "listens_locally"),
        (said(COMMAND, block="code"), "fetched_at_start"),
        (said("Logs"), "deletes_data"),
    ],
    ids=["heading", "plan", "definition", "own store", "advice", "callback", "plain command", "one word"],
)
def test_form_that_states_nothing_of_the_product(statement: Statement, key: str) -> None:
    assert not may(statement, key)


@pytest.mark.parametrize(
    ("statement", "key"),
    [
        (said("Ledgerly deletes outdated invoices.", "Features"), "deletes_data"),
        (said("Generated code runs in a sandbox."), "sandbox"),
        (said('{"command": "npx", "args": ["-y", "ledgerly-mcp@latest"]}', block="code"), "fetched_at_start"),
        (said("`delete_invoice`", block="item", role="reference"), "deletes_data"),
    ],
    ids=["feature", "control", "package runner", "tool"],
)
def test_form_that_may_state_it(statement: Statement, key: str) -> None:
    assert may(statement, key)


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("Add `--http` to serve it over the network.", "listens_on_network", True),
        ("Interactive chat or fully headless for CI/CD.", "runs_unattended", True),
        ("Run agents on cron schedules.", "scheduled", True),
        ("It checks the inbox every hour.", "scheduled", False),
        ("Experimental: the agent controls the browser.", "drives_browser", True),
        ("Ledgerly enables assistants to query invoices.", "queries_data", False),
        ("Ledgerly sends reminders to customers.", "sends_messages", False),
        ("File logging can be enabled.", "own_logs", True),
    ],
)
def test_a_choice_is_no_default(text: str, key: str, expected: bool) -> None:
    assert by_choice(said(text), load_vocabulary()[key]) is expected


def test_the_optional_parameter_of_a_tool_makes_the_tool_no_option() -> None:
    told = said("Reads a document; `account` (optional) names whose.", role="reference")
    assert not by_choice(told, load_vocabulary()["reads_documents"])
