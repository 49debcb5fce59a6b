"""CSV from untrusted words: no cell is a formula, and none hides or moves what a reader sees."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

from agent.report.safe_markdown import one_line

_FORMULA: Final = re.compile(r"^\s*[=+\-@＝＋－＠\t\r\0]")
"""A spreadsheet would run a cell that begins like this (CWE-1236)."""


def cell(text: str) -> str:
    """`text` as a cell that no spreadsheet runs."""
    return f"'{text}" if _FORMULA.match(text) else text


def lines(text: str) -> str:
    """`text` with its lines kept and hidden characters shown."""
    return "\n".join(one_line(line) for line in text.splitlines())


def written(heads: Sequence[str], rows: Iterable[Sequence[str]], *, mark: bool = True) -> bytes:
    """A table as UTF-8, every cell in quotation marks, line ends as in RFC 4180.

    `mark` puts a byte order mark first, by which spreadsheets recognise UTF-8; importers of issue trackers take it for
    part of the first head. Everything is quoted so that a program that splits at semicolons finds no new cells.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(heads)
    for row in rows:
        writer.writerow([cell(lines(each)) for each in row])
    return out.getvalue().encode("utf-8-sig" if mark else "utf-8")
