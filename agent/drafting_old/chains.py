"""Chains of threats across layers, from the templates of `corpus/knowledge/chains.yaml`.

A step is a hop only when its threat has a quote; a step without one is returned as a question.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import yaml
from pydantic import Field, ValidationError

from agent.drafting_old.candidates import Candidate, FilledQuestion
from agent.drafting_old.patterns import load_patterns
from agent.drafting_old.templates import fill, missing, sentence_case
from agent.errors import InputError
from agent.evidence.reading import Reading
from agent.records import Record
from agent.resources import data_folder
from agent.taxonomy.keys import LayerKey

MAX_CHAINS: Final = 4
_MIN_STEPS: Final = 2
_MIN_LAYERS: Final = 2


class Step(Record):
    """One step: the first of `patterns` that is a candidate stands for it."""

    patterns: tuple[str, ...] = Field(min_length=1)
    ask: str
    """A template: what to ask when no candidate stands for the step."""
    must: bool = False
    """Without it there is no chain."""


class ChainTemplate(Record):
    """An ordered attack path."""

    id: str = Field(pattern=r"^[a-z-]+$")
    title: str
    steps: tuple[Step, ...] = Field(min_length=3)


class ChainHop(NamedTuple):
    """From one candidate to the next; `evidence` shows the second."""

    source: str
    """Pattern id."""
    target: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class FoundChain:
    """A chain whose hops have quotes."""

    id: str
    title: str
    candidates: tuple[Candidate, ...]
    hops: tuple[ChainHop, ...]
    layers: tuple[LayerKey, ...]
    questions: tuple[FilledQuestion, ...]
    """For the steps that no quote shows."""


@cache
def load_chains(path: Path | None = None) -> tuple[ChainTemplate, ...]:
    """The templates. Raises InputError when the file breaks the schema or names an unknown pattern."""
    file = path or data_folder("corpus") / "knowledge" / "chains.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content = yaml.load(file.read_text("utf-8"), Loader=loader)  # a safe loader either way
    if not isinstance(content, dict) or set(content) != {"chains"}:
        raise InputError("not a file of chains", where=file.name, hint="one key, chains")
    try:
        found = tuple(ChainTemplate.model_validate(row) for row in content["chains"])
    except ValidationError as error:
        raise InputError("a chain breaks the schema", where=f"{file.name}: {error}", hint="id, title, steps") from None
    known = {pattern.id for pattern in load_patterns()}
    for template in found:
        if unknown := {p for step in template.steps for p in step.patterns} - known:
            raise InputError(
                f"unknown patterns {sorted(unknown)}", where=template.id, hint="see corpus/knowledge/threats"
            )
    return found


def chains(candidates: Sequence[Candidate], reading: Reading, *, name: str) -> tuple[FoundChain, ...]:
    """The chains that `candidates` form, the best shown first (fewest open steps, then typical), at most MAX_CHAINS.

    A chain begins at its template's first step and ends at its last; both need a candidate, as does each step that must
    be there. Two layers at least are crossed. Contradicted candidates stand for no step. A `reading` without statements
    gives no chain.
    """
    if not reading.statements:
        return ()
    by_id = {c.pattern.id: c for c in candidates if c.state != "contradicted" and c.evidence}
    found = [chain for template in load_chains() if (chain := _chain(template, by_id, name))]
    # The sort is stable, so equal chains keep the order of the file.
    found.sort(key=lambda c: (len(c.questions), -sum(x.typical for x in c.candidates) / len(c.candidates)))
    return tuple(found[:MAX_CHAINS])


def _chain(template: ChainTemplate, by_id: dict[str, Candidate], name: str) -> FoundChain | None:
    taken: list[Candidate] = []
    asked: list[Step] = []
    for place, step in enumerate(template.steps):
        candidate = next((by_id[p] for p in step.patterns if p in by_id and by_id[p] not in taken), None)
        if candidate is not None:
            taken.append(candidate)
        elif step.must or place in (0, len(template.steps) - 1):
            return None
        else:
            asked.append(step)
    layers = tuple(dict.fromkeys(c.layer for c in taken))
    if len(taken) < _MIN_STEPS or len(layers) < _MIN_LAYERS:
        return None
    values = {"product": name}
    for candidate in taken:
        for key, slot in candidate.slots.items():
            values.setdefault(key, slot.value)
    return FoundChain(
        id=template.id,
        title=sentence_case(fill(template.title, values)),
        candidates=tuple(taken),
        hops=tuple(ChainHop(a.pattern.id, b.pattern.id, b.evidence[:2]) for a, b in pairwise(taken)),
        layers=layers,
        questions=tuple(_question(step, values) for step in asked if not missing(step.ask, values)),
    )


def _question(step: Step, values: dict[str, str]) -> FilledQuestion:
    pattern = next(p for p in load_patterns() if p.id == step.patterns[0])
    first = pattern.questions[0]
    return FilledQuestion(sentence_case(fill(step.ask, values)), first.proposed, first.settles)
