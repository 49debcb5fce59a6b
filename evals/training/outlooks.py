"""Write the embedded reader's probabilities for every case of the corpus, or for every listing in a folder.

`python -m evals.training.outlooks --out FILE [--listings FOLDER]` writes {slug: {chances, kinds, asserted}}, which is
used to fit constants. `--listings` reads the first page and the manifests of each subfolder instead of the cases.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.facts.readers.embedded import EmbeddedReader
from agent.pipeline import read_statements
from agent.records import Document
from agent.resources import data_folder
from evals.cases.corpus import load_case
from evals.cases.documents import documents_of
from evals.script import run_script
from evals.training.kind_heads import listing_documents


def main(arguments: Sequence[str]) -> None:
    """Read all cases or listings and write the file."""
    parser = argparse.ArgumentParser(prog="python -m evals.training.outlooks")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--listings", type=Path)
    parser.add_argument("--only", nargs="*", help="these slugs alone")
    asked = parser.parse_args(arguments)
    reader = EmbeddedReader()
    found = {}
    for slug, documents in _products(asked.listings):
        if asked.only and slug not in asked.only:
            continue
        statements = read_statements(documents)
        outlook = reader.outlook(documents, statements)
        proposals = reader.read(documents, statements)
        found[slug] = {
            "chances": outlook.chances,
            "kinds": outlook.kinds,
            "asserted": {proposal.key: proposal.polarity for proposal in proposals},
        }
    asked.out.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")


def _products(listings: Path | None) -> Iterator[tuple[str, tuple[Document, ...]]]:
    if listings is not None:
        for folder in sorted(path for path in listings.iterdir() if path.is_dir()):
            yield folder.name, listing_documents(folder)
        return
    for file in sorted((data_folder("corpus") / "cases").glob("*/case.yaml")):
        yield file.parent.name, documents_of(load_case(file.parent))


if __name__ == "__main__":
    run_script(main)
