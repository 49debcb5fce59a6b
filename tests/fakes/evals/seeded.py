"""Deliberate regressions, to check that the gate catches them. None of them is ever used as a drafter.

    drops-every-tenth-fact    a reader that loses every tenth proposal
    no-floors                 facts count as inferred, so they imply no minimum of a factor
    ignores-approval          severities are determined as if no approval were documented

Each is a set of functions over the interfaces of `agent.facts` and `agent.drafting`, applied where a draft is put
together: to every reader before it reads, to the sheet from which the draft is composed, and to the sheet from which
the threats and their severities are determined. Parts that a regression leaves alone use the identity.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeVar

from agent.drafting.compose import Composition, compose
from agent.facts.proposal import Proposal, Reader
from agent.facts.reading import Reading, read_sheet
from agent.facts.sheet import without
from agent.pipeline import for_readers, readers
from agent.records import Document, FactSheet, Outlook, ReaderName, Statement
from agent.records.base import DocumentForm
from evals.runs.runner import Change

PartT = TypeVar("PartT")
EVERY: Final = 10
APPROVALS: Final = ("approval_before",)
"""Keys that put a person before a consequential step."""


class DroppingReader:
    """A reader that loses every `every`th proposal."""

    def __init__(self, reader: Reader, every: int = EVERY) -> None:
        self._reader = reader
        self._every = every

    @property
    def name(self) -> ReaderName:
        """Return the name of the wrapped reader."""
        return self._reader.name

    @property
    def forms(self) -> frozenset[DocumentForm]:
        """Return the forms of the wrapped reader."""
        return self._reader.forms

    @property
    def looks_for(self) -> tuple[str, ...]:
        """Return the keys of the wrapped reader, which does not know that it loses some."""
        return self._reader.looks_for

    def read(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Sequence[Proposal]:
        """Return the proposals of the wrapped reader without every tenth."""
        found = self._reader.read(documents, statements)
        return tuple(proposal for n, proposal in enumerate(found, start=1) if n % self._every)

    def outlook(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Outlook:
        """Return the outlook of the wrapped reader, or an empty one if it has none."""
        look = getattr(self._reader, "outlook", None)
        found: Outlook = look(documents, statements) if look is not None else Outlook()
        return found


def without_floors(sheet: FactSheet) -> FactSheet:
    """Return the sheet as if every reader had inferred its facts, which then set no floor for any factor."""
    told = [tuple(source.model_copy(update={"state": "inferred"}) for source in fact.sources) for fact in sheet.facts]
    facts = (fact.model_copy(update={"sources": sources}) for fact, sources in zip(sheet.facts, told, strict=True))
    return sheet.model_copy(update={"facts": tuple(facts)})


def without_approvals(sheet: FactSheet) -> FactSheet:
    """Return the sheet as if nobody had documented an approval."""
    gone = [fact.id for fact in sheet.facts if fact.key in APPROVALS]
    return without(sheet, *gone) if gone else sheet


def _same(part: PartT) -> PartT:
    return part


@dataclass(frozen=True)
class Seeded:
    """One regression: how the parts of a draft are changed before they are used. It can be sent to other processes."""

    id: str
    what: str
    reader: Callable[[Reader], Reader] = _same
    sheet: Callable[[FactSheet], FactSheet] = _same
    severity_sheet: Callable[[FactSheet], FactSheet] = _same
    """Applied only to the sheet that `find_threats` receives."""
    caught_by: tuple[str, ...] = ()
    """Metrics of which at least one must be among the gate's findings; a name ending in / stands for all below it."""


SEEDED: Final = (
    Seeded(
        "drops-every-tenth-fact",
        "a reader loses every tenth fact",
        reader=DroppingReader,
        caught_by=("evidence_recall_reader", "factors/", "layers/", "flag_loss", "facts_asserted"),
    ),
    Seeded(
        "no-floors",
        "facts imply no least value of a factor",
        sheet=without_floors,
        caught_by=("floors_kept", "floors_implied"),
    ),
    Seeded(
        "ignores-approval",
        "severities ignore a documented approval",
        severity_sheet=without_approvals,
        caught_by=("approval_base_drop",),
    ),
)


def change(seeded: Seeded) -> Change:
    """Return an evaluation run with the regression in it."""
    return Change(
        reading=None if seeded.reader is _same else partial(_read_again, seeded),
        composer=partial(_composed, seeded),
    )


def _composed(seeded: Seeded, sheet: FactSheet, **how: Any) -> Composition:
    return compose(seeded.sheet(sheet), severity_sheet=seeded.severity_sheet, **how)


def _read_again(seeded: Seeded, reading: Reading) -> Reading:
    own = for_readers(reading.documents, reading.statements)
    changed = [seeded.reader(reader) for reader in readers()]
    return replace(reading, sheet=read_sheet(reading.documents, own, changed, outlook=reading.sheet.outlook))


def is_caught(seeded: Seeded, metrics: Sequence[str]) -> bool:
    """Return whether a finding has one of the metrics by which the regression should be caught."""
    return any(
        metric.startswith(name) if name.endswith("/") else metric == name
        for metric in metrics
        for name in seeded.caught_by
    )
