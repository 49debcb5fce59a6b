"""Summary and posture: what the product is in its own words, and three sentences an analyst can act on.

The word that names a severity is chosen by the score's band, never by the text.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from agent.drafting.ledger import Ledger
from agent.drafting.slots import base_form, tidy, usable
from agent.drafting.words import leading
from agent.evidence.certainty import Assessment, counts, guides
from agent.evidence.reading import Reading
from agent.records import Capability, Score, System
from agent.taxonomy.keys import LAYER_CODES, LAYERS, LayerKey

NAMED: Final = 3
MIN_SUMMARY_WORDS: Final = 4


def summary(reading: Reading, ledger: Ledger) -> str:
    """The first sentence of the listing that describes the product, verbatim and cited; empty when there is none."""
    for index, statement in enumerate(reading.statements):
        if (
            counts(reading, index)
            and statement.role == "description"
            and len(statement.text.split()) >= MIN_SUMMARY_WORDS
        ):
            mark = ledger.cite(index)
            return f"“{ledger.quote(mark)}” ({mark})"
    return ""


def posture(
    reading: Reading,
    system: System,
    ledger: Ledger,
    score: Score,
    layers: Mapping[LayerKey, Assessment],
    values: Mapping[str, str],
) -> str:
    """Three sentences: what it does under whose credential, what reaches it and who confirms, what is not known."""
    return " ".join((_does(system, values), _exposed(reading, ledger, score, values), _open(layers)))


def _does(system: System, values: Mapping[str, str]) -> str:
    first = leading(system)
    name = values["name"]
    if first is None:
        return f"No sentence says what {name} does to what."
    others = [
        c for c in system.capabilities if c.evidence and c.id != first.id and c.mode != "read" and c.state == "claimed"
    ]
    named = [first, *others][:NAMED]
    acts = _listed([f"{base_form(c.action)} {tidy(c.object)} ({c.evidence[0]})" for c in named])
    return f"{name} can {acts}; {_authority(named)}."


def _authority(named: Sequence[Capability]) -> str:
    for capability in named:
        if capability.credential:
            mark = f" ({capability.credential_evidence[0]})" if capability.credential_evidence else ""
            return f"it does so with {capability.credential}{mark}"
    return "with whose credential is not stated"


def _exposed(reading: Reading, ledger: Ledger, score: Score, values: Mapping[str, str]) -> str:
    band = f"{score.severity} before controls" if score.severity else "Not scored"
    source = values.get("input")
    reaches = f"{source} can steer it" if source else "what text can steer it is not stated"
    approvals = usable(reading, "asks_approval")
    if not approvals:
        confirms = f"and no sentence says who confirms {values.get('capability', 'an action')}"
    else:
        match = approvals[0]
        mark = ledger.cite(match.statement, match.start, match.end)
        rank = reading.statements[match.statement].rank
        weight = "a control of rank 3, which counts" if rank >= 3 else f"a claim of rank {rank}, which lowers nothing"  # noqa: PLR2004
        confirms = f"and a confirmation is promised ({mark}), {weight}"
    return f"{band}: {reaches}, {confirms}."


def _open(layers: Mapping[LayerKey, Assessment]) -> str:
    unsure = sorted((key for key in LAYERS if not layers[key].certain), key=lambda key: layers[key].certainty)
    if not unsure:
        return "All seven layers rest on quotes."
    codes = _listed([LAYER_CODES[key] for key in LAYERS if key in unsure])
    return f"Not pinned: {codes}, above all {guides()[unsure[0]].sought}."


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
