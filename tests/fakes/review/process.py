"""`septet review` in a separate process on loopback, and a browser's part in talking to it."""

import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.places import ROOT

END_SECONDS = 5.0
"""Seconds within which a signal ends the app."""


def environment(home: Path) -> dict[str, str]:
    """Return the environment of the process: a home folder of its own."""
    return {
        "PATH": os.defpath, "HOME": str(home), "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1",
        "SEPTET_CACHE_DIR": "off", "USER": "ada",
    }  # fmt: skip


class ReviewProcess:
    """The app, running once it has printed the first line. It is killed at the end if nothing else ended it."""

    def __init__(self, home: Path, *arguments: object, stdin: int | None = None) -> None:
        self._log = (home / "stderr.txt").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agent", "review", *map(str, arguments)],
            stdin=stdin, stdout=subprocess.PIPE, stderr=self._log, env=environment(home), cwd=home, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        self.cookie = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()

    @property
    def told(self) -> str:
        """Return what it has written to stderr so far."""
        self._log.flush()
        return Path(self._log.name).read_text("utf-8")

    def connection(self) -> http.client.HTTPConnection:
        found = urlsplit(self.address)
        assert found.hostname is not None
        return http.client.HTTPConnection(found.hostname, found.port, timeout=20)

    def ask(self, path: str, method: str = "GET", body: str = "", kind: str = "") -> tuple[int, str]:
        """Return the status and text of an answer; the cookie that it sets is kept."""
        connection = self.connection()
        headers = {"Cookie": self.cookie, "Sec-Fetch-Site": "same-origin", "Content-Type": kind}
        try:
            connection.request(method, path, body.encode(), {name: value for name, value in headers.items() if value})
            answer = connection.getresponse()
            given = answer.getheader("Set-Cookie")
            if given:
                self.cookie = given.partition(";")[0]
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def enter(self) -> int:
        """Follow the printed address."""
        found = urlsplit(self.address)
        return self.ask(f"{found.path}?{found.query}")[0]

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Return the exit code, and the seconds until the process ended."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(timeout=4 * END_SECONDS)
        return code, time.monotonic() - began
