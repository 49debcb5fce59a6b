"""Parent side of the parsing child: starts it, sends it documents, and reports how each parse ended.

One warm process serves all threads of the program; at most two documents are parsed at a time. If the warm process
is gone (killed, out of memory), it is restarted, at most once per document.
"""

import atexit
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final, NamedTuple

from agent.intake.extract.parse_child import BEGUN, DONE, FAILED, REQUEST

# -I ignores environment variables, the user site and the current folder, so the package's folder is added here.
_BOOTSTRAP: Final = (
    f"import sys; sys.path.insert(0, {str(Path(__file__).resolve().parents[3])!r}); "
    "from agent.intake.extract.parse_child import main; main()"
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


class Stopped(Exception):  # noqa: N818  (an outcome; `parse` raises the error that names the document)
    """The fork ended without an answer; the message is "killed" if a limit ended it, otherwise "failed"."""


class _Warm(NamedTuple):
    process: subprocess.Popen[bytes]
    channel: socket.socket
    owner: int
    """Id of the process that started it; a fork of that process starts a warm process of its own."""


class WarmParser:
    """A warm parsing process, started for the first document and ended by `close` or when the program exits."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._places = threading.BoundedSemaphore(_AT_A_TIME)
        self._warm: _Warm | None = None

    def parse(self, body: bytes, kind: str, charset: str, seconds: float, memory: int) -> bytes:
        """Return the child's answer for `body`: JSON with `parts`, or with `error` and sometimes `detail`.

        The limits are `seconds` of CPU time and `memory` MiB of address space. Raises Stopped if the fork ended without
        an answer.
        """
        wall = seconds + _GRACE
        request = json.dumps([kind, charset[:64], seconds, wall, memory]).encode("ascii").ljust(REQUEST)
        with self._places:
            for _ in range(_TRIES):
                answer = self._once(body, request, wall + _SLACK)
                if answer is not None:
                    return answer
        raise Stopped("killed")

    def close(self, process: subprocess.Popen[bytes] | None = None) -> None:
        """End the warm process and its forks; the next document starts a new one.

        If `process` is given and is no longer the warm process, nothing happens.
        """
        with self._lock:
            warm = self._warm
            if warm is None or (process is not None and process is not warm.process):
                return
            self._warm = None
            warm.channel.close()
            if warm.owner == os.getpid():
                warm.process.kill()
                warm.process.wait()

    def pid(self) -> int | None:
        """Return the process id of the warm process, or None if it is not running."""
        return self._warm.process.pid if self._warm else None

    def _once(self, body: bytes, request: bytes, wall: float) -> bytes | None:
        """Return the answer, or None if the warm process is gone. Raises Stopped if the fork did not answer."""
        ours, theirs = socket.socketpair()
        # Files instead of pipes: the answer is bounded by the fork's file-size limit, and nothing can deadlock.
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as result, ours, theirs:
            source.write(body)
            source.seek(0)
            process = self._send(request, [source.fileno(), result.fileno(), theirs.fileno()])
            if process is None:
                return None
            theirs.close()
            said = self._said(ours, wall, process)
            if said.endswith(DONE):
                result.seek(0)
                return result.read()
        if said.endswith(FAILED):
            raise Stopped("failed")
        if said.startswith(BEGUN):
            try:
                # A dying process may close its sockets before its exit can be observed.
                process.wait(_MOMENT)
            except subprocess.TimeoutExpired:
                raise Stopped("killed") from None
        self.close(process)
        return None

    def _send(self, request: bytes, files: list[int]) -> subprocess.Popen[bytes] | None:
        """Send a request to the warm process (started if necessary) and return the process; None if it just ended."""
        with self._lock:
            warm = self._warm
            if warm is None or warm.owner != os.getpid() or warm.process.poll() is not None:
                self.close()
                ours, theirs = socket.socketpair()
                with theirs:
                    process = subprocess.Popen(
                        [sys.executable, "-I", "-X", "utf8", "-c", _BOOTSTRAP],
                        stdin=theirs.fileno(),
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                        env={},
                        cwd="/",
                    )
                warm = self._warm = _Warm(process, ours, os.getpid())
            try:
                # A dying process may still accept the request; then the status socket closes without any status.
                socket.send_fds(warm.channel, [request], files)
            except OSError:
                self.close()
                return None
            return warm.process

    def _said(self, status: socket.socket, wall: float, process: subprocess.Popen[bytes]) -> bytes:
        """Return the status bytes: BEGUN, then DONE or FAILED unless a process died. Raises Stopped on a timeout."""
        deadline = time.monotonic() + _START
        said = b""
        while select.select([status], [], [], max(0.0, deadline - time.monotonic()))[0]:
            word = status.recv(1)
            said += word
            if not word or word in (DONE, FAILED):
                return said
            deadline = time.monotonic() + wall
        # Neither timer of the fork fired, so end the warm process with all its forks.
        self.close(process)
        raise Stopped("killed")


PARSER: Final = WarmParser()
"""The parser shared by the whole program."""
atexit.register(PARSER.close)
