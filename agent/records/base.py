"""The base class of all records, and the closed lists and number types that several of them use."""

from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

DRAFT_SCHEMA: Final = "septet/draft/1"

Number = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
"""An exact decimal that is written as a JSON number."""

SourceKind = Literal["listing", "docs", "repo", "vendor-answer", "analyst-note"]
About = Literal["product", "platform", "other"]
DocumentForm = Literal["prose", "tools", "manifest", "api"]
"""Form of a document: prose, a list of tools, the product's manifest or card, or an API description."""
BlockKind = Literal["heading", "paragraph", "item", "row", "code", "front-matter", "image"]
"""Kind of a block: a heading, a paragraph, a list item, a table row, a block of code, a field of the front matter, or
an image's text."""
StatementRole = Literal[
    "behaviour", "reference", "configuration", "limitation", "control", "architecture", "instruction",
    "example", "news", "marketing", "other-product", "navigation",
]  # fmt: skip
"""Purpose of a statement. behaviour: what the product does or can do. reference: a tool, command, API or parameter.
configuration: a setting, default, permission, scope or credential. limitation: a warning or known problem. control: an
assurance of security, privacy, approval or isolation. architecture: how it is built, where it runs, what it connects
to. Facts are read from these six only. instruction: tells the reader how to install, run or contribute. example: a demo
prompt, sample output or story. news: changes and plans. marketing: praise, testimonials, badges. other-product: a
comparison, or what a client or third party does. navigation: links, legal text, community, credits, fragments."""
CARRYING: Final[frozenset[StatementRole]] = frozenset(
    {"behaviour", "reference", "configuration", "limitation", "control", "architecture"}
)
"""Roles whose statements may carry facts about the product."""
State = Literal["claimed", "inferred", "denied", "contradicted", "unknown", "confirmed"]
FindingKind = Literal[
    "hidden-text", "instruction-like-text", "active-content", "vendor-claim", "invisible-characters",
    "metadata-instruction", "bidi-control", "structure", "control-characters", "combining-flood",
    "retrieval-dominance", "cloaking-suspected", "content-changed", "remote-resource", "path",
    "invalid-unicode", "needs-javascript", "near-empty",
]  # fmt: skip
MissingReason = Literal[
    "not-found", "too-little-evidence", "not-about-product", "contradicted", "control-claim-only",
    "needs-javascript", "near-empty", "language", "unreadable", "budget", "no-evidenced-threat",
    "range-too-wide", "does-not-apply", "claims-dropped", "not-answered", "rate-limited", "out-of-quota",
    "bad-request", "too-large", "unauthorised", "model-missing", "timeout", "tls", "bad-endpoint",
    "bad-response", "empty-answer", "refused", "truncated", "filtered", "invalid-json", "invalid-schema",
    "unreachable", "over-budget", "cassette-miss",
]  # fmt: skip
"""Why something could not be determined. The values from "rate-limited" onwards say why an LLM call gave no
usable answer: they are those of `errors.LlmReason` with hyphens. "claims-dropped" and "not-answered" mean that an
LLM's answer had nothing usable for this part."""
FormulaId = Literal["aivss-0.5", "aivss-0.8", "aivss-1-amended", "cvss-bte"]
Mode = Literal["strict", "directory"]
Rank = Annotated[int, Field(ge=0, le=5)]
Unit = Annotated[Decimal, Field(ge=0, le=1), PlainSerializer(float, return_type=float, when_used="json")]
"""A factor value or certainty, 0 to 1."""


class Record(BaseModel):
    """Base class of all records: frozen, rejects unknown keys, and uses field docstrings as schema descriptions."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
