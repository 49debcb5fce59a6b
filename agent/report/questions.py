"""Part 8 of the report: what to ask the vendor, and what each answer changes."""

from collections.abc import Sequence

from agent.records import Question
from agent.report import document as doc
from agent.report.document import Bullets, Paragraph, Part, Row, Span, Table, Text
from agent.report.front_pages import Writer
from agent.report.sentences import listed, tenth
from agent.report.view import name_of


def questions(writer: Writer) -> Part:
    """Build part 8: what to ask the vendor, why, and what each answer changes."""
    shown = writer.asked
    title = doc.words("Ask the vendor")
    if not shown:
        return Part("questions", title, (Paragraph(doc.words("No question is open.")),))
    room = writer.room
    if writer.view.draft.drafter.kind == "llm":
        items = tuple(_asking(writer, item, room.answer) for item in shown)
        return Part("questions", title, (Bullets(items, ids=tuple(item.id for item in shown)),))
    return Part("questions", title, (question_table(writer, shown, room.answer, why=bool(room.why)),))


def _asking(writer: Writer, item: Question, limit: int) -> Text:
    """Write a question and behind it what each answer changes."""
    changes = writer.brief(f"{item.id}, what changes", item.changes, limit)
    if item.why:
        writer.shortened.append((f"{item.id}, why", item.why))
    asked = writer.brief(item.id, item.text, limit + 5)
    return doc.joined((*doc.ref(item.id), Span(" ·")), doc.stressed(asked), changes)


def question_table(writer: Writer, shown: Sequence[Question], limit: int, *, why: bool = True) -> Table:
    """Build a table of questions with what their answers change and, if `why`, why they matter."""
    heads = ("", "Question", "Why it matters", "What the answer changes")
    rows = tuple(_question(writer, item, limit, why=why) for item in shown)
    return Table(heads if why else (*heads[:2], heads[3]), rows)


def _question(writer: Writer, item: Question, limit: int, *, why: bool) -> Row:
    reason = item.why or f"It settles {listed([name_of(key) for key in item.settles])}." * bool(item.settles)
    changes = item.changes or (f"Narrows the likely range by {tenth(item.effect)}." if item.effect >= 0.1 else "")  # noqa: PLR2004
    if reason and not why:
        writer.shortened.append((f"{item.id}, why", reason))
    cells = [
        writer.brief(item.id, item.text, limit + 5),
        *([writer.brief(f"{item.id}, why", reason, limit)] if why else []),
        writer.brief(f"{item.id}, what changes", changes, limit),
    ]
    return Row((doc.ref(item.id), *cells), item.id)
