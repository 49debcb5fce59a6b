"""Hostile servers on loopback: each ends in a specific error, in time, and memory stays flat."""

import re
import resource
import shutil
import subprocess
import time

import pytest

from agent.errors import RefusedError, SeptetError
from agent.intake.crawl.answer import Fetched
from agent.intake.crawl.network import open_network
from agent.settings import Settings
from tests.fakes.intake.hostile import ROBOTS, SERVERS, certificate, hostile, polite_but_for_robots, status

DEADLINE = 1.0
SHORT = Settings(
    delay_seconds=0, first_byte_seconds=0.5, request_seconds=DEADLINE, total_seconds=4.0, max_page_bytes=2_000_000
)
MEMORY_MB = 64


def ask(host, path="/"):
    begun = time.monotonic()
    with open_network(SHORT, [host]) as (_, network):
        [outcome] = network.get_all([f"http://{host}{path}"])
    return outcome, time.monotonic() - begun


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("name", SERVERS)
def test_hostile_server(name):
    rude, says = SERVERS[name]
    before = peak_mb()
    with hostile(rude) as host:
        outcome, seconds = ask(host)
    assert isinstance(outcome, SeptetError)
    assert re.search(says, outcome.what), outcome
    assert outcome.where
    assert outcome.hint or isinstance(outcome, RefusedError)
    assert seconds <= DEADLINE + 1
    assert peak_mb() - before < MEMORY_MB


@pytest.mark.parametrize("name", ROBOTS)
def test_hostile_robots(name):
    rude, says = ROBOTS[name]
    with hostile(polite_but_for_robots(rude), robots=True) as host:
        outcome, seconds = ask(host)
    assert seconds <= 2 * (DEADLINE + 1)
    if says:
        assert isinstance(outcome, SeptetError)
        assert says in outcome.what
    else:
        assert isinstance(outcome, Fetched), outcome


def test_a_body_longer_than_its_length_is_cut():
    def rude(connection, path, over):
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello and more")

    with hostile(rude) as host:
        outcome, _ = ask(host)
    assert outcome.body == b"hello"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates with openssl")
@pytest.mark.parametrize(
    ("name", "expired", "trusted", "good"),
    [
        ("IP:127.0.0.1", False, True, True),
        ("IP:127.0.0.1", False, False, False),
        ("IP:127.0.0.1", True, True, False),
        ("DNS:other.example.com", False, True, False),
    ],
    ids=["good", "self-signed", "expired", "wrong-name"],
)
def test_certificates(name, expired, trusted, good, tmp_path, monkeypatch):
    try:
        pem = certificate(tmp_path, name, expired=expired)
    except subprocess.CalledProcessError:
        pytest.skip("this openssl makes no certificate with such dates")
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    with hostile(status(200, b"", b"hello"), pem=pem) as host, open_network(SHORT, [host]) as (_, network):
        [outcome] = network.get_all([f"https://{host}/"])
    if good:
        assert isinstance(outcome, Fetched), outcome
    else:
        assert isinstance(outcome, SeptetError)
        assert "the certificate is not valid" in outcome.what


FORGED = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged"
SPLIT = {
    "after a length": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello" + FORGED,
    "after chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + FORGED,
    "after no content": b"HTTP/1.1 204 No Content\r\n\r\n" + FORGED,
    "after a redirect": b"HTTP/1.1 302 Found\r\nlocation: /there\r\ncontent-length: 0\r\n\r\n" + FORGED,
    "after an interim answer": b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello" + FORGED,
    "after bare line ends": b"HTTP/1.1 200 OK\ncontent-length: 5\n\nhello" + FORGED,
}


@pytest.mark.parametrize("name", SPLIT)
def test_what_is_left_on_a_connection_is_no_answer_to_the_next_request(name):
    def rude(connection, path, over):
        while path:
            honest = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue"
            connection.sendall(SPLIT[name] if path == "/" else honest)
            words = connection.recv(65536).split()
            path = words[1].decode() if words else ""

    with hostile(rude) as host, open_network(SHORT, [host]) as (_, network):
        network.get_all([f"http://{host}/"])
        outcomes = [network.get_all([f"http://{host}/{n}"])[0] for n in range(2)]
    assert [outcome.body for outcome in outcomes] == [b"true", b"true"]


def test_an_honest_connection_is_kept():
    connections = []

    def polite(connection, path, over):
        connections.append(path)
        while path:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue")
            words = connection.recv(65536).split()
            path = words[1].decode() if words else ""

    with hostile(polite) as host, open_network(SHORT, [host]) as (_, network):
        outcomes = [network.get_all([f"http://{host}/{n}"])[0] for n in range(4)]
    assert [outcome.body for outcome in outcomes] == [b"true"] * 4
    assert len([path for path in connections if path != "/robots.txt"]) <= 2
