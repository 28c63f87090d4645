"""A reverse proxy that takes in a whole request before it passes any of it on, and a whole answer before it passes that back.

So do many in front of web applications. It says of itself nothing while it is sent something, or sends it: whoever has asked
hears nothing as long as that takes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from networks.link import within
from networks.site import Site

_LOOPBACK = "127.0.0.1"
_ITS_OWN = {"connection", "content-length", "transfer-encoding", "keep-alive", "date", "server"}
"""Header fields that are a connection's, and no message's."""


@dataclass
class BufferingProxy:
    """One in front of both ports of a worker.

    Attributes:
        largest: bytes of the largest message that it has passed on, either way.
    """

    largest: int = 0

    def server(self, host: str, port: int) -> ThreadingHTTPServer:
        """What passes on to one port of the worker."""
        worker, proxy = (host, port), self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fields = {name: value for name, value in self.headers.items() if name.lower() not in _ITS_OWN}
                upstream = HTTPConnection(*worker, timeout=60)
                try:
                    upstream.request(self.command, self.path, content or None, fields)
                    answer = upstream.getresponse()
                    status, told, found = answer.status, answer.getheaders(), answer.read()
                except (OSError, HTTPException):
                    status, told, found = 502, [], b""
                finally:
                    upstream.close()
                proxy.largest = max(proxy.largest, len(content), len(found))
                with suppress(OSError):
                    self.send_response_only(status)
                    for name, value in told:
                        if name.lower() not in _ITS_OWN:
                            self.send_header(name, value)
                    self.send_header("Content-Length", str(len(found)))
                    self.end_headers()
                    self.wfile.write(found)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        for method in ("GET", "POST", "PUT", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.pass_on)
        server = ThreadingHTTPServer((_LOOPBACK, 0), Handler)
        server.daemon_threads = True
        return server


@contextmanager
def buffering_proxy(site: Site) -> Iterator[tuple[BufferingProxy, Site]]:
    """A proxy on the host of the TTP, so that the line lies between it and the worker; and the worker registered there."""
    made = BufferingProxy()
    with ExitStack() as stack, within(site.orchestrator):
        servers = [made.server(site.node.host, port) for port in (site.node.command_port, site.node.data_port)]
        for server in servers:
            stack.enter_context(server)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            stack.callback(server.shutdown)
        command, data = (server.server_address[1] for server in servers)
        yield made, replace(site, node=replace(site.node, host=_LOOPBACK, command_port=command, data_port=data))
