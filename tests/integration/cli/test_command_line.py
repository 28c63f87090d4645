"""The ``synergos`` command as its callers see it: exit codes, standard output, standard error."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import synergos
from fakes.recording_server import RecordingServer
from servers.nobody import nobody
from support.command_runner import Run
from synergos.cli.exits import MEANINGS, Cancelled, ExitCode, exit_code_of
from synergos.driver import DriverError
from synergos.errors import Conflict, InvalidRequest, RecordNotFound, SynergosError
from synergos_simulator.state import GridState, Identity, Program


def address(server: RecordingServer) -> str:
    return f"http://127.0.0.1:{server.port}"


def job(job_id: str, state: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "Job",
        "id": job_id,
        "stage": "train",
        "state": state,
        "keys": {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"},
        "progress": {"round": 1, "rounds": 2, "losses": {"train": 0.5}, "fraction": 0.5, "seconds_left": 4.0},
        "attempts": 1,
        "error": None,
        "created_at": "2026-01-01T00:00:00+00:00",
        "started_at": None,
        "finished_at": None,
        **more,
    }


def answer(data: object) -> dict[str, Any]:
    return {"apiVersion": "0.1.0", "success": 1, "status": 200, "data": data}


def test_help_names_every_exit_code(run: Run) -> None:
    ended = run("--help")

    assert ended.code == 0
    for code, meaning in MEANINGS.items():
        assert f"{code}  {meaning}" in ended.out
    assert set(MEANINGS) == set(ExitCode)


def test_the_command_says_its_version(run: Run) -> None:
    ended = run("--version")

    assert (ended.code, ended.out) == (0, f"synergos {synergos.__version__}\n")


def test_jobs_are_listed_as_a_table(run: Run, server: RecordingServer) -> None:
    server.answer_next(200, answer([job("j1", "running")]))

    ended = run("job", "list", "--state", "running", "--project", "p", "--address", address(server))

    assert ended.code == 0
    assert "j1" in ended.out
    assert "c/p/e/r" in ended.out
    assert "running · round 1/2 · 4 s left · train loss 0.5" in ended.out
    assert server.requests[0].path == "/ttp/jobs?state=running&project_id=p&order=newest&limit=20"


def test_jobs_are_listed_as_json_and_nothing_else(run: Run, server: RecordingServer) -> None:
    server.answer_next(200, answer([job("j1", "running")]))

    ended = run("job", "list", "--format", "json", "--address", address(server))

    assert json.loads(ended.out) == [job("j1", "running")]
    assert ended.err == ""


def test_one_job_is_shown_with_its_fields(run: Run, server: RecordingServer) -> None:
    server.answer_next(200, answer(job("j1", "failed", error={"kind": "WorkerRefused", "message": "no column age"})))

    ended = run("job", "show", "j1", "--address", address(server))

    assert ended.code == 0
    assert "error.message" in ended.out
    assert "no column age" in ended.out


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (["completed", "completed"], ExitCode.OK),
        (["completed", "failed"], ExitCode.JOB_FAILED),
        (["cancelled", "completed"], ExitCode.JOB_CANCELLED),
        (["cancelled", "failed"], ExitCode.JOB_FAILED),
    ],
)
def test_waiting_ends_with_what_became_of_the_jobs(
    run: Run, server: RecordingServer, states: list[str], code: ExitCode
) -> None:
    for name, state in zip(("a", "b"), states, strict=True):
        server.answer_next(200, answer(job(name, state)))

    ended = run("job", "wait", "a", "b", "--format", "json", "--address", address(server))

    assert ended.code == code
    assert [one["state"] for one in json.loads(ended.out)] == states
    assert f"train c/p/e/r: {states[0]}" in ended.err


def test_waiting_too_long_has_an_exit_code_of_its_own(run: Run, server: RecordingServer) -> None:
    server.answer_next(200, answer(job("a", "running")))

    ended = run("job", "wait", "a", "--timeout", "0", "--address", address(server))

    assert ended.code == ExitCode.TIMED_OUT
    assert "synergos: not ended in time; the work goes on, and `synergos job wait a` waits for it" in ended.err


def test_a_job_is_cancelled(run: Run, server: RecordingServer) -> None:
    server.answer_next(200, answer(job("a", "cancelled")))

    assert run("job", "cancel", "a", "--address", address(server)).code == 0
    assert server.seen == [("POST", "/ttp/jobs/a/cancel", {})]


def test_what_has_happened_to_a_job_is_shown_the_newest_last(run: Run, server: RecordingServer) -> None:
    happened = [
        {"number": number, "attempt": 1, "at": "2026-01-02T12:00:00.000+00:00", "sentence": f"Round {number} is done."}
        for number in range(1, 31)
    ]
    server.answer_next(200, answer(happened))

    ended = run("job", "events", "a", "--attempt", "1", "--limit", "2", "--address", address(server))

    assert ended.code == 0
    assert "2 events, the newest of 30" in ended.out
    assert ended.out.index("Round 29 is done.") < ended.out.index("Round 30 is done.")
    assert "Round 28" not in ended.out
    assert server.seen == [("GET", "/ttp/jobs/a/events?attempt=1", None)]


def test_an_unknown_job_has_an_exit_code_of_its_own(run: Run, server: RecordingServer) -> None:
    server.answer_next(404, {"status": 404, "message": "there is no job 'x'"})

    ended = run("job", "show", "x", "--address", address(server))

    assert (ended.code, ended.out) == (ExitCode.NOT_FOUND, "")
    assert "there is no job 'x'" in ended.err


def test_an_orchestrator_that_is_not_there_has_an_exit_code_of_its_own(run: Run) -> None:
    with nobody() as port:
        ended = run("job", "list", "--address", f"http://127.0.0.1:{port}")

    assert ended.code == ExitCode.UNREACHABLE
    assert "refused" in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["job", "list", "--address", "somewhere"],
        ["job", "list", "--format", "xml"],
        ["simulate", "--dataset", "no_such_dataset"],
        ["simulate", "--grid", "hexagonal"],
        ["simulate", "--rounds", "0"],
        ["simulate", "--graylog", "127.0.0.1"],
        ["simulate", "--logging-transport", "tls"],
        ["grid", "up", "--grid", "hexagonal"],
        ["grid", "up", "--graylog", "127.0.0.1", "0"],
        ["grid", "up", "--graylog", "no host", "9300"],
    ],
)
def test_a_senseless_command_has_an_exit_code_of_its_own(run: Run, arguments: list[str]) -> None:
    ended = run(*arguments)

    assert (ended.code, ended.out) == (ExitCode.USAGE, "")
    assert ended.err


def test_without_a_grid_there_is_no_status(run: Run) -> None:
    ended = run("grid", "status")

    assert ended.code == ExitCode.NOT_FOUND
    assert "no grid was started in" in ended.err


def test_a_stopped_grid_is_shown_as_such(run: Run, tmp_path: Path) -> None:
    with nobody() as port:
        GridState([Program("ttp", ["x"], "ttp.log", "127.0.0.1", port, exit_code=0)]).save(tmp_path)

        ended = run("grid", "status", "--folder", str(tmp_path), "--format", "json")

    assert ended.code == ExitCode.FAILED
    assert [one["state"] for one in json.loads(ended.out)["programs"]] == ["stopped"]


def test_jobs_are_asked_of_the_local_grid_when_it_runs(run: Run, server: RecordingServer, tmp_path: Path) -> None:
    folder = tmp_path / "synergos-run" / "grid"
    folder.mkdir(parents=True)
    ttp = Program("ttp", ["x"], "ttp.log", "127.0.0.1", server.port)
    GridState([replace(ttp, identity=Identity.of(os.getpid()))]).save(folder)

    assert run("job", "list", "--format", "json").code == 0
    assert server.requests[0].path == "/ttp/jobs?order=newest"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DriverError("x", 422, body={"jobs": ["j"]}), ExitCode.JOB_FAILED),
        (DriverError("x", 417), ExitCode.USAGE),
        (DriverError("x", 404), ExitCode.NOT_FOUND),
        (DriverError("x", 500), ExitCode.FAILED),
        (Cancelled("x"), ExitCode.JOB_CANCELLED),
        (RecordNotFound("x"), ExitCode.NOT_FOUND),
        (InvalidRequest("x"), ExitCode.USAGE),
        (Conflict("x"), ExitCode.FAILED),
    ],
)
def test_every_failure_has_its_exit_code(error: SynergosError, code: ExitCode) -> None:
    assert exit_code_of(error) is code


def ended_by(process: subprocess.Popen[str], number: signal.Signals) -> str:
    """What it still says. It is told again where it had to be: an exception in the moment that something is thrown away goes nowhere."""
    for _ in range(5):
        process.send_signal(number)
        try:
            return process.communicate(timeout=15)[1]
        except subprocess.TimeoutExpired:
            """It has missed it."""
    process.kill()
    return process.communicate()[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_ends_with_130(server: RecordingServer, number: signal.Signals) -> None:
    for _ in range(100):
        server.answer_next(200, answer(job("a", "running")))
    code = "import sys; from synergos.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "job", "wait", "a", "--address", address(server)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        process.stderr.readline()  # it shows the job, so it is waiting
        told = ended_by(process, number)

    assert process.returncode == ExitCode.INTERRUPTED
    assert "synergos: interrupted; the work goes on, and `synergos job wait a` waits for it" in told


ROOT = Path(__file__).parents[3]
AS_A_MODULE = "import runpy; runpy.run_module('synergos_{name}', run_name='__main__', alter_sys=True)"
WITHOUT = ("psutil", "torch", "flask", "sqlalchemy", "structlog", "optuna", "safetensors", "sklearn")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["job", "--help"], 0, "wait"),
        (["tune", "--help"], 0, "start"),
        (["--help"], 0, "Not here: needs psutil"),
        (
            ["grid", "up", "--workers", "2"],
            2,
            "synergos grid: needs psutil, which is not installed: pip install 'synergos[simulator]'",
        ),
        (["data", "check", "folder"], 2, "pip install 'synergos[worker]'"),
        (["init", "--schema"], 0, "federation.toml of Synergos"),
        (["diff", "--file", str(ROOT / "pyproject.toml")], 2, "pyproject.toml, line"),
    ],
)
def test_the_driver_alone_is_enough_to_look_at_jobs_and_studies(arguments: list[str], code: int, said: str) -> None:
    missing = "; ".join(f"sys.modules[{name!r}] = None" for name in WITHOUT)
    program = f"import sys; {missing}; from synergos.cli import main; main(sys.argv[1:])"

    ended = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60)

    assert ended.returncode == code, ended.stderr
    assert said in " ".join((ended.stdout + ended.stderr).split())


@pytest.mark.parametrize("start", ["from synergos import programs; programs.{name}()", AS_A_MODULE])
@pytest.mark.parametrize("name", ["director", "ttp", "worker"])
def test_a_program_that_is_not_installed_says_so_in_one_sentence(name: str, start: str) -> None:
    missing = "; ".join(f"sys.modules[{each!r}] = None" for each in WITHOUT)
    program = f"import sys; {missing}; {start.format(name=name)}"

    ended = subprocess.run([sys.executable, "-c", program, "--help"], capture_output=True, text=True, timeout=60)

    assert (ended.returncode, ended.stdout) == (ExitCode.USAGE, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"synergos-{name}: needs ")
    assert line.endswith(f", which is not installed: pip install 'synergos[{name}]'")


@pytest.mark.parametrize("name", ["director", "ttp", "worker"])
def test_the_installed_programs_are_those_that_say_what_they_miss(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"][f"synergos-{name}"] == f"synergos.programs:{name}"

    program = f"from synergos import programs; programs.{name}()"
    ended = subprocess.run([sys.executable, "-c", program, "--help"], capture_output=True, text=True, timeout=60)

    assert (ended.returncode, "--data" in ended.stdout) == (0, True)


def test_what_other_packages_bring_is_loaded_when_it_is_wanted() -> None:
    code = "import sys; from synergos.cli import main; import atexit; atexit.register(lambda: print('torch' in sys.modules)); main(sys.argv[1:])"

    loaded = [
        subprocess.run([sys.executable, "-c", code, *words, "--help"], capture_output=True, text=True, timeout=60)
        for words in (["job", "list"], ["train"])
    ]

    assert [(ended.returncode, ended.stdout.split()[-1]) for ended in loaded] == [(0, "False"), (0, "False")]


@pytest.mark.parametrize("arguments", [("init", "--schema"), ("profile", "list")], ids=" ".join)
def test_results_that_cannot_be_written_are_told_in_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    environment = os.environ | {"SYNERGOS_CONFIG": str(tmp_path)}
    with Path("/dev/full").open("w") as full:
        line = [sys.executable, "-m", "synergos.cli", *arguments]
        ended = subprocess.run(
            line, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, env=environment, check=False
        )

    assert (ended.returncode, ended.stderr) == (ExitCode.FAILED, "synergos: No space left on device\n")
