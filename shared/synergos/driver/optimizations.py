"""Stage 2 on a cluster: looking for good hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synergos.driver.task import Task
from synergos.driver.transport import Response, route


class OptimizationTask(Task):
    """Calls about hyperparameter tuning; a Basic grid answers them with an error (403)."""

    def create(
        self,
        collab_id: str,
        project_id: str,
        expt_id: str,
        search_space: Mapping[str, Mapping[str, Any]],
        metric: str,
        optimize_mode: str,
        trial_concurrency: int = 1,
        max_exec_duration: str | int = "1h",
        max_trial_num: int = 10,
        is_remote: bool = True,
        use_annotation: bool = True,
        auto_align: bool = True,
        dockerised: bool = True,
        verbose: bool = True,
        log_msgs: bool = True,
        **kwargs: Any,
    ) -> Response:
        """Try several sets of hyperparameters on one experiment.

        Args:
            search_space: by hyperparameter, ``{"_type": <how to draw>, "_value": [<from what>]}``; for example
                ``{"lr": {"_type": "loguniform", "_value": [0.0001, 0.1]}}``.
            metric: the name of the statistic to go by.
            optimize_mode: ``max`` or ``min``.
            trial_concurrency: how many sets are tried at the same time.
            max_exec_duration: for how long new ones are started: ``"30m"``, ``"1h"``, or seconds.
            max_trial_num: how many sets are tried.
            kwargs: sent along (``backend``, ``max_concurrent``, ``scheduler``, ``searcher``, …); ``log_msg`` means
                ``log_msgs``.
        """
        others = dict(kwargs)
        payload = {
            "search_space": search_space,
            "metric": metric,
            "optimize_mode": optimize_mode,
            "trial_concurrency": trial_concurrency,
            "max_exec_duration": max_exec_duration,
            "max_trial_num": max_trial_num,
            "is_remote": is_remote,
            "use_annotation": use_annotation,
            "auto_align": auto_align,
            "dockerised": dockerised,
            "verbose": verbose,
            "log_msgs": others.pop("log_msg", log_msgs),
        }
        return self._post(self._route(collab_id, project_id, expt_id), payload | others)

    def read(self, collab_id: str, project_id: str, expt_id: str) -> Response:
        """What the tried sets reached so far; an error (404) while there is nothing."""
        return self._get(self._route(collab_id, project_id, expt_id))

    @staticmethod
    def _route(collab_id: str, project_id: str, expt_id: str) -> str:
        ids = (collab_id, "projects", project_id, "models", expt_id)
        return route("train", "collaborations", *ids, "optimizations") + "/"
