"""Published schemas of other tools' formats, which are outside the repository, in the folder of `SEPTET_SCHEMAS`.

Without that folder, a test that needs a schema is skipped with a message. With it, a schema that is missing or is not
the pinned one fails: an unchecked format never counts as passed.
"""

import hashlib
import importlib
import json
import os
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import pytest

_FOLDER: Final = os.environ.get("SEPTET_SCHEMAS", "")  # noqa: TID251  (read before tests lose the environment)


class Pinned(NamedTuple):
    """A schema as it was published."""

    path: str
    """Path below the folder."""
    title: str
    origin: str
    sha256: str


SARIF: Final = Pinned(
    "sarif-2.1.0.schema.json",
    "SARIF 2.1.0",
    "github.com/oasis-tcs/sarif-spec, sarif-2.1/schema/sarif-schema-2.1.0.json at e0583813964e",
    "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e",
)
DEFECTDOJO: Final = Pinned(
    "defectdojo/generic-findings.md",
    "the attributes of DefectDojo's generic findings",
    "github.com/DefectDojo/django-DefectDojo, docs, Generic Findings Import",
    "d06797fb0d39222eb72698763c0a103e97d891b0af02b599ba546f45170af00a",
)
OTM: Final = Pinned(
    "otm-0.2.0.schema.json",
    "Open Threat Model 0.2.0",
    "github.com/iriusrisk/OpenThreatModel, otm_schema.json at a86e9fd1cd8c",
    "81e7f5a52a0a7d66b44cc4e0c15f21b5d60e1ca945c810e39622a730545eef0c",
)
THREAT_DRAGON: Final = Pinned(
    "threat-dragon-v2.schema.json",
    "Threat Dragon 2",
    "github.com/OWASP/threat-dragon, td.vue/src/assets/schema/threat-dragon-v2.schema.json at 6b72aad6d850",
    "d918054a571b0925e1f0f41a0a1e0746a487afbfe923df64412ed088c2eb05b2",
)
THREAT_COMPOSER: Final = Pinned(
    "threat-composer-v1.schema.json",
    "Threat Composer 1",
    "github.com/awslabs/threat-composer, schemas/threat-composer-v1.schema.json at 14227fcd88fc",
    "d7f856a65230cb4ae39e9364fd02060cfece9e26d5aa79ba0e863cecc6519d1b",
)
TM_BOM: Final = Pinned(
    "tm-bom-1.0.schema.json",
    "TM-BOM 1.0",
    "github.com/OWASP/www-project-threat-model-library, threat-model.schema.json at cb9fa135dd13",
    "e477687fb776d43f65120464e442466a8d697c19ee24b7cf70f56e8c8f518a3e",
)
CYCLONEDX: Final = Pinned(
    "cyclonedx-1.7/bom-1.7.schema.json",
    "CycloneDX 1.7",
    "github.com/CycloneDX/specification, schema/bom-1.7.schema.json at e02a34ae42a4",
    "71152f97948eeeca2fd4a1434a9d29aab35d377be11828b504d029dfeeb1925a",
)
BESIDE_CYCLONEDX: Final = tuple(
    Pinned(f"cyclonedx-1.7/{name}", f"{name}, to which CycloneDX 1.7 refers", CYCLONEDX.origin, sha256)
    for name, sha256 in (
        ("spdx.schema.json", "ea6e844ee6fba1e93473d94834d0ee0996970533497935f932f73d488ffdf4a3"),
        ("jsf-0.82.schema.json", "8bae002c25e723db7ee1f26afde680ae1a2b1a8f6b4b4b0fd65dc3becb090aae"),
        ("cryptography-defs.schema.json", "027b059a729a06d591bac79a584ef04f83fc32d91a826fdba6ad3c98a10e5b44"),
    )
)


def schema(pinned: Pinned) -> dict[str, object]:
    """Return the schema; skip the test if there is no folder of schemas."""
    return cast("dict[str, object]", json.loads(page(pinned)))


def page(pinned: Pinned) -> str:
    """Return a schema that is published as a web page."""
    if not _FOLDER:
        pytest.skip(f"NOT RUN: {pinned.title} was not validated, SEPTET_SCHEMAS names no folder")
    file = Path(_FOLDER) / pinned.path
    assert file.is_file(), f"{pinned.title} is not in SEPTET_SCHEMAS: {pinned.path}, from {pinned.origin}"
    raw = file.read_bytes()
    assert hashlib.sha256(raw).hexdigest() == pinned.sha256, f"{pinned.path} is not the pinned {pinned.title}"
    return raw.decode()


def faults(pinned: Pinned, instance: object, beside: Sequence[Pinned] = ()) -> list[str]:
    """Return the violations of the schema by an instance, including dates and addresses; other schemas beside it are
    resolved.
    """
    published = schema(pinned)
    jsonschema = pytest.importorskip("jsonschema", reason=f"NOT RUN: {pinned.title}, jsonschema is not installed")
    kind = jsonschema.validators.validator_for(published)
    referencing = importlib.import_module("referencing")  # comes with jsonschema
    others = [referencing.Resource.from_contents(schema(each)) for each in beside]
    registry = referencing.Registry().with_resources((other.id(), other) for other in others)
    checker = _checker(jsonschema.FormatChecker())
    found = kind(published, format_checker=checker, registry=registry).iter_errors(instance)
    return [f"{fault.json_path}: {fault.message[:200]}" for fault in found]


def _checker(checker: Any) -> Any:
    """Return a checker for dates, times and addresses, for which the library needs packages that are not installed."""
    rules: dict[str, Callable[[str], object]] = {
        "date": date.fromisoformat,
        "date-time": lambda text: datetime.fromisoformat(text).utcoffset() is not None or _refused(text),
        "uri": lambda text: (bool(re.match(r"[a-zA-Z][\w+.-]*:", text)) and _reference(text)) or _refused(text),
        "uri-reference": lambda text: _reference(text) or _refused(text),
    }
    for name, rule in rules.items():
        checker.checks(name, raises=ValueError)(
            lambda value, rule=rule: not isinstance(value, str) or bool(rule(value))
        )
    return checker


def _reference(text: str) -> bool:
    """RFC 3986: characters that a reference may contain; a percent sign is followed by two digits."""
    return bool(re.fullmatch(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*", text))


def _refused(text: str) -> bool:
    raise ValueError(text)
