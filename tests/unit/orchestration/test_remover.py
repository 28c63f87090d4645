"""What was deleted is removed where it lies, as soon as somebody is there."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from synergos.domain.grid import Node
from synergos.domain.keys import ExperimentKey, RunKey
from synergos.domain.removal import Removal
from synergos.errors import WorkerRefused, WorkerUnreachable
from synergos.orchestration.remover import Remover
from synergos.records import RecordStore
from synergos.records.removals import Removals

RUN = RunKey("c", "p", "e", "r")
A, B = (Node(who, who, 5000, 8020) for who in ("bank_a", "bank_b"))


class Workers:
    """Those that are away, and those that refuse."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.unwilling: set[str] = set()
        self.asked: list[str] = []
        self.removed: list[tuple[str, str]] = []

    def __call__(self, removal: Removal, node: Node, age: float) -> None:
        self.asked.append(node.host)
        if node.host in self.away:
            raise WorkerUnreachable("cannot be reached", node.participant_id)
        if node.host in self.unwilling:
            raise WorkerRefused("no", node.participant_id, 503)
        self.removed.append((node.host, removal.folder.ids[-1]))


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    folder = RUN.folder(tmp_path / "outputs")
    folder.mkdir(parents=True)
    (folder / "model.pt").write_text("weights")
    return tmp_path / "outputs"


def remover(store: RecordStore, outputs: Path, workers: Workers, retry_seconds: float = 0.0) -> Remover:
    return Remover(store, outputs, None, workers, retry_seconds=retry_seconds)


def test_files_are_removed_here_and_at_workers_and_that_is_all_there_is_to_do(
    store: RecordStore, outputs: Path
) -> None:
    now, workers = store.database.now(), Workers()
    Removals(store).add([Removal(RUN, now), Removal(RUN, now, node=A), Removal(RUN, now, node=B)])

    remover(store, outputs, workers).carry_out()

    assert not RUN.folder(outputs).exists()
    assert sorted(workers.removed) == [("bank_a", "r"), ("bank_b", "r")]
    assert Removals(store).select({}).items == []


def test_what_a_crash_left_beside_a_run_goes_with_it(store: RecordStore, outputs: Path) -> None:
    crashed = RUN.folder(outputs).with_name(f".staging-{'0' * 32}-r")
    of_another = crashed.with_name(f".staging-{'0' * 32}-r2")
    for folder in (crashed, of_another):
        folder.mkdir()
        (folder / "model.pt").write_text("half of the weights")
    Removals(store).add([Removal(RUN, store.database.now())])

    remover(store, outputs, Workers()).carry_out()

    assert [path.name for path in crashed.parent.iterdir()] == [of_another.name]


def test_who_is_away_is_asked_again_once_and_nobody_else_waits(store: RecordStore, outputs: Path) -> None:
    now, workers = store.database.now(), Workers()
    workers.away = {"bank_b"}
    runs = [RUN, RunKey("c", "p", "e", "r2")]
    Removals(store).add([Removal(run, now, node=node) for node in (A, B) for run in runs])
    removing = remover(store, outputs, workers)

    removing.carry_out()

    left = Removals(store).select({}).items
    assert [(each.place, each.reason) for each in left] == [("bank_b", "bank_b: cannot be reached")] * 2
    assert sorted(workers.removed) == [("bank_a", "r"), ("bank_a", "r2")]
    assert workers.asked.count("bank_b") == 1
    with capture_logs() as lines:
        removing.carry_out()
    assert workers.asked.count("bank_b") == 2
    assert lines == [], "it was said before"

    workers.away = set()
    removing.carry_out()

    assert Removals(store).select({}).items == []
    assert workers.removed[-2:] == [("bank_b", "r"), ("bank_b", "r2")]


def test_a_refusal_is_of_one_removal_and_is_tried_again_later(store: RecordStore, outputs: Path) -> None:
    now, workers = store.database.now(), Workers()
    workers.unwilling = {"bank_a"}
    Removals(store).add([Removal(RUN, now, node=A), Removal(RUN.experiment, now, node=A)])
    patient = remover(store, outputs, workers, retry_seconds=3600.0)

    patient.carry_out()
    patient.carry_out()

    assert workers.asked == ["bank_a", "bank_a"]
    assert [each.reason for each in Removals(store).select({}).items] == ["bank_a: no", "bank_a: no"]


def test_a_run_that_was_declared_again_meanwhile_keeps_what_it_has_written(store: RecordStore, outputs: Path) -> None:
    folder = RUN.folder(outputs)
    (folder / "old.json").write_text("of the run that was deleted")
    hour_ago = store.database.now() - timedelta(hours=1)
    os.utime(folder / "old.json", (0, 0))
    Removals(store).add([Removal(RUN, hour_ago)])

    remover(store, outputs, Workers()).carry_out()

    assert [path.name for path in folder.iterdir()] == ["model.pt"]
    assert Removals(store).select({}).items == []


def test_a_file_that_cannot_be_removed_is_told_with_its_reason(store: RecordStore, outputs: Path) -> None:
    class Stubborn(Remover):
        def _remove(self, removal: Removal) -> None:
            raise PermissionError(13, "Permission denied", "/secret/place")

    Removals(store).add([Removal(ExperimentKey("c", "p", "e"), store.database.now())])

    Stubborn(store, outputs, None).carry_out()

    assert [each.reason for each in Removals(store).select({}).items] == ["Permission denied"]


def test_a_director_leaves_what_lies_at_workers_and_ttps_to_ttps(store: RecordStore, outputs: Path) -> None:
    now = store.database.now()
    at_ttp, at_worker = Removal(RUN, now, grid=0), Removal(RUN, now, grid=1, node=A)
    Removals(store).add([Removal(RUN, now), at_ttp, at_worker])

    Remover(store, outputs, {None}).carry_out()

    assert Removals(store).select({}).items == [at_ttp, at_worker]
