"""Regressions that are made on purpose, to see that the gate catches them. None of them is ever a drafter.

    drops-every-tenth-fact    a reader whose every tenth proposal is lost
    no-floors                 facts count as inferred: they imply no least value of a factor
    ignores-approval          severities are found as if no approval were documented

Each is a set of functions over the interfaces of `agent.facts` and `agent.drafting`, applied where a draft is put
together: to every reader before it reads, to the sheet from which all is composed, and to the sheet from which the
threats and their severities are found. What a regression leaves alone is the identity.
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
"""Keys by which a person stands before a consequential step."""


class DroppingReader:
    """A reader whose every `every`th proposal is lost."""

    def __init__(self, reader: Reader, every: int = EVERY) -> None:
        self._reader = reader
        self._every = every

    @property
    def name(self) -> ReaderName:
        """That of the reader behind it."""
        return self._reader.name

    @property
    def forms(self) -> frozenset[DocumentForm]:
        """Those of the reader behind it."""
        return self._reader.forms

    @property
    def looks_for(self) -> tuple[str, ...]:
        """What the reader behind it looks for: it does not know that it loses some."""
        return self._reader.looks_for

    def read(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Sequence[Proposal]:
        """The proposals of the reader behind it without every tenth."""
        found = self._reader.read(documents, statements)
        return tuple(proposal for n, proposal in enumerate(found, start=1) if n % self._every)

    def outlook(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Outlook:
        """The outlook of the reader behind it, an empty one when it has none."""
        look = getattr(self._reader, "outlook", None)
        found: Outlook = look(documents, statements) if look is not None else Outlook()
        return found


def without_floors(sheet: FactSheet) -> FactSheet:
    """The sheet as if every reader had inferred its facts, which then set no floor of any factor."""
    told = [tuple(source.model_copy(update={"state": "inferred"}) for source in fact.sources) for fact in sheet.facts]
    facts = (fact.model_copy(update={"sources": sources}) for fact, sources in zip(sheet.facts, told, strict=True))
    return sheet.model_copy(update={"facts": tuple(facts)})


def without_approvals(sheet: FactSheet) -> FactSheet:
    """The sheet as if nobody had documented an approval."""
    gone = [fact.id for fact in sheet.facts if fact.key in APPROVALS]
    return without(sheet, *gone) if gone else sheet


def _same(part: PartT) -> PartT:
    return part


@dataclass(frozen=True)
class Seeded:
    """One regression: what is done to the parts of a draft before they are used. It can be sent to other processes."""

    id: str
    what: str
    reader: Callable[[Reader], Reader] = _same
    sheet: Callable[[FactSheet], FactSheet] = _same
    severity_sheet: Callable[[FactSheet], FactSheet] = _same
    """Applied to the sheet that `find_threats` is given, and to no other."""
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
    """The run of an evaluation with the regression in it."""
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
    """Whether one of the findings' metrics is one by which the regression is to be caught."""
    return any(
        metric.startswith(name) if name.endswith("/") else metric == name
        for metric in metrics
        for name in seeded.caught_by
    )
