"""Limits how far a vendor's answer counts by itself, and names the speaker in paragraphs.

A vendor's word has rank 2. Like any text it may raise a risk, but it cannot make a layer certain until a public page of
rank 3 or the analyst says the same. Until then the layer is written as not certain, with what the vendor says. A quote
from an answer is never attributed to the sources.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from agent.drafting.layers.paragraphs import MARK
from agent.drafting.withholding import CERTAIN_NEEDED
from agent.records import Draft, LayerThreats, Missing, Question
from agent.records.base import SourceKind
from agent.scoring import withhold
from agent.taxonomy.layers import LAYER_SOUGHT, LayerKey

_SAID: Final = re.compile(r"The sources (say:|name) (“[^”]*” \[(E[1-9][0-9]*)\])")
"""Matches the start of a drafter's paragraph that consists of a quote."""
_SPEAKERS: Final[Mapping[SourceKind, str]] = {"vendor-answer": "vendor", "analyst-note": "analyst"}
_VERBS: Final = {"say:": "says:", "name": "names"}


def with_speakers(draft: Draft, spoken: Mapping[str, SourceKind]) -> Draft:
    """Name the vendor or the analyst as the speaker in paragraphs that quote their answers.

    `spoken` maps the id of each answer's document to the answer's kind.
    """
    kinds = {item.id: spoken[item.document] for item in draft.evidence if item.document in spoken}
    if not kinds:
        return draft

    def said(found: re.Match[str]) -> str:
        who = _SPEAKERS.get(kinds[found[3]], "") if found[3] in kinds else ""
        return f"The {who} {_VERBS[found[1]]} {found[2]}" if who else found[0]

    layers = {
        key: layer.model_copy(update={"paragraph": _SAID.sub(said, layer.paragraph)})
        for key, layer in draft.layers.items()
    }
    return draft.model_copy(update={"layers": layers})


def unsettled(made: Draft, without: Callable[[Collection[str]], Draft], words: Collection[str]) -> Draft:
    """Turn every layer of `made` that is certain only by a vendor's word back to not certain.

    `words` are the ids of vendor-only facts; `without` returns the draft without the given facts.
    """
    if not words:
        return made
    base = without(words)
    layers = {
        key: _open(key, layer, base.layers[key], made, words)
        if layer.certain and key in base.layers and not base.layers[key].certain
        else layer
        for key, layer in made.layers.items()
    }
    opened = [key for key in layers if layers[key] != made.layers[key]]
    if not opened:
        return made
    texts = {asked.text for asked in made.questions}
    more = tuple(
        asked for asked in base.questions if asked.text not in texts and set(opened).intersection(asked.settles)
    )
    score = made.score
    if sum(layer.certain for layer in layers.values()) < CERTAIN_NEEDED and base.score.withheld and not score.withheld:
        score = withhold(score, base.score.withheld)
    return made.model_copy(update={"layers": layers, "score": score, "questions": _numbered(made, more)})


def _numbered(made: Draft, more: Sequence[Question]) -> tuple[Question, ...]:
    last = max((int(asked.id[1:]) for asked in made.questions), default=0)
    return (*made.questions, *(asked.model_copy(update={"id": f"Q{last + n}"}) for n, asked in enumerate(more, 1)))


def _open(key: LayerKey, layer: LayerThreats, base: LayerThreats, made: Draft, words: Collection[str]) -> LayerThreats:
    """Return the layer as it would be without the vendor's word, but with its threats and the vendor's statement."""
    quotes = {item.id: item.quote for item in made.evidence}
    facts = made.facts.facts if made.facts else ()
    marks = [mark for fact in facts if fact.id in words for mark in fact.evidence if mark in quotes]
    told = next((mark for mark in marks if mark in layer.paragraph), None)
    said = f"The vendor says “{quotes[told].strip()}” [{told}], which nobody confirmed. " if told else ""
    commentary = base.paragraph.removeprefix(MARK)
    return layer.model_copy(
        update={
            "certain": False,
            "applies": base.applies,
            "certainty": base.certainty,
            "features": base.features,
            "paragraph": f"{MARK}{said}{commentary[:1].upper() + commentary[1:] if said else commentary}",
            "missing": Missing(
                reason="too-little-evidence", detail=f"{LAYER_SOUGHT[key]}: nobody but the vendor says so"
            ),
            "question": None,
        }
    )
