"""A ledger as its program writes it: one line after the other, each of them on the disk before what it is about goes on."""

from __future__ import annotations

import fcntl
import os
import threading
import weakref
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from synergos.errors import Conflict, NotRecorded, WireFormatError
from synergos.identity.identity import Identity, Renewable
from synergos.identity.small_file import now, stored_in, write
from synergos.ledger.line import (
    FILE_BEGUN,
    HALF,
    RENEWED,
    START,
    UNNOTED,
    Head,
    Line,
    digest_of,
    head_of,
    is_digest,
    line_of,
    signed,
)
from synergos.ledger.place import LedgerPlace

log = structlog.get_logger(__name__)

LARGEST_FILE = 8 * 2**20
"""Bytes after which another file is begun; none is ever removed."""
MOST_PROCESSES = 16
MOST_WAITING = 1000
"""Lines about what has been done that wait for room on the disk."""
_LONGEST_LINE = 2**16


@dataclass(frozen=True)
class _Note:
    what: str
    about: Mapping[str, object]
    at: str


class Ledger:
    """What a program writes down of what it is asked and does; any thread may.

    Args:
        place: its files, which no other process writes meanwhile.
        keys: what its lines are signed with.
        largest: bytes after which another file is begun.

    Raises:
        Conflict: the ledger's newest file ends with a line that is none of a ledger.
        BlockingIOError: another process writes it.
        OSError: it cannot be read.
    """

    def __init__(self, place: LedgerPlace, keys: Renewable, largest: int = LARGEST_FILE) -> None:
        self._place = place
        self._keys = keys
        self._largest = largest
        # Guards all that follows, and the files: a line is written inside it.
        self._lock = threading.Lock()
        self._waiting = deque[_Note]()
        self._forgotten = 0
        self._problem: str | None = None
        self._file: Path | None = None
        self._signer = ""
        # Also where nobody closes it.
        self._release = weakref.finalize(self, _close, _hold(place))
        self._head = self._found()

    @classmethod
    def of_several(cls, place: LedgerPlace, keys: Renewable) -> Ledger:
        """The ledger of a program of which several processes may run, as one that takes over from another does.

        Raises:
            Conflict: each of those there are is written by another process, or the one that is not is damaged.
        """
        for number in range(1, MOST_PROCESSES + 1):
            with suppress(BlockingIOError):
                return cls(place if number == 1 else replace(place, number=number), keys)
        raise Conflict(f"{MOST_PROCESSES} other processes write ledgers in {place.folder.parent}")

    def close(self) -> None:
        """Let another process write it."""
        self._release()

    @property
    def head(self) -> Head:
        """The line that was written last."""
        return self._head

    def problem(self) -> str | None:
        """Why nothing can be written, in words; None where it can. What waits for room is written, as far as there is some."""
        with self._lock, suppress(NotRecorded):
            self._write_waiting()
        return self._problem

    def append(self, what: str, about: Mapping[str, object]) -> Head:
        """Write down what is about to be done, before it is.

        Raises:
            NotRecorded: it cannot be written, nor what has been done before and could not be written then.
        """
        with self._lock:
            self._write_waiting()
            self._write(_Note(what, about, now("milliseconds")))
            return self._head

    def note(self, what: str, about: Mapping[str, object]) -> None:
        """Write down what has been done; where that cannot be written it is as soon as something can, with its own time."""
        with self._lock:
            self._waiting.append(_Note(what, about, now("milliseconds")))
            if len(self._waiting) > MOST_WAITING:
                self._waiting.popleft()
                self._forgotten += 1
            with suppress(NotRecorded):
                self._write_waiting()

    def mention(self, what: str, about: Mapping[str, object]) -> None:
        """Write down what has changed nothing, a refusal for instance; where that cannot be written it is counted alone."""
        with self._lock:
            try:
                self._write_waiting()
                self._write(_Note(what, about, now("milliseconds")))
            except NotRecorded:
                self._forgotten += 1

    def refuse_unwritable(self) -> None:
        """Refuse to go on while there is something that has been done and is not written down.

        Raises:
            NotRecorded: there is.
        """
        with self._lock:
            self._write_waiting()

    def _write_waiting(self) -> None:
        while self._waiting:
            note = self._waiting.popleft()
            try:
                self._write(note)
            except NotRecorded:
                self._waiting.appendleft(note)
                raise
        if self._forgotten:
            self._write(_Note("not written down", {"lines": self._forgotten}, now("milliseconds")))
            self._forgotten = 0

    def _write(self, note: _Note) -> None:
        identity = self._keys.now
        try:
            if self._file is None or not self._is_current(self._file):
                self._begin_file(identity, note.at)
            elif identity.fingerprint != self._signer:
                self._put(identity, RENEWED, _shown(identity), note.at)
                self._signer = identity.fingerprint
            self._put(identity, note.what, note.about, note.at)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            if self._problem is None:
                log.error("the ledger cannot be written", folder=str(self._place.folder), reason=reason)
            self._problem = f"cannot be written: {reason}"
            raise NotRecorded(
                f"the ledger of use cannot be written ({reason}), and nothing is done that is not written down"
            ) from error
        if self._problem is not None:
            log.info("the ledger can be written again")
        self._problem = None

    def _is_current(self, file: Path) -> bool:
        # One that was moved away is not begun anew under its old name.
        with suppress(OSError):
            return file.stat().st_size < self._largest
        return False

    def _begin_file(self, identity: Identity, at: str) -> None:
        file = self._place.file(self._head.number + 1)
        self._place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._put(identity, FILE_BEGUN, {"program": self._place.program, **_shown(identity)}, at, file)
        self._file, self._signer = file, identity.fingerprint

    def _put(
        self, identity: Identity, what: str, about: Mapping[str, object], at: str, file: Path | None = None
    ) -> None:
        target = file or self._file
        assert target is not None  # noqa: S101 - there is one when the first line was written
        line, content = self._line(identity, what, about, at)
        _append(target, content, is_new=file is not None)
        self._head = head_of(line, content)
        # The line is there whatever becomes of this: it says less than there is, never more.
        with suppress(OSError, Conflict):
            write(self._place.head, {"number": self._head.number, "digest": self._head.digest}, is_lasting=False)

    def _line(self, identity: Identity, what: str, about: Mapping[str, object], at: str) -> tuple[Line, bytes]:
        """The next line, and as a file has it; of what no line can hold, that it is so."""
        try:
            line = signed(identity.keys, self._head, at, what, about)
            content = line.content()
            if len(content) <= _LONGEST_LINE:
                # One that is not read again would be taken for edited, and keep the program from starting.
                return line_of(content), content
            about = {"too_long": len(content)}
        except (ValueError, TypeError, RecursionError, WireFormatError) as error:
            log.exception("what is to be written down is nothing that a line can hold", what=what)
            about = {"unwritable": type(error).__name__}
        line = signed(identity.keys, self._head, at, what, about)
        return line, line.content()

    def _found(self) -> Head:
        """How far it goes, as the process before has left it."""
        noted = self._noted()
        found = START
        for file in reversed(self._place.files()):
            *lines, rest = file.read_bytes().split(b"\n")
            if rest and not _is_line(rest):
                self._note_half(file, rest)
                rest = b""
            if content := rest or next((line for line in reversed(lines) if line), b""):
                last = _last_line(file, content)
                self._file, self._signer, found = file, last.signer, head_of(last, content)
                break
        if noted.number <= found.number:
            return found
        # The chain goes on after what is known to have been there, so that everybody sees that it is not.
        log.error(
            "lines at the end of the ledger are gone; synergos audit verify says which",
            folder=str(self._place.folder), last=found.number, noted=noted.number,
        )  # fmt: skip
        return noted

    def _noted(self) -> Head:
        """How far the process before has noted that it goes."""
        try:
            return noted_head(self._place) or START
        except Conflict as error:
            # It is not on the disk before the line is, and power may have failed meanwhile.
            log.warning("how far the ledger went is not known; synergos audit verify says so", reason=str(error))
            self._waiting.append(_Note(UNNOTED, {"reason": "its file cannot be read"}, now("milliseconds")))
            return START

    def _note_half(self, file: Path, half: bytes) -> None:
        """Say in the next line that a process was killed in the middle of one: nothing is taken back of what a file has."""
        log.warning("the ledger ends with half a line, of a process that was killed", file=str(file), bytes=len(half))
        self._waiting.append(_Note(HALF, {"bytes": len(half), "digest": digest_of(half)}, now("milliseconds")))


def _hold(place: LedgerPlace) -> int | None:
    """The descriptor of a file that is locked while it is open; the kernel closes those of processes that were killed.

    None where there is no such file, as on a full disk: a program begins there, and does nothing that it cannot write down.
    """
    try:
        place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(place.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        log.error("the ledger cannot be written", folder=str(place.folder), reason=error.strerror)
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:
        # A file system without locks: that of the program's outputs folder is what there is.
        log.warning("the ledger's folder cannot be locked", folder=str(place.folder))
    return descriptor


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def noted_head(place: LedgerPlace) -> Head | None:
    """How far a ledger goes, as is noted beside it; None where that is not.

    Raises:
        Conflict: that file is damaged.
    """
    said = stored_in(place.head)
    if not said:
        return None
    number, digest = said.get("number"), said.get("digest")
    if not (type(number) is int and number >= 0 and isinstance(digest, str) and is_digest(digest)):
        raise Conflict(f"{place.head} is damaged: expected the number and the digest of a line")
    return Head(number, digest)


def _shown(identity: Identity) -> dict[str, object]:
    """What somebody needs to know of who signs, and of whom they came after."""
    return {"document": dict(identity.keys.public.document), "succession": identity.succession}


def _is_line(content: bytes) -> bool:
    try:
        line_of(content)
    except WireFormatError:
        return False
    return True


def _last_line(file: Path, content: bytes) -> Line:
    try:
        return line_of(content)
    except WireFormatError as error:
        raise Conflict(
            f"the ledger {file} does not end as a ledger does ({error}): synergos audit verify says more; move it away, "
            "and another one is begun, which says where that one ended"
        ) from error


def _append(file: Path, content: bytes, *, is_new: bool) -> None:
    """Have a line at the end of a file, on the disk; nothing of it where that fails."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if is_new else 0)
    descriptor = os.open(file, flags, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        is_ended = size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"
        unwritten = memoryview((b"" if is_ended else b"\n") + content + b"\n")
        try:
            while unwritten:
                unwritten = unwritten[os.write(descriptor, unwritten) :]
            os.fdatasync(descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
                if size == 0:
                    file.unlink()
            raise
    finally:
        os.close(descriptor)
