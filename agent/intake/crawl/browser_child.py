"""The child process that drives Chromium for one page; it opens no connection itself.

It reads one job from standard input as a line of JSON, writes `{"get": address}` for each file that the page asks for,
reads the response from the next line (null if it was refused or failed), and writes `{"html": text}` or
`{"error": text}` at the end. Chromium is started with a dead proxy and no name resolution, so that requests are
answered through this pipe or not at all. As a separate process, it can be killed at any moment, which also ends the
browser.
"""

import base64
import json
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict

if TYPE_CHECKING:
    from playwright.sync_api import Playwright, Request, Route


class Content(TypedDict):
    """The body of a page or file, Base64-encoded, with its type."""

    body: str
    content_type: str


class Job(Content):
    """The page to render, and the limits."""

    url: str
    chromium: str
    user_agent: str
    settle_seconds: float
    seconds: float
    files: int
    """Maximum number of files that the page may request."""


_GRACE: Final = 2.0  # seconds after the deadline at which this process exits on its own
_ARGUMENTS: Final = (
    # Loopback requests go to the proxy as well, and nothing listens on its port 9 (discard).
    "--proxy-server=127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--disable-quic",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-pings",
    "--dns-prefetch-disable",
    "--disable-gpu",
    "--disable-features=WebRtcHideLocalIpsWithMdns,OptimizationHints,MediaRouter,Translate,Prerender2,WebTransport",
)
_ASKED_FOR: Final = frozenset({"script", "stylesheet", "xhr", "fetch"})
"""Kinds of requests that can change the text of a page; pictures, fonts, frames and beacons cannot."""
_NO_CHANNELS: Final = """
for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'WebTransport', 'WebSocket', 'EventSource',
                    'SharedWorker', 'Worker'])
  delete globalThis[name];
if (navigator.sendBeacon) navigator.sendBeacon = () => false;
"""


class _Files:
    """Handler that answers the page's requests through the parent process."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._served = False
        self._left = job["files"]

    def answer(self, route: "Route", request: "Request") -> None:
        """Serve the page itself once and its files through the pipe; abort every other request."""
        if request.resource_type == "document":
            if self._served or request.url.partition("#")[0] != self._job["url"]:
                # This error code keeps the current page; others would replace it with the browser's error page.
                route.abort("aborted")
                return
            self._served = True
            body = base64.b64decode(self._job["body"])
            route.fulfill(status=200, body=body, headers={"content-type": self._job["content_type"]})
            return
        if request.method != "GET" or request.resource_type not in _ASKED_FOR or not self._left:
            route.abort("blockedbyclient")
            return
        self._left -= 1
        _write({"get": request.url})
        reply: Content | None = json.loads(sys.stdin.readline())
        if reply is None:
            route.abort("failed")
            return
        headers = {"content-type": reply["content_type"], "access-control-allow-origin": "*"}
        route.fulfill(status=200, body=base64.b64decode(reply["body"]), headers=headers)


def _write(message: dict[str, str]) -> None:
    sys.__stdout__.write(json.dumps(message) + "\n")  # type: ignore[union-attr]
    sys.__stdout__.flush()  # type: ignore[union-attr]


def _render(playwright: "Playwright", job: Job) -> str:
    """Return the HTML of the rendered page, empty if it cannot be copied."""
    from playwright.sync_api import TimeoutError as TooLong

    browser = playwright.chromium.launch(
        executable_path=job["chromium"],
        args=list(_ARGUMENTS),
        # Chromium cannot run its sandbox as root, so the sandbox is disabled for root.
        chromium_sandbox=os.getuid() != 0,
        timeout=job["seconds"] * 1000,
    )
    context = browser.new_context(user_agent=job["user_agent"], service_workers="block", accept_downloads=False)
    context.add_init_script(_NO_CHANNELS)
    context.route("**/*", _Files(job).answer)
    context.route_web_socket("**/*", lambda socket: socket.close())
    page = context.new_page()
    page.goto(job["url"], wait_until="commit", timeout=job["seconds"] * 1000)
    # Pages that try to navigate away never finish loading, and some never become idle: use their current content.
    for state in ("domcontentloaded", "networkidle"):
        with suppress(TooLong):
            page.wait_for_load_state(state, timeout=job["settle_seconds"] * 1000)
    session = context.new_cdp_session(page)
    frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    # Use an isolated world, so that the page's scripts cannot replace DOM functions with their own.
    world = session.send("Page.createIsolatedWorld", {"frameId": frame})["executionContextId"]
    expression = f"({Path(__file__).with_name('browser_copy.js').read_text('utf-8')})()"
    answer = session.send("Runtime.evaluate", {"expression": expression, "contextId": world, "returnByValue": True})
    value = answer["result"].get("value")
    return value if isinstance(value, str) else ""


def main() -> None:
    """Run the one job given on standard input."""
    from playwright.sync_api import Error, sync_playwright

    job: Job = json.loads(sys.stdin.readline())
    # The parent kills this process at the deadline; if the parent itself is gone, this timer ends the process.
    watchdog = threading.Timer(job["seconds"] + _GRACE, os._exit, (1,))
    watchdog.daemon = True
    watchdog.start()
    try:
        with sync_playwright() as playwright:
            html = _render(playwright, job)
            _write({"html": html} if html else {"error": "the page cannot be copied"})
    except Error as error:
        _write({"error": error.message.partition("\n")[0][:200]})


if __name__ == "__main__":
    sys.stdout = sys.stderr  # the pipe is only for the protocol
    main()
