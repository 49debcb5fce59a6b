"""Where an LLM's proposals enter a draft: one method for each place, all of them without effect when there are none.

`embedded.compose` makes the draft and calls these at the places where a proposal may count; what a proposal may do
there is decided in the module of each part. These modules are imported when there are proposals: a draft without an LLM
begins without them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from agent.drafting_old.candidates import Candidate
from agent.drafting_old.composition import Notes, Placed
from agent.drafting_old.factors import FactorResult
from agent.drafting_old.layers import Paragraph
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.posture import Stance
from agent.drafting_old.ranking import Ranked
from agent.records import Chain, FactorEstimate, Question, System
from agent.taxonomy.keys import FactorKey, LayerKey

if TYPE_CHECKING:
    from agent.drafting_old.assisted.proposals import Proposals

MadeT = TypeVar("MadeT")


class Hand:
    """The LLM's part in one draft, and what is to be told of it."""

    def __init__(self, proposals: "Proposals | None", ledger: Ledger) -> None:
        self._proposals = proposals
        self._ledger = ledger
        self.notes = Notes()

    def factors(self, estimated: FactorResult) -> FactorResult:
        """The estimates combined with the proposals."""
        if self._proposals is None:
            return estimated
        from agent.drafting_old.assisted import factors

        return self._noted(factors.combined(estimated, self._proposals, self._ledger))

    def layer(self, key: LayerKey, certain: bool) -> Paragraph | None:
        """The LLM's paragraph of a layer that code holds certain; None when the embedded one stands."""
        if self._proposals is None:
            return None
        from agent.drafting_old.assisted import layers

        return self._noted(layers.told(key, certain, self._proposals, self._ledger))

    def reserved(
        self, candidates: Sequence[Candidate], estimates: Mapping[FactorKey, FactorEstimate]
    ) -> Counter[LayerKey]:
        """The places of each layer that are kept free for threats beyond the catalogue."""
        if self._proposals is None:
            return Counter()
        from agent.drafting_old.assisted import threats

        return Counter(placed.layer for placed in threats.favoured(self._proposals, candidates, estimates))

    def threats(
        self,
        candidates: Sequence[Candidate],
        visible: Sequence[Ranked],
        estimates: Mapping[FactorKey, FactorEstimate],
    ) -> tuple[Placed, ...]:
        """Threats beyond the catalogue."""
        if self._proposals is None:
            return ()
        from agent.drafting_old.assisted import threats

        return self._noted(threats.added(self._proposals, candidates, visible, estimates, self._ledger))

    def picture(self, system: System) -> System:
        """The system picture with what the LLM found beside it."""
        if self._proposals is None:
            return system
        from agent.drafting_old.assisted import picture

        return self._noted(picture.drawn(system, self._proposals, self._ledger))

    def posture(self, stance: Stance) -> str:
        """The posture in the LLM's words where they hold."""
        if self._proposals is None:
            return stance.text
        from agent.drafting_old.assisted import words

        return self._noted(words.posture(stance, self._proposals, self._ledger))

    def questions(self, asked: tuple[Question, ...]) -> tuple[Question, ...]:
        """The questions in the LLM's words where they ask the same."""
        if self._proposals is None:
            return asked
        from agent.drafting_old.assisted import words

        return self._noted(words.questions(asked, self._proposals))

    def chains(self, found: tuple[Chain, ...], shown: Sequence[Placed]) -> tuple[Chain, ...]:
        """The chains of the catalogue and the LLM's, each hop with a quote."""
        if self._proposals is None:
            return found
        from agent.drafting_old.assisted import chains

        return self._noted(chains.linked(found, shown, self._proposals, self._ledger))

    def _noted(self, used: tuple[MadeT, Notes]) -> MadeT:
        made, notes = used
        self.notes = self.notes.plus(notes)
        return made
