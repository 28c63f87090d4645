"""The health check of the images: asks the program here, or reads what a worker says of itself that listens nowhere.

Standard library only, and next to nothing of it: it is run every five seconds in each container, where what it loads would be most of
its work. Python's HTTP client takes four times as long to load as all of this to run.
"""

from __future__ import annotations

import os
import sys
import time

# What the module socket is made from; that loads four more.
from _socket import AF_INET, SOCK_STREAM, socket

FILE = "/worker/outputs/.health.json"
FRESH_SECONDS = 20.0
PORT = int(os.environ.get("SYNERGOS_HEALTH_PORT") or 5000)
"""Where the program of this image answers."""
LOOPBACK = "127.0.0.1"
_SECONDS = 4.0
_LONGEST = 1000
"""Bytes of a first line."""


def answers(host: str = LOOPBACK, port: int = PORT) -> bool:
    """Whether the program answers that it is well; raises OSError where nobody listens."""
    connection = connection_to(host, port)
    line = b""
    try:
        connection.sendall(f"GET /health HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        while b"\n" not in line and len(line) < _LONGEST and (more := connection.recv(_LONGEST)):
            line += more
    finally:
        connection.close()
    return line.split(None, 2)[1:2] == [b"200"]


def connection_to(host: str, port: int) -> socket:
    """A connection to the program; by TLS where the environment says which certificate is its own, and then to nobody else."""
    certificate, key = os.environ.get("SYNERGOS_TLS_CERT"), os.environ.get("SYNERGOS_TLS_KEY")
    if not certificate:
        plain = socket(AF_INET, SOCK_STREAM)
        plain.settimeout(_SECONDS)
        try:
            plain.connect((host, port))
        except OSError:
            plain.close()
            raise
        return plain
    import ssl
    from socket import create_connection

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # This one certificate is believed, whoever signed it, and not the name it is for: that is another one than loopback's.
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(certificate)
    context.load_cert_chain(certificate, key)
    return context.wrap_socket(create_connection((host, port), timeout=_SECONDS))


def has_written(path: str) -> bool:
    """Whether a program has written a moment ago that it is well."""
    import json

    try:
        # The module pathlib takes longer to load than all of this.
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            told = json.load(file)
            age = time.time() - os.fstat(file.fileno()).st_mtime
    except (OSError, ValueError):
        return False
    return bool(told.get("status") == "ok" and age < FRESH_SECONDS)


def is_well(path: str = FILE) -> bool:
    """Whether the program of this container is."""
    try:
        return answers()
    except OSError:
        return has_written(path)


if __name__ == "__main__":
    sys.exit(not is_well())
