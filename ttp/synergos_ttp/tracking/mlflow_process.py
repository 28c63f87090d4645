"""The process that knows MLflow: ``python -m synergos_ttp.tracking.mlflow_process FOLDER [AUTHORITY [CERTIFICATE KEY]]``.

Reads a line of notes at a time from its standard input, and says on its standard output what came of it. It ends when its
standard input does, which is when the TTP is gone, however that ended.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from synergos.programs import loading
from synergos_ttp.tracking.mlflow_store import MlflowStore
from synergos_ttp.tracking.notes import Answer, Ending, ModelNotes, Notes, NotWritten, TrainingNotes, Writer, from_line
from synergos_ttp.tracking.tls import files_of

if TYPE_CHECKING:
    from synergos.tls.files import TlsFiles
    from synergos.tls.secured import Secured

NICENESS = 10
"""Rounds come first where cores are few; on a machine that is never idle, notes are written all the same."""
SECONDS = 120.0
"""In which a server has to take one batch of notes, starting MLflow included."""
FORM_SECONDS = 600.0
"""For a model to be brought into MLflow's form beside that: by a process that loads torch, behind all else a machine does."""
LEAST_RATE = 100_000.0
"""Bytes a second at which files have to go, beside that."""
_NOT_NEEDED = ("numpy", "pandas")
"""What MLflow loads where it is there, and does without where it is not: there is no table in any notes."""
_SESSION = Path("/proc/self/autogroup")
"""Where Linux shares out its cores among sessions first: niceness counts within one only, and this file has the session's."""


def answer_lines(writer: Writer, lines: Iterable[bytes], answers: BinaryIO) -> None:
    """Write the notes that come, until there are no more."""
    for line in lines:
        try:
            notes = from_line(line)
            with _within(_seconds_for(notes)):
                writer.write(notes)
        except NotWritten as error:
            answer = Answer(error.reason, error.detail, error.fault)
        else:
            answer = Answer()
        try:
            answers.write(answer.to_line())
            answers.flush()
        except BrokenPipeError:
            # The TTP is gone; the next one has these notes again, and finds them written.
            return


def _seconds_for(notes: Notes) -> float:
    """How long notes may take, the files of a training included; 0 for as long as it takes, in our own store."""
    if notes.target.address is None:
        return 0.0
    match notes:
        case ModelNotes(exports=exports) | TrainingNotes(ending=Ending(exports=exports)):
            pass
        case _:
            exports = None
    form = FORM_SECONDS if isinstance(notes, ModelNotes) else 0.0
    return SECONDS + form + (0.0 if exports is None else _size_of(Path(exports)) / LEAST_RATE)


def _size_of(folder: Path) -> int:
    try:
        return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    except OSError:
        # Swapped for another meanwhile; whoever sends its files says so.
        return 0


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Give up what takes longer, wherever it is: a server that says a byte every few seconds keeps nobody for ever."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"took longer than {seconds:.0f} s")

    signal.signal(signal.SIGALRM, give_up)
    # Again each second, should somebody take the first for an error of that moment.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


def _step_back() -> None:
    os.nice(NICENESS)
    with suppress(OSError):
        _SESSION.write_text(str(NICENESS))


def _secured(files: TlsFiles) -> Secured:
    # It can log, and what that takes is loaded by whoever has such files alone.
    from synergos.tls.secured import Secured

    return Secured(files)


def main() -> None:
    """Run until standard input ends."""
    # The TTP decides when this ends: what it was told before is still to be written.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _step_back()
    # Whatever is printed by anybody is no answer.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # What went wrong is said in answers, and logged by the TTP, which knows what may be in a log.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    files = files_of(sys.argv[2:])
    for package in _NOT_NEEDED:
        # For Python, something that cannot be imported.
        sys.modules.setdefault(package, None)  # type: ignore[arg-type]
    store = MlflowStore(Path(sys.argv[1]), None if files is None else _secured(files))
    lines = iter(sys.stdin.buffer.readline, b"")
    # Whoever writes the first has MLflow loaded then.
    with loading():
        answer_lines(store, islice(lines, 1), answers)
    answer_lines(store, lines, answers)
    # All is written and answered; taking MLflow down in an orderly way takes seconds, and a TTP that stops waits for it.
    os._exit(0)


if __name__ == "__main__":
    main()
