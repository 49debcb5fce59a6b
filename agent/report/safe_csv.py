"""CSV from untrusted text: no cell is a formula, and no cell hides text or changes its direction."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

from agent.report.safe_markdown import one_line

_FORMULA: Final = re.compile(r"^\s*[=+\-@＝＋－＠\t\r\0]")
"""The start of a cell that a spreadsheet would run as a formula (CWE-1236)."""


def cell(text: str) -> str:
    """Format `text` as a cell that no spreadsheet runs as a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def written(heads: Sequence[str], rows: Iterable[Sequence[str]], *, mark: bool = True) -> bytes:
    """Format a table as CSV in UTF-8, with every cell in quotation marks and line endings as in RFC 4180.

    `mark` adds a byte order mark, by which spreadsheets recognise UTF-8; the importers of issue trackers would read the
    mark as part of the first heading. Every cell is quoted, so that a program that splits at semicolons does not find
    additional cells.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(heads)
    for row in rows:
        # Make hidden characters visible, but keep the line breaks of a cell.
        writer.writerow([cell("\n".join(map(one_line, each.splitlines()))) for each in row])
    return out.getvalue().encode("utf-8-sig" if mark else "utf-8")
