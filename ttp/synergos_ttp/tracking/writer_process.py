"""The process that knows MLflow, as the TTP sees it: started for the first notes, and anew when it has died."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from synergos.tls.files import TlsFiles
from synergos_ttp.tracking.login import TrackingLogin, without_login
from synergos_ttp.tracking.notes import Answer, Notes, NotWritten, to_line
from synergos_ttp.tracking.tls import arguments_of

_PROGRAM = "synergos_ttp.tracking.mlflow_process"
_GRACE_SECONDS = 2.0
"""How long a process that has nothing to do any more may take to end."""


class WriterProcess:
    """See :class:`synergos_ttp.tracking.notes.Writer`.

    Args:
        folder: of the local MLflow store.
        login: by which servers let it in.
        tls: who vouches for them, and what they are shown; None for whom the system believes.
    """

    def __init__(self, folder: Path, login: TrackingLogin | None = None, tls: TlsFiles | None = None) -> None:
        self._folder = folder
        self._login = login
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None
        # Held while notes are written; whoever closes may be another thread than the one that writes.
        self._writing = threading.Lock()
        self._closed = threading.Event()

    @property
    def pid(self) -> int | None:
        """The number of the process; None while there is none."""
        process = self._process
        return None if process is None else process.pid

    def write(self, notes: Notes) -> None:
        """See :class:`synergos_ttp.tracking.notes.Writer`."""
        with self._writing:
            answer = self._answer(to_line(notes))
        if answer.reason is not None:
            raise NotWritten(answer.reason, answer.detail, answer.fault)

    def close(self) -> None:
        """See :class:`synergos_ttp.tracking.notes.Writer`."""
        self._closed.set()
        if not self._writing.acquire(blocking=False):
            process = self._process
            if process is not None:
                # Whoever waits for its answer is told by that.
                _kill(process)
            self._writing.acquire()
        try:
            self._end()
        finally:
            self._writing.release()

    def _answer(self, line: bytes) -> Answer:
        is_new = self._process is None
        try:
            return _exchange(self._running(), line)
        except (OSError, EOFError) as error:
            self._end()
            if is_new:
                raise NotWritten("TrackingProcessEnded", str(error)) from error
        # It died since the notes before, which is not the fault of these. Writing them twice does no harm.
        return self._answer(line)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None and not self._closed.is_set():
            # -P: what lies in the folder we were started in is not imported.
            command = [sys.executable, "-P", "-m", _PROGRAM, str(self._folder), *arguments_of(self._tls)]
            environment = without_login(os.environ) | dict(self._login.environment if self._login else {})
            # A session of its own can step back behind the TTP and the workers, which are in others.
            self._process = subprocess.Popen(  # noqa: S603 - ours
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, env=environment
            )
        if self._process is None or self._closed.is_set():
            raise EOFError("this program is about to end")
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        # It ends by itself when nothing more can come.
        with process, contextlib.suppress(BrokenPipeError):
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End it, and what it has started: all there is in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _exchange(process: subprocess.Popen[bytes], line: bytes) -> Answer:
    if process.stdin is None or process.stdout is None:
        raise EOFError("it has no pipes")
    process.stdin.write(line)
    process.stdin.flush()
    said = process.stdout.readline()
    if not said:
        raise EOFError("it ended without an answer")
    return Answer.from_line(said)
