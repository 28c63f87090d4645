"""System metrics: the original's names for the machine, and this process, its container's limits, at even intervals."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from synergos.control_groups import ControlGroups
from synergos.program import system_metrics
from synergos.program.system_metrics import SystemMetrics

OF_THE_MACHINE = [
    "cpu_percent",
    *(f"memory_{what}" for what in ("total", "available", "used", "free")),
    *(f"disk_{what}" for what in ("read_counter", "write_counter", "read_bytes", "write_bytes")),
    *(f"net_{what}" for what in ("bytes_sent", "bytes_recv", "packets_sent", "packets_recv")),
]


def test_dashboards_find_what_they_look_for() -> None:
    sample = SystemMetrics().sample()

    assert set(OF_THE_MACHINE) <= sample.keys()
    assert {type(value) for value in sample.values()} <= {int, float}
    assert sample["memory_total"] > sample["process_memory"] > 0
    assert isinstance(sample["cpu_percent"], float)


def test_of_each_counter_there_is_a_rate_since_the_sample_before(monkeypatch: pytest.MonkeyPatch) -> None:
    now, sent = 100.0, 1_000_000

    def network() -> SimpleNamespace:
        return SimpleNamespace(bytes_sent=sent, bytes_recv=0, packets_sent=sent // 1000, packets_recv=0)

    monkeypatch.setattr(psutil, "net_io_counters", network)
    monkeypatch.setattr(time, "monotonic", lambda: now)
    metrics = SystemMetrics()

    now, sent = 102.0, 1_050_000
    sample = metrics.sample()
    assert (sample["net_bytes_sent_per_second"], sample["net_packets_sent_per_second"]) == (25_000, 25)
    assert sample["net_bytes_recv_per_second"] == 0
    # Its line has gone, and what it had counted.
    now, sent = 104.0, 10
    assert metrics.sample()["net_bytes_sent_per_second"] == 0
    now, sent = 105.0, 1010
    assert metrics.sample()["net_bytes_sent_per_second"] == 1000


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (
            {"memory.current": "100\n", "memory.max": "2000\n", "cpu.max": "150000 100000\n"},
            {"container_memory": 100, "container_memory_limit": 2000, "container_cores_limit": 1.5},
        ),
        ({"memory.current": "100\n", "memory.max": "max\n", "cpu.max": "max 100000\n"}, {"container_memory": 100}),
        (
            {
                "memory/memory.usage_in_bytes": "100\n",
                "memory/memory.limit_in_bytes": "2000\n",
                "cpu/cpu.cfs_quota_us": "50000\n",
                "cpu/cpu.cfs_period_us": "100000\n",
            },
            {"container_memory": 100, "container_memory_limit": 2000, "container_cores_limit": 0.5},
        ),
        (
            {
                "memory/memory.usage_in_bytes": "100\n",
                "memory/memory.limit_in_bytes": "9223372036854771712\n",
                "cpu/cpu.cfs_quota_us": "-1\n",
                "cpu/cpu.cfs_period_us": "100000\n",
            },
            {"container_memory": 100},
        ),
        ({}, {}),
        (
            {
                "of": "0::/grid/worker/main\n",
                # Two groups above it bound it more than its own does, one of them memory, the other cores.
                "grid/memory.current": "900\n",
                "grid/memory.max": "1000\n",
                "grid/cpu.max": "400000 100000\n",
                "grid/worker/memory.current": "300\n",
                "grid/worker/memory.max": "max\n",
                "grid/worker/cpu.max": "50000 100000\n",
                "grid/worker/main/memory.current": "100\n",
                "grid/worker/main/memory.max": "2000\n",
                "grid/worker/main/cpu.max": "max 100000\n",
            },
            {"container_memory": 900, "container_memory_limit": 1000, "container_cores_limit": 0.5},
        ),
        (
            {
                "of": "4:memory:/grid/worker\n3:cpu,cpuacct:/other\n0::/\n",
                "memory/memory.usage_in_bytes": "5000\n",
                "memory/memory.limit_in_bytes": "9223372036854771712\n",
                "memory/grid/worker/memory.usage_in_bytes": "100\n",
                "memory/grid/worker/memory.limit_in_bytes": "2000\n",
                "cpu/cpu.cfs_quota_us": "-1\n",
                "cpu/cpu.cfs_period_us": "100000\n",
                "cpu/other/cpu.cfs_quota_us": "50000\n",
                "cpu/other/cpu.cfs_period_us": "100000\n",
            },
            {"container_memory": 100, "container_memory_limit": 2000, "container_cores_limit": 0.5},
        ),
        (
            # Its path is the host's, which a container does not see: it stands at its own root.
            {"of": "0::/../host/docker/0123\n", "memory.current": "100\n", "memory.max": "2000\n"},
            {"container_memory": 100, "container_memory_limit": 2000},
        ),
        (
            {"of": "0::/system.slice/docker-0123\n", "memory.current": "100\n", "memory.max": "2000\n"},
            {"container_memory": 100, "container_memory_limit": 2000},
        ),
        (
            {"of": "0::/grid/worker\n", "grid/worker/memory.current": "100\n", "grid/memory.current": "900\n"},
            {"container_memory": 100},
        ),
    ],
    ids=[
        "version 2",
        "version 2 without limits",
        "version 1",
        "version 1 without limits",
        "none",
        "version 2, below its root",
        "version 1, below its root",
        "outside of what is seen",
        "the host's path",
        "below its root, without limits",
    ],
)
def test_a_container_says_its_limits(
    tmp_path: Path, files: dict[str, str], found: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(system_metrics, "_GROUPS", ControlGroups(tmp_path / "of", tmp_path))

    sample = SystemMetrics().sample()

    assert {name: value for name, value in sample.items() if name.startswith("container_")} == found
