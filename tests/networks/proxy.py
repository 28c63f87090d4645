"""A proxy in front of a worker's ports: it passes on what comes, and may drop what it passes in the middle."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace

from networks.link import within
from networks.site import Site

_LOOPBACK = "127.0.0.1"


@dataclass
class Proxy:
    """What it has passed on to a worker so far.

    Attributes:
        site: the same as without it, the worker registered where the proxy is.
        dropped: how many connections.
    """

    site: Site
    dropped: int = 0
    _left: int | None = None
    _ended: threading.Event = field(default_factory=threading.Event)

    def drop_after(self, size: int) -> None:
        """Drop the connection by which so many bytes more have come for the worker."""
        self._left = size

    def serve(self, listener: socket.socket, address: tuple[str, int]) -> None:
        """Pass on what comes, until the listener is closed."""
        while not self._ended.is_set():
            with suppress(TimeoutError):
                accepted, _ = listener.accept()
                threading.Thread(target=self._pass_on, args=(accepted, address), daemon=True).start()

    def close(self) -> None:
        """Pass on nothing more."""
        self._ended.set()

    def _pass_on(self, client: socket.socket, address: tuple[str, int]) -> None:
        with client, suppress(OSError), socket.create_connection(address) as worker:
            others = {client: worker, worker: client}
            while not self._ended.is_set():
                for ready in select.select(list(others), [], [], 0.1)[0]:
                    piece = ready.recv(2**16)
                    if not piece or (ready is client and self._drops(len(piece))):
                        return
                    others[ready].sendall(piece)

    def _drops(self, size: int) -> bool:
        if self._left is None:
            return False
        self._left -= size
        if self._left > 0:
            return False
        self._left = None
        self.dropped += 1
        return True


@contextmanager
def proxy(site: Site) -> Iterator[Proxy]:
    """A proxy on the host of the TTP."""
    with ExitStack() as stack, within(site.orchestrator):
        listeners = [stack.enter_context(socket.create_server((_LOOPBACK, 0))) for _ in range(2)]
        command, data = (listener.getsockname()[1] for listener in listeners)
        node = replace(site.node, host=_LOOPBACK, command_port=command, data_port=data)
        made = Proxy(replace(site, node=node))
        threads = []
        for listener, port in zip(listeners, (site.node.command_port, site.node.data_port), strict=True):
            listener.settimeout(0.1)
            threads.append(threading.Thread(target=made.serve, args=(listener, (site.node.host, port))))
            threads[-1].start()
        try:
            yield made
        finally:
            made.close()
            for thread in threads:
                thread.join()
