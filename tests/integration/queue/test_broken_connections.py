"""Connections that break in the moment they are made."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pika
import pytest
from pika.frame import Method
from pika.spec import Connection

from synmanager.errors import BrokerUnavailable
from synmanager.rabbitmq import Broker
from synmanager.rabbitmq.pika_errors import close


@pytest.fixture
def leaving() -> Iterator[int]:
    """The port of a broker that says all it has to say of a new connection at once, and hangs up."""
    opened = Connection.Start(0, 9, {}, "PLAIN", "en_US"), Connection.Tune(2047, 131072, 0), Connection.OpenOk()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    line, _ = listening.accept()
                    with line, suppress(OSError):
                        # With more to come it waits for the end of all, and is read together with that.
                        line.send(b"".join(Method(0, each).marshal() for each in opened), socket.MSG_MORE)
                        line.shutdown(socket.SHUT_WR)
                        while line.recv(2**16):
                            """Whatever is asked."""

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(20)


def test_a_connection_that_breaks_in_the_moment_it_is_made_leaves_nothing_open(leaving: int) -> None:
    with pytest.raises(BrokerUnavailable):
        Broker("127.0.0.1", leaving).link()
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", leaving))
    assert connection.is_closed

    close(connection)
    close(connection)

    # Sockets that are open would be an error, of warnings.
    del connection
    gc.collect()
