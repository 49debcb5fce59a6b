"""Real listings against an expert's reading: the comparison, the facts, and what happens without the texts."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agent.drafting.calibration import load_calibration
from agent.errors import DriftError, InputError, SourceError, UsageError
from agent.facts.readers.outlook import load_outlook
from agent.facts.sheet import fact_id
from agent.pipeline import draft_reading, read_documents
from agent.records import Draft, Evidence, Fact, FactAbout, FactSource, MadeBy, Missing, Polarity
from agent.report.draft_json import dump
from agent.taxonomy.factors import FACTOR_SETS
from agent.taxonomy.layers import LAYERS
from evals.cases.documents import file_document
from evals.real.__main__ import ABSENT, SHIPPED, main
from evals.real.against_readings import compare, failed, figures, targets
from evals.real.drafting import NOW
from evals.real.facts import FactRow, Labelled, Place, by_key, fact_figures, fact_row, read_gold
from evals.real.holdout import RealHoldout
from evals.real.listing_tables import as_json, facts_markdown, markdown
from evals.real.readings import Reading, listing_of, load_readings, texts_folder
from evals.runs.holdout import Constants
from tests.fakes.draft_parts import document, quote
from tests.fakes.drafts import workos

FACTORS = FACTOR_SETS["0.5"]
HIGH = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H"


def reading(draft: Draft, by: float = 0.0, **changes: Any) -> Reading:
    """Return a reading that agrees with a draft, except that its factors differ by `by`."""
    data: dict[str, Any] = {
        "slug": "one",
        "product": {"name": draft.product.name, "accepted_names": ["Another"], "kind": "coding-agent", "vendor": "x"},
        "factors": {key: {"value": abs(round(float(draft.factors[key].value) - by, 6))} for key in FACTORS},
        "layers": {key: {"certain": draft.layers[key].certain, "quote": None} for key in LAYERS},
        "threats": [{"title": "t", "cvss_vector": str(draft.score.cvss_vector), "must": True, "asi": "ASI99"}],
        "capabilities": [{"action": "runs"}],
    }
    return Reading.model_validate(data | changes)


DRAFT = workos()


def test_a_draft_that_agrees_has_no_error() -> None:
    row = compare(reading(DRAFT), DRAFT)
    assert (row.error, row.name, row.factor_error, row.bias, row.inside) == (None, True, 0.0, 0.0, 1.0)
    found = figures([row])
    assert (found["factor_mae"], found["factor_sum_mae"], found["base_mae"]) == (0.0, 0.0, 0.0)
    assert found["musts_by_asi"] == 0.0
    assert found["share_high"] == found["share_high_expert"]
    data = json.loads(as_json("embedded", [row], found))
    assert data["figures"]["products"] == 1.0
    assert Decimal(str(data["products"][0]["base"])) == DRAFT.score.cvss_base


def test_a_draft_without_the_threats_of_its_llm_is_counted() -> None:
    unreached = Missing(reason="unreachable", detail="no answer")
    part = MadeBy(part="threats", by="embedded", missing=unreached)
    cut_off = DRAFT.drafter.model_copy(update={"parts": (part,)})
    rows = [compare(reading(DRAFT), DRAFT), compare(reading(DRAFT), DRAFT.model_copy(update={"drafter": cut_off}))]
    assert figures(rows)["partial"] == 1.0


def test_the_error_of_the_factors_and_of_their_sum() -> None:
    row = compare(reading(DRAFT, -0.1), DRAFT)
    assert row.factor_error == pytest.approx(0.1)
    assert figures([row])["factor_sum_bias"] == pytest.approx(-1.0)


def test_positive_is_not_certain() -> None:
    uncertain = sum(not DRAFT.layers[key].certain for key in LAYERS)
    assert 0 < uncertain < len(LAYERS)
    all_certain = reading(DRAFT, layers={key: {"certain": True} for key in LAYERS})
    assert figures([compare(all_certain, DRAFT)])["flag_precision"] == 0.0
    agreeing = figures([compare(reading(DRAFT), DRAFT)])
    assert (agreeing["flag_precision"], agreeing["flag_recall"], agreeing["flag_f1"]) == (1.0, 1.0, 1.0)


def with_product(**update: object) -> Draft:
    return DRAFT.model_copy(update={"product": DRAFT.product.model_copy(update=update)})


def test_names_are_compared_without_case_and_marks() -> None:
    read = reading(DRAFT, product={"name": "WorkOS", "kind": "other"})
    names = {"WORK-OS": True, "work os": True, "Works": False}
    assert {name: compare(read, with_product(name=name)).name for name in names} == names


def test_kinds_of_the_readings_in_the_products_words() -> None:
    for said, kind in (
        ("assistant/app", "assistant"),
        ("voice-agent-platform", "voice-agent"),
        ("mcp-server", "mcp-server"),
        ("?", "other"),
    ):
        read = reading(DRAFT, product={"name": "x", "kind": said})
        assert read.kind == kind
        assert compare(read, with_product(kind=kind)).kind is True
    assert figures([compare(reading(DRAFT), with_product(kind=None))])["kind_right"] is None, "without a kind no count"


def test_a_failed_draft_counts_as_the_worst_and_is_named() -> None:
    lost = failed(reading(DRAFT), "InputError: no text")
    found = figures([lost, compare(reading(DRAFT), DRAFT)])
    assert (found["products"], found["failed"], found["name_right"]) == (2.0, 1.0, 0.5)
    assert (found["factor_mae"] or 0) >= 0.25
    assert (found["flag_f1"] or 0) < 1.0
    assert "one could not be drafted: InputError: no text" in markdown([lost], found, "x")


def test_a_withheld_score_takes_no_part_in_the_share_of_high_scores_and_its_base_does() -> None:
    score = DRAFT.score.model_copy(update={"withheld": "headline", "aivss": None, "cvss_base": None})
    row = compare(reading(DRAFT), DRAFT.model_copy(update={"score": score}))
    found = figures([row])
    assert (found["share_high"], found["withheld"]) == (None, 1.0)
    assert row.base == float(DRAFT.score.cvss_base or 0)


def test_the_experts_share_is_of_their_own_bases_and_factors() -> None:
    ones = {key: {"value": 1.0} for key in FACTORS}
    row = compare(reading(DRAFT, factors=ones, threats=[{"title": "t", "cvss_vector": HIGH}]), DRAFT)
    assert row.read_base == 10.0
    assert figures([row])["share_high_expert"] == 1.0
    assert figures([row])["musts_by_asi"] is None


def test_what_is_asked_of_each_drafter() -> None:
    good = {
        "kind_right": 0.96, "factor_mae": 0.07, "flag_f1": 0.9, "base_mae": 0.7, "share_high": 0.7,
        "share_high_expert": 0.62,
    }  # fmt: skip
    assert all(target.met for drafter in ("embedded", "llm") for target in targets(good, drafter))
    between = good | {"kind_right": 0.9, "factor_mae": 0.1, "flag_f1": 0.8, "base_mae": 0.84}
    assert all(target.met for target in targets(between, "embedded"))
    assert [target.met for target in targets(between, "llm")] == [False, False, False, False, True]
    assert not any(target.met for target in targets({}, "embedded"))
    assert targets(good, "another") == []


# ---------------------------------------------------------------- facts

TEXT = "It runs any shell command. It deletes stale branches. Nobody labelled this sentence about mail."
PAGE = document("D1", "README.md", "Tool", TEXT)


def fact(key: str, mark: str, polarity: Polarity = "asserted", about: FactAbout = "product", **more: Any) -> Fact:
    return Fact(
        id=fact_id(key, polarity, about, ()), key=key, polarity=polarity, about=about, evidence=(mark,),
        sources=(FactSource(reader="embedded", confidence=0.9),), rank=2, confidence=0.9, state="claimed", **more,
    )  # fmt: skip


QUOTES: tuple[Evidence, ...] = (
    quote(1, PAGE, "It runs any shell command."),
    quote(2, PAGE, "It deletes stale branches."),
    quote(3, PAGE, "Nobody labelled this sentence about mail."),
)
PLACES = (Place(0, 26, frozenset({"runs_commands"})), Place(27, 53, frozenset({"changes_repo", "-spends_money"})))


def measured(*facts: Fact) -> FactRow:
    return fact_row("one", facts, QUOTES, {"D1": Labelled(TEXT, PAGE, PLACES)}, {"README.md": PLACES})


def test_facts_are_right_wrong_or_not_judged() -> None:
    row = measured(fact("runs_commands", "E1"), fact("deletes_data", "E2"), fact("sends_messages", "E3"))
    assert (row.right, row.wrong, row.outside) == (("runs_commands",), ("deletes_data",), ("sends_messages",))
    assert row.found == ("runs_commands",)
    assert set(row.missed) == {"changes_repo", "-spends_money"}
    found = fact_figures([row])
    assert found["fact_precision"] == 0.5
    assert found["fact_recall"] == pytest.approx(1 / 3, abs=1e-6)
    assert by_key([row]) == {"deletes_data": (0, 1), "runs_commands": (1, 0)}
    assert "| deletes_data | 0 | 1 |" in facts_markdown([row], found)


def test_a_denial_is_not_an_assertion() -> None:
    assert measured(fact("spends_money", "E2", "denied")).right == ("-spends_money",)
    assert measured(fact("spends_money", "E2")).wrong == ("spends_money",)


def test_facts_about_others_and_those_that_do_not_count_are_left_out() -> None:
    row = measured(fact("runs_commands", "E1", about="other"), fact("deletes_data", "E2", counts=False))
    assert (row.right, row.wrong, row.outside) == ((), (), ())


def test_labels_are_found_in_the_text_that_intake_made() -> None:
    raw = "# Tool\n\nIt runs **any** [shell](https://example.org) command.\n"
    read = document("D1", "README.md", "Tool", "Tool\n\nIt runs any shell command.")
    found = Labelled(raw, read, [Place(8, len(raw) - 1, frozenset())])
    assert found.holds(quote(1, read, "any shell command"))
    assert not found.holds(quote(1, read, "Tool"))


# ---------------------------------------------------------------- files and the command


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    rows = "slug\tfile\tsha256\tstart\tend\trole\tfacts\none\tREADME.md\tx\t0\t5\tB\truns_code,-spends_money\n"
    for name, text in (
        ("readings/one.json", reading(DRAFT).model_dump_json()),
        ("listings/one/README.md", "# One\n\nOne runs shell commands for its user, and asks before each command.\n"),
        ("drafts/one/draft.json", dump(DRAFT)),
        ("labels.tsv", rows),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_without_the_texts_it_says_so_and_stops(
    texts: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SEPTET_REAL", raising=False)
    for words in ([], ["facts"]):
        main(words)
        assert capsys.readouterr().out.strip() == ABSENT
    assert texts_folder(None, {}) is None
    assert texts_folder(None, {"SEPTET_REAL": str(texts)}) == texts
    with pytest.raises(SourceError, match="no real pages"):
        texts_folder(texts / "listings", {})


def test_drafts_that_are_there_are_compared_and_a_missing_one_failed(
    texts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(texts), "--drafts", str(texts / "drafts"), "--out", str(texts / "out"), "--shipped"])
    said = capsys.readouterr().out
    assert "| factor_mae | 0.000 |" in said
    assert SHIPPED in said
    assert (texts / "out" / "real.md").read_text("utf-8") == said
    data = json.loads((texts / "out" / "real.json").read_text("utf-8"))
    assert (data["schema"], data["products"][0]["slug"]) == ("septet/real/1", "one")
    main([str(texts), "--drafts", str(texts / "none"), "--shipped"])
    assert "one could not be drafted: SourceError" in capsys.readouterr().out


def test_answers_that_are_not_there_stop_the_run(texts: Path) -> None:
    with pytest.raises(DriftError, match="no recorded answers"):
        main([str(texts), "--drafter", "llm", "--replay", str(texts / "answers"), "--shipped"])
    with pytest.raises(UsageError, match="needs an LLM"):
        main([str(texts), "--drafter", "llm", "--record", str(texts)])
    with pytest.raises(UsageError, match="no answers were given"):
        main([str(texts), "--drafter", "llm"])


def test_the_first_page_that_is_there_is_drafted_and_kept(texts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert listing_of(texts, "one").name == "README.md"
    main([str(texts), "--out", str(texts / "out"), "--only", "one", "--shipped"])
    assert "| failed | 0.000 |" in capsys.readouterr().out
    assert json.loads((texts / "out" / "one" / "draft.json").read_text("utf-8"))["product"]["name"] == "One"
    (texts / "listings" / "one" / "listing.md").write_text("# One\n", "utf-8")
    assert listing_of(texts, "one").name == "listing.md"
    with pytest.raises(SourceError):
        listing_of(texts, "two")


def test_constants_of_a_holdout_replace_the_bundled_ones(texts: Path) -> None:
    page = listing_of(texts, "one")
    documents = (file_document(page.read_bytes(), page.name),)
    made = draft_reading(read_documents(documents), name="One", calibration=load_calibration(), created_at=NOW)
    bundled = RealHoldout({"one": Constants(load_calibration(), load_outlook())})
    assert bundled.drafted("one", made, documents).factors == made.factors
    assert bundled.recomposed("one", made, documents) == made

    certainty = load_calibration().certainty.model_copy(update={"threshold": 1.0})
    strict = RealHoldout(
        {"one": Constants(load_calibration().model_copy(update={"certainty": certainty}), load_outlook())}
    )
    for changed in (strict.drafted("one", made, documents), strict.recomposed("one", made, documents)):
        assert not any(layer.certain for layer in changed.layers.values())
    with pytest.raises(KeyError):
        bundled.recomposed("two", made, documents)


def test_labels_by_product_and_file(texts: Path) -> None:
    (place,) = read_gold(texts)["one"]["README.md"]
    assert place.facts == {"runs_code", "-spends_money"}
    with pytest.raises(SourceError, match="no labels"):
        read_gold(texts / "readings")


@pytest.mark.parametrize("broken", ["{", '{"product": {"name": "x"}, "factors": {}, "layers": {}}'])
def test_a_malformed_reading_is_named(texts: Path, broken: str) -> None:
    (texts / "readings" / "bad.json").write_text(broken, "utf-8")
    with pytest.raises(InputError, match=r"bad\.json"):
        load_readings(texts)
