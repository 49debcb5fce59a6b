"""What other programs import, type and rely on: names, verbs, options, exit codes. Changing this is a new promise."""

import importlib
import subprocess
import sys

import click
import pytest

import agent
from agent import errors
from agent.cli import EVAL_VERBS, VERBS, septet

NAMES = {"Draft", "Score", "SeptetError", "Settings", "draft", "load_draft", "score"}
OPTIONS = {
    "draft": {
        "--out", "--product", "--note", "--allow-private", "--from-snapshot", "--llm", "--record", "--replay",
        "--fallback", "--replace", "--json",
    },
    "intake": {"--product", "--note", "--allow-private", "--json"},
    "facts": {"--json"},
    "search": {"-k", "--json"},
    "score": {
        "--cvss", "--base", "--factor", "--factor-sum", "--factor-set", "--threat-multiplier", "--mitigation",
        "--formula", "--mode", "--json", "--jsonl",
    },
    "explain": {"--json"},
    "export": {"--format", "--out", "--schema"},
    "review": {"--host", "--port", "--store", "--reviewer", "--role"},
    "answer": {"--store", "--reviewer"},
    "audit-log": set(),
    "doctor": {"--llm", "--json"},
    "eval": {
        "--cases", "--drafter", "--replay", "--llm", "--recorded", "--against", "--sample", "--repeats", "--limit",
        "--no-variants", "--without", "--jobs", "--out", "--json",
    },
    "corpus": set(),
}  # fmt: skip
CODES = {
    "SeptetError": 1, "UsageError": 2, "SourceError": 1, "InputError": 1, "SchemaError": 1, "IntegrityError": 1,
    "ConflictError": 1,
    "RefusedError": 3, "UnavailableError": 4, "LlmError": 4, "RegressionError": 5, "DriftError": 6,
    "ChainError": 5, "StaleError": 1, "StoreError": 1, "FullError": 1, "BusyError": 1, "DamagedError": 1,
}  # fmt: skip


def command_of(verb: str) -> click.Command:
    found = septet.get_command(click.Context(septet), verb)
    assert found is not None
    return found


def test_the_package_has_these_names() -> None:
    assert set(agent.__all__) == NAMES == set(dir(agent))
    assert agent.draft is importlib.import_module("agent.pipeline").draft
    assert agent.load_draft is importlib.import_module("agent.report.draft_json").load
    for name in NAMES:
        assert getattr(agent, name).__doc__
    with pytest.raises(AttributeError, match="nonsense"):
        _ = agent.nonsense


def test_the_verbs_are_these() -> None:
    assert [*VERBS, *EVAL_VERBS] == list(OPTIONS) == septet.list_commands(click.Context(septet))
    assert septet.get_command(click.Context(septet), "nonsense") is None


@pytest.mark.parametrize("verb", OPTIONS)
def test_options_keep_their_names(verb: str) -> None:
    options = {name for p in command_of(verb).params if isinstance(p, click.Option) for name in p.opts}
    assert options == OPTIONS[verb]


def test_exit_codes_are_on_the_classes() -> None:
    found = {
        name: kind.exit_code
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.SeptetError)
    }
    assert found == CODES


def test_importing_the_package_and_help_load_nothing_heavy() -> None:
    code = (
        "import sys, agent, agent.cli\n"
        "try: agent.cli.main(['--help'])\n"
        "except SystemExit as stop: assert stop.code == 0, stop.code\n"
        "heavy = {'numpy', 'pydantic', 'chromadb', 'langchain', 'wordllama', 'trafilatura', 'openai', 'yaml'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Verbs" in done.stdout
