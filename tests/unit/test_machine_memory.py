from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from synergos.control_groups import ControlGroups
from synergos.machine_memory import memory_left, memory_limit

GIB = 2**30


@pytest.fixture
def groups(tmp_path: Path) -> Path:
    return tmp_path / "cgroup"


def limited(folder: Path, limit: str, used: int, names: tuple[str, str] = ("memory.max", "memory.current")) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in zip(names, (limit, str(used)), strict=True):
        (folder / name).write_text(f"{content}\n")


def test_without_groups_the_machine_is_the_limit(groups: Path, tmp_path: Path) -> None:
    assert memory_limit(ControlGroups(groups, tmp_path)) == psutil.virtual_memory().total
    assert 0 < memory_left(ControlGroups(groups, tmp_path)) <= psutil.virtual_memory().total


def test_the_tightest_of_the_groups_it_is_in_counts(groups: Path, tmp_path: Path) -> None:
    groups.write_text("0::/outer/inner\n")
    limited(tmp_path / "outer" / "inner", "max", 100)
    limited(tmp_path / "outer", str(GIB // 8), GIB // 16)
    limited(tmp_path, str(GIB // 4), 0)

    assert memory_limit(ControlGroups(groups, tmp_path)) == GIB // 8
    assert memory_left(ControlGroups(groups, tmp_path)) == GIB // 16


def test_groups_of_the_first_version_count_too(groups: Path, tmp_path: Path) -> None:
    groups.write_text("5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n")
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
    limited(tmp_path / "memory" / "docker" / "1", str(GIB // 8), GIB // 8 + 1, names)
    limited(tmp_path / "cpu", str(1), 0)

    assert memory_limit(ControlGroups(groups, tmp_path)) == GIB // 8
    assert memory_left(ControlGroups(groups, tmp_path)) == 0
