"""Forms: conversion of submitted forms into Actions, and the fields that a correction form shows.

A form is `application/x-www-form-urlencoded`; only the form for a vendor's response may contain a file. A value that
cannot be converted to its field's type is left unchanged, so that validation names the field.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final, Literal, NamedTuple
from urllib.parse import parse_qsl

from pydantic import ValidationError

from agent.errors import InputError
from agent.facts.vocabulary import load_vocabulary
from agent.records import Draft
from agent.report.sentences import metric_choices
from agent.review.domain.items import threats_of
from agent.review.domain.records import Action
from agent.review.domain.response import MAX_BYTES
from agent.scoring.cvss import BASE_METRICS, PREFIX
from agent.taxonomy.lists import entries, schemes

Plain = dict[str, object]

MAX_FIELDS: Final = 500
OF_THE_SERVICE: Final = ("import", "redraft")
"""Verbs of events that name stored drafts; only the service writes such events."""
MAX_DEPTH: Final = 12
MAX_WHOLE: Final = 10**12
MAX_NUMBER: Final = 12
"""The most characters of a number in a form."""
STATEMENT: Final = ("source", "prerequisite", "action", "impact", "asset")
MANAGED: Final = ("mitigation", "owner", "due", "status", "residual")
_MARK: Final = re.compile(r"[^\s,;]+")
_SPAN: Final = re.compile(r"(D\d{1,6}):(\d{1,9}):(\d{1,9})")
_ROW: Final = re.compile(r"^(?P<list>mitigations|taxonomy)\.(?P<at>\d{1,3})(?:\.(?P<part>text|who|status))?$")
_STATE: Final = re.compile(r"^states\.(?P<at>\d{1,2})\.(?P<part>key|polarity|value)$")
_SAID: Final = ("polarity", "value")
POLARITIES: Final = (
    ("asserted", "yes"), ("configurable", "depends on a setting"), ("denied", "no"),
)  # fmt: skip
ANSWER_KINDS: Final = (("vendor-answer", "the vendor"), ("analyst-note", "I do, as the analyst"))
_ABOUT: Final = (
    ("product", "the product"), ("platform", "the platform behind it"), ("client", "whoever calls it"),
    ("other", "another product"),
)  # fmt: skip
_PLAIN_TEXT: Final[Mapping[str, tuple[str, ...]]] = {
    "posture": ("text",),
    "capability": ("action", "object", "credential", "approver"),
    "chain": ("title",),
    "question": ("text", "proposed"),
}
FieldKind = Literal["line", "area", "number", "choice", "metric", "listed"]
"""line: one line of text; area: several lines; number: with a slider if it has a step; choice: a select; metric: a CVSS
metric's buttons; listed: a line with suggestions from a list."""

_APPLIES: Final = (("yes", "applies"), ("no", "does not apply"), ("unknown", "not known"))
_CERTAIN: Final = (("yes", "certain"), ("no", "not certain"))
_WHO: Final = (("you", "you"), ("vendor", "vendor"))
_STATUS: Final = (("proposed", "proposed"), ("claimed", "claimed"), ("confirmed", "confirmed"))
GRAMMAR: Final[Mapping[str, str]] = {
    "source": "Who or what it comes from",
    "prerequisite": "What they need for it",
    "action": "What they can do then",
    "impact": "What that leads to",
    "asset": "What is at stake",
}
_ROW_CHARS: Final = 75
_MOST_ROWS: Final = 12
_SPARE: Final = 2
"""The number of empty rows at the end of a list."""


class Form(NamedTuple):
    """The fields of a form in order; a name may occur more than once."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, body: bytes) -> "Form":
        """Parse a form from its bytes. Raises InputError if they are not a form."""
        try:
            text = body.decode("ascii")
            pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
        except (UnicodeError, ValueError):
            raise InputError("the form cannot be read", where="form", hint="send it from the page again") from None
        return cls.of(pairs)

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Form":
        """Create a form from its fields, normalising line breaks to line feeds."""
        return cls(tuple((name, value.replace("\r\n", "\n").replace("\r", "\n")) for name, value in pairs))

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of a field."""
        return next((value for key, value in self.pairs if key == name), default)

    def all(self, name: str) -> tuple[str, ...]:
        """Return all values of a field."""
        return tuple(value for key, value in self.pairs if key == name)

    def has(self, name: str) -> bool:
        """Return whether the field was sent at all."""
        return any(key == name for key, _ in self.pairs)

    def whole(self, name: str) -> int:
        """Return a whole number, 0 or more. Raises InputError naming the field."""
        value = self.get(name)
        if not value.isascii() or not value.isdecimal() or len(value) > MAX_NUMBER:
            raise InputError("the field is no number", where=name, hint="load the page again")
        return int(value)


class Brought(NamedTuple):
    """A response file sent by a form, either as a file or as text in its field `file`."""

    form: Form
    uploaded: bytes

    @property
    def raw(self) -> bytes:
        """The file's bytes. Raises InputError if both a file and a text were given, since either could be meant."""
        if self.uploaded and self.form.get("file").strip():
            raise InputError("a file and a text were given", where="file", hint="empty the text, or choose no file")
        return self.uploaded or self.form.get("file").encode()

    @property
    def again(self) -> Form:
        """The form with the text of the uploaded file, if it is text, for correction on the page."""
        text = self.form.get("file")
        if not text.strip() and len(self.uploaded) <= MAX_BYTES:
            with suppress(UnicodeDecodeError):
                text = self.uploaded.decode("utf-8-sig") or text
        return Form.of((*(pair for pair in self.form.pairs if pair[0] != "file"), ("file", text)))


def action_of(form: Form) -> Action:
    """Convert a form of a review page into an Action. Raises InputError naming the invalid field."""
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
    """Create an Action from plain values. Raises InputError naming the first invalid field."""
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
            return added_threat(form)
        case "answer":
            said: Plain = {name: form.get(name).strip() for name in ("text", "url", "kind")}
            return said | ({"states": told} if (told := _states(form)) else {})
        case "ask":
            return {"key": form.get("key")}
        case "contest":
            return {name: form.get(name).strip() for name in ("kind", "text", "url", "sender")}
        case "decide":
            return {"number": form.whole("number"), "decision": form.get("decision"), "rule": form.get("rule")}
        case "assign":
            return {"to": form.get("to").strip()}
        case "bulk":
            return {"seen": form.get("seen").split()}
        case "comment":
            return {name: form.get(name).strip() for name in ("text", "to") if name == "text" or form.get(name).strip()}
        case "undo":
            return {"batch": form.whole("batch")} if form.has("batch") else {}
        case "sign":
            return {name: form.get(name) for name in ("decision", "waivers") if form.get(name)}
        case "manage":
            return {name: form.get(name).strip() for name in MANAGED if form.has(name)}
        case _:
            return {}


def corrected(kind: str, form: Form) -> Plain:
    """Return the fields of a correction of an item of this kind."""
    made: Plain = {name: form.get(name) for name in _PLAIN_TEXT.get(kind, ()) if form.has(name)}
    if kind == "factor":
        made = {name: number(form.get(name)) for name in ("value", "low", "high") if form.get(name).strip()}
    elif kind == "layer":
        made = {name: form.get(name) for name in ("applies", "paragraph") if form.has(name)}
        if form.has("certain"):
            made["certain"] = form.get("certain") == "yes"
    elif kind == "threat":
        made = _threat(form)
    elif kind == "fact":
        made = {name: form.get(name) for name in ("polarity", "about") if form.has(name)}
        slots = {name.removeprefix("slots."): value.strip() for name, value in form.pairs if name.startswith("slots.")}
        made |= {"slots": slots} if slots else {}
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


def added_threat(form: Form) -> Plain:
    """Return the fields of an added threat that are filled in.

    The vector comes from its text field if that was changed or no metric was chosen, else from the chosen metrics.
    """
    made = _threat(form)
    chosen = [(metric, form.get(f"cvss.{metric}")) for metric in BASE_METRICS]
    clicked = "/".join(f"{metric}:{value}" for metric, value in chosen if value)
    written = form.get("cvss_vector").strip()
    if written != form.get("cvss_was").strip() or not clicked:
        made["cvss_vector"] = written
    else:
        made["cvss_vector"] = PREFIX + clicked
    listed = made.get("taxonomy")
    ticked = [_reference(value) for value in form.all("taxonomy") if value.strip()]
    made["taxonomy"] = [*(listed if isinstance(listed, list) else []), *ticked]
    facts = list(form.all("fact"))
    return made | {"layer": form.get("layer"), "evidence": _spans(form)} | ({"facts": facts} if facts else {})


def span_words(document: str, start: int, end: int) -> str:
    """Format a span of a source as the value of a form field."""
    return f"{document}:{start}:{end}"


def read_span(text: str) -> tuple[str, int, int] | None:
    """Parse document, start and end from a value of `span_words`. Returns None for any other text."""
    found = _SPAN.fullmatch(text)
    return (found[1], int(found[2]), int(found[3])) if found else None


def _named_span(text: str) -> Plain:
    found = read_span(text)
    return {"document": found[0], "start": found[1], "end": found[2]} if found else {"document": text}


def _reference(text: str) -> Plain:
    """Parse "owasp-asi ASI01 Agent Goal Hijack", or an id alone if only one list contains it."""
    words = text.split()
    if words[0] in schemes() and len(words) > 1:
        return {"scheme": words[0], "id": words[1]}
    owners = [name for name in schemes() if any(entry.id == words[0] for entry in entries(name))]
    return {"scheme": owners[0] if len(owners) == 1 else "", "id": words[0]}


def _states(form: Form) -> list[Plain]:
    """Return the facts that the form says an answer states: one entry for each row with a key and a polarity."""
    rows: dict[int, Plain] = {}
    for name, value in form.pairs:
        found = _STATE.match(name)
        if found is not None:
            rows.setdefault(int(found["at"]), {})[found["part"]] = value.strip()
    quote = form.get("quote").strip()
    return [
        {"key": str(row["key"]).partition(" ")[0], **{part: row[part] for part in _SAID if row.get(part)}}
        | ({"quote": quote} if quote else {})
        for _, row in sorted(rows.items())
        if row.get("key") and row.get("polarity")
    ]


def _span(form: Form) -> Plain:
    made: Plain = {"document": form.get("document")}
    if form.get("quote").strip():
        made["quote"] = form.get("quote").strip()
    if form.get("start").strip() or form.get("end").strip():
        made |= {"start": form.whole("start"), "end": form.whole("end")}
    return made


def _spans(form: Form) -> list[object]:
    """Return the citations of an added threat: ids of evidence, spans of sources, and words of a source."""
    made: list[object] = [*_MARK.findall(form.get("evidence")), *(_named_span(each) for each in form.all("span"))]
    return [*made, _span(form)] if form.get("quote").strip() or form.get("start").strip() else made


def number(text: str) -> object:
    """Convert a text to a number, or return it unchanged if it is not one."""
    bare = text.strip().replace(",", ".")
    return bare if len(bare) > MAX_NUMBER or not re.fullmatch(r"-?\d+(\.\d+)?", bare) else float(bare)


def sound(value: dict[str, object]) -> dict[str, object]:
    """Return the values unchanged. Raises InputError for values that an event cannot store: NaN, lone surrogates, huge
    numbers, deep nesting."""
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


class Field(NamedTuple):
    """One field of a form."""

    name: str
    label: str
    kind: FieldKind
    value: str
    choices: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    low: str = ""
    high: str = ""
    step: str = ""
    group: str = ""
    """The heading of the field's group."""

    @property
    def rows(self) -> int:
        """The number of lines in an area for its value, at most `_MOST_ROWS`."""
        return min(len(self.value) // _ROW_CHARS + 1, _MOST_ROWS)


def fields_for(kind: str, now: Plain, draft: Draft) -> tuple[Field, ...]:
    """Return the fields of the form that corrects an item of this kind, with the current values `now`."""
    make = _MAKERS.get(kind)
    return tuple(_fitted(field) for field in make(now, draft)) if make else ()


def _fitted(field: Field) -> Field:
    """Join the lines of a one-line field: browsers remove line feeds, which would make the form look edited."""
    return field._replace(value=" ".join(field.value.splitlines())) if field.kind in ("line", "listed") else field


def refilled(fields: Sequence[Field], form: Form) -> tuple[Field, ...]:
    """Return the same fields with the values that a reviewer sent."""
    return tuple(field._replace(value=form.get(field.name)) if form.has(field.name) else field for field in fields)


def grouped(fields: Sequence[Field]) -> dict[str, list[Field]]:
    """Group the fields by heading, in order. Fields without a heading are under an empty text."""
    made: dict[str, list[Field]] = {}
    for field in fields:
        made.setdefault(field.group, []).append(field)
    return made


def answer_fields(form: Form) -> tuple[Field, ...]:
    """Return the fields of the form that records an answer, with their labels and choices."""
    rows = {int(found["at"]): form.get(f"states.{found['at']}.key") for name, _ in form.pairs
            if (found := _STATE.match(name))}  # fmt: skip
    words, stated = load_vocabulary(), []
    for at, key in sorted(rows.items()):
        row, title = f"states.{at}", f"It {words[key].title}" if key in words else "The answer"
        if not form.has(f"{row}.value"):
            stated.append(Field(f"{row}.key", "Another fact", "line", ""))
        choices = sayings(key)
        stated.append(Field(f"{row}.polarity", title, "choice", "", choices))
        if form.has(f"{row}.value"):
            hint = "in words of the answer, optional"
            stated.append(Field(f"{row}.value", "Detail", "line", "", hint=hint))
    said = (
        Field("text", "Answer", "area", ""),
        Field("url", "Public page that says so", "line", ""),
        Field("kind", "Who says it", "choice", "", ANSWER_KINDS),
        Field("note", "Who told it, and where", "line", "", hint="Needed, unless a public page is given."),
    )
    quote = Field("quote", "The words that say so", "line", "", hint="copied from the answer; left empty, all of it")
    return (*said, *(one._replace(group="What the answer states") for one in (*stated, quote)))


def threat_fields(now: Plain, draft: Draft) -> tuple[Field, ...]:
    """Return title, statement, severity, list ids, mitigations and evidence of a threat as form fields."""
    said = now.get("statement")
    statement = said if isinstance(said, Mapping) else {}
    made = [
        Field("title", "Title", "line", _text(now, "title")),
        Field(
            "how",
            "How it happens",
            "area",
            _text(now, "how"),
            hint="Left empty, it is made of the statement below.",
        ),
        Field("lost", "What is lost", "line", _text(now, "lost")),
    ]
    made += [
        Field(f"statement.{part}", GRAMMAR[part], "area", str(statement.get(part, "")), group="Statement")
        for part in STATEMENT
    ]
    chosen = dict(part.split(":", 1) for part in _text(now, "cvss_vector").removeprefix(PREFIX).split("/") if part)
    made += [
        Field(f"cvss.{metric}", name, "metric", chosen.get(metric, ""), choices, group="Severity, CVSS v4.0")
        for metric, name, choices in metric_choices()
    ]
    made += _taxonomy(now)
    made += _mitigations(now)
    return (*made, _evidence(now))


def _taxonomy(now: Plain) -> list[Field]:
    rows = [f"{row['scheme']} {row['id']} {row['title']}" for row in _rows(now, "taxonomy")]
    return [
        Field(f"taxonomy.{at}", f"Id {at + 1}", "listed", value, group="Entries of published lists")
        for at, value in enumerate([*rows, *[""] * _SPARE])
    ]


def _mitigations(now: Plain) -> list[Field]:
    rows = [*_rows(now, "mitigations"), {"text": "", "who": "you", "status": "proposed"}]
    made: list[Field] = []
    for at, row in enumerate(rows):
        name, group = f"mitigations.{at}", "Mitigations"
        made += [
            Field(f"{name}.text", f"Mitigation {at + 1}", "area", str(row.get("text", "")), group=group),
            Field(f"{name}.who", "Who does it", "choice", str(row.get("who", "you")), _WHO, group=group),
            Field(f"{name}.status", "Status", "choice", str(row.get("status", "proposed")), _STATUS, group=group),
        ]
    return made


def _evidence(now: Plain) -> Field:
    marks = now.get("evidence")
    held = [str(mark) for mark in marks] if isinstance(marks, list) else []
    return Field("evidence", "Evidence", "line", ", ".join(held), hint="Ids, as in E4, E12. Attach a new quote first.")


def _factor(now: Plain, _: Draft) -> tuple[Field, ...]:
    value = Field("value", "Value", "number", _number(now, "value"), low="0", high="1", step="0.1")
    end = value._replace(value="", hint="left empty: the value")
    return (
        value,
        end._replace(name="low", label="Low end"),
        end._replace(name="high", label="High end"),
        _evidence(now),
    )


def _layer(now: Plain, _: Draft) -> tuple[Field, ...]:
    return (
        Field("certain", "Can it be told from the sources?", "choice", "yes" if now.get("certain") else "no", _CERTAIN),
        Field("applies", "Does the layer apply?", "choice", _text(now, "applies"), _APPLIES),
        Field(
            "paragraph", "Paragraph", "area", _text(now, "paragraph"),
            hint="Quotes in “…” are looked for in the sources; name their marks, as in (E4).",
        ),
    )  # fmt: skip


def _posture(now: Plain, _: Draft) -> tuple[Field, ...]:
    return (Field("text", "Posture", "area", _text(now, "text"), hint="Name the marks of its quotes, as in (E4)."),)


def _score(now: Plain, draft: Draft) -> tuple[Field, ...]:
    standing = [(name, threat.title) for name, threat in threats_of(draft).items() if threat.evidence]
    return (
        Field("headline", "Headline threat", "choice", _text(now, "headline"), tuple(standing)),
        Field(
            "mitigation_factor", "Factor for controls", "number", _number(now, "mitigation_factor"),
            hint="0.5 to 1, with evidence: the score with controls stands beside the score before them",
            low="0.5", high="1", step="0.01",
        ),
        _evidence(now),
    )  # fmt: skip


def _capability(now: Plain, _: Draft) -> tuple[Field, ...]:
    labels = {
        "action": "Does what",
        "object": "to what",
        "credential": "With whose credential",
        "approver": "Approved by",
    }
    lines = tuple(Field(name, label, "line", _text(now, name)) for name, label in labels.items())
    return (*lines, _evidence(now))


def polarities(key: str) -> tuple[tuple[str, str], ...]:
    """Return the possible polarities for a fact key; some keys cannot be denied."""
    words = load_vocabulary()
    return POLARITIES if key not in words or words[key].deniable else POLARITIES[:2]


def sayings(key: str) -> tuple[tuple[str, str], ...]:
    """Return the choices for what an answer says about a fact key; the first is that it says nothing."""
    return (("", "does not say"), *polarities(key))


def _fact(now: Plain, _: Draft) -> tuple[Field, ...]:
    key, words = _text(now, "key"), load_vocabulary()
    given = now.get("slots")
    slots = given if isinstance(given, Mapping) else {}
    names = [*(words[key].slots if key in words else ()), *(name for name in slots)]
    return (
        Field("polarity", "What the sources say", "choice", _text(now, "polarity"), polarities(key)),
        Field("about", "Of what", "choice", _text(now, "about"), _ABOUT),
        *(
            Field(f"slots.{name}", name.capitalize(), "line", str(slots.get(name, "")), group="Details")
            for name in dict.fromkeys(names)
        ),
        _evidence(now),
    )


def _chain(now: Plain, _: Draft) -> tuple[Field, ...]:
    return (Field("title", "Title", "line", _text(now, "title")),)


def _question(now: Plain, _: Draft) -> tuple[Field, ...]:
    return (
        Field("text", "Question", "area", _text(now, "text")),
        Field("proposed", "An answer that would settle it", "area", _text(now, "proposed")),
    )


_MAKERS: Final[Mapping[str, Callable[[Plain, Draft], tuple[Field, ...]]]] = {
    "factor": _factor,
    "layer": _layer,
    "threat": threat_fields,
    "posture": _posture,
    "score": _score,
    "capability": _capability,
    "chain": _chain,
    "question": _question,
    "fact": _fact,
}


def _text(now: Plain, name: str) -> str:
    value = now.get(name)
    return "" if value is None else str(value)


def _number(now: Plain, name: str) -> str:
    value = now.get(name)
    return f"{value:g}" if isinstance(value, int | float) else ""


def _rows(now: Plain, name: str) -> list[Mapping[str, object]]:
    value = now.get(name)
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list | tuple) else []
