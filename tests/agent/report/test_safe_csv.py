"""Cells with untrusted text: no formula, no hidden character, and no additional row or cell."""

import csv
import io
from typing import Final

from hypothesis import given, strategies as st

from agent.report.safe_csv import cell, written

FORMULAS: Final = ("=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "＝1+1", "\n=cmd|' /C calc'!A0")


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_formulas_are_text() -> None:
    for text in FORMULAS:
        assert cell(text) == f"'{text}"
    assert [cell(text) for text in ("a=1", "1-2", "'=1", "")] == ["a=1", "1-2", "'=1", ""]


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=4))
def test_cells_stay_cells(rows: list[list[str]]) -> None:
    made = read(written(("a", "b"), rows))
    assert made[0] == ["a", "b"]
    assert len(made) == len(rows) + 1
    for row in made:
        assert len(row) == 2
        assert not [each for each in row if each.lstrip()[:1] in tuple("=+-@") and each.strip()]


def test_a_mark_only_for_spreadsheets() -> None:
    assert written(("a",), []).startswith(b"\xef\xbb\xbf")
    assert written(("a",), [["ü"]], mark=False) == '"a"\r\n"ü"\r\n'.encode()
