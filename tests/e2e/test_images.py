"""Images through the real programs: digits that are learnt, and photographs by somebody else's settings."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from factories.worker_data import SHARED
from grids.real_grid import RealGrid, Study
from synergos import load_model
from synergos_simulator.datasets import Dataset, open_dataset, write_example


@pytest.fixture(scope="module")
def digits(data: Path) -> Dataset:
    """1797 handwritten digits of 8x8 pixels, two participants."""
    return write_example(data, "digits_images")


@pytest.fixture(scope="module")
def imagenette(data: Path) -> Dataset:
    """Photographs of 28x28 pixels, three classes, two participants."""
    if not SHARED.is_dir():
        pytest.skip("the shared example datasets are not there")
    source, place = SHARED / "imagenette", data / "imagenette"
    for number in (1, 2):
        shutil.copytree(source / f"data{number}", place / "dataset" / f"data{number}")
    for name in ("architecture.json", "hyperparameters.json"):
        shutil.copy(source / name, place / name)
    return open_dataset(place)


def test_digits_are_recognised_by_a_convolution(grid: RealGrid, digits: Dataset) -> None:
    study = Study(grid, digits, "digits")
    study.declare()
    study.align()
    study.train()

    validated = study.validate()
    [predicted] = study.predict("worker_2")["data"]

    for record in validated["data"]:
        statistics = record["evaluate"]["statistics"]
        assert {len(values) for values in statistics.values()} == {10}
        assert sum(statistics["f_score"]) / 10 > 0.9
    folder = Path(predicted["predict"]["res_path"]).parent
    with (folder / "predictions_predict.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    source = digits.root.joinpath(*(digits.holdings[1].predict or ()))
    with (source / "mapping.csv").open(newline="") as file:
        mapping = list(csv.DictReader(file))
    assert [Path(row["file"]).name for row in rows] == [row["image"] for row in mapping]
    model = load_model(study.model_folder(), cpus=1)
    found = pd.read_csv(StringIO(model.predict(source).to_csv(index=False)), dtype=str)
    assert found.drop(columns="file").to_dict("records") == [
        {name: value for name, value in row.items() if name != "file"} for row in rows
    ]
    right = [row["prediction"] == truth["target"] for row, truth in zip(rows, mapping, strict=True)]
    assert sum(right) > 0.9 * len(rows)


def test_imagenette_runs_the_whole_cycle(grid: RealGrid, imagenette: Dataset) -> None:
    study = Study(grid, imagenette, "imagenette")
    study.declare()

    aligned = study.align()
    trained = study.train()
    validated = study.validate()
    predicted = study.predict("worker_1")

    assert [record["train"] for record in aligned["data"]] == [{"X": [], "y": []}] * 2
    assert trained["status"] == 200
    assert [record["key"]["participant_id"] for record in validated["data"]] == ["worker_1", "worker_2"]
    for statistics in (
        *(record["evaluate"]["statistics"] for record in validated["data"]),
        predicted["data"][0]["predict"]["statistics"],
    ):
        assert {len(values) for values in statistics.values()} == {3}
    collaboration, project, experiment, _ = study.keys
    fitted = grid.driver.experiments.read(collaboration, project, experiment)["data"]["fitted_model"]
    assert fitted[0]["structure"]["in_channels"] == 1
    assert fitted[2]["structure"]["in_features"] == 3136


def test_participants_whose_options_differ_are_told_so(grid: RealGrid, digits: Dataset) -> None:
    folder = digits.root / "coloured"
    shutil.copytree(digits.root.joinpath(*digits.holdings[1].train), folder)
    (folder / "metadata.json").write_text('{"datatype": "image", "operations": {"colour": "rgb"}}')
    second = replace(digits.holdings[1], train=("coloured",))
    study = Study(grid, replace(digits, holdings=[digits.holdings[0], second]), "differing")
    study.declare()

    refused = study.align()

    assert refused["status"] == 417
    assert "operations.colour: is rgb for worker_2 (train) and grayscale for worker_1 (train)" in refused["message"]


def test_images_to_predict_must_be_what_the_model_learnt_from(grid: RealGrid, digits: Dataset) -> None:
    study = Study(grid, digits, "drift", {"rounds": 1})
    study.declare()
    study.align()
    study.train()
    folder = digits.root / "larger"
    folder.mkdir()
    Image.new("L", (12, 12)).save(folder / "a.png")
    (folder / "mapping.csv").write_text("image\na.png\n")
    (folder / "metadata.json").write_text('{"datatype": "image"}')

    refused = study.predict("worker_1", [["larger"]])

    assert refused["status"] == 403
    assert "size [12, 12] (agreed: [8, 8])" in refused["message"]
