"""A tracking server that is allowed, and lies: nothing is written, fetched or sent where it says, and nothing read without end."""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes.lying_tracking_server import Handler, LyingServer, lying
from synergos.domain.addresses import Places
from synergos.program.destinations import Destinations
from synergos_ttp.tracking.checked_writer import CheckedWriter
from synergos_ttp.tracking.notes import (
    AbandonedNotes,
    Answer,
    Ending,
    NotWritten,
    Point,
    Target,
    TrainingNotes,
    to_line,
)
from synergos_ttp.tracking.writer_process import WriterProcess

EXPERIMENT = "heart_>_risk_>_logistic"
BOMB = gzip.compress(bytes(300_000_000), 1)
MOST_GROWTH = 64 * 2**20


class Tracking:
    """The process that knows MLflow, which may reach loopback."""

    def __init__(self, folder: Path, exports: Path) -> None:
        self.process = WriterProcess(folder)
        self._writer = CheckedWriter(
            self.process, Destinations("--allow_mlops", Places.read(["127.0.0.0/8", "tracker.example.org"]))
        )
        self._exports = exports

    def write(self, liar: LyingServer, address: str | None = None) -> None:
        """All of a training."""
        target, ending = Target(EXPERIMENT, "first", address or liar.address), Ending("FINISHED", str(self._exports))
        self._writer.write(TrainingNotes(target, "a" * 32, {"lr": "0.1"}, (Point("loss", 0.5, 0),), ending))

    def refusal(self, liar: LyingServer) -> str:
        """Why the server is not written to."""
        with pytest.raises(NotWritten) as refused:
            self.write(liar)
        return f"{refused.value.reason}: {refused.value.detail}"

    def memory(self) -> int:
        """The most that the process has had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [peak] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(peak) * 1024


@pytest.fixture(scope="module")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracking]:
    folder = tmp_path_factory.mktemp("ttp")
    exports = folder / "outputs"
    exports.mkdir()
    (exports / "global_model.pt").write_bytes(b"weights")
    tracking = Tracking(folder / "mlflow", exports)
    yield tracking
    tracking.process.close()


@pytest.fixture
def liar_with() -> Iterator[Callable[[LyingServer], LyingServer]]:
    with lying(LyingServer()) as liar:

        def become(other: LyingServer) -> LyingServer:
            liar.artifact_uri, liar.lie = other.artifact_uri, other.lie
            return liar

        yield become


Liars = Callable[[LyingServer], LyingServer]


def test_an_honest_server_gets_the_losses_and_the_files(tracking: Tracking, liar_with: Liars) -> None:
    honest = liar_with(LyingServer())

    tracking.write(honest)

    assert honest.uploads == {"/api/2.0/mlflow-artifacts/artifacts/1/run/artifacts/global_model.pt": b"weights"}
    assert ("POST", "/api/2.0/mlflow/runs/log-batch") in honest.heard


def test_files_go_to_the_server_itself_and_nowhere_else(tracking: Tracking, liar_with: Liars, tmp_path: Path) -> None:
    victim = tmp_path / "outputs" / "heart"
    with lying(LyingServer()) as other:
        for place in (
            victim.as_uri(),
            str(victim),
            f"mlflow-artifacts://127.0.0.1:{other.port}/x",
            f"{other.address}/api/2.0/mlflow-artifacts/artifacts/x",
            "s3://bucket/x",
            "ftp://user:word@127.0.0.1/x",
            "mlflow-artifacts:/1/../../x",
            "mlflow-artifacts:/1/%2e%2e/%2e%2e/x",
            "",
        ):
            liar = liar_with(LyingServer(artifact_uri=place))
            assert tracking.refusal(liar).startswith("PlaceNotAllowed"), place

        assert (other.heard, liar.uploads, victim.exists()) == ([], {}, False)
    assert ("POST", "/api/2.0/mlflow/runs/update") in liar.heard, "how the training ended is told all the same"


def test_where_files_go_is_not_asked_again_after_it_was_checked(
    tracking: Tracking, liar_with: Liars, tmp_path: Path
) -> None:
    def later(handler: Handler) -> bool:
        if handler.path.startswith("/api/2.0/mlflow/runs/get"):
            handler.server.liar.artifact_uri = (tmp_path / "victim").as_uri()
        return False

    liar = liar_with(LyingServer(lie=later))
    tracking.write(liar)

    assert len(liar.uploads) == 1
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(tracking: Tracking, liar_with: Liars, status: int) -> None:
    with lying(LyingServer()) as internal:

        def elsewhere(handler: Handler) -> bool:
            handler.say(b"", status, Location=f"{internal.address}/secret")
            return True

        assert "leads elsewhere" in tracking.refusal(liar_with(LyingServer(lie=elsewhere)))
        assert internal.heard == []


def _packed(handler: Handler, status: int) -> bool:
    handler.say(BOMB, status, Content_Encoding="gzip", Content_Type="application/json")
    return True


def _endless(handler: Handler, status: int) -> bool:
    handler.send_response(status)
    handler.end_headers()
    while True:
        handler.wfile.write(bytes(2**20))


def _chunked(handler: Handler, status: int) -> bool:
    handler.protocol_version = "HTTP/1.1"
    handler.send_response(status)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    # A length that never ends.
    while True:
        handler.wfile.write(b"1" * 2**20)


def _nested(handler: Handler, status: int) -> bool:
    handler.say(b"[" * (4 * 2**20), status, Content_Type="application/json")
    return True


def _pages(handler: Handler, status: int) -> bool:
    """Of a history there is always another page."""
    if "/metrics/get-history" in handler.path:
        metric = b'{"key": "loss", "value": 1, "timestamp": 1, "step": 1}'
        handler.say(b'{"metrics": [' + b",".join([metric] * 10_000) + b'], "next_page_token": "x"}', status)
        return True
    if "/runs/search" in handler.path:
        run = handler.server.liar.run()
        run["data"]["metrics"] = [{"key": "loss", "value": 1, "timestamp": 1, "step": 1}]
        handler.say(json.dumps({"runs": [run]}).encode())
        return True
    return False


@pytest.mark.parametrize("status", [200, 503])
@pytest.mark.parametrize("lie", [_packed, _endless, _chunked, _nested])
def test_what_a_server_answers_takes_little_memory(
    tracking: Tracking, liar_with: Liars, lie: Callable[[Handler, int], bool], status: int
) -> None:
    tracking.write(liar_with(LyingServer()))
    before = tracking.memory()

    assert tracking.refusal(liar_with(LyingServer(lie=lambda handler: lie(handler, status))))

    assert tracking.memory() - before < MOST_GROWTH


def test_a_history_without_end_is_not_read_to_its_end(tracking: Tracking, liar_with: Liars) -> None:
    tracking.write(liar_with(LyingServer()))
    before = tracking.memory()

    assert "more than it was asked for" in tracking.refusal(
        liar_with(LyingServer(lie=lambda handler: _pages(handler, 200)))
    )

    assert tracking.memory() - before < MOST_GROWTH


def test_little_is_repeated_of_what_a_server_says(tracking: Tracking, liar_with: Liars) -> None:
    def verbose(handler: Handler) -> bool:
        handler.say(b"x" * 1_000_000, 500)
        return True

    assert len(tracking.refusal(liar_with(LyingServer(lie=verbose)))) < 5_000


def test_nobody_waits_as_long_as_a_server_wants(tracking: Tracking, liar_with: Liars) -> None:
    def later(handler: Handler) -> bool:
        handler.say(b"", 503, Retry_After="1000000")
        return True

    assert tracking.refusal(liar_with(LyingServer(lie=later)))


def test_a_name_is_looked_up_once_and_leads_nowhere_else(
    tracking: Tracking, liar_with: Liars, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = liar_with(LyingServer())
    real = socket.getaddrinfo

    def look_up(host: str, *arguments: object, **options: object) -> object:
        # Here only: in the process that connects there is no such name.
        return real("127.0.0.1" if host == "tracker.example.org" else host, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    tracking.write(honest, f"http://tracker.example.org:{honest.port}")

    assert len(honest.uploads) == 1


QUICK = """
import mlflow.tracking
from synergos_ttp.tracking import mlflow_process

mlflow_process.SECONDS = 1.0
mlflow_process.main()
"""


def test_a_server_that_says_a_byte_now_and_then_keeps_nobody_for_ever(liar_with: Liars, tmp_path: Path) -> None:
    told = threading.Event()

    def slow(handler: Handler) -> bool:
        while not told.wait(0.05):
            handler.wfile.write(b"1")
        return True

    liar = liar_with(LyingServer(lie=slow))
    notes = to_line(AbandonedNotes(Target(EXPERIMENT, "first", liar.address), "a" * 32))
    command = [sys.executable, "-W", "ignore", "-c", QUICK, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(notes)
        process.stdin.flush()
        answer = Answer.from_line(process.stdout.readline())
        told.set()
        process.stdin.close()

    assert "took longer than 1 s" in answer.detail
    assert liar.heard
