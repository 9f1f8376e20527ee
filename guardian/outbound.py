"""Where a URL that a person gave may lead: public addresses, and the private ones that the operator named."""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from guardian.errors import OutboundRefused

Address = IPv4Address | IPv6Address

# RFC 6052: the last four bytes are the IPv4 address that a NAT64 gateway connects to.
_NAT64 = IPv6Network("64:ff9b::/96")


def reachable(host: str, port: int, allowed: Sequence[str]) -> list[str]:
    """The addresses of `host` to connect to, in the order of the resolver. Connect to these and to no name.

    A name that is resolved again for the connection may have another address by then. `allowed` are the entries of
    OUTBOUND_ALLOWLIST: host or host:port, where the host is the one of the URL or an address of it. Raises
    OutboundRefused when any of the addresses is not public and not allowed, socket.gaierror for an unknown name.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # of the IDNA encoding: a label too long, or empty
        raise OutboundRefused(f"{_quoted(host)} is not a host name.") from None
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if listed(host, port, allowed):
        return addresses
    for address in addresses:
        if not is_public(address) and not listed(address, port, allowed):
            leads = "" if _plain(host) == _plain(address) else f"leads to {address}, which "
            raise OutboundRefused(
                f"{_quoted(host)} {leads}is not a public address. If this server may reach it, its operator adds "
                f"{_entry(host, port)} to OUTBOUND_ALLOWLIST."
            )
    return addresses


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet; every wrapping of an IPv4 address counts as what it wraps."""
    found = ip_address(address.partition("%")[0])
    inner = _wrapped(found) if isinstance(found, IPv6Address) else None
    if inner is not None:
        return is_public(str(inner))
    # Multicast is global to the ipaddress module, and fec0::/10 was given up before it knew "private".
    return found.is_global and not found.is_multicast and not (isinstance(found, IPv6Address) and found.is_site_local)


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside of a mapped, 6to4, Teredo or NAT64 one."""
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address.teredo:
        return address.teredo[1]
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def listed(host: str, port: int, allowed: Sequence[str]) -> bool:
    """Whether the operator named this host, or this address, among those that may be reached."""
    wanted = _plain(host)
    for entry in allowed:
        name, entry_port = _split(entry)
        if name == wanted and entry_port in (None, port):
            return True
    return False


def _split(entry: str) -> tuple[str, int | None]:
    """`host`, `host:port`, `::1` and `[::1]:port` as host and port."""
    head, colon, tail = entry.rpartition(":")
    if colon and tail.isdigit() and (":" not in head or head.startswith("[")):
        return _plain(head), int(tail)
    return _plain(entry), None


def _plain(host: str) -> str:
    """One spelling for each host: lower case, no brackets, no trailing dot, addresses in their shortest form."""
    bare = host.strip().strip("[]").rstrip(".").lower()
    try:
        return str(ip_address(bare))
    except ValueError:
        return bare


def _entry(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _quoted(host: str) -> str:
    return host[:100]
