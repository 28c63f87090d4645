"""The health check of the images: asks the program here, or reads what a worker says of itself that listens nowhere.

Standard library only, and little of it: it is run every five seconds.
"""

import json
import os
import sys
import time
from http.client import HTTPConnection, HTTPSConnection

FILE = "/worker/outputs/.health.json"
FRESH_SECONDS = 20.0
PORT = int(os.environ.get("SYNERGOS_HEALTH_PORT") or 5000)
"""Where the program of this image answers."""


def answers(host: str = "127.0.0.1", port: int = PORT) -> bool:
    """Whether the program answers that it is well; raises OSError where nobody listens."""
    connection = connection_to(host, port)
    connection.request("GET", "/health")
    return connection.getresponse().status == 200


def connection_to(host: str, port: int) -> HTTPConnection:
    """A connection to the program; by TLS where the environment says which certificate is its own, and then to nobody else."""
    certificate, key = os.environ.get("SYNERGOS_TLS_CERT"), os.environ.get("SYNERGOS_TLS_KEY")
    if not certificate:
        return HTTPConnection(host, port, timeout=4)
    # Takes longer to load than all of this.
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # This one certificate is believed, whoever signed it, and not the name it is for: that is another one than loopback's.
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(certificate)
    context.load_cert_chain(certificate, key)
    return HTTPSConnection(host, port, timeout=4, context=context)


def has_written(path: str) -> bool:
    """Whether a program has written a moment ago that it is well."""
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
