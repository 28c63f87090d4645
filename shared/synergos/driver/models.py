"""Stage 2: training."""

from __future__ import annotations

from typing import Any

from synergos.driver.task import Task, stage_options
from synergos.driver.transport import Response, narrowed, route


class ModelTask(Task):
    """Calls about trained models."""

    def create(
        self,
        collab_id: str,
        project_id: str,
        expt_id: str | None = None,
        run_id: str | None = None,
        auto_align: bool = True,
        dockerised: bool = True,
        verbose: bool = True,
        log_msgs: bool = True,
        *,
        respond_async: bool = False,
        **kwargs: Any,
    ) -> Response:
        """Train one run, all runs of an experiment, or all runs of a project.

        On a Basic grid this answers when training is done, or at once with ``respond_async``; on a cluster it answers at
        once with no data: poll :meth:`read`.

        Args:
            auto_align: use the alignment that was agreed.
            dockerised: kept for old notebooks; without effect.
            verbose: let the workers say more in their logs.
            log_msgs: let the workers log messages.
            respond_async: do not wait: the answer's ``data`` are the jobs, for ``driver.jobs.wait(answer)``.
            kwargs: ignored, except ``log_msg``, which means ``log_msgs``.
        """
        path = self._route(collab_id, project_id, expt_id, run_id)
        options = stage_options(auto_align, dockerised, verbose, log_msgs, kwargs)
        return self._request_stage(path, options, respond_async)

    def read(self, collab_id: str, project_id: str, expt_id: str | None = None, run_id: str | None = None) -> Response:
        """Where the trained models and loss histories lie; an error (404) while there is nothing."""
        return self._get(self._route(collab_id, project_id, expt_id, run_id))

    @staticmethod
    def _route(collab_id: str, project_id: str, expt_id: str | None, run_id: str | None) -> str:
        ids = narrowed(expt_id=expt_id, run_id=run_id)
        return route("train", "collaborations", collab_id, "projects", project_id, "models", *ids)
