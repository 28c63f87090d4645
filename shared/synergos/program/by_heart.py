"""Requests whose whole answer a service has by heart, as where a hundred browsers ask the same every second: no thread reads them."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class ByHeart(Protocol):
    """A service that may know an answer before anybody has read what is asked."""

    def by_heart(self, port: int, client: str, request: bytes) -> bytes | None:
        """The whole answer to a request, after which its connection stays open; None where it is to be answered as ever.

        Called in the main thread, which has all connections: it waits for nothing, and for no disk.

        Args:
            port: it came in by.
            client: the address it came from.
            request: all of it, a head of some kilobytes at most, and nothing that came behind it.
        """
