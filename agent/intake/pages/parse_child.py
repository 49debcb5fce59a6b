"""The parsing child: reads one document from a file, writes its blocks as JSON to its output, and ends.

It runs under limits of processor time, memory and output size that it sets for itself before it loads a parser, with an
empty environment and no network use, so that a page which hangs or breaks a parser costs one child. Only the standard
library and the one parser that is needed are imported.
"""

import json
import resource
import sys
from typing import Final

from agent.intake.pages.charset import NotText, decode
from agent.intake.pages.page import Page

_MAX_OUTPUT: Final = 64 * 1024 * 1024
_MEGABYTE: Final = 1024 * 1024
_MAX_RECURSION: Final = 5000


def main() -> None:
    """Parse standard input as `argv` says: kind (html or pdf), declared character set, CPU seconds, memory in MiB."""
    kind, charset, seconds, memory = sys.argv[1:]
    _limit(float(seconds), int(memory))
    body = sys.stdin.buffer.read()
    try:
        answer = _answer(_parse(kind, charset, body))
    except NotText as error:
        answer = {"error": "not-text", "detail": str(error)}
    except MemoryError:
        answer = {"error": "too-large", "detail": "the parser ran out of memory"}
    except (ValueError, RecursionError, ArithmeticError, LookupError, TypeError, AttributeError, OSError) as error:
        # A parser that stumbles over a hostile document may raise almost anything; the parent names the document.
        answer = {"error": "unreadable", "detail": type(error).__name__}
    sys.stdout.write(json.dumps(answer, ensure_ascii=True, separators=(",", ":")))


def _limit(seconds: float, memory: int) -> None:
    whole = max(1, int(seconds))
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory * _MEGABYTE, memory * _MEGABYTE))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MAX_OUTPUT, _MAX_OUTPUT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setrecursionlimit(_MAX_RECURSION)


def _parse(kind: str, charset: str, body: bytes) -> Page:
    if kind == "pdf":
        from agent.intake.pages.pdf import read_pdf

        return read_pdf(body)
    from agent.intake.pages.html import read_html

    return read_html(decode(body, charset))


def _answer(page: Page) -> dict[str, object]:
    return {"page": page}


if __name__ == "__main__":
    main()
