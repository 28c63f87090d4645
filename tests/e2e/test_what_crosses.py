"""What passes between a TTP and strict workers in a whole cycle: what docs/wire-formats.md lists, and no value that was planted."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factories.worker_data import write_dataset
from grids.real_grid import RealGrid, started
from support.waiting import until
from support.wire_paths import crossings, documented
from support.wire_recorder import Exchange, recording
from support.written_files import files_below
from synergos_simulator.grid import Disclosure

DOCUMENT = Path(__file__).parents[2] / "docs" / "wire-formats.md"
PLANTED = ("98765.4", "Station Jones", "Morbus Planted", "P-77001", "Ms Jones", "1e999", "jones.csv")
"""An unusual cell, a rare level, a rare label, identifiers, free text, what is no number, the file of one patient."""
KEYS = ("crossing", "project", "experiment", "run")
LAYER = {
    "is_input": True,
    "l_type": "Linear",
    "structure": {"in_features": 1, "out_features": 1},
    "activation": "sigmoid",
}
RUN: Mapping[str, Any] = {"rounds": 2, "epochs": 2, "lr": 0.5, "algorithm": "FedAvg", "criterion": "BCELoss", "seed": 3}


@dataclass
class Cycle:
    """What a strict grid did, and everything it said."""

    grid: RealGrid
    exchanges: Sequence[Exchange] = ()
    wire: bytes = b""
    answers: list[Any] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def cycle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cycle]:
    """Two hospitals align, train, validate and predict; then three ask for what a strict worker refuses."""
    root = tmp_path_factory.mktemp("data")
    _write_hospitals(root)
    with (
        started(
            tmp_path_factory.mktemp("grid"),
            root,
            disclosure=Disclosure.STRICT,
            sealed="off",
            worker_flags=("--catalogue", "schema"),
        ) as grid,
        recording() as recorder,
    ):
        ports = {
            program.name: (
                recorder.in_front_of(program.name, program.port),
                recorder.in_front_of(program.name, program.data_port),
            )
            for program in grid.grid.workers
        }
        # As in earnest, where the TTP's own process makes it.
        shutil.rmtree(grid.grid.folder / "ttp" / "mlflow")
        found = Cycle(grid)
        _whole_cycle(found, ports)
        for name in ("few", "identifiers", "labels", "words"):
            _refused(found, ports, name)
        found.answers.append(grid.driver.projects.delete(KEYS[0], "words"))
        found.answers += _everything_told(grid)
        found.exchanges, found.wire = recorder.exchanges, recorder.bytes
        yield found


def test_what_crosses_is_what_is_documented(cycle: Cycle) -> None:
    seen, listed = crossings(cycle.exchanges), documented(DOCUMENT.read_text(encoding="utf-8"))

    unlisted = [str(crossing) for crossing in seen if not any(entry.covers(crossing) for entry in listed)]
    unseen = [str(entry) for entry in listed if entry.is_always and not any(map(entry.covers, seen))]
    assert (unlisted, unseen) == ([], [])


def test_no_planted_value_is_in_anything_that_passes_or_is_written(cycle: Cycle) -> None:
    folder = cycle.grid.grid.folder
    # Tracking gives way to all other work, and may not have begun yet.
    until(lambda: any(folder.rglob("mlflow.db")), "MLflow's store")
    said = {"the wire": cycle.wire, "answers": json.dumps(cycle.answers, ensure_ascii=False).encode()}
    # Predictions are a participant's own, and where its rows come from is in them.
    own = {folder / name / "outputs" for name in ("worker_1", "worker_2")}
    written = {
        str(path.relative_to(folder)): content for path, content in files_below(folder) if not own & set(path.parents)
    }

    assert any(name.endswith(".log") for name in written)
    assert any("mlflow" in name for name in written)
    found = [
        (value, place) for place, content in (said | written).items() for value in PLANTED if value.encode() in content
    ]
    assert found == []


def test_an_identifier_is_carried_into_its_own_participants_predictions_alone(cycle: Cycle) -> None:
    [predictions] = cycle.grid.outputs("worker_1").rglob("predictions_predict.csv")

    assert b"P-77001" in predictions.read_bytes()


def test_the_other_participants_own_folders_have_nothing_of_it_either(cycle: Cycle) -> None:
    other = cycle.grid.outputs("worker_2")

    assert [path for path, content in files_below(other) if any(value.encode() in content for value in PLANTED)] == []


def test_a_refusal_names_column_and_minimum_and_no_number_there_is(cycle: Cycle) -> None:
    few, identifiers, labels, words = cycle.refusals

    assert "fewer than 10 distinct rows" in few
    assert re.findall(r"\d+", few.replace("worker_1", "")) == ["10"]
    assert "patient" in identifiers
    assert "'ignore'" in identifiers
    assert "label" in labels
    assert "age" in words


def test_a_participant_is_not_told_the_range_of_a_column_it_lacks(cycle: Cycle) -> None:
    spaces = {
        worker: [
            json.loads(exchange.question)["feature_space"]
            for exchange in cycle.exchanges
            if exchange.worker == worker and re.match("/worker/(align|initialise)/crossing/project", exchange.path)
        ]
        for worker in ("worker_1", "worker_2")
    }

    assert len(spaces["worker_2"]) >= 3
    assert {space["numeric"]["lab"]["maximum"] for space in spaces["worker_1"]} == {8.0}
    assert {
        (space["numeric"]["lab"]["minimum"], space["numeric"]["lab"]["maximum"]) for space in spaces["worker_2"]
    } == {(0.0, 1.0)}
    told = [exchange.question for exchange in cycle.exchanges if exchange.worker == "worker_2"]
    assert [question for question in told if b"north" in question or b"south" in question] == []


def _write_hospitals(root: Path) -> None:
    types = {"age": "float64", "lab": "float64", "ward": "category", "target": "category"}
    for number, purpose, count in (
        (1, "train", 80),
        (1, "evaluate", 40),
        (2, "train", 60),
        (2, "evaluate", 40),
        (1, "predict", 30),
    ):
        columns = [name for name in types if number == 1 or name not in {"lab", "ward"}]
        lines = _rows(number * 10 + len(purpose), count, columns)
        if (number, purpose) == (1, "train"):
            lines[3] = "98765.4,5.5,Station Jones,ill"
            lines[4] = "55.5,5.5,Station Jones,ill"
        schema: dict[str, Any] = {name: types[name] for name in columns}
        if number == 1:
            schema = {"version": 1, "columns": {**schema, "patient": "id"}}
            columns, lines = [*columns, "patient"], [f"{line},P-{77001 + index}" for index, line in enumerate(lines)]
        write_dataset(root, ["hospital", str(number), purpose], "\n".join([",".join(columns), *lines]), schema)
    alone = "age,lab,ward,target,patient\n55.25,5.5,north,ill,P-77999\n"
    write_dataset(root, ["hospital", "1", "train"], alone, None, name="jones.csv")
    plain = _rows(1, 40, ["age", "target"])
    patients = [f"P-{77001 + index},{line}" for index, line in enumerate(plain)]
    rare = [*plain, "50.5,Morbus Planted", "51.5,Morbus Planted"]
    words = [*plain, "1e999,ill", "Ms Jones,ill"]
    two = {"age": "float64", "target": "category"}
    write_dataset(root, ["few"], "\n".join(["age,target", *plain[:7]]), two)
    write_dataset(root, ["identifiers"], "\n".join(["patient,age,target", *patients]), {"patient": "category", **two})
    write_dataset(root, ["labels"], "\n".join(["age,target", *rare]), two)
    write_dataset(root, ["words"], "\n".join(["age,target", *words]), two)
    for metadata in list(root.rglob("metadata.json")):
        metadata.with_name("catalogue.json").write_text('{"title": "A folder", "classes": true}')


def _rows(seed: int, count: int, columns: Sequence[str]) -> list[str]:
    rng = np.random.default_rng(seed)
    found = []
    for index in range(count):
        age = rng.uniform(30, 80)
        cells = {
            "age": f"{age:.2f}",
            "lab": f"{index % 9 + 1}",
            "ward": ("north", "south")[index % 2],
            "target": "ill" if age + rng.normal(0, 5) > 55 else "well",
        }
        found.append(",".join(cells[name] for name in columns))
    return found


def _declare(
    cycle: Cycle, ports: Mapping[str, tuple[int, int]], project: str, tags: Mapping[str, Mapping[str, Any]]
) -> None:
    driver, collaboration = cycle.grid.driver, KEYS[0]
    driver.projects.create(collaboration, project, "classify", {})
    driver.experiments.create(collaboration, project, KEYS[2], [LAYER])
    driver.runs.create(collaboration, project, KEYS[2], KEYS[3], **RUN)
    for who, own in tags.items():
        registration = driver.registrations
        registration.add_node("127.0.0.1", ports[who][1], ports[who][0])
        registration.create(collaboration, project, who, "host")
        driver.tags.create(collaboration, project, who, **own)


def _whole_cycle(cycle: Cycle, ports: Mapping[str, tuple[int, int]]) -> None:
    driver = cycle.grid.driver
    driver.collaborations.create(KEYS[0])
    for who in ports:
        driver.participants.create(who)
    tags = {
        f"worker_{number}": {purpose: [["hospital", str(number), purpose]] for purpose in ("train", "evaluate")}
        for number in (1, 2)
    }
    _declare(cycle, ports, KEYS[1], tags)
    new = {KEYS[1]: [["hospital", "1", "predict"]]}
    published = driver.catalogue.read_all()
    assert [len(each["folders"]) for each in published["data"]] == [9, 9], published
    cycle.answers += [
        published,
        driver.alignments.create(*KEYS[:2]),
        driver.models.create(*KEYS),
        driver.validations.create(*KEYS),
        driver.predictions.create(new, "worker_1", *KEYS),
    ]
    assert [answer["success"] for answer in cycle.answers] == [1] * 5, cycle.answers


def _refused(cycle: Cycle, ports: Mapping[str, tuple[int, int]], name: str) -> None:
    _declare(cycle, ports, name, {"worker_1": {"train": [[name]]}})
    answer = cycle.grid.driver.alignments.create(KEYS[0], name)
    cycle.answers.append(answer)
    assert answer["status"] >= 400, (name, answer)
    cycle.refusals.append(answer["message"])


def _everything_told(grid: RealGrid) -> list[Any]:
    """What the orchestrator tells whoever asks."""
    driver = grid.driver
    return [
        driver.jobs.read_all(),
        driver.alignments.read(*KEYS[:2]),
        driver.experiments.read_all(*KEYS[:2]),
        driver.catalogue.read(*KEYS[:2]),
        driver.catalogue.lineage(*KEYS),
        driver.models.read(*KEYS),
        driver.validations.read(*KEYS),
        driver.predictions.read(*KEYS),
        *(driver.tags.read(*KEYS[:2], who) for who in ("worker_1", "worker_2")),
    ]
