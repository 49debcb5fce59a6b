"""Laws of the fact sheet: order does not matter, merging is idempotent, and a struck fact leaves no trace."""

from collections.abc import Sequence
from functools import partial

import pytest
from hypothesis import given, settings, strategies as st
from pydantic import ValidationError

from agent.errors import InputError
from agent.facts.sheet import build_sheet, combined, counted, join, merge, without
from agent.records import Evidence, Fact, FactSheet, FactSource, Outlook, Search
from tests.fakes.drafting.sheets import fact as fact_of_reader

EVIDENCE = tuple(
    Evidence(id=f"E{n}", document="D1", start=10 * n, end=10 * n + 5, quote="words", rank=2, about="product")
    for n in range(1, 7)
)
LOOKED = (Search(reader="llm", documents=("D1",), statements=9),)
KEYS = ("runs_commands", "writes_files", "read_only", "sandbox", "endpoint_auth", "endpoint_no_auth", "memory_long")
SLOT_NAMES = ("object", "scope", "part")
fact = partial(fact_of_reader, reader="llm", confidence=0.5)
facts = st.builds(
    lambda key, marks, slots, **how: fact(key, *sorted(marks), **how, **slots),
    st.sampled_from(KEYS),
    st.sets(st.sampled_from([item.id for item in EVIDENCE]), min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(SLOT_NAMES), st.sampled_from(("files", "Files ", "the server")), max_size=3),
    polarity=st.sampled_from(("asserted", "denied", "configurable")),
    about=st.sampled_from(("product", "platform")),
    reader=st.sampled_from(("llm", "embedded", "manifest")),
    confidence=st.floats(0, 1),
    rank=st.integers(0, 5),
)
many = st.lists(facts, max_size=12)


def sheet(items: Sequence[Fact]) -> FactSheet:
    return build_sheet(items, EVIDENCE, LOOKED)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(many, st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_matter(items: list[Fact], random: object) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)
    assert sheet(shuffled) == sheet(items)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(many)
def test_merging_twice_changes_nothing_and_neither_does_saying_a_thing_twice(items: list[Fact]) -> None:
    once = merge(items)
    assert merge(once) == once
    assert merge([*items, *items]) == once


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(many, st.data())
def test_a_struck_fact_leaves_the_sheet_of_which_it_was_never_part(items: list[Fact], data: st.DataObject) -> None:
    """Each item also cites its own quote, which shows in the end what became of it."""
    own = [f"E{n}" for n in range(100, 100 + len(items))]
    said = [item.model_copy(update={"evidence": (*item.evidence, mark)}) for item, mark in zip(items, own, strict=True)]
    quotes = [*EVIDENCE, *(EVIDENCE[0].model_copy(update={"id": mark}) for mark in own)]
    whole = build_sheet(said, quotes, LOOKED)
    if not whole.facts:
        return
    struck = data.draw(st.sampled_from(whole.facts))
    never = [item for item, mark in zip(said, own, strict=True) if mark not in struck.evidence]
    assert len(never) < len(said)
    assert without(whole, struck.id) == build_sheet(never, quotes, LOOKED)


@settings(max_examples=150, deadline=None)
@given(many)
def test_facts_keep_their_bounds_and_their_evidence(items: list[Fact]) -> None:
    whole = sheet(items)
    marks = {item.id for item in whole.evidence}
    for item in whole.facts:
        assert 0 <= item.confidence <= 1
        assert item.confidence >= max(source.confidence for source in item.sources) - 1e-5
        assert item.evidence
        assert set(item.evidence) <= marks
        assert (item.state == "contradicted") == bool(item.conflicts_with)
        assert item.counts or item.conflicts_with
    assert not {row.key for row in whole.absent} & {item.key for item in whole.facts if item.about == "product"}


@settings(max_examples=100, deadline=None)
@given(many)
def test_of_a_contradiction_one_side_counts_and_never_only_the_comforting_one(items: list[Fact]) -> None:
    by_id = {item.id: item for item in merge(items)}
    for item in by_id.values():
        for other in item.conflicts_with:
            assert item.id in by_id[other].conflicts_with
    risky = [item for item in by_id.values() if item.key == "runs_commands" and item.polarity != "denied"]
    assert all(item.counts for item in risky)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(("llm", "embedded", "manifest")), st.floats(0, 1)), min_size=1, max_size=6))
def test_another_reader_never_makes_less_sure(told: list[tuple[str, float]]) -> None:
    sources = [FactSource(reader=reader, confidence=confidence) for reader, confidence in told]
    kept, sure = combined(sources)
    assert len({source.reader for source in kept}) == len(kept)
    assert combined(kept) == (kept, sure)
    assert 0 <= combined(sources[:1])[1] <= sure + 1e-6 <= 1 + 1e-6


def test_readers_of_the_same_thing_become_one_fact_with_all_that_they_have() -> None:
    read = fact("runs_commands", "E1", reader="embedded", rank=1)
    led = fact("runs_commands", "E2", confidence=0.8, object="commands")
    (one,) = merge([read, led, fact("runs_commands", "E2", reader="manifest", rank=4, scope="the host")])
    assert [source.reader for source in one.sources] == ["embedded", "llm", "manifest"]
    assert one.evidence == ("E1", "E2")
    assert (one.rank, one.confidence) == (4, 0.95)
    assert {slot.name: slot.value for slot in one.slots} == {"object": "commands", "scope": "the host"}


def test_different_objects_and_different_parts_of_a_control_stay_apart() -> None:
    assert len(merge([fact("deletes_data", object="notes"), fact("deletes_data", object="projects")])) == 2
    assert len(merge([fact("sandbox", part="server"), fact("sandbox", part="plug-in")])) == 2
    assert len(merge([fact("sandbox", part="server"), fact("sandbox")])) == 2
    assert len(merge([fact("deletes_data", object="notes"), fact("deletes_data")])) == 1


@pytest.mark.parametrize(("key", "counting"), [("runs_commands", "asserted"), ("sandbox", "denied")])
def test_of_an_assertion_and_a_denial_the_riskier_counts(key: str, counting: str) -> None:
    rows = merge([fact(key, "E1"), fact(key, "E2", polarity="denied")])
    assert {row.polarity: row.counts for row in rows} == {how: how == counting for how in ("asserted", "denied")}
    assert {row.state for row in rows} == {"contradicted"}
    (alone,) = merge([fact(key, "E2", polarity="denied")])
    assert (alone.state, alone.counts) == ("denied", True)


def test_a_limit_counts_for_nothing_beside_the_deed_in_the_same_part_only() -> None:
    rows = {row.key: row for row in merge([fact("read_only", "E1"), fact("writes_files", "E2")])}
    assert (rows["read_only"].counts, rows["writes_files"].counts) == (False, True)
    apart = merge([fact("read_only", "E1", part="the skill"), fact("writes_files", "E2", part="the server")])
    assert all(row.counts and not row.conflicts_with for row in apart)
    optional = merge([fact("read_only", "E1", polarity="configurable"), fact("writes_files", "E2")])
    assert all(row.counts for row in optional)


def test_striking_one_side_of_a_contradiction_settles_it() -> None:
    whole = sheet([fact("endpoint_auth", "E1"), fact("endpoint_no_auth", "E2")])
    open_port = next(item for item in whole.facts if item.key == "endpoint_no_auth")
    left = without(whole, open_port.id)
    (auth,) = left.facts
    assert (auth.counts, auth.state, auth.conflicts_with) == (True, "claimed", ())
    assert "endpoint_no_auth" in {row.key for row in left.absent}
    assert [item.id for item in left.evidence] == ["E1"]


def test_an_id_tells_content_and_nothing_else() -> None:
    one = fact("writes_files", "E1", object="Notes")
    assert one.id == fact("writes_files", "E5", reader="manifest", confidence=0.9, object="notes").id
    assert one.id != fact("writes_files", "E1", object="plans").id


def test_only_what_was_looked_for_is_absent() -> None:
    some = (Search(reader="manifest", documents=("D2",), statements=4, keys=("mcp_server", "runs_commands")),)
    whole = build_sheet([fact("runs_commands")], EVIDENCE, some)
    assert [row.key for row in whole.absent] == ["mcp_server"]
    assert whole.absent[0].searched == some
    assert build_sheet([], EVIDENCE).absent == ()
    # The product itself may still lack what another product has.
    assert "runs_commands" in {row.key for row in sheet([fact("runs_commands", about="other")]).absent}


def test_what_the_sources_may_mention_is_absent_only_if_an_llm_looked() -> None:
    unsure = Outlook(mentioned=("sandbox",))
    own, llm = (Search(reader=by, documents=("D1",), statements=4) for by in ("embedded", "llm"))
    assert "sandbox" in {row.key for row in build_sheet([], EVIDENCE, [own]).absent}
    assert "sandbox" not in {row.key for row in build_sheet([], EVIDENCE, [own], outlook=unsure).absent}
    both = build_sheet([], EVIDENCE, [own, llm], outlook=unsure)
    assert [row.searched for row in both.absent if row.key == "sandbox"] == [(llm,)]
    struck = without(build_sheet([fact("sandbox")], EVIDENCE, [own], outlook=unsure), fact("sandbox").id)
    assert "sandbox" in {row.key for row in struck.absent}


def test_sheets_of_two_waves_become_one() -> None:
    first = sheet([fact("runs_commands", "E1"), fact("sandbox", "E3")])
    second = build_sheet(
        [fact("runs_commands", "E1", reader="embedded"), fact("memory_long", "E2")],
        [EVIDENCE[0].model_copy(update={"id": "E2"}), EVIDENCE[4].model_copy(update={"id": "E1"})],
        LOOKED,
    )
    both = join([first, second])
    assert both == join([second, first])
    assert [item.start for item in both.evidence] == [10, 30, 50]
    marks = {"runs_commands": ("E1", "E3"), "sandbox": ("E2",), "memory_long": ("E1",)}
    assert {item.key: item.evidence for item in both.facts} == marks
    assert both.searched == LOOKED
    assert [item.key for item in counted(both, "sandbox")] == ["sandbox"]


def test_what_is_wrong_is_refused() -> None:
    with pytest.raises(InputError, match="flies"):
        merge([fact("runs_commands").model_copy(update={"key": "flies"})])
    with pytest.raises(InputError, match="no such fact"):
        without(sheet([]), "F00000000")
    with pytest.raises(ValidationError, match="do not match"):
        build_sheet([fact("runs_commands", "E9")], EVIDENCE)
    with pytest.raises(ValidationError):
        fact("runs_commands").model_validate({**fact("runs_commands").model_dump(), "evidence": ()})


def test_a_sheet_survives_its_file() -> None:
    whole = sheet([fact("runs_commands", "E1", object="commands"), fact("read_only", "E2")])
    assert FactSheet.model_validate_json(whole.model_dump_json()) == whole
