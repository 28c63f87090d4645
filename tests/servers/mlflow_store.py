"""A store of MLflow's with nothing in it, as MLflow makes one by some seventy migrations: it is the same each time, and is made once."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

STORE = "mlflow.db"
_MAKING = """
import sys
from mlflow.tracking import MlflowClient
MlflowClient(sys.argv[1], sys.argv[1]).search_experiments(max_results=1)
"""


def put_new_store(folder: Path) -> None:
    """Put one into a folder that has none, and is made if it is missing; as whoever makes one themselves, for its user alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = folder / STORE
    assert not store.exists(), store
    store.touch(mode=0o600)
    store.write_bytes(_new_store())


@cache
def _new_store() -> bytes:
    with TemporaryDirectory(prefix="synergos-mlflow-") as name:
        command = [sys.executable, "-P", "-W", "ignore", "-c", _MAKING, f"sqlite:///{name}/{STORE}"]
        # Where MLflow would make a folder for files that nobody has.
        env = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
        made = subprocess.run(command, cwd=name, check=False, capture_output=True, text=True, env=env)
        assert made.returncode == 0, made.stderr[-4000:]
        return (Path(name) / STORE).read_bytes()
