"""Spans reach a collector of another project, by TLS too; one that takes none, or says nonsense, is waited for by nobody."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from grids.forked import ForkedProgram
from servers.certificates import Authority
from servers.collector import collector
from support.waiting import DEADLINE, until
from synergos.domain.trace_context import TraceContext
from synergos.tracing import Kind, Span, TraceTarget
from synergos.tracing.otlp import OtlpExport
from synergos.tracing.sender import Sender

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ROOT = Span("run", TraceContext(TRACE, "00f067aa0ba902b7"), None, 1_000, 5_000, {"synergos.job_id": "j"})
CHILD = Span(
    "transfer",
    TraceContext(TRACE, "00f067aa0ba902b8"),
    "00f067aa0ba902b7",
    2_000,
    3_000,
    {"synergos.bytes.sent": 7, "synergos.seconds.training": 0.5},
    Kind.CLIENT,
    "WorkerUnreachable",
)


class Told:
    """What was said."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def __call__(self, event: str, facts: dict[str, object]) -> None:
        self.lines.append((event, facts))


@pytest.fixture
def told() -> Told:
    return Told()


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of somebody who answers whoever connects in his own way."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=one, args=[connection], daemon=True).start()

        def one(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                answer(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@contextmanager
def patient() -> Iterator[None]:
    """Whoever sends spans inside waits as long as it takes until they have arrived, on a busy machine too, when its program ends."""
    *defaults, _flush = Sender.__init__.__defaults__ or ()
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(Sender.__init__, "__defaults__", (*defaults, 100.0))
        yield


def test_a_collector_has_the_spans_as_they_were_told(tmp_path: Path, told: Told) -> None:
    with collector(tmp_path) as receiver, patient():
        target = TraceTarget.read(receiver.url)
        target.check()
        tracer = target.tracer("ttp", "ttp_0", told)
        for span in (CHILD, ROOT):
            tracer.put(span)
        tracer.close()
        until(lambda: len(receiver.spans()) == 2, "the spans to be written")
        child, root = receiver.spans()

    assert (child.service, child.name, child.trace, child.parent) == ("synergos-ttp", "transfer", TRACE, root.id)
    assert (child.start, child.end, child.fields["Kind"]) == (2_000, 3_000, "SPAN_KIND_CLIENT")
    assert child.attributes == {"synergos.bytes.sent": "7", "synergos.seconds.training": "0.5"}
    assert (child.has_failed, root.has_failed, root.parent) == (True, False, None)
    assert told.lines == []


def test_a_collector_is_believed_by_who_vouches_for_it(tmp_path: Path, told: Told) -> None:
    authority = Authority.founded(tmp_path / "authority")
    identity = authority.server("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.key)
    taken: list[ExportTraceServiceRequest] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found = ExportTraceServiceRequest()
            found.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
            taken.append(found)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    url = f"https://127.0.0.1:{server.server_address[1]}"
    try:
        # Nobody vouches for it to the second, which is not waited for.
        for target, waiting in (
            (TraceTarget.read(url, authority.certificate), patient()),
            (TraceTarget.read(url), nullcontext()),
        ):
            target.check()
            with waiting:
                tracer = target.tracer("worker", "hospital", told)
            tracer.put(ROOT)
            tracer.close()
    finally:
        server.shutdown()
        server.server_close()

    [request] = taken
    [resource] = request.resource_spans
    said = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert (said["service.name"], said["service.instance.id"]) == ("synergos-worker", "hospital")
    assert set(said) == {"service.name", "service.instance.id", "service.version"}
    assert told.lines[-1] == ("spans dropped", {"dropped": 1})


def nobody(_connection: socket.socket) -> None:
    """Closes at once."""


def garbage(connection: socket.socket) -> None:
    connection.recv(2**16)
    connection.sendall(b"\x00\xff" * 1000 + b"\r\n\r\n")


def endless(connection: socket.socket) -> None:
    connection.recv(2**16)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b"x" * 2**16 + b"\r\n")


def redirecting(connection: socket.socket) -> None:
    """To itself, with a content that never ends."""
    connection.recv(2**16)
    where = "http://{}:{}/v1/traces".format(*connection.getsockname()).encode()
    connection.sendall(b"HTTP/1.1 307 Elsewhere\r\nLocation: " + where + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b"x" * 2**16 + b"\r\n")


def refusing(connection: socket.socket) -> None:
    connection.recv(2**16)
    connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\nhello")


def silent(connection: socket.socket) -> None:
    threading.Event().wait(60)


@pytest.mark.parametrize("answer", [nobody, garbage, refusing, redirecting, silent], ids=lambda each: each.__name__)
def test_a_collector_that_takes_nothing_is_said_and_costs_nobody_anything(
    answer: Callable[[socket.socket], None], told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")
    with listening(answer) as port:
        export = OtlpExport(f"http://127.0.0.1:{port}/v1/traces", None, "ttp", "ttp_0")
        sender = Sender(export, told, rest=0.001)
        begun = time.process_time()
        for _ in range(1000):
            sender.put(ROOT)
        spent = time.process_time() - begun
        until(lambda: bool(told.lines), "it to be said")
        sender.close()

    # Of this process's processor, the sender's thread included.
    assert spent < 1
    assert told.lines[0] == ("span collector takes no spans; they are dropped", {})
    assert [event for event, _ in told.lines] == ["span collector takes no spans; they are dropped", "spans dropped"]


def test_an_answer_that_never_ends_is_read_no_further_than_its_head(told: Told) -> None:
    with listening(endless) as port, patient():
        tracer = TraceTarget.read(f"http://127.0.0.1:{port}").tracer("ttp", "ttp_0", told)
        tracer.put(ROOT)
        tracer.close()

    assert told.lines == []


PROGRAMS = ("synergos_ttp", "synergos_director", "synergos_worker")


@pytest.mark.parametrize("program", PROGRAMS)
def test_without_the_flag_nothing_of_opentelemetry_is_imported(program: str) -> None:
    watching = (
        f"import sys, {program}.__main__ as program, synergos.tracing\n"
        "flags = program.parser()\n"
        "from synergos.program.common_flags import trace_target\n"
        "found = trace_target(flags, flags.parse_args([]))\n"
        "assert found.tracer('ttp', 'x', print) is synergos.tracing.OFF\n"
        "print(sorted(name for name in sys.modules if name.startswith('opentelemetry')))\n"
    )
    ended = subprocess.run([sys.executable, "-c", watching], capture_output=True, text=True, timeout=100)

    assert (ended.returncode, ended.stdout.strip()) == (0, "[]"), ended.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["--tracing", "collector:4318"], {}, "--tracing: 'collector:4318': expected http://HOST:PORT"),
        (["--tracing", "http://nowhere.invalid:4318"], {}, "--tracing: the host 'nowhere.invalid' has no address"),
        ([], {"SYNERGOS_TRACING": "yes"}, "--tracing: 'yes': expected http://HOST:PORT"),
        ([], {"SYNERGOS_TRACING_CA": "missing.pem"}, "--tracing_ca: has no effect without --tracing"),
        (
            ["--tracing", "https://127.0.0.1:4318", "--tracing_ca", "missing.pem"],
            {},
            "--tracing_ca: missing.pem cannot be read",
        ),
    ],
    ids=["no URL", "no address", "variable", "no effect", "no file"],
)
def test_a_program_that_is_told_nonsense_does_not_start(
    arguments: list[str], environment: dict[str, str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    log = tmp_path / "worker.log"

    code = ForkedProgram([sys.executable, "-m", "synergos_worker", *arguments], str(log)).wait(DEADLINE)

    assert code == 2, log.read_text()
    assert said in log.read_text()


def test_a_program_without_the_extra_says_what_to_install(tmp_path: Path) -> None:
    without = (
        "import sys\n"
        "sys.modules['opentelemetry'] = None\n"
        "from synergos_worker.__main__ import main\n"
        "main(['--tracing', 'http://127.0.0.1:4318'])\n"
    )
    ended = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, timeout=100, cwd=tmp_path)

    assert ended.returncode == 2, ended.stderr
    assert "--tracing: what sends spans is not installed" in ended.stderr
    assert "synergos[traces]" in ended.stderr
