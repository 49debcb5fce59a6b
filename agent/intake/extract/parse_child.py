"""The parsing child: a warm process that forks once for each document and reads it there.

The warm process keeps the readers loaded and never touches the bytes of a source. For each document it receives three
open files through its socket (the bytes, a file for the answer, a socket for the status) and forks. The fork limits its
own CPU time, wall-clock time, memory and output, reads that one document, writes its blocks as JSON and exits, so a
page that hangs or crashes a parser costs one fork. Neither process is given a network connection, an environment or any
other file. Both end when the program that started them ends.
"""

import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from typing import Final, NoReturn

from agent.intake.extract.formats.charset import Unreadable, decode, decode_lines
from agent.intake.page import Part

REQUEST: Final = 256
"""Length of every request in bytes: JSON padded with spaces, so that two requests never run together."""
FILES: Final = 3
"""Number of open files sent with each request."""
BEGUN: Final = b"+"
DONE: Final = b"."
FAILED: Final = b"!"
_MAX_OUTPUT: Final = 64 * 1024 * 1024
_MEGABYTE: Final = 1024 * 1024
_MAX_RECURSION: Final = 5000
_KILL_WITH_PARENT: Final = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


def main() -> None:
    """Serve the socket on standard input until its other end closes."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps the forks
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles interrupts
    channel = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    _reader("html")
    while True:
        message, files, _, _ = socket.recv_fds(channel, REQUEST, FILES)
        if not message or len(files) != FILES:
            return
        kind, charset, *limits = json.loads(message)
        _reader(kind)  # imported here, once for all forks
        parent = os.getpid()
        os.write(files[-1], BEGUN)
        if os.fork() == 0:
            channel.close()
            _die_with(parent)
            _serve(files, kind, charset, limits)
        for file in files:
            os.close(file)


def _reader(kind: str) -> Callable[[str, bytes], tuple[Part, ...]]:
    """Import and return the reader for a kind; it takes the declared character set and the bytes."""
    if kind == "pdf":
        from agent.intake.extract.formats.pdf import read_pdf

        return lambda _, body: (Part(read_pdf(body), ""),)
    if kind == "xml":
        from agent.intake.extract.formats.sitemap import read_sitemap

        return lambda _, body: (Part(read_sitemap(body), ""),)
    if kind == "html":
        from agent.intake.extract.formats.html import read_html

        return lambda charset, body: (Part(read_html(decode(body, charset)), ""),)
    if kind == "markdown":
        from agent.intake.extract.formats.markdown import read_markdown

        return lambda charset, body: (Part(read_markdown(decode_lines(body, charset)), ""),)
    from agent.intake.extract.formats.structured import read_data

    return lambda charset, body: read_data(decode_lines(body, charset), kind)


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when the warm one ends; outside Linux only the wall-clock limit applies."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_KILL_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _serve(files: list[int], kind: str, charset: str, limits: list[float]) -> NoReturn:
    """Read one document under `limits` (CPU seconds, wall-clock seconds, MiB), write the answer, and exit."""
    source, result, status = files
    seconds, wall, memory = limits
    word = FAILED
    try:
        # Both timers' signals end the process by default, even in the middle of parsing.
        signal.setitimer(signal.ITIMER_REAL, wall)
        signal.setitimer(signal.ITIMER_PROF, max(seconds, 0.05))
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        for limit, most in (
            (resource.RLIMIT_CPU, max(1, int(seconds) + 1)),
            (resource.RLIMIT_AS, int(memory) * _MEGABYTE),
            (resource.RLIMIT_FSIZE, _MAX_OUTPUT if hard == resource.RLIM_INFINITY else min(_MAX_OUTPUT, hard)),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(limit, (most, most))
        sys.setrecursionlimit(_MAX_RECURSION)
        with open(source, "rb") as given:
            answer = _answer(kind, charset, given.read())
        with open(result, "w", encoding="ascii") as place:
            json.dump(answer, place, ensure_ascii=True, separators=(",", ":"))
        word = DONE
    finally:
        # Exit on every exception, since this fork must not continue as a second warm process.
        os.write(status, word)
        os._exit(0)


def _answer(kind: str, charset: str, body: bytes) -> dict[str, object]:
    """Return the answer for one document: its parts, or the kind of failure and sometimes a detail in words."""
    try:
        return {"parts": _reader(kind)(charset, body)}
    except Unreadable as error:
        return {"error": error.sort, "detail": str(error)}
    except MemoryError:
        return {"error": "too-large"}
    except RecursionError:
        return {"error": "too-deep"}
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, OSError):
        # A parser may raise almost anything on a hostile document; the parent's error names the document.
        return {"error": "unreadable"}
