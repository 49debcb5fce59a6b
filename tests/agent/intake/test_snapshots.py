"""Snapshots on disk: complete or absent, and never changed without being noticed."""

import pytest

from agent.errors import IntegrityError, SourceError
from agent.intake.snapshots import digest, load, store, write_snapshots
from agent.records import Snapshot

BODY = b"<p>hello</p>"


def record(body=BODY):
    return Snapshot(
        sha256=digest(body),
        requested_url="https://a.example.com/",
        final_url="https://a.example.com/x",
        fetched_at="2026-11-01T00:00:00Z",
        media_type="text/html",
        kind="listing",
        size=len(body),
    )


def test_round_trip(tmp_path):
    path = store(tmp_path, record(), BODY)
    assert path == tmp_path / record().sha256[:2] / record().sha256
    assert load(tmp_path, record().sha256) == (record(), BODY)
    assert store(tmp_path, record(), BODY) == path
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name, path.name + ".json"]


def test_several_at_once(tmp_path):
    bodies = {digest(body): body for body in (b"one", b"two")}
    write_snapshots(tmp_path, [record(body) for body in bodies.values()], bodies)
    assert all(load(tmp_path, sha256)[1] == body for sha256, body in bodies.items())


def test_changed_bytes_and_a_changed_record_are_noticed(tmp_path):
    path = store(tmp_path, record(), BODY)
    for place, spoiled in ((path.with_suffix(".json"), record(b"other").model_dump_json()), (path, "<p>hello</p> ")):
        place.write_text(spoiled)
        with pytest.raises(IntegrityError):
            load(tmp_path, record().sha256)
        store(tmp_path, record(), BODY)


def test_a_record_must_belong_to_its_bytes(tmp_path):
    with pytest.raises(IntegrityError):
        store(tmp_path, record(), b"other")
    assert list(tmp_path.iterdir()) == []


def test_missing_snapshot(tmp_path):
    with pytest.raises(SourceError):
        load(tmp_path, "0" * 64)


@pytest.mark.parametrize("address", ["", "../../etc/passwd", "A" * 64, "0" * 63])
def test_an_address_is_a_hash(tmp_path, address):
    with pytest.raises(IntegrityError):
        load(tmp_path, address)


def test_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError):
        store(tmp_path / "file", record(), BODY)
