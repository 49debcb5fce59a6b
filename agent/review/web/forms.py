"""Forms: what a page sends, read into an Action, and the fields that a correction form shows.

A form is `application/x-www-form-urlencoded`; one alone may bring a file along, a vendor's response. What cannot be
read as the field that it stands for is left as it is, so that the check names it.
"""

import math
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from pydantic import ValidationError

from agent.errors import InputError
from agent.review.answers import MAX_BYTES
from agent.review.records import Action
from agent.scoring.cvss import BASE_METRICS, PREFIX
from agent.taxonomy.lists import entries, schemes

Plain = dict[str, object]

MAX_FIELDS: Final = 500
OF_THE_SERVICE: Final = ("import", "redraft")
"""Verbs of events that name stored drafts: only the service writes them."""
MAX_DEPTH: Final = 12
MAX_WHOLE: Final = 10**12
MAX_NUMBER: Final = 12
"""Characters of a number in a form."""
STATEMENT: Final = ("source", "prerequisite", "action", "impact", "asset")
_MARK: Final = re.compile(r"[^\s,;]+")
_ROW: Final = re.compile(r"^(?P<list>mitigations|taxonomy)\.(?P<at>\d{1,3})(?:\.(?P<part>text|who|status))?$")
_PLAIN_TEXT: Final[Mapping[str, tuple[str, ...]]] = {
    "posture": ("text",),
    "capability": ("action", "object", "credential", "approver"),
    "chain": ("title",),
    "question": ("text", "proposed"),
}


class Form(NamedTuple):
    """The fields of a form in their order; names may stand twice."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, body: bytes) -> "Form":
        """A form from its bytes. Raises InputError when they are no form."""
        try:
            text = body.decode("ascii")
            pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
        except (UnicodeError, ValueError):
            raise InputError("the form cannot be read", where="form", hint="send it from the page again") from None
        return cls.of(pairs)

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Form":
        """A form from its fields, with plain line feeds."""
        return cls(tuple((name, value.replace("\r\n", "\n").replace("\r", "\n")) for name, value in pairs))

    def get(self, name: str, default: str = "") -> str:
        """The first value of a field."""
        return next((value for key, value in self.pairs if key == name), default)

    def all(self, name: str) -> tuple[str, ...]:
        """All values of a field."""
        return tuple(value for key, value in self.pairs if key == name)

    def has(self, name: str) -> bool:
        """Whether the field was sent at all."""
        return any(key == name for key, _ in self.pairs)

    def whole(self, name: str) -> int:
        """A whole number, 0 or more. Raises InputError naming the field."""
        value = self.get(name)
        if not value.isascii() or not value.isdecimal() or len(value) > MAX_NUMBER:
            raise InputError("the field is no number", where=name, hint="load the page again")
        return int(value)


class Brought(NamedTuple):
    """A response file as a form brings it: as a file, or as text in its field `file`."""

    form: Form
    uploaded: bytes

    @property
    def raw(self) -> bytes:
        """The file's bytes. Raises InputError when there is a file and a text, of which nobody knows which counts."""
        if self.uploaded and self.form.get("file").strip():
            raise InputError("a file and a text were given", where="file", hint="empty the text, or choose no file")
        return self.uploaded or self.form.get("file").encode()

    @property
    def again(self) -> Form:
        """The form with the text of the uploaded file, if it is one, so that it can be mended on the page."""
        text = self.form.get("file")
        if not text.strip() and len(self.uploaded) <= MAX_BYTES:
            with suppress(UnicodeDecodeError):
                text = self.uploaded.decode("utf-8-sig") or text
        return Form.of((*(pair for pair in self.form.pairs if pair[0] != "file"), ("file", text)))


def action_of(form: Form) -> Action:
    """What a form of a review page asks for. Raises InputError naming the field that is not acceptable."""
    verb, item = form.get("verb"), form.get("item")
    return acting(
        {
            "verb": verb,
            "item": item,
            "version": form.whole("version"),
            "reason": form.get("reason"),
            "note": form.get("note").strip(),
            "section": form.get("section"),
            "fields": _fields(verb, item.partition("/")[0], form),
        }
    )


def acting(raw: Plain) -> Action:
    """An Action from plain values. Raises InputError naming the first field that is not acceptable."""
    if raw.get("verb") in OF_THE_SERVICE:
        raise InputError(
            f"{raw['verb']} is no act of a reviewer", where="verb", hint="import and redraft by their own way"
        )
    try:
        return Action.model_validate(sound(raw))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "action"
        raise InputError(
            f"the field is not acceptable: {first['msg'].lower()}", where=where, hint="choose one of the page's values"
        ) from None


def _fields(verb: str, kind: str, form: Form) -> Plain:
    match verb:
        case "correct":
            return corrected(kind, form)
        case "attach":
            return _span(form)
        case "add":
            return _threat(form) | {"layer": form.get("layer"), "evidence": _spans(form)}
        case "answer":
            return {name: form.get(name).strip() for name in ("text", "url", "kind")}
        case "contest":
            return {name: form.get(name).strip() for name in ("kind", "text", "url", "sender")}
        case "decide":
            return {"number": form.whole("number"), "decision": form.get("decision"), "rule": form.get("rule")}
        case "assign":
            return {"to": form.get("to").strip()}
        case _:
            return {}


def corrected(kind: str, form: Form) -> Plain:
    """The fields of a correction of an item of this kind."""
    made: Plain = {name: form.get(name) for name in _PLAIN_TEXT.get(kind, ()) if form.has(name)}
    if kind == "factor":
        made = {name: number(form.get(name)) for name in ("value", "low", "high") if form.get(name).strip()}
    elif kind == "layer":
        made = {name: form.get(name) for name in ("applies", "paragraph") if form.has(name)}
        if form.has("certain"):
            made["certain"] = form.get("certain") == "yes"
    elif kind == "threat":
        made = _threat(form)
    elif kind == "score":
        if form.get("headline"):
            made["headline"] = form.get("headline")
        if form.get("mitigation_factor").strip():
            made["mitigation_factor"] = number(form.get("mitigation_factor"))
    if form.has("evidence"):
        made["evidence"] = _MARK.findall(form.get("evidence"))
    return made


def _threat(form: Form) -> Plain:
    made: Plain = {name: form.get(name) for name in ("title", "how", "lost") if form.has(name)}
    if any(form.has(f"statement.{part}") for part in STATEMENT):
        made["statement"] = {part: form.get(f"statement.{part}") for part in STATEMENT}
    if form.has("cvss.AV"):
        chosen = [(metric, form.get(f"cvss.{metric}")) for metric in BASE_METRICS]
        made["cvss_vector"] = PREFIX + "/".join(f"{metric}:{value}" for metric, value in chosen)
    rows: dict[str, dict[int, Plain]] = {"mitigations": {}, "taxonomy": {}}
    for name, value in form.pairs:
        found = _ROW.match(name)
        if found is not None:
            rows[found["list"]].setdefault(int(found["at"]), {})[found["part"] or "id"] = value.strip()
    if rows["mitigations"]:
        made["mitigations"] = [row for _, row in sorted(rows["mitigations"].items()) if row.get("text")]
    if rows["taxonomy"]:
        made["taxonomy"] = [_reference(str(row["id"])) for _, row in sorted(rows["taxonomy"].items()) if row.get("id")]
    return made


def _reference(text: str) -> Plain:
    """ "owasp-asi ASI01 Agent Goal Hijack", or an id alone when only one list has it."""
    words = text.split()
    if words[0] in schemes() and len(words) > 1:
        return {"scheme": words[0], "id": words[1]}
    owners = [name for name in schemes() if any(entry.id == words[0] for entry in entries(name))]
    return {"scheme": owners[0] if len(owners) == 1 else "", "id": words[0]}


def _span(form: Form) -> Plain:
    made: Plain = {"document": form.get("document")}
    if form.get("quote").strip():
        made["quote"] = form.get("quote").strip()
    if form.get("start").strip() or form.get("end").strip():
        made |= {"start": form.whole("start"), "end": form.whole("end")}
    return made


def _spans(form: Form) -> list[object]:
    """Citations of a threat by hand: ids that exist, and words of a source."""
    made: list[object] = list(_MARK.findall(form.get("evidence")))
    return [*made, _span(form)] if form.get("quote").strip() or form.get("start").strip() else made


def number(text: str) -> object:
    """A number as the check takes it, or the text itself when it is none."""
    bare = text.strip().replace(",", ".")
    return bare if len(bare) > MAX_NUMBER or not re.fullmatch(r"-?\d+(\.\d+)?", bare) else float(bare)


def sound(value: dict[str, object]) -> dict[str, object]:
    """The same values. Raises InputError for what no event keeps: NaN, half characters, huge numbers, deep nests."""
    _sound(value, 0)
    return value


def _sound(value: object, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InputError("the fields are nested too deeply", where="fields", hint=f"at most {MAX_DEPTH} levels")
    match value:
        case str():
            if any("\ud800" <= char <= "\udfff" or char == "\0" for char in value):
                raise InputError("a text holds what is no character", where="fields", hint="send plain Unicode text")
        case bool() | None:
            pass
        case int() | float():
            if not math.isfinite(value) or abs(value) > MAX_WHOLE:
                raise InputError("a number is out of all bounds", where="fields", hint="send a plain number")
        case dict():
            for name, each in value.items():
                _sound(name, depth + 1)
                _sound(each, depth + 1)
        case list() | tuple():
            for each in value:
                _sound(each, depth + 1)
        case _:
            raise InputError("a value is of no plain kind", where="fields", hint="send JSON")
