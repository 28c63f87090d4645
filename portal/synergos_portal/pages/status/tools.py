"""The programs beside a grid, and whether they answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from synergos_portal.proxy.presence import Presence
from synergos_portal.proxy.tool import Tool
from synergos_portal.tools import REST

_PRESENCE = "synergos_presence"


@dataclass(frozen=True)
class ToolState:
    """A program that this process was told of.

    Attributes:
        is_there: whether it shows its pages; None while nobody knows yet.
    """

    title: str
    address: str
    is_there: bool | None


class Beside:
    """The programs, as the pages of the state of the grid know them.

    Args:
        tools: those that this process was told of.
        is_station_here: whether this process has the station too.
    """

    def __init__(self, tools: Sequence[Tool], *, is_station_here: bool) -> None:
        self.is_station_here = is_station_here
        self._presence = Presence([tool for tool in tools if not tool.name.startswith(f"{REST}:")])
        self._tools = [tool for tool in tools if not tool.name.startswith(f"{REST}:")]

    def install(self, app: Flask) -> None:
        """Have an application's pages know them."""
        app.extensions[_PRESENCE] = self

    def states(self) -> list[ToolState]:
        """How each is."""
        seen = self._presence.seen()
        return [
            ToolState(tool.title, tool.place.written, seen[tool].trouble is None if tool in seen else None)
            for tool in self._tools
        ]

    def close(self) -> None:
        """Look no more."""
        self._presence.close()


def tools() -> list[ToolState]:
    """Those that this process was told of."""
    found = _beside()
    return [] if found is None else found.states()


def only_the_station_knows() -> bool:
    """Whether which programs there are is for another process to say, which has the station."""
    found = _beside()
    return found is not None and not found.is_station_here


def _beside() -> Beside | None:
    return cast("Beside | None", current_app.extensions.get(_PRESENCE))
