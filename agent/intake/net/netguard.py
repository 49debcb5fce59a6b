"""The guard in front of every request: one strict reading of a URL, one look-up, every answer checked.

A URL that two parsers could read differently is refused rather than interpreted. A host name is looked up once for
each new connection, all answers must be allowed, and the connection goes to an address that was checked (see
`fetch`), so a name that changes its answer in between gains nothing.
"""

import ipaddress
import re
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from agent.errors import RefusedError, UnavailableError, UsageError
from agent.intake.net.addresses import IpAddress, refusal

Resolver = Callable[[str, int], Sequence[str]]
"""Addresses of a host name, in text form; raises OSError when there is none."""

MAX_URL_BYTES: Final = 8192
_PORTS: Final = {"http": 80, "https": 443}
_MAX_PORT: Final = 65535
_SHOWN: Final = 200
_MAX_NAME: Final = 253
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_URL: Final = re.compile(r"(?i:(https?)):(//)([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f-\x9f\s\\\ud800-\udfff]")
_BRACKETED: Final = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::([0-9]*))?")
_NAMED: Final = re.compile(r"([^:\[\]@%]+)(?::([0-9]*))?")
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_DOTTED: Final = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}")
_INTERNAL: Final = (
    *("localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "lan", "home", "home.arpa"),
    *("svc", "cluster", "onion", "test", "invalid", "alt", "metadata.goog", "consul", "workgroup", "intern", "domain"),
    *("mail", "docker", "fritz.box"),
)
_KEEP: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/%")
_HINT_ELSEWHERE: Final = "give that address as a further source"
_HINT: Final = "give a public http or https address, or name the host with --allow-private"


class Target(NamedTuple):
    """A URL in its one canonical reading."""

    scheme: str
    host: str
    """Lower-case ASCII; an IPv6 literal without brackets."""
    port: int
    path: str
    """Path and query, percent-encoded, beginning with a slash."""

    @property
    def url(self) -> str:
        """The URL as it is requested and recorded: no fragment, no default port."""
        return f"{self.scheme}://{self.origin}{self.path}"

    @property
    def origin(self) -> str:
        """Host and, when it is not the scheme's own, port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class Admitted(NamedTuple):
    """A host that the operator named with --allow-private."""

    host: str
    port: int | None
    """None stands for the default ports 80 and 443."""


def parse_admitted(entry: str) -> Admitted:
    """The host and port of one --allow-private entry, `HOST[:PORT]` with an IPv6 host in brackets.

    Raises UsageError when the entry is not of that form.
    """
    try:
        host, port = _split_authority(entry, entry)
        return Admitted(_canonical_host(host, entry), _port(port, entry) if port else None)
    except RefusedError as error:
        hint = "give HOST or HOST:PORT, as in 127.0.0.1:8000"
        raise UsageError(error.what, where=f"--allow-private {entry}", hint=hint) from None


class Guard:
    """Judges URLs and addresses; `admitted` hosts may be private, everything else must be public."""

    def __init__(self, allow_private: Sequence[str] = (), resolve: Resolver | None = None) -> None:
        self._admitted = frozenset(parse_admitted(entry) for entry in allow_private)
        self._resolve = resolve or _look_up
        self.may_lead: Callable[[Target, Target], bool] | None = None
        """Whether a page that was asked for may redirect to another address; None for anywhere that is public."""

    def admits(self, host: str, port: int) -> bool:
        """Whether the operator named exactly this host and port."""
        return Admitted(host, port) in self._admitted or (
            port in _PORTS.values() and Admitted(host, None) in self._admitted
        )

    def parse(self, text: str) -> Target:
        """The canonical reading of `text`.

        Raises RefusedError for anything but a plain http or https URL to a public-looking host on port 80 or 443,
        unless the host and port were admitted.
        """
        shown = text[:_SHOWN]
        if len(text.encode("utf-8", "surrogatepass")) > MAX_URL_BYTES:
            raise RefusedError(f"the address is longer than {MAX_URL_BYTES} bytes", where=shown, hint=_HINT)
        if _FORBIDDEN.search(text):
            raise RefusedError("a blank, a backslash or a control character in the address", where=shown, hint=_HINT)
        match = _URL.fullmatch(text)
        if match is None:
            raise RefusedError("only plain http and https addresses are read", where=shown, hint=_HINT)
        scheme = match[1].lower()
        raw_host, raw_port = _split_authority(match[3], shown)
        host = _canonical_host(raw_host, shown)
        port = _port(raw_port, shown) if raw_port else _PORTS[scheme]
        if not self.admits(host, port):
            _refuse_name(host, shown)
            if port not in _PORTS.values():
                raise RefusedError(f"port {port} is not read", where=shown, hint=_HINT)
        return Target(scheme, host, port, _quote((match[4] or "/") + (match[5] or "")))

    def check_redirect(self, first: Target, landed: Target) -> None:
        """Whether the page `first` may redirect to `landed`.

        Raises RefusedError when the redirect leaves the sites that are read, and when a public page sends to a host
        that the operator admitted: only the operator and such hosts themselves name those.
        """
        if self.admits(landed.host, landed.port) and not self.admits(first.host, first.port):
            raise RefusedError("a public page redirects to an admitted host", where=landed.url, hint=_HINT_ELSEWHERE)
        if self.may_lead is not None and not self.may_lead(first, landed):
            raise RefusedError("it redirects to another site", where=landed.url, hint=_HINT_ELSEWHERE)

    def addresses(self, host: str, port: int) -> tuple[IpAddress, ...]:
        """The checked addresses of `host`, in the resolver's order; one look-up.

        Raises RefusedError when any answer is not allowed, UnavailableError when there is none.
        """
        admitted = self.admits(host, port)
        literal = _literal(host)
        if literal is not None:
            found: tuple[IpAddress, ...] = (literal,)
        else:
            found = self._answers(host, port)
        for address in found:
            reason = refusal(address, admitted=admitted)
            if reason:
                raise RefusedError(f"the host leads to {reason}", where=f"{host} ({address})", hint=_HINT)
        return found

    def _answers(self, host: str, port: int) -> tuple[IpAddress, ...]:
        hint = "check the spelling and the connection"
        try:
            answers = self._resolve(host, port)
        except (OSError, UnicodeError):
            raise UnavailableError("the host name was not found", where=host, hint=hint) from None
        found: list[IpAddress] = []
        for text in answers:
            try:
                address = ipaddress.ip_address(text)
            except ValueError:
                raise RefusedError("the look-up gave no plain address", where=f"{host} ({text})", hint=_HINT) from None
            if address not in found:
                found.append(address)
        if not found:
            raise UnavailableError("the host name has no address", where=host, hint=hint)
        return tuple(found)


def looks_like_address(text: str) -> bool:
    """Whether a SOURCE that is no path was meant as an address: a scheme, a blank or control character, or `//`."""
    return bool(_SCHEME.match(text.strip())) or text.startswith("//") or bool(_FORBIDDEN.search(text))


def _split_authority(authority: str, shown: str) -> tuple[str, str | None]:
    if "@" in authority or "%" in authority:
        raise RefusedError("user names and escapes before the host are not read", where=shown, hint=_HINT)
    match = _BRACKETED.fullmatch(authority) or _NAMED.fullmatch(authority)
    if match is None:
        raise RefusedError("the host cannot be read in one way", where=shown, hint=_HINT)
    if authority.startswith("["):
        return f"[{match[1]}]", match[2]
    return match[1], match[2]


def _canonical_host(raw: str, shown: str) -> str:
    if raw.startswith("["):
        try:
            return str(ipaddress.IPv6Address(raw[1:-1]))
        except ValueError:
            raise RefusedError("not an IPv6 address", where=shown, hint=_HINT) from None
    host = raw.lower() if raw.isascii() else _international(raw, shown)
    if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        if not _DOTTED.fullmatch(host) or _literal(host) is None:
            raise RefusedError("a number-form host", where=shown, hint=_HINT)
        return host
    host = host.removesuffix(".")
    labels = host.split(".")
    if len(host) > _MAX_NAME or not all(_LABEL.fullmatch(label) for label in labels) or "_" in labels[-1]:
        raise RefusedError("not a host name", where=shown, hint=_HINT)
    if any(label.startswith("xn--") for label in labels):
        _check_punycode(labels, shown)
    return host


def _international(raw: str, shown: str) -> str:
    import idna

    labels = []
    for label in raw.split("."):
        if label.isascii():
            labels.append(label.lower())
            continue
        try:
            encoded = idna.encode(label, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise RefusedError("not an international host name", where=shown, hint=_HINT) from None
        # Full-width or circled letters fold to plain ones: a disguise, never an honest spelling.
        if not encoded.startswith("xn--") or "." in encoded:
            raise RefusedError("a host name in disguised letters", where=shown, hint=_HINT)
        labels.append(encoded)
    return ".".join(labels)


def _check_punycode(labels: Sequence[str], shown: str) -> None:
    import idna

    for label in labels:
        if label.startswith("xn--"):
            try:
                idna.decode(label)
            except (idna.IDNAError, UnicodeError):
                raise RefusedError("not an international host name", where=shown, hint=_HINT) from None


def _port(text: str, shown: str) -> int:
    # Compared as text first: the C library wraps 99999 to 34463.
    if len(text) > len(str(_MAX_PORT)) or (text.startswith("0") and text != "0") or not 0 < int(text) <= _MAX_PORT:
        raise RefusedError("not a port", where=shown, hint=_HINT)
    return int(text)


def _refuse_name(host: str, shown: str) -> None:
    literal = _literal(host)
    if literal is not None:
        reason = refusal(literal)
        if reason:
            raise RefusedError(f"the host is {reason}", where=shown, hint=_HINT)
    elif "." not in host:
        raise RefusedError("a host name of one word is an internal one", where=shown, hint=_HINT)
    elif any(host == name or host.endswith("." + name) for name in _INTERNAL):
        raise RefusedError("an internal host name", where=shown, hint=_HINT)


def _literal(host: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _quote(path: str) -> str:
    path = path if path.startswith("/") else "/" + path
    head, mark, query = path.partition("?")
    return _escape(head) + mark + _escape(query, "?")


def _escape(text: str, more: str = "") -> str:
    return "".join(
        character
        if character in _KEEP or character in more
        else "".join(f"%{byte:02X}" for byte in character.encode("utf-8"))
        for character in text
    )


def _look_up(host: str, port: int) -> Sequence[str]:
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(row[4][0]) for row in rows]


def with_deadline(resolve: Resolver | None, seconds: Callable[[], float]) -> Resolver:
    """`resolve`, or the system's look-up, that gives up after `seconds()` with TimeoutError.

    The system's look-up cannot be interrupted, so it runs in a thread that is left behind.
    """

    look_up = resolve or _look_up

    def bounded(host: str, port: int) -> Sequence[str]:
        found: list[Sequence[str]] = []
        failed: list[OSError | UnicodeError] = []

        def work() -> None:
            try:
                found.append(look_up(host, port))
            except (OSError, UnicodeError) as error:
                failed.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(max(0.0, seconds()))
        if failed:
            raise failed[0]
        if not found:
            raise TimeoutError("the look-up took too long")
        return found[0]

    return bounded
