"""A RabbitMQ server of the tests' own, which can be stopped and started again with what it holds."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from real_grid import until
from synergos_simulator.broker import HOST, broker_command, takes_connections
from synergos_simulator.grid import FreePorts
from synmanager.rabbitmq import Broker

START_DEADLINE = 60.0


class RabbitMQ:
    """A server whose messages lie in a folder."""

    def __init__(self, folder: Path) -> None:
        free_port = FreePorts()
        self.port = free_port()
        self._log = folder / "broker.log"
        # Not even a test run that is killed leaves a server behind.
        tied = ["setpriv", "--pdeathsig", "KILL"]
        self._command = [*tied, *broker_command(folder / "broker", self.port, free_port)]
        self._names = [*tied, *_name_service(self._command)]
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def broker(self) -> Broker:
        """How to reach it."""
        return Broker(HOST, self.port)

    def start(self) -> None:
        """Start it and wait until it takes connections; it ends with the thread that calls this, at the latest."""
        self._run(self._names)
        server = self._run(self._command)

        def answers() -> bool:
            assert server.poll() is None, self._log.read_text()[-3000:]
            return takes_connections(self.port)

        until(answers, "RabbitMQ to answer", START_DEADLINE)

    def stop(self) -> None:
        """End it in order; what is persistent is there when it is started again."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a chance to put anything in order."""
        self._end(signal.SIGKILL)

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            # As a service manager would: RabbitMQ's starter then becomes the server, rather than its parent.
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "RUNNING_UNDER_SYSTEMD": "true"},
            )
        self._started.append(process)
        return process

    def _end(self, how: signal.Signals) -> None:
        # The server before the service that knows its name.
        for process in reversed(self._started):
            with suppress(psutil.NoSuchProcess):
                helpers = psutil.Process(process.pid).children(recursive=True)
                process.send_signal(how)
                process.wait(START_DEADLINE)
                for helper in helpers:
                    with suppress(psutil.NoSuchProcess):
                        helper.kill()
            process.wait()
        self._started.clear()


def is_installed() -> bool:
    """Whether there is a RabbitMQ to start."""
    return Path("/usr/lib/rabbitmq/bin/rabbitmq-server").exists() or shutil.which("rabbitmq-server") is not None


def _name_service(server: list[str]) -> list[str]:
    """Erlang's name service for this server alone: were it not there, the server would start one that outlives it."""
    [port] = [each.partition("=")[2] for each in server if each.startswith("ERL_EPMD_PORT=")]
    found = [*Path("/usr/lib/erlang").glob("erts-*/bin/epmd"), shutil.which("epmd")]
    return [str(next(each for each in found if each)), "-port", port, "-address", HOST]


@contextmanager
def running() -> Iterator[RabbitMQ]:
    """A new server, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="synergos-rabbitmq-") as name:
        server = RabbitMQ(Path(name))
        try:
            server.start()
            yield server
        finally:
            server.kill()
