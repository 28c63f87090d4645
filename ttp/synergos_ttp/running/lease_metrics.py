"""How a TTP of a cluster keeps its sub-grid and its job: looked up when metrics are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from synergos_ttp.running.leased_jobs import LeasedJobs


def lease_metrics(jobs: LeasedJobs) -> Callable[[], Iterable[Metric]]:
    """What measures it."""

    def collect() -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "synergos_sub_grid_held", "Whether this TTP is its sub-grid's, and not standing by.", value=jobs.is_active
        )
        renewals = CounterMetricFamily(
            "synergos_lease_renewals",
            "How often the lease of a job or of the sub-grid was renewed, was lost to another TTP, or could not be reached.",
            labels=["lease", "outcome"],
        )
        for (lease, outcome), count in jobs.renewals.items():
            renewals.add_metric([lease, outcome.value], count)
        yield renewals

    return collect
