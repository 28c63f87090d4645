"""Programs that have their libraries when they start: forked, from a process that loads them once, for whoever asks.

    python fork_server.py LISTENING LEASH MODULE …

Takes its socket and its leash as open files; it ends when nobody holds the leash's other end any more, and so do the programs then,
at the latest. The modules are loaded for the first that asks. See :mod:`support.forking` for the one that asks.
"""

from __future__ import annotations

import array
import atexit
import ctypes
import gc
import importlib
import json
import logging
import os
import runpy
import selectors
import signal
import socket
import struct
import sys
import threading
import traceback
import types
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn, Self

LONGEST = 1 << 20
"""Bytes of what is asked for, which is one message."""
_PR_SET_PDEATHSIG = 1
_STREAMS = 3


@dataclass(frozen=True)
class Asked:
    """A program to become.

    Attributes:
        command: ``[python, options, "-m", module, …]``, ``[python, options, "-c", code, …]`` or ``[python, options, file, …]``.
        folder: that it starts in.
        environment: all of it.
    """

    command: Sequence[str]
    folder: str
    environment: dict[str, str]

    def to_message(self) -> bytes:
        """As it is sent, with the program's standard input, output and error."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_message(cls, message: bytes) -> Self:
        """What was sent."""
        return cls(**json.loads(message))


def module_of(command: Sequence[str]) -> str | None:
    """The module that a command runs; None where that is something else than this Python and a module."""
    if command[0] != sys.executable:
        return None
    _, rest = _without_options(command[1:])
    return rest[1] if rest[:1] == ["-m"] else None


def end_with_parent() -> None:
    """Have the system kill this process, which was forked, when the one that forked it has ended."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def become(asked: Asked, streams: Sequence[int]) -> NoReturn:
    """Be a program from now on, in a process that was forked for it."""
    for number, given in enumerate([os.dup(stream) for stream in streams]):
        os.dup2(given, number)
    os.closerange(_STREAMS, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(asked.environment)
    code = 1
    try:
        os.chdir(asked.folder)
        _as_started()
        _run(asked.command[1:])
        code = 0
    except SystemExit as ended:
        code = _code_of(ended)
    except BaseException:
        traceback.print_exc()
    finally:
        # What a program that ends does, and a process that was forked leaves out.
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _as_started() -> None:
    """Undo what whoever was forked has told its process, and programs that are executed know nothing of."""
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115 - as long as the program runs
    sys.stderr = open(2, "w", 1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    logging.disable(logging.NOTSET)


def _run(arguments: Sequence[str]) -> None:
    options, rest = _without_options(arguments)
    for option in options:
        if option.startswith("-W"):
            warnings.simplefilter(option[2:])  # type: ignore[arg-type]
    match rest:
        case ["-m", module, *own]:
            sys.argv = [module, *own]
            # Loaded already, it is run all the same.
            sys.modules.pop(module, None)
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case ["-c", code, *own]:
            sys.argv = ["-c", *own]
            main = sys.modules["__main__"] = types.ModuleType("__main__")
            exec(code, main.__dict__)
        case [file, *own]:
            sys.argv = [file, *own]
            sys.path.insert(0, str(Path(file).parent))
            runpy.run_path(file, run_name="__main__")


def _without_options(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Python's own options, those with a word of theirs as one, and the rest."""
    options: list[str] = []
    rest = list(arguments)
    while rest and rest[0].startswith("-") and rest[0] not in {"-m", "-c"}:
        options.append(rest.pop(0))
        if options[-1] in {"-W", "-X"}:
            options[-1] += rest.pop(0)
    return options, rest


def _code_of(ended: SystemExit) -> int:
    if ended.code is None or isinstance(ended.code, int):
        return (ended.code or 0) & 0xFF
    sys.stderr.write(f"{ended.code}\n")
    return 1


class ForkServer:
    """Forks a process for each that asks, and says to it what it has come to.

    Args:
        listening: a socket, of messages, to be asked at.
        leash: that ends when this does.
    """

    def __init__(self, listening: socket.socket, leash: int, load: Callable[[], None]) -> None:
        self._listening = listening
        self._leash = leash
        self._load = load
        self._is_loaded = False
        # Those who want to know of the end of their program, by its number.
        self._asking: dict[int, socket.socket] = {}

    def serve(self) -> None:
        """Until the leash is let go of."""
        ended, says_so = os.pipe()
        os.set_blocking(says_so, False)
        signal.set_wakeup_fd(says_so)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as selector:
            for file in (self._leash, ended, self._listening):
                selector.register(file, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._leash in ready:
                    return
                if ended in ready:
                    os.read(ended, 4096)
                    self._look()
                if self._listening in ready:
                    knocking, _ = self._listening.accept()
                    if _is_our_own(knocking):
                        # Whoever is killed or frozen before it says for what keeps nobody else waiting.
                        selector.register(knocking, selectors.EVENT_READ)
                    else:
                        knocking.close()
                for asking in ready - {self._listening}:
                    if isinstance(asking, socket.socket):
                        selector.unregister(asking)
                        self._answer(asking)

    def _look(self) -> None:
        """Tell of all that have ended."""
        while self._asking:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            # What was loaded may have started something too.
            if (asking := self._asking.pop(pid, None)) is not None:
                _tell(asking, str(os.waitstatus_to_exitcode(status)))
                asking.close()

    def _answer(self, asking: socket.socket) -> None:
        message, streams = _received(asking)
        if not message:
            asking.close()
            return
        try:
            if not self._is_loaded:
                self._load()
                self._is_loaded = True
            pid = _forked_for(Asked.from_message(message), streams)
        except Exception:
            _tell(asking, traceback.format_exc())
            asking.close()
        else:
            self._asking[pid] = asking
            _tell(asking, str(pid))
        finally:
            for stream in streams:
                os.close(stream)


def _tell(asking: socket.socket, what: str) -> None:
    """Send it to whoever asked, unless that was killed meanwhile."""
    with suppress(OSError):
        asking.send(what.encode())


def _received(asking: socket.socket) -> tuple[bytes, list[int]]:
    """What is asked for, and standard input, output and error."""
    streams = array.array("i")
    message, more, *_ = asking.recvmsg(LONGEST, socket.CMSG_SPACE(_STREAMS * streams.itemsize), socket.MSG_CMSG_CLOEXEC)
    for _, _, data in more:
        streams.frombytes(data)
    return message, list(streams)


def _is_our_own(asking: socket.socket) -> bool:
    """Whether it is this user: anybody on the machine may knock."""
    credentials = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    user: int = struct.unpack("3i", credentials)[1]
    return user == os.getuid()


def _forked_for(asked: Asked, streams: Sequence[int]) -> int:
    """A process that becomes a program, in a session of its own, which ends with this process, at the latest."""
    has_session, says_so = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        end_with_parent()
        # Closes its end of the pipe too.
        become(asked, streams)
    os.close(says_so)
    # Until then, what is sent to its group is sent to nobody.
    os.read(has_session, 1)
    os.close(has_session)
    return pid


def _load(modules: Sequence[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in modules:
            importlib.import_module(module)
    gc.collect()
    # What is loaded is left where it is in memory, which all then share.
    gc.freeze()


def main() -> None:
    """Serve."""
    listening, leash, *modules = sys.argv[1:]
    with socket.socket(fileno=int(listening)) as found:
        ForkServer(found, int(leash), lambda: _load(modules)).serve()


if __name__ == "__main__":
    main()
