"""Hosts as people write them: names, addresses and networks; and lists of those that somebody has allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self

from synergos.errors import InvalidRequest

Address = IPv4Address | IPv6Address

EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared, not bound
"""What a program listens on that listens on all addresses of its machine."""

_FINGERPRINT = re.compile("[0-9a-f]{64}")
_NAME = re.compile(r"[\w-]+(\.[\w-]+)*")
_LARGEST_PORT = 65535
_IPV4 = 4
_CUSTOMERS_BITS = 64


def address_of(host: str) -> Address | None:
    """The address that a host is written as, of IPv6 with or without brackets; None where it is a name."""
    try:
        return ip_address(plain(host))
    except ValueError:
        return None


def is_address(host: str) -> bool:
    """Whether a host is an address rather than a name."""
    return address_of(host) is not None


def is_loopback(host: str) -> bool:
    """Whether a host is this very machine, as its own programs reach each other."""
    address = address_of(host)
    return plain(host) == "localhost" if address is None else address.is_loopback


def customer_of(address: str) -> str:
    """What somebody's requests come from: the address, or with IPv6 the network that one customer has."""
    found = address_of(address)
    if found is None:
        return address
    return str(found if found.version == _IPV4 else ip_network((found, _CUSTOMERS_BITS), strict=False))


def is_fingerprint(host: str) -> bool:
    """Whether what stands for a host is the fingerprint of a worker that dials out; no name of DNS has a part so long."""
    return _FINGERPRINT.fullmatch(host) is not None


def shown(host: str, port: int) -> str:
    """Where somebody is asked, for people: an address with its port, or which worker it is that dials out."""
    return f"{host[:16]}… (which joins by itself)" if is_fingerprint(host) else f"{host}:{port}"


def in_header(host: str) -> str:
    """What a request says in ``Host`` of whom it is for: a fingerprint is no name, and a server would refuse it."""
    return "joined" if is_fingerprint(host) else host


def plain(host: str) -> str:
    """A host without what makes no difference: brackets, a dot at the end, capital letters."""
    inner = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    return inner.rstrip(".").lower()


@dataclass(frozen=True)
class Place:
    """A host, or a network of them.

    Attributes:
        host: a name, or the network that an address is of.
        port: None for all of them.
    """

    host: str | IPv4Network | IPv6Network
    port: int | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """A name, an address or a network, with ``:port`` behind it or without.

        Raises:
            InvalidRequest: it is none.
        """
        host, port = _split(text)
        try:
            return cls(ip_network(host), port)
        except ValueError:
            if "/" not in host and _NAME.fullmatch(host) and not _is_number(host):
                return cls(plain(host), port)
        raise InvalidRequest(
            f"expected a name, an address or a network, as worker.example.org, 10.0.0.11:5000 or 10.0.0.0/24, got {text[:80]!r}"
        )

    def has_port(self, port: int) -> bool:
        """Whether a port is meant."""
        return self.port in (None, port)


@dataclass(frozen=True)
class Places:
    """Those that an administrator has listed."""

    listed: tuple[Place, ...] = ()

    @classmethod
    def read(cls, texts: Iterable[str]) -> Self:
        """As :meth:`Place.read`, each of them."""
        return cls(tuple(map(Place.read, texts)))

    def have_name(self, host: str, port: int) -> bool:
        """Whether a name is listed itself."""
        return any(place.host == plain(host) and place.has_port(port) for place in self.listed)

    def have_address(self, address: Address, port: int) -> bool:
        """Whether an address, or a network that it is in, is listed."""
        return any(
            not isinstance(place.host, str) and address in place.host and place.has_port(port) for place in self.listed
        )

    def have(self, host: str, port: int) -> bool:
        """The same of a host as it is written; nobody is asked what address a name has."""
        address = address_of(host)
        return self.have_name(host, port) if address is None else self.have_address(address, port)


def _split(text: str) -> tuple[str, int | None]:
    """Host and port of ``host:port``, ``[host]:port`` or a host alone."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        # All of an IPv6 address, or no port.
        return (text[1:-1] if text.startswith("[") and text.endswith("]") else text), None
    if not (port.isascii() and port.isdecimal() and 0 < int(port) <= _LARGEST_PORT):
        return text, None
    return plain(host), int(port)


def _is_number(host: str) -> bool:
    """Whether it is made as a number is: some programs take one for an address."""
    return all(part.isdecimal() or re.fullmatch("0[xX][0-9a-fA-F]*", part) for part in host.split("."))
