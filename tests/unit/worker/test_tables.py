from __future__ import annotations

from pathlib import Path

import pytest

from factories.image_data import picture, write_images
from factories.worker_data import write_dataset
from synergos.domain.feature_space import Action
from synergos.domain.tags import Purpose
from synergos.errors import UnusableData
from synergos_worker.data_root import DataRoot
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.tables import LoadedTable, Tables

CSV, SCHEMA = "age,target\n40,0\n70,1\n", {"age": "int32", "target": "category"}
ROW_BYTES = 12
"""A number, and the code of a label."""


def loaded(root: Path, *tags: str) -> LoadedTable:
    table = Tables(DataRoot(root), keep=1)
    return table.get(Action.CLASSIFY, Purpose.TRAIN, [tuple(tag.split("/")) for tag in tags])


@pytest.mark.parametrize("tags", [("a", "a/deep"), ("a/deep", "a")])
def test_nested_tags_would_read_a_file_twice(tmp_path: Path, tags: tuple[str, str]) -> None:
    write_dataset(tmp_path, ["a"], CSV, SCHEMA)
    write_dataset(tmp_path, ["a", "deep"], CSV, SCHEMA)

    with pytest.raises(UnusableData, match=f"{tags[0]} and {tags[1]} both reach a/deep/rows.csv") as caught:
        loaded(tmp_path, *tags)

    assert caught.value.field == "tags.train"


def test_a_folder_and_a_link_to_it_are_one(tmp_path: Path) -> None:
    write_dataset(tmp_path, ["a"], CSV, SCHEMA)
    (tmp_path / "b").symlink_to(tmp_path / "a")

    with pytest.raises(UnusableData, match=r"a and b both reach b/rows\.csv"):
        loaded(tmp_path, "a", "b")


@pytest.mark.parametrize("method", ["hardlink_to", "symlink_to"])
def test_a_file_has_one_name_in_a_folder(tmp_path: Path, method: str) -> None:
    folder = write_dataset(tmp_path, ["a"], CSV, SCHEMA)
    getattr(folder / "same.csv", method)(folder / "rows.csv")

    with pytest.raises(UnusableData, match=r"a/same\.csv: is the same file as a/rows\.csv"):
        loaded(tmp_path, "a")


def test_files_that_have_more_bytes_than_there_is_room_for_are_refused_unread(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path, ["a"], CSV, SCHEMA)
    with (folder / "sparse.csv").open("wb") as file:
        file.truncate(2**40)
    table = Tables(DataRoot(tmp_path), keep=1, room=2**30)

    with pytest.raises(
        UnusableData, match=r"a/sparse\.csv: has 1,099,511,627,776 of the .* room for 1,073,741,824"
    ) as caught:
        table.get(Action.CLASSIFY, Purpose.TRAIN, [("a",)])

    assert caught.value.field == "a/sparse.csv"


def test_two_tags_may_share_a_schema(tmp_path: Path) -> None:
    first = write_dataset(tmp_path, ["a"], CSV, SCHEMA)
    second = write_dataset(tmp_path, ["b"], CSV, None)
    (second / "schema.json").symlink_to(first / "schema.json")

    assert loaded(tmp_path, "a", "b").table.origins == (("a/rows.csv", 2), ("b/rows.csv", 2))


def test_two_folders_of_images_may_be_nested_since_their_mappings_say_what_they_hold(tmp_path: Path) -> None:
    images = {"0.png": picture((4, 4)), "1.png": picture((4, 4), 1)}
    write_images(tmp_path, ["a"], images, ["x", "y"])
    write_images(tmp_path, ["a", "deep"], images, ["x", "y"])

    assert len(loaded(tmp_path, "a", "a/deep").table.origins) == 4


def test_images_are_not_mapped_twice(tmp_path: Path) -> None:
    first = write_images(tmp_path, ["a"], {"0.png": picture((4, 4))}, ["x"])
    second = write_images(tmp_path, ["b"], {"0.png": picture((4, 4))}, ["x"])
    (second / "mapping.csv").unlink()
    (second / "mapping.csv").symlink_to(first / "mapping.csv")

    with pytest.raises(UnusableData, match=r"a and b both reach b/mapping\.csv"):
        loaded(tmp_path, "a", "b")


def test_tables_have_no_operations(tmp_path: Path) -> None:
    write_dataset(tmp_path, ["a"], CSV, SCHEMA, metadata='{"datatype": "tabular", "operations": {"size": [1, 1]}}')

    with pytest.raises(UnusableData, match=r"a/metadata\.json: operations: expected none"):
        loaded(tmp_path, "a")


def test_tables_that_are_kept_count_and_whose_was_not_used_for_longest_gives_way(tmp_path: Path) -> None:
    room: list[int] = []
    tables = Tables(DataRoot(tmp_path), keep=9, policy=OPEN, make_room=lambda: room.append(tables.bytes))
    for name in ("a", "b", "c"):
        write_dataset(tmp_path, [name], CSV, SCHEMA)
        # Its number, and its label.
        assert tables.get(Action.CLASSIFY, Purpose.TRAIN, [(name,)]).table.bytes == ROW_BYTES * 2
    again = tables.get(Action.CLASSIFY, Purpose.TRAIN, [("a",)])

    assert room == [ROW_BYTES * 2, ROW_BYTES * 4, ROW_BYTES * 6]
    assert [tables.drop_oldest() for _ in range(3)] == [True, True, False]
    # It has a place for as long as somebody has it; to drop it would free nothing.
    assert tables.get(Action.CLASSIFY, Purpose.TRAIN, [("a",)]).table is again.table
    assert (tables.bytes, tables.oldest) == (ROW_BYTES * 2, None)
    del again
    assert tables.drop_oldest()
    assert tables.bytes == 0


def test_tables_that_are_kept_take_no_more_than_they_may_beside_the_newest(tmp_path: Path) -> None:
    tables = Tables(DataRoot(tmp_path), keep=9, policy=OPEN, most=ROW_BYTES * 5)
    for name in ("a", "b", "c"):
        write_dataset(tmp_path, [name], CSV, SCHEMA)
        tables.get(Action.CLASSIFY, Purpose.TRAIN, [(name,)])
    assert tables.bytes == ROW_BYTES * 4

    write_dataset(tmp_path, ["many"], "age,target\n" + "40,0\n70,1\n" * 10, SCHEMA)
    tables.get(Action.CLASSIFY, Purpose.TRAIN, [("many",)])
    assert tables.bytes == ROW_BYTES * 20
