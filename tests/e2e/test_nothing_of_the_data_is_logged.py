"""What all programs of a cluster emit in cycles that succeed and that fail: nothing of the datasets, and censored nothing of places."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from factories.image_data import write_mapping
from factories.worker_data import write_dataset
from grids.cluster_grid import hand_in, jobs_of, wait_for_jobs
from grids.real_grid import WORKERS, Study
from grids.reporting_grid import ReportingGrid, reporting
from servers.gelf_receiver import ROLES, GelfReceiver, receiving
from synergos.gelf import Transport
from synergos_simulator.datasets import Dataset, Holding
from synergos_simulator.datasets.dataset import any_layer, layer

LABELS = ("plantedlabel_barolo", "plantedlabel_barbera", "plantedlabel_grignolino")
LEVELS = ("plantedlevel_red", "plantedlevel_white")
PLANTED = ("planted", "271828", "314159")
"""How everything begins that stands in a dataset and nowhere else: texts, and what comes before the point of numbers."""
RUN = {
    "algorithm": "FedAvg",
    "rounds": 2,
    "epochs": 1,
    "lr": 0.001,
    "batch_size": 16,
    "optimizer": "SGD",
    "criterion": "NLLLoss",
}
PURPOSES = ("train", "evaluate", "predict")


def holdings(name: str) -> list[Holding]:
    return [Holding(who, *((name, who, purpose) for purpose in PURPOSES)) for who in WORKERS]


def tables(root: Path, name: str, cell: str = "") -> Dataset:
    """Rows of numbers, levels and labels that can be recognised; ``cell`` stands in one that should be a number."""
    schema = {"a": "float64", "b": "float64", "level": "category", "target": "category"}
    for number, who in enumerate(WORKERS):
        for purpose in PURPOSES:
            rows = [
                f"{271828 + index / 64 + number},{-314159 - index / 32},{LEVELS[index % 2]},{LABELS[index % 3]}"
                for index in range(48)
            ]
            if cell and purpose == "train":
                rows[7] = f"{cell},1,{LEVELS[0]},{LABELS[0]}"
            write_dataset(root, (name, who, purpose), "\n".join(["a,b,level,target", *rows]), schema)
    architecture = [layer(4, 8, "relu", is_input=True), layer(8, 3, "softmax")]
    return Dataset(name, "classify", root, holdings(name), architecture, RUN)


def pictures(root: Path, name: str) -> Dataset:
    """Pictures whose comments and labels can be recognised; one of those to train with is broken."""
    for who in WORKERS:
        for purpose in PURPOSES:
            folder = root / name / who / purpose
            folder.mkdir(parents=True)
            names = [f"face_{index}.png" for index in range(24)]
            for index, file in enumerate(names):
                comment = PngImagePlugin.PngInfo()
                comment.add_text("Comment", "planted_comment")
                Image.new("L", (8, 8), 40 * (index % 3) + 9).save(folder / file, pnginfo=comment)
            if purpose == "train":
                (folder / names[3]).write_bytes(b"planted_bytes" * 20)
            write_mapping(folder, names, [LABELS[index % 3] for index in range(24)])
            (folder / "metadata.json").write_text('{"datatype": "image", "operations": {}}')
    flat = any_layer("Flatten", is_input=True)
    return Dataset(name, "classify", root, holdings(name), [flat, layer(64, 3, "softmax")], RUN)


@dataclass(frozen=True)
class Emitted:
    """What came out of a grid.

    Attributes:
        raw: all of it, as it was.
        records: the same as objects.
    """

    grid: ReportingGrid
    raw: str
    records: list[dict[str, Any]]


def emitted(grid: ReportingGrid, receiver: GelfReceiver, folder: Path) -> Emitted:
    written = [Path(program.log).read_text() for program in grid.programs]
    received = [receiver.text(role) for role in ROLES]
    waiting = [
        path.read_bytes().decode()
        for path in folder.rglob(".log_spool/**/*")
        if path.name.isdecimal() and path.is_file()
    ]
    assert all(written), "no program was silent"
    assert any(received), "something was received"
    assert any("plantable" in text for text in waiting), "something of the last study waits on disk"
    lines = [line for text in (*written, *received) for line in text.splitlines()]
    lines += [part for text in waiting for part in text.split("\0")[:-1]]
    return Emitted(grid, "\n".join(lines), [json.loads(line) for line in lines])


@pytest.fixture(scope="module", params=["open", "censored"])
def everything(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emitted]:
    """Of a study that succeeds, two that fail by what is in a cell or a picture, and one while the receiver is away."""
    folder = tmp_path_factory.mktemp("emitting")
    (folder / "data").mkdir()
    flags = ("--debug", "--censored") if request.param == "censored" else ("--debug",)
    with ExitStack() as receivers:
        receiver = receivers.enter_context(receiving(folder / "receiver", Transport.TCP))
        with reporting(folder, folder / "data", receiver, *flags, grids=1) as grid:
            good = Study(grid, tables(folder / "data", "rows"), "good")
            broken = [
                Study(grid, tables(folder / "data", "cells", "planted_cell"), "cells"),
                Study(grid, pictures(folder / "data", "faces"), "faces"),
            ]
            for study in (good, *broken):
                hand_in(study)
                wait_for_jobs(study)
            receivers.close()
            unseen = Study(grid, good.dataset, "plantable")
            hand_in(unseen)
            wait_for_jobs(unseen)
            assert {job["state"] for job in (*jobs_of(good), *jobs_of(unseen))} == {"completed"}
            assert all({job["state"] for job in jobs_of(study)} == {"failed"} for study in broken)
            grid.stop()
            yield emitted(grid, receiver, folder)


def test_nothing_of_a_dataset_is_emitted(everything: Emitted) -> None:
    found = [record for record in everything.records if any(planted in json.dumps(record) for planted in PLANTED)]

    assert found == []
    assert not any(planted in everything.raw for planted in PLANTED)


def texts(value: Any) -> Iterator[str]:
    """All texts in a record, names too."""
    match value:
        case str():
            yield value
        case dict():
            for name, each in value.items():
                yield name
                yield from texts(each)
        case list():
            for each in value:
                yield from texts(each)


def test_a_censored_log_has_nothing_of_places(everything: Emitted, request: pytest.FixtureRequest) -> None:
    grid = everything.grid
    ports = {str(port) for program in grid.programs for port in (program.port, program.data_port) if port}
    ports |= {str(port) for port in grid.receiver.ports.values()}
    place = re.compile(
        rf"127\.0\.0\.1|\b{re.escape(socket.gethostname())}\b|localhost|://|/tmp|\b(?:{'|'.join(ports)})\b"
    )
    showing = [text for record in everything.records for text in texts(record) if place.search(text)]

    if request.node.callspec.params["everything"] == "open":
        assert showing, "what is censored would stand there"
        return
    assert sorted(set(showing)) == []
    assert [
        record
        for record in everything.records
        for name, value in record.items()
        if "port" in name and str(value) in ports
    ] == []


def test_two_nodes_stay_two_in_a_censored_log(everything: Emitted, request: pytest.FixtureRequest) -> None:
    if request.node.callspec.params["everything"] == "open":
        pytest.skip("of censored logs")
    director = [record for record in everything.records if record.get("component") == "director"]
    ports = {json.dumps(record["ports"]) for record in everything.records if "ports" in record}

    assert director
    assert len(ports) == len(everything.grid.programs)
