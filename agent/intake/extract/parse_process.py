"""The parent of the parsing child: starts it, sends it documents, and reports how each parse ended.

One warm process serves all threads of the program; at most two documents are parsed at a time. If the warm process
is gone (killed, out of memory), it is restarted, at most once per document.
"""

import atexit
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, NamedTuple

from agent.intake.extract.parse_child import BEGUN, DONE, FAILED, REQUEST

_PACKAGE_PARENT: Final = str(Path(__file__).resolve().parent.parent.parent.parent)
# -I: no environment, no user site, no current folder on the path; the package's own folder is added by name.
_BOOTSTRAP: Final = (
    "import sys; sys.path.insert(0, {parent!r}); from agent.intake.extract.parse_child import main; main()"
)
_AT_A_TIME: Final = 2
_GRACE: Final = 0.5
"""Wall-clock seconds allowed beyond the CPU time limit, counted from the start of the fork."""
_SLACK: Final = 0.4
"""Additional seconds for the fork's own timer to fire before the parent ends the warm process."""
_START: Final = 20.0
"""Seconds that a warm process may take to load its readers before it starts on a document."""
_TRIES: Final = 2
_MOMENT: Final = 0.1


class Limits(NamedTuple):
    """Resource limits for parsing one document."""

    seconds: float
    """CPU time in seconds."""
    memory: int
    """Address space in MiB."""


class Stopped(Exception):  # noqa: N818  (an outcome of the child; `extract` names the document)
    """The fork ended without an answer; `killed` if a limit ended it."""

    def __init__(self, *, killed: bool) -> None:
        super().__init__("killed" if killed else "failed")
        self.killed = killed


class _Gone(Exception):  # noqa: N818  (not an error for anybody: the warm process is started anew)
    pass


class WarmParser:
    """A warm parsing process, started with the first document and ended by `close` or with the program."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(_AT_A_TIME)
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._owner = 0

    def parse(self, body: bytes, kind: str, charset: str, limits: Limits) -> bytes:
        """Return the child's answer about `body`, in the JSON format described in `parse_child.answered`.

        Raises Stopped if the fork ended without an answer.
        """
        wall = limits.seconds + _GRACE
        request = json.dumps([kind, charset[:64], limits.seconds, wall, limits.memory]).encode("ascii")
        with self._places:
            for last in range(1, _TRIES + 1):
                try:
                    return self._once(body, request.ljust(REQUEST), wall + _SLACK)
                except _Gone:
                    if last == _TRIES:
                        raise Stopped(killed=True) from None
        raise Stopped(killed=True)

    def close(self) -> None:
        """End the warm process and its forks; the next document starts another process."""
        with self._lock:
            self._close()

    def pid(self) -> int | None:
        """Return the process id of the warm process, or None if it is not running."""
        return self._process.pid if self._process else None

    def _close(self) -> None:
        process, channel = self._process, self._channel
        self._process = self._channel = None
        if channel is not None:
            channel.close()
        if process is not None and self._owner == os.getpid():
            process.kill()
            process.wait()

    def _once(self, body: bytes, request: bytes, wall: float) -> bytes:
        # Files instead of pipes: the answer is bounded by the fork's file-size limit, and nothing can deadlock.
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as result, _pipe() as (ours, theirs):
            source.write(body)
            source.seek(0)
            process = self._send(request, (source, result), theirs)
            theirs.close()
            said = self._said(ours, wall, process)
            if said.endswith(DONE):
                result.seek(0)
                return result.read()
        if said.endswith(FAILED):
            raise Stopped(killed=False)
        if not said.startswith(BEGUN) or _fell(process):
            with self._lock:
                if self._process is process:
                    self._close()
            raise _Gone
        raise Stopped(killed=True)

    def _send(self, request: bytes, files: tuple[IO[bytes], IO[bytes]], status: IO[bytes]) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
                self._close()
                self._start()
            process, channel = self._process, self._channel
            if process is None or channel is None:
                raise _Gone
            try:
                # A dying warm process may still accept the request; then the status pipe closes without any status.
                socket.send_fds(channel, [request], [*(file.fileno() for file in files), status.fileno()])
            except OSError:
                self._close()
                raise _Gone from None
            return process

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-X", "utf8", "-c", _BOOTSTRAP.format(parent=_PACKAGE_PARENT)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
            )
        self._channel = ours
        self._owner = os.getpid()

    def _said(self, status: IO[bytes], wall: float, process: subprocess.Popen[bytes]) -> bytes:
        """Read the status pipe to its end: the mark that the fork began, and its final status unless it was killed."""
        deadline = time.monotonic() + _START
        said = b""
        while select.select([status], [], [], max(0.0, deadline - time.monotonic()))[0]:
            word = status.read(1)
            said += word
            if not word or word in (DONE, FAILED):
                return said
            deadline = time.monotonic() + wall
        # Neither timer of the fork fired, so end the warm process with all its forks.
        with self._lock:
            if self._process is process:
                self._close()
        raise Stopped(killed=True)


def _fell(process: subprocess.Popen[bytes]) -> bool:
    """Return whether the warm process has ended; waits briefly, since its pipes may close before it is seen to exit."""
    try:
        process.wait(_MOMENT)
    except subprocess.TimeoutExpired:
        return False
    return True


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as ours, os.fdopen(writing, "wb", buffering=0) as theirs:
        yield ours, theirs


PARSER: Final = WarmParser()
"""The parser shared by the whole program."""
atexit.register(PARSER.close)
