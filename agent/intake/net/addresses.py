"""Which internet addresses a request may go to: a table of refusals, and everything else in global unicast.

Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates RFC 8215, 9602, 9637)
as of 2026, and the addresses at which cloud providers serve instance metadata, from their own documentation.
`ipaddress.is_global` alone is not enough: it lets multicast, 192.0.0.8 and the Azure host address pass.
"""

import ipaddress
from typing import Final, NamedTuple

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class _Range(NamedTuple):
    network: _IpNetwork
    reason: str


def _ranges(rows: tuple[tuple[str, str], ...]) -> tuple[_Range, ...]:
    return tuple(_Range(ipaddress.ip_network(network), reason) for network, reason in rows)


# Refused in every mode, also for a host that the operator admitted: instance credentials lie here.
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

# Never an honest destination, admitted or not: "any", groups, broadcast.
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
# The interface identifiers of ISATAP (RFC 5214): an IPv4 address behind 5efe, globally unique bit clear or set.
_ISATAP: Final = (0x00005EFE, 0x02005EFE)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_TRANSLATED: Final = ipaddress.IPv6Network("::ffff:0:0:0/96")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")


def embedded(address: IpAddress) -> tuple[ipaddress.IPv4Address, ...]:
    """The IPv4 addresses that an IPv6 address carries in one of the transition forms; empty for IPv4."""
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
    """Why no request may go to `address`, or None when one may.

    `admitted` is for a host that the operator named: private and loopback addresses pass, metadata addresses and
    addresses that are nobody's do not. An address is also judged by every IPv4 address that it embeds.
    """
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        return "an address with a zone"
    if admitted and address == _LOOPBACK:
        return None  # before the embedded forms: its low bits read as 0.0.0.1
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
