"""What the images are like: small layers on shared ones, unprivileged, and they end when they are told to."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path

import pytest

from containers import engine
from containers.engine import Container
from containers.images import BASIC_TTP, DIRECTOR, IMAGES, WORKER, build_image
from support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.containers, pytest.mark.timeout(1800), pytest.mark.usefixtures("images")]

Run = Callable[..., Container]


@pytest.fixture
def run() -> Iterator[Run]:
    """Starts containers, which are gone at the end."""
    started: list[Container] = []

    def start(image: str, *arguments: str, options: tuple[str, ...] = ()) -> Container:
        name = f"synergos_test_{len(started)}"
        Container(name).remove()
        started.append(Container(name))
        return Container.started(name, image, *arguments, options=options)

    yield start
    for container in started:
        container.remove()


def layers(image: str) -> list[str]:
    [found] = json.loads(engine.docker("image", "inspect", image))
    return list(found["RootFS"]["Layers"])


def user_of(container: Container) -> set[str]:
    """The numbers its first process runs as: real, effective, saved, of files."""
    return set(container.main_process()["Uid"].split())


def written_by(run: Run, *options: str) -> str:
    """Run something in the place of a TTP, whom the image makes it: the numbers it runs as, when it has written ``written`` to its data."""
    program = ("sh", "-c", "touch /orchestrator/data/written && grep Uid: /proc/self/status")
    ended = run(BASIC_TTP, *program, options=("--entrypoint", "synergos-entrypoint", *options))
    until(lambda: ended.exit_code is not None, "it to end")
    assert ended.exit_code == 0, ended.log
    return (
        next(line for line in ended.log.splitlines() if line.startswith("Uid:"))
        .partition(":")[2]
        .replace("\t", " ")
        .strip()
    )


def test_torch_lies_in_layers_that_all_programs_share() -> None:
    base = layers("python:3.11-slim-bookworm")
    by_position = zip(*(layers(image) for image in (WORKER, DIRECTOR, BASIC_TTP)), strict=False)
    shared = [same[0] for same in takewhile(lambda those: len(set(those)) == 1, by_position)]
    finding = "import importlib.util, os; print(os.stat(importlib.util.find_spec('torch').origin).st_ino)"

    found = {
        engine.docker("run", "--rm", "--entrypoint", "python", image, "-c", finding)
        for image in (WORKER, DIRECTOR, BASIC_TTP)
    }

    # The environment, torch, and what all programs need besides.
    assert shared[: len(base)] == base
    assert len(shared) >= len(base) + 3
    assert len(found) == 1


def test_changed_code_changes_the_last_layers_only(tmp_path: Path) -> None:
    for name in ("shared", "manager", "director", "ttp", "worker", "simulator", "portal", "docker", "locks"):
        shutil.copytree(
            engine.ROOT / name,
            tmp_path / name,
            ignore=shutil.ignore_patterns("__pycache__", "outputs", "metadata", "datasets"),
        )
    for name in ("pyproject.toml", "README.md", "LICENSE", ".dockerignore"):
        shutil.copy(engine.ROOT / name, tmp_path / name)
    with (tmp_path / "worker" / "synergos_worker" / "__init__.py").open("a") as code:
        code.write("\nchanged = True\n")
    with (tmp_path / "pyproject.toml").open("a") as settings:
        settings.write("\n[tool.changed]\nother = true\n")

    engine.build("docker/Dockerfile", "synergos_worker:changed", "--target", "worker", context=tmp_path)

    before, after = layers(WORKER), layers("synergos_worker:changed")
    engine.docker("image", "rm", "synergos_worker:changed")
    assert len(before) == len(after)
    # The wheel, and where it is installed.
    assert before[:-2] == after[:-2]
    assert before[-1] != after[-1]


@pytest.mark.parametrize(("image", "label"), [(image, options[-1]) for image, (_, *options) in IMAGES.items()])
def test_an_image_has_its_label_and_a_health_check_and_nothing_to_build_with(image: str, label: str) -> None:
    # Docker Compose builds some of them too, without a label.
    build_image(image)
    [found] = json.loads(engine.docker("image", "inspect", image))
    tools = "for tool in cc gcc curl wget git vi; do command -v $tool; done; exit 0"

    assert label in found["Config"]["Labels"]
    assert found["Config"]["Healthcheck"]["Test"][0] == "CMD"
    assert engine.docker("run", "--rm", "--entrypoint", "sh", image, "-c", tools) == ""


def test_a_program_is_the_first_process_and_unprivileged_and_ends_when_told(run: Run, mounted: Path) -> None:
    worker = run(WORKER, "--id", "w", options=("-v", f"{mounted}/outputs:/worker/outputs"))
    worker.wait_until_healthy()

    process, command = worker.main_process(), worker.command_line()

    assert (user_of(worker), process["NoNewPrivs"]) == ({"1000"}, "1")
    assert {int(process[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert Path(command[1]).name == "synergos-worker"
    assert worker.stop() == 0


def test_folders_that_docker_makes_can_be_written_to(run: Run, mounted: Path) -> None:
    ttp = run(BASIC_TTP, options=("-v", f"{mounted}/data:/orchestrator/data", "-v", f"{mounted}/mlflow:/mlflow"))

    ttp.wait_until_healthy()

    assert {(mounted / "data" / "records.sqlite").stat().st_uid, (mounted / "mlflow").stat().st_uid} == {1000}


def test_a_folder_of_somebody_decides_who_the_program_runs_as(run: Run, mounted: Path) -> None:
    (mounted / "data").mkdir()
    give_away = ("-v", f"{mounted}/data:/folder", "--entrypoint", "chown", WORKER, "4321:4322", "/folder")
    engine.docker("run", "--rm", *give_away)
    written = written_by(run, "-v", f"{mounted}/data:/orchestrator/data", "-v", f"{mounted}/mlflow:/mlflow")

    assert written == "4321 4321 4321 4321"
    found = (mounted / "data" / "written").stat()
    assert (found.st_uid, found.st_gid) == (4321, 4322)
    assert (mounted / "mlflow").stat().st_uid == 4321


def test_only_what_has_one_name_is_handed_over(run: Run, mounted: Path) -> None:
    (mounted / "elsewhere").mkdir()
    folder = mounted / "data"
    folder.mkdir()
    if os.getuid() == 0:
        (folder / "own").write_text("")
        secret = mounted / "elsewhere" / "secret"
        secret.write_text("somebody else's")
        (folder / "second_name").hardlink_to(secret)
        os.mkfifo(folder / "pipe")
        (folder / "link").symlink_to(secret)
    else:
        pytest.skip("needs files of root")
    written_by(run, "-v", f"{folder}:/orchestrator/data", "-v", f"{mounted}/mlflow:/mlflow")

    owners = {name: (folder / name).lstat().st_uid for name in ("own", "second_name", "pipe", "link")}
    assert owners == {"own": 1000, "second_name": 0, "pipe": 0, "link": 1000}
    assert secret.stat().st_uid == 0
    assert "another name elsewhere: /orchestrator/data/second_name" in Container("synergos_test_0").log


@pytest.mark.parametrize("options", [("--user", "2345:2346"), ("--env", "SYNERGOS_USER=2345:2346")])
def test_who_it_runs_as_can_be_said(run: Run, mounted: Path, options: tuple[str, ...]) -> None:
    folder = mounted / "data"
    folder.mkdir()
    folder.chmod(0o777)
    written = written_by(run, "-v", f"{folder}:/orchestrator/data", *options)

    assert written == "2345 2345 2345 2345"
    found = (folder / "written").stat()
    assert (found.st_uid, found.st_gid) == (2345, 2346)


def test_a_folder_nobody_may_write_to_is_named_unless_it_is_of_data(run: Run, mounted: Path) -> None:
    folder = mounted / "outputs"
    folder.mkdir()
    data, outputs = ("-v", f"{folder}:/worker/data:ro"), ("-v", f"{folder}:/worker/outputs:ro")
    # Workers of all grids have their data so, and run.
    refused = run(WORKER, options=(*data, *outputs))

    until(lambda: refused.exit_code is not None, "the worker to give up")

    assert refused.exit_code == 2
    assert "--outputs: the folder /worker/outputs cannot be written to" in refused.log
    assert "/worker/data" not in refused.log
