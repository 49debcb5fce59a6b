"""Response files: the answers of a vendor or analyst to a draft's questions, and the claims that they contest.

    schema: septet/response/1        optional
    draft: draft-…                   the draft that was asked about
    sender: Acme, security team      optional
    by: vendor                       or analyst, whose word has rank 5
    answers:
      Q1: {answer: "Only read-only commands run unasked.", page: "https://docs.example/limits"}
      Q2: {answer: "Records go after 30 days.", states: {retention: {value: 30 days}, memory_long: no}}
    contests:
      - {item: threat/L3-command-on-host, kind: wrong, text: "Commands run in …", url: "https://docs.example/sandbox"}

Each answer becomes a separate source: a vendor's has rank 2 until it points to a public page that is read as a
source, an analyst's has rank 5. An empty answer counts as no answer. `states` lists the facts that the answer states,
by key: yes, no, setting, or an object with one of these as `is` (yes by default), a `value` and a `quote` in the words
of the answer. Without `states`, the facts are read from the answer's text.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field, ValidationError, field_validator

from agent.errors import InputError, SourceError
from agent.intake.extract.documents import compose
from agent.intake.extract.formats.markdown import read_markdown
from agent.intake.extract.formats.plain_values import Unreadable, load_yaml
from agent.records import Document, Record, Snapshot
from agent.records.base import SourceKind
from agent.review.domain.records import MAX_NOTE, MAX_TEXT, ContestKind, ItemId

SCHEMA: Final = "septet/response/1"
MAX_BYTES: Final = 200_000
_ADDRESS: Final = r"^(https?://[^\s<>\"]{1,2000})?$"
_HINT: Final = "fill in the form that `draft.md` prints under Vendor questions"

_POLARITIES: Final = {"yes": "asserted", "no": "denied", "setting": "configurable"}

By = Literal["vendor", "analyst"]
ANSWERS: Final[Mapping[By, SourceKind]] = {"vendor": "vendor-answer", "analyst": "analyst-note"}
"""The source kind of an answer, by who gave it."""
Address = Annotated[str, Field(pattern=_ADDRESS)]


class StateGiven(Record):
    """What an answer states about one fact key."""

    is_: Literal["yes", "no", "setting"] = Field(default="yes", alias="is")
    value: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    quote: Annotated[str, Field(max_length=MAX_TEXT)] = ""

    @field_validator("is_", mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        """Accept booleans, since YAML parses yes and no as booleans."""
        return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value

    @field_validator("value", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        """Accept numbers as text, as in `value: 30`."""
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


class AnswerGiven(Record):
    """An answer to one question and, optionally, a public page that confirms it."""

    answer: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    page: Address = ""
    states: dict[Annotated[str, Field(max_length=40)], StateGiven] = Field(default_factory=dict)

    @field_validator("states", mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        """Expand the short form `key: no` to `key: {is: no}`."""
        if not isinstance(value, dict):
            return {} if value is None else value
        return {key: each if isinstance(each, dict) else {"is": each} for key, each in value.items()}


class ContestGiven(Record):
    """One contested point: an item of the draft, or an evidence mark."""

    item: ItemId | Annotated[str, Field(pattern=r"^E[1-9][0-9]{0,4}$")]
    kind: ContestKind
    text: Annotated[str, Field(min_length=1, max_length=MAX_NOTE)]
    url: Address = ""


class Response(Record):
    """A whole response file."""

    schema_: Literal["septet/response/1"] = Field(default="septet/response/1", alias="schema")
    draft: str
    sender: Annotated[str, Field(max_length=200)] = ""
    by: By = "vendor"
    answers: dict[Annotated[str, Field(pattern=r"^Q[1-9][0-9]{0,3}$")], AnswerGiven] = Field(default_factory=dict)
    contests: tuple[ContestGiven, ...] = ()

    @field_validator("answers", mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        """Expand the short form `Q1: text` to `Q1: {answer: text}`."""
        if not isinstance(value, dict):
            return {} if value is None else value
        return {key: {"answer": each or ""} if isinstance(each, str | None) else each for key, each in value.items()}

    @property
    def given(self) -> dict[str, AnswerGiven]:
        """The non-empty answers, by question."""
        return {key: each for key, each in self.answers.items() if each.answer.strip()}


class Answer(NamedTuple):
    """An answer in the form used for redrafting."""

    question: str
    text: str
    page: str
    by: By
    states: tuple[Mapping[str, object], ...] = ()
    """The statements given with the answer, in the form that `facts.from_answers.checked_states` takes."""


def read_response(path: Path) -> Response:
    """Read the response file at `path`. Raises SourceError if it cannot be read, and InputError, naming
    the invalid part, if it is not a valid response."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SourceError("the response file cannot be read", where=f"{path}: {error.strerror}", hint=_HINT) from None
    return parse_response(raw, where=path.name)


def parse_response(raw: bytes, *, where: str) -> Response:
    """Parse a response from the bytes of its YAML (or JSON) form. Raises InputError naming the invalid part."""
    if len(raw) > MAX_BYTES:
        raise InputError("the response file is too large", where=where, hint=f"at most {MAX_BYTES} bytes")
    try:
        loaded = load_yaml(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InputError("the response file is not UTF-8 text", where=where, hint=_HINT) from None
    except Unreadable as error:
        raise InputError(f"the response file is not YAML: {error}", where=where, hint=_HINT) from None
    if loaded.twice:
        raise InputError(f"{loaded.twice[0]!r} occurs twice", where=where, hint="use each key only once")
    if not isinstance(loaded.value, dict):
        raise InputError("the response file contains no answers", where=where, hint=_HINT)
    try:
        return Response.model_validate(loaded.value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        told = f"a field is not valid: {first['msg'].lower()}"
        raise InputError(told, where=f"{where}: {field}", hint=_HINT) from None


def answers_of(response: Response, asked: Sequence[str]) -> tuple[Answer, ...]:
    """Return the response's answers to the questions `asked`, in the order of `asked`.

    Raises InputError for an answer to a question that was not asked.
    """
    for key in response.given:
        if key not in asked:
            hint = f"its questions: {', '.join(asked) or 'none'}"
            raise InputError(f"the draft has no question {key}", where=f"answers.{key}", hint=hint)
    found = []
    for question, given in ((key, response.given[key]) for key in asked if key in response.given):
        states = tuple(
            {"key": key, "polarity": _POLARITIES[one.is_], "value": one.value, "quote": one.quote}
            for key, one in given.states.items()
        )
        found.append(Answer(question, given.answer.strip(), given.page, response.by, states))
    return tuple(found)


def by_kind(kind: object) -> By:
    """Return who gave an answer of this kind."""
    return "analyst" if kind == ANSWERS["analyst"] else "vendor"


def document_of(answer: Answer, number: int, *, at: str) -> Document:
    """Convert the answer to the draft's source number `number`, dated `at` (UTC, ISO 8601)."""
    raw, name = answer.text.encode(), f"answer-{answer.question}"
    kind, page = ANSWERS[answer.by], read_markdown(answer.text.replace("\r\n", "\n"))
    snapshot = Snapshot(
        sha256=sha256(raw).hexdigest(), requested_url=name, final_url=answer.page or name, fetched_at=at,
        media_type="text/plain", kind=kind, size=len(raw),
    )  # fmt: skip
    made = compose(f"D{number}", page, snapshot, url=name, kind=kind)
    # Reports refer to a source by its title, but answers seldom have a heading.
    return made if made.title else made.model_copy(update={"title": f"Answer to {answer.question}"})
