"""Summary and posture: what the product is in its own words, and three sentences an analyst can act on.

The word that names a severity is chosen by the score's band, never by the text.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from agent.drafting_old.authority import LOCAL_SIGNALS, UNGATED_SIGNALS
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.slots import base_form, tidy, usable
from agent.drafting_old.system import PROPOSING, subject_kind
from agent.drafting_old.words import telling
from agent.evidence.certainty import Assessment, counts, guides
from agent.evidence.reading import Reading
from agent.records import Capability, Score, System
from agent.taxonomy.keys import LAYER_CODES, LAYERS, LayerKey

NAMED: Final = 3
_OF_ITS_TOOLING: Final = re.compile(r"\b(?:telemetry|usage|projects?|templates?|scaffold\w*|packages?)\b", re.I)
MANY_OPEN: Final = 4
"""With more layers open, the ones that are pinned are named instead."""
COUNTED_RANK: Final = 3
"""From this rank a control counts."""
MIN_SUMMARY_WORDS: Final = 4


class Stance(NamedTuple):
    """The posture in its parts."""

    deeds: tuple[str, ...]
    """What the product does above all, as in "create tasks", without marks; empty when no sentence says it."""
    does: str
    """The first sentence without its clause on the credential, without a full stop."""
    credential: str
    """Whose credential it acts with; empty when that is not stated."""
    authority: str
    """The clause on the credential, as in "it does so with the user's OAuth grant (E3)"; empty without `deeds`."""
    exposed: str
    """The second sentence: the band, what steers it, who confirms."""
    unknown: str
    """The third sentence: which layers are not pinned, and what is missing above all."""

    @property
    def text(self) -> str:
        """The three sentences."""
        first = f"{self.does}; {self.authority}." if self.authority else f"{self.does}."
        return " ".join((first, self.exposed, self.unknown))


def summary(reading: Reading, ledger: Ledger) -> str:
    """The first sentence of the listing that describes the product, verbatim and cited; empty when there is none."""
    for index, statement in enumerate(reading.statements):
        if (
            counts(reading, index)
            and statement.sort == "description"
            and len(statement.text.split()) >= MIN_SUMMARY_WORDS
        ):
            mark = ledger.cite(index)
            return f"“{ledger.quote(mark)}” ({mark})"
    return ""


def stance(
    reading: Reading,
    system: System,
    ledger: Ledger,
    score: Score,
    layers: Mapping[LayerKey, Assessment],
    values: Mapping[str, str],
) -> Stance:
    """Three sentences: what it does under whose credential, what reaches it and who confirms, what is not known.

    In parts, so that an LLM's words can stand for the first one.
    """
    kind = subject_kind(reading)
    named = _named(telling(system), framework=kind == "framework")
    return Stance(
        deeds=tuple(_act(c) for c in named),
        does=_does(named, kind, values["name"]),
        credential=next((c.credential for c in named if c.credential), ""),
        authority=_authority(named) if named else "",
        exposed=_exposed(reading, ledger, score, values, named),
        unknown=_open(layers),
    )


def _named(ranked: Sequence[Capability], *, framework: bool) -> list[Capability]:
    """The first capabilities, no signal twice while another one is there; of a framework, not what its own
    command-line tool or telemetry does."""
    fitting = [c for c in ranked if not (framework and _OF_ITS_TOOLING.search(c.object))] or list(ranked)
    firsts: dict[str, Capability] = {}
    for capability in fitting:
        firsts.setdefault(capability.signal, capability)
    rest = [c for c in fitting if c not in firsts.values() and c.state == "claimed" and c.mode != "read"]
    return [*firsts.values(), *rest][:NAMED]


def _does(named: Sequence[Capability], kind: str, name: str) -> str:
    if not named:
        return f"No sentence says what {name} does to what"
    acts = _listed([f"{_act(c)} ({c.evidence[0]})" for c in named])
    who = f"An agent built with {name}" if kind == "framework" else name
    return f"{who} can {acts}"


def _act(capability: Capability) -> str:
    return f"{base_form(capability.action)} {tidy(capability.object)}"


def _authority(named: Sequence[Capability]) -> str:
    for capability in named:
        if capability.credential:
            mark = f" ({capability.credential_evidence[0]})" if capability.credential_evidence else ""
            which = "it does so" if capability is named[0] else f"it {capability.action} {tidy(capability.object)}"
            return f"{which} with {capability.credential}{mark}"
    if all(c.signal in LOCAL_SIGNALS for c in named):
        return "no sentence names a credential that it needs for this"
    return "with whose credential is not stated"


def _exposed(
    reading: Reading, ledger: Ledger, score: Score, values: Mapping[str, str], named: Sequence[Capability]
) -> str:
    band = f"{score.severity} before controls" if score.severity else "Not scored"
    source = values.get("input")
    reaches = f"{source} can steer it" if source else "what text can steer it is not stated"
    return f"{band}: {reaches}, and {_confirms(reading, ledger, values, named)}."


def _confirms(reading: Reading, ledger: Ledger, values: Mapping[str, str], named: Sequence[Capability]) -> str:
    """Who confirms the first capability, or another one, or nobody; with the mark of the quote."""
    first = named[0] if named else None
    if first is not None and first.approver_state == "contradicted" and first.approver_evidence:
        return f"the sources disagree on whether {first.approver or 'anyone'} confirms first ({_marks(first)})"
    if first is not None and first.approver and first.approver_evidence:
        who = first.approver + ("," if "," in first.approver else "")
        return f"{who} confirms first ({first.approver_evidence[0]}), {_rank(_rank_of(reading, ledger, first))}"
    if first is not None and first.approver_state == "denied" and first.approver_evidence:
        return f"a sentence says that nobody is asked first ({first.approver_evidence[0]})"
    approvals = usable(reading, "asks_approval")
    doing = values.get("capability", "an action")
    if approvals:
        match = approvals[0]
        mark = ledger.cite(match.statement, match.start, match.end)
        return f"a confirmation is promised ({mark}), {_rank(reading.statements[match.statement].rank)}"
    if first is None or first.mode == "read" or first.action.startswith(PROPOSING) or first.signal in UNGATED_SIGNALS:
        return "no sentence speaks of a confirmation"
    return f"no sentence says who confirms {doing}"


def _marks(capability: Capability) -> str:
    return ", ".join(capability.approver_evidence)


def _rank_of(reading: Reading, ledger: Ledger, capability: Capability) -> int:
    """The rank of the sentence that promises the approval."""
    quote = ledger.quote(capability.approver_evidence[0])
    return max((s.rank for s in reading.statements if quote in s.text), default=1)


def _rank(rank: int) -> str:
    return (
        f"a control of rank {rank}, which counts"
        if rank >= COUNTED_RANK
        else f"a claim of rank {rank}, which lowers nothing"
    )


def _open(layers: Mapping[LayerKey, Assessment]) -> str:
    unsure = sorted((key for key in LAYERS if not layers[key].certain), key=lambda key: layers[key].certainty)
    if not unsure:
        return "All seven layers rest on quotes."
    sought = guides()[unsure[0]].sought
    pinned = [LAYER_CODES[key] for key in LAYERS if key not in unsure]
    if not pinned:
        return f"No layer is pinned; missing above all: {sought}."
    if len(unsure) > MANY_OPEN:
        verb = "is" if len(pinned) == 1 else "are"
        return f"Only {_listed(pinned)} {verb} pinned; missing above all: {sought}."
    codes = _listed([LAYER_CODES[key] for key in LAYERS if key in unsure])
    return f"Not pinned: {codes}; missing above all: {sought}."


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
