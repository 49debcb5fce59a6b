"""The parts of a threat that a reviewer writes: the statement's grammar, the CVSS vector, ids of lists, mitigations."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from agent.errors import InputError
from agent.review.quotes import Plain
from agent.scoring.cvss import BASE_METRICS, PREFIX, read_vector
from agent.taxonomy.lists import lookup

PARTS: Final = ("source", "prerequisite", "action", "impact", "asset")
"""[source] with [prerequisite] can [action], which leads to [impact] on [asset]."""
MAX_ROWS: Final = 20
_WHO: Final = ("you", "vendor")
_OF_MITIGATION: Final = ("text", "who", "status", "evidence")
_STATUS: Final = ("proposed", "claimed", "confirmed")
_SLUG_CHARS: Final = 40
_LLM_WORD: Final = "proposed"
"""In an id it stands for an LLM's threat."""

Text = Callable[[object, str], str]
"""Checks a text; the second argument names the field."""
Citations = Callable[[object, str], list[str]]


def checked_statement(value: object, before: object, text: Text) -> Plain:
    """The five parts, those that are not given as before; each has to say something. Raises InputError."""
    if not isinstance(value, Mapping):
        raise InputError("the statement has no parts", where="statement", hint="parts: " + ", ".join(PARTS))
    unknown = next((name for name in value if name not in PARTS), None)
    if unknown is not None:
        raise InputError("the statement has an unknown part", where="statement", hint="parts: " + ", ".join(PARTS))
    whole = {**(before if isinstance(before, Mapping) else {}), **value}
    return {name: text(whole.get(name, ""), f"statement.{name}") for name in PARTS}


def checked_vector(value: object) -> str:
    """A CVSS v4.0 vector of the eleven base metrics, in their order. Raises InputError."""
    if not isinstance(value, str):
        raise InputError("the vector is not text", where="cvss_vector", hint="set all base metrics")
    vector = value.strip()
    read_vector(vector)
    metrics = dict(part.split(":") for part in vector.removeprefix(PREFIX).split("/"))
    other = next((name for name in metrics if name not in BASE_METRICS), None)
    if other is not None:
        raise InputError(f"{other} is no base metric", where="cvss_vector", hint="threat and environment stay out")
    return PREFIX + "/".join(f"{name}:{metrics[name]}" for name in BASE_METRICS)


def checked_taxonomy(value: object) -> list[Plain]:
    """Ids of published lists with the titles that the lists give them. Raises InputError for one that is not there."""
    made: list[Plain] = []
    for row in _rows(value, "taxonomy"):
        entry = lookup(str(row.get("scheme", "")), str(row.get("id", "")))
        made.append({"scheme": entry.scheme, "id": entry.id, "title": entry.title})
    return [row for at, row in enumerate(made) if row not in made[:at]]


def checked_mitigations(value: object, before: object, text: Text, citations: Citations) -> list[Plain]:
    """Mitigations with who does them and how far they are; one that is kept keeps its evidence. Raises InputError."""
    known = (
        {str(row.get("text")): row for row in before if isinstance(row, Mapping)} if isinstance(before, list) else {}
    )
    made: list[Plain] = []
    for row in _rows(value, "mitigations"):
        unknown = next((name for name in row if name not in _OF_MITIGATION), None)
        if unknown is not None:
            raise InputError(
                f"a mitigation has no field {unknown[:40]!r}",
                where="mitigations",
                hint="fields: " + ", ".join(_OF_MITIGATION),
            )
        said = text(row.get("text"), "mitigations.text")
        who, status = row.get("who", "you"), row.get("status", "proposed")
        if who not in _WHO or status not in _STATUS:
            raise InputError(
                "the mitigation has an unknown who or status",
                where="mitigations",
                hint=f"who: {' or '.join(_WHO)}; status: {', '.join(_STATUS)}",
            )
        given = row.get("evidence", known.get(said, {}).get("evidence", []))
        made.append({"text": said, "who": who, "status": status, "evidence": citations(given, "mitigations.evidence")})
    return made


def added_id(title: str, taken: Iterable[str]) -> str:
    """The permanent id of a threat by hand: H1-slug, numbered after the highest one."""
    numbers = [int(found[1]) for name in taken if (found := re.match(r"H(\d+)-", name))]
    words = [word for word in re.findall(r"[a-z0-9]+", title.lower()) if word != _LLM_WORD]
    slug = "-".join(words)[:_SLUG_CHARS].strip("-") or "threat"
    return f"H{max(numbers, default=0) + 1}-{slug}"


def _rows(value: object, where: str) -> list[Mapping[str, object]]:
    if not isinstance(value, list | tuple) or not all(isinstance(row, Mapping) for row in value):
        raise InputError("the field is not a list of objects", where=where, hint="give a list")
    if len(value) > MAX_ROWS:
        raise InputError(f"the field has {len(value)} entries", where=where, hint=f"at most {MAX_ROWS}")
    return list(value)
