"""A consortium's whole cycle on real data, through the real programs."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
import requests

from grids.real_grid import RealGrid, Study
from support.waiting import DEADLINE
from synergos_simulator.datasets import Dataset


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_three_classes_are_learnt_from_registration_to_predictions(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "wine")
    study.declare()

    aligned = study.align()
    trained = study.train()
    validated = study.validate()
    predicted = study.predict("worker_1")

    assert (aligned["status"], aligned["method"]) == (201, "alignments.post")
    assert [record["key"]["participant_id"] for record in aligned["data"]] == ["worker_1", "worker_2"]
    assert (trained["status"], trained["method"]) == (200, "models.post")
    assert trained["data"][0]["global"]["origin"] == "ttp"
    assert trained["data"][0]["local_2"]["origin"] == "worker_2"
    assert [record["key"]["participant_id"] for record in validated["data"]] == ["worker_1", "worker_2"]
    [of_train] = grid.driver.models.read(*study.keys)["data"][0]["datasets"]["worker_1"]["train"]
    assert of_train["tag"] == list(wine.tags("train")[0])
    assert re.fullmatch(r"[0-9a-f]{8}\.[0-9a-f]{40}", of_train["fingerprint"])
    for record in validated["data"]:
        statistics = record["evaluate"]["statistics"]
        assert {len(values) for values in statistics.values()} == {3}
        assert mean(statistics["accuracy"]) > 0.9
    assert predicted["data"][0]["predict"]["res_path"].endswith("inference_statistics_predict.json")


@pytest.fixture(scope="module")
def of_two_classes(shared_grid: RealGrid, breast_cancer: Dataset) -> Study:
    """A run that was trained and validated."""
    study = Study(shared_grid, breast_cancer, "cancer", {"rounds": 3})
    study.declare()
    for answer in (study.align(), study.train(), study.validate()):
        assert answer["success"] == 1, answer
    return study


@pytest.fixture(scope="module")
def of_three_classes(shared_grid: RealGrid, wine: Dataset) -> Study:
    """A run that was trained."""
    study = Study(shared_grid, wine, "files", {"rounds": 3, "epochs": 2, "batch_size": 16})
    study.declare()
    for answer in (study.align(), study.train()):
        assert answer["success"] == 1, answer
    return study


def test_two_classes_are_one_output_and_two_statistics(
    grid: RealGrid, of_two_classes: Study, breast_cancer: Dataset
) -> None:
    validated = grid.driver.validations.read(*of_two_classes.keys)

    collaboration, project, experiment, _ = of_two_classes.keys
    record = grid.driver.experiments.read(collaboration, project, experiment)["data"]
    assert record["model"] == list(breast_cancer.architecture)
    assert record["fitted_model"][-1]["structure"]["out_features"] == 1
    assert record["fitted_model"][-1]["activation"] == "sigmoid"
    assert len(validated["data"]) == 2
    for validation in validated["data"]:
        statistics = validation["evaluate"]["statistics"]
        assert {len(values) for values in statistics.values()} == {2}
        assert statistics["accuracy"][0] > 0.9
        assert statistics["TPs"][0] == statistics["TNs"][1]


def test_a_number_is_learnt_from_data_with_gaps(grid: RealGrid, diabetes: Dataset) -> None:
    study = Study(grid, diabetes, "diabetes")
    study.declare()
    study.align()
    study.train()

    for validation in study.validate()["data"]:
        statistics = validation["evaluate"]["statistics"]
        assert set(statistics) == {"R2", "MSE", "MAE"}
        assert statistics["R2"] > 0.2


def test_a_notebook_has_results_and_pictures_with_the_driver_alone(grid: RealGrid, of_two_classes: Study) -> None:
    driver, keys = grid.driver, of_two_classes.keys
    driver.runs.create(*keys[:3], "another", lr=0.2)

    results = driver.runs.results(*keys)
    history = driver.models.history(*keys)
    matrix = driver.validations.confusion_matrix(*keys)
    curves = driver.validations.roc(*keys)
    compared = driver.runs.compare(*keys[:2])

    assert results["participant_id"].tolist() == ["worker_1", "worker_1", "worker_2", "worker_2", "(all)", "(all)"]
    rows = results[results["participant_id"] == "(all)"]["overall.rows"].iloc[0]
    assert matrix.frame.to_numpy().sum() == rows
    assert list(matrix.frame.index) == [curve.name for curve in curves.classes] == results["label"].tolist()[:2]
    for curve in curves.classes:
        own = results[results["label"] == curve.name]["roc_auc_score"].dropna()
        assert curve.area == pytest.approx(own.mean(), abs=0.05)
    assert set(history.table.columns) == {"train", "evaluate", "worker_1", "worker_2"}
    assert len(history.table) == 3
    assert compared["run_id"].tolist() == [keys[3], "another"]
    assert compared["model.rounds"].tolist()[0] == 3
    assert compared["overall.rows"].isna().tolist() == [False, True]
    for picture in (history.plot(), matrix.plot(), curves.plot(), curves.plot_precision()):
        assert len(picture._repr_png_()) > 1000


def test_histories_and_models_are_where_the_record_says(grid: RealGrid, of_three_classes: Study) -> None:
    [model] = grid.driver.models.read(*of_three_classes.keys)["data"]

    assert Path(model["global"]["path"]).parent == of_three_classes.model_folder()
    history = json.loads(Path(model["global"]["loss_history"]).read_text())
    assert list(history["train"]) == ["0", "1", "2"]
    assert list(history["evaluate"]) == ["0", "1", "2"]
    assert history["train"]["2"] < history["train"]["0"]
    assert list(json.loads(Path(model["local_1"]["loss_history"]).read_text())) == ["0", "1", "2"]
    assert {path.name for path in of_three_classes.model_folder().iterdir()} >= {
        "global_model.pt",
        "global_model.safetensors",
        "local_model_worker_1.pt",
        "local_model_worker_2.safetensors",
    }
    assert not any((grid.outputs("ttp") / ".rounds").iterdir())


def test_what_a_training_leaves_can_be_downloaded(grid: RealGrid, of_three_classes: Study, tmp_path: Path) -> None:
    grid.driver.models.download(*of_three_classes.keys, to=tmp_path / "run")

    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == {
        path.name: path.read_bytes() for path in of_three_classes.model_folder().iterdir()
    }


def test_predictions_stay_with_the_participant_and_name_rows_and_labels(
    grid: RealGrid, of_three_classes: Study, wine: Dataset
) -> None:
    [prediction] = of_three_classes.predict("worker_2")["data"]

    statistics_path = Path(prediction["predict"]["res_path"])
    assert statistics_path.is_relative_to(grid.outputs("worker_2"))
    with (statistics_path.parent / "predictions_predict.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    folder = wine.root.joinpath(*(wine.holdings[1].predict or ()))
    [source] = folder.glob("*.csv")
    with source.open(newline="") as file:
        assert len(rows) == len(list(csv.DictReader(file)))
    assert {row["prediction"] for row in rows} <= {"class_0", "class_1", "class_2"}
    assert rows[0]["row"] == "1"


def test_the_same_seed_and_data_give_the_same_model_to_the_last_bit(grid: RealGrid, of_three_classes: Study) -> None:
    model = of_three_classes.model_folder() / "global_model.safetensors"
    first = (model.read_bytes(), model.stat().st_mtime_ns)

    assert of_three_classes.train()["success"] == 1

    again = (model.read_bytes(), model.stat().st_mtime_ns)
    assert again[0] == first[0]
    assert again[1] > first[1]


def test_everything_can_be_declared_and_run_a_second_time(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "again", {"rounds": 2})
    for _ in range(2):
        study.declare()
        assert study.align()["status"] == 201
        assert study.train()["status"] == 200
        assert len(study.validate()["data"]) == 2
        assert len(study.predict("worker_1")["data"]) == 1


def test_a_run_with_all_defaults_trains(grid: RealGrid, wine: Dataset, diabetes: Dataset) -> None:
    for dataset in (wine, diabetes):
        study = Study(grid, dataset, f"default_{dataset.name}")
        study.declare()
        collaboration, project, experiment, _ = study.keys
        # Only how long is told, to keep the test short; everything else is the original client's default.
        grid.driver.runs.create(collaboration, project, experiment, "plain", rounds=2, epochs=3)
        study.align()

        answer = grid.driver.models.create(collaboration, project, experiment, "plain")

        assert answer["status"] == 200, answer


def test_jobs_tell_what_was_done(grid: RealGrid, of_three_classes: Study) -> None:
    job = of_three_classes.jobs("train")[0]

    assert job["state"] == "completed"
    assert job["progress"]["round"] == 3
    assert set(job["progress"]["losses"]["participants"]) == {"worker_1", "worker_2"}
    assert job["started_at"] < job["finished_at"]
    assert job["error"] is None


@pytest.mark.parametrize("program", ["ttp", "worker_1"])
def test_every_program_says_how_it_is(grid: RealGrid, program: str) -> None:
    address = next(p.address for p in grid.grid.state.programs if p.name == program)

    answer = requests.get(f"{address}/health", timeout=DEADLINE).json()

    assert answer["status"] == "ok"
    assert answer["id"] == program


def test_logs_hold_no_value_of_the_data(grid: RealGrid, of_two_classes: Study, breast_cancer: Dataset) -> None:
    assert {job["state"] for stage in ("preprocess", "train", "validate") for job in of_two_classes.jobs(stage)} == {
        "completed"
    }
    [source] = breast_cancer.root.joinpath(*breast_cancer.holdings[0].train).glob("*.csv")
    with source.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    values = {cell for row in rows for cell in row if len(cell.replace(".", "")) > 5}

    logged = "".join(grid.log(program) for program in ("ttp", "worker_1", "worker_2"))

    # Whole numbers only: a time of day holds any digits somewhere.
    assert values
    assert not values & set(re.findall(r"(?<![\d.:])\d+\.\d+(?![\d.])", logged))
