"""What tests have forked in place of being executed is what they would have executed."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from grids.cluster_grid import GRIDS
from grids.forked import is_ours
from grids.real_grid import WORKERS
from support.forking import ForkServer, asking, forking
from support.waiting import DEADLINE, until
from synergos_simulator.cluster import ClusterPlan
from synergos_simulator.grid import Grid, Plan, Planned

TOOL = [sys.executable, "-P", "-W", "ignore", "-m", "json.tool"]
"""Reads its standard input to the end, or a file; says what is wrong with it on its standard error, and ends with 1."""
STARTS = """
import sys, time
from support.forking import ForkServer, asking

started = asking(ForkServer().address, "json.tool")([sys.executable, "-m", "json.tool"], stdin=-1)
print(started.pid, flush=True)
time.sleep(600)
"""
Popen = type[subprocess.Popen[Any]]


@pytest.fixture(scope="module")
def address() -> bytes:
    return ForkServer().address


@pytest.fixture(params=["asked for", "forked here"])
def popen(request: pytest.FixtureRequest, address: bytes) -> Popen:
    modules = ("json.tool", "site")
    return asking(address, *modules) if request.param == "asked for" else forking(*modules)


def run(popen: Popen, command: list[str], given: bytes = b"", **options: Any) -> tuple[bytes, bytes, int]:
    with popen(command, stdin=-1, stdout=-1, stderr=-1, **options) as process:
        out, err = process.communicate(given, DEADLINE)
        return out, err, process.wait(DEADLINE)


def test_it_has_its_streams_and_its_exit_code(popen: Popen) -> None:
    assert run(popen, TOOL, b"[1]") == (b"[\n    1\n]\n", b"", 0)
    out, err, code = run(popen, TOOL, b"[")
    assert (out, code) == (b"", 1)
    assert err.startswith(b"Expecting value")


def test_it_has_its_folder_and_its_environment(popen: Popen, tmp_path: Path) -> None:
    (tmp_path / "given.json").write_text("{}")
    assert run(popen, [*TOOL, "given.json"], cwd=tmp_path) == (b"{}\n", b"", 0)

    environment = {**os.environ, "PYTHONUSERBASE": "/of/a/user"}
    assert run(popen, [sys.executable, "-m", "site", "--user-base"], env=environment)[0] == b"/of/a/user\n"


def test_while_it_runs_it_can_be_killed(popen: Popen) -> None:
    with popen(TOOL, stdin=-1, start_new_session=True) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        assert process.poll() is None
        process.kill()
        assert process.wait(DEADLINE) == -signal.SIGKILL
        assert process.poll() == -signal.SIGKILL


def test_what_is_asked_for_is_in_a_session_of_its_own(address: bytes) -> None:
    with asking(address, "json.tool")(TOOL, stdin=-1) as process:
        assert os.getsid(process.pid) == process.pid
        os.killpg(process.pid, signal.SIGKILL)


def test_all_else_is_executed(popen: Popen) -> None:
    assert run(popen, [sys.executable, "-c", "print(__name__)"]) == (b"__main__\n", b"", 0)


def test_what_this_process_does_at_its_end_is_not_done_at_the_programs(popen: Popen) -> None:
    atexit.register(os.write, 1, b"ended")
    try:
        assert run(popen, TOOL, b"[]") == (b"[]\n", b"", 0)
    finally:
        atexit.unregister(os.write)


def connected(address: bytes) -> socket.socket:
    """Somebody who knocks at a server, and has said nothing yet."""
    knocking = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    knocking.settimeout(DEADLINE)
    knocking.connect(address)
    return knocking


def test_whoever_is_gone_or_stops_before_it_asks_keeps_nobody_waiting(address: bytes) -> None:
    connected(address).close()
    with connected(address):
        assert run(asking(address, "json.tool"), TOOL, b"[]") == (b"[]\n", b"", 0)


def test_whoever_is_gone_before_it_is_told_ends_nothing(address: bytes) -> None:
    with connected(address) as gone:
        # Nobody can become this.
        gone.send(b"[]")

    assert run(asking(address, "json.tool"), TOOL, b"[]") == (b"[]\n", b"", 0)


def test_whoever_asks_is_told_what_cannot_be_loaded() -> None:
    address = ForkServer("no_such_module").address
    for _ in range(2):
        with pytest.raises(OSError, match="No module named 'no_such_module'"):
            asking(address, "json.tool")(TOOL)


@pytest.mark.skipif(os.getuid() != 0, reason="nobody else can be this one")
def test_another_user_is_shown_the_door(address: bytes) -> None:
    if (pid := os.fork()) == 0:
        code = 1
        try:
            os.setuid(65534)
            with connected(address) as knocking:
                code = 1 if knocking.recv(1) else 0
        finally:
            os._exit(code)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.parametrize("kind", [Plan, ClusterPlan])
def test_all_programs_of_grids_are_forked(kind: type[Plan] | type[ClusterPlan], tmp_path: Path) -> None:
    sizes = (GRIDS,) if kind is ClusterPlan else ()
    planned: Planned = kind(tmp_path / "grid", tmp_path, WORKERS, *sizes)

    programs = [program for program in Grid.planned(planned).planned_programs if not program.is_broker]

    assert len(programs) > len(WORKERS)
    assert [program.command for program in programs if not is_ours(program.command)] == []


@pytest.fixture
def killed() -> Iterator[int]:
    """The number of a process that a server had forked for somebody who was killed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", STARTS], stdout=-1, env=environment) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        server = psutil.Process(pid).parent()
        assert server is not None
        starter.kill()
    yield pid
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


def test_nothing_is_left_of_it_when_whoever_asked_is_killed(killed: int) -> None:
    until(lambda: not psutil.pid_exists(killed), "it to end")
