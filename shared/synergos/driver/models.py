"""Stage 2: training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

from synergos.driver.downloads import Downloads
from synergos.driver.histories import History
from synergos.driver.history_files import Histories
from synergos.driver.lists import Page
from synergos.driver.task import Task, refuse_others, stage_options
from synergos.driver.terms import Terms
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
        priority: int | None = None,
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
            priority: of the jobs, -100 to 100; in a cluster, those of a higher one start first.
            respond_async: do not wait: the answer's ``data`` are the jobs, for ``driver.jobs.wait(answer)``.
            kwargs: ``log_msg``, which means ``log_msgs``, and ``check`` of :class:`~synergos.driver.terms.Terms`; others are refused.
        """
        terms = Terms.taken_from(kwargs)
        refuse_others(self.create, kwargs, ["log_msg"])
        path = self._route(collab_id, project_id, expt_id, run_id)
        options = stage_options(auto_align, dockerised, verbose, log_msgs, kwargs, priority)
        ids = {"collab_id": collab_id, "project_id": project_id, "expt_id": expt_id, "run_id": run_id}
        return self._request_stage("train", ids, path, options, respond_async, terms)

    def read(
        self,
        collab_id: str,
        project_id: str,
        expt_id: str | None = None,
        run_id: str | None = None,
        **choices: Unpack[Page],
    ) -> Response:
        """Where the trained models and loss histories lie; an error (404) while there is nothing.

        Args:
            choices: which of them, see :data:`synergos.driver.lists.Page`.
        """
        return self._list(self._route(collab_id, project_id, expt_id, run_id), choices)

    def delete(self, collab_id: str, project_id: str, expt_id: str, run_id: str, keep_files: bool = False) -> Response:
        """Delete a run's model with the trainings before it, all that was measured on it, and the files; answered as it was.

        What is at work on them is cancelled first, and waited for.

        Args:
            keep_files: leave files where they are; otherwise ``files`` of the answer says what became of them, as where a run is
                deleted.
        """
        return self._delete(self._route(collab_id, project_id, expt_id, run_id), keep_files)

    def versions(self, collab_id: str, project_id: str, expt_id: str, run_id: str, **choices: Unpack[Page]) -> Response:
        """The trainings of a run whose models are kept, oldest first.

        Each has its number ``version``, the ``job`` and time it was ``trained_at``, the ``definition`` it was trained from,
        ``participants`` with rows, ``figures``, and ``is_current``: whether it is the run's model as the run stands. A run
        that was changed since has none that is.

        Args:
            choices: which of them, see :data:`synergos.driver.lists.Page`.
        """
        return self._list(f"{self._route(collab_id, project_id, expt_id, run_id)}/versions", choices)

    def history(
        self, collab_id: str, project_id: str, expt_id: str, run_id: str, version: int | None = None
    ) -> History:
        """The losses of a run's training: ``history.plot()`` draws them, ``history.frame`` and ``history.table`` have them.

        Args:
            version: the number of a training, of those that :meth:`versions` lists; that of the run's model without it.

        Raises:
            DriverError: the run is not trained, or the orchestrator does not answer.
        """
        path = self._artifacts(collab_id, project_id, expt_id, run_id, version)
        key = {"collab_id": collab_id, "project_id": project_id, "expt_id": expt_id, "run_id": run_id}
        return History(key, list(Histories(self._transport, path).fetch()))

    def artifacts(
        self, collab_id: str, project_id: str, expt_id: str, run_id: str, version: int | None = None
    ) -> Response:
        """The files of a trained run: ``name``, ``bytes``, ``sha256``, ``media_type`` and ``etag`` of each.

        Args:
            version: the number of a training; that of the run's model without it.
        """
        return self._get(self._artifacts(collab_id, project_id, expt_id, run_id, version))

    def download(
        self,
        collab_id: str,
        project_id: str,
        expt_id: str,
        run_id: str,
        names: Sequence[str] | None = None,
        *,
        to: str | Path,
        version: int | None = None,
    ) -> dict[str, Path]:
        """Have the files of a trained run in a folder: models, loss histories, manifest; :func:`synergos.load_model` reads it.

        Each is checked against its SHA-256 and put in its place only when it is whole. A download that broke off is gone
        on with, in this call or the next; a file that is there already is not asked for again. When the run is trained
        again meanwhile, the files are those of the new training.

        Args:
            names: which files; None for all there are.
            to: the folder; made when it is not there.
            version: the number of a training, of those that :meth:`versions` lists; that of the run's model without it.

        Returns:
            Where each file is, by name.

        Raises:
            UsageError: there is no file of a name.
            DriverError: a file cannot be had whole, or not be written; what was there before is untouched.
        """
        path = self._artifacts(collab_id, project_id, expt_id, run_id, version)
        return Downloads(self._transport, path, Path(to)).fetch(names)

    @classmethod
    def _artifacts(cls, collab_id: str, project_id: str, expt_id: str, run_id: str, version: int | None) -> str:
        ids = () if version is None else ("versions", str(version))
        return f"{cls._route(collab_id, project_id, expt_id, run_id, *ids)}/artifacts"

    @staticmethod
    def _route(collab_id: str, project_id: str, expt_id: str | None, run_id: str | None, *more: str) -> str:
        ids = narrowed(expt_id=expt_id, run_id=run_id)
        return route("train", "collaborations", collab_id, "projects", project_id, "models", *ids, *more)
