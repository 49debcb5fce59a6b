"""Sections on the further measurements: cards, twins, planted orders, headlines, claims and the use of an LLM."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from evals.metrics.arithmetic import mean, share
from evals.metrics.results import CardCell, CaseResult, TwinCell
from evals.report.saying import count, number, percent
from evals.report.svg import Missing

SHOWN: Final = 12
_FIRST: Final = (1, 3)
_LAYERS: Final = 7


class Further(NamedTuple):
    """A further measurement: a paragraph, and a table of the cases that need attention."""

    key: str
    title: str
    text: str
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    """Rows of the table; the first cell of a row is the id of a case."""


def further(results: Sequence[CaseResult]) -> tuple[Further | Missing, ...]:
    """Return each measurement, or one sentence on why it is missing."""
    return tuple(part(results) for part in (_cards, _twins, _planted, _headlines, _claims, _usage))


def _cards(results: Sequence[CaseResult]) -> Further | Missing:
    found = [(result.case, result.card) for result in results if result.card is not None]
    if not found:
        return Missing("cards", "From a card alone", "No case was drafted from its card in this run.")
    flags = [flag for _, card in found for flag in card.layers.values() if flag.gold is not None]
    right = sum(bool(flag.certain and flag.gold) for flag in flags)
    sure, pinned = sum(bool(flag.certain) for flag in flags), sum(bool(flag.gold) for flag in flags)
    said = (
        f"n = {count(len(found), 'case')} drafted from tagline and first paragraph. "
        f"{percent(share(sum(card.withheld for _, card in found), len(found)))} of the scores are withheld."
    )
    if flags:
        said += (
            f" Of {count(sure, 'layer')} called certain, {percent(share(right, sure))} are pinned by a sentence of "
            f"the card (precision); of {count(pinned, 'pinned layer')} {percent(share(right, pinned))} are called "
            "certain (recall)."
        )
    worst = sorted(((case, _overclaims(card)) for case, card in found), key=lambda pair: (-pair[1], pair[0]))
    rows = tuple((case, str(many)) for case, many in worst[:SHOWN] if many)
    return Further("cards", "From a card alone", said, ("case", "layers certain without a sentence for it"), rows)


def _overclaims(card: CardCell) -> int:
    return sum(bool(flag.certain) and flag.gold is False for flag in card.layers.values())


def _twins(results: Sequence[CaseResult]) -> Further | Missing:
    found = [(result.case, result.twin) for result in results if result.twin is not None]
    if not found:
        return Missing("twins", "The same facts in other words", "No reworded twin was drafted in this run.")
    flips = sum(twin.flips for _, twin in found)
    said = (
        f"n = {count(len(found), 'twin')}. The sum of the ten factors shifts by "
        f"{number(mean(t.shift for _, t in found))} on average, and {percent(share(flips, _LAYERS * len(found)))} of "
        "the flags flip; 0 of both would be a drafter that reads facts, not wording."
    )
    worst = sorted(found, key=lambda pair: (-pair[1].shift - pair[1].flips, pair[0]))
    rows = tuple((case, number(twin.shift), str(twin.flips)) for case, twin in worst[:SHOWN] if _differs(twin))
    return Further("twins", "The same facts in other words", said, ("case", "shift of the sum", "flags flipped"), rows)


def _differs(twin: TwinCell) -> bool:
    return twin.shift > 0 or twin.flips > 0


def _planted(results: Sequence[CaseResult]) -> Further | Missing:
    found = [(result.case, cell) for result in results for cell in result.poisoned]
    title = "Planted orders"
    if not found:
        return Missing("planted", title, "No text with planted orders was drafted in this run.")
    broken = [(case, cell) for case, cell in found if cell.broken]
    said = f"n = {count(len(found), 'planted text')}. " + (
        f"{len(broken)} got through and must be mended." if broken else "None changed the clean draft, as it must be."
    )
    rows = tuple((case, cell.attack, "; ".join(cell.broken)) for case, cell in broken)
    return Further("planted", title, said, ("case", "planted", "what it moved"), rows)


def _headlines(results: Sequence[CaseResult]) -> Further | Missing:
    found = [(result.case, result.headline) for result in results if result.headline is not None]
    title = "The threat that the reader would put first"
    if not found:
        return Missing("headlines", title, "No headline of the reader's was compared in this run.")
    at = [
        f"{percent(share(sum(0 < cell.found <= k for _, cell in found), len(found)))} in the first {k}" for k in _FIRST
    ]
    whole = percent(share(sum(cell.found > 0 for _, cell in found), len(found)))
    said = f"n = {count(len(found), 'case')}. The draft shows it {', '.join(at)}, and {whole} anywhere."
    rows = tuple((case, cell.asi, cell.layer.replace("_", " "), cell.asset) for case, cell in found if not cell.found)
    return Further("headlines", title, said, ("case without it", "ASI", "layer", "asset"), rows)


def _claims(results: Sequence[CaseResult]) -> Further | Missing:
    found = [(result.case, result.claims) for result in results if result.claims is not None]
    title = "Claims and their quotes"
    if not found:
        return Missing("claims", title, "Claims of the paragraphs were not checked in this run.")
    claims, cited = sum(cell.claims for _, cell in found), sum(cell.cited for _, cell in found)
    loose = [(case, cell) for case, cell in found if cell.loose]
    said = (
        f"n = {count(claims, 'claim')} in the paragraphs of certain layers of {count(len(found), 'case')}; "
        f"{percent(share(cited, claims))} cite a quote that holds. In {count(len(loose), 'case')} a number or name "
        "is in none of the quotes."
    )
    rows = tuple((case, ", ".join(cell.loose)) for case, cell in loose)
    return Further("claims", title, said, ("case", "in none of its quotes"), rows)


def _usage(results: Sequence[CaseResult]) -> Further | Missing:
    found = [result.usage for result in results if result.usage is not None]
    title = "What the LLM took"
    if not found:
        return Missing("usage", title, "No LLM took part in this run, so there is nothing to count.")
    calls = sum(cell.calls for cell in found)
    prices = [cell.dollars for cell in found if cell.dollars is not None]
    money = f"{sum(prices):.2f} dollars for {count(len(prices), 'case')}" if prices else "no price is known"
    odd = ", ".join(
        f"{sum(many)} {word}"
        for word, many in (
            ("repaired", [cell.repaired for cell in found]),
            ("refused", [cell.refused for cell in found]),
            ("truncated", [cell.truncated for cell in found]),
            ("failed", [cell.failed for cell in found]),
        )
    )
    said = (
        f"n = {count(len(found), 'case')}: {count(calls, 'call')}, {sum(cell.input_tokens for cell in found):,} "
        f"tokens in (of which {sum(cell.cached_tokens for cell in found):,} cached), "
        f"{sum(cell.output_tokens for cell in found):,} out; {money}. Of the calls {odd}."
    )
    return Further("usage", title, said)
