"""Lint for references to published lists, which finds wrong ids, years and titles."""

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol

from agent.taxonomy import lists
from agent.taxonomy.lists import Entry, close_ids, entries, scheme, schemes

ProblemKind = Literal["unknown-scheme", "unknown-id", "no-year", "wrong-title", "confusable"]

_NO_YEAR: Final = re.compile(r"(?:LLM|MCP)[0-9]{2}")
_CLOSE: Final = 3


class Reference(Protocol):
    """The fields that the linter reads, such as those of `records.TaxonomyRef`."""

    @property
    def scheme(self) -> str:
        """Scheme id."""

    @property
    def id(self) -> str:
        """Id in the scheme."""

    @property
    def title(self) -> str:
        """Title as it will be printed."""


class Problem(NamedTuple):
    """A problem with a reference: why it is rejected, and a hint on how to fix it."""

    kind: ProblemKind
    scheme: str
    id: str
    title: str
    what: str
    hint: str


class _Confusable(NamedTuple):
    scheme: str
    id: str
    wrong_title: str
    why: str


class _Confusables(NamedTuple):
    titles: tuple[_Confusable, ...]
    relations: tuple[tuple[str, str], ...]


def lint(refs: Iterable[Reference]) -> tuple[Problem, ...]:
    """Return the problems of the references, in order; empty if all references are correct.

    Problems are an unknown scheme or id, an id without the year that its list needs, a title that differs from the
    list's own, and a title that published material is known to confuse with that of the id.
    """
    return tuple(problem for ref in refs if (problem := _problem(ref)) is not None)


def is_refused_relation(first: str, second: str) -> bool:
    """Return whether linking these two ids is a known mistake in published crosswalks."""
    return (first, second) in _confusables().relations or (second, first) in _confusables().relations


def _problem(ref: Reference) -> Problem | None:
    def refuse(kind: ProblemKind, what: str, hint: str) -> Problem:
        return Problem(kind, ref.scheme, ref.id, ref.title, what, hint)

    if _NO_YEAR.fullmatch(ref.id):
        with_year = [f"{s} {e.id} {e.title}" for s in schemes() for e in entries(s) if e.id.startswith(f"{ref.id}:")]
        return refuse("no-year", f"{ref.id} has no year", "add the year: " + "; ".join(with_year))
    if ref.scheme not in schemes():
        return refuse("unknown-scheme", f"unknown scheme {ref.scheme!r}", "the schemes are " + ", ".join(schemes()))
    entry = scheme(ref.scheme).entries.get(ref.id)
    if entry is None:
        return refuse("unknown-id", f"{ref.scheme} has no id {ref.id!r}", close_ids(ref.scheme, ref.id))
    if ref.title in (entry.title, *entry.accepted):
        return None
    right = f"{ref.id} is {entry.title!r}"
    for known in _confusables().titles:
        if (known.scheme, known.id) == (ref.scheme, ref.id) and _same(known.wrong_title, ref.title):
            return refuse("confusable", f"{ref.title!r} is not {ref.scheme} {ref.id}", f"{right}; {known.why}")
    owners = [f"{s} {e.id}" for s in schemes() for e in entries(s) if any(_same(ref.title, t) for t in _titles(e))]
    elsewhere = f"; {ref.title!r} is {', '.join(owners[:_CLOSE])}" if owners else ""
    renumbered = ref.scheme.startswith("owasp-llm-") and any(owner.startswith("owasp-llm-") for owner in owners)
    kind: ProblemKind = "confusable" if renumbered else "wrong-title"
    return refuse(kind, f"{ref.title!r} is not the title of {ref.scheme} {ref.id}", right + elsewhere)


def _titles(entry: Entry) -> tuple[str, ...]:
    return (entry.title, *entry.accepted, *entry.also_called)


def _same(first: str, second: str) -> bool:
    return first.casefold().replace("&", "and") == second.casefold().replace("&", "and")


@cache
def _confusables() -> _Confusables:
    raw = json.loads((Path(lists.__file__).parent / "confusables.json").read_text("utf-8"))
    return _Confusables(
        titles=tuple(
            _Confusable(row["scheme"], row["id"], row["wrong_title"], row.get("why") or f"seen in {row['seen_in']}")
            for row in raw["titles"]
        ),
        relations=tuple((row["ids"][0], row["ids"][1]) for row in raw["relations"]),
    )
