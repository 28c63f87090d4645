"""``synergos tune`` as its callers see it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fakes.recording_server import RecordingServer
from fakes.study_answers import SPACE, answer, created, study, trial
from support.command_runner import Ended, Run
from synergos.cli.exits import ExitCode

TUNING = "/ttp/train/collaborations/c/projects/p/models/e/optimizations/"
START = ("tune", "start", "c", "p", "e", "--space", "ranges.json")


@pytest.fixture(autouse=True)
def ranges(run: Run) -> Path:
    """In the folder where the command runs."""
    path = Path("ranges.json")
    path.write_text(json.dumps(SPACE), encoding="utf-8")
    return path


def at(server: RecordingServer, run: Run, *arguments: str) -> Ended:
    return run(*arguments, "--address", f"http://127.0.0.1:{server.port}")


def sent(server: RecordingServer) -> dict[str, Any]:
    [body] = [request.body for request in server.requests if request.path == TUNING]
    return dict(body)


def test_a_study_is_started_with_what_was_asked_for(run: Run, server: RecordingServer) -> None:
    server.answer_next(200, created("s"))
    server.answer_next(200, answer(study("running")))

    options = ["--metric", "f_score", "--trials", "30", "--concurrent", "4", "--duration", "2h 30m", "--priority", "-5"]
    more = ["--searcher", "TPE", "--scheduler", "median", "--base-run", "first", "--seed", "7"]
    ended = at(server, run, *START, *options, *more)

    assert ended.code == 0
    assert "accuracy, the higher the better · running" in ended.out
    body = sent(server)
    assert body["search_space"] == SPACE
    assert {name: body[name] for name in ("metric", "optimize_mode", "max_trial_num", "max_exec_duration")} == {
        "metric": "f_score",
        "optimize_mode": "max",
        "max_trial_num": 30,
        "max_exec_duration": "2h 30m",
    }
    assert {name: body[name] for name in ("max_concurrent", "priority", "searcher", "scheduler")} == {
        "max_concurrent": 4,
        "priority": -5,
        "searcher": "TPE",
        "scheduler": "median",
    }
    assert (body["base_run"], body["seed"]) == ("first", 7)


@pytest.mark.parametrize(
    ("options", "mode"), [(["MSE"], "min"), (["R2"], "max"), (["R2", "--mode", "min"], "min"), (["accuracy"], "max")]
)
def test_the_direction_is_the_metrics_own_unless_given(
    run: Run, server: RecordingServer, options: list[str], mode: str
) -> None:
    server.answer_next(200, created("s"))
    server.answer_next(200, answer(study("running")))

    assert at(server, run, *START, "--metric", *options).code == 0
    assert sent(server)["optimize_mode"] == mode


def test_a_duration_without_a_unit_is_seconds(run: Run, server: RecordingServer) -> None:
    server.answer_next(200, created("s"))
    server.answer_next(200, answer(study("running")))

    assert at(server, run, *START, "--metric", "R2", "--duration", "90").code == 0
    assert sent(server)["max_exec_duration"] == 90


def test_what_is_not_given_is_left_to_the_orchestrator(run: Run, server: RecordingServer) -> None:
    server.answer_next(200, created("s"))
    server.answer_next(200, answer(study("running")))

    assert at(server, run, *START, "--metric", "R2").code == 0
    assert not {"base_run", "seed", "max_concurrent", "priority", "searcher", "scheduler"} & set(sent(server))


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "No such file"), (b"{'lr': 1}", "is not JSON"), (b"\xff\xfe", "is not JSON"), (b"[1]", "no JSON object")],
)
def test_a_space_that_cannot_be_read_is_explained(
    run: Run, server: RecordingServer, ranges: Path, content: bytes | None, problem: str
) -> None:
    ranges.unlink()
    if content is not None:
        ranges.write_bytes(content)

    ended = at(server, run, *START, "--metric", "accuracy")

    assert (ended.code, ended.out, server.seen) == (ExitCode.USAGE, "", [])
    assert "--space: ranges.json" in ended.err
    assert problem in ended.err


def test_an_unknown_metric_has_no_direction(run: Run, server: RecordingServer) -> None:
    ended = at(server, run, *START, "--metric", "acuracy")

    assert (ended.code, server.seen) == (ExitCode.USAGE, [])
    assert "--metric: 'acuracy' is not one of accuracy" in ended.err
    assert "did you mean accuracy?" in ended.err


@pytest.mark.parametrize(
    ("state", "code"),
    [("completed", ExitCode.OK), ("failed", ExitCode.JOB_FAILED), ("stopped", ExitCode.JOB_CANCELLED)],
)
@pytest.mark.parametrize(
    ("command", "first"),
    [
        ([*START, "--metric", "accuracy", "--wait"], created("s")),
        (["tune", "show", "--watch"], answer([study("running")])),
    ],
)
def test_waiting_ends_with_what_became_of_the_study(
    run: Run, server: RecordingServer, state: str, code: ExitCode, command: list[str], first: dict[str, Any]
) -> None:
    ended_study = study(state, [trial(0, "completed", 0.9)])
    server.answer_next(200, first)
    server.answer_next(200, answer(ended_study))

    ended = at(server, run, *command, "--format", "json")

    assert ended.code == code
    assert json.loads(ended.out) == ended_study
    assert f"accuracy, the higher the better · {state} · 1 of 20 trials" in ended.err


def test_waiting_too_long_has_an_exit_code_of_its_own(run: Run, server: RecordingServer) -> None:
    server.answer_next(200, answer(study("running")))

    ended = at(server, run, "tune", "show", "s", "--watch", "--timeout", "0")

    assert ended.code == ExitCode.TIMED_OUT
    assert "not ended in time; the work goes on, and `synergos tune show s --watch` waits for it" in ended.err


def test_studies_are_listed_as_a_table(run: Run, server: RecordingServer) -> None:
    server.answer_next(200, answer([{name: value for name, value in study("running").items() if name != "trials"}]))

    ended = at(server, run, "tune", "list", "--state", "running", "--experiment", "e")

    assert ended.code == 0
    assert "c/p/e" in ended.out
    assert "s c/p/e running 0 of 20 accuracy – 2026-01-01" in " ".join(ended.out.split())
    assert server.requests[0].path == "/ttp/studies?expt_id=e&state=running&order=newest&limit=20"


def test_studies_are_listed_as_json_and_nothing_else(run: Run, server: RecordingServer) -> None:
    server.answer_next(200, answer([study("running")]))

    ended = at(server, run, "tune", "list", "--format", "json")

    assert (json.loads(ended.out), ended.err) == ([study("running")], "")


def test_the_newest_study_is_shown_with_all_its_trials(run: Run, server: RecordingServer) -> None:
    trials = [trial(0, "completed", 0.9), trial(1, "failed", reason="worker_2: no answer")]
    server.answer_next(200, answer([study("running", id="new")]))
    server.answer_next(200, answer(study("running", trials, id="new")))

    ended = at(server, run, "tune", "show")

    assert ended.code == 0
    assert server.requests[1].path == "/ttp/studies/new"
    for word in ("Study new", "0.9 best", "2 trials", "worker_2: no answer"):
        assert word in ended.out


def test_the_best_trial_is_shown(run: Run, server: RecordingServer) -> None:
    for _ in range(2):
        server.answer_next(200, answer(study("running", [trial(3, "completed", 0.9)])))

    as_table = at(server, run, "tune", "best", "s")
    as_json = at(server, run, "tune", "best", "s", "--format", "json")

    assert (as_table.code, as_json.code) == (0, 0)
    for word in ("optim_run_3", "0.9", "batch_size", "16"):
        assert word in as_table.out
    assert json.loads(as_json.out) == {
        "run_id": "optim_run_3",
        "number": 3,
        "objective": 0.9,
        "hyperparameters": {"lr": 0.01, "batch_size": 16, "criterion": "BCELoss"},
    }


def test_a_study_without_a_result_has_no_best_trial(run: Run, server: RecordingServer) -> None:
    server.answer_next(200, answer(study("running", [trial(0, "running")])))

    ended = at(server, run, "tune", "best", "s")

    assert (ended.code, ended.out) == (ExitCode.NOT_FOUND, "")
    assert "study s has no completed trial yet" in ended.err


def test_a_study_is_stopped(run: Run, server: RecordingServer) -> None:
    server.answer_next(200, answer(study("stopping")))

    assert at(server, run, "tune", "stop", "s").code == 0
    assert server.seen == [("POST", "/ttp/studies/s/stop", {})]


def test_a_study_that_has_ended_is_not_stopped(run: Run, server: RecordingServer) -> None:
    server.answer_next(409, {"status": 409, "message": "study 's' has ended"})

    ended = at(server, run, "tune", "stop", "s")

    assert (ended.code, ended.out) == (ExitCode.FAILED, "")
    assert "has ended" in ended.err


@pytest.mark.parametrize("verb", ["show", "best", "stop"])
def test_without_a_study_there_is_no_newest(run: Run, server: RecordingServer, verb: str) -> None:
    server.answer_next(200, answer([]))

    ended = at(server, run, "tune", verb)

    assert (ended.code, ended.out) == (ExitCode.NOT_FOUND, "")
    assert "there is no study yet" in ended.err


def test_a_basic_grid_refuses_to_tune(run: Run, server: RecordingServer) -> None:
    server.answer_next(403, {"status": 403, "message": "hyperparameters are tuned by a cluster"})

    ended = at(server, run, *START, "--metric", "accuracy")

    assert (ended.code, ended.out) == (ExitCode.FAILED, "")
    assert "hyperparameters are tuned by a cluster" in ended.err


def test_the_drivers_own_installation_can_tune() -> None:
    missing = ["flask", "matplotlib", "numpy", "optuna", "psutil", "sklearn", "sqlalchemy", "torch"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({missing}))\n"
        "from synergos.cli import main; main(['tune', 'start', '--help'])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert "--space" in done.stdout
