"""A consortium's whole cycle on real data, through the real programs."""

from __future__ import annotations

import csv
import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from grids.real_grid import WORKERS, RealGrid, Study
from support.waiting import DEADLINE, until
from support.written_files import stats_below
from synergos_simulator.datasets import Dataset
from synergos_simulator.grid import Grid, Plan


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


def test_two_classes_are_one_output_and_two_statistics(grid: RealGrid, breast_cancer: Dataset) -> None:
    study = Study(grid, breast_cancer, "cancer")
    study.declare()
    study.align()
    study.train()

    validated = study.validate()

    collaboration, project, experiment, _ = study.keys
    record = grid.driver.experiments.read(collaboration, project, experiment)["data"]
    assert record["model"] == list(breast_cancer.architecture)
    assert record["fitted_model"][-1]["structure"]["out_features"] == 1
    assert record["fitted_model"][-1]["activation"] == "sigmoid"
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


def test_a_notebook_has_results_and_pictures_with_the_driver_alone(grid: RealGrid, breast_cancer: Dataset) -> None:
    study = Study(grid, breast_cancer, "pictures", {"rounds": 3})
    study.declare()
    study.align()
    study.train()
    study.validate()
    driver, keys = grid.driver, study.keys
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


def test_histories_and_models_are_where_the_record_says(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "files", {"rounds": 3})
    study.declare()
    study.align()

    [model] = study.train()["data"]

    assert Path(model["global"]["path"]).parent == study.model_folder()
    history = json.loads(Path(model["global"]["loss_history"]).read_text())
    assert list(history["train"]) == ["0", "1", "2"]
    assert list(history["evaluate"]) == ["0", "1", "2"]
    assert history["train"]["2"] < history["train"]["0"]
    assert list(json.loads(Path(model["local_1"]["loss_history"]).read_text())) == ["0", "1", "2"]
    assert {path.name for path in study.model_folder().iterdir()} >= {
        "global_model.pt",
        "global_model.safetensors",
        "local_model_worker_1.pt",
        "local_model_worker_2.safetensors",
    }
    assert not any((grid.outputs("ttp") / ".rounds").iterdir())


def test_what_a_training_leaves_can_be_downloaded(grid: RealGrid, wine: Dataset, tmp_path: Path) -> None:
    study = Study(grid, wine, "downloads", {"rounds": 2})
    study.declare()
    study.align()
    study.train()

    grid.driver.models.download(*study.keys, to=tmp_path / "run")

    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == {
        path.name: path.read_bytes() for path in study.model_folder().iterdir()
    }


def test_predictions_stay_with_the_participant_and_name_rows_and_labels(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "rows", {"rounds": 2})
    study.declare()
    study.align()
    study.train()

    [prediction] = study.predict("worker_2")["data"]

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


@pytest.fixture
def executed_grid(tmp_path: Path, data: Path) -> Iterator[RealGrid]:
    """A grid whose programs are started by the simulator, as a user's are."""
    with Grid.planned(Plan(tmp_path, data, WORKERS)) as grid:
        grid.wait_until_healthy()
        yield RealGrid(grid)


def test_what_programs_write_is_their_users_alone(executed_grid: RealGrid, wine: Dataset) -> None:
    folder = executed_grid.grid.folder
    study = Study(executed_grid, wine, "private", {"rounds": 1})
    study.declare()
    study.align()
    study.train()
    study.validate()
    study.predict("worker_1")

    # By a process of its own, which is started for it.
    until((folder / "ttp" / "mlflow" / "mlflow.db").is_file, "the training to be tracked")
    written = [each for name in ("ttp", "worker_1") for each in stats_below(folder / name)]

    suffixes = {".csv", ".pt", ".safetensors", ".json", ".txt", ".sqlite", ".db"}
    assert {path.suffix for path, _ in written} >= suffixes
    assert [
        path for path, told in written if stat.S_IMODE(told.st_mode) != (0o700 if stat.S_ISDIR(told.st_mode) else 0o600)
    ] == []
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder / "logs").glob("*.log")} == {0o600}


def test_the_same_seed_and_data_give_the_same_model_to_the_last_bit(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "twice", {"rounds": 3, "epochs": 2, "batch_size": 16})
    study.declare()
    study.align()
    study.train()
    first = (study.model_folder() / "global_model.safetensors").read_bytes()

    study.train()

    assert (study.model_folder() / "global_model.safetensors").read_bytes() == first


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


def test_jobs_tell_what_was_done(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "told", {"rounds": 2})
    study.declare()
    study.align()
    study.train()

    [job] = study.jobs("train")

    assert job["state"] == "completed"
    assert job["progress"]["round"] == 2
    assert set(job["progress"]["losses"]["participants"]) == {"worker_1", "worker_2"}
    assert job["started_at"] < job["finished_at"]
    assert job["error"] is None


@pytest.mark.parametrize("program", ["ttp", "worker_1"])
def test_every_program_says_how_it_is(grid: RealGrid, program: str) -> None:
    address = next(p.address for p in grid.grid.state.programs if p.name == program)

    answer = requests.get(f"{address}/health", timeout=DEADLINE).json()

    assert answer["status"] == "ok"
    assert answer["id"] == program


def test_logs_hold_no_value_of_the_data(grid: RealGrid, breast_cancer: Dataset) -> None:
    study = Study(grid, breast_cancer, "discreet", {"rounds": 1})
    study.declare()
    study.align()
    study.train()
    study.validate()
    [source] = breast_cancer.root.joinpath(*breast_cancer.holdings[0].train).glob("*.csv")
    with source.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    values = {cell for row in rows for cell in row if len(cell.replace(".", "")) > 5}

    logged = "".join(grid.log(program) for program in ("ttp", "worker_1", "worker_2"))

    # Whole numbers only: a time of day holds any digits somewhere.
    assert values
    assert not values & set(re.findall(r"(?<![\d.:])\d+\.\d+(?![\d.])", logged))
