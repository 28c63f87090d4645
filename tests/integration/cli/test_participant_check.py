"""``synergos participant check``: who is reachable, by a line each, and what is wrong in a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fakes.recording_server import RecordingServer
from support.command_runner import Run
from synergos.cli import participant
from synergos.cli.exits import ExitCode

AWAY = "cannot be reached from here at 10.0.0.2:8020 (Connection refused)"


def node(who: str, is_reachable: bool | None, problem: str | None = None) -> dict[str, Any]:
    return {
        "key": {"collab_id": "c", "project_id": "p", "participant_id": who},
        "host": "10.0.0.2",
        "f_port": 5000,
        "port": 8020,
        "is_reachable": is_reachable,
        "problem": problem,
        "command": None if is_reachable is None else {"id": f"worker of {who}", "version": "0.1.0"},
    }


def check(server: RecordingServer, run: Run, *nodes: dict[str, Any], options: tuple[str, ...] = ()) -> Any:
    server.answer_always("GET", "/ttp/nodes", 200, {"status": 200, "data": list(nodes)})
    return run("participant", "check", *options, "--address", f"http://127.0.0.1:{server.port}")


def test_everybody_who_is_reachable_is_shown(server: RecordingServer, run: Run) -> None:
    ended = check(server, run, node("bank_a", True), node("bank_b", True))

    assert ended.code == ExitCode.OK
    assert "worker of bank_a" in ended.out
    assert "10.0.0.2:5000+8020" in ended.out


def test_whoever_is_not_ends_the_command_with_1_and_a_sentence(server: RecordingServer, run: Run) -> None:
    ended = check(server, run, node("bank_a", True), node("bank_b", False, AWAY))

    assert ended.code == ExitCode.FAILED
    assert f"bank_b: {AWAY}" in ended.err


def test_whoever_is_reachable_and_cannot_work_is_told_as_well(server: RecordingServer, run: Run) -> None:
    full = "the worker says that it cannot work as it should: outputs: its disk is full"
    ended = check(server, run, node("bank_a", True, full))

    assert ended.code == ExitCode.FAILED
    assert f"bank_a: {full}" in ended.err


def test_one_participant_can_be_asked_for_and_json_has_everything(server: RecordingServer, run: Run) -> None:
    ended = check(server, run, node("bank_b", False, AWAY), options=("bank_b", "--format", "json"))

    assert server.requests[-1].path == "/ttp/nodes?participant_id=bank_b"
    assert json.loads(ended.out)[0]["problem"] == AWAY


def test_who_is_not_registered_is_said(server: RecordingServer, run: Run) -> None:
    ended = check(server, run, options=("bank_c",))

    assert (ended.code, ended.err) == (ExitCode.NOT_FOUND, "synergos: 'bank_c' is not registered there\n")


def test_it_asks_again_while_the_orchestrator_does_not_know(
    server: RecordingServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(participant, "_PAUSE_SECONDS", 0.0)

    ended = check(server, run, node("bank_a", None))

    assert ended.code == ExitCode.FAILED
    assert "no word yet of 10.0.0.2:5000 and 10.0.0.2:8020" in ended.err
    assert len(server.requests) == 5


def test_a_worker_that_dials_out_is_shown_with_since_when_it_has_joined(server: RecordingServer, run: Run) -> None:
    joined = {"is_connected": True, "since": "2026-11-26T07:00:00+00:00", "waiting": 4}
    dials = {**node("bank_a", True), "host": "a" * 64, "f_port": None, "port": None, "joined": joined}

    ended = check(server, run, dials, options=("--format", "json"))
    [row] = json.loads(ended.out)
    away = check(server, run, {**dials, "is_reachable": None, "joined": {**joined, "since": None}})

    assert "a" * 16 in json.dumps(row)
    assert away.code == ExitCode.FAILED
    assert "not connected" in away.err
