"""System metrics in the log: the machine, this process, its container and its GPUs, at even intervals.

Those of the machine have the names that the original's streams and dashboards know.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import structlog
import torch

from synergos.program.loop import Loop

LOGGER = "synergos.system_metrics"
"""By this logger's name, records go where system metrics go."""
SAMPLE_SECONDS = 5
"""Between two samples, unless it is said otherwise."""

log = structlog.get_logger(LOGGER)

_CGROUP = Path("/sys/fs/cgroup")
_UNLIMITED = 2**60
"""What cgroup v1 says of memory without a limit is more than that."""


class SystemMetrics:
    """Takes samples; counters are since the machine's or the container's start, percentages since the sample before."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        # The first calls say nothing; the others are about the time since the one before.
        psutil.cpu_percent()
        self._process.cpu_percent()

    def sample(self) -> dict[str, float | int]:
        """All there is to say, by name: bytes, counts and per cent."""
        return {**_of_machine(), **self._of_process(), **_of_container(_CGROUP), **_of_gpus()}

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
    memory, disk, network = psutil.virtual_memory(), psutil.disk_io_counters(), psutil.net_io_counters()
    return {
        "cpu_percent": psutil.cpu_percent(),
        "memory_total": memory.total,
        "memory_available": memory.available,
        "memory_used": memory.used,
        "memory_free": memory.free,
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


def _of_container(root: Path) -> Mapping[str, float | int]:
    """What the control group may use and uses, where there are limits; version 2, else version 1."""
    found: dict[str, float | int] = {}
    for name, places in (
        ("container_memory", ("memory.current", "memory/memory.usage_in_bytes")),
        ("container_memory_limit", ("memory.max", "memory/memory.limit_in_bytes")),
    ):
        value = next((number for place in places if (number := _number(root / place)) is not None), None)
        if value is not None and value < _UNLIMITED:
            found[name] = value
    cores = _cores_of(root)
    return found if cores is None else {**found, "container_cores_limit": cores}


def _cores_of(root: Path) -> float | None:
    try:
        quota, period = (root / "cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        of_quota, of_period = (_number(root / f"cpu/cpu.cfs_{what}_us") for what in ("quota", "period"))
        return of_quota / of_period if of_quota and of_quota > 0 and of_period else None
    return int(quota) / int(period) if quota.isdecimal() else None


def _number(place: Path) -> int | None:
    try:
        return int(place.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _of_gpus() -> Mapping[str, float | int]:
    """Memory of all GPUs this process has begun to use, and how busy the first is where its library tells; nothing is woken up to ask."""
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return {}
    free, total = zip(*(torch.cuda.mem_get_info(device) for device in range(torch.cuda.device_count())), strict=True)
    found: dict[str, float | int] = {"gpu_memory_total": sum(total), "gpu_memory_used": sum(total) - sum(free)}
    try:
        found["gpu_percent"] = torch.cuda.utilization()
    except (ModuleNotFoundError, RuntimeError):
        return found
    return found
