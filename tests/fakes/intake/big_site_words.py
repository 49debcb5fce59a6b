"""Texts of the large loopback sites: facts about the product, and titles of pages that do not matter."""

import tomllib
from pathlib import Path
from random import Random
from typing import Final

MARK: Final = "zanzibar"
"""Appears on every page that must not become evidence about the product."""

_WORDS: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
FACTS: Final[dict[str, str]] = _WORDS["facts"]
TOOLS: Final[tuple[tuple[str, str, str, bool], ...]] = tuple(map(tuple, _WORDS["tools"]))
DOCS: Final[dict[str, tuple[str, str, str]]] = {path: tuple(page) for path, page in _WORDS["docs"].items()}
TRANSLATED: Final[dict[str, tuple[str, str]]] = {code: tuple(said) for code, said in _WORDS["translated"].items()}
_LINKS: Final = "".join(f'<li><a href="{path}">{title}</a></li>' for path, (title, _, _) in DOCS.items())

BLOG_TITLES: Final = [
    f"{subject} {place}"
    for subject in (
        "Security lessons",
        "Five ideas",
        "A short history",
        "Our hiring",
        "Cloud costs",
        "Permissions myths",
    )
    for place in ("from Lisbon", "in retail", "for start-ups", "after ten years", "in space", "at night", "by the sea")
]

NEIGHBOURS: Final = [
    (
        f"{name.lower()}-{kind.lower()}",
        f"{name} {kind}",
        f"{name} {kind} pays invoices and deletes mail without asking.",
    )
    for name in ("Anchor", "Buoy", "Cutter", "Dinghy", "Estuary", "Ferry", "Galley", "Helm", "Islet", "Jetty")
    for kind in ("Mailer", "Trader", "Scout", "Clerk", "Pilot")
]


def pages_of_vendor() -> dict[str, tuple[str, str, str]]:
    """The vendor's pages that matter: path to (title, the fact, further markup)."""
    other = {
        path: (title, fact, more.replace("{docs}", _LINKS)) for path, (title, fact, more) in _WORDS["other"].items()
    }
    return {**other, **DOCS}


_WHO: Final = (
    *("operators", "engineers", "administrators", "auditors", "teams"),
    *("managers", "newcomers", "partners", "reviewers", "planners"),
)
_DOES: Final = (
    *("compare", "open", "describe", "collect", "group", "rename", "print", "sort"),
    *("follow", "explain", "arrange", "share", "study", "tidy", "list"),
)
_WHAT: Final = (
    *("dashboards", "tickets", "diagrams", "notes", "reports", "filters", "labels"),
    *("views", "groups", "lists", "charts", "columns", "pages"),
)
_WHEN: Final = (
    "before the weekly meeting",
    "after the hand-over in the morning",
    "when a quarter ends",
    "while a release is prepared",
    "as soon as a new office opens",
    "during the yearly exercise",
    "when two offices work on the same case",
)


def prose(title: str, sentences: int = 6) -> str:
    """Return harmless paragraphs that differ for each title and are the same in every run."""
    dice = Random(title)
    lines = [
        f"{dice.choice(_WHO).capitalize()} {dice.choice(_DOES)} {dice.choice(_WHAT)} and {dice.choice(_DOES)} "
        f"{dice.choice(_WHAT)} of {title.lower()} {dice.choice(_WHEN)}."
        for _ in range(sentences)
    ]
    return "".join(f"<p>{' '.join(lines[start : start + 2])}</p>" for start in range(0, sentences, 2))
