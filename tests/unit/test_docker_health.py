"""What the images' health check makes of a worker that listens nowhere."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import pytest

from synergos.program.health_file import FRESH, HealthFile, health_in

CHECK = Path(__file__).parents[2] / "docker" / "health.py"


@pytest.fixture(scope="module")
def check() -> dict[str, Any]:
    return runpy.run_path(str(CHECK))


def write(folder: Path, **told: object) -> Path:
    file = HealthFile(folder, lambda: told)
    file._write()
    return folder / ".health.json"


def test_a_worker_that_has_just_written_that_it_is_well_is(check: dict[str, Any], tmp_path: Path) -> None:
    assert check["has_written"](str(write(tmp_path, status="ok")))


def test_one_that_has_written_that_it_is_not_is_not(check: dict[str, Any], tmp_path: Path) -> None:
    assert not check["has_written"](str(write(tmp_path, status="degraded")))


def test_one_that_hangs_is_not(check: dict[str, Any], tmp_path: Path) -> None:
    path = write(tmp_path, status="ok")
    long_ago = path.stat().st_mtime - FRESH.total_seconds() - 1
    os.utime(path, (long_ago, long_ago))

    assert check["FRESH_SECONDS"] == FRESH.total_seconds()
    assert not check["has_written"](str(path))


def test_one_that_has_ended_leaves_nothing_that_looks_alive(check: dict[str, Any], tmp_path: Path) -> None:
    file = HealthFile(tmp_path, lambda: {"status": "ok"})
    file._write()
    file.close()

    assert not check["has_written"](str(tmp_path / ".health.json"))
    assert health_in(tmp_path) is None
