"""A real MLflow server on loopback, and its readers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from servers.mlflow_store import put_new_store
from synergos.mlops_server import server_command
from synergos_simulator.grid import FreePorts

DEADLINE = 180.0
"""Seconds: it loads slowly where cores are few."""


@contextmanager
def tracking_server(
    folder: Path,
    *,
    port: int = 0,
    python: str = sys.executable,
    settings: Mapping[str, str] | None = None,
    has_store: bool = True,
) -> Iterator[int]:
    """The port of a server, as grids have it, that runs inside the ``with`` block.

    Args:
        port: 0 for a free one.
        python: one that has MLflow; the tests' own has it without web pages.
        settings: environment variables for it.
        has_store: whether it finds a store when it starts for the first time, which takes less than to make one.
    """
    port = port or FreePorts()()
    home = folder / "server"
    is_own = python == sys.executable and "MLFLOW_BACKEND_STORE_URI" not in (settings or {})
    if has_store and is_own and not home.exists():
        put_new_store(home)
    own = {"PYTHONWARNINGS": "ignore", **(settings or {})}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            server_command(home, "127.0.0.1", port, python),
            stdout=log,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | own,
            start_new_session=True,
        )
    try:
        _until_healthy(process, port, folder / "server.log")
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(DEADLINE)


def _until_healthy(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + DEADLINE
    with requests.Session() as session:
        session.trust_env = False
        while time.monotonic() < end:
            assert process.poll() is None, log.read_text()
            try:
                if session.get(f"http://127.0.0.1:{port}/health", timeout=10).ok:
                    return
            except requests.RequestException:
                time.sleep(0.05)
    raise AssertionError(log.read_text())


def history_of(client: Any, run_id: str, metric: str) -> dict[int, float]:
    """A metric's values by step."""
    return {one.step: one.value for one in client.get_metric_history(run_id, metric)}


def runs_of(client: Any, experiment: str) -> list[Any]:
    """The runs of an experiment, oldest first; none while it is not there."""
    found = client.get_experiment_by_name(experiment)
    return list(client.search_runs([found.experiment_id], order_by=["attributes.start_time ASC"])) if found else []
