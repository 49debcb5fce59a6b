"""Fact labels assigned to statements: what somebody looked for, and what nobody did."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agent.facts.readers.outlook import OutlookHeads, read_outlook
from agent.facts.vocabulary import load_vocabulary
from agent.records import StatementRole
from evals.training.fact_calibration import Table, constants_of, measure
from evals.training.fact_labels import FactLabel, looked_for, read_fact_labels, truth_of
from evals.training.labels import LabelledPage, Place, find_texts, labelled_pages, read_places
from evals.training.reader_files import carry_outlook, write_outlook

RAW = "# Post\n\nIt reads mail. It keeps drafts until you send them.\n\nInstall it with pip.\n"
DIGEST = hashlib.sha256(RAW.encode()).hexdigest()
READS, KEEPS, INSTALL = "It reads mail.", "It keeps drafts until you send them.", "Install it with pip."


def place(words: str, role: StatementRole | None = None) -> Place:
    start = RAW.index(words)
    return Place("o", "o/r", "README.md", "", DIGEST, start, start + len(words), role)


def fact(words: str, facts: Sequence[str], looked: str) -> FactLabel:
    start = RAW.index(words)
    return FactLabel(start, start + len(words), tuple(facts), looked)


def page(folder: Path, *places: Place) -> LabelledPage:
    (folder / "README.md").write_text(RAW, "utf-8")
    (found,) = labelled_pages(places, find_texts([DIGEST], [folder]))
    return found


def looked_at(read: LabelledPage, facts: list[FactLabel], words: str) -> set[str]:
    """Return the keys that somebody looked for in a statement."""
    row = next(n for n, statement in enumerate(read.statements) if statement.text == words)
    return {key for key, at in load_vocabulary().order.items() if truth_of(read, facts).looked[row, at]}


def test_a_place_counts_for_the_keys_that_were_looked_for_alone(tmp_path: Path) -> None:
    found = looked_at(page(tmp_path, place(READS)), [fact(READS, [], "c")], READS)
    assert "takes_free_text" in found
    assert "reads_mail_chat" not in found
    both = looked_at(page(tmp_path, place(READS, "behaviour")), [fact(READS, ["reads_mail_chat"], "ac")], READS)
    only_b = {key.id for key, inside in zip(load_vocabulary(), looked_for("ac"), strict=True) if not inside}
    assert both == {key.id for key in load_vocabulary()} - only_b


def test_a_place_whose_role_alone_was_labelled_says_nothing(tmp_path: Path) -> None:
    role, alone = place(KEEPS, "behaviour"), place(KEEPS)
    assert looked_at(page(tmp_path, role), [], KEEPS) == set()
    facts = [fact(KEEPS, [], "c")]
    assert looked_at(page(tmp_path, role, alone), facts, KEEPS) == looked_at(page(tmp_path, alone), facts, KEEPS)


def test_what_carries_nothing_states_no_key_but_those_that_hide_there(tmp_path: Path) -> None:
    found = looked_at(page(tmp_path, place(INSTALL, "instruction")), [], INSTALL)
    assert found == {key.id for key in load_vocabulary() if "instruction" not in key.carried_by}


def test_a_place_without_a_role_teaches_no_role(tmp_path: Path) -> None:
    read = page(tmp_path, place(KEEPS, "control"), place(READS))
    roles = {row.text: role for row, role in zip(read.statements, read.roles, strict=True)}
    assert (roles[KEEPS], roles[READS]) == ("control", None)


def test_every_stored_place_says_what_was_looked_for() -> None:
    known = {(at.sha256, at.start, at.end) for at in read_places()}
    stored = read_fact_labels()
    assert sum(map(len, stored.values())) > 9000
    for digest, rows in stored.items():
        for row in rows:
            assert set(row.looked) <= set("abc")
            assert row.looked
            assert (digest, row.start, row.end) in known
    assert looked_for("abc").all()


def test_an_outlook_keeps_what_each_key_weighs_when_the_keys_are_others(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shapes = {"factor_weights": (8, 10), "factor_bias": 10, "layer_weights": (5, 7), "layer_bias": 7}
    drawn = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    old = OutlookHeads(**drawn, layer_slopes=np.ones(7), layer_offsets=np.zeros(7))
    write_outlook(old, tmp_path)
    carry_outlook(tmp_path, ("a", "b", "c"), ("c", "new", "a"))
    found = read_outlook(tmp_path)
    told, of_old = np.array([3.0, 9.0, 1.0]), np.array([1.0, 0.0, 3.0])
    for name, width in (("factor_weights", 5), ("layer_weights", 2)):
        assert np.allclose(told @ getattr(found, name)[width:], of_old @ getattr(old, name)[width:], atol=1e-5)
        assert np.allclose(getattr(found, name)[:width], getattr(old, name)[:width], atol=1e-5)


def test_where_nobody_looked_nothing_is_counted() -> None:
    rng = np.random.default_rng(0)
    stated = rng.random((80, 2)) < 0.4
    signs = np.where(stated, 3.0, -5.0)[..., None] * np.ones(3) + rng.normal(size=(80, 2, 3))
    owner = np.array([f"o{n}" for n in range(80)])
    known = np.ones((80, 2), dtype=bool)
    known[40:, 1] = False
    table = Table(tuple(owner.tolist()), owner, known, stated & known, signs)
    other = Table(table.products, owner, known, stated & known, np.where(known[..., None], signs, 9.0))
    head = np.ones(2, dtype=bool)
    every = np.ones(80, dtype=bool)
    assert np.array_equal(constants_of(table, every, head).limit, constants_of(other, every, head).limit)
    assert measure(table, head).figures(table) == measure(other, head).figures(other)
