"""Those who answer: what they have of the system, they give back."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from gunicorn.config import Config

from support.waiting import DEADLINE
from synergos.program.answering import Answering
from synergos.program.connection import CONNECTION, Connection
from synergos.program.request_head import Arrival, Arrived
from synergos.program.server import ServerSettings

OWN_FILES = Path("/proc/self/fd")


def nothing(_environ: object, _start_response: object) -> Iterable[bytes]:
    return ()


def own_pipes() -> set[str]:
    # A file of the listing itself is gone by then.
    found = [file.readlink() for file in OWN_FILES.iterdir() if file.is_symlink()]
    return {str(each) for each in found if str(each).startswith("pipe:")}


def test_when_it_is_closed_it_has_no_file_open() -> None:
    before = own_pipes()
    answering = Answering(
        ServerSettings("127.0.0.1", (5000,), threads=2),
        None,
        nothing,
        lambda: True,
        lambda _one, _is_kept: None,
        logging,
    )
    assert len(own_pipes() - before) == 1

    answering.leave()
    answering.close()

    assert own_pipes() <= before


ASKED = b"GET /live HTTP/1.1\r\nHost: fl.example\r\n\r\n"


@pytest.mark.parametrize(("sent", "known"), [(ASKED, [ASKED]), (2 * ASKED, [b"", ASKED])], ids=["alone", "two"])
def test_the_bytes_of_a_request_are_those_of_no_other_and_are_kept_until_it_is_answered(
    sent: bytes, known: list[bytes]
) -> None:
    seen: list[bytes] = []
    given_back: SimpleQueue[bytes] = SimpleQueue()

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        seen.append(environ[CONNECTION].request)
        start_response("204 No Content", [])
        return []

    settings = ServerSettings("127.0.0.1", (5000,), threads=2, linger=0.0)
    answering = Answering(
        settings, Config(), application, lambda: False, lambda one, _is_kept: given_back.put(one.request), logging
    )
    client, server = socket.socketpair()
    with client, server:
        server.setblocking(False)
        connection = Connection(server, ("10.0.0.1", 1234), ("127.0.0.1", 5000))
        client.send(sent)
        assert connection.receive()
        answering.hand_on(connection, Arrival(Arrived.ALL))

        assert given_back.get(timeout=DEADLINE) == b""
    assert seen == known
    answering.leave()
    answering.close()
