"""The programs that the station shows, as its pages know them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from flask import Flask, current_app

from synergos_portal.pages.station.admission import is_offered
from synergos_portal.pages.station.deep_links import Get, asking
from synergos_portal.proxy.lines import Lines
from synergos_portal.proxy.presence import Presence
from synergos_portal.proxy.tool import Tool
from synergos_portal.tools import rest_name
from synergos_portal.web import current

_SHOWN = "synergos_shown"
_QUESTIONS = 4
"""Of the station's own to a program, at the same time."""
_ANSWER_SECONDS = 5.0


class Shown:
    """Those that were listed, and how they are."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = tools
        self.presence = Presence(tools)
        self._lines = {tool: Lines(tool, _QUESTIONS, answer_seconds=_ANSWER_SECONDS) for tool in tools}

    def install(self, app: Flask) -> None:
        """Have an application's pages know them."""
        app.extensions[_SHOWN] = self

    @property
    def tools(self) -> Sequence[Tool]:
        """All that are offered to whoever asks, of the orchestrators' interfaces the one that is looked at."""
        interface = rest_name(current.orchestrator().name)
        return [tool for tool in self._tools if is_offered(tool) and tool.name in (interface, key_of(tool))]

    def tool(self, key: str) -> Tool | None:
        """The one that a window of this key shows."""
        return next((tool for tool in self.tools if key_of(tool) == key), None)

    def asking(self, tool: Tool) -> Get:
        """What asks one for the station itself."""
        return asking(tool, self._lines[tool])

    def close(self) -> None:
        """Let connections go."""
        self.presence.close()
        for lines in self._lines.values():
            lines.close()


def shown() -> Shown:
    """Those of this request's service."""
    return cast(Shown, current_app.extensions[_SHOWN])


def key_of(tool: Tool) -> str:
    """By which a window knows it: whichever orchestrator is looked at, its interface is in the same window."""
    return tool.name.partition(":")[0]
