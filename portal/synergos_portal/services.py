"""The three services of the portal, each an origin of its own: scripts of pages that the station shows never share one with forms."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Service(StrEnum):
    """What a part of the portal is for."""

    NAV = "nav"
    """Entry, home, roles, search, state of the grid, help, signing in."""
    VIEW = "view"
    """Every list, record, form, job and live page."""
    TRACK = "track"
    """The Command Station, and the pages of other programs that it shows."""


FIRST_PORT = 4000
"""Where nav listens, unless it is said otherwise; view and track listen at the next two."""


@dataclass(frozen=True)
class Place:
    """Where a browser is sent to for a service.

    Attributes:
        host: None for the name that the browser has asked by.
        is_secured: whether by https; None for as the browser has asked.
    """

    port: int
    host: str | None = None
    is_secured: bool | None = None

    def origin(self, scheme: str, host: str) -> str:
        """The beginning of an address there.

        Args:
            scheme: by which the browser has asked.
            host: the name that it has asked by, of IPv6 in brackets, without a port.
        """
        scheme = scheme if self.is_secured is None else "https" if self.is_secured else "http"
        usual = {"http": 80, "https": 443}[scheme]
        return f"{scheme}://{self.host or host}" + ("" if self.port == usual else f":{self.port}")
