"""Files of an outputs folder, held fast by second names while somebody goes on writing there.

A training swaps its run's folder as a whole and writes over files of rounds that have no second name: so what has one stays
what it was, and can be copied at leisure.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from filelock import FileLock, Timeout

from synergos.errors import Conflict
from synergos.upkeep.references import VERSIONS, TrainedFiles

_HELD = ".backup-"
_LOCK = ".backup.lock"
_ROUNDS = ".rounds"
_LOG, _DEFINITION, _ANSWER = "committed.jsonl", "definition", "answer_"
_MANIFEST = "manifest.json"
_TRIES = 50


class HeldFiles:
    """A context manager: inside it, what was held lies below :attr:`folder` as it did below the outputs folder.

    Raises on entry:
        Conflict: another backup of this outputs folder is being made.
        OSError: the folder cannot be written to.
    """

    def __init__(self, outputs: Path) -> None:
        self._outputs = outputs
        self._lock = FileLock(outputs / _LOCK)
        self.folder = outputs / f"{_HELD}{uuid4().hex}"

    def __enter__(self) -> Self:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise Conflict(f"a backup of {self._outputs} is being made already") from None
        # What a backup left that was killed takes room.
        for left in self._outputs.glob(f"{_HELD}*"):
            shutil.rmtree(left, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()

    def release(self) -> None:
        """Let go of all that was held until now."""
        for path in self.folder.iterdir():
            shutil.rmtree(path)

    def hold_training(self, wanted: TrainedFiles) -> bool:
        """Hold the files of one training; whether they are there."""
        own = self._outputs / wanted.run.folder(Path())
        places = (own / VERSIONS / str(wanted.version), own)
        return self._tried(lambda: any(self._hold_version(place, wanted) for place in places), wanted.place)

    def hold_file(self, path: Path) -> bool:
        """Hold one file, by its path below the outputs folder; whether it is there."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            os.link(self._outputs / path, target, follow_symlinks=False)
            return True
        return False

    def hold_rounds(self, job: str) -> bool:
        """Hold the rounds of a job that are committed; whether there are any, and they could be held.

        What its log says is needed is there as long as the log says nothing more.
        """
        return self._tried(lambda: self._hold_rounds(job), Path(_ROUNDS) / job)

    def _tried(self, hold: Callable[[], bool], place: Path) -> bool:
        """Try until nothing is moved away meanwhile; nothing is held of what is not there as a whole."""
        for _ in range(_TRIES):
            with suppress(FileNotFoundError):
                if hold():
                    return True
                break
            # Of a run's own folder too: those of its versions are held after it.
            shutil.rmtree(self.folder / place, ignore_errors=True)
        return False

    def _hold_version(self, source: Path, wanted: TrainedFiles) -> bool:
        if not source.is_dir():
            return False
        with _opened(source) as folder:
            if _version_in(folder) != wanted.version:
                return False
            self._link(folder, self.folder / wanted.place)
        return True

    def _hold_rounds(self, job: str) -> bool:
        source, target = self._outputs / _ROUNDS / job, self.folder / _ROUNDS / job
        if not (source / _LOG).is_file():
            return False
        committed = _whole_lines(source / _LOG)
        if not committed:
            return False
        newest = json.loads(committed.splitlines()[-1])["round"]
        for place in source.glob("round_*"):
            if int(place.name.removeprefix("round_")) <= newest:
                with _opened(place) as folder:
                    self._link(folder, target / place.name)
        if _whole_lines(source / _LOG) != committed:
            raise FileNotFoundError("a round was committed meanwhile")
        (target / _LOG).write_bytes(committed)
        os.link(source / _DEFINITION, target / _DEFINITION)
        return True

    def _link(self, folder: int, target: Path) -> None:
        target.mkdir(parents=True, exist_ok=True)
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False) and not entry.name.startswith((".", _ANSWER)):
                    os.link(entry.name, target / entry.name, src_dir_fd=folder, follow_symlinks=False)


def _whole_lines(log: Path) -> bytes:
    """What a log says, without a line that is being written or was never ended."""
    content = log.read_bytes()
    return content[: content.rfind(b"\n") + 1]


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """A descriptor, by which the folder is found wherever it is moved."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _version_in(folder: int) -> int | None:
    """Which training's files are in a folder; what was trained before models had versions is the first."""
    try:
        with open(_MANIFEST, opener=lambda name, flags: os.open(name, flags, dir_fd=folder), encoding="utf-8") as file:
            told: Any = json.load(file)
    except ValueError:
        return None
    return int(told.get("version", 1)) if isinstance(told, dict) else None
