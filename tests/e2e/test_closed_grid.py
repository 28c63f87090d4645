"""``synergos simulate --secure --grid cluster``: a whole cycle in a grid that is closed to all it does not know, and what it keeps out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What it says of itself."""
    folder = tmp_path_factory.mktemp("closed") / "run"
    command = [sys.executable, "-m", "synergos.cli", "simulate", "--secure", "--grid", "cluster", "--dataset", "wine"]
    ended = subprocess.run(
        [*command, "--rounds", "2", "--outputs", str(folder), "--format", "json"],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    return json.loads(ended.stdout)


def test_a_cycle_is_gone_through(told: Any) -> None:
    assert [row["model"] for row in told["comparison"]] == ["federated", "alone worker_1", "alone worker_2", "pooled"]
    assert all(row["problem"] is None and row["accuracy"] > 0.3 for row in told["comparison"])


def test_each_attempt_is_made_and_comes_to_nothing(told: Any) -> None:
    proofs = {proof["attempt"]: proof for proof in told["proofs"]}

    assert all(proof["holds"] for proof in proofs.values())
    assert "this port speaks TLS" in proofs["asked by http with an account's token"]["found"]
    assert "syft.pub.yaml" in proofs["aligned for the collaboration 'elsewhere'"]["found"]
    assert "ACCESS_REFUSED" in proofs["published a job as the user of the TTPs at the queue"]["found"]
    assert len([attempt for attempt in proofs if attempt.startswith("verified the ledger of worker_")]) == 4


def test_no_token_is_in_a_log(told: Any) -> None:
    logs = "".join(path.read_text() for path in Path(told["places"]["logs"]).iterdir())

    assert "worker starts" in logs
    assert "syn_" not in logs
