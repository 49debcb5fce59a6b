"""Labelled products like the one at hand, to show an LLM how the scale is used.

Taken from the bundled cases, nearest first by the opening of the listing and by what kind of product it speaks of.
Never shown is a product of the same vendor family, nor one whose name or vendor the subject's own text mentions: an
LLM would copy the labels of a relative. An example carries its name, its opening cut short, and its labels; nothing
of its documentation.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.drafting_old.families import Identity, family_key, name_words, same_family
from agent.drafting_old.kind import lead, load_kinds
from agent.errors import SchemaError
from agent.evidence.reading import Reading
from agent.resources import data_folder
from agent.retrieval.embed import embed
from agent.taxonomy.keys import FACTOR_SETS, FactorKey

SHOWN: Final = 3
SUMMARY_CHARS: Final = 320
PUBLISHED_SHARE: Final = 0.5
"""Weight of the published label where a reader's exists too, as in the calibration."""
_KIND_WEIGHT: Final = 0.5
"""Of the likeness in kind beside the likeness in words."""
_DECIMALS: Final = 6
_MIN_NAME: Final = 4
"""Shorter names are not looked for in the subject's text; they are too often plain words."""
_BLOCK: Final = re.compile(r"\n\s*\n")
_NOT_PROSE: Final = re.compile(r"#|[-*|>] |\d+\.|```")
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Vectors = NDArray[np.float32]
_Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    """Of a file of a case, what is read here; its other fields belong to others."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Value(_Part):
    value: _Share


class _ReaderLabels(_Part):
    factors: dict[FactorKey, _Value] = {}


class _PublishedLabels(_Part):
    factors: dict[FactorKey, _Share] = {}


class _Labels(_Part):
    published: _PublishedLabels | None = None
    reader: _ReaderLabels | None = None


class _Head(_Part):
    name: str
    vendor: str | None = None
    example: bool = False


@dataclass(frozen=True)
class Exemplar:
    """A labelled product as it may be shown."""

    slug: str
    who: Identity
    summary: str
    """The opening of its listing, at most 320 characters."""
    factors: Mapping[FactorKey, float]
    """The ten labelled factors, 0 to 1: the mean of the published and the reader's label."""


def nearest(
    reading: Reading,
    who: Identity,
    *,
    count: int = SHOWN,
    exemplars: Sequence[Exemplar] | None = None,
) -> tuple[Exemplar, ...]:
    """The `count` labelled products that are most like the reading's, best first; none of `who`'s family.

    Fewer when fewer are left; none for a reading without an opening. `exemplars` default to the bundled cases.
    """
    indexes = lead(reading)
    known = bundled() if exemplars is None else tuple(exemplars)
    if not indexes or not known:
        return ()
    summary = _cut(" ".join(reading.text(n) for n in indexes))
    texts = " ".join(document.text for document in reading.documents).casefold()
    words = frozenset(re.findall(r"[^\W_]+", texts))
    likeness = _likeness(embed([summary])[0], _vectors(tuple(exemplar.summary for exemplar in known)))
    order = sorted(range(len(known)), key=lambda n: (-round(float(likeness[n]), _DECIMALS), known[n].slug))
    strangers = (known[n] for n in order if not same_family(known[n].who, who) and not _named(known[n].who, words))
    return tuple(exemplar for exemplar, _ in zip(strangers, range(count), strict=False))


@functools.cache
def bundled(folder: Path | None = None) -> tuple[Exemplar, ...]:
    """The cases of `folder`, or of the installed corpus, that have a label for each of the ten factors, by slug.

    Raises SchemaError naming the file that cannot be read.
    """
    place = folder or data_folder("corpus") / "cases"
    found = (_exemplar(path) for path in sorted(place.iterdir()) if (path / "labels.yaml").is_file())
    return tuple(exemplar for exemplar in found if exemplar is not None)


def _exemplar(folder: Path) -> Exemplar | None:
    try:
        head = _Head.model_validate(yaml.load((folder / "case.yaml").read_text("utf-8"), Loader=_LOADER))
        labels = _Labels.model_validate(yaml.load((folder / "labels.yaml").read_text("utf-8"), Loader=_LOADER))
        listing = (folder / "listing.md").read_text("utf-8")
    except (OSError, ValueError, yaml.YAMLError, ValidationError) as error:
        raise SchemaError(
            "a labelled case cannot be read", where=f"{folder.name}: {error}", hint="`septet corpus lint` says more"
        ) from None
    published = labels.published.factors if labels.published else {}
    reader = {key: cell.value for key, cell in labels.reader.factors.items()} if labels.reader else {}
    factors = {key: _label(published.get(key), reader.get(key)) for key in FACTOR_SETS["0.5"]}
    kept = {key: value for key, value in factors.items() if value is not None}
    summary = _cut(_opening(listing))
    if head.example or len(kept) < len(factors) or not summary:
        return None
    return Exemplar(folder.name, Identity(head.name, head.vendor), summary, MappingProxyType(kept))


def _label(published: float | None, reader: float | None) -> float | None:
    if published is None or reader is None:
        return published if reader is None else reader
    return round(PUBLISHED_SHARE * published + (1 - PUBLISHED_SHARE) * reader, 2)


def _opening(markdown: str) -> str:
    """The first two paragraphs of prose: the tagline and what follows it."""
    blocks = (" ".join(block.split()) for block in _BLOCK.split(markdown))
    prose = [block for block in blocks if block and not _NOT_PROSE.match(block)]
    return " ".join(prose[:2])


def _cut(text: str) -> str:
    """At most 320 characters, ending with a word."""
    plain = " ".join(text.split())
    return plain if len(plain) <= SUMMARY_CHARS else plain[: SUMMARY_CHARS - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def _named(who: Identity, words: frozenset[str]) -> bool:
    """Whether the subject's text mentions the product or its vendor by a distinctive word."""
    vendor = family_key(*who).partition(":")[2].split()
    whole = len(vendor) == 1 and len(vendor[0]) >= _MIN_NAME and vendor[0] in words
    return whole or any(len(word) >= _MIN_NAME and word in words for word in name_words(who))


def _likeness(vector: Vectors, rows: Vectors) -> Vectors:
    """Cosine of the openings, and of how much each is like each kind's descriptions."""
    kinds = np.stack([(_kind_rows()[n] @ rows.T).max(axis=0) for n in range(len(load_kinds()))], axis=1)
    own = np.array([(part @ vector).max() for part in _kind_rows()])
    middle = kinds.mean(axis=0)
    kinds, own = kinds - middle, own - middle
    norms = np.linalg.norm(kinds, axis=1) * max(float(np.linalg.norm(own)), 1e-9)
    alike: Vectors = rows @ vector + _KIND_WEIGHT * (kinds @ own) / np.maximum(norms, 1e-9)
    return alike


@functools.lru_cache(maxsize=2)
def _vectors(summaries: tuple[str, ...]) -> Vectors:
    return embed(summaries)


@functools.cache
def _kind_rows() -> tuple[Vectors, ...]:
    return tuple(embed(kind.sentences) for kind in load_kinds())
