"""Processes that write to a store and die, and everything that a reader of a store can see."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.review.store.queue import QueueQuery
from agent.review.store.store import Store
from tests.places import ROOT

MOST_SECONDS = 60.0


@contextmanager
def child(mode: str, path: Path, *more: object) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process of `tests.fakes.review.store_child`, which ends with the block."""
    command = [sys.executable, "-m", "tests.fakes.review.store_child", mode, str(path), *map(str, more)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_of(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().rstrip("\n")


def said(mode: str, path: Path, *more: object) -> list[str]:
    """Return everything that a process prints until it ends."""
    with child(mode, path, *more) as process:
        out, _ = process.communicate(timeout=MOST_SECONDS)
    return out.decode().splitlines()


def content(store: Store) -> tuple[object, ...]:
    """Return everything that a reader of the store can see."""
    keys = store.keys()
    reviews = [store.review(key) for key in keys]
    blobs = [store.blob(name) for review in reviews for name in (review.draft_sha256, review.documents_sha256)]
    return reviews, blobs, [store.events(key) for key in keys], store.queue(QueueQuery()), store.head()
