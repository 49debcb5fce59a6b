"""Checks and normalises the fields of a correction, by kind of item, in the form stored in its event.

Every rejection is an InputError whose `where` names the field. Every quote in an edited text must occur in a source.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, get_args

from agent.drafting.layers.paragraphs import MARK
from agent.errors import InputError
from agent.facts.vocabulary import load_vocabulary
from agent.records import SLOTS, Document, Evidence, FactAbout, Polarity
from agent.report.sentences import metric_choices
from agent.review.domain.quotes import Plain, check_text, cite, marks_in, plain_mark
from agent.review.domain.records import MAX_TEXT, ItemKind
from agent.scoring.cvss import BASE_METRICS, PREFIX, read_vector
from agent.scoring.request import number
from agent.taxonomy.lists import lookup

PARTS: Final = ("source", "prerequisite", "action", "impact", "asset")
"""[source] with [prerequisite] can [action], which leads to [impact] on [asset]."""
MAX_ROWS: Final = 20
_WHO: Final = ("you", "vendor")
_OF_MITIGATION: Final = ("text", "who", "status", "evidence")
_STATUS: Final = ("proposed", "claimed", "confirmed")
_SLUG_CHARS: Final = 40
_LLM_WORD: Final = "proposed"
"""In an id, this word marks a threat proposed by an LLM."""

Text = Callable[[object, str], str]
"""Checks a text; the second argument names the field."""
Citations = Callable[[object, str], list[str]]
MAX_URL: Final = 2_000
MAX_SLOT: Final = 300
"""The maximum length of one detail of a fact, in characters."""
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"]+")
_GRID: Final = 10
_HALF: Final = Decimal("0.5")
_HUNDREDTHS: Final = 2
_EDITABLE: Final[Mapping[ItemKind, tuple[str, ...]]] = {
    "posture": ("text",),
    "score": ("headline", "mitigation_factor", "evidence"),
    "factor": ("value", "low", "high", "evidence"),
    "layer": ("certain", "applies", "paragraph"),
    "threat": ("title", "how", "lost", "statement", "cvss_vector", "taxonomy", "mitigations", "evidence"),
    "capability": ("action", "object", "credential", "approver", "evidence"),
    "chain": ("title",),
    "question": ("text", "proposed"),
    "fact": ("polarity", "about", "slots", "evidence"),
}
_NULLABLE: Final = ("credential", "approver")
_APPLIES: Final = ("yes", "no", "unknown")


def checked_statement(value: object, before: object, text: Text) -> Plain:
    """Check the five parts of a statement; missing parts come from `before`. Raises InputError, also if empty."""
    if not isinstance(value, Mapping):
        raise InputError("the statement has no parts", where="statement", hint="parts: " + ", ".join(PARTS))
    unknown = next((name for name in value if name not in PARTS), None)
    if unknown is not None:
        raise InputError("the statement has an unknown part", where="statement", hint="parts: " + ", ".join(PARTS))
    whole = {**(before if isinstance(before, Mapping) else {}), **value}
    return {name: text(whole.get(name, ""), f"statement.{name}") for name in PARTS}


def checked_vector(value: object) -> str:
    """Check a CVSS v4.0 vector of the eleven base metrics, in order. Raises InputError."""
    if not isinstance(value, str):
        raise InputError("the vector is not text", where="cvss_vector", hint="set all base metrics")
    vector = value.strip()
    _refuse_metrics(vector)
    read_vector(vector)
    metrics = dict(part.split(":") for part in vector.removeprefix(PREFIX).split("/"))
    other = next((name for name in metrics if name not in BASE_METRICS), None)
    if other is not None:
        raise InputError(f"{other} is no base metric", where="cvss_vector", hint="threat and environment stay out")
    return PREFIX + "/".join(f"{name}:{metrics[name]}" for name in BASE_METRICS)


def _refuse_metrics(vector: str) -> None:
    """Raise InputError naming a base metric that is missing from a CVSS v4.0 vector or has an invalid value."""
    given = [part.partition(":") for part in vector.removeprefix(PREFIX).split("/")]
    if not vector.startswith(PREFIX):
        return
    known = {metric: (name, dict(choices)) for metric, name, choices in metric_choices()}
    for metric, _, value in given:
        if metric in known and value not in known[metric][1]:
            name, choices = known[metric]
            hint = ", ".join(f"{code}: {words}" for code, words in choices.items())
            raise InputError(f"{metric} ({name}) has no value {value[:20]!r}", where="cvss_vector", hint=hint)
    missing = [f"{metric} ({known[metric][0]})" for metric in BASE_METRICS if metric not in {part[0] for part in given}]
    # Leave an unknown metric to a later check, because it may be the missing metric misspelt.
    if missing and all(metric in known for metric, _, _ in given):
        raise InputError(f"the vector lacks {', '.join(missing)}", where="cvss_vector", hint="set all base metrics")


def checked_taxonomy(value: object) -> list[Plain]:
    """Return the entries of published lists for these ids, with titles. Raises InputError for an id not in its list."""
    made: list[Plain] = []
    for row in _rows(value, "taxonomy"):
        entry = lookup(str(row.get("scheme", "")), str(row.get("id", "")))
        made.append({"scheme": entry.scheme, "id": entry.id, "title": entry.title})
    return [row for at, row in enumerate(made) if row not in made[:at]]


def checked_mitigations(value: object, before: object, text: Text, citations: Citations) -> list[Plain]:
    """Check mitigations with their owners and status; unchanged mitigations keep their evidence. Raises InputError."""
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


def added_id(title: str, last: int) -> str:
    """Build the permanent id of a threat added by hand, as in H1-slug; `last` is the highest number ever used."""
    words = [word for word in re.findall(r"[a-z0-9]+", title.lower()) if word != _LLM_WORD]
    slug = "-".join(words)[:_SLUG_CHARS].strip("-") or "threat"
    return f"H{last + 1}-{slug}"


def _rows(value: object, where: str) -> list[Mapping[str, object]]:
    if not isinstance(value, list | tuple) or not all(isinstance(row, Mapping) for row in value):
        raise InputError("the field is not a list of objects", where=where, hint="give a list")
    if len(value) > MAX_ROWS:
        raise InputError(f"the field has {len(value)} entries", where=where, hint=f"at most {MAX_ROWS}")
    return list(value)


class Sources:
    """The sources against which edited texts and citations are checked, and the citations made so far."""

    def __init__(self, documents: Sequence[Document], evidence: Sequence[Evidence]) -> None:
        self._documents = documents
        self._evidence = list(evidence)
        self._cited: dict[str, Evidence] = {}

    def text(self, value: object, where: str) -> str:
        """Check a text: at most `MAX_TEXT` characters, quotes that occur in the sources, and known marks."""
        text = plain_text(value, where)
        known = {item.id: item for item in self._evidence}
        check_text(text, self._documents, known, where)
        self._cited |= {mark: known[mark] for mark in marks_in(text)}
        return text

    def cite(self, value: object, where: str) -> str:
        """Return the evidence id of a citation, which may be an id, a span or a quote of a document."""
        found = cite(value, self._documents, self._evidence, where)
        if all(item.id != found.id for item in self._evidence):
            self._evidence.append(found.evidence)
        self._cited[found.id] = found.evidence
        return found.id

    def cite_all(self, value: object, where: str) -> list[str]:
        """Return the evidence ids of a list of citations."""
        if not isinstance(value, list | tuple):
            raise InputError("the evidence is not a list", where=where, hint="give a list of ids or spans")
        return list(dict.fromkeys(self.cite(row, where) for row in value))

    def evidence_of(self, marks: Iterable[str]) -> tuple[Evidence, ...]:
        """Return the evidence with these ids, in their order, skipping unknown ids."""
        known = {item.id: item for item in self._evidence}
        return tuple(known[mark] for mark in marks if mark in known)

    def with_marks(self, after: Plain) -> Plain:
        """Return the fields of an event with all citations so far under `marks`."""
        if not self._cited:
            return after
        return {**after, "marks": {name: plain_mark(item) for name, item in sorted(self._cited.items())}}


def plain_text(value: object, where: str) -> str:
    """Check a text: not empty, at most `MAX_TEXT` characters. Its quotes are not looked up."""
    if not isinstance(value, str):
        raise InputError("the field is not text", where=where, hint="give a string")
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
        raise InputError("the field is no short text", where=name, hint=f"one line of at most {most} characters")
    return value.strip()


def address(fields: Mapping[str, object], name: str) -> str:
    """Check and return an http(s) address, or an empty text."""
    value = short_text(fields, name, MAX_URL)
    if value and not _ADDRESS.fullmatch(value):
        raise InputError("the field is no address", where=name, hint="a public page, as in https://docs.example/limits")
    return value


def checked_fields(
    kind: ItemKind, given: Mapping[str, object], before: Mapping[str, object], sources: Sources
) -> Plain:
    """Check a correction and return the fields that differ from `before`. Raises InputError, also if none differs."""
    allowed = _EDITABLE[kind]
    unknown = next((name for name in given if name not in allowed), None)
    if unknown is not None:
        raise InputError(f"a {kind} has no field {unknown[:40]!r}", where=unknown, hint="fields: " + ", ".join(allowed))
    checked = _CHECKS[kind](given, before, sources)
    changed = {name: value for name, value in checked.items() if value != before.get(name)}
    if not changed:
        raise InputError("nothing is changed", where=kind, hint="confirm it, or change a field")
    if kind == "factor":  # Keep value, low and high together, since one alone could lie outside the others.
        changed |= {name: checked[name] for name in ("value", "low", "high")}
    return changed


def _posture(given: Mapping[str, object], before: Mapping[str, object], sources: Sources) -> Plain:
    return {"text": sources.text(given.get("text"), "text")}


def _score(given: Mapping[str, object], before: Mapping[str, object], sources: Sources) -> Plain:
    made: Plain = {}
    if given.get("headline") is not None:
        made["headline"] = sources.text(given["headline"], "headline")
    if "evidence" in given:
        made["evidence"] = sources.cite_all(given["evidence"], "evidence")
    if given.get("mitigation_factor") is not None:
        factor = number(given["mitigation_factor"], "mitigation_factor")
        if not _HALF <= factor <= 1 or round(factor, _HUNDREDTHS) != factor:
            raise InputError(
                f"{factor} is no mitigation factor", where="mitigation_factor", hint="0.5 to 1, two decimals at most"
            )
        if not made.get("evidence", before.get("evidence")):
            raise InputError(
                "a mitigation factor needs evidence", where="evidence", hint="mark the control in a source or a note"
            )
        made["mitigation_factor"] = float(factor)
    return made


def _factor(given: Mapping[str, object], before: Mapping[str, object], sources: Sources) -> Plain:
    value = _tenth(given.get("value", before.get("value")), "value")
    # A value without a range decides the factor, so its range shrinks to that value.
    low, high = (value if given.get(end) is None else _tenth(given[end], end) for end in ("low", "high"))
    if not low <= value <= high:
        raise InputError("low, value and high are not in order", where="low, high", hint="low <= value <= high")
    made: Plain = {"value": value, "low": low, "high": high}
    if "evidence" in given:
        made["evidence"] = sources.cite_all(given["evidence"], "evidence")
    return made


def _tenth(value: object, where: str) -> float:
    found = number(value, where)
    if not 0 <= found <= 1 or found * _GRID != int(found * _GRID):
        raise InputError(f"{found} is no factor value", where=where, hint="0 to 1 in steps of 0.1")
    return float(found)


def _layer(given: Mapping[str, object], before: Mapping[str, object], sources: Sources) -> Plain:
    made: Plain = {}
    if "certain" in given:
        if not isinstance(given["certain"], bool):
            raise InputError("the flag is neither true nor false", where="certain", hint="give true or false")
        made["certain"] = given["certain"]
    if "applies" in given:
        if given["applies"] not in _APPLIES:
            raise InputError("the field is none of its values", where="applies", hint=" or ".join(_APPLIES))
        made["applies"] = given["applies"]
    if "paragraph" in given:
        made["paragraph"] = sources.text(given["paragraph"], "paragraph")
    certain = made.get("certain", before.get("certain"))
    paragraph = str(made.get("paragraph", before.get("paragraph")))
    if certain and paragraph.startswith(MARK):
        raise InputError(
            "a certain layer needs a paragraph that says something",
            where="paragraph",
            hint="write what the sources say, with a quote and its mark, as in (E4)",
        )
    said = certain and (not before.get("certain") or paragraph != before.get("paragraph"))
    if said and made.get("applies", before.get("applies")) != "no" and not marks_in(paragraph):
        raise InputError("a certain layer cites a quote", where="paragraph", hint="attach one and name it, as in (E4)")
    if not certain and not paragraph.startswith(MARK):
        made["paragraph"] = MARK + paragraph[:1].lower() + paragraph[1:]
    return made


def _threat(given: Mapping[str, object], before: Mapping[str, object], sources: Sources) -> Plain:
    made: Plain = {}
    if "title" in given:
        made["title"] = sources.text(given["title"], "title")
    if "statement" in given:
        made["statement"] = checked_statement(given["statement"], before.get("statement"), sources.text)
    made |= _told(given, before, made.get("statement", before.get("statement")), sources)
    if "cvss_vector" in given:
        made["cvss_vector"] = checked_vector(given["cvss_vector"])
    if "taxonomy" in given:
        made["taxonomy"] = checked_taxonomy(given["taxonomy"])
    if "mitigations" in given:
        made["mitigations"] = checked_mitigations(
            given["mitigations"], before.get("mitigations"), sources.text, sources.cite_all
        )
    if "evidence" in given:
        made["evidence"] = sources.cite_all(given["evidence"], "evidence")
    return made


def _told(given: Mapping[str, object], before: Mapping[str, object], statement: object, sources: Sources) -> Plain:
    """Return the texts on how a threat unfolds and what is lost; reports use the statement where a text is empty.

    If the statement changes, texts about the old statement are emptied, unless the same correction rewords them.
    """
    made: Plain = {
        name: sources.text(given[name], name) if str(given[name] or "").strip() else ""
        for name in ("how", "lost")
        if name in given
    }
    was = before.get("statement")
    if isinstance(statement, Mapping) and isinstance(was, Mapping) and statement != was:
        changed = {name for name in statement if statement[name] != was.get(name)}
        stale = ("how", "lost") if changed & {"impact", "asset"} else ("how",)
        made |= {name: "" for name in stale if made.get(name, before.get(name)) == before.get(name)}
    return made


def _capability(given: Mapping[str, object], before: Mapping[str, object], sources: Sources) -> Plain:
    made: Plain = {}
    for name in ("action", "object", *_NULLABLE):
        if name in given:
            nothing = name in _NULLABLE and given[name] in (None, "")
            made[name] = None if nothing else sources.text(given[name], name)
    if "evidence" in given:
        made["evidence"] = sources.cite_all(given["evidence"], "evidence")
    return made


def _fact(given: Mapping[str, object], before: Mapping[str, object], sources: Sources) -> Plain:
    made: Plain = {}
    for name, values in (("polarity", get_args(Polarity)), ("about", get_args(FactAbout))):
        if name in given:
            if given[name] not in values:
                raise InputError("the field is none of its values", where=name, hint=" or ".join(values))
            made[name] = given[name]
    key = str(before.get("key"))
    if made.get("polarity") == "denied" and key in load_vocabulary() and not load_vocabulary()[key].deniable:
        raise InputError("that it does not is no fact of the vocabulary", where="polarity", hint="strike it instead")
    if "slots" in given:
        slots = given["slots"]
        if not isinstance(slots, Mapping) or any(name not in SLOTS for name in slots):
            raise InputError("the details are not a fact's", where="slots", hint="details: " + ", ".join(SLOTS))
        old = before.get("slots")
        whole = {**(old if isinstance(old, Mapping) else {}), **slots}
        made["slots"] = {
            name: short_text(whole, name, MAX_SLOT) for name in SLOTS if str(whole.get(name) or "").strip()
        }
    if "evidence" in given:
        made["evidence"] = sources.cite_all(given["evidence"], "evidence")
        if not made["evidence"]:
            raise InputError("a fact has a quote", where="evidence", hint="name one, or strike the fact")
    return made


def _texts(given: Mapping[str, object], before: Mapping[str, object], sources: Sources) -> Plain:
    return {name: sources.text(value, name) for name, value in given.items()}


_CHECKS: Final[Mapping[ItemKind, Callable[[Mapping[str, object], Mapping[str, object], Sources], Plain]]] = {
    "posture": _posture,
    "score": _score,
    "factor": _factor,
    "layer": _layer,
    "threat": _threat,
    "capability": _capability,
    "chain": _texts,
    "question": _texts,
    "fact": _fact,
}
