"""The data port receives and hands out bytes that mean nothing, a few at a time, for whoever measures the line."""

from __future__ import annotations

import io

import pytest
from werkzeug.test import Client

from synergos.program.bandwidth import MOST
from synergos_worker.bootstrap import WorkerService


@pytest.fixture
def port(service: WorkerService) -> Client:
    return Client(service.data_app)


@pytest.mark.parametrize("count", [0, 1, 2**16, 2**16 + 1, MOST])
def test_as_many_bytes_go_down_and_up_as_are_wanted(port: Client, count: int) -> None:
    assert len(port.get(f"/bandwidth?bytes={count}").data) == count
    sent = port.put("/bandwidth", input_stream=io.BytesIO(bytes(count)), content_length=count)
    assert (sent.status_code, sent.json) == (200, {"bytes": count})


@pytest.mark.parametrize("count", ["-1", "1e3", "x", "", str(MOST + 1), "9" * 5000, "١"])
def test_anything_else_is_refused_with_the_most_there_is(port: Client, count: str) -> None:
    answer = port.get("/bandwidth", query_string={"bytes": count})

    assert (answer.status_code, (answer.json or {})["field"]) == (417, "bytes")
    assert str(MOST) in (answer.json or {})["message"]


def test_more_than_that_is_not_received(port: Client) -> None:
    answer = port.put("/bandwidth", environ_overrides={"CONTENT_LENGTH": str(MOST + 1)})

    assert answer.status_code == 417
    assert port.delete("/bandwidth").status_code == 405
