"""Sections on additional measurements: cards (the openings of listings), reworded twins, planted instructions,
headlines, claims and the use of an LLM."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from agent.taxonomy.layers import LAYERS
from evals.metrics.arithmetic import mean, share
from evals.metrics.results import CaseResult
from evals.report.saying import count, number, percent
from evals.report.svg import Missing

SHOWN: Final = 12


class Further(NamedTuple):
    """An additional measurement: a paragraph, and a table of the cases that need attention."""

    key: str
    title: str
    text: str
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    """Rows of the table; the first cell of a row is the id of a case."""


def further(results: Sequence[CaseResult]) -> tuple[Further | Missing, ...]:
    """Return each measurement, or one sentence on why it is missing."""
    return tuple(part(results) for part in (_cards, _twins, _planted, _headlines, _claims, _usage))


def _part(part: int, whole: int) -> str:
    return percent(share(part, whole))


def _cards(results: Sequence[CaseResult]) -> Further | Missing:
    title = "From a card alone"
    found = [(result.case, result.card) for result in results if result.card is not None]
    if not found:
        return Missing("cards", title, "No case was drafted from its card in this run.")
    flags = [flag for _, card in found for flag in card.layers.values() if flag.gold is not None]
    right = sum(bool(flag.certain and flag.gold) for flag in flags)
    sure, pinned = sum(bool(flag.certain) for flag in flags), sum(bool(flag.gold) for flag in flags)
    said = (
        f"n = {count(len(found), 'case')} drafted from tagline and first paragraph. "
        f"{_part(sum(card.withheld for _, card in found), len(found))} of the scores are withheld."
    )
    if flags:
        said += (
            f" Of {count(sure, 'layer')} called certain, {_part(right, sure)} are settled by a sentence of the card "
            f"(precision); of {count(pinned, 'settled layer')} {_part(right, pinned)} are called certain (recall)."
        )
    over = {case: sum(bool(f.certain) and f.gold is False for f in card.layers.values()) for case, card in found}
    worst = sorted(over.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN]
    rows = tuple((case, str(many)) for case, many in worst if many)
    return Further("cards", title, said, ("case", "layers called certain although no sentence settles them"), rows)


def _twins(results: Sequence[CaseResult]) -> Further | Missing:
    title = "The same facts in other words"
    found = [(result.case, result.twin) for result in results if result.twin is not None]
    if not found:
        return Missing("twins", title, "No reworded twin was drafted in this run.")
    said = (
        f"n = {count(len(found), 'twin')}. The sum of the ten factors shifts by "
        f"{number(mean(twin.shift for _, twin in found))} on average, and "
        f"{_part(sum(twin.flips for _, twin in found), len(LAYERS) * len(found))} of the flags flip; both would be 0 "
        "for a drafter that reads facts, not wording."
    )
    worst = sorted(found, key=lambda pair: (-pair[1].shift - pair[1].flips, pair[0]))[:SHOWN]
    rows = tuple((case, number(twin.shift), str(twin.flips)) for case, twin in worst if twin.shift or twin.flips)
    return Further("twins", title, said, ("case", "shift of the sum", "flags flipped"), rows)


def _planted(results: Sequence[CaseResult]) -> Further | Missing:
    title = "Planted orders"
    found = [(result.case, cell) for result in results for cell in result.poisoned]
    if not found:
        return Missing("planted", title, "No text with planted orders was drafted in this run.")
    broken = [(case, cell) for case, cell in found if cell.broken]
    through = f"{len(broken)} got through and must be fixed."
    said = f"n = {count(len(found), 'planted text')}. " + (
        through if broken else "None changed the clean draft, as required."
    )
    rows = tuple((case, cell.attack, "; ".join(cell.broken)) for case, cell in broken)
    return Further("planted", title, said, ("case", "planted", "what it changed"), rows)


def _headlines(results: Sequence[CaseResult]) -> Further | Missing:
    title = "The threat that the reader would put first"
    found = [(result.case, result.headline) for result in results if result.headline is not None]
    if not found:
        return Missing("headlines", title, "No headline by the reader was compared in this run.")
    at = [f"{_part(sum(0 < cell.found <= k for _, cell in found), len(found))} in the first {k}" for k in (1, 3)]
    whole = _part(sum(cell.found > 0 for _, cell in found), len(found))
    said = f"n = {count(len(found), 'case')}. The draft shows it {', '.join(at)}, and {whole} anywhere."
    rows = tuple((case, cell.asi, cell.layer.replace("_", " "), cell.asset) for case, cell in found if not cell.found)
    return Further("headlines", title, said, ("case without it", "ASI", "layer", "asset"), rows)


def _claims(results: Sequence[CaseResult]) -> Further | Missing:
    title = "Claims and their quotes"
    found = [(result.case, result.claims) for result in results if result.claims is not None]
    if not found:
        return Missing("claims", title, "Claims in the paragraphs were not checked in this run.")
    claims = sum(cell.claims for _, cell in found)
    rows = tuple((case, ", ".join(cell.loose)) for case, cell in found if cell.loose)
    said = (
        f"n = {count(claims, 'claim')} in the paragraphs of certain layers of {count(len(found), 'case')}; "
        f"{_part(sum(cell.cited for _, cell in found), claims)} cite a valid quote. In {count(len(rows), 'case')} a "
        "number or name is in none of the quotes."
    )
    return Further("claims", title, said, ("case", "in none of its quotes"), rows)


def _usage(results: Sequence[CaseResult]) -> Further | Missing:
    title = "LLM usage"
    found = [result.usage for result in results if result.usage is not None]
    if not found:
        return Missing("usage", title, "No LLM was used in this run, so there is nothing to count.")
    prices = [cell.dollars for cell in found if cell.dollars is not None]
    money = f"{sum(prices):.2f} dollars for {count(len(prices), 'case')}" if prices else "no price is known"
    odd = [
        f"{sum(getattr(cell, way) for cell in found)} {way}" for way in ("repaired", "refused", "truncated", "failed")
    ]
    said = (
        f"n = {count(len(found), 'case')}: {count(sum(cell.calls for cell in found), 'call')}, "
        f"{sum(cell.input_tokens for cell in found):,} tokens in (of which "
        f"{sum(cell.cached_tokens for cell in found):,} cached), {sum(cell.output_tokens for cell in found):,} out; "
        f"{money}. Of the calls {', '.join(odd)}."
    )
    return Further("usage", title, said)
