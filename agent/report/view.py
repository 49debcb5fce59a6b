"""The lookups in a draft that all parts of a report need: ranked threats, quotes, controls and the order of questions.

This module does not change numbers. It only ranks threats, by their stored places or else by their scores with a rule
for every tie, and hides some of them.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from agent.drafting.wording import sure_facts
from agent.facts.vocabulary import load_vocabulary
from agent.records import (
    Capability,
    Condition,
    Document,
    Draft,
    Dropped,
    Evidence,
    Fact,
    LayerThreats,
    Question,
    Threat,
)
from agent.report.sentences import counted, tenth
from agent.taxonomy.factors import FACTOR_TITLES
from agent.taxonomy.kinds import KIND_TITLES
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LAYERS, LayerKey

MAX_PER_LAYER: Final = 3
MAX_SHOWN: Final = 12
COUNTING_RANK: Final = 3
"""The minimum rank at which a control may lower a value."""
CERTAIN_NEEDED: Final = 2
"""The minimum number of certain layers for a score to be shown."""

PROPOSED: Final = "-proposed-"
"""The part of a threat id that marks an LLM's threat. In a tie, the catalogue's threat comes first, since the score is
based on it."""
_UNREAD: Final = "source text: "
"""The prefix of the entry for a source text that could not be read."""
_REPLIES: Final = "replies of the LLM"
_ADDED: Final = re.compile(r"H([1-9][0-9]*)-")
_BEHIND: Final = 0.5
_DAY: Final = len("2026-11-24")
_MODES: Final = ("delete", "execute", "write", "read")
_STATES: Final = ("confirmed", "claimed", "inferred", "contradicted", "denied", "unknown")
_RANKS: Final = (
    "guess",
    "marketing sentence",
    "vendor docs without setting and default",
    "vendor docs with setting, default and scope",
    "source other than the vendor",
    "analyst",
)
_NAMES: Final[dict[str, str]] = {layer: f"{LAYER_CODES[layer]} {LAYER_TITLES[layer]}" for layer in LAYERS}
_NAMES.update(FACTOR_TITLES.items())


class RankedThreat(NamedTuple):
    """A threat of the draft with its layer, its place from 1, and its displayed number."""

    place: int
    layer: LayerKey
    threat: Threat
    number: int
    """The threat's place, unless a review gives it another number."""

    @property
    def tag(self) -> str:
        """The threat's label in lists of threats."""
        return f"#{self.number}"

    @property
    def name(self) -> str:
        """The threat's name in the report."""
        return f"T{self.number}"


class InReview(NamedTuple):
    """The progress of an unsigned review."""

    decided: int
    items: int
    waived: int = 0
    contested: frozenset[str] = frozenset()
    """Ids of the items with an open contest."""


@dataclass(frozen=True)
class View:
    """A draft and its documents (may be empty), with the lookups that the parts of the report share."""

    draft: Draft
    documents: tuple[Document, ...] = ()
    progress: InReview | None = None
    """The progress of the review; None if the draft is not in review, or is already signed."""

    @property
    def standing(self) -> str:
        """The review status of the draft in words: signed and by whom, in review, or not reviewed."""
        stamp, progress = self.draft.review, self.progress
        if stamp is not None:
            more = f"; {counted(stamp.waived, 'item')} waived" if stamp.waived else ""
            more += f"; confirmed in bulk ({stamp.bulk})" if stamp.bulk else ""
            more += f"; {counted(len(stamp.unanswered), 'question')} unanswered" if stamp.unanswered else ""
            return f"REVIEWED and signed by {stamp.reviewer} ({stamp.role}), {stamp.at[:_DAY]}{more}"
        if progress is not None:
            more = f", {progress.waived} waived" if progress.waived else ""
            more += f", {len(progress.contested)} contested and undecided" if progress.contested else ""
            return f"IN REVIEW, {progress.decided} of {progress.items} items decided{more}"
        return "DRAFT, not reviewed"

    def is_contested(self, threat: Threat) -> bool:
        """Return whether a threat is contested and not decided yet."""
        return self.progress is not None and f"threat/{threat.id}" in self.progress.contested

    @cached_property
    def evidence(self) -> dict[str, Evidence]:
        """Evidence by id."""
        return {item.id: item for item in self.draft.evidence}

    @cached_property
    def _firm(self) -> frozenset[str]:
        facts = self.draft.facts
        return sure_facts(facts.sheet(self.draft.evidence)) if facts else frozenset()

    @cached_property
    def telling(self) -> frozenset[str]:
        """Ids of the quotes that state a fact on their own."""
        return frozenset(mark for fact in self.facts if fact.id in self._firm for mark in fact.evidence)

    def quotes_of(self, item: RankedThreat) -> tuple[str, ...]:
        """Return the ids of the quotes to show with a threat.

        If no LLM chose the quotes, they are those that state a fact on their own; for an assumed threat, the fact must
        also settle its layer. If this leaves no quote for the headline, all of its quotes are returned.
        """
        threat = item.threat
        facts = {fact.id: fact for fact in self.facts}
        if threat.by != "embedded" or not facts.keys() & set(threat.facts):
            return threat.evidence
        firm = self._firm.intersection(threat.facts)
        if threat.basis == "assumed":
            firm &= set(self.facts_pinning(item.layer))
        marks = {mark for id_ in firm for mark in facts[id_].evidence}
        chosen = tuple(mark for mark in threat.evidence if mark in marks)
        return threat.evidence if not chosen and item == self.headline else chosen

    @cached_property
    def measures(self) -> dict[tuple[str, str], Condition]:
        """The conditions by threat id and text, if all are measures listed under their threats, as in an LLM's draft;
        else empty."""
        advice = self.draft.advice
        found = {(name, each.text): each for each in (advice.conditions if advice else ()) for name in each.threats}
        own = ((item.threat.id, each) for item in self.threats for each in item.threat.mitigations)
        told = {(name, each.text) for name, each in own if each.who == "you"}
        return found if found.keys() <= told else {}

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts of the draft; empty for older drafts, which do not store them."""
        return self.draft.facts.facts if self.draft.facts else ()

    def facts_pinning(self, layer: LayerKey) -> tuple[str, ...]:
        """Return the ids of the facts whose key settles a layer."""
        keys = {key.id for key in load_vocabulary().pinning(layer)}
        return tuple(fact.id for fact in self.facts if fact.key in keys)

    @cached_property
    def layers(self) -> list[tuple[LayerKey, LayerThreats]]:
        """Layers in MAESTRO order; layers missing from the draft are left out."""
        return [(key, self.draft.layers[key]) for key in LAYERS if key in self.draft.layers]

    @cached_property
    def _ranked(self) -> tuple[tuple[RankedThreat, ...], tuple[tuple[LayerKey, Threat, str], ...]]:
        pairs = [(key, threat) for key, layer in self.layers for threat in layer.threats]
        if any(threat.basis is not None for _, threat in pairs):
            return self._by_basis(pairs), ()
        places = {threat.id: threat.place for _, threat in pairs if threat.place is not None}
        behind = "behind" if places else "lower score than"
        headline = self.draft.score.cvss_vector
        pairs.sort(
            key=lambda pair: (
                place_of(pair[1], places), -pair[1].score.aivss, -pair[1].score.cvss_base,
                pair[1].score.cvss_vector != headline, is_proposed(pair[1]), LAYERS.index(pair[0]), pair[1].id,
            )
        )  # fmt: skip
        shown: list[RankedThreat] = []
        folded: list[tuple[LayerKey, Threat, str]] = []
        in_layer: Counter[LayerKey] = Counter()
        for key, threat in pairs:
            if in_layer[key] >= MAX_PER_LAYER:
                folded.append((key, threat, f"{behind} three others in {LAYER_CODES[key]}"))
            elif len(shown) >= MAX_SHOWN:
                folded.append((key, threat, f"{behind} the {MAX_SHOWN} shown"))
            else:
                in_layer[key] += 1
                shown.append(self._numbered(len(shown) + 1, key, threat))
        return tuple(shown), tuple(folded)

    def _numbered(self, place: int, key: LayerKey, threat: Threat) -> RankedThreat:
        numbers = self.draft.notes.numbers if self.draft.notes else {}
        return RankedThreat(place, key, threat, numbers.get(threat.id, place))

    def _by_basis(self, pairs: list[tuple[LayerKey, Threat]]) -> tuple[RankedThreat, ...]:
        """Rank the headline first, then threats in default use, then those that need a setting, then assumed ones.

        Within each group, the highest CVSS base comes first.
        """
        # If all threats have a stored place, the places take precedence, since texts refer to threats by place.
        headline = self._behind_score([threat for _, threat in pairs])
        placed = all(threat.place is not None for _, threat in pairs)
        pairs.sort(
            key=lambda pair: (
                (pair[1].place or 0) if placed else 0, pair[1] is not headline, basis_order(pair[1]),
                -pair[1].score.cvss_base, LAYERS.index(pair[0]), pair[1].id,
            )
        )  # fmt: skip
        ranked = [self._numbered(place, key, threat) for place, (key, threat) in enumerate(pairs, 1)]
        if headline is not None and number_added(headline.id):
            # A headline that a reviewer added moves to the front even then; the other threats keep their numbers.
            ranked.sort(key=lambda item: item.threat is not headline)
        return tuple(ranked)

    def _behind_score(self, threats: Sequence[Threat]) -> Threat | None:
        """Return the threat with the score's vector, preferring default use and then a threat with a quote."""
        same = [threat for threat in threats if threat.score.cvss_vector == self.draft.score.cvss_vector]
        same.sort(key=lambda threat: (basis_order(threat), not threat.evidence, threat.place or math.inf))
        return same[0] if same else None

    @property
    def threats(self) -> tuple[RankedThreat, ...]:
        """The displayed threats, in rank order.

        Older drafts, which store no basis for a threat, show at most three per layer and twelve in total, in the
        drafter's order; if they do not store that order either, the highest score comes first.
        """
        return self._ranked[0]

    @property
    def folded(self) -> tuple[tuple[LayerKey, Threat, str], ...]:
        """The threats that are not shown, with the reason."""
        return self._ranked[1]

    @property
    def left_out(self) -> list[Dropped]:
        """What is left out, and why: threats that are not shown, dropped items, then irregular replies of an LLM."""
        rows = [
            Dropped(what=f"{LAYER_CODES[key]} {threat.title}, {_graded(threat)}", reason=why)
            for key, threat, why in self.folded
        ]
        rows += [item for item in self.draft.dropped if not item.what.startswith(_UNREAD)]
        return sorted(rows, key=lambda item: item.what == _REPLIES)

    @property
    def unread(self) -> list[Dropped]:
        """The parts of the sources that could not be read."""
        found = (item for item in self.draft.dropped if item.what.startswith(_UNREAD))
        return [Dropped(what=item.what.removeprefix(_UNREAD), reason=item.reason) for item in found]

    @cached_property
    def headline(self) -> RankedThreat | None:
        """The threat that the score is based on: the first choice among those with the score's vector."""
        found = self._behind_score([item.threat for item in self.threats])
        return next((item for item in self.threats if item.threat is found), None)

    def top(self, number: int) -> tuple[RankedThreat, ...]:
        """Return the first `number` threats, always including the headline."""
        first = self.threats[:number]
        headline = self.headline
        return first if headline is None or headline in first else (*first[: number - 1], headline)

    def origin(self, threat: Threat, *, brief: bool = False) -> str:
        """Describe which catalogue threat the severity of an LLM's threat comes from; empty for a catalogue threat.

        If the draft does not say which one it is, a threat with the same severity is chosen, preferably in the same
        layer.
        """
        if not is_proposed(threat):
            return ""
        layer = next((key for key, layer in self.layers if threat in layer.threats), None)
        severity = (threat.score.cvss_vector, threat.score.reasons)
        if threat.like is not None:
            like = next((item for item in self.threats if item.threat.id == threat.like), None)
        else:
            known = [item for item in self.threats if not is_proposed(item.threat)]
            same = [one for one in known if (one.threat.score.cvss_vector, one.threat.score.reasons) == severity]
            like = min(same, key=lambda item: (item.layer != layer, item.place), default=None)
        if like is None:
            name = f": {threat.like}" if threat.like is not None and not brief else ""
            return f"proposed by the LLM, with the severity of a catalogue threat that is not shown{name}"
        return f"proposed by the LLM, with the severity of {like.tag}" + ("" if brief else f" {like.threat.id}")

    @property
    def kind(self) -> str:
        """The product's kind in words; may be empty."""
        if self.draft.product.kind is not None:
            return KIND_TITLES[self.draft.product.kind]
        # Older drafts give it in the parts of each factor, with a suffix if the listing is sparse.
        parts = (part for factor in self.draft.factors.values() for part in factor.parts if part.kind == "typical")
        labels = Counter(part.label for part in parts)
        return min(labels, key=lambda label: (-labels[label], label), default="").removesuffix(", sparsely described")

    @cached_property
    def capabilities(self) -> list[Capability]:
        """Capabilities: those with a quote first, then by mode (gravest first) and state (most certain first)."""
        return sorted(
            self.draft.system.capabilities,
            key=lambda item: (not item.evidence, _MODES.index(item.mode), _STATES.index(item.state), _number(item.id)),
        )

    @cached_property
    def questions(self) -> list[Question]:
        """Questions in the drafter's order.

        In older drafts, which store no facts, they are sorted by effect on the score. While too few layers are certain,
        questions that settle a layer come first.
        """
        if self.draft.facts is not None:
            return list(self.draft.questions)
        certain = sum(layer.certain for _, layer in self.layers)
        uncertain = {key for key, layer in self.layers if not layer.certain and layer.applies != "no"}
        layers_first = self.draft.score.aivss is None and certain < CERTAIN_NEEDED
        return sorted(
            self.draft.questions,
            key=lambda item: (layers_first and not uncertain.intersection(item.settles), -item.effect),
        )


def _graded(threat: Threat) -> str:
    marks = f" ({', '.join(threat.evidence)})" if threat.evidence else ""
    return f"{tenth(threat.score.aivss)} {threat.score.severity}{marks}"


def place_of(threat: Threat, places: Mapping[str, int]) -> float:
    """Return the drafter's place of a threat. An LLM's threat follows the threat that its severity comes from, or else
    comes last."""
    if threat.place is not None:
        return threat.place
    like = places.get(threat.like or "")
    return math.inf if like is None else like + _BEHIND


def basis_order(threat: Threat) -> int:
    """Return 0 for a threat in default use, 1 for a threat that needs a setting, 2 for an assumed threat."""
    if threat.basis == "assumed":
        return 2
    return 0 if threat.default_use and threat.basis != "needs a setting" else 1


def is_proposed(threat: Threat) -> bool:
    """Return whether an LLM proposed a threat in addition to the catalogue's threats."""
    return PROPOSED in threat.id


def number_added(threat: str) -> int:
    """Return the number in the id of a threat that a reviewer added, such as H2-slug; 0 for any other id."""
    found = _ADDED.match(threat)
    return int(found[1]) if found else 0


def rank_words(rank: int) -> str:
    """Describe a rank of evidence, from 0 to 5."""
    return _RANKS[rank]


def name_of(key: str) -> str:
    """Return the title of a factor, the code and title of a layer, or the key itself."""
    return _NAMES.get(key, key)


def _number(identifier: str) -> int:
    return int("".join(char for char in identifier if char.isdigit()) or "0")
