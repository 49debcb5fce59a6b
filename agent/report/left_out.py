"""What a draft left out, and why: first the program's entries, then an LLM's rejected proposals, with similar ones
merged.

An LLM may make hundreds of claims that are rejected. `draft.json` contains all of them; the report shows some of each
kind and counts the others.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from agent.records import Dropped, Threat
from agent.report.sentences import counted, listed, marks, tenth
from agent.report.view import View, name_of
from agent.taxonomy.layers import LAYER_CODES

UNREAD: Final = "source text: "
"""The prefix of the entry for a source text that could not be read."""
MAX_OF_A_KIND: Final = 5
"""The most rejected LLM proposals shown for each kind, such as claims; the others are counted."""
_OF_LLM: Final = re.compile(r"^(?P<kind>[a-z]+) of the LLM(?:, (?P<part>[^:]*))?(?:: (?P<text>.*))?$", re.DOTALL)
_NUMBER: Final = re.compile(r"^number (\d+)$")
_KINDS: Final = (
    "reliability",
    "replies",
    "threat",
    "claim",
    "sentences",
    "sentence",
    "question",
    "chain",
    "part",
    "ability",
    "flow",
    "remedy",
    "id",
)
"""Kinds of LLM proposals, in order of interest to a reader."""


class _Row(NamedTuple):
    kind: str
    part: str
    text: str
    reason: str


class LeftOut(NamedTuple):
    """An item that is not in the draft, and why."""

    what: str
    reason: str


def left_out(view: View) -> list[LeftOut]:
    """List hidden and dropped items; a last row counts the LLM proposals that are not listed."""
    rows = [LeftOut(_threat_name(threat, LAYER_CODES[key]), reason) for key, threat, reason in view.folded]
    own, proposed = _parted(view.draft.dropped)
    rows += [LeftOut(item.what, item.reason) for item in own]
    shown, more = _shown(list(_joined(proposed)))
    rows += [LeftOut(_worded(row), row.reason) for row in shown]
    if more:
        kinds = ", ".join(f"{kind} {count}" for kind, count in more.items())
        rows.append(LeftOut(f"{counted(more.total(), 'more row')} on the LLM's proposals", f"in draft.json: {kinds}"))
    return rows


def unread(view: View) -> list[LeftOut]:
    """List the parts of the sources that could not be read."""
    return [
        LeftOut(item.what.removeprefix(UNREAD), item.reason)
        for item in view.draft.dropped if item.what.startswith(UNREAD)
    ]  # fmt: skip


def _threat_name(threat: Threat, layer: str) -> str:
    score = f"{tenth(threat.score.aivss)} {threat.score.severity}"
    return f"{layer} {threat.title}, {score} {marks(threat.evidence)}".rstrip()


def _parted(dropped: Sequence[Dropped]) -> tuple[list[Dropped], list[_Row]]:
    """Separate what the program left out from the rejected LLM proposals."""
    own, proposed = [], []
    for item in dropped:
        found = _OF_LLM.match(item.what)
        if found and found["kind"] in _KINDS:
            proposed.append(_Row(found["kind"], found["part"] or "", found["text"] or "", item.reason))
        elif not item.what.startswith(UNREAD):
            own.append(item)
    often = Counter((row.kind, row.reason) for row in proposed)
    # Within a kind, sort frequent reasons last, so that they do not hide rare ones.
    return own, sorted(proposed, key=lambda row: (_KINDS.index(row.kind), often[row.kind, row.reason]))


def _joined(rows: Sequence[_Row]) -> Iterator[_Row]:
    """Merge rows that differ only in the number of the proposal."""
    numbers: dict[_Row, list[str]] = {}
    for row in rows:
        found = _NUMBER.match(row.text)
        key = row._replace(text="number") if found else row
        numbers.setdefault(key, []).extend([found[1]] if found else [])
    for row, found_numbers in numbers.items():
        noun = "number" if len(found_numbers) == 1 else "numbers"
        yield row._replace(text=f"{noun} {listed(found_numbers)}") if found_numbers else row


def _shown(rows: Sequence[_Row]) -> tuple[list[_Row], Counter[str]]:
    """Return at most `MAX_OF_A_KIND` rows of each kind, and the number of further rows by kind."""
    shown: list[_Row] = []
    taken: Counter[str] = Counter()
    more: Counter[str] = Counter()
    for row in rows:
        if taken[row.kind] < MAX_OF_A_KIND:
            shown.append(row)
            taken[row.kind] += 1
        else:
            more[row.kind] += 1
    return shown, more


def _worded(row: _Row) -> str:
    group, slash, key = row.part.partition("/")
    part = name_of(key) if slash and group in ("factors", "layers") else row.part
    about = f", {part}" if part else ""
    return f"{row.kind} of the LLM{about}" + (f": {row.text}" if row.text else "")
