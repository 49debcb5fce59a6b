"""The published lists: ids with titles, versions and sources, and a linter for references to them.

Each scheme is one JSON file beside this module, read when it is first asked for. A year is added by adding a file:
its name is the scheme's id. Ids and short titles are facts for tagging; no definition is copied.

    maestro         layers L1 to L7 and X, and the named threats (MAESTRO assigns them no ids; these are local)
    owasp-agentic   T1 to T17, Agentic AI Threats and Mitigations 1.1
    owasp-asi       ASI01 to ASI10, Top 10 for Agentic Applications 2026
    owasp-llm-2025, owasp-llm-2026   LLM01:2025 and so on; the numbers moved between the years
    owasp-mcp       MCP01:2025 to MCP10:2025, beta
    owasp-aivss     the ten core risks of AIVSS 0.8 (numbered there; these ids are local)
    stride          the six categories of STRIDE (local ids)
    mitre-atlas     all techniques of ATLAS 5.6.0; a sub-technique's title begins with its parent's
    cwe             the weaknesses that apply to agent products
"""

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol

from agent.errors import InputError

MappingStatus = Literal["official", "playbook", "derived", "curated", "none"]
"""Who ties an entry to layers or to other lists: the list's own publisher, the community MAESTRO playbook, a
computation from other mappings, this project's judgement, nobody."""
ProblemKind = Literal["unknown-scheme", "unknown-id", "no-year", "wrong-title", "confusable"]

_FOLDER: Final = Path(__file__).parent
_CONFUSABLES: Final = "confusables"
_NO_YEAR: Final = re.compile(r"(?:LLM|MCP)[0-9]{2}")
_CLOSE: Final = 3


class Related(NamedTuple):
    """Entries of another list that this one is tied to."""

    scheme: str
    ids: tuple[str, ...]
    status: MappingStatus


class Entry(NamedTuple):
    """One id of a published list."""

    scheme: str
    id: str
    title: str
    version: str
    """Of the list: a year, a number or a date."""
    source: str
    """Who publishes it and where."""
    layers: tuple[str, ...]
    """MAESTRO layer codes L1 to L7 and X (across layers), the closest first."""
    mapping: MappingStatus
    """Of `layers`."""
    accepted: tuple[str, ...] = ()
    """Other forms of the title that the list itself prints."""
    also_called: tuple[str, ...] = ()
    """Names that others give it; the linter refuses them."""
    parent: str | None = None
    related: tuple[Related, ...] = ()
    note: str | None = None


class Scheme(NamedTuple):
    """A published list as a whole."""

    id: str
    title: str
    version: str
    status: str
    """published or beta."""
    source: str
    licence: str | None
    entries: dict[str, Entry]
    """By id, in the list's order."""


class Reference(Protocol):
    """What the linter reads: `records.TaxonomyRef` is one."""

    @property
    def scheme(self) -> str:
        """Scheme id."""

    @property
    def id(self) -> str:
        """Id in the scheme."""

    @property
    def title(self) -> str:
        """Title as it is going to be printed."""


class Problem(NamedTuple):
    """Why a reference is refused."""

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


class _OtherList(NamedTuple):
    scheme: str
    ids: frozenset[str]
    name: str


class _Confusables(NamedTuple):
    titles: tuple[_Confusable, ...]
    other_lists: tuple[_OtherList, ...]
    relations: tuple[tuple[str, str], ...]


@cache
def schemes() -> tuple[str, ...]:
    """The ids of all schemes, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json") if path.stem != _CONFUSABLES))


@cache
def scheme(scheme_id: str) -> Scheme:
    """One list. Raises InputError naming the known ones when `scheme_id` is none of them."""
    if scheme_id not in schemes():
        raise InputError(
            f"unknown scheme {scheme_id!r}", where="scheme", hint="the schemes are " + ", ".join(schemes())
        )
    raw = json.loads((_FOLDER / f"{scheme_id}.json").read_text("utf-8"))
    where = raw["source"]
    source = f"{where['name']}, {where['where']}" + (f", commit {where['commit']}" if "commit" in where else "")
    found = [_entry(scheme_id, raw["version"], source, row) for row in raw["entries"]]
    return Scheme(
        id=scheme_id,
        title=raw["title"],
        version=raw["version"],
        status=raw["status"],
        source=source,
        licence=where.get("licence"),
        entries={entry.id: entry for entry in found},
    )


def entries(scheme_id: str) -> tuple[Entry, ...]:
    """All entries of a list in its order. Raises InputError for an unknown scheme."""
    return tuple(scheme(scheme_id).entries.values())


def lookup(scheme_id: str, entry_id: str) -> Entry:
    """The entry with this id. Raises InputError, naming close ids, when scheme or id is unknown."""
    found = scheme(scheme_id).entries.get(entry_id)
    if found is None:
        raise InputError(
            f"{scheme_id} has no id {entry_id!r}", where=f"{scheme_id} {entry_id}", hint=_hint(scheme_id, entry_id)
        )
    return found


def lint(refs: Iterable[Reference]) -> tuple[Problem, ...]:
    """What is wrong with each reference, in their order; empty when all are right.

    Refused: an unknown scheme or id, an id whose list needs a year without one, a title that is not the list's own,
    and the pairs that published material is known to confuse.
    """
    return tuple(problem for ref in refs if (problem := _problem(ref)) is not None)


def is_refused_relation(first: str, second: str) -> bool:
    """Whether tying these two ids together is a known mistake of published crosswalks."""
    return (first, second) in _confusables().relations or (second, first) in _confusables().relations


def _problem(ref: Reference) -> Problem | None:
    def refuse(kind: ProblemKind, what: str, hint: str) -> Problem:
        return Problem(kind, ref.scheme, ref.id, ref.title, what, hint)

    if _NO_YEAR.fullmatch(ref.id):
        with_year = [f"{s} {e.id} {e.title}" for s in schemes() for e in entries(s) if e.id.startswith(f"{ref.id}:")]
        return refuse("no-year", f"{ref.id} has no year", "write the year: " + "; ".join(with_year))
    if ref.scheme not in schemes():
        return refuse("unknown-scheme", f"unknown scheme {ref.scheme!r}", "the schemes are " + ", ".join(schemes()))
    entry = scheme(ref.scheme).entries.get(ref.id)
    if entry is None:
        return refuse("unknown-id", f"{ref.scheme} has no id {ref.id!r}", _hint(ref.scheme, ref.id))
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


def _hint(scheme_id: str, entry_id: str) -> str:
    for other in _confusables().other_lists:
        if other.scheme == scheme_id and entry_id in other.ids:
            return f"{entry_id} is a number of {other.name}"
    owners = [s for s in schemes() if entry_id in scheme(s).entries]
    if owners:
        return f"{entry_id} belongs to {', '.join(owners)}"
    from difflib import get_close_matches

    close = get_close_matches(entry_id, scheme(scheme_id).entries, n=_CLOSE)
    return "close ids: " + ", ".join(close) if close else f"see the entries of {scheme_id}"


def _titles(entry: Entry) -> tuple[str, ...]:
    return (entry.title, *entry.accepted, *entry.also_called)


def _same(first: str, second: str) -> bool:
    return first.casefold().replace("&", "and") == second.casefold().replace("&", "and")


def _entry(scheme_id: str, version: str, source: str, row: dict[str, object]) -> Entry:
    related = _rows(row, "related")
    note = row.get("note")
    parent = row.get("parent")
    return Entry(
        scheme=scheme_id,
        id=str(row["id"]),
        title=str(row["title"]),
        version=version,
        source=source,
        layers=_texts(row, "layers"),
        mapping=_status(row["mapping"]),
        accepted=_texts(row, "accepted"),
        also_called=_texts(row, "also_called"),
        parent=None if parent is None else str(parent),
        related=tuple(Related(str(r["scheme"]), _texts(r, "ids"), _status(r["status"])) for r in related),
        note=None if note is None else str(note),
    )


def _texts(row: dict[str, object], key: str) -> tuple[str, ...]:
    value = row.get(key, [])
    if not isinstance(value, list):
        raise InputError("not a list", where=f"{row.get('id')}: {key}", hint="correct the list's file")
    return tuple(str(item) for item in value)


def _rows(row: dict[str, object], key: str) -> list[dict[str, object]]:
    value = row.get(key, [])
    if not isinstance(value, list):
        raise InputError("not a list", where=f"{row.get('id')}: {key}", hint="correct the list's file")
    return value


def _status(value: object) -> MappingStatus:
    match value:
        case "official" | "playbook" | "derived" | "curated" | "none":
            return value
        case _:
            raise InputError(f"{value!r} is no mapping status", where="mapping", hint="correct the list's file")


@cache
def _confusables() -> _Confusables:
    raw = json.loads((_FOLDER / f"{_CONFUSABLES}.json").read_text("utf-8"))
    return _Confusables(
        titles=tuple(
            _Confusable(row["scheme"], row["id"], row["wrong_title"], row.get("why") or f"seen in {row['seen_in']}")
            for row in raw["titles"]
        ),
        other_lists=tuple(_OtherList(row["scheme"], frozenset(row["ids"]), row["list"]) for row in raw["other_lists"]),
        relations=tuple((row["ids"][0], row["ids"][1]) for row in raw["relations"]),
    )
