"""Where a URL of a person may lead: what is public, what the allowlist opens, and that nothing else passes."""

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardian.errors import OutboundRefused
from guardian.outbound import is_public, reachable

PRIVATE = """
    0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1
    192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
    :: ::1 fe80::1 fe80::1%eth0 fc00::1 fd12:3456::1 fec0::1 ff02::1 2001:db8::1
    ::ffff:127.0.0.1 ::ffff:a9fe:a9fe 2002:7f00:1:: 2002:a00:1:: 64:ff9b::a00:1 64:ff9b::7f00:1
    2001:0:4136:e378:8000:63bf:f5ff:fffe
""".split()  # noqa: SIM905  # one name per line would hide the kinds
PUBLIC = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "192.169.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_in_every_wrapping(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_a_wrapped_address_is_as_public_as_what_it_wraps(address: Any) -> None:
    number = int(address)
    assert is_public(f"::ffff:{address}") == is_public(str(address))
    assert is_public(f"64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}") == is_public(str(address))
    assert is_public(f"2002:{number >> 16:x}:{number & 0xFFFF:x}::") == is_public(str(address))


# Spellings that a resolver takes for 127.0.0.1 and a careless check does not.
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "0"])
def test_every_spelling_of_this_machine_is_refused(host: str) -> None:
    with pytest.raises(OutboundRefused, match="not a public address") as refused:
        reachable(host, 8080, ())
    assert f"{host}:8080 to OUTBOUND_ALLOWLIST" in refused.value.message
    assert refused.value.status_code == 400


@pytest.mark.parametrize(
    "entry", ["localhost", "LOCALHOST.", "localhost:8080", "127.0.0.1:8080", "127.0.0.1", " localhost "]
)
def test_the_allowlist_opens_a_host_by_name_or_by_address(entry: str) -> None:
    assert "127.0.0.1" in reachable("localhost", 8080, [entry, "::1"])


@pytest.mark.parametrize("entry", ["localhost:8081", "local", "host", "127.0.0.1:80", "10.0.0.1", "*", ""])
def test_another_host_or_port_on_the_allowlist_opens_nothing(entry: str) -> None:
    with pytest.raises(OutboundRefused):
        reachable("localhost", 8080, [entry])


@pytest.mark.parametrize("entry", ["::1", "[::1]", "[::1]:8080", "0:0:0:0:0:0:0:1"])
def test_addresses_of_version_6_on_the_allowlist(entry: str) -> None:
    assert reachable("::1", 8080, [entry]) == ["::1"]


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the resolver says is the only thing replaced: no name with such records can be relied on."""

    def answers(*addresses: str) -> None:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    answers("1.1.1.1", "10.0.0.1")
    with pytest.raises(OutboundRefused, match=r"leads to 10\.0\.0\.1"):
        reachable("rebound.example.com", 443, ())
    answers("1.1.1.1", "1.0.0.1", "1.1.1.1")
    assert reachable("fine.example.com", 443, ()) == ["1.1.1.1", "1.0.0.1"]


def test_names_that_are_none() -> None:
    with pytest.raises(OutboundRefused, match="not a host name"):
        reachable("a" * 70 + ".example", 443, ())
    with pytest.raises(socket.gaierror):
        reachable("nowhere.invalid", 443, ())
