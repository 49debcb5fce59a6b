"""A process beside the test that writes to a store, to be killed, starved or asked to stop: `MODE FILE`.

It immediately prints one line for each event that was acknowledged as stored: `ack REVIEW NUMBER HASH`.
"""

import os
import resource
import signal
import sys
import tempfile
import threading
from pathlib import Path

from agent.errors import SeptetError
from agent.review.store.store import Store
from tests.fakes.review.stored_reviews import ANNA, AT, BO, Plan, arriving, columns

REVIEW = "r1"
_ROOM = 400_000


def say(line: str) -> None:
    """Write one complete line, since other threads and processes write to the same pipe."""
    os.write(1, f"{line}\n".encode())


def save(store: Store, name: str, number: int) -> None:
    """Store two events in one batch, and print the acknowledgement."""
    reviewer = ANNA if name == "a" else BO
    plans = [Plan(f"threat/{name}-{number}-{part}", note=f"{name} {number} {part}") for part in (1, 2)]
    last = store.append(REVIEW, plans, reviewer, AT, store.version(REVIEW), columns)[-1]
    say(f"ack {last.review} {last.number} {last.hash}")


def write(store: Store, stop: threading.Event) -> list[threading.Thread]:
    """Run two writers that take turns until they are stopped."""

    def run(name: str) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                save(store, name, number)
            except SeptetError as error:
                say(f"error {type(error).__name__}")
                return

    threads = [threading.Thread(target=run, args=(name,), daemon=True) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    return threads


def nursery(path: Path) -> None:
    """Start a new writing process for each input line, so that imports load only once; report when it has ended."""
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            say(f"pid {os.getpid()}")
            write(Store.open(path), threading.Event())[0].join()
            os._exit(1)
        os.waitpid(child, 0)
        say("gone")


def keep_backups(path: Path) -> None:
    """Make one backup after the other, beside a writer."""
    store = Store.open(path)
    write(store, threading.Event())
    while True:
        store.keep_backup()
        say("kept")


def hold(path: Path) -> None:
    """Keep the store open until the input ends."""
    with Store.open(path):
        say("open")
        sys.stdin.read()


def until_term(path: Path) -> None:
    """Write until asked to stop, then close the store and exit normally; later requests do not interrupt this."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    store = Store.open(path)
    threads = write(store, threading.Event())
    asked.wait()
    store.close()
    for thread in threads:
        thread.join()
    say("closed")


def fill(path: Path) -> None:
    """Write until no file may grow any more, then continue with more room."""
    store = Store.open(path)
    _until_full(store)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    save(store, "a", 0)
    store.close()


def _until_full(store: Store) -> None:
    limit = store.path.stat().st_size + _ROOM
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    for number in range(1, 10_000):
        plan = Plan(f"threat/big-{number}", note="x" * 2_000)
        try:
            last = store.append(REVIEW, [plan], ANNA, AT, store.version(REVIEW), columns)[-1]
        except SeptetError as error:
            say(f"full {type(error).__name__} {error.what}")
            break
        say(f"ack {last.review} {last.number} {last.hash}")
    resource.setrlimit(resource.RLIMIT_FSIZE, (store.path.stat().st_size // 2, resource.RLIM_INFINITY))
    try:
        store.keep_backup()
    except SeptetError as error:
        say(f"backup {type(error).__name__}")


def as_nobody(path: Path) -> None:
    """Open the store as a user without rights, in both ways."""
    with tempfile.TemporaryDirectory() as own:
        Store.open(Path(own) / path.name).close()  # imports everything: that user may not be able to read the tree
    if os.getuid() == 0:
        os.setuid(65534)
    for read_only in (False, True):
        _try(path, read_only=read_only)


def few_files(path: Path) -> None:
    """Open the store when no further file may be opened."""
    _try(path, read_only=True)  # imports everything before the limit applies
    used, most = len(os.listdir("/proc/self/fd")), resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for more in range(5):
        resource.setrlimit(resource.RLIMIT_NOFILE, (used - 1 + more, most))
        _try(path, read_only=False)


def _try(path: Path, *, read_only: bool) -> None:
    try:
        with Store.open(path, read_only=read_only) as store:
            say(f"open {len(store.keys())}")
    except SeptetError as error:
        say(f"refused {type(error).__name__} {error} | {error.hint}")


def upgrade(path: Path, steps: str) -> None:
    """Migrate the store with a folder of further migrations."""
    Store.open(path, to="0002", more=(Path(steps),)).close()
    say("upgraded")


if __name__ == "__main__":
    mode, file, *rest = sys.argv[1:]
    if mode == "upgrade":
        upgrade(Path(file), rest[0])
    elif mode == "make":
        with Store.open(Path(file)) as made:
            made.add_review(arriving(), ANNA, AT, columns)
    else:
        {
            "nursery": nursery,
            "backups": keep_backups,
            "hold": hold,
            "term": until_term,
            "fill": fill,
            "nobody": as_nobody,
            "few": few_files,
        }[mode](Path(file))
