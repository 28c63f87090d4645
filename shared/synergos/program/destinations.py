"""Where this program may connect to when a record says so: a name is looked up once, and what it says is checked before it is used.

Whoever declares records could otherwise have this program ask whatever it reaches and they do not: itself, the other programs of its
machine, or what a cloud tells its machines at a link-local address.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Protocol

import psutil

from synergos.domain.addresses import (
    EVERYWHERE,
    Address,
    Places,
    address_of,
    is_address,
    is_fingerprint,
    is_loopback,
    plain,
)
from synergos.domain.reachability import Presence
from synergos.errors import InvalidRequest


class OwnPort(InvalidRequest):
    """This program itself listens there."""


@dataclass(frozen=True)
class Listening:
    """Where this program is to be found.

    Attributes:
        host: the address it listens on.
    """

    host: str
    port: int

    def is_at(self, address: Address, port: int) -> bool:
        """Whether somebody who connects there connects to this program."""
        if port != self.port:
            return False
        if plain(self.host) in EVERYWHERE:
            return _is_here(address)
        return address == address_of(self.host) or (plain(self.host) == "localhost" and address.is_loopback)


class Joined(Protocol):
    """Connections to those who dial out themselves."""

    def claim(self, fingerprint: str, port: int, seconds: float, /) -> socket.socket:
        """One to a worker with this identity, for one of its ports.

        Raises:
            OSError: there is none, in so many seconds.
        """

    def presence(self, fingerprint: str, /) -> Presence | None:
        """Whether it has joined, and since when; None where it has not."""


@dataclass(frozen=True)
class Destinations:
    """What is allowed.

    Attributes:
        flag: by which an administrator says so.
        places: all there are; None for every address but this machine's own and those that are of no host alone.
        own: never allowed; and where it is on loopback, other programs there are.
        joined: who stands behind a host that is a fingerprint; None where nobody can dial this program.
    """

    flag: str
    places: Places | None = None
    own: Listening | None = None
    joined: Joined | None = field(default=None, compare=False)

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """The addresses that a host has now, all of them allowed; to connect to one of these is what was checked.

        Raises:
            InvalidRequest: it is not allowed, in words.
            OSError: the name is not known.
        """
        _refuse_spelling(host)
        try:
            answers = socket.getaddrinfo(plain(host), port, type=socket.SOCK_STREAM)
        except UnicodeError:
            raise socket.gaierror(socket.EAI_NONAME, "the name cannot be one") from None
        found = dict.fromkeys(str(where[0]) for *_, where in answers)
        for address in found:
            self._refuse(host, ip_address(address), port)
        return list(found)

    def connect(self, host: str, port: int, seconds: float) -> socket.socket:
        """A connection to one of them.

        Raises:
            InvalidRequest: as :meth:`addresses`.
            OSError: nobody answers.
        """
        if is_fingerprint(host):
            return self.claim(host, port, seconds)
        reason: OSError | None = None
        for address in self.addresses(host, port):
            try:
                return socket.create_connection((address, port), seconds)
            except OSError as error:
                reason = error
        raise reason or OSError("the name has no address")

    def claim(self, fingerprint: str, port: int, seconds: float) -> socket.socket:
        """A connection that a worker with this identity has dialled.

        Raises:
            OSError: there is none.
        """
        if self.joined is None:
            raise OSError(errno.EHOSTUNREACH, "workers cannot join here: this program has no rendezvous")
        return self.joined.claim(fingerprint, port, seconds)

    def presence(self, host: str) -> Presence | None:
        """Since when a worker has joined; None of a host that is none of those."""
        return None if self.joined is None or not is_fingerprint(host) else self.joined.presence(host)

    def _refuse(self, host: str, address: Address, port: int) -> None:
        shown = _shown(host, address, port)
        if self.own is not None and self.own.is_at(address, port):
            raise OwnPort(f"{shown} is this program itself")
        if isinstance(address, IPv6Address) and (meant := _carried(address)) is not None:
            raise InvalidRequest(f"{shown} is another way to write {meant}; expected that")
        if address.is_unspecified:
            raise InvalidRequest(f"{shown} is every address of this machine, and no other host's")
        if self.places is not None and self.places.have_address(address, port):
            return
        if self.places is not None and not self.places.have_name(host, port):
            raise InvalidRequest(f"{shown} is not allowed; expected one that this program was given by {self.flag}")
        if (kind := _kind(address)) is not None and not (address.is_loopback and self._is_on_loopback):
            raise InvalidRequest(f"{shown} is {kind}, which is allowed only where {self.flag} names it")

    @property
    def _is_on_loopback(self) -> bool:
        return self.own is None or is_loopback(self.own.host)


ANY_NODE = Destinations("--allow_nodes")
"""For who knows nothing of where this program listens."""


def _refuse_spelling(host: str) -> None:
    """Numbers that systems take for addresses: nobody writes them but to have them overlooked."""
    if is_address(host):
        return
    try:
        meant = socket.inet_ntoa(socket.inet_aton(plain(host)))
    except OSError:
        return
    raise InvalidRequest(f"{host[:80]!r} is another way to write {meant}; expected that, or a name")


_METADATA = frozenset(map(ip_address, ("100.100.100.200", "168.63.129.16", "fd00:ec2::254")))
"""Where clouds tell their machines secrets, besides the link-local address that most of them use."""


def _kind(address: Address) -> str | None:
    """Why an address is no other host's; None where it may be one."""
    if address in _METADATA:
        return "where a cloud tells its machines about themselves"
    if address.is_loopback:
        return "this machine's loopback"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast or address.is_reserved:
        return "no host's address"
    return None


def _carried(address: IPv6Address) -> Address | None:
    """The IPv4 address that an IPv6 address leads to."""
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo is not None else None)


def _is_here(address: Address) -> bool:
    """Whether an address is one of this machine's."""
    if address.is_loopback or address.is_unspecified:
        return True
    own = (each.address.split("%")[0] for some in psutil.net_if_addrs().values() for each in some)
    return any(address_of(each) == address for each in own)


def _shown(host: str, address: Address, port: int) -> str:
    written = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"{written}:{port}" if is_address(host) else f"{written}:{port} ({address})"
