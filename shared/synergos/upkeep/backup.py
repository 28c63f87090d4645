"""A backup of a TTP or director that goes on meanwhile: one state of its records, and the very files they speak of."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

from synergos.errors import Conflict, RecordNotFound
from synergos.ledger.place import places_in
from synergos.upkeep import contents
from synergos.upkeep.contents import LEDGER, MLFLOW, OUTPUTS, RECORDS, Contents, StoredFile
from synergos.upkeep.held_files import HeldFiles
from synergos.upkeep.record_copies import RecordSource
from synergos.upkeep.references import References

_TRACKED = "mlflow.db"
_SNAPSHOTS = 3
"""How often the records are copied anew because a file was gone by the time it was wanted."""


@dataclass(frozen=True)
class Place:
    """What is backed up, and where it is restored to.

    Attributes:
        outputs: folder of trained models.
        mlflow: folder of MLflow's local store; None to leave it out.
        own: the program's own folder, in which it keeps its ledger; None to leave that out.
    """

    records: RecordSource
    outputs: Path
    mlflow: Path | None = None
    own: Path | None = None


def back_up(place: Place, target: Path, tell: Callable[[str], None] = lambda _step: None) -> Contents:
    """Make a backup, whole or not at all; what is in it.

    Args:
        target: a folder that is not there yet.
        tell: told what is being done.

    Raises:
        RecordNotFound: there is no record store, or no outputs folder.
        Conflict: the target is there already, has no room, or another backup is being made.
        OSError: something cannot be read or written; nothing is left of the backup.
    """
    if target.exists():
        raise Conflict(f"{target} is there already; name a folder that is not, for one backup each")
    if not place.outputs.is_dir():
        raise RecordNotFound(f"there is no folder {place.outputs}", "--outputs")
    unfinished = target.absolute().with_name(f".{target.name}.unfinished-{uuid4().hex}")
    unfinished.mkdir(mode=0o700, parents=True)
    try:
        found = _filled(place, unfinished, tell)
        contents.write(unfinished, found)
        _sync(unfinished)
        unfinished.rename(target)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return found


def _filled(place: Place, folder: Path, tell: Callable[[str], None]) -> Contents:
    copy = folder / RECORDS / place.records.name
    copy.parent.mkdir()
    with HeldFiles(place.outputs) as held:
        tell("the records")
        made_at, referred, missing = _agreeing(place.records, copy, held)
        files = [(file, Path(OUTPUTS, file.relative_to(held.folder))) for file in _files(held.folder)]
        tracked = _tracked(place.mlflow)
        files += [(file, Path(MLFLOW, file.relative_to(tracked))) for file in _artifacts(tracked)] if tracked else []
        _refuse_full(folder, sum(file.stat().st_size for file, _ in files))
        tell(f"{len(files)} files")
        stored = {str(name): contents.copied(file, folder / name) for file, name in files}
        if tracked:
            stored[f"{MLFLOW}/{_TRACKED}"] = _copied_tracking(tracked / _TRACKED, folder / MLFLOW / _TRACKED)
    stored |= {} if place.own is None else _copied_ledgers(place.own, folder)
    stored[f"{RECORDS}/{copy.name}"] = contents.digest_of(copy)
    return Contents(
        format=contents.FORMAT,
        synergos=version("synergos"),
        made_at=made_at,
        outputs=str(place.outputs.absolute()),
        mlflow=None if tracked is None else str(tracked.absolute()),
        missing=tuple(missing),
        unfinished=len(referred.unfinished),
        files=stored,
    )


def _agreeing(records: RecordSource, copy: Path, held: HeldFiles) -> tuple[datetime, References, list[str]]:
    """The records, and what they refer to held; records are copied anew when files were replaced since they were."""
    for _ in range(_SNAPSHOTS):
        copy.unlink(missing_ok=True)
        held.release()
        made_at = datetime.now(UTC)
        referred = records.copy(copy)
        missing = [str(training) for training in referred.trainings if not held.hold_training(training)]
        missing += [str(picture) for picture in referred.pictures if not held.hold_file(picture)]
        if not missing:
            break
    # A training without them begins anew, with the same result.
    for job in referred.unfinished:
        held.hold_rounds(job)
    return made_at, referred, missing


def _copied_ledgers(own: Path, folder: Path) -> dict[str, StoredFile]:
    """The ledgers of the programs that have a folder, each as far as its last whole line; as `synergos audit` finds them."""
    stored = dict[str, StoredFile]()
    for place in places_in(own):
        # How far it went before its lines: those are only ever added to.
        for file in (place.head, *place.files()):
            if file.is_file():
                name = str(Path(LEDGER, file.relative_to(own)))
                contents.copied(file, folder / name)
                if file is not place.head:
                    _end_with_a_line(folder / name)
                stored[name] = contents.digest_of(folder / name)
    return stored


def _end_with_a_line(copy: Path) -> None:
    """Cut off what somebody was writing just then."""
    with copy.open("r+b") as file:
        content = file.read()
        file.truncate(content.rfind(b"\n") + 1)
        os.fsync(file.fileno())


def _tracked(mlflow: Path | None) -> Path | None:
    return mlflow if mlflow is not None and (mlflow / _TRACKED).is_file() else None


def _artifacts(mlflow: Path) -> Iterator[Path]:
    return _files(mlflow / "artifacts")


def _copied_tracking(source: Path, target: Path) -> StoredFile:
    target.parent.mkdir(exist_ok=True)
    target.touch(mode=0o600)
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, timeout=60)) as store,
            closing(sqlite3.connect(target)) as copy,
        ):
            store.backup(copy)
    except sqlite3.Error as error:
        raise Conflict(f"MLflow's store {source} cannot be copied: {error}") from error
    return contents.digest_of(target)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _refuse_full(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Conflict(f"a backup takes {needed:,} bytes, and {folder.parent} has room for {free:,}")


def _sync(folder: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
