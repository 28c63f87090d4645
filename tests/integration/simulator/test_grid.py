"""Grids of small stand-in programs: nothing is left behind, and nobody else's process is touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from support.waiting import until
from synergos.errors import Conflict, GridError, RecordNotFound
from synergos_simulator.grid import FreePorts, Grid, Plan, is_healthy, stop_grid
from synergos_simulator.state import GridState, Identity, Program
from synergos_simulator.supervisor import supervise

STAND_IN = Path(__file__).parent / "stand_in_program.py"


def program(name: str, folder: Path, *more: str) -> Program:
    port = FreePorts()()
    command = [sys.executable, str(STAND_IN), str(port), *more]
    return Program(name, command, str(folder / f"{name}.log"), "127.0.0.1", port)


def two_programs(folder: Path, *more: str) -> GridState:
    return GridState([program("worker_1", folder, *more), program("ttp", folder, *more)])


def written_in(folder: Path) -> GridState:
    """The grid, as soon as its supervisor has written down all of its programs, which it does when they have begun."""
    until(lambda: all(p.identity for p in GridState.load(folder).programs), "the programs to be written down")
    return GridState.load(folder)


def processes_of(folder: Path) -> list[psutil.Process]:
    """The programs and the children they have started."""
    programs = [psutil.Process(p.identity.pid) for p in written_in(folder).programs if p.identity]
    return [one for p in programs for one in [p, *p.children(recursive=True)]]


def all_gone(processes: list[psutil.Process]) -> bool:
    until(lambda: not any(map(is_alive, processes)), lambda: f"{processes} to be gone")
    return True


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


def test_a_grid_answers_until_its_block_is_left(tmp_path: Path) -> None:
    with Grid(two_programs(tmp_path), tmp_path) as grid:
        grid.wait_until_healthy()
        running = processes_of(tmp_path)
        assert all(one.is_running for one in grid.state.programs)

    assert len(running) == 4
    assert all_gone(running)
    assert [one.exit_code for one in grid.state.programs] == [-signal.SIGTERM, -signal.SIGTERM]
    assert not grid.state.is_running


def test_an_interrupted_block_stops_the_grid_too(tmp_path: Path) -> None:
    running: list[psutil.Process] = []

    def work() -> None:
        with Grid(two_programs(tmp_path), tmp_path) as grid:
            grid.wait_until_healthy()
            running.extend(processes_of(tmp_path))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()

    assert len(running) == 4
    assert all_gone(running)


def test_a_program_that_ends_early_is_reported_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "ttp.log"
    broken = Program("ttp", [sys.executable, "-c", "raise SystemExit('no such flag')"], str(log), "127.0.0.1", 1)

    with Grid(GridState([broken]), tmp_path) as grid, pytest.raises(GridError, match=r"(?s)ttp: .* 1; .*no such flag"):
        grid.wait_until_healthy()


def test_a_program_that_cannot_be_started_is_reported(tmp_path: Path) -> None:
    missing = Program("ttp", ["/no/such/program"], str(tmp_path / "ttp.log"), "127.0.0.1", 1)
    state = GridState([program("worker_1", tmp_path), missing])

    with Grid(state, tmp_path) as grid, pytest.raises(GridError, match=r"(?s)ttp: .* 127; .*/no/such/program"):
        grid.wait_until_healthy()


def test_a_silent_program_is_given_up(tmp_path: Path) -> None:
    silent = replace(program("ttp", tmp_path), command=[sys.executable, "-c", "import time; time.sleep(600)"])

    with Grid(GridState([silent]), tmp_path) as grid, pytest.raises(GridError, match=r"no answer within 0.3 s"):
        grid.wait_until_healthy(deadline=0.3)


STARTER = """
import sys
from pathlib import Path
from synergos_simulator.grid import Grid
from synergos_simulator.state import GridState
folder = Path(sys.argv[1])
with Grid(GridState.load(folder), folder) as grid:
    grid.wait_until_healthy()
    if "release" in sys.argv:
        grid.release()
    if "finish" in sys.argv:
        grid.finish()
    print("up", flush=True)
    if "wait" in sys.argv:
        sys.stdin.read()
"""


def start_elsewhere(folder: Path, *how: str, also: Sequence[Program] = ()) -> subprocess.Popen[str]:
    GridState([*also, *two_programs(folder).programs]).save(folder)
    command = [sys.executable, "-c", STARTER, str(folder), *how]
    starter = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    assert starter.stdout.readline() == "up\n"
    return starter


def test_the_grid_ends_when_the_command_that_started_it_is_killed(tmp_path: Path) -> None:
    with start_elsewhere(tmp_path, "wait") as starter:
        running = processes_of(tmp_path)
        starter.kill()

    assert len(running) == 4
    assert all_gone(running)


def test_the_programs_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    with start_elsewhere(tmp_path, "wait") as starter:
        state = written_in(tmp_path)
        programs = [psutil.Process(p.identity.pid) for p in state.programs if p.identity]
        children = [child for process in programs for child in process.children()]
        assert state.supervisor
        os.kill(state.supervisor.pid, signal.SIGKILL)
        gone = all_gone(programs)
        starter.kill()
    for child in children:  # nobody is left to stop the programs' own children; real programs do that themselves
        child.kill()

    assert gone


def test_a_released_grid_goes_on_until_it_is_stopped(tmp_path: Path) -> None:
    with start_elsewhere(tmp_path, "release"):
        pass
    state, running = written_in(tmp_path), processes_of(tmp_path)
    until(lambda: all(is_healthy(one) for one in state.programs), "all to answer still")

    stop_grid(tmp_path)

    assert all_gone(running)
    assert not GridState.load(tmp_path).is_running


def test_only_what_outlives_the_others_goes_on_when_a_grid_has_finished(tmp_path: Path) -> None:
    pages = replace(program("mlops", tmp_path), outlives=True)
    with start_elsewhere(tmp_path, "finish", also=[pages]):
        pass
    state = GridState.load(tmp_path)
    until(lambda: is_healthy(state.programs[0]), "the one that outlives the others to answer still")
    assert [is_healthy(one) for one in state.programs[1:]] == [False, False]
    assert [one.exit_code for one in state.programs] == [None, -signal.SIGTERM, -signal.SIGTERM]

    stop_grid(tmp_path)

    assert not GridState.load(tmp_path).is_running


def test_nothing_is_left_of_a_grid_that_has_finished_when_all_of_it_was_at_work(tmp_path: Path) -> None:
    with start_elsewhere(tmp_path, "finish"):
        pass

    assert not any(one.is_running for one in GridState.load(tmp_path).programs)


def test_a_program_that_ignores_sigterm_is_killed_after_the_grace(tmp_path: Path) -> None:
    two_programs(tmp_path, "stubborn").save(tmp_path)
    leash, command = os.pipe()
    thread = threading.Thread(target=supervise, args=(tmp_path, leash, threading.Event(), 0.1))
    thread.start()
    try:
        wait_for_children(tmp_path)
        running = processes_of(tmp_path)
    finally:
        os.close(command)
        thread.join()
        os.close(leash)

    assert all_gone(running)
    assert [one.exit_code for one in GridState.load(tmp_path).programs] == [-signal.SIGKILL, -signal.SIGKILL]


def wait_for_children(folder: Path) -> None:
    """Until each program has said that it started its child, which it does once SIGTERM is ignored."""

    def have_children() -> bool:
        logs = [path.read_text() for path in folder.glob("*.log")]
        return len(logs) == 2 and all("child" in log for log in logs)

    until(have_children, "the programs to start")


def test_a_process_that_only_has_the_number_now_is_left_alone(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    recycled = replace(Identity.of(sleeper.pid), started=Identity.of(sleeper.pid).started - 3600)
    state = GridState([replace(program("ttp", tmp_path), identity=recycled)], supervisor=recycled)
    state.save(tmp_path)

    stop_grid(tmp_path)

    assert not state.is_running
    assert sleeper.poll() is None


def test_a_folder_holds_one_running_grid(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    GridState([replace(program("ttp", tmp_path), identity=Identity.of(sleeper.pid))]).save(tmp_path)

    with pytest.raises(Conflict, match="stop it with: synergos grid down"):
        Grid.planned(Plan(tmp_path, tmp_path, ["worker_1"]))


def test_there_is_nothing_to_stop_where_nothing_was_started(tmp_path: Path) -> None:
    with pytest.raises(RecordNotFound, match="no grid was started"):
        stop_grid(tmp_path)


def test_a_plan_gives_every_program_ports_and_folders_of_its_own_and_workers_the_same_data(tmp_path: Path) -> None:
    grid = Grid.planned(Plan(tmp_path / "run", tmp_path / "data", ["worker_1", "worker_2"], ttp_port=5000))
    programs = {one.name: list(one.command) for one in [*grid.workers, grid.ttp]}

    def flag(name: str, flag: str) -> str:
        return programs[name][programs[name].index(flag) + 1]

    assert list(programs) == ["worker_1", "worker_2", "ttp"]
    assert programs["ttp"][1:3] == ["-m", "synergos_ttp"]
    assert programs["worker_1"][1:3] == ["-m", "synergos_worker"]
    assert flag("ttp", "--port") == "5000"
    ports = [flag(name, port) for name in programs for port in ("--port", "--data_port")]
    assert len(set(ports)) == 6
    assert flag("worker_1", "--data") == flag("worker_2", "--data") == str(tmp_path / "data")
    assert flag("worker_1", "--outputs") != flag("worker_2", "--outputs")
    assert {flag(name, "--host") for name in programs} == {"127.0.0.1"}
