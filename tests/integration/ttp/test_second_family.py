"""A model family that is registered here and nowhere else goes all the way: nothing but itself knows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from factories.worker_data import wine, write_frame
from fakes.naive_bayes import L_TYPE, BayesModel, known_naive_bayes, sums_of
from grids.grid_in_process import HOST, GridInProcess, started
from synergos import load_model
from synergos.errors import NotSupported
from synergos.learning import families
from synergos.learning.exports import load

KEYS = ("trial", "wines", "bayes", "once")
MODEL = [{"l_type": L_TYPE, "structure": {}}]
PARTS = {"worker_1": slice(0, 50), "worker_2": slice(50, 120)}
EVALUATED, NEW = slice(120, 150), slice(150, 178)
SMOOTHING = 0.01


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for who, part in PARTS.items():
        write_frame(folder, [who], wine()[part])
    write_frame(folder, ["evaluate"], wine()[EVALUATED])
    write_frame(folder, ["new"], wine()[NEW])
    return folder


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[GridInProcess]:
    with known_naive_bayes(), started(tmp_path_factory.mktemp("grid"), data, list(PARTS)) as grid:
        declare(grid)
        yield grid


def declare(grid: GridInProcess) -> None:
    driver, (collaboration, project, experiment, run) = grid.driver, KEYS
    driver.collaborations.create(collaboration)
    driver.projects.create(collaboration, project, "classify", {"tier_1": [], "tier_2": []})
    driver.experiments.create(collaboration, project, experiment, MODEL, family="naive_bayes")
    driver.runs.create(
        collaboration, project, experiment, run, algorithm="FedAvg", rounds=2, epochs=1, smoothing=SMOOTHING
    )
    for worker in grid.workers:
        who = worker.participant_id
        driver.participants.create(who)
        registration = driver.registrations
        registration.add_node(HOST, worker.data_port, worker.port)
        registration.create(collaboration, project, who, "host")
        driver.tags.create(collaboration, project, who, train=[[who]], evaluate=[["evaluate"]])


@pytest.fixture(scope="module")
def trained(grid: GridInProcess) -> GridInProcess:
    grid.driver.alignments.create(*KEYS[:2])
    grid.driver.models.create(*KEYS)
    return grid


def scaled(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Inputs as the feature space has them, and class numbers."""
    training = wine()[:120]
    numbers, known = rows.drop(columns="target").sort_index(axis=1), training.drop(columns="target").sort_index(axis=1)
    inputs = (numbers - known.min()) / (known.max() - known.min())
    classes = rows["target"].map({label: index for index, label in enumerate(sorted(training["target"].unique()))})
    return inputs.to_numpy(np.float32), classes.to_numpy(np.int64)


def pooled() -> BayesModel:
    """The model of all training rows together."""
    return BayesModel.of(sums_of(*scaled(wine()[:120]), 3), SMOOTHING)


def test_what_alignment_makes_of_its_model_is_shown(trained: GridInProcess) -> None:
    record = trained.driver.experiments.read(*KEYS[:3])["data"]

    assert (record["family"], record["model"]) == ("naive_bayes", MODEL)
    assert record["fitted_model"] == [{"l_type": L_TYPE, "structure": {"classes": 3, "inputs": 13}}]


def test_a_run_is_checked_by_its_experiment_s_family(trained: GridInProcess) -> None:
    refused = trained.driver.runs.create(*KEYS[:3], "other", algorithm="FedProx", rounds=1, epochs=1)
    mistyped = trained.driver.runs.create(*KEYS[:3], "other", algorithm="FedAvg", rounds=1, epochs=1, smoothing=-1)

    assert "there is no gradient" in refused["message"]
    assert mistyped["message"].startswith("smoothing: expected a number")


def test_its_participants_train_what_one_of_them_would_with_all_rows(trained: GridInProcess) -> None:
    folder = trained.outputs.joinpath(*KEYS)

    found = families.get("naive_bayes").read(folder / "global_model.json")

    together = sums_of(*scaled(wine()[:120]), 3)
    for name, values in together.items():
        np.testing.assert_allclose(found[name].numpy(), values, rtol=1e-12, atol=1e-12)


def test_its_validations_are_those_of_any_model(trained: GridInProcess) -> None:
    validated = trained.driver.validations.create(*KEYS)["data"]

    inputs, classes = scaled(wine()[EVALUATED])
    expected = (pooled().predict(inputs)[1] == classes).mean()
    assert [record["key"]["participant_id"] for record in validated] == list(PARTS)
    for record in validated:
        statistics = record["evaluate"]["statistics"]
        right = sum(statistics["TPs"]) / len(classes)
        assert right == pytest.approx(expected)
    assert expected > 0.9


def test_its_predictions_are_written_at_the_participant(trained: GridInProcess) -> None:
    collaboration, project, experiment, run = KEYS
    answer = trained.driver.predictions.create(
        {project: [["new"]]}, "worker_1", collaboration, project, experiment, run
    )

    written = pd.read_csv(Path(answer["data"][0]["predict"]["res_path"]).with_name("predictions_predict.csv"))

    inputs, _ = scaled(wine()[NEW])
    scores, predicted = pooled().predict(inputs)
    labels = sorted(wine()["target"].unique())
    assert written["prediction"].tolist() == [labels[index] for index in predicted]
    np.testing.assert_allclose(written["score_barbera"], scores[:, 0], atol=1e-5)


def test_its_export_says_how_to_load_it_and_predicts(trained: GridInProcess) -> None:
    folder = trained.outputs.joinpath(*KEYS)

    manifest = json.loads((folder / "manifest.json").read_text())
    scores, predicted = families.get(manifest["family"]).load(folder).predict(scaled(wine()[NEW])[0])

    assert manifest["family"] == "naive_bayes"
    np.testing.assert_allclose(scores, pooled().predict(scaled(wine()[NEW])[0])[0], atol=1e-6)
    assert predicted.tolist() == load(folder).predict(scaled(wine()[NEW])[0])[1].tolist()


def test_its_export_is_used_without_a_grid_like_any_other(trained: GridInProcess, tmp_path: Path) -> None:
    model = load_model(trained.outputs.joinpath(*KEYS))

    found = model.predict_proba(wine()[NEW])

    np.testing.assert_allclose(found, pooled().predict(scaled(wine()[NEW])[0])[0], atol=1e-6)
    with pytest.raises(NotSupported, match="no torch modules"):
        model.to_onnx(tmp_path / "model.onnx")


def test_a_model_that_another_has_replaced_is_not_measured(trained: GridInProcess) -> None:
    model = trained.outputs.joinpath(*KEYS) / "global_model.json"
    honest = model.read_bytes()
    model.write_bytes(honest + b"\n")
    try:
        refused = trained.driver.validations.create(*KEYS)
    finally:
        model.write_bytes(honest)

    assert "global_model.json is not the file that was trained" in refused["message"]
    assert "data" in trained.driver.validations.create(*KEYS)
