"""Error answers, silent servers, and servers that are not Synergos."""

from __future__ import annotations

import socket
import threading

import pytest

from fakes.recording_server import RecordingServer
from synergos import Driver
from synergos.driver import DriverError, ServerTimeout, ServerUnreachable
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
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Driver("127.0.0.1", port, raise_errors=raise_errors) as driver, pytest.raises(ServerUnreachable) as raised:
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
    before = threading.active_count()
    for _ in range(5):
        driver.collaborations.read_all()

    # The server has one thread per connection.
    assert threading.active_count() - before == 1
