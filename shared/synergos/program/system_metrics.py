"""System metrics in the log: the machine, this process, its container and its GPUs, at even intervals.

Those of the machine have the names that the original's streams and dashboards know.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

import psutil
import structlog

from synergos.control_groups import ControlGroups
from synergos.program.loop import Loop

LOGGER = "synergos.system_metrics"
"""By this logger's name, records go where system metrics go."""
SAMPLE_SECONDS = 5
"""Between two samples, unless it is said otherwise."""

log = structlog.get_logger(LOGGER)

_GROUPS = ControlGroups()
_RATES = {
    "disk_read_counter": "disk_reads_per_second",
    "disk_write_counter": "disk_writes_per_second",
    **{
        name: f"{name}_per_second"
        for name in (
            "disk_read_bytes",
            "disk_write_bytes",
            "net_bytes_sent",
            "net_bytes_recv",
            "net_packets_sent",
            "net_packets_recv",
        )
    },
}
"""What the rate of each counter is called."""


class SystemMetrics:
    """Takes samples; counters are since the machine's or the container's start, percentages since the sample before."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._before, self._counted = time.monotonic(), _counters()
        # The first calls say nothing; the others are about the time since the one before.
        psutil.cpu_percent()
        self._process.cpu_percent()

    def sample(self) -> dict[str, float | int]:
        """All there is to say, by name: bytes, counts and per cent."""
        counted = _counters()
        return {
            **_of_machine(),
            **counted,
            **self._rates(counted),
            **self._of_process(),
            **_of_container(),
            **_of_gpus(),
        }

    def _rates(self, counted: Mapping[str, int]) -> Mapping[str, float]:
        """How much of each counter came to it in a second, since the sample before: dashboards have no other way to tell."""
        now = time.monotonic()
        seconds = max(now - self._before, 1e-3)
        # A disk or a line that goes takes what it counted with it.
        found = {_RATES[name]: max(0, value - self._counted[name]) / seconds for name, value in counted.items()}
        self._before, self._counted = now, counted
        return {name: round(rate, 1) for name, rate in found.items()}

    def _of_process(self) -> Mapping[str, float | int]:
        with self._process.oneshot():
            return {
                "process_cpu_percent": self._process.cpu_percent(),
                "process_memory": self._process.memory_info().rss,
                "process_threads": self._process.num_threads(),
                "process_files": self._process.num_fds(),
            }


def metrics_log(seconds: float) -> Loop:
    """A loop, not yet started, that logs a sample every so often: at the n-th multiple of the interval, however long one takes."""
    metrics, start = SystemMetrics(), time.monotonic()

    def take() -> float:
        log.info("probed successfully", resolution=seconds, **metrics.sample())
        return seconds - (time.monotonic() - start) % seconds

    return Loop("system metrics", take, delay=seconds)


def _of_machine() -> Mapping[str, float | int]:
    memory = psutil.virtual_memory()
    return {
        "cpu_percent": psutil.cpu_percent(),
        "memory_total": memory.total,
        "memory_available": memory.available,
        "memory_used": memory.used,
        "memory_free": memory.free,
    }


def _counters() -> Mapping[str, int]:
    """What the machine has counted since its start."""
    disk, network = psutil.disk_io_counters(), psutil.net_io_counters()
    return {
        # Some containers have no disks.
        "disk_read_counter": disk.read_count if disk else 0,
        "disk_write_counter": disk.write_count if disk else 0,
        "disk_read_bytes": disk.read_bytes if disk else 0,
        "disk_write_bytes": disk.write_bytes if disk else 0,
        "net_bytes_sent": network.bytes_sent,
        "net_bytes_recv": network.bytes_recv,
        "net_packets_sent": network.packets_sent,
        "net_packets_recv": network.packets_recv,
    }


def _of_container() -> Mapping[str, float | int]:
    """What may be used and is, where there are limits: of the control groups that this process is in, those with the tightest."""
    memory, cores = _GROUPS.memory(), _GROUPS.cores()
    limits = {group: group.limit for group in memory if group.limit is not None}
    tightest = min(limits, key=limits.__getitem__, default=None)
    # What counts against the limit, else what the innermost uses.
    used = [group.used for group in (*([tightest] if tightest else []), *memory) if group.used is not None]
    return {
        **({"container_memory": used[0]} if used else {}),
        **({"container_memory_limit": limits[tightest]} if tightest else {}),
        **({"container_cores_limit": min(cores)} if cores else {}),
    }


def _of_gpus() -> Mapping[str, float | int]:
    """Memory of all GPUs this process has begun to use, and how busy the first is where its library tells; nothing is woken up to ask."""
    # Who has not loaded torch uses none; and some programs are installed without it.
    if "torch" not in sys.modules:
        return {}
    import torch

    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return {}
    free, total = zip(*(torch.cuda.mem_get_info(device) for device in range(torch.cuda.device_count())), strict=True)
    found: dict[str, float | int] = {"gpu_memory_total": sum(total), "gpu_memory_used": sum(total) - sum(free)}
    try:
        found["gpu_percent"] = torch.cuda.utilization()
    except (ModuleNotFoundError, RuntimeError):
        return found
    return found
