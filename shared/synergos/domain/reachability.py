"""What is found at an address: a program that says what it is, another one, or nobody; and whether it is what was meant."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, Self

from synergos.domain.addresses import is_fingerprint, shown

COMMAND, DATA = "command", "data"
"""The two ports of a worker, as each says of itself at ``/health``."""

_COMPONENTS = ("director", "ttp", "worker")
_TOLD = {
    "id": re.compile(r"[\w.@+:=~()/ \-]{1,200}"),
    "interface": re.compile(f"{COMMAND}|{DATA}"),
    "version": re.compile(r"\d[\w.+!\-]{0,39}", re.ASCII),
    "instance": re.compile(r"[\w\-]{1,100}", re.ASCII),
    "fingerprint": re.compile("[0-9a-f]{64}"),
    "time": re.compile(r"[\dTZ:.+\- ]{1,40}", re.ASCII),
    "queue_user": re.compile(r"[\w.@+:=~()/ \-]{1,200}"),
}
"""What a program says of itself, and how that is written: whoever is asked may say anything, and nothing else is repeated."""
_PROBLEM = re.compile(r"[\w .,:;()/'\-]{1,200}", re.ASCII)
_MOST_PROBLEMS = 10


@dataclass(frozen=True)
class Presence:
    """A worker that dials out, and has joined.

    Attributes:
        since: when it did, without having been away since; None where only its TTP knows.
        address: where it dials from, as far as is seen at its rendezvous; of a proxy perhaps.
        waiting: how many of its connections wait to be used; None where only its TTP knows.
    """

    since: datetime | None = None
    address: str = ""
    waiting: int | None = None


@dataclass(frozen=True)
class Answered:
    """What a program says of itself; all None where it is none of ours.

    Attributes:
        component: which program it is.
        interface: which of its ports this is; None for a program with one, or of an earlier version.
        version: of the program.
        instance: tells two processes apart, also of one id; None for one of an earlier version.
        time: its clock, in ISO 8601; None likewise.
        fingerprint: of its identity; None likewise.
        is_ours: whether it answers as our programs do, also where it does not say which one it is.
        problems: what keeps it from its work: what it is, and what is wrong with it.
        presence: of a worker that dials out, by what it was asked; None of all others.
        queue_user: of a director or a cluster's TTP, as whom its queue lets it in; None of all others.
        refusal: of a worker, why its owner does not approve of who asks; None where it does, or nobody has asked for that.
    """

    component: str | None = None
    component_id: str | None = None
    interface: str | None = None
    version: str | None = None
    instance: str | None = None
    time: str | None = None
    fingerprint: str | None = None
    is_ours: bool = False
    problems: tuple[tuple[str, str], ...] = ()
    presence: Presence | None = None
    queue_user: str | None = None
    refusal: str | None = None

    @property
    def unwell(self) -> str | None:
        """In words, what keeps it from its work; None where nothing does."""
        listed = "; ".join(f"{what}: {why}" for what, why in self.problems)
        return f"says that it cannot work as it should: {listed}" if listed else None

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
            texts.get("fingerprint"),
            is_ours=True,
            problems=_problems(told.get("problems")),
            queue_user=texts.get("queue_user"),
        )


def _problems(told: object) -> tuple[tuple[str, str], ...]:
    """What is told of problems, as far as it can be repeated; that there is one is known in any case."""
    if not isinstance(told, dict):
        return ()
    some = list(told.items())[:_MOST_PROBLEMS]
    return tuple(
        (_repeated(what, "something"), _repeated(why, "for a reason that cannot be shown")) for what, why in some
    )


def _repeated(text: object, otherwise: str) -> str:
    return text if isinstance(text, str) and _PROBLEM.fullmatch(text) else otherwise


@dataclass(frozen=True)
class Silent:
    """Nobody answers.

    Attributes:
        reason: why not, in the system's words.
        presence: of a worker that has joined another program of this grid, which alone can ask it.
    """

    reason: str
    presence: Presence | None = field(default=None, kw_only=True)


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
        if isinstance(found, Answered) and (mistake := mistake_at(shown(host, port), found, wanted)):
            return mistake
    if away := out_of_reach(host, [(port, found) for port, found, _ in ports]):
        return away
    if isinstance(command, Answered) and isinstance(data, Answered) and are_two_workers(command, data):
        return (
            f"{shown(host, data_port)} belongs to {data.component_id}, and the command port to {command.component_id}; "
            "expected both ports of one worker"
        )
    return None


def out_of_reach(host: str, ports: Sequence[tuple[int, Answered | Silent]]) -> str | None:
    """Who does not answer at a worker's ports, and why; None where all answer."""
    silent = [(port, found.reason) for port, found in ports if isinstance(found, Silent) and found.presence is None]
    if not silent:
        return None
    if is_fingerprint(host):
        # It is not asked at two places.
        return f"cannot be reached from here: {silent[0][1]}"
    return f"cannot be reached from here at {' and '.join(f'{host}:{port} ({reason})' for port, reason in silent)}"


def are_two_workers(command: Answered, data: Answered) -> bool:
    """Whether two ports, each a worker's, belong to different ones."""
    if command.instance is not None and data.instance is not None:
        return command.instance != data.instance
    return data.component_id not in (None, command.component_id)
