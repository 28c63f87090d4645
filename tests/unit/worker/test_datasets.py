from __future__ import annotations

import os
from pathlib import Path

import pytest

from factories.worker_data import write_dataset
from synergos.errors import InvalidRequest, UnusableData
from synergos_worker.data_root import DataRoot

CSV, SCHEMA = "age,target\n1,0\n", {"age": "int32", "target": "category"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    write_dataset(folder, ["hospital", "train"], CSV, SCHEMA)
    return folder


def test_a_tag_is_a_path_below_the_data_root(root: Path) -> None:
    dataset = DataRoot(root).dataset(("hospital", "train"), "tags.train[0]")

    assert dataset.datatype == "tabular"
    assert [file.name for file in dataset.files_ending(".csv")] == ["hospital/train/rows.csv"]


@pytest.mark.parametrize("tag", [("..", "outside"), ("hospital/train",), (".",), (), ("hospital", "")])
def test_a_tag_cannot_be_anything_but_plain_folder_names(root: Path, tag: tuple[str, ...]) -> None:
    write_dataset(root.parent, ["outside"], CSV, SCHEMA)

    with pytest.raises(InvalidRequest, match=r"^tags\.train\[0\]"):
        DataRoot(root).dataset(tag, "tags.train[0]")


@pytest.mark.parametrize("tag", [("train",), ("hospital", "test"), ("train", "hospital")])
def test_a_tag_matches_one_place_only(root: Path, tag: tuple[str, ...]) -> None:
    with pytest.raises(UnusableData, match="there is no folder") as caught:
        DataRoot(root).dataset(tag, "tags.train[0]")

    assert caught.value.field == "tags.train[0]"


def test_a_linked_folder_outside_the_root_is_refused(root: Path) -> None:
    write_dataset(root.parent, ["outside"], CSV, SCHEMA)
    (root / "sly").symlink_to(root.parent / "outside")

    with pytest.raises(UnusableData, match="leads out of the data folder"):
        DataRoot(root).dataset(("sly",), "tags.train[0]")


def test_a_linked_file_outside_the_root_is_refused(root: Path) -> None:
    secret = root.parent / "secret.csv"
    secret.write_text(CSV)
    (root / "hospital" / "train" / "more.csv").symlink_to(secret)

    with pytest.raises(UnusableData, match=r"hospital/train/more\.csv: is a link that leads out"):
        DataRoot(root).dataset(("hospital", "train"), "tags.train[0]")


def test_a_link_within_the_root_is_followed(root: Path) -> None:
    (root / "short").symlink_to(root / "hospital" / "train")

    assert DataRoot(root).dataset(("short",), "tags.train[0]").files_ending(".csv")[0].name == "short/rows.csv"


def test_links_in_a_circle_are_refused(root: Path) -> None:
    (root / "a").symlink_to(root / "b")
    (root / "b").symlink_to(root / "a")

    with pytest.raises(UnusableData):
        DataRoot(root).dataset(("a",), "tags.train[0]")


def test_a_pipe_is_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "hospital" / "train" / "pipe.csv")

    with pytest.raises(UnusableData, match=r"pipe\.csv: is not a file"):
        DataRoot(root).dataset(("hospital", "train"), "tags.train[0]")


@pytest.mark.parametrize(
    ("metadata", "complaint"),
    [
        (None, "has no metadata.json"),
        ('{"datatype": "tabluar"}', "'tabluar' is not one of .* did you mean tabular"),
        ("{}", r"datatype: is required; expected image or tabular"),
        ('{"type": "tabular"}', r"type: 'type' is not a known field; did you mean datatype\?"),
        ('{"datatype": "table"}', "did you mean tabular"),
        ('{"datatype": "text"}', "datatype: 'text' is not one of image, tabular"),
        ("{", r"odd/metadata\.json: line 1 is not JSON: Expecting property name"),
        ('{\n "datatype": "tabular",\n}', r"line 3 is not JSON: .*quotes \(column 1\)"),
        ("[]", "expected a JSON object"),
        ('{"datatype": "tabular", "operatons": {}}', r"operatons: .* did you mean operations"),
        ('{"datatype": "tabular", "operations": []}', "operations: expected an object, got a list"),
        ('{"datatype": "tabular", "delimiter": ";;"}', "delimiter: expected at most 1 characters"),
        ('{"datatype": "tabular", "delimiter": "1"}', "delimiter: expected a sign that is no part of cells"),
        ('{"datatype": "tabular", "encoding": "cp125"}', "encoding: expected the name of an encoding"),
        ('{"datatype": "tabular", "encoding": "base64"}', "encoding: expected the name of an encoding"),
        ('{"datatype": "tabular", "decimal": ","}', "decimal: expected another delimiter beside it"),
        ('{"datatype": "tabular", "decimal": ";"}', r"decimal: ';' is not one of \., ,"),
        ('{"datatype": "tabular", "exclusions": {"rows": [1]}}', "exclusions: expected at most 0 entries"),
    ],
)
def test_metadata_must_say_the_datatype(root: Path, metadata: str | None, complaint: str) -> None:
    write_dataset(root, ["odd"], CSV, SCHEMA, metadata=metadata)

    with pytest.raises(UnusableData, match=complaint):
        DataRoot(root).dataset(("odd",), "tags.train[0]")


def test_metadata_say_how_files_are_written(root: Path) -> None:
    said = '{"datatype": "tabular", "delimiter": ";", "decimal": ",", "encoding": "cp1252", "exclusions": {}}'
    write_dataset(root, ["odd"], CSV, SCHEMA, metadata=said)

    metadata = DataRoot(root).dataset(("odd",), "tags.train[0]").metadata

    assert (metadata.delimiter, metadata.decimal, metadata.encoding) == (";", ",", "cp1252")


@pytest.mark.parametrize(
    "name",
    [
        ".ipynb_checkpoints/rows-checkpoint.csv",
        "__MACOSX/rows.csv",
        "deep/.git/rows.csv",
        "._rows.csv",
        ".~lock.rows.csv",
        "~$rows.csv",
        "rows.csv~",
        "rows.csv.swp",
        "#rows.csv#",
        "rows.csv.bak",
        "Thumbs.db",
        "desktop.ini",
    ],
)
@pytest.mark.parametrize("datatype", ["tabular", "image"])
def test_files_nobody_put_there_are_no_part_of_a_dataset(root: Path, name: str, datatype: str) -> None:
    write_dataset(root, ["hospital", "train"], CSV, None, name=name, metadata=f'{{"datatype": "{datatype}"}}')

    names = [file.name for file in DataRoot(root).dataset(("hospital", "train"), "tags.train[0]").files]

    assert names == [f"hospital/train/{name}" for name in ("metadata.json", "rows.csv", "schema.json")]


def test_a_folder_whose_tag_names_it_is_no_left_over(root: Path) -> None:
    write_dataset(root, [".hidden"], CSV, SCHEMA)

    assert DataRoot(root).dataset((".hidden",), "tags.train[0]").files_ending(".csv")


def test_the_fingerprint_changes_with_size_and_with_time(root: Path) -> None:
    def fingerprint() -> object:
        return DataRoot(root).dataset(("hospital", "train"), "tags.train[0]").fingerprint()

    csv = root / "hospital" / "train" / "rows.csv"
    before = fingerprint()
    assert fingerprint() == before

    os.utime(csv, ns=(1, 1))
    touched = fingerprint()
    csv.write_text(CSV + "2,1\n")
    os.utime(csv, ns=(1, 1))

    assert len({before, touched, fingerprint()}) == 3


def test_files_come_in_order_of_their_path(root: Path) -> None:
    for name in ("b.csv", "a/z.csv", "C.CSV"):
        write_dataset(root, ["many"], CSV, SCHEMA, name=name)

    dataset = DataRoot(root).dataset(("many",), "tags.train[0]")

    assert [file.name for file in dataset.files_ending(".csv")] == ["many/C.CSV", "many/a/z.csv", "many/b.csv"]
