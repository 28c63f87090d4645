"""Which connections are open, how many each address has, and which of them give way to newer ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synergos.program.connection import Connection


@dataclass(frozen=True)
class ConnectionLimits:
    """How many connections may be open.

    Attributes:
        of_address: from one address, of those that nobody knows to come back; a hospital's programs may share one.
        in_all: at the same time.
        bytes: of requests that are not complete yet, together.
    """

    of_address: int = 1024
    in_all: int = 4096
    bytes: int = 2**25


class Parked(Enum):
    """Why the main thread has a connection; the first ones give way first."""

    CLOSING = auto()
    """It was answered for the last time, and what still comes is thrown away."""
    UNFINISHED = auto()
    """A handshake or a request has begun, or the first one is to come."""
    IN_LINE = auto()
    """It waits for a place among the requests with long bodies; not for long."""
    IDLE = auto()
    """It was answered, and the next request may come."""
    KEPT = auto()
    """The same, of somebody who is known to come back; it gives way to nobody."""


_GIVE_WAY = (Parked.CLOSING, Parked.UNFINISHED, Parked.IN_LINE, Parked.IDLE)


class OpenConnections:
    """All connections of a program; used by its main thread alone."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._of_address: dict[str, int] = defaultdict(int)
        self._all: dict[Connection, Parked | None] = {}
        # They are not counted for their address.
        self._known: set[Connection] = set()
        # By address and reason, the oldest first; those that threads have are in none.
        self._parked: dict[tuple[str, Parked], dict[Connection, None]] = defaultdict(dict)
        # The oldest request first.
        self._held: dict[Connection, int] = {}
        self._bytes_of_address: dict[str, int] = defaultdict(int)
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._all

    def add(self, connection: Connection) -> None:
        """One more; a thread has it, or will have."""
        self._all[connection] = None
        self._of_address[connection.address] += 1

    def remove(self, connection: Connection) -> None:
        """It is closed."""
        self.take(connection)
        del self._all[connection]
        if connection in self._known:
            self._known.remove(connection)
        else:
            self._count_out(connection.address)

    def park(self, connection: Connection, reason: Parked) -> None:
        """The main thread has it from now on."""
        self.take(connection)
        self._all[connection] = reason
        self._parked[connection.address, reason][connection] = None
        if reason is Parked.KEPT and connection not in self._known:
            self._known.add(connection)
            self._count_out(connection.address)

    def take(self, connection: Connection) -> None:
        """The main thread hands it on."""
        reason = self._all[connection]
        self.hold(connection, 0)
        if reason is None:
            return
        self._all[connection] = None
        of_reason = self._parked[connection.address, reason]
        del of_reason[connection]
        if not of_reason:
            del self._parked[connection.address, reason]

    def hold(self, connection: Connection, count: int) -> None:
        """So many bytes are held of its incomplete request; it keeps its age, however often something comes."""
        more = count - self._held.get(connection, 0)
        self._bytes += more
        self._bytes_of_address[connection.address] += more
        if not self._bytes_of_address[connection.address]:
            del self._bytes_of_address[connection.address]
        if count:
            self._held[connection] = count
        else:
            self._held.pop(connection, None)

    def reason(self, connection: Connection) -> Parked | None:
        """Why the main thread has it; None when it does not, or when it is closed."""
        return self._all.get(connection)

    def parked(self, *reasons: Parked) -> Iterator[Connection]:
        """Those the main thread has, for these reasons; for all unless any are given. They may be taken meanwhile."""
        found = [of_it for (_, reason), of_it in self._parked.items() if reason in reasons or not reasons]
        return chain.from_iterable([list(of_it) for of_it in found])

    def in_the_way(self) -> Iterator[Connection]:
        """Those that are to be closed, one after the other, to hold no more bytes than is right.

        The address of which most is held gives its oldest.
        """
        while self._bytes > self._limits.bytes and self._held:
            address = max(self._bytes_of_address, key=self._bytes_of_address.__getitem__)
            yield next(each for each in self._held if each.address == address)

    def has_room(self, address: str) -> bool:
        """Whether one more from there may be opened."""
        return len(self._all) < self._limits.in_all and self._of_address.get(address, 0) < self._limits.of_address

    def gives_way(self, address: str) -> Connection | None:
        """What is to be closed before one more from an address is opened, where there is no room; None when nothing may be.

        An address that has too many gives of its own. Where there are too many in all, nobody's idle connection is closed as
        long as there are unfinished ones; of those that are as good to close, the address that has most connections gives.
        """
        is_one_too_many = self._of_address.get(address, 0) >= self._limits.of_address
        for reason in _GIVE_WAY:
            addresses = [
                each for each, why in self._parked if why is reason and (each == address or not is_one_too_many)
            ]
            if addresses:
                of_most = max(addresses, key=lambda each: self._of_address.get(each, 0))
                return next(iter(self._parked[of_most, reason]))
        return None

    def _count_out(self, address: str) -> None:
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]
