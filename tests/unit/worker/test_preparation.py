from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from factories.worker_data import wine, write_dataset, write_frame
from support.waiting import until
from synergos.domain.feature_space import Action
from synergos.domain.keys import ProjectKey
from synergos.domain.tags import Purpose, Tag
from synergos.errors import Conflict, JobCancelled, RecordNotFound, ServiceStopping
from synergos.tables.stopping import given_up, refuse_unwanted
from synergos_worker.data_root import DataRoot
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.pipelines import Table
from synergos_worker.preparation import Preparation, Preparations, State
from synergos_worker.tables import LoadedTable, Tables

SCHEMA = {"age": "int32", "target": "category"}
PROJECT = ProjectKey("c", "p")


class SlowTables(Tables):
    """Tables that are read when a test says so."""

    def __init__(self, root: DataRoot) -> None:
        super().__init__(root, keep=2, policy=OPEN)
        self.may_read = threading.Event()
        self.reads: list[Sequence[Tag]] = []

    def get(self, action: Action, purpose: Purpose, tags: Sequence[Tag]) -> LoadedTable:
        assert self.may_read.wait(30)
        self.reads.append(tags)
        return super().get(action, purpose, tags)


@pytest.fixture
def tables(tmp_path: Path) -> SlowTables:
    for name in ("a", "b", "c"):
        write_dataset(tmp_path, [name], "age,target\n1,0\n2,1\n", SCHEMA)
    return SlowTables(DataRoot(tmp_path))


@pytest.fixture
def preparations(tables: SlowTables) -> Iterator[Preparations]:
    found = Preparations(tables, keep=2)
    yield found
    tables.may_read.set()
    found.stop()


def submit(preparations: Preparations, name: str) -> Preparation:
    return preparations.submit(PROJECT, Action.CLASSIFY, {Purpose.TRAIN: ((name,),)})


def finished(preparations: Preparations, identifier: str) -> Preparation:
    return preparations.get(PROJECT, identifier, wait=30)


def test_one_waits_for_another(tables: SlowTables, preparations: Preparations) -> None:
    first, second = submit(preparations, "a"), submit(preparations, "b")
    waiting = preparations.get(PROJECT, second.id)
    ahead = preparations.ahead_of(waiting)
    tables.may_read.set()

    assert (waiting.state, ahead) == (State.QUEUED, 1)
    assert finished(preparations, second.id).state is State.COMPLETED
    assert finished(preparations, first.id).state is State.COMPLETED
    assert preparations.ahead_of(second) == 0


def test_an_answer_is_held_back_until_the_preparation_has_ended(tables: SlowTables, preparations: Preparations) -> None:
    asked = submit(preparations, "a")
    with ThreadPoolExecutor() as pool:
        answers = [pool.submit(finished, preparations, asked.id) for _ in range(3)]
        at_once = preparations.get(PROJECT, asked.id)
        tables.may_read.set()

    assert not at_once.state.has_ended
    assert [answer.result().state for answer in answers] == [State.COMPLETED] * 3


def test_asking_again_while_it_is_waiting_or_running_joins(tables: SlowTables, preparations: Preparations) -> None:
    first = submit(preparations, "a")
    again = submit(preparations, "a")
    tables.may_read.set()
    finished(preparations, first.id)

    assert again.id == first.id
    assert len(tables.reads) == 1


def test_action_and_project_make_another_preparation(preparations: Preparations) -> None:
    first = submit(preparations, "a")
    other = preparations.submit(ProjectKey("c2", "p"), Action.CLASSIFY, first.tags)

    assert other.id != first.id
    with pytest.raises(RecordNotFound):
        preparations.get(PROJECT, other.id)


def test_only_so_many_wait(preparations: Preparations) -> None:
    submit(preparations, "a")
    submit(preparations, "b")

    with pytest.raises(Conflict, match="2 preparations are waiting already"):
        submit(preparations, "c")


def test_the_ones_that_ended_first_are_forgotten_first(tables: SlowTables, preparations: Preparations) -> None:
    tables.may_read.set()
    ids = []
    for name in ("a", "b", "c"):
        ids.append(submit(preparations, name).id)
        finished(preparations, ids[-1])

    with pytest.raises(RecordNotFound):
        preparations.get(PROJECT, ids[0])
    assert finished(preparations, ids[1]).state is State.COMPLETED


def test_waiting_ends_with_the_worker(preparations: Preparations) -> None:
    asked = submit(preparations, "a")
    threading.Thread(target=preparations.stop).start()

    assert preparations.get(PROJECT, asked.id, wait=30).state in {State.QUEUED, State.RUNNING}
    with pytest.raises(ServiceStopping, match="about to end"):
        submit(preparations, "b")


class BrokenTables(Tables):
    """Tables whose reading fails in a way nobody foresaw, quoting a cell."""

    def get(self, action: Action, purpose: Purpose, tags: Sequence[Tag]) -> LoadedTable:
        raise ZeroDivisionError("s3cret")


def test_what_nobody_foresaw_fails_without_its_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    preparations = Preparations(BrokenTables(DataRoot(tmp_path), keep=1, policy=OPEN), keep=2)
    asked = submit(preparations, "a")
    failed = finished(preparations, asked.id)
    preparations.stop()

    assert failed.state is State.FAILED
    assert failed.error is not None
    assert "the log of this worker says what happened" in str(failed.error["message"])
    logged = capsys.readouterr().out
    assert "ZeroDivisionError" in logged
    assert "s3cret" not in str(failed.error) + logged


def test_tables_are_kept_read_anew_when_changed_and_forgotten_in_turn(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_dataset(tmp_path, [name], "age,target\n1,0\n2,1\n", SCHEMA)
    tables = Tables(DataRoot(tmp_path), keep=2, policy=OPEN)

    def get(name: str) -> Table:
        return tables.get(Action.CLASSIFY, Purpose.TRAIN, [(name,)]).table

    first = get("a")
    assert get("a") is first
    write_dataset(tmp_path, ["a"], "age,target\n1,0\n2,1\n3,1\n", SCHEMA)
    changed = get("a")
    get("b")
    assert get("a") is changed
    get("c")

    assert changed.origins == (("a/rows.csv", 3),)
    assert get("a") is changed
    assert get("b") is not None
    assert get("a") is changed


def test_it_is_told_which_files_were_read_with_how_many_rows(
    tables: SlowTables, preparations: Preparations, tmp_path: Path
) -> None:
    write_dataset(tmp_path, ["a"], "age,target\n1,0\n", SCHEMA, name="deep/more.csv")
    write_dataset(tmp_path, ["a"], "age,target\n1,0\n", SCHEMA, name=".ipynb_checkpoints/rows-checkpoint.csv")
    tables.may_read.set()

    with capture_logs() as lines:
        result = finished(preparations, submit(preparations, "a").id).result

    assert result is not None
    assert result.metadata[Purpose.TRAIN].files == {"a/deep/more.csv": 1, "a/rows.csv": 2}
    assert {"train": {"a/deep/more.csv": 1, "a/rows.csv": 2}} in [line.get("files") for line in lines]


def test_one_is_there_for_who_has_asked_for_it_alone(tables: SlowTables, preparations: Preparations) -> None:
    tables.may_read.set()
    tags = {Purpose.TRAIN: (("a",),)}
    own, others = (preparations.submit(PROJECT, Action.CLASSIFY, tags, peer=peer).id for peer in ("1" * 64, "2" * 64))

    assert own != others
    assert preparations.get(PROJECT, own, peer="1" * 64).id == own
    for which in (own, None):
        with pytest.raises(RecordNotFound):
            preparations.get(PROJECT, which, peer="3" * 64)


class EndlessTables(Tables):
    """Tables of so many rows that nobody sees their end."""

    def get(self, action: Action, purpose: Purpose, tags: Sequence[Tag]) -> LoadedTable:
        while True:
            refuse_unwanted()


def test_what_is_read_for_somebody_who_is_revoked_is_given_up_and_never_told(tmp_path: Path) -> None:
    write_frame(tmp_path, ["some"], wine()[:20])
    preparations = Preparations(EndlessTables(DataRoot(tmp_path), keep=1, policy=OPEN), keep=3)
    tags = {Purpose.TRAIN: (("some",),)}
    asked = preparations.submit(PROJECT, Action.CLASSIFY, tags, peer="one", who="one")
    waiting = preparations.submit(PROJECT, Action.REGRESS, tags, peer="one", who="one")
    others = preparations.submit(PROJECT, Action.CLASSIFY, tags, peer="two", who="two")
    until(lambda: preparations.get(PROJECT, asked.id, peer="one").state is State.RUNNING, "it to be read")
    assert preparations.peers() == {"one", "two"}

    preparations.end_those_of({"one"})

    ended = [preparations.get(PROJECT, each.id, peer="one") for each in (asked, waiting)]
    assert [(each.state, each.result) for each in ended] == [(State.FAILED, None)] * 2
    assert "revoked" in str(ended[0].error)
    # Whoever comes next has the thread.
    until(lambda: preparations.get(PROJECT, others.id, peer="two").state is State.RUNNING, "the next one's turn")
    preparations.stop()


def test_what_nobody_wants_is_not_read_to_its_end(tmp_path: Path) -> None:
    write_frame(tmp_path, ["some"], wine()[:20])
    tables = Tables(DataRoot(tmp_path), keep=1, policy=OPEN)

    with given_up(lambda: True), pytest.raises(JobCancelled):
        tables.get(Action.CLASSIFY, Purpose.TRAIN, [("some",)])

    assert tables.get(Action.CLASSIFY, Purpose.TRAIN, [("some",)]).count == 20
