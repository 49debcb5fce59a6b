"""Mitigations as work: who sees to one, until when, how far it is, and what base is left with it in place.

A mitigation is named by its text in its threat. Managing one decides nothing over the draft and survives redrafts.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple

from agent.drafting.severity import base_of
from agent.errors import InputError
from agent.records import Mitigation
from agent.review.fields import checked_vector, short_text
from agent.review.items import threats_of
from agent.review.quotes import Plain
from agent.review.records import ItemState, ReviewState

MAX_OWNER: Final = 80
_DAY: Final = 10
WORK: Final[Mapping[str, str]] = {
    "open": "open", "planned": "planned", "doing": "in work", "done": "done", "rejected": "will not be done",
}  # fmt: skip
"""How far a mitigation is."""


class Work(NamedTuple):
    """A mitigation with what is known of its doing."""

    threat: str
    mitigation: Mitigation
    owner: str = ""
    due: str = ""
    """YYYY-MM-DD, or empty."""
    status: str = "open"
    note: str = ""
    residual: str = ""
    """CVSS vector of the threat with it in place, or empty."""

    @property
    def known(self) -> bool:
        """Whether anybody said anything of its doing."""
        return bool(self.owner or self.due or self.note or self.residual or self.status != "open")

    @property
    def left(self) -> str:
        """The base that is left with it in place, as text; empty when nobody said."""
        return str(base_of(self.residual)) if self.residual else ""


def checked_management(state: ReviewState, one: ItemState, fields: Mapping[str, object]) -> Plain:
    """What an act on a mitigation stores. Raises InputError naming the field."""
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
    """All mitigations of the reviewed draft, in the order of the layers, each with what is known of its doing."""
    managed = state.managed
    return tuple(
        Work(name, each, **{field: str(value) for field, value in managed.get(name, {}).get(each.text, {}).items()})
        for name, threat in threats_of(state.reviewed).items()
        for each in threat.mitigations
    )
