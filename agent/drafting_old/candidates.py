"""What the catalogue says about one product: candidates with their slots filled, and patterns that stay questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from agent.drafting_old.patterns import Metric, Pattern
from agent.drafting_old.slots import Slot
from agent.drafting_old.templates import sentence_case
from agent.records import State, ThreatStatement
from agent.taxonomy.keys import LayerKey

Verdict = Literal["supported", "contradicted", "not addressed"]


class MetricReason(NamedTuple):
    """One metric of a vector."""

    metric: Metric
    value: str
    reason: str


class Eased(NamedTuple):
    """A description that makes a threat milder than its pattern: the vector without it, and the sentence."""

    vector: str
    evidence: str
    because: str


class Support(NamedTuple):
    """What the sources say about one claim of a candidate."""

    claim: str
    """The signal's title."""
    signal: str
    verdict: Verdict
    evidence: tuple[str, ...]


class FilledMitigation(NamedTuple):
    """A mitigation in this product's words."""

    text: str
    who: Literal["you", "vendor"]


class FilledQuestion(NamedTuple):
    """A question in this product's words."""

    text: str
    proposed: str
    settles: tuple[str, ...]


@dataclass(frozen=True)
class Candidate:
    """A threat that the sources support."""

    pattern: Pattern
    layer: LayerKey
    title: str
    statement: ThreatStatement
    slots: dict[str, Slot]
    """By name; filled from quotes."""
    evidence: tuple[str, ...]
    """Citations, the trigger's first."""
    state: State
    """claimed, inferred or contradicted."""
    support: tuple[Support, ...]
    vector: str
    """CVSS v4.0 base vector after the conditions."""
    metrics: tuple[MetricReason, ...]
    typical: float
    """0 to 1."""
    mitigations: tuple[FilledMitigation, ...]
    questions: tuple[FilledQuestion, ...]
    signals: frozenset[str]
    """That triggered it."""
    eased: tuple[Eased, ...] = ()
    """Descriptions that changed the vector."""
    on_listing: bool = True
    """Whether its first quote stands on the listing, and not on a page behind it."""

    def sentence(self) -> str:
        """The statement as one sentence."""
        return statement_sentence(self.statement)


@dataclass(frozen=True)
class OpenThreat:
    """A pattern that fires but lacks a quote for something that it would have to name: only a question."""

    pattern: Pattern
    layer: LayerKey
    title: str
    lacking: tuple[str, ...]
    """Slots without a quote."""
    reason: str
    questions: tuple[FilledQuestion, ...]
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Matches:
    """What the catalogue says about one product."""

    candidates: tuple[Candidate, ...]
    """In the order of the catalogue."""
    open: tuple[OpenThreat, ...]
    doubled: tuple[tuple[Candidate, str], ...] = ()
    """Candidates that another one tells more closely, and that one's id."""


def told(candidates: Sequence[Candidate], asked: Sequence[OpenThreat]) -> Matches:
    """The candidates without those that another one tells more closely, and what is only asked about.

    What the listing says gives way to what the listing says, not to a page behind it.
    """
    fired = {candidate.pattern.id: candidate.on_listing for candidate in candidates}
    closer = {
        c.pattern.id: next((p for p in c.pattern.gives_way if fired.get(p, False) >= c.on_listing and p in fired), "")
        for c in candidates
    }
    return Matches(
        tuple(c for c in candidates if not closer[c.pattern.id]),
        tuple(asked),
        tuple((c, closer[c.pattern.id]) for c in candidates if closer[c.pattern.id]),
    )


def statement_sentence(statement: ThreatStatement) -> str:
    """ "Given [prerequisite], [source] can [action], which leads to [impact]."""
    body = (
        f"given {statement.prerequisite}, {statement.source} can {statement.action}, which leads to {statement.impact}"
    )
    return sentence_case(f"{body}.")


def vector_of(metrics: Sequence[MetricReason]) -> str:
    """The CVSS v4.0 vector of metrics in the standard's order."""
    return "CVSS:4.0/" + "/".join(f"{m.metric}:{m.value}" for m in metrics)
