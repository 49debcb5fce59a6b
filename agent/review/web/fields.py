"""The fields of a correction form: their names, labels, values and choices, so that a refused form is shown as sent."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from agent.export.sentences import metric_choices
from agent.records import Draft
from agent.review.items import threats_of
from agent.review.web.forms import STATEMENT, Form, Plain
from agent.scoring.cvss import PREFIX

FieldKind = Literal["line", "area", "number", "choice", "metric", "listed"]
"""line: one line of text; area: several; number: with a slider beside it when it has a step; choice: a select; metric:
a CVSS metric's buttons; listed: a line with proposals of a list."""

_APPLIES: Final = (("yes", "applies"), ("no", "does not apply"), ("unknown", "not known"))
_CERTAIN: Final = (("yes", "certain"), ("no", "not certain"))
_WHO: Final = (("you", "you"), ("vendor", "vendor"))
_STATUS: Final = (("proposed", "proposed"), ("claimed", "claimed"), ("confirmed", "confirmed"))
GRAMMAR: Final[Mapping[str, str]] = {
    "source": "Who or what it comes from",
    "prerequisite": "with what in hand",
    "action": "can do what",
    "impact": "which leads to what",
    "asset": "on what",
}
_SPARE: Final = 2
"""Empty rows at the end of a list."""


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
    """Fields of one group stand together under this heading."""


def fields_for(kind: str, now: Plain, draft: Draft) -> tuple[Field, ...]:
    """The fields of a correction of an item with these fields as they stand."""
    make = _MAKERS.get(kind)
    return tuple(_fitted(field) for field in make(now, draft)) if make else ()


def _fitted(field: Field) -> Field:
    """A browser takes line feeds out of a field of one line, and the form would look as if somebody had begun it."""
    return field._replace(value=" ".join(field.value.splitlines())) if field.kind in ("line", "listed") else field


def refilled(fields: Sequence[Field], form: Form) -> tuple[Field, ...]:
    """The same fields with what a reviewer sent."""
    return tuple(field._replace(value=form.get(field.name)) if form.has(field.name) else field for field in fields)


def grouped(fields: Sequence[Field]) -> dict[str, list[Field]]:
    """The fields by the heading under which they stand, in their order; those without one under an empty text."""
    made: dict[str, list[Field]] = {}
    for field in fields:
        made.setdefault(field.group, []).append(field)
    return made


def threat_fields(now: Plain, draft: Draft) -> tuple[Field, ...]:
    """Title, statement, severity, ids of lists, mitigations and evidence of a threat."""
    said = now.get("statement")
    statement = said if isinstance(said, Mapping) else {}
    made = [
        Field("title", "Title", "line", _text(now, "title")),
        Field("how", "How it goes", "area", _text(now, "how"), hint="Empty: the statement below is told instead."),
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
        Field(f"taxonomy.{at}", f"Id {at + 1}", "listed", value, group="Ids of published lists")
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
    end = value._replace(value="", hint="empty: the value")
    return (
        value,
        end._replace(name="low", label="Not below"),
        end._replace(name="high", label="Not above"),
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
