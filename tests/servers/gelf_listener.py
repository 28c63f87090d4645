"""GELF inputs of another project: what comes in at each goes into a file of its own, a message a line, as that project took it apart.

    python gelf_listener.py FOLDER ADDRESS [--tls CERTIFICATE KEY] tcp:9100 udp:9101 tls:9102 … pages:9000

The protocol is kinesyslog's: where a message ends, how it is unpacked and put together from
chunks; the sockets and TLS are Python's. It stands alone beside that library: a container needs this file and
``pip install --no-deps kinesyslog``. ``pages`` answers with a web page, which says where it was told to be shown. ``FOLDER/ready`` appears when all inputs listen; what cannot be taken apart is an error on
standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import socket
import ssl
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace

from kinesyslog import constant
from kinesyslog.protocol import DatagramGelfProtocol, GelfProtocol

# As Graylog's inputs have it; what this library is made for takes less.
constant.MAX_MESSAGE_LENGTH = 2 * 2**20
constant.MAX_MESSAGE_BUFFER = 4 * 2**20
# How a message on a stream begins: its protocol names it, and version 2.0.1 forgot to say it.
constant.OPENBRACKET = ord("{")
_UNCOUNTED = SimpleNamespace(active=False)
"""In the place of its own metrics."""
_RCVBUFFORCE = 33
"""Linux's SO_RCVBUFFORCE, which Python has no name for."""
_ROOM = 32 * 2**20
"""Bytes."""
_PLACE = b"x-graylog-server-url:"
"""By which Graylog is told the address that its pages are shown at."""


class File:
    """Where messages go."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    async def write(self, _source: str, _port: int, messages: Sequence[bytes], _timestamp: float) -> None:
        """Called by the library with whole messages."""
        self._file.write(b"".join(bytes(message) + b"\n" for message in messages))


async def answer_with_a_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Whatever is asked for; like Graylog's own it may not be framed by others."""
    lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    place = next((line.partition(b":")[2].strip() for line in lines if line.lower().startswith(_PLACE)), b"")
    page = b"<h1>GELF inputs</h1><p>shown at " + place
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-Frame-Options: DENY\r\nConnection: close\r\n"
    writer.write(head + b"Content-Length: %d\r\n\r\n" % len(page) + (b"" if lines[0].startswith(b"HEAD") else page))
    writer.close()
    await writer.wait_closed()


def roomy(address: str, port: int) -> socket.socket:
    """Where datagrams wait that come while this process does not: on a busy machine, all that programs say in seconds."""
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        line.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, _ROOM)
    except PermissionError:
        # As far as whoever is not above limits gets.
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
    line.bind((address, port))
    return line


async def listen(folder: Path, address: str, inputs: Sequence[str], context: ssl.SSLContext | None) -> None:
    """Take messages until SIGTERM."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    for each in inputs:
        transport, _, port = each.partition(":")
        sink = File(folder / f"{transport}-{port}")
        if transport == "pages":
            await asyncio.start_server(answer_with_a_page, address, int(port))
        elif transport == "udp":
            taking = partial(DatagramGelfProtocol, sink, loop, _UNCOUNTED)
            await loop.create_datagram_endpoint(taking, sock=roomy(address, int(port)))
        else:
            taking = partial(GelfProtocol, sink, loop, _UNCOUNTED)
            await loop.create_server(taking, address, int(port), ssl=context if transport == "tls" else None)
    (folder / "ready").touch()
    await stopped.wait()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("address")
    parser.add_argument("inputs", nargs="+", metavar="TRANSPORT:PORT")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    given = parser.parse_args()
    logging.basicConfig()
    context = None
    if given.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*given.tls)
    given.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(listen(given.folder, given.address, given.inputs, context))


if __name__ == "__main__":
    main()
