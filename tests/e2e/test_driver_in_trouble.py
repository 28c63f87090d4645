"""What somebody with a notebook is told by the real programs when something is wrong, or takes too long."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grids.forked import forked
from grids.processes import Processes
from grids.real_grid import ENDLESS, RealGrid, Study
from servers.mlflow_server import tracking_server
from support.waiting import until
from synergos import Driver
from synergos.driver import Interrupted, JobFailed, ServerTimeout, ServerUnreachable, WrongServer, stage_requests
from synergos_simulator.datasets import Dataset


@pytest.mark.parametrize("interface", ["command", "data"])
def test_a_driver_at_a_workers_port_is_told_where_it_is(grid: RealGrid, interface: str) -> None:
    worker = grid.grid.workers[0]
    port = worker.port if interface == "command" else worker.data_port

    with Driver(worker.host, port) as driver, pytest.raises(WrongServer) as raised:
        driver.collaborations.create("c")

    where = f"http://{worker.host}:{port} is the {interface} port of worker 'worker_1', not an orchestrator"
    assert str(raised.value).startswith(f"{where}; give host and port of the TTP or director")


def test_a_driver_at_a_tracking_server_is_told_that_it_is_none_of_ours(tmp_path: Path) -> None:
    with tracking_server(tmp_path) as port:
        with Driver("127.0.0.1", port) as driver, pytest.raises(WrongServer, match=r"is this a Synergos server\?"):
            driver.collaborations.create("c")
        with (
            Driver("127.0.0.1", port, is_secured=True) as driver,
            pytest.raises(ServerUnreachable, match="leave is_secured"),
        ):
            driver.collaborations.create("c")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was interrupted, or waited too long, asks for longer what goes on: on a busy machine the answer takes its time."""
    monkeypatch.setattr(stage_requests, "_LOOK_SECONDS", 30.0)


def endless(grid: RealGrid, wine: Dataset, name: str) -> Study:
    """A study that is aligned, and whose training does not end by itself."""
    study = Study(grid, wine, name, ENDLESS)
    study.declare()
    study.align()
    return study


def running(grid: RealGrid, study: Study) -> Callable[[], bool]:
    return lambda: any(job["state"] == "running" for job in grid.driver.jobs.read_all(run_id=study.keys[3])["data"])


@pytest.mark.usefixtures("patient")
def test_a_training_that_takes_longer_than_the_time_out_is_named_and_goes_on(grid: RealGrid, wine: Dataset) -> None:
    study = endless(grid, wine, "slow")
    ttp = grid.grid.ttp

    # By then the request has arrived, also on a busy machine.
    with (
        Driver(ttp.host, ttp.port, timeout=10.0, raise_errors=True) as driver,
        pytest.raises(ServerTimeout, match=r"its job goes on: driver.jobs.wait\('[0-9a-f-]+'\)") as raised,
    ):
        driver.models.create(*study.keys)
    [job] = raised.value.jobs
    until(running(grid, study), "the training to run")
    grid.driver.jobs.cancel(job)
    with pytest.raises(JobFailed, match=r"^train slow_collaboration/.* cancelled"):
        grid.driver.jobs.wait(job, interval=0.1, raise_errors=True)


@pytest.mark.usefixtures("patient")
def test_a_training_that_is_interrupted_is_named_and_goes_on(grid: RealGrid, wine: Dataset) -> None:
    study = endless(grid, wine, "interrupted_driver")

    main = threading.main_thread().ident
    assert main is not None
    is_told = threading.Event()

    def interrupt() -> None:
        until(running(grid, study), "the training to run")
        # One that comes in the moment before the main thread begins to wait is noticed only when it has waited.
        while not is_told.is_set():
            signal.pthread_kill(main, signal.SIGINT)
            is_told.wait(60)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(Interrupted, match=r"its job goes on") as raised:
            grid.driver.models.create(*study.keys)
    finally:
        is_told.set()
    thread.join()

    [job] = raised.value.jobs
    assert grid.driver.jobs.read(job)["data"]["state"] == "running"


@pytest.fixture
def processes() -> Iterator[Processes]:
    started = Processes(forked)
    yield started
    started.end_all()


def test_a_wait_survives_a_restart_of_the_ttp(own_grid: RealGrid, wine: Dataset, processes: Processes) -> None:
    study = endless(own_grid, wine, "restarted")
    accepted = own_grid.driver.models.create(*study.keys, respond_async=True)
    looks: list[str] = []

    def looked(job: dict[str, Any]) -> None:
        if job["state"] != "running":
            return
        looks.append(job["id"])
        if len(looks) == 1:
            own_grid.end("ttp")
            processes.start(own_grid.grid.ttp)
        else:
            own_grid.driver.jobs.cancel(job["id"])

    [job] = own_grid.driver.jobs.wait(accepted, on_progress=looked, interval=0.2)

    assert job["state"] == "cancelled"
    assert len(looks) > 1
