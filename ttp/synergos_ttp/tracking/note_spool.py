"""Notes on disk until they are written: what a server misses that is away, it gets when it is back, also from the next process.

A spool is a folder with an SQLite file, and beside it the files of trainings by a second name, which takes no room. It belongs to one
process at a time; what a process that is gone has left, another takes over.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from filelock import FileLock, Timeout

from synergos_ttp.tracking.notes import (
    ModelNotes,
    Notes,
    StudyNotes,
    TrainingNotes,
    ValidationNotes,
    from_line,
    to_line,
)

log = structlog.get_logger(__name__)

CAPACITY = 2**30
"""Bytes that may wait, the files of trainings included, unless a TTP is told otherwise."""
BATCH = 1000
"""Points in one request; a server takes no more."""
_SLOW = "model "
_FOR_LOSSES = 0.9
"""Of the capacity; how trainings ended is still told when there is no more room for losses."""
_UNUSED_SECONDS = 3600.0
"""After which a folder that was being made, and is locked by nobody, is no more than what a kill has left."""
_TABLES = """
CREATE TABLE IF NOT EXISTS notes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, server TEXT NOT NULL, thread TEXT NOT NULL, line BLOB NOT NULL, files TEXT, bytes INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS notes_in_order ON notes (server, thread, id);
CREATE TABLE IF NOT EXISTS trials (job TEXT PRIMARY KEY, study TEXT NOT NULL, subject TEXT NOT NULL);
"""
_FILE = "notes.sqlite"
_FIRST = "SELECT server, thread, id FROM notes {} ORDER BY server, thread, id LIMIT 1"
_ADD_TRIAL = "INSERT OR IGNORE INTO trials VALUES (?, ?, ?)"
_IS_THERE = "SELECT EXISTS (SELECT 1 FROM notes) OR EXISTS (SELECT 1 FROM trials)"


@dataclass(frozen=True)
class Waiting:
    """Notes that are next of their kind.

    Attributes:
        ids: of what was put together.
        server: address of the server; empty for the local store.
        thread: notes of one thread are written in their order, whatever becomes of those of others.
    """

    ids: tuple[int, ...]
    server: str
    thread: str
    notes: Notes


class NoteSpool:
    """The notes of one process; its methods may be called by any thread.

    Args:
        folder: of all spools of this kind; those that nobody uses any more are taken over.
        capacity: bytes that may wait.

    Attributes:
        dropped: how many losses, figures and files were given up for want of room.
        capacity: bytes that may wait.

    Raises:
        OSError: the folder cannot be used. Where its disk is full it can: notes are given up until there is room.
    """

    def __init__(self, folder: Path, capacity: int = CAPACITY) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.dropped = 0
        self.capacity = capacity
        # Under another name until it is locked: nobody else may think that it was left.
        making = folder / f".{uuid4().hex}"
        making.mkdir()
        self._lock = _locked(making)
        self._folder = making.rename(folder / uuid4().hex)
        # Held while the file is read or written.
        self._using = threading.Lock()
        # Held while what was given up is counted, which any thread does.
        self._counting = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._is_closed = False
        self._bytes = 0
        for left in sorted(folder.iterdir()):
            self._take_over(left)

    @property
    def waiting(self) -> int:
        """Bytes that wait."""
        return self._bytes

    def add(self, notes: Notes) -> int | None:
        """Have them on disk; their number, or None where there is no room, and they are given up."""
        files = None
        try:
            if (exports := _exports_of(notes)) is not None:
                notes, files = self._with_files(notes, Path(exports))
            return self._insert(notes, files)
        except (OSError, sqlite3.Error):
            self._drop(_count(notes))
            if files is not None:
                shutil.rmtree(self._folder / files, ignore_errors=True)
            return None

    def next(self, skipped: Callable[[str, str], bool]) -> Waiting | None:
        """The oldest notes of the first thread that is not skipped; what takes long comes after all else.

        Args:
            skipped: of a server and a thread.
        """
        with self._using:
            if (place := self._next_place(skipped)) is None or self._database is None:
                return None
            # Row by row: of those that wait no more are read than go together.
            found = self._database.execute(
                "SELECT id, line FROM notes WHERE server = ? AND thread = ? ORDER BY id", place
            )
            return _together(*place, found)

    def has_next(self, skipped: Callable[[str, str], bool]) -> bool:
        """Whether there are some; see :meth:`next`."""
        with self._using:
            return self._next_place(skipped) is not None

    def place_of(self, number: int) -> tuple[str, str] | None:
        """The server and the thread of notes that still wait."""
        found = self._rows("SELECT server, thread FROM notes WHERE id = ?", number)
        return (str(found[0][0]), str(found[0][1])) if found else None

    def remove(self, ids: Sequence[int]) -> None:
        """Forget notes, which are written, or given up.

        Raises:
            sqlite3.Error: the disk is full; they are all there.
        """
        wanted = ",".join(map(str, ids))
        with self._using:
            with self._transaction() as database:
                gone = database.execute(f"SELECT files, bytes FROM notes WHERE id IN ({wanted})").fetchall()  # noqa: S608
                database.execute(f"DELETE FROM notes WHERE id IN ({wanted})")  # noqa: S608 - numbers of ours
            self._bytes -= sum(size for _, size in gone)
        for files in {files for files, _ in gone if files is not None}:
            shutil.rmtree(self._folder / files, ignore_errors=True)

    def note_trial(self, job: str, study: str, subject: str) -> None:
        """Remember a trial until its study has ended; one that cannot be is followed by nobody."""
        with suppress(sqlite3.Error), self._using, self._transaction() as database:
            database.execute(_ADD_TRIAL, (job, study, subject))

    def studies(self) -> dict[str, tuple[str, list[str]]]:
        """By study that has not ended yet its subject, and the trials that ran here."""
        found: dict[str, tuple[str, list[str]]] = {}
        for study, subject, job in self._rows("SELECT study, subject, job FROM trials ORDER BY rowid"):
            found.setdefault(study, (subject, []))[1].append(job)
        return found

    def forget_study(self, study: str) -> None:
        """It has ended; where the disk is full, it is found to have ended again."""
        with suppress(sqlite3.Error), self._using, self._transaction() as database:
            database.execute("DELETE FROM trials WHERE study = ?", (study,))

    def close(self) -> None:
        """Let go of the folder, which is removed if nothing is left in it; nothing is there any more to whoever asks."""
        [(left,)] = self._rows(_IS_THERE) or [(False,)]
        with self._using:
            self._is_closed = True
            if self._database is not None:
                self._database.close()
            self._database = None
        if not left:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.release()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing of what is done inside; for whoever holds the lock. The file is made when there is room for it."""
        if self._is_closed:
            raise sqlite3.ProgrammingError("closed")
        if self._database is None:
            self._database = _opened(self._folder)
        with self._database:
            yield self._database

    def _rows(self, query: str, *parameters: object) -> list[Any]:
        """What is found; nothing where there is no file."""
        with self._using:
            return [] if self._database is None else self._database.execute(query, parameters).fetchall()

    def _next_place(self, skipped: Callable[[str, str], bool]) -> tuple[str, str] | None:
        """Server and thread of what is next; for whoever holds the lock."""
        heads: Iterable[tuple[str, str, int]] = [] if self._database is None else _heads(self._database)
        waiting = (head for head in heads if not skipped(head[0], head[1]))
        first = min(waiting, key=lambda head: (head[1].startswith(_SLOW), head[2]), default=None)
        return None if first is None else first[:2]

    def _insert(self, notes: Notes, files: str | None) -> int:
        with self._using:
            with self._transaction() as database:
                number, size = self._add_to(database, notes, files)
            # Not before it is there: what is taken back takes no room.
            self._bytes += size
        return number

    def _add_to(self, database: sqlite3.Connection, notes: Notes, files: str | None) -> tuple[int, int]:
        """The number of the notes, and their bytes; an OSError where there is no room."""
        line = to_line(notes)
        size = len(line) + (0 if files is None else _size_of(self._folder / files))
        is_loss = isinstance(notes, TrainingNotes) and notes.ending is None
        if self._bytes + size > self.capacity * (_FOR_LOSSES if is_loss else 1):
            raise OSError("no room")
        row = (notes.target.address or "", thread_of(notes), line, files, size)
        added = database.execute("INSERT INTO notes (server, thread, line, files, bytes) VALUES (?, ?, ?, ?, ?)", row)
        return int(added.lastrowid or 0), size

    def _drop(self, count: int) -> None:
        with self._counting:
            self.dropped += count

    def _with_files(self, notes: Notes, exports: Path) -> tuple[Notes, str | None]:
        """The notes with files that nobody else removes; without files where there is no room, as long as something is said by the rest."""
        name = f"files-{uuid4().hex}"
        try:
            if self._bytes + _size_of(exports) > self.capacity:
                raise OSError("no room")
            _link_all(exports, self._folder / name)
        except OSError:
            shutil.rmtree(self._folder / name, ignore_errors=True)
            if not isinstance(notes, TrainingNotes):
                raise
            self._drop(1)
            return _with_exports(notes, None), None
        return _with_exports(notes, str(self._folder / name)), name

    def _take_over(self, left: Path) -> None:
        """Add what a process that is gone has left, in its order, if nobody else does."""
        if left == self._folder or not left.is_dir():
            return
        try:
            if left.name.startswith(".") and time.time() - left.stat().st_mtime < _UNUSED_SECONDS:
                return  # it is being made
            lock = _locked(left)
        except OSError:
            return  # it is not gone
        before, files = self._bytes, set(self._folder.iterdir())
        try:
            self._add_all_of(left)
            # The file at once: whoever is killed between the two leaves all of it twice, which is written twice and does no harm.
            with suppress(OSError):
                (left / _FILE).unlink()
            shutil.rmtree(left, ignore_errors=True)
        except (sqlite3.Error, OSError) as error:
            # Damaged, or the disk is full; it stays for the next one, or for whoever looks.
            self._bytes = before
            for made in set(self._folder.iterdir()) - files:
                shutil.rmtree(made, ignore_errors=True)
            log.warning("notes for MLflow that a process has left cannot be taken over", reason=type(error).__name__)
        finally:
            lock.release()

    def _add_all_of(self, left: Path) -> None:
        """Add it all, or nothing; what is not known, and what there is no room for, is given up."""
        unknown = full = 0
        with closing(_opened(left)) as other, self._using, self._transaction() as database:
            database.executemany(_ADD_TRIAL, other.execute("SELECT job, study, subject FROM trials ORDER BY rowid"))
            for line, files in other.execute("SELECT line, files FROM notes ORDER BY id"):
                try:
                    notes, size = from_line(line), 0
                except ValueError:
                    unknown += 1
                    continue
                own = None
                try:
                    if files is not None:
                        # Linked, not moved: until all is added it is there where it was.
                        notes, own = self._with_files(notes, left / files)
                    _, size = self._add_to(database, notes, own)
                except OSError:
                    full += _count(notes)
                    if own is not None:
                        shutil.rmtree(self._folder / own, ignore_errors=True)
                self._bytes += size
        self._drop(unknown + full)
        if unknown:
            log.warning("notes for MLflow that a process has left are not known; they are given up", number=unknown)
        if full:
            log.warning("no room for all notes for MLflow that a process has left; they are given up", number=full)


def thread_of(notes: Notes) -> str:
    """What notes are to be written in the order of: those about one training, whoever measured it."""
    match notes:
        case ModelNotes():
            return f"{_SLOW}{notes.job_id}"
        case StudyNotes():
            return f"{_SLOW}of study {notes.study_id}"
        case ValidationNotes(job_id=None):
            return f"{notes.target.experiment}/{notes.target.run}"
        case _:
            return str(notes.job_id)


def _heads(database: sqlite3.Connection) -> Iterator[tuple[str, str, int]]:
    """Server, thread and number of the first notes of each thread: a look at the index for each, however many wait in it."""
    found = database.execute(_FIRST.format("")).fetchone()
    while found is not None:
        yield found
        server, thread, _ = found
        # Not both at once: SQLite compares pairs row by row.
        found = (
            database.execute(_FIRST.format("WHERE server = ? AND thread > ?"), (server, thread)).fetchone()
            or database.execute(_FIRST.format("WHERE server > ?"), (server,)).fetchone()
        )


def _together(server: str, thread: str, found: Iterable[tuple[int, bytes]]) -> Waiting:
    """As many losses of one training as a request takes, in one; no more are looked at than it takes to know."""
    rows = iter(found)
    first, line = next(rows)
    notes, ids = from_line(line), [first]
    if isinstance(notes, TrainingNotes):
        points = list(notes.points)
        for number, other in rows if notes.ending is None and len(points) < BATCH else ():
            more = from_line(other)
            if not isinstance(more, TrainingNotes) or len(points) + len(more.points) > BATCH:
                break
            points += more.points
            notes = replace(more, points=())
            ids.append(number)
            if notes.ending is not None:
                break
        notes = replace(notes, points=tuple(points))
    return Waiting(tuple(ids), server, thread, notes)


def _exports_of(notes: Notes) -> str | None:
    match notes:
        case TrainingNotes(ending=ending) if ending is not None:
            return ending.exports
        case ModelNotes():
            return notes.exports
        case _:
            return None


def _with_exports(notes: Notes, exports: str | None) -> Notes:
    match notes:
        case TrainingNotes(ending=ending) if ending is not None:
            return replace(notes, ending=replace(ending, exports=exports))
        case ModelNotes() if exports is not None:
            return replace(notes, exports=exports)
        case _:
            return notes


def _link_all(source: Path, target: Path) -> None:
    target.mkdir()
    for path in _files(source):
        try:
            (target / path.name).hardlink_to(path)
        except OSError:
            # Another file system, or one that knows no second names.
            shutil.copyfile(path, target / path.name)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_file() and not path.is_symlink())


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in _files(folder))


def _count(notes: Notes) -> int:
    return max(1, len(getattr(notes, "points", ())))


def _opened(folder: Path) -> sqlite3.Connection:
    descriptor = os.open(folder / _FILE, os.O_CREAT | os.O_RDWR, 0o600)
    os.close(descriptor)
    # Whatever an outputs folder lies on: no file of shared memory, as a write-ahead log has. Used under one lock.
    database = sqlite3.connect(folder / _FILE, check_same_thread=False)
    try:
        database.executescript(_TABLES)
    except BaseException:
        database.close()
        raise
    return database


def _locked(folder: Path) -> FileLock:
    lock = FileLock(folder / "in_use")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise BlockingIOError("in use") from error
    return lock
