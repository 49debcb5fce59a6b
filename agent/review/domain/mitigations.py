"""Mitigations as work items: their owner, due date and status, and the risk that would remain with them in place.

A mitigation is identified by its threat and its text. Managing a mitigation decides nothing about the draft and
survives redrafts: work on a removed threat or text stays in the list. The remaining risk is computed as if the threat
had the vector given for the mitigation; no score of the draft changes.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from agent.drafting.threats.cvss_vectors import base_of
from agent.errors import InputError
from agent.records import Mitigation, Threat
from agent.review.domain.facts.changed_sheet import left_standing
from agent.review.domain.fields import checked_vector, short_text
from agent.review.domain.items import SCORE, threats_of, with_threats
from agent.review.domain.records import ItemState, Plain, ReviewState, ScoreShown, replaced
from agent.review.domain.rescore import Choice, rescore, shown

MAX_OWNER: Final = 80
_DAY: Final = 10
WORK: Final[Mapping[str, str]] = {
    "open": "open", "planned": "planned", "doing": "in progress", "done": "done", "rejected": "will not be done",
}  # fmt: skip
"""The statuses of a mitigation with their display texts."""
CLOSED: Final = ("done", "rejected")


class Work(NamedTuple):
    """A mitigation and the state of the work on it."""

    threat: str
    mitigation: Mitigation
    owner: str = ""
    due: str = ""
    """YYYY-MM-DD, or empty."""
    status: str = "open"
    note: str = ""
    residual: str = ""
    """CVSS vector of the threat with the mitigation in place, or empty."""
    gone: str = ""
    """Why the mitigation is no longer part of the draft; empty if it still is."""

    @property
    def known(self) -> bool:
        """Whether anybody recorded work on the mitigation."""
        return bool(self.owner or self.due or self.note or self.residual or self.status != "open")

    @property
    def left(self) -> str:
        """The threat's base score with the mitigation in place, as text; empty if no vector was given."""
        return str(base_of(self.residual)) if self.residual else ""

    def late(self, today: str) -> bool:
        """Return whether the due date has passed and the work is neither done nor rejected; `today` is a
        date such as 2027-01-31."""
        return bool(self.due) and self.due < today and self.status not in CLOSED


class Left(NamedTuple):
    """The risk that would remain with mitigations in place."""

    threat: str
    """Id of the threat with the mitigations; empty for several threats."""
    base: Decimal | None
    """The base score of the threat with the mitigations in place."""
    aivss: Decimal | None
    """The AIVSS of the threat with the mitigations in place."""
    score: ScoreShown
    """The score of the product with the mitigations in place."""


def checked_management(state: ReviewState, one: ItemState, fields: Mapping[str, object]) -> Plain:
    """Check the fields of an act on a mitigation and return the fields to store. Raises InputError naming the field."""
    threat = threats_of(state.reviewed).get(one.item.id.partition("/")[2]) if one.item.kind == "threat" else None
    if threat is None:
        raise InputError("only a current threat has mitigations", where=one.item.id, hint="specify the id of a threat")
    if fields.get("mitigation") not in [each.text for each in threat.mitigations]:
        raise InputError(
            "the threat has no such mitigation", where="mitigation", hint="specify the full text of a mitigation"
        )
    status, residual = fields.get("status", "open"), fields.get("residual")
    if status not in WORK:
        raise InputError("the status is not one of the allowed values", where="status", hint=", ".join(WORK))
    owner, due = short_text(fields, "owner", MAX_OWNER), short_text(fields, "due", _DAY)
    try:
        due = date.fromisoformat(due).isoformat() if due else ""
    except ValueError:
        raise InputError("the date is not valid", where="due", hint="use a date like 2027-01-31") from None
    vector = checked_vector(residual) if residual else ""
    return {"mitigation": fields["mitigation"], "owner": owner, "due": due, "status": status, "residual": vector}


def work_of(state: ReviewState) -> tuple[Work, ...]:
    """Return all mitigations of the reviewed draft in layer order, with the state of the work on them."""
    return tuple(
        Work(name, each, **state.managed.get(name, {}).get(each.text, {}))
        for name, threat in threats_of(state.reviewed).items()
        for each in threat.mitigations
    )


def work_left_over(state: ReviewState) -> tuple[Work, ...]:
    """Return the work on mitigations that are no longer in the reviewed draft, with the reason."""
    there = {(work.threat, work.mitigation.text) for work in work_of(state)}
    struck = {one.item.id.partition("/")[2] for one in state.items if one.verdict == "struck"}
    drafted = {
        (name, each.text): each
        for draft in (state.drafted, state.based)
        for name, threat in threats_of(draft).items()
        for each in threat.mitigations
    }
    return tuple(
        Work(
            name,
            drafted.get((name, text), Mitigation(text=text, who="you", status="proposed", evidence=())),
            gone="its threat was struck" if name in struck else "no longer in the draft",
            **known,
        )
        for name, every in state.managed.items()
        for text, known in every.items()
        if (name, text) not in there
    )


def left_with(state: ReviewState, works: Iterable[Work]) -> Left | None:
    """Compute the threat and product risk remaining with these mitigations in place. Returns None if none has a vector.

    A threat gets the mildest of its given vectors. Scores are before controls, like the draft's score itself.
    """
    vectors: dict[str, str] = {}
    for work in works:
        if work.residual and not work.gone:
            vectors[work.threat] = min(vectors.get(work.threat, work.residual), work.residual, key=base_of)
    if not vectors:
        return None

    def with_vector(one: Threat) -> Threat:
        return replaced(one, score=replaced(one.score, cvss_vector=vectors.get(one.id, one.score.cvss_vector)))

    choice = Choice.of(next((one.after or {} for one in state.items if one.item.id == SCORE), {}))
    made = rescore(left_standing(state.based, state.fell), with_threats(state.reviewed, with_vector), choice)
    threat = next(iter(vectors)) if len(vectors) == 1 else ""
    one = threats_of(made)[threat].score if threat else None
    return Left(threat, one.cvss_base if one else None, one.aivss if one else None, shown(made.score))
