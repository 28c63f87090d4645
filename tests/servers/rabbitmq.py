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

from servers.certificates import ServerCertificate
from support.waiting import DEADLINE, until
from synergos_simulator.broker import HOST, access, broker_command, broker_in, takes_connections
from synergos_simulator.grid import FreePorts
from synmanager.rabbitmq import Broker
from synmanager.roles import ADMINISTRATOR, Role


class RabbitMQ:
    """A server whose messages lie in a folder.

    Args:
        identity: what it shows on a second port, which speaks TLS; without it there is none.
        has_roles: whether the director and the TTPs have users of their own; otherwise there is one that may do everything.
        has_pages: whether it shows its web pages.

    Attributes:
        port: where it speaks without TLS.
        pages: the port of its web pages, if it has any.
        tls_port: where it speaks TLS, if it does.
    """

    def __init__(
        self,
        folder: Path,
        identity: ServerCertificate | None = None,
        *,
        has_roles: bool = False,
        has_pages: bool = False,
    ) -> None:
        free_port = FreePorts()
        self.port = free_port()
        self.tls_port = free_port()
        self.pages = free_port()
        self._log = folder / "broker.log"
        self._home = home = folder / "broker"
        self._has_roles = has_roles
        # Not even a test run that is killed leaves a server behind.
        self._command = [
            "setpriv",
            "--pdeathsig",
            "KILL",
            *broker_command(home, self.port, free_port, has_roles=has_roles, pages=self.pages if has_pages else None),
        ]
        if identity is not None:
            with (home / "rabbitmq.conf").open("a") as settings:
                settings.write(_tls_settings(self.tls_port, identity))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def broker(self) -> Broker:
        """How to reach it, as who may do everything."""
        return self.broker_as(ADMINISTRATOR) if self._has_roles else Broker(HOST, self.port)

    def broker_as(self, role: Role) -> Broker:
        """How who has a role reaches it."""
        return broker_in(self._home, self.port, role)

    def credentials(self, role: Role) -> tuple[str, Path]:
        """The user of a role, and the file with its password."""
        return access(self._home, role)

    def start(self) -> None:
        """Start it and wait until it takes connections; it ends with the thread that calls this, at the latest."""
        with self._log.open("ab") as log:
            # As a service manager would: RabbitMQ's starter then becomes the server, rather than its parent.
            server = self._process = subprocess.Popen(
                self._command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "RUNNING_UNDER_SYSTEMD": "true"},
            )

        def answers() -> bool:
            assert server.poll() is None, self._log.read_text()[-3000:]
            return takes_connections(self.port)

        until(answers, "RabbitMQ to answer")

    def stop(self) -> None:
        """End it in order; what is persistent is there when it is started again."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a chance to put anything in order."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(psutil.NoSuchProcess):
            helpers = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(how)
            process.wait(DEADLINE)
            for helper in helpers:
                with suppress(psutil.NoSuchProcess):
                    helper.kill()
        process.wait()


def is_installed() -> bool:
    """Whether there is a RabbitMQ to start."""
    return Path("/usr/lib/rabbitmq/bin/rabbitmq-server").exists() or shutil.which("rabbitmq-server") is not None


def _tls_settings(port: int, identity: ServerCertificate) -> str:
    """A file of settings as RabbitMQ reads it; whoever connects need not show who he is."""
    settings = {
        "listeners.ssl.1": f"{HOST}:{port}",
        "ssl_options.cacertfile": identity.authority,
        "ssl_options.certfile": identity.certificate,
        "ssl_options.keyfile": identity.key,
        "ssl_options.verify": "verify_none",
    }
    return "".join(f"{name} = {value}\n" for name, value in settings.items())


@contextmanager
def running(
    identity: ServerCertificate | None = None, *, has_roles: bool = False, has_pages: bool = False
) -> Iterator[RabbitMQ]:
    """A new server, which is gone afterwards; see :class:`RabbitMQ`."""
    with tempfile.TemporaryDirectory(prefix="synergos-rabbitmq-") as name:
        server = RabbitMQ(Path(name), identity, has_roles=has_roles, has_pages=has_pages)
        try:
            server.start()
            yield server
        finally:
            server.kill()
