"""Load real pages and an expert's readings of them from a folder outside the project.

    TEXTS/listings/<slug>/    README.md, SKILL.md, listing.md, page.html or manifest.json as published; docs/
    TEXTS/readings/<slug>.json    an expert's reading of the listing alone
    TEXTS/labels.tsv          labelled statements: slug, file, sha256, start, end, role, facts

The texts belong to third parties and are not part of the project. If they are missing, everything that needs them is
skipped with a message. Their contents are data, never instructions.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.errors import InputError, SourceError
from agent.taxonomy.factors import FACTOR_SETS, FactorKey
from agent.taxonomy.kinds import KINDS, ProductKind
from agent.taxonomy.layers import LAYERS, LayerKey

VARIABLE: Final = "SEPTET_REAL"
LISTING_NAMES: Final = ("listing.md", "README.md", "SKILL.md", "page.html", "manifest.json")
"""Possible file names of the page to draft; the first existing file is used."""
_KINDS: Final[Mapping[str, ProductKind]] = {
    "assistant/app": "assistant",
    "voice-agent-platform": "voice-agent",
    "framework": "agent-framework",
    "platform": "agent-platform",
    "workflow-platform": "agent-platform",
}
"""Names of kinds in readings → our own names, where they differ."""


class _Part(BaseModel):
    """Base of the records below; ignores extra fields, since only part of a reading is compared here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ReadProduct(_Part):
    """The product that the reading is about."""

    name: str
    accepted_names: tuple[str, ...] = ()
    kind: str = ""


class ReadFactor(_Part):
    """An expert's value of one factor, 0 to 1."""

    value: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class ReadLayer(_Part):
    """An expert's verdict on whether the layer is certain."""

    certain: bool


class ReadThreat(_Part):
    """One threat that the expert considers important; readings list the headline first."""

    title: str
    layer: str = ""
    asi: str | None = None
    cvss_vector: str
    must: bool = False
    """Whether every good draft must include this threat."""


class Reading(_Part):
    """An expert's reading of one listing."""

    slug: str
    product: ReadProduct
    factors: dict[FactorKey, ReadFactor]
    layers: dict[LayerKey, ReadLayer]
    threats: tuple[ReadThreat, ...] = ()
    scoreable: bool = True

    @property
    def names(self) -> frozenset[str]:
        """The accepted names, normalised by `plain_name`."""
        return frozenset(plain_name(name) for name in (self.product.name, *self.product.accepted_names))

    @property
    def kind(self) -> ProductKind:
        """The kind under our own name; "other" for an unknown kind."""
        said = _KINDS.get(self.product.kind, self.product.kind)
        return next((kind for kind in KINDS if kind == said), "other")


def plain_name(name: str) -> str:
    """Normalise a name: convert it to lower case, and remove spaces and punctuation."""
    return "".join(char for char in name.casefold() if char.isalnum())


def texts_folder(given: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Return the folder of the texts: `given`, else the folder in `SEPTET_REAL`, else None.

    Raises SourceError unless the folder has both subfolders, `readings` and `listings`.
    """
    named = given or (Path(environ[VARIABLE]) if environ.get(VARIABLE) else None)
    if named is None:
        return None
    if not (named / "readings").is_dir() or not (named / "listings").is_dir():
        raise SourceError("no real pages found", where=str(named), hint="it needs the folders listings and readings")
    return named


def load_readings(texts: Path, second: bool = False) -> dict[str, Reading]:
    """Load the first reader's readings or, with `second`, the second reader's, keyed by slug. Raises InputError naming
    a malformed file.
    """
    folder = texts / ("readings2" if second else "readings")
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            data = json.loads(path.read_text("utf-8"))
            reading = Reading.model_validate({"slug": path.stem, **data})
        except (ValidationError, ValueError) as error:
            raise InputError(f"not a reading: {str(error).splitlines()[0]}", where=str(path)) from None
        missing = [key for key in (*FACTOR_SETS["0.5"], *LAYERS) if key not in {*reading.factors, *reading.layers}]
        if missing:
            raise InputError(f"the reading lacks {missing[0]}", where=str(path))
        found[path.stem] = reading
    return found


def listing_of(texts: Path, slug: str) -> Path:
    """Return the path of a product's page to draft. Raises SourceError when there is none."""
    folder = texts / "listings" / slug
    for name in LISTING_NAMES:
        if (folder / name).is_file():
            return folder / name
    raise SourceError("there is no listing", where=str(folder))
