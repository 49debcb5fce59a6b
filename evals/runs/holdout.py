"""Constants for drafting a case, fitted on the bundled cases without its vendor family.

Each family is assigned to a fold as a whole, by its name only. A case is drafted with outlook heads and constants that
were fitted on rows of the other folds. One indirect influence remains: the constants and the calibration of the layer
heads are fitted on outlooks from heads that left out only each row's own fold, so these heads saw the labels of the
case's fold. Removing this influence would take several times as long, and a trial showed no advantage: the mean factor
error against published labels was 0.1542 instead of 0.1544, and against readers' labels 0.1217 either way. A case from
another folder belongs to the fold of its family, if the corpus has that family. The fact reader itself is the bundled
one: it was trained on labelled statements, not on the labels of cases.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

from agent.drafting.calibration import Calibration, load_factors
from agent.drafting.compose import Composition, compose
from agent.errors import InputError
from agent.facts.readers.outlook import OutlookHeads
from agent.facts.reading import Reading
from agent.pipeline import draft_reading, read_documents
from agent.records import Draft
from evals.cases.case import Case
from evals.cases.corpus import bundled_cases, card
from evals.cases.documents import READ_AT, documents_of
from evals.cases.families import Identity, families, same_family
from evals.runs.spread import WORKERS, Crew, apart
from evals.training.derive import Fitted, fit_left_out
from evals.training.derive_rows import Row, case_rows, with_heads
from evals.training.judged_factors import corrected

if TYPE_CHECKING:
    from agent.assist.run import Assistant

Progress = Callable[[str], None]


class FitCase(NamedTuple):
    """The rows of one bundled case for the fits: one for its full text, and one for its card if readers labelled it."""

    who: Identity
    rows: tuple[Row, ...]


class Constants(NamedTuple):
    """The constants used to draft a case."""

    calibration: Calibration
    heads: OutlookHeads

    @classmethod
    def of(cls, fitted: Fitted) -> "Constants":
        """Return the constants of a fit, with the bundled correction of an LLM's factor values."""
        biases = {key: row.judged.bias for key, row in load_factors().factors.items()}
        factors = corrected(fitted.calibration.factors, biases)
        return cls(fitted.calibration.model_copy(update={"factors": factors}), fitted.heads)

    def read(self, case: Case, known: Reading | None = None) -> Reading:
        """Read a case; `known` is a reading of the same text with other heads."""
        return with_heads(known, self.heads) if known else read_documents(documents_of(case), self.heads)

    def draft(
        self,
        case: Case,
        reading: Reading,
        assistant: "Assistant | None" = None,
        composer: Callable[..., Composition] = compose,
    ) -> Draft:
        """Draft a case. Raises LlmError when the assistant's LLM is unavailable."""
        return draft_reading(
            reading,
            name=None,
            calibration=self.calibration,
            created_at=READ_AT,
            draft_id=case.slug,
            assistant=assistant,
            composer=composer,
        )


class ConstantsSource(Protocol):
    """A source of constants for each case."""

    def without_family_of(self, whom: Identity) -> Constants:
        """Return the constants for `whom`, fitted on the rows of other families."""


class FitCases(NamedTuple):
    """Rows for the fits, with their readings, so that the same text need not be read again for its draft."""

    fit_cases: tuple[FitCase, ...]
    readings: Mapping[str, Reading]
    """Readings of cases and cards, by `Case.text_key`, with the outlook that the bundled heads give."""


def read_fit_cases(cases: Sequence[Case], crew: Crew, progress: Progress | None = None) -> FitCases:
    """Read each case as rows for the fits, in the given order."""
    labels = families([case.identity for case in cases])
    fit_cases: list[FitCase] = []
    readings: dict[str, Reading] = {}
    for fit_case, found in crew.spread(_read_fit_case, list(zip(cases, labels, strict=True))):
        fit_cases.append(fit_case)
        readings |= found
        if progress is not None:
            progress(f"read {len(fit_cases)} of {len(cases)}")
    return FitCases(tuple(fit_cases), readings)


def _read_fit_case(task: tuple[Case, str]) -> tuple[FitCase, dict[str, Reading]]:
    case, family = task
    texts = [case, card(case)] if case.readings and case.readings.card else [case]
    readings = {text.text_key: read_documents(documents_of(text)) for text in texts}
    short = readings[texts[1].text_key] if len(texts) > 1 else None
    return FitCase(case.identity, case_rows(case, family, readings[case.text_key], short)), readings


@dataclass(frozen=True)
class HoldoutConstants:
    """Constants fitted without one family; all folds are fitted once, at first use."""

    fit_cases: tuple[FitCase, ...]

    @classmethod
    def bundled(cls, progress: Progress | None = None, workers: int = WORKERS) -> "HoldoutConstants":
        """Read all bundled cases, and return constants that are fitted on them."""
        with Crew(workers) as crew:
            return cls(read_fit_cases(bundled_cases(), crew, progress).fit_cases)

    @cached_property
    def _fitted(self) -> Mapping[int, Fitted]:
        rows = [row for fit_case in self.fit_cases for row in fit_case.rows]
        if not rows:
            raise InputError("there are no cases to fit on", where="the fit", hint="use the bundled corpus")
        return apart(fit_left_out, rows)

    def fold_of(self, whom: Identity) -> int:
        """Return the fold that contains the family of `whom`; 0 for a family not in the corpus."""
        return next((one.rows[0].fold for one in self.fit_cases if same_family(one.who, whom)), 0)

    def without_family_of(self, whom: Identity) -> Constants:
        """Return the constants fitted without the family of `whom`. Raises InputError when there are no cases.

        The correction of an LLM's factor values is the shipped one: it comes from readings of real listings, and the
        bundled cases influence it only slightly (`evals.training.judged_factors`).
        """
        return Constants.of(self._fitted[self.fold_of(whom)])
