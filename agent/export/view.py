"""What a report looks up in a draft again and again: ranked threats, quotes, controls and the order of questions.

Nothing is decided here that changes a number; ranking and folding follow the stored places, scores and a total order.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from agent.drafting.withholding import CERTAIN_NEEDED
from agent.evidence.claims import is_claim
from agent.evidence.sorts import classify
from agent.export.authors import is_of_llm
from agent.export.safe_markdown import quoted, shared_words
from agent.export.sentences import change
from agent.records import Capability, Document, Draft, Evidence, LayerThreats, Lowering, Question, Threat
from agent.taxonomy.keys import FACTOR_TITLES, FACTORS, LAYER_CODES, LAYER_TITLES, LAYERS, LayerKey

MAX_PER_LAYER: Final = 3
MAX_SHOWN: Final = 12
COUNTING_RANK: Final = 3
"""From this rank on a control may lower something."""

PROPOSED: Final = "-proposed-"
"""In the id of an LLM's threat: of equal ones the catalogue's comes first, since the score rests on it."""
_BEHIND: Final = 0.5
_MODES: Final = ("delete", "execute", "write", "read")
_SPARSE: Final = ", sparsely described"
"""What the estimator adds to a kind whose listing says little."""
_STATES: Final = ("confirmed", "claimed", "inferred", "contradicted", "denied", "unknown")
_ABSENT: Final = re.compile(
    r"\b(?:no|without|lacks?|(?:does|do|is|are) not(?: \w+)?|never) (?:[\w-]+ ){0,3}?"
    r"(?:confirm|approv|permission|encrypt|sandbox|isolat|limit|authenticat|sign-?in|review|restrict|audit|validat|verif|mask|redact|filter|moderat)",
    re.IGNORECASE,
)
_RANKS: Final = (
    "guess",
    "marketing sentence",
    "vendor docs, setting and default not named",
    "vendor docs with setting, default and scope",
    "outside the vendor's text",
    "analyst",
)


class RankedThreat(NamedTuple):
    """A threat of the draft with its layer and its place, 1 for the first."""

    place: int
    layer: LayerKey
    threat: Threat

    @property
    def tag(self) -> str:
        """How the report refers to it."""
        return f"#{self.place}"


class ClaimedControl(NamedTuple):
    """A control that a source names, whether it lowers anything, and why."""

    evidence: Evidence
    counted: bool
    why: str

    @property
    def is_claim(self) -> bool:
        """Whether the source claims the control, and does not say that it is absent."""
        return not _ABSENT.search(self.evidence.quote)


class InReview(NamedTuple):
    """How far a review has come that nobody signed yet."""

    decided: int
    items: int


@dataclass(frozen=True)
class View:
    """A draft and its documents (may be empty), with the look-ups that the parts of the report share."""

    draft: Draft
    documents: tuple[Document, ...] = ()
    progress: InReview | None = None
    """None: nobody reviews it, or it is signed."""

    @cached_property
    def evidence(self) -> dict[str, Evidence]:
        """Evidence by id."""
        return {item.id: item for item in self.draft.evidence}

    @cached_property
    def layers(self) -> list[tuple[LayerKey, LayerThreats]]:
        """Layers in MAESTRO order; one that the draft does not hold is left out."""
        return [(key, self.draft.layers[key]) for key in LAYERS if key in self.draft.layers]

    @cached_property
    def _ranked(self) -> tuple[tuple[RankedThreat, ...], tuple[tuple[LayerKey, Threat, str], ...]]:
        pairs = [(key, threat) for key, layer in self.layers for threat in layer.threats]
        places = {threat.id: threat.place for _, threat in pairs if threat.place is not None}
        behind = "behind" if places else "lower score than"
        headline = self.draft.score.cvss_vector
        pairs.sort(
            key=lambda pair: (
                place_of(pair[1], places),
                -pair[1].score.aivss,
                -pair[1].score.cvss_base,
                pair[1].score.cvss_vector != headline,
                PROPOSED in pair[1].id,
                LAYERS.index(pair[0]),
                pair[1].id,
            )
        )
        shown: list[RankedThreat] = []
        folded: list[tuple[LayerKey, Threat, str]] = []
        in_layer: Counter[LayerKey] = Counter()
        for key, threat in pairs:
            if in_layer[key] >= MAX_PER_LAYER:
                folded.append((key, threat, f"{behind} three others of {LAYER_CODES[key]}"))
            elif len(shown) >= MAX_SHOWN:
                folded.append((key, threat, f"{behind} the {MAX_SHOWN} shown"))
            else:
                in_layer[key] += 1
                shown.append(RankedThreat(len(shown) + 1, key, threat))
        return tuple(shown), tuple(folded)

    @property
    def threats(self) -> tuple[RankedThreat, ...]:
        """The threats that are shown: at most three a layer and twelve in all, in the drafter's order.

        In drafts from before that was kept, the highest score first.
        """
        return self._ranked[0]

    @property
    def folded(self) -> tuple[tuple[LayerKey, Threat, str], ...]:
        """Threats of the draft that are not shown, with the reason."""
        return self._ranked[1]

    @cached_property
    def headline(self) -> RankedThreat | None:
        """The threat behind the number: the highest one with the score's vector; without a score, the first."""
        vector = self.draft.score.cvss_vector
        same = [item for item in self.threats if item.threat.score.cvss_vector == vector]
        quoted_first = [item for item in same if item.threat.evidence] or same
        return quoted_first[0] if quoted_first else (self.threats[0] if self.threats else None)

    def top(self, number: int) -> tuple[RankedThreat, ...]:
        """The first threats, the headline always among them."""
        first = self.threats[:number]
        headline = self.headline
        return first if headline is None or headline in first else (*first[: number - 1], headline)

    def like(self, threat: Threat) -> RankedThreat | None:
        """The catalogue's threat that is shown and of which an LLM's threat has the severity.

        None for a threat of the catalogue, and when the one that gives the severity is not shown. A draft that does
        not say which one it is has it told from the severity; one of the same layer first.
        """
        if not is_proposed(threat):
            return None
        if threat.like is not None:
            return next((item for item in self.threats if item.threat.id == threat.like), None)
        layer = next((key for key, layer in self.layers if threat in layer.threats), None)
        same = [
            item for item in self.threats
            if not is_proposed(item.threat)
            and (item.threat.score.cvss_vector, item.threat.score.reasons)
            == (threat.score.cvss_vector, threat.score.reasons)
        ]  # fmt: skip
        return min(same, key=lambda item: (item.layer != layer, item.place)) if same else None

    def origin(self, threat: Threat, *, brief: bool = False) -> str:
        """That an LLM proposed a threat, and whose severity it has; an empty text for one of the catalogue."""
        if not is_proposed(threat):
            return ""
        like = self.like(threat)
        if like is None:
            known = f": {threat.like}" if threat.like is not None and not brief else ""
            return f"proposed by the LLM, severity of a known one that is not shown{known}"
        return f"proposed by the LLM, severity of {like.tag}" + ("" if brief else f" {like.threat.id}")

    @cached_property
    def kind(self) -> str:
        """The product's kind as the estimator named it, or an empty text."""
        labels = Counter(
            part.label for key in FACTORS if key in self.draft.factors
            for part in self.draft.factors[key].parts if part.kind == "typical"
        )  # fmt: skip
        return min(labels, key=lambda label: (-labels[label], label)).removesuffix(_SPARSE) if labels else ""

    @cached_property
    def capabilities(self) -> list[Capability]:
        """Capabilities, those with the gravest mode and the firmest state first."""
        return sorted(
            self.draft.system.capabilities,
            key=lambda item: (not item.evidence, _MODES.index(item.mode), _STATES.index(item.state), _number(item.id)),
        )

    @cached_property
    def questions(self) -> list[Question]:
        """Questions by effect on the score; while too few layers are certain, those that settle a layer first."""
        certain = sum(layer.certain for _, layer in self.layers)
        uncertain = {key for key, layer in self.layers if not layer.certain and layer.applies != "no"}
        layers_first = self.draft.score.aivss is None and certain < CERTAIN_NEEDED
        return sorted(
            self.draft.questions,
            key=lambda item: (layers_first and not uncertain.intersection(item.settles), -item.effect),
        )

    @cached_property
    def controls(self) -> list[ClaimedControl]:
        """Every quote that names a control: those that count first, then by rank, then in the order of the evidence."""
        claimed = {item.evidence for item in self.draft.lowerings if not is_of_llm(item)} | {
            mark for _, layer in self.layers for threat in layer.threats
            for mitigation in threat.mitigations if mitigation.status != "proposed" for mark in mitigation.evidence
        }  # fmt: skip
        if self.draft.score.with_controls is not None:
            claimed |= set(self.draft.score.with_controls.evidence)
        result = []
        for item in self.draft.evidence:
            promise = item.rank < COUNTING_RANK and is_claim(item.quote)
            if promise or item.id in claimed or classify(item.quote) == "control":
                counted = any(low.after < low.before for low in self._lowered(item))
                result.append(ClaimedControl(item, counted, self._why(item, counted)))
        return sorted(result, key=lambda control: (not control.counted, -control.evidence.rank))

    @property
    def lowered_by_llm(self) -> list[Lowering]:
        """What an LLM's lower values did; no control stands behind them, unless it is listed as one."""
        return [item for item in self.draft.lowerings if is_of_llm(item)]

    def _lowered(self, item: Evidence) -> list[Lowering]:
        """What a quote lowers as a control or denial; by way of an LLM's proposal only from the counting rank on."""
        return [
            low for low in self.draft.lowerings
            if low.evidence == item.id and (item.rank >= COUNTING_RANK or not is_of_llm(low))
        ]  # fmt: skip

    def _why(self, item: Evidence, counted: bool) -> str:
        if counted:
            return "; ".join(
                f"lowers {name_of(low.target)} {change(low.before, low.after)} ({low.rule})"
                for low in self._lowered(item)
            )
        if item.about != "product":
            return f"about {'the platform' if item.about == 'platform' else 'something else'}, not the product"
        if _ABSENT.search(item.quote):
            return "says that the control is absent: may raise, never lowers"
        if item.rank < COUNTING_RANK:
            return _RANKS[item.rank]
        return f"{_RANKS[item.rank]}, but no threat or factor here is what it controls"

    def quote(self, marks: Sequence[str], limit: int, about: str) -> str:
        """The quote of these marks that shares most with `about`, cut to that, its own mark first; or an empty text."""
        known = [mark for mark in marks if mark in self.evidence]
        if not known:
            return ""
        best = max(known, key=lambda mark: (shared_words(self.evidence[mark].quote, about), -known.index(mark)))
        ordered = [best, *(mark for mark in known if mark != best)]
        return f"{quoted(self.evidence[best].quote, limit, about)} ({', '.join(ordered)})"


def place_of(threat: Threat, places: Mapping[str, int]) -> float:
    """The place that the drafter gave it; one of an LLM follows the threat whose severity it has, else all others."""
    if threat.place is not None:
        return threat.place
    like = places.get(threat.like or "")
    return math.inf if like is None else like + _BEHIND


def is_proposed(threat: Threat) -> bool:
    """Whether an LLM proposed a threat beside those of the catalogue."""
    return PROPOSED in threat.id


def rank_words(rank: int) -> str:
    """What a rank of evidence stands for."""
    return _RANKS[rank]


def name_of(key: str) -> str:
    """The title of a factor, the code and title of a layer, or the key itself."""
    for factor in FACTORS:
        if factor == key:
            return FACTOR_TITLES[factor]
    for layer in LAYERS:
        if layer == key:
            return f"{LAYER_CODES[layer]} {LAYER_TITLES[layer]}"
    return key


def _number(identifier: str) -> int:
    digits = "".join(char for char in identifier if char.isdigit())
    return int(digits) if digits else 0
