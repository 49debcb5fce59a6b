"""The four questions to the LLM, and the values that fill each prompt."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from agent.assist.asking import Ask, prompt
from agent.assist.passages import Shown, framed, neutral
from agent.assist.prose import MARKED
from agent.assist.shapes import Factors, FactsBuilt, FactsDoes, Page
from agent.drafting.threats.candidates import Candidate
from agent.facts.vocabulary import GroupId, Vocabulary, load_vocabulary
from agent.llm.prompts import Card, cards
from agent.records import Fact, FactorEstimate, FactSheet
from agent.taxonomy.factors import FACTORS, FactorKey
from agent.taxonomy.kinds import KIND_MEANINGS, ProductKind
from agent.taxonomy.layers import LAYERS, LayerKey
from agent.taxonomy.lists import entries

DOES: Final[tuple[GroupId, ...]] = ("does", "reads", "decides", "asks", "acts_as", "keeps")
BUILT: Final[tuple[GroupId, ...]] = ("model", "runs_at", "shows", "meets", "attests")
ID_LISTS: Final = ("owasp-asi", "owasp-llm-2025")
"""The lists whose ids a threat may cite."""
MOST_FOUND: Final = 30
"""Maximum number of the embedded reader's facts that one call shows."""
MOST_CANDIDATES: Final = 16
"""Maximum number of candidates shown; the others get no verdict from the LLM."""
MOST_DROPPED: Final = 20
_FACTS_SHOWN: Final = 5
_VERSION: Final = "CVSS:4.0/"
_QUOTE_CHARS: Final = 160
_FACT_CHARS: Final = 110
_MARKS: Final = re.compile(rf"\s*{MARKED.pattern}")
_PRODUCT: Final = "The product "
_PINS: Final = ("**Pins the layer:**", "**Not enough:**")


def sources(shown: Shown, name: str) -> str:
    """Return the text that follows the instructions in every call of the first wave."""
    return prompt("sources").render(product=_one_line(name), passages=shown.text, left_out=shown.left_out)


LayerState = Literal["known", "partly", "open"]
"""How well the sheet settles a layer. known: the layer is certain. partly: it is not certain, but the LLM found
relevant quotes. open: neither."""


def program_facts(sheet: FactSheet) -> dict[str, Fact]:
    """Return the facts that only the embedded reader found, by the numbers shown to the LLM: P1, P2, …"""
    own = [fact for fact in sheet.facts if {source.reader for source in fact.sources} == {"embedded"}]
    return {f"P{n}": fact for n, fact in enumerate(own, start=1)}


def first_wave(sheet: FactSheet, found: Mapping[str, Fact], delimiter: str) -> tuple[Ask, ...]:
    """Return the first wave's questions, on facts and factors."""
    words = load_vocabulary()
    quotes = {item.id: item.quote for item in sheet.evidence}

    def found_in(groups: Sequence[GroupId]) -> str:
        rows = [
            f"{number} {fact.key}{'' if fact.polarity == 'asserted' else f' ({fact.polarity})'}:"
            f" “{_short(quotes[fact.evidence[0]], _QUOTE_CHARS)}”"
            for number, fact in found.items()
            if words[fact.key].group in groups
        ][:MOST_FOUND]
        return framed(delimiter, "[found]", "\n".join(rows)) if rows else "It found none."

    kinds = ", ".join(f"{kind} ({meaning})" for kind, meaning in KIND_MEANINGS.items())
    does = {"kinds": kinds, "vocabulary": vocabulary_text(words, DOES), "found": found_in(DOES)}
    layers = "\n".join(f"- {key}: {_pins(cards()[key])}" for key in LAYERS)
    built = {"vocabulary": vocabulary_text(words, BUILT), "layers": layers, "found": found_in(BUILT)}
    rubrics = {"cards": "\n".join(_rubric(cards()[key]) for key in FACTORS)}
    return (
        Ask("facts-does", does, FactsDoes),
        Ask("facts-built", built, FactsBuilt),
        Ask("factors", rubrics, Factors),
    )


def accepted(sheet: FactSheet, *, kind: ProductKind | None, delimiter: str) -> str:
    """Return the text that follows the sources in the second wave."""
    quotes = {item.id: item.quote for item in sheet.evidence}
    lines = []
    for fact in sheet.facts:
        polarity = "" if fact.polarity == "asserted" else f" {fact.polarity}"
        about = "" if fact.about == "product" else f" of the {fact.about}"
        state = "" if fact.counts else "; counts: no"
        lines.append(f"- {fact.key}{polarity}{about}{state}: “{_short(quotes[fact.evidence[0]], _FACT_CHARS)}”")
    facts = framed(delimiter, "[facts]", "\n".join(lines) or "none")
    return prompt("accepted").render(kind=kind or "unknown", facts=facts)


def second_wave(
    candidates: Sequence[Candidate],
    sheet: FactSheet,
    factors: Mapping[FactorKey, FactorEstimate],
    layers: Mapping[LayerKey, LayerState],
    delimiter: str,
) -> tuple[Ask, ...]:
    """Return the second wave's question. One call writes the whole page, so that its parts are consistent and do not
    repeat each other.
    """
    keys = {fact.id: fact.key for fact in sheet.facts}
    stated = set(keys.values())
    # The absence of a key is worth mentioning if the key is a control, or if a question asks about it.
    asked_for = [key.id for key in load_vocabulary() if key.claim == "control" or "questions" in key.used_in]
    values = [
        f"{key} {factors[key].value}: {_one_line(_MARKS.sub('', factors[key].rationale))}"
        for key in FACTORS
        if key in factors
    ]
    rows = [_candidate(row, keys) for row in _gravest(candidates)]
    page = {
        "candidates": framed(delimiter, "[candidates]", "\n".join(rows) or "none"),
        "factors": framed(delimiter, "[factors]", "\n".join(values) or "none"),
        "ids": "; ".join(f"{entry.id} {entry.title}" for name in ID_LISTS for entry in entries(name)),
        "layers": "\n".join(f"- {key} ({layers[key]}): {cards()[key].purpose}" for key in LAYERS),
        "not_stated": ", ".join(key for key in asked_for if key not in stated) or "nothing",
    }
    return (Ask("page", page, Page),)


def dropped_lines(rows: Iterable[tuple[str, str]], delimiter: str) -> str:
    """Format the dropped items for the LLM, verbatim and with the reasons."""
    lines = [f"- {_one_line(what)} ({why})" for what, why in list(rows)[:MOST_DROPPED]]
    return framed(delimiter, "[dropped]", "\n".join(lines)) if lines else ""


def vocabulary_text(words: Vocabulary, groups: Sequence[GroupId]) -> str:
    """List the keys of some groups, one per line, each group preceded by a line with its slots."""
    lines = []
    for group in groups:
        own = words.group(group)
        slots = dict.fromkeys(slot for key in own for slot in key.slots)
        lines.append(f"{words.titles.get(group, group)} (slots: {', '.join(slots)})")
        for key in own:
            no = key.excludes if key.excludes[:2].isupper() else key.excludes[:1].lower() + key.excludes[1:]
            lines.append(f"- {key.id}: {key.definition.removeprefix(_PRODUCT)} Not: {no}")
    return "\n".join(lines)


def _rubric(card: Card) -> str:
    low, middle, high = card.anchors.values()
    return f"{card.key}: {card.purpose}.\n0 = {low} 5 = {middle} 10 = {high}\n{card.render().strip()}\n"


def _pins(card: Card) -> str:
    """Return the parts of a card that say what pins its layer and what is not enough; the rest is for human readers."""
    blocks = [" ".join(block.split()) for block in card.render().split("\n\n")]
    told = " ".join(block.replace("**", "") for block in blocks if block.startswith(_PINS))
    return told.replace("Pins the layer:", "Told by:")


def _candidate(row: Candidate, keys: Mapping[str, str]) -> str:
    rests = ", ".join(list(dict.fromkeys(keys[fact] for fact in row.facts if fact in keys))[:_FACTS_SHOWN])
    return f"{row.id}: {_one_line(row.title)} ({row.severity.replace(_VERSION, '')}; {rests or 'no fact'})"


def _gravest(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the gravest candidates, up to the number shown, in their original order."""

    def base(row: Candidate) -> float:
        found = row.severity.split(" ")[0]
        return float(found) if found.replace(".", "", 1).isdecimal() else 0.0

    kept = sorted(range(len(candidates)), key=lambda n: (-base(candidates[n]), n))[:MOST_CANDIDATES]
    return [candidates[n] for n in sorted(kept)]


def _short(text: str, most: int) -> str:
    line = _one_line(text)
    return line if len(line) <= most else f"{line[:most].rsplit(' ', 1)[0]} …"


def _one_line(text: str) -> str:
    return neutral(" ".join(text.split()))
