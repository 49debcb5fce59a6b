"""Records of a labelled case: its texts, the published labels and the independent reader's labels.

Numbers are plain floats, because labels are copied from pages with one or two decimals, and no exact score is computed
from them here.
"""

import hashlib
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, Field, StrictBool, StringConstraints, ValidationError

from agent.errors import InputError
from agent.records import Record
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.kinds import AssetClass
from agent.taxonomy.layers import LayerKey
from evals.cases.families import Identity

CASE_NOTE: Final = "an opinion on this text at this date, not a finding about the product"
LABELS_VERSION: Final = 1
KINDS: Final = ("thin", "contradictory", "stale", "non-english", "empty", "oversized", "look-alike")
"""Kinds of cases written for a purpose; `Case.purpose` begins with one of these words and a colon."""
_NAMED_FIELDS: Final = 4
_KEY_CHARS: Final = 32
SLUG_PATTERN: Final = r"^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$"

RecordT = TypeVar("RecordT", bound=BaseModel)
Slug = Annotated[str, Field(pattern=SLUG_PATTERN)]
Text = Annotated[str, Field(min_length=1)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$")]
Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Tenfold = Annotated[float, Field(strict=True, ge=0, le=10, allow_inf_nan=False)]
Multiplier = Annotated[float, Field(strict=True, ge=0, le=1.5, allow_inf_nan=False)]


class Published(Record):
    """What a directory's threat-model page states; a value is None if the page does not state it."""

    source: Text
    """Address of the page."""
    factors: dict[FactorKey, Share]
    """The value of each factor, 0 to 1, mostly a multiple of 0.1."""
    layers_certain: dict[LayerKey, StrictBool | None] = Field(default_factory=dict)
    """False for a layer that the page marks as not certain from the listing."""
    cvss_base: Tenfold | None = None
    threat_multiplier: Multiplier | None = None
    mitigation_factor: Share | None = None
    aivss: Tenfold | None = None


class FactorReading(Record):
    """A reader's value for one factor, with the quote that supports it, if any."""

    value: Share
    quote: Text | None = None


class LayerReading(Record):
    """A reader's verdict on one layer: does the text support a statement about it?"""

    certain: StrictBool
    quote: Text | None = None


class Reader(Record):
    """An independent reader's labels, made from the same text without seeing the published ones."""

    factors: dict[FactorKey, FactorReading] = Field(default_factory=dict)
    layers: dict[LayerKey, LayerReading] = Field(default_factory=dict)
    cvss_base: Tenfold | None = None
    headline: str | None = None
    """The threat that the reader would put first."""


class Labels(Record):
    """The label sets of a case; any of them may be missing."""

    published: Published | None = None
    reader: Reader | None = None
    second: Reader | None = None
    """Labels by a second reader who had not seen the first reader's labels; only cases written for a purpose have them.
    """


class HeadlineCode(Record):
    """A reader's headline, coded with a closed vocabulary."""

    asi: Annotated[str, Field(pattern=r"^ASI(0[1-9]|10)$")]
    layer: LayerKey
    asset: AssetClass


class Readings(Record):
    """Readings of a case beyond its labels. Each was made twice, by people who did not see each other's results."""

    card: tuple[dict[LayerKey, Text | None], ...] = ()
    """Each reading of the card (`evals.cases.corpus.card`): for each layer, the words that make it certain, or None if
    there are none."""
    card_settled: dict[LayerKey, StrictBool] = Field(default_factory=dict)
    """A third reading of the layers on which the two card readings differ."""
    headline: tuple[HeadlineCode, ...] = ()
    """Each coding of the reader's headline."""
    headline_settled: HeadlineCode | None = None
    """A third coding, if the first two differ."""

    def card_certain(self, layer: LayerKey) -> bool | None:
        """Return whether the card makes the layer certain; None without readings.

        If the first two readings differ, the third decides.
        """
        said = {reading.get(layer) is not None for reading in self.card}
        return said.pop() if len(said) == 1 else self.card_settled.get(layer)

    @property
    def headline_code(self) -> HeadlineCode | None:
        """Return the code that both codings agree on, or else that of the third coding."""
        first = self.headline[0] if self.headline else None
        return first if all(code == first for code in self.headline) else self.headline_settled


class Consent(Record):
    """Consent of a named person to the use of a signed review in a corpus. It does not name the signer."""

    by: Line
    draft: Text
    signed_at: Text
    head: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Hash of the signing event in the store's hash chain."""


class Page(Record):
    """One Markdown file of a case."""

    title: Line
    markdown: Text


class Case(Record):
    """A product with its listing, documentation notes and labels."""

    slug: Slug
    name: Line
    vendor: Text | None
    category: Text
    """Used only for counting; like `vendor` and `sources`, it is never shown to a drafter."""
    sources: tuple[str, ...]
    example: bool
    """True for a case shown in the documentation, which is excluded from metrics and calibration."""
    labels_version: int
    listing: Page
    docs: tuple[Page, ...]
    labels: Labels
    readings: Readings | None = None
    purpose: str | None = None
    """What the case tests, if it was written for a purpose; None for a real product."""
    consent: Consent | None = None
    """Set only for a case made from a signed review."""

    @property
    def pages(self) -> tuple[Page, ...]:
        """The texts in reading order, the listing first."""
        return (self.listing, *self.docs)

    @property
    def identity(self) -> Identity:
        """The name and vendor of the product, from which its family is determined."""
        return Identity(self.name, self.vendor)

    @property
    def text_key(self) -> str:
        """A hash of the texts that a drafter sees."""
        texts = b"".join(page.markdown.encode() + b"\0" for page in self.pages)
        return hashlib.sha256(texts).hexdigest()[:_KEY_CHARS]

    @property
    def published(self) -> Published | None:
        """The published labels; None for an example, whose labels do not count."""
        return None if self.example else self.labels.published

    @property
    def reader(self) -> Reader | None:
        """The reader's labels; None for an example, whose labels do not count."""
        return None if self.example else self.labels.reader


def check(kind: type[RecordT], data: object, where: str) -> RecordT:
    """Validate `data` as a record of type `kind`. Raises InputError naming at most four invalid fields."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        said = []
        for item in error.errors(include_url=False, include_input=False):
            field = ".".join(str(part) for part in item["loc"] if part != "[key]") or "(the whole object)"
            said.append(f"field {field}: {item['msg'][:1].lower()}{item['msg'][1:]}")
        if len(said) > _NAMED_FIELDS:
            said[_NAMED_FIELDS:] = [f"and {len(said) - _NAMED_FIELDS} more"]
        raise InputError("; ".join(said), where=where, hint="corpus/README.md describes the format of a case") from None


def kind_of(case: Case) -> str:
    """Return the kind of a case written for a purpose. Raises InputError when its purpose names no kind."""
    kind = (case.purpose or "").partition(":")[0]
    if kind not in KINDS:
        raise InputError(f"{kind!r} is not a kind of case", where=f"{case.slug}/case.yaml", hint=", ".join(KINDS))
    return kind
