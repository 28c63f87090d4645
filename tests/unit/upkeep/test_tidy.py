"""What is not to be kept goes, from disk and records alike; what somebody needs, or writes just now, stays."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from support.waiting import until
from synergos.domain.job import JobState
from synergos.domain.keys import RunKey
from synergos.domain.records import Kind
from synergos.errors import Conflict, InvalidRequest, RecordNotFound
from synergos.identity.identity import Renewable
from synergos.ledger.ledger import Ledger
from synergos.ledger.place import LedgerPlace
from synergos.ledger.verification import verify
from synergos.upkeep.retention import Retention
from synergos.upkeep.tidying import to_remove
from synergos_worker.bootstrap import build_worker
from synergos_worker.settings import Settings
from unit.upkeep.conftest import RUN, Home, Trainer

DAY = 86_400


def tidied(home: Home, *keep: str, without_record: bool = False) -> list[str]:
    """What went, below the outputs folder."""
    wanted = Retention.read(keep)
    gone = []
    with to_remove(home.outputs, wanted, home.records.parent, None, without_record=without_record) as found:
        for removal in found:
            gone.append(str(removal.path.relative_to(home.outputs)))
            removal.carry_out(home.outputs)
    return gone


def aged(folder: Path, days: float) -> Path:
    then = time.time() - days * DAY
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (then, then))
    return folder


def versions(trainer: Trainer) -> list[str]:
    return [record["key"]["version"] for record in trainer.store.find(Kind.MODEL_VERSION, RUN)]


@pytest.fixture
def trained(trainer: Trainer) -> Trainer:
    for version in range(1, 5):
        trainer.write(version)
        trainer.record(version)
    return trainer


def test_trainings_before_the_newest_go_but_for_so_many(trained: Trainer, home: Home) -> None:
    assert tidied(home, "models=1") == ["c/p/e/r/versions/1", "c/p/e/r/versions/2"]

    assert versions(trained) == ["3", "4"]
    assert sorted(path.name for path in (home.outputs / "c/p/e/r/versions").iterdir()) == ["3"]
    assert "version 4" in (home.outputs / "c/p/e/r/global_model.safetensors").read_text()


def test_none_before_the_newest_may_stay(trained: Trainer, home: Home) -> None:
    tidied(home, "models=0")

    assert versions(trained) == ["4"]
    assert not (home.outputs / "c/p/e/r/versions").exists()


def test_a_run_that_is_being_trained_is_left_to_its_training(trained: Trainer, home: Home) -> None:
    trained.begin()

    assert tidied(home, "models=0") == []


def test_a_training_that_is_accepted_meanwhile_finds_what_it_keeps(trained: Trainer, home: Home) -> None:
    with to_remove(home.outputs, Retention.read(["models=0"]), home.records.parent, None) as found:
        first = next(found)
        trained.begin()

        assert not first.carry_out(home.outputs)
    assert first.path.is_dir()
    assert versions(trained) == ["1", "2", "3", "4"]


def test_rounds_go_when_their_job_has_ended_and_they_are_old(trainer: Trainer, home: Home) -> None:
    running, ended, recent = trainer.begin(), trainer.begin(), trainer.begin()
    for job in (running, ended, recent):
        trainer.commit(job, 3)
    for job in (ended, recent):
        trainer.store.save_job(replace(job, state=JobState.FAILED))
    rounds = home.outputs / ".rounds"
    aged(rounds / running.id, 3)
    aged(rounds / ended.id, 3)
    (rounds / "of_no_job").mkdir()
    aged(rounds / "of_no_job", 3)

    assert sorted(tidied(home, "rounds=1d")) == sorted([f".rounds/{ended.id}", ".rounds/of_no_job"])
    assert {path.name for path in rounds.iterdir()} == {running.id, recent.id}


def test_models_without_a_record_go_only_when_that_is_asked_for(trained: Trainer, home: Home) -> None:
    other = RunKey("c", "p", "e", "deleted")
    aged(trained.write(1, other), 1)
    trained.write(1, RunKey("c", "p", "e", "just_written"))

    assert tidied(home, "models=9", "rounds=1d") == []
    assert tidied(home, without_record=True) == ["c/p/e/deleted"]


def prediction(outputs: Path, run: str, purpose: str, days: float) -> Path:
    folder = outputs / "c/p/e" / run / purpose
    folder.mkdir(parents=True)
    (folder / f"inference_statistics_{purpose}.json").write_text("{}")
    (folder / f"predictions_{purpose}.csv").write_text("file,row\n")
    return aged(folder, days)


def test_a_worker_s_predictions_go_when_they_are_old_and_there_are_no_records_to_be_asked(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (home.outputs).mkdir()
    (home.outputs / ".digest_key").write_text("key")
    for run, purpose, days in (("old", "predict", 91), ("old", "evaluate", 91), ("new", "predict", 89)):
        prediction(home.outputs, run, purpose, days)
    (home.outputs / "c/p/agreement.json").write_text("{}")

    assert sorted(tidied(home, "predictions=90d")) == ["c/p/e/old/evaluate", "c/p/e/old/predict"]
    assert not (home.outputs / "c/p/e/old").exists()
    assert (home.outputs / "c/p/agreement.json").exists()
    assert (home.outputs / ".digest_key").exists()


def test_a_worker_tidies_by_itself_when_it_is_told_how_long_predictions_stay(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    old, new = prediction(outputs, "old", "predict", 2), prediction(outputs, "new", "predict", 0)
    (tmp_path / "data").mkdir()

    worker = build_worker(Settings(tmp_path / "data", outputs, keep_predictions=timedelta(days=1)))
    until(lambda: not old.exists(), "the old predictions to go")
    worker.close()

    assert new.exists()


@pytest.mark.parametrize("name", [".gone-", ".staging-", ".backup-", ".predict-"])
def test_what_was_left_half_done_goes_when_nobody_can_be_at_it(tmp_path: Path, name: str) -> None:
    home = Home(tmp_path)
    digits = "0123456789abcdef" * 2
    for days, run in ((0.0, "fresh"), (2.0, "old")):
        folder = home.outputs / run / f"{name}{digits}"
        (folder / "deep").mkdir(parents=True)
        aged(folder, days)
    aged_but_all_there_is = home.outputs / f".replaced-{digits}-r"
    aged_but_all_there_is.mkdir()
    aged(aged_but_all_there_is, 9)

    assert tidied(home) == [f"old/{name}{digits}"]


def test_a_ledger_stays_however_old_it_is(home: Home) -> None:
    place = LedgerPlace(home.outputs, "worker")
    ledger = Ledger(place, Renewable(home.outputs / ".trust" / "worker.json"))
    ledger.append("use", {})
    ledger.close()
    for path in (place.folder, place.folder.parent, place.head.parent, place.head, *place.files()):
        aged(path, days=4000)

    assert tidied(home, "predictions=1d") == []
    assert verify(place).is_sound


def test_nothing_happens_to_records_of_another_place_or_release(home: Home, tmp_path: Path) -> None:
    with pytest.raises(RecordNotFound, match="there is no record store"):
        tidied(replace(home, folder=tmp_path), "models=1")
    with closing(home.open()) as store, store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(Conflict, match="the record store is one of an earlier release"):
        tidied(home, "models=1")


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        (["model=3"], "did you mean models"),
        (["models=3d"], "expected a number, as models=5, got '3d'"),
        (["models=-1"], "expected a number"),
        (["predictions=90"], r"expected a time, as predictions=90d \(h, d or w\), got '90'"),
        (["rounds="], "expected a time, as rounds=1d"),
        (["models"], "expected a number"),
        (["models=1", "models=2"], "models is said twice"),
    ],
)
def test_what_is_to_be_kept_is_said_in_words_that_there_are(keep: Sequence[str], words: str) -> None:
    with pytest.raises(InvalidRequest, match=f"--keep: .*{words}"):
        Retention.read(keep)
