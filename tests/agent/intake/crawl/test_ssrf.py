"""Every address trick passes through network, fetcher, guard and backend; only resolver and sockets are fakes."""

import ipaddress
import json

import pytest
import ssrfguard
from hypothesis import given, settings, strategies as st

from agent.errors import RefusedError, SeptetError
from agent.intake.crawl.answer import Fetched
from agent.intake.crawl.guard import Guard, refusal
from agent.intake.crawl.network import open_network
from agent.settings import Settings
from tests.fakes.intake.wire import Names, Wire, http, no_robots
from tests.places import VECTORS

PUBLIC = "93.184.216.34"
TRICKS = json.loads((VECTORS / "ssrf.json").read_text("utf-8"))["vectors"]
FETCHED = [vector for vector in TRICKS if vector["delivery"] in ("direct", "dns", "redirect", "env")]
QUICK = Settings(delay_seconds=0)


def ask(url, *, names=None, redirects=(), allow=(), otherwise=(PUBLIC,)):
    steps = [http(b"", status, location=where) for status, where in redirects]
    wire = Wire(no_robots(lambda host, path: steps.pop(0) if steps else http()))
    resolver = Names(names or {}, otherwise)
    with open_network(QUICK, allow, resolve=resolver, backend=wire) as (_, network):
        [outcome] = network.get_all([url])
    return outcome, wire, resolver


@pytest.mark.parametrize("vector", FETCHED, ids=lambda vector: vector["id"])
def test_vector(vector, monkeypatch, tmp_path):
    for name, value in vector.get("environment", {}).items():
        if name == "NETRC":
            (tmp_path / "netrc").write_text("machine example.com login me password secret\n")
            value = str(tmp_path / "netrc")
        monkeypatch.setenv(name, value)
    outcome, wire, _ = ask(vector["url"], names=vector.get("names"), redirects=vector.get("redirects", ()))
    tried = {address for address, _ in wire.connects}
    assert all(refusal(ipaddress.ip_address(address)) is None for address in tried)
    if vector.get("optional"):
        return
    if vector["delivery"] == "env":
        assert tried == {PUBLIC}
        assert not any(b"uthorization" in request for _, _, request in wire.requests)
    elif vector["refused"] and "may_connect" in vector:
        assert tried <= set(vector["may_connect"])
    elif vector["refused"]:
        assert isinstance(outcome, SeptetError)
        assert tried <= ({PUBLIC} if vector["delivery"] == "redirect" else set())
    else:
        assert isinstance(outcome, Fetched), outcome
        assert tried


def test_all_vectors_are_there():
    assert len(TRICKS) == 181
    assert {vector["delivery"] for vector in TRICKS if vector not in FETCHED} == {
        *("crawl-link", "sitemap", "canonical", "openapi-servers")
    }


def encodings(number):
    """IPv6 forms that contain an IPv4 address."""
    low = number
    yield (0xFFFF << 32) | low
    yield (0xFFFF << 48) | low
    yield low
    yield (0x64FF9B << 96) | low
    yield (0x64FF9B0001 << 80) | low
    yield (0x64FF9B0001 << 80) | (low >> 16 << 48) | (low & 0xFFFF) << 24
    yield (0x2002 << 112) | (low << 80) | 1
    yield (0x20010000 << 96) | (low ^ 0xFFFFFFFF)
    yield (0x20010000 << 96) | (low << 64)
    yield (0x2600 << 112) | (0x5EFE << 32) | low
    yield (0x2600 << 112) | (0x02005EFE << 32) | low
    yield (0xFE80 << 112) | (0x5EFE << 32) | low


def texts(number):
    """Spellings of an IPv4 address other than its canonical form."""
    a, b, c, d = ((number >> shift) & 255 for shift in (24, 16, 8, 0))
    yield str(number) if number > 255 else f"0.{number}"
    yield hex(number)
    yield f"0{number:o}"
    yield f"0{a:o}.0{b:o}.0{c:o}.0{d:o}"
    yield f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"
    yield f"{a}.{b}.{(c << 8) | d}"
    yield f"{a}.{number & 0xFFFFFF}"
    yield f"{a:03}.{b:03}.{c:03}.0{d:03}"
    yield f"{a}.{b}.{c}.{d}."
    yield f"{a}.{b}.{c}.{d}.."
    yield f"{a}%2e{b}.{c}.{d}"
    yield f"{a}。{b}。{c}。{d}"
    yield "".join(chr(ord(sign) + 0xFEE0) if sign != "." else sign for sign in f"{a}.{b}.{c}.{d}")
    yield f"[::ffff:{a}.{b}.{c}.{d}]"
    yield f"[::{a}.{b}.{c}.{d}]"
    yield f"[64:ff9b::{a}.{b}.{c}.{d}]"
    yield f"[::ffff:{a}.{b}.{c}.{d}%25lo]"


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_form_of_an_address_passes_but_the_plain_one(number):
    for form in encodings(number):
        assert refusal(ipaddress.IPv6Address(form))
    for text in texts(number):
        with pytest.raises(RefusedError):
            Guard().parse(f"http://{text}/")
    address = ipaddress.IPv4Address(number)
    # Allowed are the addresses that Python's own table calls global, except ranges that the table includes by mistake.
    assert refusal(address) or (address.is_global and not address.is_multicast)


ORACLE = ssrfguard.Policy()
SPECIAL = tuple(block.network for block in ssrfguard.DEFAULT_DENIED.blocks)


def near(network):
    """The first and the last address of a range, and their neighbours outside."""
    kind = ipaddress.IPv4Address if network.version == 4 else ipaddress.IPv6Address
    first, last = int(network.network_address), int(network.broadcast_address)
    top = 2**network.max_prefixlen
    return [kind(number) for number in (first - 1, first, last, last + 1) if 0 <= number < top]


@pytest.mark.parametrize("network", SPECIAL, ids=str)
def test_the_edges_of_each_special_range_as_another_guard_sees_them(network):
    for address in near(network):
        assert refusal(address) or ORACLE.permits_address(address), address


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6), st.ip_addresses(v=6, network="2000::/3")))
def test_whatever_another_guard_refuses_is_refused_here(address):
    assert refusal(address) or ORACLE.permits_address(address)


PIECES = st.sampled_from([
    "http", "HTTPS", ":", "//", "/", "\\", "@", "user", "127.0.0.1", "0x7f", "1", ".", "..", "[", "]", "::1", "%",
    "%25", "example.com", "localhost", "xn--", "\t", "\r\n", " ", "#", "?", "ⓔ", "１", "。", "ß", "-", "_", "80", "22",
    "065", "a" * 64, "é", "\u202e", "\u00ad", "\x00", "93.184.216.34",
])  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=8))
def test_whatever_url_another_guard_refuses_is_refused_here(pieces):
    url = "http://" + "".join(pieces)
    try:
        target = Guard().parse(url)
    except RefusedError:
        return
    if "_" in target.host:
        return  # parsed here as resolvers and browsers do: some real host names have one
    try:
        ORACLE.check_url(url)
    except ssrfguard.SSRFGuardError as error:
        pytest.fail(f"{url!r} is read as {target} but the other says {error}")


METADATA = (
    *("169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254"),
    *("fd20:ce::254", "fe80::a9fe:a9fe", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "::ffff:168.63.129.16"),
    "0.0.0.0",
)


@pytest.mark.parametrize("address", METADATA)
def test_metadata_stays_refused_for_an_admitted_name(address):
    outcome, wire, _ = ask("http://box.corp/", names={"box.corp": [[address]]}, allow=["box.corp"])
    assert isinstance(outcome, SeptetError)
    assert wire.connects == []


@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200", "[fd00:ec2::254]", "168.63.129.16"])
def test_metadata_stays_refused_when_it_is_named_itself(address):
    outcome, wire, _ = ask(f"http://{address}/", allow=[address])
    assert isinstance(outcome, RefusedError) or "robots" in outcome.what
    assert wire.connects == []


def test_one_look_up_a_connection_and_the_name_of_the_url_for_tls():
    outcome, wire, resolver = ask("https://a.example.com/", names={"a.example.com": [[PUBLIC]]})
    assert isinstance(outcome, Fetched)
    assert len(resolver.asked) == len(wire.connects)
    assert set(wire.server_names) == {"a.example.com"}
