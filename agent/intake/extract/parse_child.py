"""The parsing child: a warm process that forks once for each document and reads it there.

The warm process keeps the readers loaded and touches no bytes of any source. For each document it receives three open
files through its socket (the bytes, a file for the answer, a pipe for the status) and forks. The fork limits its own
processor time, wall-clock time, memory and output, reads that one document, writes its blocks as JSON and exits, so a
page that hangs or crashes a parser costs one fork. Neither process is given a network connection, an environment or any
other file. Both end when the program that started them ends.
"""

import json
import os
import resource
import signal
import socket
import sys
from typing import Final, NoReturn

from agent.intake.extract.formats.charset import NotText, decode
from agent.intake.extract.formats.plain_values import Unreadable
from agent.intake.page import Part

REQUEST: Final = 256
"""Length of every request in bytes: JSON padded with blanks, so that two requests never run together."""
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
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles interrupts
    channel = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    _load("html")
    loaded = {"html"}
    while True:
        message, files, _, _ = socket.recv_fds(channel, REQUEST, FILES)
        if not message or len(files) != FILES:
            return
        kind, charset, seconds, wall, memory = json.loads(message)
        if kind not in loaded:
            loaded.add(kind)
            _load(kind)
        parent = os.getpid()
        os.write(files[-1], BEGUN)
        if os.fork() == 0:
            channel.close()
            _die_with(parent)
            _serve(files, kind, charset, (float(seconds), float(wall), int(memory)))
        for file in files:
            os.close(file)


def _load(kind: str) -> None:
    """Import the readers needed for `kind`, once for all forks."""
    if kind == "html":
        from agent.intake.extract.formats import html  # noqa: F401
    elif kind == "pdf":
        from agent.intake.extract.formats import pdf  # noqa: F401
    elif kind == "xml":
        from agent.intake.extract.formats import sitemap  # noqa: F401
    elif kind in ("markdown", "text"):
        from agent.intake.extract.formats import markdown  # noqa: F401
    else:
        from agent.intake.extract.formats import structured  # noqa: F401


def _die_with(parent: int) -> None:
    """Have the kernel end this process together with the warm one; outside Linux only the wall-clock limit applies."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_KILL_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _serve(files: list[int], kind: str, charset: str, limits: tuple[float, float, int]) -> NoReturn:
    """Read one document under `limits` (CPU seconds, wall-clock seconds, MiB), write the answer, and exit."""
    source, result, status = files
    word = FAILED
    try:
        _limit(*limits)
        with open(source, "rb") as given:
            answer = answered(kind, charset, given.read())
        with open(result, "w", encoding="ascii") as place:
            json.dump(answer, place, ensure_ascii=True, separators=(",", ":"))
        word = DONE
    finally:
        # Exit on every exception, since this fork must not continue as a second warm process.
        os.write(status, word)
        os._exit(0)


def _limit(seconds: float, wall: float, memory: int) -> None:
    # By default, the signals of both timers end the process, even in the middle of parsing.
    signal.setitimer(signal.ITIMER_REAL, wall)
    signal.setitimer(signal.ITIMER_PROF, max(seconds, 0.05))
    whole = max(1, int(seconds) + 1)
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole))
    resource.setrlimit(resource.RLIMIT_AS, (memory * _MEGABYTE, memory * _MEGABYTE))
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    most = _MAX_OUTPUT if hard == resource.RLIM_INFINITY else min(_MAX_OUTPUT, hard)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setrecursionlimit(_MAX_RECURSION)


def answered(kind: str, charset: str, body: bytes) -> dict[str, object]:
    """Return the answer for one document: its parts, or the kind of failure and a detail in words."""
    try:
        return {"parts": _parse(kind, charset, body)}
    except NotText as error:
        return {"error": "not-text", "detail": str(error)}
    except Unreadable as error:
        return {"error": error.sort, "detail": str(error)}
    except MemoryError:
        return {"error": "too-large", "detail": "the parser ran out of memory"}
    except RecursionError:
        return {"error": "too-deep", "detail": ""}
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, OSError) as error:
        # A parser may raise almost anything on a hostile document; the parent's error names the document.
        return {"error": "unreadable", "detail": type(error).__name__}


def _parse(kind: str, charset: str, body: bytes) -> tuple[Part, ...]:
    if kind == "pdf":
        from agent.intake.extract.formats.pdf import read_pdf

        return (Part(read_pdf(body), ""),)
    if kind == "xml":
        from agent.intake.extract.formats.sitemap import read_sitemap

        return (Part(read_sitemap(body), ""),)
    text = decode(body, charset)
    if kind == "html":
        from agent.intake.extract.formats.html import read_html

        return (Part(read_html(text), ""),)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if kind in ("markdown", "text"):
        from agent.intake.extract.formats.markdown import read_markdown, read_text

        return (Part(read_markdown(text) if kind == "markdown" else read_text(text), ""),)
    from agent.intake.extract.formats.structured import read_data

    return read_data(text, kind)


if __name__ == "__main__":
    main()
