"""Measure how often the right product name is read: `python -m evals.real.product_names LISTINGS GOLD`.

LISTINGS has a folder for each product with `README.md`, `SKILL.md`, `listing.md` or `page.html`. GOLD is a folder of
readings (`<slug>.json` with `product.name` and `product.accepted_names`) or a table of `slug<TAB>name|other name`.
Names are compared by their letters and digits in lower case. The output has counts and, for wrong names, the part of
the page that supplied the name. It contains no page text, so that held-out pages stay unread.

`--given` says how a listing is passed to intake: as its `file` in place, as its `folder`, `bare` (as `a.md` in a
folder with an uninformative name), or as the `html` that a code host renders from its Markdown, also bare.
"""

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

from markdown_it import MarkdownIt

from agent.errors import SeptetError
from agent.intake import read
from agent.settings import Settings

Given = Literal["file", "folder", "bare", "html"]
_FILES: Final = ("README.md", "SKILL.md", "listing.md", "page.html")
_NOW: Final = "2026-01-01T00:00:00Z"
_PAGE: Final = "<!doctype html><html><head><meta charset=utf-8></head><body><main>{}</main></body></html>"


class Outcome(NamedTuple):
    """Whether one product's name was read correctly, and its source."""

    slug: str
    right: bool
    source: str
    """The part of the page that supplied the name, or the error that prevented reading."""


def key(name: str) -> str:
    """Normalise a name to its letters and digits in lower case."""
    return "".join(character for character in name.lower() if character.isalnum())


def load_gold(place: Path) -> dict[str, frozenset[str]]:
    """Load the accepted names by slug, normalised by `key`, from a folder of readings or a table."""
    if place.is_dir():
        found = {path.stem: json.loads(path.read_text("utf-8"))["product"] for path in sorted(place.glob("*.json"))}
        return {
            slug: frozenset(map(key, [product["name"], *product.get("accepted_names", [])]))
            for slug, product in found.items()
        }
    rows = [line.split("\t") for line in place.read_text("utf-8").splitlines() if line.strip()]
    return {slug: frozenset(map(key, accepted.split("|"))) for slug, accepted, *_ in rows}


def name_listing(folder: Path, given: Given) -> tuple[str, str]:
    """Return the product name read from the listing in `folder`, and its source. Raises SeptetError as `read` does."""
    if given == "folder":
        return _named(folder)
    listing = next(folder / name for name in _FILES if (folder / name).is_file())
    if given == "file":
        return _named(listing)
    with tempfile.TemporaryDirectory(prefix="tmp") as place:
        suffix = listing.suffix
        body = listing.read_bytes()
        if given == "html" and suffix == ".md":
            renderer = MarkdownIt("commonmark", {"html": True}).enable("table")
            text = body.decode("utf-8", "replace")
            body, suffix = _PAGE.format(renderer.render(_without_front(text))).encode(), ".html"
        inner = Path(place) / "x"
        inner.mkdir()
        (inner / f"a{suffix}").write_bytes(body)
        return _named(inner / f"a{suffix}")


def measure(listings: Path, gold: Mapping[str, frozenset[str]], given: Given) -> list[Outcome]:
    """Return the outcome for each product of `gold` with a listing, in the order of `gold`."""
    outcomes: list[Outcome] = []
    for slug, accepted in gold.items():
        folder = listings / slug
        if not any((folder / name).is_file() for name in _FILES):
            continue
        try:
            name, why = name_listing(folder, given)
        except SeptetError as error:
            outcomes.append(Outcome(slug, False, f"error: {error.what}"))
            continue
        outcomes.append(Outcome(slug, key(name) in accepted, why.partition(",")[0].partition(";")[0]))
    return outcomes


def _named(source: Path) -> tuple[str, str]:
    intake = read([str(source)], Settings(), now=_NOW).intake
    return intake.product, intake.naming


def _without_front(text: str) -> str:
    """Strip the front matter from Markdown, since a code host shows it as a table."""
    if not text.startswith("---\n"):
        return text
    return text.partition("\n---\n")[2] or text


def main(arguments: Sequence[str] | None = None) -> int:
    """Print how many names are right, and the sources of the wrong names. Always returns 0."""
    parser = argparse.ArgumentParser(prog="python -m evals.real.product_names", description=__doc__)
    parser.add_argument("listings", type=Path)
    parser.add_argument("gold", type=Path)
    parser.add_argument("--given", choices=get_args(Given), action="append")
    parser.add_argument("--only", type=Path, help="a file with one slug a line")
    parser.add_argument("--sample", type=int, default=0, help="take so many at random")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--slugs", action="store_true", help="name the products whose names are wrong")
    chosen = parser.parse_args(arguments)
    gold = load_gold(chosen.gold)
    if chosen.only:
        wanted = set(chosen.only.read_text("utf-8").split())
        gold = {slug: names for slug, names in gold.items() if slug in wanted}
    if chosen.sample:
        kept = random.Random(chosen.seed).sample(sorted(gold), min(chosen.sample, len(gold)))
        gold = {slug: gold[slug] for slug in sorted(kept)}
    for given in chosen.given or ["file"]:
        outcomes = measure(chosen.listings, gold, given)
        right = sum(outcome.right for outcome in outcomes)
        share = f" ({right / len(outcomes):.1%})" if outcomes else ""
        print(f"{given}: {right} of {len(outcomes)} names right{share}")
        wrong = Counter(outcome.source for outcome in outcomes if not outcome.right)
        for source, count in wrong.most_common():
            print(f"  {count} wrong: {source or 'nothing named it'}")
        if chosen.slugs:
            print("  " + " ".join(outcome.slug for outcome in outcomes if not outcome.right))
    return 0


if __name__ == "__main__":
    sys.exit(main())
