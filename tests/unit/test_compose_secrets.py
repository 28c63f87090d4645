"""The scripts that make up a grid's secrets at its first start: whole files or none."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "script", ["docker/logger/secrets.sh", "docker/metrics/secrets.sh", "manager/synergos_queue.sh"]
)
def test_no_secret_is_written_in_place(script: str) -> None:
    """Who is killed in the middle would leave half of one, which the next start takes for whole."""
    lines = [line.strip() for line in (ROOT / script).read_text().splitlines() if not line.strip().startswith("#")]
    written = [line.rpartition(" >")[2] for line in lines if " >" in line and "/dev/null" not in line]

    assert written
    assert all(file.endswith(".new") or file == '"$1.new"' for file in written), written
