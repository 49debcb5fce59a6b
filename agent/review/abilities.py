"""What the product can do, in the rows of the report, after a reviewer struck or corrected what it was said to do.

Rows are made from facts; a reviewer decides over capabilities. A row that rests on a struck one gives way to what is
left, and what a reviewer corrected is said first.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from agent.drafting.lines import LABELS
from agent.records import Capability, Draft, FactLine
from agent.review.replay import Standing

Label = Literal["Acts", "Reads", "Credentials", "Approval"]
_RIGHTS: Final[Mapping[Label, str]] = {"Credentials": "credential", "Approval": "approver"}


def with_lines(drafted: Draft, reviewed: Draft, standing: Mapping[str, Standing]) -> Draft:
    """`reviewed` with its rows drawn from what stands; as it was while no capability was struck or corrected."""
    struck = [one for one in drafted.system.capabilities if _verdict(one, standing) == "struck"]
    corrected = [one for one in reviewed.system.capabilities if _edits(one, standing)]
    if not reviewed.lines or not (struck or corrected):
        return reviewed
    rows: dict[str, FactLine] = {row.label: row for row in reviewed.lines}
    for label, reads in (("Acts", False), ("Reads", True)):
        gone = {mark for one in struck if (one.mode == "read") is reads for mark in one.evidence}
        left = [one for one in reviewed.system.capabilities if (one.mode == "read") is reads and one.state != "denied"]
        gone -= {mark for one in left for mark in one.evidence}
        old = rows.get(label)
        if old is not None and gone & set(old.evidence):
            del rows[label]
            said = left
        else:
            said = [one for one in left if {"action", "object"} & _edits(one, standing)]
        _say(rows, "Reads" if reads else "Acts", said, [f"It {one.action} {one.object}" for one in said])
    for label, field in _RIGHTS.items():
        said = [one for one in corrected if field in _edits(one, standing)]
        _say(rows, label, said, [_right(one, label) for one in said])
    return reviewed.model_copy(update={"lines": tuple(rows[label] for label in LABELS if label in rows)})


def _verdict(one: Capability, standing: Mapping[str, Standing]) -> str:
    found = standing.get(f"capability/{one.id}")
    return found.verdict if found is not None else "open"


def _edits(one: Capability, standing: Mapping[str, Standing]) -> set[str]:
    found = standing.get(f"capability/{one.id}")
    return set(found.edits) if found is not None else set()


def _right(one: Capability, label: Label) -> str:
    does = f"It {one.action} {one.object}"
    if label == "Credentials":
        return f"{does} with {one.credential}" if one.credential else f"{does}; with whose rights is not known"
    return f"{does} after approval by {one.approver}" if one.approver else f"{does}; who approves it is not known"


def _say(rows: dict[str, FactLine], label: Label, about: Sequence[Capability], sentences: Sequence[str]) -> None:
    """Put sentences first in a row; one that only said that nothing is stated gives way."""
    if not sentences:
        return
    old = rows.get(label)
    kept = old if old is not None and old.facts else None
    marked = [
        f"{sentence} ({', '.join(one.evidence)})." if one.evidence else f"{sentence}."
        for one, sentence in zip(about, sentences, strict=True)
    ]
    marks = (*(mark for one in about for mark in one.evidence), *(kept.evidence if kept else ()))
    rows[label] = FactLine(
        label=label,
        text=" ".join((*marked, *([kept.text] if kept else ()))),
        facts=kept.facts if kept else (),
        evidence=tuple(dict.fromkeys(marks)),
    )
