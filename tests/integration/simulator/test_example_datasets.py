"""The example datasets as they lie on disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from synergos.errors import InvalidRequest, UnknownName
from synergos_simulator.datasets import NAMES, Dataset, Split, open_dataset, write_example

ROWS = {"breast_cancer": 569, "wine": 178, "diabetes": 442, "digits": 1797, "digits_images": 1797}
LABELS = {"breast_cancer": 2, "wine": 3, "digits": 10}


def read(dataset: Dataset, tag: list[str]) -> pd.DataFrame:
    (csv,) = dataset.root.joinpath(*tag).glob("*.csv")
    return pd.read_csv(csv, dtype=str, keep_default_na=False)


def everything(dataset: Dataset) -> pd.DataFrame:
    tags = [tag for purpose in ("train", "evaluate", "predict") for tag in dataset.tags(purpose)]
    return pd.concat([read(dataset, tag) for tag in tags])


@pytest.mark.parametrize("split", Split)
@pytest.mark.parametrize("name", NAMES)
def test_every_row_lands_somewhere_exactly_once(tmp_path: Path, name: str, split: Split) -> None:
    together = everything(write_example(tmp_path, name, participants=3, split=split))
    alone = everything(write_example(tmp_path / "alone", name, participants=1))

    assert len(together) == ROWS[name]
    assert sorted(map(tuple, together.to_numpy())) == sorted(map(tuple, alone.to_numpy()))


@pytest.mark.parametrize("name", sorted({*NAMES} - {"digits_images"}))
def test_schema_and_metadata_fit_the_table(tmp_path: Path, name: str) -> None:
    dataset = write_example(tmp_path, name)
    tags = [tag for purpose in ("train", "evaluate", "predict") for tag in dataset.tags(purpose)]

    for tag in tags:
        folder = dataset.root.joinpath(*tag)
        schema = json.loads((folder / "schema.json").read_text())
        assert list(schema) == list(read(dataset, tag).columns)
        assert set(schema.values()) <= {"category", "int32", "float64"}
        assert schema["target"] == ("category" if dataset.action == "classify" else "float64")
        assert json.loads((folder / "metadata.json").read_text())["datatype"] == "tabular"
    assert len(tags) == 6


@pytest.mark.parametrize("name", LABELS)
def test_a_skewed_split_is_skewed_and_an_even_one_is_not(tmp_path: Path, name: str) -> None:
    def largest_difference(split: Split) -> float:
        dataset = write_example(tmp_path, name, split=split)
        first, second = (read(dataset, tag)["target"].value_counts(normalize=True) for tag in dataset.tags("train"))
        assert set(first.index) == set(second.index)
        assert len(first) == LABELS[name]
        return float((first - second).abs().sum() / 2)

    assert largest_difference(Split.EVEN) < 0.05
    assert largest_difference(Split.SKEWED) > 0.5


def test_digits_as_images_are_the_same_digits(tmp_path: Path) -> None:
    images, table = (write_example(tmp_path, name) for name in ("digits_images", "digits"))

    for tag, same in zip(images.tags("train"), table.tags("train"), strict=True):
        rows, numbers = read(images, tag), read(table, same)
        assert rows["target"].tolist() == numbers["target"].tolist()
        folder = images.root.joinpath(*tag)
        pixels = np.stack([np.asarray(Image.open(folder / name)) for name in rows["image"]])
        expected = numbers.drop(columns="target").to_numpy(dtype=float).reshape(-1, 8, 8)
        np.testing.assert_allclose(pixels, expected * 255 / 16, atol=0.5)
        assert json.loads((folder / "metadata.json").read_text())["operations"]["size"] == [8, 8]


def test_a_skewed_regression_differs_in_its_target(tmp_path: Path) -> None:
    dataset = write_example(tmp_path, "diabetes", split=Split.SKEWED)
    first, second = (read(dataset, tag)["target"].astype(float) for tag in dataset.tags("train"))

    assert first.mean() + 50 < second.mean()
    assert first.max() > second.min()


def test_diabetes_has_a_category_readings_on_their_own_scales_and_some_missing(tmp_path: Path) -> None:
    dataset = write_example(tmp_path, "diabetes")
    table = everything(dataset)
    schema = json.loads((dataset.root.joinpath(*dataset.tags("train")[0]) / "schema.json").read_text())

    assert schema["sex"] == "category"
    assert set(table["sex"]) == {"1", "2"}
    assert pd.to_numeric(table["s1"]).mean() > 100
    assert 0 < (table == "").to_numpy().mean() < 0.02
    assert not (table[["sex", "target"]] == "").to_numpy().any()


def test_writing_again_gives_the_same_files_and_leaves_no_stale_ones(tmp_path: Path) -> None:
    def contents() -> dict[str, str]:
        write_example(tmp_path, "wine")
        return {str(path): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}

    first = contents()
    (tmp_path / "wine_even" / "data1" / "train" / "stale.csv").write_text("x\n")

    assert contents() == first


def test_what_is_written_can_be_opened_again(tmp_path: Path) -> None:
    written = write_example(tmp_path, "wine", participants=3)
    opened = open_dataset(tmp_path / "wine_even")

    assert (opened.root, opened.action, list(opened.holdings)) == (tmp_path, "classify", list(written.holdings))
    assert list(opened.architecture) == list(written.architecture)
    assert opened.hyperparameters == written.hyperparameters


def test_an_unknown_example_is_refused_with_a_near_miss(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean breast_cancer"):
        write_example(tmp_path, "breast_cancr")


def test_too_many_participants_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="178 rows are too few for 20 participants"):
        write_example(tmp_path, "wine", participants=20, split=Split.SKEWED)


def folder(path: Path, schema: dict[str, str] | None = None) -> None:
    path.mkdir(parents=True)
    (path / "metadata.json").write_text('{"datatype": "tabular", "operations": {}}')
    if schema:
        (path / "schema.json").write_text(json.dumps(schema))


def test_a_folder_of_somebody_else_is_understood(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        for purpose in ("train", "evaluate"):
            folder(tmp_path / "abalone" / "dataset" / f"data{number}" / purpose, {"target": "float64"})
    (tmp_path / "abalone" / "hyperparameters.json").write_text('{"rounds": 2}')

    dataset = open_dataset(tmp_path / "abalone")

    assert (dataset.name, dataset.action, dataset.root) == ("abalone", "regress", tmp_path)
    assert dataset.hyperparameters == {"rounds": 2}
    assert dataset.tags("train") == [["abalone", "dataset", f"data{number}", "train"] for number in (1, 2, 10)]
    assert dataset.tags("predict") == []
    assert dataset.architecture[0]["activation"] == ""


def test_iid_folders_train_and_non_iid_folders_test(tmp_path: Path) -> None:
    for number in (1, 2):
        for name in (f"iid_{number}", f"non_iid_{number}"):
            folder(tmp_path / "heart" / f"data{number}" / name, {"target": "category"})

    dataset = open_dataset(tmp_path / "heart", participants=1)

    assert dataset.action == "classify"
    assert dataset.tags("train") == [["heart", "data1", "iid_1"]]
    assert dataset.tags("evaluate") == dataset.tags("predict") == [["heart", "data1", "non_iid_1"]]


def test_a_folder_without_datasets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="has no folders data1, data2"):
        open_dataset(tmp_path)
    (tmp_path / "data1" / "other").mkdir(parents=True)
    with pytest.raises(InvalidRequest, match="has neither train nor iid_1"):
        open_dataset(tmp_path)
    folder(tmp_path / "data1" / "train")
    with pytest.raises(InvalidRequest, match="split over 1 participants, not 3"):
        open_dataset(tmp_path, participants=3)
