"""Questions for the vendor: why each matters, what its answer changes, and how much an answer would narrow the score.

The width of the likely range is divided among its causes: each factor's interval and the range of the base, each
weighted by the slope of the AIVSS 0.8 equation at the drafted values,

    d score / d factor = (10 - base) / 10 · ThM        d score / d base = 1 - sum / 10 · ThM

The squares of the causes add up, so a question that settles a share s of their sum shrinks the range by width · (1 -
√(1 - s)).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from pydantic import Field

from agent.drafting.judgement import Given, JudgedQuestion
from agent.drafting.layers.certainty import Certainty
from agent.drafting.threats.cvss_vectors import base_of, changed, eased
from agent.drafting.threats.selection import Found
from agent.drafting.threats.severity import THREAT_MULTIPLIER, Factors
from agent.drafting.wording import capital, listed, references, renamed, third_person
from agent.facts.knowledge import loader
from agent.facts.sheet import counted
from agent.facts.vocabulary import load_vocabulary
from agent.records import Ease, FactSheet, Question, Record, Score, Threat
from agent.taxonomy.factors import FACTOR_SETS, FACTORS
from agent.taxonomy.layers import LAYERS, LayerKey

MAX_QUESTIONS: Final = 6
MIN_QUESTIONS: Final = 4
"""Once there are this many questions, further ones must settle an open layer or change a threat."""
_TOUCHED: Final = 3
"""Maximum number of affected threats named for each question."""
_PLAIN_WIDTH: Final = 1.0
"""Width in score points that is assumed when the score has no range."""
_TOLD_FALL: Final = Decimal("0.5")
"""Smallest decrease of the base that is stated as a number."""
_OF_THE_CLIENT: Final = frozenset({"llm", "loop", "run-limit"})
"""Questions that the vendor of a tool server or a skill cannot answer."""


class Spread(NamedTuple):
    """The causes of the width of the likely range."""

    width: float
    """Width of the likely range in score points."""
    causes: Mapping[str, float]
    """Squared contribution to the width, by factor key and, for the range of the base, by layer key."""


class QuestionRow(Record):
    """A question from `corpus/knowledge/vendor_questions.yaml`."""

    id: str
    when: tuple[str, ...] = ()
    """Ask only if a fact with one of these keys is asserted or configurable; always ask if empty."""
    open: tuple[str, ...] = ()
    """Ask only if no fact has one of these keys."""
    text: str
    why: str
    touches: tuple[str, ...] = ()
    """Keys of facts; the answer changes the threats based on them."""
    answer: str = ""
    then: str = ""
    metrics: dict[str, str] = Field(default_factory=dict)
    otherwise: str
    """What the answer changes if no shown threat is affected."""
    proposed: str
    settles: tuple[str, ...]
    about: tuple[str, ...]


load_questions: Final = loader("vendor_questions.yaml", tuple[QuestionRow, ...])
"""Loads the questions in file order."""


def spread(factors: Factors, base: tuple[float, float, float], width: float, unsure: Sequence[LayerKey]) -> Spread:
    """Divide the likely range's width among its causes; `base` is value, low, high; `unsure` are uncertain layers."""
    keys = FACTOR_SETS["0.5"]
    total = sum(float(factors[key].value) for key in keys)
    by_factor = (10 - base[0]) / 10 * float(THREAT_MULTIPLIER)
    by_base = 1 - total / 10 * float(THREAT_MULTIPLIER)
    causes: dict[str, float] = {key: (by_factor * float(factors[key].high - factors[key].low)) ** 2 for key in keys}
    causes.update({layer: (by_base * (base[2] - base[1])) ** 2 / len(unsure) for layer in unsure})
    return Spread(width, causes)


def effect(settles: Sequence[str], causes: Spread) -> float:
    """Compute by how many score points the likely range shrinks once the keys in `settles` are settled."""
    whole = sum(causes.causes.values())
    if whole <= 0:
        return 0.0
    share = sum(causes.causes.get(key, 0.0) for key in set(settles)) / whole
    return round(causes.width * (1 - math.sqrt(max(1 - share, 0.0))), 2)


def ask(
    given: Given, factors: Factors, certainty: Mapping[LayerKey, Certainty], found: Found, score: Score
) -> tuple[Question, ...]:
    """Choose at most six questions in order of effect, Q1 first.

    An LLM's questions come first, in its order. If there are fewer than four, questions derived from facts are added,
    starting with uncovered uncertain layers. While the score is withheld, questions that settle an uncertain layer
    come first. No two questions cover the same subject.
    """
    unsure = tuple(layer for layer in LAYERS if not certainty[layer].certain)
    causes = _causes(factors, found, score, unsure)
    led = _judged(given, found, causes)
    chosen = led[:MAX_QUESTIONS]
    rows = _from_facts(given, found, causes)
    open_layers = [layer for layer in unsure if all(layer not in question.settles for question in chosen)]
    # An LLM that read the sources asks better questions, so those derived from facts only fill gaps.
    room = MAX_QUESTIONS if len(led) < MIN_QUESTIONS else 0
    while len(chosen) < room and rows:
        best = max(rows, key=lambda question: _worth(question, open_layers, chosen))
        rows.remove(best)
        if any(set(best.about) & set(other.about) for other in chosen):
            continue
        if len(chosen) >= MIN_QUESTIONS and not any(_worth(best, open_layers, ())[:2]):
            # The question settles no open layer and changes no shown threat.
            continue
        chosen.append(best)
        open_layers = [layer for layer in open_layers if layer not in best.settles]

    def order(question: Question) -> tuple[bool, bool, float]:
        own = question in led
        late = score.withheld is not None and not set(question.settles) & set(unsure)
        return late, not own, 0.0 if own else -question.effect

    ranked = sorted(chosen, key=order)
    return tuple(question.model_copy(update={"id": f"Q{n}"}) for n, question in enumerate(ranked, start=1))


def _causes(factors: Factors, found: Found, score: Score, unsure: Sequence[LayerKey]) -> Spread:
    base = found.base
    ends = (float(base.value), float(base.low), float(base.high)) if base else (5.0, 4.0, 6.0)
    low, high = score.likely_low, score.likely_high
    if low is None or high is None:
        low, high = score.low, score.high
    width = float(high - low) if low is not None and high is not None else _PLAIN_WIDTH
    return spread(factors, ends, width, unsure)


def _worth(question: Question, open_layers: Sequence[LayerKey], chosen: Sequence[Question]) -> tuple[int, bool, float]:
    """Return a sort key for what a question adds to the chosen ones: open layers, then threats, then effect."""
    new = len(set(question.settles) & set(open_layers))
    named = {about for other in chosen for about in other.about}
    touched = {about for about in question.about if about not in load_vocabulary()}
    return min(new, 1), bool(touched - named), question.effect


def _from_facts(given: Given, found: Found, causes: Spread) -> list[Question]:
    """Return the questions from the file that apply to the facts, with the threats that an answer changes."""
    known = {fact.key for fact in counted(given.sheet)}
    there = {fact.key for fact in counted(given.sheet) if fact.polarity != "denied"}
    made = []
    for row in load_questions():
        fits = (not row.when or bool(there & set(row.when))) and not known & set(row.open)
        if not fits or (given.kind in ("mcp-server", "agent-skill") and row.id in _OF_THE_CLIENT):
            continue
        touched = touched_by(row.touches, given.sheet, found)
        made.append(
            Question(
                id="Q0",
                text=row.text,
                why=row.why,
                changes=_changes(row, touched, found.tags),
                proposed=capital(row.proposed),
                settles=row.settles,
                effect=effect(row.settles, causes),
                about=(*row.about, *(threat.id for threat in touched)),
            )
        )
    return made


def touched_by(keys: Sequence[str], sheet: FactSheet, found: Found) -> list[Threat]:
    """Return at most three shown threats based on facts with these keys, in report order."""
    ids = {fact.id for fact in sheet.facts if fact.key in keys}
    return [placed.threat for placed in found.threats if ids & set(placed.threat.facts)][:_TOUCHED]


def _changes(row: QuestionRow, touched: Sequence[Threat], names: Mapping[str, str]) -> str:
    if not touched or not row.then:
        return row.otherwise
    several = len(touched) > 1
    verbs = {verb: verb if several else third_person(verb) for verb in ("need", "become", "apply", "cause")}
    verbs["are"] = "are" if several else "is"
    text = row.then.format(threats=listed([names[threat.id] for threat in touched]), **verbs)
    for threat in touched:
        after = base_of(eased(threat.score.cvss_vector, row.metrics))
        if threat.score.cvss_base - after >= _TOLD_FALL:
            whose = f"; the base of {names[threat.id]}" if several else ", and its base"
            text += f"{whose} falls from {threat.score.cvss_base} to {after}"
            break
    return f"{row.answer}: {text}."


def _judged(given: Given, found: Found, causes: Spread) -> list[Question]:
    """Return an LLM's questions whose quotes still exist, with the draft's threat names."""
    called = found.called
    made: dict[str, Question] = {}
    for asked in given.judgement.questions:
        text = renamed(asked.text, called)
        if text and text not in made and given.stands(" ".join((asked.text, asked.why, asked.changes))):
            made[text] = _led(asked, text, found, causes)
    return list(made.values())


def _led(asked: JudgedQuestion, text: str, found: Found, causes: Spread) -> Question:
    vocabulary, ids, called = load_vocabulary(), found.ids, found.called
    keys = tuple(about for about in asked.about if about in vocabulary)
    settles: dict[str, None] = dict.fromkeys(about for about in asked.about if about in (*LAYERS, *FACTORS))
    settles |= dict.fromkeys(layer for key in keys for layer in vocabulary[key].pins)
    settles |= dict.fromkeys(factor for key in keys for factor in (*vocabulary[key].raises, *vocabulary[key].lowers))
    own = next((row for row in load_questions() if set(row.about) & set(keys)), None)
    return Question(
        id="Q0",
        text=text,
        why=renamed(asked.why, called) or (own.why if own else ""),
        changes=renamed(asked.changes, called) or (own.otherwise if own else ""),
        proposed=asked.proposed or (capital(own.proposed) if own else ""),
        settles=tuple(settles),
        effect=effect(tuple(settles), causes),
        about=(*keys, *references(asked.about, ids)),
        eases=tuple(_eases(asked, found)),
    )


def _eases(asked: JudgedQuestion, found: Found) -> Iterator[Ease]:
    """Compute the base that each shown threat would keep after a good answer to this question."""
    metrics = {found.ids[name]: each for name, each in asked.metrics.items() if name in found.ids}
    for placed in found.threats:
        threat, vector = placed.threat, placed.threat.score.cvss_vector
        if threat.id in metrics:
            after = eased(vector, {str(metric): value for metric, value in metrics[threat.id].items()})
            yield Ease(
                threat=threat.id,
                after=min(base_of(after), threat.score.cvss_base),
                changes=changed(vector, after),
            )
