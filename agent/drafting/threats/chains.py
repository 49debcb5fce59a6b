"""Builds chains of two to four shown threats that lead to one another; each step cites the fact that supports it."""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple

import yaml
from pydantic import Field

from agent.drafting.judgement import JudgedChain, Judgement, quotes_of, stands
from agent.drafting.threats.names import renamed, shown_ids, shown_tags
from agent.drafting.threats.selection import Found
from agent.records import Chain, Fact, FactSheet, Hop, Record, Threat
from agent.resources import data_folder

MAX_CHAINS: Final = 3
MIN_STEPS: Final = 2
MAX_STEPS: Final = 4
_HOP_MARKS: Final = 2


class StepRow(Record):
    """A step of a path: what the attacker reaches, and keys, at least one of which must support the step's threat."""

    name: str
    keys: tuple[str, ...]


class PathRow(Record):
    """An attack path."""

    id: str
    steps: tuple[StepRow, ...] = Field(min_length=MIN_STEPS, max_length=MAX_STEPS)


class _Step(NamedTuple):
    threat: Threat
    evidence: tuple[str, ...]
    """The quotes that support the step to this threat."""


@cache
def load_paths() -> tuple[PathRow, ...]:
    """Load the paths from `corpus/knowledge/attack_paths.yaml`."""
    raw = yaml.safe_load((data_folder("corpus") / "knowledge" / "attack_paths.yaml").read_text("utf-8"))
    return tuple(PathRow.model_validate(row) for row in raw)


def chains(sheet: FactSheet, found: Found, judgement: Judgement | None = None) -> tuple[Chain, ...]:
    """Build at most three chains of shown threats: an LLM's chains first, then chains derived from facts.

    A chain is dropped if an earlier chain contains all its threats. An LLM's step is dropped if its facts no longer
    exist or its threat is not shown; chains with fewer than two remaining steps are dropped.
    """
    made = _judged(sheet, found, judgement) if judgement else []
    for row in load_paths():
        chain = _from_facts(row, sheet, found)
        if chain is not None:
            made.append(chain)
    kept: list[Chain] = []
    for chain in made:
        if all(not set(chain.threats) <= set(other.threats) for other in kept):
            kept.append(chain)
    return tuple(kept[:MAX_CHAINS])


def _from_facts(row: PathRow, sheet: FactSheet, found: Found) -> Chain | None:
    facts = {fact.id: fact for fact in sheet.facts if fact.counts}
    taken: list[_Step] = []
    reached = row.steps[0].name
    for number, step in enumerate(row.steps):
        own = next((one for one in taken if _carrying(one.threat, step.keys, facts)), None)
        new = _next(found, taken, step.keys, facts) if own is None else None
        if new is not None:
            taken.append(new)
        elif own is None:
            if number == 0:
                return None
            continue
        reached = step.name
    return _chain(f"From {row.steps[0].name} to {reached}", taken) if len(taken) >= MIN_STEPS else None


def _next(found: Found, taken: Sequence[_Step], keys: Sequence[str], facts: Mapping[str, Fact]) -> _Step | None:
    """Find the first shown threat that is supported by one of these keys and not used in an earlier step."""
    for placed in found.threats:
        carrying = _carrying(placed.threat, keys, facts)
        if carrying and all(placed.threat.id != other.threat.id for other in taken):
            return _Step(placed.threat, carrying)
    return None


def _carrying(threat: Threat, keys: Sequence[str], facts: Mapping[str, Fact]) -> tuple[str, ...]:
    """Return the quotes of the first supporting fact of the threat with one of these keys, or an empty tuple."""
    own = [facts[key] for key in threat.facts if key in facts]
    fact = next((fact for key in keys for fact in own if fact.key == key and fact.polarity != "denied"), None)
    return fact.evidence[:_HOP_MARKS] if fact else ()


def _chain(title: str, steps: Sequence[_Step]) -> Chain:
    return Chain(
        title=title,
        threats=tuple(step.threat.id for step in steps),
        hops=tuple(
            Hop(source=one.threat.id, target=other.threat.id, evidence=other.evidence) for one, other in pairwise(steps)
        ),
    )


def _judged(sheet: FactSheet, found: Found, judgement: Judgement | None) -> list[Chain]:
    if judgement is None:
        return []
    names = shown_ids(found)
    threats = {placed.threat.id: placed.threat for placed in found.threats}
    made = []
    for chain in judgement.chains:
        steps = _judged_steps(chain, sheet, judgement, names, threats)
        title = renamed(chain.title, shown_tags(found))
        if title and len(steps) >= MIN_STEPS:
            made.append(_chain(title, steps[:MAX_STEPS]))
    return made


def _judged_steps(
    chain: JudgedChain,
    sheet: FactSheet,
    judgement: Judgement,
    names: Mapping[str, str],
    threats: Mapping[str, Threat],
) -> list[_Step]:
    steps: list[_Step] = []
    for step in chain.steps:
        threat = threats.get(names.get(step.threat, ""))
        if threat is None or any(threat.id == other.threat.id for other in steps):
            continue
        if stands(sheet, judgement, "", step.facts, step.evidence):
            evidence = quotes_of(sheet, step.facts, step.evidence) or threat.evidence
            steps.append(_Step(threat, evidence[:_HOP_MARKS]))
    return steps
