"""The files of a run, and the picture of a study: listed and opened below the outputs folder, and nothing else there.

No name and no link leads out (:mod:`synergos.orchestration.open_files`). The folder of a run that is trained again is swapped as a whole (:func:`synergos.learning.exports.write_run`); whoever has opened it goes on reading
the one it opened, so an answer never mixes two trainings.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TypeVar

from synergos.domain.job import JobState, Stage
from synergos.domain.keys import RunKey
from synergos.domain.records import Kind, Record
from synergos.domain.study import Study
from synergos.domain.trained_model import OUTDATED
from synergos.errors import NotPermitted, NotSupported, RecordNotFound
from synergos.learning.exports import changed, digest_in
from synergos.orchestration.access import Access
from synergos.orchestration.caller import Caller
from synergos.orchestration.open_files import OpenFile, folder_below, names_in, open_in
from synergos.orchestration.preconditions import require_named
from synergos.orchestration.study_records import StudyRecords
from synergos.orchestration.trainings import training_called
from synergos.records.model_versions import number_of
from synergos.records.store import RecordStore

VERSIONS = "versions"
"""The folder of a run's trainings before the newest, see :mod:`synergos.learning.exports`."""
PICTURES = "optimizations"
"""The folder of an experiment's pictures, beside those of its runs; no run can be called so."""
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


def picture_of(study: Study, outputs: Path) -> Path:
    """Where the picture of a study lies."""
    return study.experiment.folder(outputs) / PICTURES / _picture_name(study)


class Artifacts:
    """The files below one outputs folder.

    Args:
        outputs: the folder trained models and pictures are written to; None for a program that has none.
    """

    def __init__(self, store: RecordStore, outputs: Path | None, access: Access | None = None) -> None:
        self._store = store
        self._access = access or Access(store)
        self._outputs = outputs
        self._digests = _Digests()

    def find(self, caller: Caller, run: RunKey, version: str | None = None) -> list[Artifact]:
        """The files of a trained run, by name; of one training all of them.

        Args:
            version: the number of the training; that of the run's model without it.

        Raises:
            InvalidRequest: the version is no number.
            RecordNotFound: there is no such run or training, or its files are on another host.
            NotPermitted: no file of it is for who asks.
        """
        may_read = self._files_for(caller, run)
        training = self._training(run, version)
        found = self._retried(lambda: self._listed(training), lambda: self._elsewhere(training))
        return [artifact for artifact in found if may_read(artifact.name)]

    def open(self, caller: Caller, run: RunKey, name: str, version: str | None = None) -> OpenFile:
        """One file of a trained run.

        Args:
            version: as :meth:`find` has it.

        Raises:
            InvalidRequest: the version is no number.
            RecordNotFound: there is no such run, training or file, or its files are on another host.
            Conflict: it is a model's, and not the file that was trained.
            NotPermitted: the file is not for who asks, be it there or not.
        """
        if not self._files_for(caller, run)(name):
            raise NotPermitted(f"file {name[:80]!r} is told to whom the collaboration belongs")
        training = self._training(run, version)

        def opened() -> OpenFile:
            with self._folder_of(training) as folder:
                return open_in(folder, name)

        found = self._retried(opened, lambda: self._elsewhere(training))
        known = digest_in(training.record, name)
        if known is not None and self._digests.of(found) != known:
            found.file.close()
            raise changed(name)
        found.file.seek(0)
        return found

    def open_picture(self, caller: Caller, study_id: str) -> OpenFile:
        """The picture of a study.

        Raises:
            RecordNotFound: there is no such study, it has no picture, or that is on another host.
        """
        study = StudyRecords(self._store).get(study_id)
        if study.picture is None:
            raise RecordNotFound(f"study {study_id} has no picture: it is drawn at the end, when a trial was completed")
        try:
            with folder_below(self._root, (*study.experiment.ids, PICTURES)) as folder:
                return open_in(folder, _picture_name(study))
        except (OSError, RecordNotFound) as error:
            raise RecordNotFound(f"the picture is not here; it was written to {study.picture}") from error

    def _files_for(self, caller: Caller, run: RunKey) -> Callable[[str], bool]:
        """Which files of a run are for who asks, by their names.

        Raises:
            NotPermitted: none.
        """
        disclosure = self._access.sight(caller).within(run)
        if not disclosure.has_all and caller.participant is None:
            raise NotPermitted("the files of models are told to participants, and to whom the collaboration belongs")
        is_member = disclosure.has_all or self._access.is_member(caller, run)
        return lambda name: disclosure.file(name, is_member=is_member)

    @property
    def _root(self) -> Path:
        if self._outputs is None:
            raise NotSupported("this program has no outputs folder; ask the TTP or the director")
        return self._outputs

    def _training(self, run: RunKey, version: str | None) -> _Training:
        """Where the files of the run's model lie, or those of the version that is named."""
        require_named(self._store, run)
        models = self._store.find(Kind.MODEL, run)
        if version is None:
            return _Training(run, _current(run, models), is_newest=True)
        record = training_called(self._store, run, version)
        return _Training(run, record, is_newest=any(number_of(model) == int(version) for model in models))

    @contextmanager
    def _folder_of(self, training: _Training) -> Iterator[int]:
        """A descriptor of the folder of a training's files."""
        with ExitStack() as stack:
            for place in training.places:
                with suppress(FileNotFoundError):
                    folder = stack.enter_context(folder_below(self._root, place))
                    break
            else:
                raise FileNotFoundError(training.run.run_id)
            yield folder

    def _listed(self, training: _Training) -> list[Artifact]:
        with self._folder_of(training) as folder:
            found = [self._artifact(folder, name) for name in sorted(names_in(folder))]
            with self._folder_of(training) as now:
                if not os.path.sameopenfile(folder, now):
                    raise FileNotFoundError("swapped meanwhile")
        return found

    def _artifact(self, folder: int, name: str) -> Artifact:
        opened = open_in(folder, name)
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

    def _elsewhere(self, training: _Training) -> RecordNotFound:
        run, record = training.run, training.record
        folder = PurePath(record["global"]["path"]).parent
        jobs = self._store.jobs(stage=Stage.TRAIN.value, state=JobState.COMPLETED.value, **run)
        job = next((job for job in jobs if job.id == record.get("job")), jobs[-1] if jobs else None)
        ttp = None if job is None else job.ttp
        return RecordNotFound(
            f"the files of run {run.run_id!r} are not below this program's outputs folder: "
            f"{'a TTP' if ttp is None else f'TTP {ttp!r}'} wrote them to {folder}; have both share one outputs folder"
        )


@dataclass(frozen=True)
class _Training:
    """One training of a run.

    Attributes:
        is_newest: whether its files are those that lie in the run's folder itself.
    """

    run: RunKey
    record: Record
    is_newest: bool

    @property
    def places(self) -> Iterator[tuple[str, ...]]:
        """The folders below the outputs folder where its files may be; the first that is there has them."""
        # That of the newest too has moved on here, when one after it was never recorded.
        yield (*self.run.ids, VERSIONS, str(number_of(self.record)))
        if self.is_newest:
            yield self.run.ids


def _current(run: RunKey, models: Sequence[Record]) -> Record:
    if not models:
        raise RecordNotFound(f"run {run.run_id!r} is not trained, so there are no files of it")
    if models[0].get(OUTDATED):
        raise RecordNotFound(
            f"run {run.run_id!r}, its experiment or the project's action was changed since it was trained; the files of that training are those "
            f"of version {number_of(models[0])}"
        )
    return models[0]


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


def _picture_name(study: Study) -> str:
    return f"{study.id}.png"
