"""Render stored sheets as tables: the contest's result, and the error counts of single drafts."""

from collections import defaultdict
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
from evals.script import markdown

FIRST: Final = 0.80
WRONG: Final = 2.0
BEHIND: Final = {"coverage": 0.3, "readability": 0.5}
"""The margin by which Septet may trail the plain draft in these marks; in all others it has to lead."""
_HEADS: Final = (
    "product", "kind", "septet first", "septet: mean mark", "plain: mean mark", "septet: wrong", "plain: wrong",
)  # fmt: skip


class Judged(NamedTuple):
    """A judge's sheet with its key."""

    key: PairKey
    sheet: PairSheet

    def of(self, side: Side) -> DraftSheet:
        """Return the sheet on one side's draft."""
        return self.sheet.of(self.key.letter(side))

    def is_first(self, side: Side) -> bool:
        """Return whether the judge ranked this side's draft first."""
        return self.sheet.rank[0] == self.key.letter(side)


class Round(NamedTuple):
    """One round as stored."""

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
        marks={mark: mean(getattr(sheet, mark) for sheet in sheets) for mark in MARKS},
        wrong=mean(len(sheet.wrong) for sheet in sheets),
        first=mean(one.is_first(side) for one in judged),
        hand_on=mean(sheet.would_hand_on for sheet in sheets),
        words=mean(one.key.words[one.key.letter(side)] for one in judged),
    )


def agreement(judged: Sequence[Judged]) -> float | None:
    """Return the share of products with several judges for which all judges ranked the same draft first."""
    firsts: dict[str, list[bool]] = defaultdict(list)
    for one in judged:
        firsts[one.key.slug].append(one.is_first("septet"))
    return mean(len(set(found)) == 1 for found in firsts.values() if len(found) > 1)


def checks(judged: Sequence[Judged]) -> list[Check]:
    """Check whether Septet with an LLM meets the conditions of the contest."""
    own, rival = side_figures(judged, "septet"), side_figures(judged, "plain")
    found = [Check(f"first in at least {percent(FIRST)} of the pairs", percent(own.first), (own.first or 0) >= FIRST)]
    for mark in MARKS:
        ahead = (own.marks[mark] or 0) - (rival.marks[mark] or 0)
        room = BEHIND.get(mark)
        what = f"{mark} ahead" if room is None else f"{mark} at most {room} behind"
        found.append(Check(what, f"{ahead:+.2f}", ahead > 0 if room is None else round(ahead, 6) >= -room))
    wrong = own.wrong or 0.0
    fewer = bool(own.sheets) and wrong < (rival.wrong or 0.0)
    found.append(Check(f"at most {WRONG} wrong statements per draft", number(own.wrong), wrong <= WRONG))
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
        lines += ["", f"## {one.name}"]
        for part in _parts(one):
            lines += ["", *part]
    if not rounds:
        lines += ["", "No round has been played yet."]
    return "\n".join(lines) + "\n"


def _parts(one: Round) -> Iterator[Sequence[str]]:
    judged, key = one.judged, one.key
    if key is not None:
        products, kinds, judges = (len({getattr(pair, of) for pair in key.pairs}) for of in ("slug", "kind", "judge"))
        yield [
            f"{key.on} · {key.drafter} drafter · LLM: {key.llm} · {products} products of {kinds} kinds · "
            f"{judges} judges · {len(judged)} sheets"
        ]
        yield _marks(judged)
        if key.drafter == "llm":
            found = [(check.what, check.value, "met" if check.met else "**not met**") for check in checks(judged)]
            yield markdown(("asked", "found", ""), found)
        yield _products(judged)
        same = agreement(judged)
        if same is not None:
            yield [f"The judges rank the same draft first in {percent(same)} of the products that two of them saw."]
        if one.missing:
            yield [f"Not judged: {', '.join(one.missing)}."]
    if one.readings:
        yield ["Drafts checked against the listing and an expert's reading:", "", *_readings(one.readings)]


def _marks(judged: Sequence[Judged]) -> list[str]:
    found = [side_figures(judged, side) for side in SIDES]
    rows = [(mark, *(number(side.marks[mark]) for side in found)) for mark in MARKS]
    rows += [
        ("wrong statements per draft", *(number(side.wrong) for side in found)),
        ("ranked first", *(percent(side.first) for side in found)),
        ("would pass on", *(percent(side.hand_on) for side in found)),
        ("words", *(number(side.words) for side in found)),
    ]
    return markdown(("mean", *SIDES), rows)


def _products(judged: Sequence[Judged]) -> list[str]:
    rows = []
    for slug in sorted({one.key.slug for one in judged}):
        mine = [one for one in judged if one.key.slug == slug]
        sides = [side_figures(mine, side) for side in SIDES]
        firsts = f"{sum(one.is_first('septet') for one in mine)} of {len(mine)}"
        figures = (*(mean(side.marks.values()) for side in sides), *(side.wrong for side in sides))
        rows.append((slug, mine[0].key.kind, firsts, *(number(value) for value in figures)))
    return markdown(_HEADS, rows)


def _readings(sheets: Sequence[ReadingSheet]) -> list[str]:
    drafters = sorted({sheet.drafter for sheet in sheets})
    groups = [[sheet for sheet in sheets if sheet.drafter == drafter] for drafter in drafters]
    rows: list[tuple[str, ...]] = []
    for title, of in _SHARES.items():
        counted = [[of(sheet) for sheet in group] for group in groups]
        shares = [share(sum(part for part, _ in pairs), sum(whole for _, whole in pairs)) for pairs in counted]
        rows.append((title, *map(percent, shares)))
    rows.append(("drafts", *(str(len({sheet.slug for sheet in group})) for group in groups)))
    rows.append(("readers", *(str(len({sheet.reader for sheet in group})) for group in groups)))
    return markdown(("share", *drafters), rows)


_SHARES: Final[dict[str, Callable[[ReadingSheet], tuple[int, int]]]] = {
    "the expert's must-have threats present": lambda sheet: (sum(one.present for one in sheet.musts), len(sheet.musts)),
    "threats that do not follow or concern something else": lambda sheet: (
        sum(one.verdict != "follows" for one in sheet.threats),
        len(sheet.threats),
    ),
    "wrong rows on what it can do": lambda sheet: (sum(one.wrong for one in sheet.rows), len(sheet.rows)),
    "wrong sentences about layers": lambda sheet: (
        sum(one.wrong for one in sheet.layers.values()),
        sum(one.sentences for one in sheet.layers.values()),
    ),
}
"""Row title → function that returns two counts from a reader's sheet: the number found and the number checked."""
