"""A draft is repeated from its own folder, offline and byte for byte, and reports what changed since the last one."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from agent.errors import InputError
from agent.intake.recording import RECORDING
from agent.pipeline import draft, save
from agent.report import draft_folder
from agent.settings import Settings
from tests.fakes import paired
from tests.fakes.command import Septet
from tests.fakes.site import LISTING_PATH, Route, Site, acme

LISTING = """# Acme Mail Agent

Acme Mail Agent reads a team's shared mailbox, drafts replies and sends them through Gmail with the owner's account.

## Features

- Runs Python snippets in a container
"""
NOW = "2026-11-01T09:30:00Z"
KEPT = ("draft.json", "draft.md", "snapshots")


def tree(folder: Path, *names: str) -> dict[str, bytes]:
    """Return the bytes of the files under `names` in a folder, by path, without the index, which has its own ids."""
    found = [path for name in names or KEPT for path in (folder / name, *(folder / name).rglob("*"))]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found if path.is_file()}


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a draft from a site that no longer exists."""
    out = tmp_path_factory.mktemp("crawled") / "out"
    with Site(acme()) as site:
        call = ["draft", site.url(LISTING_PATH), "--out", str(out), "--allow-private", site.host]
        done = run([*call, "--note", "We run it **without** network.", "--product", "Acme Mail Agent"])
    assert done.returncode == 0, done.stderr
    return out


def run(call: list[str], before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a separate process, after the statements `before`."""
    code = f"import sys\n{before}\nfrom agent.cli import main\nmain(sys.argv[1:])"
    own = {**os.environ, "SEPTET_CACHE_DIR": "off", "SEPTET_DELAY_SECONDS": "0", **environment}  # noqa: TID251
    return subprocess.run(
        [sys.executable, "-c", code, *call], capture_output=True, text=True, env=own, timeout=120, check=False
    )


@pytest.fixture
def local(tmp_path: Path, septet: Septet) -> Path:
    """The folder of a draft from a file and a folder that no longer exist."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("# Setup\n\nConnect an account with OAuth and choose the labels that it may read.\n")
    (docs / "b.txt").write_text("The agent keeps earlier conversations for ninety days in a database.\n")
    (tmp_path / "listing.md").write_text(LISTING)
    assert septet("draft", tmp_path / "listing.md", docs, "--out", tmp_path / "out").code == 0
    for path in (tmp_path / "listing.md", docs / "a.md", docs / "b.txt"):
        path.unlink()
    return tmp_path / "out"


def test_a_crawl_is_repeated_without_its_site(crawled: Path, septet: Septet, tmp_path: Path) -> None:
    said = septet("draft", "--from-snapshot", crawled, "--out", tmp_path / "again", "--json")
    assert said.code == 0, said.err
    assert said.out == (crawled / "draft.json").read_text("utf-8")
    assert tree(tmp_path / "again") == tree(crawled)
    assert len(json.loads(said.out)["sources"]) >= 4


def test_the_snapshots_alone_are_enough_and_settings_of_the_environment_change_nothing(
    crawled: Path, septet: Septet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEPTET_MAX_PAGES", "1")
    monkeypatch.setenv("SEPTET_CHUNK_CHARS", "400")
    assert septet("draft", "--from-snapshot", crawled / "snapshots").out == (crawled / "draft.md").read_text("utf-8")


def test_files_and_folders_are_repeated_without_them(local: Path, septet: Septet, tmp_path: Path) -> None:
    assert septet("draft", "--from-snapshot", local, "--out", tmp_path / "again").code == 0
    assert tree(tmp_path / "again") == tree(local)
    assert str(tmp_path) not in (local / "snapshots" / RECORDING).read_text("utf-8")


def test_a_draft_can_replace_the_one_that_it_repeats(local: Path, septet: Septet) -> None:
    before = tree(local)
    assert septet("draft", "--from-snapshot", local, "--out", local).code == 0
    assert tree(local) == before


def test_what_was_changed_by_hand_is_noticed(local: Path, septet: Septet) -> None:
    for name, whole in tree(local, "snapshots").items():
        if name.endswith((".json", "/")) and not name.endswith(RECORDING):
            continue
        path = local / name
        for spoiled in (whole.replace(b"a", b"b", 1), whole[:-2], b""):
            path.write_bytes(spoiled)
            refused(septet, local, "changed")
        path.write_bytes(whole)
    assert septet("draft", "--from-snapshot", local).code == 0


def test_what_cannot_be_repeated_is_named(local: Path, septet: Septet, tmp_path: Path) -> None:
    path = local / "snapshots" / RECORDING
    whole = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**whole, "schema": "septet/recording/9"}))
    refused(septet, local, "another version")
    path.write_text(json.dumps(whole, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
    sha256 = whole["recording"]["sources"][0]["sha256"]
    (local / "snapshots" / sha256[:2] / sha256).unlink()
    refused(septet, local, "no such snapshot")
    path.unlink()
    refused(septet, local, "no recording")
    refused(septet, tmp_path / "none", "no such folder")


def refused(septet: Septet, place: Path, what: str) -> None:
    said = septet("draft", "--from-snapshot", place)
    assert (said.code, said.out) == (1, "")
    assert what in said.err
    assert "hint: " in said.err


def test_it_goes_with_no_source_and_no_other_input(local: Path, septet: Septet) -> None:
    for more in (["listing.md"], ["--note", "x"], ["--product", "x"], ["--allow-private", "127.0.0.1"]):
        said = septet("draft", *more, "--from-snapshot", local)
        assert (said.code, said.out) == (2, "")
        assert "--from-snapshot cannot be combined with" in said.err
    assert septet("draft").code == 2


# ---------------------------------------------------------------- changes


def findings(out: Path) -> list[dict[str, str]]:
    sources = json.loads((out / "draft.json").read_text("utf-8"))["sources"]
    return [found for source in sources for found in source["findings"] if found["kind"] == "content-changed"]


def test_another_content_under_the_same_address_is_found(
    septet: Septet, tmp_path: Path, serve: Callable[[Mapping[str, Route]], Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEPTET_DELAY_SECONDS", "0")
    site, out = serve(acme()), tmp_path / "out"
    call = ["draft", site.url(LISTING_PATH), "--allow-private", site.host, "--out", str(out)]
    assert septet(*call).code == 0
    assert findings(out) == []
    old = next(s for s in json.loads((out / "draft.json").read_text("utf-8"))["sources"] if "security" in s["url"])
    security = site.routes["/agents/acme/security"]
    assert isinstance(security, str)
    site.routes["/agents/acme/security"] = security.replace("rotated each week", "never rotated")
    assert septet(*call).code == 0
    [found] = findings(out)
    assert found["where"] == f"was {old['sha256'][:12]} on {old['fetched_at']}"
    assert found["excerpt"] == "Tokens are kept in a vault and never rotated."
    assert "content-changed" in (out / "draft.md").read_text("utf-8")
    # The finding is part of the draft, so it is repeated with it.
    assert septet("draft", "--from-snapshot", out, "--out", tmp_path / "again").code == 0
    assert tree(tmp_path / "again") == tree(out)
    # Nothing has changed since the previous draft; another folder has no previous draft.
    assert septet(*call).code == 0
    assert findings(out) == []
    assert septet(*call[:-1], str(tmp_path / "other")).code == 0
    assert findings(tmp_path / "other") == []


def test_a_change_that_cannot_be_seen_in_the_text_is_found_too(septet: Septet, tmp_path: Path) -> None:
    listing = tmp_path / "listing.md"
    for text in (LISTING, LISTING + "\n\n"):
        listing.write_text(text)
        assert septet("draft", listing, "--out", tmp_path / "out").code == 0
    [found] = findings(tmp_path / "out")
    assert found["where"].endswith("; its text is the same")
    assert found["excerpt"] == ""


def test_a_change_alters_no_figure(septet: Septet, tmp_path: Path) -> None:
    listing = tmp_path / "listing.md"
    listing.write_text("# Acme\n\nAn agent that does something else altogether, and does it for everybody.\n")
    assert septet("draft", listing, "--out", tmp_path / "out").code == 0
    listing.write_text(LISTING)
    changed, plain = (
        json.loads(septet("draft", listing, "--json", *more).out) for more in (["--out", tmp_path / "out"], [])
    )
    for key in ("factors", "layers", "score", "evidence", "system", "questions"):
        assert changed[key] == plain[key]
    assert findings(tmp_path / "out")


def test_the_case_of_a_page_that_changed_after_its_review(
    tmp_path: Path, serve: Callable[[Mapping[str, Route]], Site]
) -> None:
    [case] = [case for case in paired.cases() if case.id == "I091"]
    site, out = serve({"/acme": paired.listing()}), tmp_path / "out"
    settings = Settings(delay_seconds=0)
    drafts = []
    for fragment in ("", f"<p>{case.payload}</p>"):
        site.routes["/acme"] = paired.listing(fragment)
        made = draft([site.url("/acme")], settings=settings, now=NOW, out=out, allow_private=[site.host])
        save(made, out)
        drafts.append(made)
    reviewed, changed = drafts
    assert case.flag not in paired.findings(reviewed)
    assert case.flag in paired.findings(changed)
    assert case.flag in changed.markdown
    assert paired.conclusions(changed) == paired.conclusions(reviewed)


def test_a_broken_earlier_draft_gives_no_comparison_and_no_error(local: Path, septet: Septet, tmp_path: Path) -> None:
    (local / "snapshots" / "documents.json").write_text("[")
    (tmp_path / "listing.md").write_text(LISTING + "More.\n")
    assert septet("draft", tmp_path / "listing.md", "--out", local).code == 0
    assert findings(local) == []


# ---------------------------------------------------------------- the folder


def test_one_run_at_a_time_writes_a_folder(tmp_path: Path) -> None:
    with draft_folder.replacing(tmp_path / "out") as fresh:
        draft_folder.write(fresh / "draft.json", "{}")
        with pytest.raises(InputError, match="another run"), draft_folder.replacing(tmp_path / "out"):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "draft.json").read_text() == "{}"


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with draft_folder.replacing(tmp_path / "out") as fresh:
            draft_folder.write(fresh / "draft.json", text)
    with pytest.raises(FileNotFoundError), draft_folder.replacing(tmp_path / "out") as fresh:
        draft_folder.write(fresh / "draft.json" / "draft.md", "newest")
    assert (tmp_path / "out" / "draft.json").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


LIMITS = (0, *(pytest.param(limit, marks=pytest.mark.slow) for limit in (1_000, 20_000, 40_000, 150_000)))


@pytest.mark.parametrize("limit", LIMITS)
def test_a_full_disk_leaves_the_old_draft_and_an_error(limit: int, local: Path, tmp_path: Path) -> None:
    before = tree(local)
    listing = tmp_path / "listing.md"
    listing.write_text(LISTING + "The agent keeps earlier conversations.\n")
    small = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
    done = run(["draft", str(listing), "--out", str(local), "--json"], small, SEPTET_CACHE_DIR=str(tmp_path / "cache"))
    assert (done.returncode, done.stdout) == (1, ""), limit
    # A slow machine has already printed progress.
    assert "\nerror: " in f"\n{done.stderr}", done.stderr
    assert "Traceback" not in done.stderr
    assert tree(local) == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []
