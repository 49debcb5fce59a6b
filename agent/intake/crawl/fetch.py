"""HTTP requests through the guard, with redirects, deadlines and a running count of decoded bytes.

`httpx2` decodes bodies in pieces of at most 1 MiB, so a decompression bomb is stopped at the limit. Nothing is taken
from the environment: no proxy, no credentials; no cookie is kept. A fetcher may be used by several threads at once.
"""

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, NamedTuple, Protocol
from urllib.parse import urljoin, urlsplit

import httpcore2
import httpx2

from agent.errors import RefusedError, SourceError, UnavailableError
from agent.intake.crawl.answer import Fetched
from agent.intake.crawl.connections import Meter as Meter, Transport
from agent.intake.crawl.guard import Guard, Target
from agent.settings import Settings

MAX_RATIO: Final = 200
"""Maximum ratio of decoded bytes to bytes on the wire, checked once `RATIO_FLOOR` bytes were decoded."""
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
_PDF: Final = "application/pdf"
_OK: Final = 200
_NOT_MODIFIED: Final = 304
_BAD_REQUEST: Final = 400
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_UNAVAILABLE: Final = 503
_ACCEPT: Final = "text/html,application/xhtml+xml,text/markdown,text/plain,application/pdf,application/json;q=0.8"
_LOG_IN: Final = re.compile(r"(?i)log-?_?in|sign-?_?in|sso|saml2?|authorize|oauth2?")
_SAVE: Final = "save the page and give the file"
_MAX_DIGITS: Final = 7
_VALIDATOR: Final = re.compile(r"[!-~](?:[ -~]{0,500}[!-~])?")
"""Valid form of a stored header value sent back to a server; checked because the file may have been changed."""
_CONDITIONS: Final = (("etag", "if-none-match"), ("last-modified", "if-modified-since"))


class Manners(Protocol):
    """The politeness rules that a fetcher follows before each exchange."""

    def check(self, target: Target) -> None:
        """Raise RefusedError or UnavailableError when robots.txt does not allow the address."""
        ...

    def turn(self, target: Target) -> AbstractContextManager[None]:
        """Wait until a request to the host is allowed, and hold a slot of the host during the request."""
        ...

    def hold(self, target: Target, seconds: float) -> bool:
        """Send no request to the host for `seconds`; return False when that is too long."""
        ...


_Reader = Callable[[Target, httpx2.Response, Fetched | None], Fetched]


class _Later(NamedTuple):
    """A server's request to try again later."""

    status: int
    seconds: float | None


class Fetcher:
    """Fetcher of pages for one product over up to `settings.connections` connections; use it as a context manager.

    `inner` replaces the socket layer, `manners` applies robots.txt and the delays, `stamp` returns the timestamp for
    responses in UTC (ISO 8601 with `Z`).
    """

    def __init__(
        self,
        settings: Settings,
        guard: Guard,
        meter: Meter,
        inner: httpcore2.NetworkBackend | None = None,
        *,
        manners: Manners | None = None,
        stamp: Callable[[], str] | None = None,
    ) -> None:
        self._settings = settings
        self._guard = guard
        self._meter = meter
        self._manners = manners
        self._stamp = stamp or _utc
        self._client = httpx2.Client(
            transport=Transport(guard, meter, settings.connections, inner),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"user-agent": settings.user_agent, "accept": _ACCEPT, "accept-encoding": "gzip, deflate"},
        )

    def __enter__(self) -> "Fetcher":
        """Return the fetcher."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, url: str, kept: Fetched | None = None) -> Fetched:
        """Fetch the page at `url` after at most `max_redirects` redirects, each checked by the guard and robots.txt.

        `kept` is an earlier response for `url`: the server is asked whether it is still valid, and if so, its body is
        returned with the current time and headers.

        Raises RefusedError when the guard or robots.txt refuses the address or a redirect, SourceError when the
        server has no such page, redirects in a circle or sends too much, UnavailableError when it does not answer in
        time.
        """
        try:
            answer = self._follow(url, self._page, robots=False, kept=kept)
        except _EndlessError as error:
            raise SourceError(error.what, where=error.where, hint=error.hint) from None
        return replace(answer, requested=url)

    def robots(self, url: str) -> Fetched:
        """Fetch the first `MAX_ROBOTS_BYTES` of the robots.txt at `url`, regardless of its declared type.

        The body is empty when the server has no such file (any 4xx status) or redirects without end; everything is
        allowed then (RFC 9309). Raises RefusedError when the guard refuses the address, UnavailableError when the file
        cannot be fetched; nothing is allowed then.
        """
        try:
            return replace(self._follow(url, self._robots_body, robots=True, kept=None), requested=url)
        except (RefusedError, UnavailableError, SourceError) as error:
            if isinstance(error, _EndlessError | _AbsentError):
                return self._fetched(url, httpx2.Headers(), b"")
            kind = RefusedError if isinstance(error, RefusedError) else UnavailableError
            raise kind(f"robots.txt of the site cannot be read: {error.what}", where=url, hint=_SAVE) from None

    def _follow(
        self,
        url: str,
        read: _Reader,
        *,
        robots: bool,
        kept: Fetched | None,
    ) -> Fetched:
        self._meter.start_request()
        target = self._guard.parse(url)
        seen = [target]
        patient = False
        while True:
            if self._manners is not None and not robots:
                with self._meter.suspended():
                    self._manners.check(target)
            answer = self._exchange(target, read, kept)
            if isinstance(answer, Fetched):
                return answer
            if isinstance(answer, _Later):
                if patient or answer.seconds is None or not self._hold(target, answer.seconds):
                    raise _AbsentError("busy") if robots and answer.status == _TOO_MANY else _busy(answer, target)
                patient = True
                continue
            if not robots:
                self._guard.check_redirect(seen[0], answer)
            if answer in seen:
                raise _EndlessError(
                    "the page redirects in a circle", where=url, hint="open it in a browser and save it"
                )
            if len(seen) > self._settings.max_redirects:
                raise _EndlessError(
                    f"more than {self._settings.max_redirects} redirects", where=url, hint="give the final address"
                )
            if not robots and _is_log_in(answer) and not _is_log_in(seen[0]):
                raise SourceError("the server sends to a log-in page", where=url, hint=_SAVE)
            seen.append(answer)
            target = answer

    def _hold(self, target: Target, seconds: float) -> bool:
        return self._manners is not None and self._manners.hold(target, seconds)

    def _exchange(
        self,
        target: Target,
        read: _Reader,
        kept: Fetched | None,
    ) -> Fetched | Target | _Later:
        try:
            return self._in_turn(target, read, kept)
        except _StaleError:
            # Retry, because a reused connection already closed by the server says nothing about the page.
            return self._in_turn(target, read, kept)

    def _in_turn(
        self,
        target: Target,
        read: _Reader,
        kept: Fetched | None,
    ) -> Fetched | Target | _Later:
        with self._manners.turn(target) if self._manners is not None else nullcontext():
            try:
                self._meter.start_hop()
                return self._once(target, read, kept)
            except (UnavailableError, SourceError) as error:
                error.where = error.where or target.url
                raise
            except (httpcore2.TimeoutException, httpx2.TimeoutException):
                raise UnavailableError("no answer in time", where=target.url, hint=_hint_time()) from None
            except (httpcore2.ProtocolError, httpx2.DecodingError, httpx2.ProtocolError) as error:
                if isinstance(error, httpcore2.RemoteProtocolError) and not self._meter.has_connected():
                    raise _StaleError("the server closed the connection", where=target.url, hint=_SAVE) from None
                raise SourceError("the server's answer is broken", where=target.url, hint=_SAVE) from None
            except httpx2.InvalidURL:
                raise RefusedError("the address can be read in two ways", where=target.url) from None
            except (httpcore2.NetworkError, httpx2.NetworkError, ssl.SSLError) as error:
                if isinstance(error, httpcore2.NetworkError) and not self._meter.has_connected():
                    raise _StaleError("the server closed the connection", where=target.url, hint=_SAVE) from None
                what = "the certificate is not valid" if "CERTIFICATE" in str(error).upper() else "no connection"
                raise UnavailableError(what, where=target.url, hint="check the address and the connection") from None

    def _once(
        self,
        target: Target,
        read: _Reader,
        kept: Fetched | None,
    ) -> Fetched | Target | _Later:
        known = kept if kept is not None and kept.url == target.url else None
        request = self._client.build_request("GET", target.url, headers=_conditions(known))
        if request.url.raw_host.decode("ascii").strip("[]") != target.host:
            raise RefusedError("the address can be read in two ways", where=target.url)
        with closing(self._client.send(request, stream=True)) as response:
            if response.status_code in _REDIRECTS:
                location = response.headers.get("location", "")
                if not location:
                    raise SourceError(
                        "a redirect without a destination", where=target.url, hint="give the final address"
                    )
                return self._guard.parse(resolve(target.url, location))
            if response.status_code in (_TOO_MANY, _UNAVAILABLE):
                return _Later(response.status_code, self._retry_after(response.headers.get("retry-after", "")))
            return read(target, response, known)

    def _page(self, target: Target, response: httpx2.Response, known: Fetched | None) -> Fetched:
        if known is not None and response.status_code == _NOT_MODIFIED:
            confirmed = self._fetched(target.url, response.headers, known.body)
            named = {name for name, _ in confirmed.headers}
            headers = (*confirmed.headers, *(pair for pair in known.headers if pair[0] not in named))
            return replace(confirmed, media_type=known.media_type, charset=known.charset, headers=headers)
        _check_status(response.status_code, target.url)
        empty = self._fetched(target.url, response.headers, b"")
        limit = self._settings.max_pdf_bytes if empty.media_type == _PDF else self._settings.max_page_bytes
        pieces = bytearray()
        for piece in self._pieces(response, target.url):
            pieces += piece
            if len(pieces) > limit:
                raise SourceError(
                    f"larger than {limit} bytes",
                    where=target.url,
                    hint="raise max_page_bytes or max_pdf_bytes, or give a smaller file",
                )
        return replace(empty, body=bytes(pieces))

    def _robots_body(self, target: Target, response: httpx2.Response, _: Fetched | None) -> Fetched:
        if _BAD_REQUEST <= response.status_code < _SERVER_ERROR:
            raise _AbsentError(f"the server answered {response.status_code}", where=target.url)
        if response.status_code != _OK:
            _check_status(response.status_code, target.url)
        pieces = bytearray()
        for piece in self._pieces(response, target.url):
            pieces += piece
            if len(pieces) >= MAX_ROBOTS_BYTES:
                break
        return self._fetched(target.url, response.headers, bytes(pieces[:MAX_ROBOTS_BYTES]))

    def _pieces(self, response: httpx2.Response, url: str) -> Iterator[bytes]:
        codings = [coding.strip().lower() for coding in response.headers.get("content-encoding", "").split(",")]
        if len(codings) > _MAX_CODINGS or not _CODINGS.issuperset(codings):
            raise SourceError("an unknown content coding", where=url, hint=_SAVE)
        decoded = 0
        for piece in response.iter_bytes():
            decoded += len(piece)
            if not self._meter.take(len(piece)):
                raise SourceError("the bytes for one product are used up", where=url, hint="raise max_total_bytes")
            if decoded > RATIO_FLOOR and decoded > MAX_RATIO * response.num_bytes_downloaded:
                raise SourceError(f"unpacks to more than {MAX_RATIO} times its size", where=url, hint=_SAVE)
            yield piece

    def _fetched(self, url: str, headers: httpx2.Headers, body: bytes) -> Fetched:
        kind, _, parameters = headers.get("content-type", "").partition(";")
        return Fetched(
            requested=url,
            url=url,
            media_type=kind.strip().lower(),
            charset=_charset(parameters),
            body=body,
            headers=tuple(
                (name.lower(), value[:_MAX_HEADER_CHARS])
                for name, value in headers.multi_items()
                if name.lower() in KEPT_HEADERS
            ),
            fetched_at=self._stamp(),
            user_agent=self._settings.user_agent,
        )

    def _retry_after(self, text: str) -> float | None:
        """Return the seconds to wait from a Retry-After header, which holds a number of seconds or a date."""
        text = text.strip()
        if text.isascii() and text.isdigit() and len(text) < _MAX_DIGITS:
            return float(text)
        try:
            then, now = parsedate_to_datetime(text), datetime.fromisoformat(self._stamp())
            return max(0.0, (then - now).total_seconds())
        except (ValueError, TypeError, IndexError, OverflowError):
            return None


class _StaleError(UnavailableError):
    """Failure of a reused connection."""


class _EndlessError(SourceError):
    """Redirects that form a circle or are too many."""


class _AbsentError(SourceError):
    """Absence of the requested file on the server."""


def resolve(base: str, reference: str) -> str:
    """Return `reference` as an absolute URL; malformed text is returned unchanged, for the guard to refuse."""
    try:
        return urljoin(base, reference) if reference == reference.strip() and "\\" not in reference else reference
    except ValueError:
        return reference


def _utc() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _conditions(known: Fetched | None) -> dict[str, str]:
    given = dict(known.headers) if known is not None else {}
    return {ask: given[name] for name, ask in _CONDITIONS if _VALIDATOR.fullmatch(given.get(name, ""))}


def _is_log_in(target: Target) -> bool:
    return bool(_LOG_IN.fullmatch(urlsplit(target.path).path.rstrip("/").rpartition("/")[2]))


def _busy(answer: _Later, target: Target) -> UnavailableError:
    asked = "" if answer.seconds is None else f" and asks to wait {answer.seconds:.0f} seconds"
    return UnavailableError(f"the server answered {answer.status}{asked}", where=target.url, hint="try again later")


def _check_status(status: int, url: str) -> None:
    if status == _OK:
        return
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        raise SourceError(f"the server wants a log-in or refuses ({status})", where=url, hint=_SAVE)
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
