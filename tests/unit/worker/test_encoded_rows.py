"""Large tables give way to their examples, small ones and those that somebody else has do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from factories.feature_spaces import features, labels
from factories.worker_data import write_dataset
from synergos.domain.feature_space import Action, FeatureSpace, NumericColumn
from synergos.domain.tags import Purpose
from synergos.errors import UnusableData
from synergos_worker.data_root import DataRoot
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.encoded_rows import Encoded, EncodedRows
from synergos_worker.tables import LoadedTable, Tables

TAGS = [("a",)]
CSV, SCHEMA = "age,target\n10,0\n20,1\n", {"age": "float64", "target": "category"}
SPACE = FeatureSpace(
    datatype="tabular",
    action=Action.CLASSIFY,
    X=features("age"),
    y=labels("0", "1"),
    input_shape=(1,),
    numeric={"age": NumericColumn(minimum=0.0, maximum=40.0, mean=20.0)},
)


class CountingTables(Tables):
    """Counts how often a table is asked for."""

    asked = 0

    def get(self, *args: object) -> LoadedTable:
        self.asked += 1
        return super().get(*args)  # type: ignore[arg-type]


class Worker:
    """The rows of one folder."""

    def __init__(self, root: Path, large: int = 0, keep: int = 2, most: int | None = None) -> None:
        write_dataset(root, ["a"], CSV, SCHEMA)
        self.tables = CountingTables(DataRoot(root), 2, OPEN)
        self.set_aside: list[int] = []
        self.encoded = EncodedRows(self.tables, keep, large, most)

    def table(self) -> LoadedTable:
        return self.tables.get(Action.CLASSIFY, Purpose.TRAIN, TAGS)

    def rows(self, space: FeatureSpace = SPACE, purpose: Purpose = Purpose.TRAIN) -> Encoded:
        return self.encoded.get(purpose, TAGS, space, None, self.table, self.set_aside.append)


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    return Worker(tmp_path)


def test_sessions_of_one_feature_space_share_examples(worker: Worker) -> None:
    first, second = worker.rows(), worker.rows()

    assert first.examples.inputs.tolist() == [[0.25], [0.5]]
    assert second.examples is first.examples
    assert worker.tables.asked == 1


def test_rows_are_set_aside_for_each_session_that_has_them(worker: Worker) -> None:
    worker.rows()
    worker.rows()

    assert worker.set_aside == [2, 2]


def test_examples_that_are_kept_give_way(worker: Worker) -> None:
    first = worker.rows()
    before = worker.encoded.bytes

    assert [worker.encoded.drop_oldest(), worker.encoded.drop_oldest()] == [True, False]
    assert (before, worker.encoded.bytes) == (8, 0)
    assert worker.rows().examples is not first.examples


def test_another_feature_space_has_examples_of_its_own(worker: Worker) -> None:
    worker.rows()
    other = replace(SPACE, numeric={"age": NumericColumn(minimum=0.0, maximum=20.0, mean=20.0)})

    assert worker.rows(other).examples.inputs.tolist() == [[0.5], [1.0]]


def test_examples_of_a_file_that_was_changed_are_made_anew(worker: Worker, tmp_path: Path) -> None:
    worker.rows()
    write_dataset(tmp_path, ["a"], "age,target\n40,0\n", SCHEMA)

    assert worker.rows().examples.inputs.tolist() == [[1.0]]


def test_files_that_are_gone_are_told(worker: Worker, tmp_path: Path) -> None:
    worker.rows()
    (tmp_path / "a" / "metadata.json").unlink()

    with pytest.raises(UnusableData):
        worker.rows()


def test_a_table_that_somebody_else_has_stays_as_it_is(worker: Worker) -> None:
    held = worker.table().telling(10)

    worker.rows()

    assert worker.table().table is held.table


def test_a_table_that_nobody_has_any_more_gives_way(worker: Worker) -> None:
    held = worker.table()
    table = held.table
    del held

    worker.rows()

    assert worker.table().table is not table


def test_a_small_table_stays_in_memory(tmp_path: Path) -> None:
    worker = Worker(tmp_path, large=2**20)
    table = worker.table().table

    worker.rows()

    assert worker.table().table is table


def test_a_bounded_number_is_kept(tmp_path: Path) -> None:
    worker = Worker(tmp_path, keep=1)
    first = worker.rows()

    worker.rows(purpose=Purpose.EVALUATE)

    assert worker.rows().examples is not first.examples


@pytest.mark.parametrize(("most", "is_kept"), [(16, True), (15, False), (0, False)])
def test_examples_are_kept_up_to_a_number_of_bytes(tmp_path: Path, most: int, is_kept: bool) -> None:
    worker = Worker(tmp_path, most=most)
    first = worker.rows()

    second = worker.rows(purpose=Purpose.EVALUATE)

    assert worker.rows(purpose=Purpose.EVALUATE).examples is second.examples
    assert (worker.rows().examples is first.examples) is is_kept


def test_a_table_that_was_given_up_is_read_again(worker: Worker) -> None:
    worker.rows()

    loaded = worker.table()
    assert np.array_equal(loaded.table.numbers[:, 0], [10.0, 20.0])  # type: ignore[attr-defined]
