"""Answers the same to everybody who asks anything, and does nothing else: a program of its own, with what to answer on its standard input."""

from __future__ import annotations

import selectors
import socket
import subprocess
import sys
from typing import Self

import psutil

_ASKED = 2**16


class StandIn:
    """One that runs inside the ``with`` block.

    Attributes:
        address: where it answers.
        process: what it runs as.

    Args:
        answer: head and body, as they are sent.
    """

    def __init__(self, answer: bytes) -> None:
        self._program = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=True
        )
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        with self._program.stdin as told:
            told.write(answer)
        self.address = f"http://127.0.0.1:{int(self._program.stdout.readline())}/"
        self.process = psutil.Process(self._program.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._program.terminate()
        self._program.wait()
        assert self._program.stdout is not None
        self._program.stdout.close()


def main() -> None:
    """Answer until it is ended."""
    answer = sys.stdin.buffer.read()
    with socket.create_server(("127.0.0.1", 0)) as listener, selectors.DefaultSelector() as selector:
        print(listener.getsockname()[1], flush=True)
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                connection = key.fileobj
                assert isinstance(connection, socket.socket)
                if connection is listener:
                    selector.register(listener.accept()[0], selectors.EVENT_READ)
                elif asked := connection.recv(_ASKED):
                    if asked.endswith(b"\r\n\r\n"):
                        connection.sendall(answer)
                else:
                    selector.unregister(connection)
                    connection.close()


if __name__ == "__main__":
    main()
