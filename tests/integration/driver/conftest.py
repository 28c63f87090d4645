from __future__ import annotations

from collections.abc import Iterator

import pytest

from fakes.recording_server import RecordingServer, recording_server
from synergos import Driver


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with recording_server() as running:
        yield running


@pytest.fixture
def driver(server: RecordingServer) -> Iterator[Driver]:
    with Driver("127.0.0.1", server.port) as driver:
        yield driver
