"""System metrics: the original's names for the machine, and this process, its container's limits, at even intervals."""

from __future__ import annotations

from pathlib import Path

import pytest

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
    ],
    ids=["version 2", "version 2 without limits", "version 1", "version 1 without limits", "none"],
)
def test_a_container_says_its_limits(
    tmp_path: Path, files: dict[str, str], found: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(system_metrics, "_CGROUP", tmp_path)

    sample = SystemMetrics().sample()

    assert {name: value for name, value in sample.items() if name.startswith("container_")} == found
