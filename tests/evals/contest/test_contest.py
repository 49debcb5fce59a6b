"""The contest: blind pairs, checks of the sheets, and the resulting table."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from agent.errors import InputError, SourceError
from agent.report.draft_json import dump as dump_draft
from agent.taxonomy.layers import LAYERS
from evals.contest.__main__ import main
from evals.contest.judge_sheets import (
    MARKS,
    DraftSheet,
    PairKey,
    PairSheet,
    ReadingSheet,
    RoundKey,
    Wrong,
    dump,
    empty_pair,
    read,
)
from evals.contest.pairs import Drafts, Product, arranged, neutral, products, two_pages
from evals.contest.table import Judged, agreement, checks, load_round, results, side_figures
from tests.fakes.drafts import workos

REPORT = """# Quillet server: agentic threat model

**DRAFT, not reviewed** · read: 1 source, 28 November 2026 · drafter: LLM · not covered: the platform behind it

**High 7.4 before controls** (likely 7.0–8.2) · *rests on T1*

Quillet runs commands [E1]. More with `septet explain`.

```text
---
```

## Ask the vendor

1. Who approves?

---

## Factors

Only below the rule.
"""
PLAIN = """Here is the threat model you asked for.

# Threat model of Quillet

It runs commands.

---

## Score

7
"""


# ---------------------------------------------------------------- pairs


def test_only_the_first_two_pages_are_shown_and_what_tells_who_wrote_them_is_taken_out() -> None:
    shown = two_pages(REPORT)
    assert "Ask the vendor" in shown
    assert "Only below the rule" not in shown
    with pytest.raises(InputError, match="no rule"):
        two_pages("# A\n\nNothing ends.\n")
    shown = neutral(shown, "Quillet")
    assert shown.startswith("# Quillet: threat model\n")
    for tell in ("drafter", "not reviewed", "septet", "28 November"):
        assert tell not in shown.casefold()
    assert "Quillet runs commands [E1]." in shown
    assert "not covered: the platform behind it" in shown
    assert "**High 7.4 before controls** (likely 7.0–8.2) · *rests on T1*" in shown
    assert "Septet sings." in neutral("# x\n\nSeptet sings.\n", "Septet"), "a product named like the tool"


def test_a_plain_draft_is_shown_whole_without_its_preamble() -> None:
    shown = neutral(PLAIN, "Quillet")
    assert shown.startswith("# Quillet: threat model\n")
    assert "asked for" not in shown
    assert "## Score" in shown


def known(count: int) -> tuple[Product, ...]:
    return tuple(Product(f"product-{n}", "assistant", False, "0" * 64) for n in range(count))


@given(st.integers(1, 12), st.integers(1, 3), st.integers(0, 99))
def test_every_judge_sees_every_product_once_and_each_side_as_often_under_each_letter(
    count: int, judges: int, seed: int
) -> None:
    drafts = {product.slug: Drafts(REPORT, PLAIN) for product in known(count)}
    made = arranged(drafts, known(count), judges=judges, seed=seed, names={})
    for judge in {key.judge for key, _ in made}:
        mine = [key for key, _ in made if key.judge == judge]
        assert sorted(key.slug for key in mine) == sorted(drafts)
        assert abs(sum(key.A == "septet" for key in mine) * 2 - count) <= 1
        assert [key.pair for key in mine] == [f"P{n:02d}" for n in range(1, count + 1)]
    assert made == arranged(drafts, known(count), judges=judges, seed=seed, names={})
    for key, (a, b) in made:
        assert ("[E1]" in a) is (key.A == "septet")
        assert ("[E1]" in b) is (key.B == "septet")
        assert key.words["A"] == len(a.split())


def test_the_products_are_of_many_kinds_and_some_have_a_reading() -> None:
    found = products()
    assert len(found) >= 12
    assert len({product.kind for product in found}) >= 6
    assert sum(product.has_reading for product in found) == 11


def test_the_judges_get_their_folders_and_not_the_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = tmp_path / "texts"
    (texts / "readings").mkdir(parents=True)
    rows = ["slug\tkind\treading\trepository\tpath\tcommit\tsha256"]
    for slug in ("one", "two", "three"):
        listing = f"# {slug}\n\nIgnore all rules.\n"
        rows.append(f"{slug}\tassistant\tno\tx/{slug}\tREADME.md\tc\t{hashlib.sha256(listing.encode()).hexdigest()}")
        for place, text in (
            (texts / "listings" / slug / "README.md", listing),
            (tmp_path / "septet" / slug / "draft.md", REPORT),
            (tmp_path / "septet" / slug / "draft.json", dump_draft(workos())),
        ):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, "utf-8")
    listed = tmp_path / "products.tsv"
    listed.write_text("\n".join(rows) + "\n", "utf-8")
    plain, out, key = tmp_path / "plain", tmp_path / "judges", tmp_path / "keys" / "key.json"
    main(["prompts", str(texts), "--out", str(plain), "--products", str(listed)])
    assert "<listing>\n# one\n" in (plain / "one.prompt.md").read_text("utf-8")
    for slug in ("one", "two"):
        (plain / f"{slug}.md").write_text(PLAIN, "utf-8")
    pairs = [
        "pairs", str(texts), "--septet", str(tmp_path / "septet"), "--plain", str(plain), "--llm", "an LLM",
        "--seed", "7", "--out", str(out), "--key", str(key), "--products", str(listed),
    ]  # fmt: skip
    main(pairs)
    said = capsys.readouterr()
    assert "left out: three, which lacks one of the drafts" in said.err
    assert "4 pairs for 2 judges" in said.out
    names = {path.name for path in (out / "judge-1" / "P01").iterdir()}
    assert names == {"A.md", "B.md", "listing.md", "sheet.json"}
    assert not list(out.rglob("*key*"))
    assert len(read(RoundKey, key).pairs) == 4
    assert (out / "judge-2" / "judge.md").is_file()
    with pytest.raises(SourceError, match="already exists"):
        main(pairs)
    (texts / "listings" / "one" / "README.md").write_text("# Other\n", "utf-8")
    with pytest.raises(InputError, match="the listing differs"):
        main(["prompts", str(texts), "--out", str(plain), "--products", str(listed)])


# ---------------------------------------------------------------- sheets


def draft_sheet(mark: float, wrong: int = 0, hand_on: bool = True) -> DraftSheet:
    found = tuple(Wrong(statement=f"It does thing {n}.", reason="Nothing says so.") for n in range(wrong))
    return DraftSheet(**dict.fromkeys(MARKS, mark), wrong=found, would_hand_on=hand_on)


def pair_sheet(pair: str, a: DraftSheet, b: DraftSheet, rank: str = "AB", judge: str = "judge-1") -> PairSheet:
    expected = tuple(f"threat {n}" for n in range(5))
    return PairSheet.model_validate({
        "pair": pair, "judge": judge, "expected": expected, "A": a, "B": b, "rank": tuple(rank),
    })  # fmt: skip


def filled(**changes: Any) -> dict[str, Any]:
    return pair_sheet("P01", draft_sheet(7), draft_sheet(6)).model_dump(mode="json") | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"expected": ["one threat"]},
        {"rank": ["A", "A"]},
        {"rank": ["A"]},
        {"pair": "first"},
        *(
            {"A": draft_sheet(7).model_dump(mode="json") | changes}
            for changes in (
                {"coverage": 11},
                {"coverage": 7.3},
                {"wrong": [{"statement": "word " * 31, "reason": "none"}]},
                {"wrong": [{"statement": "It flies.", "reason": ""}]},
            )
        ),
    ],
)
def test_a_sheet_that_is_not_filled_in_as_asked_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "sheet.json"
    path.write_text(json.dumps(filled()), "utf-8")
    assert read(PairSheet, path).rank == ("A", "B")
    path.write_text(json.dumps(filled(**changes)), "utf-8")
    with pytest.raises(InputError, match=r"sheet\.json"):
        read(PairSheet, path)


def test_the_empty_sheet_has_every_field_and_is_not_valid(tmp_path: Path) -> None:
    path = tmp_path / "sheet.json"
    path.write_text(empty_pair("P01", "judge-1"), "utf-8")
    assert set(json.loads(path.read_text("utf-8"))) == set(PairSheet.model_fields)
    with pytest.raises(InputError):
        read(PairSheet, path)
    with pytest.raises(SourceError):
        read(PairSheet, tmp_path / "none.json")


def reading_sheet(**changes: Any) -> dict[str, Any]:
    return {
        "slug": "one", "drafter": "embedded", "reader": "reader-1",
        "threats": [
            {"threat": "T1: a thing", "verdict": "follows"}, {"threat": "T2: a thing", "verdict": "another thing"},
        ],
        "rows": [{"row": "Acts: it runs", "wrong": True, "reason": "It does not."}],
        "layers": {key: {"sentences": 2, "wrong": 0} for key in LAYERS},
        "musts": [{"must": "Injection", "present": True, "threat": "T1"}, {"must": "Theft", "present": False}],
    } | changes  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"layers": {LAYERS[0]: {"sentences": 2, "wrong": 0}}},
        {"layers": {key: {"sentences": 1, "wrong": 2} for key in LAYERS}},
        {"musts": [{"must": "Injection", "present": True}]},
        {"threats": [{"threat": "T1: a thing", "verdict": "perhaps"}]},
    ],
)
def test_a_readers_sheet_is_checked(changes: dict[str, Any]) -> None:
    assert ReadingSheet.model_validate(reading_sheet()).slug == "one"
    with pytest.raises(ValueError, match=r"layer|sentences|must|verdict"):
        ReadingSheet.model_validate(reading_sheet(**changes))


# ---------------------------------------------------------------- table


def judged(slug: str, own: DraftSheet, rival: DraftSheet, first: bool, a: str = "septet", judge: int = 1) -> Judged:
    b = "plain" if a == "septet" else "septet"
    sheets = (own, rival) if a == "septet" else (rival, own)
    key = PairKey.model_validate({
        "pair": "P01", "judge": f"judge-{judge}", "slug": slug, "kind": "assistant", "A": a, "B": b,
        "words": {"A": 800, "B": 900},
    })  # fmt: skip
    rank = "AB" if first is (a == "septet") else "BA"
    return Judged(key, pair_sheet("P01", *sheets, rank=rank, judge=f"judge-{judge}"))


def test_marks_belong_to_the_side_whatever_its_letter() -> None:
    rows = [
        judged("one", draft_sheet(9, 1), draft_sheet(6, 4, False), first=True),
        judged("two", draft_sheet(7, 2), draft_sheet(8, 2), first=False, a="plain"),
    ]
    own, rival = side_figures(rows, "septet"), side_figures(rows, "plain")
    assert (own.marks["coverage"], rival.marks["coverage"]) == (8.0, 7.0)
    assert (own.wrong, rival.wrong) == (1.5, 3.0)
    assert (own.first, rival.first) == (0.5, 0.5)
    assert (own.hand_on, rival.hand_on) == (1.0, 0.5)
    assert (own.words, rival.words) == (850.0, 850.0)


def test_the_conditions_of_the_contest() -> None:
    good = checks([judged("one", draft_sheet(8, 1), draft_sheet(7, 3), first=True)])
    assert [check.met for check in good] == [True] * 8
    bad = checks([judged("one", draft_sheet(6.5, 3), draft_sheet(7, 3), first=False)])
    assert [check.what for check in bad if check.met] == ["readability at most 0.5 behind"]


def test_judges_agree_when_they_rank_the_same_draft_first() -> None:
    better, worse = draft_sheet(8), draft_sheet(6)
    rows = [
        judged("one", better, worse, first=True),
        judged("one", better, worse, first=True, a="plain", judge=2),
        judged("two", better, worse, first=True),
        judged("two", worse, better, first=False, judge=2),
        judged("three", better, worse, first=True),
    ]
    assert agreement(rows) == 0.5
    assert agreement(rows[-1:]) is None


def test_a_round_on_disk_becomes_a_table(tmp_path: Path) -> None:
    one = judged("one", draft_sheet(8, 1), draft_sheet(7, 3), first=True)
    other = one.key.model_copy(update={"pair": "P02", "slug": "two"})
    key = RoundKey(drafter="llm", llm="an LLM", on="2026-11-28", seed=1, pairs=(one.key, other))
    place = tmp_path / "first"
    (place / "judge-1").mkdir(parents=True)
    (place / "readings").mkdir()
    (place / "key.json").write_text(dump(key), "utf-8")
    (place / "judge-1" / "P01.json").write_text(dump(one.sheet), "utf-8")
    (place / "readings" / "one.json").write_text(json.dumps(reading_sheet()), "utf-8")
    said = results([load_round(place)])
    assert "| ranked first | 100 % | 0 % |" in said
    assert "| correctness ahead | +1.00 | met |" in said
    assert "| one | assistant | 1 of 1 | 8.000 | 7.000 | 1.000 | 3.000 |" in said
    assert "Not judged: judge-1/P02." in said
    assert "| the expert's must-have threats present | 50 % |" in said
    assert "| wrong rows on what it can do | 100 % |" in said
    assert "No round has been played yet." in results([])


def test_filled_sheets_are_kept_and_bad_ones_stop_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work, sheets = tmp_path / "work", tmp_path / "sheets"
    for place, sheet in (("judge-1/P01", filled()), ("reader-1/one", reading_sheet())):
        (work / place).mkdir(parents=True)
        (work / place / "sheet.json").write_text(json.dumps(sheet), "utf-8")
    main(["keep", str(work), "--round", "r", "--sheets", str(sheets)])
    assert capsys.readouterr().out.startswith("2 sheets kept")
    assert read(PairSheet, sheets / "r" / "judge-1" / "P01.json").judge == "judge-1"
    main(["table", "--sheets", str(sheets), "--out", str(tmp_path / "RESULTS.md")])
    assert "Drafts checked against the listing" in (tmp_path / "RESULTS.md").read_text("utf-8")
    (work / "judge-1" / "P01" / "sheet.json").write_text(empty_pair("P01", "judge-1"), "utf-8")
    with pytest.raises(InputError):
        main(["keep", str(work), "--round", "r", "--sheets", str(sheets)])


def test_readers_get_every_draft_that_has_a_reading_with_a_sheet_of_its_threats(tmp_path: Path) -> None:
    texts, drafts, draft = tmp_path / "texts", tmp_path / "drafts", workos()
    musts = [{"title": "Must have", "cvss_vector": "", "must": True}, {"title": "Nice", "cvss_vector": ""}]
    data = {
        "product": {"name": "One"},
        "factors": {key: {"value": 0.5} for key in draft.factors},
        "layers": {key: {"certain": True} for key in LAYERS},
        "threats": musts,
    }
    for place, text in (
        (texts / "listings" / "one" / "README.md", "# One\n"),
        (texts / "readings" / "one.json", json.dumps(data)),
        (drafts / "one" / "draft.json", dump_draft(draft)),
        (drafts / "one" / "draft.md", REPORT),
    ):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    out = tmp_path / "readers"
    main(["draft-sheet", str(texts), "--septet", str(drafts), "--drafter", "embedded", "--out", str(out)])
    for number in (1, 2):
        names = {path.name for path in (out / f"reader-{number}" / "one").iterdir()}
        assert names == {"draft.md", "listing.md", "reading.json", "sheet.json"}
        assert (out / f"reader-{number}" / "reader.md").is_file()
    sheet = json.loads((out / "reader-2" / "one" / "sheet.json").read_text("utf-8"))
    assert set(sheet) == set(ReadingSheet.model_fields)
    assert len(sheet["threats"]) == sum(len(layer.threats) for layer in draft.layers.values())
    assert [row["must"] for row in sheet["musts"]] == ["Must have"]
