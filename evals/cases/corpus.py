"""The labelled corpus on disk: import and load cases, reduce them to cards, and normalise text for finding quotes.

A case is a folder that a person can read and edit:

    <slug>/case.yaml      name, vendor, category, sources, note, labels version
    <slug>/listing.md     the listing: name, tagline, overview, Features, Integrations, Pricing
    <slug>/docs/NN-*.md   documentation notes, in order
    <slug>/labels.yaml    published labels and the reader's labels
    <slug>/readings.yaml  further readings, each made twice: readings of the card, codings of the reader's headline
"""

import re
import shutil
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from agent.errors import InputError, SeptetError, SourceError
from agent.records import Record
from agent.resources import data_folder
from evals.cases.case import CASE_NOTE, Case, Consent, Labels, Line, Page, Readings, Text, check
from evals.cases.rows import parse_lines

_CASE: Final = "case.yaml"
_ODD_BREAKS: Final = ("\x85", "\u2028", "\u2029")
"""Unicode line separators that do not end a line in a text file."""
_LISTING: Final = "listing.md"
_LABELS: Final = "labels.yaml"
_READINGS: Final = "readings.yaml"
_DOCS: Final = "docs"
_YAML_WIDTH: Final = 110
_CARD_PARAGRAPHS: Final = 2
_NAMED_CONFLICTS: Final = 5
_MARKS: Final = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00a0": " "})


class _CaseFile(Record):
    name: Line
    vendor: Text | None
    category: Text
    example: bool = False
    sources: tuple[str, ...]
    note: str
    labels_version: int
    purpose: str | None = None
    consent: Consent | None = None


class Imported(NamedTuple):
    """The slugs of the cases that an import added, left unchanged or replaced."""

    added: tuple[str, ...]
    unchanged: tuple[str, ...]
    replaced: tuple[str, ...]


# ---------------------------------------------------------------- import


def import_file(path: Path, out: Path, *, force: bool = False) -> Imported:
    """Write every line of the JSONL file `path` as a case folder under `out`.

    All lines are checked before the first folder is written; each folder is written completely or not at all. An
    existing folder with the same content is left alone. Raises SourceError when the file cannot be read, InputError for
    an invalid line (naming the line and field) and, without `force`, for an existing folder that differs.
    """
    return write_cases(tuple(parse_lines(_read_text(path), str(path))), out, force=force)


def write_cases(cases: Sequence[Case], out: Path, *, force: bool = False) -> Imported:
    """Write cases as folders under `out`, each complete or not at all.

    An existing folder with the same content is left alone. Without `force`, raises InputError before writing anything
    if an existing folder differs. Raises SourceError when a folder cannot be written.
    """
    new = [case for case in cases if not (out / case.slug).exists()]
    known = [case for case in cases if (out / case.slug).exists()]
    differ = [case for case in known if not _is_same(out / case.slug, case)]
    if differ and not force:
        more = " …" if len(differ) > _NAMED_CONFLICTS else ""
        names = ", ".join(case.slug for case in differ[:_NAMED_CONFLICTS]) + more
        raise InputError(
            f"{len(differ)} cases differ from the existing ones: {names}",
            where=str(out),
            hint="nothing was written; keep your edits, or repeat with --force to replace them",
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(f"the folder cannot be created: {error.strerror}", where=str(out)) from None
    for case in (*new, *differ):
        _write_case(out, case)
    same = [case for case in known if case not in differ]
    return Imported(*(tuple(case.slug for case in group) for group in (new, same, differ)))


# ---------------------------------------------------------------- files


def case_files(case: Case) -> dict[str, str]:
    """Return the files of a case: path inside its folder → text."""
    head: dict[str, object] = {"name": case.name, "vendor": case.vendor, "category": case.category}
    if case.example:
        head["example"] = True
    if case.purpose is not None:
        head["purpose"] = case.purpose
    head |= {"sources": list(case.sources), "note": CASE_NOTE, "labels_version": case.labels_version}
    if case.consent is not None:
        head["consent"] = case.consent.model_dump(mode="json")
    files = {_CASE: _dump(head), _LISTING: case.listing.markdown}
    for number, page in enumerate(case.docs, start=1):
        stem = re.sub(r"[^a-z0-9]+", "-", page.title.lower()).strip("-")[:50].strip("-") or "page"
        files[f"{_DOCS}/{number:02d}-{stem}.md"] = page.markdown
    labels = case.labels.model_dump(mode="json")
    if case.labels.second is None:
        del labels["second"]
    files[_LABELS] = _dump(labels)
    if case.readings is not None:
        files[_READINGS] = _dump(case.readings.model_dump(mode="json", exclude_defaults=True))
    return files


def _dump(data: object) -> str:
    text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=_YAML_WIDTH)
    if any(mark in text for mark in _ODD_BREAKS):
        # Escape these characters, because PyYAML writes them unescaped but folds them when it reads them.
        text = yaml.safe_dump(data, allow_unicode=False, sort_keys=False, width=_YAML_WIDTH)
    return text


def _is_same(folder: Path, case: Case) -> bool:
    """Return whether `folder` contains the same case, regardless of how its files are formatted."""
    try:
        # Imported cases have no further readings, so readings are not compared.
        return load_case(folder).model_copy(update={"readings": case.readings}) == case
    except SeptetError:
        return False


def _write_case(out: Path, case: Case) -> None:
    target = out / case.slug
    staging = Path(tempfile.mkdtemp(prefix=f".{case.slug}.", dir=out))
    staged, old = staging / "new", staging / "old"
    try:
        for name, text in case_files(case).items():
            path = staged / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        if target.exists():
            target.rename(old)
        try:
            staged.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
    except OSError as error:
        raise SourceError(f"the case cannot be written: {error.strerror}", where=str(target)) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


# ---------------------------------------------------------------- load


@lru_cache(maxsize=1)
def bundled_cases() -> tuple[Case, ...]:
    """Return the bundled cases without the examples, sorted by slug."""
    return tuple(case for case in load_cases(data_folder("corpus") / "cases") if not case.example)


def load_cases(folder: Path) -> tuple[Case, ...]:
    """Return all cases under `folder`, sorted by slug. If `folder` is itself a case, return only that case.

    Raises SourceError when there is none, InputError naming file and field when one is malformed.
    """
    if (folder / _CASE).is_file():
        return (load_case(folder),)
    if not folder.is_dir():
        raise SourceError(
            "there is no such folder", where=str(folder), hint="specify a folder that contains case folders"
        )
    found = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not found:
        raise SourceError("no case found", where=str(folder), hint="`septet corpus import` writes case folders")
    return tuple(load_case(path) for path in found)


def load_case(folder: Path) -> Case:
    """Return the case in `folder`. Raises InputError naming file and field, SourceError for a missing file."""
    head = check(_CaseFile, _yaml(folder / _CASE), str(folder / _CASE))
    listing, docs = read_pages(folder)
    labels, readings = folder / _LABELS, folder / _READINGS
    values = {
        "slug": folder.resolve().name,
        **dict(head),
        "listing": {"title": heading(listing) or head.name, "markdown": listing},
        "docs": docs,
        "labels": check(Labels, _yaml(labels), str(labels)) if labels.exists() else Labels(),
        "readings": check(Readings, _yaml(readings), str(readings)) if readings.exists() else None,
    }
    del values["note"]
    return check(Case, values, str(folder))


def read_pages(folder: Path) -> tuple[str, tuple[Page, ...]]:
    """Return the listing and documentation in a case's folder. Raises SourceError for a missing or unreadable file."""
    docs = []
    for path in sorted((folder / _DOCS).glob("*.md")):
        text = _read_text(path)
        docs.append(check(Page, {"title": heading(text) or path.stem, "markdown": text}, str(path)))
    return _read_text(folder / _LISTING), tuple(docs)


def heading(markdown: str) -> str | None:
    """Return the heading with which `markdown` begins; None if it begins with anything else."""
    match = re.match(r"\s*# (.+)", markdown)
    return match[1].strip() if match else None


class _StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe loader that rejects a key that occurs twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        """Return the mapping. Raises ConstructorError for a repeated key."""
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} occurs twice", key_node.start_mark)
            seen.add(key)
        mapping: dict[object, object] = super().construct_mapping(node, deep=deep)
        return mapping


def _yaml(path: Path) -> object:
    text = _read_text(path)
    try:
        return yaml.load(text, Loader=_StrictLoader)
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InputError(f"not valid YAML: {error.problem}", where=f"{path}{line}", hint="fix the file") from None
    except yaml.YAMLError as error:
        raise InputError(f"not valid YAML: {error}", where=str(path), hint="fix the file") from None


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError("not UTF-8 text", where=f"{path} byte {error.start}", hint="save it as UTF-8") from None
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", where=str(path), hint="check the path") from None


# ---------------------------------------------------------------- texts


def card(case: Case) -> Case:
    """Return the case reduced to a directory card: name, tagline and first paragraph, no documentation."""
    blocks = [block.strip() for block in re.split(r"\n\s*\n", case.listing.markdown) if block.strip()]
    prose = [block for block in blocks if not re.match(r"(#+ |[-*] )", block)][:_CARD_PARAGRAPHS]
    head = [block for block in blocks[:1] if block.startswith("# ")]
    markdown = "\n\n".join([*head, *prose]) + "\n"
    return case.model_copy(update={"listing": Page(title=case.listing.title, markdown=markdown), "docs": ()})


def plain(text: str) -> str:
    """Normalise `text` for finding quotes: fold case, remove heading and list marks, and unify spaces, quotes and
    dashes."""
    text = re.sub(r"(?m)^(#+|[-*])\s+", "", text).lower().translate(_MARKS)
    return re.sub(r"\s+", " ", text).strip()
