"""Documentation folders of real products, if available: third parties' texts, not part of the project."""

import csv
import hashlib
import re
from html import unescape
from pathlib import Path
from typing import Final

from tests.fakes.intake.docs_site import Doc, markdown
from tests.fakes.site import Answer

_TITLE: Final = re.compile(r"<title>([^<]*)</title>")
_FRONT_TITLE: Final = re.compile(r"^title:\s*[\"']?([^\"'\n]+)", re.MULTILINE)
_HEADING: Final = re.compile(r"^# +(.+)$", re.MULTILINE)
_FRONT: Final = 600


def folder(root: Path, name: str, *, raw: bool = False) -> list[Doc]:
    """Return the pages of the folder `name` below `root`, in the order of their files, at the paths of their sources.

    Markdown is rendered, or served as written if `raw`; HTML is served as published.
    """
    with (root / "sources.tsv").open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        paths = {row["sha256"]: row["path"] for row in rows if row["slug"] == name}
    found = []
    for file in sorted((root / "listings" / name / "docs").iterdir()):
        body = file.read_bytes()
        path = "/" + paths[hashlib.sha256(body).hexdigest()]
        if file.suffix == ".html":
            title = _TITLE.search(body.decode("utf-8", "replace"))
            words = unescape(title[1]).partition(" - ")[0].partition(" — ")[0].strip() if title else ""
            found.append(Doc(served(path), words or served(path), Answer(body)))
        else:
            text = body.decode("utf-8", "replace")
            title = _FRONT_TITLE.search(text[:_FRONT]) or _HEADING.search(text)
            found.append(markdown(path, title[1].strip() if title else file.stem, text, raw=raw))
    return found


def served(path: str) -> str:
    """Return the address of a source: an index file is served as its folder, Markdown without its suffix."""
    bare = path.removesuffix("index.html")
    return bare.rpartition(".")[0] if bare.endswith((".md", ".mdx")) else bare
