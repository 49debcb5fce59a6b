"""Rendering: a page of scripts yields its text, and whatever its scripts try, all requests go through the guard."""

import select
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agent.errors import InputError, RefusedError, SeptetError, SourceError, UnavailableError
from agent.intake.crawl.answer import Fetched, Outcome
from agent.intake.crawl.browser import Rendering, find_chromium, render
from agent.intake.crawl.guard import Guard
from agent.settings import Settings, load_settings

PAGE = "http://docs.harborline.example/app"
SETTINGS = Settings(browser="on")
SHELL = '<!doctype html><html><head><title>App</title></head><body><div id="root"></div>{}</body></html>'


class FakeWeb:
    """Files in memory behind the real guard; requests are recorded."""

    def __init__(self, files: dict[str, tuple[str, str]]) -> None:
        self.files = files
        self.asked: list[str] = []
        self.refused: list[str] = []

    def get_all(self, urls: Sequence[str]) -> list[Outcome]:
        """Return the files, or errors for missing ones."""
        return [self._get(url) for url in urls]

    def exhausted(self) -> str | None:
        """Never exhausted."""
        return None

    def _get(self, url: str) -> Outcome:
        self.asked.append(url)
        guard = Guard(resolve=lambda host, port: ["93.184.216.34"])
        try:
            target = guard.parse(url)
            guard.addresses(target.host, target.port)
        except RefusedError as error:
            self.refused.append(url)
            return error
        if url not in self.files:
            return SourceError("the server answered 404", where=url)
        media, body = self.files[url]
        return _fetched(url, body, media)


def _fetched(url: str, body: str, media: str = "text/html") -> Fetched:
    return Fetched(url, url, media, "utf-8", body.encode())


def _page(script: str) -> Fetched:
    return _fetched(PAGE, SHELL.format(f"<script>{script}</script>"))


@pytest.mark.browser
def test_a_page_of_scripts_yields_its_text() -> None:
    web = FakeWeb(
        {
            "http://docs.harborline.example/main.js": (
                "text/javascript",
                "fetch('/data.json').then(r => r.json()).then(d => {"
                "document.getElementById('root').innerHTML = '<h1>Permissions</h1><p>' + d.text + '</p>'; });",
            ),
            "http://docs.harborline.example/data.json": ("application/json", '{"text": "The agent may delete pods."}'),
        }
    )
    page = _fetched(PAGE, SHELL.format('<script src="/main.js"></script>'))
    rendered = render(page, web, SETTINGS)
    assert b"<h1>Permissions</h1><p>The agent may delete pods.</p>" in rendered.body
    assert (rendered.url, rendered.requested, rendered.media_type) == (PAGE, PAGE, "text/html")
    assert web.asked == ["http://docs.harborline.example/main.js", "http://docs.harborline.example/data.json"]


@pytest.mark.browser
def test_shadow_roots_are_in_the_text_and_what_they_hide_stays_hidden() -> None:
    script = """
    const host = document.createElement('x-card'); host.innerHTML = '<b>slotted words</b>';
    host.attachShadow({mode: 'open'}).innerHTML =
      '<style>.off{display:none}</style><p>shadow words</p><p class="off">secret words</p><slot></slot>';
    document.body.append(host);
    const sheet = new CSSStyleSheet(); sheet.replaceSync('.gone { display: none }');
    document.adoptedStyleSheets = [sheet];
    """
    body = render(_page(script), FakeWeb({}), SETTINGS).body.decode()
    assert "<p>shadow words</p>" in body
    assert "<b>slotted words</b>" in body
    assert '<p class="off" style="display:none">secret words</p>' in body
    assert ".gone { display: none; }" in body


@pytest.mark.browser
def test_nothing_leaves_but_through_the_guard() -> None:
    with _listener() as (port, heard):
        there = f"127.0.0.1:{port}"
        script = f"""
        const tell = (u) => fetch(u).catch(() => 0);
        tell('http://169.254.169.254/latest/meta-data/'); tell('http://{there}/fetch'); tell('http://[::1]:{port}/');
        fetch('http://93.184.216.34/post', {{method: 'POST', body: 'x'}}).catch(() => 0);
        new Image().src = 'http://{there}/image';
        navigator.sendBeacon && navigator.sendBeacon('http://{there}/beacon', 'x');
        for (const rel of ['prefetch', 'preconnect', 'dns-prefetch', 'stylesheet', 'icon', 'manifest']) {{
          const link = document.createElement('link'); link.rel = rel; link.href = 'http://{there}/' + rel;
          document.head.append(link); }}
        const frame = document.createElement('iframe'); frame.src = 'http://{there}/frame'; document.body.append(frame);
        const blank = document.createElement('iframe'); document.body.append(blank);
        for (const realm of [window, blank.contentWindow]) {{
          try {{ new realm.WebSocket('ws://{there}/socket'); }} catch (e) {{ }}
          try {{ new realm.EventSource('http://{there}/events'); }} catch (e) {{ }}
          try {{ new realm.WebTransport('https://{there}/transport'); }} catch (e) {{ }}
          try {{ const peer = new realm.RTCPeerConnection({{iceServers: [{{urls: 'stun:{there}'}},
              {{urls: 'turn:{there}?transport=tcp', username: 'u', credential: 'c'}}]}});
            peer.createDataChannel('x'); peer.createOffer().then(o => peer.setLocalDescription(o)); }} catch (e) {{ }}
        }}
        try {{ navigator.serviceWorker.register('http://{there}/worker.js').catch(() => 0); }} catch (e) {{ }}
        try {{ window.open('http://{there}/window'); }} catch (e) {{ }}
        const form = document.createElement('form'); form.action = 'http://{there}/form'; form.target = '_blank';
        document.body.append(form); form.submit();
        // Requests go on, so that the browser does not take the page for finished before the slow ways were tried.
        for (let n = 1; n < 10; n++) setTimeout(() => tell('http://{there}/tick' + n), n * 250);
        setTimeout(() => {{ document.getElementById('root').textContent = 'all was tried'; }}, 2000);
        """
        web = FakeWeb({})
        rendered = render(_page(script), web, SETTINGS)
        time.sleep(0.5)  # requests under way would have arrived by now
        assert heard == []
        socket.create_connection(("127.0.0.1", port)).close()
        time.sleep(0.5)
        assert heard == ["tcp"]  # the listener was open
    assert b"all was tried" in rendered.body
    assert "http://169.254.169.254/latest/meta-data/" in web.refused
    assert web.refused == web.asked
    assert "http://93.184.216.34/post" not in web.asked


@pytest.mark.browser
def test_a_page_cannot_become_another_page() -> None:
    web = FakeWeb({"http://other.example/": ("text/html", "<p>other words</p>")})
    rendered = render(_page("document.body.append('own words'); location = 'http://other.example/';"), web, SETTINGS)
    assert b"own words" in rendered.body
    assert rendered.url == PAGE
    assert web.asked == []


@pytest.mark.browser
def test_a_page_cannot_change_how_it_is_read() -> None:
    script = """
    document.body.append('own words');
    Node.prototype.cloneNode = () => { throw 1; };
    Document.prototype.createTextNode = () => 'nothing';
    Object.defineProperty(Element.prototype, 'outerHTML', {get: () => '<p>forged words</p>'});
    """
    body = render(_page(script), FakeWeb({}), SETTINGS).body
    assert body.startswith(b"<!doctype html><html><head>")
    assert body.endswith(b"</script>own words</body></html>")


@pytest.mark.browser
def test_an_endless_script_ends_in_time_and_leaves_no_process() -> None:
    settings = replace(SETTINGS, browser_seconds=5.0)
    started = time.monotonic()
    with pytest.raises(UnavailableError, match="took too long"):
        render(_page("while (true) {}"), FakeWeb({}), settings)
    assert time.monotonic() - started < 7.0
    deadline = time.monotonic() + 5.0
    while (left := _own_browsers()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []


@pytest.mark.browser
def test_a_page_that_grows_without_end_is_refused() -> None:
    settings = replace(SETTINGS, max_page_bytes=100_000)
    with pytest.raises(SourceError, match="larger than 100000 bytes once rendered"):
        render(_page("document.body.append('word '.repeat(50000));"), FakeWeb({}), settings)


@pytest.mark.browser
def test_only_pages_that_need_it_are_rendered() -> None:
    plain = "http://docs.harborline.example/plain"
    script, shell = "http://docs.harborline.example/main.js", SHELL.format("<script src=/main.js></script>")
    web = FakeWeb({PAGE: ("text/html", shell), plain: ("text/html", "<p>plain</p>")})
    web.files[script] = ("text/javascript", "document.body.append('made words')")
    rendering = Rendering(web, SETTINGS)
    first, second, third = rendering.get_all([PAGE, plain, "http://docs.harborline.example/none"])
    assert isinstance(first, Fetched)
    assert b"made words</body>" in first.body
    assert isinstance(second, Fetched)
    assert second.body == b"<p>plain</p>"
    assert isinstance(third, SeptetError)


def test_without_a_browser_the_page_comes_back_as_it_was_and_the_hint_says_what_to_do(tmp_path: Path) -> None:
    settings = replace(SETTINGS, browser_path=str(tmp_path / "none"))
    shell, told = SHELL.format("<script src=/app.js></script>"), list[str]()
    [outcome] = Rendering(FakeWeb({PAGE: ("text/html", shell)}), settings, told.append).get_all([PAGE])
    assert isinstance(outcome, Fetched)
    assert outcome.body == shell.encode()
    assert PAGE in told[0]
    with pytest.raises(UnavailableError) as raised:
        find_chromium(settings)
    assert "save the page" in raised.value.hint


def test_the_setting_is_off_or_on() -> None:
    assert load_settings({}).browser == "off"
    assert load_settings({"SEPTET_BROWSER": "on"}).browser == "on"
    with pytest.raises(InputError, match="setting browser"):
        load_settings({"SEPTET_BROWSER": "yes"})


def _own_browsers() -> list[str]:
    """Return the command lines of running browsers started by this program, recognised by their profile folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if "--user-data-dir=" in line and "/septet-" in line:
            found.append(line)
    return found


@contextmanager
def _listener() -> Iterator[tuple[int, list[str]]]:
    """Open a TCP and a UDP socket on one loopback port, and record what they receive."""
    heard: list[str] = []
    stop = threading.Event()

    def hear() -> None:
        while not stop.is_set():
            for ready in select.select([tcp, udp], [], [], 0.1)[0]:
                if ready is tcp:
                    tcp.accept()[0].close()
                heard.append("tcp" if ready is tcp else f"udp {udp.recv(2000)[:50]!r}")

    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        port = int(tcp.getsockname()[1])
        udp.bind(("127.0.0.1", port))
        thread = threading.Thread(target=hear)
        thread.start()
        try:
            yield port, heard
        finally:
            stop.set()
            thread.join()
