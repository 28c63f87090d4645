"""The example datasets and notebooks in the repository are what ``simulator/make_examples.py`` writes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from PIL import Image

from support.notebook_runner import NOTEBOOKS
from synergos.federation import read_federation
from synergos_simulator.datasets import open_dataset, write_example

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "simulator" / "datasets"
NAMES = ("breast_cancer", "diabetes", "digits_images", "wine")
CONTAINERS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "synbasic": {"orchestrator": ["synb_ttp"], "worker_1": ["synb_worker_1"], "worker_2": ["synb_worker_2"]},
    "synplus": {
        "orchestrator": ["synp_ttp"],
        "worker_1": ["synp_worker_1"],
        "worker_2": ["synp_worker_2"],
        "logger": ["synp_logger"],
        "mlops": ["synp_mlops"],
    },
    "syncluster": {
        "orchestrator": ["sync_director"],
        "worker_1": ["sync_worker_1_n1", "sync_worker_1_n2"],
        "worker_2": ["sync_worker_2_n1", "sync_worker_2_n2"],
        "logger": ["sync_logger"],
        "mlops": ["sync_mlops"],
        "mq": ["sync_mq"],
    },
}
"""Who a notebook speaks of, and where in a compose file that is; the order of nodes is that of the sub-grids."""
LARGEST = 1_500_000
"""Bytes that all examples together may take of a clone."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    subprocess.run([sys.executable, str(ROOT / "simulator/make_examples.py"), "--to", str(folder)], check=True)
    return folder


def files(folder: Path) -> Mapping[str, Path]:
    """What a dataset consists of, by path below the folder; what Jupyter leaves is no part of it."""
    found = (path for name in NAMES for path in (folder / name).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path for path in found if ".ipynb_checkpoints" not in path.parts}


def test_nothing_is_missing_or_left_over(made: Path) -> None:
    assert set(files(SHIPPED)) == set(files(made))
    assert {path.name for path in SHIPPED.iterdir() if path.is_dir()} == set(NAMES)


def test_every_file_is_up_to_date(made: Path) -> None:
    shipped = files(SHIPPED)
    outdated = [
        name
        for name, path in files(made).items()
        if path.suffix != ".png" and path.read_text() != shipped[name].read_text()
    ]
    assert outdated == [], "run: python simulator/make_examples.py"


def test_every_image_is_up_to_date(made: Path) -> None:
    images = {name: path for name, path in files(made).items() if path.suffix == ".png"}
    shipped = files(SHIPPED)
    # Pixels, because another version of the library may pack them otherwise.
    for name, path in images.items():
        np.testing.assert_array_equal(np.asarray(Image.open(path)), np.asarray(Image.open(shipped[name])), name)
    assert len(images) == 300


def test_writing_again_replaces_the_data_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "wine"
    write_example(tmp_path, "wine", participants=3, folder="wine")
    stale = folder / "data1" / "train" / "older.csv"
    stale.write_text("would be read along")
    notes = folder / "my notes.md"
    notes.write_text("mine")

    dataset = write_example(tmp_path, "wine", folder="wine", most_rows=150)

    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"data1", "data2"}
    assert not stale.exists()
    assert notes.read_text() == "mine"
    assert sum(len(csv.read_text().splitlines()) - 1 for csv in folder.rglob("*.csv")) == 150
    assert list(dataset.holdings) == list(open_dataset(folder).holdings)


def test_the_examples_are_small() -> None:
    assert sum(path.stat().st_size for path in files(SHIPPED).values()) < LARGEST


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_is_a_dataset_of_two_participants(name: str) -> None:
    dataset = open_dataset(SHIPPED / name)

    tags = {holding.participant_id: [holding.train, holding.evaluate, holding.predict] for holding in dataset.holdings}
    purposes = ("train", "evaluate", "predict")
    assert tags == {f"worker_{i}": [(name, f"data{i}", purpose) for purpose in purposes] for i in (1, 2)}
    assert dataset.action == ("regress" if name == "diabetes" else "classify")
    assert set(json.loads((SHIPPED / name / "ranges.json").read_text())) >= {"lr", "rounds"}


def code_of(name: str, grid: str) -> dict[str, str]:
    notebook = nbformat.read(SHIPPED / name / f"{name}_{grid}.ipynb", as_version=4)
    return {cell.id: cell.source for cell in notebook.cells if cell.cell_type == "code"}


@pytest.mark.parametrize("grid", CONTAINERS)
@pytest.mark.parametrize("name", NAMES)
def test_only_the_parameters_cell_knows_addresses(name: str, grid: str) -> None:
    assert {cell for cell, source in code_of(name, grid).items() if "172." in source} == {"parameters"}


@pytest.fixture(scope="module")
def cells_run_on_grids() -> set[tuple[str, str]]:
    """Those of the notebooks that ``tests/e2e/test_notebooks.py`` runs, but for names and for what a study may choose from."""
    run = (code_of(name, grid) for grid, names in NOTEBOOKS.items() for name in names)
    return {(part, _unnamed(source)) for cells in run for part, source in cells.items()}


def _unnamed(source: str) -> str:
    names = rf"(?:{'|'.join(NAMES)})_(?:{'|'.join(CONTAINERS)})_"
    return re.sub(r'("_value": )\[[^\]]*\]', r"\1[]", re.sub(names, "", source))


@pytest.mark.parametrize("grid", CONTAINERS)
@pytest.mark.parametrize("name", NAMES)
def test_every_cell_is_run_on_a_grid_in_this_notebook_or_in_another(
    cells_run_on_grids: set[tuple[str, str]], name: str, grid: str
) -> None:
    own = {(part, _unnamed(source)) for part, source in code_of(name, grid).items() if part != "parameters"}

    assert own - cells_run_on_grids == set()


@pytest.mark.parametrize("grid", CONTAINERS)
@pytest.mark.parametrize("name", NAMES)
def test_the_addresses_are_those_of_the_compose_grids(name: str, grid: str) -> None:
    compose = (ROOT / f"docker-compose-{grid}.yml").read_text()
    containers = dict(
        re.findall(r"container_name: (\S+)(?:(?!container_name).)*?ipv4_address: (\S+)", compose, re.DOTALL)
    )
    parameters: dict[str, Any] = {}
    exec(code_of(name, grid)["parameters"], {}, parameters)

    workers = parameters.pop("workers")
    found = {what: [service["host"]] for what, service in parameters.items()}
    found |= {who: [node["host"] for node in nodes] for who, nodes in workers.items()}
    assert found == {what: [containers[each] for each in names] for what, names in CONTAINERS[grid].items()}
    assert {(node["port"], node["f_port"]) for nodes in workers.values() for node in nodes} == {(8020, 5000)}
    assert parameters["orchestrator"]["port"] == 5000


@pytest.mark.parametrize("name", NAMES)
def test_a_project_file_declares_the_folder_on_the_basic_compose_grid(name: str) -> None:
    compose = (ROOT / "docker-compose-synbasic.yml").read_text()
    containers = dict(
        re.findall(r"container_name: (\S+)(?:(?!container_name).)*?ipv4_address: (\S+)", compose, re.DOTALL)
    )
    dataset = open_dataset(SHIPPED / name)

    federation = read_federation(SHIPPED / name / "federation.toml")

    hosts = {who: [node["host"] for node in said["nodes"]] for who, said in federation.participants.items()}
    workers = {who: names for who, names in CONTAINERS["synbasic"].items() if who != "orchestrator"}
    assert hosts == {who: [containers[each] for each in names] for who, names in workers.items()}
    tags = {who: said["tags"] for who, said in federation.participants.items()}
    assert tags == {
        each.participant_id: {purpose: [list(getattr(each, purpose))] for purpose in ("train", "evaluate", "predict")}
        for each in dataset.holdings
    }
    assert federation.experiments["network"]["model"] == dataset.architecture
    assert federation.experiments["network"]["runs"] == {"first": dataset.hyperparameters}
