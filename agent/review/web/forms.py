"""Converts submitted forms into Actions, and defines the fields that a correction form shows.

A form is `application/x-www-form-urlencoded`; only the form for a vendor's response may contain a file. A value that
cannot be converted to its field's type is left unchanged, so that validation reports the field.
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
from agent.review.domain.records import Action, Plain
from agent.review.domain.response import MAX_BYTES
from agent.scoring.cvss import BASE_METRICS, PREFIX
from agent.taxonomy.lists import entries, schemes

MAX_FIELDS: Final = 500
OF_THE_SERVICE: Final = ("import", "redraft")
"""Verbs of events that refer to stored drafts; only the service writes such events."""
MAX_DEPTH: Final = 12
MAX_WHOLE: Final = 10**12
MAX_NUMBER: Final = 12
"""Maximum length of a number in a form, in characters."""
STATEMENT: Final = ("source", "prerequisite", "action", "impact", "asset")
POLARITIES: Final = (("asserted", "yes"), ("configurable", "depends on a setting"), ("denied", "no"))
ANSWER_KINDS: Final = (("vendor-answer", "the vendor"), ("analyst-note", "me, as the analyst"))
GRAMMAR: Final[Mapping[str, str]] = {
    "source": "Who or what it comes from",
    "prerequisite": "What they need first",
    "action": "What they can then do",
    "impact": "What that leads to",
    "asset": "What is at stake",
}
_MANAGED: Final = ("mitigation", "owner", "due", "status", "residual")
_MARK: Final = re.compile(r"[^\s,;]+")
_SPAN: Final = re.compile(r"(D\d{1,6}):(\d{1,9}):(\d{1,9})")
_ROW: Final = re.compile(r"(?P<list>[a-z]+)\.(?P<at>\d{1,3})\.?(?P<part>[a-z]*)")
_ABOUT: Final = (
    ("product", "the product"), ("platform", "the platform behind it"), ("client", "the client that calls it"),
    ("other", "another product"),
)  # fmt: skip
_APPLIES: Final = (("yes", "applies"), ("no", "does not apply"), ("unknown", "not known"))
_CERTAIN: Final = (("yes", "certain"), ("no", "not certain"))
_WHO: Final = (("you", "you"), ("vendor", "vendor"))
_STATUS: Final = (("proposed", "proposed"), ("claimed", "claimed"), ("confirmed", "confirmed"))
_ROW_CHARS: Final = 75
_MOST_ROWS: Final = 12
_BUILT: Final = "If left empty, it is built from the statement below."
_SPARE: Final = 2
"""The number of empty rows at the end of a list."""
FieldKind = Literal["line", "area", "number", "choice", "metric", "listed"]
"""line: one line of text; area: several lines; number: with a slider if it has a step; choice: a select; metric: a CVSS
metric's buttons; listed: a line with suggestions from a list."""
_TEXTS: Final[Mapping[str, tuple[tuple[str, str, FieldKind, str], ...]]] = {
    "posture": (("text", "Posture", "area", "Include the marks of its quotes, such as (E4)."),),
    "capability": (
        ("action", "Action", "line", ""), ("object", "Acts on", "line", ""),
        ("credential", "Credential used", "line", ""), ("approver", "Approved by", "line", ""),
    ),
    "chain": (("title", "Title", "line", ""),),
    "question": (("text", "Question", "area", ""), ("proposed", "An answer that would settle it", "area", "")),
}  # fmt: skip
"""The name, label, kind and hint of each text field that corrects an item, by kind of item."""
_CITED: Final = ("factor", "threat", "score", "capability", "fact")
"""The kinds of items whose corrections list their evidence."""


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
            raise InputError("the form cannot be read", where="form", hint="submit it from the page again") from None
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

    def stripped(self, *names: str) -> Plain:
        """Return the first values of these fields without the white space around them."""
        return {name: self.get(name).strip() for name in names}

    def sent(self, *names: str) -> Plain:
        """Return the first value of each of these fields that was sent."""
        return {name: self.get(name) for name in names if self.has(name)}

    def rows(self, name: str, *parts: str) -> dict[int, dict[str, str]]:
        """Return the rows of a list by row number. Each row maps its `parts`, as in `mitigations.0.text`, to their
        text; without `parts`, it maps an empty name to the row's text, as in `taxonomy.0`."""
        made: dict[int, dict[str, str]] = {}
        for key, value in self.pairs:
            found = _ROW.fullmatch(key)
            if found and found["list"] == name and found["part"] in (parts or ("",)):
                made.setdefault(int(found["at"]), {})[found["part"]] = value.strip()
        return dict(sorted(made.items()))

    def whole(self, name: str) -> int:
        """Return a field as a whole number, 0 or more. Raises InputError naming the field if it is not one."""
        value = self.get(name)
        if not value.isascii() or not value.isdecimal() or len(value) > MAX_NUMBER:
            raise InputError("the field is not a number", where=name, hint="reload the page")
        return int(value)


class Brought(NamedTuple):
    """A response file submitted with a form, either uploaded or as text in the field `file`."""

    form: Form
    uploaded: bytes

    @property
    def raw(self) -> bytes:
        """The file's bytes. Raises InputError if both a file and text were given, as it is unclear which is meant."""
        if self.uploaded and self.form.get("file").strip():
            raise InputError("both a file and text were given", where="file", hint="clear the text, or remove the file")
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
    """Convert a form submitted from a review page into an Action. Raises InputError naming the invalid field."""
    verb, item = form.get("verb"), form.get("item")
    read = _FIELDS.get(verb)
    return acting(
        {
            "verb": verb,
            "item": item,
            "version": form.whole("version"),
            "reason": form.get("reason"),
            "note": form.get("note").strip(),
            "section": form.get("section"),
            "fields": _corrected(item.partition("/")[0], form) if verb == "correct" else read(form) if read else {},
        }
    )


def acting(raw: Plain) -> Action:
    """Create an Action from plain values. Raises InputError naming the first invalid field."""
    if raw.get("verb") in OF_THE_SERVICE:
        raise InputError(
            f"a reviewer cannot submit {raw['verb']!r} as an action",
            where="verb",
            hint="import and redraft have their own routes",
        )
    try:
        return Action.model_validate(sound(raw))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "action"
        raise InputError(
            f"the field is not valid: {first['msg'].lower()}", where=where, hint="choose one of the values on the page"
        ) from None


def _corrected(kind: str, form: Form) -> Plain:
    """Return the fields of a correction of an item of this kind."""
    made = form.sent(*(name for name, *_ in _TEXTS.get(kind, ())))
    if kind == "factor":
        made = {name: number(form.get(name)) for name in ("value", "low", "high") if form.get(name).strip()}
    elif kind == "layer":
        made = form.sent("applies", "paragraph")
        if form.has("certain"):
            made["certain"] = form.get("certain") == "yes"
    elif kind == "threat":
        made = _threat(form)
    elif kind == "fact":
        made = form.sent("polarity", "about")
        slots = {name.removeprefix("slots."): value.strip() for name, value in form.pairs if name.startswith("slots.")}
        made |= {"slots": slots} if slots else {}
    elif kind == "score":
        made = {"headline": form.get("headline")} if form.get("headline") else {}
        if form.get("mitigation_factor").strip():
            made["mitigation_factor"] = number(form.get("mitigation_factor"))
    if form.has("evidence"):
        made["evidence"] = _MARK.findall(form.get("evidence"))
    return made


def _threat(form: Form) -> Plain:
    made = form.sent("title", "how", "lost")
    if any(form.has(f"statement.{part}") for part in STATEMENT):
        made["statement"] = {part: form.get(f"statement.{part}") for part in STATEMENT}
    if form.has("cvss.AV"):
        made["cvss_vector"] = PREFIX + "/".join(f"{metric}:{form.get(f'cvss.{metric}')}" for metric in BASE_METRICS)
    if rows := form.rows("mitigations", "text", "who", "status"):
        made["mitigations"] = [row for row in rows.values() if row.get("text")]
    if rows := form.rows("taxonomy"):
        made["taxonomy"] = [_reference(row[""]) for row in rows.values() if row[""]]
    return made


def added_threat(form: Form) -> Plain:
    """Return the fields of an added threat that are filled in.

    The vector comes from its text field if that was changed or no metric was chosen, else from the chosen metrics.
    """
    made = _threat(form)
    chosen = [(metric, form.get(f"cvss.{metric}")) for metric in BASE_METRICS]
    clicked = "/".join(f"{metric}:{value}" for metric, value in chosen if value)
    written = form.get("cvss_vector").strip()
    made["cvss_vector"] = PREFIX + clicked if clicked and written == form.get("cvss_was").strip() else written
    ticked = [_reference(value) for value in form.all("taxonomy") if value.strip()]
    made["taxonomy"] = [*made.get("taxonomy", ()), *ticked]
    # Evidence ids, source spans, and words quoted from a source.
    evidence: list[object] = [*_MARK.findall(form.get("evidence"))]
    for text in form.all("span"):
        span = read_span(text)
        evidence.append({"document": span[0], "start": span[1], "end": span[2]} if span else {"document": text})
    if form.get("quote").strip() or form.get("start").strip():
        evidence.append(_span(form))
    facts = list(form.all("fact"))
    return made | {"layer": form.get("layer"), "evidence": evidence} | ({"facts": facts} if facts else {})


def span_words(document: str, start: int, end: int) -> str:
    """Format a span of a source as the value of a form field."""
    return f"{document}:{start}:{end}"


def read_span(text: str) -> tuple[str, int, int] | None:
    """Parse the document, start and end from a value of `span_words`. Returns None for any other text."""
    found = _SPAN.fullmatch(text)
    return (found[1], int(found[2]), int(found[3])) if found else None


def _span(form: Form) -> Plain:
    made: Plain = {"document": form.get("document")}
    if form.get("quote").strip():
        made["quote"] = form.get("quote").strip()
    if form.get("start").strip() or form.get("end").strip():
        made |= {"start": form.whole("start"), "end": form.whole("end")}
    return made


def _reference(text: str) -> Plain:
    """Parse "owasp-asi ASI01 Agent Goal Hijack", or an id alone if only one list contains it."""
    words = text.split()
    if words[0] in schemes() and len(words) > 1:
        return {"scheme": words[0], "id": words[1]}
    owners = [name for name in schemes() if any(entry.id == words[0] for entry in entries(name))]
    return {"scheme": owners[0] if len(owners) == 1 else "", "id": words[0]}


def _answer(form: Form) -> Plain:
    """Return an answer with the facts that it states: one entry for each row with a key and a polarity."""
    made, quote = list[Plain](), form.get("quote").strip()
    for row in form.rows("states", "key", "polarity", "value").values():
        if row.get("key") and row.get("polarity"):
            row["key"] = row["key"].partition(" ")[0]
            made.append({name: value for name, value in (*row.items(), ("quote", quote)) if value})
    return form.stripped("text", "url", "kind") | ({"states": made} if made else {})


_FIELDS: Final[Mapping[str, Callable[[Form], Plain]]] = {
    "attach": _span,
    "add": added_threat,
    "answer": _answer,
    "contest": lambda form: form.stripped("kind", "text", "url", "sender"),
    "assign": lambda form: form.stripped("to"),
    "ask": lambda form: {"key": form.get("key")},
    "decide": lambda form: {"number": form.whole("number"), "decision": form.get("decision"), "rule": form.get("rule")},
    "bulk": lambda form: {"seen": form.get("seen").split()},
    "comment": lambda form: form.stripped("text", *(["to"] if form.get("to").strip() else [])),
    "undo": lambda form: {"batch": form.whole("batch")} if form.has("batch") else {},
    "sign": lambda form: {name: form.get(name) for name in ("decision", "waivers") if form.get(name)},
    "manage": lambda form: form.stripped(*filter(form.has, _MANAGED)),
}
"""Functions that read the fields of each act except a correction; acts that are missing here have no fields."""


def number(text: str) -> object:
    """Convert text to a number, or return it unchanged if it is not one."""
    bare = text.strip().replace(",", ".")
    return bare if len(bare) > MAX_NUMBER or not re.fullmatch(r"-?\d+(\.\d+)?", bare) else float(bare)


def sound(value: Plain) -> Plain:
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
                raise InputError(
                    "the text contains an invalid character", where="fields", hint="send plain Unicode text"
                )
        case bool() | None:
            pass
        case int() | float():
            if not math.isfinite(value) or abs(value) > MAX_WHOLE:
                raise InputError("a number is too large or not finite", where="fields", hint="send a plain number")
        case dict():
            for name, each in value.items():
                _sound(name, depth + 1)
                _sound(each, depth + 1)
        case list() | tuple():
            for each in value:
                _sound(each, depth + 1)
        case _:
            raise InputError("a value is not a plain JSON value", where="fields", hint="send JSON")


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
        """The number of lines that a text area needs for the value, at most `_MOST_ROWS`."""
        return min(len(self.value) // _ROW_CHARS + 1, _MOST_ROWS)


def refilled(fields: Sequence[Field], form: Form) -> tuple[Field, ...]:
    """Return the same fields with the values that a reviewer sent."""
    return tuple(field._replace(value=form.get(field.name)) if form.has(field.name) else field for field in fields)


def grouped(fields: Sequence[Field]) -> dict[str, list[Field]]:
    """Group the fields by heading, in order. Fields without a heading are under an empty string."""
    made: dict[str, list[Field]] = {}
    for field in fields:
        made.setdefault(field.group, []).append(field)
    return made


def fields_for(kind: str, now: Plain, draft: Draft) -> tuple[Field, ...]:
    """Return the fields of the form that corrects an item of this kind, with the current values `now`."""
    made = [Field(name, label, type_, _text(now, name), hint=hint) for name, label, type_, hint in _TEXTS.get(kind, ())]
    if kind == "factor":
        value = Field("value", "Value", "number", _number(now, "value"), low="0", high="1", step="0.1")
        end = value._replace(value="", hint="leave empty to use the value")
        made = [value, end._replace(name="low", label="Low end"), end._replace(name="high", label="High end")]
    elif kind == "layer":
        certain = "yes" if now.get("certain") else "no"
        hint = "Quotes in “…” are checked against the sources; add their marks, such as (E4)."
        made = [
            Field("certain", "Do the sources settle it?", "choice", certain, _CERTAIN),
            Field("applies", "Does the layer apply?", "choice", _text(now, "applies"), _APPLIES),
            Field("paragraph", "Paragraph", "area", _text(now, "paragraph"), hint=hint),
        ]
    elif kind == "threat":
        made = threat_fields(now)
    elif kind == "score":
        standing = tuple((name, threat.title) for name, threat in threats_of(draft).items() if threat.evidence)
        controls = Field(
            "mitigation_factor", "Factor for controls", "number", _number(now, "mitigation_factor"),
            hint="0.5 to 1, with evidence; the score with controls is shown next to the score without them",
            low="0.5", high="1", step="0.01",
        )  # fmt: skip
        made = [Field("headline", "Headline threat", "choice", _text(now, "headline"), standing), controls]
    elif kind == "fact":
        made = _fact(now)
    if kind in _CITED:
        cited = ", ".join(now.get("evidence", ()))
        made.append(
            Field(
                "evidence", "Evidence", "line", cited, hint="Ids such as E4, E12. To cite a new quote, attach it first."
            )
        )
    return tuple(
        # Browsers remove line feeds from a one-line field, which would make the form look edited.
        one._replace(value=" ".join(one.value.splitlines())) if one.kind in ("line", "listed") else one
        for one in made
    )


def threat_fields(now: Plain) -> list[Field]:
    """Return the title, statement, severity, list ids and mitigations of a threat as form fields."""
    statement = now.get("statement") or {}
    chosen = dict(part.split(":", 1) for part in _text(now, "cvss_vector").removeprefix(PREFIX).split("/") if part)
    listed = [f"{row['scheme']} {row['id']} {row['title']}" for row in now.get("taxonomy", ())]
    made = [
        Field("title", "Title", "line", _text(now, "title")),
        Field("how", "How it happens", "area", _text(now, "how"), hint=_BUILT),
        Field("lost", "What is lost", "line", _text(now, "lost")),
        *(
            Field(f"statement.{part}", GRAMMAR[part], "area", statement.get(part, ""), group="Statement")
            for part in STATEMENT
        ),
        *(
            Field(f"cvss.{metric}", name, "metric", chosen.get(metric, ""), choices, group="Severity, CVSS v4.0")
            for metric, name, choices in metric_choices()
        ),
        *(
            Field(f"taxonomy.{at}", f"Id {at + 1}", "listed", value, group="Entries from published lists")
            for at, value in enumerate([*listed, *[""] * _SPARE])
        ),
    ]
    for at, row in enumerate([*now.get("mitigations", ()), {}]):
        name, group = f"mitigations.{at}", "Mitigations"
        made += [
            Field(f"{name}.text", f"Mitigation {at + 1}", "area", row.get("text", ""), group=group),
            Field(f"{name}.who", "Who does it", "choice", row.get("who", "you"), _WHO, group=group),
            Field(f"{name}.status", "Status", "choice", row.get("status", "proposed"), _STATUS, group=group),
        ]
    return made


def _fact(now: Plain) -> list[Field]:
    key, words, slots = _text(now, "key"), load_vocabulary(), now.get("slots") or {}
    names = dict.fromkeys((*(words[key].slots if key in words else ()), *slots))
    return [
        Field("polarity", "What the sources say", "choice", _text(now, "polarity"), _polarities(key)),
        Field("about", "About", "choice", _text(now, "about"), _ABOUT),
        *(Field(f"slots.{name}", name.capitalize(), "line", slots.get(name, ""), group="Details") for name in names),
    ]


def answer_fields(form: Form) -> tuple[Field, ...]:
    """Return the fields of the form that records an answer, with their labels and choices."""
    words, stated = load_vocabulary(), []
    for at, parts in form.rows("states", "key", "polarity", "value").items():
        row, key = f"states.{at}", parts.get("key", "")
        if "value" not in parts:
            stated.append(Field(f"{row}.key", "Another fact", "line", ""))
        title = f"It {words[key].title}" if key in words else "The answer"
        stated.append(Field(f"{row}.polarity", title, "choice", "", sayings(key)))
        if "value" in parts:
            stated.append(Field(f"{row}.value", "Detail", "line", "", hint="in the answer's own words; optional"))
    hint = "copied from the answer; leave empty to quote all of it"
    stated.append(Field("quote", "Supporting quote", "line", "", hint=hint))
    return (
        Field("text", "Answer", "area", ""),
        Field("url", "Public page that states this", "line", ""),
        Field("kind", "Answered by", "choice", "", ANSWER_KINDS),
        Field("note", "Who said it, and where", "line", "", hint="Required unless a public page is given."),
        *(one._replace(group="What the answer states") for one in stated),
    )


def _polarities(key: str) -> tuple[tuple[str, str], ...]:
    """Return the possible polarities for a fact key; some keys cannot be denied."""
    words = load_vocabulary()
    return POLARITIES if key not in words or words[key].deniable else POLARITIES[:2]


def sayings(key: str) -> tuple[tuple[str, str], ...]:
    """Return the choices for what an answer says about a fact key; the first is that it says nothing."""
    return (("", "does not say"), *_polarities(key))


def _text(now: Plain, name: str) -> str:
    return str(now.get(name) or "")


def _number(now: Plain, name: str) -> str:
    value = now.get(name)
    return "" if value is None else f"{value:g}"
