"""`draft.json`: write a draft as sorted, stable JSON, and load it with all checks.

Loading recomputes the score under its formula and revision, re-verifies every quote if the texts are available, and
rejects unknown keys, duplicate keys and NaN.
"""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, NoReturn

from pydantic import TypeAdapter, ValidationError

from agent.errors import InputError, IntegrityError, SchemaError, SourceError
from agent.facts.anchor import verify as verify_quote
from agent.intake.snapshots import load as load_snapshot
from agent.records import DRAFT_SCHEMA, Document, Draft
from agent.report.safe_json import dumps
from agent.scoring import verify as verify_score

FILE_NAME: Final = "draft.json"
SNAPSHOTS: Final = "snapshots"
"""The folder with the sources' bytes, inside the draft's folder."""
TEXTS: Final = "documents.json"
"""The file in the snapshots folder with the texts that the quotes' offsets refer to."""
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_AGAIN: Final = "draft again from the sources"
_DOCUMENTS: Final = TypeAdapter(tuple[Document, ...])
_MAX_BYTES: Final = 50_000_000
_FAMILY: Final = DRAFT_SCHEMA.rpartition("/")[0]
_VERSION: Final = int(DRAFT_SCHEMA.rpartition("/")[2])


def dump(draft: Draft) -> str:
    """Serialise a draft as JSON: sorted keys, an indent of two spaces, JSON numbers, one line feed at the end."""
    plain = draft.model_dump(mode="json", by_alias=True)
    for name in ("review", "judgement", "notes"):
        if plain[name] is None:
            del plain[name]
    return dumps(plain, sort_keys=True)


def draft_schema() -> bytes:
    """Return the JSON Schema (2020-12) of `draft.json`, including a description of each field."""
    made = Draft.model_json_schema(by_alias=True, mode="serialization")
    head = {"$schema": DIALECT, "$id": f"urn:{DRAFT_SCHEMA.replace('/', ':')}", "title": f"A draft, {DRAFT_SCHEMA}"}
    return dumps(made | head, sort_keys=True).encode()


def dump_documents(documents: Sequence[Document]) -> str:
    """Serialise the texts of a draft's sources for `snapshots/documents.json`, in the same form as `dump`."""
    plain = [document.model_dump(mode="json", by_alias=True) for document in documents]
    return dumps(plain, sort_keys=True)


def load(path: Path | str, documents: Sequence[Document] | None = None) -> Draft:
    """Load a draft from its folder or JSON file, and check it.

    Quotes are re-verified against `documents`. Without `documents`, they are verified against the texts in the
    snapshots folder next to the file, if any, and the snapshots' bytes against their hashes. Raises SourceError for a
    missing file, InputError for malformed JSON or an invalid field, SchemaError for an unknown or newer schema,
    IntegrityError if the score does not recompute or a quote is not in its snapshot.
    """
    return load_whole(path, documents)[0]


def load_whole(path: Path | str, documents: Sequence[Document] | None = None) -> tuple[Draft, tuple[Document, ...]]:
    """Load a draft with the texts stored next to it, if any. Takes the same arguments and raises the same errors as
    `load`."""
    file = draft_file(Path(path))
    draft = parse(_read(file), where=str(path))
    texts = _snapshot_documents(file.parent, draft) if documents is None else tuple(documents)
    if texts:
        verify_evidence(draft, texts)
    return draft, texts


def draft_file(path: Path) -> Path:
    """Return the JSON file of a draft's folder, or the file itself. Raises SourceError if there is none."""
    file = path / FILE_NAME if path.is_dir() else path
    if not file.is_file():
        hint = f"give a folder with {FILE_NAME}, or the file itself"
        raise SourceError("there is no draft here", where=str(path), hint=hint)
    return file


def parse(text: str, *, where: str) -> Draft:
    """Parse a draft from JSON text, and recompute its score. `where` identifies the text in errors.

    Raises InputError, SchemaError and IntegrityError as `load` does.
    """
    raw = decode(text, where)
    if not isinstance(raw, dict):
        raise InputError("the draft is not a JSON object", where=where, hint="give a draft.json that septet wrote")
    _check_schema(raw.get("schema"), where)
    try:
        draft = Draft.model_validate(raw)
    except ValidationError as error:
        raise InputError(
            f"the draft has an invalid field: {error.errors()[0]['msg'].lower()}",
            where=f"{where}: {_field(error) or 'draft'}",
            hint="the file was changed by hand or written by another program; draft again",
        ) from None
    verify_score(draft.score)
    known = {item.id for item in draft.evidence}
    cited = {f"factors.{key}": item.evidence for key, item in draft.factors.items()}
    for key, layer in draft.layers.items():
        cited |= {f"layers.{key}.threats.{threat.id}": threat.evidence for threat in layer.threats}
    for place, mark in ((place, mark) for place, marks in cited.items() for mark in marks):
        if mark not in known:
            text = f"{mark} is cited but missing from the evidence"
            raise InputError(text, where=f"{where}: {place}", hint="draft again")
    return draft


def _field(error: ValidationError) -> str:
    return ".".join(str(part) for part in error.errors()[0]["loc"])


def verify_evidence(draft: Draft, documents: Sequence[Document]) -> None:
    """Check every quote against its document. Raises IntegrityError for a missing quote or document."""
    known = {document.id: document for document in documents}
    for item in draft.evidence:
        if item.document not in known:
            raise IntegrityError(f"the document of {item.id} is missing", where=item.document, hint=_AGAIN)
        verify_quote(item, known[item.document])


def _read(file: Path) -> str:
    if file.stat().st_size > _MAX_BYTES:
        raise InputError("the draft is too large", where=str(file), hint=f"at most {_MAX_BYTES} bytes")
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise InputError("the draft is not UTF-8 text", where=str(file), hint="give a draft.json") from None


def decode(text: str, where: str) -> object:
    """Parse JSON to plain values with exact numbers. Raises InputError for duplicate keys, NaN and malformed JSON."""
    try:
        decoded: object = json.loads(text, parse_float=Decimal, parse_constant=_refused, object_pairs_hook=_unique)
    except RecursionError:
        raise InputError("the JSON is nested too deeply", where=where, hint="give a draft.json") from None
    except ValueError as error:
        text = f"malformed JSON: {str(error).rstrip('.')}"
        raise InputError(text, where=where, hint="give a draft.json that septet wrote") from None
    return decoded


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} appears twice in one object")
    return found


def _check_schema(schema: object, where: str) -> None:
    if schema == DRAFT_SCHEMA:
        return
    family, _, version = str(schema).rpartition("/")
    if family == _FAMILY and version.isdecimal() and int(version) > _VERSION:
        hint = f"update septet; this one reads {DRAFT_SCHEMA}"
        raise SchemaError(f"the draft has the newer schema {schema}", where=where, hint=hint)
    shown = "no schema" if schema is None else f"the unknown schema {str(schema)[:60]!r}"
    raise SchemaError(f"the file has {shown}", where=where, hint=f"a draft has the schema {DRAFT_SCHEMA}")


def _snapshot_documents(folder: Path, draft: Draft) -> tuple[Document, ...]:
    """Load the texts stored with a draft's snapshots, if any, and check every source's bytes and each text."""
    snapshots = folder / SNAPSHOTS
    if not snapshots.is_dir():
        return ()
    for sha256 in dict.fromkeys(source.sha256 for source in draft.sources):
        load_snapshot(snapshots, sha256)
    file = snapshots / TEXTS
    if not file.is_file():
        return ()
    try:
        documents = _DOCUMENTS.validate_python(decode(_read(file), str(file)))
    except ValidationError as error:
        where = f"{file}: {_field(error)}"
        raise InputError("the snapshot texts were changed", where=where, hint=_AGAIN) from None
    known = {source.document: source for source in draft.sources}
    for document in documents:
        source = known.get(document.id)
        if source is None or (source.sha256, source.chars) != (document.sha256, len(document.text)):
            raise IntegrityError("a text belongs to no source of the draft", where=document.id, hint=_AGAIN)
    return documents
