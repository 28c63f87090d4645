"""An example's project file, applied to a TTP and two workers, learnt from, and undone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest

from grids.real_grid import WORKERS, RealGrid, started
from support.command_runner import Run
from synergos import Driver
from synergos.cli.exits import ExitCode

# As much as tests/conftest.py gives the tests of whole programs: on a busy machine they take long to be there.
pytestmark = pytest.mark.timeout(400)

EXAMPLES = Path(__file__).parents[3] / "simulator" / "datasets"
RUN = ("wine_collaboration", "wine_project", "network", "first")


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealGrid]:
    with started(tmp_path_factory.mktemp("grid"), EXAMPLES) as running:
        yield running


@pytest.fixture
def file(grid: RealGrid, tmp_path: Path) -> Path:
    """The example's project file with this grid's addresses, and the JSON files that it names beside it."""
    for path in (EXAMPLES / "wine").glob("*.json"):
        copyfile(path, tmp_path / path.name)
    text = (EXAMPLES / "wine" / "federation.toml").read_text().replace("max_trial_num = 4", "max_trial_num = 1")
    for worker in grid.grid.workers:
        node = f'host = "{worker.host}", port = {worker.data_port}, f_port = {worker.port} }}'
        text = re.sub(rf"(\[participants.{worker.name}\]\nrole = .*\nnodes = \[{{ )[^}}]*}}", rf"\g<1>{node}", text)
    file = tmp_path / "federation.toml"
    file.write_text(text)
    return file


def test_an_example_is_applied_learnt_from_and_undone(
    run: Run, grid: RealGrid, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNERGOS_ADDRESS", grid.driver.address)
    driver = Driver(grid.driver.host, grid.driver.port, raise_errors=True)

    applied = run("apply", "--file", str(file), "--format", "json")

    assert applied.code == ExitCode.OK, applied.err
    records = json.loads(applied.out)["records"]
    assert {(record["deed"], *record["notes"]) for record in records} == {("created",)}
    for command in (["align"], ["train"], ["validate"], ["predict"], ["tune", "start", "--wait"]):
        ended = run(*command, "--file", str(file))
        assert ended.code == ExitCode.OK, ended.err
    assert len(driver.validations.read(*RUN)["data"]) == 2
    assert [len(driver.predictions.read(who, *RUN)["data"]) for who in WORKERS] == [1, 1]
    [study] = driver.optimizations.studies(*RUN[:3])["data"]
    assert (study["state"], study["base_run"]) == ("completed", "first")
    # What was agreed, fitted and learnt since is no difference.
    assert run("diff", "--file", str(file)).code == ExitCode.OK
    assert grid.outputs("ttp").joinpath(*RUN).is_dir()
    destroyed = run("destroy", "--file", str(file), "--yes", "--format", "json")
    assert {(record["deed"], *record["notes"]) for record in json.loads(destroyed.out)["records"]} == {("deleted",)}
    assert not grid.outputs("ttp").joinpath(RUN[0]).exists()
    assert driver.collaborations.read_all()["data"] == driver.participants.read_all()["data"] == []
