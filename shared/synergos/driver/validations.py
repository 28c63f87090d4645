"""Stage 3: measuring trained models on the participants' evaluation data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from synergos.driver.confusion import ConfusionMatrix
from synergos.driver.curves import RocCurves
from synergos.driver.figures import figures_of
from synergos.driver.lists import Page
from synergos.driver.task import Task, refuse_others, stage_options
from synergos.driver.terms import Terms
from synergos.driver.transport import Response, narrowed, route


class ValidationTask(Task):
    """Calls about validations."""

    def create(
        self,
        collab_id: str,
        project_id: str,
        expt_id: str | None = None,
        run_id: str | None = None,
        participant_id: str | None = None,
        auto_align: bool = True,
        dockerised: bool = True,
        verbose: bool = False,
        log_msgs: bool = False,
        *,
        priority: int | None = None,
        respond_async: bool = False,
        **kwargs: Any,
    ) -> Response:
        """Measure the models of a project, an experiment or a run, with all participants or with one.

        Each participant measures on its own rows; only the statistics come back. The options are those of
        :meth:`synergos.driver.models.ModelTask.create`.
        """
        terms = Terms.taken_from(kwargs)
        refuse_others(self.create, kwargs, ["log_msg"])
        path = self._route(collab_id, project_id, expt_id, run_id, participant_id)
        options = stage_options(auto_align, dockerised, verbose, log_msgs, kwargs, priority)
        ids = {"collab_id": collab_id, "project_id": project_id, "expt_id": expt_id, "run_id": run_id}
        return self._request_stage("validate", ids, path, options, respond_async, terms)

    def read(
        self,
        collab_id: str,
        project_id: str,
        expt_id: str | None = None,
        run_id: str | None = None,
        participant_id: str | None = None,
        **choices: Unpack[Page],
    ) -> Response:
        """The statistics that are there; an error (404) while there are none.

        Args:
            choices: which of them, see :data:`synergos.driver.lists.Page`.
        """
        return self._list(self._route(collab_id, project_id, expt_id, run_id, participant_id), choices)

    def delete(
        self,
        collab_id: str,
        project_id: str,
        expt_id: str,
        run_id: str,
        participant_id: str | None = None,
        keep_files: bool = False,
    ) -> Response:
        """Delete the validations of a run, all or one participant's, and their files at the workers; answered as they were.

        What is at work on them is cancelled first, and waited for.

        Args:
            keep_files: leave files where they are; otherwise ``files`` of the answer says what became of them, as where a run is
                deleted.
        """
        return self._delete(self._route(collab_id, project_id, expt_id, run_id, participant_id), keep_files)

    def confusion_matrix(
        self, collab_id: str, project_id: str, expt_id: str, run_id: str, participant_id: str | None = None
    ) -> ConfusionMatrix:
        """Which classes a run's model takes for which: ``.plot()`` draws it, ``.frame`` has the counts.

        Args:
            participant_id: over whose rows; without it over those of all participants that tell theirs whole.

        Raises:
            DriverError: nothing was measured, or nobody tells a matrix; says why.
        """
        return ConfusionMatrix.of(*self._figures(collab_id, project_id, expt_id, run_id, participant_id))

    def roc(
        self, collab_id: str, project_id: str, expt_id: str, run_id: str, participant_id: str | None = None
    ) -> RocCurves:
        """How a run's model does at other thresholds: ``.plot()`` draws receiver operating characteristics, ``.plot_precision()`` precision
        over recall, ``.frame`` has the points.

        Args:
            participant_id: over whose rows; without it over those of all participants that tell theirs.

        Raises:
            DriverError: nothing was measured, or nobody tells a curve; says why.
        """
        return RocCurves.of(*self._figures(collab_id, project_id, expt_id, run_id, participant_id))

    def _figures(
        self, collab_id: str, project_id: str, expt_id: str, run_id: str, participant_id: str | None
    ) -> tuple[str, Mapping[str, object]]:
        """The figures of one participant, or of all, and what to call them."""
        found = self._found(self._route(collab_id, project_id, expt_id, run_id, participant_id))
        return figures_of(found, f"{expt_id}/{run_id}", participant_id)

    @staticmethod
    def _route(
        collab_id: str, project_id: str, expt_id: str | None, run_id: str | None, participant_id: str | None
    ) -> str:
        ids = narrowed(expt_id=expt_id, run_id=run_id, participant_id=participant_id)
        return route("evaluate", "collaborations", collab_id, "projects", project_id, "validations", *ids)
