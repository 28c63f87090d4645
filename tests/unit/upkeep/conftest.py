"""A TTP's folders as a training leaves them, without a training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile, rmtree

import pytest

from factories.outputs import trained
from synergos.domain.job import Job, Stage
from synergos.domain.keys import RunKey
from synergos.domain.outputs import write_outputs
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.upkeep.backup import Place
from synergos.upkeep.record_copies import SqliteRecords

RUN = RunKey("c", "p", "e", "r")


@dataclass(frozen=True)
class Home:
    """The folders of one TTP."""

    folder: Path

    @property
    def records(self) -> Path:
        return self.folder / "data" / "records.sqlite"

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs"

    @property
    def place(self) -> Place:
        return Place(SqliteRecords(self.records), self.outputs, self.folder / "mlflow")

    def open(self) -> RecordStore:
        return RecordStore(f"sqlite:///{self.records}")


class Trainer:
    """Does what a TTP does of a training when all is calculated, with files of a few bytes."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.store = home.open()

    def declare(self, run: RunKey = RUN) -> None:
        self.store.put(Kind.RUN, run, {"rounds": 2})

    def write(self, version: int, run: RunKey = RUN, *, keeps: bool = True) -> Path:
        """Swap the files of a training in."""
        folder = run.folder(self.home.outputs)
        before = folder.with_name(f".replaced-{folder.name}")
        if folder.exists():
            folder.rename(before)
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(f'{{"version": {version}}}')
        (folder / "global_model.safetensors").write_text(f"weights of version {version} of {run.run_id}")
        if before.exists():
            if keeps:
                for kept in before.glob("versions/*"):
                    (folder / "versions").mkdir(exist_ok=True)
                    kept.rename(folder / "versions" / kept.name)
                (folder / "versions").mkdir(exist_ok=True)
                place = folder / "versions" / str(version - 1)
                before.rename(place)
                rmtree(place / "versions", ignore_errors=True)
            else:
                rmtree(before)
        return folder

    def record(self, version: int, run: RunKey = RUN) -> None:
        """Have the records say so."""
        path = run.folder(self.home.outputs) / "global_model.safetensors"
        payload = write_outputs(trained(str(path))) | {"version": version}
        self.store.put(Kind.MODEL, run, payload)
        self.store.put(Kind.MODEL_VERSION, run.trained_as(version), payload)

    def begin(self, run: RunKey = RUN) -> Job:
        """Accept a training."""
        job = Job(Stage.TRAIN, run)
        self.store.add_jobs([job])
        return job

    def commit(self, job: Job, number: int) -> None:
        """Have a round of a job committed, as its store does."""
        folder = self.home.outputs / ".rounds" / job.id
        (folder / f"round_{number}").mkdir(parents=True)
        (folder / f"round_{number}" / "global.safetensors").write_text(f"round {number}")
        (folder / "definition").write_text("digest")
        with (folder / "committed.jsonl").open("a") as log:
            log.write(f'{{"round": {number}}}\n')


@pytest.fixture
def home(tmp_path: Path, migrated: Path) -> Home:
    found = Home(tmp_path / "home")
    found.outputs.mkdir(parents=True)
    found.records.parent.mkdir()
    copyfile(migrated, found.records)
    return found


@pytest.fixture
def trainer(home: Home) -> Iterator[Trainer]:
    trainer = Trainer(home)
    trainer.declare()
    yield trainer
    trainer.store.close()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Home:
    return Home(tmp_path / "elsewhere")
