"""draft.json and `septet explain`: stored drafts load again, and every item can be explained."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli.explain import command
from agent.errors import InputError, IntegrityError, SchemaError, SourceError
from agent.intake.snapshots import store
from agent.records import Draft, Snapshot
from agent.report.draft_json import dump, dump_documents, load, parse, verify_evidence
from agent.report.explain.explanation import explain, text
from agent.report.explain.explanation_items import Explanation, as_json_text
from agent.report.explain.sensitivity import swings
from agent.scoring import Request, score
from tests.fakes.drafts import thin, workos, workos_documents


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "draft.json").write_bytes(dump(workos()).encode())
    return tmp_path


@pytest.mark.parametrize("draft", [workos(), thin()], ids=["rich", "thin"])
def test_a_draft_loads_as_it_was_written(draft: Draft) -> None:
    written = dump(draft)
    assert parse(written, where="draft.json") == draft
    assert dump(parse(written, where="draft.json")) == written
    assert written.endswith("}\n")
    assert "\r" not in written


def test_keys_are_sorted_and_scores_are_numbers() -> None:
    raw = json.loads(dump(workos()))
    assert list(raw) == sorted(raw)
    assert raw["schema"] == "septet/draft/1"
    assert raw["score"]["aivss"] == 7.9
    assert '"aivss": 7.9' in dump(workos())
    assert raw["chains"][0]["hops"][0].keys() == {"from", "to", "evidence"}


def test_a_folder_and_its_file_are_the_same_draft(folder: Path) -> None:
    assert load(folder) == load(folder / "draft.json") == workos()
    with pytest.raises(SourceError, match="there is no draft here"):
        load(folder / "none")


def _changed(**changes: object) -> str:
    raw = json.loads(dump(workos()))
    raw.update(changes)
    return json.dumps(raw)


@pytest.mark.parametrize(
    ("written", "error", "says"),
    [
        ("{", InputError, "malformed JSON"),
        ("[]", InputError, "not a JSON object"),
        ('{"schema": "septet/draft/1", "schema": "x"}', InputError, "appears twice"),
        ('{"schema": NaN}', InputError, "not a number"),
        ("[" * 100_000, InputError, "nested too deeply"),
        ("{}", SchemaError, "no schema"),
        ('{"schema": "septet/draft/2"}', SchemaError, "newer schema"),
        ('{"schema": "other/draft/1"}', SchemaError, "unknown schema"),
        (_changed(extra=1), InputError, "extra"),
        (_changed(evidence=[]), InputError, "cited but missing from the evidence"),
    ],
)
def test_what_is_not_a_draft_is_refused(written: str, error: type[InputError], says: str) -> None:
    with pytest.raises(error, match=says) as caught:
        parse(written, where="draft.json")
    assert caught.value.hint


def test_a_changed_score_is_refused() -> None:
    raw = json.loads(dump(workos()))
    raw["score"]["aivss"] = 4.2
    with pytest.raises(IntegrityError, match="differs from the recomputed one"):
        parse(json.dumps(raw), where="draft.json")


def test_a_changed_quote_is_refused(folder: Path) -> None:
    changed = workos_documents()[0].model_copy(update={"text": workos_documents()[0].text.replace("tools", "wands")})
    with pytest.raises(IntegrityError, match="E1"):
        load(folder, [changed])
    with pytest.raises(IntegrityError, match="missing"):
        verify_evidence(workos(), [])
    verify_evidence(workos(), workos_documents())


def test_snapshots_beside_a_draft_are_checked(folder: Path) -> None:
    (read,) = workos_documents()
    body = read.text.encode()
    same = {name: getattr(read, name) for name in ("sha256", "fetched_at", "media_type", "kind")}
    snapshot = Snapshot(requested_url=read.url, final_url=read.url, size=len(body), **same)
    blob = store(folder / "snapshots", snapshot, body)
    texts = folder / "snapshots" / "documents.json"
    texts.write_text(dump_documents([read]), "utf-8")
    assert load(folder) == workos()
    changed = read.text.replace("tools", "wands")
    texts.write_text(dump_documents([read.model_copy(update={"text": changed})]), "utf-8")
    with pytest.raises(IntegrityError, match="E1"):
        load(folder)
    texts.write_text(dump_documents([read.model_copy(update={"text": read.text + "!"})]), "utf-8")
    with pytest.raises(IntegrityError, match="belongs to no source"):
        load(folder)
    texts.unlink()
    assert load(folder) == workos()
    blob.write_bytes(body + b"!")
    with pytest.raises(IntegrityError, match="bytes of a snapshot were changed"):
        load(folder)


ITEMS = (
    ("autonomy_of_action", "factor", "a person makes the change −0.12 (E2)"),
    ("Autonomy of Action", "factor", "Lowered by"),
    ("natural_language_interface", "factor", "not counted: not in factor set 0.5"),
    ("agent_frameworks", "layer", "certain, certainty 0.80"),
    ("L1", "layer", "LLM and provider: no quote in D1"),
    ("L3-lookup-parameters", "threat", "yes, the draft's base comes from this threat"),
    ("#2", "threat", "Require a second reviewer for sign-on code"),
    ("e2", "evidence", "autonomy_of_action"),
    ("E2", "evidence", "not counted"),
    ("Q1", "question", "narrows the likely range by 0.4 points"),
    ("Q3", "question", "no effect on the likely range"),
    ("C1", "capability", "not stated"),
    ("chain 2", "chain", "no quote: an open question"),
    ("From a planted guide to vault reads", "chain", "a quote supports it (E1)"),
    ("score", "score", "cvss_base"),
)


@pytest.mark.parametrize(("item", "kind", "says"), ITEMS)
def test_every_kind_of_item_is_explained(item: str, kind: str, says: str) -> None:
    explanation = explain(workos(), item)
    assert explanation.kind == kind
    assert says in text(explanation)
    assert Explanation.model_validate_json(as_json_text(explanation)) == explanation


def test_the_overview_ranks_what_moves_the_score() -> None:
    shown = text(explain(workos()))
    assert shown.index("cvss_base ") < shown.index("autonomy_of_action ") < shown.index("self_modification ")
    assert "3 of 7; below 2, no score is shown" in shown


def test_a_withheld_draft_is_explained() -> None:
    withheld = "no layer is certain and no threat has a quote; with typical values, it would be 4.5"
    assert withheld in text(explain(thin()))


@pytest.mark.parametrize(
    ("item", "near"), [("autonomy_of_actoin", "autonomy_of_action"), ("L9", "L3"), ("E99", "E"), ("", "score")]
)
def test_an_unknown_item_names_near_ones(item: str, near: str) -> None:
    with pytest.raises(InputError, match="no item") as caught:
        explain(workos(), item)
    assert near in caught.value.hint


def test_a_swing_is_what_the_scorer_gives_at_its_ends() -> None:
    draft = workos()
    for swing in swings(draft.score):
        if swing.name in draft.factors:
            inputs = draft.score.inputs
            assert inputs is not None
            assert inputs.factors is not None
            factors = dict(inputs.factors)
            for end, expected in ((swing.low, swing.score_low), (swing.high, swing.score_high)):
                one = factors[swing.name]  # type: ignore[index]
                changed = factors | {swing.name: one.model_copy(update={"value": end, "low": end, "high": end})}
                terms = {"cvss_vector": draft.score.cvss_vector, "cvss_base": inputs.cvss_base, "factors": changed}
                again = score(Request(**terms, factor_set="0.5", mode="directory"))  # type: ignore[arg-type]
                assert again.aivss is not None
                assert abs(again.aivss - expected) <= 0.05


def test_the_verb_prints_text_and_json(folder: Path) -> None:
    runner = CliRunner()
    plain = runner.invoke(command, [str(folder), "E2"])
    assert plain.exit_code == 0
    assert plain.stdout == text(explain(workos(), "E2"))
    as_json = runner.invoke(command, [str(folder), "E2", "--json"])
    assert json.loads(as_json.stdout)["schema"] == "septet/explain/1"
    assert json.loads(as_json.stdout)["item"] == "E2"
