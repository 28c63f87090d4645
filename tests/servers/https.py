"""A server that speaks TLS with a certificate of a consortium, and says nothing but that all is well."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from synergos.pki.consortium import LocalConsortium
from synergos.tls.files import TlsFiles

HOST = "127.0.0.1"


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"apiVersion": "0.1.0", "success": 1, "status": 200, "method": "x", "params": {}, "data": []}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def listening(consortium: LocalConsortium, *, asks: bool = False) -> Iterator[int]:
    """The port of a server of this consortium, which is called ``ttp`` there."""
    certificate, key, authority = consortium.files("ttp")
    server = ThreadingHTTPServer((HOST, 0), Answers)
    server.daemon_threads = True
    context = TlsFiles(certificate, key, authority, asks).server()
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
