"""What is asked for in somebody's trace is done in it, and a job says in which trace it is."""

from __future__ import annotations

import pytest

from fakes.orchestration import ALIGNMENTS_URL, MODELS_URL, CannedDispatcher, Client
from fakes.spans import Recorder
from synergos.domain.trace_context import TraceContext
from synergos.records import RecordStore
from synergos.rest import create_app
from synergos.tracing import OFF, Kind, Tracer

ASKED = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")


def client_of(store: RecordStore, tracer: Tracer = OFF) -> Client:
    return Client(create_app(store, CannedDispatcher(store), component_id="ttp/1", tracer=tracer).test_client())


def align(client: Client, traceparent: str | None) -> dict[str, object]:
    """The job of an alignment, as it is answered."""
    headers = {"Prefer": "respond-async"} | ({} if traceparent is None else {"traceparent": traceparent})
    answer = client.http.post(ALIGNMENTS_URL, json={}, headers=headers)
    assert answer.status_code == 202, answer.get_data(as_text=True)
    [job] = answer.get_json()["data"]
    assert isinstance(job, dict)
    return job


@pytest.mark.usefixtures("declared")
def test_a_job_is_in_a_trace_of_its_own(store: RecordStore) -> None:
    job = align(client_of(store), None)

    assert job["trace_id"] == job["id"]


@pytest.mark.usefixtures("declared")
def test_a_job_is_in_the_trace_that_it_was_asked_in_also_when_it_is_read_again(store: RecordStore) -> None:
    job = align(client_of(store), ASKED.header)

    assert job["trace_id"] == ASKED.trace_id
    assert client_of(store).data("GET", f"/ttp/jobs/{job['id']}")["trace_id"] == ASKED.trace_id
    assert client_of(store).data("GET", "/ttp/jobs?fields=trace_id")[-1]["trace_id"] == ASKED.trace_id
    assert store.job(str(job["id"])).trace == ASKED


@pytest.mark.usefixtures("declared")
def test_jobs_are_found_by_their_trace(store: RecordStore) -> None:
    client = client_of(store)
    own = align(client, None)
    asked = [align(client, ASKED.header), align(client, TraceContext(ASKED.trace_id, "b7ad6b7169203331").header)]

    def found(trace_id: object) -> list[object]:
        return [job["id"] for job in client.data("GET", f"/ttp/jobs?trace_id={trace_id}")]

    assert found(ASKED.trace_id) == [job["id"] for job in asked]
    assert found(own["id"]) == [own["id"]]
    assert found(asked[0]["id"]) == found(ASKED.trace_id.replace("4", "_")) == []


@pytest.mark.usefixtures("declared")
def test_a_dry_run_is_in_the_trace_that_it_was_asked_in(store: RecordStore) -> None:
    answer = client_of(store).http.post(
        f"{ALIGNMENTS_URL}?check=true", json={}, headers={"Prefer": "respond-async", "traceparent": ASKED.header}
    )

    [job] = answer.get_json()["data"]
    assert job["trace_id"] == ASKED.trace_id


@pytest.mark.usefixtures("declared")
@pytest.mark.parametrize("said", ["", "nonsense", ASKED.header[:-1], "00-" + "0" * 52, "x" * 9000])
def test_what_is_no_trace_is_passed_over(said: str, store: RecordStore) -> None:
    job = align(client_of(store, Recorder()), said)

    assert job["trace_id"] == job["id"]


@pytest.mark.usefixtures("declared")
def test_where_requests_are_recorded_a_job_is_part_of_its_request(store: RecordStore) -> None:
    recorder = Recorder()

    job = align(client_of(store, recorder), ASKED.header)

    [request] = recorder.spans
    assert (request.context.trace_id, request.parent, request.kind) == (ASKED.trace_id, ASKED.span_id, Kind.SERVER)
    assert request.name.startswith("POST /ttp/train/")
    assert request.attributes["http.response.status_code"] == 202
    assert store.job(str(job["id"])).trace == request.context


@pytest.mark.usefixtures("finished")
def test_a_refusal_is_a_span_too_and_says_nothing_of_what_was_asked(store: RecordStore) -> None:
    recorder = Recorder()

    answer = client_of(store, recorder).http.post(
        f"{MODELS_URL}?secret", json={"secret": 1}, headers={"traceparent": ASKED.header}
    )

    [request] = recorder.spans
    assert (answer.status_code, request.attributes["http.response.status_code"]) == (417, 417)
    assert "secret" not in repr(request)
