"""The address guard: parses every URL strictly, resolves its host once and checks every IP address found.

A URL that two parsers could read differently is refused rather than interpreted. A host name is looked up once for
each new connection, all addresses found must be allowed, and the connection goes to one of these checked addresses (see
`connections`), which prevents DNS rebinding.

Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates RFC 8215, 9602, 9637)
as of 2026, and the addresses at which cloud providers serve instance metadata, from their own documentation.
`ipaddress.is_global` is not enough: it allows multicast, 192.0.0.8 and the Azure host address.
"""

import ipaddress
import re
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final, NamedTuple
from urllib.parse import quote

from agent.errors import RefusedError, UnavailableError, UsageError

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Sequence[str]]
"""Function that resolves a host name to IP addresses as text; raises OSError when there are none."""

MAX_URL_BYTES: Final = 8192
_PORTS: Final = {"http": 80, "https": 443}
_MAX_PORT: Final = 65535
_SHOWN: Final = 200
_MAX_NAME: Final = 253
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_URL: Final = re.compile(r"(?i:(https?)):(//)([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f-\x9f\s\\\ud800-\udfff]")
_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]@%]+)(?::([0-9]*))?")
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_DOTTED: Final = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}")
_INTERNAL: Final = (
    *("localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "lan", "home", "home.arpa"),
    *("svc", "cluster", "metadata.goog", "consul", "workgroup", "intern", "domain", "mail", "docker", "fritz.box"),
)
_NO_PUBLIC_HOST: Final = ("invalid", "test", "alt", "onion")
"""Names that public DNS never resolves (RFC 6761, 7686, 9476), although a private resolver may."""
_SAFE: Final = "!$&'()*+,;=:@/%"
"""Characters of a path, besides letters, digits and `-._~`, that are not percent-encoded."""
_HINT_ELSEWHERE: Final = "add that address as a separate source"
_HINT: Final = "use a public http or https address, or allow the host with --allow-private"


def _ranges(rows: dict[str, str]) -> tuple[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str], ...]:
    """Convert a table of networks by reason into pairs of a network and the reason to refuse it."""
    return tuple((ipaddress.ip_network(each), reason) for reason, listed in rows.items() for each in listed.split())


_ALWAYS: Final = _ranges(
    {
        # Refused even for a host that the operator allowed, because instance credentials are served here.
        "a link-local address, where clouds serve metadata": "169.254.0.0/16",
        "a cloud metadata address": "100.100.100.200/32 192.0.0.192/32 fd00:ec2::/32 fd20:ce::/32",
        "a cloud host address": "168.63.129.16/32",
        "a link-local address": "fe80::/10",
        # Never a legitimate destination, allowed or not.
        "an address of this network": "0.0.0.0/8",
        "a multicast address": "224.0.0.0/4 ff00::/8",
        "a reserved or broadcast address": "240.0.0.0/4",
        "the unspecified address": "::/128",
    }
)
_NOT_PUBLIC: Final = _ranges(
    {
        "a private address": "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16",
        "a carrier-grade NAT address": "100.64.0.0/10",
        "a loopback address": "127.0.0.0/8 ::1/128",
        "a documentation address": "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20",
        "a 6to4 relay address": "192.88.99.0/24",
        "a benchmarking address": "198.18.0.0/15",
        "an IPv4-mapped address": "::ffff:0:0/96",
        "an IPv4-translated address": "::ffff:0:0:0/96",
        "an IPv4-compatible address": "::/96",
        "a NAT64 address": "64:ff9b::/96 64:ff9b:1::/48",
        "a discard-only address": "100::/64",
        "a Teredo address": "2001::/32",
        "an IETF protocol address": "192.0.0.0/24 2001::/23",
        "a 6to4 address": "2002::/16",
        "a segment-routing address": "5f00::/16",
        "a unique-local address": "fc00::/7",
        "a site-local address": "fec0::/10",
    }
)
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_LOOPBACK: Final = ipaddress.IPv6Address("::1")
_LOW_32: Final = 0xFFFFFFFF
# ISATAP interface identifiers (RFC 5214): 5efe followed by an IPv4 address, with the globally unique bit clear or set.
_ISATAP: Final = (0x00005EFE, 0x02005EFE)
_LOW_IS_IPV4: Final = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "::ffff:0:0:0/96", "::/96")))
"""NAT64, IPv4-translated and IPv4-compatible addresses."""


def refusal(address: IpAddress, *, admitted: bool = False) -> str | None:
    """Return why no request may go to `address`, or None when it is allowed.

    `admitted` marks a host that the operator allowed: private and loopback addresses pass, but cloud metadata,
    link-local, multicast and reserved addresses do not. Every IPv4 address embedded in `address` by a transition format
    is checked too.
    """
    candidates: list[IpAddress] = [address]
    isatap = False
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return "an address with a zone"
        if admitted and address == _LOOPBACK:
            return None  # checked before the embedded addresses, because its low bits read as 0.0.0.1
        embedded = (address.ipv4_mapped, address.sixtofour, *(address.teredo or ()))
        candidates += [each for each in embedded if each is not None]
        isatap = (int(address) >> 32) & _LOW_32 in _ISATAP
        if isatap or any(address in network for network in _LOW_IS_IPV4):
            candidates.append(ipaddress.IPv4Address(int(address) & _LOW_32))
    for candidate in candidates:
        for network, reason in _ALWAYS if admitted else (*_ALWAYS, *_NOT_PUBLIC):
            if candidate.version == network.version and candidate in network:
                return reason
    if admitted or isinstance(address, ipaddress.IPv4Address):
        return None
    if address not in _GLOBAL_UNICAST:
        return "an address outside global unicast"
    return "an ISATAP address" if isatap else None


class Target(NamedTuple):
    """A parsed URL in canonical form."""

    scheme: str
    host: str
    """Lower-case ASCII; an IPv6 literal without brackets."""
    port: int
    path: str
    """Path and query, percent-encoded, beginning with a slash."""

    @property
    def url(self) -> str:
        """The URL as requested and recorded, without fragment and default port."""
        return f"{self.scheme}://{self.origin}{self.path}"

    @property
    def origin(self) -> str:
        """The host, with its port unless that is the scheme's default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class Guard:
    """Checks URLs and IP addresses; hosts in `allow_private` may be private, all others must be public.

    An entry is `HOST[:PORT]`, with an IPv6 host in brackets; without a port it covers ports 80 and 443. Raises
    UsageError when an entry does not have that form.
    """

    def __init__(self, allow_private: Sequence[str] = (), resolve: Resolver | None = None) -> None:
        self._admitted: set[tuple[str, int]] = set()
        for entry in allow_private:
            try:
                host, port = _host_and_port(entry)
            except RefusedError as error:
                hint = "use HOST or HOST:PORT, such as 127.0.0.1:8000"
                raise UsageError(error.what, where=f"--allow-private {entry}", hint=hint) from None
            self._admitted |= {(host, each) for each in ((port,) if port else _PORTS.values())}
        self._resolve = resolve or _look_up
        self.may_lead: Callable[[Target, Target], bool] | None = None
        """Function that decides whether a page may redirect to another address; None allows any public address."""

    def admits(self, host: str, port: int) -> bool:
        """Return whether the operator allowed exactly this host and port."""
        return (host, port) in self._admitted

    def parse(self, text: str) -> Target:
        """Parse `text` into its canonical form.

        Raises RefusedError for anything but a plain http or https URL to a public-looking host on port 80 or 443,
        unless the host and port were allowed.
        """
        try:
            return self._parse(text)
        except RefusedError as error:
            raise RefusedError(error.what, where=text[:_SHOWN], hint=_HINT) from None

    def _parse(self, text: str) -> Target:
        if len(text.encode("utf-8", "surrogatepass")) > MAX_URL_BYTES:
            raise RefusedError(f"the address is longer than {MAX_URL_BYTES} bytes")
        if _FORBIDDEN.search(text):
            raise RefusedError("the address contains a space, a backslash or a control character")
        match = _URL.fullmatch(text)
        if match is None:
            raise RefusedError("only plain http and https addresses are supported")
        scheme = match[1].lower()
        host, port = _host_and_port(match[3])
        port = port or _PORTS[scheme]
        if not self.admits(host, port):
            _refuse_name(host)
            if port not in _PORTS.values():
                raise RefusedError(f"port {port} is not allowed")
        return Target(scheme, host, port, quote(match[4] or "/", _SAFE) + quote(match[5] or "", _SAFE + "?"))

    def check_redirect(self, first: Target, landed: Target) -> None:
        """Check that the page `first` may redirect to `landed`.

        Raises RefusedError when the redirect leaves the sites of the crawl, and when a public page redirects to a host
        that the operator allowed: only the operator and other allowed hosts may point to those.
        """
        if self.admits(landed.host, landed.port) and not self.admits(first.host, first.port):
            what = "a public page redirects to an allowed private host"
            raise RefusedError(what, where=landed.url, hint=_HINT_ELSEWHERE)
        if self.may_lead is not None and not self.may_lead(first, landed):
            raise RefusedError("it redirects to another site", where=landed.url, hint=_HINT_ELSEWHERE)

    def addresses(self, host: str, port: int) -> tuple[IpAddress, ...]:
        """Resolve `host` once and return its checked addresses, in the resolver's order.

        Raises RefusedError when any address is not allowed, UnavailableError when there is none.
        """
        hint = "check the spelling and the connection"
        try:
            answers = self._resolve(host, port) if _literal(host) is None else [host]
        except (OSError, UnicodeError):
            raise UnavailableError("the host name was not found", where=host, hint=hint) from None
        found: dict[IpAddress, None] = {}
        for text in answers:
            address = _literal(text)
            if address is None:
                raise RefusedError(
                    "the lookup returned something other than an IP address", where=f"{host} ({text})", hint=_HINT
                )
            found[address] = None
        if not found:
            raise UnavailableError("the host name has no address", where=host, hint=hint)
        for address in found:
            reason = refusal(address, admitted=self.admits(host, port))
            if reason:
                raise RefusedError(f"the host resolves to {reason}", where=f"{host} ({address})", hint=_HINT)
        return tuple(found)


def looks_like_address(text: str) -> bool:
    """Return whether a SOURCE that is not a path is meant as an address.

    That is, it begins with a scheme or `//`, or contains a space, a backslash or a control character.
    """
    return bool(_SCHEME.match(text.strip())) or text.startswith("//") or bool(_FORBIDDEN.search(text))


def _host_and_port(authority: str) -> tuple[str, int]:
    """Return the canonical host and the port, 0 for none. Raises RefusedError, as do all functions below."""
    if "@" in authority or "%" in authority:
        raise RefusedError("user names and percent-escapes before the path are not allowed")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise RefusedError("the host is malformed or ambiguous")
    host, port = _canonical_host(match[1]), match[2] or ""
    # Check the length of the text first, because the C library wraps 99999 to 34463.
    if port and (len(port) > len(str(_MAX_PORT)) or port.startswith("0") or int(port) > _MAX_PORT):
        raise RefusedError("the port is not valid")
    return host, int(port or 0)


def _canonical_host(raw: str) -> str:
    if raw.startswith("["):
        try:
            return str(ipaddress.IPv6Address(raw[1:-1]))
        except ValueError:
            raise RefusedError("not an IPv6 address") from None
    host = ".".join(label.lower() if label.isascii() else _international(label) for label in raw.split("."))
    if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        if not _DOTTED.fullmatch(host) or _literal(host) is None:
            raise RefusedError("the host is written as a number")
        return host
    host = host.removesuffix(".")
    labels = host.split(".")
    if len(host) > _MAX_NAME or not all(_LABEL.fullmatch(label) for label in labels) or "_" in labels[-1]:
        raise RefusedError("not a host name")
    for label in labels:
        if label.startswith("xn--"):
            _international(label)
    return host


def _international(label: str) -> str:
    """Return the ASCII form of a label of an internationalised name; check a label that is already ASCII."""
    import idna

    try:
        if label.isascii():
            return idna.decode(label)
        encoded = idna.encode(label, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise RefusedError("not a valid internationalized host name") from None
    # Full-width or circled letters that fold to plain ones are a disguise, never a legitimate spelling.
    if not encoded.startswith("xn--") or "." in encoded:
        raise RefusedError("the host name uses disguised letters")
    return encoded


def _refuse_name(host: str) -> None:
    def within(names: Sequence[str]) -> str:
        return next((name for name in names if host == name or host.endswith("." + name)), "")

    literal = _literal(host)
    if literal is not None:
        if reason := refusal(literal):
            raise RefusedError(f"the host is {reason}")
    elif "." not in host:
        raise RefusedError("a single-word host name is internal")
    elif within(_INTERNAL):
        raise RefusedError("an internal host name")
    elif name := within(_NO_PUBLIC_HOST):
        raise RefusedError(f"no public host name ends in .{name}")


def _literal(host: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _look_up(host: str, port: int) -> Sequence[str]:
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(row[4][0]) for row in rows]


def with_deadline(resolve: Resolver | None, seconds: Callable[[], float]) -> Resolver:
    """Wrap `resolve`, or the system's lookup, so that it raises TimeoutError after `seconds()` seconds.

    The system's lookup cannot be interrupted, so it runs in a thread that is abandoned on time-out.
    """
    look_up = resolve or _look_up

    def bounded(host: str, port: int) -> Sequence[str]:
        answer: Future[Sequence[str]] = Future()

        def work() -> None:
            try:
                answer.set_result(look_up(host, port))
            except (OSError, UnicodeError) as error:
                answer.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        return answer.result(max(0.0, seconds()))

    return bounded
