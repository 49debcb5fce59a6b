import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings, strategies as st

from agent.errors import InputError, SourceError
from agent.resources import data_folder
from agent.taxonomy.factors import FACTOR_SETS
from agent.taxonomy.layers import LAYERS
from evals.cases.case import Case
from evals.cases.corpus import card, case_files, import_file, load_case, load_cases
from evals.cases.documents import documents_of
from evals.cases.lint import lint
from evals.cases.rows import parse_lines
from evals.datasheet import README, further_labels, render

BUNDLED = data_folder("corpus")
FACTORS = FACTOR_SETS["0.5"]


def line(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "slug": "acme",
        "name": "Acme Agent",
        "vendor": "Acme Ltd",
        "category": "secret-category",
        "tagline": "Files expenses",
        "overview": ["Acme reads receipts.", "It books them."],
        "features": ["Reads receipts", "Books expenses"],
        "integrations": ["Mail"],
        "pricing": "Free",
        "docs": [{"title": "Tools & keys", "text": "Keys are kept in a file.\n\n## Logs\n\nNone are written."}],
        "sources": ["https://vendor.example/secret-source"],
        "labels": {
            "published": {"source": "https://directory.example/acme", "factors": dict.fromkeys(FACTORS, 0.3)},
            "reader": {
                "factors": dict.fromkeys(FACTORS, 0.4),
                "factor_quotes": {"persistent_memory": "Keys are kept in a file"},
                "layers": {"data_operations": {"certain": True, "quote": "Acme reads receipts"}},
                "cvss_base": 6.1,
                "headline": "Planted receipts",
            },
        },
    }
    return {**row, **changes}


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def parsed(row: dict[str, object]) -> Case:
    return next(parse_lines(json.dumps(row), "here"))


def test_import_then_load_gives_the_same_case_as_readable_files(tmp_path: Path) -> None:
    source, out = write(tmp_path / "in.jsonl", line(), line(slug="other", labels={})), tmp_path / "out"
    assert import_file(source, out).added == ("acme", "other")
    assert load_cases(out) == (parsed(line()), parsed(line(slug="other", labels={})))
    assert load_cases(out / "acme") == (parsed(line()),)
    before = {path.relative_to(out).as_posix(): path.read_text("utf-8") for path in out.rglob("*") if path.is_file()}
    names = ("case.yaml", "docs/01-tools-keys.md", "labels.yaml", "listing.md")
    assert sorted(name for name in before if name.startswith("acme/")) == [f"acme/{name}" for name in names]
    assert before["acme/listing.md"] == (
        "# Acme Agent\n\nFiles expenses\n\nAcme reads receipts.\n\nIt books them.\n\n## Features\n\n- Reads receipts\n"
        "- Books expenses\n\n## Integrations\n\n- Mail\n\n## Pricing\n\nFree\n"
    )
    assert "an opinion on this text at this date, not a finding about the product" in before["acme/case.yaml"]
    assert "quote: Keys are kept in a file" in before["acme/labels.yaml"]
    assert import_file(source, out).unchanged == ("acme", "other")
    assert all((out / name).read_text("utf-8") == text for name, text in before.items())


def test_an_edited_case_is_not_overwritten_without_force(tmp_path: Path) -> None:
    source, out = write(tmp_path / "in.jsonl", line(slug="fresh"), line()), tmp_path / "out"
    import_file(write(tmp_path / "first.jsonl", line()), out)
    listing, head = out / "acme" / "listing.md", out / "acme" / "case.yaml"
    head.write_text("# checked\n" + head.read_text("utf-8"), "utf-8")
    assert import_file(tmp_path / "first.jsonl", out).unchanged == ("acme",), "another format is no difference"
    assert head.read_text("utf-8").startswith("# checked")
    listing.write_text(listing.read_text("utf-8") + "\nEdited by hand.\n", "utf-8")
    with pytest.raises(InputError, match="1 cases differ from the existing ones: acme"):
        import_file(source, out)
    assert "Edited by hand." in listing.read_text("utf-8")
    assert not (out / "fresh").exists()
    assert import_file(source, out, force=True).replaced == ("acme",)
    assert "Edited by hand." not in listing.read_text("utf-8")
    assert sorted(path.name for path in out.iterdir()) == ["acme", "fresh"]


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({**line(slug="b"), "colour": "red"}, r"field colour: extra inputs.*in\.jsonl line 2"),
        ({key: value for key, value in line(slug="b").items() if key != "tagline"}, r"field tagline: .*line 2"),
        (line(slug="b", name="Two\nlines"), r"field name: .*line 2"),
        (line(slug="../b"), r"field slug: .*line 2"),
        (line(slug="b", overview=[]), r"field overview: .*line 2"),
        (line(slug="b", docs=[{"title": "T", "text": "x", "url": "y"}]), r"field docs\.0\.url: .*line 2"),
        (
            line(slug="b", labels={"published": {"source": "s", "factors": {"autonomy_of_action": 1.2}}}),
            r"field labels\.published\.factors\.autonomy_of_action: .*line 2",
        ),
        (line(slug="b", labels={"published": {"source": "s", "factors": {"charm": 0.2}}}), r"factors\.charm.*line 2"),
        (
            line(slug="b", labels={"reader": {"layers": {"data_operations": {"certain": "yes"}}}}),
            r"field labels\.reader\.layers\.data_operations\.certain: .*line 2",
        ),
        (line(), r"slug 'acme' occurs twice, .*line 2"),
        ("text", r"line 2"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_written(tmp_path: Path, second: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        import_file(write(tmp_path / "in.jsonl", line(), second), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"slug": "a",\n', "line 1 column"),
        ('{"slug": "a", "slug": "b"}\n', "key 'slug' occurs twice"),
        ('{"slug": NaN}\n', "NaN is not a JSON number"),
        ("\n\n", "no case found"),
        ("[" * 100_000, "line 1"),
    ],
)
def test_text_that_is_no_case(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "in.jsonl").write_text(text, "utf-8")
    with pytest.raises(InputError, match=said):
        import_file(tmp_path / "in.jsonl", tmp_path / "out")


def test_unreadable_files_are_source_errors(tmp_path: Path) -> None:
    (tmp_path / "latin.jsonl").write_bytes(b'{"slug": "caf\xe9"}')
    with pytest.raises(SourceError, match="not UTF-8"):
        import_file(tmp_path / "latin.jsonl", tmp_path / "out")
    with pytest.raises(SourceError, match="cannot be read"):
        import_file(tmp_path / "nothing.jsonl", tmp_path / "out")
    with pytest.raises(SourceError, match="no such folder"):
        load_cases(tmp_path / "nowhere")
    (tmp_path / "out").mkdir()
    with pytest.raises(SourceError, match="no case found"):
        load_cases(tmp_path / "out")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("case.yaml", "category:", "kategorie:", r"field kategorie: extra"),
        ("case.yaml", "name: Acme Agent", "name: A\nname: B", r"key 'name' occurs twice, .*case\.yaml line 2"),
        ("labels.yaml", "value: 0.4", "value: much", r"field reader\.factors\.\w+\.value: "),
        ("labels.yaml", "published:", "published: [", r"not valid YAML"),
    ],
)
def test_a_bad_edit_names_file_and_field(tmp_path: Path, file: str, old: str, new: str, said: str) -> None:
    import_file(write(tmp_path / "in.jsonl", line()), tmp_path / "out")
    path = tmp_path / "out" / "acme" / file
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(InputError, match=said) as caught:
        load_case(path.parent)
    assert file in caught.value.where


def test_missing_labels_are_missing_not_zero(tmp_path: Path) -> None:
    reader = {"factors": {"autonomy_of_action": 0.5, "persistent_memory": None}, "layers": {"data_operations": None}}
    case = parsed(line(labels={"published": None, "reader": reader}))
    assert case.published is None
    assert case.reader is not None
    assert set(case.reader.factors) == {"autonomy_of_action"}
    assert case.reader.layers == {}
    assert case.reader.cvss_base is None
    import_file(write(tmp_path / "in.jsonl", line(labels={"reader": reader})), tmp_path / "out")
    (tmp_path / "out" / "acme" / "labels.yaml").unlink()
    assert load_case(tmp_path / "out" / "acme").labels.reader is None


def test_an_example_counts_for_nothing_and_nothing_but_the_text_reaches_a_drafter() -> None:
    case = parsed(line(example=True))
    assert case.labels.published is not None
    assert case.published is case.reader is None
    documents = documents_of(case)
    assert [document.kind for document in documents] == ["listing", "docs"]
    everything = "".join(document.model_dump_json() for document in documents)
    for hidden in ("secret-category", "Acme Ltd", "secret-source", "Planted receipts", "directory.example"):
        assert hidden not in everything
    short = card(parsed(line()))
    assert short.listing.markdown == "# Acme Agent\n\nFiles expenses\n\nAcme reads receipts.\n"
    assert short.docs == ()


def test_lint_finds_quotes_that_are_not_in_the_text() -> None:
    quotes = {"factors": {"persistent_memory": 0.4}, "factor_quotes": {"persistent_memory": "keys in vault"}}
    assert "persistent_memory" in lint([parsed(line(labels={"reader": quotes}))])[0]


@settings(max_examples=40, deadline=None)
@given(
    name=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), min_size=1).filter(str.strip),
    quote=st.text(st.characters(codec="utf-8"), min_size=1),
)
@example(name="0", quote="\x85")
@example(name="0", quote="a\u2028b\u2029c")
def test_yaml_keeps_any_text(tmp_path_factory: pytest.TempPathFactory, name: str, quote: str) -> None:
    folder = tmp_path_factory.mktemp("case")
    labels = {"reader": {"factors": {"persistent_memory": 0.4}, "factor_quotes": {"persistent_memory": quote}}}
    row = line(name=name, labels=labels)
    import_file(write(folder / "in.jsonl", row), folder / "out")
    assert load_case(folder / "out" / "acme") == parsed(row)


def test_the_bundled_corpus_is_complete_and_clean() -> None:
    cases = load_cases(BUNDLED / "cases")
    assert len(cases) == 227
    assert [case.slug for case in cases if case.example] == ["workos"]
    assert sum(case.reader is not None for case in cases) == 226
    assert sum(case.published is not None and case.published.aivss is not None for case in cases) == 57
    assert all(set(case.published.factors) == set(FACTORS) for case in cases if case.published)
    assert all(set(case.reader.layers) == set(LAYERS) for case in cases if case.reader)
    assert lint(cases) == ()


def test_every_bundled_case_writes_back_to_its_own_files() -> None:
    for case in load_cases(BUNDLED / "cases"):
        for name, text in case_files(case).items():
            assert (BUNDLED / "cases" / case.slug / name).read_text("utf-8") == text


def test_further_labels_are_of_other_products() -> None:
    further = further_labels(BUNDLED / "labels_only.csv")
    assert len({row.slug for row in further}) == len(further) == 347
    assert {row.slug for row in further}.isdisjoint(case.slug for case in load_cases(BUNDLED / "cases"))
    assert all(row.source.startswith("https://") for row in further)


def test_the_datasheet_is_current() -> None:
    assert (BUNDLED / README).read_text("utf-8") == render(BUNDLED)
