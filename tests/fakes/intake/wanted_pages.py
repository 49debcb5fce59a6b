"""The pages that an expert would read first for a threat model in documentation folders of real products.

Paths are those of the folders' list of sources. A page that occurs twice (in two renderings, or as two pages on one
subject of which one is enough) has all its paths. The pages were chosen by titles and headings before any crawl of the
folder; the rules of the crawl were developed on the folders of the first half and measured on those of the second.
"""

import tomllib
from pathlib import Path
from typing import Final, NamedTuple


class Wanted(NamedTuple):
    """A wanted page: its topic, and its paths, of which one is enough."""

    topic: str
    paths: tuple[str, ...]


def _wanted(half: str) -> dict[str, tuple[Wanted, ...]]:
    folders = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))[half]
    return {name: tuple(Wanted(topic, tuple(paths)) for topic, *paths in rows) for name, rows in folders.items()}


DEVELOPED: Final = _wanted("developed")
COUNTED: Final = _wanted("counted")
