"""The questions of a draft as a document for the vendor to fill in, in Markdown, CSV or DOCX with the same content."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from agent.records import Draft
from agent.report.safe_csv import cell
from agent.report.safe_markdown import one_line, plain
from agent.report.sentences import shrinkage
from agent.report.view import View, name_of

Format = Literal["md", "csv", "docx"]
MEDIA_TYPES: Final[dict[Format, str]] = {
    "md": "text/markdown; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
_HEADS: Final = ("id", "question", "settles", "likely range", "an answer that would settle it", "answer", "public page")
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""A fixed date for a DOCX instead of the current time, so that the same questions give the same bytes."""
_PROPERTY: Final = 255
"""Maximum number of characters of a document property in DOCX."""
_HOW: Final = (
    "Please answer in plain sentences and link a public page for each answer. A page that states the setting, its "
    "default, its scope and who can change it can lower the score; an answer without such a page is noted but does not "
    "lower the score."
)


class Export(NamedTuple):
    """A downloadable file."""

    name: str
    """The file name, built from ids, never from a product's name."""
    media_type: str
    data: bytes


class Row(NamedTuple):
    """One question of the questionnaire."""

    id: str
    text: str
    settles: str
    effect: str
    """How much the score's likely range would shrink, in words; empty for no effect."""
    proposed: str


def rows(draft: Draft, *, leave_out: Sequence[str] = ()) -> tuple[Row, ...]:
    """Return the draft's questions that are not in `leave_out`, those with the largest effect on the score first."""
    return tuple(
        Row(
            question.id,
            one_line(question.text),
            ", ".join(name_of(key) for key in question.settles),
            shrinkage(question.effect),
            one_line(question.proposed),
        )
        for question in View(draft).questions
        if question.id not in leave_out
    )


def questionnaire(draft: Draft, format_: Format, *, leave_out: Sequence[str] = ()) -> bytes:
    """Write the questionnaire of a draft in `format_`; the same draft gives the same bytes."""
    asked = rows(draft, leave_out=leave_out)
    if format_ == "csv":
        out = io.StringIO(newline="")
        csv.writer(out).writerows([_HEADS, *([cell(each) for each in (*row, "", "")] for row in asked)])
        # Add a byte order mark, so that spreadsheets recognise UTF-8.
        return out.getvalue().encode("utf-8-sig")
    return _docx(draft, asked) if format_ == "docx" else _markdown(draft, asked)


def _markdown(draft: Draft, asked: Sequence[Row]) -> bytes:
    lines = [f"# Questions about {plain(draft.product.name)}", "", f"Draft `{draft.id}`. {_HOW}", ""]
    for row in asked:
        told = (
            f"## {row.id}. {plain(row.text)}", _effect(row, plain(row.settles)), f"For example: {plain(row.proposed)}",
            "Answer:", "Public page:",
        )  # fmt: skip
        lines += [line for each in told for line in (each, "")]
    return "\n".join(lines).encode()


def _effect(row: Row, settles: str) -> str:
    return f"Settles {settles}." + (
        f" Narrows the likely range of the score by {row.effect.removeprefix('−')}." if row.effect else ""
    )


def _docx(draft: Draft, asked: Sequence[Row]) -> bytes:
    import zipfile

    import docx

    made = docx.Document()
    title = f"Questions about {one_line(draft.product.name)}"
    properties = made.core_properties
    properties.author, properties.title, properties.comments = "Septet", title[:_PROPERTY], ""
    properties.created = properties.modified = properties.last_printed = _EPOCH
    made.add_heading(title, level=1)
    made.add_paragraph(f"Draft {draft.id}. {_HOW}")
    for row in asked:
        made.add_heading(f"{row.id}. {row.text}", level=2)
        made.add_paragraph(_effect(row, row.settles))
        made.add_paragraph(f"For example: {row.proposed}")
        table = made.add_table(rows=2, cols=2)
        table.style = "Table Grid"
        for line, head in enumerate(("Answer", "Public page")):
            table.cell(line, 0).text = head
    raw, out = io.BytesIO(), io.BytesIO()
    made.save(raw)
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist()):
            info = zipfile.ZipInfo(name, date_time=_EPOCH.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, old.read(name))
    return out.getvalue()
