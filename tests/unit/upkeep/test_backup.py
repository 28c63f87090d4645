"""A backup is of one moment, whoever writes meanwhile; it is there as a whole or not at all."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import copyfile

import pytest

from support.full_disk import files_up_to
from synergos.domain.keys import RunKey
from synergos.domain.records import Kind
from synergos.errors import Conflict, InvalidRequest, NotSupported, RecordNotFound
from synergos.identity.identity import FOLDER as TRUST
from synergos.identity.identity import Renewable
from synergos.ledger.ledger import Ledger
from synergos.ledger.place import LedgerPlace, places_in
from synergos.ledger.verification import verify
from synergos.upkeep.backup import Place, back_up
from synergos.upkeep.record_copies import SqliteRecords
from synergos.upkeep.references import References
from synergos.upkeep.restore import restore
from unit.upkeep.conftest import RUN, Home, Trainer

WEIGHTS = "global_model.safetensors"


def weights_of(outputs: Path, *places: str, run: RunKey = RUN) -> str:
    return run.folder(outputs).joinpath(*places, WEIGHTS).read_text()


class Meanwhile(SqliteRecords):
    """Records, beside whose first copies something happens before anybody looks at files."""

    def __init__(self, file: Path, *happenings: object) -> None:
        super().__init__(file)
        self._happenings = list(happenings)

    def copy(self, target: Path) -> References:
        found = super().copy(target)
        if self._happenings:
            self._happenings.pop(0)()  # type: ignore[operator]
        return found


def test_what_is_written_in_use_is_in_the_backup_and_not_in_a_copy_of_the_file(
    trainer: Trainer, home: Home, elsewhere: Home, tmp_path: Path
) -> None:
    trainer.write(1)
    trainer.record(1)
    copyfile(home.records, tmp_path / "copied.sqlite")

    back_up(home.place, tmp_path / "backup")
    restore(tmp_path / "backup", elsewhere.place)

    with closing(sqlite3.connect(tmp_path / "copied.sqlite")) as copied:
        assert copied.execute("SELECT count(*) FROM model").fetchone() == (0,)
    with closing(elsewhere.open()) as store:
        assert store.get(Kind.MODEL, RUN)["version"] == 1
    assert [path.name for path in (tmp_path / "backup" / "records").iterdir()] == ["records.sqlite"]


def test_a_restored_record_names_its_files_where_they_are_now(
    trainer: Trainer, home: Home, elsewhere: Home, tmp_path: Path
) -> None:
    for version in (1, 2):
        trainer.write(version)
        trainer.record(version)

    back_up(home.place, tmp_path / "backup")
    restore(tmp_path / "backup", elsewhere.place)

    with closing(elsewhere.open()) as store:
        path = Path(store.get(Kind.MODEL, RUN)["global"]["path"])
        versions = [record["global"]["path"] for record in store.find(Kind.MODEL_VERSION, RUN)]
    assert path == RUN.folder(elsewhere.outputs) / WEIGHTS
    assert path.read_text() == "weights of version 2 of r"
    assert weights_of(elsewhere.outputs, "versions", "1") == "weights of version 1 of r"
    assert all(name.startswith(str(elsewhere.outputs)) for name in versions)


def test_a_training_that_is_swapped_in_but_not_recorded_is_not_in_it(
    trainer: Trainer, home: Home, elsewhere: Home, tmp_path: Path
) -> None:
    trainer.write(1)
    trainer.record(1)
    trainer.write(2)

    back_up(home.place, tmp_path / "backup")
    restore(tmp_path / "backup", elsewhere.place)

    assert weights_of(elsewhere.outputs) == "weights of version 1 of r"


def test_a_training_that_ends_meanwhile_and_keeps_nothing_of_before_has_the_records_copied_anew(
    trainer: Trainer, home: Home, elsewhere: Home, tmp_path: Path
) -> None:
    trainer.write(1)
    trainer.record(1)

    def trained_again() -> None:
        trainer.write(2, keeps=False)
        trainer.record(2)

    made = back_up(Place(Meanwhile(home.records, trained_again), home.outputs), tmp_path / "backup")
    restore(tmp_path / "backup", elsewhere.place)

    with closing(elsewhere.open()) as store:
        assert store.get(Kind.MODEL, RUN)["version"] == 2
    assert weights_of(elsewhere.outputs) == "weights of version 2 of r"
    assert "version 1 of c/p/e/r" in made.missing


def test_committed_rounds_of_a_job_that_runs_are_in_it_and_what_is_not_committed_is_not(
    trainer: Trainer, home: Home, elsewhere: Home, tmp_path: Path
) -> None:
    job = trainer.begin()
    trainer.commit(job, 6)
    trainer.commit(job, 7)
    with (home.outputs / ".rounds" / job.id / "committed.jsonl").open("a") as log:
        log.write('{"round": 8')
    beginning = home.outputs / ".rounds" / job.id / "round_8"
    beginning.mkdir()
    (beginning / "answer_0_hospital_1.safetensors").write_text("half of")

    made = back_up(home.place, tmp_path / "backup")
    restore(tmp_path / "backup", elsewhere.place)

    rounds = elsewhere.outputs / ".rounds" / job.id
    assert made.unfinished == 1
    assert sorted(path.name for path in rounds.iterdir()) == ["committed.jsonl", "definition", "round_6", "round_7"]
    assert (rounds / "committed.jsonl").read_text() == '{"round": 6}\n{"round": 7}\n'
    assert (rounds / "round_7" / "global.safetensors").read_text() == "round 7"


def test_what_records_speak_of_and_is_not_there_is_told(trainer: Trainer, home: Home, tmp_path: Path) -> None:
    trainer.record(1)

    assert back_up(home.place, tmp_path / "backup").missing == ("version 1 of c/p/e/r",)


def test_nothing_is_left_in_the_outputs_folder(trainer: Trainer, home: Home, tmp_path: Path) -> None:
    trainer.write(1)
    trainer.record(1)
    (home.outputs / ".backup-of_one_that_was_killed").mkdir()

    back_up(home.place, tmp_path / "backup")

    # The lock's file stays: whoever removed it might leave two with one each.
    assert {path.name for path in home.outputs.iterdir()} == {"c", ".backup.lock"}
    assert RUN.folder(home.outputs).joinpath(WEIGHTS).stat().st_nlink == 1


def test_a_full_disk_leaves_no_backup(trainer: Trainer, home: Home, tmp_path: Path) -> None:
    (trainer.write(1) / WEIGHTS).write_bytes(bytes(400_000))
    trainer.record(1)
    before = sorted(tmp_path.iterdir())

    with files_up_to(350_000), pytest.raises(OSError, match="too large"):
        back_up(home.place, tmp_path / "backup")

    assert sorted(tmp_path.iterdir()) == before
    assert back_up(home.place, tmp_path / "backup").missing == ()


def test_a_backup_is_for_its_owner_alone(trainer: Trainer, home: Home, tmp_path: Path) -> None:
    trainer.write(1)
    trainer.record(1)

    back_up(home.place, tmp_path / "backup")

    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o700
    stored = [path for path in (tmp_path / "backup").rglob("*") if path.is_file() and path.name != "backup.json"]
    assert {path.stat().st_mode & 0o777 for path in stored} == {0o600}


def test_tracked_figures_come_along_and_name_their_artifacts_where_those_are_now(
    home: Home, elsewhere: Home, trainer: Trainer, tmp_path: Path
) -> None:
    mlflow = home.folder / "mlflow"
    (mlflow / "artifacts").mkdir(parents=True)
    (mlflow / "artifacts" / "losses.json").write_text("{}")
    with closing(sqlite3.connect(mlflow / "mlflow.db")) as store, store:
        store.execute("CREATE TABLE experiments (artifact_location)")
        store.execute("CREATE TABLE runs (artifact_uri)")
        store.execute("INSERT INTO runs VALUES (?)", ((mlflow / "artifacts").as_uri() + "/1",))
        store.execute("INSERT INTO experiments VALUES ('s3://of/somebody/else')")

    back_up(home.place, tmp_path / "backup")
    restore(tmp_path / "backup", elsewhere.place)

    with closing(sqlite3.connect(elsewhere.folder / "mlflow" / "mlflow.db")) as store:
        assert store.execute("SELECT artifact_uri FROM runs").fetchall() == [
            ((elsewhere.folder / "mlflow" / "artifacts").as_uri() + "/1",)
        ]
        assert store.execute("SELECT artifact_location FROM experiments").fetchall() == [("s3://of/somebody/else",)]
    assert (elsewhere.folder / "mlflow" / "artifacts" / "losses.json").read_text() == "{}"


@contextmanager
def nothing_written(folder: Path) -> Iterator[None]:
    before = sorted(folder.rglob("*"))
    yield
    assert sorted(folder.rglob("*")) == before


@pytest.fixture
def made(trainer: Trainer, home: Home, tmp_path: Path) -> Path:
    trainer.write(1)
    trainer.record(1)
    back_up(home.place, tmp_path / "backup")
    return tmp_path / "backup"


@pytest.mark.parametrize("damage", ["changed", "missing"])
@pytest.mark.parametrize("file", ["records/records.sqlite", f"outputs/c/p/e/r/{WEIGHTS}"])
def test_a_damaged_backup_is_refused_and_says_which_file(
    made: Path, elsewhere: Home, tmp_path: Path, damage: str, file: str
) -> None:
    if damage == "changed":
        (made / file).write_bytes((made / file).read_bytes()[:-1] + b"?")
    else:
        (made / file).unlink()

    with nothing_written(tmp_path), pytest.raises(Conflict, match=f"the backup is damaged: {file}"):
        restore(made, elsewhere.place)


def test_nothing_is_written_over(made: Path, home: Home, elsewhere: Home, tmp_path: Path) -> None:
    with nothing_written(tmp_path), pytest.raises(Conflict, match=r"there is a record store already, .*; move it away"):
        restore(made, home.place)
    elsewhere.outputs.mkdir(parents=True)
    (elsewhere.outputs / "c").mkdir()
    with nothing_written(tmp_path), pytest.raises(Conflict, match="outputs is not empty; move away what is there"):
        restore(made, elsewhere.place)


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
def test_a_log_that_was_left_beside_the_records_is_in_the_way(made: Path, elsewhere: Home, suffix: str) -> None:
    elsewhere.records.parent.mkdir(parents=True, exist_ok=True)
    left = elsewhere.records.with_name(f"records.sqlite{suffix}")
    left.write_bytes(b"left by a program that was killed")

    with pytest.raises(Conflict, match=rf"a part of one, .*{suffix}; move it away"):
        restore(made, elsewhere.place)


def test_a_restore_onto_a_full_disk_leaves_nothing_and_works_when_there_is_room(
    made: Path, elsewhere: Home, tmp_path: Path
) -> None:
    with files_up_to(60_000), pytest.raises(OSError, match="too large"):
        restore(made, elsewhere.place)

    assert not [path for path in elsewhere.folder.rglob("*") if path.is_file()]
    assert restore(made, elsewhere.place).missing == ()


def test_what_is_no_backup_is_said(tmp_path: Path, elsewhere: Home, made: Path) -> None:
    with pytest.raises(RecordNotFound, match=r"is no backup: there is no backup\.json in it"):
        restore(tmp_path, elsewhere.place)
    (made / "backup.json").write_text("{}")
    with pytest.raises(InvalidRequest, match=r"backup\.json.*format"):
        restore(made, elsewhere.place)


def test_a_backup_of_a_later_release_is_refused(made: Path, elsewhere: Home) -> None:
    told = json.loads((made / "backup.json").read_text())
    (made / "backup.json").write_text(json.dumps({**told, "format": 99, "synergos": "7.0.0"}))

    with pytest.raises(NotSupported, match=r"made by Synergos 7\.0\.0; restore it with that release"):
        restore(made, elsewhere.place)


@pytest.mark.parametrize("name", ["outputs/../../home/outputs", "../outside", "/outside", "outputs//outside"])
def test_a_file_that_leads_out_of_the_backup_is_refused(made: Path, elsewhere: Home, tmp_path: Path, name: str) -> None:
    (tmp_path / "outside").write_bytes((made / f"outputs/c/p/e/r/{WEIGHTS}").read_bytes())
    told = json.loads((made / "backup.json").read_text())
    files = told["files"]
    files[name] = files.pop(f"outputs/c/p/e/r/{WEIGHTS}")
    (made / "backup.json").write_text(json.dumps(told))

    with pytest.raises(Conflict, match="the backup is damaged"):
        restore(made, elsewhere.place)


def test_one_backup_is_made_at_a_time(trainer: Trainer, home: Home, tmp_path: Path) -> None:
    def another() -> None:
        back_up(home.place, tmp_path / "another")

    with pytest.raises(Conflict, match="is being made already"):
        back_up(Place(Meanwhile(home.records, another), home.outputs), tmp_path / "backup")


def test_a_place_that_is_none_is_said(home: Home, tmp_path: Path) -> None:
    with pytest.raises(RecordNotFound, match="there is no record store"):
        back_up(Place(SqliteRecords(tmp_path / "none.sqlite"), home.outputs), tmp_path / "backup")
    with pytest.raises(Conflict, match="is there already; name a folder that is not"):
        back_up(home.place, tmp_path)
    assert not (tmp_path / "backup").exists()


def test_a_ledger_is_in_the_backup_as_far_as_its_last_whole_line_and_is_not_put_back(
    trainer: Trainer, home: Home, elsewhere: Home, tmp_path: Path
) -> None:
    own = home.folder / "data"
    place = LedgerPlace(own, "ttp")
    ledger = Ledger(place, Renewable(own / TRUST / "ttp.json"))
    for number in range(3):
        ledger.note("read", {"asked": f"GET /{number}"})
    ledger.close()
    [file] = place.files()
    with file.open("ab") as half:
        half.write(b'{"number": 4, "what": "re')

    back_up(replace(home.place, own=own), tmp_path / "backup")
    restore(tmp_path / "backup", replace(elsewhere.place, own=elsewhere.folder / "data"))

    [copied] = places_in(tmp_path / "backup" / "ledger")
    found = verify(copied)
    assert (found.is_sound, found.lines) == (True, 4)
    assert not (tmp_path / "backup" / "ledger" / TRUST / "ttp.json").exists()
    assert not list(places_in(elsewhere.folder / "data"))
