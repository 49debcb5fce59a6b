"""README and CONTRIBUTING match the code: tables, session, figures, commands, links."""

import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

from agent.cli import EVAL_VERBS, VERBS
from agent.settings import SETTINGS, load_settings
from evals import readme
from tests.fakes.command import Septet
from tests.places import ROOT

README = (ROOT / "README.md").read_text("utf-8")
DOCS = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.S | re.M)


@pytest.mark.parametrize("name", readme.PARTS)
def test_a_written_part_is_current(name: str) -> None:
    assert readme.PARTS[name].written(name) == readme.PARTS[name].make(), "run `python -m evals.readme`"


def test_the_session_shows_a_score_and_a_withheld_one() -> None:
    rich, thin = blocks(README, "text")
    assert rich.startswith(f"$ septet draft corpus/cases/{readme.CASE}\n# ")
    assert len(rich.splitlines()) == 1 + readme.RICH_LINES
    assert re.search(r"^## (Critical|High|Medium|Low) \d+\.\d before controls", rich, re.M)
    assert re.search(r"^## Not scored", thin, re.M)


def test_every_setting_is_in_its_table_and_can_be_set() -> None:
    table = DOCS["settings.md"]
    for setting in SETTINGS.values():
        variable = f"SEPTET_{setting.name.upper()}"
        assert f"`{variable}`" in table
        given = setting.choices[-1] if setting.choices else "7"
        assert getattr(load_settings({variable: given}), setting.name) in (7, given)


def test_every_verb_is_in_readme_and_in_help(septet: Septet) -> None:
    said = septet("--help").out
    for name, text in (VERBS | EVAL_VERBS).items():
        assert f"| `septet {name}` | {text} |" in README.splitlines()
        assert f"  {name} " in said
    assert README.count("| `septet ") == len(VERBS) + len(EVAL_VERBS)


def test_the_figures_are_within_what_was_promised() -> None:
    found = readme.figures()
    assert {name.rpartition("/")[2] for name in found} == {"cases", *readme.KEPT}
    median = readme.OTHERS[0]
    assert median.published is not None
    assert found["factor_mae_published"] < median.published
    assert found["citation_validity"] == 1.0


def test_the_test_command_is_the_block_behind_its_marker() -> None:
    before, _, after = README.partition("<!-- test command -->\n")
    assert before
    assert after.startswith("```sh\n")
    command = blocks(after, "sh")[0].splitlines()
    assert command == ["pip install -c constraints.txt '.[test]'", "python -m pytest -n 2 --dist loadfile"]
    assert len(blocks(README, "sh")) == 2


def test_the_drafting_command_names_a_bundled_case() -> None:
    source = blocks(README, "sh")[0].splitlines()[-1].split()[-1]
    assert (ROOT / source / "listing.md").is_file()


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(blocks(README, "python")[0], "README.md", "exec"), {})
    assert re.fullmatch(r"\d+\.\d (Critical|High|Medium|Low)\n", capsys.readouterr().out)


@pytest.mark.parametrize("file", ["README.md", "CONTRIBUTING.md", *(f"docs/{name}" for name in DOCS)])
def test_links_and_paths_lead_somewhere(file: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    named = re.findall(r"`((?:agent|evals|tests|corpus|prompts|\.ci)/[\w./-]+)`", text)
    for place in (*((ROOT / file).parent / link for link in links), *(ROOT / path for path in named)):
        assert place.exists(), place


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= 250


def test_the_test_extra_holds_what_the_default_run_imports() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    held = {re.split(r"[<>=\[ ]", line)[0].lower().replace("-", "_") for line in data["dependencies"]}
    held |= {re.split(r"[<>=\[ ]", line)[0].lower().replace("-", "_") for line in data["optional-dependencies"]["test"]}
    aliases = {
        "yaml": "pyyaml",
        "langchain_core": "langchain",
        "langsmith": "langchain",
        "markdown_it": "markdown_it_py",
        "docx": "python_docx",
    }
    ours = {"agent", "evals", "tests", "tests_store"}
    used: set[str] = set()
    for path in (ROOT / "tests").rglob("*.py"):
        for line in re.findall(r"^(?:from|import) (\w+)", path.read_text("utf-8"), re.M):
            if line not in sys.stdlib_module_names and line not in ours:
                used.add(aliases.get(line, line))
    assert used <= held, used - held


def test_the_changelog_begins_with_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    found = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert found is not None
    assert found.group(1) == version


def test_import_vectors_are_cases(septet: Septet, tmp_path: Path) -> None:
    lines = (ROOT / "tests" / "vectors" / "import.jsonl").read_text("utf-8").splitlines()
    outcome = septet("corpus", "import", ROOT / "tests" / "vectors" / "import.jsonl", "--out", tmp_path / "cases")
    assert outcome.code == 0, outcome.err
    assert {path.name for path in (tmp_path / "cases").iterdir()} == {json.loads(line)["slug"] for line in lines}
