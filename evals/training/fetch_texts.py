"""Download the labelled texts that are missing: `python -m evals.training.fetch_texts FOLDER`.

A text is taken from its repository at the labelled commit, and kept only if its SHA-256 is the labelled one, at
FOLDER/listings/OWNER--NAME/PATH. Texts that are already under FOLDER are not downloaded again. The texts belong to
their publishers and are not part of this repository.
"""

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

import click
import httpx2

from agent.errors import SourceError
from evals.script import run_script
from evals.training.labels import BUNDLED, FOLDER, find_texts, rows_of

HOST: Final = "https://raw.githubusercontent.com"
SECONDS: Final = 30.0


def place_of(folder: Path, repository: str, path: str) -> Path:
    """Return the path under `folder` at which a repository's text is stored."""
    return folder / "listings" / repository.replace("/", "--").lower() / path


def fetch(folder: Path, host: str = HOST, labels: Path = FOLDER) -> tuple[int, list[str]]:
    """Download all missing texts of `labels` from `host`. Returns the number of texts written, and a line for each text
    left out, with its name and the reason. Raises SourceError when the host does not answer.
    """
    rows = [row for row in rows_of(labels / "texts.tsv") if not row["repository"].startswith(BUNDLED)]
    here = find_texts({row["sha256"] for row in rows}, [folder]) if folder.is_dir() else {}
    written, left = 0, []
    with httpx2.Client(timeout=SECONDS) as client:
        for row in rows:
            if row["sha256"] in here:
                continue
            name = f"{row['repository']}/{row['path']}"
            try:
                answer = client.get(f"{host}/{quote(row['repository'])}/{row['commit']}/{quote(row['path'])}")
            except httpx2.HTTPError as error:
                raise SourceError(
                    f"no answer: {error}", where=host, hint="run it again; existing files are kept"
                ) from None
            if answer.status_code != httpx2.codes.OK:
                left.append(f"{name}: status {answer.status_code}")
            elif hashlib.sha256(answer.content).hexdigest() != row["sha256"]:
                left.append(f"{name}: not the text that was labelled")
            else:
                place = place_of(folder, row["repository"], row["path"])
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(answer.content)
                written += 1
    return written, left


def main(arguments: Sequence[str]) -> None:
    """Download the missing texts, and list those that could not be downloaded."""
    parser = argparse.ArgumentParser(prog="python -m evals.training.fetch_texts")
    parser.add_argument("folder", type=Path, help="folder for the texts")
    parser.add_argument("--host", default=HOST, help="address of a server with the same paths")
    asked = parser.parse_args(arguments)
    written, left = fetch(asked.folder, asked.host)
    for line in left:
        click.echo(f"  left out: {line}")
    click.echo(f"{written} texts written, {len(left)} left out")


if __name__ == "__main__":
    run_script(main)
