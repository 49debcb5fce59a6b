"""HTTP through the guard: own redirects, own deadline, decoded bytes counted while they arrive.

`httpx2` decodes bodies in pieces of at most 1 MiB, so a decompression bomb is stopped at the cap. Its time-outs hold
for one read each; the deadline here holds for the whole product and sits in the network stream, so that neither a
body nor a header that drips a byte at a time can outlast it. Nothing is taken from the environment: no proxy, no
credentials, no cookies are kept.
"""

import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final
from urllib.parse import urljoin

import httpcore2
import httpx2

from agent.errors import RefusedError, SourceError, UnavailableError
from agent.intake.net.answer import Fetched
from agent.intake.net.netguard import Guard, Target
from agent.settings import Settings

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_CODINGS: Final = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_MAX_CODINGS: Final = 2
_PDF: Final = "application/pdf"
_OK: Final = 200
_BAD_REQUEST: Final = 400
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_ACCEPT: Final = "text/html,application/xhtml+xml,text/markdown,text/plain,application/pdf,application/json;q=0.8"


class Meter:
    """What one product may use, and what it has used: bytes of all bodies, seconds of all requests."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + settings.total_seconds
        self._request_end = self._end
        self._request_seconds = settings.request_seconds
        self._max_bytes = settings.max_total_bytes
        self.bytes_used = 0

    def start_request(self) -> None:
        """Begin the time of one request, redirects included."""
        self._request_end = min(self._end, self._clock() + self._request_seconds)

    def seconds_left(self) -> float:
        """Seconds until the running request must be over."""
        return self._request_end - self._clock()

    def exhausted(self) -> str | None:
        """Which budget is used up, in words, or None."""
        if self._clock() >= self._end:
            return "the time for one product is used up"
        if self.bytes_used >= self._max_bytes:
            return "the bytes for one product are used up"
        return None

    def take(self, size: int) -> bool:
        """Count `size` bytes; False when that is more than there is."""
        self.bytes_used += size
        return self.bytes_used <= self._max_bytes


class _Stream(httpcore2.NetworkStream):
    """A network stream on which the deadline holds for each read, write and handshake."""

    def __init__(self, inner: httpcore2.NetworkStream, meter: Meter) -> None:
        self._inner = inner
        self._meter = meter

    def _left(self, kind: type[Exception]) -> float:
        left = self._meter.seconds_left()
        if left <= 0:
            raise kind("deadline")
        return left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._left(httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._left(httpcore2.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = self._left(httpcore2.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._meter)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class GuardedBackend(httpcore2.NetworkBackend):
    """Connects to addresses that the guard has checked, below TLS: certificate name and Host stay the URL's own."""

    def __init__(self, guard: Guard, meter: Meter, inner: httpcore2.NetworkBackend | None = None) -> None:
        self._guard = guard
        self._meter = meter
        self._inner = inner or httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """A stream to the first checked address of `host` that answers; raises RefusedError before any socket."""
        addresses = self._guard.addresses(host.strip("[]"), port)
        failure: Exception = httpcore2.ConnectError("no address")
        for address in addresses:
            left = self._meter.seconds_left()
            if left <= 0:
                raise httpcore2.ConnectTimeout("deadline")
            try:
                return _Stream(self._inner.connect_tcp(str(address), port, left), self._meter)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Always refused."""
        raise RefusedError("a local socket is never read", where=path)


class _Body(httpx2.SyncByteStream):
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


class _Transport(httpx2.BaseTransport):
    def __init__(self, backend: httpcore2.NetworkBackend) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=ssl.create_default_context(), max_connections=1, retries=0, network_backend=backend
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        answer = self._pool.handle_request(httpcore2.Request(request.method, url, headers=request.headers.raw))
        assert isinstance(answer.stream, Iterable)
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Body(answer.stream))

    def close(self) -> None:
        self._pool.close()


class Fetcher:
    """Gets pages for one product; use it as a context manager, it holds one connection."""

    def __init__(
        self, settings: Settings, guard: Guard, meter: Meter, inner: httpcore2.NetworkBackend | None = None
    ) -> None:
        self._settings = settings
        self._guard = guard
        self._meter = meter
        self._client = httpx2.Client(
            transport=_Transport(GuardedBackend(guard, meter, inner)),
            trust_env=False,
            follow_redirects=False,
            headers={"user-agent": settings.user_agent, "accept": _ACCEPT, "accept-encoding": "gzip, deflate"},
        )

    def __enter__(self) -> "Fetcher":
        """The fetcher itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._client.close()

    def get(self, url: str) -> Fetched:
        """The page at `url` after at most `max_redirects` redirects, each judged by the guard.

        Raises RefusedError when the guard refuses the address or a redirect, SourceError when the server has no such
        page, redirects in a circle or sends too much, UnavailableError when it does not answer in time.
        """
        self._meter.start_request()
        target = self._guard.parse(url)
        seen = [target]
        while True:
            try:
                answer = self._once(target)
            except (httpcore2.TimeoutException, httpx2.TimeoutException):
                raise UnavailableError("no answer in time", where=target.url, hint=_hint_time()) from None
            except (httpcore2.ProtocolError, httpx2.DecodingError, httpx2.ProtocolError):
                raise SourceError(
                    "the server's answer is broken", where=target.url, hint="save the page and give the file"
                ) from None
            except (httpcore2.NetworkError, httpx2.NetworkError, ssl.SSLError) as error:
                what = "the certificate is not valid" if "CERTIFICATE" in str(error).upper() else "no connection"
                raise UnavailableError(what, where=target.url, hint="check the address and the connection") from None
            if isinstance(answer, Fetched):
                return Fetched(url, answer.url, answer.media_type, answer.charset, answer.body)
            if answer in seen:
                raise SourceError("the page redirects in a circle", where=url, hint="open it in a browser and save it")
            if len(seen) > self._settings.max_redirects:
                raise SourceError(
                    f"more than {self._settings.max_redirects} redirects", where=url, hint="give the final address"
                )
            seen.append(answer)
            target = answer

    def _once(self, target: Target) -> Fetched | Target:
        request = self._client.build_request("GET", target.url)
        if request.url.raw_host.decode("ascii").strip("[]") != target.host:
            raise RefusedError("the address can be read in two ways", where=target.url)
        response = self._client.send(request, stream=True)
        try:
            self._client.cookies.clear()
            if response.status_code in _REDIRECTS:
                return self._follow(target, response.headers.get("location", ""))
            _check_status(response.status_code, target.url)
            kind, _, parameters = response.headers.get("content-type", "").partition(";")
            kind = kind.strip().lower()
            return Fetched(target.url, target.url, kind, _charset(parameters), self._read(response, kind, target.url))
        finally:
            response.close()

    def _follow(self, base: Target, location: str) -> Target:
        if not location:
            raise SourceError("a redirect without a destination", where=base.url, hint="give the final address")
        return self._guard.parse(resolve(base.url, location))

    def _read(self, response: httpx2.Response, kind: str, url: str) -> bytes:
        codings = [coding.strip().lower() for coding in response.headers.get("content-encoding", "").split(",")]
        if len(codings) > _MAX_CODINGS or not _CODINGS.issuperset(codings):
            raise SourceError("an unknown content coding", where=url, hint="save the page and give the file")
        limit = self._settings.max_pdf_bytes if kind == _PDF else self._settings.max_page_bytes
        pieces = bytearray()
        for piece in response.iter_bytes():
            pieces += piece
            enough = self._meter.take(len(piece))
            if len(pieces) > limit or not enough:
                raise SourceError(
                    f"larger than {limit} bytes" if enough else "the bytes for one product are used up",
                    where=url,
                    hint="raise max_page_bytes, max_pdf_bytes or max_total_bytes, or give a smaller file",
                )
        return bytes(pieces)


def resolve(base: str, reference: str) -> str:
    """`reference` as an absolute URL; text that no strict reader takes comes back as it is, for the guard to refuse."""
    try:
        return urljoin(base, reference) if reference == reference.strip() and "\\" not in reference else reference
    except ValueError:
        return reference


def _check_status(status: int, url: str) -> None:
    if status == _OK:
        return
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        raise SourceError(
            f"the server wants a log-in or refuses ({status})", where=url, hint="save the page and give the file"
        )
    if status == _TOO_MANY or status >= _SERVER_ERROR:
        raise UnavailableError(f"the server answered {status}", where=url, hint="try again later")
    hint = "check the address" if status >= _BAD_REQUEST else "save the page and give the file"
    raise SourceError(f"the server answered {status}", where=url, hint=hint)


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'").lower()
    return ""


def _hint_time() -> str:
    return "raise request_seconds or total_seconds, or save the page and give the file"
