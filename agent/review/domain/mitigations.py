"""Mitigations as work: their owner, due date and status, and the risk that would remain with them in place.

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
from agent.records import Mitigation
from agent.review.domain.facts.changed_sheet import left_standing
from agent.review.domain.fields import checked_vector, short_text
from agent.review.domain.items import SCORE, threats_of
from agent.review.domain.quotes import Plain
from agent.review.domain.records import ItemState, ReviewState, ScoreShown
from agent.review.domain.rescore import Choice, rescore, shown

MAX_OWNER: Final = 80
_DAY: Final = 10
WORK: Final[Mapping[str, str]] = {
    "open": "open", "planned": "planned", "doing": "in work", "done": "done", "rejected": "will not be done",
}  # fmt: skip
"""The statuses of a mitigation with their display texts."""
CLOSED: Final = ("done", "rejected")
_GONE_STRUCK: Final = "its threat was struck"
_GONE: Final = "not in the draft any more"


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
        """Return whether the due date is past and the work neither done nor rejected; `today` is like 2027-01-31."""
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
    name = one.item.id.partition("/")[2]
    threat = threats_of(state.reviewed).get(name) if one.item.kind == "threat" else None
    if threat is None:
        raise InputError("only a threat that stands has mitigations", where=one.item.id, hint="name a threat")
    texts = [each.text for each in threat.mitigations]
    if fields.get("mitigation") not in texts:
        raise InputError("the threat has no such mitigation", where="mitigation", hint="give its text")
    status = fields.get("status", "open")
    if status not in WORK:
        raise InputError("the status is none of its values", where="status", hint=", ".join(WORK))
    residual = fields.get("residual") or ""
    return {
        "mitigation": fields["mitigation"],
        "owner": short_text(fields, "owner", MAX_OWNER),
        "due": _day(short_text(fields, "due", _DAY)),
        "status": status,
        "residual": checked_vector(residual) if residual else "",
    }


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        raise InputError("the date is no day", where="due", hint="as in 2027-01-31") from None


def work_of(state: ReviewState) -> tuple[Work, ...]:
    """Return all mitigations of the reviewed draft in layer order, with the state of the work on them."""
    managed = state.managed
    return tuple(
        _work(name, each, managed.get(name, {}).get(each.text, {}))
        for name, threat in threats_of(state.reviewed).items()
        for each in threat.mitigations
    )


def _work(threat: str, mitigation: Mitigation, known: Mapping[str, object], gone: str = "") -> Work:
    return Work(threat, mitigation, gone=gone, **{field: str(value) for field, value in known.items()})


def work_left_over(state: ReviewState) -> tuple[Work, ...]:
    """Return the work on mitigations that are no longer in the reviewed draft, with the reason."""
    standing = threats_of(state.reviewed)
    struck = {one.item.id.partition("/")[2] for one in state.items if one.verdict == "struck"}
    texts = {name: {each.text for each in threat.mitigations} for name, threat in standing.items()}
    drafted = {
        (name, each.text): each
        for draft in (state.drafted, state.based)
        for name, threat in threats_of(draft).items()
        for each in threat.mitigations
    }
    return tuple(
        _work(
            name,
            drafted.get((name, text), Mitigation(text=text, who="you", status="proposed", evidence=())),
            known,
            _GONE_STRUCK if name in struck else _GONE,
        )
        for name, every in state.managed.items()
        for text, known in every.items()
        if text not in texts.get(name, set())
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
    layers = {
        key: layer.model_copy(
            update={
                "threats": tuple(
                    threat.model_copy(
                        update={"score": threat.score.model_copy(update={"cvss_vector": vectors[threat.id]})}
                    )
                    if threat.id in vectors
                    else threat
                    for threat in layer.threats
                )
            }
        )
        for key, layer in state.reviewed.layers.items()
    }
    eased = state.reviewed.model_copy(update={"layers": layers})
    decided = next((one.after for one in state.items if one.item.id == SCORE), None)
    made = rescore(left_standing(state.based, state.fell), eased, Choice.of(decided or {}))
    one = threats_of(made)[next(iter(vectors))].score if len(vectors) == 1 else None
    return Left(
        threat=next(iter(vectors)) if one else "",
        base=one.cvss_base if one else None,
        aivss=one.aivss if one else None,
        score=shown(made.score),
    )
