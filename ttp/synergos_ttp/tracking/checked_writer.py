"""Notes go to servers that are allowed, at addresses that have been checked; whatever a record says."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from synergos.domain.tracking_server import TrackingServer
from synergos.errors import InvalidRequest
from synergos.program.destinations import Destinations
from synergos_ttp.tracking.notes import Fault, Notes, NotWritten, Target, Writer


class CheckedWriter:
    """See :class:`synergos_ttp.tracking.notes.Writer`.

    Args:
        writer: connects to the addresses it is told, and looks up no name.
        where: the servers that are allowed.
    """

    def __init__(self, writer: Writer, where: Destinations) -> None:
        self._writer = writer
        self._where = where

    def write(self, notes: Notes) -> None:
        """See :class:`synergos_ttp.tracking.notes.Writer`; notes for a server that is not allowed are refused."""
        self._writer.write(replace(notes, target=self._checked(notes.target)))

    def close(self) -> None:
        """See :class:`synergos_ttp.tracking.notes.Writer`."""
        self._writer.close()

    def _checked(self, target: Target) -> Target:
        if target.address is None:
            return target
        try:
            server = _server_of(target.address)
            return replace(target, connect_to=tuple(self._where.addresses(server.host, server.port)))
        except InvalidRequest as error:
            raise NotWritten("AddressNotAllowed", str(error), Fault.REFUSED) from error
        except OSError as error:
            raise NotWritten(type(error).__name__, str(error), Fault.AWAY) from error


def _server_of(address: str) -> TrackingServer:
    """The server of an address that is an address and nothing else: libraries do not agree on how others are read."""
    try:
        parts = urlsplit(address)
        server = TrackingServer(parts.hostname or "", parts.port or 0, parts.scheme == "https")
    except ValueError:
        server = TrackingServer("", 0)
    if server.url != address.lower():
        raise InvalidRequest("is no name or address with a port")
    return server
