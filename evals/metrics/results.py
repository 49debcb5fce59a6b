"""Records of an evaluation: the results of each draft, and the JSON that `septet eval --json` prints.

A value is None if it is missing, either because nobody gave the label or because the draft failed. The defaults are
therefore the values of a failed draft.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Final, Literal, NamedTuple

from pydantic import ConfigDict, Field

from agent.records import Record, State
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.kinds import Band
from agent.taxonomy.layers import LAYERS, LayerKey
from evals.cases.splits import Split
from evals.metrics.arithmetic import DECIMALS, SCORE_TOP, UNIT_TOP, error, flag_loss, mean
from evals.metrics.pooling import Mode

EVAL_SCHEMA: Final = "septet/eval/1"
LossName = Literal["factor_error", "score_error", "flag_loss"]
"""Primary losses of a case (F1, S1, A1)."""


class FactorCell(Record):
    """One factor of one case, 0 to 1."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    state: State | None = None
    cited: bool = False
    """Whether the estimate cites evidence of the draft."""
    published: float | None = None
    reader: float | None = None
    quoted: bool | None = None
    """Whether a citation of the draft covers at least half of the reader's quote; None if the reader gave no quote."""


class LayerCell(Record):
    """One layer of one case."""

    certain: bool | None = None
    certainty: float | None = None
    threats: int = 0
    cited_threats: int = 0
    published: bool | None = None
    """Whether the published labels call the layer certain."""
    reader: bool | None = None
    quoted: bool | None = None
    """Like `FactorCell.quoted`."""


class ScoreCell(Record):
    """The score of one case, 0 to 10."""

    value: float | None = None
    """The drafted score; the provisional one when the score is withheld."""
    severity: Band | None = None
    likely_low: float | None = None
    likely_high: float | None = None
    withheld: str | None = None
    cvss_base: float | None = None
    published: float | None = None
    """The published score recomputed with mitigation factor 1."""
    published_severity: Band | None = None
    reader_cvss_base: float | None = None
    reader: float | None = None
    """The score of the reader's own base and factors, before controls."""
    reader_severity: Band | None = None


class TextCell(Record):
    """The wording of one report."""

    words: int
    """Number of words in the main part, outside tables and fenced code blocks."""
    sentences: int
    """Sentences of the main part, without quotes."""
    generic_sentences: int
    """Sentences that, with names and numbers masked, occur in at least 5 % of all drafts."""
    own_listing_rank: int
    """Rank of the report's own listing among all listings, by similarity to the main part, with names masked; 1 is
    best."""


class FlagCell(Record):
    """One layer of one card."""

    certain: bool | None = None
    certainty: float | None = None
    gold: bool | None
    """Whether the card makes the layer certain, according to its readings; None if the card was not read."""


class CardCell(Record):
    """The same product drafted from a card, that is, from its tagline and first paragraph."""

    error: str | None = None
    withheld: bool = False
    factor_sum: float | None = None
    layers: dict[LayerKey, FlagCell] = Field(default_factory=dict)


class TwinCell(Record):
    """The same product drafted from a twin of its text, which states the same facts in other words."""

    error: str | None = None
    factor_sum: float | None = None
    shift: float = SCORE_TOP
    """|sum of the twin's ten factors - sum of the case's|, 0 to 10; 10 when either failed."""
    flips: int = len(LAYERS)
    """Layers whose flag differs, 0 to 7; 7 when either failed."""


class PoisonCell(Record):
    """The same product drafted from its text plus planted text, such as an instruction to the assessor."""

    attack: str
    """Id of the planted text; the id also names its kind."""
    broken: tuple[str, ...]
    """Each way in which the planted text broke the invariant (`evals.cases.poison`), or the error of a failed draft;
    empty if the invariant held."""


class ApprovalCell(Record):
    """The same product drafted with a page that documents an approval step before every action."""

    error: str | None = None
    base_drop: float = -SCORE_TOP
    """CVSS base of the headline without the page minus the base with it; -10 when the draft failed."""
    autonomy_drop: float = -UNIT_TOP
    """The same difference for the factor autonomy of action; -1 when the draft failed."""


class FloorCell(Record):
    """The floors of factors that the draft's asserted facts imply."""

    implied: int
    """Number of factors with a floor."""
    below: tuple[FactorKey, ...]
    """Factors whose drafted value is below their floor."""


class RetrievalCell(Record):
    """Ranks at which the search finds the reader's quotes."""

    ranks: dict[Mode, tuple[int, ...]]
    """For each quote (factors in set order, then layers): the rank, from 1, of the first sentence that contains at
    least half of the quote, among the hits for the questions of its own factor or layer; 0 when no kept hit does.
    """
    shares: dict[int, float]
    """k → the share of the case's characters in the first k sentences found for a factor or layer, averaged over all
    factors and layers."""


class HeadlineCell(Record):
    """The threat that the reader would put first, in coded form, and its rank in the draft."""

    asi: str
    layer: LayerKey
    asset: str
    found: int
    """Rank, from 1, of the first shown threat that agrees with the reader's threat; 0 when none does."""


class ClaimCell(Record):
    """The number of claims in the paragraphs of certain layers, and how many are supported by quotes as far as code can
    tell."""

    claims: int
    cited: int
    """Claims that cite valid evidence, in the sentence itself or in the preceding one."""
    loose: tuple[str, ...]
    """Numbers and names in paragraphs that occur in none of the paragraph's quotes."""


class UsageCell(Record):
    """LLM usage for one case (calls, tokens, money, time), and the quality of its answers."""

    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    dollars: float | None
    repaired: int
    refused: int
    truncated: int
    failed: int
    milliseconds: tuple[int, ...] = ()
    """Duration of each recorded call at recording time, ascending."""


class CaseResult(Record):
    """The measured draft of one case."""

    case: str
    family: str
    docs: int
    """Number of documentation notes besides the listing."""
    error: str | None = None
    """Why the case failed; None if it did not. A failed case counts as the worst value everywhere."""
    factors: dict[FactorKey, FactorCell]
    layers: dict[LayerKey, LayerCell]
    score: ScoreCell
    citations: int = 0
    valid_citations: int = 0
    gold_spans: int = 0
    """Number of distinct quotes of the reader."""
    gold_found: int = 0
    threats: tuple[str, ...] = ()
    """Ids of the patterns shown as threats."""
    fired: tuple[str, ...] = ()
    """Ids of all patterns that matched: shown, folded, or turned into a question."""
    text: TextCell | None = None
    card: CardCell | None = None
    twin: TwinCell | None = None
    poisoned: tuple[PoisonCell, ...] = ()
    approval: ApprovalCell | None = None
    retrieval: RetrievalCell | None = None
    headline: HeadlineCell | None = None
    claims: ClaimCell | None = None
    floors: FloorCell | None = None
    facts: int | None = None
    """Number of facts about the product that the fact sheet asserts and that count; None in drafts without a sheet."""
    problems: tuple[str, ...] | None = None
    """Formal problems of the report (`evals.metrics.report_check`); None when there is no report."""
    usage: UsageCell | None = None
    split: Split | None = None
    """The vendor's side of the split (`evals.cases.splits`); None in results that predate the split."""

    @property
    def factor_error(self) -> float | None:
        """Primary loss F1: mean error over factors and both label sets, 0 to 1; None without labels."""
        cells = self.factors.values()
        return mean(error(cell.value, label) for cell in cells for label in (cell.published, cell.reader))

    @property
    def score_error(self) -> float | None:
        """Primary loss S1: |score - score of the reader's labels|, 0 to 10; None without labels."""
        found = error(self.score.value, self.score.reader, SCORE_TOP)
        return None if found is None else round(found, DECIMALS)

    @property
    def flag_loss(self) -> float | None:
        """Primary loss A1: (2 · missed + extra) / 7 over the flags, 0 to 2; None without labels."""
        return flag_loss([(cell.certain, cell.reader) for cell in self.layers.values()], len(LAYERS))

    @property
    def factor_sum(self) -> float | None:
        """Sum of the drafted factors; None when a value is missing."""
        values = [cell.value for cell in self.factors.values() if cell.value is not None]
        return sum(values) if len(values) == len(self.factors) else None


CaseLoss = Callable[[CaseResult], float | None]
LOSSES: Final[Mapping[LossName, CaseLoss]] = {
    "factor_error": attrgetter("factor_error"),
    "score_error": attrgetter("score_error"),
    "flag_loss": attrgetter("flag_loss"),
}
"""The primary losses, by name."""


class FactorBlock(Record):
    """Metrics of one factor over all cases."""

    mae_published: float | None
    mae_reader: float | None
    bias_published: float | None
    bias_reader: float | None
    coverage_published: float | None
    width: float | None
    unknown_share: float | None
    within_published: float | None = None
    """Share of values within 0.10 of the published label (metric F3)."""
    kappa_published: float | None = None
    """Quadratic-weighted kappa over the levels 0, 0.5 and 1."""
    evidence_recall: float | None = None
    """Share of the reader's quotes for this factor that some citation covers by at least half."""


class LayerBlock(Record):
    """Metrics of one layer over all cases; positive means not certain."""

    precision_reader: float | None
    recall_reader: float | None
    f1_reader: float | None
    positives_reader: int
    flagged: int
    certainty: float | None
    loss_reader: float | None = None
    """Mean loss, 0 to 2: a missed flag counts 2, a needless flag 1."""
    brier_reader: float | None = None
    evidence_recall: float | None = None


class KindBlock(Record):
    """Metrics of one kind of case written for a purpose (`evals.metrics.special`)."""

    cases: int
    failed: int
    factor_error: float | None
    """Mean distance of a factor from the range of both readers' values (metric F1 with interval labels)."""
    flag_precision: float | None
    """Precision of the flags, over layers on which both readers agree; positive means not certain."""
    flag_recall: float | None
    flag_f1: float | None
    flag_loss: float | None
    withheld: float | None
    invalid_citations: int


class Evaluation(Record):
    """The result of `septet eval`."""

    schema_: Literal["septet/eval/1"] = Field(default=EVAL_SCHEMA, alias="schema")
    drafter: str
    cases: int
    """Number of cases, without the examples."""
    errors: dict[str, str]
    """Case → why it failed."""
    fingerprints: dict[str, str] = Field(default_factory=dict)
    """Hashes and versions of everything the run depends on (`evals.runs.fingerprints`)."""
    left_out: tuple[str, ...] = ()
    """Options that reduced what the run measured, or changed the shipped drafter; such a run is shown, but cannot
    become the baseline."""
    beside: dict[str, float | None] = Field(default_factory=dict)
    """For a run with an LLM: the metrics of the embedded drafter over the same cases."""
    score_attribution: dict[FactorKey, float | None] = Field(default_factory=dict)
    """By factor: the score error that remains if only this factor is given the reader's value (metric S3)."""
    band_changes: tuple[str, ...] = ()
    """Cases whose severity band differs from that of the reader's labels (metric S2)."""
    metrics: dict[str, float | None]
    splits: dict[Split, dict[str, float | None]] = Field(default_factory=dict)
    """The metrics over train vendors, whose texts may be read, and over held-out (dev) vendors; empty if any case
    belongs to neither."""
    factors: dict[FactorKey, FactorBlock]
    layers: dict[LayerKey, LayerBlock]
    patterns: dict[str, float]
    """Catalogue pattern → the share of cases in which it matches."""
    per_case: tuple[CaseResult, ...]
    special: dict[str, KindBlock] = Field(default_factory=dict)
    """Kind of the cases written for a purpose, or `all` → their metrics. These cases count in no other metric."""
    special_cases: tuple[CaseResult, ...] = ()

    model_config = ConfigDict(populate_by_name=True)


class ShownThreat(NamedTuple):
    """A threat as the report page shows it next to the labels."""

    title: str
    layer: LayerKey
    score: float
    severity: Band
    quotes: tuple[str, ...]


class DraftView(NamedTuple):
    """The parts of a draft that the report page shows next to the labels. The texts are untrusted and not escaped."""

    case: str
    name: str
    posture: str
    headline: str | None
    """The reader's headline, in words."""
    quotes: dict[FactorKey, tuple[str, ...]]
    """The quotes that the estimate of each factor cites."""
    paragraphs: dict[LayerKey, str]
    threats: tuple[ShownThreat, ...]
    """The shown threats, in the order of the report."""
    reader_quotes: dict[str, str]
    """Factor or layer key → the reader's quote for its label."""
    report: str
    """The main part of the report, Markdown."""
