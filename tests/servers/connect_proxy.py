"""An HTTP proxy on loopback that passes on what it is asked to with CONNECT, in a process of its own: ``python connect_proxy.py PORT``.

It says on standard output what it is asked for, and cuts connections that are silent for longer than ``--idle`` seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from support.waiting import DEADLINE, until

_ASKED = re.compile(rb"CONNECT ([^: ]+):(\d+) HTTP/1\.[01]\r\n")


@dataclass(frozen=True)
class ConnectProxy:
    """A running one."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def asked(self) -> list[str]:
        """What it was asked to connect to, one for each connection."""
        return [word for word in self.log.read_text().split() if ":" in word]

    def cut(self) -> None:
        """Cut all connections that go through it now; they are when this returns."""
        before = self._cuts
        self.process.send_signal(signal.SIGUSR1)
        until(lambda: self._cuts > before, "the connections to be cut")

    @property
    def _cuts(self) -> int:
        return self.log.read_text().split().count("cut")


@contextmanager
def connect_proxy(folder: Path, port: int, idle: float = 3600.0) -> Iterator[ConnectProxy]:
    """A proxy that runs inside the ``with`` block."""
    log = folder / "connect_proxy.log"
    command = [sys.executable, __file__, str(port), "--idle", str(idle)]
    path = {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **path})
    try:
        until(lambda: b"ready" in log.read_bytes(), "the proxy to be ready")
        yield ConnectProxy(port, process, log)
    finally:
        process.terminate()
        process.wait(DEADLINE)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, idle: float) -> None:
    with suppress(OSError, TimeoutError):
        while piece := await asyncio.wait_for(reader.read(2**16), idle):
            writer.write(piece)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.close()


async def _serve(port: int, idle: float) -> None:
    open_writers = set[asyncio.StreamWriter]()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = _ASKED.match(await reader.readuntil(b"\r\n\r\n"))
        if asked is None:
            writer.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        host, wanted = asked[1].decode(), int(asked[2])
        print(f"{host}:{wanted}", flush=True)
        try:
            there_reader, there_writer = await asyncio.open_connection(host, wanted)
        except OSError:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        both = {writer, there_writer}
        open_writers.update(both)
        await asyncio.gather(_pass_on(reader, there_writer, idle), _pass_on(there_reader, writer, idle))
        open_writers.difference_update(both)

    def cut() -> None:
        for writer in open_writers:
            writer.transport.abort()
        # In the loop's next turn they are closed, in the order in which that was asked for.
        loop.call_soon(partial(print, "cut", flush=True))

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, cut)
    server = await asyncio.start_server(take, "127.0.0.1", port)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--idle", type=float, default=3600.0)
    given = parser.parse_args()
    asyncio.run(_serve(given.port, given.idle))
