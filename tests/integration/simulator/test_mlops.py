"""The tracking server of a grid: the page that is named, and the environment that it is started in."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fakes.recording_server import RecordingServer
from synergos.errors import NotInstalled
from synergos.mlops_server import PYTHON
from synergos_simulator.mlops import experiment_page, wait_until_registered
from synergos_simulator.mlops_environment import LOCK, server_python, wanted_packages
from synergos_simulator.state import Program

BY_NAME = "/api/2.0/mlflow/experiments/get-by-name"


def tracking_at(port: int) -> Program:
    return Program("mlops", [], "", "127.0.0.1", port, outlives=True)


def test_the_page_of_an_experiment_is_found_by_its_name(server: RecordingServer) -> None:
    server.answer_always("GET", BY_NAME, 200, {"experiment": {"experiment_id": "7"}})

    page = experiment_page(tracking_at(server.port), "simulation", "federated", "experiment")

    assert page == f"http://127.0.0.1:{server.port}/#/experiments/7"
    assert server.requests[0].path == f"{BY_NAME}?experiment_name=simulation_%3E_federated_%3E_experiment"


@pytest.mark.parametrize("status", [404, 200, 500])
def test_without_such_a_page_the_servers_first_one_is_named(server: RecordingServer, status: int) -> None:
    server.answer_always("GET", BY_NAME, status, {"error_code": "RESOURCE_DOES_NOT_EXIST"})

    page = experiment_page(tracking_at(server.port), "simulation", "federated", "experiment")

    assert page == f"http://127.0.0.1:{server.port}"


def test_a_model_is_waited_for_until_the_registry_has_a_version_of_it(server: RecordingServer) -> None:
    registry = "/api/2.0/mlflow/registered-models/get"
    there = {"registered_model": {"name": "p_>_e", "latest_versions": [{"version": "1"}]}}
    server.answer_next(404, {"error_code": "RESOURCE_DOES_NOT_EXIST"})
    server.answer_next(200, there)

    assert wait_until_registered(tracking_at(server.port), "p", "e")
    assert [request.path for request in server.requests] == [f"{registry}?name=p_%3E_e"] * 2


def test_a_model_that_does_not_come_is_not_waited_for_without_end(server: RecordingServer) -> None:
    server.answer_always("GET", "/api/2.0/mlflow/registered-models/get", 404, {})

    assert not wait_until_registered(tracking_at(server.port), "p", "e", deadline=0.0)


def test_a_python_that_is_named_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PYTHON, sys.executable)

    assert server_python(pytest.fail) == Path(sys.executable)


@pytest.mark.parametrize("name", ["nowhere", ".", "no_program"])
def test_one_that_is_none_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    (tmp_path / "no_program").write_text("")
    monkeypatch.setenv(PYTHON, str(tmp_path / name))

    with pytest.raises(NotInstalled, match=PYTHON):
        server_python(pytest.fail)


def test_what_is_installed_is_what_is_locked_and_without_a_lock_the_clients_own_version(tmp_path: Path) -> None:
    locked, digest = wanted_packages(LOCK)
    changed = tmp_path / "mlops.txt"
    changed.write_text(LOCK.read_text() + "# newer\n")
    unlocked, requirement = wanted_packages(tmp_path / "none.txt")

    assert "--require-hashes" in locked
    assert wanted_packages(changed)[1] != digest
    assert list(unlocked) == [requirement]
    assert f"\n{requirement} " in LOCK.read_text()
