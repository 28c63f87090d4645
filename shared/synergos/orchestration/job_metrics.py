"""How many jobs stand where, and for how long the oldest has waited: looked up when metrics are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from synergos.domain.job import JobState, Stage
from synergos.records.store import RecordStore


def job_metrics(store: RecordStore) -> Callable[[], Iterable[Metric]]:
    """What measures the jobs in a record store; every state and stage has a figure from the beginning."""

    def collect() -> Iterable[Metric]:
        found = store.count_jobs()
        jobs = GaugeMetricFamily("synergos_jobs", "Jobs in the records, by state and stage.", labels=["state", "stage"])
        for state in JobState:
            for stage in Stage:
                jobs.add_metric([state.value, stage.value], found.get((state.value, stage.value), 0))
        yield jobs
        ages = GaugeMetricFamily(
            "synergos_oldest_waiting_job_age_seconds",
            "Since the oldest job that has not begun was accepted; 0 where there is none.",
            labels=["state"],
        )
        for state in (JobState.WAITING, JobState.QUEUED):
            oldest = store.oldest_job(state)
            age = 0.0 if oldest is None else max(0.0, (datetime.now(UTC) - oldest).total_seconds())
            ages.add_metric([state.value], age)
        yield ages

    return collect
