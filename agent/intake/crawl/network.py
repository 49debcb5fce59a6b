"""HTTP requests under the guard and the politeness rules, in parallel, with redirects, deadlines and a byte count.

`httpx2` decodes bodies in pieces of at most 1 MiB, so a decompression bomb is stopped at the limit. Nothing is taken
from the environment, neither a proxy nor credentials, and no cookies are kept.
"""

import re
import ssl
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

import httpcore2
import httpx2

from agent.errors import RefusedError, SeptetError, SourceError, UnavailableError
from agent.intake.crawl.addresses import absolute
from agent.intake.crawl.answer import BYTES_USED_UP, Fetched, Outcome
from agent.intake.crawl.connections import MAX_HEADER_BYTES, GuardedBackend, Meter
from agent.intake.crawl.guard import Guard, Resolver, Target, with_deadline
from agent.intake.crawl.manners import ROBOTS, Manners
from agent.settings import Settings

if TYPE_CHECKING:
    from agent.intake.crawl.answer_log import Cache

MAX_RATIO: Final = 200
"""Maximum ratio of decoded bytes to bytes on the wire, checked once more than `RATIO_FLOOR` bytes are decoded."""
RATIO_FLOOR: Final = 1_048_576
MAX_ROBOTS_BYTES: Final = 512_000
"""Maximum number of bytes read from a robots.txt; the rest is ignored (RFC 9309 requires at least 500 KiB)."""
KEPT_HEADERS: Final = frozenset(
    {
        *("age", "cache-control", "content-disposition", "content-language", "content-type", "date", "etag"),
        *("expires", "last-modified", "link", "retry-after", "vary", "x-robots-tag"),
    }
)
_MAX_HEADER_CHARS: Final = 2000
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_CODINGS: Final = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_MAX_CODINGS: Final = 2
_ACCEPT: Final = "text/html,application/xhtml+xml,text/markdown,text/plain,application/pdf,application/json;q=0.8"
_LOG_IN: Final = re.compile(r"(?i)log-?_?in|sign-?_?in|sso|saml2?|authorize|oauth2?")
_SAVE: Final = "save the page and use the file instead"
_MAX_DIGITS: Final = 7
_VALIDATOR: Final = re.compile(r"[!-~](?:[ -~]{0,500}[!-~])?")
"""Form of a cached header value that may be sent to a server; checked because the cache file may have been changed."""
_CONDITIONS: Final = (("etag", "if-none-match"), ("last-modified", "if-modified-since"))


class _Later(NamedTuple):
    """A server's request to try again later."""

    status: int
    seconds: float | None


class _StaleError(UnavailableError):
    """Failure of a reused connection, which says nothing about the page."""


class _AbsentError(SourceError):
    """Failure after which a robots.txt counts as absent: endless redirects, no such file."""


class Network:
    """A `Web` that fetches from the network, with up to `settings.connections` requests at a time.

    `meter` holds the budgets and the clock, `kept` caches responses between runs, `backend` replaces the socket layer.
    """

    def __init__(
        self,
        settings: Settings,
        guard: Guard,
        meter: Meter,
        kept: "Cache | None" = None,
        backend: httpcore2.NetworkBackend | None = None,
    ) -> None:
        self._settings = settings
        self._guard = guard
        self._meter = meter
        self._kept = kept
        self._manners = Manners(settings, meter, self._robots)
        connections = max(1, settings.connections)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=connections,
            retries=0,
            network_backend=GuardedBackend(guard, meter, backend),
        )
        self._workers = ThreadPoolExecutor(connections, thread_name_prefix="fetch")

    def close(self) -> None:
        """Stop all waits, let running requests finish by their deadline, then close the connections."""
        self._meter.stopped.set()
        self._workers.shutdown(cancel_futures=True)
        self._pool.close()

    def get_all(self, urls: Sequence[str]) -> list[Outcome]:
        """Fetch all addresses, each after at most `max_redirects` redirects; outcomes are in the order of `urls`.

        An outcome is a RefusedError when the guard or robots.txt refuses the address or a redirect, a SourceError when
        the server has no such page, redirects in a circle or sends too much, and an UnavailableError when the server
        cannot be reached or does not answer in time. A request for a robots.txt returns the copy already read for its
        site, so that the sitemaps named there can be found.
        """
        return list(self._workers.map(self._get, urls))

    def exhausted(self) -> str | None:
        """Return a message saying which budget is used up, or None."""
        return self._meter.exhausted()

    def _get(self, url: str) -> Outcome:
        try:
            target = self._guard.parse(url)
            if target.path == ROBOTS:
                return self._manners.robots(target)
            kept = self._kept.page(url, self._settings.user_agent) if self._kept else None
            fetched = replace(self._follow(url, kept), requested=url)
            if self._kept:
                self._kept.keep(fetched)
            return fetched
        except SeptetError as error:
            return error

    def _robots(self, url: str) -> Fetched:
        """Fetch the first `MAX_ROBOTS_BYTES` of the robots.txt at `url`, regardless of its declared type.

        The body is empty when the server has no such file (any 4xx status) or redirects endlessly; everything is then
        allowed (RFC 9309). Raises RefusedError when the guard refuses the address, UnavailableError when the file
        cannot be fetched; in both cases, nothing is allowed.
        """
        try:
            return replace(self._follow(url, robots=True), requested=url)
        except _AbsentError:
            return self._fetched(url, httpx2.Headers(), b"")
        except (RefusedError, UnavailableError, SourceError) as error:
            kind = RefusedError if isinstance(error, RefusedError) else UnavailableError
            raise kind(f"the site's robots.txt cannot be read: {error.what}", where=url, hint=_SAVE) from None

    def _follow(self, url: str, kept: Fetched | None = None, *, robots: bool = False) -> Fetched:
        """Fetch `url`, checking each redirect; `kept` is an earlier response that the server may confirm."""
        self._meter.start_request()
        target = self._guard.parse(url)
        seen = [target]
        patient = False
        while True:
            if not robots:
                with self._meter.suspended():
                    self._manners.check(target)
            try:
                answer = self._exchange(target, kept, robots)
            except _StaleError:
                answer = self._exchange(target, kept, robots)
            if isinstance(answer, Fetched):
                return answer
            if isinstance(answer, _Later):
                if not patient and answer.seconds is not None and self._manners.hold(target, answer.seconds):
                    patient = True
                    continue
                if robots and answer.status == HTTPStatus.TOO_MANY_REQUESTS:
                    raise _AbsentError("busy")
                asked = "" if answer.seconds is None else f" and asks for a wait of {answer.seconds:.0f} seconds"
                what = f"the server answered {answer.status}{asked}"
                raise UnavailableError(what, where=target.url, hint="try again later")
            if not robots:
                self._guard.check_redirect(seen[0], answer)
            if answer in seen:
                raise _AbsentError("the page redirects in a loop", where=url, hint="open it in a browser and save it")
            if len(seen) > self._settings.max_redirects:
                what = f"more than {self._settings.max_redirects} redirects"
                raise _AbsentError(what, where=url, hint="use the final address")
            if not robots and _is_log_in(answer) and not _is_log_in(seen[0]):
                raise SourceError("the server redirects to a log-in page", where=url, hint=_SAVE)
            seen.append(answer)
            target = answer

    def _exchange(self, target: Target, kept: Fetched | None, robots: bool) -> Fetched | Target | _Later:
        with self._manners.turn(target):
            try:
                return self._send(target, kept if kept is not None and kept.url == target.url else None, robots)
            except (UnavailableError, SourceError) as error:
                raise type(error)(error.what, where=error.where or target.url, hint=error.hint) from None
            except httpcore2.TimeoutException:
                hint = f"raise request_seconds or total_seconds, or {_SAVE}"
                raise UnavailableError("no answer in time", where=target.url, hint=hint) from None
            except httpx2.InvalidURL:
                raise RefusedError("the address is ambiguous", where=target.url) from None
            except (httpcore2.ProtocolError, httpcore2.NetworkError, httpx2.DecodingError, ssl.SSLError) as error:
                ended = isinstance(error, httpcore2.RemoteProtocolError | httpcore2.NetworkError)
                if ended and not self._meter.request.connected:
                    raise _StaleError("the server closed the connection", where=target.url, hint=_SAVE) from None
                if isinstance(error, httpcore2.ProtocolError | httpx2.DecodingError):
                    raise SourceError("the server's answer is malformed", where=target.url, hint=_SAVE) from None
                what = "the certificate is not valid" if "CERTIFICATE" in str(error).upper() else "no connection"
                raise UnavailableError(what, where=target.url, hint="check the address and the connection") from None

    def _send(self, target: Target, known: Fetched | None, robots: bool) -> Fetched | Target | _Later:
        """Send one request, with the validators of `known`, and read its response."""
        self._meter.start_hop()
        url = httpx2.URL(target.url)
        if url.raw_host.decode("ascii").strip("[]") != target.host:
            raise RefusedError("the address is ambiguous", where=target.url)
        given = dict(known.headers) if known is not None else {}
        headers = {
            "host": target.origin,
            "accept": _ACCEPT,
            "accept-encoding": "gzip, deflate",
            "connection": "keep-alive",
            "user-agent": self._settings.user_agent,
            **{ask: given[name] for name, ask in _CONDITIONS if _VALIDATOR.fullmatch(given.get(name, ""))},
        }
        parts = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        wait = {"timeout": {"pool": max(0.0, self._meter.seconds_left())}}
        with self._pool.stream("GET", parts, headers=[*headers.items()], extensions=wait) as answer:
            if sum(len(name) + len(value) for name, value in answer.headers) > MAX_HEADER_BYTES:
                raise SourceError(f"headers larger than {MAX_HEADER_BYTES} bytes", hint=_SAVE)
            response = httpx2.Response(answer.status, headers=answer.headers, content=answer.iter_stream())
            if answer.status in _REDIRECTS:
                location = response.headers.get("location", "")
                if not location:
                    raise SourceError("the redirect has no destination", hint="use the final address")
                return self._guard.parse(absolute(target.url, location))
            if answer.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
                return _Later(answer.status, _seconds(response.headers.get("retry-after", "").strip()))
            if known is not None and answer.status == HTTPStatus.NOT_MODIFIED:
                confirmed = self._fetched(target.url, response.headers, known.body)
                named = {name for name, _ in confirmed.headers}
                kept = tuple(pair for pair in known.headers if pair[0] not in named)
                own = (*confirmed.headers, *kept)
                return replace(confirmed, media_type=known.media_type, charset=known.charset, headers=own)
            _check_status(answer.status, robots)
            empty = self._fetched(target.url, response.headers, b"")
            return replace(empty, body=self._body(response, empty.media_type, robots))

    def _body(self, response: httpx2.Response, media_type: str, robots: bool) -> bytes:
        """Read a body piece by piece up to its limit. Raises SourceError beyond it, except for a robots.txt."""
        codings = [coding.strip().lower() for coding in response.headers.get("content-encoding", "").split(",")]
        if len(codings) > _MAX_CODINGS or not _CODINGS.issuperset(codings):
            raise SourceError("an unknown content coding", hint=_SAVE)
        pdf = media_type == "application/pdf"
        limit = self._settings.max_pdf_bytes if pdf else self._settings.max_page_bytes
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if not self._meter.take(len(piece)):
                raise SourceError(BYTES_USED_UP, hint="raise max_total_bytes")
            if len(body) > RATIO_FLOOR and len(body) > MAX_RATIO * response.num_bytes_downloaded:
                raise SourceError(f"decompresses to more than {MAX_RATIO} times its size", hint=_SAVE)
            if robots and len(body) >= MAX_ROBOTS_BYTES:
                return bytes(body[:MAX_ROBOTS_BYTES])
            if not robots and len(body) > limit:
                hint = "raise max_page_bytes or max_pdf_bytes, or use a smaller file"
                raise SourceError(f"larger than {limit} bytes", hint=hint)
        return bytes(body)

    def _fetched(self, url: str, headers: httpx2.Headers, body: bytes) -> Fetched:
        kind, *parameters = headers.get("content-type", "").split(";")
        named = ((name.strip().lower(), value) for name, _, value in (text.partition("=") for text in parameters))
        charset = next((value.strip().strip("\"'").lower() for name, value in named if name == "charset"), "")
        kept = tuple(
            (name.lower(), value[:_MAX_HEADER_CHARS])
            for name, value in headers.multi_items()
            if name.lower() in KEPT_HEADERS
        )
        return Fetched(url, url, kind.strip().lower(), charset, body, kept, _now(), self._settings.user_agent)


@contextmanager
def open_network(
    settings: Settings,
    allow_private: Sequence[str] = (),
    *,
    resolve: Resolver | None = None,
    kept: "Cache | None" = None,
    backend: httpcore2.NetworkBackend | None = None,
    meter: Meter | None = None,
) -> Iterator[tuple[Guard, Network]]:
    """Open a guard and the network behind it, with one time budget for both; `resolve` replaces the system's lookup.

    Raises UsageError when an entry of `allow_private` is malformed.
    """
    meter = meter or Meter(settings)
    guard = Guard(allow_private, with_deadline(resolve, meter.seconds_left))
    network = Network(settings, guard, meter, kept, backend)
    try:
        yield guard, network
    finally:
        network.close()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(retry_after: str) -> float | None:
    """Return the seconds to wait from a Retry-After header, which holds a number of seconds or a date."""
    if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < _MAX_DIGITS:
        return float(retry_after)
    try:
        then = parsedate_to_datetime(retry_after)
        return max(0.0, (then - datetime.fromisoformat(_now())).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _is_log_in(target: Target) -> bool:
    return bool(_LOG_IN.fullmatch(urlsplit(target.path).path.rstrip("/").rpartition("/")[2]))


def _check_status(status: int, robots: bool) -> None:
    if status == HTTPStatus.OK:
        return
    what = f"the server answered {status}"
    if robots and HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _AbsentError(what)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise SourceError(f"the server requires a log-in or refuses access ({status})", hint=_SAVE)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise UnavailableError(what, hint="try again later")
    raise SourceError(what, hint="check the address" if status >= HTTPStatus.BAD_REQUEST else _SAVE)
