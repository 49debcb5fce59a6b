"""Measure how often intake finds the right product name: `python -m evals.real.product_names LISTINGS GOLD`.

LISTINGS has a folder for each product with `README.md`, `SKILL.md`, `listing.md` or `page.html`. GOLD is a folder of
readings (`<slug>.json` with `product.name` and `product.accepted_names`) or a table of `slug<TAB>name|other name`.
Names are compared by their letters and digits in lower case. The output has counts and, for each wrong name, the part
of the page that it came from. It contains no page text, so that held-out pages stay unread.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from agent.errors import SeptetError, UsageError
from agent.intake.capture import read_remembered
from agent.settings import Settings
from evals.real.readings import plain_name
from evals.script import run_script

_FILES: Final = ("README.md", "SKILL.md", "listing.md", "page.html")
_NOW: Final = "2026-01-01T00:00:00Z"


def load_gold(place: Path) -> dict[str, frozenset[str]]:
    """Load the accepted names by slug, normalised by `plain_name`, from a folder of readings or a table."""
    if place.is_dir():
        products = {path.stem: json.loads(path.read_text("utf-8"))["product"] for path in sorted(place.glob("*.json"))}
        rows = [(slug, [one["name"], *one.get("accepted_names", [])]) for slug, one in products.items()]
    else:
        lines = [line.split("\t") for line in place.read_text("utf-8").splitlines() if line.strip()]
        rows = [(slug, accepted.split("|")) for slug, accepted, *_ in lines]
    return {slug: frozenset(map(plain_name, names)) for slug, names in rows}


def main(arguments: Sequence[str]) -> None:
    """Print how many names are right, and the sources of the wrong names."""
    if len(arguments) != 2:  # noqa: PLR2004
        raise UsageError("two folders are needed", hint="python -m evals.real.product_names LISTINGS GOLD")
    count, wrong = 0, Counter[str]()
    for slug, accepted in load_gold(Path(arguments[1])).items():
        listing = next((file for name in _FILES if (file := Path(arguments[0]) / slug / name).is_file()), None)
        if listing is None:
            continue
        count += 1
        try:
            intake = read_remembered([str(listing)], Settings(), now=_NOW).result.intake
        except SeptetError as error:
            wrong[f"error: {error.what}"] += 1
            continue
        if plain_name(intake.product) not in accepted:
            wrong[intake.naming.partition(",")[0].partition(";")[0]] += 1
    right = count - wrong.total()
    click.echo(f"file: {right} of {count} names right" + (f" ({right / count:.1%})" if count else ""))
    for source, many in wrong.most_common():
        click.echo(f"  {many} wrong: {source or 'no source for the name'}")


if __name__ == "__main__":
    run_script(main)
