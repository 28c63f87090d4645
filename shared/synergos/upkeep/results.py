"""Results at a TTP that are not to be kept: rounds of jobs that have ended, trainings before the newest, files without a record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from synergos.domain.job import Stage
from synergos.domain.keys import RunKey
from synergos.domain.records import Kind
from synergos.errors import RecordNotFound
from synergos.records import RecordStore
from synergos.records.model_versions import number_of
from synergos.upkeep.references import VERSIONS
from synergos.upkeep.removals import Removal, written_at

_ROUNDS = ".rounds"
_RECORDED_BY = timedelta(hours=1)
"""Files are there a moment before their record is."""


def old_rounds(store: RecordStore, outputs: Path, kept: timedelta, now: datetime) -> Iterator[Removal]:
    """Rounds of jobs to which nothing more happens, that a program which was killed has left."""
    for folder in sorted((outputs / _ROUNDS).glob("*")):
        try:
            is_over, why = store.job(folder.name).state.is_final, "its job has ended"
        except RecordNotFound:
            is_over, why = True, "no record knows its job"
        if is_over and now - written_at(folder) > kept:
            yield Removal("rounds", folder, why)


def old_models(store: RecordStore, outputs: Path, kept: int) -> Iterator[Removal]:
    """Trainings of each run before the newest, but for the last so many; a run that is being trained is left to its training."""
    for record in store.find(Kind.RUN):
        run = RunKey.of(record["key"])
        if store.has_unfinished_job(Stage.TRAIN, run):
            continue
        newest = {number_of(model) for model in store.find(Kind.MODEL, run)}
        versions = sorted({int(each["key"]["version"]) for each in store.find(Kind.MODEL_VERSION, run)} - newest)
        for version in versions[: max(0, len(versions) - kept)]:
            folder = run.folder(outputs) / VERSIONS / str(version)
            if folder.is_dir():
                forget = partial(_forget, store, run, version)
                yield Removal("model", folder, f"version {version}, older than the {kept} kept", forget)


def without_record(store: RecordStore, outputs: Path, now: datetime) -> Iterator[Removal]:
    """Files of runs that are in no record any more."""
    known = {RunKey.of(record["key"]).ids for record in store.find(Kind.RUN)}
    for manifest in sorted(outputs.glob("*/*/*/*/manifest.json")):
        folder = manifest.parent
        # What is being written, or swapped, begins with a dot.
        if folder.name.startswith(".") or folder.relative_to(outputs).parts in known:
            continue
        if now - written_at(folder) > _RECORDED_BY:
            yield Removal("model without a record", folder, "no record knows its run")


def _forget(store: RecordStore, run: RunKey, version: int) -> bool:
    with store.transaction():
        # Accepted since it was looked for: a training keeps the files of those versions that have records.
        if store.has_unfinished_job(Stage.TRAIN, run):
            return False
        # Deleted with its run meanwhile, for one.
        with suppress(RecordNotFound):
            store.delete(Kind.MODEL_VERSION, run.trained_as(version))
        return True
