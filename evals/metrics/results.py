"""Records of an evaluation: what of each draft the metrics need, and the JSON that `septet eval --json` prints.

In a cell None stands for a value that does not exist: a label that nobody gave, or a draft that failed.
"""

from typing import Final, Literal, NamedTuple

from pydantic import ConfigDict, Field

from agent.records import Record, State
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.kinds import Band
from agent.taxonomy.layers import LayerKey
from evals.cases.splits import Split
from evals.metrics.pooling import Mode

EVAL_SCHEMA: Final = "septet/eval/1"


class FactorCell(Record):
    """One factor of one case, 0 to 1."""

    value: float | None
    low: float | None
    high: float | None
    state: State | None
    cited: bool
    """Whether the estimate names evidence of the draft."""
    published: float | None
    reader: float | None
    quoted: bool | None = None
    """Whether a citation of the draft covers half of the words that the reader's value rests on; None without words."""


class LayerCell(Record):
    """One layer of one case."""

    certain: bool | None
    certainty: float | None
    threats: int
    cited_threats: int
    published: bool | None
    """Certain according to the published labels."""
    reader: bool | None
    quoted: bool | None = None
    """As for a factor."""


class ScoreCell(Record):
    """The score of one case, 0 to 10."""

    value: float | None
    """The drafted score; the provisional one when it is withheld."""
    severity: Band | None
    likely_low: float | None
    likely_high: float | None
    withheld: str | None
    cvss_base: float | None
    published: float | None
    """The published score recomputed at mitigation factor 1."""
    published_severity: Band | None
    reader_cvss_base: float | None
    reader: float | None = None
    """The score of the reader's own base and factors, before controls."""
    reader_severity: Band | None = None


class TextCell(Record):
    """The wording of one report."""

    words: int
    """Words between the first screen and the appendix, outside tables and fences."""
    sentences: int
    """Sentences of the main part, quotes not counted."""
    generic_sentences: int
    """Those that, with names and numbers masked, occur in at least 5 % of all drafts."""
    own_listing_rank: int
    """Place of its own listing when all listings are ranked by likeness with the main part, names masked; 1 is best."""


class FlagCell(Record):
    """One layer of one card."""

    certain: bool | None
    certainty: float | None
    gold: bool | None
    """Whether a sentence of the card pins the layer, by two readings; None when nobody read it."""


class CardCell(Record):
    """The same product drafted from a card: tagline and first paragraph."""

    error: str | None
    withheld: bool
    factor_sum: float | None
    layers: dict[LayerKey, FlagCell] = Field(default_factory=dict)


class TwinCell(Record):
    """The same product drafted from a reworded twin of its text: the same facts in other words."""

    error: str | None
    factor_sum: float | None
    shift: float
    """|sum of the ten factors of the twin - that of the case|, 0 to 10; 10 when either failed."""
    flips: int
    """Layers whose flag differs, 0 to 7; 7 when either failed."""


class PoisonCell(Record):
    """The same product drafted from its text with an order to assessors, or other planted text, in it."""

    attack: str
    """Id of what was planted, with its sort."""
    broken: tuple[str, ...]
    """What of the clean draft the planted text moved or brought in, in words; empty when nothing."""


class ApprovalCell(Record):
    """The same product drafted with a page that documents an approval before every action."""

    error: str | None
    base_drop: float
    """CVSS base of the headline without the page less that with it; -10 when the draft failed."""
    autonomy_drop: float
    """The same of the factor autonomy of action; -1 when the draft failed."""


class FloorCell(Record):
    """The floors of factors that the draft's asserted facts imply."""

    implied: int
    """How many factors have one."""
    below: tuple[FactorKey, ...]
    """Those whose drafted value is lower."""


class RetrievalCell(Record):
    """Where search found the reader's quotes before anything was drafted."""

    ranks: dict[Mode, tuple[int, ...]]
    """For each quote (factors in set order, then layers) the rank of the first sentence that holds at least half of
    it among the hits of its own questions, from 1; 0 when it is not among the hits kept."""
    shares: dict[int, float]
    """k to the share of the case's characters in the first k sentences for one question, mean over the questions."""


class HeadlineCell(Record):
    """The threat that the reader would put first, coded, and where the draft has it."""

    asi: str
    layer: LayerKey
    asset: str
    found: int
    """Place of the first shown threat that agrees with it, from 1; 0 when none does."""


class ClaimCell(Record):
    """What the paragraphs of certain layers claim and whether their quotes carry it, as far as code can tell."""

    claims: int
    cited: int
    """Claims with at least one citation that holds."""
    loose: tuple[str, ...]
    """Numbers and names of paragraphs that are in none of their quotes."""


class UsageCell(Record):
    """What an LLM took for one case, and how it answered."""

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
    """What each recorded call took when it was recorded, ascending."""


class CaseResult(Record):
    """One case with its draft measured."""

    case: str
    family: str
    docs: int
    """Documentation notes beside the listing."""
    error: str | None
    """Why the case failed, or None. A failed case counts as the worst value everywhere."""
    factors: dict[FactorKey, FactorCell]
    layers: dict[LayerKey, LayerCell]
    score: ScoreCell
    citations: int
    valid_citations: int
    gold_spans: int
    """Distinct quotes of the reader."""
    gold_found: int
    threats: tuple[str, ...]
    """Ids of the patterns shown as threats."""
    fired: tuple[str, ...]
    """Ids of all patterns that matched: shown, folded, or turned into a question."""
    text: TextCell | None
    card: CardCell | None
    twin: TwinCell | None = None
    poisoned: tuple[PoisonCell, ...] = ()
    approval: ApprovalCell | None = None
    retrieval: RetrievalCell | None = None
    headline: HeadlineCell | None = None
    claims: ClaimCell | None = None
    floors: FloorCell | None = None
    facts: int | None = None
    """Facts about the product that the sheet asserts and that count; None in drafts without a sheet."""
    problems: tuple[str, ...] | None = None
    """What is wrong with the report's form (`evals.metrics.report_check`); None when there is no report."""
    usage: UsageCell | None = None
    split: Split | None = None
    """Whether the vendor may be looked at (`evals.cases.splits`); None in results from before there was a split."""


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
    """Share of values within 0.10 of the published one (metric F3)."""
    kappa_published: float | None = None
    """Quadratic-weighted kappa over the levels 0, 0.5 and 1."""
    evidence_recall: float | None = None
    """Share of the reader's quotes for this factor that some citation covers by half."""


class LayerBlock(Record):
    """Metrics of one layer over all cases; positive means not certain."""

    precision_reader: float | None
    recall_reader: float | None
    f1_reader: float | None
    positives_reader: int
    flagged: int
    certainty: float | None
    loss_reader: float | None = None
    """Mean of 2 for a missed flag and 1 for a needless one, 0 to 2."""
    brier_reader: float | None = None
    evidence_recall: float | None = None


class KindBlock(Record):
    """Metrics of one kind of the cases that were written for a purpose (`evals.metrics.special`)."""

    cases: int
    failed: int
    factor_error: float | None
    """Mean distance of a factor from the range of both readers' values (metric F1 with interval labels)."""
    flag_precision: float | None
    """Of the flags over layers on which both readers agree; positive means not certain."""
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
    """Cases that count; examples do not."""
    errors: dict[str, str]
    """Case to why it failed."""
    fingerprints: dict[str, str] = Field(default_factory=dict)
    """What the run rests on (`evals.runs.fingerprints`)."""
    left_out: tuple[str, ...] = ()
    """Options by which the run measures less than everything, or a drafter that is not the shipped one: such a run is
    shown and never becomes the baseline."""
    beside: dict[str, float | None] = Field(default_factory=dict)
    """Metrics of the embedded drafter over the same cases, where an LLM drafted."""
    score_attribution: dict[FactorKey, float | None] = Field(default_factory=dict)
    """Score error that is left when this factor alone has the reader's value (metric S3)."""
    band_changes: tuple[str, ...] = ()
    """Cases whose severity band differs from that of the reader's labels (metric S2)."""
    metrics: dict[str, float | None]
    splits: dict[Split, dict[str, float | None]] = Field(default_factory=dict)
    """The metrics over the vendors that may be looked at alone, and over those that nobody looked at; empty when a
    case has no split."""
    factors: dict[FactorKey, FactorBlock]
    layers: dict[LayerKey, LayerBlock]
    patterns: dict[str, float]
    """Catalogue pattern to the share of cases on which it fires."""
    per_case: tuple[CaseResult, ...]
    special: dict[str, KindBlock] = Field(default_factory=dict)
    """Kind of the cases written for a purpose, and `all`, to their metrics; no other metric counts them."""
    special_cases: tuple[CaseResult, ...] = ()

    model_config = ConfigDict(populate_by_name=True)


class ShownThreat(NamedTuple):
    """A threat as a page shows it beside the labels."""

    title: str
    layer: LayerKey
    score: float
    severity: Band
    quotes: tuple[str, ...]


class DraftView(NamedTuple):
    """What of a draft a page of an evaluation shows beside the labels. Texts of untrusted sources, not escaped."""

    case: str
    name: str
    posture: str
    headline: str | None
    """The reader's, in words."""
    quotes: dict[FactorKey, tuple[str, ...]]
    """Quotes that the estimate of a factor cites."""
    paragraphs: dict[LayerKey, str]
    threats: tuple[ShownThreat, ...]
    """In the order of the report."""
    reader_quotes: dict[str, str]
    """Factor or layer key to the words that the reader's label rests on."""
    report: str
    """The main part of the report, Markdown."""
