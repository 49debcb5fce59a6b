"""The optional second reader: an LLM that judges whether quotes carry claims. Its verdicts can only lower.

    supported ─► as it was      weak ─► inferred      contradicted, unsupported ─► dropped, with the reason

What it writes beside a verdict is read by nobody and stands nowhere: it rests on no quote.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

from pydantic import BaseModel

from agent.drafting_old.assisted.asking import Ask
from agent.drafting_old.assisted.checking import Carried, Checked, Fault, Lost, Shown, words_at
from agent.drafting_old.assisted.proposals import Item
from agent.drafting_old.assisted.shapes import CritiqueAnswer, JudgeVerdict

MAX_JUDGED: Final = 40
"""Claims of one draft, in the order of its parts; the others stand as code found them."""
_LOWEST_FIRST: Final[tuple[JudgeVerdict, ...]] = ("contradicted", "unsupported", "weak", "supported")
_FAULTS: Final[dict[JudgeVerdict, Fault]] = {
    "contradicted": "the quotes say otherwise",
    "unsupported": "not carried by the quotes",
}
_BY_JUDGE: Final = "a second LLM judged so"

ItemT = TypeVar("ItemT", bound=BaseModel)


class _Numbered(NamedTuple):
    """A claim with its number in the prompt."""

    number: int
    claim: Carried


def asks(rows: Sequence[tuple[str, Item[ItemT]]], shown: Shown) -> tuple[Ask[CritiqueAnswer], ...]:
    """The call of the judge over the claims of `rows` (part and item); none when there is no claim."""
    lines: list[str] = []
    numbered = (found for _, item in _numbered(rows) for found in item)
    for number, claim in numbered:
        quotes = " … ".join(f"“{' '.join(words_at(place, shown.reading).split())}”" for place in claim.places)
        lines.append(f"{number}. {claim.text}\n   quotes: {quotes}")
    if not lines:
        return ()
    return (Ask("critique", "critique", {"claims": "\n".join(lines)}, CritiqueAnswer),)


def judged(answer: CritiqueAnswer, rows: Sequence[tuple[str, Item[ItemT]]]) -> tuple[tuple[str, Item[ItemT]], ...]:
    """The same rows after the verdicts; they must be the rows that were asked about, in their order.

    Of several verdicts on one claim the lowest counts; numbers that no claim has are passed over.
    """
    lowest: dict[int, JudgeVerdict] = {}
    for verdict in _LOWEST_FIRST:
        for row in answer.verdicts:
            if row.verdict == verdict:
                lowest.setdefault(row.claim, verdict)
    return tuple(
        (part, item._replace(checked=_lowered(item.checked, numbered, lowest)))
        for (part, item), (_, numbered) in zip(rows, _numbered(rows), strict=True)
    )


def _numbered(rows: Sequence[tuple[str, Item[ItemT]]]) -> Iterator[tuple[str, tuple[_Numbered, ...]]]:
    """The claims of each row with their numbers, which run through all rows; none after MAX_JUDGED."""
    first = 1
    for part, item in rows:
        claims = item.checked.claims[: max(MAX_JUDGED + 1 - first, 0)]
        yield part, tuple(_Numbered(first + at, claim) for at, claim in enumerate(claims))
        first += len(claims)


def _lowered(checked: Checked, numbered: Sequence[_Numbered], verdicts: dict[int, JudgeVerdict]) -> Checked:
    gone = {row.number for row in checked.lost}
    # Claims keep their order, so those that stand have the numbers that no lost one has.
    own = [number for number in range(1, checked.proposed + 1) if number not in gone]
    kept: list[Carried] = []
    lost: list[Lost] = list(checked.lost)
    for at, claim in enumerate(checked.claims):
        verdict = verdicts.get(numbered[at].number, "supported") if at < len(numbered) else "supported"
        if verdict in _FAULTS:
            lost.append(Lost(own[at], claim.text, _FAULTS[verdict], _BY_JUDGE))
        else:
            kept.append(claim._replace(state="inferred") if verdict == "weak" else claim)
    return checked._replace(claims=tuple(kept), lost=tuple(sorted(lost)))
