"""What to ask the vendor, and by how much each answer would narrow the score.

The width of the likely range is shared out over its causes: each factor's interval and the range of the base, each
through the slope of the AIVSS 0.8 equation at the drafted values,

    d score / d factor = (10 - base) / 10 · ThM        d score / d base = 1 - sum / 10 · ThM

The causes add in squares, so a question that settles a share s of them shrinks the range by width · (1 - √(1 - s)).
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

import yaml

from agent.drafting_old.candidates import FilledQuestion
from agent.drafting_old.templates import fill
from agent.drafting_old.withholding import CERTAIN_NEEDED
from agent.records import FactorEstimate, Question
from agent.resources import data_folder
from agent.taxonomy.keys import FACTOR_SETS, FACTORS, LAYERS, FactorKey, LayerKey

THREAT_MULTIPLIER: Final = 0.97
MAX_QUESTIONS: Final = 14
MIN_QUESTIONS: Final = 4
"""With fewer things open, questions of the threats that are shown fill up: their answers still narrow a factor."""
CATALOGUE_QUESTIONS: Final = 4
"""Questions of threats that are shown, taken before the ones made for a factor alone."""
_FALLBACKS: Final = {
    "capability": "acting for its users",
    "object": "what it changes",
    "data": "its users' input",
    "credential": "credential",
    "store": "a store",
    "service": "the services it calls",
    "input": "the request itself",
}


class Template(NamedTuple):
    """A question about a factor or a layer, before its slots are filled."""

    text: str
    proposed: str


class Spread(NamedTuple):
    """What the width of the likely range comes from."""

    width: float
    """Of the likely range, score points."""
    causes: Mapping[str, float]
    """Squared contribution by factor key; by layer key the layer's share of the range of the base."""


@cache
def templates() -> Mapping[str, Template]:
    """By factor or layer key, from `corpus/knowledge/questions.yaml`."""
    raw = yaml.safe_load((data_folder("corpus") / "knowledge" / "questions.yaml").read_text("utf-8"))
    rows = {**raw["factors"], **raw["layers"]}
    return {key: Template(rows[key]["text"], rows[key]["proposed"]) for key in (*FACTORS, *LAYERS)}


def spread(
    factors: Mapping[FactorKey, FactorEstimate],
    base: tuple[float, float, float],
    width: float,
    unsure: Sequence[LayerKey],
) -> Spread:
    """Share out the width of the likely range; `base` is value, low, high; `unsure` are the layers not certain."""
    keys = FACTOR_SETS["0.5"]
    total = sum(float(factors[key].value) for key in keys)
    by_factor = (10 - base[0]) / 10 * THREAT_MULTIPLIER
    by_base = 1 - total / 10 * THREAT_MULTIPLIER
    causes: dict[str, float] = {key: (by_factor * float(factors[key].high - factors[key].low)) ** 2 for key in keys}
    causes.update({layer: (by_base * (base[2] - base[1])) ** 2 / len(unsure) for layer in unsure})
    return Spread(width, causes)


def effect(settles: Sequence[str], causes: Spread) -> float:
    """By how much the likely range shrinks when `settles` (factor and layer keys) are settled; score points."""
    whole = sum(causes.causes.values())
    if whole <= 0:
        return 0.0
    share = sum(causes.causes.get(key, 0.0) for key in set(settles)) / whole
    return round(causes.width * (1 - math.sqrt(max(1 - share, 0.0))), 2)


def ask(
    factors: Mapping[FactorKey, FactorEstimate],
    unsure: Sequence[LayerKey],
    offered: Sequence[FilledQuestion],
    values: Mapping[str, str],
    causes: Spread,
) -> tuple[Question, ...]:
    """The questions in the order of their effect, Q1 first; when too few layers are certain for a score, those that
    settle a layer come first.

    Every layer in `unsure` and every unknown factor is settled by one of them; `offered` are the catalogue's, in the
    order of their threats, and are preferred where they settle something open.
    """
    unknown = [key for key in FACTOR_SETS["0.5"] if factors[key].state == "unknown"]
    open_keys: list[str] = [*unsure, *unknown]
    chosen: list[FilledQuestion] = []
    for question in offered:
        new = [key for key in question.settles if key in open_keys]
        if new and len(chosen) < CATALOGUE_QUESTIONS and all(question.text != other.text for other in chosen):
            chosen.append(question)
            open_keys = [key for key in open_keys if key not in new]
    filled = {**_FALLBACKS, **values}
    for key in open_keys:
        template = templates()[key]
        text, proposed = fill(template.text, filled), fill(template.proposed, filled)
        chosen.append(FilledQuestion(text[:1].upper() + text[1:], proposed[:1].upper() + proposed[1:], (key,)))
    spare = [q for q in offered if all(q.text != other.text for other in chosen)]
    chosen += list({q.text: q for q in spare}.values())[: max(MIN_QUESTIONS - len(chosen), 0)]
    withheld = len(LAYERS) - len(unsure) < CERTAIN_NEEDED

    def order(question: FilledQuestion) -> tuple[bool, float, int]:
        behind = withheld and not set(question.settles) & set(unsure)
        return behind, -effect(question.settles, causes), chosen.index(question)

    ranked = sorted(chosen, key=order)[:MAX_QUESTIONS]
    return tuple(
        Question(id=f"Q{n}", text=q.text, proposed=q.proposed, settles=q.settles, effect=effect(q.settles, causes))
        for n, q in enumerate(ranked, start=1)
    )
