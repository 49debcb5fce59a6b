"""Build chains of two to four shown threats that lead to one another; each step cites the fact that supports it."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from pydantic import Field

from agent.drafting.judgement import Given
from agent.drafting.threats.selection import Found
from agent.drafting.wording import renamed
from agent.facts.knowledge import loader
from agent.records import Chain, Fact, Hop, Record, Threat

MAX_CHAINS: Final = 3
MIN_STEPS: Final = 2
MAX_STEPS: Final = 4
_HOP_MARKS: Final = 2


class StepRow(Record):
    """A step of a path: what the attacker reaches, and the keys of which at least one must support the step's
    threat."""

    name: str
    keys: tuple[str, ...]


class PathRow(Record):
    """An attack path."""

    id: str
    steps: tuple[StepRow, ...] = Field(min_length=MIN_STEPS, max_length=MAX_STEPS)


_Steps = dict[str, tuple[str, ...]]
"""The ids of a chain's threats in order, with the quotes that support the step to each."""


load_paths: Final = loader("attack_paths.yaml", tuple[PathRow, ...])
"""Loads the paths."""


def chains(given: Given, found: Found) -> tuple[Chain, ...]:
    """Build at most three chains of shown threats: an LLM's chains first, then chains derived from facts.

    A chain is dropped if an earlier chain contains all its threats. An LLM's step is dropped if its facts no longer
    exist or its threat is not shown; chains with fewer than two remaining steps are dropped.
    """
    facts = {fact.id: fact for fact in given.sheet.facts if fact.counts}
    made = [*_judged(given, found), *(_from_facts(row, found, facts) for row in load_paths())]
    kept: list[Chain] = []
    for title, steps in made:
        if title and len(steps) >= MIN_STEPS and all(not set(steps) <= set(other.threats) for other in kept):
            hops = tuple(Hop(source=one, target=other, evidence=steps[other]) for one, other in pairwise(steps))
            kept.append(Chain(title=title, threats=tuple(steps), hops=hops))
    return tuple(kept[:MAX_CHAINS])


def _from_facts(row: PathRow, found: Found, facts: Mapping[str, Fact]) -> tuple[str, _Steps]:
    """Follow a path through the threats that are shown; a threat that fits two steps fills both."""
    taken: _Steps = {}
    reached = row.steps[0].name
    for step in row.steps:
        quotes = {one.threat.id: _carrying(one.threat, step.keys, facts) for one in found.threats}
        able = [threat for threat, marks in quotes.items() if marks]
        if not able and not taken:
            return "", {}
        if able and taken.keys().isdisjoint(able):
            taken[able[0]] = quotes[able[0]]
        if able:
            reached = step.name
    return f"From {row.steps[0].name} to {reached}", taken


def _carrying(threat: Threat, keys: Sequence[str], facts: Mapping[str, Fact]) -> tuple[str, ...]:
    """Return the quotes of the first supporting fact of the threat with one of these keys, or an empty tuple."""
    own = [facts[key] for key in threat.facts if key in facts]
    fact = next((fact for key in keys for fact in own if fact.key == key and fact.polarity != "denied"), None)
    return fact.evidence[:_HOP_MARKS] if fact else ()


def _judged(given: Given, found: Found) -> list[tuple[str, _Steps]]:
    names, called = found.ids, found.called
    threats = {placed.threat.id: placed.threat for placed in found.threats}
    made = []
    for chain in given.judgement.chains:
        steps: _Steps = {}
        for step in chain.steps:
            threat = threats.get(names.get(step.threat, ""))
            if threat and threat.id not in steps and given.stands("", step.facts, step.evidence):
                steps[threat.id] = (given.quotes(step.facts, step.evidence) or threat.evidence)[:_HOP_MARKS]
        made.append((renamed(chain.title, called), dict(list(steps.items())[:MAX_STEPS])))
    return made
