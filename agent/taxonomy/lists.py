"""The published lists: ids with titles, versions and sources, read from their files.

Each scheme is a JSON file next to this module and is read on first use. To add the list of another year,
add a file named after its scheme's id. The files contain ids and short titles for tagging, but no definitions.

    maestro         layers L1 to L7 and X, and the named threats (MAESTRO assigns them no ids; these are local)
    owasp-agentic   T1 to T17, Agentic AI Threats and Mitigations 1.1
    owasp-asi       ASI01 to ASI10, Top 10 for Agentic Applications 2026
    owasp-llm-2025, owasp-llm-2026   LLM01:2025 and so on; the numbering changed between the years
    owasp-mcp       MCP01:2025 to MCP10:2025, beta
    owasp-aivss     the ten core risks of AIVSS 0.8 (numbered there; these ids are local)
    stride          the six categories of STRIDE (local ids)
    mitre-atlas     all techniques of ATLAS 5.6.0; a sub-technique's title begins with its parent's
    cwe             the weaknesses that apply to agent products
"""

import json
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

from agent.errors import InputError

MappingStatus = Literal["official", "playbook", "derived", "curated", "none"]
"""Who maps an entry to layers or to other lists. official: the list's own publisher. playbook: the community MAESTRO
playbook. derived: computed from other mappings. curated: this project's judgement. none: nobody."""

_FOLDER: Final = Path(__file__).parent
_CONFUSABLES: Final = "confusables"
_CLOSE: Final = 3


class Related(NamedTuple):
    """Entries of another list related to this entry."""

    scheme: str
    ids: tuple[str, ...]
    status: MappingStatus


class Entry(NamedTuple):
    """One id of a published list."""

    scheme: str
    id: str
    title: str
    version: str
    """Version of the list: a year, a number or a date."""
    source: str
    """The publisher, and where the list is published."""
    layers: tuple[str, ...]
    """MAESTRO layer codes L1 to L7 and X (across layers), closest first."""
    mapping: MappingStatus
    """Who made the mapping to `layers`."""
    accepted: tuple[str, ...] = ()
    """Other forms of the title printed in the list itself."""
    also_called: tuple[str, ...] = ()
    """Names that other publications use; references must not use them."""
    parent: str | None = None
    related: tuple[Related, ...] = ()
    note: str | None = None


class Scheme(NamedTuple):
    """A published list as a whole."""

    id: str
    title: str
    version: str
    status: str
    """Either "published" or "beta"."""
    source: str
    licence: str | None
    entries: dict[str, Entry]
    """The entries by id, in the list's order."""


class _OtherList(NamedTuple):
    scheme: str
    ids: frozenset[str]
    name: str


@cache
def schemes() -> tuple[str, ...]:
    """Return the ids of all schemes, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json") if path.stem != _CONFUSABLES))


@cache
def scheme(scheme_id: str) -> Scheme:
    """Return one list. Raises InputError naming the known lists when `scheme_id` is not among them."""
    if scheme_id not in schemes():
        raise InputError(
            f"unknown scheme {scheme_id!r}", where="scheme", hint="the schemes are " + ", ".join(schemes())
        )
    raw = json.loads((_FOLDER / f"{scheme_id}.json").read_text("utf-8"))
    where = raw["source"]
    source = f"{where['name']}, {where['where']}" + (f", commit {where['commit']}" if "commit" in where else "")
    found = [
        Entry(
            scheme=scheme_id,
            id=row["id"],
            title=row["title"],
            version=raw["version"],
            source=source,
            layers=tuple(row.get("layers", ())),
            mapping=row["mapping"],
            accepted=tuple(row.get("accepted", ())),
            also_called=tuple(row.get("also_called", ())),
            parent=row.get("parent"),
            related=tuple(Related(r["scheme"], tuple(r["ids"]), r["status"]) for r in row.get("related", ())),
            note=row.get("note"),
        )
        for row in raw["entries"]
    ]
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
    """Return all entries of a list in its order. Raises InputError for an unknown scheme."""
    return tuple(scheme(scheme_id).entries.values())


def lookup(scheme_id: str, entry_id: str) -> Entry:
    """Return the entry with this id. Raises InputError, naming close ids, when scheme or id is unknown."""
    found = scheme(scheme_id).entries.get(entry_id)
    if found is None:
        raise InputError(
            f"{scheme_id} has no id {entry_id!r}", where=f"{scheme_id} {entry_id}", hint=close_ids(scheme_id, entry_id)
        )
    return found


def close_ids(scheme_id: str, entry_id: str) -> str:
    """Return a hint about what an unknown id may mean, such as similar ids."""
    for other in _other_lists():
        if other.scheme == scheme_id and entry_id in other.ids:
            return f"{entry_id} is an id of {other.name}"
    owners = [s for s in schemes() if entry_id in scheme(s).entries]
    if owners:
        return f"{entry_id} belongs to {', '.join(owners)}"
    from difflib import get_close_matches

    close = get_close_matches(entry_id, scheme(scheme_id).entries, n=_CLOSE)
    return "close ids: " + ", ".join(close) if close else f"see the entries of {scheme_id}"


@cache
def _other_lists() -> tuple[_OtherList, ...]:
    raw = json.loads((_FOLDER / f"{_CONFUSABLES}.json").read_text("utf-8"))
    return tuple(_OtherList(row["scheme"], frozenset(row["ids"]), row["list"]) for row in raw["other_lists"])
