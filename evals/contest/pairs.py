"""Build blind pairs: two drafts of one product under neutral names, in an order that no judge can guess.

Of Septet's report, a judge sees the first two pages (the part above the rule) and the quotes for their reference marks
(the part right below the rule). The plain draft is shown in full. All titles get the same form, and text that reveals
the drafter or the review state is removed.
"""

import csv
import hashlib
import random
import re
import shutil
from collections.abc import Mapping, Sequence
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Final, NamedTuple

from agent.errors import InputError, SourceError
from agent.taxonomy.kinds import KINDS, ProductKind
from evals.contest.judge_sheets import LETTERS, PairKey, Side, empty_pair
from evals.real.readings import listing_of

PRODUCTS: Final = Path(__file__).with_name("products.tsv")
JUDGE: Final = Path(__file__).with_name("judge.md")
PLAIN_PROMPT: Final = Path(__file__).with_name("plain_prompt.md")
RULE: Final = "---"
QUOTES: Final = "## Quotes behind the marks"
_FENCE: Final = "```"
_TELLS: Final = re.compile(r"^read:|draft|reviewed", re.IGNORECASE)
"""The parts of Septet's status line that reveal the drafter, the review state, or what was read and when."""
_NAME: Final = "septet"
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+")


class Product(NamedTuple):
    """One product of the contest."""

    slug: str
    kind: ProductKind
    has_reading: bool
    sha256: str
    """SHA-256 of the listing to draft."""


class Drafts(NamedTuple):
    """The two drafts of one product, as written."""

    septet: str
    plain: str


def products(path: Path = PRODUCTS) -> tuple[Product, ...]:
    """Load the products of the contest, sorted. Raises InputError for an unknown kind."""
    found = []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            kind = next((kind for kind in KINDS if kind == row["kind"]), None)
            if kind is None:
                raise InputError(f"{row['kind']!r} is not a kind", where=f"{path.name}: {row['slug']}")
            found.append(Product(row["slug"], kind, row["reading"] == "yes", row["sha256"]))
    return tuple(sorted(found))


def listing(texts: Path, product: Product) -> Path:
    """Return the path of a product's listing. Raises InputError when its hash differs from the contest's."""
    path = listing_of(texts, product.slug)
    if hashlib.sha256(path.read_bytes()).hexdigest() != product.sha256:
        raise InputError("the listing differs from the one in products.tsv", where=str(path))
    return path


def plain_prompt(texts: Path, product: Product) -> str:
    """Return the plain drafter's input: the prompt, then the listing between tags."""
    text = listing(texts, product).read_text("utf-8")
    return f"{PLAIN_PROMPT.read_text('utf-8')}\n<listing>\n{text}\n</listing>\n"


def two_pages(markdown: str) -> str:
    """Return the part of a report above the first rule outside code, and the quotes for its reference marks.

    Raises InputError for a report without a rule.
    """
    in_code = False
    lines = markdown.split("\n")
    for number, line in enumerate(lines):
        if line.startswith(_FENCE):
            in_code = not in_code
        if line.strip() == RULE and not in_code and number:
            quotes = dropwhile(lambda line: line != QUOTES, lines[number:])
            shown = takewhile(lambda line: line == QUOTES or not line.startswith("## "), quotes)
            return "\n".join([*lines[:number], *shown]).rstrip() + "\n"
    raise InputError("the report has no rule after its first two pages", where="the draft")


def neutral(markdown: str, name: str) -> str:
    """Give a draft a neutral title, and remove text that reveals its drafter. `name` is the name of the product."""
    lines = markdown.strip().split("\n")
    heads = [n for n, line in enumerate(lines) if line.startswith("#")]
    kept = [f"# {name}: threat model"]

    def names_the_tool(said: str) -> bool:
        return _NAME in said.casefold().replace(name.casefold(), "")

    for line in lines[heads[0] + 1 :] if heads else lines:
        said = line
        if names_the_tool(line):
            said = " ".join(sentence for sentence in _SENTENCE_END.split(line) if not names_the_tool(sentence))
            if not said:
                continue
        if " · " in said and "not reviewed" in said.casefold():
            said = " · ".join(part for part in said.split(" · ") if not _TELLS.search(part))
        kept.append(said)
    return "\n".join(kept).rstrip() + "\n"


def arranged(
    drafts: Mapping[str, Drafts], known: Sequence[Product], *, judges: int, seed: int, names: Mapping[str, str]
) -> list[tuple[PairKey, tuple[str, str]]]:
    """Return every pair of every judge with its two texts, A first.

    Each judge gets a different order of products and letters. Over all pairs of a judge, Septet is A as often as B,
    give or take one. The same seed gives the same pairs.
    """
    wanted = [product for product in known if product.slug in drafts]
    made = []
    for number in range(1, judges + 1):
        dice = random.Random(f"{seed}:{number}")
        order = dice.sample(wanted, len(wanted))
        firsts: list[Side] = ["septet" if n % 2 == (number % 2) else "plain" for n in range(len(order))]
        dice.shuffle(firsts)
        for place, (product, first) in enumerate(zip(order, firsts, strict=True), start=1):
            name, written = names.get(product.slug, product.slug), drafts[product.slug]
            second: Side = "plain" if first == "septet" else "septet"
            both: dict[Side, str] = {"septet": two_pages(written.septet), "plain": written.plain}
            texts = neutral(both[first], name), neutral(both[second], name)
            key = PairKey(
                pair=f"P{place:02d}",
                judge=f"judge-{number}",
                slug=product.slug,
                kind=product.kind,
                A=first,
                B=second,
                words={letter: len(text.split()) for letter, text in zip(LETTERS, texts, strict=True)},
            )
            made.append((key, texts))
    return made


def write_pairs(
    made: Sequence[tuple[PairKey, tuple[str, str]]], out: Path, texts: Path, known: Sequence[Product]
) -> None:
    """Write each judge's folder without the key: out/judge-1/P01/A.md, B.md, listing, sheet.json.

    Raises SourceError if a pair's folder already exists.
    """
    by_slug = {product.slug: product for product in known}
    for key, (a, b) in made:
        place = out / key.judge / key.pair
        if place.exists():
            raise SourceError("this folder already exists", where=str(place), hint="specify a new one with --out")
        place.mkdir(parents=True)
        (place / "A.md").write_text(a, "utf-8")
        (place / "B.md").write_text(b, "utf-8")
        (place / "sheet.json").write_text(empty_pair(key.pair, key.judge), "utf-8")
        source = listing(texts, by_slug[key.slug])
        shutil.copyfile(source, place / f"listing{source.suffix}")
        shutil.copyfile(JUDGE, out / key.judge / JUDGE.name)
