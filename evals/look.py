"""Compare an old draft with the current one: `python -m evals.look CASE [--against COMMIT|FOLDER]`.

CASE is a slug of `corpus/cases` or a path. The old draft uses the code, prompts and knowledge of a commit (default:
HEAD, to show the effect of uncommitted work) or of another checkout. Prints a line diff of the two reports, or nothing
if they are the same. As with `diff`, the exit status is 1 if they differ.
"""

import argparse
import difflib
import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from agent.errors import InputError
from evals.script import run_script

ROOT: Final = Path(__file__).resolve().parents[1]
_PARTS: Final = ("agent", "prompts", "corpus/knowledge")
_CONTEXT: Final = 1
_DRAFT: Final = (
    "import sys; from agent import Settings, draft; "
    "sys.stdout.write(draft([sys.argv[1]], settings=Settings(), now='2026-11-24T12:00:00Z').markdown)"
)
"""Script that drafts with a fixed time, so that the same code always gives the same draft."""


def difference(source: Path, before: Path, after: Path = ROOT) -> list[str]:
    """Draft `source` with two checkouts and return the diff lines of the reports; empty if the reports are the same."""
    old, new = (_report(source, checkout) for checkout in (before, after))
    return list(difflib.unified_diff(old, new, "before", "after", lineterm="", n=_CONTEXT))


def _report(source: Path, checkout: Path) -> list[str]:
    # Run in the checkout, since `python -c` looks for packages in the current folder first.
    command = [sys.executable, "-c", _DRAFT, str(source)]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError("a draft failed", where=f"the code in {checkout}", hint=done.stderr.strip())
    return done.stdout.splitlines()


@contextmanager
def checkout_of(against: str) -> Iterator[Path]:
    """Yield the folder that `against` names or, if it names a commit, a temporary copy of the files of that commit that
    a draft needs.

    Raises InputError when `against` is neither.
    """
    if Path(against).is_dir():
        yield Path(against).resolve()
        return
    packed = subprocess.run(["git", "archive", against, *_PARTS], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        raise InputError("neither a folder nor a commit", where=against, hint=packed.stderr.decode().strip())
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fileobj=io.BytesIO(packed.stdout)) as files:
        files.extractall(folder, filter="data")
        yield Path(folder)


def main(arguments: Sequence[str]) -> None:
    """Print the difference and exit with status 1 if there is one."""
    parser = argparse.ArgumentParser(prog="python -m evals.look", description="old draft against new")
    parser.add_argument("case")
    parser.add_argument("--against", default="HEAD")
    asked = parser.parse_args(arguments)
    bundled = ROOT / "corpus" / "cases" / asked.case
    with checkout_of(asked.against) as before:
        found = difference(bundled if bundled.is_dir() else Path(asked.case).resolve(), before)
    click.echo("\n".join(found), nl=bool(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    run_script(main)
