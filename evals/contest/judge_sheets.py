"""The sheets of the judges and of the readers who check single drafts, and the key that says who wrote which draft.

    sheets/<round>/key.json               which side was A, which B, for each judge
    sheets/<round>/judge-1/P01.json …     a judge's sheets
    sheets/<round>/readings/<slug>.<drafter>.<reader>.json    checks of single drafts

Text lengths are limited, since sheets may quote only a few words of a listing.
"""

import json
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import Field, StringConstraints, ValidationError, model_validator

from agent.errors import InputError, SourceError
from agent.records import Draft, Record
from agent.taxonomy.kinds import ProductKind
from agent.taxonomy.layers import LAYERS, LayerKey
from evals.real.readings import Reading

FOLDER: Final = Path(__file__).parent / "sheets"
KEY: Final = "key.json"
READINGS: Final = "readings"
EXPECTED: Final = 5
MARKS: Final = ("correctness", "coverage", "usefulness", "readability", "traceability")
_WORDS: Final = 30
_LONG: Final = 300
_CHARS: Final = 280

Side = Literal["septet", "plain"]
SIDES: Final[tuple[Side, ...]] = ("septet", "plain")
Letter = Literal["A", "B"]
LETTERS: Final[tuple[Letter, ...]] = ("A", "B")
Mark = Annotated[float, Field(ge=0, le=10, multiple_of=0.5)]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=_LONG)]
Few = Annotated[str, StringConstraints(strip_whitespace=True, max_length=_LONG)]
RecordT = TypeVar("RecordT", bound=Record)


class Wrong(Record):
    """One wrong statement in a draft."""

    statement: Sentence
    reason: Sentence

    @model_validator(mode="after")
    def _short(self) -> Self:
        if len(self.statement.split()) > _WORDS:
            raise ValueError(f"a statement may have at most {_WORDS} words")
        return self


class DraftSheet(Record):
    """A judge's sheet on one draft, with marks from 0 to 10 in steps of 0.5."""

    correctness: Mark
    coverage: Mark
    usefulness: Mark
    readability: Mark
    traceability: Mark
    wrong: tuple[Wrong, ...]
    would_hand_on: bool
    """Whether the judge would pass the draft on after at most one hour of editing."""
    note: Few = ""


class PairSheet(Record):
    """A judge's sheet on one pair."""

    pair: Annotated[str, Field(pattern=r"^P\d{2,3}$")]
    judge: Annotated[str, Field(pattern=r"^judge-\d+$")]
    expected: Annotated[tuple[Sentence, ...], Field(min_length=EXPECTED, max_length=EXPECTED)]
    """The most important threats, which the judge wrote down before opening either draft."""
    A: DraftSheet
    B: DraftSheet
    rank: tuple[Letter, Letter]
    """The better draft first; there are no ties."""

    @model_validator(mode="after")
    def _both(self) -> Self:
        if set(self.rank) != set(LETTERS):
            raise ValueError("the rank must contain A and B, each once")
        return self

    def of(self, letter: Letter) -> DraftSheet:
        """Return the sheet of one draft."""
        return self.A if letter == "A" else self.B


class PairKey(Record):
    """Who wrote draft A and who wrote draft B in one pair that a judge was given."""

    pair: str
    judge: str
    slug: str
    kind: ProductKind
    A: Side
    B: Side
    words: dict[Letter, int]
    """Word count of each draft as the judge saw it."""

    def letter(self, side: Side) -> Letter:
        """Return the letter of a side's draft."""
        return "A" if side == self.A else "B"


class RoundKey(Record):
    """The key of one round of the contest."""

    drafter: Literal["embedded", "llm"]
    llm: str
    """The LLM that wrote the plain drafts and, with the drafter `llm`, also Septet's drafts."""
    on: str
    seed: int
    pairs: tuple[PairKey, ...]


class ThreatCheck(Record):
    """A reader's verdict on one threat of a draft."""

    threat: Sentence
    """The threat's id and title."""
    verdict: Literal["follows", "does not follow", "another thing"]
    reason: Few = ""


class RowCheck(Record):
    """A reader's verdict on one row of the draft's table of capabilities."""

    row: Sentence
    wrong: bool
    reason: Few = ""


class LayerCheck(Record):
    """A reader's count of one layer's sentences about the product, without those marked as general commentary."""

    sentences: Annotated[int, Field(ge=0, le=20)]
    wrong: Annotated[int, Field(ge=0, le=20)]
    reason: Few = ""

    @model_validator(mode="after")
    def _part(self) -> Self:
        if self.wrong > self.sentences:
            raise ValueError("there are more wrong sentences than sentences")
        return self


class MustCheck(Record):
    """A reader's verdict on whether the draft contains one of the expert's must-have threats."""

    must: Sentence
    present: bool
    threat: Few = ""
    """The matching threat of the draft, or empty."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.present and not self.threat:
            raise ValueError("a must-have threat that is present needs the id of the draft's threat")
        return self


class ReadingSheet(Record):
    """A reader's sheet on one draft."""

    slug: str
    drafter: Literal["embedded", "llm"]
    reader: Annotated[str, Field(pattern=r"^reader-\d+$")]
    threats: tuple[ThreatCheck, ...]
    rows: tuple[RowCheck, ...]
    layers: dict[LayerKey, LayerCheck]
    musts: tuple[MustCheck, ...]
    note: Few = ""

    @model_validator(mode="after")
    def _all_layers(self) -> Self:
        if set(self.layers) != set(LAYERS):
            raise ValueError("every layer must be checked")
        return self


def read(kind: type[RecordT], path: Path) -> RecordT:
    """Read a sheet or key from a file. Raises InputError naming the field, SourceError for a missing file."""
    try:
        return kind.model_validate_json(path.read_text("utf-8"))
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the sheet"
        raise InputError(
            f"{place}: {first['msg']}", where=str(path), hint="fill in the sheet without changing its form"
        ) from None


def dump(record: Record) -> str:
    """Serialise a sheet or key to JSON text; the same record gives the same bytes."""
    return _json(record.model_dump(mode="json"))


def empty_pair(pair: str, judge: str) -> str:
    """Return a blank sheet for one pair; it is not valid until it is filled in."""
    draft = {**dict.fromkeys(MARKS), "wrong": [{"statement": "", "reason": ""}], "would_hand_on": None, "note": ""}
    return _json({"pair": pair, "judge": judge, "expected": [""] * EXPECTED, "A": draft, "B": draft, "rank": ["", ""]})


def empty_reading(draft: Draft, reading: Reading, drafter: Literal["embedded", "llm"], reader: str) -> str:
    """Return a blank sheet for a reader of one draft, with the draft's rows and the expert's must-have threats."""
    threats = [f"{threat.id}: {threat.title}" for key in LAYERS for threat in draft.layers[key].threats]
    rows = [f"{line.label}: {line.text}" for line in draft.lines]
    musts = [threat.title for threat in reading.threats if threat.must]
    return _json(
        {
            "slug": reading.slug,
            "drafter": drafter,
            "reader": reader,
            "threats": [{"threat": said[:_CHARS], "verdict": None, "reason": ""} for said in threats],
            "rows": [{"row": said[:_CHARS], "wrong": None, "reason": ""} for said in rows],
            "layers": {key: {"sentences": None, "wrong": None, "reason": ""} for key in LAYERS},
            "musts": [{"must": said[:_CHARS], "present": None, "threat": ""} for said in musts],
            "note": "",
        }
    )


def _json(data: object) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
