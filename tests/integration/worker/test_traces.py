"""A worker records what it does in the traces it is asked in, if its own flag says so; a header alone has it do nothing."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs
from werkzeug.test import Client

from fakes.clock import Clock
from fakes.spans import Recorder
from fakes.worker_client import SESSION, HeldExecutor, WorkerClient, blob_of
from synergos.domain.trace_context import TraceContext
from synergos.tracing import OFF, Kind
from synergos_worker.bootstrap import WorkerService, build_worker
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.policy.limits import UNLIMITED
from synergos_worker.settings import Settings

TAGS = {"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]}
ASKED = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def service(data: Path, compute: HeldExecutor, clock: Clock, recorder: Recorder) -> Iterator[WorkerService]:
    settings = Settings(data, data.parent / "outputs", policy=OPEN, limits=UNLIMITED)
    service = build_worker(settings, compute=compute, clock=clock, tracer=recorder)
    yield service
    service.close()


@pytest.fixture
def headers() -> dict[str, str]:
    return {"traceparent": ASKED.header}


def put_round(service: WorkerService, blob: bytes, headers: dict[str, str], number: int = 0) -> int:
    answer = Client(service.data_app).put(f"/sessions/{SESSION}/rounds/{number}", data=blob, headers=headers)
    return answer.status_code


def opened(client: WorkerClient) -> bytes:
    agreement = client.agree(TAGS)
    client.initialise(agreement)
    return blob_of(agreement.weights())


def test_a_round_is_a_request_and_what_was_computed_for_it(
    client: WorkerClient, recorder: Recorder, headers: dict[str, str]
) -> None:
    blob = opened(client)
    before = len(recorder.spans)

    assert put_round(client.service, blob, headers) == 200

    request, computing = recorder.spans[before:]
    assert (request.name, request.kind, computing.name) == ("PUT round", Kind.SERVER, "computing")
    for span in (request, computing):
        assert (span.context.trace_id, span.parent) == (ASKED.trace_id, ASKED.span_id)
        assert span.attributes["synergos.session"] == SESSION[:8]
        assert span.attributes["synergos.run_id"] == "r1"
    assert request.start <= computing.start < computing.end <= request.end
    assert request.attributes["synergos.bytes.received"] == len(blob)
    assert int(request.attributes["synergos.bytes.sent"]) > len(blob)
    assert computing.attributes["synergos.round"] == 0


def test_what_was_computed_is_told_once_however_often_it_is_fetched(
    client: WorkerClient, recorder: Recorder, headers: dict[str, str]
) -> None:
    blob = opened(client)

    for _ in range(3):
        assert put_round(client.service, blob, headers) == 200

    assert (len(recorder.named("PUT round")), len(recorder.named("computing"))) == (3, 1)


def test_a_request_that_is_refused_has_failed(
    client: WorkerClient, recorder: Recorder, headers: dict[str, str]
) -> None:
    opened(client)

    assert put_round(client.service, b"nonsense", headers) >= 400

    [request] = recorder.named("PUT round")
    assert request.failure == "WireFormatError"


def test_strangers_are_not_recorded(client: WorkerClient, recorder: Recorder, headers: dict[str, str]) -> None:
    blob = opened(client)
    asking = client.service.command_app.test_client()

    answers = [
        Client(client.service.data_app).put(f"/sessions/{'0' * len(SESSION)}/rounds/0", data=blob, headers=headers),
        Client(client.service.data_app).get("/secret/page", headers=headers),
        asking.get("/secret/page", headers=headers),
        asking.open("/health", method="STRANGE", headers=headers),
    ]

    assert all(400 <= answer.status_code < 500 for answer in answers)
    assert recorder.spans == []


def test_a_command_is_told_by_its_route_and_never_by_what_stands_in_its_address(
    client: WorkerClient, recorder: Recorder, headers: dict[str, str]
) -> None:
    asking = client.service.command_app.test_client()

    asking.post("/worker/poll/c/secret_project", json={"action": "classify", "tags": TAGS}, headers=headers)

    [poll] = recorder.spans
    assert poll.name == "POST /worker/poll/<string:collab_id>/<string:project_id>"
    assert (poll.parent, poll.kind, poll.attributes["http.response.status_code"]) == (ASKED.span_id, Kind.SERVER, 202)
    assert "secret" not in repr(recorder.spans)


@pytest.mark.parametrize(
    "said",
    [None, "", "nonsense", ASKED.header[:-3], ASKED.header.upper(), "ff" + ASKED.header[2:], "x" * 8000],
    ids=["none", "empty", "nonsense", "cut", "upper", "version", "long"],
)
def test_who_asks_in_no_trace_is_answered_and_recorded_in_none(
    said: str | None, client: WorkerClient, recorder: Recorder
) -> None:
    blob = opened(client)
    headers = {} if said is None else {"traceparent": said}

    assert put_round(client.service, blob, headers) == 200
    assert client.service.command_app.test_client().get("/health", headers=headers).status_code == 200

    assert recorder.spans == []


def test_a_worker_that_is_not_told_to_records_nothing_whatever_it_is_sent(
    data: Path, compute: HeldExecutor, headers: dict[str, str]
) -> None:
    settings = Settings(data, data.parent / "outputs", policy=OPEN, limits=UNLIMITED)
    service = build_worker(settings, compute=compute)
    client = WorkerClient(service)
    blob = opened(client)

    assert put_round(service, blob, headers) == 200
    assert service._tracer is OFF
    service.close()


def test_its_log_says_in_which_trace_it_was_asked(client: WorkerClient, headers: dict[str, str]) -> None:
    agreement = client.agree(TAGS)
    body = agreement.body() | {
        "id": "participant_1",
        "session_id": SESSION,
        "architecture": agreement.layers(),
        "hyperparameters": {"rounds": 1, "epochs": 1, "lr": 0.1, "criterion": "NLLLoss", "batch_size": 32},
        "metas": ["train"],
    }
    with capture_logs([merge_contextvars]) as lines:
        asking = client.service.command_app.test_client()
        answer = asking.post("/worker/initialise/c/p1/e1/r1", json=body, headers=headers)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        # Without the header: a session's lines are about the trace that it was opened in.
        assert put_round(client.service, blob_of(agreement.weights()), {}) == 200
        client.service.stop()

    traced: list[MutableMapping[str, Any]] = [line for line in lines if line.get("trace_id") == ASKED.trace_id]
    assert {"session opened", "session ended"} <= {line["event"] for line in traced}
