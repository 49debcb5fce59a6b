"""Render pages that need JavaScript in a system Chromium without network access of its own.

Optional: it needs the package extra `browser`, a Chromium and the setting `browser = on`. `Rendering` sits between the
crawl and the network; every file that a page requests goes through the same `Web` as the pages of the crawl, by GET
only, under the same guard, politeness rules and budgets. Chromium runs in a child process that is killed at the
deadline.
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
from agent.settings import Settings

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_MAX_FILES: Final = 40
_SETTLE_SECONDS: Final = 5.0
_LINE_FACTOR: Final = 8
"""Maximum characters of a line per byte of the page: JSON may escape one character as six."""
_HINT: Final = "save the page in a browser and give the file"
_HTML: Final = "text/html"


class _Message(BaseModel):
    """One line from the child, with exactly one field set."""

    model_config = ConfigDict(extra="forbid", strict=True)

    get: str | None = None
    html: str | None = None
    error: str | None = None


class Rendering:
    """A `Web` that renders pages that need JavaScript in a browser.

    `needs` recognises such pages. A page that cannot be rendered is returned unchanged; the reason is passed to `tell`
    and stored in `faults`.
    """

    def __init__(
        self,
        inner: Web,
        settings: Settings,
        needs: Callable[[Fetched], bool],
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._inner = inner
        self._settings = settings
        self._needs = needs
        self._tell = tell
        self.faults: dict[str, str] = {}
        """Addresses of pages that could not be rendered, with the reasons."""

    def get_all(self, urls: Sequence[str]) -> list[Outcome]:
        """Return the outcome for each address, in the order of `urls`."""
        return [self._rendered(outcome) for outcome in self._inner.get_all(urls)]

    def exhausted(self) -> str | None:
        """Return a message saying which budget is used up, or None."""
        return self._inner.exhausted()

    def _rendered(self, outcome: Outcome) -> Outcome:
        if isinstance(outcome, SeptetError) or not self._needs(outcome):
            return outcome
        try:
            used_up = self._inner.exhausted()
            if used_up:
                raise UnavailableError(used_up, where=outcome.url, hint=_HINT)
            return render(outcome, self._inner, self._settings)
        except SeptetError as error:
            self.faults[outcome.url] = error.what
            if self._tell is not None:
                self._tell(f"not rendered: {outcome.url}: {error.what} ({error.hint})")
            return outcome


def find_chromium(settings: Settings) -> str:
    """Return the path of the browser: `browser_path`, or the first known name on the PATH.

    Raises UnavailableError when the extra is not installed or no browser is found.
    """
    if importlib.util.find_spec("playwright") is None:
        raise UnavailableError(
            "the page needs JavaScript and the extra 'browser' is not installed",
            hint=f"pip install 'septet[browser]' and install Chromium, or {_HINT}",
        )
    wanted = (settings.browser_path,) if settings.browser_path else _NAMES
    found = next((path for path in map(shutil.which, wanted) if path), None)
    if found is None:
        raise UnavailableError(
            "the page needs JavaScript and no Chromium was found",
            where=settings.browser_path or ", ".join(_NAMES),
            hint=f"install Chromium or name it with browser_path, or {_HINT}",
        )
    return found


def render(page: Fetched, web: Web, settings: Settings) -> Fetched:
    """Return `page` with its body rendered by a browser; the page's files are fetched through `web`.

    Raises UnavailableError when there is no browser or it does not finish within `browser_seconds`, SourceError when
    the result is larger than `max_page_bytes`.
    """
    chromium = find_chromium(settings)
    job: dict[str, str | float] = {
        "url": page.url,
        "body": base64.b64encode(page.body).decode("ascii"),
        "content_type": f"{page.media_type}; charset={page.charset}" if page.charset else page.media_type,
        "chromium": chromium,
        "user_agent": settings.user_agent,
        "settle_seconds": min(_SETTLE_SECONDS, settings.browser_seconds / 2),
        "seconds": settings.browser_seconds,
        "files": _MAX_FILES,
    }
    with tempfile.TemporaryDirectory(prefix="septet-", ignore_cleanup_errors=True) as home:
        html = _Child(page.url, web, settings, home).run(job)
    body = html.encode("utf-8", "replace")
    if len(body) > settings.max_page_bytes:
        raise SourceError(f"larger than {settings.max_page_bytes} bytes once rendered", where=page.url, hint=_HINT)
    return replace(page, body=body, media_type=_HTML, charset="utf-8")


class _Child:
    """The process that drives the browser, and the exchange of messages with it."""

    def __init__(self, url: str, web: Web, settings: Settings, home: str) -> None:
        self._url = url
        self._web = web
        self._settings = settings
        self._home = home

    def run(self, job: dict[str, str | float]) -> str:
        """Return the HTML of the rendered page and end the process, even after an error."""
        root = str(Path(__file__).resolve().parents[3])
        bootstrap = (
            f"import sys, runpy; sys.path.insert(0, {root!r}); runpy.run_module({_MODULE!r}, run_name='__main__')"
        )
        # Pass nothing from the caller's environment, which may hold a proxy, keys or a user profile.
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": self._home,
            "TMPDIR": self._home,
            "LANG": "C.UTF-8",
        }
        with subprocess.Popen(
            [sys.executable, "-I", "-X", "utf8", "-c", bootstrap],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=self._home,
            text=True,
            encoding="utf-8",
        ) as child:
            watchdog = threading.Timer(self._settings.browser_seconds, child.kill)
            watchdog.daemon = True
            watchdog.start()
            try:
                return self._talk(child, job)
            finally:
                watchdog.cancel()
                child.kill()

    def _talk(self, child: subprocess.Popen[str], job: dict[str, str | float]) -> str:
        end = time.monotonic() + self._settings.browser_seconds
        if child.stdin is None or child.stdout is None:
            raise UnavailableError("the browser does not start", where=self._url, hint=_HINT)
        message: dict[str, str] | dict[str, str | float] = job
        while time.monotonic() < end:
            try:
                child.stdin.write(json.dumps(message) + "\n")
                child.stdin.flush()
            except BrokenPipeError:
                break
            line = child.stdout.readline(self._settings.max_page_bytes * _LINE_FACTOR)
            if not line:
                break
            said = self._understood(line)
            if said.html is not None:
                return said.html
            if said.get is None:
                raise UnavailableError("the browser cannot render the page", where=self._url, hint=_HINT)
            message = self._file(said.get)
        if time.monotonic() >= end - _ROUNDING:
            raise UnavailableError(
                "rendering took too long", where=self._url, hint=f"raise browser_seconds, or {_HINT}"
            )
        raise UnavailableError("the browser ended by itself", where=self._url, hint=_HINT)

    def _understood(self, line: str) -> _Message:
        try:
            return _Message.model_validate_json(line)
        except ValidationError:
            raise UnavailableError("the browser gave no page", where=self._url, hint=_HINT) from None

    def _file(self, url: str) -> dict[str, str]:
        """Return the response to the page's request for `url`; an empty dict if the request is refused or fails."""
        [outcome] = self._web.get_all([url])
        if isinstance(outcome, SeptetError):
            return {}
        body = base64.b64encode(outcome.body).decode("ascii")
        charset = f"; charset={outcome.charset}" if outcome.charset else ""
        return {"body": body, "content_type": outcome.media_type + charset}


_MODULE: Final = "agent.intake.crawl.browser_child"
_ROUNDING: Final = 0.5
