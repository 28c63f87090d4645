"""What is found at an address: a program that says what it is, another one, or nobody; and whether it is what was meant."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Protocol, Self

COMMAND, DATA = "command", "data"
"""The two ports of a worker, as each says of itself at ``/health``."""

_COMPONENTS = ("director", "ttp", "worker")
_TOLD = {
    "id": re.compile(r"[\w.@+:=~()/ \-]{1,200}"),
    "interface": re.compile(f"{COMMAND}|{DATA}"),
    "version": re.compile(r"\d[\w.+!\-]{0,39}", re.ASCII),
    "instance": re.compile(r"[\w\-]{1,100}", re.ASCII),
    "time": re.compile(r"[\dTZ:.+\- ]{1,40}", re.ASCII),
}
"""What a program says of itself, and how that is written: whoever is asked may say anything, and nothing else is repeated."""


@dataclass(frozen=True)
class Answered:
    """What a program says of itself; all None where it is none of ours.

    Attributes:
        component: which program it is.
        interface: which of its ports this is; None for a program with one, or of an earlier version.
        version: of the program.
        instance: tells two processes apart, also of one id; None for one of an earlier version.
        time: its clock, in ISO 8601; None likewise.
        is_ours: whether it answers as our programs do, also where it does not say which one it is.
    """

    component: str | None = None
    component_id: str | None = None
    interface: str | None = None
    version: str | None = None
    instance: str | None = None
    time: str | None = None
    is_ours: bool = False

    @classmethod
    def read(cls, content: bytes) -> Self:
        """What was answered to ``GET /health``."""
        try:
            told = json.loads(content)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            return cls()
        component = told.get("component")
        if component not in _COMPONENTS:
            # A port of an earlier version has no /health, and says so in the words of all our refusals.
            return cls(is_ours={"apiVersion", "success"} <= told.keys())
        texts = {
            name: value
            for name, form in _TOLD.items()
            if isinstance(value := told.get(name), str) and form.fullmatch(value)
        }
        return cls(
            component,
            texts.get("id"),
            texts.get("interface"),
            texts.get("version"),
            texts.get("instance"),
            texts.get("time"),
            is_ours=True,
        )


@dataclass(frozen=True)
class Silent:
    """Nobody answers.

    Attributes:
        reason: why not, in the system's words.
    """

    reason: str


@dataclass(frozen=True)
class Barred(Silent):
    """Nobody is asked: this program may not connect there.

    Attributes:
        is_port: whether it is the port that makes it so, and not the host.
    """

    is_port: bool = False


class Probe(Protocol):
    """Asks a program what it is."""

    def __call__(self, host: str, port: int, /) -> Answered | Silent:
        """Ask once, and wait for seconds only."""


def mistake_at(address: str, found: Answered, wanted: str) -> str | None:
    """Why what answers at an address is not the port of a worker that was meant; None where it is.

    Args:
        wanted: which port: :data:`COMMAND` or :data:`DATA`.
    """
    if found.component is None and not (found.is_ours and wanted == DATA):
        return f"what answers at {address} is not a Synergos worker"
    if found.component not in (None, "worker"):
        return f"{address} is a {found.component}, {found.component_id}; expected a worker"
    if found.interface not in (None, wanted):
        return (
            f"{address} is the {found.interface} port of {found.component_id}; expected its {wanted} port "
            "(f_port is the command port, port the data port)"
        )
    return None


def problem_at(
    host: str, command_port: int, data_port: int, command: Answered | Silent, data: Answered | Silent
) -> str | None:
    """What is wrong with a node, in one sentence; None where both ports are one worker's."""
    ports = ((command_port, command, COMMAND), (data_port, data, DATA))
    for port, found, wanted in ports:
        if isinstance(found, Answered) and (mistake := mistake_at(f"{host}:{port}", found, wanted)):
            return mistake
    away = [f"{host}:{port} ({found.reason})" for port, found, _ in ports if isinstance(found, Silent)]
    if away:
        return f"cannot be reached from here at {' and '.join(away)}"
    if isinstance(command, Answered) and isinstance(data, Answered) and are_two_workers(command, data):
        return (
            f"{host}:{data_port} belongs to {data.component_id}, and the command port to {command.component_id}; "
            "expected both ports of one worker"
        )
    return None


def are_two_workers(command: Answered, data: Answered) -> bool:
    """Whether two ports, each a worker's, belong to different ones."""
    if command.instance is not None and data.instance is not None:
        return command.instance != data.instance
    return data.component_id not in (None, command.component_id)
