"""Layers with an LLM: it is asked for all seven at once, and words the paragraph of a layer that code holds certain.

The flag is code's. What an LLM says of a layer without it is listed as not used, and what it does not say of a layer
with it leaves the embedded paragraph in place.
"""

from collections.abc import Collection
from typing import Final

from agent.drafting_old.assisted.asking import Ask
from agent.drafting_old.assisted.proposals import CLAIMS_DROPPED, NOT_ANSWERED, Notes, Proposals
from agent.drafting_old.assisted.prose import of_product, unused
from agent.drafting_old.assisted.prose import told as told_prose
from agent.drafting_old.assisted.shapes import LayersAnswer
from agent.drafting_old.layers import Paragraph
from agent.drafting_old.ledger import Ledger
from agent.llm.prompts import cards
from agent.records import Dropped, MadeBy, Missing
from agent.taxonomy.keys import LAYERS, LayerKey

SENTENCES: Final = 4
"""Of one layer's paragraph."""
PROMPT: Final = "layers"
_PINS: Final = "Pins the layer"
_NOT_ENOUGH: Final = "Not enough"
NOT_CERTAIN: Final = Missing(
    reason="too-little-evidence", detail="the program holds the layer not certain, whatever the LLM says of it"
)
INSUFFICIENT: Final = Missing(reason="too-little-evidence", detail="the LLM found that the quotes do not suffice")
NO_CLAIM_LEFT: Final = Missing(
    reason="claims-dropped", detail="no claim of the LLM is left that quotes about the product carry"
)


def asks(only: Collection[LayerKey] | None = None) -> tuple[Ask[LayersAnswer], ...]:
    """The call about all layers, or about those of `only`; none when `only` is empty."""
    keys = tuple(key for key in LAYERS if only is None or key in only)
    if not keys:
        return ()
    text = "\n".join(_card(key) for key in keys)
    return (Ask(stage=PROMPT, prompt=PROMPT, values={"cards": text}, shape=LayersAnswer, keys=keys),)


def told(key: LayerKey, certain: bool, proposals: Proposals, ledger: Ledger) -> tuple[Paragraph | None, Notes]:
    """The paragraph of one layer in the LLM's words, each sentence with the marks of its quotes.

    None when the embedded paragraph stands: always for a layer that is not `certain`; also when the LLM said nothing,
    called its quotes insufficient or lost most of its claims. The notes say who made the paragraph and, for each claim
    that is not used, why. Only what is used is cited in `ledger`.
    """
    part = f"layers/{key}"
    item = proposals.layers.get(key)
    if item is None:
        return None, _embedded(part, proposals.missing.get(part, NOT_ANSWERED), ())
    checked, lost = of_product(part, item.checked, proposals.shown)
    refusal = None
    if item.said.sufficiency == "insufficient":
        refusal = INSUFFICIENT
    elif not certain:
        refusal = NOT_CERTAIN
    elif item.checked.lost_most:
        refusal = CLAIMS_DROPPED
    elif not checked.claims:
        refusal = NO_CLAIM_LEFT if item.checked.proposed else NOT_ANSWERED
    if refusal is not None:
        rows = tuple(unused(part, claim, refusal.detail) for claim in checked.claims)
        return None, _embedded(part, refusal, (*lost, *rows))
    text, marks = told_prose(item.said.paragraph, checked, proposals.shown, ledger, SENTENCES)
    if not text:
        return None, _embedded(part, NO_CLAIM_LEFT, lost)
    return Paragraph(text, None, marks), Notes(made=(MadeBy(part=part, by="llm"),), dropped=lost)


def _embedded(part: str, why: Missing, lost: tuple[Dropped, ...]) -> Notes:
    return Notes(made=(MadeBy(part=part, by="embedded", missing=why),), dropped=lost)


def _card(key: LayerKey) -> str:
    """What tells of the layer and what does not; what hangs on it is for the program to say."""
    card = cards()[key]
    blocks = [" ".join(block.split()) for block in card.render().split("\n\n")]
    told_by, enough = (next(b for b in blocks if b.startswith(f"**{head}")) for head in (_PINS, _NOT_ENOUGH))
    return f"- {key}: {card.purpose}. Told by: {_after(told_by)} {_NOT_ENOUGH}: {_after(enough)}"


def _after(block: str) -> str:
    """A block of a card without the words in bold that it begins with."""
    return block.partition(":**")[2].strip()
