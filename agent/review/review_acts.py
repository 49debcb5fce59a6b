"""Actions on a review as a whole, checked: undo, assign, sign, reopen, redraft, and a threat added by hand."""

import hashlib
from typing import Final

from agent.errors import ConflictError, InputError
from agent.export.draft_json import dump
from agent.review.fields import Sources, short_text
from agent.review.quotes import Plain
from agent.review.records import Action, Planned, ReviewState, Verb
from agent.review.replay import why
from agent.review.threat_fields import (
    added_id,
    checked_mitigations,
    checked_statement,
    checked_taxonomy,
    checked_vector,
)
from agent.taxonomy.keys import LAYERS

MAX_NAME: Final = 80
OF_REVIEW: Final[tuple[Verb, ...]] = ("undo", "assign", "sign", "reopen", "add", "redraft")


class ReviewAct:
    """One such action against one state."""

    def __init__(self, state: ReviewState, action: Action, sources: Sources) -> None:
        self._state = state
        self._action = action
        self._fields = action.fields
        self._sources = sources

    def planned(self) -> tuple[Planned, ...]:
        """The events of an action on the review as a whole."""
        match self._action.verb:
            case "undo":
                return (self._undo(),)
            case "assign":
                return self._assign()
            case "sign":
                return (self._sign(),)
            case "reopen":
                return (self._reopen(),)
            case "redraft":
                return (self._redraft(),)
            case _:
                return (self._add(),)

    def _undo(self) -> Planned:
        batch = self._state.undoable
        if not batch:
            raise InputError("there is nothing to undo", where="undo", hint="imports, signatures and redrafts stay")
        if batch > self._action.version:
            raise ConflictError(
                "somebody did something since you saw the review",
                where="undo",
                hint="look at it first; then undo takes that back",
                mine={"verb": "undo", "version": self._action.version},
                theirs={"batch": batch},
                base={"version": self._action.version},
            )
        return Planned(verb="undo", item="", after={"batch": batch}, note=self._action.note)

    def _assign(self) -> tuple[Planned, ...]:
        to = short_text(self._fields, "to", MAX_NAME)
        if to == self._state.assigned:
            return ()
        before: Plain = {"to": self._state.assigned}
        return (Planned(verb="assign", item="", before=before, after={"to": to}, note=self._action.note),)

    def _sign(self) -> Planned:
        state = self._state
        if self._action.version != state.version:
            raise ConflictError(
                "the review went on since you saw it",
                where="sign",
                hint="look at what changed, then sign",
                mine={"version": self._action.version},
                theirs={"version": state.version},
                base={"version": self._action.version},
            )
        left = state.open
        if left:
            raise InputError(
                f"{len(left)} {'item is' if len(left) == 1 else 'items are'} open, first {left[0].item.id}",
                where="sign",
                hint="decide over them, or waive them with a reason",
            )
        contests = [contest for contest in state.contests if contest.decision == "open"]
        if contests:
            raise InputError(
                f"{len(contests)} contests are open, first number {contests[0].number}", where="sign", hint="decide"
            )
        waived = [one for one in state.items if one.verdict == "waived"]
        unsigned = state.reviewed.model_copy(update={"review": None})
        after: Plain = {
            "sha256": hashlib.sha256(dump(unsigned).encode()).hexdigest(),
            "open": 0,
            "waived": len(waived),
            "waivers": [{"item": one.item.id, "why": why(one.reason, one.note)} for one in waived],
        }
        return Planned(verb="sign", item="", after=after, note=self._action.note)

    def _reopen(self) -> Planned:
        if self._state.stage != "signed":
            raise InputError("the review is not signed", where="reopen", hint="it is open already")
        if not self._action.note.strip():
            raise InputError("reopening needs a note", where="note", hint="say why")
        return Planned(verb="reopen", item="", note=self._action.note)

    def _redraft(self) -> Planned:
        if not isinstance(self._fields.get("sha256"), str):
            raise InputError("the new draft is not named", where="sha256", hint="give the sha256 of its JSON")
        return Planned(verb="redraft", item="", after=dict(self._fields), note=self._action.note)

    def _add(self) -> Planned:
        given, sources = self._fields, self._sources
        layer = given.get("layer")
        if layer not in LAYERS:
            raise InputError("there is no such layer", where="layer", hint="one of " + ", ".join(LAYERS))
        title = sources.text(given.get("title"), "title")
        after: Plain = {
            "layer": layer,
            "title": title,
            **{
                name: sources.text(text, name)
                for name in ("how", "lost")
                if (text := str(given.get(name) or "").strip())
            },
            "statement": checked_statement(given.get("statement"), None, sources.text),
            "cvss_vector": checked_vector(given.get("cvss_vector")),
            "taxonomy": checked_taxonomy(given.get("taxonomy", [])),
            "mitigations": checked_mitigations(given.get("mitigations", []), None, sources.text, sources.cite_all),
            "evidence": sources.cite_all(given.get("evidence", []), "evidence"),
        }
        taken = [one.item.id.partition("/")[2] for one in self._state.items]
        name = f"threat/{added_id(title, taken)}"
        return Planned(
            verb="add",
            item=name,
            after=self._sources.with_marks(after),
            reason=self._action.reason,
            note=self._action.note,
        )
