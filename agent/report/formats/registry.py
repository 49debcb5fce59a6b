"""The registry of `septet export`: the formats in which a draft can be written.

Each format is a module of this package with `write(view) -> bytes` and a line below. No writer upgrades a state, turns
"unknown" into absent or zero, drops the range of a score, or shows a withheld score. Data without a field in the format
goes into properties or descriptions. The same draft gives the same bytes. Writers are imported when called.
"""

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from agent.errors import InputError

if TYPE_CHECKING:
    from agent.report.view import View


class Format(NamedTuple):
    """An export format: its name on the command line, description, file extension, media type and writer."""

    name: str
    title: str
    suffix: str
    media_type: str
    write: "Callable[[View], bytes]"


def _later(module: str, function: str = "write") -> "Callable[[View], bytes]":
    """Return a writer that imports its module of this package when called."""

    def write(view: "View") -> bytes:
        written: bytes = getattr(importlib.import_module(f"agent.report.formats.{module}"), function)(view)
        return written

    return write


def _json(view: "View") -> bytes:
    from agent.report.draft_json import dump

    return dump(view.draft).encode()


def _report(module: Literal["markdown", "html"]) -> "Callable[[View], bytes]":
    def write(view: "View") -> bytes:
        render = importlib.import_module(f"agent.report.{module}").render
        written: bytes = render(view.draft, view.documents, view.progress).encode()
        return written

    return write


def _questions(form: Literal["md", "csv", "docx"]) -> "Callable[[View], bytes]":
    def write(view: "View") -> bytes:
        from agent.report.formats.questionnaire import questionnaire

        return questionnaire(view.draft, form)

    return write


_JSON: Final = "application/json"
_CSV: Final = "text/csv; charset=utf-8"
_MARKDOWN: Final = "text/markdown; charset=utf-8"
_HTML: Final = "text/html; charset=utf-8"
_DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_ALL: Final = (
    Format("json", "the draft itself, schema septet/draft/1", ".json", _JSON, _json),
    Format("markdown", "the report", ".md", _MARKDOWN, _report("markdown")),
    Format("html", "the report as a single HTML page without scripts", ".html", _HTML, _report("html")),
    Format("sarif", "SARIF 2.1.0, one result per threat", ".sarif", "application/sarif+json", _later("sarif")),
    Format("defectdojo", "DefectDojo generic findings", ".json", _JSON, _later("defectdojo")),
    Format("csv", "one row per threat, for spreadsheets", ".csv", _CSV, _later("tables", "spreadsheet")),
    Format("csv-jira", "one row per threat, for the Jira importer", ".csv", _CSV, _later("tables", "jira")),
    Format("csv-github", "one row per threat, for github-csv-tools", ".csv", _CSV, _later("tables", "github")),
    Format("otm", "Open Threat Model 0.2.0", ".otm", _JSON, _later("otm")),
    Format("threat-dragon", "OWASP Threat Dragon 2 model", ".json", _JSON, _later("threat_dragon")),
    Format("threat-composer", "AWS Threat Composer workspace", ".tc.json", _JSON, _later("threat_composer")),
    Format("tm-bom", "OWASP Threat Model Library TM-BOM 1.0", ".tmbom.json", _JSON, _later("tm_bom")),
    Format("cyclonedx", "CycloneDX 1.7, threats as vulnerabilities in triage", ".cdx.json", _JSON, _later("cyclonedx")),
    Format("questionnaire", "the questions for the vendor", ".md", _MARKDOWN, _questions("md")),
    Format("questionnaire-csv", "the same questions as a CSV table", ".csv", _CSV, _questions("csv")),
    Format("questionnaire-docx", "the same questions as a Word document", ".docx", _DOCX, _questions("docx")),
)
FORMATS: Final[dict[str, Format]] = {each.name: each for each in _ALL}
"""The formats by name, in display order."""


def write(name: str, view: "View") -> bytes:
    """Write a draft in the named format. Raises InputError for an unknown format."""
    return named(name).write(view)


def named(name: str) -> Format:
    """Return the format with the given name. Raises InputError if there is none."""
    if name not in FORMATS:
        raise InputError(f"unknown format {name[:60]!r}", where="--format", hint=f"one of {', '.join(FORMATS)}")
    return FORMATS[name]


def is_text(format_: Format) -> bool:
    """Return whether a format may be printed on a terminal."""
    kind = format_.media_type.partition(";")[0]
    return kind.startswith("text/") or kind.endswith(("json", "xml", "yaml"))
