"""The address guard: parses every URL strictly, resolves its host once, checks every IP address.

A URL that two parsers could read differently is refused rather than interpreted. A host name is looked up once for
each new connection, all addresses found must be allowed, and the connection goes to an address that was checked (see
`fetch`), which prevents DNS rebinding.

Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates RFC 8215, 9602, 9637)
as of 2026, and the addresses at which cloud providers serve instance metadata, from their own documentation.
`ipaddress.is_global` alone is not enough: it lets multicast, 192.0.0.8 and the Azure host address pass.
"""

import ipaddress
import re
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from agent.errors import RefusedError, UnavailableError, UsageError

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
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
_BRACKETED: Final = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::([0-9]*))?")
_NAMED: Final = re.compile(r"([^:\[\]@%]+)(?::([0-9]*))?")
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_DOTTED: Final = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}")
_INTERNAL: Final = (
    *("localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "lan", "home", "home.arpa"),
    *("svc", "cluster", "metadata.goog", "consul", "workgroup", "intern", "domain"),
    *("mail", "docker", "fritz.box"),
)
_NO_PUBLIC_HOST: Final = ("invalid", "test", "alt", "onion")
"""Names that public DNS never resolves (RFC 6761, 7686, 9476), although a private resolver may."""
_KEEP: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/%")
_HINT_ELSEWHERE: Final = "give that address as a further source"
_HINT: Final = "give a public http or https address, or name the host with --allow-private"


class _Range(NamedTuple):
    network: _IpNetwork
    reason: str


def _ranges(rows: tuple[tuple[str, str], ...]) -> tuple[_Range, ...]:
    return tuple(_Range(ipaddress.ip_network(network), reason) for network, reason in rows)


# Refused in every mode, even for a host that the operator admitted, because instance credentials are served here.
_METADATA: Final = _ranges(
    (
        ("169.254.0.0/16", "a link-local address, where clouds serve metadata"),
        ("100.100.100.200/32", "a cloud metadata address"),
        ("192.0.0.192/32", "a cloud metadata address"),
        ("168.63.129.16/32", "a cloud host address"),
        ("fd00:ec2::/32", "a cloud metadata address"),
        ("fd20:ce::/32", "a cloud metadata address"),
        ("fe80::/10", "a link-local address"),
    )
)

# Never a legitimate destination, admitted or not: unspecified, multicast and broadcast addresses.
_NOWHERE: Final = _ranges(
    (
        ("0.0.0.0/8", "an address of this network"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved or broadcast address"),
        ("::/128", "the unspecified address"),
        ("ff00::/8", "a multicast address"),
    )
)

_NOT_PUBLIC: Final = _ranges(
    (
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier-grade NAT address"),
        ("127.0.0.0/8", "a loopback address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "an IETF protocol address"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.88.99.0/24", "a 6to4 relay address"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("::1/128", "a loopback address"),
        ("::ffff:0:0/96", "an IPv4-mapped address"),
        ("::ffff:0:0:0/96", "an IPv4-translated address"),
        ("::/96", "an IPv4-compatible address"),
        ("64:ff9b::/96", "a NAT64 address"),
        ("64:ff9b:1::/48", "a NAT64 address"),
        ("100::/64", "a discard-only address"),
        ("2001::/32", "a Teredo address"),
        ("2001::/23", "an IETF protocol address"),
        ("2001:db8::/32", "a documentation address"),
        ("2002::/16", "a 6to4 address"),
        ("3fff::/20", "a documentation address"),
        ("5f00::/16", "a segment-routing address"),
        ("fc00::/7", "a unique-local address"),
        ("fec0::/10", "a site-local address"),
    )
)

_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_LOOPBACK: Final = ipaddress.IPv6Address("::1")
_LOW_32: Final = 0xFFFFFFFF
# ISATAP interface identifiers (RFC 5214): 5efe followed by an IPv4 address, with the globally unique bit clear or set.
_ISATAP: Final = (0x00005EFE, 0x02005EFE)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_TRANSLATED: Final = ipaddress.IPv6Network("::ffff:0:0:0/96")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")


def embedded(address: IpAddress) -> tuple[ipaddress.IPv4Address, ...]:
    """Return the IPv4 addresses embedded in an IPv6 address by a transition format; empty for IPv4."""
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    found: list[ipaddress.IPv4Address] = []
    low = ipaddress.IPv4Address(int(address) & _LOW_32)
    if address.ipv4_mapped is not None:
        found.append(address.ipv4_mapped)
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found.extend(address.teredo)
    if any(address in network for network in (_NAT64, _TRANSLATED, _COMPATIBLE)) or _is_isatap(address):
        found.append(low)
    return tuple(found)


def refusal(address: IpAddress, *, admitted: bool = False) -> str | None:
    """Return why no request may go to `address`, or None when it is allowed.

    `admitted` marks a host that the operator named: private and loopback addresses pass, metadata addresses and
    addresses without an owner do not. Every IPv4 address embedded in `address` is checked as well.
    """
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        return "an address with a zone"
    if admitted and address == _LOOPBACK:
        return None  # checked before the embedded addresses, because its low bits read as 0.0.0.1
    always = (*_METADATA, *_NOWHERE)
    for candidate in (address, *embedded(address)):
        for network, reason in always if admitted else (*always, *_NOT_PUBLIC):
            if candidate.version == network.version and candidate in network:
                return reason
    if admitted or isinstance(address, ipaddress.IPv4Address):
        return None
    if address not in _GLOBAL_UNICAST:
        return "an address outside global unicast"
    return "an ISATAP address" if _is_isatap(address) else None


def _is_isatap(address: ipaddress.IPv6Address) -> bool:
    return (int(address) >> 32) & _LOW_32 in _ISATAP


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


class Admitted(NamedTuple):
    """A host that the operator named with --allow-private."""

    host: str
    port: int | None
    """None stands for the default ports 80 and 443."""


def parse_admitted(entry: str) -> Admitted:
    """Parse one --allow-private entry, `HOST[:PORT]` with an IPv6 host in brackets.

    Raises UsageError when the entry does not have that form.
    """
    try:
        host, port = _split_authority(entry, entry)
        return Admitted(_canonical_host(host, entry), _port(port, entry) if port else None)
    except RefusedError as error:
        hint = "give HOST or HOST:PORT, as in 127.0.0.1:8000"
        raise UsageError(error.what, where=f"--allow-private {entry}", hint=hint) from None


class Guard:
    """Checker of URLs and addresses; `admitted` hosts may be private, all others must be public."""

    def __init__(self, allow_private: Sequence[str] = (), resolve: Resolver | None = None) -> None:
        self._admitted = frozenset(parse_admitted(entry) for entry in allow_private)
        self._resolve = resolve or _look_up
        self.may_lead: Callable[[Target, Target], bool] | None = None
        """Function that decides whether a page may redirect to another address; None allows any public address."""

    def admits(self, host: str, port: int) -> bool:
        """Return whether the operator named exactly this host and port."""
        return Admitted(host, port) in self._admitted or (
            port in _PORTS.values() and Admitted(host, None) in self._admitted
        )

    def parse(self, text: str) -> Target:
        """Parse `text` into its canonical form.

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
        """Check that the page `first` may redirect to `landed`.

        Raises RefusedError when the redirect leaves the sites of the crawl, and when a public page redirects to a host
        that the operator admitted: only the operator and admitted hosts may point to those.
        """
        if self.admits(landed.host, landed.port) and not self.admits(first.host, first.port):
            raise RefusedError("a public page redirects to an admitted host", where=landed.url, hint=_HINT_ELSEWHERE)
        if self.may_lead is not None and not self.may_lead(first, landed):
            raise RefusedError("it redirects to another site", where=landed.url, hint=_HINT_ELSEWHERE)

    def addresses(self, host: str, port: int) -> tuple[IpAddress, ...]:
        """Resolve `host` once and return its checked addresses, in the resolver's order.

        Raises RefusedError when any address is not allowed, UnavailableError when there is none.
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
    """Return whether a non-path SOURCE is meant as an address: a scheme, a blank, a control character or `//`."""
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
        # Full-width or circled letters that fold to plain ones are a disguise, never a legitimate spelling.
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
    # Check the length of the text first, because the C library wraps 99999 to 34463.
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
    elif _ends_in(host, _INTERNAL):
        raise RefusedError("an internal host name", where=shown, hint=_HINT)
    elif name := _ends_in(host, _NO_PUBLIC_HOST):
        raise RefusedError(f"no public host has a name that ends in .{name}", where=shown, hint=_HINT)


def _ends_in(host: str, names: Sequence[str]) -> str:
    """Return the entry of `names` that equals the host or is a parent domain of it, or an empty text."""
    return next((name for name in names if host == name or host.endswith("." + name)), "")


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
    """Wrap `resolve`, or the system's lookup, so that it raises TimeoutError after `seconds()` seconds.

    The system's lookup cannot be interrupted, so it runs in a thread that is abandoned on time-out.
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
