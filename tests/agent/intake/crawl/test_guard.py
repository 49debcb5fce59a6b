"""The guard, without a network: a resolver and a connector that only record."""

import ipaddress

import pytest
from hypothesis import given, strategies as st

from agent.errors import RefusedError, UnavailableError, UsageError
from agent.intake.crawl.guard import Guard, looks_like_address, refusal
from agent.intake.crawl.network import open_network
from agent.settings import Settings
from tests.fakes.intake.wire import Names, Wire, http, moved, no_robots

PUBLIC = "93.184.216.34"

REFUSED_URLS = (
    "http://127.0.0.1/", "http://127.255.255.254/", "http://0.0.0.0/", "http://10.0.0.1/", "http://172.31.255.255/",
    "http://192.168.0.1/", "http://100.64.0.1/", "http://169.254.169.254/", "http://192.0.0.192/",
    "http://224.0.0.1/", "http://168.63.129.16/", "http://100.100.100.200/", "http://240.0.0.1/",
    "http://255.255.255.255/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/",
    "http://017700000001/", "http://0177.0.0.1/", "http://127.1/", "http://127.0.1/", "http://0/",
    "http://127.0.0.1./", "http://127.000.000.001/", "http://1.2.3.256/", "http://0o177.0.0.1/",
    "http://012.0.0.1/", "http://①②⑦.⓪.⓪.①/", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "http://１２７.0.0.1/", "http://localhost/",
    "http://LOCALHOST/", "http://a.localhost/", "http://metadata/", "http://db.internal/", "http://printer.local/",
    "http://x.onion/", "http://metadata.google.internal/", "http://local\u00adhost.com/", "http://[::1]/",
    "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:8.8.8.8]/", "http://[fe80::1]/",
    "http://[fc00::1]/", "http://[fd00:ec2::254]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[2002:a9fe:a9fe::1]/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/", "http://[2001:db8::1]/", "http://[ff02::1]/",
    "http://[fec0::1]/", "http://[2600::5efe:a00:1]/", "http://[fe80::1%25lo]/", "http://[v1.127.0.0.1]/",
    "http://[::1", "http://[::127.0.0.1]/", "http://user@example.com/", "http://example.com@127.0.0.1/",
    "http://a:b@example.com/", "http://example.com%40x/", "http://example.com\\@127.0.0.1/", "http:\\\\127.0.0.1\\",
    "http://exa mple.com/", " http://example.com/", "http://example.com/\r\nHost: x", "http://exam\tple.com/",
    "http://127%2e0%2e0%2e1/", "http://", "http:///x", "file:///etc/passwd", "ftp://example.com/",
    "gopher://127.0.0.1:6379/_", "javascript:alert(1)", "data:text/html,x", "//example.com/",
    "view-source:http://example.com/", "http:example.com", "http://-a.example.com/", "http://a..b/",
    "http://example.com:22/", "http://example.com:0/", "http://example.com:65536/", "http://example.com:99999/",
    "http://example.com:-1/", "http://example.com:80:443/", "http://example.com:8080/", "http://example.com:080/",
    "http://xn--/", "http://" + "a" * 64 + ".com/", "http://example.com/" + "a" * 9000,
)  # fmt: skip

ALLOWED_URLS = {
    "https://example.com/": ("example.com", 443, "https://example.com/"),
    "HTTPS://Example.COM/Path?q=1#frag": ("example.com", 443, "https://example.com/Path?q=1"),
    "http://example.com:80": ("example.com", 80, "http://example.com/"),
    "https://example.com:80/": ("example.com", 80, "https://example.com:80/"),
    "http://example.com./a": ("example.com", 80, "http://example.com/a"),
    "https://bücher.example.com/": ("xn--bcher-kva.example.com", 443, "https://xn--bcher-kva.example.com/"),
    "https://xn--bcher-kva.example.com/": ("xn--bcher-kva.example.com", 443, "https://xn--bcher-kva.example.com/"),
    "http://example.com/?u=http://127.0.0.1/": ("example.com", 80, "http://example.com/?u=http://127.0.0.1/"),
    "https://localhost.example.com/": ("localhost.example.com", 443, "https://localhost.example.com/"),
    "https://10.example.com/": ("10.example.com", 443, "https://10.example.com/"),
    "https://0x7f.example.com/": ("0x7f.example.com", 443, "https://0x7f.example.com/"),
    "https://example.com/ü?ß": ("example.com", 443, "https://example.com/%C3%BC?%C3%9F"),
    "https://example.com?x": ("example.com", 443, "https://example.com/?x"),
    "http://93.184.216.34/": (PUBLIC, 80, "http://93.184.216.34/"),
    "http://[2606:2800::8b2c]/": ("2606:2800::8b2c", 80, "http://[2606:2800::8b2c]/"),
}

# The first and last address of each refused range, and the public neighbours just outside.
EDGES_REFUSED = (
    "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.0",
    "127.255.255.255", "169.254.0.0", "169.254.255.255", "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.255",
    "192.0.2.0", "192.88.99.255", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.0",
    "203.0.113.255", "224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255", "168.63.129.16", "::", "::1",
    "64:ff9b::", "100::", "2001::", "2001:1ff:ffff::", "2002::", "3fff::", "4000::", "1fff::", "fc00::", "fdff::",
    "fe80::", "febf::", "fec0::", "ff00::", "5f00::", "::ffff:5db8:d822", "64:ff9b::5db8:d822",
)  # fmt: skip
EDGES_ALLOWED = (
    "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0",
    "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.17",
    "2001:200::", "2001:db7:ffff::", "2001:db9::", "2003::", "2606:4700::1111", "2a00:1450::1",
)  # fmt: skip


def fetch(url, answers, table, allow=()):
    """The outcome of `url` over sockets that give `answers` in turn, and the addresses that were connected to."""
    left = list(answers)
    wire = Wire(no_robots(lambda host, path: left.pop(0)))
    with open_network(Settings(delay_seconds=0), allow, resolve=Names(table), backend=wire) as (_, network):
        [outcome] = network.get_all([url])
    return outcome, set(wire.connects)


@pytest.mark.parametrize("url", REFUSED_URLS, ids=lambda url: ascii(url)[:50])
def test_refused_url(url):
    with pytest.raises(RefusedError) as caught:
        Guard().parse(url)
    assert caught.value.exit_code == 3
    assert caught.value.hint


@pytest.mark.parametrize(("url", "reading"), ALLOWED_URLS.items())
def test_allowed_url(url, reading):
    target = Guard().parse(url)
    assert (target.host, target.port, target.url) == reading
    assert Guard().parse(target.url) == target


@pytest.mark.parametrize("address", [*EDGES_REFUSED, *EDGES_ALLOWED])
def test_the_edges_of_ranges(address):
    assert bool(refusal(ipaddress.ip_address(address))) is (address in EDGES_REFUSED)


@given(st.text(max_size=60))
def test_a_reading_is_final(text):
    try:
        target = Guard().parse("http://" + text)
    except RefusedError:
        return
    assert Guard().parse(target.url) == target
    assert target.url.isascii()
    assert target.port in (80, 443)


@pytest.mark.parametrize(
    "answers",
    [
        *(["127.0.0.1"], [PUBLIC, "10.0.0.7"], ["127.0.0.1", PUBLIC], ["64:ff9b::a9fe:a9fe"], ["::ffff:10.0.0.1"]),
        *(["0.0.0.0"], ["not-an-address"], []),
    ],
)
def test_every_answer_must_pass(answers):
    error, connects = fetch("http://a.example.com/", [http()], {"a.example.com": [answers]})
    assert isinstance(error, RefusedError if answers else UnavailableError)
    assert connects == set()


@pytest.mark.parametrize(
    "location",
    [
        *("http://127.0.0.1/", "//169.254.169.254/latest/", "http://[::ffff:127.0.0.1]/", "http://inside.example.net/"),
        *("http://flip.example.net/", "file:///etc/passwd", "http://a.example.com:6379/", "http:\\\\127.0.0.1\\"),
        *("http://user@a.example.com/", "https://2130706433/"),
    ],
)
def test_redirects_are_judged(location):
    table = {"a.example.com": [[PUBLIC]], "inside.example.net": [["10.0.0.1"]]}
    table["flip.example.net"] = [["127.0.0.1"], [PUBLIC]]
    error, connects = fetch("http://a.example.com/", [moved(location), http()], table)
    assert isinstance(error, RefusedError)
    assert connects == {(PUBLIC, 80)}


@pytest.mark.parametrize("location", ["/next", "?page=2", "http://b.example.com/"])
def test_honest_redirects_are_followed(location):
    table = {"a.example.com": [[PUBLIC]], "b.example.com": [["93.184.216.35"]]}
    got, _ = fetch("http://a.example.com/", [moved(location), http()], table)
    assert got.body == b"<p>hello</p>"
    assert got.url != got.requested


def test_admitted_host_and_port_only():
    guard = Guard(["127.0.0.1:8080", "intranet.corp", "[::1]:8443", "localhost"])
    for url in ("http://127.0.0.1:8080/", "http://intranet.corp/", "https://intranet.corp/", "http://[::1]:8443/"):
        target = guard.parse(url)
        assert guard.admits(target.host, target.port)
    for url in ("http://127.0.0.1/", "http://127.0.0.1:8081/", "http://intranet.corp:8080/", "http://x.intranet.corp/"):
        with pytest.raises(RefusedError):
            guard.parse(url)


def test_admitted_name_may_be_private():
    got, connects = fetch("http://box.corp/", [http()], {"box.corp": [["10.1.2.3"]]}, ["box.corp"])
    assert got.body == b"<p>hello</p>"
    assert connects == {("10.1.2.3", 80)}


@pytest.mark.parametrize("entry", ["", "http://x/", "a@b", "x:99999", "127.1:80", "a b"])
def test_malformed_admission(entry):
    with pytest.raises(UsageError):
        Guard([entry])


def test_what_is_meant_as_an_address():
    addresses = ("file:///x", "//host/x", "a b", "x\x00y", "mailto:a@b.example", "HTTP://x")
    assert all(map(looks_like_address, addresses))
    assert not any(map(looks_like_address, ("listing.md", "example.com/agents/acme", "./docs", "")))
