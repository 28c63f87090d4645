"""The broker of a grid on this machine: it keeps to its folder, and nothing of it is left behind."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from servers import rabbitmq as rabbitmq_server
from synergos_simulator.broker import HOST, broker_command
from synergos_simulator.grid import FreePorts, Grid
from synergos_simulator.state import GridState, Program


@pytest.fixture
def planned(tmp_path: Path) -> Program:
    """A broker that is not started yet."""
    if not rabbitmq_server.is_installed():
        pytest.skip("RabbitMQ IS NOT TESTED: it is not installed (on Debian: apt-get install rabbitmq-server)")
    free_port = FreePorts()
    port = free_port()
    command = broker_command(tmp_path / "broker", port, free_port)
    return Program("rabbitmq", command, str(tmp_path / "broker.log"), HOST, port, is_broker=True)


def processes_at_home_in(folder: Path) -> Sequence[psutil.Process]:
    """What was started with this home folder: a broker and all that it has started, were they daemons by now."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            if process.environ().get("HOME") == str(folder):
                found.append(process)
    return found


def test_a_broker_that_is_stopped_leaves_no_process_behind(planned: Program, tmp_path: Path) -> None:
    with Grid(GridState([planned]), tmp_path) as grid:
        grid.wait_until_healthy()
        assert processes_at_home_in(tmp_path / "broker")

    left = processes_at_home_in(tmp_path / "broker")
    names = [process.name() for process in left]
    for process in left:
        process.kill()
    assert names == []


def test_two_brokers_run_side_by_side(planned: Program, tmp_path: Path) -> None:
    free_port = FreePorts()
    port = free_port()
    command = broker_command(tmp_path / "another", port, free_port)
    another = Program("another", command, str(tmp_path / "another.log"), HOST, port, is_broker=True)

    with Grid(GridState([planned, another]), tmp_path) as grid:
        grid.wait_until_healthy()
        assert all(program.is_running for program in grid.state.programs)
