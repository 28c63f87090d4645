"""What is left of a training can be used: on real programs, what a folder says is what the grid says, to the last bit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from factories.network_models import layer, linear
from grids.field_case import FieldCase
from synergos import load_model

Play = Callable[[str], FieldCase]

NETWORK = [
    {**linear(1, 16, "relu"), "is_input": True},
    layer("BatchNorm1d", num_features=16),
    layer("Dropout", p=0.25),
    linear(16, 1, "sigmoid"),
]


@pytest.fixture
def case(play: Play) -> FieldCase:
    """Case 12, trained."""
    case = play("12-model-that-cannot-be-used")
    case.declare(model=NETWORK)
    assert case.align()["status"] == 201
    assert case.train()["status"] == 200
    return case


def written(frame: pd.DataFrame) -> list[dict[str, str]]:
    """A frame as a file has it, but for where its rows come from."""
    lines = frame.drop(columns=["file"], errors="ignore").to_csv(index=False).splitlines()
    names = lines[0].split(",")
    return [dict(zip(names, line.split(","), strict=True)) for line in lines[1:]]


def test_a_model_that_was_downloaded_says_what_the_grid_says(case: FieldCase, tmp_path: Path) -> None:
    case.driver.models.download(*case.run, to=tmp_path / "model")
    by_grid = case.predict(1, "evaluate")

    model = load_model(tmp_path / "model", cpus=1)

    for row in by_grid:
        row.pop("file")
    assert written(model.predict(case.folder(1, "evaluate"))) == by_grid
    by_frame = model.predict(pd.read_csv(case.folder(1, "evaluate") / "data.csv"))
    assert written(by_frame) == [{name: value for name, value in row.items() if name != "row"} for row in by_grid]


def test_all_that_it_takes_is_said_beside_the_weights(case: FieldCase, tmp_path: Path) -> None:
    case.validate()
    case.driver.models.download(*case.run, to=tmp_path)

    manifest = json.loads((tmp_path / "manifest.json").read_text())
    [record] = case.driver.models.read(*case.run)["data"]

    for told in (manifest, record):
        text = json.dumps(told)
        # Inputs and labels are pairs by now, and no names that two columns could share.
        pairs = {"ward_icu": '["ward", "icu"]', "target_dead": '["target", "dead"]'}
        assert [word for word in case.words if pairs.get(word, word) not in text] == []
        assert [each["rows"] for each in told["participants"]] == [{"train": 30, "evaluate": 10}] * 2
        assert told["figures"]["validation"].keys() == {"worker_1", "worker_2"}
        train = told["agreement"]["participants"]["worker_1"]["tables"]["train"]
        assert (train["rows"], train["digests"]) == (30, [])
    for name in (
        "feature_space",
        "architecture",
        "hyperparameters",
        "definition",
        "job",
        "version",
        "figures",
        "agreement",
    ):
        assert record[name] == manifest[name]
    [job] = case.driver.jobs.read_all(stage="train", run_id=case.run[3])["data"]
    assert record["job"] == job["id"]


def test_a_changed_run_shows_no_model_and_its_trainings_stay(case: FieldCase, tmp_path: Path) -> None:
    driver = case.driver
    before = driver.models.download(*case.run, to=tmp_path / "first")

    driver.runs.update(*case.run, lr=0.5)

    assert driver.runs.read(*case.run)["data"]["relations"]["Model"] == []
    assert driver.models.read(*case.run)["status"] == 404
    assert case.ask(1, "evaluate")["status"] == 409
    assert case.train()["status"] == 200
    versions: list[Mapping[str, Any]] = driver.models.versions(*case.run)["data"]
    assert [(each["version"], each["is_current"], each["definition"]["run"]["lr"]) for each in versions] == [
        (1, False, 1.0),
        (2, True, 0.5),
    ]
    again = driver.models.download(*case.run, to=tmp_path / "again", version=1)
    assert {name: path.read_bytes() for name, path in again.items()} == {
        name: path.read_bytes() for name, path in before.items()
    }
    newest = driver.models.download(*case.run, to=tmp_path / "newest")
    assert load_model(tmp_path / "newest").manifest["version"] == 2
    assert newest.keys() == before.keys()
