"""The four questions to the LLM, and the values that fill each prompt."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, Protocol

from agent.assist.asking import Ask, prompt
from agent.assist.passages import Shown, framed, neutral
from agent.assist.prose import MARKED
from agent.assist.shapes import Factors, FactsBuilt, FactsDoes, Page
from agent.facts.vocabulary import FactKey, GroupId, Vocabulary, load_vocabulary
from agent.llm.prompts import Card, cards
from agent.records import Fact, FactorEstimate, FactSheet
from agent.taxonomy.factors import FACTORS, FactorKey
from agent.taxonomy.kinds import KINDS, ProductKind
from agent.taxonomy.layers import LAYERS, LayerKey
from agent.taxonomy.lists import entries

DOES: Final[tuple[GroupId, ...]] = ("does", "reads", "decides", "asks", "acts_as", "keeps")
BUILT: Final[tuple[GroupId, ...]] = ("model", "runs_at", "shows", "meets", "attests")
ID_LISTS: Final = ("owasp-asi", "owasp-llm-2025")
"""The lists whose ids a threat may cite."""
MOST_FOUND: Final = 30
"""The most of the embedded reader's facts that one call shows."""
MOST_CANDIDATES: Final = 16
"""The most candidates shown; the others get no verdict from the LLM."""
_FACTS_SHOWN: Final = 5
_VERSION: Final = "CVSS:4.0/"
_QUOTE_CHARS: Final = 160
_FACT_CHARS: Final = 110
_MARKS: Final = re.compile(rf"\s*{MARKED.pattern}")
_PRODUCT: Final = "The product "
_PINS: Final = ("**Pins the layer:**", "**Not enough:**")


class Candidate(Protocol):
    """A threat proposed by the catalogue."""

    @property
    def id(self) -> str:
        """Its id in the catalogue."""
        ...

    @property
    def title(self) -> str:
        """Its title."""
        ...

    @property
    def severity(self) -> str:
        """Its severity as displayed, such as "8.7 CVSS:4.0/…"."""
        ...

    @property
    def facts(self) -> Sequence[str]:
        """Ids of the facts that support the threat."""
        ...


def sources(shown: Shown, name: str) -> str:
    """Return the text that follows the instructions in every call of the first wave."""
    return prompt("sources").render(product=_one_line(name), passages=shown.text, left_out=shown.left_out)


LayerState = Literal["known", "partly", "open"]
"""How sure the sheet is of a layer. known: certain. partly: not certain, but the LLM found relevant quotes. open:
neither."""


def program_facts(sheet: FactSheet) -> dict[str, Fact]:
    """Return the facts that only the embedded reader read, by the numbers shown to the LLM: P1, P2, …"""
    own = [fact for fact in sheet.facts if {source.reader for source in fact.sources} == {"embedded"}]
    return {f"P{n}": fact for n, fact in enumerate(own, start=1)}


def first_wave(sheet: FactSheet, found: Mapping[str, Fact], delimiter: str) -> tuple[Ask, ...]:
    """Return the first wave's questions, on facts and factors."""
    words = load_vocabulary()
    does = {
        "kinds": ", ".join(KINDS),
        "vocabulary": vocabulary_text(words, DOES),
        "found": _found(sheet, found, words, DOES, delimiter),
    }
    built = {
        "vocabulary": vocabulary_text(words, BUILT),
        "layers": "\n".join(_layer(key, cards()[key]) for key in LAYERS),
        "found": _found(sheet, found, words, BUILT, delimiter),
    }
    rubrics = {"cards": "\n".join(_rubric(cards()[key]) for key in FACTORS)}
    return (
        Ask("facts-does", does, FactsDoes),
        Ask("facts-built", built, FactsBuilt),
        Ask("factors", rubrics, Factors),
    )


def accepted(sheet: FactSheet, *, kind: ProductKind | None, delimiter: str) -> str:
    """Return the text that stands behind the sources in the second wave."""
    quotes = {item.id: item.quote for item in sheet.evidence}
    lines = [_accepted_fact(fact, quotes[fact.evidence[0]]) for fact in sheet.facts]
    return prompt("accepted").render(
        kind=kind or "not told",
        facts=framed(delimiter, "[facts]", "\n".join(lines) or "none"),
    )


def second_wave(
    candidates: Sequence[Candidate],
    sheet: FactSheet,
    factors: Mapping[FactorKey, FactorEstimate],
    layers: Mapping[LayerKey, LayerState],
    delimiter: str,
) -> tuple[Ask, ...]:
    """Return the second wave's question. One call writes the whole page, so that its parts agree and none repeats
    another."""
    keys = {fact.id: fact.key for fact in sheet.facts}
    stated = set(keys.values())
    absent = [key.id for key in load_vocabulary() if key.id not in stated and _is_asked_for(key)]
    page = {
        "candidates": framed(
            delimiter, "[candidates]", "\n".join(_candidate(row, keys) for row in _gravest(candidates)) or "none"
        ),
        "factors": framed(
            delimiter, "[factors]", "\n".join(_factor(key, factors[key]) for key in FACTORS if key in factors) or "none"
        ),
        "ids": "; ".join(f"{entry.id} {entry.title}" for name in ID_LISTS for entry in entries(name)),
        "layers": "\n".join(f"- {key} ({layers[key]}): {cards()[key].purpose}" for key in LAYERS),
        "not_stated": ", ".join(absent) or "nothing",
    }
    return (Ask("page", page, Page),)


def dropped_lines(rows: Iterable[tuple[str, str]], delimiter: str, most: int = 20) -> str:
    """Format the dropped items for the LLM, verbatim and with the reasons."""
    lines = [f"- {_one_line(what)} ({why})" for what, why in list(rows)[:most]]
    return framed(delimiter, "[dropped]", "\n".join(lines)) if lines else ""


def vocabulary_text(words: Vocabulary, groups: Sequence[GroupId]) -> str:
    """List the keys of some groups, one per line, each group preceded by a line with its slots."""
    lines = []
    for group in groups:
        own = words.group(group)
        slots = dict.fromkeys(slot for key in own for slot in key.slots)
        lines.append(f"{words.titles.get(group, group)} (slots: {', '.join(slots)})")
        lines += [f"- {key.id}: {_meaning(key)} Not: {_lowered(key.excludes)}" for key in own]
    return "\n".join(lines)


def _meaning(key: FactKey) -> str:
    return key.definition.removeprefix(_PRODUCT)


def _lowered(text: str) -> str:
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def _rubric(card: Card) -> str:
    low, middle, high = card.anchors.values()
    return f"{card.key}: {card.purpose}.\n0 = {low} 5 = {middle} 10 = {high}\n{card.render().strip()}\n"


def _layer(key: LayerKey, card: Card) -> str:
    """Describe a layer by its key, what pins it and what is not enough; the rest of its card is for human readers."""
    blocks = [" ".join(block.split()) for block in card.render().split("\n\n")]
    told = [block.replace("**", "") for block in blocks if block.startswith(_PINS)]
    return f"- {key}: {' '.join(told)}"


def _found(
    sheet: FactSheet, found: Mapping[str, Fact], words: Vocabulary, groups: Sequence[GroupId], delimiter: str
) -> str:
    quotes = {item.id: item.quote for item in sheet.evidence}
    rows = [
        f"{number} {fact.key}{'' if fact.polarity == 'asserted' else f' ({fact.polarity})'}:"
        f" “{_short(quotes[fact.evidence[0]], _QUOTE_CHARS)}”"
        for number, fact in found.items()
        if words[fact.key].group in groups
    ][:MOST_FOUND]
    return framed(delimiter, "[found]", "\n".join(rows)) if rows else "It found none."


def _accepted_fact(fact: Fact, quote: str) -> str:
    about = "" if fact.about == "product" else f" of the {fact.about}"
    polarity = "" if fact.polarity == "asserted" else f" {fact.polarity}"
    state = "" if fact.counts else "; counts: no"
    return f"- {fact.key}{polarity}{about}{state}: “{_short(quote, _FACT_CHARS)}”"


def _candidate(row: Candidate, keys: Mapping[str, str]) -> str:
    rests = ", ".join(list(dict.fromkeys(keys[fact] for fact in row.facts if fact in keys))[:_FACTS_SHOWN])
    return f"{row.id}: {_one_line(row.title)} ({row.severity.replace(_VERSION, '')}; {rests or 'no fact'})"


def _factor(key: FactorKey, factor: FactorEstimate) -> str:
    return f"{key} {factor.value}: {_one_line(_MARKS.sub('', factor.rationale))}"


def _gravest(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the gravest candidates, up to the number shown, in their original order."""

    def base(row: Candidate) -> float:
        found = row.severity.split(" ")[0]
        return float(found) if found.replace(".", "", 1).isdecimal() else 0.0

    kept = sorted(range(len(candidates)), key=lambda n: (-base(candidates[n]), n))[:MOST_CANDIDATES]
    return [candidates[n] for n in sorted(kept)]


def _is_asked_for(key: FactKey) -> bool:
    """Return whether the absence of a key is worth mentioning: the key is a control, or a question asks about it."""
    return key.claim == "control" or "questions" in key.used_in


def _short(text: str, most: int) -> str:
    line = _one_line(text)
    return line if len(line) <= most else f"{line[:most].rsplit(' ', 1)[0]} …"


def _one_line(text: str) -> str:
    return neutral(" ".join(text.split()))
