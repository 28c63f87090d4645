"""What a grid's MLflow server has, by its REST interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import requests


def experiment_id(server: str, ids: Sequence[str], session: requests.Session | None = None) -> str | None:
    """The number of an experiment; None while it is not there.

    Args:
        ids: of collaboration, project and experiment; what follows is of no account.
        session: that knows who vouches for a server by TLS.
    """
    name = "_>_".join(ids[:3])
    answer = (session or requests).get(
        f"{server}/api/2.0/mlflow/experiments/get-by-name", params={"experiment_name": name}, timeout=30
    )
    return str(answer.json()["experiment"]["experiment_id"]) if answer.ok else None


def finished(server: str, ids: Sequence[str], session: requests.Session | None = None) -> list[dict[str, Any]]:
    """The runs of an experiment that have finished, the newest first."""
    wanted = {"experiment_ids": [experiment_id(server, ids, session)], "filter": "attributes.status = 'FINISHED'"}
    if wanted["experiment_ids"] == [None]:
        return []
    answer = (session or requests).post(f"{server}/api/2.0/mlflow/runs/search", json=wanted, timeout=30)
    return list(answer.json().get("runs", []))


def has_registered(server: str, model: str) -> bool:
    """Whether there is a version of a registered model."""
    answer = requests.get(f"{server}/api/2.0/mlflow/registered-models/get", {"name": model}, timeout=30)
    return answer.ok and bool(answer.json()["registered_model"].get("latest_versions"))
