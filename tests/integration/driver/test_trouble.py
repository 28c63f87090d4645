"""Error answers, silent servers, and servers that are not Synergos."""

from __future__ import annotations

import signal
import threading

import pytest

from fakes.recording_server import RecordingServer
from servers.nobody import nobody
from synergos import Driver
from synergos.driver import DriverError, Interrupted, ServerTimeout, ServerUnreachable, WrongServer
from synergos.driver import request as request_module
from synergos.errors import SynergosError

REFUSED = {"success": 0, "status": 417, "message": "model[0].l_type: 'Liner' is no layer", "field": "model[0].l_type"}


def test_an_error_answer_is_returned_unless_told_otherwise(driver: Driver, server: RecordingServer) -> None:
    server.answer_next(417, REFUSED)

    assert driver.projects.read("c", "p") == REFUSED


def test_an_error_answer_is_raised_on_request(server: RecordingServer) -> None:
    server.answer_next(417, REFUSED)

    with Driver("127.0.0.1", server.port, raise_errors=True) as driver, pytest.raises(DriverError) as raised:
        driver.projects.read("c", "p")

    error = raised.value
    assert isinstance(error, SynergosError)
    assert (error.status, error.message, error.field) == (417, REFUSED["message"], "model[0].l_type")
    assert error.body == REFUSED
    assert str(error) == "model[0].l_type: 'Liner' is no layer (status 417)"


@pytest.mark.parametrize("raise_errors", [False, True])
def test_a_server_that_is_not_there_is_named(raise_errors: bool) -> None:
    with (
        nobody() as port,
        Driver("127.0.0.1", port, raise_errors=raise_errors) as driver,
        pytest.raises(ServerUnreachable) as raised,
    ):
        driver.collaborations.read_all()

    assert f"http://127.0.0.1:{port}" in str(raised.value)
    assert "refused" in str(raised.value)


def test_a_silent_server_is_given_up_after_the_time_out(server: RecordingServer) -> None:
    server.hold.clear()

    with Driver("127.0.0.1", server.port, timeout=0.05) as driver, pytest.raises(ServerTimeout, match=r"within 0.05 s"):
        driver.collaborations.read_all()


def test_a_slow_stage_request_is_waited_for_by_default(driver: Driver, server: RecordingServer) -> None:
    server.hold.clear()
    answers: list[object] = []
    request = threading.Thread(target=lambda: answers.append(driver.models.create("c", "p")["status"]))
    request.start()
    request.join(0.2)
    waiting = request.is_alive()
    server.hold.set()
    request.join()

    assert waiting
    assert answers == [200]


@pytest.mark.parametrize("content", [b"<html>proxy error</html>", b"[1, 2]", b""])
def test_an_answer_that_is_not_a_json_object_is_explained(
    driver: Driver, server: RecordingServer, content: bytes
) -> None:
    server.answer_next(502, content)

    with pytest.raises(DriverError, match=r"not a JSON object; is this a Synergos server\? \(status 502\)"):
        driver.collaborations.read_all()


def test_one_connection_serves_many_requests(driver: Driver, server: RecordingServer) -> None:
    threads: set[threading.Thread] = set()
    server.arrived = lambda *_: threads.add(threading.current_thread())

    for _ in range(5):
        driver.collaborations.read_all()

    # The server has one thread per connection.
    assert len(threads) == 1


def test_an_orchestrator_that_does_not_speak_https_is_told_from_one_that_is_not_there(server: RecordingServer) -> None:
    with (
        Driver("127.0.0.1", server.port, is_secured=True) as driver,
        pytest.raises(ServerUnreachable, match=r"it does not speak https: leave is_secured away$"),
    ):
        driver.collaborations.read_all()


def test_an_orchestrator_that_speaks_https_may_be_meant_where_nothing_is_said(server: RecordingServer) -> None:
    def hang_up(_method: str, _path: str) -> None:
        raise ConnectionResetError

    server.arrived = hang_up

    with (
        Driver("127.0.0.1", server.port) as driver,
        pytest.raises(ServerUnreachable, match=r"; if it speaks https, say is_secured=True$"),
    ):
        driver.collaborations.read_all()


WORKER = {"status": "ok", "component": "worker", "id": "bank_a", "version": "0.1.0"}
NO_ROUTE = {"apiVersion": "0.1.0", "success": 0, "status": 404, "message": "there is no route /ttp/jobs", "field": None}


@pytest.mark.parametrize("interface", ["command", "data"])
def test_a_worker_is_told_from_an_orchestrator(driver: Driver, server: RecordingServer, interface: str) -> None:
    server.health = {**WORKER, "interface": interface}
    server.answer_next(404, NO_ROUTE)

    with pytest.raises(WrongServer) as raised:
        driver.jobs.read_all()

    where = f"http://127.0.0.1:{server.port} is the {interface} port of worker 'bank_a', not an orchestrator"
    assert str(raised.value).startswith(f"{where}; give host and port of the TTP or director")


@pytest.mark.parametrize("content", [{"error": "not found"}, b"<html>", b"[]"], ids=["json", "page", "list"])
def test_another_program_is_told_from_an_orchestrator(driver: Driver, server: RecordingServer, content: object) -> None:
    server.health = None
    server.answer_next(404, content)

    with pytest.raises(WrongServer, match=r"is this a Synergos server\? What it answers is none of a TTP or director"):
        driver.jobs.read_all()


def test_an_orchestrator_whose_health_cannot_be_asked_for_is_believed(driver: Driver, server: RecordingServer) -> None:
    server.health = None
    server.answer_next(404, {**NO_ROUTE, "message": "no Run with run_id='r'"})

    assert driver.runs.read("c", "p", "e", "r")["message"] == "no Run with run_id='r'"


def test_what_only_looks_has_a_time_limit_by_default(
    driver: Driver, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_module, "READ_TIMEOUT", 0.05)
    monkeypatch.setattr(request_module, "CHANGE_TIMEOUT", 0.07)
    server.hold.clear()

    with pytest.raises(ServerTimeout, match=r"no answer to GET /ttp/connect/collaborations within 0.05 s"):
        driver.collaborations.read_all()
    with pytest.raises(ServerTimeout, match=r"no answer to POST /ttp/connect/collaborations within 0.07 s"):
        driver.collaborations.create("c")


KEYS = {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}
JOBS = [
    {"kind": "Job", "id": "b", "state": "waiting", "keys": KEYS},
    {"kind": "Job", "id": "a", "state": "running", "keys": KEYS},
    {"kind": "Job", "id": "old", "state": "completed", "keys": KEYS},
]


def test_a_stage_that_takes_longer_than_the_time_out_names_its_jobs(server: RecordingServer) -> None:
    def held(method: str, path: str) -> None:
        if method == "GET":
            server.hold.set()

    server.hold.clear()
    server.arrived = held
    server.answer_always("GET", "/ttp/jobs", 200, {"apiVersion": "0.1.0", "data": JOBS})

    with Driver("127.0.0.1", server.port, timeout=0.3) as driver, pytest.raises(ServerTimeout) as raised:
        driver.models.create("c", "p", "e", "r")

    assert raised.value.jobs == ("a", "b")
    assert str(raised.value).endswith(
        "; its jobs go on: driver.jobs.wait(['a', 'b']) waits for them, driver.jobs.cancel('a') stops one"
    )
    # The other request may have been read after it.
    [looked_at] = [request.path for request in server.requests if request.method == "GET"]
    assert all(f"{name}={value}" in looked_at for name, value in {**KEYS, "stage": "train"}.items())


def interrupt_main_thread(is_noticed: threading.Event) -> None:
    """Again where it had to be: a signal in the moment before somebody begins to wait is noticed only when they have waited."""
    main = threading.main_thread().ident
    assert main is not None
    for _ in range(5):
        signal.pthread_kill(main, signal.SIGINT)
        if is_noticed.wait(15):
            return


def test_a_stage_that_is_interrupted_names_its_job(driver: Driver, server: RecordingServer) -> None:
    def interrupting(method: str, path: str) -> None:
        if method == "POST":
            server.hold.clear()
            # Somebody who was interrupted asks what goes on, and is not held.
            interrupt_main_thread(server.hold)
        else:
            server.hold.set()

    server.arrived = interrupting
    server.answer_always("GET", "/ttp/jobs", 200, {"apiVersion": "0.1.0", "data": JOBS[1:]})

    with pytest.raises(Interrupted) as raised:
        driver.models.create("c", "p", "e", "r")

    assert isinstance(raised.value, KeyboardInterrupt)
    assert str(raised.value) == "its job goes on: driver.jobs.wait('a') waits for it, driver.jobs.cancel('a') stops it"


def test_an_interrupt_says_where_to_look_when_nobody_tells(driver: Driver, server: RecordingServer) -> None:
    def interrupting(method: str, path: str) -> None:
        if method == "POST":
            server.hold.clear()
            # Somebody who was interrupted asks what goes on, and is not held.
            interrupt_main_thread(server.hold)
        else:
            server.hold.set()

    server.arrived = interrupting
    server.answer_always("GET", "/ttp/jobs", 200, [])

    with pytest.raises(
        Interrupted, match=r"goes on if it had arrived: driver.jobs.read_all\(order='newest', limit=5\)"
    ):
        driver.alignments.create("c", "p")
