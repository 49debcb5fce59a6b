"""House rules that no linter checks: sizes, file names, no untyped dictionaries across packages, no mocks."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.places import ROOT

MAX_FILE = 700
MAX_FUNCTION = 60
BANNED_FILES = {"utils", "helpers", "common", "misc", "util", "helper"}
MAY_BE_BROAD = {"agent/cli/command.py"}


@cache
def product() -> tuple[Path, ...]:
    return tuple(sorted(p for room in ("agent", "evals") for p in (ROOT / room).rglob("*.py")))


@cache
def suite() -> tuple[Path, ...]:
    return tuple(sorted((ROOT / "tests").rglob("*.py")))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def names(hint: ast.expr) -> set[str]:
    """Return the names in an annotation, including quoted ones."""
    found = {node.id for node in ast.walk(hint) if isinstance(node, ast.Name)}
    quoted = [node.value for node in ast.walk(hint) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return found | {word for text in quoted for word in re.findall(r"\w+", text)}


@pytest.mark.slow
def test_files_and_functions_keep_their_size() -> None:
    long = [f"{name(p)}: {n} lines" for p in product() if (n := len(p.read_text("utf-8").splitlines())) > MAX_FILE]
    for path in product():
        for node in functions(path):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > MAX_FUNCTION:
                long.append(f"{name(path)}: {node.name} has {length} lines")
    assert long == []


def test_names_of_files_say_what_is_inside() -> None:
    assert [name(p) for p in product() if p.stem in BANNED_FILES or p.parent.name in BANNED_FILES] == []


def test_no_room_hands_out_untyped_dictionaries() -> None:
    """Clients of untyped libraries may be `Any` where they are used; our own code may not."""
    hints = [
        (name(path), ast.unparse(hint))
        for path in product()
        for node in functions(path)
        for hint in [*(a.annotation for a in (*node.args.args, *node.args.kwonlyargs)), node.returns]
        if hint is not None and names(hint) & {"Any"}
    ]
    hints += [
        (name(path), ast.unparse(node.annotation))
        for path in product()
        if "records" in path.parts
        for node in ast.walk(tree(path))
        if isinstance(node, ast.AnnAssign) and names(node.annotation) & {"Any", "object"}
    ]
    assert [where for where, hint in hints if hint != "Any" or not where.startswith("agent/retrieval/")] == []


def test_only_the_command_line_catches_everything() -> None:
    broad = [
        name(path)
        for path in product()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or re.search(r"\b(Base)?Exception\b", ast.unparse(node.type)))
    ]
    assert set(broad) <= MAY_BE_BROAD


def test_only_the_edge_prints_or_exits() -> None:
    calls = [
        f"{name(path)}:{node.lineno}"
        for path in product()
        if not name(path).startswith(("agent/cli/", "agent/intake/extract/parse_child.py", "evals/"))
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "sys.exit", "click.echo", "exit", "quit"}
    ]
    assert calls == []


@pytest.mark.slow
def test_nothing_is_mocked() -> None:
    mocked = [
        f"{name(path)}:{node.lineno}"
        for path in suite()
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Import) and any("mock" in a.name for a in node.names))
        or (isinstance(node, ast.ImportFrom) and "mock" in f"{node.module} {[a.name for a in node.names]}")
        or (isinstance(node, ast.Call) and ast.unparse(node.func) == "monkeypatch.setattr")
    ]
    assert mocked == []


@pytest.mark.parametrize("folder", ["agent", "evals", "prompts", "corpus/knowledge", "tests", ".ci"])
def test_texts_hold_no_place_of_one_machine(folder: str) -> None:
    # The pattern is assembled here, so that this file does not match it.
    places = re.compile(r"(?<![\w.:])/(?:" + "|".join(("work", "home/\\w", "root", "opt/sv")) + r")/")
    found = [
        f"{name(path)}: {match.group()}"
        for path in sorted((ROOT / folder).rglob("*"))
        if path.is_file() and path.suffix in {".py", ".md", ".yaml", ".json", ".txt", ".jsonl", ""}
        and "__pycache__" not in path.parts
        for match in places.finditer(path.read_text("utf-8", errors="replace"))
    ]  # fmt: skip
    assert found == []


def test_every_module_says_what_it_is() -> None:
    assert [name(p) for p in product() if not ast.get_docstring(tree(p))] == []
