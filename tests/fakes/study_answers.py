"""Studies as an orchestrator answers them."""

from __future__ import annotations

from typing import Any

SPACE = {
    "lr": {"_type": "loguniform", "_value": [0.001, 0.1]},
    "batch_size": {"_type": "choice", "_value": [16, 32]},
    "criterion": {"_type": "choice", "_value": ["BCELoss"]},
}


def trial(number: int, state: str, objective: float | None = None, **more: Any) -> dict[str, Any]:
    return {
        "number": number,
        "run_id": f"optim_run_{number}",
        "state": state,
        "hyperparameters": {"lr": 0.01, "batch_size": 16, "criterion": "BCELoss"},
        "objective": objective,
        "reason": None,
        "jobs": {"train": f"train_{number}", "validate": f"validate_{number}"},
        "progress": {"round": 3, "rounds": 5},
        "created_at": "2026-01-01T00:00:00+00:00",
        "finished_at": None,
        **more,
    }


def study(state: str, trials: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    """A study of 20 trials at most, the best of which has the highest objective."""
    tried = trials or []
    reached = [one for one in tried if one["objective"] is not None]
    best = max(reached, key=lambda one: float(one["objective"]), default=None)
    counted = ("running", "completed", "pruned", "failed", "cancelled", "skipped")
    return {
        "kind": "Study",
        "id": "s",
        "keys": {"collab_id": "c", "project_id": "p", "expt_id": "e"},
        "state": state,
        "metric": "accuracy",
        "optimize_mode": "max",
        "searcher": "TPE",
        "scheduler": None,
        "search_space": SPACE,
        "base_run": None,
        "max_trial_num": 20,
        "max_concurrent": None,
        "max_exec_duration": 3600.0,
        "seed": 42,
        "created_at": "2026-01-01T00:00:00+00:00",
        "finished_at": None,
        "error": None,
        "counts": {name: sum(one["state"] == name for one in tried) for name in counted},
        "best": best and {name: best[name] for name in ("run_id", "number", "objective", "hyperparameters")},
        "picture": None,
        "trials": tried,
        **more,
    }


def answer(data: object, **params: str) -> dict[str, Any]:
    return {"apiVersion": "0.1.0", "success": 1, "status": 200, "params": params, "data": data}


def created(study_id: str) -> dict[str, Any]:
    return answer([], collab_id="c", project_id="p", expt_id="e", study_id=study_id)
