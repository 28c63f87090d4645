"""The files of a run, and the picture of a study: listed and opened below the outputs folder, and nothing else there.

Files are opened from folder to folder without following links, so no name and no link leads out. The folder of a run that
is trained again is swapped as a whole (:func:`synergos.learning.exports.write_run`); whoever has opened it goes on reading
the one it opened, so an answer never mixes two trainings.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import BinaryIO, TypeVar

from synergos.domain.job import JobState, Stage
from synergos.domain.keys import RunKey
from synergos.domain.records import Kind
from synergos.domain.study import Study
from synergos.errors import NotSupported, RecordNotFound
from synergos.orchestration.caller import Caller
from synergos.orchestration.preconditions import require_named
from synergos.orchestration.study_records import StudyRecords
from synergos.records.store import Record, RecordStore

PICTURES = "optimizations"
"""The folder of an experiment's pictures, beside those of its runs; no run can be called so."""
OTHER = "application/octet-stream"
_MEDIA_TYPES = {".json": "application/json", ".png": "image/png"}
_CHUNK = 2**20
_TRIES = 20
_PAUSE = 0.01
"""Seconds; a folder that is being swapped is away for much less."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Artifact:
    """One file, as a list shows it.

    Attributes:
        bytes: its size.
        sha256: of its content, in hexadecimal digits.
        etag: changes whenever the file does; what an answer with its content carries too.
    """

    name: str
    bytes: int
    sha256: str
    media_type: str
    etag: str


@dataclass(frozen=True)
class OpenFile:
    """A file to be read; whoever gets it closes it.

    Attributes:
        bytes: its size.
        modified: when it was written; aware, UTC.
    """

    name: str
    file: BinaryIO
    bytes: int
    modified: datetime
    etag: str

    @property
    def media_type(self) -> str:
        """What the file is, by its name."""
        return media_type(self.name)


def media_type(name: str) -> str:
    """What a file is, by its name."""
    return _MEDIA_TYPES.get(PurePath(name).suffix, OTHER)


def picture_of(study: Study, outputs: Path) -> Path:
    """Where the picture of a study lies."""
    return study.experiment.folder(outputs) / PICTURES / _picture_name(study)


class Artifacts:
    """The files below one outputs folder.

    Args:
        outputs: the folder trained models and pictures are written to; None for a program that has none.
    """

    def __init__(self, store: RecordStore, outputs: Path | None) -> None:
        self._store = store
        self._outputs = outputs
        self._digests = _Digests()

    def find(self, caller: Caller, run: RunKey) -> list[Artifact]:
        """The files of a trained run, by name; of one training all of them.

        Raises:
            RecordNotFound: there is no such run, it is not trained, or its files are on another host.
        """
        model = self._model(run)
        return self._retried(lambda: self._listed(run), lambda: self._elsewhere(run, model))

    def open(self, caller: Caller, run: RunKey, name: str) -> OpenFile:
        """One file of a trained run.

        Raises:
            RecordNotFound: there is no such run or file, the run is not trained, or its files are on another host.
        """
        model = self._model(run)

        def opened() -> OpenFile:
            with _folder(self._root, run.ids) as folder:
                return _open(folder, name)

        return self._retried(opened, lambda: self._elsewhere(run, model))

    def open_picture(self, caller: Caller, study_id: str) -> OpenFile:
        """The picture of a study.

        Raises:
            RecordNotFound: there is no such study, it has no picture, or that is on another host.
        """
        study = StudyRecords(self._store).get(study_id)
        if study.picture is None:
            raise RecordNotFound(f"study {study_id} has no picture: it is drawn at the end, when a trial was completed")
        try:
            with _folder(self._root, (*study.experiment.ids, PICTURES)) as folder:
                return _open(folder, _picture_name(study))
        except (OSError, RecordNotFound) as error:
            raise RecordNotFound(f"the picture is not here; it was written to {study.picture}") from error

    @property
    def _root(self) -> Path:
        if self._outputs is None:
            raise NotSupported("this program has no outputs folder; ask the TTP or the director")
        return self._outputs

    def _model(self, run: RunKey) -> Record:
        require_named(self._store, run)
        found = self._store.find(Kind.MODEL, run)
        if not found:
            raise RecordNotFound(f"run {run.run_id!r} is not trained, so there are no files of it")
        return found[0]

    def _listed(self, run: RunKey) -> list[Artifact]:
        with _folder(self._root, run.ids) as folder:
            found = [self._artifact(folder, name) for name in sorted(_names(folder))]
            with _folder(self._root, run.ids) as now:
                if not os.path.sameopenfile(folder, now):
                    raise FileNotFoundError("swapped meanwhile")
        return found

    def _artifact(self, folder: int, name: str) -> Artifact:
        opened = _open(folder, name)
        with opened.file:
            digest = self._digests.of(opened)
        return Artifact(name, opened.bytes, digest, opened.media_type, opened.etag)

    @staticmethod
    def _retried(look: Callable[[], Result], missing: Callable[[], RecordNotFound]) -> Result:
        """Look again for as long as a folder may be away because it is being swapped."""
        for _ in range(_TRIES):
            with suppress(FileNotFoundError):
                return look()
            time.sleep(_PAUSE)
        raise missing()

    def _elsewhere(self, run: RunKey, model: Record) -> RecordNotFound:
        folder = PurePath(model["global"]["path"]).parent
        jobs = self._store.jobs(stage=Stage.TRAIN.value, state=JobState.COMPLETED.value, **run)
        ttp = jobs[-1].ttp if jobs else None
        return RecordNotFound(
            f"the files of run {run.run_id!r} are not below this program's outputs folder: "
            f"{'a TTP' if ttp is None else f'TTP {ttp!r}'} wrote them to {folder}; have both share one outputs folder"
        )


class _Digests:
    """SHA-256 of files that were read before, by what would be different if they were written anew."""

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        # Guards the dict; two threads may work out the same digest at the same time.
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}

    def of(self, opened: OpenFile) -> str:
        with self._lock:
            known = self._known.get(opened.etag)
        if known is not None:
            return known
        digest = hashlib.sha256()
        while chunk := opened.file.read(_CHUNK):
            digest.update(chunk)
        with self._lock:
            while len(self._known) >= self._limit:
                del self._known[next(iter(self._known))]
            self._known[opened.etag] = digest.hexdigest()
        return digest.hexdigest()


@contextmanager
def _folder(root: Path, names: Sequence[str]) -> Iterator[int]:
    """A descriptor of a folder below ``root``; no link is followed on the way.

    Raises:
        FileNotFoundError: there is no such folder, or a link is in its place.
    """
    descriptor = _descend(str(root), os.O_RDONLY | os.O_DIRECTORY, None)
    try:
        for name in names:
            inner = _descend(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def _descend(name: str, flags: int, folder: int | None) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        raise FileNotFoundError(name) from error


def _names(folder: int) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                yield entry.name


def _open(folder: int, name: str) -> OpenFile:
    """A plain file of a folder.

    Raises:
        RecordNotFound: there is none of that name.
    """
    # Also what cannot be a name: "..", one with a slash, or with NUL.
    if not name or name.startswith(".") or any(letter in name for letter in "/\0"):
        raise _no_file(name)
    try:
        # Opening must not wait, should it be a pipe.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except (OSError, ValueError) as error:
        raise _no_file(name) from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise _no_file(name)
    return OpenFile(
        name,
        os.fdopen(descriptor, "rb"),
        found.st_size,
        datetime.fromtimestamp(found.st_mtime, UTC),
        f"{found.st_dev:x}-{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}",
    )


def _no_file(name: str) -> RecordNotFound:
    return RecordNotFound(f"there is no file {name[:80]!r}; the list of artifacts has those there are", "name")


def _picture_name(study: Study) -> str:
    return f"{study.id}.png"
