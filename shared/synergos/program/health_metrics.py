"""What keeps a program from its work, and how full the disks are that it writes to, as its health watch has last seen it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from synergos.program.health_watch import FolderCheck, HealthWatch


def health_metrics(watch: HealthWatch) -> Callable[[], Iterable[Metric]]:
    """What measures what a watch looks at; nothing is looked at when metrics are read."""

    def collect() -> Iterable[Metric]:
        problems = watch.problems()
        failing = GaugeMetricFamily(
            "synergos_health_check_failing", "Whether something keeps the program from its work.", labels=["check"]
        )
        free = GaugeMetricFamily("synergos_disk_free_bytes", "Room on the disk of a folder.", labels=["folder"])
        size = GaugeMetricFamily("synergos_disk_size_bytes", "Size of the disk of a folder.", labels=["folder"])
        for name, check in watch.checks.items():
            failing.add_metric([name], int(name in problems))
            if isinstance(check, FolderCheck) and (space := check.space) is not None:
                free.add_metric([name], space.free)
                size.add_metric([name], space.size)
        yield from (failing, free, size)

    return collect
