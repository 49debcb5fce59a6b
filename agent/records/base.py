"""The base of all records, and the closed lists and kinds of number that several of them use."""

from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

DRAFT_SCHEMA: Final = "septet/draft/1"

Number = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
"""An exact decimal that is written as a JSON number."""

SourceKind = Literal["listing", "docs", "repo", "vendor-answer", "analyst-note"]
About = Literal["product", "platform", "other"]
DocumentForm = Literal["prose", "tools", "manifest", "api"]
"""What a document is made from: text, a list of tools, a manifest or card of the product, an API description."""
State = Literal["claimed", "inferred", "denied", "contradicted", "unknown", "confirmed"]
FindingKind = Literal[
    "hidden-text",
    "instruction-like-text",
    "active-content",
    "vendor-claim",
    "invisible-characters",
    "metadata-instruction",
    "bidi-control",
    "structure",
    "control-characters",
    "combining-flood",
    "retrieval-dominance",
    "cloaking-suspected",
    "content-changed",
    "remote-resource",
    "path",
    "invalid-unicode",
    "needs-javascript",
    "near-empty",
]
MissingReason = Literal[
    "not-found",
    "too-little-evidence",
    "not-about-product",
    "contradicted",
    "control-claim-only",
    "needs-javascript",
    "near-empty",
    "unreadable",
    "budget",
    "no-evidenced-threat",
    "range-too-wide",
    "does-not-apply",
    "claims-dropped",
    "not-answered",
    "rate-limited",
    "out-of-quota",
    "bad-request",
    "too-large",
    "unauthorised",
    "model-missing",
    "timeout",
    "tls",
    "bad-endpoint",
    "bad-response",
    "empty-answer",
    "refused",
    "truncated",
    "filtered",
    "invalid-json",
    "invalid-schema",
    "unreachable",
    "over-budget",
    "cassette-miss",
]
"""Why something could not be told. From "rate-limited" on: why a call of an LLM gave nothing, the words of
`errors.LlmReason` with hyphens; "claims-dropped" and "not-answered": its answer had nothing to keep for this part."""
FormulaId = Literal["aivss-0.5", "aivss-0.8", "aivss-1-amended", "cvss-bte"]
Mode = Literal["strict", "directory"]
Rank = Annotated[int, Field(ge=0, le=5)]
Unit = Annotated[Decimal, Field(ge=0, le=1), PlainSerializer(float, return_type=float, when_used="json")]
"""A factor value or certainty, 0 to 1."""


class Record(BaseModel):
    """Base of all records: frozen, unknown keys refused, field docstrings become descriptions."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
