"""Jobs and studies by the beginning of their ids, and lists that fit a page."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fakes.recording_server import RecordingServer
from fakes.study_answers import answer, study
from support.command_runner import Ended, Run
from synergos.cli.exits import ExitCode

ONE, OTHER, THIRD = "9628aa11" + "0" * 24, "9628aa12" + "0" * 24, "77f00000" + "0" * 24


def job(job_id: str) -> dict[str, Any]:
    losses = {"train": 0.123456, "evaluate": 0.2, "participants": {f"hospital_{n}": 0.3 for n in range(9)}}
    return {
        "kind": "Job",
        "id": job_id,
        "stage": "train",
        "state": "completed",
        "keys": {"collab_id": "hospitals", "project_id": "risk", "expt_id": "logistic", "run_id": "first"},
        "progress": {"round": 40, "rounds": 40, "losses": losses, "fraction": 1.0, "seconds_left": 0.0},
        "attempts": 1,
        "error": None,
        "created_at": "2026-01-01T10:00:00.123456+00:00",
        "started_at": "2026-01-01T10:00:00.223456+00:00",
        "finished_at": "2026-01-01T10:02:00.123456+00:00",
    }


@pytest.fixture
def orchestrator(server: RecordingServer) -> RecordingServer:
    """Has three jobs, and answers 404 to every other id."""
    known = [ONE, OTHER, THIRD]
    server.answer_always("GET", "/ttp/jobs", 200, {"data": [job(name) for name in known], "next": None})
    for name in known:
        server.answer_always("GET", f"/ttp/jobs/{name}", 200, {"data": job(name)})
        server.answer_always("POST", f"/ttp/jobs/{name}/cancel", 200, {"data": job(name)})
    for name in ("77f", "9628", "9628aa12", "abc", "9"):
        for method, path in (("GET", f"/ttp/jobs/{name}"), ("POST", f"/ttp/jobs/{name}/cancel")):
            server.answer_always(method, path, 404, {"message": f"no Job {name!r}"})
    return server


def at(server: RecordingServer, run: Run, *arguments: str) -> Ended:
    return run(*arguments, "--address", f"http://127.0.0.1:{server.port}")


@pytest.mark.parametrize("command", ["show", "wait", "cancel"])
@pytest.mark.parametrize(("beginning", "meant"), [("77f", THIRD), ("9628aa12", OTHER), (ONE, ONE)])
def test_the_beginning_of_an_id_is_enough(
    run: Run, orchestrator: RecordingServer, command: str, beginning: str, meant: str
) -> None:
    ended = at(orchestrator, run, "job", command, beginning, "--format", "json")

    found = json.loads(ended.out)
    assert (ended.code, found["id"] if command == "show" else found[0]["id"]) == (0, meant)


def test_a_beginning_of_several_ids_is_refused_with_those_it_could_be(run: Run, orchestrator: RecordingServer) -> None:
    ended = at(orchestrator, run, "job", "cancel", "9628")

    assert (ended.code, ended.out) == (ExitCode.USAGE, "")
    assert "JOB: '9628' is the beginning of 2 ids: 9628aa11, 9628aa12" in ended.err


def test_a_beginning_of_no_id_is_not_found(run: Run, orchestrator: RecordingServer) -> None:
    ended = at(orchestrator, run, "job", "show", "abc")

    assert (ended.code, ended.out) == (ExitCode.NOT_FOUND, "")
    assert "no Job 'abc'" in ended.err


def test_a_study_goes_by_the_beginning_of_its_id(run: Run, server: RecordingServer) -> None:
    found = study("running") | {"id": THIRD}
    server.answer_always("GET", "/ttp/studies", 200, {"data": [found]})
    server.answer_always("GET", "/ttp/studies/77", 404, {"message": "no Study '77'"})
    server.answer_always("GET", f"/ttp/studies/{THIRD}", 200, answer(found))

    ended = at(server, run, "tune", "show", "77", "--format", "json")

    assert (ended.code, json.loads(ended.out)["id"]) == (0, THIRD)


def test_a_list_of_jobs_has_short_ids_and_times_in_100_columns(run: Run, orchestrator: RecordingServer) -> None:
    ended = at(orchestrator, run, "job", "list")

    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= 100
    assert f"{ONE[:8]} " in ended.out
    assert "train hospitals/risk/logistic/first completed" in " ".join(ended.out.split())
    assert ":00.123456" not in ended.out
    assert orchestrator.requests[0].path == "/ttp/jobs?order=newest&limit=20"


def test_a_list_that_goes_on_says_so(run: Run, server: RecordingServer) -> None:
    server.answer_always("GET", "/ttp/jobs", 200, {"data": [job(ONE)], "next": "cursor"})

    ended = at(server, run, "job", "list", "--limit", "1")

    assert server.requests[0].path == "/ttp/jobs?order=newest&limit=1"
    assert "1 are shown, the newest; there are more: --limit 0 shows all" in ended.err
    assert at(server, run, "job", "list", "--limit", "0").code == 0
    assert server.requests[1].path == "/ttp/jobs?order=newest"
    assert at(server, run, "job", "list", "--limit", "1001").code == ExitCode.USAGE
