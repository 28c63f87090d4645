"""Asks a server of forks for programs, as :class:`subprocess.Popen` asks the system."""

from __future__ import annotations

import atexit
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from support import fork_server
from support.fork_server import LONGEST, Asked, become, module_of


class ForkServer:
    """A server of forks, started when it is first needed; it ends with this process.

    Args:
        modules: that its programs have loaded.
    """

    def __init__(self, *modules: str) -> None:
        self._modules = modules
        self._lock = threading.Lock()
        self._address: bytes | None = None

    @property
    def address(self) -> bytes:
        """Where it is asked."""
        with self._lock:
            if self._address is None:
                self._address = self._start()
            return self._address

    def _start(self) -> bytes:
        leash, held = os.pipe()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
            # A name that is free, and no file that would be left behind.
            listening.bind("")
            listening.listen()
            files = (listening.fileno(), leash)
            path = os.pathsep.join([str(Path(fork_server.__file__).parents[1]), *filter(None, sys.path)])
            # A session of its own: whoever interrupts the tests does not interrupt it before they have ended.
            process = subprocess.Popen(
                [sys.executable, "-P", fork_server.__file__, *map(str, files), *self._modules],
                stdin=subprocess.DEVNULL,
                pass_fds=files,
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,
            )
            address: bytes = listening.getsockname()
        os.close(leash)
        atexit.register(_end, process, held)
        return address


def _end(process: subprocess.Popen[bytes], held: int) -> None:
    os.close(held)
    process.wait()


class _Forked(subprocess.Popen[Any]):
    """Of the modules that are named a program is forked; all else is executed as ever."""

    modules: Collection[str] = ()

    def _execute_child(
        self,
        args: Any,
        executable: Any,
        preexec_fn: Any,
        close_fds: Any,
        pass_fds: Any,
        cwd: Any,
        env: Any,
        startupinfo: Any,
        creationflags: Any,
        shell: Any,
        p2cread: int,
        p2cwrite: int,
        c2pread: int,
        c2pwrite: int,
        errread: int,
        errwrite: int,
        *more: Any,
    ) -> None:
        pipes = (p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)
        self._is_forked = not isinstance(args, str | bytes) and module_of([str(part) for part in args]) in self.modules
        if not self._is_forked:
            settings = (executable, preexec_fn, close_fds, pass_fds, cwd, env, startupinfo, creationflags, shell)
            super()._execute_child(args, *settings, *pipes, *more)  # type: ignore[misc]
            return
        asked = Asked(
            [str(part) for part in args], os.fspath(cwd or Path.cwd()), dict(os.environ if env is None else env)
        )
        streams = [own if given == -1 else given for own, given in enumerate((p2cread, c2pwrite, errwrite))]
        self.pid = self._fork(asked, streams)
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]

    def _fork(self, asked: Asked, streams: list[int]) -> int:
        raise NotImplementedError


class ForkedHere(_Forked):
    """Forked from this very process, which has their libraries: a child of it, in its session, as what it executes is."""

    def _fork(self, asked: Asked, streams: list[int]) -> int:
        pid = os.fork()
        if pid == 0:
            # What this process does at its end, such as to end its servers, is none of the program's affairs.
            atexit._clear()
            become(asked, streams)
        return pid


class ForkedThere(_Forked):
    """Forked from a server, in sessions of their own, which says how they have ended; killed where that has ended.

    Attributes:
        address: of the server.
    """

    address: bytes

    def _fork(self, asked: Asked, streams: list[int]) -> int:
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._server.connect(self.address)
            socket.send_fds(self._server, [asked.to_message()], streams)
            said = self._server.recv(LONGEST).decode()
            if not said.isdecimal():
                raise OSError(said or "the server of forks has ended")
        except BaseException:
            self._server.close()
            raise
        self._server.setblocking(False)
        return int(said)

    def _internal_poll(self, *given: Any, **options: Any) -> int | None:
        if not self._is_forked:
            found: int | None = super()._internal_poll(*given, **options)  # type: ignore[misc]
            return found
        return self._ended()

    def _wait(self, timeout: float | None) -> int:
        if not self._is_forked:
            waited: int = super()._wait(timeout=timeout)  # type: ignore[misc]
            return waited
        if self._ended() is None:
            poll = select.poll()
            # Closed by another thread that waits too, it is not looked at any more.
            with suppress(ValueError):
                poll.register(self._server, select.POLLIN)
                poll.poll(None if timeout is None else timeout * 1000)
        code = self._ended()
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def _ended(self) -> int | None:
        """How it has ended; None while it runs."""
        with self._waitpid_lock:  # type: ignore[attr-defined]
            if self.returncode is None:
                with suppress(BlockingIOError):
                    said = self._server.recv(LONGEST)
                    self.returncode = int(said) if said else -signal.SIGKILL
                    self._server.close()
            code: int | None = self.returncode
            return code


def asking(address: bytes, *modules: str) -> type[subprocess.Popen[Any]]:
    """What starts the programs of these modules by asking the server at an address."""

    class Popen(ForkedThere):
        pass

    Popen.address, Popen.modules = address, modules
    return Popen


def forking(*modules: str) -> type[subprocess.Popen[Any]]:
    """What starts the programs of these modules by forking the process that it is used in."""

    class Popen(ForkedHere):
        pass

    Popen.modules = modules
    return Popen
