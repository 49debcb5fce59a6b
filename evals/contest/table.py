"""Render stored sheets as tables: the contest's result, and the error counts of single drafts."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from evals.contest.judge_sheets import (
    KEY,
    MARKS,
    READINGS,
    SIDES,
    DraftSheet,
    PairKey,
    PairSheet,
    ReadingSheet,
    RoundKey,
    Side,
    read,
)
from evals.metrics.arithmetic import mean, share
from evals.report.saying import number, percent

FIRST: Final = 0.80
WRONG: Final = 2.0
COVERAGE: Final = 0.3
READABILITY: Final = 0.5
AHEAD: Final = ("correctness", "usefulness", "traceability")


class Judged(NamedTuple):
    """A judge's sheet with its key."""

    key: PairKey
    sheet: PairSheet

    def of(self, side: Side) -> DraftSheet:
        """Return the sheet on one side's draft."""
        return self.sheet.of(self.key.letter(side))

    def is_first(self, side: Side) -> bool:
        """Return whether the judge ranked this side first."""
        return self.sheet.rank[0] == self.key.letter(side)


class Round(NamedTuple):
    """One round as it is stored."""

    name: str
    key: RoundKey | None
    judged: tuple[Judged, ...]
    missing: tuple[str, ...]
    """Pairs in the key without a sheet."""
    readings: tuple[ReadingSheet, ...]


class SideFigures(NamedTuple):
    """The figures of one side over all sheets."""

    sheets: int
    marks: dict[str, float | None]
    wrong: float | None
    """Wrong statements per draft."""
    first: float | None
    hand_on: float | None
    words: float | None


class Check(NamedTuple):
    """One condition of the contest."""

    what: str
    value: str
    met: bool


def load_round(folder: Path) -> Round:
    """Load a round with its sheets. Raises InputError and SourceError as `read` does."""
    readings = tuple(read(ReadingSheet, path) for path in sorted((folder / READINGS).glob("*.json")))
    if not (folder / KEY).is_file():
        return Round(folder.name, None, (), (), readings)
    key = read(RoundKey, folder / KEY)
    judged, missing = [], []
    for pair in key.pairs:
        path = folder / pair.judge / f"{pair.pair}.json"
        if path.is_file():
            judged.append(Judged(pair, read(PairSheet, path)))
        else:
            missing.append(f"{pair.judge}/{pair.pair}")
    return Round(folder.name, key, tuple(judged), tuple(missing), readings)


def side_figures(judged: Sequence[Judged], side: Side) -> SideFigures:
    """Compute the figures of one side over all sheets."""
    sheets = [one.of(side) for one in judged]
    return SideFigures(
        sheets=len(sheets),
        marks={mark: mean(float(getattr(sheet, mark)) for sheet in sheets) for mark in MARKS},
        wrong=mean(float(len(sheet.wrong)) for sheet in sheets),
        first=mean(float(one.is_first(side)) for one in judged),
        hand_on=mean(float(sheet.would_hand_on) for sheet in sheets),
        words=mean(float(one.key.words[one.key.letter(side)]) for one in judged),
    )


def agreement(judged: Sequence[Judged]) -> float | None:
    """Return the share of products with several judges for which all judges ranked the same draft first."""
    firsts: dict[str, list[bool]] = {}
    for one in judged:
        firsts.setdefault(one.key.slug, []).append(one.is_first("septet"))
    twice = [found for found in firsts.values() if len(found) > 1]
    return share(sum(len(set(found)) == 1 for found in twice), len(twice))


def checks(judged: Sequence[Judged]) -> list[Check]:
    """Check whether Septet with an LLM meets the conditions of the contest."""
    own, rival = side_figures(judged, "septet"), side_figures(judged, "plain")
    found = [Check(f"first in at least {percent(FIRST)} of the pairs", percent(own.first), (own.first or 0) >= FIRST)]
    for mark in MARKS:
        ahead = (own.marks[mark] or 0) - (rival.marks[mark] or 0)
        need = {"coverage": -COVERAGE, "readability": -READABILITY}.get(mark, 0.0)
        what = f"{mark} ahead" if mark in AHEAD else f"{mark} at most {-need} behind"
        found.append(Check(what, f"{ahead:+.2f}", ahead > 0 if mark in AHEAD else round(ahead, 6) >= need))
    wrong = own.wrong or 0.0
    fewer = bool(own.sheets) and wrong < (rival.wrong or 0.0)
    found.append(Check(f"at most {WRONG} wrong statements a draft", number(own.wrong), wrong <= WRONG))
    found.append(Check("fewer wrong statements than the plain draft", number(rival.wrong), fewer))
    return found


def results(rounds: Sequence[Round]) -> str:
    """Return the text of RESULTS.md, with tables for every round."""
    lines = [
        "# Results of the contest",
        "",
        "Written by `python -m evals.contest table` from the sheets in `sheets/`; the protocol is in README.md.",
    ]
    for one in rounds:
        lines += ["", *_round(one)]
    if not rounds:
        lines += ["", "No round was played yet."]
    return "\n".join(lines) + "\n"


def _round(one: Round) -> Iterator[str]:
    yield f"## {one.name}"
    if one.key is not None:
        products = len({pair.slug for pair in one.key.pairs})
        kinds = len({pair.kind for pair in one.key.pairs})
        judges = len({pair.judge for pair in one.key.pairs})
        yield ""
        yield (
            f"{one.key.on} · {one.key.drafter} drafter · LLM: {one.key.llm} · {products} products of {kinds} kinds · "
            f"{judges} judges · {len(one.judged)} sheets"
        )
        yield ""
        yield from _marks(one.judged)
        if one.key.drafter == "llm":
            yield ""
            yield from _table(
                ("asked", "found", ""),
                [(c.what, c.value, "met" if c.met else "**not met**") for c in checks(one.judged)],
            )
        yield ""
        yield from _products(one.judged)
        same = agreement(one.judged)
        if same is not None:
            yield ""
            yield f"The judges rank the same draft first in {percent(same)} of the products that two of them saw."
        if one.missing:
            yield ""
            yield f"Not judged: {', '.join(one.missing)}."
    if one.readings:
        yield ""
        yield from _readings(one.readings)


def _marks(judged: Sequence[Judged]) -> list[str]:
    found = {side: side_figures(judged, side) for side in SIDES}
    rows = [(mark, *(number(found[side].marks[mark]) for side in SIDES)) for mark in MARKS]
    rows += [
        ("wrong statements a draft", *(number(found[side].wrong) for side in SIDES)),
        ("ranked first", *(percent(found[side].first) for side in SIDES)),
        ("would hand on", *(percent(found[side].hand_on) for side in SIDES)),
        ("words", *(number(found[side].words) for side in SIDES)),
    ]
    return _table(("mean", *SIDES), rows)


def _products(judged: Sequence[Judged]) -> list[str]:
    rows = []
    for slug in sorted({one.key.slug for one in judged}):
        mine = [one for one in judged if one.key.slug == slug]
        own, rival = side_figures(mine, "septet"), side_figures(mine, "plain")
        firsts = f"{sum(one.is_first('septet') for one in mine)} of {len(mine)}"
        marks = (mean(value for value in side.marks.values() if value is not None) for side in (own, rival))
        rows.append(
            (
                slug,
                mine[0].key.kind,
                firsts,
                *(number(value) for value in marks),
                number(own.wrong),
                number(rival.wrong),
            )
        )
    heads = (
        "product",
        "kind",
        "septet first",
        "septet: mean mark",
        "plain: mean mark",
        "septet: wrong",
        "plain: wrong",
    )
    return _table(heads, rows)


def _readings(sheets: Sequence[ReadingSheet]) -> Iterator[str]:
    drafters = sorted({sheet.drafter for sheet in sheets})
    yield "Drafts checked against the listing and an expert's reading:"
    yield ""
    rows: list[tuple[str, ...]] = []
    for title, of in _SHARES:
        cells = []
        for drafter in drafters:
            counted = [of(sheet) for sheet in sheets if sheet.drafter == drafter]
            cells.append(percent(share(sum(part for part, _ in counted), sum(whole for _, whole in counted))))
        rows.append((title, *cells))
    drafts = (len({sheet.slug for sheet in sheets if sheet.drafter == drafter}) for drafter in drafters)
    rows.append(("drafts", *(str(count) for count in drafts)))
    readers = (len({sheet.reader for sheet in sheets if sheet.drafter == drafter}) for drafter in drafters)
    rows.append(("readers", *(str(count) for count in readers)))
    yield from _table(("share", *drafters), rows)


def wrong_threats(sheet: ReadingSheet) -> tuple[int, int]:
    """Count the threats that do not follow or are about something else, and all threats."""
    return sum(check.verdict != "follows" for check in sheet.threats), len(sheet.threats)


def wrong_rows(sheet: ReadingSheet) -> tuple[int, int]:
    """Count the wrong rows in the draft's table of capabilities, and all its rows."""
    return sum(check.wrong for check in sheet.rows), len(sheet.rows)


def wrong_sentences(sheet: ReadingSheet) -> tuple[int, int]:
    """Count the wrong sentences about the product in the layers, and all such sentences."""
    return sum(check.wrong for check in sheet.layers.values()), sum(check.sentences for check in sheet.layers.values())


def musts_present(sheet: ReadingSheet) -> tuple[int, int]:
    """Count the expert's must-have threats that the draft contains, and all must-have threats."""
    return sum(check.present for check in sheet.musts), len(sheet.musts)


_SHARES: Final[tuple[tuple[str, Callable[[ReadingSheet], tuple[int, int]]], ...]] = (
    ("the expert's musts present", musts_present),
    ("threats that do not follow or concern another thing", wrong_threats),
    ("rows of what it can do that are wrong", wrong_rows),
    ("sentences of layers that are wrong", wrong_sentences),
)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = "|" + "|".join(["---", *["--:"] * (len(heads) - 1)]) + "|"
    return ["| " + " | ".join(heads) + " |", rule, *("| " + " | ".join(row) + " |" for row in rows)]
