"""Render pages that need JavaScript in a system Chromium without network access of its own.

Optional: it needs the package extra `browser`, an installed Chromium and the setting `browser = on`. `Rendering` sits
between the crawl and the network; every file that a page requests goes through the same `Web` as the pages of the
crawl, by GET only, under the same guard, politeness rules and budgets. Chromium runs in a child process that is killed
at the deadline.
"""

import base64
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.errors import SeptetError, SourceError, UnavailableError
from agent.intake.crawl.answer import Fetched, Outcome, Web
from agent.intake.crawl.browser_child import Content, Job
from agent.intake.extract.parse import read_page, sniff
from agent.settings import Settings

NEAR_EMPTY_WORDS: Final = 30
"""Word count below which a page with scripts is assumed to build its text with JavaScript."""
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_MAX_FILES: Final = 40
_SETTLE_SECONDS: Final = 5.0
_LINE_FACTOR: Final = 8  # maximum characters of a line for each byte of the page; JSON may escape one character as six
_ROUNDING: Final = 0.5
_HINT: Final = "save the page in a browser and use the file instead"
_CHILD: Final = (
    f"import sys, runpy; sys.path.insert(0, {str(Path(__file__).resolve().parents[3])!r}); "
    "runpy.run_module('agent.intake.crawl.browser_child', run_name='__main__')"
)


class _Message(BaseModel):
    """One line from the child, with exactly one field set."""

    model_config = ConfigDict(extra="forbid", strict=True)

    get: str | None = None
    html: str | None = None
    error: str | None = None


class Rendering:
    """A `Web` that uses a browser to render pages that need JavaScript.

    A page that cannot be rendered is returned unchanged; the reason is passed to `tell`.
    """

    def __init__(self, inner: Web, settings: Settings, tell: Callable[[str], None] | None = None) -> None:
        self._inner = inner
        self._settings = settings
        self._tell = tell

    def get_all(self, urls: Sequence[str]) -> list[Outcome]:
        """Return the outcome for each address, in the order of `urls`."""
        return [self._rendered(outcome) for outcome in self._inner.get_all(urls)]

    def exhausted(self) -> str | None:
        """Return a message saying which budget is used up, or None."""
        return self._inner.exhausted()

    def _rendered(self, outcome: Outcome) -> Outcome:
        if isinstance(outcome, SeptetError) or not needs_javascript(outcome, self._settings):
            return outcome
        try:
            used_up = self._inner.exhausted()
            if used_up:
                raise UnavailableError(used_up, where=outcome.url, hint=_HINT)
            return render(outcome, self._inner, self._settings)
        except SeptetError as error:
            if self._tell is not None:
                self._tell(f"not rendered: {outcome.url}: {error.what} ({error.hint})")
            return outcome


def needs_javascript(answer: Fetched, settings: Settings) -> bool:
    """Return whether a page has almost no text but shows signs of building its text with scripts."""
    try:
        if sniff(answer.body, answer.media_type, answer.url) != "html":
            return False
        page = read_page(answer.body, "html", answer.charset, answer.url, settings)
    except SourceError:
        return False
    return (page.scripts or page.wall == "script") and page.words < NEAR_EMPTY_WORDS


def find_chromium(settings: Settings) -> str:
    """Return the path of the browser: `browser_path`, or the first known name on the PATH.

    Raises UnavailableError when the extra is not installed or no browser is found.
    """
    if importlib.util.find_spec("playwright") is None:
        raise UnavailableError(
            "the page needs JavaScript, but the extra 'browser' is not installed",
            hint=f"pip install 'septet[browser]' and install Chromium, or {_HINT}",
        )
    wanted = (settings.browser_path,) if settings.browser_path else _NAMES
    found = next((path for path in map(shutil.which, wanted) if path), None)
    if found is None:
        raise UnavailableError(
            "the page needs JavaScript, but no Chromium was found",
            where=settings.browser_path or ", ".join(_NAMES),
            hint=f"install Chromium or set browser_path, or {_HINT}",
        )
    return found


def render(page: Fetched, web: Web, settings: Settings) -> Fetched:
    """Return `page` with its body rendered by a browser; the page's files are fetched through `web`.

    Raises UnavailableError when there is no browser or it does not finish within `browser_seconds`, SourceError when
    the result is larger than `max_page_bytes`.
    """
    job: Job = {
        "url": page.url,
        **_encoded(page),
        "chromium": find_chromium(settings),
        "user_agent": settings.user_agent,
        "settle_seconds": min(_SETTLE_SECONDS, settings.browser_seconds / 2),
        "seconds": settings.browser_seconds,
        "files": _MAX_FILES,
    }
    with tempfile.TemporaryDirectory(prefix="septet-", ignore_cleanup_errors=True) as home:
        # Pass nothing from the caller's environment, which may hold a proxy, keys or a user profile.
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8"}
        with subprocess.Popen(
            [sys.executable, "-I", "-X", "utf8", "-c", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=home,
            text=True,
            encoding="utf-8",
        ) as child:
            watchdog = threading.Timer(settings.browser_seconds, child.kill)
            watchdog.daemon = True
            watchdog.start()
            try:
                body = _talk(child, job, web, settings).encode("utf-8", "replace")
            finally:
                watchdog.cancel()
                child.kill()
    if len(body) > settings.max_page_bytes:
        raise SourceError(f"larger than {settings.max_page_bytes} bytes once rendered", where=page.url, hint=_HINT)
    return replace(page, body=body, media_type="text/html", charset="utf-8")


def _talk(child: subprocess.Popen[str], job: Job, web: Web, settings: Settings) -> str:
    """Give the child its job and answer its requests; return the HTML of the rendered page."""
    end = time.monotonic() + settings.browser_seconds
    message: Job | Content | None = job
    while child.stdin and child.stdout and time.monotonic() < end:
        try:
            child.stdin.write(json.dumps(message) + "\n")
            child.stdin.flush()
        except BrokenPipeError:
            break
        line = child.stdout.readline(settings.max_page_bytes * _LINE_FACTOR)
        if not line:
            break
        try:
            said = _Message.model_validate_json(line)
        except ValidationError:
            raise UnavailableError("the browser returned no page", where=job["url"], hint=_HINT) from None
        if said.html is not None:
            return said.html
        if said.get is None:
            raise UnavailableError("the browser cannot render the page", where=job["url"], hint=_HINT)
        [outcome] = web.get_all([said.get])
        message = None if isinstance(outcome, SeptetError) else _encoded(outcome)
    if time.monotonic() >= end - _ROUNDING:
        raise UnavailableError("rendering took too long", where=job["url"], hint=f"raise browser_seconds, or {_HINT}")
    raise UnavailableError("the browser exited unexpectedly", where=job["url"], hint=_HINT)


def _encoded(answer: Fetched) -> Content:
    charset = f"; charset={answer.charset}" if answer.charset else ""
    return {"body": base64.b64encode(answer.body).decode("ascii"), "content_type": answer.media_type + charset}
