"""The records of an explanation and the passages that several items share."""

from collections.abc import Sequence
from typing import Final, Literal

from pydantic import ConfigDict, Field

from agent.export.safe_json import dumps
from agent.export.view import View, name_of, rank_words
from agent.records import Record

SCHEMA: Final = "septet/explain/1"


class Row(Record):
    """One labelled line."""

    label: str
    text: str
    evidence: tuple[str, ...] = ()
    number: float | None = None
    """The figure that the text speaks of, for programs."""


class Passage(Record):
    """A heading with its rows."""

    heading: str
    rows: tuple[Row, ...]


class Explanation(Record):
    """Where one item of a draft comes from and what would change it."""

    schema_: Literal["septet/explain/1"] = Field(default=SCHEMA, alias="schema")
    draft: str
    """The draft's id."""
    item: str
    kind: str
    title: str
    passages: tuple[Passage, ...]

    model_config = ConfigDict(populate_by_name=True)


def as_json_text(explanation: Explanation) -> str:
    """The explanation as JSON text, ending with a line feed."""
    plain = explanation.model_dump(mode="json", by_alias=True)
    return dumps(plain)


def row(label: str, text: str, evidence: Sequence[str] = (), number: float | None = None) -> Row:
    """A row from its parts."""
    return Row(label=label, text=text, evidence=tuple(evidence), number=number)


def passage(heading: str, rows: Sequence[Row]) -> Passage:
    """A passage from its parts."""
    return Passage(heading=heading, rows=tuple(rows))


def quotes(view: View, marks: Sequence[str], heading: str = "Quotes") -> Passage:
    """The quotes of these marks with their place and rank."""
    rows = []
    for mark in dict.fromkeys(marks):
        item = view.evidence.get(mark)
        if item is not None:
            place = f"{item.document} characters {item.start} to {item.end}, rank {item.rank} {rank_words(item.rank)}"
            rows.append(row(mark, f"“{item.quote}” {place}, about the {item.about}"))
    return passage(heading, rows)


def questions_about(view: View, key: str) -> Passage:
    """The questions whose answer would settle this factor or layer."""
    found = [
        row(item.id, f"{item.text} An answer such as: {item.proposed}", number=item.effect)
        for item in view.questions if key in item.settles
    ]  # fmt: skip
    return passage("What would change it", found)


def lowerings_of(view: View, keys: Sequence[str]) -> Passage:
    """The lowerings whose target or evidence is among these keys, with the rule of each."""
    found = [
        row(
            name_of(item.target),
            f"{item.before:.2f} → {item.after:.2f}, rank {item.rank}: {item.rule}",
            (item.evidence,),
        )
        for item in view.draft.lowerings
        if item.target in keys or item.evidence in keys
    ]
    return passage("Lowered by", found)
