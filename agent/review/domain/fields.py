"""Checks the fields of a correction, by kind of item, and converts them to the form stored in its event.

Every rejection is an InputError whose `where` names the field. Every quote in an edited text must occur in a source.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Final, get_args

from agent.drafting.layers.paragraphs import MARK
from agent.errors import InputError
from agent.facts.vocabulary import load_vocabulary
from agent.records import SLOTS, Document, Evidence, FactAbout, Polarity
from agent.report.sentences import metric_choices
from agent.review.domain.quotes import check_text, cite, marks_in
from agent.review.domain.records import MAX_TEXT, ItemKind, Plain
from agent.scoring.cvss import BASE_METRICS, PREFIX, read_vector
from agent.scoring.request import number
from agent.taxonomy.lists import lookup

PARTS: Final = ("source", "prerequisite", "action", "impact", "asset")
"""The parts of a threat statement: [source] with [prerequisite] can [action], which leads to [impact] on [asset]."""
_PARTS: Final = "parts: " + ", ".join(PARTS)
MAX_ROWS: Final = 20
_WHO: Final = ("you", "vendor")
_OF_MITIGATION: Final = ("text", "who", "status", "evidence")
_STATUS: Final = ("proposed", "claimed", "confirmed")
MAX_URL: Final = 2_000
MAX_SLOT: Final = 300
"""The maximum length of one detail of a fact, in characters."""
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"]+")
_ENDS: Final = ("low", "high")
_GRID: Final = 10
_HALF: Final = Decimal("0.5")
_HUNDREDTHS: Final = 2


class Sources:
    """The sources against which edited texts and citations are checked, and the citations made so far."""

    def __init__(self, documents: Sequence[Document], evidence: Sequence[Evidence]) -> None:
        self._documents = documents
        self._evidence = {item.id: item for item in evidence}
        self._cited: dict[str, Evidence] = {}
        self.before: Plain = {}
        """The current fields of the corrected item."""

    def text(self, value: object, where: str) -> str:
        """Check that a text has at most `MAX_TEXT` characters, quotes only the sources and uses only known marks."""
        text = plain_text(value, where)
        check_text(text, self._documents, self._evidence, where)
        self._cited |= {mark: self._evidence[mark] for mark in marks_in(text)}
        return text

    def cite_all(self, value: object, where: str) -> list[str]:
        """Return the evidence ids for a list of citations, each an id, a span or a quote of a document."""
        if not isinstance(value, list | tuple):
            raise InputError("the evidence is not a list", where=where, hint="use a list of ids or spans")
        found = []
        for row in value:
            item = cite(row, self._documents, tuple(self._evidence.values()), where)
            self._evidence[item.id] = self._cited[item.id] = item
            found.append(item.id)
        return list(dict.fromkeys(found))

    def evidence_of(self, marks: Iterable[str]) -> tuple[Evidence, ...]:
        """Return the evidence with these ids, in that order, skipping unknown ids."""
        return tuple(self._evidence[mark] for mark in marks if mark in self._evidence)

    def with_marks(self, after: Plain) -> Plain:
        """Return the fields of an event, with all citations so far under `marks`."""
        marks = {name: item.model_dump(mode="json") for name, item in sorted(self._cited.items())}
        return {**after, "marks": marks} if marks else after

    def statement(self, value: object, where: str) -> Plain:
        """Check the parts of a statement; missing parts keep their previous values."""
        if not isinstance(value, Mapping):
            raise InputError("the statement has no parts", where=where, hint=_PARTS)
        if any(part not in PARTS for part in value):
            raise InputError("the statement has an unknown part", where=where, hint=_PARTS)
        whole = {**self.before.get(where, {}), **value}
        return {part: self.text(whole.get(part, ""), f"{where}.{part}") for part in PARTS}

    def mitigations(self, value: object, where: str) -> list[Plain]:
        """Check mitigations with their owners and status; a known mitigation keeps its evidence by default."""
        known = {row["text"]: row["evidence"] for row in self.before.get(where, ())}
        made: list[Plain] = []
        for row in _rows(value, where):
            unknown = next((name for name in row if name not in _OF_MITIGATION), None)
            if unknown is not None:
                hint = "fields: " + ", ".join(_OF_MITIGATION)
                raise InputError(f"a mitigation has no field {unknown[:40]!r}", where=where, hint=hint)
            said = self.text(row.get("text"), f"{where}.text")
            who, status = row.get("who", "you"), row.get("status", "proposed")
            if who not in _WHO or status not in _STATUS:
                hint = f"who: {' or '.join(_WHO)}; status: {', '.join(_STATUS)}"
                raise InputError("the mitigation has an unknown who or status", where=where, hint=hint)
            marks = self.cite_all(row.get("evidence", known.get(said, [])), f"{where}.evidence")
            made.append({"text": said, "who": who, "status": status, "evidence": marks})
        return made

    def slots(self, value: object, where: str) -> Plain:
        """Check details of a fact and merge them into its current details."""
        if not isinstance(value, Mapping) or any(slot not in SLOTS for slot in value):
            raise InputError("the details do not belong to this fact", where=where, hint="details: " + ", ".join(SLOTS))
        whole = {**self.before.get(where, {}), **value}
        return {slot: short_text(whole, slot, MAX_SLOT) for slot in SLOTS if str(whole.get(slot) or "").strip()}


def plain_text(value: object, where: str) -> str:
    """Check a text: it is not empty and has at most `MAX_TEXT` characters. Its quotes are not looked up."""
    if not isinstance(value, str):
        raise InputError("the field is not text", where=where, hint="use a string")
    text = value.strip()
    if not text:
        raise InputError("the field is empty", where=where, hint="write it, or strike the item")
    if len(text) > MAX_TEXT:
        raise InputError(f"the text has {len(text)} characters", where=where, hint=f"at most {MAX_TEXT}")
    return text


def short_text(fields: Mapping[str, object], name: str, most: int) -> str:
    """Check and return a single line of at most `most` characters, or an empty text."""
    value = fields.get(name, "")
    if not isinstance(value, str) or len(value) > most or any(char in value for char in "\r\n\0"):
        hint = f"use one line of at most {most} characters"
        raise InputError("the field is not a short text", where=name, hint=hint)
    return value.strip()


def address(fields: Mapping[str, object], name: str) -> str:
    """Check and return an http(s) address, or an empty text."""
    value = short_text(fields, name, MAX_URL)
    if value and not _ADDRESS.fullmatch(value):
        hint = "use the address of a public page, such as https://docs.example/limits"
        raise InputError("the field is not an address", where=name, hint=hint)
    return value


def checked_vector(value: object) -> str:
    """Check a CVSS v4.0 vector and return it with the eleven base metrics in order. Raises InputError if it is
    invalid."""
    where, every = "cvss_vector", "set all base metrics"
    if not isinstance(value, str):
        raise InputError("the vector is not text", where=where, hint=every)
    vector = value.strip()
    metrics = dict(part.partition(":")[::2] for part in vector.removeprefix(PREFIX).split("/"))
    if vector.startswith(PREFIX):
        known = {metric: (name, dict(choices)) for metric, name, choices in metric_choices()}
        for metric, given in metrics.items():
            name, choices = known.get(metric, ("", {given: ""}))
            if given not in choices:
                hint = ", ".join(f"{code}: {words}" for code, words in choices.items())
                raise InputError(f"{metric} ({name}) has no value {given[:20]!r}", where=where, hint=hint)
        missing = [f"{metric} ({known[metric][0]})" for metric in BASE_METRICS if metric not in metrics]
        # A later check reports an unknown metric, which may be the missing one misspelt.
        if missing and known.keys() >= metrics.keys():
            raise InputError(f"the vector lacks {', '.join(missing)}", where=where, hint=every)
    read_vector(vector)
    other = next((name for name in metrics if name not in BASE_METRICS), None)
    if other is not None:
        hint = "leave out threat and environmental metrics"
        raise InputError(f"{other} is not a base metric", where=where, hint=hint)
    return PREFIX + "/".join(f"{name}:{metrics[name]}" for name in BASE_METRICS)


def checked_taxonomy(value: object) -> list[Plain]:
    """Return the entries of published lists for these ids, with titles. Raises InputError for an id not in its list."""
    made: list[Plain] = []
    for row in _rows(value, "taxonomy"):
        entry = lookup(str(row.get("scheme", "")), str(row.get("id", "")))
        made.append({"scheme": entry.scheme, "id": entry.id, "title": entry.title})
    return [row for at, row in enumerate(made) if row not in made[:at]]


def _rows(value: object, where: str) -> list[Mapping[str, object]]:
    if not isinstance(value, list | tuple) or not all(isinstance(row, Mapping) for row in value):
        raise InputError("the field is not a list of objects", where=where, hint="use a list")
    if len(value) > MAX_ROWS:
        raise InputError(f"the field has {len(value)} entries", where=where, hint=f"at most {MAX_ROWS}")
    return list(value)


def checked_fields(kind: ItemKind, given: Mapping[str, object], before: Plain, sources: Sources) -> Plain:
    """Check a correction and return the fields that differ from `before`. Raises InputError for an invalid
    field, or if nothing differs."""
    checks = _CHECKS[kind]
    unknown = next((name for name in given if name not in checks), None)
    if unknown is not None:
        raise InputError(f"a {kind} has no field {unknown[:40]!r}", where=unknown, hint="fields: " + ", ".join(checks))
    sources.before = before
    given = _completed(kind, given, before)
    made = {name: check(sources, given[name], name) for name, check in checks.items() if name in given}
    _agree(kind, made, before)
    changed = {name: value for name, value in made.items() if value != before.get(name)}
    if not changed:
        raise InputError("nothing was changed", where=kind, hint="confirm it, or change a field")
    if kind == "factor":  # Store value, low and high together, since changing only one could put them out of order.
        changed |= {name: made[name] for name in ("value", "low", "high")}
    return changed


def _completed(kind: ItemKind, given: Mapping[str, object], before: Plain) -> Mapping[str, object]:
    match kind:
        case "posture":
            return {"text": None, **given}
        case "score":
            return {name: value for name, value in given.items() if value is not None or name == "evidence"}
        case "factor":
            # A value given without a range settles the factor, so the range shrinks to that value.
            value = given.get("value", before["value"])
            return {**given, "value": value, **{e: given[e] if given.get(e) is not None else value for e in _ENDS}}
        case _:
            return given


def _tenth(sources: Sources, value: object, where: str) -> float:
    found = number(value, where)
    if not 0 <= found <= 1 or found * _GRID != int(found * _GRID):
        raise InputError(f"{found} is not a factor value", where=where, hint="use 0 to 1 in steps of 0.1")
    return float(found)


def _control_factor(sources: Sources, value: object, where: str) -> float:
    factor = number(value, where)
    if not _HALF <= factor <= 1 or round(factor, _HUNDREDTHS) != factor:
        hint = "use 0.5 to 1, with at most two decimals"
        raise InputError(f"{factor} is not a mitigation factor", where=where, hint=hint)
    return float(factor)


def _flag(sources: Sources, value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise InputError("the flag is neither true nor false", where=where, hint="use true or false")
    return value


def _one_of(values: Sequence[str], sources: Sources, value: object, where: str) -> object:
    if value not in values:
        raise InputError("the field is not one of the allowed values", where=where, hint=" or ".join(values))
    return value


def _text_or(empty: str | None, sources: Sources, value: object, where: str) -> str | None:
    return sources.text(value, where) if str(value or "").strip() else empty


_CHECKS: Final[Mapping[ItemKind, Mapping[str, Callable[[Sources, object, str], object]]]] = {
    "posture": {"text": Sources.text},
    "score": {"headline": Sources.text, "mitigation_factor": _control_factor, "evidence": Sources.cite_all},
    "factor": {"value": _tenth, "low": _tenth, "high": _tenth, "evidence": Sources.cite_all},
    "layer": {"certain": _flag, "applies": partial(_one_of, ("yes", "no", "unknown")), "paragraph": Sources.text},
    "threat": {
        "title": Sources.text,
        "how": partial(_text_or, ""),
        "lost": partial(_text_or, ""),
        "statement": Sources.statement,
        "cvss_vector": lambda sources, value, where: checked_vector(value),
        "taxonomy": lambda sources, value, where: checked_taxonomy(value),
        "mitigations": Sources.mitigations,
        "evidence": Sources.cite_all,
    },
    "capability": {
        "action": Sources.text,
        "object": Sources.text,
        "credential": partial(_text_or, None),
        "approver": partial(_text_or, None),
        "evidence": Sources.cite_all,
    },
    "chain": {"title": Sources.text},
    "question": {"text": Sources.text, "proposed": Sources.text},
    "fact": {
        "polarity": partial(_one_of, get_args(Polarity)),
        "about": partial(_one_of, get_args(FactAbout)),
        "slots": Sources.slots,
        "evidence": Sources.cite_all,
    },
}
"""For each kind of item, the fields that may be corrected, each with its check."""


def _agree(kind: ItemKind, made: Plain, before: Plain) -> None:
    """Reject fields that are inconsistent with each other, and set those that are derived from others."""
    now = {**before, **made}
    match kind:
        case "score" if "mitigation_factor" in made and not now["evidence"]:
            hint = "cite the control in a source or a note"
            raise InputError("a mitigation factor needs evidence", where="evidence", hint=hint)
        case "factor" if not made["low"] <= made["value"] <= made["high"]:
            raise InputError("low, value and high are not in order", where="low, high", hint="low <= value <= high")
        case "layer":
            paragraph = now["paragraph"]
            if now["certain"] and paragraph.startswith(MARK):
                hint = "write what the sources say, with a quote and its mark, such as (E4)"
                raise InputError("a certain layer needs a paragraph with content", where="paragraph", hint=hint)
            said = now["certain"] and (not before["certain"] or paragraph != before["paragraph"])
            if said and now["applies"] != "no" and not marks_in(paragraph):
                hint = "attach one and cite it, as in (E4)"
                raise InputError("a certain layer must cite a quote", where="paragraph", hint=hint)
            if not now["certain"] and not paragraph.startswith(MARK):
                made["paragraph"] = MARK + paragraph[:1].lower() + paragraph[1:]
        case "threat":
            # Clear the texts about a statement that changed, unless the same correction rewords them; where one of
            # them is empty, reports use the statement.
            changed = {part for part, text in now["statement"].items() if text != before["statement"][part]}
            for name, parts in (("how", PARTS), ("lost", ("impact", "asset"))):
                if changed.intersection(parts) and now.get(name) == before.get(name):
                    made[name] = ""
        case "fact":
            words, key = load_vocabulary(), before["key"]
            if made.get("polarity") == "denied" and key in words and not words[key].deniable:
                told = "the vocabulary does not allow denying this fact"
                raise InputError(told, where="polarity", hint="strike it instead")
            if not now["evidence"]:
                raise InputError("a fact needs a quote", where="evidence", hint="cite one, or strike the fact")
