"""What goes wrong is said, where it went wrong; nothing stays open and nothing is lost."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from grids.killable_grid import KillableGrid, killable
from grids.real_grid import ENDLESS, Aside, RealGrid, Study
from servers.nobody import nobody
from support.any_model import allow_any_model
from support.waiting import DEADLINE, until
from synergos_simulator.datasets import Dataset
from synergos_simulator.grid import FreePorts


@pytest.fixture
def folder(data: Path, wine: Dataset) -> Path:
    """A copy of one participant's training folder, to be spoilt."""
    copy = data / "spoilt"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(wine.root.joinpath(*wine.holdings[0].train), copy)
    return copy


def with_folder(study: Study, *tag: str) -> None:
    """Declare the study with another training folder for the first participant."""
    study.declare({"worker_1": {"train": [tag], "evaluate": []}})


def running(study: Study, rounds: int = 2) -> bool:
    jobs = [job for job in study.jobs("train") if job["state"] == "running"]
    return any(job["progress"].get("round", 0) >= rounds for job in jobs)


def test_an_unknown_tag_is_named(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "lost_tag")
    with_folder(study, "no_such_folder")

    answer = study.align()

    assert 400 <= answer["status"] < 500
    assert "worker_1" in answer["message"]
    assert "no_such_folder" in answer["message"]


def test_a_missing_column_is_named(grid: RealGrid, wine: Dataset, folder: Path) -> None:
    schema = json.loads((folder / "schema.json").read_text())
    (folder / "schema.json").write_text(json.dumps({**schema, "phenols_of_mars": "float64"}))
    study = Study(grid, wine, "lost_column")
    with_folder(study, "spoilt")

    answer = study.align()

    assert 400 <= answer["status"] < 500
    assert "worker_1" in answer["message"]
    assert "phenols_of_mars" in answer["message"]


def test_a_file_that_is_no_table_is_named_and_the_next_request_works(
    grid: RealGrid, wine: Dataset, folder: Path
) -> None:
    [table] = folder.glob("*.csv")
    table.write_bytes(bytes(range(256)) * 10)
    broken, sound = Study(grid, wine, "noise"), Study(grid, wine, "after_noise")
    with_folder(broken, "spoilt")
    sound.declare()

    answer = broken.align()

    assert 400 <= answer["status"] < 500
    assert table.name in answer["message"]
    assert sound.align()["status"] == 201


def test_a_changed_file_is_noticed(grid: RealGrid, wine: Dataset, folder: Path) -> None:
    study = Study(grid, wine, "mended")
    schema = (folder / "schema.json").read_text()
    (folder / "schema.json").write_text("{")
    with_folder(study, "spoilt")
    assert study.align()["status"] != 201

    (folder / "schema.json").write_text(schema)

    assert study.align()["status"] == 201


def test_an_unreachable_worker_is_named(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "nobody_home")
    study.declare()
    collaboration, project, *_ = study.keys
    driver = grid.driver
    registration = driver.registrations
    registration.add_node("127.0.0.1", 9, 11)
    registration.create(collaboration, project, "worker_2", "guest")
    driver.tags.create(collaboration, project, "worker_2", train=[wine.holdings[1].train])

    answer = study.align()

    assert 400 <= answer["status"] < 500
    assert "worker_2" in answer["message"]
    assert study.jobs("preprocess")[-1]["error"]["participant"] == "worker_2"


def test_training_before_alignment_is_refused(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "unaligned")
    study.declare()

    assert study.train()["status"] == 409


def test_validating_an_untrained_run_is_refused(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "untrained")
    study.declare()
    study.align()

    answer = study.validate()

    assert answer["status"] == 409
    assert "untrained_run" in answer["message"]


def test_rows_the_model_cannot_know_are_refused_before_anything_changes(
    grid: RealGrid, wine: Dataset, folder: Path
) -> None:
    study = Study(grid, wine, "drifted", {"rounds": 2})
    study.declare()
    study.align()
    study.train()
    assert study.predict("worker_1")["status"] == 200
    collaboration, project, *_ = study.keys
    before = grid.driver.tags.read(collaboration, project, "worker_1")["data"]
    [table] = folder.glob("*.csv")
    table.write_text("zip\n12345\n")
    (folder / "schema.json").write_text('{"zip": "int32"}')

    answer = study.predict("worker_1", [["spoilt"]])

    assert answer["status"] == 403
    assert "none of its columns is one of those agreed at alignment" in answer["message"]
    assert grid.driver.tags.read(collaboration, project, "worker_1")["data"] == before
    assert len(grid.driver.predictions.read("worker_1", *study.keys)["data"]) == 1


def test_a_label_that_nobody_trained_leaves_the_other_rows_as_they_are(
    grid: RealGrid, wine: Dataset, folder: Path
) -> None:
    study = Study(grid, wine, "new_label", {"rounds": 2})
    study.declare()
    study.align()
    study.train()
    [table] = folder.glob("*.csv")
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines[:-1], lines[-1].rsplit(",", 1)[0] + ",class_9"]) + "\n")

    answer = study.predict("worker_1", [["spoilt"]])

    assert answer["status"] == 200
    [record] = answer["data"]
    told = record["predict"]["never_trained"]["target"]
    assert (told["treated"], told["rows"]) == ("not measured", 1)
    assert told["which"] == [{"file": f"spoilt/{table.name}", "row": len(lines) - 1}]


def test_a_re_run_hides_the_old_model_until_it_ends_and_a_failed_one_shows_it_again(
    grid: RealGrid, wine: Dataset
) -> None:
    study = Study(grid, wine, "hidden", {"rounds": 2})
    study.declare()
    study.align()
    study.train()
    weights = (study.model_folder() / "global_model.safetensors").read_bytes()
    collaboration, project, experiment, run = study.keys
    before = grid.driver.runs.read(collaboration, project, experiment, run)["data"]
    grid.driver.runs.update(collaboration, project, experiment, run, **ENDLESS)

    again = Aside(study.train)
    until(lambda: running(study), "the second training to run")
    hidden = grid.driver.models.read(*study.keys)
    [job] = [job for job in study.jobs("train") if job["state"] == "running"]
    grid.driver.jobs.cancel(job["id"])
    answer = again.answer()

    assert hidden["status"] == 404
    assert isinstance(answer, dict)
    assert answer["status"] == 409
    assert grid.driver.jobs.read(job["id"])["data"]["state"] == "cancelled"
    assert grid.open_sessions() == 0
    # It is not the model of the run as it was changed, and is there again when the change is taken back.
    assert grid.driver.models.read(*study.keys)["status"] == 404
    grid.driver.runs.update(collaboration, project, experiment, run, **{name: before.get(name) for name in ENDLESS})
    assert grid.driver.models.read(*study.keys)["status"] == 200
    assert (study.model_folder() / "global_model.safetensors").read_bytes() == weights


@pytest.fixture(scope="module")
def harmed_grid(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[KillableGrid]:
    """A grid whose programs are there again when a test has harmed them, and that waits for nobody for long."""
    with killable(tmp_path_factory.mktemp("harmed"), data, "--rejoin_timeout", "1") as running:
        yield running


@pytest.fixture
def harmed(harmed_grid: KillableGrid) -> Iterator[KillableGrid]:
    yield harmed_grid
    harmed_grid.end_jobs()


def test_a_ttp_told_to_stop_during_a_round_ends_cleanly(harmed: KillableGrid, wine: Dataset) -> None:
    study = Study(harmed, wine, "stopped", ENDLESS)
    study.declare()
    study.align()
    training = Aside(study.train)
    until(lambda: running(study), "rounds to run")

    with harmed.away("ttp"):
        code = harmed.end("ttp")
        answer = training.answer()
        left = harmed.open_sessions()

    assert code == 0
    assert isinstance(answer, dict)
    assert answer["status"] == 503
    assert "goes on when it is started again" in answer["message"]
    assert left == 0


def test_a_worker_told_to_stop_during_a_round_ends_cleanly_and_is_named(harmed: KillableGrid, wine: Dataset) -> None:
    study = Study(harmed, wine, "left", ENDLESS)
    study.declare()
    study.align()
    training = Aside(study.train)
    until(lambda: running(study), "rounds to run")

    with harmed.away("worker_2"):
        code = harmed.end("worker_2")
        answer = training.answer()

    assert code == 0
    assert isinstance(answer, dict)
    assert 400 <= answer["status"] < 500
    assert "worker_2" in answer["message"]
    assert harmed.open_sessions("worker_1") == 0


def test_a_killed_worker_fails_the_job_and_is_named(harmed: KillableGrid, wine: Dataset) -> None:
    study = Study(harmed, wine, "killed", ENDLESS)
    study.declare()
    study.align()
    training = Aside(study.train)
    until(lambda: running(study), "rounds to run")

    with harmed.away("worker_1"):
        harmed.kill("worker_1")
        answer = training.answer()

    assert isinstance(answer, dict)
    assert "worker_1" in answer["message"]
    assert study.jobs("train")[-1]["state"] == "failed"
    assert harmed.open_sessions("worker_2") == 0


@pytest.fixture
def any_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that are started afterwards train models of any size."""
    said: dict[str, str] = {}
    allow_any_model(tmp_path, said)
    monkeypatch.setenv("SYNERGOS_POLICY", said["SYNERGOS_POLICY"])


@pytest.mark.usefixtures("any_model")
def test_a_ttp_whose_disk_is_full_says_so_and_works_when_there_is_room(own_grid: RealGrid, wine: Dataset) -> None:
    # 4 MB of weights; records and logs stay far below half of that.
    wide = [dense(13, 60_000, "relu"), dense(60_000, 3, "softmax")]
    study = Study(own_grid, replace(wine, architecture=wide), "full", {"rounds": 2})
    study.declare()
    study.align()

    with files_of(own_grid.process("ttp"), 2**21):
        refused = study.train()
    open_after, left = own_grid.open_sessions(), list((own_grid.outputs("ttp") / ".rounds").glob("*"))

    assert refused["status"] >= 400
    assert study.jobs("train")[-1]["error"]["kind"] == "OutputError"
    assert "could not be written" in refused["message"]
    assert (open_after, left) == (0, [])
    assert not study.model_folder().exists()
    assert study.train()["status"] == 200


def dense(inputs: int, outputs: int, activation: str) -> dict[str, Any]:
    structure = {"in_features": inputs, "out_features": outputs, "bias": True}
    return {"is_input": inputs == 13, "l_type": "Linear", "structure": structure, "activation": activation}


@contextmanager
def files_of(program: psutil.Process, size: int) -> Iterator[None]:
    """No file that a running program writes inside the ``with`` block gets more than ``size`` bytes."""
    processes = [program, *program.children(recursive=True)]

    def limit(most: int) -> None:
        for process in processes:
            # Those that it starts for something to be tracked end.
            with suppress(psutil.NoSuchProcess):
                process.rlimit(psutil.RLIMIT_FSIZE, (most, psutil.RLIM_INFINITY))

    limit(size)
    try:
        yield
    finally:
        limit(psutil.RLIM_INFINITY)


def test_exchanged_ports_are_told_when_they_are_registered(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "exchanged")
    study.declare()
    collaboration, project, _, _ = study.keys
    node = grid.driver.registrations.read(collaboration, project, "worker_1")["data"]["node_0"]

    answer = grid.driver.registrations.update(
        collaboration, project, "worker_1", node_0={**node, "port": node["f_port"], "f_port": node["port"]}
    )

    assert answer["status"] == 417
    assert answer["field"] == "node_0.f_port"
    assert "is the data port of worker_1; expected its command port" in answer["message"]


@pytest.mark.parametrize("host", ["0.0.0.0", "169.254.169.254", "2130706433", "127.1", "::ffff:127.0.0.1", "[fe80::1]"])
def test_an_address_that_is_no_worker_s_is_refused_when_it_is_registered(
    grid: RealGrid, wine: Dataset, host: str
) -> None:
    study = Study(grid, wine, "nowhere")
    study.declare()
    collaboration, project, _, _ = study.keys
    node = grid.driver.registrations.read(collaboration, project, "worker_1")["data"]["node_0"]

    answer = grid.driver.registrations.update(collaboration, project, "worker_1", node_0={**node, "host": host})

    assert (answer["status"], answer["field"]) == (417, "node_0.host")
    assert grid.driver.registrations.read(collaboration, project, "worker_1")["data"]["node_0"] == node


def test_a_ttp_is_not_its_own_worker(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "itself")
    study.declare()
    collaboration, project, _, _ = study.keys
    node = grid.driver.registrations.read(collaboration, project, "worker_1")["data"]["node_0"]

    answer = grid.driver.registrations.update(
        collaboration, project, "worker_1", node_0={**node, "f_port": grid.grid.ttp.port}
    )

    assert (answer["status"], answer["field"]) == (417, "node_0.f_port")
    assert "is this program itself" in answer["message"]


def test_a_tracking_server_that_nobody_allowed_is_refused_when_it_is_declared(grid: RealGrid) -> None:
    def declared(host: str) -> Any:
        services = {"mlops": {"host": host, "ports": {"main": 5500, "ui": 0}, "secure": False}}
        return grid.driver.collaborations.create("tracked_elsewhere", **services)

    assert declared("127.0.0.1")["status"] == 201
    refused = declared("10.0.0.9")
    assert (refused["status"], refused["field"]) == (417, "mlops.host")


def test_a_wrong_data_port_is_found_at_alignment(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "elsewhere")
    study.declare()
    collaboration, project, _, _ = study.keys
    node = grid.driver.registrations.read(collaboration, project, "worker_2")["data"]["node_0"]
    with nobody() as port:
        grid.driver.registrations.update(collaboration, project, "worker_2", node_0={**node, "port": port})

        answer = study.align()

    assert answer["status"] == 424
    assert answer["message"] == f"worker_2: cannot be reached at {node['host']}:{port}"


def test_the_ttp_says_which_workers_it_reaches(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "watched")
    study.declare()
    collaboration, project, _, _ = study.keys
    node = grid.driver.registrations.read(collaboration, project, "worker_2")["data"]["node_0"]
    with nobody() as port:
        grid.driver.registrations.update(collaboration, project, "worker_2", node_0={**node, "port": port})

        answer = requests.get(f"{grid.driver.address}/ttp/nodes?project_id={project}", timeout=DEADLINE).json()
    first, second = answer["data"]

    assert (first["is_reachable"], first["problem"]) == (True, None)
    assert (first["command"]["id"], first["data"]["id"]) == ("worker_1", "worker_1")
    # Not to the second: the answer may have taken some.
    assert abs(first["command"]["clock_difference"]) < 60
    assert second["is_reachable"] is False
    assert second["problem"] == f"cannot be reached from here at {node['host']}:{port} (Connection refused)"


def test_two_names_of_one_worker_are_told_when_they_are_registered(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "twice")
    study.declare()
    collaboration, project, _, _ = study.keys
    node = grid.driver.registrations.read(collaboration, project, "worker_1")["data"]["node_0"]
    grid.driver.participants.create("worker_3")

    registration = grid.driver.registrations
    registration.add_node("localhost", node["port"], node["f_port"])
    answer = registration.create(collaboration, project, "worker_3", "guest")

    assert (answer["status"], answer["field"]) == (417, "node_0.f_port")
    assert "is the worker of another participant, worker_1" in answer["message"]


def test_a_second_ttp_on_the_same_records_says_who_has_them_and_ends(grid: RealGrid) -> None:
    command = list(grid.grid.ttp.command)
    command[command.index("--port") + 1] = str(FreePorts()())

    second = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)

    assert second.returncode != 0
    assert "the record store is in use by ttp on" in second.stdout + second.stderr
    assert grid.driver.collaborations.read_all()["status"] == 200
