"""Every record that crosses a room, in the order of the flow.

Records are frozen and refuse unknown keys; each field's docstring says what it holds and in which unit. Lists are
tuples. Numbers that belong to a score are exact decimals in memory and JSON numbers on disk. `draft.json` is
`Draft.model_dump(mode="json", by_alias=True)`; reading one back is `Draft.model_validate`.
"""

from agent.records.base import (
    CARRYING as CARRYING,
    DRAFT_SCHEMA as DRAFT_SCHEMA,
    About as About,
    BlockKind as BlockKind,
    FindingKind as FindingKind,
    FormulaId as FormulaId,
    MissingReason as MissingReason,
    Mode as Mode,
    Number as Number,
    Rank as Rank,
    Record as Record,
    SourceKind as SourceKind,
    State as State,
    StatementRole as StatementRole,
    Unit as Unit,
)
from agent.records.draft import (
    STRUCK as STRUCK,
    Draft as Draft,
    DrafterRef as DrafterRef,
    Dropped as Dropped,
    Lowering as Lowering,
    MadeBy as MadeBy,
    Product as Product,
    PromptRef as PromptRef,
    Role as Role,
    SourceRef as SourceRef,
    Stamp as Stamp,
)
from agent.records.evidence import (
    Chunk as Chunk,
    Evidence as Evidence,
    Statement as Statement,
)
from agent.records.facts import (
    SLOTS as SLOTS,
    Absence as Absence,
    Confidence as Confidence,
    DraftFacts as DraftFacts,
    DroppedFact as DroppedFact,
    DropReason as DropReason,
    Fact as Fact,
    FactAbout as FactAbout,
    FactSheet as FactSheet,
    FactSource as FactSource,
    Outlook as Outlook,
    Polarity as Polarity,
    ReaderName as ReaderName,
    Search as Search,
    Slot as Slot,
    SlotName as SlotName,
    Telling as Telling,
    draft_facts as draft_facts,
)
from agent.records.scores import (
    Controls as Controls,
    LikelyConstants as LikelyConstants,
    Range as Range,
    Score as Score,
    ScoreInputs as ScoreInputs,
    WithoutClaims as WithoutClaims,
)
from agent.records.sources import (
    MILD_FINDINGS as MILD_FINDINGS,
    Budget as Budget,
    Document as Document,
    DocumentBlock as DocumentBlock,
    Finding as Finding,
    Intake as Intake,
    Link as Link,
    Missing as Missing,
    Section as Section,
    Site as Site,
    Snapshot as Snapshot,
    flagged_spans as flagged_spans,
)
from agent.records.threats import (
    Advice as Advice,
    Basis as Basis,
    Boundary as Boundary,
    Capability as Capability,
    Chain as Chain,
    ClaimedControl as ClaimedControl,
    Condition as Condition,
    FactLine as FactLine,
    FactorEstimate as FactorEstimate,
    Flow as Flow,
    Hop as Hop,
    LayerThreats as LayerThreats,
    Mitigation as Mitigation,
    Part as Part,
    Question as Question,
    Residual as Residual,
    System as System,
    SystemItem as SystemItem,
    TaxonomyRef as TaxonomyRef,
    Threat as Threat,
    ThreatScore as ThreatScore,
    ThreatStatement as ThreatStatement,
)
