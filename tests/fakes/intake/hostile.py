"""Servers that answer as no server should; each is a function that writes raw bytes to a loopback connection."""

import gzip
import socket
import ssl
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

Rude = Callable[[socket.socket, str, threading.Event], None]
"""Writes the answer to one request for a path; the event is set when the test is over."""

_NO_ROBOTS: Final = b"HTTP/1.1 404 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_HTML: Final = b"content-type: text/html\r\n"
_BOMB_BYTES: Final = 100_000_000
_DRIP_SECONDS: Final = 0.05


@contextmanager
def hostile(rude: Rude, *, robots: bool = False, pem: Path | None = None) -> Iterator[str]:
    """Yield HOST:PORT of a server on loopback, behind TLS if given a `pem`; with `robots` it misbehaves for robots.txt
    too.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if pem else None
    if context and pem:
        context.load_cert_chain(pem)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(plain: socket.socket) -> None:
            with plain, suppress(OSError), context.wrap_socket(plain, True) if context else plain as connection:
                request = b""
                while b"\r\n\r\n" not in request:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    request += piece
                path = request.split(b" ", 2)[1].decode()
                if path == "/robots.txt" and not robots:
                    connection.sendall(_NO_ROBOTS)
                else:
                    rude(connection, path, over)

        def accept() -> None:
            with suppress(OSError):
                while not over.is_set():
                    connection, _ = listener.accept()
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def raw(*parts: bytes) -> Rude:
    """Return a server that sends exactly these bytes, then ends the connection."""

    def answer(connection: socket.socket, path: str, over: threading.Event) -> None:
        connection.sendall(b"".join(parts))

    return answer


def status(code: int, headers: bytes = b"", body: bytes = b"") -> Rude:
    """Return a server that sends a complete answer with a status."""
    length = b"" if code in (204, 304) else b"content-length: %d\r\n" % len(body)
    return raw(b"HTTP/1.1 %d X\r\nconnection: close\r\n%s%s%s\r\n" % (code, _HTML, length, headers), body)


def endless(head: bytes, piece: bytes, pause: float = 0.0) -> Rude:
    """Return a server that sends a head, then the same bytes until the client has enough."""

    def answer(connection: socket.socket, path: str, over: threading.Event) -> None:
        connection.sendall(head)
        while not over.is_set():
            connection.sendall(piece)
            time.sleep(pause)

    return answer


def silent(connection: socket.socket, path: str, over: threading.Event) -> None:
    """Send no answer at all."""
    over.wait()


def reset(connection: socket.socket, path: str, over: threading.Event) -> None:
    """Reset the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def hops(connection: socket.socket, path: str, over: threading.Event) -> None:
    """Redirect to the next number."""
    following = int(path.strip("/") or "0") + 1
    connection.sendall(b"HTTP/1.1 302 X\r\nlocation: /%d\r\ncontent-length: 0\r\n\r\n" % following)


def to_log_in(connection: socket.socket, path: str, over: threading.Event) -> None:
    """Redirect to a login page."""
    connection.sendall(b"HTTP/1.1 302 X\r\nlocation: /login?next=/\r\ncontent-length: 0\r\n\r\n")


def _coded(coding: bytes, body: bytes) -> Rude:
    return raw(
        b"HTTP/1.1 200 OK\r\n%scontent-encoding: %s\r\ncontent-length: %d\r\n\r\n" % (_HTML, coding, len(body)), body
    )


def _zeros(wbits: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return b"".join([packer.compress(bytes(1_000_000)) for _ in range(_BOMB_BYTES // 1_000_000)] + [packer.flush()])


_GZIPPED: Final = _zeros(31)
_OK: Final = b"HTTP/1.1 200 OK\r\n" + _HTML

SERVERS: Final[dict[str, tuple[Rude, str]]] = {
    "gzip-bomb": (_coded(b"gzip", _GZIPPED), "decompresses to more|larger than"),
    "deflate-bomb": (_coded(b"deflate", _zeros(15)), "decompresses to more|larger than"),
    "raw-deflate-bomb": (_coded(b"deflate", _zeros(-15)), "decompresses to more|larger than"),
    "double-gzip-bomb": (_coded(b"gzip, gzip", gzip.compress(_GZIPPED)), "decompresses to more|larger than"),
    "five-codings": (_coded(b"gzip, gzip, gzip, gzip, gzip", b"x"), "unknown content coding"),
    "zstd": (_coded(b"zstd", b"\x28\xb5\x2f\xfd"), "unknown content coding"),
    "br": (_coded(b"br", b"\x0b\x02"), "unknown content coding"),
    "unknown-coding": (_coded(b"rot13", b"uryyb"), "unknown content coding"),
    "not-gzip": (_coded(b"gzip", b"hello"), "malformed"),
    "length-too-long": (raw(_OK, b"content-length: 99\r\n\r\nshort"), "malformed"),
    "length-negative": (raw(_OK, b"content-length: -5\r\n\r\nhello"), "malformed"),
    "two-lengths": (raw(_OK, b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!"), "malformed"),
    "bad-chunk": (raw(_OK, b"transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"), "malformed"),
    "endless-body": (endless(_OK + b"\r\n", b"a" * 65536), "larger than"),
    "drip-body": (endless(_OK + b"\r\n", b"a", _DRIP_SECONDS), "no answer in time|too slowly"),
    "drip-headers": (endless(b"HTTP/1.1 200 OK\r\nx: ", b"a", _DRIP_SECONDS), "no answer in time|too slowly"),
    "endless-headers": (
        endless(b"HTTP/1.1 200 OK\r\n", b"x-a: aaaaaaaaaaaaaaaa\r\n" * 500),
        "malformed|headers larger",
    ),
    "huge-header": (
        raw(b"HTTP/1.1 200 OK\r\nx: ", b"a" * 5_000_000, b"\r\n\r\n"),
        "malformed|headers larger|no connection",
    ),
    "large-headers": (raw(_OK, b"x-a: " + b"a" * 70_000 + b"\r\ncontent-length: 2\r\n\r\nhi"), "headers larger"),
    "not-http": (raw(b"220 mail.example.com ESMTP\r\n"), "malformed"),
    "nothing": (raw(b""), "malformed"),
    "silent": (silent, "no answer in time"),
    "reset": (reset, "no connection|malformed"),
    "circle": (status(302, b"location: /\r\n"), "in a loop"),
    "thirty-hops": (hops, "more than 5 redirects"),
    "no-location": (status(302), "no destination"),
    "inside": (status(302, b"location: http://169.254.169.254/\r\n"), "link-local"),
    "204": (status(204), "answered 204"),
    "206": (status(206, b"content-range: bytes 0-1/9\r\n", b"he"), "answered 206"),
    "304": (status(304), "answered 304"),
    "401": (status(401), "log-in"),
    "403": (status(403), "log-in"),
    "to-log-in": (to_log_in, "log-in page"),
    "404": (status(404), "answered 404"),
    "429": (status(429, b"retry-after: 3600\r\n"), "asks for a wait of 3600"),
    "503": (status(503, b"retry-after: soon\r\n"), "answered 503"),
    "500": (status(500), "answered 500"),
}
"""Each hostile server, and the words expected in its error."""

ROBOTS: Final[dict[str, tuple[Rude, str]]] = {
    "robots-500": (status(500), "robots.txt"),
    "robots-silent": (silent, "robots.txt"),
    "robots-reset": (reset, "robots.txt"),
    "robots-bomb": (_coded(b"gzip", _GZIPPED), ""),
    "robots-endless": (endless(_OK + b"\r\n", b"# nothing\n" * 6000), ""),
    "robots-html": (status(200, b"", b"<html>\nUser-agent: *\nDisallow: /\n</html>"), ""),
    "robots-circle": (status(302, b"location: /robots.txt\r\n"), ""),
    "robots-inside": (status(302, b"location: http://10.0.0.1/\r\n"), "robots.txt"),
}
"""Servers with a hostile robots.txt, and the expected words; empty if the crawl proceeds as if there were none."""


def polite_but_for_robots(rude: Rude) -> Rude:
    """Return a server that misbehaves only for robots.txt."""

    def answer(connection: socket.socket, path: str, over: threading.Event) -> None:
        if path == "/robots.txt":
            rude(connection, path, over)
        else:
            connection.sendall(_OK + b"content-length: 5\r\nconnection: close\r\n\r\nhello")

    return answer


def certificate(folder: Path, alternative: str, *, expired: bool = False) -> Path:
    """Return a file with key and self-signed certificate for `alternative` ("DNS:host" or "IP:address"), made by
    openssl.
    """
    both, key, csr = folder / "both.pem", folder / "key.pem", folder / "request.pem"
    extensions = folder / "extensions"
    extensions.write_text(f"subjectAltName={alternative}\nbasicConstraints=CA:TRUE\n")
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-keyout", str(key)]
    sign = ["openssl", "x509", "-req", "-in", str(csr), "-key", str(key), "-extfile", str(extensions)]
    dates = ["-not_before", "20200101000000Z", "-not_after", "20200201000000Z"] if expired else ["-days", "2"]
    made = [[*new, "-out", str(csr)], [*sign, *dates, "-out", str(folder / "cert.pem")]]
    for call in made:
        subprocess.run(call, check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + (folder / "cert.pem").read_bytes())
    return both
