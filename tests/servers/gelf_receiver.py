"""Another project's GELF inputs on loopback, in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from servers.certificates import Authority
from support.waiting import DEADLINE, until
from synergos.gelf import Transport
from synergos_simulator.grid import HOST, FreePorts

LISTENER = Path(__file__).with_name("gelf_listener.py")
ROLES = ("metrics", "director", "ttp", "worker")
"""What there is an input for: system metrics, and each kind of program."""

Record = Mapping[str, Any]


@dataclass(frozen=True)
class GelfReceiver:
    """Inputs of one transport.

    Attributes:
        folder: where it writes what it takes.
        ports: of the inputs, by what they are for.
    """

    folder: Path
    transport: Transport
    ports: Mapping[str, int]

    @cached_property
    def authority(self) -> Authority:
        """Who vouches for it, by TLS."""
        return Authority.founded(self.folder.with_name(f"{self.folder.name}_authority"))

    def flags(self, role: str) -> list[str]:
        """What a program of a role is told to send to it."""
        vouched = ["--logging_ca", str(self.authority.certificate)] if self.transport is Transport.TLS else []
        where = ["graylog", HOST, str(self.ports[role]), str(self.ports["metrics"])]
        return ["--logging_variant", *where, "--logging_transport", self.transport.value, *vouched]

    def text(self, role: str) -> str:
        """All that has come in at an input so far."""
        path = self.folder / f"{self.transport}-{self.ports[role]}"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def records(self, role: str) -> list[Record]:
        """The messages of an input, each of which has to be one JSON object."""
        found = [json.loads(line, parse_constant=_refuse) for line in self.text(role).splitlines()]
        assert all(isinstance(record, dict) for record in found)
        return found

    @property
    def complaints(self) -> str:
        """What the other project could not make sense of."""
        return (self.folder / "log").read_text()


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


@contextmanager
def receiving(folder: Path, transport: Transport) -> Iterator[GelfReceiver]:
    """Inputs that take messages inside the ``with`` block."""
    free_port = FreePorts()
    receiver = GelfReceiver(folder, transport, {role: free_port() for role in ROLES})
    folder.mkdir()
    own = []
    if transport is Transport.TLS:
        identity = receiver.authority.server(HOST)
        own = ["--tls", str(identity.certificate), str(identity.key)]
    inputs = [f"{transport}:{port}" for port in receiver.ports.values()]
    command = ["setpriv", "--pdeathsig", "KILL", sys.executable, str(LISTENER), str(folder), HOST, *inputs, *own]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    try:
        until((folder / "ready").exists, "the inputs to listen")
        yield receiver
    finally:
        process.terminate()
        process.wait(DEADLINE)
