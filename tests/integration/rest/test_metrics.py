"""What an orchestrator measures, as Prometheus' own parser reads it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus_text
from sqlalchemy import text

from fakes.orchestration import Client
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.keys import job_key
from synergos.orchestration.job_metrics import job_metrics
from synergos.program.metrics import Metrics
from synergos.records import RecordStore
from synergos.rest.app import create_status_app

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
def client(store: RecordStore) -> Client:
    metrics = Metrics("ttp")
    metrics.add(job_metrics(store))
    app = create_status_app(store, component="ttp", component_id="t", status=dict, metrics=metrics.answer)
    return Client(app.test_client())


def values(read: str) -> Mapping[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels, in the order of their names."""
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in prometheus_text(read)
        for sample in family.samples
    }


def test_jobs_are_counted_by_state_and_stage(client: Client, store: RecordStore) -> None:
    job = Job(Stage.PREPROCESS, job_key({"collab_id": "c", "project_id": "p"}))
    before = values(client.http.get("/metrics").text)
    store.add_jobs([job])

    after = values(client.http.get("/metrics").text)

    assert before["synergos_jobs", "preprocess", "queued"] == 0
    assert after["synergos_jobs", "preprocess", "queued"] == 1
    assert len([name for name, *_ in after if name == "synergos_jobs"]) == len(JobState) * len(Stage)
    assert before["synergos_oldest_waiting_job_age_seconds", "queued"] == 0
    assert 0 < after["synergos_oldest_waiting_job_age_seconds", "queued"] < 60
    assert after["synergos_oldest_waiting_job_age_seconds", "waiting"] == 0


def test_a_job_whose_record_is_damaged_hides_no_other(client: Client, store: RecordStore) -> None:
    jobs = [Job(Stage.PREPROCESS, job_key({"collab_id": "c", "project_id": "p"})) for _ in range(2)]
    store.add_jobs(jobs)
    with store.database.writing() as connection:
        connection.execute(text("UPDATE job SET state = 'lost in thought' WHERE id = :id"), {"id": jobs[0].id})

    assert values(client.http.get("/metrics").text)["synergos_jobs", "preprocess", "queued"] == 1


def test_it_is_open_metrics_for_those_who_ask(client: Client) -> None:
    answer = client.http.get("/metrics", headers={"Accept": OPEN_METRICS})

    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    families = {family.name: family for family in open_metrics(answer.text)}  # type: ignore[no-untyped-call]
    assert families["synergos_build"].samples[0].labels["component"] == "ttp"


def test_who_switches_them_off_has_none(store: RecordStore) -> None:
    app = create_status_app(store, component="ttp", component_id="t", status=dict)

    assert app.test_client().get("/metrics").status_code == 404
    assert "/metrics" not in app.test_client().get("/").text


def test_the_front_page_names_them(client: Client) -> None:
    assert "/metrics" in client.http.get("/").text
