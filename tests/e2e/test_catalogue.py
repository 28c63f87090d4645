"""What participants publish before anybody aligns, and what a model was made of, before and after that has changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from grids.real_grid import RealGrid, Study, started
from support.waiting import until
from synergos_simulator.datasets import Dataset, Split, write_example


@pytest.fixture(scope="module")
def hearts(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Data of this module's own, as it is changed."""
    return write_example(tmp_path_factory.mktemp("data"), "wine", split=Split.SKEWED)


@pytest.fixture(scope="module")
def publishing(tmp_path_factory: pytest.TempPathFactory, hearts: Dataset) -> Iterator[RealGrid]:
    with started(tmp_path_factory.mktemp("grid"), hearts.root, worker_flags=("--catalogue", "schema")) as grid:
        yield grid


@pytest.fixture(scope="module")
def study(publishing: RealGrid, hearts: Dataset) -> Study:
    """Declared and no more."""
    study = Study(publishing, hearts, "published", {"rounds": 2, "epochs": 1})
    study.declare()
    return study


def lineage(study: Study) -> dict[str, Any]:
    found: dict[str, Any] = study.grid.driver.catalogue.lineage(*study.keys)["data"]
    return found


def test_who_publishes_is_seen_before_anybody_aligns_and_a_cell_is_not(study: Study, hearts: Dataset) -> None:
    driver, (collaboration, project, *_) = study.grid.driver, study.keys

    listed = driver.catalogue.read_all(collab_id=collaboration)
    compared = driver.catalogue.read(collaboration, project)

    tagged = [list(holding.train or ()) for holding in hearts.holdings]
    assert [each["extent"] for each in listed["data"]] == ["schema", "schema"]
    for found, tag in zip(listed["data"], tagged, strict=True):
        [folder] = [each for each in found["folders"] if each["path"] == tag]
        assert (folder["datatype"], folder["used_for"], folder["classes"]) == ("tabular", ["train"], [])
        assert folder["rows"]["about"] % 10 == 0
        assert {"name": "target", "type": "category", "unit": None, "is_label": True} in folder["columns"]
    assert [each["folders"] for each in compared["data"]["participants"]] == [[tag] for tag in tagged]
    assert compared["data"]["differences"] == []
    [rows] = hearts.root.joinpath(*tagged[0]).glob("*.csv")
    cell = next(cell for cell in rows.read_text().splitlines()[1].split(",") if "." in cell)
    assert cell not in json.dumps([listed, compared])


def test_lineage_says_what_a_model_was_made_of_and_what_has_changed_since(study: Study, hearts: Dataset) -> None:
    driver, keys = study.grid.driver, study.keys
    untrained = lineage(study)
    for answer in (study.align(), study.train(), study.validate(), study.predict("worker_1")):
        assert answer["success"], answer
    trained = lineage(study)
    driver.runs.update(*keys, rounds=3)
    other_run = lineage(study)
    driver.runs.update(*keys, rounds=2)
    [rows] = hearts.root.joinpath(*hearts.tags("train")[0]).glob("*.csv")
    rows.write_text(rows.read_text() + rows.read_text().splitlines()[-1] + "\n")
    until(lambda: lineage(study)["state"] == "changed", "the dataset to be looked at again")
    other_data = lineage(study)

    assert untrained["state"] == "untrained"
    assert (trained["state"], trained["changes"]) == ("current", [])
    kinds = [node["kind"] for node in trained["nodes"]]
    assert sorted(set(kinds)) == sorted(
        ["dataset", "alignment", "network", "run", "job", "model", "validation", "prediction"]
    )
    by_id = {node["id"]: node for node in trained["nodes"]}
    [model] = driver.models.read(*keys)["data"]
    assert by_id["job"]["about"]["id"] == model["job"]
    assert by_id["model"]["about"]["files"]["global"] == model["global"]["sha256"]
    assert by_id["run"]["about"]["hyperparameters"]["rounds"] == 2
    assert {node["about"]["compared"] for node in trained["nodes"] if node["kind"] == "dataset"} == {"same"}
    assert all({edge["from"], edge["to"]} <= by_id.keys() for edge in trained["edges"])
    assert {"node": "run", "text": "rounds was 2 and is 3 now"} in other_run["changes"]
    folder = "/".join(hearts.tags("train")[0])
    assert other_data["changes"] == [
        {"node": f"dataset:worker_1:{folder}", "text": "has changed since the model was trained"}
    ]
